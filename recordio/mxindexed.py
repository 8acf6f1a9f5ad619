"""MXIndexedRecordIO, for recordio.mxnet: records by key."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from numbers import Integral
from pathlib import Path
from typing import Any, ClassVar

from recordio import files, frame, index
from recordio.errors import IndexFormatError, KeyMissing, RecordIOError
from recordio.files import InputFile
from recordio.indexed import plain_record, read_record
from recordio.mxerrors import as_mxnets
from recordio.mxfiles import MXRecordIO

_HASHED = 1 << 20  # keys for which a dict is worth its memory


class MXIndexedRecordIO(MXRecordIO):
    """Reads or writes records by key, as ``mxnet.recordio.MXIndexedRecordIO``.

    Of two records with one key, reading finds the last, as in MXNet. ``len``, iteration, indexing and slices follow the lines of
    the .idx: ``record[0]`` is the first record, ``record.read_idx(0)`` the one with the key 0.

    Args:
        idx_path: the .idx file.
        uri: the .rec file.
        flag: "r", "w" or "a".
        key_type: makes a key of the text in the .idx.

    Attributes:
        idx: {key: offset}; made at first use, since 100 million keys take 1.6 GB as arrays and 15 as a dict.
        keys: the keys in the order of the .idx; made at first use.

    Raises:
        MissingFile: one of the files does not exist.
        IndexFormatError: a line of the .idx is not ``key TAB offset``; a ValueError.
    """

    _private: ClassVar[tuple[str, ...]] = (*MXRecordIO._private, "_index", "_idx", "_keys", "fidx")

    def __init__(
        self, idx_path: str | os.PathLike[str], uri: str | os.PathLike[str], flag: str, key_type: Callable[[Any], Any] = int
    ) -> None:
        self.idx_path = os.fspath(idx_path)
        self.key_type = key_type
        self.fidx: Any = None
        super().__init__(uri, flag)

    def _clear(self) -> None:
        super()._clear()
        self._index: index.Index | None = None
        self._idx: dict[Any, int] | None = None
        self._keys: list[Any] | None = None

    def _index_path(self) -> Path | None:
        return Path(self.idx_path)

    def _open_reader(self) -> None:
        super()._open_reader()
        self._load(files.read_whole(self.idx_path) if self.key_type is not int else None)

    def _open_writer(self) -> None:
        super()._open_writer()
        self._keys, self._idx = [], {}
        assert self._sink is not None
        if self._sink.old_index:
            self._parse(self._sink.old_index)

    def _load(self, text: bytes | None) -> None:
        if text is None:
            try:
                self._index = index.load(self.idx_path)
                return
            except IndexFormatError:
                text = files.read_whole(self.idx_path)  # a key below 0 is one for int()
        self._parse(text)

    def _parse(self, text: bytes) -> None:
        """Parse lines with keys of any type."""
        import numpy as np

        keys: list[Any] = []
        offsets: list[int] = []
        for number, line in enumerate(text.decode("utf-8", "surrogateescape").splitlines(), 1):
            fields = line.strip().split("\t")
            try:
                keys.append(self.key_type(fields[0]))
                offsets.append(int(fields[1]))
            except (ValueError, IndexError):
                raise IndexFormatError(self.idx_path, number, f"{line[:60]!r}, expected a key, a tab and an offset") from None
        self._keys, self._idx = keys, dict(zip(keys, offsets, strict=True))
        self._index = index.Index(np.arange(len(keys), dtype=np.uint64), np.array(offsets, np.int64), self.idx_path)

    @property
    def idx(self) -> dict[Any, int]:  # noqa: D102  (the class says it)
        idx = self._idx
        if idx is None:
            arrays = self._index
            idx = self._idx = {} if arrays is None else dict(zip(arrays.keys.tolist(), arrays.offsets.tolist(), strict=True))
        return idx

    @idx.setter
    def idx(self, value: dict[Any, int]) -> None:
        self._idx = value

    @property
    def keys(self) -> list[Any]:  # noqa: D102
        keys = self._keys
        if keys is None:
            arrays = self._index
            keys = self._keys = [] if arrays is None else arrays.keys.tolist()
        return keys

    @keys.setter
    def keys(self, value: list[Any]) -> None:
        self._keys = value

    def _offset(self, key: Any) -> int:
        arrays = self._index
        if self._idx is None and arrays is not None and len(arrays) > _HASHED:
            if not isinstance(key, str) and key == int(key):
                return int(arrays.offsets[arrays.find(int(key), last=True)])
            raise KeyMissing(self.idx_path, key)
        try:
            return self.idx[key]
        except KeyError:
            raise KeyMissing(self.idx_path, key) from None

    def seek(self, idx: Any) -> None:
        """Let :meth:`read` go on at the record with a key.

        Raises:
            AssertionError: it writes.
            KeyMissing: no record has the key; a KeyError.
        """
        self._open_again()
        self._reader()
        self._go_to(self._offset(idx))

    def _open_again(self) -> None:
        if not self.is_open and not self.writable:
            self.open()  # as MXNet does

    def tell(self) -> int:
        """Return the offset of the next record: the one to be written, or the one that :meth:`read` gives."""
        if self._sink is not None:
            return self._sink.offset
        self._reader()  # of a forked process, which has a lock of its own from then on
        with self._lock, as_mxnets():
            file = self._reader()
            while not self._ready:
                if not self._fill(file):
                    return file.size
            return self._ready[0][0]

    def read_idx(self, idx: Any) -> bytes:
        """Return the payload of the record with a key; :meth:`read` goes on behind it.

        One positional read, which threads and forked processes may do at the same time.

        Raises:
            AssertionError: it writes.
            KeyMissing: no record has the key; a KeyError.
            RecordError: no whole record stands at its offset.
        """
        if not self.is_open:
            self._open_again()
        file, arrays = self._reader(), self._index
        assert arrays is not None
        try:
            payload, end = self._usual(idx, file, arrays) or read_record(file, arrays, self._offset(idx))
        except RecordIOError:  # not a context manager around each read, which would cost a tenth of it
            with as_mxnets():
                raise
        if self._ready:
            self._ready.clear()
        self._runs, self._next, self._behind = None, end, False
        return payload

    def _usual(self, key: Any, file: InputFile, arrays: index.Index) -> tuple[bytes, int] | None:
        """Read a record whose offset follows from its key without a search, as in most files; else, or where it is cut, None."""
        if type(key) is not int:
            if not isinstance(key, Integral):
                return None
            key = int(key)
        found = plain_record(file, arrays, key)
        if found is None:
            return None
        data, end, behind = found
        idx = self._idx  # which another thread may make, or drop
        if idx is not None and idx.get(key) != behind - len(data):
            return None  # a program has changed idx
        return data[frame.HEAD_SIZE : end], behind

    def write_idx(self, idx: Any, buf: bytes | bytearray | memoryview) -> None:
        """Append a record under a key, of which ``key_type`` makes the text in the .idx.

        Raises:
            AssertionError: it reads.
            ValueError: the key has a tab or a newline, or ``key_type`` refuses it.
        """
        key = self.key_type(idx)
        text = str(key)
        if "\t" in text or "\n" in text:
            raise ValueError(f"{self.uri}: the key {text!r} has a tab or a newline: the .idx cannot hold it")
        offset = self._append(buf, text)
        self.idx[key] = offset
        self.keys.append(key)

    def _table(self) -> Any:
        self._reader()
        assert self._index is not None
        return self._index.offsets

    def _read_at(self, offset: int) -> bytes:
        assert self._index is not None
        with as_mxnets():
            return read_record(self._reader(), self._index, offset)[0]

    def __len__(self) -> int:
        return len(self.keys) if self.writable else len(self._table())

    def __iter__(self) -> Iterator[bytes]:
        for offset in self._table():
            yield self._read_at(int(offset))

    def __contains__(self, key: Any) -> bool:
        try:
            self._offset(key)
        except (KeyError, ValueError, TypeError):
            return False
        return True
