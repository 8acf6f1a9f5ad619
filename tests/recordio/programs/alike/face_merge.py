"""Two sets as one, with new labels; arrays of embeddings."""

import os
import sys

import mxnet as mx
import numpy as np
from mxnet import io, recordio
from mxnet import ndarray as nd

src, dst = sys.argv[1:]
recs = [recordio.MXIndexedRecordIO(src + "/%s.idx" % n, src + "/%s.rec" % n, "r") for n in ("faces", "cifar")]
writer = mx.recordio.MXIndexedRecordIO(dst + "/merged.idx", dst + "/merged.rec", "w")
widx = 0
base = 0
for rec in recs:
    top = 0
    for k in sorted(rec.keys):
        header, content = recordio.unpack(rec.read_idx(k))
        if len(content) == 0:
            continue
        label = header.label
        if not isinstance(label, float):
            label = float(label[0])
        top = max(top, int(label))
        nheader = mx.recordio.IRHeader(0, base + label, widx, 0)
        writer.write_idx(widx, mx.recordio.pack(nheader, content))
        widx += 1
    base += top + 1
writer.close()
r = mx.recordio.MXIndexedRecordIO(dst + "/merged.idx", dst + "/merged.rec", "r")
print(len(r.keys), [mx.recordio.unpack(r.read_idx(k))[0].label for k in r.keys])
print([mx.recordio.unpack_img(r.read_idx(k), iscolor=0)[1].shape for k in r.keys[:3]])
embedding = nd.zeros((len(r.keys), 4))
for k in r.keys:
    embedding[k] = k
embedding[2:4] = nd.ones((2, 4)) * 7
embedding[5][1] = 9
embedding[6, 2] = -1
print(embedding.asnumpy().sum(), embedding[5].asnumpy(), embedding[6].asnumpy())
print(nd.norm(embedding, axis=1, keepdims=True).shape, nd.dot(embedding, embedding.T).shape, nd.L2Normalization(embedding).shape)
