"""Reading .rec files: in order with bounded memory, and by key."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

from recordio import frame, index, scan
from recordio.errors import FormatError, Truncated
from recordio.files import InputFile

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

    Raises:
        FileError: the file cannot be opened.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self._file = InputFile(path)

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

    def runs(self) -> Iterator[list[tuple[int, bytes]]]:
        """Yield the records in lists, one for each block that was read: the quickest way through a file.

        Raises:
            FormatError: at the first fault, with the file and the offset.
        """
        return scan.runs(self._file)

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
        idx: its .idx file; by default the name of *rec* with the suffix .idx.

    Raises:
        FileError: a file cannot be opened.
        IndexFormatError: a line of the .idx is not ``key TAB offset``.
    """

    def __init__(self, rec: str | os.PathLike[str], idx: str | os.PathLike[str] | None = None) -> None:
        self._file = InputFile(rec)
        self.index = index.load(Path(rec).with_suffix(".idx") if idx is None else idx)

    @property
    def keys(self) -> NDArray[np.uint64]:
        """The keys, (n,) uint64, in the order of the .idx."""
        return self.index.keys

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
            FileError: the read failed.
        """
        return self.read_ordinal(self.index.find(key))

    def read_ordinal(self, ordinal: int) -> bytes:
        """Read the payload of the record on line *ordinal* of the .idx, counted from 0.

        Raises:
            IndexError: there are fewer records.
            FormatError: no whole record stands at its offset.
            FileError: the read failed.
        """
        offset = int(self.index.offsets[ordinal])
        size = self._file.size
        if offset >= size:
            raise FormatError(self._file.name, offset, f"{self.index.source} puts a record here, behind the file's end at {size}")
        # The next offset is where the record ends, unless the index leaves records out: then a block is a good guess.
        end = min(self.index.next_offset(offset, size), size, offset + scan.BLOCK)
        while True:
            data = self._file.read_at(offset, end - offset)
            if len(data) < end - offset:
                reason = f"the file ends here now, it had {size} bytes when it was opened"
                raise Truncated(self._file.name, offset + len(data), reason)
            try:
                return frame.decode_at(data, 0, source=self._file.name, base=offset)[0]
            except Truncated as error:
                # Lengths come from the file and may lie: never allocate beyond the file's real end.
                if offset + error.needed > size:
                    reason = f"a record needs {error.needed} bytes or more, the file ends after {size - offset}"
                    raise Truncated(self._file.name, offset, reason, error.needed) from None
                end = min(max(offset + error.needed, 2 * end - offset), size)

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()
