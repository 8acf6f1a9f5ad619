"""Looking at the records of a finished set, one after the other or by key."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from im2rec.errors import InputError
from im2rec.names import printable
from im2rec.sets import record_files
from recordio import index
from recordio.errors import BadHeader, ImageFormatError, IndexFormatError, KeyMissing
from recordio.header import HEADER_SIZE, unpack
from recordio.indexed import IndexedReader
from recordio.probe import UnknownFormat, probe
from recordio.reader import Reader
from recordio.traits import ImageInfo

if TYPE_CHECKING:
    from typing_extensions import Self

NO_IMAGE = ""  # format of a record without image bytes
UNKNOWN = "?"  # of bytes that are no whole image in a format that is known
TIFF = "tiff"
LEAST_DETECTION = 7  # labels of one object
_TIFF_STARTS = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")


@dataclass(frozen=True, slots=True)
class Entry:
    """A record as it is listed.

    Attributes:
        key: by the .idx, else the id of its header; None where there is neither.
        offset: of the record, in bytes from the start of its .rec.
        length: of its payload in bytes.
        id: of its header; None where the payload has none.
        labels: of its header.
        flag: of its header.
        image: bytes of the image.
        info: format and size of the image; its format is "" where there is none, "?" where it is not known or not whole.
        rec: name of the .rec file.
    """

    key: int | None
    offset: int
    length: int
    id: int | None
    labels: tuple[float, ...]
    flag: int
    image: int
    info: ImageInfo
    rec: str

    def as_line(self) -> str:
        """Return the entry as a line: key, offset, length, labels, format, width, height, separated by tabs."""
        labels = " ".join(f"{label:.9g}" for label in self.labels)
        size = (self.info.width, self.info.height) if self.info.width else ("", "")
        return "\t".join(map(str, ("" if self.key is None else self.key, self.offset, self.length, labels, self.info.format, *size)))

    def as_json(self) -> dict[str, Any]:
        """Return the entry as an object for JSON."""
        return {
            "key": self.key,
            "offset": self.offset,
            "length": self.length,
            "id": self.id,
            "labels": list(self.labels),
            "format": self.info.format,
            "width": self.info.width,
            "height": self.info.height,
            "rec": self.rec,
        }


def describe(payload: bytes, key: int | None, offset: int, rec: str) -> Entry:
    """Describe a payload."""
    try:
        header, image = unpack(payload)
    except BadHeader:
        return Entry(key, offset, len(payload), None, (), 0, 0, ImageInfo(UNKNOWN, 0, 0), rec)
    labels = (header.label,) if isinstance(header.label, float) else tuple(header.label.tolist())  # type: ignore[union-attr]
    return Entry(key, offset, len(payload), header.id, labels, header.flag, len(image), info_of(image), rec)


def info_of(image: bytes) -> ImageInfo:
    """Return format and size of an image; a TIFF is known by its start alone, and its size is not."""
    if not image:
        return ImageInfo(NO_IMAGE, 0, 0)
    try:
        return probe(image)
    except UnknownFormat:
        return ImageInfo(TIFF if image.startswith(_TIFF_STARTS) else UNKNOWN, 0, 0)
    except ImageFormatError:
        return ImageInfo(UNKNOWN, 0, 0)


def entries(given: Path, *, any_index: bool = False) -> Iterator[Entry]:
    """Describe all records of a set, in the order of its files.

    Args:
        given: prefix of the set, or one .rec file.
        any_index: take an .idx that cannot be read for one that is missing.

    Raises:
        InputError: there is no such set.
        FormatError: a record cannot be read.
    """
    for rec in record_files(given):
        keys = _keys(rec, any_index=any_index)
        with Reader(rec) as reader:
            for offset, payload in reader.records():
                key = keys.get(offset) if keys is not None else _id(payload)
                yield describe(payload, key, offset, str(rec))


def _keys(rec: Path, *, any_index: bool = False) -> dict[int, int] | None:
    """Return offset -> key of the .idx beside a .rec; None where there is none."""
    idx = rec.with_suffix(".idx")
    if not idx.exists():
        return None
    try:
        found = index.load(idx)
    except IndexFormatError:
        if any_index:
            return None
        raise
    return dict(zip(found.offsets.tolist(), found.keys.tolist(), strict=True))


def _id(payload: bytes) -> int | None:
    return int(struct.unpack_from("<Q", payload, 8)[0]) if len(payload) >= HEADER_SIZE else None


class Finder:
    """Reads records by key, in whichever shard of a set they stand. Use it with ``with``.

    Args:
        given: prefix of the set, or one .rec file.

    Raises:
        InputError: there is no such set, or a shard of it has no .idx.
    """

    def __init__(self, given: Path) -> None:
        self._given = given
        self._readers: list[tuple[Path, IndexedReader]] = []
        try:
            for rec in record_files(given):
                idx = rec.with_suffix(".idx")
                if not idx.exists():
                    raise InputError(str(idx), f"no such file; 'im2rec index {printable(str(rec))}' writes it")
                self._readers.append((rec, IndexedReader(rec)))
        except BaseException:
            self.close()
            raise

    def read(self, key: int) -> tuple[bytes, Entry]:
        """Read the payload of a key, and describe it.

        Raises:
            KeyMissing: no record has the key.
            FormatError: no whole record stands where the index says.
        """
        for rec, reader in self._readers:
            if key in reader:
                payload = reader.read(key)
                return payload, describe(payload, key, int(reader.index.offsets[reader.index.find(key)]), str(rec))
        first = self._readers[0][0]
        raise KeyMissing(str(first.with_suffix(".idx")) if len(self._readers) == 1 else str(self._given), key)

    def close(self) -> None:
        """Close all files."""
        for _, reader in self._readers:
            reader.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()


def chosen(given: Path, keys: Sequence[int], absent: Callable[[KeyMissing], None]) -> Iterator[Entry]:
    """Describe the records of some keys, in the order of the keys; of all where there are none.

    Args:
        given: prefix of the set, or one .rec file.
        keys: which records.
        absent: called for each key that no record has; those of the others come all the same.

    Raises:
        InputError: there is no such set, or a shard of it has no .idx.
        FormatError: a record cannot be read.
    """
    if not keys:
        yield from entries(given)
        return
    with Finder(given) as finder:
        for key in keys:
            try:
                entry = finder.read(key)[1]
            except KeyMissing as error:
                absent(error)
            else:
                yield entry


def is_detection(labels: tuple[float, ...]) -> bool:
    """Tell whether labels are those of object detection: A, B, A - 2 more values, then objects of B values each.

    An object is a class, then left, top, right and bottom as shares of the image's sides.
    """
    if len(labels) < LEAST_DETECTION or not (labels[0].is_integer() and labels[1].is_integer()):
        return False
    start, width = int(labels[0]), int(labels[1])
    objects = labels[start:]
    if start < 2 or width < 5 or not objects or len(objects) % width:
        return False
    boxes = [objects[at + 1 : at + 5] for at in range(0, len(objects), width)]
    return all(0 <= left <= right <= 1 and 0 <= top <= bottom <= 1 for left, top, right, bottom in boxes)


def object_classes(labels: tuple[float, ...]) -> tuple[float, ...]:
    """Return the class of each object; *labels* are those of detection."""
    return labels[int(labels[0]) :: int(labels[1])]
