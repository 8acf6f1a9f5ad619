"""Write the images of a list as one TFRecord file. Runs in the peers' environment.

Usage: tfrecord.py LIST ROOT OUT, or tfrecord.py --count OUT, or tfrecord.py --order OUT PASSES
"""

import sys
import time

sys.path.pop(0)  # this folder, whose modules are named like the packages

import tfrecord
from tfrecord.reader import tfrecord_loader


def write(lst, root, out):
    writer = tfrecord.TFRecordWriter(out)
    with open(lst, encoding="utf-8") as lines:
        for line in lines:
            number, *labels, path = line.rstrip("\n").split("\t")
            with open(f"{root}/{path}", "rb") as image:
                data = image.read()
            writer.write({"image": (data, "byte"), "label": (float(labels[0]), "float"), "id": (int(number), "int")})
    writer.close()


def count(out):
    return sum(1 for _ in tfrecord_loader(out, None, {"image": "byte", "label": "float", "id": "int"}))


if sys.argv[1] == "--count":
    print(count(sys.argv[2]))
elif sys.argv[1] == "--order":
    start = time.perf_counter()
    found = sum(count(sys.argv[2]) for _ in range(int(sys.argv[3])))
    print(found, time.perf_counter() - start)
else:
    write(*sys.argv[1:4])
