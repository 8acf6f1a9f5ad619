"""The .idx file: key -> offset, one text line a record (docs/format.md, section 3)."""

from __future__ import annotations

import itertools
import operator
import os
from array import array
from collections.abc import Callable, Iterable
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

from recordio import files, indexlines, outputs, scan
from recordio.errors import KeyMissing
from recordio.outputfile import OutputFile

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_PIECE = 1 << 22  # bytes read at once
_HASHED = 1 << 20  # keys that a set may hold
_SLICE = 1 << 20  # values of an array looked at at once
_TABLED = 1 << 22  # keys for which a table is worth its memory, where a search would do without
_MAX_KEY = (1 << 64) - 1


class Index:
    """Keys and offsets of the records of one .rec file, as arrays.

    Attributes:
        keys: (n,) uint64, in the order of the file's lines.
        offsets: (n,) int64, bytes from the start of the .rec, in the same order.
        source: name of the .idx file, for messages.
    """

    def __init__(self, keys: NDArray[np.uint64], offsets: NDArray[np.int64], source: str = "<index>") -> None:
        if keys.shape != offsets.shape or keys.ndim != 1:
            raise ValueError(f"keys {keys.shape} and offsets {offsets.shape}, expected two vectors of one length")
        self.keys = keys
        self.offsets = offsets
        self.source = source

    def __len__(self) -> int:
        return len(self.keys)

    def __getstate__(self) -> dict[str, Any]:
        return {"keys": self.keys, "offsets": self.offsets, "source": self.source}  # views cannot be pickled; the rest is made anew

    @cached_property
    def _dense(self) -> range | None:
        """The keys, where each is the one before and 1: most files'."""
        count = len(self.keys)
        first = int(self.keys[0]) if count else 0
        if not count or int(self.keys[-1]) - first != count - 1 or not _rises_by_one(self.keys):
            return None
        return range(first, first + count)

    @cached_property
    def _rising(self) -> memoryview | None:
        """The offsets, where the records stand in the order of the lines. A view gives Python's integers sooner than the array."""
        return memoryview(self.offsets.data) if self._ends is self.offsets else None

    @cached_property
    def usual(self) -> tuple[int, memoryview | None, int, memoryview]:
        """For offsets that rise and keys of which none stands twice, nearly dense: what leads from a key to its record.

        Most files are so, those of shuffled lists, too, and need no search.

        Returns:
            The first key, where keys rise by one; else a table: key -> ordinal + 1, 0 for none. Then the last ordinal, and the
            offsets. For all other files the last ordinal is 0, so that none is below it.
        """
        dense, rising = self._dense, self._rising
        if rising is not None and dense is not None:
            return dense.start, None, len(dense) - 1, rising
        table = None
        if rising is not None and (len(self.keys) <= _TABLED or not self._is_ascending):
            first, last = self._ordinals or (None, None)
            table = first if first is last else None
        if rising is None or table is None:
            return 0, None, 0, memoryview(b"")
        return 0, memoryview(table.data), len(self.keys) - 1, rising

    @cached_property
    def _is_ascending(self) -> bool:
        return _never_falls(self.keys)

    @cached_property
    def _ordinals(self) -> tuple[NDArray[np.uint32], NDArray[np.uint32]] | None:
        """For keys in any order that are nearly dense: the first and the last ordinal + 1 of each key, 0 for none; else None.

        The two are one array unless keys stand twice. It takes 4 to 8 bytes a key, where sorting takes 16.
        """
        import numpy as np

        count = len(self.keys)
        highest = int(self.keys.max()) if count else 0
        if highest > 2 * count or count >= 1 << 32:
            return None
        last = np.zeros(highest + 1, np.uint32)
        for start in range(0, count, _SLICE):
            keys = self.keys[start : start + _SLICE]
            last[keys] = np.arange(start + 1, start + 1 + len(keys), dtype=np.uint32)
        if int(np.count_nonzero(last)) == count:
            return last, last
        first = np.zeros(highest + 1, np.uint32)
        for start in reversed(range(0, count, _SLICE)):
            keys = self.keys[start : start + _SLICE]
            first[keys[::-1]] = np.arange(start + len(keys), start, -1, dtype=np.uint32)
        return first, last

    @cached_property
    def _by_key(self) -> tuple[NDArray[np.uint64], NDArray[np.intp]]:
        """The keys in ascending order, and the ordinals they belong to."""
        order = self.keys.argsort(kind="stable")
        return self.keys[order], order

    def find(self, key: int, *, last: bool = False) -> int:
        """Return the ordinal of *key*; where it stands twice, the first one, or the last.

        Raises:
            KeyMissing: no record has it.
            TypeError: it is no integer.
        """
        dense = self._dense
        if dense is not None and type(key) is int and key in dense:
            return key - dense.start
        key = operator.index(key)
        at = self._find(key, last=last) if 0 <= key <= _MAX_KEY else -1
        if at < 0:
            raise KeyMissing(self.source, key)
        return at

    def offset(self, key: int) -> int:
        """Return where the first record of *key* starts.

        Raises:
            KeyMissing: no record has it.
        """
        return int(self.offsets[self.find(key)])

    def _find(self, key: int, *, last: bool) -> int:
        order = None
        if self._is_ascending:
            ascending = self.keys
        elif self._ordinals is not None:
            table = self._ordinals[last]
            return int(table[key]) - 1 if key < len(table) else -1
        else:
            ascending, order = self._by_key
        at = int(ascending.searchsorted(ascending.dtype.type(key), side="right" if last else "left")) - last
        if not 0 <= at < len(ascending) or int(ascending[at]) != key:
            return -1
        return at if order is None else int(order[at])

    @cached_property
    def _ends(self) -> NDArray[np.int64]:
        """The offsets in ascending order."""
        import numpy as np

        return self.offsets if _never_falls(self.offsets) else np.sort(self.offsets)

    def span(self, ordinal: int, size: int) -> tuple[int, int]:
        """Return where a record starts, and where it ends if the index leaves out none behind it.

        Args:
            ordinal: its line, counted from 0.
            size: bytes of the .rec, where the last record ends.

        Raises:
            IndexError: there are fewer lines.
        """
        offsets = self._rising
        if offsets is not None and ordinal >= 0:
            offset = offsets[ordinal]
            end = offsets[ordinal + 1] if ordinal + 1 < len(offsets) else size
            if offset < end:  # not where two lines name one offset
                return offset, end
        offset = int(self.offsets[ordinal])
        return offset, self.next_offset(offset, size)

    def next_offset(self, offset: int, default: int) -> int:
        """Return the next larger offset in the index, or *default* behind the last.

        Where the index leaves records out, that is an upper bound of the record's end, not the end itself.
        """
        offsets = self._ends
        at = int(offsets.searchsorted(offset, side="right"))
        return int(offsets[at]) if at < len(offsets) else default


