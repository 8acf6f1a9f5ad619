"""The only place of the package that opens, reads, writes, syncs and renames files.

Reading is positional, so threads and forks can share one descriptor. Writing goes to temporary files that a commit
moves to their final names together: a reader never sees half a file, nor a new .rec beside an old .idx.
"""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, BinaryIO

from recordio.errors import FileError

if TYPE_CHECKING:
    from typing_extensions import Self

_BINARY = getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0)  # Windows translates line ends without O_BINARY
_WRITEBACK = 1 << 23  # bytes after which the disk may start, so that the sync at the end is short
_TEMPORARY_SUFFIX = ".tmp"


@contextlib.contextmanager
def _telling(path: str | os.PathLike[str], action: str) -> Iterator[None]:
    """Turn an OSError into a FileError that names the file and what was tried."""
    try:
        yield
    except FileError:
        raise
    except OSError as error:
        raise FileError(str(path), action, error.errno, error.strerror or str(error)) from error


class InputFile:
    """A file read at positions. Safe across threads and forks; pickled by its path.

    Args:
        path: the file.

    Raises:
        FileError: it cannot be opened.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)
        self.name = str(path)
        self._lock = threading.Lock()
        self._open()

    def _open(self) -> None:
        with _telling(self.path, "open"):
            self._fd = os.open(self.path, os.O_RDONLY | _BINARY)
            self._pid = os.getpid()
            self.size = os.fstat(self._fd).st_size

    def read_at(self, offset: int, length: int) -> bytes:
        """Read up to *length* bytes from *offset*; fewer only at the file's end.

        Raises:
            FileError: the read failed.
        """
        with _telling(self.path, f"read at offset {offset}"):
            if hasattr(os, "pread"):
                data = os.pread(self._fd, length, offset)
                if len(data) == length or not data:
                    return data
                return self._read_rest(data, offset, length)
            # Without pread the position is shared state: one thread at a time, and a descriptor of its own a process.
            with self._lock:
                if self._pid != os.getpid():
                    self._open()
                os.lseek(self._fd, offset, os.SEEK_SET)
                return _read_fully(self._fd, length)

    def _read_rest(self, data: bytes, offset: int, length: int) -> bytes:
        pieces = [data]
        done = len(data)
        while done < length and (data := os.pread(self._fd, length - done, offset + done)):
            pieces.append(data)
            done += len(data)
        return b"".join(pieces)

    def check_other(self, path: Path) -> None:
        """Check that *path* is not this file under whatever name: no file may be replaced by what is made from it.

        Raises:
            FileError: it is.
        """
        if path.exists() and os.path.samefile(self.path, path):
            raise FileError(str(path), "write", None, "it is the file that is read")

    def close(self) -> None:
        """Close the file; closing twice does nothing."""
        fd, self._fd = self._fd, -1
        if fd >= 0:
            os.close(fd)

    def __del__(self) -> None:
        if getattr(self, "_fd", -1) >= 0:
            self.close()

    def __getstate__(self) -> dict[str, Any]:
        return {"path": self.path, "name": self.name}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._lock = threading.Lock()
        self._open()


def _read_fully(fd: int, length: int) -> bytes:
    pieces = []
    while length > 0 and (data := os.read(fd, min(length, 1 << 24))):
        pieces.append(data)
        length -= len(data)
    return b"".join(pieces)


def read_whole(path: str | os.PathLike[str]) -> bytes:
    """Read a small file whole.

    Raises:
        FileError: it cannot be read.
    """
    with _telling(path, "read"):
        return Path(path).read_bytes()


def open_text_lines(path: str | os.PathLike[str]) -> BinaryIO:
    """Open a file of lines for streaming; lines are bytes, to be decoded as UTF-8 by the caller.

    Raises:
        FileError: it cannot be opened.
    """
    with _telling(path, "open"):
        return open(path, "rb", buffering=1 << 18)


class OutputFile:
    """One file of an OutputSet, written under a temporary name beside its final one.

    Attributes:
        path: the final name; may be changed within the same folder until the set is committed.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        # Names are limited to 255 bytes, and a character takes up to 4.
        self._temporary = path.parent / f".{path.name[:50]}.{os.urandom(4).hex()}{_TEMPORARY_SUFFIX}"
        with self._telling_final("write"):
            self._fd = os.open(self._temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _BINARY, 0o666)
        self.size = 0
        self._failed = False
        self._started = 0  # bytes that the system was asked to bring to the disk

    def _telling_final(self, action: str) -> contextlib.AbstractContextManager[None]:
        return _telling(self.path, action)

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Append *data*, all of it.

        Raises:
            FileError: the disk is full, or the write failed otherwise.
        """
        size = len(data)
        if self._failed:
            raise FileError(str(self.path), "write", None, "an earlier write of it failed")
        self._failed = True  # until this one has succeeded: half of it may stand in the file
        with self._telling_final("write"):
            done = os.write(self._fd, data)
            if done < size:
                rest = memoryview(data)
                while done < size:
                    done += os.write(self._fd, rest[done:])
        self._failed = False
        self.size += size
        if self.size - self._started >= _WRITEBACK:
            from recordio import native  # ctypes is not needed for small files

            native.start_writing(self._fd, self._started, self.size - self._started)
            self._started = self.size

    def close(self) -> None:
        """Sync the temporary file and close it; closing twice does nothing.

        Raises:
            FileError: the system could not make it durable.
        """
        if self._failed:
            raise FileError(str(self.path), "finish", None, "an earlier write of it failed")
        if self._fd >= 0:
            with self._telling_final("sync"):
                os.fsync(self._fd)
            self._close()

    def _close(self) -> None:
        fd, self._fd = self._fd, -1
        if fd >= 0:
            with self._telling_final("close"):
                os.close(fd)

    def _publish(self) -> None:
        with self._telling_final("rename its temporary file"):
            os.replace(self._temporary, self.path)

    def _remove_old(self) -> None:
        with self._telling_final("remove the old file"), contextlib.suppress(FileNotFoundError):
            os.unlink(self.path)

    def _drop(self) -> None:
        with contextlib.suppress(OSError):
            self._close()
        with contextlib.suppress(OSError):
            os.unlink(self._temporary)


class OutputSet:
    """Files that appear under their final names together, or not at all. Use it with ``with``.

    Leaving the block commits the set; an exception discards it. The commit first syncs every temporary file. It then
    removes old files that would not fit the new main file (an old .idx beside a new .rec), renames the main files,
    then the others, with the folders synced between the steps: a crash leaves the old set, the new set, or a main
    file alone, whole.

    Args:
        force: replace files that exist. Without it an existing file is an error.
    """

    def __init__(self, *, force: bool = False) -> None:
        self.force = force
        self._files: list[tuple[OutputFile, bool]] = []

    def create(self, path: str | os.PathLike[str], *, main: bool = False) -> OutputFile:
        """Start a file of the set.

        Args:
            path: its final name, in a folder that exists.
            main: this file is renamed before the others, which describe it.

        Raises:
            FileError: the folder does not exist or cannot be written, or the file exists and force is not given.
        """
        path = Path(path)
        self.check_free(path)
        if path.is_symlink():
            path = Path(os.path.realpath(path))  # what the link leads to is replaced, not the link
        if path in self.paths():
            raise FileError(str(path), "write", None, "two outputs have this name")
        output = OutputFile(path)
        self._files.append((output, main))
        return output

    def paths(self) -> list[Path]:
        """Return the final names of the set's files."""
        return [output.path for output, _ in self._files]

    def check_free(self, path: Path) -> None:
        """Check that a final name may be written.

        Raises:
            FileError: its folder does not exist, or it exists itself and force is not given.
        """
        with _telling(path, "write"):  # a name that is too long is refused by the questions already
            if not path.parent.is_dir():
                raise FileError(str(path), "write", None, f"the folder {path.parent} does not exist")
            if path.is_dir():
                raise FileError(str(path), "write", None, "it is a folder")
            if path.exists():
                if not path.is_file():
                    raise FileError(str(path), "write", None, "it is no regular file")
                if not self.force:
                    raise FileError(str(path), "write", None, "it exists already (--force replaces it)")

    def commit(self) -> None:
        """Move all files to their final names.

        Raises:
            FileError: a sync, a removal or a rename failed. After a failed sync of a file nothing has been renamed.
        """
        for output, _ in self._files:
            self.check_free(output.path)
        for output, _ in self._files:
            output.close()
        mains = [output for output, main in self._files if main]
        others = [output for output, main in self._files if not main]
        if mains:
            self._step(others, OutputFile._remove_old)
        self._step(mains, OutputFile._publish)
        self._step(others, OutputFile._publish)
        self._files.clear()

    def _step(self, outputs: list[OutputFile], action: Callable[[OutputFile], None]) -> None:
        for output in outputs:
            action(output)
        for folder in {output.path.parent for output in outputs}:
            sync_folder(folder)

    def discard(self) -> None:
        """Remove all temporary files; the final names stay as they were."""
        for output, _ in self._files:
            output._drop()
        self._files.clear()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        try:
            if kind is None:
                self.commit()
        finally:
            self.discard()


def sync_folder(folder: Path) -> None:
    """Make renames in *folder* durable, where the system can (Windows cannot open a folder)."""
    if os.name == "nt":
        return
    with _telling(folder, "sync"):
        fd = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(fd)
        finally:
            os.close(fd)


def write_whole(path: str | os.PathLike[str], data: bytes, *, force: bool = False) -> None:
    """Write one small file: whole under its name, or not at all.

    Raises:
        FileError: it cannot be written, or exists and *force* is not given.
    """
    with OutputSet(force=force) as outputs:
        outputs.create(path).write(data)
