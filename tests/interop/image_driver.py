"""Runs in MXNet's environment: its functions and iterators on given files, results to an .npz."""

import json
import sys

import mxnet as mx
import numpy as np


def functions(images):
    out = {}
    for number, path in enumerate(images):
        data = open(path, "rb").read()
        rgb = mx.image.imdecode(data)
        out["rgb%d" % number] = rgb.asnumpy()
        out["gray%d" % number] = mx.image.imdecode(data, 0).asnumpy()
        out["bgr%d" % number] = mx.image.imdecode(data, 1, to_rgb=0).asnumpy()
        for interp in (0, 1, 2, 3, 4, 9):
            out["resize%d_%d" % (number, interp)] = mx.image.imresize(
                rgb, 61, 47, mx.image.image._get_interp_method(interp, (*rgb.shape[:2], 47, 61))
            ).asnumpy()
            out["short%d_%d" % (number, interp)] = mx.image.resize_short(rgb, 37, interp).asnumpy()
        out["center%d" % number] = mx.image.center_crop(rgb, (50, 70))[0].asnumpy()
        out["fixed%d" % number] = mx.image.fixed_crop(rgb, 3, 5, 20, 10, (31, 17)).asnumpy()
        for kind in range(5):
            out["border%d_%d" % (number, kind)] = mx.image.copyMakeBorder(rgb, 2, 3, 4, 5, type=kind).asnumpy()
        out["values%d" % number] = mx.image.copyMakeBorder(rgb, 2, 3, 4, 5, values=(1, 2, 3)).asnumpy()
        pixels = rgb.astype("float32")
        out["normal%d" % number] = mx.image.color_normalize(pixels.copy(), mx.nd.array([1, 2, 3]), mx.nd.array([4, 5, 6])).asnumpy()
        out["gray_aug%d" % number] = mx.image.RandomGrayAug(1)(pixels.copy()).asnumpy()
        planes = mx.nd.transpose(pixels, (2, 0, 1))
        for name, zoom in (("plain", {}), ("in", {"zoom_in": True}), ("out", {"zoom_out": True})):
            out["rotate%d_%s" % (number, name)] = mx.image.imrotate(planes, 33, **zoom).asnumpy()
    return out


def jitter(path):
    """Color augmenters whose random number is fixed to the end of its range."""
    pixels = mx.image.imread(path).astype("float32")
    random = mx.image.image.random
    uniform, out = random.uniform, {}
    random.uniform = lambda low, high: high
    try:
        for name in ("Brightness", "Contrast", "Saturation", "Hue"):
            out["jitter_" + name] = getattr(mx.image, name + "JitterAug")(0.3)(pixels.copy()).asnumpy()
    finally:
        random.uniform = uniform
    return out


def epoch(it, name):
    batches = list(it)
    return {
        name + "_data": np.stack([b.data[0].asnumpy() for b in batches]),
        name + "_label": np.stack([b.label[0].asnumpy() for b in batches]),
        name + "_pad": np.array([b.pad for b in batches]),
    }


def dumps():
    made = mx.image.CreateAugmenter(
        (3, 30, 40),
        resize=50,
        rand_crop=True,
        rand_resize=True,
        rand_mirror=True,
        mean=True,
        std=True,
        brightness=0.1,
        contrast=0.2,
        saturation=0.3,
        hue=0.1,
        pca_noise=0.05,
        rand_gray=0.1,
    )
    det = mx.image.CreateDetAugmenter(
        (3, 30, 40),
        resize=50,
        rand_crop=0.5,
        rand_pad=0.5,
        rand_mirror=True,
        mean=True,
        std=True,
        brightness=0.1,
        hue=0.1,
        min_object_covered=[0.1, 0.5],
    )
    return np.array(json.dumps([[each.dumps() for each in made], [each.dumps() for each in det]]))


def main():
    job = json.load(open(sys.argv[1]))
    out = functions(job["images"])
    out.update(jitter(job["images"][0]))
    out["dumps"] = dumps()
    for name, args in job["det_records"].items():
        out.update(epoch(mx.io.ImageDetRecordIter(**args), name))
    for name, args in job["det_iters"].items():
        args["data_shape"] = tuple(args["data_shape"])
        out.update(epoch(mx.image.ImageDetIter(**args), name))
    folder = mx.gluon.data.vision.ImageFolderDataset(job["folder"])
    out["items"] = np.array(json.dumps([folder.synsets, folder.items]))
    np.savez(sys.argv[2], **out)


main()
