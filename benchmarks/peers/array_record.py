"""Write the images of a list as one ArrayRecord file, uncompressed, as MXNet's record. Runs in the peers' environment.

Usage: array_record.py LIST ROOT OUT, or array_record.py --count OUT, or array_record.py --order|--key OUT PASSES
"""

import random
import struct
import sys
import time

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


def unpack(record):
    return struct.unpack_from("<IfQQ", record), record[24:]


def order(out, passes):
    start = time.perf_counter()
    found = 0
    for _ in range(passes):
        reader = ArrayRecordReader(out)
        for _ in range(reader.num_records()):
            unpack(reader.read())
            found += 1
    return found, time.perf_counter() - start


def key(out, passes):
    reader = ArrayRecordReader(out, "readahead_buffer_size:0")
    keys = list(range(reader.num_records())) * passes
    random.Random(1).shuffle(keys)
    start = time.perf_counter()
    for number in keys:
        (record,) = reader.read([number])
        unpack(record)
    return len(keys), time.perf_counter() - start


if sys.argv[1] == "--count":
    print(count(sys.argv[2]))
elif sys.argv[1] in ("--order", "--key"):
    print(*(order if sys.argv[1] == "--order" else key)(sys.argv[2], int(sys.argv[3])))
else:
    write(*sys.argv[1:4])
