"""NDArray, a thin class over NumPy's arrays with the habits of MXNet's; Context."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from recordio.as_mxnet.standin import NameMissing

if TYPE_CHECKING:
    from typing_extensions import Self

_Array = np.ndarray[Any, Any]


class Context:
    """A device by name. All arrays are in the memory of the host: a context is remembered, and nothing is moved.

    Attributes:
        device_type: "cpu", "gpu" or another of MXNet's.
        device_id: its number.
    """

    devtype2str: ClassVar = {1: "cpu", 2: "gpu", 3: "cpu_pinned", 5: "cpu_shared"}
    devstr2type: ClassVar = {"cpu": 1, "gpu": 2, "cpu_pinned": 3, "cpu_shared": 5}
    _current: ClassVar[list[Context]] = []

    def __init__(self, device_type: str | Context, device_id: int = 0) -> None:
        self.device_type: str = device_type.device_type if isinstance(device_type, Context) else device_type
        self.device_id: int = device_type.device_id if isinstance(device_type, Context) else device_id
        if self.device_type not in self.devstr2type:
            raise ValueError(f"device type {device_type!r}, expected one of {', '.join(self.devstr2type)}")

    @property
    def device_typeid(self) -> int:
        """MXNet's number of the device type."""
        return self.devstr2type[self.device_type]

    def empty_cache(self) -> None:
        """Do nothing: no device has memory of its own."""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Context) and str(self) == str(other)

    def __hash__(self) -> int:
        return hash(str(self))

    def __repr__(self) -> str:
        return f"{self.device_type}({self.device_id})"

    def __enter__(self) -> Self:
        self._current.append(self)
        return self

    def __exit__(self, *_: object) -> None:
        self._current.pop()


def cpu(device_id: int = 0) -> Context:
    """Return the context of the host's memory."""
    return Context("cpu", device_id)


def cpu_pinned(device_id: int = 0) -> Context:
    """Return the context of pinned memory."""
    return Context("cpu_pinned", device_id)


def gpu(device_id: int = 0) -> Context:
    """Return the context of a GPU; what is put there stays in the host's memory."""
    return Context("gpu", device_id)


def current_context() -> Context:
    """Return the context of the innermost ``with`` block, else cpu(0)."""
    return Context._current[-1] if Context._current else cpu()


def num_gpus() -> int:
    """Return 0: no array is ever put on a GPU."""
    return 0


def plain(value: Any) -> Any:
    """Return NumPy's array of an NDArray; of lists, tuples and dicts the same with those of their elements."""
    if isinstance(value, NDArray):
        return value._data
    if type(value) in (list, tuple):
        return type(value)(plain(one) for one in value)
    return {name: plain(one) for name, one in value.items()} if type(value) is dict else value


def wrapped(value: Any) -> Any:
    """Return the NDArray of one of NumPy's; of lists and tuples the same with those of their elements."""
    if isinstance(value, np.ndarray):
        return NDArray(value)
    return type(value)(wrapped(one) for one in value) if type(value) in (list, tuple) else value


def _operand(value: Any) -> Any:
    """A NumPy scalar counts as Python's: it does not change an array's type."""
    value = plain(value)
    return value.item() if isinstance(value, np.generic) and not isinstance(value, np.void) else value


def _result(value: Any, context: Context) -> Any:
    """What NumPy has returned as an NDArray; a single number has the shape (1,), as in MXNet."""
    if isinstance(value, (np.ndarray, np.generic)):
        return NDArray(np.atleast_1d(value), context)
    return value


