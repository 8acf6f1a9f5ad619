"""What MXNet's operators do to the shape and the places of elements, on NumPy's arrays."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

import numpy as np

from recordio.as_mxnet.elementwise import Array


def index(at: Any) -> Any:
    """Return an index for NumPy: whole numbers in arrays of floats, as MXNet's are by default, count as integers."""
    if isinstance(at, tuple):
        return tuple(map(index, at))
    return at.astype(np.int64) if isinstance(at, np.ndarray) and at.dtype.kind == "f" else at


def reshape(data: Array, shape: Any, reverse: bool = False) -> Array:  # noqa: FBT001, FBT002  (MXNet's signature)
    """Return the array in another shape, with MXNet's codes: 0 keeps an axis, -1 is what is left, -2 all further axes,
    -3 two axes as one, -4 one axis as the next two; *reverse* reads them from the right.
    """  # noqa: D205
    shape = (shape,) if isinstance(shape, (int, np.integer)) else shape
    codes = [int(side) for side in shape]
    if reverse:
        return data.reshape(_decoded(data.shape[::-1], codes[::-1])[::-1])
    return data.reshape(_decoded(data.shape, codes))


def _decoded(old: tuple[int, ...], codes: list[int]) -> list[int]:
    """Resolve MXNet's codes for shapes."""
    new: list[int] = []
    at, rest = 0, iter(codes)
    for code in rest:
        if code == 0:
            new.append(old[at])
            at += 1
        elif code == -2:
            new += old[at:]
            at = len(old)
        elif code == -3:
            new.append(old[at] * old[at + 1])
            at += 2
        elif code == -4:
            first, second = next(rest), next(rest)
            new += [first if first != -1 else old[at] // second, second if second != -1 else old[at] // first]
            at += 1
        else:
            new.append(code)
            at += 1
    return new


def transpose(data: Array, axes: Sequence[int] | None = None) -> Array:
    """Return the array with its axes in another order, the reverse one by default."""
    return data.transpose(tuple(axes) if axes else None)


def flatten(data: Array) -> Array:
    """Return the array with all axes but the first as one."""
    return data.reshape(data.shape[0], -1)


def slice_(data: Array, begin: Any, end: Any, step: Any = ()) -> Array:
    """Return a part of each of the first axes."""
    begin, end, step = ([one] if one is None or isinstance(one, int) else [*one] for one in (begin, end, step))
    return data[tuple(map(slice, begin, end, [*step, *[None] * (len(begin) - len(step))]))]


def slice_axis(data: Array, axis: int, begin: int, end: int | None) -> Array:
    """Return a part of one axis."""
    at: list[Any] = [slice(None)] * data.ndim
    at[axis] = slice(begin, end)
    return data[tuple(at)]


def slice_like(data: Array, shape_like: Array, axes: Sequence[int] = ()) -> Array:
    """Return as much of the axes as another array has."""
    at: list[Any] = [slice(None)] * data.ndim
    for axis in axes or range(data.ndim):
        at[axis] = slice(shape_like.shape[axis])
    return data[tuple(at)]


def split(data: Array, num_outputs: int, axis: int = 1, squeeze_axis: bool = False) -> Any:  # noqa: FBT001, FBT002
    """Return equal parts of an axis; a single one not in a list."""
    parts = [part.squeeze(axis) if squeeze_axis else part for part in np.split(data, num_outputs, axis)]
    return parts if num_outputs > 1 else parts[0]


def one_hot(indices: Array, depth: int, on_value: float = 1.0, off_value: float = 0.0, dtype: Any = "float32") -> Array:
    """Return a new last axis with *on_value* where each element says."""
    hot = indices[..., None].astype(np.int64) == np.arange(depth)
    return np.where(hot, on_value, off_value).astype(dtype)


def pad(data: Array, mode: str = "constant", pad_width: Any = (), constant_value: float = 0) -> Array:
    """Return the array with more elements around: *pad_width* has two numbers for each axis."""
    pairs = np.asarray(pad_width).reshape(-1, 2)
    more = {"constant_values": constant_value} if mode == "constant" else {}
    return np.pad(data, pairs, mode, **more)  # type: ignore[call-overload]


def flip(data: Array, axis: Any) -> Array:
    """Return the array with an axis, or several, the other way round."""
    return np.flip(data, tuple(axis) if isinstance(axis, (list, tuple)) else axis)


def broadcast_to(data: Array, shape: Sequence[int]) -> Array:
    """Return the array repeated along its axes of 1; 0 in *shape* keeps an axis."""
    return np.broadcast_to(data, [new or old for new, old in zip(shape, data.shape, strict=True)]).copy()


def broadcast_axis(data: Array, axis: Any = (), size: Any = ()) -> Array:
    """Return the array with axes of 1 repeated to *size*."""
    axes, sizes = ([one] if isinstance(one, int) else [*one] for one in (axis, size))
    shape = list(data.shape)
    for at, side in zip(axes, sizes, strict=True):
        shape[at] = side
    return np.broadcast_to(data, shape).copy()


def take(a: Array, indices: Array, axis: int = 0, mode: str = "clip") -> Array:
    """Return the elements of an axis that *indices* names; those beyond it are cut to its ends, or wrap."""
    return np.take(a, np.asarray(index(np.asarray(indices)), np.int64), axis, mode=mode)  # type: ignore[call-overload]


def gather_nd(data: Array, indices: Array) -> Array:
    """Return the elements at places: the first axis of *indices* has a row for each axis."""
    return data[tuple(indices.astype(np.int64))]


def concat(*data: Array, dim: int = 1) -> Array:
    """Join arrays along an axis."""
    return np.concatenate(data, dim)


def stack(*data: Array, axis: int = 0) -> Array:
    """Join arrays along a new axis."""
    return np.stack(data, axis)


def unravel_index(data: Array, shape: Sequence[int]) -> Array:
    """Return the places along each axis of numbers of elements."""
    return np.stack(np.unravel_index(data.astype(np.int64), tuple(shape))).astype(data.dtype)


def ravel_multi_index(data: Array, shape: Sequence[int]) -> Array:
    """Return the numbers of elements at places along each axis."""
    return np.asarray(np.ravel_multi_index(tuple(data.astype(np.int64)), tuple(shape))).astype(data.dtype)


def boolean_mask(data: Array, index: Array, axis: int = 0) -> Array:
    """Return the rows where *index* is not 0."""
    return np.compress(np.not_equal(index, 0), data, axis)


FUNCTIONS: Final[dict[str, Callable[..., Any]]] = {
    "reshape": reshape, "Reshape": reshape, "transpose": transpose, "flatten": flatten, "Flatten": flatten, "slice": slice_,
    "crop": slice_, "slice_axis": slice_axis, "slice_like": slice_like, "split": split, "SliceChannel": split, "one_hot": one_hot,
    "pad": pad, "Pad": pad, "flip": flip, "reverse": flip, "broadcast_to": broadcast_to, "broadcast_axis": broadcast_axis,
    "broadcast_axes": broadcast_axis, "take": take, "gather_nd": gather_nd, "concat": concat, "Concat": concat, "stack": stack,
    "unravel_index": unravel_index, "ravel_multi_index": ravel_multi_index,
    "expand_dims": np.expand_dims,
    "squeeze": lambda data, axis=None: np.squeeze(data, tuple(axis) if isinstance(axis, list) else axis),
    "swapaxes": lambda data, dim1=0, dim2=0: np.swapaxes(data, dim1, dim2),
    "SwapAxis": lambda data, dim1=0, dim2=0: np.swapaxes(data, dim1, dim2),
    "tile": np.tile, "repeat": np.repeat,
    "diag": np.diag, "moveaxis": np.moveaxis,
    "reshape_like": lambda lhs, rhs: lhs.reshape(rhs.shape), "broadcast_like": lambda lhs, rhs: np.broadcast_to(lhs, rhs.shape).copy(),
    "shape_array": lambda data: np.array(data.shape, np.int64), "size_array": lambda data: np.array([data.size], np.int64),
    "dot": lambda lhs, rhs, transpose_a=False, transpose_b=False: np.tensordot(
        lhs.T if transpose_a else lhs, rhs.T if transpose_b else rhs, 1
    ),
    "batch_dot": lambda lhs, rhs, transpose_a=False, transpose_b=False: np.matmul(
        lhs.swapaxes(1, 2) if transpose_a else lhs, rhs.swapaxes(1, 2) if transpose_b else rhs
    ),
}  # fmt: skip
