"""mxnet.nd: functions that make NDArrays, files of them, and MXNet's operations as functions."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import Any, Final

import numpy as np

from recordio.as_mxnet import imageops, operators, shaping
from recordio.as_mxnet.context import Context, of_new
from recordio.as_mxnet.ndarray import NDArray, apply, plain
from recordio.as_mxnet.randomness import Randomness
from recordio.loaders import ndarrayfile
from recordio.mxerrors import as_mxnets

_FLOAT: Final = np.float32  # MXNet's type where none is named


def array(source_array: Any, ctx: Context | None = None, dtype: Any = None) -> NDArray:
    """Return a copy as an NDArray: of float32 unless *dtype* is given or the source is an NDArray.

    Raises:
        TypeError: it is no array of numbers.
        MXNetError: *ctx* is a GPU; so with the other functions that make arrays.
    """
    if dtype is None:
        dtype = source_array.dtype if isinstance(source_array, NDArray) else _FLOAT
    try:
        return NDArray(np.array(plain(source_array), dtype=dtype, order="C"), of_new(ctx))
    except ValueError as error:
        raise TypeError(f"source_array must be array like object: {error}") from error


def empty(shape: Any, ctx: Context | None = None, dtype: Any = None) -> NDArray:
    """Return an array of zeros; MXNet's has whatever stands in memory."""
    return zeros(shape, ctx, dtype)


def zeros(shape: Any, ctx: Context | None = None, dtype: Any = None, **_: Any) -> NDArray:
    """Return an array of zeros."""
    return NDArray(np.zeros(shape, dtype or _FLOAT), of_new(ctx))


def ones(shape: Any, ctx: Context | None = None, dtype: Any = None, **_: Any) -> NDArray:
    """Return an array of ones."""
    return NDArray(np.ones(shape, dtype or _FLOAT), of_new(ctx))


def full(shape: Any, val: Any, ctx: Context | None = None, dtype: Any = None, out: NDArray | None = None) -> NDArray:
    """Return an array of one value."""
    made = NDArray(np.full(shape, plain(val), dtype or _FLOAT), of_new(ctx))
    return made if out is None else made.copyto(out)


def arange(
    start: float,
    stop: float | None = None,
    step: float = 1.0,
    repeat: int = 1,
    infer_range: Any = None,  # noqa: ARG001  (MXNet's signature)
    ctx: Context | None = None,
    dtype: Any = None,
) -> NDArray:
    """Return evenly spaced numbers, each *repeat* times."""
    begin, end = (0, start) if stop is None else (start, stop)
    return NDArray(np.arange(begin, end, step).repeat(repeat).astype(dtype or _FLOAT), of_new(ctx))


def linspace(start: float, stop: float, num: int, endpoint: bool = True, ctx: Context | None = None, dtype: Any = None) -> NDArray:  # noqa: FBT001, FBT002
    """Return *num* evenly spaced numbers."""
    return NDArray(np.linspace(start, stop, num, endpoint).astype(dtype or _FLOAT), of_new(ctx))


def eye(N: int, M: int = 0, k: int = 0, ctx: Context | None = None, dtype: Any = None) -> NDArray:  # noqa: N803  (MXNet's)
    """Return ones on a diagonal."""
    return NDArray(np.eye(N, M or None, k, dtype or _FLOAT), of_new(ctx))


def concatenate(arrays: Sequence[NDArray], axis: int = 0, always_copy: bool = True) -> NDArray:  # noqa: FBT001, FBT002
    """Join arrays along an axis."""
    if len(arrays) == 1 and not always_copy:
        return arrays[0]
    joined: NDArray = apply(shaping.concat, tuple(arrays), {"dim": axis})
    return joined


def from_numpy(ndarray: Any, zero_copy: bool = True) -> NDArray:  # noqa: FBT001, FBT002
    """Return an NDArray of one of NumPy's, of the same memory unless *zero_copy* is False."""
    return NDArray(ndarray if zero_copy else ndarray.copy())


class _Capsule:
    """A capsule of DLPack, of memory that the processor reads, as NumPy wants it."""

    def __init__(self, capsule: Any) -> None:
        self._capsule = capsule

    def __dlpack__(self, **_: Any) -> Any:
        return self._capsule

    def __dlpack_device__(self) -> tuple[int, int]:
        return 1, 0


class _Writable:
    """Memory of an array that NumPy calls read-only, since a capsule does not say; it stays alive with what is made of it."""

    def __init__(self, array: Any) -> None:
        self._array = array
        described = array.__array_interface__
        self.__array_interface__ = {**described, "data": (described["data"][0], False)}


