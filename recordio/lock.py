"""A lock on the name of a set, so that two runs never write it at once.

The lock is the system's own, on a hidden file beside the set: it ends with its process, however that ends.
"""

from __future__ import annotations

import contextlib
import errno
import os
import threading
import time
import zlib
from pathlib import Path
from typing import Final

from recordio import files, shardnames
from recordio.errors import FileError

SUFFIXES: Final = (".rec", ".idx", ".sum", ".lst", ".classes.txt", ".classes.json", ".rejects.tsv", ".journal", ".salvage.json")
DESCRIBING: Final = (".idx", ".sum", ".rejects.tsv", ".salvage.json")  # what is true of one .rec only
_BUSY: Final = (errno.EACCES, errno.EAGAIN, errno.EDEADLK)
_UNKNOWN: Final = (errno.ENOSYS, errno.ENOLCK, errno.EOPNOTSUPP)  # of file systems that have no locks
_LONGEST: Final = 200  # characters of a name that is kept whole
_TRIES: Final = 20  # to take a share
_PAUSE: Final = 0.005  # seconds between them
_registry = threading.Lock()
_held: dict[tuple[int, Path], _File] = {}  # by process: a fork holds none of its parent's locks


def prefix_of(path: Path) -> Path:
    """Return the prefix that a file of a set belongs to: its path without the suffix that sets use."""
    for suffix in SUFFIXES:
        if path.name.endswith(suffix) and path.name != suffix:
            return path.with_name(path.name.removesuffix(suffix))
    return path


def real(path: Path) -> Path:
    """Return a path by which its folder is known whatever links lead there."""
    return Path(os.path.realpath(path.parent)) / path.name


def _lock_name(prefix: str) -> str:
    if len(os.fsencode(prefix)) <= _LONGEST:
        return f".{prefix}.lock"
    return f".{prefix[:40]}.{zlib.crc32(os.fsencode(prefix)):08x}.lock"


class _Busy(Exception):
    """Another process holds the lock."""


class _File:
    """One lock file that this process holds, possibly several times when it is shared."""

    def __init__(self, path: Path, *, shared: bool) -> None:
        self.path = path
        self.shared = shared
        self.count = 1
        self.is_real = True  # where the system has no locks, the file alone is one
        while True:
            self._open()
            try:
                self._lock()
                if not self.is_real:
                    return
                with contextlib.suppress(FileNotFoundError):  # the one before may have removed it meanwhile
                    if os.path.samestat(os.fstat(self.fd), os.stat(path)):
                        return
            except BaseException:
                files.disk.close(self.fd)
                raise
            files.disk.close(self.fd)

    def _open(self) -> None:
        try:
            self.fd = files.disk.open(self.path, os.O_RDWR | os.O_CREAT | os.O_EXCL)
            self.was_left = False
        except FileExistsError:
            self.fd = files.disk.open(self.path, os.O_RDWR | os.O_CREAT)
            self.was_left = True

    def _lock(self) -> None:
        try:
            _lock(self.fd, shared=self.shared)
        except OSError as error:
            if error.errno in _BUSY:
                raise _Busy from None
            if error.errno not in _UNKNOWN:
                raise
            self.is_real = False
            if self.shared:  # it would keep the other shards out
                if not self.was_left:
                    files.disk.unlink(self.path)
                return
            if self.was_left:  # on such a file system its existence is the lock
                reason = "another run is writing this set, or was killed while it did; if none runs, remove this file"
                raise FileError(str(self.path), "lock", error.errno, reason) from None

    def release(self) -> None:
        """Remove the file, unless others share it, and let it go."""
        removed = False
        with contextlib.suppress(OSError):
            if self.shared and self.is_real:
                # Of two that end at the same time the later one gets it; it fails while another process shares it.
                _unlock(self.fd)
                _lock(self.fd, shared=False)
            is_ours = not self.shared or (self.is_real and os.path.samestat(os.fstat(self.fd), os.stat(self.path)))
            if is_ours:
                files.disk.unlink(self.path)
            removed = True
        with contextlib.suppress(OSError):
            files.disk.close(self.fd)
        if not removed and os.name == "nt":  # where an open file cannot be removed, and one that others hold cannot either
            with contextlib.suppress(OSError):
                files.disk.unlink(self.path)


def _unlock(fd: int) -> None:
    """Let an open file go, where there are shared locks."""
    with contextlib.suppress(ImportError):
        import fcntl

        fcntl.lockf(fd, fcntl.LOCK_UN)


def _lock(fd: int, *, shared: bool) -> None:
    """Lock an open file or raise OSError; a record lock, which a forked worker does not inherit."""
    try:
        import fcntl
    except ImportError:
        import msvcrt

        if not shared:  # Windows has no shared locks here
            msvcrt.locking(fd, msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined,unused-ignore]
        return
    fcntl.lockf(fd, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)


class Lock:
    """Holds the name of a set: that of one shard together with a share of the whole set's.

    Args:
        prefix: path of the set without suffix.
        path: the file it is wanted for, for messages.

    Raises:
        FileError: another run holds it, or the folder cannot be written.
    """

    def __init__(self, prefix: Path, path: Path) -> None:
        self.prefix = prefix
        self._path = path
        self._files: list[_File] = []
        shard = shardnames.parse(prefix.name)
        try:
            if shard:
                self._take(prefix.with_name(shard.prefix), shared=True)
            self._take(prefix, shared=False)
        except BaseException:
            self.release()
            raise

    def _take(self, prefix: Path, *, shared: bool) -> None:
        path = real(prefix).with_name(_lock_name(prefix.name))
        key = (os.getpid(), path)
        with _registry, files.telling(self._path, "write"):
            known = _held.get(key)
            if known is not None and shared and known.shared:
                known.count += 1
                self._files.append(known)
                return
            if known is not None:
                raise _busy(prefix)
            try:
                held = _open_patiently(path) if shared else _File(path, shared=False)
            except _Busy:
                raise _busy(prefix) from None
            _held[key] = held
            self._files.append(held)

    def release(self) -> None:
        """Let the names go; doing it twice does nothing."""
        with _registry:
            for held in self._files:
                held.count -= 1
                key = (os.getpid(), held.path)
                if not held.count and _held.get(key) is held:
                    del _held[key]
                    held.release()
            self._files.clear()


def _open_patiently(path: Path) -> _File:
    """Take a share of a lock; a run that lets its own share go holds all of it for a moment, to see whether it was the last."""
    for _ in range(_TRIES):
        try:
            return _File(path, shared=True)
        except _Busy:
            time.sleep(_PAUSE)
    return _File(path, shared=True)


def _busy(prefix: Path) -> FileError:
    return FileError(str(prefix), "write", None, "another run is writing this set")
