"""What MXNet's introduction to NDArray shows of making, indexing and converting arrays."""

import pickle
import sys

import mxnet as mx
import numpy as np
from mxnet import nd
from mxnet.ndarray import NDArray

x = nd.array(((1, 2, 3), (5, 6, 7)))
print(x, x.shape, x.size, x.dtype, x.context)
y = nd.ones((2, 3))
print((x * y).asnumpy().tolist(), (x + 1).sum().asscalar(), x[1, 2], x[:, 1:3].shape, nd.dot(x, y.T).shape)
x[:, 1:3] = 2
x[1:2, 0] = 4
print(x.asnumpy().tolist(), (x > 2).asnumpy().any())
a = x.asnumpy()
print(type(a).__name__, nd.array(a).dtype is np.float32, nd.array(a, dtype="int32").dtype is np.int32)
x += 1
z = x.copy().as_in_context(mx.gpu(0))
print(z.context, mx.nd.zeros((2,), ctx=mx.cpu(), dtype="uint8").asnumpy().dtype)
image = nd.array(np.arange(24).reshape(2, 4, 3), dtype="uint8")
chw = nd.transpose(image, (2, 0, 1)).astype("float32")
print(chw.shape, chw.reshape((-1,)).shape, chw.reshape((0, -1)).shape, chw.expand_dims(axis=0).shape, image.flatten().shape)
print(nd.concat(chw, chw, dim=0).shape, nd.stack(chw, chw).shape, nd.concatenate([chw, chw]).shape, len(chw), nd.flip(chw, axis=2).shape)
print(chw.mean(axis=(1, 2)).asnumpy().round(3).tolist(), chw.max().asscalar(), nd.array([3, 1, 2]).argmax(axis=0).asscalar())
label = nd.array([2, 0, 1])
print([int(one.asscalar()) for one in label], label[0].asscalar(), int(label[1]), float(label[2]), label.one_hot(3).asnumpy().tolist())
print(np.asarray(label).tolist(), np.add(label, 1).asnumpy().tolist(), np.from_dlpack(label).tolist(), (np.ones(3) + label).shape)
print(pickle.loads(pickle.dumps(label)).asnumpy().tolist(), isinstance(label, NDArray), bool(label[0] == 2), 3 - label[0].asscalar())
mx.random.seed(7)
first = nd.random.uniform(0, 1, shape=(2, 2)).asnumpy()
mx.random.seed(7)
print((nd.random.uniform(0, 1, shape=(2, 2)).asnumpy() == first).all())
print(mx.gluon.utils.split_and_load(nd.arange(6).reshape((6, 1)), [mx.cpu(0), mx.gpu(0)])[1].asnumpy().ravel().tolist())
label.wait_to_read()
nd.save(sys.argv[1] + "/x.params", {"a": label, "b": chw})
print({name: one.shape for name, one in nd.load(sys.argv[1] + "/x.params").items()})
nd.waitall()
