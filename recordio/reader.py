"""Reading .rec files in order, with bounded memory."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

from recordio import checksum, header, scan, unpacked
from recordio.errors import ChecksumMismatch, FormatError
from recordio.files import InputFile
from recordio.header import Header

if TYPE_CHECKING:
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
        self._listed = sum_beside(path) if verify else None

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
                block, of 512 KiB to 4 MiB.

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
            fault = differs(block[begin:end], length, crc)
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


def sum_beside(rec: str | os.PathLike[str]) -> checksum.Sum:
    """Load the .sum of a .rec: the file with its name and the suffix .sum.

    Raises:
        FileError: it cannot be read.
        SumFormatError: it is damaged.
    """
    return checksum.load(Path(rec).with_suffix(".sum"))


def differs(data: bytes | memoryview, length: int, crc: int) -> str:
    """Say how the bytes of a record differ from what a .sum lists; "" when they do not."""
    if len(data) != length:
        return f"{len(data)} bytes, expected {length}"
    found = checksum.crc_function()(data)
    return f"CRC-32 {found:08x}, expected {crc:08x}" if found != crc else ""
