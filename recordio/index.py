"""The .idx file: key -> offset, one text line a record (docs/format.md, section 3)."""

from __future__ import annotations

import itertools
import operator
import os
import re
from array import array
from collections.abc import Callable, Iterable
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

from recordio import files, header, outputs, scan
from recordio.errors import IndexFormatError, KeyMissing

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_LINE = re.compile(rb"[ \t]*(\d{1,99})[ \t]+(\d{1,99})[ \t]*\r?")  # int() refuses thousands of digits
_RUN = 1 << 20  # bytes of lines parsed at once: as words they take twenty times as many
_HASHED = 1 << 20  # keys that a set may hold
_MAX_KEY = (1 << 64) - 1
_MAX_OFFSET = (1 << 63) - 1


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

    @cached_property
    def _by_key(self) -> tuple[NDArray[np.uint64], NDArray[np.intp] | None]:
        """The keys in ascending order and, unless they stand so in the file, the ordinals they belong to."""
        if bool((self.keys[1:] >= self.keys[:-1]).all()):
            return self.keys, None
        order = self.keys.argsort(kind="stable")
        return self.keys[order], order

    def find(self, key: int) -> int:
        """Return the ordinal of *key*, the first one where it stands twice.

        Raises:
            KeyMissing: no record has it.
        """
        ascending, order = self._by_key
        if 0 <= key <= _MAX_KEY:
            at = int(ascending.searchsorted(ascending.dtype.type(key)))
            if at < len(ascending) and int(ascending[at]) == key:
                return at if order is None else int(order[at])
        raise KeyMissing(self.source, key)

    @cached_property
    def _ends(self) -> tuple[NDArray[np.int64], NDArray[np.intp] | None]:
        ascending = bool((self.offsets[1:] > self.offsets[:-1]).all())
        return (self.offsets, None) if ascending else (self.offsets[(o := self.offsets.argsort(kind="stable"))], o)

    def next_offset(self, offset: int, default: int) -> int:
        """Return the next larger offset in the index, or *default* behind the last.

        Where the index leaves records out, that is an upper bound of the record's end, not the end itself.
        """
        offsets, _ = self._ends
        at = int(offsets.searchsorted(offset, side="right"))
        return int(offsets[at]) if at < len(offsets) else default


def format_lines(keys: Iterable[int], offsets: Iterable[int]) -> str:
    """Format index lines, ``key TAB offset LF`` each."""
    return "".join([f"{key}\t{offset}\n" for key, offset in zip(keys, offsets, strict=True)])


def parse(data: bytes, source: str = "<index>") -> Index:
    """Parse the content of an .idx file.

    Raises:
        IndexFormatError: a line is not ``key TAB offset``, with its number.
    """
    import numpy as np

    pieces = [np.empty(0, np.uint64)]
    start, number = 0, 1
    while start < len(data):
        end = len(data) if len(data) - start <= _RUN else data.find(b"\n", start + _RUN) + 1 or len(data)
        lines = data[start:end]
        numbers = _parse_fast(lines)
        pieces.append(_parse_lines(lines, source, number) if numbers is None else numbers)
        number += lines.count(b"\n")
        start = end
    pairs = np.concatenate(pieces).reshape(-1, 2)
    return Index(pairs[:, 0].copy(), pairs[:, 1].astype(np.int64), source)


def _parse_fast(data: bytes) -> NDArray[np.uint64] | None:
    """Parse lines exactly as MXNet writes them, at C speed; None where any byte is otherwise."""
    import numpy as np

    lines = data.count(b"\n")
    # 18 digits cannot overflow; longer numbers, or any other byte, are for the careful parser.
    if data.translate(None, b"0123456789\t\n") or data.count(b"\t") != lines or not data.endswith(b"\n"):
        return None
    words = data.split()
    if len(words) != 2 * lines or max(map(len, words)) > 18:
        return None
    separators = data.translate(None, b"0123456789")
    if separators != b"\t\n" * lines or b"\t\n" in data:
        return None
    return np.array(words, dtype="S18").astype(np.uint64)


def _parse_lines(data: bytes, source: str, first: int = 1) -> NDArray[np.uint64]:
    import numpy as np

    numbers: list[int] = []
    for number, line in enumerate(data.split(b"\n"), first):
        if not line.strip():
            continue
        match = _LINE.fullmatch(line)
        if match is None:
            raise IndexFormatError(source, number, f"{line[:60]!r}, expected a key, a tab and an offset")
        key, offset = int(match[1]), int(match[2])
        if key > _MAX_KEY or offset > _MAX_OFFSET:
            raise IndexFormatError(source, number, f"{line[:60]!r}, expected a key below 2**64 and an offset below 2**63")
        numbers += key, offset
    return np.array(numbers, dtype=np.uint64)


def load(path: str | os.PathLike[str]) -> Index:
    """Load an .idx file.

    Raises:
        FileError: it cannot be read.
        IndexFormatError: a line is not ``key TAB offset``.
    """
    return parse(files.read_whole(path), str(path))


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


def rebuild(
    rec: str | os.PathLike[str], output: outputs.OutputFile, *, ids: bool = True, watch: Callable[[bytes], None] | None = None
) -> Rebuilt:
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
        for run in scan.runs(file, most=header.HEADER_SIZE if ids else 0):
            if ids:
                found = [header.unpack_id(payload, source=file.name, offset=offset) for offset, payload in run]
            else:
                found = list(range(len(keys), len(keys) + len(run)))
            keys.extend(found)
            lines = format_lines(found, [offset for offset, _ in run]).encode("ascii")
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
