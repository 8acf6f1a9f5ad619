"""A folder dataset with augmenters by hand; contexts; splits of batches."""

import os
import random
import sys

import mxnet as mx
import numpy as np
from mxnet import autograd, gluon, image, init, nd
from mxnet.gluon import data as gdata
from mxnet.gluon import nn
from mxnet.gluon import utils as gutils
from mxnet.gluon.data.vision import ImageFolderDataset

d = sys.argv[1]
mx.random.seed(3)
random.seed(3)
np.random.seed(3)


def aug(data, label):
    augs = image.CreateAugmenter(
        data_shape=(3, 24, 24), resize=30, rand_mirror=False, mean=np.array([0.485, 0.456, 0.406]), std=np.array([0.229, 0.224, 0.225])
    )
    data = data.astype("float32") / 255
    for a in augs:
        data = a(data)
    data = nd.transpose(data, (2, 0, 1))
    return data, nd.array([label]).asscalar().astype("float32")


ds = ImageFolderDataset(d + "/images", flag=1, transform=aug)
print(len(ds), ds.synsets, ds.items[0][1], ds[1][0].shape)
ctx = mx.gpu() if mx.context.num_gpus() > 0 else mx.cpu()


def try_gpu():
    try:
        c = mx.gpu()
        _ = nd.array([0], ctx=c)
    except mx.base.MXNetError:
        c = mx.cpu()
    return c


def try_all_gpus():
    ctxs = []
    try:
        for i in range(16):
            c = mx.gpu(i)
            _ = nd.array([0], ctx=c)
            ctxs.append(c)
    except mx.base.MXNetError:
        pass
    return ctxs or [mx.cpu()]


print(ctx, try_gpu(), try_all_gpus())
it = gdata.DataLoader(ds, 2, shuffle=False, last_batch="keep")
for X, y in it:
    X = X.as_in_context(ctx)
    print(X.shape, y.dtype, y.asnumpy(), X.context, round(float(X[0, 0].mean().asscalar()), 1))
parts = gutils.split_and_load(nd.arange(8).reshape((4, 2)), [mx.cpu(0), mx.cpu(0)])
print([p.shape for p in parts])
try:
    gutils.split_data(nd.zeros((5, 2)), 2)
except ValueError as e:
    print("ValueError")
print([p.shape for p in gutils.split_data(nd.zeros((5, 2)), 2, even_split=False)])
with mx.Context("cpu", 0):
    print(nd.zeros((1,)).context, mx.current_context())
print(mx.cpu() == mx.cpu(0), mx.cpu(1), mx.gpu(2).device_id, mx.Context(mx.cpu()), mx.cpu().device_type, str(mx.gpu()))
print(
    mx.__version__,
    mx.util.is_np_array(),
    mx.base.numeric_types and True,
    mx.base.string_types,
    issubclass(mx.base.MXNetError, RuntimeError),
    issubclass(mx.MXNetError, Exception),
)
x = nd.array([1.0, 2])
x.attach_grad() if False else None
print(
    nd.random.uniform(-1, 1, shape=(2, 3)).shape,
    nd.random.normal(0, 1, shape=(2,)).dtype,
    mx.random.uniform(0, 1, (2,)).shape,
    mx.nd.random.randint(0, 10, shape=(2,)).dtype,
    mx.nd.random.shuffle(nd.arange(4)).shape,
    mx.random.normal(0, 1, (1,)).shape,
    nd.random.uniform().shape,
    mx.nd.random.uniform(0, 1).shape,
)
