"""What MXRecordIO and MXIndexedRecordIO have in common with any open file: opening, closing, writing, pickling."""

from __future__ import annotations

import atexit
import os
import sys
import threading
import warnings
import weakref
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, ClassVar

from recordio.errors import RecordIOError
from recordio.files import InputFile
from recordio.mxerrors import AccessError, MXNetError, as_mxnets
from recordio.mxwriting import Sink

if TYPE_CHECKING:
    from typing_extensions import Self

_STAYING = ("_lock", "pid")  # of what a pickle leaves out, when a reader starts anew
_writers: weakref.WeakValueDictionary[str, Handle] = weakref.WeakValueDictionary()  # those of this process that are open


class _Name(str):
    """A file name; MXNet keeps it as a C string, whose bytes are its ``value``."""

    __slots__ = ()

    @property
    def value(self) -> bytes:
        return os.fsencode(self)


class Handle:
    """A .rec file that is open for reading or for writing. A subclass reads.

    Attributes:
        uri: the file's name.
        flag: "r", "w" or "a".
        is_open: whether it is open.
        writable: whether it writes.
        pid: the process that opened it; None when closed.
        handle: what it reads or writes with; only its truth says anything.
    """

    _private: ClassVar[tuple[str, ...]] = ("handle", "_file", "_sink", "_lock", "pid")  # what a pickle leaves out

    def __init__(self, uri: str | os.PathLike[str], flag: str) -> None:
        self.uri = _Name(os.fspath(uri))
        self.flag = flag
        self.pid: int | None = None
        self.is_open = False
        self.writable = False
        self._discards = False  # whether what is closed now is thrown away
        self._clear()
        self.open()

    def _clear(self) -> None:
        self.handle: Any = None
        self._file: InputFile | None = None
        self._sink: Sink | None = None
        self._lock = threading.Lock()

    def open(self) -> None:
        """Open the file again, from its start; what is open already is closed first."""
        if self.flag not in ("r", "w", "a"):
            raise ValueError(f"Invalid flag {self.flag}: expected r, w or a")
        self._end(discard=False)  # a subclass's close() is called where MXNet calls it, in reset() alone
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
        self._end(discard=self._discards)

    def discard(self) -> None:
        """Close a file that is being written and throw away what was written."""
        self._end(discard=True)

    def _end(self, *, discard: bool) -> None:
        if not self.is_open:
            return
        writing, self.is_open, self.pid = self._is_writing(), False, None
        sink, file = self._sink, self._file
        self._sink = self._file = None
        if file is not None:
            file.close()
        if sink is not None and writing:  # not in a forked child, whose parent goes on with it
            with as_mxnets():
                sink.discard() if discard else sink.commit()

    def reset(self) -> None:
        """Go to the first record again. A file that is written becomes empty, or what it was before in mode "a"."""
        kind = type(self)
        if self.is_open and not self.writable and (kind.open, kind.close) == (Handle.open, Handle.close):
            self._start_anew()
            return
        self._discards = self.writable
        try:
            self.close()
        finally:
            self._discards = False
        self.open()

    def _start_anew(self) -> None:
        """Open what is read a second time, and then go on with that: other threads read meanwhile, or fork."""
        self._reader()  # of a forked process, which has a lock of its own from then on
        other = object.__new__(type(self))
        other.__dict__.update(self.__dict__, is_open=False)
        other._clear()
        with as_mxnets():
            other._open_reader()
        with self._lock:
            self.__dict__.update({name: other.__dict__[name] for name in self._private if name in other.__dict__ and name not in _STAYING})

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
        try:
            with self._lock:
                return sink.write(buf, key)
        except RecordIOError:
            with as_mxnets():
                raise

    def _reader(self) -> InputFile:
        if self.writable:
            raise AssertionError(f"{self.uri}: is open for writing, not for reading")
        if self._file is None:
            raise MXNetError(f"{self.uri}: cannot read: it is closed")
        if self.pid != os.getpid():
            self._lock = threading.Lock()  # a thread of the parent may have held it
            self.pid = os.getpid()
        return self._file

    def _check_pid(self, allow_reset: bool = False) -> None:  # noqa: FBT001, FBT002  (as MXNet)
        """Do nothing. Subclasses call it, since MXNet's must open a file anew in a forked process; here a reader goes on."""

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
        state = {name: value for name, value in self.__dict__.items() if name not in self._private}
        return {**state, "uri": str(self.uri)}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self.uri = _Name(self.uri)
        self.pid = None
        self._clear()
        is_open, self.is_open = self.is_open, False
        if is_open:
            self.open()


def _close_all() -> None:
    """Let files appear that a program has left open, at its end; not those of one that an error has ended."""
    failed = hasattr(sys, "last_value") and not hasattr(sys, "ps1")  # where a prompt is, errors end nothing
    for writer in list(_writers.values()):
        if writer._is_writing():
            if failed:
                warnings.warn(f"{writer.uri}: discarded, as an error ended the program before it was closed", RuntimeWarning, stacklevel=1)
            writer._end(discard=failed)


atexit.register(_close_all)
