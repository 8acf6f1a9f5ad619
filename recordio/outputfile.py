"""A file that is written under a temporary name beside its final one."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import Final

from recordio import files
from recordio.errors import FileError
from recordio.leftovers import remove, temporary_name

_COPIED: Final = 1 << 24  # bytes that the kernel is asked to copy at once, so that a signal need not wait for long
_PIECE: Final = 1 << 22  # bytes that are copied at once where the kernel does not
_WRITEBACK: Final = 1 << 23  # bytes after which the disk may start, so that the sync at the end is short


class OutputFile:
    """One file of an OutputSet, written under a temporary name beside its final one.

    Attributes:
        path: the final name; may be changed within the same folder until the set is committed.
        temporary: the name until then.
        size: bytes written so far.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.temporary = temporary_name(path)
        self.size = 0
        self._fd = -1
        self._failed = False
        self._started = 0  # bytes that the system was asked to bring to the disk

    def _telling_final(self, action: str) -> contextlib.AbstractContextManager[None]:
        return files.telling(self.path, action)

    def open(self) -> None:
        """Create the temporary file.

        Raises:
            FileError: the folder cannot be written.
        """
        with self._telling_final("write"):
            self._fd = files.disk.open(self.temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL)

    def take_over(self, temporary: Path) -> None:
        """Take over the temporary file that an earlier run left; :meth:`go_on_at` comes before the first write.

        Raises:
            FileError: it cannot be opened.
        """
        with self._telling_final("go on with its temporary file"):
            self._fd = files.disk.open(temporary, os.O_WRONLY)
            self.temporary = temporary

    def go_on_at(self, size: int) -> None:
        """Cut off what stands behind *size* bytes, and write from there.

        Raises:
            FileError: it cannot be cut.
        """
        with self._telling_final("go on with its temporary file"):
            files.disk.truncate(self._fd, size)
            os.lseek(self._fd, size, os.SEEK_SET)
            self.size = self._started = size

    def sync(self) -> None:
        """Make what was written so far durable.

        Raises:
            FileError: the system could not; nothing more is written then.
        """
        if self._failed:
            raise FileError(str(self.path), "finish", None, "an earlier write of it failed")
        if self._fd >= 0:
            self._failed = True  # what a failed sync has lost, a second one does not bring back
            with self._telling_final("sync"):
                files.disk.fsync(self._fd)
            self._failed = False

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
            done = files.disk.write(self._fd, data)
            if done < size:
                rest = memoryview(data)
                while done < size:
                    done += files.disk.write(self._fd, rest[done:])
        self._failed = False
        self._grown(size)

    def copy_from(self, file: files.InputFile, offset: int, length: int) -> None:
        """Append *length* bytes of another file from *offset* on, by the kernel where it can, else through this process.

        Raises:
            FileError: the other file ends before that, the disk is full, or a read or write failed otherwise.
        """
        done = 0
        if self._failed:
            raise FileError(str(self.path), "write", None, "an earlier write of it failed")
        while done < length:
            self._failed = True
            with self._telling_final("write"):
                copied = file.copy_to(self._fd, min(length - done, _COPIED), offset + done)
            self._failed = False
            if not copied:
                break
            done += copied
            self._grown(copied)
        while done < length:
            data = file.read_at(offset + done, min(length - done, _PIECE))
            if not data:
                raise FileError(file.name, f"read at offset {offset + done}", None, f"it ends here now, it had {file.size} bytes")
            self.write(data)
            done += len(data)

    def _grown(self, size: int) -> None:
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
        self.sync()
        self._close()

    def _close(self) -> None:
        fd, self._fd = self._fd, -1
        if fd >= 0:
            with self._telling_final("close"):
                files.disk.close(fd)

    def publish(self) -> None:
        """Give the file its final name; the set calls this when it is committed."""
        with self._telling_final("rename its temporary file"):
            files.disk.replace(self.temporary, self.path)

    def drop(self, *, keep: bool = False) -> None:
        """Close the file and remove it, unless *keep*, without a word about what fails."""
        with contextlib.suppress(FileError):
            self._close()
        if not keep:
            remove(self.temporary)
