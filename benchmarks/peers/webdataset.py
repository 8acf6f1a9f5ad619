"""Write the images of a list as one WebDataset tar. Runs in the peers' environment.

Usage: webdataset.py LIST ROOT OUT, or webdataset.py --count OUT
"""

import sys
import tarfile

sys.path.pop(0)  # this folder, whose modules are named like the packages

import webdataset


def write(lst, root, out):
    with open(lst, encoding="utf-8") as lines, open(out, "wb") as file, webdataset.TarWriter(file) as writer:
        for line in lines:
            number, *labels, path = line.rstrip("\n").split("\t")
            with open(f"{root}/{path}", "rb") as image:
                writer.write({"__key__": f"{int(number):09d}", "jpg": image.read(), "cls": int(float(labels[0]))})


def count(out):
    with tarfile.open(out) as tar:
        return sum(member.name.endswith(".jpg") for member in tar)


if sys.argv[1] == "--count":
    print(count(sys.argv[2]))
else:
    write(*sys.argv[1:4])
