"""Gives NDArray Python's operators, and those of MXNet's operations that are its methods."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any, Final

import numpy as np

from recordio.as_mxnet import elementwise, reductions, shaping
from recordio.as_mxnet.ndarray import NDArray, apply, own, plain

_BINARY: Final = {
    "add": "add", "sub": "subtract", "mul": "multiply", "truediv": "divide", "mod": "modulo", "pow": "power",
}  # fmt: skip
_COMPARISONS: Final = {"lt": "lesser", "le": "lesser_equal", "gt": "greater", "ge": "greater_equal"}
_NUMPYS: Final = ("floordiv", "matmul", "and", "or", "xor", "lshift", "rshift")  # operators that MXNet's NDArray does not have
_METHODS: Final = (
    "abs sqrt cbrt square exp expm1 log log2 log10 log1p sin cos tan arcsin arccos arctan sinh cosh tanh arcsinh arccosh "
    "arctanh floor ceil trunc fix rint round sign degrees radians reciprocal rsqrt rcbrt relu sigmoid zeros_like ones_like "
    "clip nansum nanprod sum mean max min prod argmax argmin argsort sort topk pick norm softmax log_softmax expand_dims "
    "squeeze swapaxes flip tile repeat diag broadcast_to broadcast_axes broadcast_like reshape_like take one_hot pad slice "
    "slice_axis slice_like split flatten shape_array size_array"
).split()


_UFUNCS: Final = {  # NumPy's functions of two arrays that are done as MXNet does them
    **{name: name for name in elementwise.PAIRS if hasattr(np, name)},
    "less": "lesser",
    "less_equal": "lesser_equal",
    "remainder": "modulo",
}


def _ufunc(self: NDArray, ufunc: Any, method: str, *inputs: Any, **given: Any) -> Any:
    """Do one of NumPy's functions with NDArrays."""
    name = _UFUNCS.get(ufunc.__name__)
    if name is not None and method == "__call__" and not given:
        return apply(elementwise.PAIRS[name], inputs, {})
    out = given.get("out")
    if out is not None:
        given["out"] = plain(out)
    result = getattr(ufunc, method)(*plain(inputs), **given)
    if out is not None and len(out) == 1:
        return out[0]
    return tuple(own(one, (), self.context) for one in result) if isinstance(result, tuple) else own(result, (), self.context)


def _operators() -> None:
    def unary(act: Callable[[Any], Any]) -> Callable[[NDArray], Any]:
        return lambda self: apply(act, (self,), {})

    def binary(act: Callable[[Any, Any], Any]) -> Callable[[NDArray, Any], Any]:
        return lambda self, other: apply(act, (self, other), {})

    def reflected(act: Callable[[Any, Any], Any]) -> Callable[[NDArray, Any], Any]:
        return lambda self, other: apply(act, (other, self), {})

    def in_place(act: Callable[[Any, Any], Any]) -> Callable[[NDArray, Any], NDArray]:
        def change(self: NDArray, other: Any) -> NDArray:
            self[...] = act(plain(self), plain(other))
            return self

        return change

    acts: dict[str, Callable[[Any, Any], Any]] = {short: elementwise.PAIRS[name] for short, name in _BINARY.items()}
    for short, act in {**acts, **{name: getattr(operator, f"__{name}__") for name in _NUMPYS}}.items():
        setattr(NDArray, f"__{short}__", binary(act))
        setattr(NDArray, f"__r{short}__", reflected(act))
        setattr(NDArray, f"__i{short}__", in_place(act))
    NDArray.__array_ufunc__ = _ufunc  # type: ignore[attr-defined]  # NumPy's protocol
    for short, name in _COMPARISONS.items():
        setattr(NDArray, f"__{short}__", binary(elementwise.PAIRS[name]))
    for name in ("neg", "pos", "abs", "invert"):
        setattr(NDArray, f"__{name}__", unary(getattr(operator, name)))


def _methods() -> None:
    def method(act: Callable[..., Any]) -> Callable[..., Any]:
        return lambda self, *given, **named: apply(act, (self, *given), named)

    for name in _METHODS:
        setattr(NDArray, name, method(FUNCTIONS[name]))


FUNCTIONS: Final[dict[str, Callable[..., Any]]] = {
    **elementwise.PAIRS,
    **elementwise.UNARY,
    **elementwise.FUNCTIONS,
    **reductions.FUNCTIONS,
    **shaping.FUNCTIONS,
}

_operators()
_methods()
