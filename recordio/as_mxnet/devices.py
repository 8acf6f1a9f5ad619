"""mxnet.gluon.utils, mxnet.kvstore and mxnet.test_utils: batches cut for several devices, one process, comparisons of arrays."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np

from recordio.as_mxnet.context import Context, current_context
from recordio.as_mxnet.ndarray import NDArray, plain
from recordio.as_mxnet.randomness import Randomness
from recordio.as_mxnet.standin import NameMissing


def split_data(data: NDArray, num_slice: int, batch_axis: int = 0, even_split: bool = True) -> list[NDArray]:  # noqa: FBT001, FBT002
    """Cut an array into *num_slice* parts along an axis.

    Raises:
        ValueError: they would not be equal, and are to be.
    """
    size = data.shape[batch_axis]
    if even_split and size % num_slice:
        raise ValueError(f"{size} rows cannot be cut into {num_slice} equal parts: even_split=False allows others")
    step, more = divmod(size, num_slice)
    ends = [step * number + min(number, more) for number in range(num_slice + 1)]  # the first are longer by one
    return [data.slice_axis(batch_axis, begin, end) for begin, end in itertools.pairwise(ends)]


def split_and_load(data: Any, ctx_list: list[Context], batch_axis: int = 0, even_split: bool = True) -> list[NDArray]:  # noqa: FBT001, FBT002
    """Cut an array into a part for each context."""
    array = data if isinstance(data, NDArray) else NDArray(data)
    parts = split_data(array, len(ctx_list), batch_axis, even_split)
    return [part.as_in_context(context) for part, context in zip(parts, ctx_list, strict=True)]


def same(a: Any, b: Any) -> bool:
    """Tell whether two arrays are equal."""
    return bool(np.array_equal(plain(a), plain(b)))


def almost_equal(a: Any, b: Any, rtol: float | None = None, atol: float | None = None, equal_nan: bool = False) -> bool:  # noqa: FBT001, FBT002
    """Tell whether two arrays are nearly equal."""
    return bool(np.allclose(plain(a), plain(b), 1e-5 if rtol is None else rtol, 1e-20 if atol is None else atol, equal_nan))


def assert_almost_equal(a: Any, b: Any, rtol: float | None = None, atol: float | None = None, **_: Any) -> None:
    """Raise an AssertionError unless two arrays are nearly equal."""
    np.testing.assert_allclose(plain(a), plain(b), 1e-5 if rtol is None else rtol, 1e-20 if atol is None else atol)


def default_context() -> Context:
    """Return the current context."""
    return current_context()


def set_default_context(ctx: Context) -> None:
    """Make a context the current one."""
    Context._current[:] = [ctx]


def list_gpus() -> range:
    """Return no number: no array is ever put on a GPU."""
    return range(0)


def rand_ndarray(shape: tuple[int, ...], stype: str = "default", dtype: Any = None, **_: Any) -> NDArray:
    """Return random numbers from -1 to 1."""
    if stype != "default":
        raise ValueError(f"stype={stype!r}, expected 'default': sparse arrays are not offered")
    return Randomness.uniform(-1, 1, shape, dtype)


class KVStore:
    """A process by itself: the first of one. Nothing is stored.

    Attributes:
        type: "local" or the like.
        rank: 0.
        num_workers: 1.
    """

    def __init__(self, name: str) -> None:
        self.type = name
        self.rank = 0
        self.num_workers = 1

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        raise NameMissing(f"mxnet.kvstore.KVStore.{name}")


def create(name: str = "local") -> KVStore:
    """Return what tells the rank of this process and how many there are, for part_index and num_parts.

    Raises:
        NameMissing: *name* is that of processes that work together.
    """
    if not name.startswith(("local", "device", "nccl")):
        raise NameMissing(f"mxnet.kvstore.create({name!r})")
    return KVStore(name)
