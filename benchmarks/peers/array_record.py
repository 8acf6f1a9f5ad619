"""Write the images of a list as one ArrayRecord file, uncompressed, as MXNet's record. Runs in the peers' environment.

Usage: array_record.py LIST ROOT OUT, or array_record.py --count OUT
"""

import struct
import sys

sys.path.pop(0)  # this folder, whose modules are named like the packages

from array_record.python.array_record_module import ArrayRecordReader, ArrayRecordWriter


def write(lst, root, out):
    writer = ArrayRecordWriter(out, "group_size:1,uncompressed")
    with open(lst, encoding="utf-8") as lines:
        for line in lines:
            number, *labels, path = line.rstrip("\n").split("\t")
            with open(f"{root}/{path}", "rb") as image:
                writer.write(struct.pack("<IfQQ", 0, float(labels[0]), int(number), 0) + image.read())
    writer.close()


def count(out):
    reader = ArrayRecordReader(out)
    return sum(bool(reader.read([number])) for number in range(reader.num_records()))


if sys.argv[1] == "--count":
    print(count(sys.argv[2]))
else:
    write(*sys.argv[1:4])
