"""What MXNet's operators do to each element, on NumPy's arrays: a result has the type of what went in, as in MXNet."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any, Final

import numpy as np

Array = Any  # one of NumPy's; its types cannot say what comes out


def alike(a: Any, b: Any) -> tuple[Any, Any]:
    """Return two operands as arrays; a number becomes one of the other's type, as C would cast it: 0.5 is 0 beside uint8."""
    if isinstance(a, np.ndarray) and not isinstance(b, np.ndarray):
        return a, _cast(b, a.dtype)
    if isinstance(b, np.ndarray) and not isinstance(a, np.ndarray):
        return _cast(a, b.dtype), b
    return a, b


def _cast(number: Any, kind: np.dtype[Any]) -> Any:
    if kind.kind == "f" and type(number) in (int, float):
        return number  # NumPy's rule for Python's numbers is the same
    if kind == np.bool_ or not isinstance(number, (int, float, np.number, np.bool_)):
        return number
    with np.errstate(over="ignore", invalid="ignore"):
        return np.asarray(number).astype(kind)


def _pair(act: Callable[[Any, Any], Any], *, quiet: bool = False) -> Callable[[Any, Any], Any]:
    """Make a function of two operands; *quiet*: what has no result in numbers, as 1 / 0, is no warning."""

    def call(a: Any, b: Any) -> Any:
        a, b = alike(a, b)
        if not quiet:
            return act(a, b)
        with np.errstate(all="ignore"):
            return act(a, b)

    return call


def _truth(act: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    """Make a comparison, which gives 0 and 1 of the operands' type."""

    def call(a: Any, b: Any) -> Any:
        a, b = alike(a, b)
        result = act(a, b)
        return result.astype(np.result_type(a, b)) if hasattr(result, "astype") else result

    return call


def divide(a: Any, b: Any) -> Any:
    """Divide; whole numbers give whole numbers, cut towards 0."""
    quotient = np.true_divide(a, b)
    kind = np.result_type(a, b)
    return np.trunc(quotient).astype(kind) if kind.kind in "iu" else quotient


def _logical(act: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    return _truth(lambda a, b: act(np.not_equal(a, 0), np.not_equal(b, 0)))


_ARITHMETIC: Final[dict[str, Callable[[Any, Any], Any]]] = {
    "add": np.add, "subtract": np.subtract, "multiply": np.multiply, "divide": divide, "modulo": np.mod, "power": np.power,
    "maximum": np.maximum, "minimum": np.minimum, "hypot": np.hypot, "arctan2": np.arctan2,
}  # fmt: skip
_COMPARISONS: Final[dict[str, Callable[[Any, Any], Any]]] = {
    "equal": np.equal, "not_equal": np.not_equal, "greater": np.greater, "greater_equal": np.greater_equal, "lesser": np.less,
    "lesser_equal": np.less_equal,
}  # fmt: skip
PAIRS: Final[dict[str, Callable[[Any, Any], Any]]] = {
    **{name: _pair(act, quiet=name in ("divide", "modulo", "power")) for name, act in _ARITHMETIC.items()},
    **{name: _truth(act) for name, act in _COMPARISONS.items()},
    "logical_and": _logical(np.logical_and), "logical_or": _logical(np.logical_or), "logical_xor": _logical(np.logical_xor),
}  # fmt: skip
_SHORT: Final = {"add": "plus", "subtract": "sub", "multiply": "mul", "divide": "div", "modulo": "mod"}
# The names that each has besides: broadcast_add, elemwise_add and the like.
PAIRS.update({f"broadcast_{name}": act for name, act in tuple(PAIRS.items())})
PAIRS.update({f"broadcast_{short}": PAIRS[name] for name, short in _SHORT.items()})
PAIRS.update({f"elemwise_{_SHORT[name] if name != 'add' else name}": PAIRS[name] for name in ("add", "subtract", "multiply", "divide")})
PAIRS["true_divide"] = PAIRS["divide"]


def _of_type(act: Callable[..., Any]) -> Callable[..., Any]:
    """Keep the type of the array, where NumPy would make whole numbers float64."""

    @functools.wraps(act)
    def call(data: Any, *given: Any, **named: Any) -> Any:
        with np.errstate(all="ignore"):
            return act(data, *given, **named).astype(data.dtype, copy=False)

    return call


def _round(data: Array) -> Array:
    return np.trunc(data + np.copysign(0.5, data))  # halves away from 0; NumPy's go to the even number


def _rint(data: Array) -> Array:
    below, above = np.floor(data), np.ceil(data)
    return np.where(data - below <= above - data, below, above)


def _sigmoid(data: Array) -> Array:
    return 1 / (1 + np.exp(-data))


_erf = np.vectorize(math.erf, otypes=[np.float64])

UNARY: Final[dict[str, Callable[..., Any]]] = {name: _of_type(act) for name, act in {
    **{name: getattr(np, name) for name in (
        "abs", "sqrt", "cbrt", "square", "exp", "expm1", "log", "log2", "log10", "log1p", "sin", "cos", "tan", "arcsin", "arccos", "arctan",
        "sinh", "cosh", "tanh", "arcsinh", "arccosh", "arctanh", "floor", "ceil", "trunc", "sign", "degrees", "radians",
        "logical_not", "negative",
    )},
    "fix": np.trunc, "round": _round, "rint": _rint, "reciprocal": lambda data: 1 / data,
    "rsqrt": lambda data: 1 / np.sqrt(data), "rcbrt": lambda data: 1 / np.cbrt(data),
    "relu": lambda data: np.maximum(data, 0), "sigmoid": _sigmoid, "erf": _erf,
    "identity": np.copy, "stop_gradient": np.copy, "BlockGrad": np.copy,
    "zeros_like": np.zeros_like, "ones_like": np.ones_like,
}.items()}  # fmt: skip


def clip(data: Array, a_min: float, a_max: float) -> Array:
    """Cut values to *a_min* to *a_max*."""
    return np.minimum(np.maximum(data, _cast(a_min, data.dtype)), _cast(a_max, data.dtype))


def add_n(*args: Array) -> Array:
    """Add arrays."""
    return functools.reduce(np.add, args)


def where(condition: Any, x: Any, y: Any) -> Array:
    """Take elements of *x* where the condition is not 0, else of *y*."""
    return np.where(np.not_equal(condition, 0), *alike(x, y))


def cast(data: Array, dtype: Any) -> Array:
    """Return the array with elements of another type."""
    with np.errstate(all="ignore"):
        return data.astype(dtype)


FUNCTIONS: Final[dict[str, Callable[..., Any]]] = {
    "clip": clip, "add_n": add_n, "ElementWiseSum": add_n, "where": where, "cast": cast, "Cast": cast, "amp_cast": cast,
}  # fmt: skip
