"""Reading the records of a .rec file by key, with one positional read each."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Final

from recordio import checksum, frame, header, index, scan
from recordio.errors import ChecksumMismatch, FileError, FormatError, Truncated
from recordio.files import InputFile
from recordio.header import Header
from recordio.mapped import MappedFile
from recordio.reader import differs, sum_beside

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from typing_extensions import Self

_SCALAR: Final = header.SCALAR_RECORD.unpack_from
_IMAGE_AT: Final = header.SCALAR_RECORD.size  # bytes of a record in front of its image, where it has one label
_HEAD: Final = frame.HEAD.unpack_from
_HEAD_SIZE: Final = frame.HEAD_SIZE
_MAGIC: Final = frame.MAGIC
_PADDING: Final = frame.PADDING


class IndexedReader:
    """Reads the records of a .rec file by key or by ordinal, with one positional read each.

    Threads and forked processes may share one; pickling reopens the files by name.

    Args:
        rec: the .rec file.
        idx: its .idx file, or an Index; by default the name of *rec* with the suffix .idx.
        verify: check the bytes of each record that is read against the .sum beside *rec*.
        mapped: map *rec* into memory instead of reading it: quicker where the file is in the page cache, but a file that is cut
            short meanwhile kills the process, and a disk that fails does, too.

    Raises:
        FileError: a file cannot be opened.
        IndexFormatError: a line of the .idx is not ``key TAB offset``.
        SumFormatError: the .sum is damaged.
    """

    def __init__(
        self,
        rec: str | os.PathLike[str],
        idx: str | os.PathLike[str] | index.Index | None = None,
        *,
        verify: bool = False,
        mapped: bool = False,
    ) -> None:
        self._file = MappedFile(rec) if mapped else InputFile(rec)
        self.index = idx if isinstance(idx, index.Index) else _beside(rec) if idx is None else index.load(idx)
        self._listed = sum_beside(rec) if verify else None

    @property
    def keys(self) -> NDArray[np.uint64]:
        """The keys, (n,) uint64, in the order of the .idx."""
        return self.index.keys

    @property
    def size(self) -> int:
        """Bytes that the .rec had when it was opened."""
        return self._file.size

    def __len__(self) -> int:
        return len(self.index)

    def __iter__(self) -> Iterator[bytes]:
        """Yield the payloads in the order of the .idx."""
        for ordinal in range(len(self)):
            yield self.read_ordinal(ordinal)

    def __contains__(self, key: int) -> bool:
        try:
            self.index.find(key)
        except KeyError:
            return False
        return True

    def read(self, key: int) -> bytes:
        """Read the payload of the record named *key*.

        Raises:
            KeyMissing: the index has no such key.
            FormatError: no whole record stands at its offset.
            ChecksumMismatch: verified, its bytes are not those that the .sum lists under this key.
            FileError: the read failed.
        """
        found = None if self._listed is not None else plain_record(self._file, self.index, key)
        if found is None:
            return self.read_ordinal(self.index.find(key))
        data, end, _ = found
        return data[_HEAD_SIZE:end]

    def unpacked(self, key: int) -> tuple[Header, bytes]:
        """Read header and image of the record named *key*: quicker than to read its payload and unpack that.

        Raises:
            KeyMissing: the index has no such key.
            FormatError: no whole record stands at its offset; a BadHeader where its payload is too short for a header.
            ChecksumMismatch: verified, its bytes are not those that the .sum lists under this key.
            FileError: the read failed.
        """
        found = None if self._listed is not None else plain_record(self._file, self.index, key)
        if found is None:
            return header.unpack(self.read_ordinal(self.index.find(key)), source=self._file.name, offset=self.index.offset(key))
        data, end, _ = found
        if end >= _IMAGE_AT:
            _, _, flag, label, id_, id2 = _SCALAR(data)
            if not flag:
                return tuple.__new__(Header, (0, label, id_, id2)), data[_IMAGE_AT:end]
        return header.unpack(data[_HEAD_SIZE:end], source=self._file.name, offset=self.index.offset(key))

    def read_ordinal(self, ordinal: int) -> bytes:
        """Read the payload of the record on line *ordinal* of the .idx, counted from 0.

        Raises:
            IndexError: there are fewer records.
            FormatError: no whole record stands at its offset.
            ChecksumMismatch: verified, its bytes are not those that the .sum lists under its key.
            FileError: the read failed.
        """
        try:
            offset, end = self.index.span(ordinal, self._file.size)
        except IndexError:
            fact = f"there is no record at ordinal {ordinal}, {self.index.source} has {len(self.index)} records"
            raise IndexError(f"{self._file.name}: {fact}, counted from 0") from None
        if self._listed is not None:
            return self._read_verified(self._listed, int(self.index.keys[ordinal]), offset)
        return read_record(self._file, self.index, offset, end)[0]

    def _read_verified(self, listed: checksum.Sum, key: int, offset: int) -> bytes:
        """Read the bytes that the .sum lists, no more and no less."""
        at = int(listed.offsets.searchsorted(offset))
        if at == len(listed) or listed.offsets[at] != offset:
            raise ChecksumMismatch(self._file.name, offset, f"{listed.source} lists no record here", key)
        if listed.keys[at] != key:
            raise ChecksumMismatch(self._file.name, offset, f"{listed.source} lists the record here under the key {listed.keys[at]}", key)
        length = int(listed.lengths[at])
        # The length comes from a file and may lie: never allocate beyond the file's real end.
        data = self._file.read_at(offset, max(0, min(length, self._file.size - offset)))
        fault = differs(data, length, int(listed.crcs[at]))
        if fault:
            raise ChecksumMismatch(self._file.name, offset, fault, key)
        payload, end = frame.decode_at(data, 0, source=self._file.name, base=offset)
        if end != length:
            raise ChecksumMismatch(self._file.name, offset, f"the record ends after {end} bytes, {listed.source} lists {length}", key)
        return payload

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()


def _beside(rec: str | os.PathLike[str]) -> index.Index:
    """Load the .idx beside a .rec; where there is none, the error says what writes one."""
    try:
        return index.load(Path(rec).with_suffix(".idx"))
    except FileError as error:
        if error.errno != errno.ENOENT:
            raise
        raise FileError(error.path, error.action, error.errno, f"{error.reason}; 'im2rec index {os.fspath(rec)}' writes it") from None


def plain_record(file: InputFile, index: index.Index, key: int) -> tuple[bytes, int, int] | None:
    """Read a record of one part whose offset follows from its key without a search, as most do: the quickest way to it.

    Args:
        file: the .rec file.
        index: its index.
        key: of the record.

    Returns:
        The record's bytes, where its payload ends in them, and the offset behind the record. None where the key needs a search, or the
        record is the last, cut into parts or not as the index says: then that is for others to find out, and to tell.

    Raises:
        FileError: the read failed.
    """
    first, table, last, offsets = index.usual
    if type(key) is not int:
        return None
    if table is None:
        ordinal = key - first
    elif 0 <= key < len(table):
        ordinal = table[key] - 1
    else:
        return None
    if not 0 <= ordinal < last:
        return None
    offset, behind = offsets[ordinal], offsets[ordinal + 1]
    # Offsets come from a file and may lie: never allocate for them what no usual record has.
    if not _HEAD_SIZE <= behind - offset <= scan.BLOCK:
        return None
    data = file.read_at(offset, behind - offset)
    if len(data) < behind - offset:
        return None
    magic, lrec = _HEAD(data)
    end = _HEAD_SIZE + lrec
    if magic != _MAGIC or end > len(data) or data[end:] != _PADDING[lrec & 3]:
        return None
    return data, end, behind


def read_record(file: InputFile, index: index.Index, offset: int, end: int | None = None) -> tuple[bytes, int]:
    """Read the record at *offset* with one positional read, or a few where *index* does not have the next one.

    Args:
        file: the .rec file.
        index: its index.
        offset: where the record starts.
        end: where it ends according to the index, if the caller knows.

    Returns:
        The payload, and the offset behind the record.

    Raises:
        FormatError: no whole record stands there.
        FileError: the read failed.
    """
    size = file.size
    if offset >= size:
        raise FormatError(file.name, offset, f"{index.source} puts a record here, behind the file's end at {size}")
    # The next offset is where the record ends, unless the index leaves records out: then a block is a good guess.
    if end is None:
        end = index.next_offset(offset, size)
    if end > size or end - offset > scan.BLOCK:
        end = min(size, offset + scan.BLOCK)
    while True:
        data = file.read_at(offset, end - offset)
        if len(data) < end - offset:
            reason = f"the file ends here now, it had {size} bytes when it was opened"
            raise Truncated(file.name, offset + len(data), reason)
        try:
            payload, used = frame.decode_at(data, 0, source=file.name, base=offset)
            return payload, offset + used
        except Truncated as error:
            # Lengths come from the file and may lie: never allocate beyond the file's real end.
            if offset + error.needed > size:
                reason = f"a record needs {error.needed} bytes or more, the file ends after {size - offset}"
                raise Truncated(file.name, offset, reason, error.needed) from None
            end = min(max(offset + error.needed, 2 * end - offset), size)
