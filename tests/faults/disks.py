"""Layers of system calls that fail where they are told to, and tell what was asked of them."""

from __future__ import annotations

import errno
import os
import signal
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from scenes import Unsynced

SHORT = "short"  # fewer bytes than asked for, which is no error
_FULL = ("ENOSPC", "EDQUOT")
# Which faults a call can have on a real system. The close of a file that is only read does not fail.
FAULTS = {
    "create": (*_FULL, "EIO", "EROFS"),
    "open": ("EIO", "EROFS"),  # an existing file, for writing
    "open to read": ("EIO",),
    "pread": ("EIO", SHORT),
    "read": ("EIO", SHORT),
    "write": (*_FULL, "EIO", "EROFS", SHORT),
    "copy_range": (*_FULL, "EIO", SHORT),
    "truncate": ("EIO", "EROFS"),
    "fsync": ("ENOSPC", "EIO"),  # where space is only promised by a write
    "close": ("ENOSPC", "EIO"),
    "link": (*_FULL, "EIO", "EROFS", "EPERM"),
    "replace": ("ENOSPC", "EIO", "EROFS"),
    "unlink": ("EIO", "EROFS"),
    "sync_folder": ("EIO",),
    "pwrite": (*_FULL, "EIO", "EROFS", SHORT),
    "mkdir": (*_FULL, "EIO", "EROFS"),
    "rmdir": ("EIO", "EROFS"),
    "sync_tree": ("ENOSPC", "EIO"),
}
# Calls whose failure a run may survive: a file system without links, and what comes after the work is done.
HARMLESS = {"link", "unlink", "close", "rmdir"}


class Call(NamedTuple):
    """A call of the layer: its kind, as FAULTS has them, and the file it is about."""

    kind: str
    path: Path


@dataclass(frozen=True)
class Fault:
    """What fails: the call of that number, or it and all behind it that can fail so."""

    number: int
    kind: str
    forever: bool = False

    def __str__(self) -> str:
        return f"{self.kind} at call {self.number}{' and for ever' * self.forever}"


