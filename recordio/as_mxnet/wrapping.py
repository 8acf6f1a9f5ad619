"""Iterators, datasets, augmenters and functions of recordio.loaders that take and give out NDArrays."""

from __future__ import annotations

import copy
import functools
from collections.abc import Callable
from typing import Any, Final

import numpy as np

from recordio import loaders
from recordio.as_mxnet.ndarray import NDArray, plain, wrapped
from recordio.as_mxnet.standin import NameMissing
from recordio.mxerrors import as_mxnets
from recordio.mxfiles import MXIndexedRecordIO, MXRecordIO

_MADE: dict[str, type] = {}  # name -> class; they are names of this module, too, for pickle
_INNER: Final = ("ts", "aug_list", "augmenter")  # attributes of augmenters that hold others


def __getattr__(name: str) -> Any:
    if name in _MADE:
        return _MADE[name]
    if name.startswith("_") or name not in loaders.__all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    raw = getattr(loaders, name)
    for kind, make in _KINDS:
        if issubclass(raw, getattr(loaders, kind)):
            made = make(raw)
            made.__name__ = made.__qualname__ = name
            made.__doc__ = raw.__doc__
            _MADE[name] = made
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
            super().__init__(*plain(given), **plain(named))

        def next(self) -> Any:
            with as_mxnets():
                return super().next()

    return Iterator


def _image_iterator(raw: Any) -> Any:
    """Make an iterator whose methods that programs override take and give NDArrays, as its augmenters do."""

    class Iterator(_iterator(raw)):  # type: ignore[misc]
        _own = ("recordio.loaders.", __name__)

        def _make_augmenters(self, aug_list: Any, given: dict[str, Any]) -> list[Any]:
            return [as_wrapped(one) for one in super()._make_augmenters(aug_list, given)]

        def _read(self, ordinal: int) -> tuple[Any, bytes]:
            label, image = super()._read(ordinal)
            return (NDArray(np.atleast_1d(np.float32(label))) if self._listed else label), image

        @property
        def seq(self) -> list[int] | None:
            """The keys of the epoch; None for a .rec without .idx."""
            return None if self._paths[0] and not self._paths[1] else super().seq

        @functools.cached_property
        def imgrec(self) -> MXRecordIO | None:
            """What MXNet's iterator reads with; subclasses use it."""
            rec, idx = self._paths
            if not rec:
                return None
            return MXIndexedRecordIO(idx, rec, "r") if idx else MXRecordIO(rec, "r")

        @functools.cached_property
        def imglist(self) -> dict[int, tuple[Any, str]] | None:
            """Labels and path by id; None without a list. Paths of a list beside a .rec are empty."""
            if not self._listed:
                return None
            return {key: (wrapped(label), path) for key, (label, path) in self.source.entries().items()}

        def reset(self) -> None:
            super().reset()
            if "imgrec" in self.__dict__ and self.imgrec is not None:
                self.imgrec.reset()

        def imdecode(self, s: bytes) -> Any:
            with as_mxnets():
                return wrapped(super().imdecode(s))

        def check_valid_image(self, data: Any) -> None:
            with as_mxnets():
                super().check_valid_image(data)

        def postprocess_data(self, datum: Any) -> Any:
            return wrapped(super().postprocess_data(plain(datum)))

        def read_image(self, fname: str) -> bytes:
            with as_mxnets():
                return super().read_image(fname)  # type: ignore[no-any-return]

        def _checked(self, data: Any) -> Any:
            return super()._checked(plain(data))

        def _keep(self, pixels: Any) -> Any:
            return plain(pixels)

    return Iterator


def _augmenter(raw: Any) -> Any:
    class Augmenter(raw):  # type: ignore[misc]
        def __init__(self, *given: Any, **named: Any) -> None:
            super().__init__(*plain(given), **plain(named))
            _wrap_inner(self)

        def __call__(self, src: Any, *label: Any) -> Any:
            """Give the image to those that this one is made of as an NDArray, for programs have augmenters of their own there."""
            result = super().__call__(wrapped(src) if _inner(self) else plain(src), *plain(label))
            return (wrapped(result[0]), *result[1:]) if label else wrapped(result)

    return Augmenter


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


_KINDS: Final = (
    ("ImageIter", _image_iterator),
    ("DataIter", _iterator),
    ("Augmenter", _augmenter),
    ("DetAugmenter", _augmenter),
    ("Dataset", _dataset),
)