def _never_falls(values: NDArray[Any]) -> bool:
    """Tell whether a vector is in ascending order, without another of its size."""
    return all(
        bool((values[at + 1 : at + 1 + _SLICE] >= values[at : at + _SLICE][: len(values) - at - 1]).all())
        for at in range(0, len(values), _SLICE)
    )


def _rises_by_one(values: NDArray[Any]) -> bool:
    """Tell whether each value of a vector is the one before and 1, without another of its size."""
    return all(
        bool((values[at + 1 : at + 1 + _SLICE] - values[at : at + _SLICE][: len(values) - at - 1] == 1).all())
        for at in range(0, len(values), _SLICE)
    )


def format_lines(keys: Iterable[int], offsets: Iterable[int]) -> str:
    """Format index lines, ``key TAB offset LF`` each."""
    return "".join([f"{key}\t{offset}\n" for key, offset in zip(keys, offsets, strict=True)])


def parse(data: bytes, source: str = "<index>") -> Index:
    """Parse the content of an .idx file.

    Raises:
        IndexFormatError: a line is not ``key TAB offset``, with its number.
    """
    return Index(*indexlines.parse_pieces(lambda: iter((data,)), source), source)


def load(path: str | os.PathLike[str]) -> Index:
    """Load an .idx file. Memory stays within 16 bytes a line and a few MiB.

    Raises:
        FileError: it cannot be read.
        IndexFormatError: a line is not ``key TAB offset``.
    """
    if not os.path.isfile(path):  # a pipe can be read only once
        return parse(files.read_whole(path), str(path))
    return Index(*indexlines.parse_pieces(lambda: files.read_pieces(path, _PIECE), str(path)), str(path))


def save(path: str | os.PathLike[str], keys: Iterable[int], offsets: Iterable[int], *, force: bool = False) -> None:
    """Write an .idx file, whole or not at all.

    Raises:
        FileError: it cannot be written, or exists and *force* is not given.
    """
    outputs.write_whole(path, format_lines(keys, offsets).encode("ascii"), force=force)


class Rebuilt(NamedTuple):
    """What a rebuilding found.

    Attributes:
        records: number of records, and of lines written.
        size: bytes of the .rec file.
        duplicates: records whose key an earlier one has.
    """

    records: int
    size: int
    duplicates: int


def rebuild(rec: str | os.PathLike[str], output: OutputFile, *, ids: bool = True, watch: Callable[[bytes], None] | None = None) -> Rebuilt:
    """Write the index of a .rec file that is read from start to end.

    Args:
        rec: the .rec file.
        output: where the lines go.
        ids: take the keys from the image headers; else number the records 0, 1, 2, ...
        watch: called with the lines as they are written.

    Raises:
        FormatError: the .rec breaks a rule of the format, or a payload has no image header where ids are wanted.
        FileError: a file cannot be read or written.
    """
    file = files.InputFile(rec)
    file.check_other(output.path)
    keys = array("Q")
    try:
        for offsets, found in scan.heads(file, ids=ids):
            if not ids:
                found = list(range(len(keys), len(keys) + len(offsets)))
            keys.extend(found)
            lines = format_lines(found, offsets).encode("ascii")
            output.write(lines)
            if watch is not None:
                watch(lines)
    finally:
        file.close()
    return Rebuilt(len(keys), file.size, _count_duplicates(keys))


def _count_duplicates(keys: array[int]) -> int:
    if all(map(operator.lt, keys, itertools.islice(keys, 1, None))):
        return 0
    if len(keys) <= _HASHED:
        return len(keys) - len(set(keys))
    import numpy as np  # 80 ms to load, and a third of the memory of a set

    return len(keys) - len(np.unique(np.frombuffer(keys, np.uint64)))
