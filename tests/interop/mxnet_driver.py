"""Runs inside the environment of MXNet 1.9.1: its im2rec.py on many argument lists, and its readers and writers.

Usage: mxnet_driver.py im2rec CASES.json     [{"cwd": folder, "args": [...]}, ...] -> adds "exit" and "stdout" to each
       mxnet_driver.py write REC IDX PAYLOADS.json    {"keys": [...], "payloads": [hex, ...]}
       mxnet_driver.py read REC IDX                   prints such an object
       mxnet_driver.py iterate REC IDX WIDTH HEIGHT   prints the labels of one epoch of ImageRecordIter

Loading mxnet takes 1.5 s, so all runs of im2rec.py are forks of one process that has loaded it; each is otherwise the
unchanged program, run as __main__.
"""

import json
import os
import runpy
import sys
import tempfile

import cv2  # noqa: F401  (loaded once, for all forks)
import mxnet as mx


def run_im2rec(cases_path):
    program = os.path.join(os.path.dirname(mx.__file__), "tools", "im2rec.py")
    with open(cases_path) as file:
        cases = json.load(file)
    for case in cases:
        with tempfile.TemporaryFile("w+b") as out:
            pid = os.fork()
            if not pid:
                os.dup2(out.fileno(), 1)
                os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
                os.chdir(case["cwd"])
                sys.argv = [program, *case["args"]]
                runpy.run_path(program, run_name="__main__")
                sys.exit(0)  # an ordinary end: MXNet closes its files when they are collected
            case["exit"] = os.waitpid(pid, 0)[1]
            out.seek(0)
            case["stdout"] = out.read().decode("utf-8", "surrogateescape")
    with open(cases_path, "w") as file:
        json.dump(cases, file)


def write(rec, idx, payloads_path):
    with open(payloads_path) as file:
        wanted = json.load(file)
    writer = mx.recordio.MXIndexedRecordIO(idx, rec, "w")
    for key, payload in zip(wanted["keys"], wanted["payloads"]):
        writer.write_idx(key, bytes.fromhex(payload))
    writer.close()


def read(rec, idx):
    reader = mx.recordio.MXIndexedRecordIO(idx, rec, "r")
    in_order = mx.recordio.MXRecordIO(rec, "r")
    payloads = [reader.read_idx(key) for key in reader.keys]
    for payload in payloads:
        assert in_order.read() == payload, "MXNet's own two readers disagree"
    assert in_order.read() is None
    json.dump({"keys": list(reader.keys), "payloads": [payload.hex() for payload in payloads]}, sys.stdout)


def iterate(rec, idx, width, height):
    iterator = mx.io.ImageRecordIter(
        path_imgrec=rec, path_imgidx=idx, data_shape=(3, int(height), int(width)), batch_size=8, round_batch=False, verbose=False
    )
    labels = []
    for batch in iterator:
        labels += batch.label[0].asnumpy()[: 8 - batch.pad].tolist()
    json.dump(labels, sys.stdout)


if __name__ == "__main__":
    {"im2rec": run_im2rec, "write": write, "read": read, "iterate": iterate}[sys.argv[1]](*sys.argv[2:])
