"""Runs inside the environment of DALI: reads .rec files with one index on the CPU, as fn.readers.mxnet does.

Usage: dali_driver.py IDX OUT.npz REC ...    writes count, labels and the decoded pixels (BGR) of one epoch, in order
"""

import sys

import numpy as np
from nvidia.dali import fn, pipeline_def, types


@pipeline_def(batch_size=1, num_threads=2, device_id=None)
def pipeline(recs, idx):
    images, labels = fn.readers.mxnet(path=recs, index_path=[idx], name="reader")
    return fn.decoders.image(images, device="cpu", output_type=types.BGR), labels


def main(idx, out, *recs):
    reader = pipeline(list(recs), idx)
    reader.build()
    count = reader.epoch_size("reader")
    found = {"count": np.array(count)}
    for number in range(count):
        images, labels = reader.run()
        found[f"label{number}"] = np.array(labels[0])
        found[f"image{number}"] = np.array(images[0])
    np.savez(out, **found)


if __name__ == "__main__":
    main(*sys.argv[1:])
