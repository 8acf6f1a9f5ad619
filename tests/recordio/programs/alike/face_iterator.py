"""A DataIter of its own over a face-recognition file, with augmentation on NDArrays, prefetched."""

import logging
import math
import numbers
import os
import random
import sys

import cv2
import mxnet as mx
import mxnet.image
import numpy as np
from mxnet import io, recordio
from mxnet import ndarray as nd


class FaceImageIter(io.DataIter):
    def __init__(
        self,
        batch_size,
        data_shape,
        path_imgrec=None,
        shuffle=False,
        mean=None,
        rand_mirror=False,
        cutoff=0,
        color_jittering=0,
        data_name="data",
        label_name="softmax_label",
        **kw,
    ):
        super(FaceImageIter, self).__init__()
        self.imgrec = recordio.MXIndexedRecordIO(path_imgrec[:-4] + ".idx", path_imgrec, "r")
        s = self.imgrec.read_idx(0)
        header, _ = recordio.unpack(s)
        self.header0 = (int(header.label[0]), int(header.label[1]))
        self.imgidx = list(range(1, int(header.label[0])))
        self.seq = self.imgidx
        self.mean = mean
        self.nd_mean = None
        if self.mean:
            self.mean = np.array(self.mean, dtype=np.float32).reshape(1, 1, 3)
            self.nd_mean = mx.nd.array(self.mean).reshape((1, 1, 3))
        self.check_data_shape(data_shape)
        self.provide_data = [(data_name, (batch_size,) + data_shape)]
        self.batch_size = batch_size
        self.data_shape = data_shape
        self.shuffle = shuffle
        self.rand_mirror = rand_mirror
        self.cutoff = cutoff
        self.color_jittering = color_jittering
        self.CJA = mx.image.ColorJitterAug(0.125, 0.125, 0.125)
        self.provide_label = [(label_name, (batch_size,))]
        self.cur = 0
        self.is_init = False

    def reset(self):
        self.cur = 0
        if self.shuffle:
            random.shuffle(self.seq)

    def num_samples(self):
        return len(self.seq)

    def next_sample(self):
        while True:
            if self.cur >= len(self.seq):
                raise StopIteration
            idx = self.seq[self.cur]
            self.cur += 1
            header, img = recordio.unpack(self.imgrec.read_idx(idx))
            label = header.label
            if not isinstance(label, numbers.Number):
                label = label[0]
            return label, img, None, None

    def brightness_aug(self, src, x):
        alpha = 1.0 + random.uniform(-x, x)
        src *= alpha
        return src

    def contrast_aug(self, src, x):
        alpha = 1.0 + random.uniform(-x, x)
        coef = nd.array([[[0.299, 0.587, 0.114]]])
        gray = src * coef
        gray = (3.0 * (1.0 - alpha) / gray.size) * nd.sum(gray)
        src *= alpha
        src += gray
        return src

    def saturation_aug(self, src, x):
        alpha = 1.0 + random.uniform(-x, x)
        coef = nd.array([[[0.299, 0.587, 0.114]]])
        gray = src * coef
        gray = nd.sum(gray, axis=2, keepdims=True)
        gray *= 1.0 - alpha
        src *= alpha
        src += gray
        return src

    def mirror_aug(self, img):
        for c in range(img.shape[2]):
            img[:, :, c] = np.fliplr(img[:, :, c])
        return img

    def next(self):
        if not self.is_init:
            self.reset()
            self.is_init = True
        batch_size = self.batch_size
        c, h, w = self.data_shape
        batch_data = nd.empty((batch_size, c, h, w))
        if self.provide_label is not None:
            batch_label = nd.empty(self.provide_label[0][1])
        i = 0
        try:
            while i < batch_size:
                label, s, bbox, landmark = self.next_sample()
                _data = self.imdecode(s)
                _data = mx.image.imresize(_data, w, h)
                if self.rand_mirror and random.randint(0, 1) == 1:
                    _data = mx.ndarray.flip(data=_data, axis=1)
                if self.color_jittering > 0:
                    _data = _data.astype("float32", copy=False)
                    _data = self.brightness_aug(_data, 0.0)
                    _data = self.contrast_aug(_data, 0.0)
                    _data = self.saturation_aug(_data, 0.0)
                    assert self.CJA(_data.copy()).shape == _data.shape
                if self.nd_mean is not None:
                    _data = _data.astype("float32", copy=False)
                    _data -= self.nd_mean
                    _data *= 0.0078125
                if self.cutoff > 0:
                    _data[2:5, 3:6, :] = 128
                data = [_data]
                self.check_valid_image(data)
                for datum in data:
                    batch_data[i][:] = self.postprocess_data(datum)
                    batch_label[i][:] = label
                    i += 1
        except StopIteration:
            if i < batch_size:
                raise StopIteration
        return io.DataBatch([batch_data], [batch_label], batch_size - i)

    def check_data_shape(self, data_shape):
        if not len(data_shape) == 3:
            raise ValueError("data_shape should have length 3, with dimensions CxHxW")

    def check_valid_image(self, data):
        if len(data[0].shape) == 0:
            raise RuntimeError("Data shape is wrong")

    def imdecode(self, s):
        return mx.image.imdecode(s)

    def postprocess_data(self, datum):
        return nd.transpose(datum, axes=(2, 0, 1))


class FaceImageIterList(io.DataIter):
    def __init__(self, iter_list):
        assert len(iter_list) > 0
        self.provide_data = iter_list[0].provide_data
        self.provide_label = iter_list[0].provide_label
        self.iter_list = iter_list
        self.cur_iter = None

    def reset(self):
        self.cur_iter.reset()

    def next(self):
        self.cur_iter = self.iter_list[0]
        while True:
            try:
                ret = self.cur_iter.next()
            except StopIteration:
                self.cur_iter.reset()
                continue
            return ret


random.seed(1)
it = FaceImageIter(3, (3, 20, 24), sys.argv[1] + "/faces.rec", mean=[127.5] * 3, cutoff=2, color_jittering=1)
for b in it:
    print(
        b.data[0].shape,
        b.label[0].asnumpy(),
        b.pad,
        [round(float(x), 1) for x in b.data[0].asnumpy().mean((1, 2, 3))],
        float(b.data[0].asnumpy()[0, 0, 2, 3]),
    )
it.reset()
it = mx.io.PrefetchingIter(it)
print(it.provide_data, it.provide_label, it.batch_size)
for e in range(2):
    it.reset()
    print(sum(1 for _ in it))
lst = FaceImageIterList([FaceImageIter(3, (3, 8, 8), sys.argv[1] + "/faces.rec")])
print([lst.next().label[0].asnumpy().tolist() for _ in range(4)])
