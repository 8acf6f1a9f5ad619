"""Which key a salvaged record gets: the .sum's, else the .idx's, else the id of its header, else a new number."""

from __future__ import annotations

import itertools
import math
import re
import struct
from array import array
from typing import TYPE_CHECKING, Final, NamedTuple

from recordio import frame, header, tolerant
from recordio.index import Index
from recordio.resync import Intact

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_SUM, _IDX, _ID, _NONE = range(4)  # what named a record, the surest first
_MAX_KEY: Final = (1 << 64) - 1
_TRUST: Final = 4  # records in a row that stand where the .idx says, before it is believed again
_HEADER: Final = struct.Struct("<IfQQ")
_LREC: Final = struct.Struct("<4xI")
_READABLE: Final = re.compile(rb"[ \t]*\d{1,19}[ \t]+\d{1,18}[ \t]*\r?")
_SHORT: Final = 1 << 24  # bytes of a record that is taken apart to see its header


class KeyConflict(NamedTuple):
    """A record whose key another one has.

    Attributes:
        offset: of the record in the new .rec.
        key: what the .sum, the .idx or its header says.
        given: the key that it has now: a new number, or the same where the .sum or the .idx has it twice itself.
    """

    offset: int
    key: int
    given: int


class Names:
    """Names records as they come, and settles what is open when all are known.

    Args:
        index: the keys and offsets of the .sum or of the .idx, where there is one.
    """

    def __init__(self, index: Index | None) -> None:
        import numpy as np

        self._offsets, self._keys = np.zeros(0, np.int64), np.zeros(0, np.uint64)
        if index is not None:
            self._offsets, first = np.unique(index.offsets, return_index=True)
            self._keys = index.keys[first]
        self._trust = _TRUST
        self._origins = bytearray()

    def key_of(self, piece: Intact, record: memoryview) -> int:
        """Return the key of the next record, as far as it can be told now."""
        if piece.key is not None:
            self._origins.append(_SUM)
            return piece.key
        if (key := self._indexed(piece)) is not None:
            self._origins.append(_IDX)
            return key
        if (key := id_of(record)) is not None:
            self._origins.append(_ID)
            return key
        self._origins.append(_NONE)
        return 0

    def _indexed(self, piece: Intact) -> int | None:
        """Return the key that the index has for a record that starts and ends where the index says.

        Where bytes were deleted or inserted, all records behind stand elsewhere, and some of them stand, by chance, where
        the index has another one. So it takes several in a row to believe in it again.
        """
        at, end = self._offsets.searchsorted([piece.offset, piece.offset + piece.length]).tolist()
        count = len(self._offsets)
        stands = at < count and self._offsets[at] == piece.offset
        ends = end == count or self._offsets[end] == piece.offset + piece.length
        self._trust = min(self._trust + 1, _TRUST) if stands and ends else 0
        return int(self._keys[at]) if self._trust == _TRUST else None

    def settle(self, keys: array[int], offsets: array[int], listed: NDArray[np.uint64] | None) -> tuple[list[KeyConflict], int]:
        """Give a new number, above all others, to records that have no key or whose key a surer one has.

        Args:
            keys: what :meth:`key_of` returned; changed in place.
            offsets: of the records in the new .rec, bytes.
            listed: all keys of the index, which new numbers leave alone as well.

        Returns:
            The conflicts in the order of the file, and how many records had no key.
        """
        import numpy as np

        if not keys:
            return [], 0
        given = np.frombuffer(keys, np.uint64)
        origins = np.frombuffer(self._origins, np.uint8)
        named = np.flatnonzero(origins != _NONE)
        if len(named) == len(keys) and not _has_twins(given):
            return [], 0
        order = named[np.lexsort((named, origins[named], given[named]))]  # of one key the surest first
        again = np.flatnonzero(given[order[1:]] == given[order[:-1]]) + 1
        holders = np.zeros(len(order), np.intp)  # positions in order of those who have the key first
        holders[1:] = np.where(given[order[1:]] == given[order[:-1]], 0, np.arange(1, len(order)))
        holders = np.maximum.accumulate(holders)
        first, second = order[holders[again]], order[again]
        stays = (origins[second] == origins[first]) & (origins[second] <= _IDX)  # their own index has the key twice
        wanted = dict(zip(second.tolist(), given[second].tolist(), strict=True))
        unnamed = np.sort(np.concatenate([np.flatnonzero(origins == _NONE), second[~stays]]))
        known = given[np.setdiff1d(named, second[~stays], assume_unique=True)]
        given[unnamed] = _new_numbers(len(unnamed), known, listed)
        conflicts = [KeyConflict(offsets[at], key, int(given[at])) for at, key in sorted(wanted.items())]
        return conflicts, int((origins == _NONE).sum())

    def unverified(self, keys: array[int]) -> list[int]:
        """Return the keys of all records that the .sum does not name."""
        return [key for key, origin in zip(keys, self._origins, strict=True) if origin != _SUM]


def _has_twins(keys: NDArray[np.uint64]) -> bool:
    import numpy as np

    ascending = np.sort(keys)
    return bool((ascending[1:] == ascending[:-1]).any())


def _new_numbers(count: int, known: NDArray[np.uint64], listed: NDArray[np.uint64] | None) -> NDArray[np.uint64]:
    """Return numbers above all keys; where there are too few, the smallest that no record has."""
    import numpy as np

    top = max([int(keys.max()) for keys in (known, listed) if keys is not None and len(keys)], default=-1)
    if top + count <= _MAX_KEY:
        return np.arange(top + 1, top + 1 + count, dtype=np.uint64)
    taken = set(known.tolist()) | set(() if listed is None else listed.tolist())
    return np.array(list(itertools.islice((number for number in itertools.count() if number not in taken), count)), np.uint64)


def id_of(record: memoryview) -> int | None:
    """Return the id of the image header that a record's payload starts with; None where it does not look like one."""
    (lrec,) = _LREC.unpack_from(record)
    length, start = lrec & frame.MAX_LENGTH, frame.HEAD_SIZE
    if lrec >> 29 != frame.WHOLE and length <= header.HEADER_SIZE:
        if len(record) > _SHORT:
            return None
        record, start = memoryview(frame.decode_at(bytes(record), 0)[0]), 0
        length = len(record)
    if length < header.HEADER_SIZE:
        return None
    flag, label, id_, id2 = _HEADER.unpack_from(record, start)
    image = header.HEADER_SIZE + 4 * flag
    if start + image > len(record) or not math.isfinite(label) or (flag and label):
        return None
    if id2 and image != length and not bytes(record[start + image : start + image + 8]).startswith(tolerant.SIGNATURES):
        return None  # few use the second id, and other payloads are seldom zero there
    return int(id_)


def readable_lines(data: bytes) -> bytes:
    """Return those lines of a damaged .idx that can be read."""
    return b"".join(line + b"\n" for line in data.split(b"\n") if _READABLE.fullmatch(line))


def missing(listed: NDArray[np.uint64], keys: array[int]) -> list[int]:
    """Return the listed keys that are not among *keys*, ascending; each as often as it is missing."""
    import numpy as np

    present = np.sort(np.frombuffer(keys, np.uint64)) if keys else np.zeros(0, np.uint64)
    values, counts = np.unique(listed, return_counts=True)
    found = present.searchsorted(values, side="right") - present.searchsorted(values)
    lost: list[int] = np.repeat(values, np.maximum(counts - found, 0)).tolist()
    return lost
