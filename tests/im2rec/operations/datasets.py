"""Sets that operations are tried on, and reading what they make of them."""

from __future__ import annotations

import struct
from collections.abc import Iterable
from pathlib import Path

from recordio import index
from recordio.header import pack_header
from recordio.reader import Reader
from recordio.writer import IndexedWriter

MAGIC = struct.pack("<I", 0xCED7230A)
IMAGE = b"\xff\xd8 picture"
RECORDS = {
    "plain": [(key, pack_header(float(key % 5), key) + IMAGE * (key % 7 + 1)) for key in range(40)],
    "multi-label": [(key, pack_header([key % 3, 0.5, key], key) + IMAGE * (key % 4)) for key in range(30)],
    "detection": [(key, pack_header([2, 5, key % 4, 0.1, 0.2, 0.5, 0.75], key) + IMAGE) for key in range(30)],
    "escaped": [(key, pack_header(float(key % 2), key) + MAGIC * (key % 3) + b"x" * key + MAGIC) for key in range(0, 300, 10)],
    "empty payloads": [(key, b"" if key % 3 else pack_header(1.0, key) + IMAGE) for key in range(20)],
    "duplicate keys": [(key // 2, pack_header(float(key % 3), key // 2) + IMAGE + bytes([key])) for key in range(24)],
    "backwards": [(1000 - key, pack_header(float(key % 5), 1000 - key) + IMAGE * key) for key in range(25)],
    "empty": [],
    "magic ids": [(0xCED7230A + key, pack_header(float(key), 0xCED7230A + key) + IMAGE) for key in range(-2, 3)],
}


def write_set(rec: Path, records: Iterable[tuple[int, bytes]], **options: bool) -> Path:
    with IndexedWriter(rec, **options) as writer:
        for key, payload in records:
            writer.write(key, payload)
    return rec


def read_set(rec: Path) -> list[tuple[int, bytes]]:
    """Keys and payloads of a .rec in the order of the file; its .idx has to name exactly its records."""
    found = index.load(rec.with_suffix(".idx"))
    keys = dict(zip(found.offsets.tolist(), found.keys.tolist(), strict=True))
    with Reader(rec, verify=rec.with_suffix(".sum").exists()) as reader:
        records = [(keys.pop(offset), payload) for offset, payload in reader.records()]
    assert not keys
    return records
