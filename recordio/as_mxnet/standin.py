"""Modules of the stand-in: they say which name of MXNet is missing."""

from __future__ import annotations

import difflib
import importlib.abc
import importlib.machinery
import sys
from collections.abc import Callable, Mapping, Sequence
from types import ModuleType
from typing import Any, Final

from recordio.loaders.absent import INSTEAD

_FEW: Final = 20  # names that a message lists
_OFFERED: Final = (
    "it has mxnet.recordio, mxnet.io, mxnet.image, mxnet.gluon.data and mxnet.nd over NumPy's arrays, "
    "but no mxnet.np, no symbols, networks or autograd"
)


class NameMissing(AttributeError):
    """A name of MXNet that the stand-in does not have."""

    def __init__(self, dotted: str, siblings: Sequence[str] = ()) -> None:
        super().__init__(f"{dotted} is missing: recordio.as_mxnet stands in for MXNet; {_OFFERED}{_hint(dotted, siblings)}")
        self.dotted = dotted
        self.siblings = tuple(siblings)

    def __reduce__(self) -> tuple[type[NameMissing], tuple[str, tuple[str, ...]]]:
        return type(self), (self.dotted, self.siblings)


def _hint(dotted: str, siblings: Sequence[str]) -> str:
    """Say what there is in the place of a name: what does its work, or names like it, or all there are."""
    module, _, name = dotted.rpartition(".")
    if name in INSTEAD:
        return f". Instead of {name}: {INSTEAD[name]}"
    close = difflib.get_close_matches(name, siblings, 3, 0.7)
    if close:
        return f". Did you mean {' or '.join(f'{module}.{each}' for each in close)}?"
    return f". {module} has {', '.join(siblings)}" if 0 < len(siblings) <= _FEW else ""


class ImportMissing(ModuleNotFoundError):
    """The same where it is imported."""

    def __init__(self, dotted: str, siblings: Sequence[str] = ()) -> None:
        super().__init__(str(NameMissing(dotted, siblings)))  # without ImportError's name: "from a import b" would hide the message
        self.dotted = dotted

    def __reduce__(self) -> tuple[type[ImportMissing], tuple[str]]:
        return type(self), (self.dotted,)


class StandIn(ModuleType):
    """A module whose names load when they are first used.

    Args:
        name: with dots.
        doc: what it says of itself.
        names: what makes each of its names.
    """

    def __init__(self, name: str, doc: str, names: Mapping[str, Callable[[], Any]]) -> None:
        super().__init__(name, doc)
        self._makers = dict(names)
        self.__path__: list[str] = []  # a package, for "import mxnet.gluon.data"
        self.__spec__ = importlib.machinery.ModuleSpec(name, None, is_package=True)
        self.__all__ = sorted(name for name in names if not name.startswith("_"))

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") and name.endswith("__") and name not in self._makers:
            raise AttributeError(f"module {self.__name__!r} has no attribute {name!r}")
        maker = self._makers.get(name)
        if maker is None:
            raise NameMissing(f"{self.__name__}.{name}", self.__all__)
        value = maker()
        setattr(self, name, value)
        return value

    def __dir__(self) -> list[str]:
        return sorted({*self._makers, *self.__dict__} - {"_makers"})


class Finder(importlib.abc.MetaPathFinder):
    """Says what is missing when a module of MXNet is imported that the stand-in does not have."""

    def find_spec(self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None) -> None:  # noqa: ARG002  (Python's signature)
        """Raise for modules below mxnet: those that there are stand in sys.modules."""
        if fullname.startswith("mxnet.") and isinstance(sys.modules.get("mxnet"), StandIn):
            raise ImportMissing(fullname)
