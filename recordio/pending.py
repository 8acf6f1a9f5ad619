"""Changes of a finished .rec in place: written down whole before they begin, so that whoever finds one unfinished can finish it.

The note is a hidden file beside the set, ``.PREFIX.change``. It names temporary files that are durable before it is: what comes behind
the old end of the .rec, words that change in it, and the files that describe the new state. Carrying it out can be repeated from
any point. It is removed when all is done.
"""

from __future__ import annotations

import contextlib
import os
import re
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple

from recordio import files, shardnames, signals
from recordio.errors import FileError
from recordio.leftovers import remove, temporary_name, temporary_stem

_SUFFIX: Final = ".change"
_VERSION: Final = 1
_PIECE: Final = 1 << 20  # bytes copied at once
_KNOWN: Final = 1 << 12  # bytes before the old end by which a .rec is known
WORD: Final = struct.Struct("<QII")  # offset of a word in the .rec, what it was, what it becomes


class Change(NamedTuple):
    """What is to be done; files by their names in the folder of the set.

    Attributes:
        what: the operation, for messages.
        rec: the .rec.
        old_size: its bytes before.
        new_size: its bytes when all is done.
        known: CRC-32 of the last bytes before *old_size*.
        tail: file with the bytes that come behind the old end; "" for none.
        words: file with the words that change, WORD each; "" for none.
        sums: CRC-32 of the tail and of the words.
        renames: temporary name and final name of each file that describes the new state.
    """

    what: str
    rec: str
    old_size: int
    new_size: int
    known: int
    tail: str = ""
    words: str = ""
    sums: tuple[int, int] = (0, 0)
    renames: tuple[tuple[str, str], ...] = ()


def note_path(prefix: Path) -> Path:
    """Return the name of the note of a set."""
    return prefix.with_name(f".{temporary_stem(prefix.name)}{_SUFFIX}")


def crc_of(path: Path, start: int = 0, stop: int | None = None) -> int:
    """Return the CRC-32 of a range of a file, by default of all of it.

    Raises:
        FileError: it cannot be read.
    """
    crc, file = 0, files.InputFile(path)
    try:
        end = file.size if stop is None else stop
        for at in range(start, end, _PIECE):
            crc = zlib.crc32(file.read_at(at, min(_PIECE, end - at)), crc)
    finally:
        file.close()
    return crc


def known_crc(rec: Path, size: int) -> int:
    """Return by what a .rec is known that had *size* bytes."""
    return crc_of(rec, max(0, size - _KNOWN), size)


def load(prefix: Path) -> Change | None:
    """Load the note of a set; None where there is none.

    Raises:
        FileError: it cannot be read or understood.
    """
    path = note_path(prefix)
    if not os.path.lexists(path):
        return None
    import json  # 3 ms to load, and there is no note most of the time

    data = files.read_whole(path)
    text, _, seal = data.rpartition(b"\n")
    try:
        if seal != f"{zlib.crc32(text):08x}".encode():
            raise ValueError
        found: dict[str, Any] = json.loads(text)
        if found.pop("version") != _VERSION:
            raise ValueError
        found["renames"] = tuple(map(tuple, found["renames"]))
        found["sums"] = tuple(found["sums"])
        change = Change(**found)
    except (ValueError, KeyError, TypeError):
        reason = "it is damaged, or that of another version; the set may be in the midst of a change ('im2rec verify')"
        raise FileError(str(path), "finish the change that it notes", None, reason) from None
    names = [change.rec, *filter(None, (change.tail, change.words)), *(name for pair in change.renames for name in pair)]
    if any(os.path.basename(name) != name or name in (".", "..") for name in names):
        raise FileError(str(path), "finish the change that it notes", None, "it names files outside its folder")
    return change


def save(prefix: Path, change: Change) -> None:
    """Write the note of a set, durable when this returns.

    Raises:
        FileError: it cannot be written.
    """
    path = note_path(prefix)
    import json

    text = json.dumps({"version": _VERSION, **change._asdict()}).encode("ascii")
    temporary = temporary_name(prefix.with_name(change.rec))
    with files.telling(path, "write"):
        fd = files.disk.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL)
        try:
            try:
                data = text + f"\n{zlib.crc32(text):08x}".encode()
                while data:
                    data = data[files.disk.write(fd, data) :]
                files.disk.fsync(fd)
            finally:
                files.disk.close(fd)
            files.disk.replace(temporary, path)
        except BaseException:
            remove(temporary)
            raise
        files.disk.sync_folder(path.parent)