class NDArray:
    """An array in the host's memory, with MXNet's attributes and methods and NumPy's arithmetic.

    It shares its memory with the array it is made of. ``asnumpy`` copies; ``numpy.asarray`` and DLPack do not.

    Args:
        data: one of NumPy's arrays, or what makes one.
        ctx: where MXNet would have it.

    Attributes:
        context: that; ``ctx`` is the same.
        stype: "default".
        grad: None: there is no autograd.
    """

    __slots__ = ("_data", "context")
    __array_priority__ = 1000.0
    stype = "default"
    grad = None
    writable = True

    def __init__(self, data: Any, ctx: Context | None = None) -> None:
        self._data: _Array = np.asarray(data)
        self.context = ctx if ctx is not None else current_context()

    @property
    def ctx(self) -> Context:  # noqa: D102
        return self.context

    @property
    def shape(self) -> tuple[int, ...]:  # noqa: D102
        return tuple(self._data.shape)

    @property
    def dtype(self) -> Any:
        """NumPy's class of the elements, such as numpy.float32."""
        return self._data.dtype.type

    @property
    def size(self) -> int:  # noqa: D102
        return self._data.size

    @property
    def ndim(self) -> int:  # noqa: D102
        return self._data.ndim

    @property
    def T(self) -> NDArray:  # noqa: D102, N802
        return NDArray(self._data.T, self.context)

    @property
    def handle(self) -> int:
        """The address of the first element."""
        return int(self._data.__array_interface__["data"][0])

    def asnumpy(self) -> _Array:
        """Return a copy as one of NumPy's arrays."""
        return np.array(self._data)

    def asscalar(self) -> Any:
        """Return the only element.

        Raises:
            ValueError: there are more, or none.
        """
        if self._data.size != 1:
            raise ValueError("The current array is not a scalar")
        return self._data.reshape(1)[0]

    def item(self, *at: int) -> Any:
        """Return one element as a number of Python's."""
        return self._data.item(*at)

    def tolist(self) -> Any:
        """Return the elements in lists."""
        return self._data.tolist()

    def astype(self, dtype: Any, copy: bool = True) -> NDArray:  # noqa: FBT001, FBT002  (MXNet's signature)
        """Return the array with elements of another type."""
        return NDArray(self._data.astype(dtype, copy=copy), self.context)

    def copy(self) -> NDArray:
        """Return a copy."""
        return NDArray(self._data.copy(), self.context)

    def copyto(self, other: NDArray | Context) -> NDArray:
        """Copy into another array, or into a new one in a context."""
        if isinstance(other, Context):
            return NDArray(self._data.copy(), other)
        other._data[...] = self._data
        return other

    def as_in_context(self, context: Context) -> NDArray:
        """Return the array under another context, without a copy."""
        return self if context == self.context else NDArray(self._data, context)

    as_in_ctx = as_in_context

    def wait_to_read(self) -> None:
        """Do nothing: what is there has been computed."""

    wait_to_write = wait_to_read

    def _same(self) -> NDArray:
        return self

    detach = as_nd_ndarray = as_np_ndarray = _same

    def tostype(self, stype: str) -> NDArray:
        """Return the array itself; sparse ones are not offered."""
        if stype != "default":
            raise NameMissing(f"mxnet.nd.NDArray.tostype({stype!r})")
        return self

    def reshape(self, *shape: Any, **given: Any) -> NDArray:
        """Return the array in another shape, with MXNet's codes: 0 keeps an axis, -1 is what is left, -2 all further axes,
        -3 two axes as one, -4 one axis as the next two.
        """  # noqa: D205
        shape = given.get("shape", shape)
        if len(shape) == 1 and not isinstance(shape[0], (int, np.integer)):
            shape = tuple(shape[0])
        return NDArray(self._data.reshape(_decoded(self.shape, [int(side) for side in shape])), self.context)

    def transpose(self, *axes: Any, **given: Any) -> NDArray:
        """Return the array with its axes in another order, the reverse one by default."""
        axes = given.get("axes", axes)
        if len(axes) == 1 and not isinstance(axes[0], (int, np.integer)):
            axes = tuple(axes[0] or ())
        return NDArray(self._data.transpose(*axes), self.context)

    def flatten(self) -> NDArray:
        """Return the array with all axes but the first as one."""
        return NDArray(self._data.reshape(self.shape[0], -1), self.context)

    def slice(self, begin: Any, end: Any, step: Any = ()) -> NDArray:
        """Return a part of each of the first axes."""
        steps = [*step, *[None] * (len(begin) - len(step))]
        return NDArray(self._data[tuple(map(slice, begin, end, steps))], self.context)

    def slice_axis(self, axis: int, begin: int, end: int | None) -> NDArray:
        """Return a part of one axis."""
        at: list[Any] = [slice(None)] * self.ndim
        at[axis] = slice(begin, end)
        return NDArray(self._data[tuple(at)], self.context)

    def split(self, num_outputs: int, axis: int = 1, squeeze_axis: bool = False) -> Any:  # noqa: FBT001, FBT002
        """Return equal parts of an axis; a single one not in a list."""
        parts = [part.squeeze(axis) if squeeze_axis else part for part in np.split(self._data, num_outputs, axis)]
        return [NDArray(part, self.context) for part in parts] if num_outputs > 1 else NDArray(parts[0], self.context)

    def one_hot(self, depth: int, on_value: float = 1.0, off_value: float = 0.0, dtype: Any = "float32") -> NDArray:
        """Return a new last axis with *on_value* where each element says."""
        hot = self._data[..., None].astype(np.int64) == np.arange(depth)
        return NDArray(np.where(hot, on_value, off_value).astype(dtype), self.context)

    def pad(self, mode: str = "constant", pad_width: Any = (), constant_value: float = 0) -> NDArray:
        """Return the array with more elements around: *pad_width* has two numbers for each axis."""
        pairs = np.asarray(pad_width).reshape(-1, 2)
        more = {"constant_values": constant_value} if mode == "constant" else {}
        return NDArray(np.pad(self._data, pairs, mode, **more), self.context)  # type: ignore[call-overload]

    def norm(self, ord: int = 2, axis: Any = None, keepdims: bool = False) -> Any:  # noqa: FBT001, FBT002
        """Return the norm, of the elements or along an axis."""
        data = self._data if axis is not None else self._data.ravel()
        return _result(np.linalg.norm(data, ord, axis, keepdims), self.context)

    def to_dlpack_for_read(self) -> Any:
        """Return a DLPack capsule of the same memory."""
        return self._data.__dlpack__()

    to_dlpack_for_write = to_dlpack_for_read

    def __dlpack__(self, **given: Any) -> Any:
        return self._data.__dlpack__(**given)

    def __dlpack_device__(self) -> Any:
        return self._data.__dlpack_device__()

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> _Array:  # noqa: FBT001  (NumPy's protocol)
        if copy is None:
            return self._data if dtype is None else self._data.astype(dtype, copy=False)
        return np.array(self._data, dtype, copy=copy)

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **given: Any) -> Any:
        out = given.get("out")
        if out is not None:
            given["out"] = plain(out)
        result = getattr(ufunc, method)(*map(_operand, inputs), **given)
        if out is not None and len(out) == 1:
            return out[0]
        return tuple(_result(one, self.context) for one in result) if isinstance(result, tuple) else _result(result, self.context)

    def __getitem__(self, at: Any) -> NDArray:
        if isinstance(at, int) and not -len(self) <= at < len(self):
            raise IndexError(f"index {at} is out of bounds for axis 0 with size {len(self)}")
        at = _index(at)
        found = self._data[at]
        if isinstance(found, np.generic):  # MXNet's is an array of one element that shares the memory: what is written there stays
            *first, last = at if isinstance(at, tuple) else (at,)
            last = int(last) % self.shape[-1]
            of_one = (*first, slice(last, last + 1))
            found = self._data[of_one]
        return NDArray(found, self.context)

    def __setitem__(self, at: Any, value: Any) -> None:
        self._data[_index(at)] = plain(value)

    def __len__(self) -> int:
        return len(self._data)

    def __iter__(self) -> Iterator[NDArray]:
        return (self[at] for at in range(len(self)))

    def __contains__(self, value: Any) -> bool:
        return bool((self._data == plain(value)).any())

    def __bool__(self) -> bool:
        if self.size > 1:
            raise ValueError("The truth value of an NDArray with multiple elements is ambiguous.")
        return bool(self.size and self._data.reshape(1)[0])

    def __float__(self) -> float:
        return float(self.asscalar())

    def __int__(self) -> int:
        return int(self.asscalar())

    def __index__(self) -> int:
        return operator.index(self.asscalar())

    def __format__(self, spec: str) -> str:
        return format(self.asscalar() if spec else str(self), spec)

    def __hash__(self) -> int:
        return id(self) // 16

    def __repr__(self) -> str:
        shape = "x".join(map(str, self.shape))
        return f"\n{self._data}\n<{type(self).__name__} {shape} @{self.context}>"

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self._data, self.context)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        raise NameMissing(f"mxnet.nd.NDArray.{name}")

    def __eq__(self, other: object) -> Any:
        return _result(self._data == _operand(other), self.context)

    def __ne__(self, other: object) -> Any:
        return _result(self._data != _operand(other), self.context)


