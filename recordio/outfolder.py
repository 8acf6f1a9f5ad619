"""A folder of many files that appears whole under its final name, or not at all."""

from __future__ import annotations

import contextlib
import os
import re
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Final

from recordio import files, signals
from recordio.errors import FileError
from recordio.leftovers import TEMPORARY, temporary_name, temporary_stem
from recordio.lock import Lock, real

if TYPE_CHECKING:
    from typing_extensions import Self

_PIECE: Final = 1 << 20  # bytes of a stream that are gathered before a write


class OutputFolder:
    """A folder that is filled under a temporary name beside its final one. Use it with ``with``.

    Leaving the block makes all that is in it durable and renames it; an exception removes it. While it is open it holds
    a lock on its name, and folders that a killed run left there are removed first.

    Args:
        path: the final name. Nothing may stand there but an empty folder.

    Attributes:
        path: the final name.
        temporary: the name until then.

    Raises:
        FileError: it exists already, another run writes it, or its parent cannot be written.
    """

    def __init__(self, path: Path) -> None:
        self.path = Path(os.path.realpath(path)) if path.is_symlink() else path
        self._pid = os.getpid()
        self._lock: Lock | None = None
        self._open = False
        self._check_free()
        self.temporary = temporary_name(self.path)
        with signals.held():
            self._lock = Lock(real(self.path), self.path)
        try:
            self._sweep()
            with files.telling(self.path, "write"):
                files.disk.mkdir(self.temporary)
            self._open = True
        except BaseException:
            self._unlock()
            raise

    def _check_free(self) -> None:
        with files.telling(self.path, "write"):
            if not self.path.parent.is_dir():
                raise FileError(str(self.path), "write", None, f"the folder {self.path.parent} does not exist")
            if self.path.is_dir():
                with os.scandir(self.path) as entries:
                    if next(entries, None) is not None:
                        raise FileError(str(self.path), "write", None, "it holds files already, expected a new or an empty folder")
            elif os.path.lexists(self.path):
                raise FileError(str(self.path), "write", None, "it is no folder")

    def _sweep(self) -> None:
        stem = re.escape(temporary_stem(self.path.name))
        with os.scandir(self.path.parent) as entries:
            left = [entry.name for entry in entries if (match := TEMPORARY.fullmatch(entry.name)) and re.fullmatch(stem, match[1])]
        for name in left:
            remove_tree(self.path.with_name(name))

    def create_folder(self, name: str) -> None:
        """Create a folder in it, whose own folder is there; it may be there itself.

        Raises:
            FileError: it cannot be created.
        """
        with files.telling(self.path / name, "write"), contextlib.suppress(FileExistsError):
            files.disk.mkdir(self.temporary / name)

    def create(self, name: str) -> FolderFile:
        """Create a file in it, to be written in pieces.

        Raises:
            FileError: it cannot be created.
        """
        return FolderFile(self.temporary / name, self.path / name)

    def commit(self) -> None:
        """Make all durable, and give the folder its final name.

        Raises:
            FileError: the system could not; the final name is as it was.
        """
        self._check_free()
        with files.telling(self.path, "sync"):
            files.disk.sync_tree(self.temporary)
        with signals.held():
            with files.telling(self.path, "rename its temporary folder"):
                if os.name == "nt" and self.path.is_dir():
                    files.disk.rmdir(self.path)
                files.disk.replace(self.temporary, self.path)
            self._open = False
            with files.telling(self.path.parent, "sync"):
                files.disk.sync_folder(self.path.parent)

    def discard(self) -> None:
        """Remove it, unless it has its final name; doing it twice does nothing."""
        if self._open:
            self._open = False
            remove_tree(self.temporary)
        self._unlock()

    def _unlock(self) -> None:
        lock, self._lock = self._lock, None
        if lock is not None:
            with signals.held():
                lock.release()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        try:
            if kind is None:
                self.commit()
        finally:
            self.discard()

    def __del__(self) -> None:
        # A signal may come between the lines of a with statement, where nothing catches it.
        if getattr(self, "_lock", None) is not None and self._pid == os.getpid():
            self.discard()


class FolderFile:
    """One file of an OutputFolder, written from start to end."""

    def __init__(self, temporary: Path, path: Path) -> None:
        self._path = path
        self._pending: list[bytes] = []
        self._size = 0
        with files.telling(path, "write"):
            self._fd = files.disk.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL)

    def write(self, data: bytes) -> None:
        """Append data.

        Raises:
            FileError: the write failed.
        """
        self._pending.append(data)
        self._size += len(data)
        if self._size >= _PIECE:
            self._flush()

    def _flush(self) -> None:
        data, self._size = b"".join(self._pending), 0
        self._pending.clear()
        with files.telling(self._path, "write"):
            write_all(self._fd, data)

    def close(self) -> None:
        """Write what is pending, and close the file; closing twice does nothing.

        Raises:
            FileError: the write failed.
        """
        if self._fd >= 0:
            try:
                self._flush()
            finally:
                fd, self._fd = self._fd, -1
                with files.telling(self._path, "close"):
                    files.disk.close(fd)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def write_all(fd: int, data: bytes | memoryview) -> None:
    """Write all of *data*, whatever pieces the system takes it in; raise OSError where it does not."""
    done = files.disk.write(fd, data) if len(data) else 0
    if done < len(data):
        rest = memoryview(data)
        while done < len(data):
            done += files.disk.write(fd, rest[done:])


def remove_tree(folder: Path) -> None:
    """Remove a folder with all that is in it, without a word about what fails. Links are removed, not followed."""
    with contextlib.suppress(OSError):
        if not os.path.isdir(folder) or os.path.islink(folder):
            files.disk.unlink(folder)
            return
    for place, folders, names in os.walk(folder, topdown=False):
        for name in names:
            with contextlib.suppress(OSError):
                files.disk.unlink(Path(place, name))
        for name in folders:
            path = Path(place, name)
            with contextlib.suppress(OSError):
                (files.disk.unlink if path.is_symlink() else files.disk.rmdir)(path)
    with contextlib.suppress(OSError):
        files.disk.rmdir(folder)
