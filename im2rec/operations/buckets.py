"""Temporary files of records: what a change of order spreads them over, where they do not fit in memory."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from im2rec.operations.blocks import Records
from recordio import files

_UNLINKS: Final = os.name == "posix"  # an open file needs no name


class Bucket:
    """Records that will stand together in the output: their bytes in memory, or in a temporary file.

    Args:
        path: of the file; None to keep them in memory.
        nameless: take the name from the file as soon as it is open, where the system can do that: then it goes with this process,
            however that ends. For a file that no later run would find.
    """

    def __init__(self, path: Path | None, *, nameless: bool = False) -> None:
        self.path = path
        self.size = 0
        self.pending_size = 0
        self._nameless = nameless and _UNLINKS
        self._pending: list[bytes | memoryview] = []
        self._columns: tuple[list[Any], ...] = ([], [], [], [])
        self._fd = -1

    def add(self, values: Any, records: Records) -> None:
        """Take records."""
        for column, part in zip(self._columns, (values, records.keys, records.sizes, records.crcs), strict=True):
            column.append(part)
        # A piece of a block would keep all of the block in memory.
        self._pending.append(bytes(records.data) if self.path is not None else records.data)
        self.pending_size += len(records.data)
        self.size += len(records.data)

    def flush(self) -> None:
        """Write what waits in memory to the file."""
        if self.path is None or not self._pending:
            return
        with files.telling(self.path, "write"):
            if self._fd < 0:
                self._fd = files.disk.open(self.path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
                if self._nameless:
                    files.disk.unlink(self.path)
            rest = memoryview(b"".join(self._pending))
            while rest:
                rest = rest[files.disk.write(self._fd, rest) :]
        self._pending.clear()
        self.pending_size = 0

    def end(self) -> None:
        """Write the last of the records: no more will come."""
        self.flush()
        if not self._nameless:
            self.close()

    def close(self) -> None:
        """Close the file; one without a name is gone then."""
        fd, self._fd = self._fd, -1
        if fd >= 0:
            with files.telling(str(self.path), "write"):
                files.disk.close(fd)

    def columns(self) -> tuple[Any, ...]:
        """Return values, keys, sizes and CRCs of the records, in the order in which they came."""
        import numpy as np

        kinds = (np.uint64, np.uint64, np.int64, np.uint32)
        return tuple(np.concatenate([np.empty(0, kind), *column]) for kind, column in zip(kinds, self._columns, strict=True))

    def data(self) -> bytes:
        """Return the bytes of all records."""
        if self.path is None:
            data = b"".join(self._pending)
            self._pending.clear()
            return data
        if not self.size:
            return b""
        with self.reading() as read:
            return read(0, self.size)

    @contextmanager
    def reading(self) -> Iterator[Callable[[int, int], bytes]]:
        """Give what reads bytes of the file from an offset on."""
        assert self.path is not None
        if self._nameless:
            yield self._read
            return
        file = files.InputFile(self.path)
        try:
            yield file.read_at
        finally:
            file.close()

    def _read(self, offset: int, length: int) -> bytes:
        pieces: list[bytes] = []
        with files.telling(str(self.path), f"read at offset {offset}"):
            while length and (not pieces or pieces[-1]):
                pieces.append(files.disk.pread(self._fd, length, offset))
                offset, length = offset + len(pieces[-1]), length - len(pieces[-1])
        return b"".join(pieces)

    def remove(self) -> None:
        """Remove the file."""
        self.close()
        if self.path is not None and self.size and not self._nameless:
            with files.telling(self.path, "remove"):
                files.disk.unlink(self.path)
