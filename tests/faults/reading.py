"""One reader, used by threads, forked and spawned processes and pickled copies at once; each record is compared."""

from __future__ import annotations

import multiprocessing
import os
import pickle
import random
import threading
import zlib
from pathlib import Path
from typing import Any

from tiers import SEED, row

import recordio
from recordio import mxnet

RECORDS = 500
THREADS = 3
M = b"\x0a\x23\xd7\xce"


def payload_of(key: int) -> bytes:
    """The payload that belongs to a key: of 0 to some 3000 bytes, with its CRC in front, a few in several parts."""
    draw = random.Random(key)
    body = draw.randbytes(draw.randrange(3000)) if key % 10 else (M * draw.randrange(1, 9))
    body = key.to_bytes(4, "little") + body
    return zlib.crc32(body).to_bytes(4, "little") + body


def write(path: Path) -> Path:
    """Write the records under keys in no order."""
    with recordio.IndexedWriter(path) as writer:
        for key in random.Random(SEED).sample(range(RECORDS), RECORDS):
            writer.write(key, payload_of(key))
    return path


def wrong_reads(reader: Any, seed: int, count: int) -> list[tuple[int, str]]:
    """Read *count* records by random keys and compare each by its CRC and its key."""
    draw, read = random.Random(seed), getattr(reader, "read_idx", None) or reader.read
    wrong = []
    for _ in range(count):
        key = draw.randrange(RECORDS)
        payload = read(key)
        if int.from_bytes(payload[:4], "little") != zlib.crc32(payload[4:]) or int.from_bytes(payload[4:8], "little") != key:
            wrong.append((seed, f"key {key}: {payload[:20]!r}"))
    return wrong


def in_threads(reader: Any, seed: int, count: int) -> list[tuple[int, str]]:
    """The same by several threads at once, each with a copy of its own by pickle now and then."""
    found: list[list[tuple[int, str]]] = []

    def work(number: int) -> None:
        copied = pickle.loads(pickle.dumps(reader)) if number % 3 == 2 else reader
        found.append(wrong_reads(copied, seed * 100 + number, count))

    threads = [threading.Thread(target=work, args=(number,)) for number in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == THREADS, "a thread has ended by an error"
    return [one for part in found for one in part]


def in_process(reader: Any, seed: int, count: int, pipe: Any) -> None:
    """The same in another process, which sends what was wrong."""
    pipe.send(in_threads(reader, seed, count))
    pipe.close()


def descriptors() -> int:
    return len(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else 0


def read_by_all(rec: Path, kind: str, total: int) -> None:
    """Read *total* records with one reader by threads here, in forked and in spawned processes, and by pickled copies.

    Raises:
        AssertionError: a read was wrong, or descriptors were left open.
    """
    methods = [method for method in ("fork", "spawn") if method in multiprocessing.get_all_start_methods()]
    processes = 2
    each = -(-total // ((len(methods) * processes + 1) * THREADS))
    opened = descriptors()
    with row(f"reads-{kind}") as found:
        with (
            recordio.IndexedReader(rec) if kind == "IndexedReader" else mxnet.MXIndexedRecordIO(rec.with_suffix(".idx"), rec, "r") as reader
        ):
            for turn, method in enumerate(methods):
                context = multiprocessing.get_context(method)
                pipes = [context.Pipe(duplex=False) for _ in range(processes)]
                started = [
                    context.Process(target=in_process, args=(reader, SEED + 10 * turn + number, each, pipe[1]))
                    for number, pipe in enumerate(pipes)
                ]
                for process in started:
                    process.start()
                wrong = in_threads(reader, SEED + 99, each) if not turn else []
                found.add((0 if turn else THREADS * each, wrong))
                for process, (receiving, sending) in zip(started, pipes, strict=True):
                    sending.close()
                    found.add((THREADS * each, receiving.recv()))
                    process.join()
                    receiving.close()
                    process.close()
        assert descriptors() <= opened + 2, "descriptors were left open"  # the tracker of multiprocessing keeps one
    assert found.cases >= total
