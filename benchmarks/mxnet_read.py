"""The same as read_ours.py with MXNet. Runs in MXNet's environment.

Usage: mxnet_read.py order|key REC PASSES
       mxnet_read.py images REC THREADS float32|uint8 IMAGES
"""

import random
import sys
import time

import mxnet as mx

BATCH = 64


def order(rec):
    reader = mx.recordio.MXRecordIO(rec, "r")
    count = 0
    while True:
        payload = reader.read()
        if payload is None:
            return count
        mx.recordio.unpack(payload)
        count += 1


def images(rec, threads, dtype, wanted):
    make = mx.io.ImageRecordUInt8Iter if dtype == "uint8" else mx.io.ImageRecordIter
    batches = make(
        path_imgrec=rec, path_imgidx=rec[:-4] + ".idx", data_shape=(3, 224, 224), batch_size=BATCH, shuffle=True, rand_crop=True,
        rand_mirror=True, preprocess_threads=threads, verbose=False,
    )  # fmt: skip
    for batch in batches:  # by then everything is loaded, and the memory in use
        batch.data[0].wait_to_read()
    batches.reset()
    start, count = time.perf_counter(), 0
    while count < wanted:
        for batch in batches:
            batch.data[0].wait_to_read()
            count += len(batch.data[0])
            if count >= wanted:
                break
        batches.reset()
    return (time.perf_counter() - start) * wanted / count  # batches are whole, so there were a few more


def main():
    what, rec, *rest = sys.argv[1:]
    if what == "images":
        wanted = int(rest[2])
        print(wanted, images(rec, int(rest[0]), rest[1], wanted))
        return
    if what == "key":
        reader = mx.recordio.MXIndexedRecordIO(rec[:-4] + ".idx", rec, "r")
        keys = list(reader.keys) * int(rest[0])
        random.Random(1).shuffle(keys)
        start = time.perf_counter()
        for key in keys:
            mx.recordio.unpack(reader.read_idx(key))
        count = len(keys)
    else:
        start = time.perf_counter()
        count = sum(order(rec) for _ in range(int(rest[0])))
    print(count, time.perf_counter() - start)


main()
