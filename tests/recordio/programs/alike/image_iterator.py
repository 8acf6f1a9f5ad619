"""ImageIter over records and over lists, augmenters, functions of images."""

import sys

import mxnet as mx
import numpy as np
from mxnet import image

d = sys.argv[1]
it = mx.img.ImageIter(batch_size=4, data_shape=(3, 24, 24), path_imgrec=d + "/cifar.rec", path_imgidx=d + "/cifar.idx")
print(it.provide_data, it.provide_label, len(it.seq) if it.seq is not None else None, it.num_image)
for b in it:
    print(b.data[0].shape, b.label[0].asnumpy().tolist(), b.pad, b.data[0].asnumpy()[0, :, 0, 0].tolist())
for h in ("pad", "discard"):
    it = image.ImageIter(
        4,
        (3, 24, 24),
        imglist=[[float(i), ("cat/eye.JPEG", "coffee/cup.jpeg")[i % 2]] for i in range(6)],
        path_root=d + "/images",
        last_batch_handle=h,
        data_name="x",
        label_name="y",
    )
    for e in range(2):
        it.reset()
        for b in it:
            print(h, e, b.data[0].shape, b.data[0].dtype, b.label[0].asnumpy(), b.pad)
print(it.provide_data, it.provide_label)
it = image.ImageIter(
    2,
    (3, 24, 24),
    path_imglist=d + "/train.lst",
    path_root=d + "/all",
    resize=30,
    rand_crop=False,
    mean=np.array([1.0, 2, 3]),
    std=np.array([2, 2, 2]),
    shuffle=False,
)
for a in it.auglist:
    print(type(a).__name__, end=" ")
print()
b = it.next()
print(b.data[0].shape)
it.reset()
label, s = it.next_sample()
print(float(np.array(getattr(label, "asnumpy", lambda: label)()).ravel()[0]), type(s))
im = it.imdecode(s)
print(im.shape)
it.check_valid_image([im])
print(len(it.augmentation_transform(im)) if isinstance(it.augmentation_transform(im), list) else it.augmentation_transform(im).shape)
print(it.postprocess_data(im).shape)
r = it.read_image("cat/eye.JPEG")
print(type(r), len(r))
for a in image.CreateAugmenter(
    (3, 10, 10),
    resize=12,
    rand_crop=True,
    rand_resize=True,
    rand_mirror=True,
    mean=True,
    std=True,
    brightness=0.1,
    contrast=0.1,
    saturation=0.1,
    hue=0.1,
    pca_noise=0.1,
    rand_gray=0.1,
):
    print(type(a).__name__)
a = image.ResizeAug(20)
print(a.dumps())
print(image.HorizontalFlipAug(0.5).dumps())
im = image.imread(d + "/images/cat/eye.JPEG")
print(
    image.resize_short(im, 64).shape,
    image.scale_down((640, 480), (720, 120)),
    [x if isinstance(x, tuple) else x.shape for x in image.center_crop(im, (50, 40))],
    image.imresize(im, 7, 9).shape,
    image.imresize(im, w=7, h=9, interp=2).shape,
)
print(image.copyMakeBorder(im, 1, 2, 3, 4).shape, image.fixed_crop(im, 1, 2, 30, 31, (10, 11)).shape)
print(image.color_normalize(im.astype("float32"), mx.nd.array([1, 2, 3]), mx.nd.array([1, 2, 3])).dtype)
print(
    image.imdecode(open(d + "/images/cat/eye.JPEG", "rb").read(), flag=0).shape,
    np.array_equal(image.imdecode(open(d + "/images/cat/eye.JPEG", "rb").read(), to_rgb=False).asnumpy()[..., ::-1], im.asnumpy()),
)
print(
    image.imdecode(np.fromfile(d + "/images/cat/eye.JPEG", np.uint8)).shape,
    image.imdecode(bytearray(open(d + "/images/cat/eye.JPEG", "rb").read())).shape,
)
for bad in (b"", b"zzz"):
    try:
        image.imdecode(bad)
    except Exception as e:
        print(isinstance(e, (ValueError, mx.base.MXNetError)))
try:
    image.imread("/no/such.jpg")
except mx.base.MXNetError as e:
    print("MXNetError")
