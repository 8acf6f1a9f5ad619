"""Blocks of mxnet.gluon without parameters: what transforms of programs derive from, one after the other, with a probability."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from typing import Any, Final

from recordio.as_mxnet.standin import NameMissing

_OF_NETWORKS: Final = (
    "collect_params params save_parameters load_parameters save_params load_params export summary infer_shape infer_type apply "
    "register_forward_hook register_forward_pre_hook"
).split()


class Block:
    """Something that is called: a subclass has ``forward``. It has no parameters, and nothing is learned."""

    def __init__(self, prefix: str | None = None, params: Any = None) -> None:
        self._prefix, self._params = prefix, params

    def __getattr__(self, name: str) -> Any:
        if name in _OF_NETWORKS:
            raise NameMissing(f"mxnet.gluon.Block.{name}")
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    def name_scope(self) -> Any:
        """Return a ``with`` block that does nothing: there are no parameters to be named."""
        return contextlib.nullcontext(self)

    def register_child(self, block: Any, name: str | None = None) -> None:
        """Do nothing: a block that is an attribute can be called."""

    def __call__(self, *given: Any) -> Any:  # noqa: D102
        return self.forward(*given)

    def forward(self, *given: Any) -> Any:
        """Return what becomes of the input."""
        raise NotImplementedError(f"{type(self).__name__} has no forward")

    def hybridize(self, active: bool = True, **_: Any) -> None:  # noqa: FBT001, FBT002
        """Do nothing: there is no graph to be made."""

    def initialize(self, *_: Any, **__: Any) -> None:
        """Do nothing: there are no parameters."""


class HybridBlock(Block):
    """The same with ``hybrid_forward``, whose first argument is mxnet.nd."""

    def forward(self, *given: Any) -> Any:  # noqa: D102
        import mxnet as mx  # type: ignore[import-not-found]  # the stand-in itself

        return self.hybrid_forward(mx.nd, *given)

    def hybrid_forward(self, F: Any, *given: Any) -> Any:  # noqa: N803  (MXNet's)
        """Return what becomes of the input."""
        raise NotImplementedError(f"{type(self).__name__} has no hybrid_forward")


class Sequential(Block):
    """Blocks one after the other."""

    def __init__(self, *_: Any, **__: Any) -> None:
        super().__init__()
        self._blocks: list[Callable[[Any], Any]] = []

    def add(self, *blocks: Callable[[Any], Any]) -> None:
        """Append blocks."""
        self._blocks += blocks

    def forward(self, x: Any) -> Any:  # noqa: D102
        for block in self._blocks:
            x = block(x)
        return x

    def __len__(self) -> int:
        return len(self._blocks)

    def __getitem__(self, at: int) -> Any:
        return self._blocks[at]


class Compose(Sequential):
    """Transforms one after the other."""

    def __init__(self, transforms: Sequence[Callable[[Any], Any]]) -> None:
        super().__init__()
        self.add(*transforms)
