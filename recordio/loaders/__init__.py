"""Iterators that read, decode, augment and batch, with the parameters and the behaviour of mxnet.io and mxnet.image.

    batch     DataDesc, DataBatch, DataIter: what all iterators have in common
    sampler   which records an epoch reads, in which order, with which random numbers
    lists     .lst files: ids, labels, paths
    loader    epochs of batches over a source; in threads, by an engine
    augment, normalise, imagerecord: ImageRecordIter and its twins
    arrays, wrappers: NDArrayIter, CSVIter; ResizeIter, PrefetchingIter
    source    .rec files, or images with a list, read by ordinal

The names below can be imported from here; modules load when a name is first used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from recordio.loaders.arrays import CSVIter, NDArrayIter
    from recordio.loaders.batch import DataBatch, DataDesc, DataIter
    from recordio.loaders.imagerecord import (
        ImageRecordInt8Iter,
        ImageRecordIter,
        ImageRecordIter_v1,
        ImageRecordUInt8Iter,
        ImageRecordUInt8Iter_v1,
    )
    from recordio.loaders.wrappers import PrefetchingIter, ResizeIter

_HOMES = {
    "arrays": ("CSVIter", "NDArrayIter"),
    "batch": ("DataBatch", "DataDesc", "DataIter"),
    "imagerecord": (
        "ImageRecordInt8Iter",
        "ImageRecordIter",
        "ImageRecordIter_v1",
        "ImageRecordUInt8Iter",
        "ImageRecordUInt8Iter_v1",
    ),
    "wrappers": ("PrefetchingIter", "ResizeIter"),
}
_MODULES = {name: module for module, names in _HOMES.items() for name in names}

__all__ = [
    "CSVIter",
    "DataBatch",
    "DataDesc",
    "DataIter",
    "ImageRecordInt8Iter",
    "ImageRecordIter",
    "ImageRecordIter_v1",
    "ImageRecordUInt8Iter",
    "ImageRecordUInt8Iter_v1",
    "NDArrayIter",
    "PrefetchingIter",
    "ResizeIter",
]


def __getattr__(name: str) -> Any:
    module = _MODULES.get(name)
    if module is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(f"recordio.loaders.{module}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
