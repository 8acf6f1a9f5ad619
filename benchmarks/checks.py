"""Whether what was measured did its work: bytes like MXNet's, and every record there."""

from __future__ import annotations

import filecmp
import struct
from pathlib import Path

MAGIC = 0xCED7230A


class WrongOutput(ValueError):
    """A measured command wrote something else than it should have."""


def same_bytes(path: Path, expected: Path) -> None:
    """Compare two files byte for byte.

    Raises:
        WrongOutput: they differ.
    """
    if not filecmp.cmp(path, expected, shallow=False):
        raise WrongOutput(f"{path} differs from {expected}, expected the same bytes")


def count_lines(path: Path, expected: int) -> None:
    """Count the lines of a file.

    Raises:
        WrongOutput: there are more or fewer than *expected*.
    """
    with open(path, "rb") as file:
        found = sum(1 for _ in file)
    if found != expected:
        raise WrongOutput(f"{path} has {found} lines, expected {expected}")


def count_files(folder: Path, suffixes: tuple[str, ...], expected: int) -> None:
    """Count the files of some suffixes in a folder and all below it; none of them is empty.

    Raises:
        WrongOutput: there are more or fewer than *expected*.
    """
    found = sum(1 for path in folder.rglob("*") if path.suffix.lower() in suffixes and path.stat().st_size)
    if found != expected:
        raise WrongOutput(f"{folder} has {found} files {' '.join(suffixes)}, expected {expected}")


def count_records(rec: Path, expected: int) -> None:
    """Count the records of a .rec by its frames, without the library that is measured.

    Raises:
        WrongOutput: there are more or fewer than *expected*, or a frame is broken.
    """
    found = 0
    with open(rec, "rb") as file:
        while head := file.read(8):
            magic, word = struct.unpack("<II", head.ljust(8, b"\0"))
            if magic != MAGIC:
                raise WrongOutput(f"{rec} has no frame at offset {file.tell() - len(head)}")
            found += word >> 29 in (0, 1)  # whole records, and first parts
            file.seek((word & 0x1FFFFFFF) + 3 & ~3, 1)
    if found != expected:
        raise WrongOutput(f"{rec} has {found} records, expected {expected}")


def count_packed(prefix: Path, expected: int) -> None:
    """Count the records of a .rec and the lines of its .idx.

    Raises:
        WrongOutput: one of them has not as many as *expected*.
    """
    count_records(prefix.with_suffix(".rec"), expected)
    count_lines(prefix.with_suffix(".idx"), expected)


def same_size_as_images(path: Path, lst: Path, root: Path) -> None:
    """Compare a file's size with the sizes of all images of a list.

    Raises:
        WrongOutput: they differ.
    """
    with open(lst, encoding="utf-8") as lines:
        expected = sum((root / line.rstrip("\n").rsplit("\t", 1)[1]).stat().st_size for line in lines)
    if path.stat().st_size != expected:
        raise WrongOutput(f"{path} has {path.stat().st_size} bytes, expected the {expected} of the images")
