"""Parsing the lines of an .idx (docs/format.md, section 3): as MXNet writes them at the speed of arrays, others one by one. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from recordio.errors import IndexFormatError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_LINE = re.compile(rb"[ \t]*(\d{1,99})[ \t]+(\d{1,99})[ \t]*\r?")  # int() refuses thousands of digits
_RUN = 1 << 20  # bytes of lines parsed at once: as words they take twenty times as many
_SEPARATORS = (ord("\t") + 256 - ord("0"), ord("\n") + 256 - ord("0"))  # as bytes from which that of "0" was taken
_MAX_KEY = (1 << 64) - 1
_MAX_OFFSET = (1 << 63) - 1


def parse_pieces(read: Callable[[], Iterator[bytes]], source: str) -> tuple[NDArray[np.uint64], NDArray[np.int64]]:
    """Parse an .idx that comes in pieces; lines are counted first, and arrays made only once.

    Args:
        read: gives the pieces; called twice.
        source: name of the file, for messages.

    Returns:
        Keys, (n,) uint64, and offsets, (n,) int64.

    Raises:
        IndexFormatError: a line is not ``key TAB offset``, with its number.
    """
    import numpy as np

    most = sum(piece.count(b"\n") for piece in read()) + 1
    keys, offsets = np.empty(most, np.uint64), np.empty(most, np.int64)
    done, number = 0, 1
    for lines in _runs_of_lines(read()):
        numbers = _parse_fast(lines)
        pairs = (_parse_lines(lines, source, number) if numbers is None else numbers).reshape(-1, 2)
        stop = done + len(pairs)
        if stop > most:
            raise IndexFormatError(source, number, "more lines than a moment ago: the file changes while it is read")
        keys[done:stop], offsets[done:stop] = pairs[:, 0], pairs[:, 1]
        done = stop
        number += lines.count(b"\n")
    return keys[:done], offsets[:done]


def _runs_of_lines(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """Cut pieces of a file into runs of whole lines; the last one may have no end."""
    rest = b""
    for piece in pieces:
        data, start = rest + piece, 0
        while (end := data.find(b"\n", start + _RUN) + 1) > 0:
            yield data[start:end]
            start = end
        rest = data[start:]
    end = rest.rfind(b"\n") + 1
    if end:
        yield rest[:end]
    if end < len(rest):
        yield rest[end:]


def _parse_fast(data: bytes) -> NDArray[np.uint64] | None:
    """Parse lines exactly as MXNet writes them, at C speed; None where any byte is otherwise."""
    import numpy as np

    if not data.endswith(b"\n") or data.translate(None, b"0123456789\t\n"):
        return None
    digits = np.frombuffer(data, np.uint8) - ord("0")  # tabs and newlines become larger than 9
    ends = np.flatnonzero(digits > 9)
    begins = np.concatenate(([0], ends[:-1] + 1))
    if len(ends) % 2 or (digits[ends].reshape(-1, 2) != _SEPARATORS).any():
        return None
    numbers = np.zeros(len(ends), np.uint64)
    for column in (0, 1):
        last, lengths = ends[column::2] - 1, (ends - begins)[column::2]
        # 18 digits cannot overflow; longer numbers are for the careful parser.
        if not 1 <= int(lengths.min()) <= int(lengths.max()) <= 18:
            return None
        for place in range(int(lengths.max())):
            numbers[column::2] += digits[last - place] * (lengths > place) * np.uint64(10**place)
    return numbers


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
