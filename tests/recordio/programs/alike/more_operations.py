"""More operations of mx.nd: whole numbers, codes of shapes, indexing, assignment, blocks without parameters."""

import os
import sys

import mxnet as mx
import numpy as np
from mxnet import gluon, nd
from mxnet.gluon import Block, HybridBlock, nn

d, o = sys.argv[1:]


def t(text):
    try:
        r = eval(text)
        if isinstance(r, nd.NDArray):
            r = (r.shape, np.dtype(r.dtype).name, np.asarray(r.asnumpy(), "f8").round(3).ravel()[:6].tolist())
    except Exception as e:
        print(text, "RAISES", isinstance(e, mx.base.MXNetError))
        sys.stderr.write(text + " " + str(e)[:150] + chr(10))
        return
    print(text, "->", r)


class Twice(HybridBlock):
    def __init__(self, k=2, **kw):
        super(Twice, self).__init__(**kw)
        with self.name_scope():
            self.k = k

    def hybrid_forward(self, F, x):
        return F.broadcast_mul(x, F.array([self.k])) if hasattr(F, "array") else x * self.k


a = nd.array([[1, 2, 3], [4, 5, 6]])
u = nd.array([[1, 200], [3, 4]], dtype="uint8")
i32 = nd.array([[-7, 7]], dtype="int32")
net = nn.HybridSequential()
net.add(Twice())
net.hybridize()
net2 = nn.Sequential(prefix="x_")
with net2.name_scope():
    net2.add(Twice(3), Twice(1))
