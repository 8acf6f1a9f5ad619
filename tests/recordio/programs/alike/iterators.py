"""NDArrayIter, CSVIter, ResizeIter, PrefetchingIter, DataBatch, and an iterator of its own."""

import sys

import mxnet as mx
import numpy as np
from mxnet.io import DataBatch, DataDesc, DataIter, NDArrayIter

d, o = sys.argv[1:]
data = np.arange(40).reshape((10, 2, 2)).astype("float32")
for h in ("pad", "discard", "roll_over"):
    it = mx.io.NDArrayIter(data, np.arange(10), 3, last_batch_handle=h)
    for e in range(2):
        it.reset()
        for b in it:
            print(h, e, b.data[0].asnumpy()[:, 0, 0], b.label[0].asnumpy(), b.pad, b.index)
it = mx.io.NDArrayIter(
    {"data1": np.zeros((10, 1)), "data2": np.ones((10, 2))},
    {"label1": np.arange(10), "label2": np.arange(10) * 2},
    batch_size=5,
    shuffle=False,
)
print(it.provide_data, it.provide_label)
for b in it:
    print([x.shape for x in b.data], [x.asnumpy().tolist() for x in b.label])
it = NDArrayIter(mx.nd.array(data), None, 4)
print(it.provide_data, it.provide_label, it.next().label)
np.savetxt(o + "/d.csv", np.arange(24).reshape(8, 3), delimiter=",")
np.savetxt(o + "/l.csv", np.arange(8), delimiter=",")
c = mx.io.CSVIter(data_csv=o + "/d.csv", data_shape=(3,), label_csv=o + "/l.csv", label_shape=(1,), batch_size=3)
for b in c:
    print(b.data[0].asnumpy().tolist(), b.label[0].asnumpy().tolist(), b.pad)
c = mx.io.CSVIter(data_csv=o + "/d.csv", data_shape=(3,), batch_size=3, round_batch=False)
for b in c:
    print(b.data[0].asnumpy()[: 3 - b.pad].tolist(), b.pad)
r = mx.io.ResizeIter(NDArrayIter(data, np.arange(10), 5), 3)
print([b.label[0].asnumpy().tolist() for b in r], r.provide_data)
p = mx.io.PrefetchingIter(
    [NDArrayIter(data, np.arange(10), 5), NDArrayIter(data, np.arange(10), 5, label_name="l2")],
    rename_data=[{"data": "d1"}, {"data": "d2"}],
    rename_label=[{"softmax_label": "a"}, {"l2": "b"}],
)
print(p.provide_data, p.provide_label)
for b in p:
    print(len(b.data), len(b.label), b.pad)


class SimpleIter(mx.io.DataIter):
    def __init__(self, names, shapes, gen, lnames, lshapes, lgen, num=3):
        self._provide_data = list(zip(names, shapes))
        self._provide_label = list(zip(lnames, lshapes))
        self.num_batches = num
        self.data_gen = gen
        self.label_gen = lgen
        self.cur_batch = 0

    def __iter__(self):
        return self

    def reset(self):
        self.cur_batch = 0

    def __next__(self):
        return self.next()

    @property
    def provide_data(self):
        return self._provide_data

    @property
    def provide_label(self):
        return self._provide_label

    def next(self):
        if self.cur_batch < self.num_batches:
            self.cur_batch += 1
            data = [mx.nd.array(g(d[1])) for d, g in zip(self._provide_data, self.data_gen)]
            label = [mx.nd.array(g(d[1])) for d, g in zip(self._provide_label, self.label_gen)]
            return mx.io.DataBatch(data, label)
        raise StopIteration


s = SimpleIter(["data"], [(4, 2)], [np.ones], ["l"], [(4,)], [np.zeros])
for b in s:
    print(b)
print(DataDesc("data", (2, 3)), DataDesc("x", (1,), np.uint8, "N"), DataDesc.get_batch_axis("TNC"), DataDesc("a", (1, 2)) == ("a", (1, 2)))
b = DataBatch(data=[mx.nd.zeros((2, 3))], label=[mx.nd.ones((2,))], pad=1, provide_data=[("data", (2, 3))])
print(b.provide_data, b.bucket_key, b.index)
