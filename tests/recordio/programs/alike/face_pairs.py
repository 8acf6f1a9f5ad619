"""A verification set (.bin) into arrays, with mirrored ones, in batches."""

import pickle
import sys

import mxnet as mx
import numpy as np
from mxnet import ndarray as nd


def load_bin(path, image_size):
    try:
        with open(path, "rb") as f:
            bins, issame_list = pickle.load(f)
    except UnicodeDecodeError:
        with open(path, "rb") as f:
            bins, issame_list = pickle.load(f, encoding="bytes")
    data_list = []
    for flip in [0, 1]:
        data_list.append(nd.empty((len(issame_list) * 2, 3, image_size[0], image_size[1])))
    for i in range(len(issame_list) * 2):
        img = mx.image.imdecode(bins[i])
        if img.shape[1] != image_size[0]:
            img = mx.image.resize_short(img, image_size[0])
        img = mx.image.fixed_crop(img, 0, 0, image_size[1], image_size[0])
        img = nd.transpose(img, axes=(2, 0, 1))
        for flip in [0, 1]:
            if flip == 1:
                img = mx.ndarray.flip(data=img, axis=2)
            data_list[flip][i][:] = img
        if i % 1000 == 0:
            print("loading bin", i)
    print(data_list[0].shape)
    return data_list, issame_list


data, same = load_bin(sys.argv[1] + "/lfw.bin", (32, 32))
print(data[0].dtype, same, (data[0][:, :, :, ::-1] == data[1]).asnumpy().min(), type(data[0][0]).__name__)
d = data[0]
for ba in range(0, d.shape[0], 3):
    bb = min(ba + 3, d.shape[0])
    count = bb - ba
    _data = nd.slice_axis(d, axis=0, begin=bb - 3, end=bb)
    _label = nd.ones((3,))
    db = mx.io.DataBatch(data=(_data,), label=(_label,))
    print(db.data[0].shape, db.label[0].shape, db.pad, count)
mu = nd.mean(d, axis=(0, 2, 3))
print(mu.shape, ((mu - nd.array([100, 100, 100])) > -100).asnumpy().tolist())
emb = d.reshape((4, -1)).asnumpy()
print(emb.shape, str(db))
x = nd.array(np.arange(6).reshape(2, 3)) - 127.5
x *= 0.0078125
print(x.asnumpy().round(4).tolist())
