"""Readers of the files of a source: all of them open, or, of very many files, those that were opened last."""

from __future__ import annotations

import os
from array import array
from collections.abc import Iterator, Sequence
from typing import Any, Final

import numpy as np

from recordio import files, header, scan
from recordio.errors import FormatError
from recordio.index import Index
from recordio.indexed import IndexedReader

MOST_OPEN: Final = 128  # a process may have 256 files open on some systems, and other things need some of them
_MENDING: Final = "'im2rec salvage' makes a set of the other records; with the file's .idx, on_bad='skip' leaves damage out"


def open_readers(
    recs: Sequence[str | os.PathLike[str]], idxs: Sequence[str | os.PathLike[str] | Index], most: int = MOST_OPEN
) -> list[IndexedReader] | Readers:
    """Open the readers of some files.

    Args:
        recs: the .rec files.
        idxs: the .idx of each, or an Index.
        most: files that may be open at a time.

    Raises:
        FileError, IndexFormatError: a file cannot be read.
    """
    if len(recs) <= most:
        return [IndexedReader(rec, idx) for rec, idx in zip(recs, idxs, strict=True)]
    return Readers(recs, idxs, most)


def scanned(rec: str | os.PathLike[str]) -> Index:
    """Make the index of a .rec that comes without one. Records without an image header are refused when they are read.

    Raises:
        FileError: it cannot be read.
        FormatError: it breaks a rule of the format; the message says what can be done.
    """
    keys, offsets = array("Q"), array("q")
    file = files.InputFile(rec)
    try:
        for run in scan.runs(file, most=header.HEADER_SIZE):
            keys.extend([int.from_bytes(payload[header.ID_AT : header.ID_AT + 8], "little") for _, payload in run])
            offsets.extend([offset for offset, _ in run])
    except FormatError as error:
        raise type(error)(error.source, error.offset, f"{error.reason}; {_MENDING}") from None
    finally:
        file.close()
    return Index(np.array(keys, np.uint64), np.array(offsets, np.int64), str(rec))


class Readers:
    """Readers by number, of which a few are open. Threads and forks may share it; it can be pickled.

    A file that is closed to make room for another stays open for a thread that is reading from it, until that is done.

    Args:
        recs: the .rec files.
        idxs: the .idx of each, or an Index; all indexes stay in memory.
        most: files that are open at a time.

    Raises:
        FileError, IndexFormatError: a file cannot be read.
    """

    def __init__(self, recs: Sequence[str | os.PathLike[str]], idxs: Sequence[str | os.PathLike[str] | Index], most: int) -> None:
        self._recs = list(recs)
        self._most = most
        self._open: dict[int, IndexedReader] = {}
        self._indexes = [IndexedReader(rec, idx).index for rec, idx in zip(recs, idxs, strict=True)]

    def __len__(self) -> int:
        return len(self._recs)

    def __getitem__(self, number: int) -> IndexedReader:
        """Return the reader of a file.

        Raises:
            FileError: it cannot be opened.
        """
        reader = self._open.get(number)
        if reader is None:
            for oldest in list(self._open)[: max(0, len(self._open) - self._most + 1)]:  # a list: another thread may change it
                self._open.pop(oldest, None)
            reader = self._open[number] = IndexedReader(self._recs[number], self._indexes[number])
        return reader

    def __iter__(self) -> Iterator[IndexedReader]:
        return (self[number] for number in range(len(self)))

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_open": {}}

    def close(self) -> None:
        """Close the files that are open."""
        for reader in self._open.values():
            reader.close()
        self._open.clear()
