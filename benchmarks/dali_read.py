"""Decode, crop and mirror the images of a .rec with DALI on the CPU; print the seconds. Runs in DALI's environment.

Usage: dali_read.py images REC THREADS float32|uint8 IMAGES
"""

import sys
import time

from nvidia.dali import fn, pipeline_def, types

BATCH = 64


@pipeline_def(batch_size=BATCH, device_id=None, prefetch_queue_depth=4)
def images(rec, dtype):
    encoded, labels = fn.readers.mxnet(path=[rec], index_path=[rec[:-4] + ".idx"], random_shuffle=True, initial_fill=1024, name="reader")
    pictures = fn.decoders.image(encoded, device="cpu", output_type=types.RGB)
    pictures = fn.crop_mirror_normalize(
        pictures, crop=(224, 224), crop_pos_x=fn.random.uniform(range=(0.0, 1.0)), crop_pos_y=fn.random.uniform(range=(0.0, 1.0)),
        mirror=fn.random.coin_flip(), dtype=types.UINT8 if dtype == "uint8" else types.FLOAT, output_layout="CHW",
        out_of_bounds_policy="pad",
    )  # fmt: skip
    return pictures, labels


def main():
    _, rec, threads, dtype, wanted = sys.argv[1:]
    pipe = images(rec, dtype, num_threads=int(threads), seed=1)
    pipe.build()
    for _ in range(-(-pipe.epoch_size("reader") // BATCH)):  # by then everything is loaded, and the memory in use
        pipe.run()
    start, count = time.perf_counter(), 0
    while count < int(wanted):
        pictures, _ = pipe.run()
        count += len(pictures)
    print(wanted, (time.perf_counter() - start) * int(wanted) / count)  # batches are whole, so there were a few more


main()
