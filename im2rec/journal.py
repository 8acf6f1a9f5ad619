"""The journal of a long pack: what has been done, so that a run that was interrupted can be gone on with.

It is a hidden file of JSON lines beside the outputs, each line with a CRC-32: first what the run was asked to do, then a
line for each block of records that was written. A run that ends within seconds never writes it.
"""

from __future__ import annotations

import contextlib
import errno
import os
import re
import time
import zlib
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Final

from im2rec.listfile import Item
from im2rec.shards import Written
from im2rec.work import Block, Outcomes
from recordio import checksum, files
from recordio.errors import FileError
from recordio.leftovers import TEMPORARY, temporary_stem
from recordio.outputfile import OutputFile
from recordio.shardnames import set_or_shard

_INTERVAL: Final = 2.0  # seconds of work that an interruption may cost


@dataclass(frozen=True, slots=True)
class Entry:
    """A block that was written.

    Attributes:
        outcomes: of its items.
        written: (shard, bytes, XXH3-128) of each piece of it.
        times: of modification of each item's file, in nanoseconds since 1970, 0 where there is none; empty where they were not noted.
    """

    outcomes: Outcomes
    written: list[tuple[int, int, str]]
    times: list[int] = field(default_factory=list)


@dataclass(slots=True)
class Past:
    """What a journal tells of an earlier run.

    Attributes:
        asked: what it was asked to do.
        started: when, in nanoseconds since 1970.
        temporaries: shard -> its temporary file.
        entries: what it has done, in order.
        ends: size of the journal behind each entry, in bytes; one more for its head.
        finals: shard -> its final name, once all was written: the files may have got these names already.
    """

    asked: dict[str, str]
    started: int
    temporaries: dict[int, Path]
    entries: list[Entry]
    ends: list[int]
    finals: dict[int, Path] = field(default_factory=dict)


def journal_path(prefix: Path) -> Path:
    """Return the path of the journal of a set."""
    return prefix.with_name(f".{prefix.name}.journal")


def _line(content: dict[str, Any]) -> bytes:
    import json  # runs of seconds do without

    text = json.dumps(content, separators=(",", ":")).encode("ascii")
    return b"%s\t%08x\n" % (text, zlib.crc32(text))


def _entry_line(noted: tuple[Entry, dict[str, str]]) -> bytes:
    entry, temporaries = noted
    values = {field.name: getattr(entry.outcomes, field.name) for field in fields(entry.outcomes)}
    times = {"times": entry.times} if entry.times else {}
    return _line({**values, **times, "written": entry.written, "temporaries": temporaries})


class Journal:
    """Notes what is written, now and then to the disk.

    Args:
        path: the file.
        asked: what the run was asked to do, by name.
        past: what is gone on with, if anything.

    Attributes:
        shards: of which it knows the temporary files.
        is_saved: whether a block that was done stands in it on the disk.
    """

    def __init__(self, path: Path, asked: dict[str, str], past: Past | None = None) -> None:
        self.path = path
        self._fd = -1
        self.shards = set(past.temporaries) if past else set()
        self.is_saved = bool(past and past.entries)
        self._size = past.ends[-1] if past else 0
        self._head = [] if past else [_line({"asked": asked, "started": time.time_ns()})]
        self._pending: list[tuple[Entry, dict[str, str]]] = []  # formatted when they are saved
        self._last = time.monotonic()

    def note(self, block: Block[Item], written: list[Written], recs: list[OutputFile], times: list[int]) -> None:
        """Note a block that was written, and the times of its items' files, if they are asked for.

        Raises:
            FileError: the journal cannot be written.
        """
        new = {str(piece.shard): recs[piece.shard].temporary.name for piece in written if piece.shard not in self.shards}
        self.shards.update(map(int, new))
        pieces = [(piece.shard, len(piece.data), _digest(piece.data)) for piece in written]
        self._pending.append((Entry(block.outcomes, pieces, times), new))
        if time.monotonic() - self._last > _INTERVAL:
            self.save(recs[-1:])

    @property
    def is_begun(self) -> bool:
        """Whether this run has written anything of it."""
        return self._fd >= 0

    def save(self, recs: list[OutputFile], last: bytes = b"") -> None:
        """Bring to the disk what was noted, after the records it speaks of, and a last line.

        Raises:
            FileError: the journal or a record file cannot be written.
        """
        for rec in recs:
            rec.sync()
        with files.telling(self.path, "write"):
            if self._fd < 0:
                self._fd = files.disk.open(self.path, os.O_WRONLY | os.O_CREAT)
                files.disk.truncate(self._fd, self._size)
                os.lseek(self._fd, self._size, os.SEEK_SET)
            data = memoryview(b"".join([*self._head, *map(_entry_line, self._pending), last]))
            while data:
                data = data[files.disk.write(self._fd, data) :]
            files.disk.fsync(self._fd)
            if last or self._head or any(temporaries for _, temporaries in self._pending):  # names that the folder must have, too
                files.disk.sync_folder(self.path.parent)
        self.is_saved |= bool(self._pending)
        self._head.clear()
        self._pending.clear()
        self._last = time.monotonic()

    def end(self, recs: list[OutputFile]) -> None:
        """Note that all was written, and the final names, which the files get now.

        Raises:
            FileError: the journal cannot be written.
        """
        self.save([], _line({"finals": {str(shard): recs[shard].path.name for shard in self.shards}}))

    def close(self) -> None:
        """Close the file; closing twice does nothing."""
        fd, self._fd = self._fd, -1
        if fd >= 0:
            with contextlib.suppress(OSError):
                files.disk.close(fd)


