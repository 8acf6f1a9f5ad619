"""MXRecordIO and MXIndexedRecordIO, for recordio.mxnet."""

from __future__ import annotations

import atexit
import os
import sys
import threading
import warnings
import weakref
from array import array
from collections import deque
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, overload

from recordio import files, index, scan
from recordio.errors import IndexFormatError, KeyMissing
from recordio.files import InputFile
from recordio.indexed import read_record
from recordio.mxerrors import AccessError, MXNetError, as_mxnets
from recordio.mxwriting import Sink

if TYPE_CHECKING:
    from typing_extensions import Self

_AHEAD = 1 << 17  # bytes that the first read behind a seek takes; later ones grow
_HASHED = 1 << 20  # keys for which a dict is worth its memory
_PRIVATE = (
    "handle",
    "_file",
    "_sink",
    "_lock",
    "_ready",
    "_runs",
    "_next",
    "_behind",
    "_offsets",
    "_index",
    "_idx",
    "_keys",
    "fidx",
    "pid",
)

_writers: weakref.WeakValueDictionary[str, MXRecordIO] = weakref.WeakValueDictionary()  # those of this process that are open


class _Name(str):
    """A file name; MXNet keeps it as a C string, whose bytes are its ``value``."""

    __slots__ = ()

    @property
    def value(self) -> bytes:
        return os.fsencode(self)


