"""What MXNet's guide to RecordIO shows: records in order, by key, with headers and images."""

import sys

import mxnet as mx
import numpy as np
from mxnet import recordio

folder = sys.argv[1]
record = mx.recordio.MXRecordIO(folder + "/tmp.rec", "w")
for i in range(5):
    record.write(b"record_%d" % i)
record.close()

record = mx.recordio.MXRecordIO(folder + "/tmp.rec", "r")
while True:
    item = record.read()
    if not item:
        break
    print(item)
record.close()

record = mx.recordio.MXIndexedRecordIO(folder + "/tmp2.idx", folder + "/tmp2.rec", "w")
for i in range(5):
    record.write_idx(i, b"record_%d" % i)
record.close()
record = mx.recordio.MXIndexedRecordIO(folder + "/tmp2.idx", folder + "/tmp2.rec", "r")
print(record.read_idx(3), record.keys)

label1, label2, data = 1.0, [1.0, 2.0, 3.0], b"data"
header = recordio.IRHeader(0, label1, 1, 0)
s1 = recordio.pack(header, data)
s2 = recordio.pack(recordio.IRHeader(0, label2, 2, 0), data)
print(recordio.unpack(s1), recordio.unpack(s2))
image = np.full((20, 30, 3), (0, 0, 255), np.uint8)
header, decoded = recordio.unpack_img(recordio.pack_img(header, image, quality=9, img_fmt=".png"))
print(header, decoded.shape, decoded[0, 0].tolist())
array = mx.image.imdecode(recordio.unpack(recordio.pack_img(header, image, img_fmt=".png"))[1])
print(array.shape, array.dtype, array[0, 0].asnumpy().tolist(), type(array).__name__)
print(mx.__version__, mx.cpu(), mx.gpu(1))
