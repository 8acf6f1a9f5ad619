"""Iterators of captchas, masks as labels, several iterators as one."""

import os
import random
import sys

import cv2
import mxnet as mx
import numpy as np

d, o = sys.argv[1:]
mx.random.seed(128)
random.seed(1)
np.random.seed(1)


class Batch(object):
    def __init__(self, data_names, data, label_names, label):
        self.data, self.label, self.data_names, self.label_names = data, label, data_names, label_names

    @property
    def provide_data(self):
        return [(n, x.shape) for n, x in zip(self.data_names, self.data)]

    @property
    def provide_label(self):
        return [(n, x.shape) for n, x in zip(self.label_names, self.label)]


class OCRIter(mx.io.DataIter):
    def __init__(self, count, batch_size, num_label, init_states):
        super(OCRIter, self).__init__()
        self.batch_size, self.count, self.num_label, self.init_states = batch_size, count, num_label, init_states
        self.init_state_arrays = [mx.nd.zeros(x[1]) for x in init_states]
        self.provide_data = [("data", (batch_size, 80 * 30))] + init_states
        self.provide_label = [("label", (self.batch_size, 4))]

    def __iter__(self):
        names = [x[0] for x in self.init_states]
        for k in range(self.count // self.batch_size):
            data, label = [], []
            for i in range(self.batch_size):
                img = cv2.resize(np.full((30, 80, 3), 7 * i, np.uint8), (80, 30)).transpose(1, 0, 2)[..., 0].reshape(80 * 30) / 255.0
                data.append(img)
                label.append([1, 2, 3, 0])
            data_all = [mx.nd.array(data)] + self.init_state_arrays
            yield Batch(["data"] + names, data_all, ["label"], [mx.nd.array(label)])

    def reset(self):
        pass


for b in OCRIter(4, 2, 4, [("l0", (2, 3))]):
    print(b.provide_data, b.provide_label, b.data[0].asnumpy()[1, :2].round(4))
w = mx.recordio.MXIndexedRecordIO(os.path.join(o, "s.idx"), os.path.join(o, "s.rec"), "w")
for i in range(4):
    img = np.full((20, 24, 3), i * 20, dtype=np.uint8)
    mask = np.zeros((20, 24), np.uint8)
    mask[5:10] = i
    packed = mx.recordio.pack_img(mx.recordio.IRHeader(0, mask.flatten().astype(np.float32), i, 0), img, quality=9, img_fmt=".png")
    w.write_idx(i, packed)
w.close()
it = mx.io.ImageRecordIter(
    path_imgrec=os.path.join(o, "s.rec"),
    path_imgidx=os.path.join(o, "s.idx"),
    data_shape=(3, 20, 24),
    label_width=480,
    batch_size=2,
    shuffle=False,
)
for b in it:
    print(b.data[0].shape, b.label[0].shape, b.label[0].asnumpy().sum(axis=1), b.pad)
it = mx.image.ImageIter(2, (3, 20, 24), label_width=480, path_imgrec=os.path.join(o, "s.rec"), path_imgidx=os.path.join(o, "s.idx"))
for b in it:
    print(b.label[0].shape, b.data[0].asnumpy().mean(axis=(1, 2, 3)))
r = mx.recordio.MXIndexedRecordIO(os.path.join(o, "s.idx"), os.path.join(o, "s.rec"), "r")
h, im = mx.recordio.unpack_img(r.read_idx(3))
print(h.label.reshape(20, 24)[6, 0], im[0, 0], h.flag, im.flags.writeable, h.label.flags.writeable)
h = h._replace(label=1.0)
print(mx.recordio.unpack(mx.recordio.pack(h, b""))[0])
print(mx.recordio.unpack(mx.recordio.pack((0, 7, 8, 9), b"q")), mx.recordio.pack(mx.recordio.IRHeader(5, 7, 8, 9), b"").hex())
ds = mx.gluon.data.vision.ImageRecordDataset(os.path.join(o, "s.rec"))
x, y = ds[2]
print(x.shape, y.shape, type(y).__name__, y.dtype)
ld = mx.gluon.data.DataLoader(ds, 2, num_workers=1)
print([(x.shape, y.shape, y.dtype) for x, y in ld])


class Two(mx.io.DataIter):
    def __init__(self, its):
        super().__init__()
        self.its = its
        self.batch_size = its[0].batch_size

    @property
    def provide_data(self):
        return sum([i.provide_data for i in self.its], [])

    @property
    def provide_label(self):
        return sum([i.provide_label for i in self.its], [])

    def reset(self):
        [i.reset() for i in self.its]

    def next(self):
        bs = [i.next() for i in self.its]
        return mx.io.DataBatch(data=sum([b.data for b in bs], []), label=sum([b.label for b in bs], []), pad=bs[0].pad)


t = Two([mx.io.NDArrayIter(np.zeros((4, 2)), np.arange(4), 2, data_name="a"), mx.io.NDArrayIter(np.ones((4, 3)), None, 2, data_name="b")])
print(t.provide_data, [[x.shape for x in b.data] for b in t])
t.reset()
print([len(b.label) for b in mx.io.ResizeIter(t, 3)])
