"""Packs the images of a list with processes that read and encode, as MXNet's im2rec.py does."""

import multiprocessing
import os
import sys

import cv2
import mxnet as mx


def read_list(path):
    with open(path) as fin:
        for line in fin:
            line = [i.strip() for i in line.strip().split("\t")]
            yield [int(line[0])] + [line[-1]] + [float(i) for i in line[1:-1]]


def worker(root, q_in, q_out):
    while True:
        deq = q_in.get()
        if deq is None:
            break
        i, item = deq
        header = mx.recordio.IRHeader(0, item[2], item[0], 0)
        img = cv2.imread(os.path.join(root, item[1]), 1)
        q_out.put((i, mx.recordio.pack_img(header, img, quality=95, img_fmt=".jpg"), item))


if __name__ == "__main__":
    prefix, root, method = sys.argv[1:]
    context = multiprocessing.get_context(method)
    q_in, q_out = context.Queue(), context.Queue()
    items = list(read_list(prefix + ".lst"))
    processes = [context.Process(target=worker, args=(root, q_in, q_out)) for _ in range(2)]
    for process in processes:
        process.start()
    for pair in enumerate(items):
        q_in.put(pair)
    done = {i: (s, item) for i, s, item in (q_out.get() for _ in items)}
    for _ in processes:
        q_in.put(None)
    for process in processes:
        process.join()
    record = mx.recordio.MXIndexedRecordIO(prefix + ".idx", prefix + ".rec", "w")
    for i in sorted(done):
        record.write_idx(done[i][1][0], done[i][0])
    print(len(done))
