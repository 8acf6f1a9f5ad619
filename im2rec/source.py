"""Reads the images below one root, and nothing outside it unless that was asked for."""

from __future__ import annotations

import contextlib
import errno
import os
import stat
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from im2rec.errors import ImageError
from im2rec.names import SAME, is_inside, to_local

_NOFOLLOW = getattr(os, "O_NOFOLLOW", 0)  # 0 on Windows, where links are looked for first
_FLAGS = os.O_RDONLY | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NONBLOCK", 0)
_HAS_DRIVES = os.name == "nt"  # there a path may leave the root without a slash, so each one is looked at
_GUESS = 1 << 17  # bytes asked for by the first read; most images end within them
_LARGEST = (1 << 31) - 1  # bytes; decoders take no more, and a file of nothing but holes can have as many as it likes


@dataclass(frozen=True, slots=True)
class SourceOptions:
    """What may be read.

    Attributes:
        root: the folder that paths are relative to.
        follow_symlinks: follow links to places outside the root, too.
        outside_root: read absolute paths and paths with ``..`` as well; implies follow_symlinks.
    """

    root: Path
    follow_symlinks: bool = False
    outside_root: bool = False

    @property
    def confined(self) -> bool:
        """Whether links that leave the root are refused."""
        return not (self.follow_symlinks or self.outside_root)


def leaves_root(path: str) -> bool:
    """Tell whether a path, as text, points outside the folder it is relative to."""
    parts = path.replace("\\", "/").split("/") if os.name == "nt" else path.split("/")
    return os.path.isabs(path) or ".." in parts or bool(os.path.splitdrive(path)[0])


def has_changed(status: os.stat_result, since: int, noted: int | None = None) -> bool:
    """Tell by its time of modification whether a file was written after a moment, in nanoseconds since 1970.

    A file that was replaced by an older one is found by the time that was *noted* before. A time that is still to come was
    set by somebody, and says nothing; when that was done, the change time says. Else the change time has no say: it is
    another one after a chmod, too, or when a second name is given.
    """
    if noted is not None and status.st_mtime_ns != noted:
        return True
    return (status.st_mtime_ns if status.st_mtime_ns <= time.time_ns() else status.st_ctime_ns) > since


