"""Write the images of a list as a LitData dataset, with 2 workers. Runs in the peers' environment.

Usage: litdata.py LIST ROOT OUT, or litdata.py --count OUT
"""

import functools
import os
import sys

sys.path.pop(0)  # this folder, whose modules are named like the packages

import litdata


def sample(line, root):
    number, *labels, path = line.rstrip("\n").split("\t")
    with open(f"{root}/{path}", "rb") as image:
        return {"id": int(number), "label": float(labels[0]), "image": image.read()}


def write(lst, root, out):
    for name in ("DATA_OPTIMIZER_CACHE_FOLDER", "DATA_OPTIMIZER_DATA_CACHE_FOLDER"):
        os.environ[name] = os.path.abspath(f"{out}/cache")  # else in the system's folder for temporary files
    with open(lst, encoding="utf-8") as lines:
        inputs = list(lines)
    litdata.optimize(
        functools.partial(sample, root=root), inputs, output_dir=out, chunk_bytes="64MB", num_workers=2, reorder_files=False, verbose=False
    )


if __name__ == "__main__":  # its workers load this file again
    if sys.argv[1] == "--count":
        print(len(litdata.StreamingDataset(sys.argv[2])))
    else:
        write(*sys.argv[1:4])
