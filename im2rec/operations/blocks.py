"""Encoded records in memory: as they stand in a file, and wherever they came from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from recordio import frame

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from im2rec.operations.copying import Source


@dataclass(frozen=True, slots=True)
class Block:
    """Whole records that follow each other in a .rec.

    Attributes:
        source: where they stand.
        data: their bytes, as they stand in the file, and maybe those of a part of the next record.
        base: offset of these bytes in the .rec.
        first: ordinal of the first record in its .rec, from 0.
        starts: (n,) int64, where each record starts in *data*.
        sizes: (n,) int64, encoded bytes of each.
        keys: (n,) uint64.
        crcs: (n,) uint32, CRC-32 of each record's bytes.
        listed: (n,) bool, which records the .idx has; None where it has all.
    """

    source: Source
    data: bytes
    base: int
    first: int
    starts: NDArray[np.int64]
    sizes: NDArray[np.int64]
    keys: NDArray[np.uint64]
    crcs: NDArray[np.uint32]
    listed: NDArray[np.bool_] | None = None

    def __len__(self) -> int:
        return len(self.starts)

    def payload(self, number: int) -> bytes:
        """Return the payload of one of the records, by its place in the block."""
        return frame.decode_at(self.data, int(self.starts[number]), source=self.source.name, base=self.base)[0]

    def pieces(self, chosen: NDArray[np.intp]) -> list[memoryview]:
        """Return the bytes of some records, given by ascending places in the block; neighbours come in one piece."""
        import numpy as np

        if not len(chosen):
            return []
        breaks = (np.diff(chosen) != 1).nonzero()[0]
        firsts = chosen[np.concatenate([[0], breaks + 1])]
        lasts = chosen[np.concatenate([breaks, [len(chosen) - 1]])]
        view = memoryview(self.data)
        begins, ends = self.starts[firsts], self.starts[lasts] + self.sizes[lasts]
        return [view[begin:end] for begin, end in zip(begins.tolist(), ends.tolist(), strict=True)]

    def take(self, chosen: NDArray[np.intp]) -> Records:
        """Return some records, given by ascending places in the block."""
        pieces = self.pieces(chosen)
        data = pieces[0] if len(pieces) == 1 else b"".join(pieces)
        return Records(self.keys[chosen], self.sizes[chosen], self.crcs[chosen], data)


@dataclass(slots=True)
class Records:
    """Encoded records, one after the other, wherever they came from.

    Attributes:
        keys: (n,) uint64.
        sizes: (n,) int64, encoded bytes of each.
        crcs: (n,) uint32, CRC-32 of each record's bytes.
        data: all their bytes.
    """

    keys: NDArray[np.uint64]
    sizes: NDArray[np.int64]
    crcs: NDArray[np.uint32]
    data: bytes | memoryview

    def __len__(self) -> int:
        return len(self.keys)
