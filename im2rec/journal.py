"""The journal of a long pack: what has been done, so that a run that was interrupted can be gone on with.

It is a hidden file of JSON lines beside the outputs, each line with a CRC-32: first what the run was asked to do, then a
line for each block of records that was written. A run that ends within seconds never writes it.
"""

from __future__ import annotations

import contextlib
import os
import time
import zlib
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Final

from im2rec.listfile import Item
from im2rec.shards import Written
from im2rec.work import Block, Outcomes
from recordio import checksum, files
from recordio.errors import FileError
from recordio.outputs import OutputFile

_INTERVAL: Final = 2.0  # seconds of work that an interruption may cost


@dataclass(frozen=True, slots=True)
class Entry:
    """A block that was written.

    Attributes:
        outcomes: of its items.
        written: (shard, bytes, XXH3-128) of each piece of it.
    """

    outcomes: Outcomes
    written: list[tuple[int, int, str]]


@dataclass(slots=True)
class Past:
    """What a journal tells of an earlier run.

    Attributes:
        asked: what it was asked to do.
        started: when, in nanoseconds since 1970.
        temporaries: shard -> its temporary file.
        entries: what it has done, in order.
        ends: size of the journal behind each entry, in bytes; one more for its head.
    """

    asked: dict[str, str]
    started: int
    temporaries: dict[int, Path]
    entries: list[Entry]
    ends: list[int]


def journal_path(prefix: Path) -> Path:
    """Return the path of the journal of a set."""
    return prefix.with_name(f".{prefix.name}.journal")


def _line(content: dict[str, Any]) -> bytes:
    import json  # runs of seconds do without

    text = json.dumps(content, separators=(",", ":")).encode("ascii")
    return b"%s\t%08x\n" % (text, zlib.crc32(text))


def _entry_line(noted: tuple[Outcomes, dict[str, str], list[tuple[int, int, str]]]) -> bytes:
    outcomes, temporaries, written = noted
    values = {field.name: getattr(outcomes, field.name) for field in fields(outcomes)}
    return _line({**values, "written": written, "temporaries": temporaries})


class Journal:
    """Notes what is written, now and then to the disk.

    Args:
        path: the file.
        asked: what the run was asked to do, by name.
        past: what is gone on with, if anything.

    Attributes:
        shards: of which it knows the temporary files.
    """

    def __init__(self, path: Path, asked: dict[str, str], past: Past | None = None) -> None:
        self.path = path
        self._fd = -1
        self.shards = set(past.temporaries) if past else set()
        self._size = past.ends[-1] if past else 0
        self._head = [] if past else [_line({"asked": asked, "started": time.time_ns()})]
        self._pending: list[tuple[Outcomes, dict[str, str], list[tuple[int, int, str]]]] = []  # formatted when they are saved
        self._last = time.monotonic()

    def note(self, block: Block[Item], written: list[Written], recs: list[OutputFile]) -> None:
        """Note a block that was written.

        Raises:
            FileError: the journal cannot be written.
        """
        new = {str(piece.shard): recs[piece.shard].temporary.name for piece in written if piece.shard not in self.shards}
        self.shards.update(map(int, new))
        pieces = [(piece.shard, len(piece.data), _digest(piece.data)) for piece in written]
        self._pending.append((block.outcomes, new, pieces))
        if time.monotonic() - self._last > _INTERVAL:
            self.save(recs[-1:])

    def save(self, recs: list[OutputFile]) -> None:
        """Bring to the disk what was noted, after the records it speaks of.

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
            data = memoryview(b"".join([*self._head, *map(_entry_line, self._pending)]))
            while data:
                data = data[files.disk.write(self._fd, data) :]
            files.disk.fsync(self._fd)
        self._head.clear()
        self._pending.clear()
        self._last = time.monotonic()

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


def temporaries(prefix: Path) -> list[Path]:
    """Return the temporary files that the journal of a set speaks of, none where there is no journal."""
    past = load(journal_path(prefix))
    return list(past.temporaries.values()) if past else []


def load(path: Path) -> Past | None:
    """Load a journal as far as its lines are whole; None where there is none, or none of use."""
    try:
        data = files.read_whole(path)
    except FileError:
        return None
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
        except (ValueError, TypeError, KeyError, AttributeError):
            break
        past.ends.append(at)
    return past


def _read_line(content: dict[str, Any], past: Past | None, path: Path) -> Past:
    if past is None:
        return Past(dict(content["asked"]), int(content["started"]), {}, [], [])
    for shard, name in content.pop("temporaries").items():
        past.temporaries[int(shard)] = path.with_name(Path(name).name)
    written = [(int(shard), int(size), str(digest)) for shard, size, digest in content.pop("written")]
    for name, value in content.items():
        if isinstance(value, dict):
            content[name] = {int(key) if key.isdigit() else key: entry for key, entry in value.items()}
    past.entries.append(Entry(Outcomes(**content), written))
    return past
