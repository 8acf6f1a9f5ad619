"""The tolerant scan with a .sum: a record is intact exactly if the .sum lists its bytes, wherever they stand now."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cached_property
from typing import TYPE_CHECKING, Final

from recordio import checksum, frame
from recordio.files import InputFile
from recordio.resync import Damage, Heads, Intact, read_exactly

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

BLOCK: Final = 1 << 22  # bytes read at once where nothing is damaged
_FIRST: Final = 1 << 12  # bytes read at once behind damage, twice as many each time: more of it may follow
_MOST: Final = 1 << 15  # records checked at once, so that small ones take no more memory
_LIMIT: Final = 1 << 32  # bytes that no record has: 2**29 payload bytes cost 2**30 at the most
_COMMON: Final = 256  # listed records of one length from which on a CRC-32 alone tells too little
_HEAD: Final = frame.HEAD


def scan(file: InputFile, listed: checksum.Sum) -> Iterator[Intact | Damage]:
    """Yield all of a .rec file, in its order, as verified records and damage between them.

    Args:
        file: the .rec file, however damaged.
        listed: its .sum. Each record that it lists is yielded once at the most.

    Raises:
        FileError: the file cannot be read, or becomes shorter meanwhile.
    """
    return _Exact(file, listed).scan()


class _Exact:
    """The state of a scan.

    Attributes:
        expected: ordinal of the listed record that should stand at the current position.
        shift: bytes by which records stand behind where they are listed, since something was inserted or deleted.
    """

    def __init__(self, file: InputFile, listed: checksum.Sum) -> None:
        import numpy as np

        self.expected = self.shift = 0
        self._file, self._listed = file, listed
        self._heads = Heads(file, np.unique(listed.lengths))
        self._crc: Callable[..., int] = checksum.crc_function()
        self._ends = listed.offsets + listed.lengths
        self._found = np.zeros(len(listed), bool)
        self._left = len(listed)
        self._skip: dict[int, int] = {}
        self._block = BLOCK

    def scan(self) -> Iterator[Intact | Damage]:
        position, lost, why = 0, -1, ""
        while position < self._file.size:
            run = self._run(position)
            if not run:
                if lost < 0:
                    lost, why = position, self._reason(position)
                position = self._search(position)
                continue
            if lost >= 0 and position > lost:
                yield Damage(lost, position - lost, why)
            lost = -1
            yield from run
            position = run[-1].offset + run[-1].length
        if lost >= 0:
            yield Damage(lost, position - lost, why)

    def _run(self, position: int) -> list[Intact]:
        """Take the next listed records as long as they stand where they are expected, a block of them at the most."""
        listed, first = self._listed, self.expected
        if first >= len(listed) or listed.offsets[first] + self.shift != position:
            return []
        if listed.lengths[first] > BLOCK:
            found = self._long(first, position)
        else:
            last = int(self._ends.searchsorted(listed.offsets[first] + self._block, side="right"))
            found = self._short(first, min(max(last, first + 1), first + _MOST), position)
            self._block = min(2 * self._block, BLOCK)
        self._found[first : first + len(found)] = True
        self._left -= len(found)
        self.expected += len(found)
        return found

    def _short(self, first: int, last: int, position: int) -> list[Intact]:
        """Check records that fit into one block."""
        listed, crc, head, found = self._listed, self._crc, _HEAD.unpack_from, []
        end = int(self._ends[last - 1]) + self.shift
        block = read_exactly(self._file, position, min(end, self._file.size) - position)
        view, size = memoryview(block), len(block)
        columns = (listed.keys, listed.lengths, listed.crcs, self._found)
        begin = 0
        for key, length, expected, is_found in zip(*(column[first:last].tolist() for column in columns), strict=True):
            end = begin + length
            if length < frame.HEAD_SIZE or end > size or is_found or crc(view[begin:end]) != expected:
                break
            magic, lrec = head(block, begin)
            data_end = begin + frame.HEAD_SIZE + lrec
            whole = magic == frame.MAGIC and lrec <= frame.MAX_LENGTH and data_end + (-lrec & 3) == end and not any(view[data_end:end])
            # What was no record when it was listed is none now; one of several parts takes longer to see.
            if not whole and self._heads.frame(position + begin, self._file.size)[0] != position + end:
                break
            found.append(Intact(position + begin, length, key, expected))
            begin = end
        return found

    def _long(self, ordinal: int, position: int) -> list[Intact]:
        """Check a record that is read in several blocks."""
        length = int(self._listed.lengths[ordinal])
        if self._found[ordinal] or self._heads.frame(position, self._file.size)[0] != position + length:
            return []
        crc = self._crc_of(position, length)
        return [Intact(position, length, int(self._listed.keys[ordinal]), crc)] if crc == self._listed.crcs[ordinal] else []

    def _search(self, position: int) -> int:
        """Find the next listed record from *position* on, expect it there, and return its offset; or the file's size."""
        for start in self._heads.starts(position, self._file.size) if self._left else ():
            end, _ = self._heads.frame(start, self._file.size)
            ordinal = self._match(start, end - start) if end else -1
            if ordinal >= 0:
                self.expected, self.shift, self._block = ordinal, start - int(self._listed.offsets[ordinal]), _FIRST
                return start
        return self._file.size

    def _match(self, start: int, length: int) -> int:
        """Return the ordinal of the listed record, not found yet, whose bytes these are; -1 where there is none.

        Of equal ones it is that which belongs here, else the next expected one, else the first.
        """
        ordered, order = self._by_content
        code = ordered.dtype.type(length << 32 | self._crc_of(start, length))
        left = int(ordered.searchsorted(code))
        if left == len(ordered) or ordered[left] != code:
            return -1
        right = int(ordered.searchsorted(code, "right"))
        moved = self._file.size != self._listed.rec.size
        for shift in (self.shift, 0) if moved else (0, self.shift):
            here = int(self._listed.offsets.searchsorted(start - shift))
            at = left + int(order[left:right].searchsorted(here))
            if at < right and order[at] == here and self._listed.offsets[here] == start - shift and not self._found[here]:
                return here
        at = left + int(order[left:right].searchsorted(self.expected))
        for begin in (at, left):
            at = self._unfound(begin, right)
            if at < right and self._is_credible(int(order[at]), start, length):
                return int(order[at])
        return -1

    @cached_property
    def _by_content(self) -> tuple[NDArray[np.uint64], NDArray[np.intp]]:
        """Length and CRC-32 of the listed records, in ascending order, and the ordinals they belong to."""
        import numpy as np

        lengths = self._listed.lengths.clip(0, _LIMIT - 1).astype(np.uint64)
        codes = lengths << np.uint64(32) | self._listed.crcs
        order = codes.argsort(kind="stable")
        return codes[order], order

    def _unfound(self, at: int, right: int) -> int:
        """Return the first position from *at* on, in the order of content, of a record that was not found yet, or *right*."""
        _, order = self._by_content
        begin = at
        while at < right and self._found[order[at]]:
            at = max(at + 1, self._skip.get(at, 0))
        self._skip[begin] = at
        return at

    def _is_credible(self, ordinal: int, start: int, length: int) -> bool:
        """Tell whether a record of this content may be meant although it is not expected here.

        One in 2**32 damaged records has the CRC-32 of a given other one. That is rare enough, unless a million records
        have its length: then it must be one of those near by, or the next one must follow it.
        """
        ordered, _ = self._by_content
        kind = ordered.dtype.type
        if abs(ordinal - self.expected) <= _COMMON:
            return True
        if ordered.searchsorted(kind(length + 1 << 32)) - ordered.searchsorted(kind(length << 32)) <= _COMMON:
            return True
        end, following = start + length, ordinal + 1
        if following == len(self._listed):
            return end == self._file.size
        size = int(self._listed.lengths[following])
        return self._heads.frame(end, self._file.size)[0] == end + size and self._crc_of(end, size) == self._listed.crcs[following]

    def _crc_of(self, start: int, length: int) -> int:
        if length <= _FIRST:
            return self._crc(self._heads.read(start, length))
        value = 0
        for at in range(start, start + length, BLOCK):
            value = self._crc(read_exactly(self._file, at, min(BLOCK, start + length - at)), value)
        return value

    def _reason(self, position: int) -> str:
        if self.expected >= len(self._listed):
            return "the .sum lists no record behind these"
        end, reason = self._heads.frame(position, self._file.size)
        key = self._listed.keys[self.expected]
        return f"expected the record of key {key}: " + (reason if not end else "its bytes are not those that the .sum vouches for")