class MXRecordIO:
    """Reads or writes the records of a .rec file in order, as ``mxnet.recordio.MXRecordIO``.

    A reader may be shared by threads, which each get other records, and by forked processes, which each go on for themselves.
    A file that is written appears when it is closed: by :meth:`close`, by leaving a ``with`` block, when the object goes, or at
    the end of the program. An exception in the ``with`` block, or one that ends the program, leaves the old file.

    Args:
        uri: the .rec file.
        flag: "r" reads, "w" writes a new file, "a" goes on with one.

    Attributes:
        uri: the file's name.
        flag: as above.
        is_open: whether it is open.
        writable: whether it writes.
        pid: the process that opened it; None when closed.
        handle: what it reads or writes with; only its truth says anything.

    Raises:
        ValueError: another flag.
        MissingFile: there is no such file; an MXNetError and a FileNotFoundError.
        AccessError: it cannot be opened or written, or this or another process is writing it; an MXNetError and an OSError.
    """

    def __init__(self, uri: str | os.PathLike[str], flag: str) -> None:
        self.uri = _Name(os.fspath(uri))
        self.flag = flag
        self.pid: int | None = None
        self.is_open = False
        self.writable = False
        self._clear()
        self.open()

    def _clear(self) -> None:
        self.handle: Any = None
        self._file: InputFile | None = None
        self._sink: Sink | None = None
        self._lock = threading.Lock()
        self._ready: deque[tuple[int, bytes]] = deque()
        self._runs: Iterator[list[tuple[int, bytes]]] | None = None
        self._next = 0  # where reading goes on when _runs is None
        self._behind = False  # whether that is behind the record there
        self._offsets: array[int] | None = None

    def open(self) -> None:
        """Open the file again, from its start; what is open already is closed first."""
        if self.flag not in ("r", "w", "a"):
            raise ValueError(f"Invalid flag {self.flag}: expected r, w or a")
        self.close()
        self.writable = self.flag != "r"
        self._clear()
        with as_mxnets():
            self._open_writer() if self.writable else self._open_reader()
        self.pid = os.getpid()
        self.is_open = True

    def _open_reader(self) -> None:
        other = _writers.get(os.path.realpath(self.uri))
        if other is not None and other._is_writing():
            raise AccessError(self.uri, "read", None, "this program is writing it, and it appears when that is closed: close() comes first")
        self.handle = self._file = InputFile(self.uri)

    def _open_writer(self) -> None:
        name = os.path.realpath(self.uri)
        other = _writers.get(name)
        if other is not None and other._is_writing():
            other.close()  # as when a cell of a notebook is run again
        self.handle = self._sink = Sink(Path(self.uri), self._index_path(), append=self.flag == "a")
        _writers[name] = self

    def _index_path(self) -> Path | None:
        return None

    def _is_writing(self) -> bool:
        return self.is_open and self.writable and self.pid == os.getpid()

    def close(self) -> None:
        """Close the file. One that was written appears under its name now; closing twice does nothing.

        Raises:
            AccessError: it could not be written; what stood under the name stands there still.
        """
        self._end(discard=False)

    def discard(self) -> None:
        """Close a file that is being written and throw away what was written."""
        self._end(discard=True)

    def _end(self, *, discard: bool) -> None:
        if not self.is_open:
            return
        writing, self.is_open, self.pid = self._is_writing(), False, None
        sink, file = self._sink, self._file
        self._sink = self._file = self._runs = None
        self._ready.clear()
        if file is not None:
            file.close()
        if sink is not None and writing:  # not in a forked child, whose parent goes on with it
            with as_mxnets():
                sink.discard() if discard else sink.commit()

    def reset(self) -> None:
        """Go to the first record again. A file that is written becomes empty, or what it was before in mode "a"."""
        self._end(discard=self.writable)
        self.open()

    def write(self, buf: bytes | bytearray | memoryview) -> None:
        """Append a record.

        Raises:
            AssertionError: it reads.
            MXNetError: it is closed, or was opened by another process, or the write failed.
            PayloadTooLarge: it has more than 2**29 - 1 bytes.
        """
        self._append(buf, None)

    def _append(self, buf: bytes | bytearray | memoryview, key: str | None) -> int:
        if not self.writable:
            raise AssertionError(f"{self.uri}: is open for reading, not for writing")
        sink = self._sink
        if sink is None or self.pid != os.getpid():
            raise MXNetError(f"{self.uri}: cannot write: it is " + ("closed" if sink is None else "being written by another process"))
        with as_mxnets(), self._lock:
            return sink.write(buf, key)

    def read(self) -> bytes | None:
        """Return the next record's payload, or None at the end.

        Raises:
            AssertionError: it writes.
            RecordError: the file is damaged, at which offset; an MXNetError and a FormatError.
            MXNetError: it is closed.
        """
        try:
            return self._ready.popleft()[1]
        except IndexError:
            return self._read_on()

    def _read_on(self) -> bytes | None:
        file = self._reader()
        with as_mxnets(), self._lock:
            while not self._ready:  # another thread may have filled it meanwhile
                if not self._fill(file):
                    return None
                try:
                    return self._ready.popleft()[1]
                except IndexError:  # taken by others at once
                    continue
            return self._ready.popleft()[1]

    def _fill(self, file: InputFile) -> bool:
        """Read the next records; a fault stays where it is, for the next call."""
        runs, behind = self._runs, False
        if runs is None:
            runs, behind = scan.runs(file, start=self._next, first=_AHEAD if self._next else 0), self._behind
        self._runs = None
        run = next(runs, None)
        if run is None:
            return False
        self._runs, self._next, self._behind = runs, run[-1][0], True
        self._ready.extend(run[behind:])
        return True

    def _reader(self) -> InputFile:
        if self.writable:
            raise AssertionError(f"{self.uri}: is open for writing, not for reading")
        if self._file is None:
            raise MXNetError(f"{self.uri}: cannot read: it is closed")
        if self.pid != os.getpid():
            self._lock = threading.Lock()  # a thread of the parent may have held it
            self.pid = os.getpid()
        return self._file

    def _go_to(self, offset: int) -> None:
        self._ready.clear()
        self._runs, self._next, self._behind = None, offset, False

    def _table(self) -> array[int]:
        """Return the offsets of all records."""
        if self._offsets is None:
            file = self._reader()
            with as_mxnets():
                self._offsets = array("Q", (offset for run in scan.runs(file, most=0) for offset, _ in run))
        return self._offsets

    def _read_at(self, offset: int) -> bytes:
        with as_mxnets():
            run = next(scan.runs(self._reader(), start=offset, first=_AHEAD))
        return run[0][1]

    def __len__(self) -> int:
        return len(self._table())

    def __bool__(self) -> bool:
        return True

    def __iter__(self) -> Iterator[bytes]:
        """Yield all payloads from the first on; :meth:`read` goes on where it was."""
        file = self._reader()
        with as_mxnets():
            for run in scan.runs(file):
                for _, payload in run:
                    yield payload

    @overload
    def __getitem__(self, at: int) -> bytes: ...
    @overload
    def __getitem__(self, at: slice) -> list[bytes]: ...
    def __getitem__(self, at: int | slice) -> bytes | list[bytes]:
        """Return the payload at a position counted from 0, or a list of those of a slice."""
        table = self._table()
        if isinstance(at, slice):
            return [self._read_at(int(offset)) for offset in table[at]]
        return self._read_at(int(table[at]))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._end(discard=kind is not None)

    def __del__(self) -> None:
        if getattr(self, "is_open", False):
            self.close()

    def __getstate__(self) -> dict[str, Any]:
        if self._is_writing():
            raise TypeError(f"{self.uri}: cannot be pickled while it is being written")
        state = {name: value for name, value in self.__dict__.items() if name not in _PRIVATE}
        return {**state, "uri": str(self.uri)}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self.uri = _Name(self.uri)
        self.pid = None
        self._clear()
        is_open, self.is_open = self.is_open, False
        if is_open:
            self.open()


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
        if self._idx is None:
            arrays = self._index
            self._idx = {} if arrays is None else dict(zip(arrays.keys.tolist(), arrays.offsets.tolist(), strict=True))
        return self._idx

    @idx.setter
    def idx(self, value: dict[Any, int]) -> None:
        self._idx = value

    @property
    def keys(self) -> list[Any]:  # noqa: D102
        if self._keys is None:
            self._keys = [] if self._index is None else self._index.keys.tolist()
        return self._keys

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
        file = self._reader()
        with self._lock, as_mxnets():
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
        self._open_again()
        file, arrays = self._reader(), self._index
        assert arrays is not None
        with as_mxnets():
            payload, end = read_record(file, arrays, self._offset(idx))
        if self._ready:
            self._ready.clear()
        self._runs, self._next, self._behind = None, end, False
        return payload

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


def _close_all() -> None:
    """Let files appear that a program has left open, at its end; not those of one that an error has ended."""
    failed = hasattr(sys, "last_value") and not hasattr(sys, "ps1")  # where a prompt is, errors end nothing
    for writer in list(_writers.values()):
        if writer._is_writing():
            if failed:
                warnings.warn(f"{writer.uri}: discarded, as an error ended the program before it was closed", RuntimeWarning, stacklevel=1)
            writer._end(discard=failed)


atexit.register(_close_all)
