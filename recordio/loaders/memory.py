"""Memory for batches: where it starts. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

ALIGNMENT: Final = 64  # bytes; JAX takes an array without a copy only if it starts at a multiple of that


def room(shape: tuple[int, ...], dtype: Any) -> NDArray[np.uint8]:
    """Return bytes in which :func:`within` finds an array."""
    return np.empty(int(np.prod(shape, dtype=np.int64)) * np.dtype(dtype).itemsize + ALIGNMENT, np.uint8)


def within(memory: NDArray[np.uint8], shape: tuple[int, ...], dtype: Any) -> NDArray[Any]:
    """Return an array in some bytes, aligned, not initialised. Each view of it refers to these bytes, too."""
    start = -memory.ctypes.data % ALIGNMENT
    array: NDArray[Any] = memory[start : start + len(memory) - ALIGNMENT].view(dtype).reshape(shape)
    return array


def aligned(shape: tuple[int, ...], dtype: Any) -> NDArray[Any]:
    """Return a new array, aligned, not initialised."""
    return within(room(shape, dtype), shape, dtype)


def rows(array: NDArray[Any], numbers: NDArray[np.intp], axis: int = 0) -> NDArray[Any]:
    """Return some rows of an array, which there are, in a new aligned one."""
    out = aligned((*array.shape[:axis], len(numbers), *array.shape[axis + 1 :]), array.dtype)
    return np.take(array, numbers, axis, out, "clip")