for e in [
    "net(a)",
    "net2(a)",
    "len(net2)",
    "i32 / 2",
    "i32 % 3",
    "u + 100",
    "u - 2",
    "u * 2",
    "u > 3",
    "-u",
    'u.astype("float32") / 255',
    "255 - u",
    "u == 200",
    "(u == 200).sum()",
    "u.sum()",
    "u.mean()",
    "u.max()",
    "i32.mean()",
    "i32.sum()",
    'nd.sum(u.astype("int32"))',
    "u.argmax(axis=1)",
    "i32.argmax(axis=1)",
    "u.sort()",
    "u.topk(k=1)",
    "i32.abs()",
    "nd.sqrt(i32.abs())",
    'nd.exp(nd.array([1,2], dtype="int32"))',
    "nd.round(nd.array([-0.5, -1.5, 2.5]))",
    "nd.rint(nd.array([-0.5, 1.5, 2.5, 2.7]))",
    "nd.fix(nd.array([-1.7, 1.7]))",
    "nd.array([5., -5.]) % 3",
    "nd.array([5., -5.]) % -3",
    "nd.power(a, a)",
    "2 ** a",
    "nd.maximum(a, 3.5)",
    "nd.maximum(2, a)",
    "nd.where(a > 3, a, nd.zeros_like(a))",
    "nd.clip(u, 2, 100)",
    "nd.concat(u, u, dim=1)",
    "nd.stack(u, u)",
    "a.reshape((3, -1))",
    "a.reshape((-1, 0))",
    "a.reshape((0, -4, 1, -1))",
    "a.reshape((-2,))",
    "a.reshape((-3, 1))",
    "a.reshape(6).shape",
    "nd.reshape(a, shape=(6,))",
    "nd.reshape(a, (3, 2))",
    "a[1:].reshape((3,))",
    "a.T.reshape((6,))",
    "nd.slice_axis(a, axis=-1, begin=-2, end=None)",
    "a[:, -1]",
    "a[-1, -1]",
    "a[1][2]",
    "a[:, [0, 2]]",
    "a[[1]]",
    'a[nd.array([1], dtype="int32")]',
    "a[:, nd.array([0, 1])]",
    "a[::-1, ::2]",
    "a[...]",
    "a[:]",
    "a[None, ..., None]",
    "a[np.array([0, 1])]",
    "a[np.int64(1)]",
    "a[(0, 1)]",
    "a[0:5]",
    "a[5:]",
    "nd.argsort(a, is_ascend=False)",
    'nd.topk(a, k=2, axis=0, ret_typ="both")[1]',
    "nd.sort(a, axis=0)",
    "nd.norm(a, ord=1)",
    "nd.norm(a, axis=1)",
    "nd.dot(a, a, transpose_b=True)",
    "nd.batch_dot(nd.ones((2,3,4)), nd.ones((2,4,5)))",
    "nd.broadcast_like(nd.ones((1,3)), a)",
    "nd.broadcast_to(nd.ones((1,3)), shape=(2,0))",
    "nd.sum(a, axis=1, exclude=True)",
    "nd.mean(a, axis=-1)",
    "nd.prod(a, axis=0)",
    "nd.min(a)",
    'nd.one_hot(nd.array([1, 0]), depth=2, on_value=5, off_value=1, dtype="int32")',
    "nd.take(a, nd.array([[0, 1]]), axis=1)",
    'nd.take(a, nd.array([5]), mode="clip")',
    "nd.gather_nd(a, nd.array([[0],[1]]))",
    "nd.diag(nd.array([1, 2]))",
    "nd.tile(nd.array([1, 2]), 2)",
    "nd.repeat(a, 2)",
    "nd.swapaxes(a, dim1=0, dim2=1)",
    "nd.SwapAxis(a, 0, 1)",
    "nd.expand_dims(a, -1)",
    "nd.squeeze(nd.ones((1,2,1)), axis=0)",
    "nd.flip(a, axis=(0, 1))",
    "nd.split(a, num_outputs=2, axis=0, squeeze_axis=True)[0]",
    "nd.split(a, 3)[0]",
    "nd.softmax(a, axis=0)",
    "nd.log_softmax(a)",
    'nd.pad(nd.ones((1,1,2,2)), mode="reflect", pad_width=(0,0,0,0,1,1,1,1))',
    'nd.L2Normalization(a.reshape((1,2,3)), mode="channel")',
    'nd.L2Normalization(a.reshape((1,2,3)), mode="spatial")',
    "nd.arange(0, 1, 0.25)",
    "nd.arange(2, repeat=2)",
    "nd.arange(5, 0, -2)",
    "nd.eye(2, 3)",
    'nd.zeros(3, dtype="int64")',
    'nd.full((2,2), 1.5, dtype="float64")',
    "nd.empty((2, 3)).shape",
    "nd.array([1.7], dtype=int)",
    'nd.array(a, dtype="int32")',
    "nd.ones_like(u)",
    'nd.zeros((2,3)).astype("float16") + 1',
    'a.astype("float16").sum()',
    "a.copyto(nd.zeros((2,3)))",
    "a.as_in_context(mx.cpu())",
    "a.asnumpy().dtype",
    "nd.add(a, 1)",
    "nd.subtract(1, a)",
    "nd.divide(a, 2)",
    "nd.equal(a, a)",
    "nd.lesser(a, 3)",
    "nd.logical_not(a)",
    "nd.logical_or(a, 0)",
    "nd.concatenate([a, a], axis=1)",
    "nd.elemwise_mul(a, a)",
    "nd.add_n(a, a)",
    "nd.zeros((2, 3)) + nd.ones((1, 3))",
    "nd.zeros((2, 3)) + nd.ones((3,))",
    "nd.zeros((2, 3)) * nd.array([2])",
    "nd.moveaxis(a, 0, 1)",
    "nd.shape_array(a)",
    'nd.cast(a, "int32")',
    "nd.histogram(a, bins=3)[0]",
    "nd.linspace(0, 1, 5)",
    "nd.random.uniform(0, 1, (2,)).dtype",
    "nd.cumsum(a)",
    "a.slice_axis(axis=0, begin=0, end=1)",
    "a.slice((0, 0), (1, 2))",
    "a.mean(axis=0, keepdims=True)",
    "a.norm()",
    "a.flatten()",
    "a.reshape_like(nd.ones((3, 2)))",
    "a.expand_dims(axis=0)",
    "a.flip(0)",
    "a.one_hot(7)",
    "a.take(nd.array([0]))",
    "a.broadcast_like(a)",
    "a.tile((2,))",
    "a.nansum()",
    "a.round()",
    "a.exp()",
    "a.log()",
    "a.sign()",
    "a.square()",
    "a.clip(a_min=2, a_max=5)",
    "a.max(axis=(0,1))",
    "a.argmin()",
    "a.argmax()",
    "a.abs()",
    "a.floor()",
    "a.zeros_like()",
    "nd.Concat(a, a, dim=0)",
    "nd.Reshape(a, shape=(6,))",
    "nd.Flatten(nd.ones((2,3,4)))",
    "nd.SliceChannel(a, num_outputs=3)[0]",
    "nd.zeros((2,3)).reshape((7,))",
    "nd.dot(a, a)",
    "nd.concat(a, u, dim=0)",
    "nd.stack(a, nd.ones((1,)))",
    "nd.split(a, 4)",
    "nd.expand_dims(a, 9)",
    "nd.transpose(a, axes=(0, 5))",
    "nd.slice(a, begin=(5,), end=(9,))",
]:
    t(e)
b = nd.zeros((2, 3))
b[0] = 1
b[:, 1] = nd.array([5, 6])
b[1, 2] = 9
b[b.shape[0] - 1] += 1
b[0:1, 0:2] = [[7, 8]]
print(b.asnumpy().tolist())
b[:] = np.arange(6).reshape(2, 3)
b[nd.array([0])] = 4
b[[1], [2]] = -1
b[1][0] = 77
print(b.asnumpy().tolist())
c = b[0]
c[:] = 0
e = b[:, 0]
e[:] = 55
f = b.reshape((6,))
f[5] = 66
g = b.T
g[:] = 1
print(b.asnumpy().tolist())
try:
    b[:] = nd.zeros((4, 4))
except (ValueError, mx.base.MXNetError) as ex:
    print("caught")
try:
    b[7] = 1
except IndexError:
    print("IndexError")
