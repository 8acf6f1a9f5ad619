"""What a textbook does with arrays, images and boxes before it trains."""

import json
import os
import sys

import mxnet as mx
import numpy as np
from mxnet import gluon, image, init, nd
from mxnet.gluon import data as gdata

d, o = sys.argv[1:]
# pikachu like
it = image.ImageDetIter(
    path_imgrec=d + "/det.rec",
    path_imgidx=d + "/det.idx",
    batch_size=3,
    data_shape=(3, 32, 32),
    shuffle=True,
    rand_crop=1,
    min_object_covered=0.95,
    max_attempts=200,
)
b = it.next()
print(b.data[0].shape, b.label[0].shape, (b.data[0][0:10].transpose((0, 2, 3, 1)) / 255).shape)


class Voc(gdata.Dataset):
    def __init__(self, size):
        self.rgb_mean = nd.array([0.485, 0.456, 0.406])
        self.rgb_std = nd.array([0.229, 0.224, 0.225])
        self.size = size
        names = sorted(os.listdir(d + "/images/cat"))
        self.features = [self.normalize(image.imread(d + "/images/cat/" + n)) for n in names]

    def normalize(self, img):
        return (img.astype("float32") / 255 - self.rgb_mean) / self.rgb_std

    def __getitem__(self, i):
        f, rect = image.random_crop(self.features[i], self.size)
        l = image.fixed_crop(self.features[i], *rect)
        return f.transpose((2, 0, 1)), l.shape[0]

    def __len__(self):
        return len(self.features)


for x, y in gdata.DataLoader(Voc((16, 20)), 3, shuffle=True, last_batch="discard", num_workers=2):
    print(x.shape, y.dtype, y.asnumpy())


def voc_label_indices(colormap, c2l):
    colormap = colormap.astype("int32")
    idx = (colormap[:, :, 0] * 256 + colormap[:, :, 1]) * 256 + colormap[:, :, 2]
    return c2l[idx]


c2l = nd.zeros(256**3)
c2l[(128 * 256 + 0) * 256 + 0] = 1
im = np.zeros((2, 2, 3), np.uint8)
im[0, 0] = (128, 0, 0)
print(voc_label_indices(nd.array(im, dtype="uint8"), c2l).asnumpy())


def box(b, anchors):
    b = nd.array(b)
    return nd.concat(b[:, :2], b[:, 2:] - b[:, :2], dim=1)


print(box([[1, 2, 3, 4]], None).asnumpy())
x = nd.arange(12).reshape((3, 4))
print(x[1:3], x[1:3, 0:2].asnumpy().tolist())
x[1:3] = 12
print(x.sum(), x.norm().asscalar().round(3))
y = nd.ones((3, 4))
before = id(y)
y += x
print(id(y) == before)
nd.elemwise_add(x, y, out=y)
print(y[0].asnumpy())
z = y.zeros_like()
z[:] = x + y
print(z[0, 0], (x == y).sum().asscalar(), x.mean(axis=0).asnumpy(), nd.concat(x, y, dim=0).shape)
print(nd.arange(3).reshape((3, 1)) + nd.arange(2).reshape((1, 2)))
a = nd.array([[1, 2], [3, 4]])
print(
    nd.dot(a, a).asnumpy().tolist(),
    (a * 2).exp().shape,
    a.log().asnumpy().round(2).tolist(),
    a[nd.array([1, 0])].asnumpy().tolist(),
    nd.pick(a, nd.array([0, 1])).asnumpy(),
)
print(
    a[0][1].asscalar(),
    a[:, 0:1].shape,
    a.astype("int32")[1, 1].asscalar(),
    len(a),
    [float(r.sum().asscalar()) for r in a],
    float(a.max().asscalar()),
)
m = nd.array([1.0, 0, 1])
print(nd.contrib.boolean_mask(nd.array([[1, 2], [3, 4], [5, 6]]), m).asnumpy().tolist())
idx = np.argsort(-a.asnumpy()[:, 1])
print(idx.tolist(), a.asnumpy()[idx].tolist(), a[idx.tolist()].asnumpy().tolist() if False else "")
with open(o + "/x.json", "w") as f:
    json.dump({"l": a.asnumpy().tolist()}, f)
np.save(o + "/x.npy", a.asnumpy())
print(np.load(o + "/x.npy").dtype)
t = nd.random.uniform(0, 1, (2, 3))
s = nd.random.normal(shape=(2, 2), scale=0.01)
print(t.shape, s.dtype)
print(
    nd.zeros((2, 0)).shape if False else "",
    nd.one_hot(nd.array([0, 2]), 3).asnumpy().tolist(),
    nd.sum(a, axis=[0]).shape,
    nd.max(a, axis=1, keepdims=True).shape,
    a.sum(1).shape,
    nd.mean(a, 0).asnumpy(),
)
print(
    nd.smooth_l1 if False else "",
    nd.stack(*[a[0], a[1]]).shape,
    nd.split(a, 2, axis=0)[0].shape,
    nd.expand_dims(a, 0).shape,
    nd.repeat(a, repeats=2, axis=1).shape,
    nd.tile(a, reps=(2, 1)).shape,
)
