"""What MXNet's operators make of whole axes, on NumPy's arrays: sums, largest elements, order."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import numpy as np

from recordio.as_mxnet.elementwise import Array

_EPSILON: Final = 1e-10  # of L2Normalization
_AXES: Final = {"instance": 1, "channel": 1, "spatial": 2}  # where the normalised axes of each mode start


def _axes(data: Array, axis: Any, *, exclude: bool) -> Any:
    """Return the axes that are meant; all for None or none, with *exclude* the others."""
    if axis is None or (not isinstance(axis, (int, np.integer)) and not len(axis)):
        return None
    named = (int(axis),) if isinstance(axis, (int, np.integer)) else tuple(int(one) for one in axis)
    if not exclude:
        return named
    kept = {one % data.ndim for one in named}
    return tuple(one for one in range(data.ndim) if one not in kept)


def _reduced(act: Callable[..., Any]) -> Callable[..., Any]:
    def call(
        data: Array,
        axis: Any = None,
        keepdims: bool = False,  # noqa: FBT001, FBT002  (MXNet's signature)
        exclude: bool = False,  # noqa: FBT001, FBT002
        dtype: Any = None,  # noqa: ARG001  (numpy.mean and its like give None)
    ) -> Any:
        return np.asarray(act(data, axis=_axes(data, axis, exclude=bool(exclude)), keepdims=bool(keepdims))).astype(data.dtype, copy=False)

    return call


def _sum(data: Array, **given: Any) -> Any:
    return np.sum(data, dtype=data.dtype if data.dtype != np.bool_ else np.float32, **given)


def _mean(data: Array, **given: Any) -> Any:
    if data.dtype.kind == "f":
        return np.mean(data, **given)
    total = _sum(data, **given)
    return np.trunc(total / max(data.size // max(np.size(total), 1), 1))


def _argument(act: Callable[..., Any]) -> Callable[..., Any]:
    def call(data: Array, axis: Any = None, keepdims: bool = False) -> Any:  # noqa: FBT001, FBT002
        return np.asarray(act(data, axis=axis, keepdims=bool(keepdims))).astype(data.dtype if data.dtype != np.bool_ else np.float32)

    return call


def _order(data: Array, axis: int | None, *, ascending: bool) -> tuple[Array, Array, int]:
    """Return the data, the numbers of its elements in order along an axis, and the axis; without one all are one row."""
    rows = data.reshape(-1) if axis is None else data
    at = -1 if axis is None else axis
    sign = rows if ascending else -rows.astype(np.float64)
    return rows, np.argsort(sign, axis=at, kind="stable"), at


def sort(data: Array, axis: int | None = -1, is_ascend: bool = True) -> Array:  # noqa: FBT001, FBT002  (MXNet's signature)
    """Return the elements in order along an axis."""
    rows, order, at = _order(data, axis, ascending=bool(is_ascend))
    return np.take_along_axis(rows, order, at)


def argsort(data: Array, axis: int | None = -1, is_ascend: bool = True, dtype: Any = "float32") -> Array:  # noqa: FBT001, FBT002
    """Return the numbers of the elements in order along an axis."""
    return _order(data, axis, ascending=bool(is_ascend))[1].astype(dtype)


def topk(
    data: Array,
    axis: int | None = -1,
    k: int = 1,
    ret_typ: str = "indices",
    is_ascend: bool = False,  # noqa: FBT001, FBT002  (MXNet's signature)
    dtype: Any = "float32",
) -> Any:
    """Return the *k* largest elements of each row, or with *is_ascend* the smallest: their numbers, values, both or a mask."""
    rows, order, at = _order(data, axis, ascending=bool(is_ascend))
    best = np.take(order, range(min(k, order.shape[at]) if k > 0 else order.shape[at]), at)
    values, numbers = np.take_along_axis(rows, best, at), best.astype(dtype)
    if ret_typ == "mask":
        mask = np.zeros_like(rows)
        np.put_along_axis(mask, best, 1, at)
        return mask.reshape(data.shape)
    known = {"indices": numbers, "value": values, "both": [values, numbers]}
    if ret_typ not in known:
        raise ValueError(f"ret_typ={ret_typ!r}, expected one of {', '.join(known)}, mask")
    return known[ret_typ]


def pick(data: Array, index: Array, axis: int = -1, keepdims: bool = False, mode: str = "clip") -> Array:  # noqa: FBT001, FBT002
    """Return the element of each row that *index* names."""
    side = data.shape[axis]
    at = index.astype(np.int64).reshape([*np.delete(data.shape, axis % data.ndim)])
    numbers = np.expand_dims(at.clip(0, side - 1) if mode == "clip" else at % side, axis)
    found = np.take_along_axis(data, numbers, axis)
    return found if keepdims else found.squeeze(axis)


def norm(data: Array, ord: int = 2, axis: Any = None, keepdims: bool = False) -> Any:  # noqa: FBT001, FBT002
    """Return the norm, of the elements or along axes."""
    axes = _axes(data, axis, exclude=False)
    power = np.abs(data) if ord == 1 else np.square(data)
    total = np.sum(power, axis=axes, keepdims=bool(keepdims), dtype=data.dtype)
    return np.asarray(total if ord == 1 else np.sqrt(total)).astype(data.dtype, copy=False)


def softmax(data: Array, axis: int = -1, temperature: float | None = None) -> Array:
    """Return shares that add up to 1 along an axis."""
    scaled = data / temperature if temperature else data
    raised = np.exp(scaled - scaled.max(axis=axis, keepdims=True))
    return np.asarray(raised / raised.sum(axis=axis, keepdims=True))


def log_softmax(data: Array, axis: int = -1, temperature: float | None = None) -> Array:
    """Return the logarithm of :func:`softmax`."""
    return np.log(softmax(data, axis, temperature))


def L2Normalization(data: Array, eps: float = _EPSILON, mode: str = "instance") -> Array:  # noqa: N802  (MXNet's name)
    """Divide by the norm: of each row, of the channels, or of each channel."""
    if mode not in _AXES:
        raise ValueError(f"mode={mode!r}, expected one of {', '.join(_AXES)}")
    axes = (1,) if mode == "channel" else tuple(range(_AXES[mode], data.ndim))
    length = np.sqrt(np.square(data).sum(axis=axes, keepdims=True) + data.dtype.type(eps))
    return np.asarray(data / length)


def histogram(a: Array, bins: Any = 10, range: Any = None) -> list[Array]:
    """Return how many elements lie in each bin, and the edges of the bins."""
    counts, edges = np.histogram(a, bins, range)
    return [counts.astype(np.int64 if range is not None else np.float32), edges.astype(np.float32)]  # the types are MXNet's


def cumsum(a: Array, axis: int | None = None, dtype: Any = None) -> Array:
    """Return the sums of all elements up to each, along an axis or of all as one row."""
    return np.cumsum(a, axis, dtype or a.dtype)


FUNCTIONS: Final[dict[str, Callable[..., Any]]] = {
    "sum": _reduced(_sum), "sum_axis": _reduced(_sum), "mean": _reduced(_mean), "prod": _reduced(np.prod), "max": _reduced(np.max),
    "min": _reduced(np.min), "max_axis": _reduced(np.max), "min_axis": _reduced(np.min), "nansum": _reduced(np.nansum),
    "nanprod": _reduced(np.nanprod), "argmax": _argument(np.argmax), "argmin": _argument(np.argmin), "sort": sort, "argsort": argsort,
    "topk": topk, "pick": pick, "norm": norm, "softmax": softmax, "log_softmax": log_softmax, "L2Normalization": L2Normalization,
    "histogram": histogram, "cumsum": cumsum,
}  # fmt: skip
