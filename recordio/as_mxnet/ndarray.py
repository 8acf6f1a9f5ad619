"""NDArray, a thin class over NumPy's arrays with the habits of MXNet's."""

from __future__ import annotations

import importlib
import operator
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from recordio.as_mxnet import elementwise, shaping
from recordio.as_mxnet.context import Context, current_context, of_new
from recordio.as_mxnet.standin import NameMissing
from recordio.mxerrors import MXNetError

_Array = np.ndarray[Any, Any]


class OperationError(MXNetError, ValueError):
    """Arrays do not fit together, or an argument of an operation is none that it can have."""


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


def apply(act: Callable[..., Any], given: tuple[Any, ...], named: dict[str, Any]) -> Any:
    """Call a function of NumPy's arrays with NDArrays; what it returns has memory of its own, as in MXNet.

    Raises:
        OperationError: the arrays do not fit together.
    """
    out = named.pop("out", None)
    named.pop("name", None)
    context = next((one.context for one in (*given, *named.values()) if isinstance(one, NDArray)), None)
    arrays = plain(given)
    try:
        result = act(*arrays, **plain(named))
    except ValueError as error:
        raise OperationError(str(error)) from error
    if isinstance(result, list):
        return [own(one, arrays, context) for one in result]
    made = own(result, arrays, context)
    return made if out is None else made.copyto(out)


def own(result: Any, arrays: Any, context: Context | None) -> Any:
    """Return an array or a number as an NDArray that shares no memory with the first of *arrays*; all else as it is."""
    if not isinstance(result, (np.ndarray, np.generic)):
        return result
    first = arrays[0] if arrays else None
    if isinstance(first, np.ndarray) and (result is first or result.base is not None) and np.may_share_memory(result, first):
        result = result.copy()
    return NDArray(result if result.ndim else np.atleast_1d(result), context)  # a single number has the shape (1,), as in MXNet


class NDArray:
    """An array in the host's memory, with MXNet's attributes, methods and arithmetic.

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
        return self.transpose()

    @property
    def handle(self) -> int:
        """The address of the first element."""
        return int(self._data.__array_interface__["data"][0])

    def asnumpy(self) -> _Array:
        """Return a copy as one of NumPy's arrays."""
        copied: _Array = self._data.copy()
        return copied

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
        """Return the array with elements of another type; without *copy* itself where it has that type."""
        if not copy and self._data.dtype == dtype:
            return self
        return NDArray(elementwise.cast(self._data, dtype), self.context)

    def copy(self) -> NDArray:
        """Return a copy."""
        return NDArray(self._data.copy(), self.context)

    def copyto(self, other: NDArray | Context) -> NDArray:
        """Copy into another array, or into a new one in a context."""
        if isinstance(other, Context):
            return NDArray(self._data.copy(), of_new(other))
        other[:] = self
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
        """Return the same memory in another shape; see :func:`shaping.reshape` for MXNet's codes.

        Raises:
            OperationError: it has another number of elements.
        """
        codes = given.get("shape", shape)
        if len(codes) == 1 and not isinstance(codes[0], (int, np.integer)):
            codes = codes[0]
        try:
            return NDArray(shaping.reshape(self._data, codes, given.get("reverse", False)), self.context)
        except (ValueError, IndexError) as error:
            raise OperationError(f"cannot reshape {self.shape} to {tuple(codes)}: {error}") from error

    def transpose(self, *axes: Any, **given: Any) -> NDArray:
        """Return the array with its axes in another order, the reverse one by default."""
        axes = given.get("axes", axes)
        if len(axes) == 1 and not isinstance(axes[0], (int, np.integer)):
            axes = tuple(axes[0] or ())
        found: NDArray = apply(shaping.transpose, (self, axes), {})
        return found

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

    def __getitem__(self, at: Any) -> NDArray:
        if isinstance(at, int) and not -len(self) <= at < len(self):
            raise IndexError(f"index {at} is out of bounds for axis 0 with size {len(self)}")
        at = shaping.index(plain(at))
        found = self._data[at]
        if isinstance(found, np.generic):  # MXNet's is an array of one element that shares the memory: what is written there stays
            *first, last = at if isinstance(at, tuple) else (at,)
            last = int(last) % self.shape[-1]
            of_one = (*first, slice(last, last + 1))
            found = self._data[of_one]
        elif not found.flags.c_contiguous:
            found = found.copy()  # as MXNet's, which shares only memory without gaps
        return NDArray(found, self.context)

    def __setitem__(self, at: Any, value: Any) -> None:
        try:
            with np.errstate(all="ignore"):
                self._data[shaping.index(plain(at))] = plain(value)
        except ValueError as error:
            raise OperationError(str(error)) from error

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
        return _unpickled, (self._data, self.context)

    def __deepcopy__(self, memo: Any) -> NDArray:
        return self.copy()

    __copy__ = copy

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        raise NameMissing(f"mxnet.nd.NDArray.{name}")

    def __eq__(self, other: object) -> Any:
        return other is not None and apply(elementwise.PAIRS["equal"], (self, other), {})

    def __ne__(self, other: object) -> Any:
        return other is None or apply(elementwise.PAIRS["not_equal"], (self, other), {})


def _unpickled(data: _Array, context: Context) -> NDArray:
    """Make a pickled array again, with its operators also where nothing has imported mxnet."""
    importlib.import_module("recordio.as_mxnet.operators")
    return NDArray(data, context)
