"""Iterators of recordio.loaders with NDArrays and the descriptions that MXNet's have: what is mixed into each of their classes."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from recordio import loaders
from recordio.as_mxnet.ndarray import NDArray, plain, wrapped
from recordio.errors import RecordIOError
from recordio.mxerrors import ArgumentError, MXNetError, as_mxnets
from recordio.mxfiles import MXRecordIO
from recordio.mxindexed import MXIndexedRecordIO


class Shape(loaders.DataDesc):
    """A description that is printed as the pair of name and shape that MXNet's ImageIter has."""

    def __repr__(self) -> str:
        return f"({self.name!r}, {self.shape})"


class Iterator:
    """An iterator whose arrays are NDArrays and whose errors are MXNetErrors as well."""

    wrap = staticmethod(wrapped)
    describe: type[loaders.DataDesc] = loaders.DataDesc

    def __init__(self, *given: Any, **named: Any) -> None:
        if isinstance(self, loaders.NDArrayIter):
            given, named = _of_floats(given, named)
        given, named = plain(given), plain(named)
        with as_mxnets():
            try:
                super().__init__(*given, **named)
            except (TypeError, ValueError) as error:
                if isinstance(error, (MXNetError, RecordIOError)):
                    raise
                raise ArgumentError(str(error)) from error

    @property
    def provide_data(self) -> Any:
        """What the data of a batch are, as MXNet says it."""
        return self._provided("provide_data", "rename_data")

    @provide_data.setter
    def provide_data(self, value: Any) -> None:
        self.__dict__["provide_data"] = value

    @property
    def provide_label(self) -> Any:
        """The same of the labels."""
        return self._provided("provide_label", "rename_label")

    @provide_label.setter
    def provide_label(self, value: Any) -> None:
        self.__dict__["provide_label"] = value

    def _provided(self, name: str, renames: str) -> Any:
        if isinstance(self, loaders.ResizeIter):
            return self.__dict__[name]
        if isinstance(self, loaders.PrefetchingIter) and not getattr(self, renames):
            return [one for each in self.iters for one in getattr(each, name)]
        found = self.__dict__[name] if name in self.__dict__ else getattr(super(), name)
        return found if not isinstance(found, list) else [self._described(one) for one in found]

    def _described(self, one: Any) -> Any:
        if type(one) is not loaders.DataDesc:
            return one
        layout = one.layout if one.layout == "NHWC" else "NCHW"  # of labels as well, as in MXNet
        return self.describe(one.name, one.shape, np.dtype(one.dtype).type, layout)

    def next(self) -> Any:
        """Return the next batch."""
        with as_mxnets():
            return super().next()  # type: ignore[misc]  # of the iterator that this is mixed into

    def reset(self) -> None:
        """Go to the start of the next epoch."""
        with as_mxnets():
            super().reset()  # type: ignore[misc]


class RowIterator(Iterator):
    """An ImageIter or ImageDetIter; methods that programs override take and give NDArrays, as its augmenters do."""

    describe = Shape
    source: Any
    _own = ("recordio.loaders.", "recordio.as_mxnet.")
    _paths: tuple[Any, Any]
    _listed: bool
    _is_in_python: bool

    def _make_augmenters(self, aug_list: Any, given: dict[str, Any]) -> list[Any]:
        from recordio.as_mxnet import wrapping

        return [wrapping.as_wrapped(one) for one in super()._make_augmenters(aug_list, given)]  # type: ignore[misc]

    def _read(self, ordinal: int) -> tuple[Any, bytes]:
        label, image = super()._read(ordinal)  # type: ignore[misc]
        return (NDArray(np.atleast_1d(np.float32(label))) if self._listed else label), image

    @property
    def seq(self) -> list[Any] | None:
        """The keys of the epoch; None for a .rec without .idx."""
        return None if self._paths[0] and not self._paths[1] else super().seq  # type: ignore[misc]

    def _named(self, keys: list[Any]) -> list[Any]:
        return [str(key) for key in keys] if self._is_in_python else keys  # of a Python list, as in MXNet

    @functools.cached_property
    def imgidx(self) -> list[int] | None:
        """The keys of the .idx; None without one."""
        return self.source.keys.tolist() if all(self._paths) else None

    @functools.cached_property
    def imgrec(self) -> MXRecordIO | None:
        """What MXNet's iterator reads with; subclasses use it."""
        rec, idx = self._paths
        if not rec:
            return None
        return MXIndexedRecordIO(idx, rec, "r") if idx else MXRecordIO(rec, "r")

    @functools.cached_property
    def imglist(self) -> dict[Any, tuple[Any, str]] | None:
        """Labels and path by what ``seq`` has; None without a list. Paths of a list beside a .rec are empty."""
        if not self._listed:
            return None
        entries = self.source.entries()
        return {key: (wrapped(label), path) for key, (label, path) in zip(self._named(list(entries)), entries.values(), strict=True)}

    def reset(self) -> None:
        """Go to the start of the next epoch."""
        super().reset()
        if "imgrec" in self.__dict__ and self.imgrec is not None:
            self.imgrec.reset()

    def imdecode(self, s: bytes) -> Any:
        """Decode an image to (height, width, channels), RGB."""
        with as_mxnets():
            return wrapped(super().imdecode(s))  # type: ignore[misc]

    def check_valid_image(self, data: Any) -> None:
        """Check a decoded image, or a list of one."""
        with as_mxnets():
            super().check_valid_image(data[0] if isinstance(data, (list, tuple)) else data)  # type: ignore[misc]

    def postprocess_data(self, datum: Any) -> Any:
        """Return an image in the order of the batch."""
        return wrapped(super().postprocess_data(plain(datum)))  # type: ignore[misc]

    def read_image(self, fname: str) -> bytes:
        """Read the file of an image below path_root."""
        with as_mxnets():
            data: bytes = super().read_image(fname)  # type: ignore[misc]
            return data

    def _checked(self, data: Any) -> Any:
        return super()._checked(plain(data))  # type: ignore[misc]

    def _keep(self, pixels: Any) -> Any:
        return plain(pixels)


def _of_floats(given: tuple[Any, ...], named: dict[str, Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Make the arrays of NDArrayIter float32, unless they are NDArrays, as MXNet does."""

    def floats(value: Any) -> Any:
        if value is None or isinstance(value, NDArray):
            return value
        if isinstance(value, dict):
            return {name: floats(one) for name, one in value.items()}
        if isinstance(value, (list, tuple)):
            return [floats(one) for one in value]
        return np.asarray(value, np.float32)

    return (*map(floats, given[:2]), *given[2:]), {name: floats(one) if name in ("data", "label") else one for name, one in named.items()}
