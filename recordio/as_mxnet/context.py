"""Contexts: devices by name. All arrays are in the memory of the host."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from recordio.mxerrors import MXNetError

if TYPE_CHECKING:
    from typing_extensions import Self


class Context:
    """A device by name. All arrays are in the memory of the host: a context is remembered, and nothing is moved.

    Attributes:
        device_type: "cpu", "gpu" or another of MXNet's.
        device_id: its number.
    """

    devtype2str: ClassVar = {1: "cpu", 2: "gpu", 3: "cpu_pinned", 5: "cpu_shared"}
    devstr2type: ClassVar = {"cpu": 1, "gpu": 2, "cpu_pinned": 3, "cpu_shared": 5}
    default_ctx: ClassVar[Context]
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


Context.default_ctx = Context("cpu")


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


def of_new(context: Context | None) -> Context:
    """Return the context of an array that is made.

    Raises:
        MXNetError: it is a GPU. Programs look for GPUs in this way, as MXNet fails on a machine without one.
    """
    found = context if context is not None else current_context()
    if found.device_type == "gpu":
        raise MXNetError(f"{found}: there is no GPU: recordio.as_mxnet makes arrays in the host's memory, expected cpu()")
    return found
