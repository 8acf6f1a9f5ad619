"""A record dataset for detection, its batches stacked and padded."""

import os
import sys

import mxnet as mx
import numpy as np
from mxnet import gluon
from mxnet.gluon.data import dataset


class RecordFileDetection(gluon.data.vision.ImageRecordDataset):
    def __init__(self, filename, coord_normalized=True):
        super(RecordFileDetection, self).__init__(filename)
        self._coord_normalized = coord_normalized

    def __getitem__(self, idx):
        img, label = super(RecordFileDetection, self).__getitem__(idx)
        h, w, _ = img.shape
        label = self._transform_label(label, h, w)
        return img, label

    @property
    def classes(self):
        return ["a", "b"]

    def _transform_label(self, label, height=None, width=None):
        label = np.array(label).ravel()
        header_len = int(label[0])
        label_width = int(label[1])
        if label_width < 5:
            raise ValueError("Label info for each object should >= 5, given {}".format(label_width))
        min_len = header_len + 5
        if len(label) < min_len:
            raise ValueError("x")
        if (len(label) - header_len) % label_width:
            raise ValueError("Broken label of size {}, cannot reshape into (N, {})".format(len(label), label_width))
        gcv_label = label[header_len:].reshape(-1, label_width)
        gcv_label = np.hstack((gcv_label[:, 1:5], gcv_label[:, 0:1], gcv_label[:, 5:]))
        if self._coord_normalized:
            gcv_label[:, [0, 2]] *= width
            gcv_label[:, [1, 3]] *= height
        return gcv_label


ds = RecordFileDetection(sys.argv[1] + "/det.rec")
print(len(ds), ds.filename, ds.idx_file)
for i in range(len(ds)):
    img, lab = ds[i]
    print(type(img).__name__, img.shape, img.dtype, lab.round(3).tolist())


class Stack:
    def __call__(self, data):
        return mx.nd.stack(*[d if isinstance(d, mx.nd.NDArray) else mx.nd.array(d) for d in data])


class Pad:
    def __init__(self, val=-1):
        self.val = val

    def __call__(self, data):
        n = max(d.shape[0] for d in data)
        ret = mx.nd.full((len(data), n, data[0].shape[1]), self.val, dtype=data[0].dtype)
        for i, d in enumerate(data):
            ret[i, : d.shape[0]] = d
        return ret


def batchify(items):
    imgs, labs = zip(*items)
    return Stack()(imgs), Pad()(labs)


class Default:
    def __call__(self, src, label):
        img = mx.image.imresize(src, 32, 32, 1)
        img = mx.nd.image.to_tensor(img)
        img = mx.nd.image.normalize(img, mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.225))
        return img, label.astype(img.dtype)


for nw in (0, 2):
    loader = gluon.data.DataLoader(ds.transform(Default()), 4, False, last_batch="rollover", batchify_fn=batchify, num_workers=nw)
    for x, y in loader:
        print(x.shape, x.dtype, y.shape, y.asnumpy()[:, -1].round(2).tolist(), round(float(x.mean().asscalar()), 2))
a, b = gluon.utils.split_and_load(x, ctx_list=[mx.cpu(0)], batch_axis=0), mx.cpu()
print(len(a), a[0].context, b)
x, y = ds[0]
flipped = mx.nd.flip(x, axis=1)
print(flipped.shape, x.shape, (flipped.asnumpy() == x.asnumpy()[:, ::-1]).all())
