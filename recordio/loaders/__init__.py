"""Iterators that read, decode, augment and batch, with the parameters and the behaviour of mxnet.io and mxnet.image.

    batch     DataDesc, DataBatch, DataIter: what all iterators have in common
    sampler   which records an epoch reads, in which order, with which random numbers
    lists     .lst files: ids, labels, paths
    loader    epochs of batches over a source; in threads, by an engine
    augment, normalise, imagerecord: ImageRecordIter and its twins
    detaugment, imagedetrecord: ImageDetRecordIter
    arrays, csvrows, resizing, prefetching: NDArrayIter; CSVIter; ResizeIter; PrefetchingIter
    source    .rec files, or images with a list, read by ordinal
    image     decode, resize, crop, as mxnet.image; rotation, too
    augmenters, coloring, recipes, detaugmenters, detrecipes: the augmenters of mxnet.image
    imageiter, imagedetiter: ImageIter and ImageDetIter
    datasets  those of mxnet.gluon.data

The names below can be imported from here; modules load when a name is first used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from recordio.loaders.absent import INSTEAD

if TYPE_CHECKING:
    from recordio.loaders.arrays import NDArrayIter
    from recordio.loaders.augmenters import (
        Augmenter,
        CastAug,
        CenterCropAug,
        ForceResizeAug,
        HorizontalFlipAug,
        RandomCropAug,
        RandomOrderAug,
        RandomSizedCropAug,
        ResizeAug,
        SequentialAug,
    )
    from recordio.loaders.batch import DataBatch, DataDesc, DataIter
    from recordio.loaders.coloring import (
        BrightnessJitterAug,
        ColorJitterAug,
        ColorNormalizeAug,
        ContrastJitterAug,
        HueJitterAug,
        LightingAug,
        RandomGrayAug,
        SaturationJitterAug,
    )
    from recordio.loaders.csvrows import CSVIter
    from recordio.loaders.datasets import (
        Dataset,
        ImageFolderDataset,
        ImageListDataset,
        ImageRecordDataset,
        RecordFileDataset,
        SimpleDataset,
    )
    from recordio.loaders.detaugmenters import (
        DetAugmenter,
        DetBorrowAug,
        DetHorizontalFlipAug,
        DetRandomCropAug,
        DetRandomPadAug,
        DetRandomSelectAug,
    )
    from recordio.loaders.detrecipes import CreateDetAugmenter, CreateMultiRandCropAugmenter
    from recordio.loaders.image import (
        center_crop,
        color_normalize,
        copyMakeBorder,
        fixed_crop,
        imdecode,
        imread,
        imresize,
        random_crop,
        random_size_crop,
        resize_short,
        scale_down,
    )
    from recordio.loaders.imagedetiter import ImageDetIter
    from recordio.loaders.imagedetrecord import ImageDetRecordIter
    from recordio.loaders.imageiter import ImageIter
    from recordio.loaders.imagerecord import (
        ImageRecordInt8Iter,
        ImageRecordIter,
        ImageRecordIter_v1,
        ImageRecordUInt8Iter,
        ImageRecordUInt8Iter_v1,
    )
    from recordio.loaders.prefetching import PrefetchingIter
    from recordio.loaders.recipes import CreateAugmenter
    from recordio.loaders.resizing import ResizeIter
    from recordio.loaders.rotation import imrotate, random_rotate

_HOMES = {
    "imagedetrecord": ("ImageDetRecordIter",),
    "augmenters": (
        "Augmenter",
        "CastAug",
        "CenterCropAug",
        "ForceResizeAug",
        "HorizontalFlipAug",
        "RandomCropAug",
        "RandomOrderAug",
        "RandomSizedCropAug",
        "ResizeAug",
        "SequentialAug",
    ),
    "coloring": (
        "BrightnessJitterAug",
        "ColorJitterAug",
        "ColorNormalizeAug",
        "ContrastJitterAug",
        "HueJitterAug",
        "LightingAug",
        "RandomGrayAug",
        "SaturationJitterAug",
    ),
    "datasets": ("Dataset", "ImageFolderDataset", "ImageListDataset", "ImageRecordDataset", "RecordFileDataset", "SimpleDataset"),
    "detaugmenters": (
        "DetAugmenter",
        "DetBorrowAug",
        "DetHorizontalFlipAug",
        "DetRandomCropAug",
        "DetRandomPadAug",
        "DetRandomSelectAug",
    ),
    "detrecipes": ("CreateDetAugmenter", "CreateMultiRandCropAugmenter"),
    "image": (
        "center_crop",
        "color_normalize",
        "copyMakeBorder",
        "fixed_crop",
        "imdecode",
        "imread",
        "imresize",
        "random_crop",
        "random_size_crop",
        "resize_short",
        "scale_down",
    ),
    "imagedetiter": ("ImageDetIter",),
    "imageiter": ("ImageIter",),
    "recipes": ("CreateAugmenter",),
    "rotation": ("imrotate", "random_rotate"),
    "arrays": ("NDArrayIter",),
    "csvrows": ("CSVIter",),
    "batch": ("DataBatch", "DataDesc", "DataIter"),
    "imagerecord": (
        "ImageRecordInt8Iter",
        "ImageRecordIter",
        "ImageRecordIter_v1",
        "ImageRecordUInt8Iter",
        "ImageRecordUInt8Iter_v1",
    ),
    "prefetching": ("PrefetchingIter",),
    "resizing": ("ResizeIter",),
}
_MODULES = {name: module for module, names in _HOMES.items() for name in names}

__all__ = [
    "Augmenter",
    "BrightnessJitterAug",
    "CSVIter",
    "CastAug",
    "CenterCropAug",
    "ColorJitterAug",
    "ColorNormalizeAug",
    "ContrastJitterAug",
    "CreateAugmenter",
    "CreateDetAugmenter",
    "CreateMultiRandCropAugmenter",
    "DataBatch",
    "DataDesc",
    "DataIter",
    "Dataset",
    "DetAugmenter",
    "DetBorrowAug",
    "DetHorizontalFlipAug",
    "DetRandomCropAug",
    "DetRandomPadAug",
    "DetRandomSelectAug",
    "ForceResizeAug",
    "HorizontalFlipAug",
    "HueJitterAug",
    "ImageDetIter",
    "ImageDetRecordIter",
    "ImageFolderDataset",
    "ImageIter",
    "ImageListDataset",
    "ImageRecordDataset",
    "ImageRecordInt8Iter",
    "ImageRecordIter",
    "ImageRecordIter_v1",
    "ImageRecordUInt8Iter",
    "ImageRecordUInt8Iter_v1",
    "LightingAug",
    "NDArrayIter",
    "PrefetchingIter",
    "RandomCropAug",
    "RandomGrayAug",
    "RandomOrderAug",
    "RandomSizedCropAug",
    "RecordFileDataset",
    "ResizeAug",
    "ResizeIter",
    "SaturationJitterAug",
    "SequentialAug",
    "SimpleDataset",
    "center_crop",
    "color_normalize",
    "copyMakeBorder",
    "fixed_crop",
    "imdecode",
    "imread",
    "imresize",
    "imrotate",
    "random_crop",
    "random_rotate",
    "random_size_crop",
    "resize_short",
    "scale_down",
]


def __getattr__(name: str) -> Any:
    module = _MODULES.get(name)
    if module is None:
        instead = f": {INSTEAD[name]}" if name in INSTEAD else ""
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}{instead}")
    value = getattr(importlib.import_module(f"recordio.loaders.{module}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
