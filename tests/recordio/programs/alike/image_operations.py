"""Operations on images: mx.image, mx.nd.image and arithmetic."""

import sys

import mxnet as mx
import numpy as np
from mxnet import image, nd
from mxnet.ndarray import image as ndimage

d = sys.argv[1]
im0 = image.imread(d + "/flower.png")


def s(x):
    return x.shape, np.dtype(x.dtype).name, round(float(x.asnumpy().astype("f8").mean()), 2)


def t(text):
    global im, f
    im, f = im0.copy(), im0.astype("float32")
    try:
        r = eval(text)
    except Exception as e:
        print(text, "RAISES", type(e).__name__)
        sys.stderr.write(text + " " + str(e)[:150] + chr(10))
        return
    print(text, "->", s(r) if isinstance(r, nd.NDArray) else r)


for e in [
    "nd.image.to_tensor(im)",
    "nd.image.normalize(nd.image.to_tensor(im), mean=(.1, .2, .3), std=(1, 2, 3))",
    "nd.image.normalize(nd.image.to_tensor(im), 0.5, 0.25)",
    "nd.image.resize(im, (20, 10))",
    "nd.image.resize(im, 20, True, 1)",
    "nd.image.crop(im, 1, 2, 10, 12)",
    "nd.image.flip_left_right(im)",
    "nd.image.flip_top_bottom(im)",
    "nd.image.random_flip_left_right(im).shape",
    "nd.image.random_brightness(f, .5, 1.5).shape",
    "nd.image.random_contrast(f, .5, 1.5).shape",
    "nd.image.random_saturation(f, .5, 1.5).shape",
    "nd.image.random_hue(f, .9, 1.1).shape",
    "nd.image.random_color_jitter(f, .1, .1, .1, .1).shape",
    "nd.image.random_lighting(f, .1).shape",
    "nd.image.adjust_lighting(f, [.1, .1, .1])",
    "ndimage.to_tensor(im)",
    "mx.nd.imread if False else 0",
    "image.imresize(f, 10, 10)",
    "image.resize_short(f, 20, interp=1)",
    "image.random_crop(im, (10, 12))[0].shape",
    "image.center_crop(im, (10, 12))[1]",
    "image.random_size_crop(im, (10, 12), (0.5, 1.0), (0.75, 1.33))[0].shape",
    "image.random_size_crop(im, (10, 12), 0.5, (0.75, 1.33))[0].shape",
    "image.color_normalize(f, nd.array([1, 2, 3]))",
    "image.color_normalize(f, mean=nd.array([1, 2, 3]), std=nd.array([2, 2, 2]))",
    "image.imrotate(nd.transpose(f, (2, 0, 1)), 30)",
    "image.imrotate(nd.transpose(f, (2, 0, 1)), 30, zoom_in=True).shape",
    "image.random_rotate(nd.transpose(f, (2, 0, 1)), (-10, 10)).shape",
    "image.ResizeAug(20)(im)",
    "image.CenterCropAug((10, 12))(im)",
    "image.RandomCropAug((10, 12))(im).shape",
    "image.RandomSizedCropAug((10, 12), .5, (.7, 1.3))(im).shape",
    "image.HorizontalFlipAug(1)(im)",
    "image.CastAug()(im)",
    'image.CastAug("float16")(im).dtype',
    "image.BrightnessJitterAug(.1)(f).shape",
    "image.HueJitterAug(.1)(f).shape",
    "image.ColorJitterAug(.1, .1, .1)(f).shape",
    "image.LightingAug(.1, np.ones(3), np.eye(3))(f).shape",
    "image.ColorNormalizeAug(nd.array([1, 2, 3]), nd.array([1, 1, 2]))(f)",
    "image.RandomGrayAug(1)(f)",
    "image.SequentialAug([image.CastAug(), image.HorizontalFlipAug(1)])(im)",
    "image.RandomOrderAug([image.CastAug()])(im)",
    "mx.image.image.imresize(im, 3, 4)",
    "nd.flip(im, axis=1)",
    "nd.reverse(im, axis=1)",
    "im[:, ::-1, :]",
    "im[2:10, 3:20, :]",
    "im[:, :, (2, 1, 0)]",
    "im[:, :, ::-1]",
    "nd.concat(*[nd.array(im[:, :, c:c+1]) for c in (2, 1, 0)], dim=2)",
    "(f - nd.array([123, 117, 104])) / nd.array([58, 57, 57])",
    "nd.expand_dims(nd.transpose(f, axes=(2, 0, 1)), axis=0)",
    "f.mean(axis=(0, 1)).asnumpy().round(2).tolist()",
    "nd.mean(f).asscalar().round(2)",
    'nd.pad(nd.transpose(f, (2, 0, 1)).expand_dims(0), mode="edge", pad_width=(0, 0, 0, 0, 4, 4, 4, 4))',
    'nd.clip(f * 1.5, 0, 255).astype("uint8")',
    'im.asnumpy().flags["C_CONTIGUOUS"]',
    'im.astype("int32") - 128',
    "im / 2",
    "im * 2",
    "im - 100",
    "im > 100",
    "nd.array(im)",
    "nd.array(im.asnumpy())",
    'nd.array(im.asnumpy(), dtype="uint8")',
    "nd.from_numpy(im.asnumpy())",
    'nd.sum(im.astype("float32"), axis=2, keepdims=True)',
    "nd.max(f, axis=2)",
    "f.min()",
    "im.max()",
    'nd.mean(im.astype("float32"), axis=(0, 1))',
    "nd.dot(f, nd.array([[.3], [.6], [.1]]))",
    "nd.stack(im, im)",
    "nd.split(f, num_outputs=3, axis=2)[0]",
    "nd.SliceChannel(f, num_outputs=3, axis=2)[0]",
    "nd.slice(im, begin=(0, 0, 0), end=(5, 6, 3))",
    "nd.crop(im, begin=(0, 0, 0), end=(5, 6, 3))",
    "nd.squeeze(im[:, :, 0:1])",
    'nd.cast(im, dtype="float32")',
    'nd.Cast(im, dtype="float32")',
    "im.astype(np.float32, copy=False)",
    "nd.ceil(f / 3)",
    "nd.power(f, 2)",
    "nd.floor(f/3)",
    "nd.image.center_crop if False else 0",
    "nd.random.uniform(0, 1, (2, 3)).dtype",
    'f.asnumpy().astype("uint8").sum()',
    "image.copyMakeBorder(im, 1, 1, 1, 1, 0, value=3)",
    "image.copyMakeBorder(im, 1, 1, 1, 1, type=1)",
    "mx.nd.imresize if False else 0",
    'mx.img.imdecode(open(d + "/flower.png", "rb").read(), flag=1, to_rgb=True)',
    'mx.image.imdecode(np.fromfile(d + "/flower.png", dtype="uint8"), 1)',
    'mx.image.imdecode(nd.array(np.fromfile(d + "/flower.png", dtype="uint8"), dtype="uint8"))',
    "f.size",
    "im.shape[:2]",
    "nd.random_uniform(0, 1, shape=(1,)).shape",
    "nd.sample_uniform(nd.array([0]), nd.array([1])).shape",
]:
    t(e)
