"""Which records an epoch reads, in which order, and with which random numbers. Pure.

All of it follows from the seed, the epoch and the position: not from threads, workers or what was read before.
"""

from __future__ import annotations

import dataclasses
import hashlib
import random
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

BALANCES: Final = ("pad", "drop", "uneven")


def split_evenly(records: int, parts: int, part: int, balance: str = "pad") -> range:
    """Return the ordinals of one part where parts are counted in records.

    Args:
        records: in all.
        parts: how many there are.
        part: which one, from 0.
        balance: "drop": records // parts each, the tail belongs to none, as MXNet's ImageIter. Else the parts are
            ceil(records / parts) long as MXNet's ImageRecordIter cuts them, and the last ones shorter, or empty.
    """
    _check(parts, part, balance)
    step = records // parts if balance == "drop" else -(-records // parts)
    return range(min(part * step, records), min((part + 1) * step, records))


def split_by_bytes(offsets: NDArray[np.int64], size: int, parts: int, part: int) -> range:
    """Return the ordinals of one part where parts are counted in bytes, as MXNet cuts a .rec that comes without .idx.

    Args:
        offsets: (n,) where the records start, ascending, in all files as if they stood one after the other.
        size: bytes of all files.
        parts: how many there are.
        part: which one, from 0.
    """
    _check(parts, part, "uneven")
    step = -(-size // parts)
    step += -step % 4
    first, last = np.searchsorted(offsets, [part * step, (part + 1) * step]).tolist()
    return range(first, last)


def _check(parts: int, part: int, balance: str) -> None:
    if parts < 1 or not 0 <= part < parts:
        raise ValueError(f"part {part} of {parts}, expected one from 0 to {max(parts - 1, 0)}")
    if balance not in BALANCES:
        raise ValueError(f"balance {balance!r}, expected one of {', '.join(BALANCES)}")


def generator(*words: int) -> np.random.PCG64:
    """Return a source of random bits that follows from some numbers; the same on every machine."""
    return np.random.PCG64(np.random.SeedSequence([word & 0xFFFFFFFFFFFFFFFF for word in words]))


def shuffled(count: int, *words: int) -> NDArray[np.int64]:
    """Return 0 to count - 1 in an order that follows from some numbers, the same with every version of NumPy."""
    return generator(*words).random_raw(count).argsort(kind="stable").astype(np.int64, copy=False)


class Draw(random.Random):
    """Random numbers for one record."""

    def below(self, count: int) -> int:
        """Return a whole number from 0 to count - 1."""
        return int(self.random() * count)

    def between(self, low: float, high: float) -> float:
        """Return a number from *low* to *high*."""
        return low + (high - low) * self.random()


def draw(*words: int) -> Draw:
    """Return random numbers that follow from some numbers: the seed, the epoch, the record's ordinal."""
    return Draw(int.from_bytes(hashlib.blake2b(repr(words).encode("ascii"), digest_size=8).digest(), "little"))


@dataclasses.dataclass(frozen=True, slots=True)
class Cut:
    """Which records a part has, and how many rows its epochs have.

    Attributes:
        first: ordinal of its first record.
        count: of its records.
        length: rows of an epoch; more than *count* where the part is filled up to the length of the others.
        records: of all parts.
        part: which one it is, from 0.
        parts: how many there are.
    """

    first: int
    count: int
    length: int
    records: int
    part: int = 0
    parts: int = 1


def cut(parts: Sequence[range], part: int, records: int, balance: str = "pad") -> Cut:
    """Make the parts equal in length, and return one of them.

    Args:
        parts: the ordinals of each part.
        part: which one, from 0.
        records: of all parts.
        balance: "pad" fills the shorter ones with records that they have already given, "drop" leaves out the tails of the
            longer ones, "uneven" leaves them as they are.
    """
    _check(len(parts), part, balance)
    lengths = [len(each) for each in parts]
    length = {"pad": max(lengths), "drop": min(lengths), "uneven": lengths[part]}[balance]
    return Cut(parts[part].start, min(lengths[part], length), length, records, part, len(parts))


@dataclasses.dataclass(frozen=True, slots=True)
class Sampler:
    """The order of the records in each epoch of one part.

    Attributes:
        cut: the part.
        shuffle: a new order each epoch.
        seed: of the order.
        chunks: (k,) where chunks start, counted in records in the order of the file; then chunks are shuffled, and records within a
            chunk if *shuffle* says so.
        in_file: (n,) ordinals of all records in the order of the file; None where that is the order of the ordinals.
        chunk_seed: of the order of chunks.
        across: shuffle over all parts before they are cut, so that a part has other records each epoch.
    """

    cut: Cut
    shuffle: bool = False
    seed: int = 0
    chunks: tuple[int, ...] = ()
    chunk_seed: int = 0
    across: bool = False
    in_file: NDArray[np.int64] | None = dataclasses.field(default=None, compare=False)

    def __len__(self) -> int:
        return self.cut.length

    @property
    def fill(self) -> int:
        """Rows at the end of an epoch that are there only to make it as long as those of the other parts."""
        return self.cut.length - self.cut.count

    def epoch(self, number: int) -> NDArray[np.int64]:
        """Return the ordinals of an epoch in their order, (length,) int64; behind the part's own it starts from the front again."""
        first, count = self.cut.first, self.cut.count
        if self.shuffle and self.across:
            everything = shuffled(self.cut.records, self.seed, number)
            order = everything[first : first + count]
        elif self.chunks:
            order = self._by_chunks(number)
        elif self.shuffle:
            order = first + shuffled(count, self.seed, number)
        else:
            order = np.arange(first, first + count, dtype=np.int64)
        if not count:
            order = np.arange(min(self.cut.records, self.cut.length), dtype=np.int64)
        return np.resize(order, self.cut.length) if self.fill else order

    def _by_chunks(self, number: int) -> NDArray[np.int64]:
        first, count = self.cut.first, self.cut.count
        everything = np.arange(self.cut.records, dtype=np.int64) if self.in_file is None else self.in_file
        chunks = [chunk[(chunk >= first) & (chunk < first + count)] for chunk in np.split(everything, self.chunks)]
        pieces = [chunk for chunk in chunks if len(chunk)]
        if self.shuffle:
            pieces = [piece[shuffled(len(piece), self.seed, number, at)] for at, piece in enumerate(pieces)]
        return np.concatenate([everything[:0], *(pieces[at] for at in shuffled(len(pieces), self.chunk_seed, number))])


def chunk_starts(offsets: NDArray[np.int64], size: int) -> tuple[int, ...]:
    """Return where chunks of *size* bytes start, counted in records in the order of the file, for records that start at *offsets*."""
    if not len(offsets):
        return ()
    return tuple(np.unique(np.sort(offsets) // size, return_index=True)[1].tolist())


def in_file(offsets: NDArray[np.int64]) -> NDArray[np.int64] | None:
    """Return the ordinals of records in the order in which they start at *offsets*; None where that is the order of the ordinals."""
    if (offsets[1:] >= offsets[:-1]).all():
        return None
    return offsets.argsort(kind="stable").astype(np.int64)
