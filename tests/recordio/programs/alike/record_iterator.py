"""ImageRecordIter with its parameters, and what it raises."""

import sys

import mxnet as mx
import numpy as np

d = sys.argv[1]
it = mx.io.ImageRecordIter(
    path_imgrec=d + "/cifar.rec",
    path_imgidx=d + "/cifar.idx",
    data_shape=(3, 28, 28),
    batch_size=4,
    preprocess_threads=2,
    prefetch_buffer=2,
    round_batch=True,
    mean_r=10.0,
    mean_g=20,
    mean_b=30,
    std_r=2,
    std_g=3,
    std_b=4,
    scale=0.5,
    data_name="data",
    label_name="softmax_label",
)
print(it.provide_data, it.provide_label, it.batch_size)
for e in range(1):
    for b in it:
        print(b.data[0].shape, b.data[0].dtype, b.label[0].asnumpy().tolist(), b.pad, b.data[0].asnumpy()[0, :, 0, 0].round(3).tolist())
it = mx.io.ImageRecordIter(path_imgrec=d + "/cifar.rec", path_imgidx=d + "/cifar.idx", data_shape=(3, 28, 28), batch_size=5)
for nbatch, batch in enumerate(it, 1):
    x, y = batch.data[0], batch.label[0]
    print(nbatch, x[0].shape, int(y[0].asscalar()))
it = mx.io.ImageRecordUInt8Iter(path_imgrec=d + "/mnist.rec", data_shape=(1, 28, 28), batch_size=5)
b = it.next()
print(b.data[0].dtype, b.data[0].shape, int(b.data[0].asnumpy().sum()), b.label[0].asnumpy())
it = mx.io.ImageRecordIter_v1(path_imgrec=d + "/multi.rec", data_shape=(3, 32, 32), batch_size=2, label_width=3, resize=32)
try:
    b = it.next()
    print(b.label[0].asnumpy().tolist())
except Exception as e:
    print(type(e).__name__)
it = mx.io.ImageRecordIter(
    path_imgrec=d + "/cifar.rec", path_imgidx=d + "/cifar.idx", data_shape=(3, 28, 28), batch_size=2, num_parts=2, part_index=1
)
print([b.label[0].asnumpy().tolist() for b in it])


print(isinstance(it, mx.io.DataIter), isinstance(it, mx.io.MXDataIter))
try:
    mx.io.ImageRecordIter(path_imgrec="/no/such.rec", data_shape=(3, 8, 8), batch_size=2)
except mx.base.MXNetError as e:
    print("MXNetError")
try:
    mx.io.ImageRecordIter(path_imgrec=d + "/cifar.rec", batch_size=2)
except mx.MXNetError as e:
    print("MXNetError 2")
