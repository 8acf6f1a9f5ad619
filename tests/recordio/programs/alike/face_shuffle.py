"""The records of a face-recognition file in another order, in a new file."""

import os
import random
import sys
import time

import mxnet as mx


def main(src, dst):
    ds = dst
    imgrec = mx.recordio.MXIndexedRecordIO(os.path.join(src, "faces.idx"), os.path.join(src, "faces.rec"), "r")
    s = imgrec.read_idx(0)
    header, _ = mx.recordio.unpack(s)
    assert header.flag > 0
    print("header0 label", header.label)
    header0 = (int(header.label[0]), int(header.label[1]))
    imgidx = list(range(1, int(header.label[0])))
    id2range = {}
    seq = []
    for identity in range(header0[0], header0[1]):
        s = imgrec.read_idx(identity)
        h, _ = mx.recordio.unpack(s)
        a, b = int(h.label[0]), int(h.label[1])
        id2range[identity] = (a, b)
        seq += range(a, b)
    print(id2range, seq)
    random.seed(3)
    random.shuffle(imgidx)
    out = mx.recordio.MXIndexedRecordIO(os.path.join(dst, "train.idx"), os.path.join(dst, "train.rec"), "w")
    for i, idx in enumerate(imgidx):
        h, img = mx.recordio.unpack(imgrec.read_idx(idx))
        nh = mx.recordio.IRHeader(0, h.label, i + 1, 0)
        out.write_idx(i + 1, mx.recordio.pack(nh, img))
    out.write_idx(0, mx.recordio.pack(mx.recordio.IRHeader(2, [len(imgidx) + 1, 3], 0, 0), b""))
    print(out.tell())
    out.close()
    import hashlib

    for f in ("train.rec", "train.idx"):
        print(hashlib.md5(open(os.path.join(dst, f), "rb").read()).hexdigest())


main(*sys.argv[1:])