def _digest(data: bytes | memoryview) -> str:
    digest = checksum.new_digest()
    digest.update(data)
    return str(digest.hexdigest())


def load(path: Path) -> Past | None:
    """Load a journal as far as its lines are whole; None where there is none, or none of use.

    Raises:
        FileError: there is one, and it cannot be read.
    """
    try:
        data = files.read_whole(path)
    except FileError as error:
        if error.errno == errno.ENOENT:
            return None
        raise
    import json

    past: Past | None = None
    at = 0
    for raw in data.splitlines(keepends=True):
        text, _, crc = raw.rpartition(b"\t")
        if crc != b"%08x\n" % zlib.crc32(text):
            break
        at += len(raw)
        try:
            past = _read_line(json.loads(text), past, path)
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
            break
        past.ends.append(at)
    return past


def _read_line(content: Any, past: Past | None, path: Path) -> Past:
    """Take in a line. Whoever may write to the folder may have written it, so it is looked at like any input.

    Raises:
        ValueError, TypeError, KeyError, AttributeError: it is not as Journal writes it.
    """
    if past is None:
        asked = {name: _text(value) for name, value in content["asked"].items()}
        return Past(asked, _count(content["started"]), {}, [], [])
    if "finals" in content:
        past.finals = {int(shard): _final(name, path) for shard, name in content["finals"].items()}
        return past
    named = {int(shard): _temporary(name, path) for shard, name in content["temporaries"].items()}
    written = [(_count(shard), _count(size), _text(digest)) for shard, size, digest in content["written"]]
    outcomes = Outcomes(
        [_count(size) for size in content["sizes"]],
        [_count(size) for size in content["reads"]],
        {int(number): _text(reason) for number, reason in content["rejects"].items()},
        {int(number): _text(remark) for number, remark in content["remarks"].items()},
        {int(number): _count(traits) for number, traits in content["traits"].items()},
    )
    times = [_time(time) for time in content.get("times", [])]
    numbers = [*outcomes.rejects, *outcomes.remarks, *outcomes.traits]
    fit = len(outcomes.reads) == len(outcomes) and len(times) in (0, len(outcomes))
    if not fit or not all(0 <= number < len(outcomes) for number in numbers):
        raise ValueError("its lists do not fit together")
    past.temporaries.update(named)
    past.entries.append(Entry(outcomes, written, times))
    return past


def _count(value: Any) -> int:
    if type(value) is not int or not 0 <= value < 1 << 63:
        raise ValueError(f"{value!r}, expected a number")
    return value


def _time(value: Any) -> int:
    if type(value) is not int or not -(1 << 63) <= value < 1 << 63:  # files may be older than 1970
        raise ValueError(f"{value!r}, expected a time")
    return value


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r}, expected text")
    return value


def _final(name: str, path: Path) -> Path:
    """Return the path of a .rec; only those of this set may be named, because they may be renamed."""
    prefix = path.name[1:].removesuffix(".journal")
    if not re.fullmatch(rf"{set_or_shard(prefix)}\.rec", name):
        raise ValueError(f"{name!r} is no file of {prefix}")
    return path.with_name(name)


def _temporary(name: str, path: Path) -> Path:
    """Return the path of a temporary file; only those of this set may be named, because they are removed at the end."""
    prefix = path.name[1:].removesuffix(".journal")
    match = TEMPORARY.fullmatch(name)
    final = match[1] if match else ""
    is_cut = final != f"{prefix}.rec" and final == temporary_stem(f"{prefix}.rec")  # a long name is
    if not is_cut and not re.fullmatch(rf"{set_or_shard(prefix)}\.rec", final):
        raise ValueError(f"{name!r} is no temporary file of {prefix}")
    return path.with_name(name)
