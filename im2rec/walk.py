"""Walks a folder tree into entries: a path and a label each, and the map of classes."""

from __future__ import annotations

import os
from array import array
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from im2rec.errors import InputError
from im2rec.listfile import path_fault
from im2rec.names import from_local, is_inside, to_local
from im2rec.rejects import Reject, Rejects

LabelMode = Literal["folder", "top", "none"]

# Suffixes of images: those that are not asked for are named.
_IMAGES = frozenset(
    f".{suffix}"
    for suffix in (
        *("apng", "avif", "bmp", "dib", "gif", "heic", "heif", "j2k", "jfif", "jp2", "jpe", "jpeg", "jpg", "jxl"),
        *("pbm", "pgm", "png", "pnm", "ppm", "tif", "tiff", "webp"),
    )
)
EXTENSIONS = (".bmp", ".jpeg", ".jpg", ".png", ".webp")


@dataclass(frozen=True, slots=True)
class WalkOptions:
    """How to walk.

    Attributes:
        extensions: suffixes of image files, lower case, with their dot.
        recursive: descend into folders.
        labels: "folder": each folder that holds an image directly is a class; "top": each folder of the root is one;
            "none": every label is 0.
        follow_symlinks: follow links that lead outside the root, too.
        carry_all: take names that break the lines of a list, too, as MXNet's tool does; they become warnings.
    """

    extensions: tuple[str, ...] = EXTENSIONS
    recursive: bool = True
    labels: LabelMode = "folder"
    follow_symlinks: bool = False
    carry_all: bool = False


@dataclass(slots=True)
class Entries:
    """The images of a tree, compactly: about 20 bytes each beside the path itself.

    Attributes:
        classes: class name -> label, in ascending order of labels.
        ignored: files of other suffixes.
        left_out: suffix -> number, of those of them that are suffixes of images.
        rejects: images that no list can name, and what could not be entered.
        warnings: images that are listed, though readers of the list will not find them.
    """

    classes: dict[str, int] = field(default_factory=dict)
    ignored: int = 0
    left_out: Counter[str] = field(default_factory=Counter)
    rejects: Rejects = field(default_factory=Rejects)
    warnings: Rejects = field(default_factory=Rejects)
    _names: bytearray = field(default_factory=bytearray)
    _ends: array[int] = field(default_factory=lambda: array("Q"))
    _labels: array[int] = field(default_factory=lambda: array("L"))

    def add(self, path: str, label: int) -> None:
        """Append one image."""
        self._names += path.encode("utf-8", "surrogateescape")
        self._ends.append(len(self._names))
        self._labels.append(label)

    def __len__(self) -> int:
        return len(self._ends)

    def path(self, ordinal: int) -> str:
        """Return the path of image *ordinal*, with forward slashes."""
        return self.raw_path(ordinal).decode("utf-8", "surrogateescape")

    def raw_path(self, ordinal: int) -> bytes:
        """Return the path of image *ordinal* as a list's bytes."""
        return bytes(self._names[self._ends[ordinal - 1] if ordinal else 0 : self._ends[ordinal]])

    def label(self, ordinal: int) -> int:
        """Return the label of image *ordinal*."""
        return self._labels[ordinal]

    @property
    def labels(self) -> Sequence[int]:
        """All labels, in order."""
        return self._labels


def walk(root: Path, options: WalkOptions, progress: Callable[[int], None] | None = None) -> Entries:
    """Walk a folder tree: a folder's files first, sorted by name, then its folders, sorted by name.

    Args:
        root: the folder.
        options: how.
        progress: called with the number of images found since its last call.

    Raises:
        InputError: the root does not exist, is no folder, or cannot be read.
    """
    if not root.is_dir():
        raise InputError(str(root), "is no folder, expected a folder of images" if root.exists() else "no such folder")
    return _Walker(root, options, progress).run()


