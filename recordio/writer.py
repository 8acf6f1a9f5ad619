"""Writing .rec files with their .idx and .sum: whole under their final names, or not at all."""

from __future__ import annotations

import operator
import os
from array import array
from collections.abc import Iterable, Iterator, Mapping
from itertools import accumulate, pairwise
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

from recordio import checksum, frame
from recordio.errors import BadHeader
from recordio.files import InputFile
from recordio.index import Index, format_lines
from recordio.outputfile import OutputFile
from recordio.outputs import OutputSet
from recordio.sink import Sink

if TYPE_CHECKING:
    from typing_extensions import Self

_INDEX_LINES = 1 << 16  # lines of an .idx formatted at once
_MAX_KEY = (1 << 64) - 1


class Writer:
    """Writes a .rec file without an index. An old .idx or .sum of its name goes when the new file appears.

    Use it with ``with``: the file appears when the block is left, and not at all after an exception.

    Args:
        path: the .rec file.
        force: replace an existing file.

    Raises:
        FileError: the file cannot be written, or exists and *force* is not given.
    """

    def __init__(self, path: str | os.PathLike[str], *, force: bool = False) -> None:
        self._set = OutputSet(force=force)
        try:
            for suffix in (".idx", ".sum"):  # they would not fit the new file; better now than at the end
                if Path(path).with_suffix(suffix).exists():
                    self._set.check_free(Path(path).with_suffix(suffix))
            self._sink = Sink(self._set.create(path, main=True))
        except BaseException:
            self._set.discard()
            raise

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
    """Writes a .rec file, its .idx and its .sum. Use it with ``with``: all appear when the block is left, or none.

    Args:
        rec: the .rec file.
        idx: the .idx file; by default the name of *rec* with the suffix .idx.
        checksums: whether a .sum is written, under the name of *rec* with the suffix .sum; without one an old file of
            that name goes when the set is committed.
        outputs: a set to write into; then whoever owns the set commits it, after :meth:`finish`.
        force: replace existing files.
        tool: what writes the set, for the .sum.
        options: how it is written, for the .sum.
        continued: a temporary .rec of an earlier run, to be gone on with: its records are handed to :meth:`adopt`, then
            :meth:`go_on` is called. Needs *outputs*.

    Raises:
        FileError: a file cannot be written, or exists and *force* is not given.
    """

    def __init__(
        self,
        rec: str | os.PathLike[str],
        idx: str | os.PathLike[str] | None = None,
        *,
        checksums: bool = True,
        outputs: OutputSet | None = None,
        force: bool = False,
        tool: str = "recordio",
        options: Mapping[str, str] | None = None,
        continued: Path | None = None,
    ) -> None:
        self._owned = None if outputs is not None else OutputSet(force=force)
        into = outputs if outputs is not None else self._owned
        assert into is not None
        try:
            self.rec = into.take_over(rec, continued) if continued else into.create(rec, main=True)
            self.idx = into.create(Path(rec).with_suffix(".idx") if idx is None else idx)
            self.sum = into.create(Path(rec).with_suffix(".sum")) if checksums else None
        except BaseException:
            if self._owned is not None:
                self._owned.discard()
            raise
        self._sink = Sink(self.rec)
        if checksums:
            self._sink.digest = checksum.new_digest()
        self._crc = checksum.crc_function()
        self._tool, self._options = tool, options or {}
        self._committed = False
        self._idx = (b"", 0)  # what the .idx starts with, and the records that it is of
        self.keys = array("Q")
        self.offsets = array("Q")
        self._crcs = array(checksum.CRC_TYPE)

    def __len__(self) -> int:
        return len(self.keys)

    @property
    def size(self) -> int:
        """Bytes of the .rec so far."""
        return self._sink.offset

    @property
    def files(self) -> list[OutputFile]:
        """The files that are written: .rec, .idx and, if there is one, .sum."""
        return [self.rec, self.idx, *([self.sum] if self.sum is not None else [])]

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
        if self.sum is not None:
            self._crcs.append(self._crc(data))
        return offset

    def write_encoded(
        self, keys: Iterable[int], sizes: Iterable[int], block: bytes | bytearray | memoryview, crcs: Iterable[int] | None = None
    ) -> None:
        """Append records that frame.encode has made already, as one block.

        Args:
            keys: the records' keys, in order.
            sizes: their encoded sizes in bytes, in order.
            block: their bytes; its length is the sum of *sizes*.
            crcs: the CRC-32 of each, where they have been computed from these very bytes.

        Raises:
            FileError: the write failed.
        """
        start = self._sink.offset
        ends = array("Q", accumulate(sizes, initial=start))
        if ends[-1] != start + len(block):
            raise ValueError(f"a block of {len(block)} bytes, expected {ends[-1] - start} by its sizes")
        self._sink.write_through(block)
        self._note(keys, ends, block, crcs)

    def copy_encoded(self, keys: Iterable[int], sizes: Iterable[int], file: InputFile, offset: int) -> None:
        """Append records that stand in another file one after the other, copied by the kernel where it can.

        Nobody sees the bytes, so nothing could vouch for them: only for a writer without checksums.

        Args:
            keys: the records' keys, in order.
            sizes: their encoded sizes in bytes, in order.
            file: the other file.
            offset: where the first of them starts in it.

        Raises:
            FileError: a read or write failed.
        """
        if self.sum is not None:
            raise ValueError("a writer with checksums has to see the bytes: use write_encoded()")
        start = self._sink.offset
        ends = array("Q", accumulate(sizes, initial=start))
        self._sink.copy(file, offset, ends[-1] - start)
        self._note(keys, ends, b"")

    def adopt_index(self, data: bytes, index: Index, size: int) -> None:
        """Note the records of a .rec of *size* bytes by its .idx, whose content is *data*; the new .idx starts with that.

        Their bytes are not seen, so nothing vouches for them; with checksums they are noted by :meth:`adopt`, before this.
        """
        if self.sum is None:
            order = index.offsets.argsort(kind="stable")
            self.keys.extend(index.keys[order].tolist())
            self.offsets.extend(index.offsets[order].tolist())
            self._sink.offset = size
        self._idx = (data if data.endswith(b"\n") or not data else data + b"\n", len(self.keys))

    def adopt(self, keys: Iterable[int], sizes: Iterable[int], block: bytes, crcs: Iterable[int] | None = None) -> None:
        """Note records that stand in the file already, as :meth:`write_encoded` would have written them."""
        start = self._sink.offset
        self._sink.pass_over(block)
        self._note(keys, array("Q", accumulate(sizes, initial=start)), block, crcs)

    def describe(self, tool: str, options: Mapping[str, str]) -> None:
        """Say what writes the set and how, for the .sum; until :meth:`finish`."""
        self._tool, self._options = tool, options

    def go_on(self) -> None:
        """Cut off what stands in the continued file behind the adopted records; the next is written there.

        Raises:
            FileError: it cannot be cut.
        """
        self.rec.go_on_at(self.size)

    def _note(
        self, keys: Iterable[int], ends: array[int], block: bytes | bytearray | memoryview, crcs: Iterable[int] | None = None
    ) -> None:
        start = ends[0]
        self.keys.extend(keys)
        self.offsets.extend(ends[:-1])
        if self.sum is not None and crcs is not None:
            self._crcs.extend(crcs)
        elif self.sum is not None:
            crc, view = self._crc, memoryview(block)
            self._crcs.extend([crc(view[begin - start : end - start]) for begin, end in pairwise(ends)])

    def finish(self) -> None:
        """Write what is pending, the .idx and the .sum, and sync them, without giving them their final names yet.

        Raises:
            FileError: a write failed.
        """
        self._sink.close()
        digest = checksum.new_digest()
        old, count = self._idx
        if old:
            self.idx.write(old)
            digest.update(old)
        for start in range(count, len(self.keys), _INDEX_LINES):
            stop = start + _INDEX_LINES
            lines = format_lines(self.keys[start:stop], self.offsets[start:stop]).encode("ascii")
            self.idx.write(lines)
            digest.update(lines)
        if self.sum is not None:
            rec = checksum.FileDigest(self.size, self._sink.digest.hexdigest())
            idx = checksum.FileDigest(self.idx.size, digest.hexdigest())
            for piece in checksum.format_sum(self._record_lines(), len(self), rec, idx, self._tool, self._options):
                self.sum.write(piece)
        for file in self.files:
            file.close()

    def _record_lines(self) -> Iterator[str]:
        for start in range(0, len(self.keys), _INDEX_LINES):
            stop = start + _INDEX_LINES
            offsets = self.offsets[start : stop + 1]
            if stop >= len(self.keys):
                offsets.append(self.size)
            lengths = map(operator.sub, offsets[1:], offsets)
            yield checksum.format_records(self.keys[start:stop], offsets[:-1], lengths, self._crcs[start:stop])

    def close(self) -> None:
        """Write what is pending, sync, and give the files their final names; closing twice does nothing.

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
