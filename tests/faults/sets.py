"""Small sets of every kind, to be hurt: what the flips, cuts and mutators start from."""

from __future__ import annotations

import os
import random
import struct
import tempfile
from pathlib import Path
from typing import NamedTuple

import recordio
from recordio.frame import MAGIC_BYTES

SUFFIXES = (".rec", ".idx", ".sum")
KINDS = 20
Record = tuple[int, bytes]  # key, payload


class Made(NamedTuple):
    """A set on disk.

    Attributes:
        rec: path of its .rec; .idx and .sum stand beside it.
        records: its keys and payloads.
        headers: whether its payloads have image headers.
    """

    rec: Path
    records: list[Record]
    headers: bool

    def path(self, suffix: str) -> Path:
        """Return the path of one of its files."""
        return self.rec.with_suffix(suffix)

    def owners(self, suffix: str) -> list[int | None]:
        """Return for each byte of a file the key of the record or line that it belongs to."""
        if suffix == ".rec":
            return [key for key, payload in self.records for _ in recordio.frame.encode(payload)]
        lines = self.path(suffix).read_bytes().splitlines(keepends=True)
        owners: list[int | None] = []
        for line in lines:
            key = line.split(b"\t")[0]
            owners += [int(key) if key.isdigit() else None] * len(line)
        return owners


def memory() -> str | None:
    """Return a folder in memory, where there is one: these tests write millions of files."""
    return "/dev/shm" if os.access("/dev/shm", os.W_OK) else None


def folder() -> tempfile.TemporaryDirectory[str]:
    """Return a temporary folder in memory."""
    return tempfile.TemporaryDirectory(prefix="faults-", dir=memory())


def image(rng: random.Random, size: int) -> bytes:
    """Return random bytes in which magic words, heads and zeros are frequent."""
    pieces: list[bytes] = []
    left = size
    while left > 0:
        piece = rng.choice(
            (MAGIC_BYTES, b"\0\0\0\0", struct.pack("<I", 1 << 29 | 8), rng.randbytes(rng.randrange(1, 40)), rng.randbytes(4))
        )
        pieces.append(piece[:left])
        left -= len(pieces[-1])
    return b"".join(pieces)


def record(rng: random.Random, key: int, size: int, labels: int = 0, *, plain: bool = True) -> Record:
    """Return a record with an image header: one label, or a vector of *labels*."""
    label = [rng.uniform(-9, 9) for _ in range(labels)] if labels else float(rng.randrange(100))
    content = rng.randbytes(size) if plain else image(rng, size)
    return key, recordio.pack(recordio.Header(0, label, key), content)


def _identities(rng: random.Random) -> list[Record]:
    """Return records in the layout of face-recognition sets: images, identities, the header last."""
    records = [record(rng, key, rng.randrange(40, 130)) for key in range(1, 9)]
    for key, bounds in ((9, (1.0, 4.0)), (10, (4.0, 9.0)), (0, (9.0, 11.0))):
        records.append((key, recordio.pack(recordio.Header(2, bounds, key))))
    return records


def contents(kind: int, rng: random.Random) -> tuple[list[Record], bool]:
    """Return the records of a kind of set, and whether they have image headers. The .rec has up to 4 KiB."""
    big = 1 << 64
    headed: dict[int, list[Record]] = {}
    if kind == 0:
        headed[0] = []
    elif kind == 1:
        headed[1] = [record(rng, 7, 3900)]
    elif kind == 2:
        headed[2] = [record(rng, key, 100 + key) for key in range(25)]
    elif kind == 3:
        headed[3] = [record(rng, key, rng.randrange(80), rng.randrange(1, 12)) for key in rng.sample(range(1000), 30)]
    elif kind == 4:
        headed[4] = _identities(rng)
    elif kind == 5:
        headed[5] = [record(rng, key, rng.randrange(200), plain=False) for key in range(100, 118)]
    elif kind == 6:
        headed[6] = [record(rng, key, 0) for key in range(3, 90)]
    elif kind == 7:
        headed[7] = [record(rng, big - 1 - key, rng.randrange(100)) for key in range(30)]
    elif kind == 8:
        headed[8] = [record(rng, key, rng.randrange(100)) for key in range(40, 0, -1)]
    elif kind == 9:
        headed[9] = [(key, recordio.pack(recordio.Header(0, 1.0, key), MAGIC_BYTES * 30)) for key in range(10)]
    elif kind == 10:
        headed[10] = [record(rng, rng.randrange(big), rng.randrange(300)) for _ in range(16)]
    elif kind == 11:
        headed[11] = [record(rng, key, 1200) for key in (5, 1, 9)]
    elif kind == 12:
        headed[12] = [(n, record(rng, rng.randrange(10**9), 60)[1]) for n in range(35)]  # keys as rec2idx gives them
    elif kind == 13:
        headed[13] = [record(rng, key, 90, 300 if key == 4 else 2) for key in range(1, 15)]
    elif kind == 14:
        headed[14] = [record(rng, key, key % 5, plain=False) for key in range(70)]
    if headed:
        return headed[kind], True
    if kind == 15:
        return [(key, b"") for key in range(100)], False
    if kind == 16:
        return [(key, image(rng, rng.randrange(60))) for key in range(60)], False
    if kind == 17:
        return [(key, MAGIC_BYTES * (key % 12)) for key in range(60)], False
    if kind == 18:
        return [(rng.randrange(big), rng.randbytes(rng.randrange(9))) for _ in range(120)], False
    return [(key * 10**12, image(rng, 700)) for key in range(5)], False


def write(into: Path, records: list[Record], *, headers: bool, checksums: bool = True, name: str = "x") -> Made:
    """Write a set."""
    rec = into / f"{name}.rec"
    options = {"--resize": "256", "list": "a\tb"}
    with recordio.IndexedWriter(rec, checksums=checksums, force=True, tool="a tool 1.0, ü", options=options) as writer:
        for key, payload in records:
            writer.write(key, payload)
    return Made(rec, records, headers)


def make(into: Path, kind: int, seed: object) -> Made:
    """Write a set of a kind; the same one for the same seed."""
    records, headers = contents(kind, random.Random(f"{seed} set {kind}"))
    return write(into, records, headers=headers)


def random_contents(rng: random.Random) -> tuple[list[Record], bool]:
    """Return the records of a random set."""
    count = rng.choice((0, 1, 2, 3, rng.randrange(30)))
    keys = rng.choice((lambda: rng.randrange(100), lambda: rng.randrange(1 << 64), lambda: rng.randrange(10**6)))
    unique = list(dict.fromkeys(keys() for _ in range(count)))
    if rng.random() < 0.2:
        return [(key, image(rng, rng.choice((0, 1, 4, rng.randrange(200))))) for key in unique], False
    sizes = rng.choice(((0, 8), (0, 300), (50, 60)))
    labels = rng.choice(((0,), (0, 1, 2), (5,)))
    plain = rng.random() < 0.5
    return [record(rng, key, rng.randrange(*sizes), rng.choice(labels), plain=plain) for key in unique], True
