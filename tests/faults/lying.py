"""Files whose lengths, flags, offsets and sizes lie: every such field, with every value at an edge."""

from __future__ import annotations

import contextlib
import itertools
import random
import struct
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path

import mutated
import sets
import targets

import recordio
from recordio import checksum, frame, header, index, tolerant
from recordio.files import InputFile
from recordio.frame import MAGIC_BYTES
from recordio.outputs import OutputSet
from recordio.verify import verify

PEAK = 16 << 20  # bytes
_EDGES = (0, 1, 2, 3, 4, 7, 8, 9, 24, 1 << 16, (1 << 24) + 1, 1 << 28, (1 << 29) - 4, (1 << 29) - 1, 1 << 29, (1 << 31) - 1, 1 << 31)
_FAR = (
    *_EDGES,
    (1 << 32) - 1,
    1 << 32,
    1 << 40,
    1 << 53,
    (1 << 62) + 4,
    (1 << 63) - 8,
    (1 << 63) - 1,
    1 << 63,
    (1 << 64) - 1,
    1 << 64,
    10**18,
)

Lie = tuple[str, str, bytes]  # what lies, the suffix of the file, its content
Failures = list[tuple[object, str]]


class Set:
    """A valid set of five records: plain, in parts, empty, with labels, plain."""

    def __init__(self, folder: Path) -> None:
        self.rec = folder / "x.rec"
        image = b"abcd" + MAGIC_BYTES + b"efgh" + MAGIC_BYTES + b"i"
        records = [
            (1, recordio.pack(recordio.Header(0, 1.0, 1), b"first")),
            (2, recordio.pack(recordio.Header(0, 1.0, 2), image)),
            (3, recordio.pack(recordio.Header(0, 1.0, 3))),
            (4, recordio.pack(recordio.Header(0, [1.0, 2.0, 3.0], 4), b"fourth")),
            (5, recordio.pack(recordio.Header(0, 1.0, 5), b"last")),
        ]
        self.made = sets.write(folder, records, headers=True)
        self.data = {suffix: self.made.path(suffix).read_bytes() for suffix in sets.SUFFIXES}
        self.offsets = index.parse(self.data[".idx"]).offsets.tolist()
        bare = folder / "bare"
        bare.mkdir()
        self.bare = bare / "x.rec"
        self.put(".rec", self.data[".rec"])
        self.put(".idx", self.data[".idx"])

    def put(self, suffix: str, data: bytes) -> None:
        """Write a file of the set, and of its twin that has no .sum."""
        self.rec.with_suffix(suffix).write_bytes(data)
        if suffix != ".sum":
            self.bare.with_suffix(suffix).write_bytes(data)

    def lies(self) -> Iterator[Lie]:
        """Yield each field with each value."""
        return itertools.chain(self._lengths(), self._flags(), self._offsets(), self._sums())

    def random_lie(self, rng: random.Random) -> Lie:
        """Return several lies at once, in one file."""
        kind = rng.choice((".rec", ".idx", ".sum"))
        data = self.data[kind]
        for _ in range(rng.randrange(1, 4)):
            data = mutated.mutators.mutate_data(kind[1:], data, rng)
        return f"mutated {kind}", kind, data

    def _lengths(self) -> Iterator[Lie]:
        data = self.data[".rec"]
        heads = [at for at in range(0, len(data), 4) if data[at : at + 4] == MAGIC_BYTES]
        for head, cflag in itertools.product(heads, range(8)):
            right = struct.unpack_from("<I", data, head + 4)[0] & frame.MAX_LENGTH
            rest = len(data) - head - 8
            for length in sorted({*_EDGES, right - 1, right, right + 1, right + 4, rest - 1, rest, rest + 1, len(data)}):
                if 0 <= length <= frame.MAX_LENGTH:
                    hurt = data[: head + 4] + struct.pack("<I", cflag << 29 | length) + data[head + 8 :]
                    yield f"cflag {cflag}, length {length} at {head}", ".rec", hurt

    def _flags(self) -> Iterator[Lie]:
        data = self.data[".rec"]
        for offset in (self.offsets[0], self.offsets[2], self.offsets[3], self.offsets[4]):
            for flag in sorted({*_EDGES, 5, 6, (1 << 30) - 1, 1 << 30, (1 << 32) - 1}):
                yield f"flag {flag} at {offset}", ".rec", data[: offset + 8] + struct.pack("<I", flag) + data[offset + 12 :]

    def _offsets(self) -> Iterator[Lie]:
        size = len(self.data[".rec"])
        lines = self.data[".idx"].splitlines()
        for number, line in enumerate(lines):
            key, offset = map(int, line.split(b"\t"))
            for value in sorted({*_FAR, offset + 4, offset + 1, size - 8, size - 4, size - 1, size, size + 1}):
                for name, instead in (("offset", f"{key}\t{value}"), ("key", f"{value}\t{offset}")):
                    yield (
                        f"{name} {value} on line {number + 1}",
                        ".idx",
                        b"\n".join([*lines[:number], instead.encode(), *lines[number + 1 :], b""]),
                    )

    def _sums(self) -> Iterator[Lie]:
        lines = self.data[".sum"].splitlines()
        fields = [(number, place) for number in range(1, 6) for place in (0, 1, 2, 3)] + [(6, 1), (7, 1), (8, 1)]
        for (number, place), value in itertools.product(fields, sorted({*_FAR, (1 << 30) + 4, (1 << 30) + 5})):
            words = lines[number].split(b"\t")
            words[place] = f"{value & 0xFFFFFFFF:08x}".encode() if place == 3 else str(value).encode()
            hurt = [*lines[:number], b"\t".join(words), *lines[number + 1 :]]
            yield f"field {place} is {value} on line {number + 1}", ".sum", mutated.mutators.resealed(b"\n".join([*hurt, b""]))
            if place == 2:  # the rest made to fit, so that only the .rec shows the lie
                yield f"length {value} on line {number + 1}, the rest fits", ".sum", self._fitting(number - 1, value)

    def _fitting(self, ordinal: int, length: int) -> bytes:
        listed = checksum.parse(self.data[".sum"])
        lengths = listed.lengths.tolist()
        lengths[ordinal] = length
        offsets = [0, *itertools.accumulate(lengths)]
        lines = checksum.format_records(listed.keys.tolist(), offsets[:-1], lengths, listed.crcs.tolist())
        rec = checksum.FileDigest(offsets[-1], listed.rec.digest)
        return b"".join(checksum.format_sum([lines], len(lengths), rec, listed.idx, listed.tool))

    def readers(self, suffix: str) -> Iterator[Callable[[], object]]:
        """Yield everything that reads such a file."""
        yield lambda: targets._read_by_key(self.rec, vouched=True)
        yield lambda: verify(self.rec)
        if suffix != ".sum":
            yield lambda: targets._read_by_key(self.bare, vouched=False)
            yield lambda: verify(self.bare, label_width=1)
        if suffix != ".idx":
            yield lambda: targets._read_all(self.rec, vouched=True)
            yield lambda: self._scan(self.rec, vouched=True)
        if suffix == ".rec":
            yield lambda: targets._read_all(self.bare)
            yield lambda: self._scan(self.bare, vouched=False)
            yield self._unpack
            yield self._rebuild

    def _scan(self, rec: Path, *, vouched: bool) -> None:
        listed = checksum.load(rec.with_suffix(".sum")) if vouched else None
        file = InputFile(rec)
        with contextlib.closing(file):
            assert sum(piece.length for piece in tolerant.scan(file, listed)) == file.size

    def _unpack(self) -> None:
        with recordio.Reader(self.bare) as reader:
            for payload in reader:
                header.unpack(payload)

    def _rebuild(self) -> None:
        with OutputSet(force=True) as outputs:
            index.rebuild(self.bare, outputs.create(self.bare.with_suffix(".new")))


