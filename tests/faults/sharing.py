"""Reads one set from many threads and processes at once, all through one IndexedReader, and counts records that are wrong.

Run as a program, because forks want a process of their own; it prints what it counted as JSON.
"""

from __future__ import annotations

import argparse
import gc
import json
import multiprocessing
import os
import pickle
import random
import sys
import threading
import zlib
from multiprocessing.connection import Connection
from pathlib import Path

import recordio
from recordio.frame import MAGIC_BYTES

RECORDS = 600


def payload_of(key: int) -> bytes:
    """Return the payload of a key: sizes from 0 to 6000, some of them cut at magic words."""
    rng = random.Random(key)
    data = rng.randbytes(rng.choice((0, 1, 30, 1000, rng.randrange(6000))))
    return data[:40] + MAGIC_BYTES + data[40:] if key % 3 == 0 else data


def write(rec: Path) -> None:
    """Write the set; keys are shuffled, so that they stand in another order than their records."""
    keys = list(range(RECORDS))
    random.Random(1).shuffle(keys)
    with recordio.IndexedWriter(rec, force=True) as writer:
        for key in keys:
            writer.write(key, payload_of(key))


def descriptors() -> int:
    """Return the number of open descriptors of this process, 0 where the system does not tell."""
    folder = Path("/proc/self/fd")
    return len(list(folder.iterdir())) if folder.is_dir() else 0


def read(reader: recordio.IndexedReader, count: int, seed: int, found: list[int]) -> None:
    """Read *count* records in random order, and add the numbers of those right and wrong."""
    rng = random.Random(seed)
    right = wrong = 0
    for _ in range(count):
        key = rng.randrange(RECORDS)
        if zlib.crc32(reader.read(key)) == _CRCS[key]:
            right += 1
        else:
            wrong += 1
    found.append(right)
    found.append(wrong)


_CRCS = [zlib.crc32(payload_of(key)) for key in range(RECORDS)]


def in_threads(reader: recordio.IndexedReader, threads: int, count: int, seed: int) -> tuple[int, int]:
    """Read from several threads; return the numbers of right and wrong records. A thread that dies counts for nothing."""
    counts: list[list[int]] = [[] for _ in range(threads)]
    running = [threading.Thread(target=read, args=(reader, count, seed + number, counts[number])) for number in range(threads)]
    for thread in running:
        thread.start()
    for thread in running:
        thread.join()
    return sum(count[0] for count in counts if count), sum(count[1] for count in counts if count)


def _child(reader: recordio.IndexedReader, threads: int, count: int, seed: int, answer: Connection) -> None:
    before = descriptors()
    found = in_threads(reader, threads, count, seed)
    answer.send((*found, descriptors() - before))
    answer.close()


def _pickle_again_and_again(reader: recordio.IndexedReader, stop: threading.Event, wrong: list[int]) -> None:
    while not stop.is_set():
        copy = pickle.loads(pickle.dumps(reader))
        wrong.append(zlib.crc32(copy.read(7)) != _CRCS[7])
        copy.close()
        if reader.read(8) != payload_of(8):
            wrong.append(1)


def run(rec: Path, method: str, processes: int, threads: int, reads: int, seed: int, *, verified: bool) -> dict[str, int]:
    """Read from *threads* here and in each of *processes*, *reads* in all, and meanwhile pickle the reader."""
    context = multiprocessing.get_context(method)
    reader = recordio.IndexedReader(rec, verify=verified)
    reader.read(0)
    each = max(1, reads // ((processes + 1) * threads))
    first = context.Process(target=len, args=("",))  # starts the helpers that a method needs; they keep descriptors
    first.start()
    first.join()
    first.close()
    before = descriptors()
    children = []
    for number in range(processes):
        ours, theirs = context.Pipe(duplex=False)
        child = context.Process(target=_child, args=(reader, threads, each, seed + 1000 * (number + 1), theirs))
        child.start()
        theirs.close()
        children.append((child, ours))
    stop, wrong_copies = threading.Event(), []
    pickler = threading.Thread(target=_pickle_again_and_again, args=(reader, stop, wrong_copies))
    pickler.start()
    right, wrong = in_threads(reader, threads, each, seed)
    grown = 0
    for child, answer in children:
        try:
            found = answer.recv()
        except EOFError:  # it died
            found = (0, 1, 0)
        right, wrong, grown = right + found[0], wrong + found[1], grown + found[2]
        answer.close()
        child.join()
        child.close()
    stop.set()
    pickler.join()
    gc.collect()
    grown += descriptors() - before
    reader.close()
    done = right + wrong
    lost = each * threads * (processes + 1) - done
    return {"reads": done, "wrong": wrong + sum(wrong_copies), "lost": lost, "grown": grown, "copies": len(wrong_copies)}


def main() -> None:
    """Run as told on the command line."""
    parser = argparse.ArgumentParser()
    parser.add_argument("rec", type=Path)
    parser.add_argument("method")
    for name in ("processes", "threads", "reads", "seed"):
        parser.add_argument(name, type=int)
    parser.add_argument("--verified", action="store_true")
    parser.add_argument("--without-pread", action="store_true")
    given = parser.parse_args()
    if given.without_pread:
        del os.pread
    found = run(given.rec, given.method, given.processes, given.threads, given.reads, given.seed, verified=given.verified)
    sys.stdout.write(json.dumps(found) + "\n")


if __name__ == "__main__":
    main()
