"""ImageRecordIter and its twins: the parameters and the batches of MXNet 1.9.1's C++ iterators."""

from __future__ import annotations

import dataclasses
import logging
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from recordio import images, pixels
from recordio.errors import ImageFormatError
from recordio.loaders import decoding, meanimage, parameters, sampler
from recordio.loaders.augment import augment
from recordio.loaders.augmentoptions import AugmentOptions
from recordio.loaders.batch import DataDesc
from recordio.loaders.loader import Loader
from recordio.loaders.normalise import NormaliseOptions, Normaliser
from recordio.loaders.plan import ENDS, Plan
from recordio.loaders.source import RecordSource, open_source
from recordio.processors import processors

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from recordio.loaders.source import ListSource, Sample

_logger = logging.getLogger("recordio.loaders")
COLORS: Final = {1: "gray", 3: "color", 4: "unchanged"}  # channels -> how images are decoded
_TYPES: Final = ("float32", "uint8", "int8")
LAYOUTS: Final = ("NCHW", "NHWC")


@dataclasses.dataclass(frozen=True, slots=True)
class ReadOptions:
    """Where samples come from and how they become batches; docs/loaders.md says what each parameter does."""

    path_imgrec: str = ""
    path_imgidx: str = ""
    path_imglist: str = ""
    path_root: str = ""
    data_shape: tuple[int, ...] = ()
    label_width: int = 1
    batch_size: int = 0
    round_batch: bool | None = None
    last_batch: str = ""
    num_parts: int = 1
    part_index: int = 0
    balance: str = "pad"
    preprocess_threads: int = 4
    prefetch_buffer: int = 4
    reuse_buffers: bool = False
    shuffle: bool = False
    shuffle_across_parts: bool = False
    seed: int = 0
    seed_aug: int | None = None
    shuffle_chunk_size: int = 0
    shuffle_chunk_seed: int = 0
    dtype: str | None = None
    layout: str = "NCHW"
    on_bad: str = "raise"
    check: bool = True
    scaled_decode: bool = False
    upright: bool = True
    aug_seq: str = "aug_default"
    data_name: str = "data"
    label_name: str = "softmax_label"
    verbose: bool = True
    ctx: str = "gpu"
    device_id: int = 0

    def __post_init__(self) -> None:
        if len(self.data_shape) != 3 or min(self.data_shape) < 1 or self.data_shape[0] not in COLORS:
            raise ValueError(f"data_shape={self.data_shape}, expected (channels, height, width) with 1, 3 or 4 channels")
        for name in ("batch_size", "label_width", "preprocess_threads", "num_parts"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name}={getattr(self, name)}, expected at least 1")
        for name in ("prefetch_buffer", "shuffle_chunk_size"):
            if getattr(self, name) < 0:
                raise ValueError(f"{name}={getattr(self, name)}, expected at least 0")
        for name, allowed in (
            ("dtype", (None, *_TYPES)),
            ("layout", LAYOUTS),
            ("last_batch", ("", *ENDS)),
            ("balance", sampler.BALANCES),
            ("aug_seq", ("aug_default",)),
            ("ctx", ("cpu", "gpu")),
        ):
            if getattr(self, name) not in allowed:
                expected = ", ".join(str(each) for each in allowed if each != "")
                raise ValueError(f"{name}={getattr(self, name)!r}, expected one of {expected}")
        if self.last_batch and self.round_batch is not None:
            raise ValueError(f"round_batch={self.round_batch} with last_batch={self.last_batch!r}, expected one of them")
        if self.shuffle_chunk_seed and not self.shuffle_chunk_size:
            raise ValueError(f"shuffle_chunk_seed={self.shuffle_chunk_seed} has no effect without shuffle_chunk_size")
        if self.shuffle_across_parts and (not self.shuffle or self.shuffle_chunk_size):
            raise ValueError("shuffle_across_parts=True needs shuffle=True and no shuffle_chunk_size")

    @property
    def type(self) -> str:
        """Of the data."""
        return self.dtype or "float32"

    @property
    def last(self) -> str:
        """Of the loader's ENDS."""
        return self.last_batch or ("zero" if self.round_batch is False else "wrap")

    @property
    def batch_shape(self) -> tuple[int, ...]:
        """Of the data of a batch."""
        channels, height, width = self.data_shape
        row = (channels, height, width) if self.layout == "NCHW" else (height, width, channels)
        return (self.batch_size, *row)


