"""Saving, loading, copying, indexing and assigning NDArrays."""

import pickle
import sys

import mxnet as mx
import numpy as np
from mxnet import nd

o = sys.argv[2]
x, y = nd.arange(6).reshape((2, 3)), nd.array([1, 2], dtype="int32")
nd.save(o + "/l", [x, y])
r = nd.load(o + "/l")
print(type(r), [(a.dtype, a.asnumpy().tolist()) for a in r])
nd.save(o + "/d", {"x": x, "y": y})
r = nd.load(o + "/d")
print({k: v.asnumpy().tolist() for k, v in r.items()})
nd.save(o + "/s", x)
print(nd.load(o + "/s")[0].asnumpy().tolist())
print(open(o + "/d", "rb").read().hex())
print(open(o + "/l", "rb").read().hex())
import mxnet.ndarray

r = mx.nd.load_frombuffer(open(o + "/d", "rb").read())
print(sorted(r))
p = pickle.loads(pickle.dumps(x))
print(p, p.dtype, p.context)
import copy

c = copy.deepcopy(x)
c[:] = 0
print(x.asnumpy().sum(), c.asnumpy().sum())
c = copy.copy(x)
z = x.copyto(mx.cpu())
x.copyto(z)
print(z.asnumpy().tolist())
print(x.astype("int64").dtype, x.astype(np.float16).dtype, x.astype("uint8").dtype)
a = x.asnumpy()
a[0, 0] = 99
print(x[0, 0].asscalar())
for v in (x, y, nd.zeros((0,)) if False else x[0], x[0, 0], nd.array([1.5]), nd.array(3), nd.ones((1, 1, 1))):
    print(v)
print(repr(x), str(x.shape), len(x), x.size, x.ndim, x.stype, x.context, x.ctx, x.grad)
print([float(v.asscalar()) for v in x[0]], [r.asnumpy().tolist() for r in x])
print(bool(x[1, 1] > 2), x[0, 1] + 1)
try:
    x.asscalar()
except ValueError as e:
    print("ValueError", e)
try:
    bool(x)
except ValueError as e:
    print("ValueError", e)
try:
    x[5]
except IndexError as e:
    print("IndexError")
try:
    nd.array([1, 2]) + nd.array([1, 2, 3])
except Exception as e:
    print(isinstance(e, mx.base.MXNetError))
try:
    nd.zeros((2, 3)).reshape((4, 2))
except Exception as e:
    print(isinstance(e, mx.base.MXNetError))
try:
    nd.concat(nd.zeros((2, 2)), nd.zeros((3, 3)), dim=0)
except Exception as e:
    print(isinstance(e, mx.base.MXNetError))
try:
    nd.array([1, "a"])
except (TypeError, ValueError) as e:
    print(type(e).__name__)
x[:] = 5
print(x.asnumpy().tolist())
x[0] = [1, 2, 3]
x[1, 1:] = nd.array([8, 9])
print(x.asnumpy().tolist())
x[:, 0] = np.array([7, 7])
x[nd.array([0]), nd.array([1])] = 4
print(
    x.asnumpy().tolist(),
    x[nd.array([1, 0])].asnumpy().tolist(),
    x[[0, 1], [1, 2]].asnumpy().tolist(),
    x[None].shape,
    x[:, None].shape,
    x[np.array([1])].shape,
    x[np.array([True, False])].shape if False else "",
)
v = x[0:1]
v[:] = -1
print(x.asnumpy().tolist())
w = x[1]
w += 10
print(x.asnumpy().tolist())
w = x[:, 1]
w[:] = 3
print(x.asnumpy().tolist())
x += 1
x -= nd.ones((2, 3))
x *= 2
x /= 4
print(x.asnumpy().tolist())
import re


def tt(e):
    try:
        print(e, "->", eval(e))
    except Exception as ex:
        print(e, "RAISES", type(ex).__name__)


for e in [
    "x.abs().asnumpy().tolist()",
    "x.sum(axis=(0, 1)).shape",
    "x.sum(axis=0, keepdims=True).shape",
    "x.transpose().shape",
    "x.transpose((1, 0)).shape",
    "x.swapaxes(0, 1).shape",
    "x.flatten().shape",
    "x.tile((2, 1)).shape",
    "x.slice(begin=(0, 0), end=(1, 2)).shape",
    "x.take(nd.array([0])).shape",
    "x.one_hot(3).shape",
    "x.broadcast_to((2, 3)).shape",
    "x.squeeze().shape",
    "x.norm().shape",
    "x.round().shape",
    "x.split(3, axis=1)[0].shape",
    "x.topk(k=1).shape",
    "x.argsort().dtype",
    "x.sort().shape",
    "x.softmax().shape",
    "x.relu().shape",
    "x.slice_like(nd.zeros((1, 1))).shape",
    "x.pick(nd.array([0, 1])).shape",
    "x.sigmoid().shape",
    "x.mean().asscalar()",
    "x.prod().shape",
    "x.nansum().shape",
    "x.asnumpy().T.shape",
    "x.reshape(shape=(3, 2)).shape",
    "x.reshape((-1, 1, 3)).shape",
    "x.reshape((-3,)).shape",
    "x.reshape((0, 1, -1)).shape",
    "x.size",
    "x.expand_dims(axis=1).shape",
    "x.diag().shape",
    "x.flip(axis=0).shape",
    "x.repeat(2).shape",
    "x.clip(0, 1).shape",
    "x.as_nd_ndarray().shape",
]:
    tt(e)
