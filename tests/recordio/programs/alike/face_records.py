"""A face-recognition dataset for PyTorch: records by key, the header record, pickling."""

import numbers
import os
import queue as Queue
import sys
import threading

import mxnet as mx
import numpy as np


class MXFaceDataset:
    def __init__(self, root):
        rec = os.path.join(root, "faces.rec")
        idx = os.path.join(root, "faces.idx")
        self.imgrec = mx.recordio.MXIndexedRecordIO(idx, rec, "r")
        s = self.imgrec.read_idx(0)
        header, _ = mx.recordio.unpack(s)
        print(header, header.flag > 0, type(header.label), header.label.dtype)
        self.header0 = (int(header.label[0]), int(header.label[1]))
        self.imgidx = np.array(range(1, int(header.label[0])))

    def __getitem__(self, i):
        s = self.imgrec.read_idx(self.imgidx[i])
        header, img = mx.recordio.unpack(s)
        label = header.label
        if not isinstance(label, numbers.Number):
            label = label[0]
        return mx.image.imdecode(img).asnumpy(), label, type(header.label).__name__

    def __len__(self):
        return len(self.imgidx)


ds = MXFaceDataset(sys.argv[1])
for i in range(len(ds)):
    a, l, t = ds[i]
    print(i, a.shape, a.dtype, l, t, type(l).__name__, a.flags.writeable, a.flags.c_contiguous)
print(
    sorted(ds.imgrec.keys)[:3],
    list(ds.imgrec.idx)[:3],
    ds.imgrec.key_type,
    ds.imgrec.uri.value if hasattr(ds.imgrec.uri, "value") else ds.imgrec.uri,
    ds.imgrec.flag,
    ds.imgrec.writable,
    ds.imgrec.is_open,
)
# read() goes on after read_idx
s = ds.imgrec.read_idx(0)
n = ds.imgrec.read()
print(n is None)
ds.imgrec.reset()
h, i = mx.recordio.unpack(ds.imgrec.read())
print(h.id, len(i))
try:
    ds.imgrec.read_idx(99)
except KeyError:
    print("KeyError")
import copy
import pickle

again = pickle.loads(pickle.dumps(ds))
print(len(again), again[2][0].shape, again[2][1])