class ImageSource:
    """Opens images by the paths of a list.

    A folder is checked when the first of its files is opened; the last part of a path is never followed blindly when it is a
    link.

    Args:
        options: what may be read.
    """

    def __init__(self, options: SourceOptions) -> None:
        self._options = options
        self._confined = options.confined
        self._outside_root = options.outside_root
        self._root = os.path.abspath(options.root)
        self._real_root = os.path.realpath(options.root)
        self._prefix = self._root.rstrip(os.sep) + os.sep
        self._flags = _FLAGS | _NOFOLLOW if self._confined else _FLAGS
        self._checked: set[str] = set()  # folders whose files may be read
        self._at = -1  # the root, opened: the system has fewer names to look up from there
        if os.open in os.supports_dir_fd and not self._outside_root:
            with contextlib.suppress(OSError):
                self._at = os.open(self._root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)

    def __del__(self) -> None:
        if getattr(self, "_at", -1) >= 0:
            os.close(self._at)

    def __reduce__(self) -> tuple[Any, ...]:
        return ImageSource, (self._options,)  # a copy opens the root for itself

    def read(self, path: str) -> bytes:
        """Read an image file whole.

        Raises:
            ImageError: it does not exist, cannot be read, is no regular file, or lies outside the root.
        """
        fd = self.open(path)
        try:
            first = os.read(fd, _GUESS)
            if not first:
                self.check_regular(fd, path)
                return first
            # Even a short read is not the end before a read of nothing: network file systems may give less.
            more = os.read(fd, _GUESS)
            if not more:
                return first
            pieces = [first, more]
            size = self.check_regular(fd, path)
            if size > _LARGEST:
                raise ImageError(path, f"has {size} bytes, expected at most {_LARGEST}")
            rest = size - len(first) - len(more)
            while more := os.read(fd, max(rest, _GUESS)):
                pieces.append(more)
                rest -= len(more)
            return b"".join(pieces)
        except OSError as error:
            raise ImageError(path, f"cannot be read: {error.strerror}") from None
        finally:
            os.close(fd)

    def size(self, path: str) -> int:
        """Return a file's size in bytes for planning, 0 where it cannot be known."""
        status = self.status(path)
        return status.st_size if status else 0

    def status(self, path: str) -> os.stat_result | None:
        """Return what the system says of a file, None where it says nothing."""
        if leaves_root(path) and not self._outside_root:
            return None
        local = to_local(path)
        try:
            return os.stat(local, dir_fd=self._at) if self._at >= 0 else os.stat(os.path.join(self._root, local))
        except (OSError, ValueError):
            return None

    def open(self, path: str) -> int:
        """Open an image file for reading; return its descriptor, which the caller closes.

        Raises:
            ImageError: it does not exist, cannot be opened, or lies outside the root.
        """
        local = path if SAME else to_local(path)
        folder, slash, name = local.rpartition("/")
        folder = folder or slash  # "/x.jpg" lies in "/", "x.jpg" in the root
        if self._at >= 0 and folder in self._checked and name != "..":
            try:
                return os.open(local, self._flags, dir_fd=self._at)
            except (OSError, ValueError):  # said below
                pass
        return self._open_carefully(path, local, folder, name)

    def _open_carefully(self, path: str, local: str, folder: str, name: str) -> int:
        try:
            if folder not in self._checked or name == ".." or _HAS_DRIVES:
                self._check_folder(path, folder)
            whole = os.path.join(self._root, local) if self._outside_root else self._prefix + local
            if self._confined and not _NOFOLLOW and os.path.islink(whole):
                self._check_link(path, whole)
            try:
                return self._open(local, whole, self._flags)
            except OSError as error:
                if not self._confined or error.errno not in (errno.ELOOP, errno.EMLINK):
                    raise
            self._check_link(path, whole)
            return self._open(local, whole, _FLAGS)
        except OSError as error:
            raise ImageError(path, _open_fault(error)) from None
        except ValueError as error:  # a NUL byte in the name
            raise ImageError(path, f"cannot be opened: {error}") from None

    def _open(self, local: str, whole: str, flags: int) -> int:
        return os.open(local, flags, dir_fd=self._at) if self._at >= 0 else os.open(whole, flags)

    def _check_folder(self, path: str, folder: str) -> None:
        if not self._outside_root and leaves_root(path):
            raise ImageError(path, "lies outside the root (--outside-root reads it all the same)")
        if self._confined and not is_inside(self._prefix + folder, self._real_root):
            raise ImageError(path, "its folder is a link to a place outside the root (--follow-symlinks follows it)")
        self._checked.add(folder)

    def _check_link(self, path: str, whole: str) -> None:
        if not os.path.exists(whole):
            raise ImageError(path, "is a broken link")
        if not is_inside(whole, self._real_root):
            raise ImageError(path, "is a link to a place outside the root (--follow-symlinks follows it)")

    def check_regular(self, fd: int, path: str) -> int:
        """Return the size of an open file in bytes.

        Raises:
            ImageError: it is no regular file.
        """
        status = os.fstat(fd)
        if not stat.S_ISREG(status.st_mode):
            kind = "a folder" if stat.S_ISDIR(status.st_mode) else "no regular file"
            raise ImageError(path, f"is {kind}, expected an image")
        return status.st_size


def _open_fault(error: OSError) -> str:
    if error.errno == errno.ENOENT:
        return "does not exist"
    if error.errno == errno.ENOTDIR:
        return "does not exist: a part of its path is no folder"
    return f"cannot be opened: {error.strerror}"