class _Walker:
    def __init__(self, root: Path, options: WalkOptions, progress: Callable[[int], None] | None) -> None:
        self._root = os.fspath(root)
        self._real_root = os.path.realpath(root)
        self._options = options
        self._progress = progress
        self._found = Entries()
        self._suffixes = frozenset(options.extensions)

    def run(self) -> Entries:
        # (path relative to the root, real paths of the linked folders on the way there), the next one last
        stack: list[tuple[str, frozenset[str]]] = [("", frozenset({self._real_root}))]
        while stack:
            relative, above = stack.pop()
            before = len(self._found)
            folders = list(self._folder(relative, above))
            stack.extend(reversed(folders))
            if self._progress:
                self._progress(len(self._found) - before)
        return self._found

    def _folder(self, relative: str, above: frozenset[str]) -> Iterator[tuple[str, frozenset[str]]]:
        """Add the images of one folder; yield the folders in it, sorted."""
        try:
            with os.scandir(os.path.join(self._root, to_local(relative)) if relative else self._root) as scan:
                entries = sorted(scan, key=lambda entry: from_local(entry.name))
        except OSError as error:
            if not relative:
                raise InputError(self._root, f"cannot be read: {error.strerror}") from None
            self._found.rejects.append(Reject(None, relative, f"this folder cannot be read: {error.strerror}"))
            return
        prefix = f"{relative}/" if relative else ""
        label = -1
        for entry in entries:
            name = from_local(entry.name)
            dot = name.rfind(".")
            if dot > 0 and name[dot:].lower() in self._suffixes and name[:dot].strip("."):
                if self._take(entry, prefix):
                    if label < 0:
                        label = self._label(relative)
                    self._found.add(prefix + name, label)
            elif name[-1:].isspace() and _suffix_before_blanks(name) in self._suffixes and not self._options.carry_all:
                self._take(entry, prefix)  # which rejects it by name
            elif entry.is_file(follow_symlinks=False):
                self._found.ignored += 1
                if dot > 0 and name[dot:].lower() in _IMAGES and name[:dot].strip("."):
                    self._found.left_out[name[dot:].lower()] += 1
        if self._options.recursive:
            for entry in entries:
                if _is_folder(entry) and (inside := self._enter(entry, prefix, above)) is not None:
                    yield prefix + from_local(entry.name), inside

    def _take(self, entry: os.DirEntry[str], prefix: str) -> bool:
        """Tell whether an entry with an image's suffix is an image file that may be listed."""
        path = prefix + from_local(entry.name)
        if entry.is_symlink() and not self._options.follow_symlinks and not is_inside(entry.path, self._real_root):
            if not os.path.exists(entry.path):
                self._reject(path, "is a broken link")
            elif not _is_folder(entry):
                self._reject(path, "is a link to a place outside the root (--follow-symlinks follows it)")
            return False
        if not _is_file(entry):
            if not _is_folder(entry):
                self._reject(path, "is a broken link" if entry.is_symlink() else "is no regular file")
            return False
        fault = path_fault(path)
        if fault is None:
            return True
        if self._options.carry_all and _is_utf8(path):
            self._found.warnings.append(Reject(None, path, fault))
            return True
        self._reject(path, fault)
        return False

    def _enter(self, entry: os.DirEntry[str], prefix: str, above: frozenset[str]) -> frozenset[str] | None:
        """Return what is above the images of a folder, or None when it must not be entered."""
        if not entry.is_symlink():
            return above
        if not self._options.follow_symlinks and not is_inside(entry.path, self._real_root):
            self._reject(prefix + from_local(entry.name), "is a link to a folder outside the root (--follow-symlinks follows it)")
            return None
        real = os.path.realpath(entry.path)
        here = os.path.realpath(os.path.dirname(entry.path))
        if real in above or here == real or here.startswith(real.rstrip(os.sep) + os.sep):
            self._reject(prefix + from_local(entry.name), "is a link to a folder that it lies in, an endless loop")
            return None
        return above | {real}

    def _reject(self, path: str, reason: str) -> None:
        self._found.rejects.append(Reject(None, path, reason))

    def _label(self, relative: str) -> int:
        if self._options.labels == "none":
            return 0
        name = relative or "."
        if self._options.labels == "top":
            name = name.split("/", 1)[0]
        return self._found.classes.setdefault(name, len(self._found.classes))


def _suffix_before_blanks(name: str) -> str:
    """Return the suffix that a name has without the white space at its end."""
    return os.path.splitext(name.rstrip())[1].lower()


def _is_file(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_file()
    except OSError:  # a link that cannot be followed: to itself, or through a file or an unreadable folder
        return False


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:
        return False


def _is_utf8(path: str) -> bool:
    try:
        path.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True