def make_sampler(source: RecordSource | ListSource, options: ReadOptions) -> sampler.Sampler:
    """Make the order of the epochs of one part."""
    records, parts = len(source), options.num_parts
    by_bytes = isinstance(source, RecordSource) and not options.path_imgidx
    if isinstance(source, RecordSource) and by_bytes:
        offsets = source.offsets()
        ranges = [sampler.split_by_bytes(offsets, source.size, parts, part) for part in range(parts)]
    else:
        ranges = [sampler.split_evenly(records, parts, part, options.balance) for part in range(parts)]
    if not 0 <= options.part_index < parts:
        raise ValueError(f"part_index={options.part_index} with num_parts={parts}, expected one from 0 to {max(parts - 1, 0)}")
    chunks: tuple[int, ...] = ()
    in_file = None
    if options.shuffle_chunk_size:
        if not isinstance(source, RecordSource):
            raise ValueError("shuffle_chunk_size counts the bytes of a .rec, and there is none")
        offsets = source.offsets()
        chunks = sampler.chunk_starts(offsets, options.shuffle_chunk_size << 20)
        in_file = sampler.in_file(offsets)
    return sampler.Sampler(
        sampler.cut(ranges, options.part_index, records, options.balance),
        shuffle=options.shuffle,
        seed=options.seed,
        chunks=chunks,
        chunk_seed=options.shuffle_chunk_seed,
        across=options.shuffle_across_parts,
        in_file=in_file,
    )


def recipe(reading: ReadOptions, *options: Any) -> dict[str, Any]:
    """Return plain values of all options that rows follow from; of *options*, dataclasses, those that have not their defaults.

    Of a mean image only that there is one: its file may have moved.
    """
    found: dict[str, Any] = {name: getattr(reading, name) for name in ("label_width", "layout", "scaled_decode", "upright")}
    found |= {"data_shape": reading.data_shape, "dtype": reading.type}
    for each in options:
        given = [(field, getattr(each, field.name)) for field in dataclasses.fields(each)]
        found |= {field.name: value for field, value in given if value != field.default}
    found |= {"mean_img": True} if "mean_img" in found else {}
    return {name: list(value) if isinstance(value, tuple) else value for name, value in found.items()}


class Decoder:
    """Decodes the image of a sample, and augments it. Threads may share one.

    Args:
        reading: of these the shape, and how images are decoded.
        augmenting: what is done to them.
    """

    def __init__(self, reading: ReadOptions, augmenting: AugmentOptions) -> None:
        self._channels = reading.data_shape[0]
        self._size = reading.data_shape[1:3]
        self._upright = reading.upright
        self._whole = reading.check
        self._short = augmenting.resize if reading.scaled_decode else -1
        self._augmenting = augmenting
        if reading.scaled_decode and augmenting.resize == -1:
            raise ValueError("scaled_decode=True needs resize, which says how small an image may be decoded")

    def decode(self, sample: Sample, draw: sampler.Draw) -> NDArray[np.uint8]:
        """Return (height, width) or (height, width, channels) uint8, BGR.

        Raises:
            ImageFormatError: there is no image, or it cannot be decoded, is damaged, or has not as many channels as are wanted.
        """
        if not sample.image:
            raise ImageFormatError("has no image")
        color, scale = COLORS[self._channels], self._scale(sample.image)
        image = decoding.decode(sample.image, color, whole=self._whole, scale=scale, upright=self._upright)
        if image.dtype != np.uint8:
            image = pixels.to_eight_bits(image)
        channels = image.shape[2] if image.ndim == 3 else 1
        if channels != self._channels:
            raise ImageFormatError(f"has {channels} channel(s), expected data_shape[0]={self._channels}")
        return augment(image, (self._size[0], self._size[1]), self._augmenting, draw)

    def _scale(self, data: bytes) -> int:
        """Return by how much a JPEG may be made smaller while it is decoded: both sides stay as long as they are wanted."""
        size = images.jpeg_size(data) if self._short > 0 else None
        if size is None:
            return 1
        return next((scale for scale in (8, 4, 2) if min(size) >= scale * self._short), 1)


class _Maker:
    """Makes rows: label, image, normalisation."""

    def __init__(self, reading: ReadOptions, decoder: Decoder, normaliser: Normaliser, *, listed: bool) -> None:
        self._width = reading.label_width
        self._decoder = decoder
        self._normaliser = normaliser
        self._listed = listed

    def make(self, sample: Sample, draw: sampler.Draw, data: NDArray[Any], label: NDArray[np.float32]) -> None:
        found = sample.label[: self._width] if self._listed else sample.label
        if len(found) != self._width:
            raise ImageFormatError(f"has {len(found)} label(s), expected label_width={self._width}")
        label[:] = found
        self._normaliser.write(self._decoder.decode(sample, draw), data, draw)


