"""Files of arrays as MXNet's nd.save writes them: a list of arrays with names."""

from __future__ import annotations

import os
import struct
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from recordio import files, outputs
from recordio.errors import FormatError

if TYPE_CHECKING:
    from numpy.typing import NDArray

_LIST: Final = 0x112
_V1, _V2, _V3 = 0xF993FAC8, 0xF993FAC9, 0xF993FACA
_TYPES: Final = ("float32", "float64", "float16", "uint8", "int32", "int8", "int64")  # by MXNet's numbers
_MOST_AXES: Final = 32
_CPU: Final = 1


class _Cursor:
    """Values of a file, one after the other."""

    def __init__(self, data: bytes, source: str) -> None:
        self._data = data
        self._source = source
        self._at = 0

    def fault(self, reason: str) -> FormatError:
        return FormatError(self._source, self._at, reason)

    def take(self, form: str) -> Any:
        length = struct.calcsize(f"<{form}")
        values = struct.unpack(f"<{form}", self.bytes(length))
        return values[0] if len(values) == 1 else values

    def bytes(self, length: int) -> bytes:
        if length > len(self._data) - self._at:
            raise self.fault(f"{len(self._data) - self._at} bytes left, expected {length} more of a file of arrays")
        piece = self._data[self._at : self._at + length]
        self._at += length
        return piece


def load(path: str | os.PathLike[str]) -> tuple[list[NDArray[Any]], list[str]]:
    """Load a file that mxnet.nd.save, or :func:`save`, wrote.

    Returns:
        The arrays, and their names, none when it was a plain list.

    Raises:
        FileError: it cannot be read.
        FormatError: it is no such file, or is damaged, or has sparse arrays.
    """
    return parse(files.read_whole(path), str(path))


def parse(data: bytes, source: str) -> tuple[list[NDArray[Any]], list[str]]:
    """Return the arrays and names in the bytes of such a file; as :func:`load`."""
    cursor = _Cursor(data, source)
    if cursor.take("Q") != _LIST:
        raise FormatError(source, 0, "not a file of arrays as mxnet.nd.save writes them")
    cursor.take("Q")
    arrays = [_load_array(cursor) for _ in range(_count(cursor))]
    names = [cursor.bytes(cursor.take("Q")).decode("utf-8", "replace") for _ in range(_count(cursor))]
    return arrays, names


def _count(cursor: _Cursor) -> int:
    count: int = cursor.take("Q")
    if count > 1 << 20:
        raise cursor.fault(f"{count} arrays, expected fewer")
    return count


def _load_array(cursor: _Cursor) -> NDArray[Any]:
    version = cursor.take("I")
    if version in (_V2, _V3) and cursor.take("i") != 0:
        raise cursor.fault("a sparse array, expected a dense one")
    axes = cursor.take("I") if version in (_V1, _V2, _V3) else version
    if axes > _MOST_AXES:
        raise cursor.fault(f"an array of {axes} axes, expected at most {_MOST_AXES}")
    shape = np.atleast_1d(cursor.take(f"{axes}{'q' if version in (_V1, _V2, _V3) else 'I'}")).tolist() if axes else []
    cursor.take("ii")  # the device it was on
    number = cursor.take("i")
    if not 0 <= number < len(_TYPES) or min(shape, default=0) < 0:
        raise cursor.fault(f"an array of type {number} and shape {shape}, expected a known type and sides of 0 or more")
    kind = np.dtype(_TYPES[number]).newbyteorder("<")
    length = kind.itemsize
    for side in shape:
        length *= side
    return np.frombuffer(cursor.bytes(length), kind).reshape(shape).astype(_TYPES[number])


def save(path: str | os.PathLike[str], arrays: Mapping[str, NDArray[Any]] | Sequence[NDArray[Any]], *, force: bool = False) -> None:
    """Save arrays, with names or as a list, as MXNet 1.x does and loads them; whole or not at all.

    Raises:
        FileError: the file cannot be written, or exists and *force* is not given.
        ValueError: an array has a type that MXNet has not.
    """
    names = list(arrays) if isinstance(arrays, Mapping) else []
    pieces = [struct.pack("<QQQ", _LIST, 0, len(arrays))]
    for name, array in arrays.items() if isinstance(arrays, Mapping) else enumerate(arrays):
        if array.dtype.name not in _TYPES:
            raise ValueError(f"array {name} is {array.dtype.name}, expected one of {', '.join(_TYPES)}")
        head = struct.pack(f"<IiI{array.ndim}q", _V2, 0, array.ndim, *array.shape)
        kind = array.dtype.newbyteorder("<")
        pieces += [head, struct.pack("<iii", _CPU, 0, _TYPES.index(array.dtype.name)), np.ascontiguousarray(array, kind).tobytes()]
    pieces.append(struct.pack("<Q", len(names)))
    pieces += [struct.pack("<Q", len(name.encode())) + name.encode() for name in names]
    outputs.write_whole(path, b"".join(pieces), force=force)
