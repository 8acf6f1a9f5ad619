"""Readers in processes and in a DataLoader with workers."""

import multiprocessing as mp
import os
import sys
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor

import mxnet as mx
import numpy as np

d, o = sys.argv[1:]
rec = None


def init(idx, path):
    global rec
    rec = mx.recordio.MXIndexedRecordIO(idx, path, "r")


def work(k):
    h, b = mx.recordio.unpack(rec.read_idx(k))
    im = mx.image.imdecode(b)
    return k, h.label, im.shape, int(im.asnumpy().sum())


def conv(a):
    return (a[0], mx.recordio.pack(a[1], a[2]))


class DS:
    def __init__(self, p):
        self.r = mx.recordio.MXIndexedRecordIO(p + "/cifar.idx", p + "/cifar.rec", "r")

    def __getitem__(self, i):
        return mx.recordio.unpack(self.r.read_idx(i))[0].label

    def __len__(self):
        return len(self.r.keys)


def get(a):
    return a[0][a[1]]


if __name__ == "__main__":
    with mp.get_context("spawn").Pool(2, init, (d + "/cifar.idx", d + "/cifar.rec")) as p:
        print(p.map(work, range(5)))
    with mp.get_context("fork").Pool(2, init, (d + "/cifar.idx", d + "/cifar.rec")) as p:
        print(p.map(work, range(5)))
    init(d + "/cifar.idx", d + "/cifar.rec")
    print([work(k)[1] for k in range(5)])
    ds = DS(d)
    with mp.get_context("spawn").Pool(2) as p:
        print(p.map(get, [(ds, i) for i in range(4)]))
    from mxnet import gluon

    class G(gluon.data.Dataset):
        def __init__(self):
            self.ds = ds

        def __len__(self):
            return len(ds)

        def __getitem__(self, i):
            return mx.nd.ones((2, 3)) * i, np.array([i, i]), float(self.ds[i]), "x" if False else i

    for b in gluon.data.DataLoader(G(), 4, num_workers=2, last_batch="discard"):
        print([(type(x).__name__, x.shape, x.dtype, x.asnumpy().tolist() if x.ndim < 2 else x[1].asnumpy().tolist()) for x in b])
    # One thread: MXNet's reader seeks and then reads, so two threads that share it would read each other's records.
    for b in gluon.data.DataLoader(G(), 4, num_workers=1, thread_pool=True, last_batch="rollover"):
        print(b[2].asnumpy())
