"""Calls of mxnet.recordio with their results as text, to be run with MXNet's module and with ours; runs on Python 3.8, too.

Usage: recordio_calls.py FOLDER SEED    runs them with the real MXNet and prints the results as JSON.
"""

import json
import os
import pickle
import random
import struct
import sys

import cv2
import numpy as np

MAGIC = struct.pack("<I", 0xCED7230A)


def _payload(rng):
    pieces = [MAGIC, MAGIC[:2], b"\0" * 4, b"a", os.urandom(0), struct.pack("<I", 1 << 29 | 4)]
    return b"".join(rng.choice(pieces) for _ in range(rng.randint(0, 30)))


def _kinds(error):
    """Name what a program could catch: the standard exceptions among its classes, and MXNetError."""
    common = ("KeyError", "AssertionError", "TypeError", "FileNotFoundError", "MXNetError", "RuntimeError", "ValueError", "error")
    return [kind.__name__ for kind in type(error).__mro__ if kind.__name__ in common]


def _tell(call):
    try:
        result = call()
    except Exception as error:  # noqa: BLE001  (its kinds are what is compared)
        return {"raises": _kinds(error)}
    return {"gives": repr(result)}


def _writes(recordio, folder, rng, results):
    keys = rng.sample(range(10000), 300)
    record = recordio.MXIndexedRecordIO(os.path.join(folder, "a.idx"), os.path.join(folder, "a.rec"), "w")
    for key in keys + keys[:20]:
        record.write_idx(key, _payload(rng))
        results.append(record.tell())
    results += [list(record.keys), sorted(record.idx.items()), record.is_open, record.writable]
    record.close()
    results += [record.is_open, record.writable, record.pid, _tell(lambda: record.write(b"x")), _tell(record.read)]
    return keys


def _reads(recordio, folder, rng, keys, results):
    record = recordio.MXIndexedRecordIO(os.path.join(folder, "a.idx"), os.path.join(folder, "a.rec"), "r")
    calls = {
        "read": record.read,
        "read_idx": lambda: record.read_idx(rng.choice(keys)),
        "seek": lambda: record.seek(rng.choice(keys)),
        "missing": lambda: record.read_idx(10001),
        "text": lambda: record.read_idx("1"),
        "reset": record.reset,
        "write": lambda: record.write(b""),
        "write_idx": lambda: record.write_idx(1, b""),
    }
    names = list(calls) + ["read"] * 8 + ["read_idx"] * 8 + ["seek"] * 2
    for _ in range(4000):
        name = rng.choice(names)
        results.append([name, _tell(calls[name])])
        if results[-1][1] == {"gives": "None"} and name == "read":
            record.reset()  # MXNet's reader that was at the end gives None even behind a seek
    record.close()
    results += [_tell(record.read), _tell(lambda: record.read_idx(keys[5])), record.is_open]
    other = pickle.loads(pickle.dumps(record))
    results += [other.read_idx(keys[0]).hex(), other.read().hex(), other.flag, other.is_open]


def _packs(recordio, results):
    header = recordio.IRHeader
    image = np.random.RandomState(3).randint(0, 256, (31, 40, 3)).astype(np.uint8)
    labels = [
        1,
        2.5,
        True,
        np.float32(3),
        np.int64(4),
        np.array(5.0),
        [1, 2, 3],
        (1,),
        [],
        np.arange(6).reshape(2, 3),
        "a",
        None,
        1e39,
        [1e39],
    ]
    for label in labels:
        for id_ in (0, 7, 2**64 - 1, -1, 2**64, 1.5):
            results.append(_tell(lambda: recordio.pack(header(3, label, id_, 2), b"data")))  # noqa: B023  (called at once)
    for quality in (0, 1, 9, 50, 95, 100):
        for suffix in (".jpg", ".JPEG", ".png", ".bmp"):
            packed = recordio.pack_img(header(0, [1, 2], 3, 4), image[:, :, : 3 if quality else 1], quality, suffix)
            results.append(packed.hex())
            for flag in (-1, 0, 1):
                head, pixels = recordio.unpack_img(packed, flag)
                results += [repr(head), repr(pixels.shape), pixels.tobytes().hex()]
    results += [_tell(lambda: recordio.unpack(b"abc")), _tell(lambda: recordio.unpack(struct.pack("IfQQ", 5, 0, 0, 0)))]
    results += [recordio._IR_FORMAT, recordio._IR_SIZE, repr(recordio.unpack_img(recordio.pack(header(0, 1, 2, 3), b"no image")))]


def _errors(recordio, folder, results):
    def path(name):
        return os.path.join(folder, name)

    with open(path("zeros.rec"), "wb") as file:
        file.write(b"\0" * 32)
    with open(path("bad.idx"), "w") as file:
        file.write("x\t0\n")
    results += [
        _tell(lambda: recordio.MXRecordIO(path("no.rec"), "r")),
        _tell(lambda: recordio.MXRecordIO(path("no/no.rec"), "w")),
        _tell(lambda: recordio.MXRecordIO(path("a.rec"), "x")),
        _tell(lambda: recordio.MXIndexedRecordIO(path("no.idx"), path("a.rec"), "r")),
        _tell(lambda: recordio.MXIndexedRecordIO(path("bad.idx"), path("a.rec"), "r")),
        _tell(recordio.MXRecordIO(path("zeros.rec"), "r").read),
    ]


def run_calls(recordio, folder, seed):
    rng, results = random.Random(seed), []
    keys = _writes(recordio, folder, rng, results)
    _reads(recordio, folder, rng, keys, results)
    _packs(recordio, results)
    _errors(recordio, folder, results)
    return results


if __name__ == "__main__":
    cv2.setNumThreads(1)
    import mxnet

    json.dump(run_calls(mxnet.recordio, sys.argv[1], int(sys.argv[2])), sys.stdout)