class ImageRecordIter(Loader):
    """Batches of images from .rec files, as mxnet.io.ImageRecordIter; docs/loaders.md has the parameters.

    Data is (batch_size, channels, height, width) float32, uint8 or int8, RGB; labels (batch_size,) or (batch_size,
    label_width) float32; index the ids of the records.

    Raises:
        TypeError: a parameter that does not exist.
        ValueError: a value that a parameter cannot have, or one that would have no effect.
        FileError, IndexFormatError, FormatError, ListFormatError: a file cannot be read.
    """

    _dtype: str | None = None  # of a twin

    @parameters.signed(ReadOptions, AugmentOptions, NormaliseOptions, needed=("data_shape", "batch_size"))
    def __init__(self, **given: Any) -> None:
        parameters.check_known(given, (ReadOptions, AugmentOptions, NormaliseOptions), type(self).__name__)
        for name in ("data_shape", "batch_size"):
            if name not in given:
                raise TypeError(f"{type(self).__name__} needs the parameter {name!r}")
        if self._dtype is not None:
            if given.get("dtype") not in (None, "None", self._dtype):
                raise ValueError(f"dtype={given['dtype']!r}, expected {self._dtype} of {type(self).__name__}")
            given["dtype"] = self._dtype
        elif "dtype" in given and not isinstance(given["dtype"], str) and given["dtype"] is not None:
            given["dtype"] = np.dtype(given["dtype"]).name
        reading = parameters.take(ReadOptions, given)
        super().__init__(_plan(reading, parameters.take(AugmentOptions, given), parameters.take(NormaliseOptions, given)))
        if reading.verbose:
            _logger.info("%s: %d records, %d thread(s)", self.plan.name, len(self.plan.source), self.plan.threads)


def _plan(reading: ReadOptions, augmenting: AugmentOptions, normalising: NormaliseOptions) -> Plan:
    normalising.check_type(reading.type)
    normalising.check_channels(reading.data_shape[0])
    augmenting.check_channels(reading.data_shape[0])
    decoder = Decoder(reading, augmenting)
    decoding.prepare()
    source = open_source(reading.path_imgrec, reading.path_imgidx, reading.path_imglist, reading.path_root)
    order = make_sampler(source, reading)
    seed = reading.seed if reading.seed_aug is None else reading.seed_aug
    mean = None
    if normalising.mean_img:
        mean = meanimage.load_or_make(normalising.mean_img, reading.data_shape, source, order, decoder, seed, reading.on_bad)
    normaliser = Normaliser(normalising, reading.data_shape[0], reading.type, reading.layout, mean)
    width = reading.label_width
    return Plan(
        source,
        order,
        _Maker(reading, decoder, normaliser, listed=bool(reading.path_imglist)),
        reading.batch_size,
        DataDesc(reading.data_name, reading.batch_shape, np.dtype(reading.type), reading.layout),
        DataDesc(reading.label_name, (reading.batch_size,) if width == 1 else (reading.batch_size, width), np.dtype("float32"), "N"),
        width=width,
        last=reading.last,
        on_bad=reading.on_bad,
        seed=seed,
        threads=min(reading.preprocess_threads, processors()),
        ahead=reading.prefetch_buffer,
        reuse_buffers=reading.reuse_buffers,
        recipe=recipe(reading, augmenting, normalising),
        name=reading.path_imgrec or reading.path_imglist,
    )


class ImageRecordUInt8Iter(ImageRecordIter):
    """ImageRecordIter with dtype uint8, as MXNet's deprecated twin."""

    _dtype = "uint8"


class ImageRecordInt8Iter(ImageRecordIter):
    """ImageRecordIter with dtype int8, as MXNet's deprecated twin."""

    _dtype = "int8"


class ImageRecordIter_v1(ImageRecordIter):  # noqa: N801  (MXNet's name)
    """ImageRecordIter under the name of MXNet's older implementation."""


class ImageRecordUInt8Iter_v1(ImageRecordUInt8Iter):  # noqa: N801  (MXNet's name)
    """ImageRecordUInt8Iter under the name of MXNet's older implementation."""
