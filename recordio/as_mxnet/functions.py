"""mxnet.nd: functions that make and combine NDArrays, each one of NumPy's under MXNet's name."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

import numpy as np

from recordio.as_mxnet.ndarray import Context, NDArray, plain
from recordio.loaders import ndarrayfile
from recordio.mxerrors import as_mxnets

_FLOAT: Final = np.float32  # MXNet's type where none is named
_METHODS: Final = (
    "abs sqrt cbrt square exp expm1 log log2 log10 log1p sin cos tan arcsin arccos arctan sinh cosh tanh floor ceil trunc fix rint "
    "round sign degrees radians reciprocal nansum nanprod sum mean max min prod argmax argmin argsort sort expand_dims squeeze swapaxes "
    "flip tile repeat clip diag zeros_like ones_like broadcast_to take norm reshape_like broadcast_like transpose reshape flatten slice "
    "slice_axis split one_hot pad"
).split()
_PAIRS: Final[dict[str, Any]] = {
    "add": np.add, "subtract": np.subtract, "multiply": np.multiply, "divide": np.divide, "true_divide": np.divide, "modulo": np.mod,
    "power": np.power, "maximum": np.maximum, "minimum": np.minimum, "equal": np.equal, "not_equal": np.not_equal, "greater": np.greater,
    "greater_equal": np.greater_equal, "lesser": np.less, "lesser_equal": np.less_equal, "logical_and": np.logical_and,
    "logical_or": np.logical_or, "logical_xor": np.logical_xor, "dot": np.dot, "broadcast_add": np.add, "broadcast_plus": np.add,
    "broadcast_sub": np.subtract, "broadcast_minus": np.subtract, "broadcast_mul": np.multiply, "broadcast_div": np.divide,
    "broadcast_mod": np.mod, "broadcast_power": np.power, "broadcast_maximum": np.maximum, "broadcast_minimum": np.minimum,
    "broadcast_equal": np.equal, "broadcast_greater": np.greater, "broadcast_lesser": np.less, "elemwise_add": np.add,
    "elemwise_sub": np.subtract, "elemwise_mul": np.multiply, "elemwise_div": np.divide, "batch_dot": np.matmul,
}  # fmt: skip


def array(source_array: Any, ctx: Context | None = None, dtype: Any = None) -> NDArray:
    """Return a copy as an NDArray: of float32 unless *dtype* is given or the source is an NDArray."""
    if dtype is None:
        dtype = source_array.dtype if isinstance(source_array, NDArray) else _FLOAT
    return NDArray(np.array(plain(source_array), dtype=dtype), ctx)


def empty(shape: Any, ctx: Context | None = None, dtype: Any = None) -> NDArray:
    """Return an array of zeros; MXNet's has whatever stands in memory."""
    return zeros(shape, ctx, dtype)


def zeros(shape: Any, ctx: Context | None = None, dtype: Any = None, **_: Any) -> NDArray:
    """Return an array of zeros."""
    return NDArray(np.zeros(shape, dtype or _FLOAT), ctx)


def ones(shape: Any, ctx: Context | None = None, dtype: Any = None, **_: Any) -> NDArray:
    """Return an array of ones."""
    return NDArray(np.ones(shape, dtype or _FLOAT), ctx)


def full(shape: Any, val: Any, ctx: Context | None = None, dtype: Any = None, out: NDArray | None = None) -> NDArray:
    """Return an array of one value."""
    made = NDArray(np.full(shape, val, dtype or _FLOAT), ctx)
    return made if out is None else made.copyto(out)


def arange(
    start: float, stop: float | None = None, step: float = 1.0, repeat: int = 1, ctx: Context | None = None, dtype: Any = None
) -> NDArray:
    """Return evenly spaced numbers, each *repeat* times."""
    begin, end = (0, start) if stop is None else (start, stop)
    return NDArray(np.arange(begin, end, step).repeat(repeat).astype(dtype or _FLOAT), ctx)


def linspace(start: float, stop: float, num: int, endpoint: bool = True, ctx: Context | None = None, dtype: Any = None) -> NDArray:  # noqa: FBT001, FBT002
    """Return *num* evenly spaced numbers."""
    return NDArray(np.linspace(start, stop, num, endpoint).astype(dtype or _FLOAT), ctx)


def eye(N: int, M: int = 0, k: int = 0, ctx: Context | None = None, dtype: Any = None) -> NDArray:  # noqa: N803  (MXNet's)
    """Return ones on a diagonal."""
    return NDArray(np.eye(N, M or None, k, dtype or _FLOAT), ctx)


def concat(*data: NDArray, dim: int = 1) -> NDArray:
    """Join arrays along an axis."""
    return NDArray(np.concatenate([plain(one) for one in data], dim))


def concatenate(arrays: Sequence[NDArray], axis: int = 0, always_copy: bool = True) -> NDArray:  # noqa: FBT001, FBT002
    """Join arrays along an axis."""
    if len(arrays) == 1 and not always_copy:
        return arrays[0]
    return NDArray(np.concatenate([plain(one) for one in arrays], axis))


def stack(*data: Any, axis: int = 0) -> NDArray:
    """Join arrays along a new axis."""
    return NDArray(np.stack([plain(one) for one in data], axis))


def where(condition: Any, x: Any, y: Any) -> NDArray:
    """Take elements of *x* where the condition is not 0, else of *y*."""
    return NDArray(np.where(plain(condition) != 0, plain(x), plain(y)))


def cast(data: Any, dtype: Any) -> NDArray:
    """Return the array with elements of another type."""
    return NDArray(plain(data)).astype(dtype)