def _index(at: Any) -> Any:
    """An index for NumPy: arrays of whole numbers in floats, as MXNet's are by default, count as integers."""
    if isinstance(at, tuple):
        return tuple(map(_index, at))
    at = plain(at)
    return at.astype(np.int64) if isinstance(at, np.ndarray) and at.dtype.kind == "f" else at


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


def _operators() -> None:
    """Give NDArray Python's operators, as NumPy's arrays have them."""

    def unary(act: Callable[[Any], Any]) -> Callable[[NDArray], Any]:
        return lambda self: _result(act(self._data), self.context)

    def binary(act: Callable[[Any, Any], Any]) -> Callable[[NDArray, Any], Any]:
        return lambda self, other: _result(act(self._data, _operand(other)), self.context)

    def reflected(act: Callable[[Any, Any], Any]) -> Callable[[NDArray, Any], Any]:
        return lambda self, other: _result(act(_operand(other), self._data), self.context)

    def in_place(act: Callable[[Any, Any], Any]) -> Callable[[NDArray, Any], NDArray]:
        def change(self: NDArray, other: Any) -> NDArray:
            self._data[...] = act(self._data, _operand(other))
            return self

        return change

    for name in ("add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "and", "or", "xor", "lshift", "rshift", "matmul"):
        act = getattr(operator, f"__{name}__")
        setattr(NDArray, f"__{name}__", binary(act))
        setattr(NDArray, f"__r{name}__", reflected(act))
        setattr(NDArray, f"__i{name}__", in_place(act))
    for name in ("lt", "le", "gt", "ge"):
        setattr(NDArray, f"__{name}__", binary(getattr(operator, name)))
    for name in ("neg", "pos", "abs", "invert"):
        setattr(NDArray, f"__{name}__", unary(getattr(operator, name)))


def _methods() -> None:
    """Give NDArray the methods that are NumPy's functions under MXNet's names."""

    def method(act: Callable[..., Any]) -> Callable[..., Any]:
        return lambda self, *given, **named: _result(act(self._data, *map(plain, given), **plain(named)), self.context)

    for name in (
        "abs", "sqrt", "cbrt", "square", "exp", "expm1", "log", "log2", "log10", "log1p", "sin", "cos", "tan", "arcsin", "arccos", "arctan",
        "sinh", "cosh", "tanh", "floor", "ceil", "trunc", "fix", "rint", "round", "sign", "degrees", "radians", "reciprocal", "nansum",
        "nanprod", "sum", "mean", "max", "min", "prod", "argmax", "argmin", "argsort", "sort", "expand_dims", "squeeze", "swapaxes", "flip",
        "tile", "repeat", "clip", "diag", "zeros_like", "ones_like", "broadcast_to",
    ):  # fmt: skip
        setattr(NDArray, name, method(getattr(np, name)))
    NDArray.take = lambda self, indices, axis=0, mode="clip": _result(  # type: ignore[attr-defined]
        np.take(self._data, _index(indices), axis, mode=mode), self.context
    )
    NDArray.reshape_like = lambda self, other: NDArray(self._data.reshape(other.shape), self.context)  # type: ignore[attr-defined]
    NDArray.broadcast_like = lambda self, other: NDArray(np.broadcast_to(self._data, other.shape), self.context)  # type: ignore[attr-defined]


_operators()
_methods()
