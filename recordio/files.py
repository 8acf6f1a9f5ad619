"""Reading files, on a layer of system calls that can be replaced. What writes files stands in recordio.outputs, on the same layer.

Reading is positional, so threads and forks can share one descriptor.
"""

from __future__ import annotations

import contextlib
import errno
import io
import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

from recordio.disk import Disk
from recordio.errors import FileError

_PIECE = 1 << 18  # bytes read at once
_NO_COPY = frozenset(  # what a kernel or a file system says that copies no ranges, or not between these two files
    {errno.ENOSYS, errno.EXDEV, errno.EINVAL, errno.EOPNOTSUPP, errno.EPERM, errno.EBADF, errno.ETXTBSY}
)


disk: Disk = Disk()


@contextlib.contextmanager
def telling(path: str | os.PathLike[str], action: str) -> Iterator[None]:
    """Turn an OSError into a FileError that names the file and what was tried."""
    try:
        yield
    except FileError:
        raise
    except OSError as error:
        raise FileError(str(path), action, error.errno, error.strerror or str(error)) from error


def check_other(source: Path, path: Path) -> None:
    """Check that *path* is not the file *source* under whatever name: no file may be replaced by what is made from it.

    Raises:
        FileError: it is.
    """
    if path.exists() and source.exists() and os.path.samefile(source, path):
        raise FileError(str(path), "write", None, "it is the file that is read")


class InputFile:
    """A file read at positions. Safe across threads and forks; pickled by its path.

    Args:
        path: the file.

    Attributes:
        size: bytes that it had when it was opened.
        version: tells it from what may stand under its name later.

    Raises:
        FileError: it cannot be opened.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)
        self.name = str(path)
        self._lock = threading.Lock()
        self._open()

    def _open(self) -> None:
        with telling(self.path, "open"):
            self._fd = disk.open(self.path, os.O_RDONLY)
            self._pid = os.getpid()
            status = os.fstat(self._fd)
            self.size = status.st_size
            self.version = (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns)

    def read_at(self, offset: int, length: int) -> bytes:
        """Read up to *length* bytes from *offset*; fewer only at the file's end.

        Raises:
            FileError: the read failed.
        """
        try:
            data = disk.pread(self._fd, length, offset)
            return data if len(data) == length or not data else self._read_rest(data, offset, length)
        except OSError as error:
            action = f"read at offset {offset}"
            if self._fd < 0:
                raise FileError(self.name, action, error.errno, "it is closed") from None
            with telling(self.path, action):  # not around the call, which it would make twice as long
                raise
        except AttributeError:
            if hasattr(os, "pread"):  # to ask before each read would cost a tenth of it
                raise
        # Without pread the position is shared state: one thread at a time, and a descriptor of its own a process.
        if self._fd < 0:
            raise FileError(self.name, f"read at offset {offset}", errno.EBADF, "it is closed")
        with telling(self.path, f"read at offset {offset}"), self._lock:
            if self._pid != os.getpid():
                self._open()
            os.lseek(self._fd, offset, os.SEEK_SET)
            return _read_fully(self._fd, length)

    def _read_rest(self, data: bytes, offset: int, length: int) -> bytes:
        pieces = [data]
        done = len(data)
        while done < length and (data := disk.pread(self._fd, length - done, offset + done)):
            pieces.append(data)
            done += len(data)
        return b"".join(pieces)

    def copy_to(self, target: int, length: int, offset: int) -> int:
        """Let the kernel copy up to *length* bytes from *offset* to the position of an open file; 0 where it cannot.

        Raises:
            OSError: the disk failed; which of the two files it was the system does not say.
        """
        try:
            return disk.copy_range(self._fd, target, length, offset)
        except OSError as error:
            if error.errno in _NO_COPY:
                return 0
            raise

    def check_other(self, path: Path) -> None:
        """Check that *path* is not this file under whatever name: no file may be replaced by what is made from it.

        Raises:
            FileError: it is.
        """
        check_other(self.path, path)

    def close(self) -> None:
        """Close the file; closing twice does nothing."""
        fd, self._fd = self._fd, -1
        if fd >= 0:
            disk.close(fd)

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
    while length > 0 and (data := disk.read(fd, min(length, 1 << 24))):
        pieces.append(data)
        length -= len(data)
    return b"".join(pieces)


class InputStream:
    """What comes through a pipe, such as stdin: read once, from start to end.

    Args:
        fd: its descriptor, which stays the caller's.
        name: for messages.
    """

    def __init__(self, fd: int, name: str) -> None:
        self._fd = fd
        self.name = name

    def read(self, length: int) -> bytes:
        """Read *length* bytes; fewer only at the end.

        Raises:
            FileError: the read failed.
        """
        with telling(self.name, "read"):
            return _read_fully(self._fd, length)


class OutputStream:
    """What goes into a pipe, such as stdout, and cannot be taken back.

    Args:
        fd: its descriptor, which stays the caller's.
        name: for messages.
    """

    def __init__(self, fd: int, name: str) -> None:
        self._fd = fd
        self.name = name
        self.size = 0

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Write all of *data*.

        Raises:
            BrokenPipeError: nobody reads it any more.
            FileError: the write failed.
        """
        rest = memoryview(data)
        while rest:
            try:
                with telling(self.name, "write"):
                    rest = rest[disk.write(self._fd, rest) :]
            except FileError as error:
                if error.errno == errno.EPIPE:
                    raise BrokenPipeError(errno.EPIPE, os.strerror(errno.EPIPE)) from None
                raise
        self.size += len(data)


def read_whole(path: str | os.PathLike[str]) -> bytes:
    """Read a small file whole.

    Raises:
        FileError: it cannot be read.
    """
    with telling(path, "read"):
        fd = disk.open(Path(path), os.O_RDONLY)
        try:
            pieces = [disk.read(fd, os.fstat(fd).st_size + 1)]
            while pieces[-1]:
                pieces.append(disk.read(fd, _PIECE))
        finally:
            disk.close(fd)
    return b"".join(pieces)


def read_pieces(path: str | os.PathLike[str], length: int) -> Iterator[bytes]:
    """Yield a file in pieces of up to *length* bytes.

    Raises:
        FileError: it cannot be read.
    """
    with telling(path, "read"):
        fd = disk.open(Path(path), os.O_RDONLY)
        try:
            length = min(length, max(os.fstat(fd).st_size + 1, _PIECE))  # as much memory is taken as is asked for
            while piece := disk.read(fd, length):
                yield piece
        finally:
            disk.close(fd)


class _Stream(io.RawIOBase):
    """A file that is read from start to end; whatever fails is said with its name."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self._path = path
        with telling(path, "open"):
            self._fd = disk.open(Path(path), os.O_RDONLY)

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        return os.lseek(self._fd, offset, whence)

    def readinto(self, buffer: Any) -> int:
        with telling(self._path, "read"):
            data = disk.read(self._fd, len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def close(self) -> None:
        fd, self._fd = getattr(self, "_fd", -1), -1  # where it could not be opened there is none
        if fd >= 0:
            disk.close(fd)
        super().close()


def open_text_lines(path: str | os.PathLike[str]) -> BinaryIO:
    """Open a file of lines for streaming; lines are bytes, to be decoded as UTF-8 by the caller.

    Raises:
        FileError: it cannot be opened, or, later, read.
    """
    return io.BufferedReader(_Stream(path), _PIECE)
