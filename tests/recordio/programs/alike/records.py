"""Records in order and by key, headers, images, what is raised."""

import os
import sys

import mxnet as mx
import numpy as np
from mxnet.recordio import IRHeader, MXIndexedRecordIO, MXRecordIO, pack, pack_img, unpack, unpack_img

d, o = sys.argv[1:]
record = mx.recordio.MXRecordIO(o + "/tmp.rec", "w")
print(record, type(record).__name__) if False else None
for i in range(5):
    record.write(bytes("record_%d" % i, "utf-8"))
record.close()
record = mx.recordio.MXRecordIO(o + "/tmp.rec", "r")
for i in range(5):
    print(record.read())
print(record.read(), record.read())
record.reset()
print(record.read())
record.close()
record.open()
print(record.read())
record.close()
rec = MXIndexedRecordIO(o + "/i.idx", o + "/i.rec", "w")
for i in range(5):
    rec.write_idx(i * 2, b"record_%d" % i)
print(rec.tell(), rec.keys, rec.idx, rec.key_type)
rec.close()
print(open(o + "/i.idx").read().split())
rec = MXIndexedRecordIO(o + "/i.idx", o + "/i.rec", "r")
print(rec.keys, rec.idx, rec.read_idx(4))
rec.seek(2)
print(rec.read(), rec.read())
rec = MXIndexedRecordIO(o + "/s.idx", o + "/s.rec", "w", str)
for k in ("a", "b"):
    rec.write_idx(k, k.encode() * 5)
rec.close()
rec = MXIndexedRecordIO(o + "/s.idx", o + "/s.rec", "r", key_type=str)
print(rec.keys, rec.read_idx("b"))
for lab in (4, 4.5, [1, 2, 3], np.array([1.0, 2.0]), (1, 2), np.float32(3), np.int64(7), True):
    s = pack(IRHeader(0, lab, 2574, 0), b"xyz")
    print(len(s), unpack(s))
h = IRHeader(0, 1, 2, 3)
print(h, h._replace(label=9), h[1], h.label, list(h), h == (0, 1, 2, 3), type(h).__name__, h._fields)
img = np.zeros((10, 12, 3), np.uint8)
img[:, :6] = (255, 0, 10)
for kw in (dict(quality=95, img_fmt=".jpg"), dict(quality=3, img_fmt=".png"), dict(img_fmt=".JPEG"), {}):
    s = pack_img(h, img, **kw)
    hh, im = unpack_img(s)
    print(hh, im.shape, im.dtype, im[0, 0].tolist(), len(s))
for c in (-1, 0, 1):
    print(unpack_img(s, c)[1].shape, unpack_img(s, iscolor=c)[1].dtype)
print(mx.recordio._IR_FORMAT, mx.recordio._IR_SIZE)
try:
    MXRecordIO(o + "/x.rec", "q")
except ValueError as e:
    print("ValueError")
for f in (lambda: MXRecordIO("/no/such", "r"), lambda: MXIndexedRecordIO("/no/i", d + "/cifar.rec", "r")):
    try:
        f()
    except (mx.base.MXNetError, FileNotFoundError) as e:
        print("caught")
try:
    pack(IRHeader(0, "text", 0, 0), b"")
except ValueError:
    print("ValueError")
r = MXRecordIO(o + "/tmp.rec", "r")
try:
    r.write(b"x")
except AssertionError:
    print("AssertionError")
n = 0
r = MXRecordIO(d + "/train.rec", "r")
while True:
    item = r.read()
    if not item:
        break
    header, im = unpack_img(item, 1)
    n += 1
    print(header.id, header.label, im.shape)
del r
import io as _io

print(n)