def from_dlpack(dlpack: Any) -> NDArray:
    """Return an NDArray of the memory of something that speaks DLPack, or of a capsule, as ``to_dlpack_for_read`` makes it.

    Raises:
        TypeError: *dlpack* is neither.
        ValueError: it is a capsule that was used: each can be once.
    """
    if hasattr(dlpack, "__dlpack__"):
        return NDArray(np.from_dlpack(dlpack))
    name = repr(dlpack).split('"')[1:2] if type(dlpack).__name__ == "PyCapsule" else []  # no function of Python's tells it
    if name == ["used_dltensor"]:
        raise ValueError(f"dlpack={dlpack!r}, expected one that was not used: an array can be made of a capsule once")
    if name != ["dltensor"]:
        raise TypeError(f"dlpack={dlpack!r}, expected an array that has __dlpack__, or a capsule of DLPack")
    found: Any = np.from_dlpack(_Capsule(dlpack))
    return NDArray(found if found.flags.writeable else np.asarray(_Writable(found)))


def load(fname: str | os.PathLike[str]) -> Any:
    """Load what mxnet.nd.save wrote: a dict of NDArrays, or a list where they have no names.

    Raises:
        FileError, FormatError: it cannot be read, or is no such file; an MXNetError, too.
    """
    with as_mxnets():
        return _loaded(*ndarrayfile.load(fname))


def load_frombuffer(buf: bytes) -> Any:
    """Return the arrays of a file's bytes, as :func:`load`."""
    with as_mxnets():
        return _loaded(*ndarrayfile.parse(bytes(buf), "<bytes>"))


def _loaded(arrays: list[Any], names: list[str]) -> Any:
    made = [NDArray(one) for one in arrays]
    return dict(zip(names, made, strict=True)) if names else made


def save(fname: str | os.PathLike[str], data: NDArray | Sequence[NDArray] | dict[str, NDArray]) -> None:
    """Save an NDArray, a list or a dict of them, as mxnet.nd.save does; the file appears whole.

    Raises:
        ValueError: *data* is nothing of these.
        FileError: it cannot be written.
    """
    if isinstance(data, NDArray):
        data = [data]
    each = list(data.values()) if isinstance(data, dict) else data
    if not isinstance(each, (list, tuple)) or not all(isinstance(one, NDArray) for one in each):
        raise ValueError(f"data is a {type(data).__name__}, expected an NDArray, a list or a dict of them")
    with as_mxnets():
        ndarrayfile.save(fname, plain(data if isinstance(data, dict) else list(each)), force=True)


def waitall() -> None:
    """Do nothing: what was asked for has been computed."""


def _function(name: str, act: Callable[..., Any]) -> Callable[..., Any]:
    def call(*given: Any, **named: Any) -> Any:
        first = named.pop("data", None)  # by name as well as by position
        return apply(act, given if first is None else (first, *given), named)

    call.__name__, call.__doc__ = name, f"MXNet's operation {name}."
    return call


OFFERED: Final[dict[str, Any]] = {
    **{name: _function(name, act) for name, act in operators.FUNCTIONS.items()},
    **{
        function.__name__: function
        for function in (
            array, empty, zeros, ones, full, arange, linspace, eye, concatenate, from_numpy, from_dlpack, waitall, load, load_frombuffer,
            save,
        )
    },
    "NDArray": NDArray,
    "to_dlpack_for_read": lambda data: data.to_dlpack_for_read(),
    "to_dlpack_for_write": lambda data: data.to_dlpack_for_write(),
    "uniform": Randomness.uniform, "random_uniform": Randomness.uniform, "normal": Randomness.normal,
    "random_normal": Randomness.normal, "random_randint": Randomness.randint, "shuffle": Randomness.shuffle,
    "random_exponential": Randomness.exponential, "random_poisson": Randomness.poisson, "random_gamma": Randomness.gamma,
    "sample_uniform": Randomness.uniform, "sample_normal": Randomness.normal, "sample_multinomial": Randomness.multinomial,
    "_DTYPE_NP_TO_MX": {np.float32: 0, np.float64: 1, np.float16: 2, np.uint8: 3, np.int32: 4, np.int8: 5, np.int64: 6, np.bool_: 7},
    "_DTYPE_MX_TO_NP": {0: np.float32, 1: np.float64, 2: np.float16, 3: np.uint8, 4: np.int32, 5: np.int8, 6: np.int64, 7: np.bool_},
}  # fmt: skip
IMAGES: Final[dict[str, Any]] = {name: _function(name, act) for name, act in imageops.FUNCTIONS.items()}
CONTRIB: Final[dict[str, Any]] = {"boolean_mask": _function("boolean_mask", shaping.boolean_mask)}
