"""MXRecordIO, for recordio.mxnet: the records of a .rec file in order."""

from __future__ import annotations

from array import array
from collections import deque
from collections.abc import Iterator
from itertools import chain
from typing import ClassVar, overload

from recordio import scan
from recordio.files import InputFile
from recordio.mxerrors import as_mxnets
from recordio.mxhandle import Handle

_AHEAD = 1 << 17  # bytes that the first read behind a seek takes; later ones grow


class MXRecordIO(Handle):
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

    _private: ClassVar[tuple[str, ...]] = (*Handle._private, "_ready", "_runs", "_next", "_behind", "_offsets")

    def _clear(self) -> None:
        super()._clear()
        self._ready: deque[tuple[int, bytes]] = deque()
        self._runs: Iterator[list[tuple[int, bytes]]] | None = None
        self._next = 0  # where reading goes on when _runs is None
        self._behind = False  # whether that is behind the record there
        self._offsets: array[int] | None = None

    def _end(self, *, discard: bool) -> None:
        self._runs = None
        self._ready.clear()
        super()._end(discard=discard)

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
        self._reader()  # of a forked process, which has a lock of its own from then on
        with as_mxnets(), self._lock:
            file = self._reader()
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

    def _go_to(self, offset: int) -> None:
        self._ready.clear()
        self._runs, self._next, self._behind = None, offset, False

    def _table(self) -> array[int]:
        """Return the offsets of all records."""
        if self._offsets is None:
            file = self._reader()
            with as_mxnets():
                self._offsets = array("Q", chain.from_iterable(offsets for offsets, _ in scan.heads(file, ids=False)))
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