class Carrying:
    """Carries a change out, or takes it back.

    Args:
        prefix: of the set.
        change: what is to be done.
    """

    def __init__(self, prefix: Path, change: Change) -> None:
        self._note = note_path(prefix)
        self._folder = prefix.parent
        self._change = change
        self._rec = self._folder / change.rec

    def check(self) -> None:
        """Check that the files are those that the change is about; for one that an earlier run has left.

        Raises:
            FileError: they are not.
        """
        change = self._change
        reason = ""
        if not self._rec.is_file():
            reason = f"{change.rec} is not there"
        elif not change.old_size <= self._rec.stat().st_size <= change.new_size:
            reason = f"{change.rec} has another size now"
        for name, crc in zip((change.tail, change.words), change.sums, strict=True):
            if name and not reason and (not (path := self._folder / name).is_file() or crc_of(path) != crc):
                reason = f"{name} is missing or damaged"
        if not reason and not self._is_known():
            reason = f"{change.rec} is another file now"
        if reason:
            advice = f"{reason}; 'im2rec verify' says what is there, and removing the note forgets the change"
            raise FileError(str(self._note), f"finish the {change.what} that it notes", None, advice)

    def _is_known(self) -> bool:
        """Tell whether the .rec is the one that is to be changed: each word is what it was or what it becomes, or its end is known."""
        if not self._change.words:
            return known_crc(self._rec, self._change.old_size) == self._change.known
        file = files.InputFile(self._rec)
        try:
            for offset, old, new in self._runs():
                found = file.read_at(offset, len(old))
                for at in range(0, len(old), 4):
                    if found[at : at + 4] not in (old[at : at + 4], new[at : at + 4]):
                        return False
        finally:
            file.close()
        return True

    def run(self) -> None:
        """Carry all of it out, whatever of it has been done before.

        Raises:
            FileError: a file cannot be written. What has been done stays, and the note with it.
        """
        self.change_rec()
        with signals.held():
            self.finish()

    def change_rec(self) -> None:
        """Bring the .rec to its new state.

        Raises:
            FileError: it cannot be written.
        """
        change = self._change
        with files.telling(self._rec, f"finish the {change.what}"):
            fd = files.disk.open(self._rec, os.O_WRONLY)
            try:
                # What is there already is not cut off again: the new index may stand beside it.
                if change.tail and not self._has_tail():
                    files.disk.truncate(fd, change.old_size)
                    self._copy_tail(fd)
                for offset, _, new in self._runs():
                    _write_at(fd, new, offset)
                files.disk.fsync(fd)
            finally:
                files.disk.close(fd)

    def _has_tail(self) -> bool:
        change = self._change
        return self._rec.stat().st_size == change.new_size and crc_of(self._rec, change.old_size) == change.sums[0]

    def _copy_tail(self, fd: int) -> None:
        tail = files.InputFile(self._folder / self._change.tail)
        try:
            for at in range(0, tail.size, _PIECE):
                _write_at(fd, tail.read_at(at, _PIECE), self._change.old_size + at)
        finally:
            tail.close()

    def _runs(self) -> Iterator[tuple[int, bytes, bytes]]:
        """Yield offset, old and new bytes of runs of words that follow each other."""
        if not self._change.words:
            return
        file = files.InputFile(self._folder / self._change.words)
        start, old, new = 0, bytearray(), bytearray()
        try:
            for at in range(0, file.size, WORD.size << 12):
                for offset, before, after in WORD.iter_unpack(file.read_at(at, WORD.size << 12)):
                    if new and offset != start + len(new):
                        yield start, bytes(old), bytes(new)
                        old, new = bytearray(), bytearray()
                    start = start if new else offset
                    old += before.to_bytes(4, "little")
                    new += after.to_bytes(4, "little")
            if new:
                yield start, bytes(old), bytes(new)
        finally:
            file.close()

    def finish(self) -> None:
        """Rename what describes the new state, when the .rec is in it, and remove the note.

        Raises:
            FileError: a file cannot be renamed.
        """
        change = self._change
        for temporary, name in change.renames:
            with files.telling(self._folder / name, "rename its temporary file"):
                if (self._folder / temporary).exists():  # else an earlier run has done that
                    files.disk.replace(self._folder / temporary, self._folder / name)
        self._remove_note()

    def undo(self) -> None:
        """Bring the .rec back to its old state, while nothing has been renamed, and remove the note.

        Raises:
            FileError: it cannot be written.
        """
        change = self._change
        with files.telling(self._rec, f"take the {change.what} back"):
            fd = files.disk.open(self._rec, os.O_WRONLY)
            try:
                if change.tail:
                    files.disk.truncate(fd, change.old_size)
                for offset, old, _ in self._runs():
                    _write_at(fd, old, offset)
                files.disk.fsync(fd)
            finally:
                files.disk.close(fd)
        self._remove_note()
        for temporary, _ in change.renames:
            remove(self._folder / temporary)

    def _remove_note(self) -> None:
        """Remove the note, with all before it durable; then what it alone needed."""
        with files.telling(self._note, "remove"):
            files.disk.sync_folder(self._folder)
            files.disk.unlink(self._note)
        try:
            files.disk.sync_folder(self._folder)
        except OSError:
            return  # the note may come back after a crash: what it speaks of stays for that, and the next run removes it
        for name in filter(None, (self._change.tail, self._change.words)):
            remove(self._folder / name)


def _write_at(fd: int, data: bytes, offset: int) -> None:
    while data:
        done = files.disk.pwrite(fd, data, offset)
        data, offset = data[done:], offset + done


def finish(prefix: Path) -> list[Change]:
    """Finish what interrupted runs have begun to change in a set, or in shards of it; the caller holds its lock.

    Raises:
        FileError: a file cannot be read or written, or is no longer the one that was being changed.
    """
    pattern = re.compile(rf"\.({shardnames.set_or_shard(prefix.name)}){re.escape(_SUFFIX)}")
    with contextlib.suppress(FileNotFoundError), os.scandir(prefix.parent) as entries:
        found = {prefix.with_name(match[1]) for entry in entries if (match := pattern.fullmatch(entry.name))}
    if os.path.lexists(note_path(prefix)):  # of a name that is too long to be in that of its note
        found.add(prefix)
    done = []
    for one in sorted(found):
        change = load(one)
        if change is not None:
            carrying = Carrying(one, change)
            carrying.check()
            carrying.run()
            done.append(change)
    return done


def unfinished(rec: Path) -> tuple[str, int | None] | None:
    """Say that a change of a .rec was interrupted, and how many of its bytes are the old ones, if that is known; None where none was."""
    try:
        change = load(rec.with_suffix(""))
    except FileError as error:
        return f"a change was interrupted, and {note_path(rec.with_suffix('')).name} cannot be read: {error.reason}", None
    if change is None or change.rec != rec.name:
        return None
    return f"a change ({change.what}) was interrupted, or is going on; 'im2rec recover' finishes it", change.old_size
