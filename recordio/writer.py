"""Writing .rec files and their .idx: whole under their final names, or not at all."""

from __future__ import annotations

import operator
import os
from array import array
from collections.abc import Iterable
from itertools import accumulate
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

from recordio import frame
from recordio.errors import BadHeader
from recordio.files import OutputFile, OutputSet
from recordio.index import format_lines

if TYPE_CHECKING:
    from typing_extensions import Self

_BUFFER = 1 << 20  # bytes gathered before a write
_INDEX_LINES = 1 << 16  # lines of an .idx formatted at once
_MAX_KEY = (1 << 64) - 1


class _Sink:
    """Gathers encoded records and hands them to the output in large writes; knows the offset of the next record."""

    def __init__(self, output: OutputFile) -> None:
        self.output = output
        self.offset = 0
        self._pending: list[bytes] = []
        self._pending_size = 0

    def write(self, data: bytes) -> None:
        self._pending.append(data)
        self._pending_size += len(data)
        self.offset += len(data)
        if self._pending_size >= _BUFFER:
            self.flush()

    def write_through(self, data: bytes | bytearray | memoryview) -> None:
        """Write a large block without another copy."""
        self.flush()
        self.output.write(data)
        self.offset += len(data)

    def close(self) -> None:
        """Flush, for the last time: whatever is written later goes to the output at once, which refuses it when closed."""
        self.flush()
        self._pending_size = _BUFFER

    def flush(self) -> None:
        if self._pending:
            self.output.write(b"".join(self._pending))
            self._pending.clear()
            self._pending_size = 0


class Writer:
    """Writes a .rec file without an index.

    Use it with ``with``: the file appears when the block is left, and not at all after an exception.

    Args:
        path: the .rec file.
        force: replace an existing file.

    Raises:
        FileError: the file cannot be written, or exists and *force* is not given.
    """

    def __init__(self, path: str | os.PathLike[str], *, force: bool = False) -> None:
        self._set = OutputSet(force=force)
        self._sink = _Sink(self._set.create(path, main=True))

    def write(self, payload: bytes | bytearray | memoryview) -> int:
        """Append one record and return its offset in bytes.

        Raises:
            PayloadTooLarge: the payload has more than 2**29 - 1 bytes; nothing was written.
            FileError: the write failed.
        """
        offset = self._sink.offset
        self._sink.write(frame.encode(payload))
        return offset

    def close(self) -> None:
        """Write what is pending, sync, and give the file its final name.

        Raises:
            FileError: a write, sync or rename failed; the final name is as it was.
        """
        try:
            self._sink.close()
            self._set.commit()
        finally:
            self._set.discard()

    def discard(self) -> None:
        """Throw away all that was written."""
        self._set.discard()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if kind is None:
            self.close()
        else:
            self.discard()


class IndexedWriter:
    """Writes a .rec file and its .idx. Use it with ``with``: both appear when the block is left, or neither.

    Args:
        rec: the .rec file.
        idx: the .idx file; by default the name of *rec* with the suffix .idx.
        outputs: a set to write into; then whoever owns the set commits it, after :meth:`finish`.
        force: replace existing files.

    Raises:
        FileError: a file cannot be written, or exists and *force* is not given.
    """

    def __init__(
        self,
        rec: str | os.PathLike[str],
        idx: str | os.PathLike[str] | None = None,
        *,
        outputs: OutputSet | None = None,
        force: bool = False,
    ) -> None:
        self._owned = None if outputs is not None else OutputSet(force=force)
        into = outputs if outputs is not None else self._owned
        assert into is not None
        try:
            self.rec = into.create(rec, main=True)
            self.idx = into.create(Path(rec).with_suffix(".idx") if idx is None else idx)
        except BaseException:
            if self._owned is not None:
                self._owned.discard()
            raise
        self._sink = _Sink(self.rec)
        self._committed = False
        self.keys = array("Q")
        self.offsets = array("Q")

    def __len__(self) -> int:
        return len(self.keys)

    @property
    def size(self) -> int:
        """Bytes of the .rec so far."""
        return self._sink.offset

    def write(self, key: int, payload: bytes | bytearray | memoryview) -> int:
        """Append one record under *key* and return its offset in bytes.

        Raises:
            BadHeader: the key is outside 0 to 2**64 - 1.
            PayloadTooLarge: the payload has more than 2**29 - 1 bytes; nothing was written.
            FileError: the write failed.
        """
        key = operator.index(key)
        if not 0 <= key <= _MAX_KEY:
            raise BadHeader(str(self.rec.path), self._sink.offset, f"key {key}, expected 0 to 2**64 - 1")
        data = frame.encode(payload)
        offset = self._sink.offset
        self._sink.write(data)
        self.keys.append(key)
        self.offsets.append(offset)
        return offset

    def write_encoded(self, keys: Iterable[int], sizes: Iterable[int], block: bytes | bytearray | memoryview) -> None:
        """Append records that frame.encode has made already, as one block.

        Args:
            keys: the records' keys, in order.
            sizes: their encoded sizes in bytes, in order.
            block: their bytes; its length is the sum of *sizes*.

        Raises:
            FileError: the write failed.
        """
        ends = array("Q", accumulate(sizes, initial=self._sink.offset))
        if ends[-1] != self._sink.offset + len(block):
            raise ValueError(f"a block of {len(block)} bytes, expected {ends[-1] - self._sink.offset} by its sizes")
        self._sink.write_through(block)
        self.keys.extend(keys)
        self.offsets.extend(ends[:-1])

    def finish(self) -> None:
        """Write what is pending and the .idx, and sync both, without giving them their final names yet.

        Raises:
            FileError: a write failed.
        """
        self._sink.close()
        for start in range(0, len(self.keys), _INDEX_LINES):
            stop = start + _INDEX_LINES
            self.idx.write(format_lines(self.keys[start:stop], self.offsets[start:stop]).encode("ascii"))
        self.rec.close()
        self.idx.close()

    def close(self) -> None:
        """Write what is pending, sync, and give both files their final names; closing twice does nothing.

        Raises:
            FileError: a write, sync or rename failed.
        """
        if self._owned is None:
            raise ValueError("the set that this writer writes into belongs to its caller: use finish()")
        if self._committed:
            return
        try:
            self.finish()
            self._owned.commit()
            self._committed = True
        finally:
            self._owned.discard()

    def discard(self) -> None:
        """Throw away all that was written."""
        if self._owned is not None:
            self._owned.discard()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if kind is None:
            self.close()
        else:
            self.discard()
