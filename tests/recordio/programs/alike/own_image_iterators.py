"""Subclasses of ImageIter that override its methods."""

import random
import sys

import mxnet as mx
import numpy as np
from mxnet import image, io, nd

d = sys.argv[1]


class Trip(image.ImageIter):
    def __init__(self, *a, **k):
        super(Trip, self).__init__(*a, **k)
        self.calls = 0

    def next_sample(self):
        self.calls += 1
        return super(Trip, self).next_sample()

    def augmentation_transform(self, data):
        data = super(Trip, self).augmentation_transform(data)
        return data * 0.5 if hasattr(data, "asnumpy") else data

    def postprocess_data(self, datum):
        return nd.transpose(datum, axes=(2, 0, 1))


it = Trip(4, (3, 24, 24), path_imgrec=d + "/cifar.rec", path_imgidx=d + "/cifar.idx")
for b in it:
    print(b.data[0].shape, b.label[0].asnumpy(), b.data[0][0, :, 0, 0].asnumpy(), b.pad)
print(it.calls >= 10, it.batch_size, it.data_shape, it.label_width, it.seq, it.shuffle, it.cur)
it.reset()
print(it.cur)
it.hard_reset()
print(it.next().label[0].asnumpy())


class Own(image.ImageIter):
    def next(self):
        batch_size = self.batch_size
        c, h, w = self.data_shape
        batch_data = nd.empty((batch_size, c, h, w))
        batch_label = nd.empty(self.provide_label[0][1])
        i = 0
        try:
            while i < batch_size:
                label, s = self.next_sample()
                data = self.imdecode(s)
                try:
                    self.check_valid_image(data)
                except RuntimeError as e:
                    continue
                data = self.augmentation_transform(data)
                batch_data[i] = self.postprocess_data(data)
                batch_label[i] = label
                i += 1
        except StopIteration:
            if not i:
                raise StopIteration
        return io.DataBatch([batch_data], [batch_label], batch_size - i)


it = Own(4, (3, 24, 24), path_imgrec=d + "/cifar.rec", path_imgidx=d + "/cifar.idx", aug_list=image.CreateAugmenter((3, 24, 24)))
import itertools

for b in itertools.islice(it, 2):
    print(b.data[0].shape, b.label[0].asnumpy(), b.pad)
it = Own(4, (3, 24, 24), path_imgrec=d + "/cifar.rec")
print(it.next().label[0].asnumpy())
it = mx.image.ImageIter(2, (3, 24, 24), label_width=3, path_imgrec=d + "/multi.rec", path_imgidx=d + "/multi.idx", resize=30)
b = it.next()
print(b.label[0].asnumpy().tolist(), it.provide_label)
it = mx.image.ImageIter(
    2,
    (3, 24, 24),
    imglist=[[1, "cat/eye.JPEG"], [2, "coffee/cup.jpeg"]],
    path_root=d + "/images",
    num_parts=2,
    part_index=1,
    path_imgidx=None,
    label_name="lab",
)
print(it.next().label[0].asnumpy(), it.provide_data)
