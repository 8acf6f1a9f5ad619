"""Datasets, samplers, batches and transforms of gluon."""

import os
import sys

import mxnet as mx
import numpy as np
from mxnet import gluon, nd

d, o = sys.argv[1:]
rd = gluon.data.RecordFileDataset(d + "/cifar.rec")
print(len(rd), type(rd[0]), mx.recordio.unpack(rd[3])[0])
a = gluon.data.ArrayDataset(np.arange(10).reshape(5, 2), [1, 2, 3, 4, 5])
print(a[1], len(a))
for b in gluon.data.DataLoader(a, 2, last_batch="keep"):
    print([(x.dtype, x.asnumpy().tolist()) for x in b])
s = gluon.data.SimpleDataset([1, 2, 3]).transform(lambda x: x * 2)
print([x for x in s], s[1])
s = gluon.data.SimpleDataset([(1, 2), (3, 4)])
print([b for b in gluon.data.DataLoader(s, 2)])
print([b.asnumpy() for b in gluon.data.DataLoader([1.0, 2.0, 3.0], 2)])
print([b.asnumpy().tolist() for b in gluon.data.DataLoader(nd.arange(6).reshape((3, 2)), 2)])
print(
    [b.asnumpy().tolist() for b in gluon.data.DataLoader(np.arange(6).reshape((3, 2)), 2)],
    next(iter(gluon.data.DataLoader(np.arange(6).reshape((3, 2)), 2))).dtype,
)
print(
    list(gluon.data.sampler.RandomSampler(3)).__len__(),
    list(gluon.data.FilterSampler(lambda x: x > 1, gluon.data.SimpleDataset([1, 2, 3]))),
    list(gluon.data.IntervalSampler(6, 3)) if hasattr(gluon.data, "IntervalSampler") else "",
)
ld = gluon.data.DataLoader(gluon.data.vision.ImageRecordDataset(d + "/cifar.rec"), 5, sampler=gluon.data.SequentialSampler(10))
print(len(ld), [y.asnumpy().tolist() for _, y in ld], [x.dtype for x, _ in ld])


class Sampler(gluon.data.Sampler):
    def __iter__(self):
        return iter([3, 1])

    def __len__(self):
        return 2


print(
    [y.asnumpy().tolist() for _, y in gluon.data.DataLoader(gluon.data.vision.ImageRecordDataset(d + "/cifar.rec"), 2, sampler=Sampler())]
)
try:
    gluon.data.DataLoader(a)
except ValueError:
    print("ValueError")
try:
    gluon.data.vision.ImageRecordDataset("/no.rec")
except (mx.base.MXNetError, FileNotFoundError):
    print("caught")
from mxnet.gluon.data.vision import transforms


class T(gluon.Block):
    def __init__(self):
        super().__init__()

    def forward(self, x):
        return x * 2


class H(gluon.HybridBlock):
    def hybrid_forward(self, F, x):
        return F.clip(x, 0, 3)


c = transforms.Compose([T(), H()])
print(c(nd.arange(4)).asnumpy(), len(c))
x = transforms.ToTensor()(nd.array(np.arange(24).reshape(2, 4, 3), dtype="uint8"))
print(x.shape, transforms.Normalize(0.5, 0.5)(x).asnumpy().mean().round(3), transforms.Normalize((0.1, 0.2, 0.3), (1, 2, 3))(x)[2, 1, 1])
for cls, a in (
    ("RandomBrightness", (0.1,)),
    ("RandomContrast", (0.1,)),
    ("RandomSaturation", (0.1,)),
    ("RandomHue", (0.1,)),
    ("RandomColorJitter", (0.1, 0.1, 0.1, 0.1)),
    ("RandomLighting", (0.1,)),
    ("RandomFlipTopBottom", ()),
    ("RandomResizedCrop", (5,)),
    ("RandomApply", (T(),)),
    ("Rotate", (30,)),
    ("RandomRotation", ((-10, 10),)),
    ("HybridCompose", ([H()],)),
    ("HybridRandomApply", (H(),)),
    ("CropResize", (0, 0, 4, 4)),
):
    t = getattr(transforms, cls, None)
    if t is None:
        print(cls, "missing")
        continue
    try:
        print(cls, t(*a)(nd.array(np.arange(8 * 9 * 3).reshape(8, 9, 3), dtype="uint8")).shape)
    except Exception as e:
        print(cls, type(e).__name__)
g = gluon.data.vision.ImageFolderDataset(d + "/images", flag=0)
print(g[0][0].shape)
