"""Boxes of images into a list, records, and the iterators for detection."""

import json
import os
import sys

import cv2
import mxnet as mx
import numpy as np

src, dst = sys.argv[1:]


def write_line(img_path, im_shape, boxes, ids, idx):
    h, w, c = im_shape
    A, B, C, D = 4, 5, w, h
    labels = np.array(ids).reshape(-1, 1).astype("float")
    bboxes = np.array(boxes).astype("float")
    bboxes[:, [0, 2]] /= float(w)
    bboxes[:, [1, 3]] /= float(h)
    labels = np.hstack((labels, bboxes)).flatten().tolist()
    return "\t".join([str(idx)] + [str(A), str(B), str(C), str(D)] + [str(x) for x in labels] + [img_path]) + "\n"


lines = []
for i, f in enumerate(sorted(os.listdir(src + "/images/cat"))):
    im = mx.image.imread(os.path.join(src, "images/cat", f))
    lines.append(write_line("images/cat/" + f, im.shape, [[10, 5, 40, 30], [1, 2, 3, 4]][: 1 + i % 2], [i, 1][: 1 + i % 2], i))
open(dst + "/val.lst", "w").writelines(lines)
rec = mx.recordio.MXIndexedRecordIO(dst + "/val.idx", dst + "/val.rec", "w")
for line in open(dst + "/val.lst"):
    item = line.strip().split("\t")
    header = mx.recordio.IRHeader(0, [float(x) for x in item[1:-1]], int(item[0]), 0)
    with open(os.path.join(src, item[-1]), "rb") as f:
        rec.write_idx(int(item[0]), mx.recordio.pack(header, f.read()))
rec.close()
it = mx.image.ImageDetIter(batch_size=2, data_shape=(3, 64, 64), path_imgrec=dst + "/val.rec", path_imgidx=dst + "/val.idx")
print(it.provide_data, it.provide_label, it.max_objects if hasattr(it, "max_objects") else None, it.label_shape)
for b in it:
    print(b.data[0].shape, b.label[0].asnumpy().round(3).tolist(), b.pad)
it.reset()
it.reshape(label_shape=(4, 5))
print(it.next().label[0].shape)
for aug in mx.image.CreateDetAugmenter((3, 32, 32), rand_crop=0.5, rand_pad=0.5, rand_mirror=True, mean=True, brightness=0.1):
    print(type(aug).__name__)
it2 = mx.image.ImageDetIter(2, (3, 32, 32), path_imglist=dst + "/val.lst", path_root=src)
print(it2.next().label[0].shape, it.sync_label_shape(it2).label_shape if False else "")
it3 = mx.io.ImageDetRecordIter(
    path_imgrec=dst + "/val.rec",
    path_imgidx=dst + "/val.idx",
    batch_size=1,
    data_shape=(3, 48, 48),
    mean_r=123,
    std_r=1,
    std_g=1,
    std_b=1,
    label_pad_width=20,
)
print(it3.provide_data, it3.provide_label)
for b in it3:
    print(b.data[0].shape, b.label[0].asnumpy().round(3).tolist())