def run_all(first: int, stop: int, step: int, limited: bool) -> tuple[int, Failures]:
    """Run each *step*-th of the lies number *first* to *stop*."""
    with sets.folder() as folder:
        lying = Set(Path(folder))
        return _run(lying, itertools.islice(lying.lies(), first, stop, step), limited)


def run_random(first: int, stop: int, seed: int, limited: bool) -> tuple[int, Failures]:
    """Run cases of several lies at once."""
    with sets.folder() as folder:
        lying = Set(Path(folder))
        return _run(lying, (lying.random_lie(random.Random(seed << 40 ^ case)) for case in range(first, stop)), limited)


def _run(lying: Set, lies: Iterator[Lie], limited: bool) -> tuple[int, Failures]:
    done, failures = 0, []
    for suffix in sets.SUFFIXES:  # what is loaded when it is first used does not count
        for read in lying.readers(suffix):
            read()
    if limited:
        mutated.limit_memory(PEAK)
    for name, suffix, data in lies:
        lying.put(suffix, data)
        for number, read in enumerate(lying.readers(suffix)):
            fault = _fault(read, measured=not limited)
            if fault:
                failures.append((f"{name} in {suffix}, reader {number}", fault))
        lying.put(suffix, lying.data[suffix])
        done += 1
    return done, failures


def _fault(read: Callable[[], object], *, measured: bool) -> str:
    """Let a reader read a lie: it may refuse it in the documented ways, and take little memory."""
    if measured:
        tracemalloc.start()
    try:
        read()
    except targets.DOCUMENTED:
        pass
    except Exception as error:  # noqa: BLE001  (whatever it is, it is a find)
        return f"{type(error).__name__}: {error}"
    finally:
        peak = tracemalloc.get_traced_memory()[1] if measured else 0
        tracemalloc.stop()
    return f"takes {peak} bytes" if peak > PEAK else ""


def count() -> int:
    """Return the number of all lies of one field."""
    with sets.folder() as folder:
        return sum(1 for _ in Set(Path(folder)).lies())
