"""The data side of a training script: kvstore, record iterators, synthetic batches."""

import argparse
import logging
import os
import sys
import time

import mxnet as mx
import numpy as np
from mxnet.io import DataBatch, DataIter

d, o = sys.argv[1:]


class SyntheticDataIter(DataIter):
    def __init__(self, num_classes, data_shape, max_iter, dtype):
        self.batch_size = data_shape[0]
        self.cur_iter = 0
        self.max_iter = max_iter
        self.dtype = dtype
        label = np.random.randint(0, num_classes, [self.batch_size])
        data = np.random.uniform(-1, 1, data_shape)
        self.data = mx.nd.array(data, dtype=self.dtype, ctx=mx.Context("cpu_pinned", 0))
        self.label = mx.nd.array(label, dtype=self.dtype, ctx=mx.Context("cpu_pinned", 0))

    def __iter__(self):
        return self

    @property
    def provide_data(self):
        return [mx.io.DataDesc("data", self.data.shape, self.dtype)]

    @property
    def provide_label(self):
        return [mx.io.DataDesc("softmax_label", (self.batch_size,), self.dtype)]

    def next(self):
        self.cur_iter += 1
        if self.cur_iter <= self.max_iter:
            return DataBatch(
                data=(self.data,), label=(self.label,), pad=0, index=None, provide_data=self.provide_data, provide_label=self.provide_label
            )
        raise StopIteration

    def __next__(self):
        return self.next()

    def reset(self):
        self.cur_iter = 0


def get_rec_iter(kv=None):
    (rank, nworker) = (kv.rank, kv.num_workers) if kv else (0, 1)
    train = (
        mx.io.ImageRecordIter(
            path_imgrec=d + "/cifar.rec",
            path_imgidx="",
            label_width=1,
            mean_r=123.68,
            mean_g=116.779,
            mean_b=103.939,
            data_name="data",
            label_name="softmax_label",
            data_shape=(3, 28, 28),
            batch_size=4,
            rand_crop=True,
            max_random_scale=1,
            pad=4,
            fill_value=127,
            random_resized_crop=False,
            min_random_scale=1,
            max_aspect_ratio=0.0,
            max_random_aspect_ratio=0,
            random_h=36,
            random_s=50,
            random_l=50,
            max_random_h=0,
            max_rotate_angle=10,
            max_random_rotate_angle=0,
            max_shear_ratio=0.1,
            max_random_shear_ratio=0,
            brightness=0.4,
            contrast=0.4,
            saturation=0.4,
            pca_noise=0.1,
            rand_mirror=True,
            preprocess_threads=4,
            shuffle=True,
            num_parts=nworker,
            part_index=rank,
        )
        if False
        else mx.io.ImageRecordIter(
            path_imgrec=d + "/cifar.rec",
            label_width=1,
            mean_r=123.68,
            mean_g=116.779,
            mean_b=103.939,
            data_name="data",
            label_name="softmax_label",
            data_shape=(3, 28, 28),
            batch_size=4,
            rand_crop=True,
            max_random_scale=1,
            pad=4,
            fill_value=127,
            min_random_scale=1,
            max_aspect_ratio=0.0,
            random_h=36,
            random_s=50,
            random_l=50,
            max_rotate_angle=10,
            max_shear_ratio=0.1,
            rand_mirror=True,
            preprocess_threads=4,
            shuffle=True,
            num_parts=nworker,
            part_index=rank,
        )
    )
    val = mx.io.ImageRecordIter(
        path_imgrec=d + "/cifar.rec",
        label_width=1,
        batch_size=4,
        data_shape=(3, 28, 28),
        round_batch=False,
        num_parts=nworker,
        part_index=rank,
        preprocess_threads=2,
        rand_crop=False,
        rand_mirror=False,
        std_r=1.0,
        dtype="float32",
    )
    return train, val


kv = mx.kvstore.create("local")
print(kv.rank, kv.num_workers, kv.type)
logging.basicConfig(level=logging.DEBUG)
logging.info("start with %s", 1)
train, val = get_rec_iter(kv)
print(sum(b.data[0].shape[0] - b.pad for b in train), [(b.data[0].shape, b.label[0].shape, b.pad) for b in val])
s = SyntheticDataIter(10, (2, 3, 4, 4), 3, "float32")
print([str(b) for b in s], s.provide_data)
tic = time.time()
for i, batch in enumerate(val):
    for j in batch.data:
        j.wait_to_read()
    if (i + 1) % 1 == 0:
        pass
val.reset()
f = open(o + "/mean.txt", "w")
tot = mx.nd.zeros((3,))
n = 0
for batch in val:
    tot += batch.data[0].sum(axis=(0, 2, 3))
    n += batch.data[0].size / 3
print((tot / n).asnumpy().round(2), n)
mx.nd.waitall()
import mxnet.callback
import mxnet.metric
