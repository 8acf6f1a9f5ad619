"""Datasets and transforms of gluon in a DataLoader."""

import sys

import mxnet as mx
import numpy as np
from mxnet import gluon, image, nd
from mxnet.gluon.data import DataLoader
from mxnet.gluon.data.vision import ImageFolderDataset, ImageRecordDataset, transforms

d = sys.argv[1]
t = transforms.Compose(
    [transforms.Resize(24), transforms.CenterCrop(20), transforms.ToTensor(), transforms.Normalize([0.5, 0.5, 0.5], [0.25, 0.25, 0.25])]
)
ds = ImageRecordDataset(d + "/cifar.rec")
print(len(ds), ds[0][0].shape, ds[0][1], type(ds[0][1]))
for nw in (0, 2):
    for x, y in DataLoader(ds.transform_first(t), batch_size=4, num_workers=nw, last_batch="keep"):
        print(x.shape, x.dtype, y.asnumpy().tolist(), y.dtype, round(float(x.mean().asscalar()), 3))
gs = ImageRecordDataset(
    d + "/mnist.rec", flag=0, transform=lambda x, y: (nd.transpose(x.astype(np.float32), (2, 0, 1)) / 255, np.float32(y))
)
for x, y in DataLoader(gs, 5):
    print(x.shape, y.dtype, y.asnumpy(), x.asnumpy().mean().round(4))
fs = ImageFolderDataset(d + "/images")
print(fs.synsets, len(fs.items), fs[0][1])
train = fs.transform_first(
    transforms.Compose(
        [
            transforms.RandomResizedCrop(16),
            transforms.RandomFlipLeftRight(),
            transforms.RandomColorJitter(0.1, 0.1, 0.1),
            transforms.RandomLighting(0.1),
            transforms.ToTensor(),
        ]
    )
)
for x, y in DataLoader(train, 2, shuffle=True, last_batch="discard"):
    print(x.shape, y.shape, y.dtype)
print(len(ds.filter(lambda s: s[1] == 1)), len(ds.take(3)), len(ds.shard(3, 0)))
s = ds.transform(lambda im, l: (im.shape, l + 1))
print(s[1])
sampler = gluon.data.BatchSampler(gluon.data.SequentialSampler(10), 4, "rollover")
for _ in range(2):
    print(list(sampler))
for batch in DataLoader(ds, batch_sampler=sampler):
    print(batch[0].shape, batch[1].shape)
im = ds[0][0]
tt = transforms.ToTensor()(im)
print(tt.dtype, tt.shape, float(tt.max().asscalar()) <= 1)
print(
    transforms.Cast("float16")(im).dtype,
    transforms.Resize((10, 12))(im).shape,
    transforms.Resize(18, keep_ratio=True)(im).shape,
    transforms.CropResize(2, 3, 10, 12)(im).shape,
    transforms.CropResize(2, 3, 10, 12, (5, 6), 1)(im).shape,
)
print(tt)
