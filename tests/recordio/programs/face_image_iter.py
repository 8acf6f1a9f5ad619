"""A DataIter of one's own over a face-recognition file, as training code for MXNet has it, with prefetching and NDArrayIter."""

import random
import sys

import mxnet as mx
import numpy as np
from mxnet import io, nd, recordio
from mxnet.ndarray._internal import _cvimresize as imresize

folder = sys.argv[1]


class FaceImageIter(io.DataIter):
    def __init__(self, batch_size, data_shape, path_imgrec, shuffle=False, rand_mirror=False, data_name="data", label_name="softmax_label"):
        super().__init__()
        path_imgidx = path_imgrec[0:-4] + ".idx"
        self.imgrec = recordio.MXIndexedRecordIO(path_imgidx, path_imgrec, "r")
        s = self.imgrec.read_idx(0)
        header, _ = recordio.unpack(s)
        self.header0 = (int(header.label[0]), int(header.label[1]))
        self.seq = list(range(1, int(header.label[0])))
        self.id2range = {}
        for identity in range(int(header.label[0]), int(header.label[1])):
            header, _ = recordio.unpack(self.imgrec.read_idx(identity))
            self.id2range[identity] = (int(header.label[0]), int(header.label[1]))
        self.batch_size = batch_size
        self.data_shape = data_shape
        self.shuffle = shuffle
        self.rand_mirror = rand_mirror
        self.provide_data = [(data_name, (batch_size, *data_shape))]
        self.provide_label = [(label_name, (batch_size,))]
        self.cur = 0
        self.reset()

    def reset(self):
        self.cur = 0
        if self.shuffle:
            random.shuffle(self.seq)

    def next_sample(self):
        if self.cur >= len(self.seq):
            raise StopIteration
        idx = self.seq[self.cur]
        self.cur += 1
        header, img = recordio.unpack(self.imgrec.read_idx(idx))
        label = header.label
        if not isinstance(label, float):
            label = label[0]
        return label, img

    def next(self):
        batch_data = nd.empty((self.batch_size, *self.data_shape))
        batch_label = nd.empty((self.batch_size,))
        i = 0
        try:
            while i < self.batch_size:
                label, s = self.next_sample()
                data = mx.image.imdecode(s)
                data = imresize(data, self.data_shape[2], self.data_shape[1])
                if self.rand_mirror and random.random() < 0.5:
                    data = mx.ndarray.flip(data=data, axis=1)
                data = (data.astype("float32") - 127.5) * 0.0078125
                batch_data[i][:] = nd.transpose(data, axes=(2, 0, 1))
                batch_label[i][:] = label
                i += 1
        except StopIteration:
            if i < self.batch_size:
                raise
        return io.DataBatch([batch_data], [batch_label], self.batch_size - i)


train = FaceImageIter(3, (3, 16, 16), folder + "/identities.rec", shuffle=True, rand_mirror=True)
print(train.header0, sorted(train.id2range.items()))
for wrapped in (train, mx.io.PrefetchingIter(FaceImageIter(3, (3, 16, 16), folder + "/identities.rec"))):
    wrapped.reset()
    for batch in wrapped:
        data = batch.data[0]
        print(data.shape, bool(abs(data.asnumpy()).max() <= 1), batch.label[0].asnumpy().dtype, len(batch.label[0].asnumpy()), batch.pad)

labels = nd.array([0, 1, 2, 3, 4])
it = mx.io.NDArrayIter(data=nd.arange(20).reshape((5, 4)), label=labels, batch_size=2, last_batch_handle="pad")
print([(d.name, d.shape) for d in it.provide_data + it.provide_label])
for batch in it:
    print(batch.data[0].asnumpy().tolist(), batch.label[0].asnumpy().tolist(), batch.pad)
resized = mx.io.ResizeIter(it, 5)
print(sum(1 for _ in resized))
print(mx.io.NDArrayIter({"a": np.zeros((4, 2)), "b": np.ones((4, 3))}, batch_size=4).next().data[1].asnumpy().sum())
