"""The layer of system calls on files, which tests replace: no file of a dataset is opened, written, synced or renamed past it."""

from __future__ import annotations

import errno
import os
from pathlib import Path

BINARY = getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0)  # Windows translates line ends without O_BINARY


class Disk:
    """The system calls on files that the package makes, under the names that os has for them.

    One that fails, counts or records can take its place in a test.
    """

    def open(self, path: Path, flags: int, mode: int = 0o666) -> int:  # noqa: D102
        return os.open(path, flags | BINARY, mode)

    def pread(self, fd: int, length: int, offset: int) -> bytes:  # noqa: D102
        return os.pread(fd, length, offset)

    def read(self, fd: int, length: int) -> bytes:  # noqa: D102
        return os.read(fd, length)

    def write(self, fd: int, data: bytes | bytearray | memoryview) -> int:  # noqa: D102
        return os.write(fd, data)

    def copy_range(self, source: int, target: int, length: int, offset: int) -> int:
        """Let the kernel copy from *offset* of one file to where another is written; return how many bytes it did.

        Raises:
            OSError: it cannot do that here (ENOSYS where the system has no such call), or the disk failed.
        """
        if not hasattr(os, "copy_file_range"):
            raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))
        return os.copy_file_range(source, target, length, offset)

    def pwrite(self, fd: int, data: bytes | bytearray | memoryview, offset: int) -> int:  # noqa: D102
        if hasattr(os, "pwrite"):
            return os.pwrite(fd, data, offset)
        os.lseek(fd, offset, os.SEEK_SET)
        return os.write(fd, data)

    def truncate(self, fd: int, size: int) -> None:  # noqa: D102
        os.ftruncate(fd, size)

    def fsync(self, fd: int) -> None:  # noqa: D102
        os.fsync(fd)

    def close(self, fd: int) -> None:  # noqa: D102
        os.close(fd)

    def link(self, path: Path, other: Path) -> None:  # noqa: D102
        os.link(path, other)

    def replace(self, path: Path, other: Path) -> None:  # noqa: D102
        os.replace(path, other)

    def unlink(self, path: Path) -> None:  # noqa: D102
        os.unlink(path)

    def mkdir(self, path: Path) -> None:  # noqa: D102
        os.mkdir(path)

    def rmdir(self, path: Path) -> None:  # noqa: D102
        os.rmdir(path)

    def sync_tree(self, folder: Path) -> None:
        """Make all files and folders in *folder* durable: by one call for the file system, where there is one for it."""
        from recordio import native  # ctypes is not needed otherwise

        if not native.sync_file_system(folder):
            for place, _, names in os.walk(folder):
                for name in names:
                    fd = os.open(os.path.join(place, name), os.O_RDWR | BINARY)
                    try:
                        os.fsync(fd)
                    finally:
                        os.close(fd)
                Disk.sync_folder(self, Path(place))

    def sync_folder(self, folder: Path) -> None:
        """Make renames in *folder* durable, where the system can (Windows cannot open a folder)."""
        if os.name != "nt":
            fd = os.open(folder, os.O_RDONLY)
            try:
                os.fsync(fd)
            finally:
                os.close(fd)
