"""Three calls of the C library that Python lacks. They let other threads run meanwhile; where they are missing, others do.

`contains` is memmem, twice as quick as bytes.find; `start_writing` is Linux's sync_file_range, which lets the disk work
while a long file is still being written, so that the sync at its end is short; `sync_file_system` is Linux's syncfs.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import functools
import os
from typing import Any

_WRITE = 2  # SYNC_FILE_RANGE_WRITE: start writing dirty pages, do not wait


@functools.cache
def _function(name: str, result: Any, *arguments: Any) -> Any:
    """Return a function of the C library, or None where it has none of that name."""
    if os.name == "nt":
        return None
    with contextlib.suppress(OSError, AttributeError):
        function = getattr(ctypes.CDLL(None), name)
        function.restype, function.argtypes = result, arguments
        return function
    return None


def contains(buffer: bytearray, word: bytes, end: int) -> bool:
    """Tell whether *word* stands anywhere in ``buffer[:end]``."""
    memmem = _function("memmem", ctypes.c_void_p, ctypes.c_void_p, ctypes.c_size_t, ctypes.c_char_p, ctypes.c_size_t)
    if memmem is None:
        return buffer.find(word, 0, end) >= 0
    memory = (ctypes.c_char * len(buffer)).from_buffer(buffer)
    return memmem(ctypes.addressof(memory), end, word, len(word)) is not None


def start_writing(fd: int, offset: int, length: int) -> None:
    """Ask the system to start writing a range of a file to the disk, where it knows how to; nothing is promised."""
    sync = _function("sync_file_range", ctypes.c_int, ctypes.c_int, ctypes.c_int64, ctypes.c_int64, ctypes.c_uint)
    if sync is not None:
        sync(fd, offset, length, _WRITE)


def sync_file_system(folder: str | os.PathLike[str]) -> bool:
    """Make all that was written to a folder's file system durable; False where there is no such call.

    Raises:
        OSError: the system could not.
    """
    sync = _function("syncfs", ctypes.c_int, ctypes.c_int)
    if sync is None:
        return False
    fd = os.open(folder, os.O_RDONLY)
    try:
        if sync(fd):
            raise OSError(errno.EIO, os.strerror(errno.EIO))
    finally:
        os.close(fd)
    return True
