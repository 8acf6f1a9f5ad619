"""Where writers put their bytes: gathered into few writes, counted, and digested on the way."""

from __future__ import annotations

from typing import Any

from recordio.files import InputFile
from recordio.outputfile import OutputFile

_BUFFER = 1 << 20  # bytes gathered before a write


class Sink:
    """Gathers encoded records and hands them to the output in large writes; knows the offset of the next record."""

    def __init__(self, output: OutputFile) -> None:
        self.output = output
        self.offset = 0
        self.digest: Any = None  # of all bytes, where somebody wants it
        self._pending: list[bytes] = []
        self._pending_size = 0

    def write(self, data: bytes) -> None:
        """Append bytes, which are written when there are enough of them."""
        self._pending.append(data)
        self._pending_size += len(data)
        self.offset += len(data)
        if self._pending_size >= _BUFFER:
            self.flush()

    def write_through(self, data: bytes | bytearray | memoryview) -> None:
        """Write a large block without another copy."""
        self.flush()
        self._put(data)
        self.offset += len(data)

    def copy(self, file: InputFile, offset: int, length: int) -> None:
        """Append a range of another file; only without a digest, for nobody sees the bytes."""
        assert self.digest is None
        self.flush()
        self.output.copy_from(file, offset, length)
        self.offset += length

    def pass_over(self, data: bytes) -> None:
        """Go on behind data that stands in the output already."""
        self.offset += len(data)
        if self.digest is not None:
            self.digest.update(data)

    def close(self) -> None:
        """Flush, for the last time: whatever is written later goes to the output at once, which refuses it when closed."""
        self.flush()
        self._pending_size = _BUFFER

    def flush(self) -> None:
        """Write what is gathered."""
        if self._pending:
            self._put(b"".join(self._pending))
            self._pending.clear()
            self._pending_size = 0

    def _put(self, data: bytes | bytearray | memoryview) -> None:
        self.output.write(data)
        if self.digest is not None:
            self.digest.update(data)
