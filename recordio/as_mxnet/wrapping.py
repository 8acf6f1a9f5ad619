"""Iterators, datasets, augmenters and functions of recordio.loaders that take and give out NDArrays: their classes by name."""

from __future__ import annotations

import copy
import functools
from collections.abc import Callable
from typing import Any, Final

from recordio import loaders
from recordio.as_mxnet import iterating
from recordio.as_mxnet.ndarray import NDArray, plain, wrapped
from recordio.as_mxnet.standin import NameMissing
from recordio.mxerrors import as_mxnets
from recordio.mxindexed import MXIndexedRecordIO

_MADE: dict[str, type] = {}  # name -> class; they are names of this module, too, for pickle
_INNER: Final = ("ts", "aug_list", "augmenter")  # attributes of augmenters that hold others
_ROOTS: Final = ("DataIter", "Augmenter", "DetAugmenter", "Dataset", "SimpleDataset")  # bases without arrays of their own


def __getattr__(name: str) -> Any:
    if name in _MADE:
        return _MADE[name]
    if name.startswith("_") or name not in loaders.__all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    raw = getattr(loaders, name)
    if name in _ROOTS:
        return raw
    for kind, mixin in (
        ("DataIter", iterating.RowIterator if hasattr(raw, "next_sample") else iterating.Iterator),
        ("Augmenter", _Augmenter),
        ("DetAugmenter", _Augmenter),
        ("Dataset", _RecordDataset if issubclass(raw, loaders.RecordFileDataset) else _Dataset),
    ):
        if issubclass(raw, getattr(loaders, kind)):
            return _make(name, raw, mixin)
    return raw


def _make(name: str, raw: type, mixin: type) -> type:
    """Make the class with NDArrays of one of recordio.loaders; it derives from those of the bases of that one."""
    bases = [__getattr__(base.__name__) for base in raw.__bases__ if base.__name__ in loaders.__all__ and base.__name__ not in _ROOTS]
    made = type(name, (*(bases or [mixin]), raw), {"__doc__": raw.__doc__, "__module__": __name__, "__qualname__": name})
    _MADE[name] = made
    return made


def offered(name: str, dotted: str) -> Any:
    """Return a name of recordio.loaders with NDArrays; a class, or a function of images.

    Raises:
        NameMissing: it has none of this name.
    """
    if name not in loaders.__all__:
        raise NameMissing(dotted)
    value = getattr(loaders, name)
    return __getattr__(name) if isinstance(value, type) else function(value)


def function(raw: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function with NDArrays in the place of NumPy's arrays."""

    @functools.wraps(raw)
    def call(*given: Any, **named: Any) -> Any:
        with as_mxnets():
            result = raw(*plain(given), **plain(named))
        if isinstance(result, list):  # of augmenters
            return [as_wrapped(one) for one in result]
        return as_wrapped(wrapped(result))

    return call


class _Augmenter:
    """An augmenter that takes and gives NDArrays; labels of objects are NumPy's arrays, as in MXNet."""

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*plain(given), **plain(named))
        _wrap_inner(self)

    def __call__(self, src: Any, *label: Any) -> Any:
        """Give the image to those that this one is made of as an NDArray, for programs have augmenters of their own there."""
        with as_mxnets():
            result = super().__call__(wrapped(src) if _inner(self) else plain(src), *plain(label))  # type: ignore[misc]
        return (wrapped(result[0]), *result[1:]) if label else wrapped(result)


def _inner(augmenter: Any) -> list[str]:
    """Return which attributes of an augmenter hold others."""
    return [name for name in _INNER if getattr(augmenter, name, None) is not None]


def _wrap_inner(augmenter: Any) -> None:
    for name in _inner(augmenter):
        inner = getattr(augmenter, name)
        setattr(augmenter, name, [as_wrapped(one) for one in inner] if isinstance(inner, (list, tuple)) else as_wrapped(inner))


def as_wrapped(augmenter: Any) -> Any:
    """Return an augmenter of recordio.loaders, with all that it is made of, as one that takes and gives NDArrays."""
    name = type(augmenter).__name__
    if name in loaders.__all__ and type(augmenter) is getattr(loaders, name):
        augmenter = copy.copy(augmenter)
        augmenter.__class__ = __getattr__(name)
        _wrap_inner(augmenter)
    return augmenter


class _OfImage:
    """A transform of a dataset, called with its image as an NDArray."""

    def __init__(self, call: Callable[..., Any]) -> None:
        self._call = call

    def __call__(self, image: Any, *rest: Any) -> Any:
        return self._call(wrapped(image), *rest)


class _Dataset:
    """A dataset whose images are NDArrays."""

    def __init__(self, *given: Any, **named: Any) -> None:
        with as_mxnets():
            super().__init__(*given, **named)
        given_transform = getattr(self, "_transform", None)
        if given_transform is not None:
            self._transform: Any = _OfImage(given_transform)

    def __getitem__(self, idx: int) -> Any:
        with as_mxnets():
            item = super().__getitem__(idx)  # type: ignore[misc]  # of the dataset that this is mixed into
        if isinstance(item, tuple) and item and not isinstance(item[0], NDArray) and getattr(self, "_transform", None) is None:
            return (wrapped(item[0]), *item[1:])
        return item


class _RecordDataset(_Dataset):
    """The same of records."""

    idx_file: str
    filename: str

    @functools.cached_property
    def _record(self) -> MXIndexedRecordIO:
        """What MXNet's dataset reads with; subclasses use it, or set another."""
        return MXIndexedRecordIO(self.idx_file, self.filename, "r")

    def _fork(self) -> None:
        """Open the files anew, as MXNet's DataLoader does in each of its workers."""
        self._record = MXIndexedRecordIO(self.idx_file, self.filename, "r")
