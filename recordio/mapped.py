"""A file that is mapped into memory instead of read; only for callers that ask for it."""

from __future__ import annotations

import errno
import mmap

from recordio.errors import FileError
from recordio.files import InputFile, telling


class MappedFile(InputFile):
    """As InputFile, without a call of the system for each read. A file that is cut short meanwhile kills the process (SIGBUS).

    Args:
        path: the file.

    Raises:
        FileError: it cannot be opened or mapped.
    """

    def _open(self) -> None:
        super()._open()
        with telling(self.path, "map"):
            # Nothing can be mapped of an empty file, and nothing is read from it either.
            self._map: mmap.mmap | bytes = mmap.mmap(self._fd, 0, access=mmap.ACCESS_READ) if self.size else b""

    def read_at(self, offset: int, length: int) -> bytes:
        """Copy up to *length* bytes from *offset*; fewer only at the file's end.

        Raises:
            FileError: the file is closed.
        """
        try:
            return self._map[offset : offset + length]
        except ValueError:
            raise FileError(self.name, f"read at offset {offset}", errno.EBADF, "it is closed") from None

    def close(self) -> None:
        """Close the file; closing twice does nothing."""
        if isinstance(self._map, mmap.mmap):
            self._map.close()
        super().close()
