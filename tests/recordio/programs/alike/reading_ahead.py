"""Records in a thread of the program, subclasses of the record files, NDArrayIter step by step."""

import os
import pickle
import queue
import sys
import threading

import mxnet as mx
import mxnet.gluon.data.dataloader as dataloader
import numpy as np
from mxnet import context, gluon, image, io, nd, recordio
from mxnet.ndarray._internal import _cvcopyMakeBorder as copyMakeBorder
from mxnet.ndarray._internal import _cvimresize as imresize

d, o = sys.argv[1:]


class BackgroundGenerator(threading.Thread):
    def __init__(self, generator, max_prefetch=6):
        super().__init__()
        self.queue = queue.Queue(max_prefetch)
        self.generator = generator
        self.daemon = True
        self.start()

    def run(self):
        for item in self.generator:
            self.queue.put(item)
        self.queue.put(None)

    def __iter__(self):
        return self

    def __next__(self):
        n = self.queue.get()
        if n is None:
            raise StopIteration
        return n


r = recordio.MXIndexedRecordIO(d + "/faces.idx", d + "/faces.rec", "r")
print([x for x in BackgroundGenerator(recordio.unpack(r.read_idx(k))[0].id for k in range(1, 5))])
im = image.imdecode(recordio.unpack(r.read_idx(1))[1])
print(imresize(im, 10, 12).shape, copyMakeBorder(im, 1, 1, 2, 2).shape, imresize(im, 10, 12, interp=1).shape)
print(mx.nd.imresize if False else "", mx.image.imresize(im, 10, 12).shape)
w = recordio.MXRecordIO(o + "/w.rec", "w")
[w.write(recordio.pack(recordio.IRHeader(0, i, i, 0), b"x" * i)) for i in range(4)]
w.close()


class Reader(recordio.MXRecordIO):
    def __iter__(self):
        while True:
            s = self.read()
            if s is None:
                return
            yield recordio.unpack(s)


print([(h.id, len(s)) for h, s in Reader(o + "/w.rec", "r")])


class Writer(recordio.MXIndexedRecordIO):
    def __init__(self, idx, rec):
        super(Writer, self).__init__(idx, rec, "w")
        self.n = 0

    def add(self, label, s):
        self.write_idx(self.n, recordio.pack(recordio.IRHeader(0, label, self.n, 0), s))
        self.n += 1


w = Writer(o + "/v.idx", o + "/v.rec")
w.add(1, b"abc")
w.add([1, 2], b"d")
w.close()
w.close()
r2 = recordio.MXIndexedRecordIO(o + "/v.idx", o + "/v.rec", "r")
print([recordio.unpack(r2.read_idx(k)) for k in r2.keys])
import struct

print(struct.calcsize(recordio._IR_FORMAT), recordio.IRHeader._fields, recordio.IRHeader.__name__)
print(isinstance(r.handle, object), r.uri is not None, r.idx_path == d + "/faces.idx", str(r.uri) != "")
data = [nd.array(np.arange(12).reshape(3, 4)), nd.array([[1], [2], [3]])]
it = io.NDArrayIter({"a": data[0]}, {"l": data[1]}, 2, shuffle=False, last_batch_handle="discard")
print([(b.data[0].asnumpy().tolist(), b.label[0].asnumpy().tolist()) for b in it])
it.reset()
print(it.iter_next(), it.getdata()[0].shape, it.getlabel()[0].shape, it.getpad(), it.getindex(), it.cursor, it.num_data, it.batch_size)
