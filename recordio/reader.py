"""Reading .rec files: in order with bounded memory, and by key."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

from recordio import checksum, frame, header, index, scan, unpacked
from recordio.errors import ChecksumMismatch, FormatError, Truncated
from recordio.files import InputFile
from recordio.header import Header

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from typing_extensions import Self


class Reader:
    """Reads a .rec file from its start to its end, and again for each iteration.

    Memory stays within two blocks of 4 MiB, 100 bytes for each record of a block and, beside what the caller keeps, twice
    the largest record, or four times where magic words cut it into parts. Every frame is checked.

    Args:
        path: the .rec file.
        verify: check all bytes against the .sum beside the file: each record as it is read, at the end that none is missing.

    Raises:
        FileError: a file cannot be opened.
        SumFormatError: the .sum is damaged.
    """

    def __init__(self, path: str | os.PathLike[str], *, verify: bool = False) -> None:
        self._file = InputFile(path)
        self._listed = _load_sum(path) if verify else None

    def __iter__(self) -> Iterator[bytes]:
        """Yield the payload of each record.

        Raises:
            FormatError: at the first fault, with the file and the offset.
        """
        for run in self.runs():
            for _, payload in run:
                yield payload
            del run  # before the next block is read

    def records(self) -> Iterator[tuple[int, bytes]]:
        """Yield (offset, payload) of each record.

        Raises:
            FormatError: at the first fault, with the file and the offset.
        """
        for run in self.runs():
            yield from run
            del run  # before the next block is read

    def unpacked(self, *, copy: bool = True) -> Iterator[tuple[Header, bytes | memoryview]]:
        """Yield (header, image) of each record: the quickest way to the images of a file.

        Args:
            copy: without it images are views of the block that was read, which are made sooner; one that is kept keeps its
                block, of 128 KiB to 4 MiB.

        Raises:
            FormatError: at the first fault, with the file and the offset; a BadHeader where a payload is too short for a
                header. Verified, it is a ChecksumMismatch where the frame is right and the bytes are not.
        """
        return unpacked.unpacked(self._file, copy=copy) if self._listed is None else self._verified_unpacked(copy=copy)

    def _verified_unpacked(self, *, copy: bool) -> Iterator[tuple[Header, bytes | memoryview]]:
        for offset, payload in self.records():
            head, image = header.unpack(payload, source=self._file.name, offset=offset)
            yield head, image if copy else memoryview(image)

    def runs(self) -> Iterator[list[tuple[int, bytes]]]:
        """Yield the records in lists, one for each block that was read.

        Raises:
            FormatError: at the first fault, with the file and the offset. Verified, it is a ChecksumMismatch where the frame
                is right and the bytes are not.
        """
        return scan.runs(self._file) if self._listed is None else self._verified_runs(self._listed)

    def _verified_runs(self, listed: checksum.Sum) -> Iterator[list[tuple[int, bytes]]]:
        order = _InOrder(listed, self._file.name)
        yield from scan.runs(self._file, check=order.check)
        order.check_end(self._file.size)

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()


class IndexedReader:
    """Reads the records of a .rec file by key or by ordinal, with one positional read each.

    Threads and forked processes may share one; pickling reopens the files by name.

    Args:
        rec: the .rec file.
        idx: its .idx file, or an Index; by default the name of *rec* with the suffix .idx.
        verify: check the bytes of each record that is read against the .sum beside *rec*.

    Raises:
        FileError: a file cannot be opened.
        IndexFormatError: a line of the .idx is not ``key TAB offset``.
        SumFormatError: the .sum is damaged.
    """

    def __init__(
        self, rec: str | os.PathLike[str], idx: str | os.PathLike[str] | index.Index | None = None, *, verify: bool = False
    ) -> None:
        self._file = InputFile(rec)
        self.index = idx if isinstance(idx, index.Index) else index.load(Path(rec).with_suffix(".idx") if idx is None else idx)
        self._listed = _load_sum(rec) if verify else None

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
        return self.read_ordinal(self.index.find(key))

    def read_ordinal(self, ordinal: int) -> bytes:
        """Read the payload of the record on line *ordinal* of the .idx, counted from 0.

        Raises:
            IndexError: there are fewer records.
            FormatError: no whole record stands at its offset.
            ChecksumMismatch: verified, its bytes are not those that the .sum lists under its key.
            FileError: the read failed.
        """
        offset, end = self.index.span(ordinal, self._file.size)
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
        fault = _fault(data, length, int(listed.crcs[at]))
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


class _InOrder:
    """Compares records with those that a .sum lists, in order."""

    def __init__(self, listed: checksum.Sum, source: str) -> None:
        self._listed = listed
        self._source = source
        self._done = 0

    def check(self, block: memoryview, run: list[tuple[int, bytes]]) -> tuple[int, FormatError | None]:
        """Return how many records are as they are listed, and what is wrong with the next; see scan.Check."""
        listed, first = self._listed, self._done
        stop = first + len(run)
        rows = zip(listed.keys[first:stop].tolist(), listed.lengths[first:stop].tolist(), listed.crcs[first:stop].tolist(), strict=True)
        begin = 0
        for number, (key, length, crc) in enumerate(rows):
            end = run[number + 1][0] - run[0][0] if number + 1 < len(run) else len(block)
            fault = _fault(block[begin:end], length, crc)
            if fault:
                return number, ChecksumMismatch(self._source, run[number][0], fault, key)
            begin = end
        self._done = min(stop, len(listed))
        if stop > len(listed):
            right = len(listed) - first
            return right, ChecksumMismatch(self._source, run[right][0], f"{listed.source} lists no record here")
        return len(run), None

    def check_end(self, size: int) -> None:
        """Raise when listed records have not come."""
        left = len(self._listed) - self._done
        if left:
            reason = f"the file ends, {self._listed.source} lists {left} more record{'s' * (left > 1)}"
            raise ChecksumMismatch(self._source, size, reason, int(self._listed.keys[self._done]))


def _load_sum(rec: str | os.PathLike[str]) -> checksum.Sum:
    return checksum.load(Path(rec).with_suffix(".sum"))


def _fault(data: bytes | memoryview, length: int, crc: int) -> str:
    """Say how the bytes of a record differ from what a .sum lists; "" when they do not."""
    if len(data) != length:
        return f"{len(data)} bytes, expected {length}"
    found = checksum.crc_function()(data)
    return f"CRC-32 {found:08x}, expected {crc:08x}" if found != crc else ""
