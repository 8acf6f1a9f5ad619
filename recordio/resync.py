"""Where records can start in a file that may be damaged: the magic words of its four alignments, and the frames at them.

In every valid file a magic word at a multiple of 4 from a record's start is the start of a part (docs/format.md,
section 1). So the file falls apart at these words: a part that reaches over the next one has a damaged length, and all
parts of one alignment are disjoint, which keeps every search here linear in the size of the file, whatever it holds.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final, NamedTuple, TypeVar

from recordio import frame
from recordio.errors import FileError
from recordio.files import InputFile

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

BLOCK: Final = 1 << 20  # bytes searched at once, a multiple of 4: they and what is found in them fit into a cache
_OVERLAP: Final = frame.HEAD_SIZE - 1  # bytes of the next block, so that every head can be read whole
_CACHED: Final = 4  # blocks that are kept, and what was found in each at each alignment
_CHUNK: Final = 64  # starts handed out at once
_HEAD: Final = frame.HEAD
K = TypeVar("K")
V = TypeVar("V")


class Intact(NamedTuple):
    """A record that a tolerant scan believes in.

    Attributes:
        offset: bytes from the start of the file.
        length: bytes of its parts, padding included.
        key: the key that the .sum gives it; None where it is not verified.
        crc: CRC-32 of these bytes, which the .sum has, too; None where it is not verified.
    """

    offset: int
    length: int
    key: int | None = None
    crc: int | None = None

    @property
    def verified(self) -> bool:
        """Whether its bytes are those that the .sum vouches for; else only its frame is known to be right."""
        return self.crc is not None


class Damage(NamedTuple):
    """Bytes that belong to no record that a tolerant scan believes in.

    Attributes:
        offset: bytes from the start of the file.
        length: number of bytes.
        reason: what is wrong with the first of them.
    """

    offset: int
    length: int
    reason: str


class _Words(NamedTuple):
    """The magic words of one block at one alignment.

    Attributes:
        at: (n,) int64, their offsets in the file, ascending.
        lrecs: (n,) int64, the words behind them.
        breaks: (m,) int64, which of them do not start a record of one part that ends where the next one starts.
    """

    at: NDArray[np.int64]
    lrecs: NDArray[np.int64]
    breaks: NDArray[np.int64]


class Heads:
    """The heads of a file, found block by block as they are asked for.

    Memory stays within 32 MiB, whatever the file holds.

    Args:
        file: the .rec file.
        lengths: (n,) int64, lengths in the file that records of one part can have; None for any.
    """

    def __init__(self, file: InputFile, lengths: NDArray[np.int64] | None = None) -> None:
        self.file = file
        self._lengths = lengths
        self._blocks: OrderedDict[int, bytes] = OrderedDict()
        self._words: OrderedDict[tuple[int, int], _Words] = OrderedDict()
        self._starts: OrderedDict[int, NDArray[np.int64]] = OrderedDict()
        # Both by alignment: a range that holds no magic word, and the last frame that was looked at.
        self._clear = [(0, 0)] * 4
        self._frames = [(-1, -1, (0, ""))] * 4

    def read(self, offset: int, length: int) -> bytes:
        """Read a few bytes that lie within the file.

        Raises:
            FileError: the read failed.
        """
        number = offset // BLOCK
        if offset + length <= number * BLOCK + BLOCK + _OVERLAP:
            return self._block(number)[offset - number * BLOCK : offset - number * BLOCK + length]
        return read_exactly(self.file, offset, length)

    def can_start(self, offset: int, stop: int) -> bool:
        """Tell whether the head of a record stands at *offset*, before *stop*."""
        if offset + frame.HEAD_SIZE > stop:
            return False
        magic, lrec = self._head(offset)
        return magic == frame.MAGIC and lrec >> 29 in (frame.WHOLE, frame.FIRST)

    def run(self, offset: int, stop: int) -> list[int]:
        """Return where records of one part start, and the last of them ends, that follow each other from *offset* on.

        All of them end in the block of *offset*, before another record's head. It is a quick way through undamaged
        bytes: the list is empty where there is no such record, or where it takes :meth:`frame` to see it.
        """
        words = self._words_of(offset // BLOCK, offset & 3)
        first = int(words.at.searchsorted(offset))
        if first == len(words.at) or words.at[first] != offset:
            return []
        last = min(int(words.breaks[words.breaks.searchsorted(first)]), int(words.at.searchsorted(stop, side="right")) - 1)
        found: list[int] = words.at[first : last + 1].tolist()
        return found if last > first else []

    def frame(self, start: int, stop: int) -> tuple[int, str]:
        """Check the frame of the record at *start*: its heads, lengths and padding, and that it holds no other head.

        Args:
            start: offset in the file, before *stop*.
            stop: where the file ends, or what is known to follow.

        Returns:
            Where it ends; or 0, and what is wrong.
        """
        known_start, known_stop, known = self._frames[start & 3]
        if (known_start, known_stop) != (start, stop):
            known = self._frame(start, stop)
            self._frames[start & 3] = start, stop, known
        return known

    def starts(self, offset: int, stop: int) -> Iterator[int]:
        """Yield where records may start from *offset* on, of all alignments, in the order of the file.

        Heads that another one of their alignment shows to be wrong are left out, as far as that costs nothing.
        """
        for number in range(offset // BLOCK, -(-stop // BLOCK)):
            found = self._starts_of(number)
            at = int(found.searchsorted(offset))
            while at < len(found):
                for start in found[at : at + _CHUNK].tolist():
                    if start >= stop:
                        return
                    yield start
                at += _CHUNK

    def _frame(self, start: int, stop: int) -> tuple[int, str]:
        position, allowed, total = start, (frame.WHOLE, frame.FIRST), 0
        while True:
            if position + frame.HEAD_SIZE > stop:
                return 0, f"the bytes end inside a head at offset {position}"
            magic, lrec = self._head(position)
            cflag, length = lrec >> 29, lrec & frame.MAX_LENGTH
            data_end = position + frame.HEAD_SIZE + length
            end = data_end + (-length & 3)
            if magic != frame.MAGIC:
                return 0, f"bad magic 0x{magic:08x} at offset {position}, expected 0x{frame.MAGIC:08x}"
            if cflag not in allowed:
                return 0, f"cflag {cflag} at offset {position}, expected {allowed[0]} or {allowed[1]}"
            if end > stop:
                return 0, f"length {length} at offset {position} leads to {end}, behind the end of the bytes at {stop}"
            following = self._next(position + frame.HEAD_SIZE, end)
            if following < end:
                return 0, f"length {length} at offset {position} leads to {end}, over the magic word at {following}"
            if data_end < end and any(self.read(data_end, end - data_end)):
                return 0, f"padding at offset {data_end} is not zero"
            total += length
            if total > frame.MAX_LENGTH:
                return 0, f"a payload of over {frame.MAX_LENGTH} bytes"
            if cflag in (frame.WHOLE, frame.LAST):
                return end, ""
            if length & 3:
                return 0, f"length {length} at offset {position} of a part before the last, expected a multiple of 4"
            position, allowed, total = end, (frame.MIDDLE, frame.LAST), total + 4

    def _next(self, offset: int, stop: int) -> int:
        """Return where the first magic word of the alignment of *offset* stands from there on; *stop* where none does."""
        alignment = offset & 3
        low, at = self._clear[alignment]
        if not low <= offset <= at:
            low = at = offset
        while at < stop:
            number = at // BLOCK
            words = self._words_of(number, alignment).at
            found = int(words.searchsorted(at))
            if found < len(words):
                at = int(words[found])
                break
            at = number * BLOCK + BLOCK
        self._clear[alignment] = low, at
        return min(at, stop)

    def _head(self, offset: int) -> tuple[int, int]:
        number = offset // BLOCK
        magic, lrec = _HEAD.unpack_from(self._block(number), offset - number * BLOCK)
        return magic, lrec

    def _block(self, number: int) -> bytes:
        data = self._blocks.get(number)
        if data is None:
            start = number * BLOCK
            data = read_exactly(self.file, start, min(BLOCK + _OVERLAP, self.file.size - start))
            if len(data) < BLOCK + _OVERLAP:
                data += b"\xff" * _OVERLAP  # makes heads that the end cuts off whole, with a cflag that no part has
            _keep(self._blocks, number, data, _CACHED)
        return data

    def _words_of(self, number: int, alignment: int) -> _Words:
        words = self._words.get((number, alignment))
        if words is None:
            words = _find_words(self._block(number), number * BLOCK, alignment)
            _keep(self._words, (number, alignment), words, 4 * _CACHED)
        return words

    def _starts_of(self, number: int) -> NDArray[np.int64]:
        import numpy as np

        starts = self._starts.get(number)
        if starts is None:
            starts = np.sort(np.concatenate([self._filter(self._words_of(number, alignment)) for alignment in range(4)]))
            _keep(self._starts, number, starts, _CACHED)
        return starts

    def _filter(self, words: _Words) -> NDArray[np.int64]:
        """Return where records may start, as far as the heads of one block and alignment show."""
        import numpy as np

        sizes = frame.HEAD_SIZE + ((words.lrecs & frame.MAX_LENGTH) + 3 & ~3)
        ends = words.at + sizes
        cflags = words.lrecs >> 29
        right = (cflags <= frame.FIRST) & (ends <= self.file.size)
        right[:-1] &= (ends[:-1] == words.at[1:]) & (cflags[1:] >= frame.MIDDLE) | (cflags[:-1] == frame.WHOLE) & (
            ends[:-1] <= words.at[1:]
        )
        if self._lengths is not None:
            right &= (cflags != frame.WHOLE) | np.isin(sizes, self._lengths)
        return words.at[right]


def _find_words(block: bytes, start: int, alignment: int) -> _Words:
    """Find the magic words of a block, which starts at an offset and has _OVERLAP bytes more, at one alignment."""
    import numpy as np

    count = (min(BLOCK, len(block) - _OVERLAP) - alignment + 3) // 4
    data = np.frombuffer(block, "<u4", count + 1, alignment) if count > 0 else np.zeros(1, "<u4")
    found = np.flatnonzero(data[:-1] == frame.MAGIC)
    lrecs = data[found + 1].astype(np.int64)
    ends = (lrecs + 3 >> 2) + found + 2  # in words; those of records of one part, whose cflag is 0
    close = (lrecs[:-1] <= frame.MAX_LENGTH) & (ends[:-1] == found[1:]) & (lrecs[1:] >> 29 <= frame.FIRST)
    padding = 8 * (-lrecs[:-1] & 3)  # bits
    close &= data[found[1:] - 1].astype(np.int64) >> 32 - padding == 0
    return _Words(found * 4 + (start + alignment), lrecs, np.append(np.flatnonzero(~close), max(0, len(found) - 1)))


def _keep(cache: OrderedDict[K, V], key: K, value: V, most: int) -> None:
    cache[key] = value
    if len(cache) > most:
        cache.popitem(last=False)


def read_exactly(file: InputFile, offset: int, length: int) -> bytes:
    """Read bytes that the file had when it was opened.

    Raises:
        FileError: the read failed, or the file has become shorter.
    """
    data = file.read_at(offset, length)
    if len(data) < length:
        reason = f"the file ends at {offset + len(data)} now, it had {file.size} bytes when it was opened"
        raise FileError(file.name, f"read at offset {offset}", None, reason)
    return data
