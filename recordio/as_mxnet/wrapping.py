"""Iterators, datasets, augmenters and functions of recordio.loaders that take and give out NDArrays."""

from __future__ import annotations

import copy
import functools
from collections.abc import Callable
from typing import Any, Final

from recordio import loaders
from recordio.as_mxnet.ndarray import NDArray, plain, wrapped
from recordio.as_mxnet.standin import NameMissing
from recordio.mxerrors import as_mxnets
from recordio.mxfiles import MXIndexedRecordIO

_MADE: dict[str, type] = {}  # name -> class; they are names of this module, too, for pickle
_RAW: dict[type, type] = {}  # what each is made of
_INNER: Final = ("ts", "aug_list", "augmenter")  # attributes of augmenters that hold others


def __getattr__(name: str) -> Any:
    if name in _MADE:
        return _MADE[name]
    if name.startswith("_") or name not in loaders.__all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    raw = getattr(loaders, name)
    for kind, make in (("DataIter", _iterator), ("Augmenter", _augmenter), ("DetAugmenter", _augmenter), ("Dataset", _dataset)):
        if kind in loaders.__all__ and issubclass(raw, getattr(loaders, kind)):
            made = make(raw)
            made.__name__ = made.__qualname__ = name
            made.__doc__ = raw.__doc__
            _MADE[name] = made
            _RAW[made] = raw
            return made
    return raw


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
        return wrapped(result)

    return call


def _iterator(raw: Any) -> Any:
    class Iterator(raw):  # type: ignore[misc]
        wrap = staticmethod(wrapped)

        def __init__(self, *given: Any, **named: Any) -> None:
            named = plain(named)
            if named.get("aug_list") is not None:
                named["aug_list"] = [as_raw(one) for one in named["aug_list"]]
            super().__init__(*plain(given), **named)

    return Iterator


def _augmenter(raw: Any) -> Any:
    class Augmenter(raw):  # type: ignore[misc]
        def __call__(self, *given: Any) -> Any:
            return wrapped(super().__call__(*plain(given)))

    return Augmenter


def as_wrapped(augmenter: Any) -> Any:
    """Return an augmenter of recordio.loaders as one that takes and gives NDArrays."""
    name = type(augmenter).__name__
    if name in loaders.__all__ and type(augmenter) is getattr(loaders, name):
        augmenter = copy.copy(augmenter)
        augmenter.__class__ = __getattr__(name)
    return augmenter


def as_raw(augmenter: Any) -> Any:
    """Return the reverse, for an iterator; an augmenter of the program gets NDArrays there, too."""
    raw = _RAW.get(type(augmenter))
    if raw is None:
        return augmenter if type(augmenter).__module__.startswith("recordio.loaders") else _OnArrays(augmenter)
    augmenter = copy.copy(augmenter)
    augmenter.__class__ = raw
    for name in _INNER:
        inner = getattr(augmenter, name, None)
        if isinstance(inner, (list, tuple)):
            setattr(augmenter, name, [as_raw(one) for one in inner])
        elif callable(inner):
            setattr(augmenter, name, as_raw(inner))
    return augmenter


class _OnArrays:
    """A function of NDArrays that is called with NumPy's arrays, and gives such."""

    def __init__(self, call: Callable[..., Any]) -> None:
        self._call = call

    def __call__(self, *given: Any) -> Any:
        return plain(self._call(*wrapped(given)))

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        return getattr(self._call, name)


class _OfImage:
    """A transform of a dataset, called with its image as an NDArray."""

    def __init__(self, call: Callable[..., Any]) -> None:
        self._call = call

    def __call__(self, image: Any, *rest: Any) -> Any:
        return self._call(wrapped(image), *rest)


def _dataset(raw: Any) -> Any:
    class Dataset(raw):  # type: ignore[misc]
        def __init__(self, *given: Any, **named: Any) -> None:
            super().__init__(*given, **named)
            given_transform = getattr(self, "_transform", None)
            if given_transform is not None:
                self._transform: Any = _OfImage(given_transform)

        def __getitem__(self, idx: int) -> Any:
            item = super().__getitem__(idx)
            if isinstance(item, tuple) and item and not isinstance(item[0], NDArray) and getattr(self, "_transform", None) is None:
                return (wrapped(item[0]), *item[1:])
            return item

        @property
        def _record(self) -> MXIndexedRecordIO:
            """What MXNet's dataset reads with; subclasses use it."""
            return MXIndexedRecordIO(self.idx_file, self.filename, "r")

    return raw if raw.__name__ in ("Dataset", "SimpleDataset") else Dataset
