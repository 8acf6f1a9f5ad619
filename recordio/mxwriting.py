"""Writing for the drop-in for mxnet.recordio: records with keys of any type, whole under their final names or not at all."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Any

from recordio import files, frame, scan
from recordio.errors import FileError, FormatError
from recordio.outputs import OutputSet

_BUFFER = 1 << 20  # bytes gathered before a write


class Sink:
    """The files that one MXRecordIO writes.

    An old .idx and .sum of the .rec's name would not fit the new file: they go when it appears, unless the program has
    written them itself meanwhile. To one that is gone on with an old .idx fits still.

    Args:
        rec: the .rec file.
        idx: the .idx file, or None.
        append: start with what the files hold now.

    Attributes:
        offset: bytes of the .rec so far.
        old_index: the lines of the .idx that is gone on with.

    Raises:
        FileError: a file cannot be written, or only one of the two exists that are to be gone on with.
        FormatError: the .rec that is to be gone on with is damaged.
    """

    def __init__(self, rec: Path, idx: Path | None, *, append: bool) -> None:
        self.offset = 0
        self.old_index = b""
        self._pending: list[bytes] = []
        self._pending_size = 0
        self._lines: list[str] = []
        self._set = OutputSet(force=True)
        stale = [rec.with_suffix(suffix) for suffix in (".sum", *([] if append else [".idx"]))]
        self._stale = {path: _version(path) for path in stale if path not in (rec, idx)}
        try:
            # No "main" file: that would take whatever .idx is there with it. What is stale is known here better.
            self._rec = self._set.create(rec)
            self._idx = self._set.create(idx) if idx is not None else None
            if append and (rec.exists() or (idx is not None and idx.exists())):
                self._go_on_with(rec, idx)
        except BaseException:
            self._set.discard()
            raise

    def _go_on_with(self, rec: Path, idx: Path | None) -> None:
        for path in (rec, idx):
            if path is not None and not path.exists():
                raise FileError(str(path), "append", errno.ENOENT, f"it does not exist, and {idx if path == rec else rec} does")
        old = files.InputFile(rec)

        def copy(block: memoryview, run: list[tuple[int, bytes]]) -> tuple[int, FormatError | None]:
            self._rec.write(block)
            return len(run), None

        try:
            for _ in scan.runs(old, most=0, check=copy):
                pass
            self.offset = old.size
        finally:
            old.close()
        if idx is not None and self._idx is not None:
            self.old_index = files.read_whole(idx)
            self._idx.write(self.old_index)
            if self.old_index and not self.old_index.endswith(b"\n"):
                self._idx.write(b"\n")

    def write(self, payload: bytes | bytearray | memoryview, key: str | None = None) -> int:
        """Append one record, with its line in the .idx when it has a key, and return its offset.

        Raises:
            PayloadTooLarge: the payload has more than 2**29 - 1 bytes; nothing was written.
            FileError: the write failed.
        """
        data, offset = frame.encode(payload), self.offset
        self._pending.append(data)
        self._pending_size += len(data)
        if self._pending_size >= _BUFFER:
            self._flush()
        self.offset += len(data)
        if key is not None:
            self._lines.append(f"{key}\t{offset}\n")
        return offset

    def _flush(self) -> None:
        self._rec.write(b"".join(self._pending))
        self._pending.clear()
        self._pending_size = 0
        if self._idx is not None:
            self._idx.write("".join(self._lines).encode("utf-8"))
            self._lines.clear()

    def commit(self) -> None:
        """Write what is pending, sync, and give the files their final names.

        Raises:
            FileError: it failed; the final names are as they were.
        """
        try:
            self._flush()
            for path, version in self._stale.items():
                if version is not None and _version(path) == version:
                    self._set.remove(path)
            self._set.commit()
        finally:
            self._set.discard()

    def discard(self) -> None:
        """Throw away what was written."""
        self._set.discard()


def _version(path: Path) -> tuple[Any, ...] | None:
    try:
        status = os.stat(path)
    except OSError:
        return None
    return status.st_ino, status.st_size, status.st_mtime_ns
