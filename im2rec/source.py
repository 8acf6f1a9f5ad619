"""Reads the images below one root, and nothing outside it unless that was asked for."""

from __future__ import annotations

import errno
import os
import stat
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path

from im2rec.errors import ImageError
from im2rec.names import to_local

# Folders are opened once and files relative to them: a third of the system's work for small files. Where the system
# cannot (Windows), or says it can but lacks the flags, files are opened by their whole path.
HAS_DIR_FD = os.open in os.supports_dir_fd and hasattr(os, "O_NOFOLLOW") and hasattr(os, "O_DIRECTORY")
_FLAGS = os.O_RDONLY | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NONBLOCK", 0)
_NOFOLLOW = getattr(os, "O_NOFOLLOW", 0)
_FOLDERS = 256  # folders kept open
_GUESS = 1 << 17  # bytes asked for by the first read; most images end within them


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


class ImageSource:
    """Opens images by the paths of a list. One a process; close it to free its folders.

    Args:
        options: what may be read.
    """

    def __init__(self, options: SourceOptions) -> None:
        self.options = options
        self._root = os.path.abspath(options.root)
        self._real_root = os.path.realpath(options.root)
        self._folders: OrderedDict[str, int | str] = OrderedDict()

    def read(self, path: str) -> bytes:
        """Read an image file whole.

        Raises:
            ImageError: it does not exist, cannot be read, is no regular file, or lies outside the root.
        """
        fd = self._open(path)
        try:
            data = os.read(fd, _GUESS)
            if len(data) < _GUESS:
                if not data:
                    self._check_regular(fd, path)
                return data
            size = self._check_regular(fd, path)
            pieces = [data]
            while data := os.read(fd, max(size - len(data), _GUESS)):
                pieces.append(data)
            return b"".join(pieces)
        except OSError as error:
            raise ImageError(path, f"cannot be read: {error.strerror}") from None
        finally:
            os.close(fd)

    def size(self, path: str) -> int:
        """Return a file's size in bytes for planning, 0 where it cannot be known."""
        if leaves_root(path):
            return 0
        try:
            return os.stat(self._join(to_local(path))).st_size
        except (OSError, ValueError):
            return 0

    def _open(self, path: str) -> int:
        folder, slash, name = to_local(path).rpartition("/")
        folder = folder or slash  # "/x.jpg" lies in "/", "x.jpg" in the root
        try:
            if name == "..":
                self._check_path(path, folder)
            if not HAS_DIR_FD:
                return os.open(self._whole_path(path, folder), _FLAGS)
            place = self._folders.get(folder)
            if place is None:
                place = self._open_folder(path, folder)
            assert isinstance(place, int)
            if self.options.confined:
                try:
                    return os.open(name, _FLAGS | _NOFOLLOW, dir_fd=place)
                except OSError as error:
                    if error.errno not in (errno.ELOOP, errno.EMLINK):
                        raise
                self._check_inside(path)
            return os.open(name, _FLAGS, dir_fd=place)
        except OSError as error:
            if error.errno == errno.EMFILE and len(self._folders) > 1:  # the folders kept open may be the ones too many
                self.close()
                return self._open(path)
            raise ImageError(path, _open_fault(error)) from None
        except ValueError as error:  # a NUL byte in the name
            raise ImageError(path, f"cannot be opened: {error}") from None

    def _open_folder(self, path: str, folder: str) -> int:
        self._check_path(path, folder)
        place = os.open(self._join(folder), os.O_RDONLY | os.O_DIRECTORY | getattr(os, "O_CLOEXEC", 0))
        if len(self._folders) >= _FOLDERS:
            _, oldest = self._folders.popitem(last=False)
            if isinstance(oldest, int):
                os.close(oldest)
        self._folders[folder] = place
        return place

    def _whole_path(self, path: str, folder: str) -> str:
        """Return the path to open where there is no dir_fd: the folder is checked once, the file each time."""
        if folder not in self._folders:
            self._check_path(path, folder)
            self._folders[folder] = folder
        whole = self._join(to_local(path))
        if self.options.confined and os.path.islink(whole):
            self._check_inside(path)
        return whole

    def _join(self, path: str) -> str:
        return os.path.join(self._root, path)

    def _check_path(self, path: str, folder: str) -> None:
        if not self.options.outside_root and leaves_root(path):
            raise ImageError(path, "lies outside the root (--outside-root reads it all the same)")
        if self.options.confined and not self._is_inside(self._join(folder)):
            raise ImageError(path, "its folder is a link to a place outside the root (--follow-symlinks follows it)")

    def _check_inside(self, path: str) -> None:
        if not self._is_inside(self._join(to_local(path))):
            raise ImageError(path, "is a link to a place outside the root (--follow-symlinks follows it)")

    def _is_inside(self, path: str) -> bool:
        real = os.path.realpath(path)
        return real == self._real_root or real.startswith(self._real_root.rstrip(os.sep) + os.sep)

    def _check_regular(self, fd: int, path: str) -> int:
        status = os.fstat(fd)
        if not stat.S_ISREG(status.st_mode):
            kind = "a folder" if stat.S_ISDIR(status.st_mode) else "no regular file"
            raise ImageError(path, f"is {kind}, expected an image")
        return status.st_size

    def close(self) -> None:
        """Close the folders."""
        for place in self._folders.values():
            if isinstance(place, int):
                os.close(place)
        self._folders.clear()


def _open_fault(error: OSError) -> str:
    if error.errno == errno.ENOENT:
        return "does not exist"
    if error.errno == errno.ENOTDIR:
        return "does not exist: a part of its path is no folder"
    return f"cannot be opened: {error.strerror}"
