"""Every exception of the package. Facts go into the constructor, text is made in ``__str__``; all can be pickled."""

from __future__ import annotations

import os
from typing import Final

REPLACING: Final = "force=True replaces it"  # what helps against an output that exists; the command line has an option for it


class RecordIOError(Exception):
    """Root of all errors that this package raises on purpose."""


class FormatError(RecordIOError, ValueError):
    """A file breaks a rule of the format.

    Attributes:
        source: name of the file (or of the stream) that was read.
        offset: where in it, in bytes from its start.
        reason: what was found there and what was expected.
    """

    def __init__(self, source: str, offset: int, reason: str) -> None:
        super().__init__(source, offset, reason)
        self.source = source
        self.offset = offset
        self.reason = reason

    def __str__(self) -> str:
        return f"{self.source}: offset {self.offset}: {self.reason}"


class BadMagic(FormatError):
    """No magic word stands where a part must start."""


class BadSequence(FormatError):
    """The cflags of a record's parts are not 0, or 1 2* 3."""


class Truncated(FormatError):
    """The file or buffer ends before the record does.

    Attributes:
        needed: bytes that the record needs at the least, counted from its offset.
    """

    def __init__(self, source: str, offset: int, reason: str, needed: int = 0) -> None:
        super().__init__(source, offset, reason)
        self.args = (source, offset, reason, needed)
        self.needed = needed


class BadHeader(FormatError):
    """A payload is too short for its image header, or a header value does not fit its field."""


class PayloadTooLarge(RecordIOError, ValueError):
    """A payload is larger than the format's 29 bits of length can say.

    Attributes:
        size: the payload's size in bytes.
    """

    def __init__(self, size: int) -> None:
        super().__init__(size)
        self.size = size

    def __str__(self) -> str:
        return f"a payload of {self.size} bytes is too large, expected at most {(1 << 29) - 1}"


class ChecksumMismatch(FormatError):
    """A record's bytes are not those that the .sum file vouches for.

    Attributes:
        key: of the record; None where the .sum lists none there.
    """

    def __init__(self, source: str, offset: int, reason: str, key: int | None = None) -> None:
        super().__init__(source, offset, reason)
        self.args = (source, offset, reason, key)
        self.key = key

    def __str__(self) -> str:
        key = f"key {self.key}: " if self.key is not None else ""
        return f"{self.source}: offset {self.offset}: {key}{self.reason}"


class IndexFormatError(RecordIOError, ValueError):
    """A line of an .idx file cannot be read, or does not fit its .rec.

    Attributes:
        source: name of the .idx file.
        line: line number, from 1; 0 for the file as a whole.
        reason: what was found there and what was expected.
    """

    def __init__(self, source: str, line: int, reason: str) -> None:
        super().__init__(source, line, reason)
        self.source = source
        self.line = line
        self.reason = reason

    def __str__(self) -> str:
        return f"{self.source}:{self.line}: {self.reason}" if self.line else f"{self.source}: {self.reason}"


class SumFormatError(IndexFormatError):
    """A line of a .sum file cannot be read, or the file is not as it was written."""


class ListFormatError(IndexFormatError):
    """A line of a .lst file cannot be read."""


class BadSample(RecordIOError, ValueError):
    """A loader cannot make a sample of a record or of an image.

    Attributes:
        where: the file and the key, or the list, the id and the path.
        reason: what is wrong with it.
    """

    def __init__(self, where: str, reason: str) -> None:
        super().__init__(where, reason)
        self.where = where
        self.reason = reason

    def __str__(self) -> str:
        return f"{self.where}: {self.reason}"


class KeyMissing(RecordIOError, KeyError):
    """An index has no such key, or a list no such id.

    Attributes:
        source: name of the .idx file, or of the list.
        key: the key that was asked for.
        what: what there is not.
    """

    def __init__(self, source: str, key: int, what: str = "record has the key") -> None:
        super().__init__(source, key)
        self.args = (source, key, what)
        self.source = source
        self.key = key
        self.what = what

    def __str__(self) -> str:
        return f"{self.source}: no {self.what} {self.key}"


class FileError(RecordIOError, OSError):
    """The operating system refused an operation on a file.

    Attributes:
        path: the file.
        action: what was tried, such as "write" or "open".
        errno: the system's error number, as in OSError.
    """

    def __init__(self, path: str, action: str, errno: int | None, reason: str = "") -> None:
        super().__init__(errno, reason or os.strerror(errno or 0), path)  # what OSError calls errno, strerror, filename
        self.path = path
        self.action = action
        self.errno = errno
        self.reason = reason

    def __str__(self) -> str:
        return f"{self.path}: cannot {self.action}: {self.reason or os.strerror(self.errno or 0)}"

    def __reduce__(self) -> tuple[type[FileError], tuple[str, str, int | None, str]]:
        return type(self), (self.path, self.action, self.errno, self.reason)


class ImageFormatError(RecordIOError, ValueError):
    """The bytes are no whole image, or not one that can be decoded.

    Attributes:
        reason: what is wrong with them.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class CodecMissing(RecordIOError, ImportError):
    """A codec library cannot be loaded; the message says what to install.

    Attributes:
        module: the module that failed to import.
        reason: why, and what to install.
    """

    def __init__(self, module: str, reason: str) -> None:
        super().__init__(module, reason)
        self.module = module
        self.reason = reason

    def __str__(self) -> str:
        return f"{self.module} cannot be loaded: {self.reason}"

    def __reduce__(self) -> tuple[type[CodecMissing], tuple[str, str]]:
        return type(self), (self.module, self.reason)
