"""The errors of the drop-in for mxnet.recordio: ours, and at the same time those that programs for MXNet catch."""

from __future__ import annotations

import contextlib
import errno
import struct
from collections.abc import Iterator

from recordio.errors import BadHeader, BadSample, FileError, FormatError, ImageFormatError, IndexFormatError


class MXNetError(RuntimeError):
    """What MXNet raises for nearly everything that goes wrong below its Python code."""


class RecordError(FormatError, MXNetError):
    """A .rec file breaks a rule of the format; the exact FormatError is its cause."""


class AccessError(FileError, MXNetError):
    """The operating system refused an operation on a .rec or .idx file."""


class MissingFile(AccessError, FileNotFoundError):
    """There is no such file. MXNet raises MXNetError for a .rec and FileNotFoundError for an .idx; this is both."""


class ImageError(ImageFormatError, MXNetError):
    """An image cannot be decoded, or not be made of another."""


class SampleError(BadSample, MXNetError):
    """A loader cannot make a sample of a record or of an image."""


class TextError(IndexFormatError, MXNetError):
    """A line of an .idx, of a list or of a .sum is not as it should be."""


class ArgumentError(MXNetError, TypeError, ValueError):
    """An argument that an iterator does not have, or a value that it cannot have."""


class ShortPayload(BadHeader, struct.error):
    """A payload is too short for its image header."""


@contextlib.contextmanager
def as_mxnets() -> Iterator[None]:
    """Turn our errors into those that are MXNet's as well."""
    try:
        yield
    except MXNetError:
        raise
    except BadSample as error:
        raise SampleError(error.where, error.reason) from error
    except IndexFormatError as error:
        raise TextError(error.source, error.line, error.reason) from error
    except FormatError as error:
        raise RecordError(error.source, error.offset, error.reason) from error
    except ImageFormatError as error:
        raise ImageError(error.reason) from error
    except FileError as error:
        kind = MissingFile if error.errno == errno.ENOENT else AccessError
        raise kind(error.path, error.action, error.errno, error.reason) from error
