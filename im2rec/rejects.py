"""Images that were left out, and why: one, many in little memory, and as the lines of a .rejects.tsv."""

from __future__ import annotations

import io
import itertools
import re
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, overload

from im2rec.errors import ImageError
from im2rec.names import printable

if TYPE_CHECKING:
    from typing_extensions import Self

NAMED: Final = 10_000  # images that are kept as they are, for messages and JSON
_BLOCK: Final = 1 << 18  # bytes of lines that are compressed at once
_HEAD: Final = b"id\tpath\treason\n"


def rejects_path(prefix: Path) -> Path:
    """Return the path of the rejects of a set."""
    return prefix.with_name(f"{prefix.name}.rejects.tsv")


@dataclass(frozen=True, slots=True)
class Reject:
    """An image that was not packed, or that something is to be said of.

    Attributes:
        id: its id in the list; None where it never got one.
        path: as the list or the folder has it.
        reason: why.
    """

    id: int | None
    path: str
    reason: str

    def __str__(self) -> str:
        return f"{printable(self.path)}: {self.reason}"

    def as_json(self) -> dict[str, Any]:
        """Return it as an object for JSON."""
        return {"id": self.id, "path": self.path, "reason": self.reason}


class Rejects:
    """Rejects in their order. A wrong root makes a million of them: beyond the first, they are kept as compressed lines.

    Attributes:
        first: the first of them, at most :data:`NAMED`.
    """

    def __init__(self, rejects: Iterable[Reject] = ()) -> None:
        self.first: list[Reject] = []
        self._count = 0
        self._last: Reject | None = None
        self._blocks: list[bytes] = []  # compressed
        self._lines = bytearray()  # of the block that is not full
        self += rejects

    def append(self, reject: Reject) -> None:
        """Add one."""
        self._count += 1
        self._last = reject
        if len(self.first) < NAMED:
            self.first.append(reject)
            return
        self._lines += _line(reject)
        if len(self._lines) >= _BLOCK:
            self._blocks.append(zlib.compress(self._lines, 1))
            self._lines.clear()

    def __iadd__(self, others: Iterable[Reject]) -> Self:
        for reject in others:
            self.append(reject)
        return self

    def __add__(self, others: Iterable[Reject]) -> Rejects:
        return Rejects(itertools.chain(self, others))

    def __len__(self) -> int:
        return self._count

    @property
    def more(self) -> int:
        """Number of those that are not in *first*."""
        return self._count - len(self.first)

    def __iter__(self) -> Iterator[Reject]:
        yield from self.first
        for lines in self._later():
            yield from _parsed(lines)

    @overload
    def __getitem__(self, at: int) -> Reject: ...
    @overload
    def __getitem__(self, at: slice) -> list[Reject]: ...
    def __getitem__(self, at: int | slice) -> Reject | list[Reject]:
        if isinstance(at, slice):
            start, stop, step = at.indices(self._count)
            return list(itertools.islice(self, start, stop, step)) if step > 0 else list(self)[at]
        if at in (-1, self._count - 1) and self._last is not None:
            return self._last
        at = range(self._count)[at]
        return next(itertools.islice(self, at, None))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, (Rejects, list)):
            return NotImplemented
        return len(self) == len(other) and all(one == two for one, two in zip(self, other, strict=True))

    __hash__ = None  # type: ignore[assignment]  # it grows

    def __repr__(self) -> str:
        return f"Rejects({self.first[:8]}{f', and {self._count - 8} more' if self._count > 8 else ''})"

    def lines(self) -> Iterator[bytes]:
        """Yield the content of a .rejects.tsv in pieces."""
        yield _HEAD + b"".join(map(_line, self.first))
        yield from self._later()

    def _later(self) -> Iterator[bytes]:
        """Yield the lines of those that are not in *first*, in pieces."""
        yield from map(zlib.decompress, self._blocks)
        yield bytes(self._lines)


def format_rejects(rejects: Iterable[Reject]) -> bytes:
    """Format the content of a .rejects.tsv: a line of names, then id, path and reason of each, with C's escapes for odd bytes.

    It is UTF-8 whatever the names are.
    """
    return b"".join(rejects.lines() if isinstance(rejects, Rejects) else (_HEAD, *map(_line, rejects)))


def parse_rejects(data: bytes) -> Rejects:
    """Parse the content of a .rejects.tsv.

    Raises:
        ValueError: a line is not as format_rejects writes it.
    """
    return Rejects(_parsed(data[data.find(b"\n") + 1 :]))


def rejects_of(errors: Iterable[ImageError]) -> list[Reject]:
    """Turn what was raised of images into rejects."""
    return [Reject(None, error.item, error.reason) for error in errors]


def _line(reject: Reject) -> bytes:
    fields = ("" if reject.id is None else str(reject.id), reject.path, reject.reason)
    return ("\t".join(map(_one_field, fields)) + "\n").encode("utf-8", "backslashreplace")


def _parsed(lines: bytes) -> Iterator[Reject]:
    for line in io.BytesIO(lines):
        if line.endswith(b"\n"):
            id_, path, reason = line[:-1].decode("utf-8", "surrogateescape").split("\t")
            yield Reject(int(id_) if id_ else None, _unescaped(path), _unescaped(reason))


_ESCAPES = {"\\": "\\\\", "\t": "\\t", "\r": "\\r", "\n": "\\n"}
_MEANINGS = {escape: meaning for meaning, escape in _ESCAPES.items()}


def _one_field(text: str) -> str:
    return re.sub(r"[\\\t\r\n\udc80-\udcff]", lambda match: _ESCAPES.get(match[0]) or f"\\x{ord(match[0]) & 0xFF:02x}", text)


def _unescaped(text: str) -> str:
    return re.sub(r"\\(?:x[89a-f][0-9a-f]|.)", _meaning, text)


def _meaning(match: re.Match[str]) -> str:
    return chr(0xDC00 | ord(bytes.fromhex(match[0][2:]))) if len(match[0]) == 4 else _MEANINGS.get(match[0], match[0])
