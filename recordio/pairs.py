"""Verification sets of face recognition (.bin): pairs of images, and whether both are of one person (docs/format.md, section 6)."""

from __future__ import annotations

import itertools
import os
import struct
from collections.abc import Iterable, Iterator
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final

from recordio import pickled
from recordio.errors import FormatError
from recordio.files import InputFile
from recordio.outputfile import OutputFile
from recordio.outputs import OutputSet

if TYPE_CHECKING:
    from typing_extensions import Self

_LARGEST: Final = (1 << 32) - 1  # bytes of an image that protocol 3 takes
_EXPANDED: Final = 16  # times the size of a file that its images may have together


class Pairs:
    """The pairs of a verification .bin, as InsightFace's tools write them with Python 2 or 3.

    The file is a pickle, and comes from strangers: nothing of it is run, and whatever is not a list of images and a list of booleans is
    refused. Images stay in the file until they are asked for.

    Args:
        path: the file.

    Attributes:
        same: whether both images of each pair are of one person.
        protocol: of the pickle.
        is_old: whether Python 2 wrote it; Python 3's ``pickle.load`` needs ``encoding="bytes"`` then.

    Raises:
        FileError: it cannot be read.
        FormatError: it holds something else, with the offset and what was found.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self._file = InputFile(path)
        try:
            found = pickled.read(self._file)
            self._images, self.same = self._checked(found.value)
        except BaseException:
            self._file.close()
            raise
        self.protocol, self.is_old = found.protocol, found.is_old

    def _checked(self, value: Any) -> tuple[list[Any], list[bool]]:
        if not (isinstance(value, (tuple, list)) and len(value) == 2 and all(isinstance(part, (list, tuple)) for part in value)):
            raise self._fault("holds something else, expected a list of images and a list of booleans")
        images, same = value
        for number, image in enumerate(images):
            if not isinstance(image, (pickled.Span, bytes)):
                raise self._fault(f"image {number} is no bytes")
            if not _length(image):
                raise self._fault(f"image {number} is empty")
        for number, flag in enumerate(same):
            if not isinstance(flag, int) or flag not in (0, 1):
                raise self._fault(f"the flag of pair {number} is no boolean")
        if len(images) != 2 * len(same):
            raise self._fault(f"{len(images)} images for {len(same)} pairs, expected {2 * len(same)}")
        total = sum(map(_length, images))
        if total > _EXPANDED * self._file.size:
            raise self._fault(f"images of {total} bytes in a file of {self._file.size}: it repeats them too often")
        return list(images), [bool(flag) for flag in same]

    def _fault(self, reason: str) -> FormatError:
        return FormatError(self._file.name, 0, reason)

    def __len__(self) -> int:
        return len(self.same)

    def image(self, number: int) -> bytes:
        """Read an image: pair i has 2 * i and 2 * i + 1.

        Raises:
            IndexError: there are fewer.
            FileError: the read failed.
        """
        image = self._images[number]
        return self._file.read_at(image.offset, image.length) if isinstance(image, pickled.Span) else bytes(image)

    def __iter__(self) -> Iterator[tuple[bytes, bytes, bool]]:
        """Yield (first image, second image, whether both are of one person)."""
        for number, same in enumerate(self.same):
            yield self.image(2 * number), self.image(2 * number + 1), same

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()


def _length(image: pickled.Span | bytes) -> int:
    return image.length if isinstance(image, pickled.Span) else len(image)


def write_pairs(path: str | os.PathLike[str], pairs: Iterable[tuple[bytes, bytes, bool]], *, force: bool = False) -> int:
    """Write a verification .bin, whole or not at all, and return the number of its pairs.

    It is a pickle of protocol 3, which every Python 3 reads, with or without ``encoding="bytes"``. Memory is one pair.

    Args:
        path: the file.
        pairs: (first image, second image, whether both are of one person), encoded images.
        force: replace a file that exists.

    Raises:
        FileError: it cannot be written, or exists and *force* is not given.
        ValueError: an image has 4 GiB or more.
    """
    with OutputSet(force=force) as outputs:
        return put_pairs(outputs.create(path), pairs)


def put_pairs(output: OutputFile, pairs: Iterable[tuple[bytes, bytes, bool]]) -> int:
    """Write a verification .bin into a file of a set; see :func:`write_pairs`."""
    flags = bytearray()
    output.write(b"\x80\x03](")
    for first, second, same in pairs:
        output.write(b"".join(itertools.chain.from_iterable((b"B", _packed_length(image), image) for image in (first, second))))
        flags += b"\x88" if same else b"\x89"
    output.write(b"e](" + flags + b"e\x86.")
    return len(flags)


def _packed_length(image: bytes) -> bytes:
    if len(image) > _LARGEST:
        raise ValueError(f"an image of {len(image)} bytes, expected at most {_LARGEST}")
    return struct.pack("<I", len(image))