@dataclass
class FaultyDisk(Unsynced):
    """The disk, with faults.

    Attributes:
        faults: that are to come.
        calls: that were made so far.
        hit: calls that failed.
        kinds: how each of them did.
        stuck: files that could not be removed.
    """

    faults: tuple[Fault, ...] = ()
    calls: list[Call] = field(default_factory=list)
    hit: list[Call] = field(default_factory=list)
    kinds: list[str] = field(default_factory=list)
    stuck: set[Path] = field(default_factory=set)
    paths: dict[int, tuple[Path, bool]] = field(default_factory=dict)  # of open files, and whether they are written

    def _ask(self, kind: str, path: Path) -> bool:
        """Note a call; fail, or tell whether it is to be short."""
        number = len(self.calls)
        self.calls.append(call := Call(kind, path))
        for fault in self.faults:
            if number == fault.number or (fault.forever and number > fault.number and fault.kind in FAULTS[kind]):
                self.hit.append(call)
                self.kinds.append(fault.kind)
                if fault.kind == SHORT:
                    return True
                code = getattr(errno, fault.kind)
                raise OSError(code, os.strerror(code))
        return False

    def open(self, path: Path, flags: int, mode: int = 0o666) -> int:
        writes = bool(flags & (os.O_WRONLY | os.O_RDWR))
        self._ask("create" if flags & os.O_CREAT and not os.path.lexists(path) else "open" if writes else "open to read", path)
        fd = super().open(path, flags, mode)
        self.paths[fd] = path, writes
        return fd

    def pread(self, fd: int, length: int, offset: int) -> bytes:
        short = self._ask("pread", self.paths[fd][0])
        return super().pread(fd, (length + 1) // 2 if short else length, offset)

    def read(self, fd: int, length: int) -> bytes:
        short = self._ask("read", self.paths[fd][0])
        return super().read(fd, (length + 1) // 2 if short else length)

    def write(self, fd: int, data: bytes | bytearray | memoryview) -> int:
        if self._ask("write", self.paths[fd][0]):
            return super().write(fd, memoryview(data)[: (len(data) + 1) // 2])
        return super().write(fd, data)

    def copy_range(self, source: int, target: int, length: int, offset: int) -> int:
        short = self._ask("copy_range", self.paths[target][0])
        return super().copy_range(source, target, (length + 1) // 2 if short else length, offset)

    def truncate(self, fd: int, size: int) -> None:
        self._ask("truncate", self.paths[fd][0])
        super().truncate(fd, size)

    def fsync(self, fd: int) -> None:
        self._ask("fsync", self.paths[fd][0])

    def close(self, fd: int) -> None:
        path, writes = self.paths.pop(fd)
        super().close(fd)  # also when it fails, as on Linux
        if writes:
            self._ask("close", path)

    def link(self, path: Path, other: Path) -> None:
        self._ask("link", other)
        super().link(path, other)

    def replace(self, path: Path, other: Path) -> None:
        self._ask("replace", other)
        super().replace(path, other)

    def unlink(self, path: Path) -> None:
        try:
            self._ask("unlink", path)
        except OSError:
            self.stuck.add(path)
            raise
        super().unlink(path)
        self.stuck.discard(path)

    def sync_folder(self, folder: Path) -> None:
        self._ask("sync_folder", folder)

    def pwrite(self, fd: int, data: bytes | bytearray | memoryview, offset: int) -> int:
        if self._ask("pwrite", self.paths[fd][0]):
            return super().pwrite(fd, memoryview(data)[: (len(data) + 1) // 2], offset)
        return super().pwrite(fd, data, offset)

    def mkdir(self, path: Path) -> None:
        self._ask("mkdir", path)
        super().mkdir(path)

    def rmdir(self, path: Path) -> None:
        try:
            self._ask("rmdir", path)
        except OSError:
            self.stuck.add(path)
            raise
        super().rmdir(path)
        self.stuck.discard(path)

    def sync_tree(self, folder: Path) -> None:
        self._ask("sync_tree", folder)


@dataclass
class KillingDisk(FaultyDisk):
    """The disk, which sends a signal to the process at a call.

    Attributes:
        at: number of the call.
        signals: which, one after the other.
    """

    at: int = -1
    signals: tuple[int, ...] = (signal.SIGKILL,)

    def _ask(self, kind: str, path: Path) -> bool:
        if len(self.calls) == self.at and os.getsid(0) == os.getpid():  # not a worker of it
            self.at = -1
            self.calls.append(Call(kind, path))
            for number in self.signals:
                os.kill(os.getpid(), number)
            self.calls.pop()
        return super()._ask(kind, path)


class Event(NamedTuple):
    """What a call has changed in the folder that is watched.

    Attributes:
        kind: "data" (a file has this content now), "fsync" (it is durable), "names" (names stand for these files, or for none,
            all at once) or "sync" (the names are durable).
        file: number of the file, where one is concerned.
        data: its content.
        names: name -> number of the file, None where the name goes.
    """

    kind: str
    file: int = -1
    data: bytes = b""
    names: tuple[tuple[str, int | None], ...] = ()


class Recorder(Unsynced):
    """The disk, which tells what was asked of one folder of it.

    Attributes:
        events: in order.
        names: of the folder, before anything is done: name -> number of the file.
        contents: number of the file -> what it held then.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.events: list[Event] = []
        self.contents: dict[int, bytes] = {}
        self._now: dict[str, int] = {}
        self._data: dict[int, bytes] = {}
        self._open: dict[int, tuple[int, int]] = {}  # descriptor -> file, position
        self._count = 0
        for path in sorted(folder.iterdir()):
            self._now[path.name] = self._count
            self.contents[self._count] = self._data[self._count] = path.read_bytes()
            self._count += 1
        self.names = dict(self._now)

    def _rename(self, *names: tuple[str, int | None]) -> None:
        self.events.append(Event("names", names=names))
        for name, file in names:
            if file is None:
                self._now.pop(name, None)
            else:
                self._now[name] = file

    def _is_watched(self, *paths: Path) -> bool:
        return all(path.parent == self.folder for path in paths)

    def open(self, path: Path, flags: int, mode: int = 0o666) -> int:
        is_new = not os.path.lexists(path)
        fd = super().open(path, flags, mode)
        if self._is_watched(path) and flags & (os.O_WRONLY | os.O_RDWR):
            if is_new:
                self._data[self._count] = b""
                self._rename((path.name, self._count))
                self._count += 1
            self._open[fd] = self._now[path.name], 0
        return fd

    def close(self, fd: int) -> None:
        self._open.pop(fd, None)
        super().close(fd)

    def _set(self, file: int, data: bytes) -> None:
        self._data[file] = data
        self.events.append(Event("data", file, data))

    def write(self, fd: int, data: bytes | bytearray | memoryview) -> int:
        file, position = self._open[fd]
        done = super().write(fd, data)
        self._set(file, self._data[file][:position] + bytes(data[:done]))
        self._open[fd] = file, position + done
        return done

    def pwrite(self, fd: int, data: bytes | bytearray | memoryview, offset: int) -> int:
        file, _ = self._open[fd]
        done = super().pwrite(fd, data, offset)
        before = self._data[file].ljust(offset, b"\0")
        self._set(file, before[:offset] + bytes(data[:done]) + before[offset + done :])
        return done

    def copy_range(self, source: int, target: int, length: int, offset: int) -> int:
        done = super().copy_range(source, target, length, offset)
        file, position = self._open[target]
        self._set(file, self._data[file][:position] + os.pread(source, done, offset))
        self._open[target] = file, position + done
        return done

    def truncate(self, fd: int, size: int) -> None:
        super().truncate(fd, size)
        file, _ = self._open[fd]
        self._set(file, self._data[file][:size])
        self._open[fd] = file, size  # whoever cuts a file writes behind the cut

    def fsync(self, fd: int) -> None:
        self.events.append(Event("fsync", self._open[fd][0]))

    def link(self, path: Path, other: Path) -> None:
        super().link(path, other)
        self._rename((other.name, self._now[path.name]))

    def replace(self, path: Path, other: Path) -> None:
        super().replace(path, other)
        self._rename((other.name, self._now[path.name]), (path.name, None))

    def unlink(self, path: Path) -> None:
        super().unlink(path)
        if self._is_watched(path):
            self._rename((path.name, None))

    def sync_folder(self, folder: Path) -> None:
        if folder == self.folder:
            self.events.append(Event("sync"))
