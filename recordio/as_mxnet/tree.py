"""Which modules the stand-in has, and where each of their names comes from."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Iterable
from typing import Any, Final

from recordio.as_mxnet import basics
from recordio.as_mxnet.standin import Finder, StandIn

VERSION: Final = "1.9.1"  # whose names these are

_Makers = basics.Makers

_ITERATORS: Final = (
    "ImageRecordIter ImageRecordUInt8Iter ImageRecordInt8Iter ImageRecordIter_v1 ImageRecordUInt8Iter_v1 ImageDetRecordIter NDArrayIter "
    "CSVIter ResizeIter PrefetchingIter DataIter DataBatch DataDesc"
).split()
_IMAGES: Final = (
    "imdecode imread imresize imrotate random_rotate resize_short scale_down fixed_crop center_crop random_crop random_size_crop "
    "color_normalize copyMakeBorder CreateAugmenter CreateDetAugmenter CreateMultiRandCropAugmenter ImageIter ImageDetIter Augmenter "
    "SequentialAug RandomOrderAug ResizeAug ForceResizeAug RandomCropAug RandomSizedCropAug CenterCropAug HorizontalFlipAug CastAug "
    "BrightnessJitterAug ContrastJitterAug SaturationJitterAug HueJitterAug ColorJitterAug LightingAug ColorNormalizeAug RandomGrayAug "
    "DetAugmenter DetBorrowAug DetRandomSelectAug DetHorizontalFlipAug DetRandomCropAug DetRandomPadAug"
).split()
_VISION: Final = ("ImageRecordDataset", "ImageFolderDataset", "ImageListDataset")
_DATASETS: Final = ("Dataset", "SimpleDataset", "RecordFileDataset")
_OWN_DATA: Final = (
    "ArrayDataset Sampler SequentialSampler RandomSampler FilterSampler BatchSampler DataLoader default_batchify_fn default_mp_batchify_fn"
).split()
_TRANSFORMS: Final = (
    "Compose Cast ToTensor Normalize Resize CenterCrop RandomCrop RandomResizedCrop CropResize RandomFlipLeftRight "
    "RandomFlipTopBottom RandomApply RandomRotation Rotate RandomBrightness RandomContrast RandomSaturation RandomHue "
    "RandomGray RandomColorJitter RandomLighting Block HybridBlock Sequential HybridSequential"
).split()
# Modules that programs import beside what reads data: the import works, a name of theirs fails when it is used.
_EMPTY: Final = (
    "sym symbol mod module model optimizer init initializer lr_scheduler metric callback monitor mon viz visualization "
    "executor profiler engine contrib operator rnn np npx numpy numpy_extension attribute name rtc onnx library gluon.loss "
    "gluon.rnn gluon.model_zoo gluon.contrib gluon.trainer gluon.parameter gluon.metric nd.linalg nd.sparse nd.op "
    "ndarray.linalg ndarray.sparse ndarray.op gluon.model_zoo.vision contrib.amp amp"
).split()


def is_installed() -> bool:
    """Tell whether ``mxnet`` is the stand-in."""
    return isinstance(sys.modules.get("mxnet"), StandIn)


def install() -> None:
    """Put the modules into sys.modules."""
    if is_installed():
        return
    modules = _modules()
    for name, module in modules.items():
        parent, _, own = name.rpartition(".")
        if parent:
            setattr(modules[parent], own, module)
        sys.modules[name] = module
    if not any(isinstance(finder, Finder) for finder in sys.meta_path):
        sys.meta_path.insert(0, Finder())


def _modules() -> dict[str, StandIn]:
    found: dict[str, StandIn] = {}

    def add(names: Iterable[str], doc: str, makers: _Makers) -> None:
        for name in names:
            found[f"mxnet.{name}".rstrip(".")] = StandIn(f"mxnet.{name}".rstrip("."), doc, makers)

    add([""], "MXNet's names for reading data, without MXNet.", _top())
    add(["recordio"], "recordio.mxnet.", _from("recordio.mxnet", _RECORDIO))
    add(["io", "io.io"], "Iterators.", {**_loaders("mxnet.io", _ITERATORS), "MXDataIter": lambda: _load("recordio.loaders", "DataIter")})
    add(["image", "img", "image.image", "image.detection", "image.det"], "Images.", _loaders("mxnet.image", _IMAGES))
    add(["nd", "ndarray", "ndarray.ndarray", "nd.ndarray"], "Arrays.", _functions())
    add(["random", "rnd", "nd.random", "ndarray.random"], "Random numbers.", _random())
    add(["nd.image", "ndarray.image"], "Operations on images.", _images())
    add(["nd.contrib", "ndarray.contrib"], "More operations.", _contrib())
    inner = {"_cvimdecode": "imdecode", "_cvimread": "imread", "_cvimresize": "imresize", "_cvcopyMakeBorder": "copyMakeBorder"}
    images = _loaders("mxnet.image", inner.values())
    add(["nd._internal", "ndarray._internal"], "Images, under older names.", {name: images[other] for name, other in inner.items()})
    add(["context"], "Contexts.", _contexts())
    add(["base"], "Types and errors.", basics.base())
    add(["error"], "Errors.", {"MXNetError": lambda: _load("recordio.mxerrors", "MXNetError")})
    add(["util"], "Small things.", basics.util())
    add(["libinfo"], "The version.", {"__version__": lambda: VERSION})
    add(["log"], "Logging.", basics.log())
    add(["test_utils"], "Comparisons.", _comparing())
    add(["gluon"], "Blocks without parameters, and data.", _blocks(("Block", "HybridBlock")))
    add(["gluon.block"], "Blocks without parameters.", _blocks(("Block", "HybridBlock")))
    utils = _from("recordio.as_mxnet.devices", ("split_data", "split_and_load"))
    add(["gluon.utils"], "Splitting of batches, files.", {**utils, **_from("recordio.as_mxnet.downloads", ("download", "check_sha1"))})
    add(["kv", "kvstore"], "One process by itself.", _from("recordio.as_mxnet.devices", ("create",)))
    add(["autograd"], "Off.", basics.autograd())
    add(["runtime"], "What there is.", _from("recordio.as_mxnet.basics", ("Features",)))
    add(["gluon.nn"], "Blocks one after the other.", _blocks(("Sequential", "HybridSequential", "Block", "HybridBlock")))
    data = {**_datasets(_DATASETS), **_from("recordio.as_mxnet.datasets", _OWN_DATA)}
    add(["gluon.data", "gluon.data.dataset", "gluon.data.sampler", "gluon.data.dataloader"], "Datasets, DataLoader.", data)
    add(["gluon.data.vision", "gluon.data.vision.datasets"], "Datasets of images.", _datasets(_VISION))
    add(["gluon.data.vision.transforms"], "Transforms of images.", _blocks(_TRANSFORMS))
    add(_EMPTY, "Not offered.", {})
    return found


_RECORDIO: Final = (
    "MXRecordIO MXIndexedRecordIO IRHeader pack unpack pack_img unpack_img _IR_FORMAT _IR_SIZE MXNetError RecordError AccessError "
    "MissingFile ShortPayload np cv2"
).split()


def _load(module: str, name: str) -> Any:
    return getattr(importlib.import_module(module), name)


def _from(module: str, names: Iterable[str]) -> _Makers:
    return {name: lambda name=name: _load(module, name) for name in names}  # type: ignore[misc]


def _loaders(of: str, names: Iterable[str]) -> _Makers:
    def maker(name: str) -> Callable[[], Any]:
        return lambda: _load("recordio.as_mxnet.wrapping", "offered")(name, f"{of}.{name}")

    return {name: maker(name) for name in names}


def _datasets(names: Iterable[str]) -> _Makers:
    return _loaders("mxnet.gluon.data", names)


def _blocks(names: Iterable[str]) -> _Makers:
    return {name: lambda name=name: _load("recordio.as_mxnet.transforms", name.replace("HybridS", "S")) for name in names}  # type: ignore[misc]


def _top() -> _Makers:
    return {
        **_contexts(),
        "MXNetError": lambda: _load("recordio.mxerrors", "MXNetError"),
        "__version__": lambda: VERSION,
        "is_np_array": lambda: lambda: False,
        "is_np_shape": lambda: lambda: False,
        "waitall": lambda: _load("recordio.as_mxnet.functions", "waitall"),
    }


def _contexts() -> _Makers:
    names = ("Context", "cpu", "cpu_pinned", "gpu", "current_context", "num_gpus")
    return _from("recordio.as_mxnet.context", names)


def _functions() -> _Makers:
    from recordio.as_mxnet.functions import OFFERED

    return {
        **{name: lambda value=value: value for name, value in OFFERED.items()},  # type: ignore[misc]
        **_loaders("mxnet.nd", ("imdecode", "imresize")),
    }


def _images() -> _Makers:
    from recordio.as_mxnet.functions import IMAGES

    return {name: lambda value=value: value for name, value in IMAGES.items()}  # type: ignore[misc]


def _contrib() -> _Makers:
    return {"boolean_mask": lambda: _load("recordio.as_mxnet.functions", "CONTRIB")["boolean_mask"]}


def _random() -> _Makers:
    from recordio.as_mxnet.randomness import OFFERED

    return {name: lambda value=value: value for name, value in OFFERED.items()}  # type: ignore[misc]


def _comparing() -> _Makers:
    names = ("same", "almost_equal", "assert_almost_equal", "default_context", "set_default_context", "list_gpus", "rand_ndarray")
    return {**_from("recordio.as_mxnet.devices", names), "download": lambda: _load("recordio.as_mxnet.downloads", "fetch")}
