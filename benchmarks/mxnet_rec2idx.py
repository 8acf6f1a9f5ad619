"""Rebuild an .idx with MXNet's own reader, as its rec2idx.py does, which its wheel leaves out. Runs in MXNet's environment.

Usage: mxnet_rec2idx.py REC IDX
"""

import ctypes
import sys
import time

from mxnet.base import _LIB, check_call
from mxnet.recordio import MXRecordIO


def position(reader):
    """Bytes from the start of the file to the record that is read next."""
    found = ctypes.c_size_t()
    check_call(_LIB.MXRecordIOReaderTell(reader.handle, ctypes.byref(found)))
    return found.value


def main():
    rec, idx = sys.argv[1:3]
    reader = MXRecordIO(rec, "r")
    started = time.time()
    count = 0
    with open(idx, "w") as file:
        while True:
            if count % 1000 == 0:
                print("time:", time.time() - started, " count:", count)
            offset = position(reader)
            if reader.read() is None:
                break
            file.write(f"{count}\t{offset}\n")
            count += 1
    reader.close()


if __name__ == "__main__":
    main()