def moveaxis(tensor: Any, source: Any, destination: Any) -> NDArray:
    """Return the array with axes at other places."""
    return NDArray(np.moveaxis(plain(tensor), source, destination))


def from_numpy(ndarray: Any, zero_copy: bool = True) -> NDArray:  # noqa: FBT001, FBT002
    """Return an NDArray of one of NumPy's, of the same memory unless *zero_copy* is False."""
    return NDArray(ndarray if zero_copy else ndarray.copy())


def from_dlpack(dlpack: Any) -> NDArray:
    """Return an NDArray of the memory of something that speaks DLPack."""
    return NDArray(np.from_dlpack(dlpack))


def load(fname: str) -> Any:
    """Load what mxnet.nd.save wrote: a dict of NDArrays, or a list where they have no names.

    Raises:
        FileError, FormatError: it cannot be read, or is no such file.
    """
    with as_mxnets():
        arrays, names = ndarrayfile.load(fname)
    made = [NDArray(one) for one in arrays]
    return dict(zip(names, made, strict=True)) if names else made


def save(fname: str, data: dict[str, NDArray]) -> None:
    """Save a dict of NDArrays, as mxnet.nd.save does; the file appears whole.

    Raises:
        TypeError: *data* is no dict: arrays without names are not offered.
        FileError: it cannot be written.
    """
    if not isinstance(data, dict):
        raise TypeError(f"data is a {type(data).__name__}, expected a dict of NDArrays")
    with as_mxnets():
        ndarrayfile.save(fname, {name: np.asarray(plain(one)) for name, one in data.items()}, force=True)


def waitall() -> None:
    """Do nothing: what was asked for has been computed."""


def _method(name: str) -> Callable[..., Any]:
    def call(data: Any, *given: Any, **named: Any) -> Any:
        out = named.pop("out", None)
        result = getattr(data if isinstance(data, NDArray) else NDArray(data), name)(*given, **named)
        return result if out is None else result.copyto(out)

    call.__name__, call.__doc__ = name, f"NDArray.{name} as a function."
    return call


def _pair(name: str, act: Callable[..., Any]) -> Callable[..., Any]:
    def call(lhs: Any, rhs: Any, out: NDArray | None = None) -> NDArray:
        result = NDArray(np.atleast_1d(act(plain(lhs), plain(rhs))))
        return result if out is None else result.copyto(out)

    call.__name__, call.__doc__ = name, f"NumPy's function under the name {name}."
    return call


OFFERED: Final[dict[str, Any]] = {
    **{name: _method(name) for name in _METHODS},
    **{name: _pair(name, act) for name, act in _PAIRS.items()},
    **{
        function.__name__: function
        for function in (
            array, empty, zeros, ones, full, arange, linspace, eye, concat, concatenate, stack, where, cast, moveaxis, from_numpy,
            from_dlpack, waitall, load, save,
        )
    },
    "NDArray": NDArray,
    "Cast": cast,
    "Concat": concat,
    "SwapAxis": _method("swapaxes"),
    "Reshape": _method("reshape"),
    "Flatten": _method("flatten"),
    "reverse": _method("flip"),
    "to_dlpack_for_read": _method("to_dlpack_for_read"),
    "to_dlpack_for_write": _method("to_dlpack_for_write"),
    "_DTYPE_NP_TO_MX": {np.float32: 0, np.float64: 1, np.float16: 2, np.uint8: 3, np.int32: 4, np.int8: 5, np.int64: 6, np.bool_: 7},
}  # fmt: skip


class Randomness:
    """mxnet.nd.random: numbers from NumPy's generator, which ``mxnet.random.seed`` starts anew. They are not MXNet's numbers."""

    generator = np.random.default_rng()

    @classmethod
    def seed(cls, seed_state: int, ctx: Any = "all") -> None:  # noqa: ARG003  (MXNet's signature)
        """Start the generator anew."""
        cls.generator = np.random.default_rng(abs(int(seed_state)))

    @classmethod
    def uniform(
        cls, low: float = 0, high: float = 1, shape: Any = (1,), dtype: Any = None, ctx: Context | None = None, **_: Any
    ) -> NDArray:
        """Return numbers from *low* to *high*."""
        return NDArray(np.atleast_1d(cls.generator.uniform(low, high, shape or 1)).astype(dtype or _FLOAT), ctx)

    @classmethod
    def normal(
        cls, loc: float = 0, scale: float = 1, shape: Any = (1,), dtype: Any = None, ctx: Context | None = None, **_: Any
    ) -> NDArray:
        """Return normally distributed numbers."""
        return NDArray(np.atleast_1d(cls.generator.normal(loc, scale, shape or 1)).astype(dtype or _FLOAT), ctx)

    @classmethod
    def randn(cls, *shape: int, loc: float = 0, scale: float = 1, dtype: Any = None, ctx: Context | None = None) -> NDArray:
        """Return normally distributed numbers."""
        return cls.normal(loc, scale, shape or (1,), dtype, ctx)

    @classmethod
    def randint(cls, low: int, high: int, shape: Any = (1,), dtype: Any = None, ctx: Context | None = None, **_: Any) -> NDArray:
        """Return integers from *low* to below *high*."""
        return NDArray(np.atleast_1d(cls.generator.integers(low, high, shape or 1)).astype(dtype or np.int32), ctx)

    @classmethod
    def shuffle(cls, data: NDArray) -> NDArray:
        """Return the rows in another order."""
        return NDArray(cls.generator.permutation(plain(data)), data.context)


RANDOM: Final = {name: getattr(Randomness, name) for name in ("seed", "uniform", "normal", "randn", "randint", "shuffle")}
