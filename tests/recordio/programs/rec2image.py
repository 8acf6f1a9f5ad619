"""Writes the images of a .rec into a folder for each label, as scripts that undo im2rec do."""

import argparse
import os

import cv2
import mxnet as mx
from tqdm import tqdm

parser = argparse.ArgumentParser()
parser.add_argument("--include", required=True)
parser.add_argument("--output", required=True)
args = parser.parse_args()

rec_path = args.include + ".rec"
idx_path = args.include + ".idx"
imgrec = mx.recordio.MXIndexedRecordIO(idx_path, rec_path, "r")
count = 0
for i in tqdm(sorted(imgrec.idx.keys())):
    header, img = mx.recordio.unpack_img(imgrec.read_idx(i))
    label = str(int(header.label))
    if not os.path.exists(os.path.join(args.output, label)):
        os.makedirs(os.path.join(args.output, label))
    assert cv2.imwrite(os.path.join(args.output, label, "%08d.png" % header.id), img)
    count += 1
print(count)
