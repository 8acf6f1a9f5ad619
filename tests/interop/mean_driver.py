"""Runs in MXNet's environment: ImageRecordIter with mean images that ours has made, and that it makes itself."""

import json
import sys

import mxnet as mx
import numpy as np


def main():
    with open(sys.argv[1]) as file:
        job = json.load(file)
    out = {}
    for name, args in job.items():
        args["data_shape"] = tuple(args["data_shape"])
        batches = list(mx.io.ImageRecordIter(**args))
        out[name] = np.stack([batch.data[0].asnumpy() for batch in batches])
        (loaded,) = mx.nd.load(args["mean_img"]).values()
        out[name + "_mean"] = loaded.asnumpy()
    np.savez(sys.argv[2], **out)


main()
