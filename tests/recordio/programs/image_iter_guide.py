"""What MXNet's pages on image iterators show: ImageIter, ImageRecordIter, augmenters of one's own, prefetching."""

import sys

import mxnet as mx
import numpy as np

rec, idx, lst, root = sys.argv[1:]
data_iter = mx.image.ImageIter(
    batch_size=4,
    data_shape=(3, 32, 32),
    label_width=1,
    path_imgrec=rec,
    path_imgidx=idx,
    aug_list=mx.image.CreateAugmenter((3, 32, 32), resize=40, rand_crop=True, rand_mirror=True, mean=True, std=True),
)
data_iter.reset()
for data in data_iter:
    d = data.data[0]
    print(d.shape, type(d).__name__, str(d.asnumpy().dtype), data.label[0].asnumpy().tolist(), data.pad)


class Halved(mx.image.Augmenter):
    def __call__(self, src):
        return mx.nd.array(src.asnumpy() / 2) if src.dtype is not None else src


augs = [mx.image.ForceResizeAug((24, 24)), mx.image.CastAug(), Halved()]
it = mx.image.ImageIter(2, (3, 24, 24), path_imglist=lst, path_root=root, aug_list=augs)
batch = it.next()
print(batch.data[0].shape, float(batch.data[0].asnumpy().max()) <= 127.5, it.provide_data, it.provide_label)

train = mx.io.ImageRecordIter(
    path_imgrec=rec, path_imgidx=idx, data_shape=(3, 28, 28), batch_size=4, shuffle=True, rand_mirror=True, mean_r=123.0, std_r=58.0
)
for epoch in range(2):
    train.reset()
    labels = []
    for batch in train:
        labels += batch.label[0].asnumpy()[: batch.data[0].shape[0] - batch.pad].astype(int).tolist()
    print(epoch, sorted(labels))

image = mx.image.imread(root + "/cat/eye.JPEG")
small = mx.image.imresize(image, 20, 10)
crop, box = mx.image.center_crop(image, (16, 16))
short = mx.image.resize_short(image, 30)
fixed = mx.image.fixed_crop(image, 0, 0, 8, 8, size=(4, 4))
normal = mx.image.color_normalize(image.astype("float32"), mx.nd.array([123, 116, 103]), mx.nd.array([58, 57, 57]))
print(small.shape, crop.shape, box, min(short.shape[:2]), fixed.shape, normal.shape, image.dtype is np.uint8)
for aug in mx.image.CreateAugmenter((3, 16, 16), rand_crop=True, brightness=0.1):
    image = aug(image)
print(image.shape, type(image).__name__)
try:
    mx.image.imdecode(b"no image at all")
except mx.base.MXNetError as error:
    print("MXNetError:", error)
