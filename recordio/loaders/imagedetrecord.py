"""ImageDetRecordIter: images with their objects, with the parameters and the batches of MXNet 1.9.1's C++ iterator."""

from __future__ import annotations

import dataclasses
import logging
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from recordio import pixels
from recordio.errors import ImageFormatError
from recordio.loaders import boxes, decoding, meanimage, parameters
from recordio.loaders.batch import DataDesc
from recordio.loaders.detaugment import augment
from recordio.loaders.detoptions import DetAugmentOptions, DetLabelOptions, DetNormaliseOptions
from recordio.loaders.imagerecord import COLORS, ReadOptions, make_sampler, recipe
from recordio.loaders.loader import Loader
from recordio.loaders.normalise import NormaliseOptions, Normaliser
from recordio.loaders.plan import Plan
from recordio.loaders.source import open_source
from recordio.processors import processors

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from recordio.loaders.sampler import Draw
    from recordio.loaders.source import Sample

_logger = logging.getLogger("recordio.loaders")
_FACTS: Final = 4  # channels, rows, columns, labels: what a label row starts with
_NOT_HERE: Final = ("scaled_decode", "seed_aug")  # of ReadOptions
_OPTIONS: Final = (DetLabelOptions, DetAugmentOptions, DetNormaliseOptions, ReadOptions)


class _Decoder:
    """Decodes the image of a sample, and augments it with its objects. Threads may share one."""

    def __init__(self, reading: ReadOptions, labelling: DetLabelOptions, augmenting: DetAugmentOptions) -> None:
        self._channels, height, width = reading.data_shape
        self._size = height, width
        self._upright = reading.upright
        self._whole = reading.check
        self._width = labelling.label_width
        self._augmenting = augmenting
        jittered = any(getattr(augmenting, f"random_{name}_prob") > 0 for name in ("hue", "saturation", "illumination"))
        if jittered and self._channels != 3:
            raise ValueError("random_hue_prob, random_saturation_prob and random_illumination_prob need 3 channels")

    def decode_all(self, sample: Sample, draw: Draw) -> tuple[NDArray[np.uint8], NDArray[Any]]:
        """Return the image, BGR, of the size of the data at the most, and the label: header and objects, flat.

        Raises:
            ImageFormatError: nothing can be made of it.
        """
        if self._width > 0 and len(sample.label) != self._width:
            raise ImageFormatError(f"has {len(sample.label)} label(s), expected label_width={self._width}")
        try:
            header, objects = boxes.split_label(sample.label)
        except ValueError as error:
            raise ImageFormatError(f"has {error}") from None
        if not sample.image:
            raise ImageFormatError("has no image")
        image = decoding.decode(sample.image, COLORS[self._channels], whole=self._whole, upright=self._upright)
        if image.dtype != np.uint8:
            image = pixels.to_eight_bits(image)
        channels = image.shape[2] if image.ndim == 3 else 1
        if channels != self._channels:
            raise ImageFormatError(f"has {channels} channel(s), expected data_shape[0]={self._channels}")
        image, objects = augment(image, boxes.with_area(objects), self._size, self._augmenting, draw)
        return image, np.concatenate([header, objects.reshape(-1)])

    def fill(self, image: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Return an image in the upper left corner of one of the data's size, 0 elsewhere."""
        if image.shape[:2] == self._size:
            return image
        filled = np.zeros((*self._size, *image.shape[2:]), np.uint8)
        filled[: image.shape[0], : image.shape[1]] = image
        return filled

    def decode(self, sample: Sample, draw: Draw) -> NDArray[np.uint8]:
        """Return the image alone, of the size of the data: for the mean image."""
        return self.fill(self.decode_all(sample, draw)[0])


class _Maker:
    """Makes rows: [channels, rows, columns, number of labels, labels..., filling], and normalised images."""

    def __init__(self, decoder: _Decoder, normaliser: Normaliser, channels: int, filling: float) -> None:
        self._decoder = decoder
        self._normaliser = normaliser
        self._channels = channels
        self._filling = filling

    def make(self, sample: Sample, draw: Draw, data: NDArray[Any], label: NDArray[np.float32]) -> None:
        image, found = self._decoder.decode_all(sample, draw)
        if len(found) > len(label) - _FACTS:
            raise ImageFormatError(f"has {len(found)} labels, expected at most label_pad_width={len(label) - _FACTS}")
        label[:_FACTS] = self._channels, image.shape[0], image.shape[1], len(found)
        label[_FACTS : _FACTS + len(found)] = found
        label[_FACTS + len(found) :] = self._filling
        self._normaliser.write(self._decoder.fill(image), data, draw)


class ImageDetRecordIter(Loader):
    """Batches of images with their objects from .rec files, as mxnet.io.ImageDetRecordIter; docs/image.md has the parameters.

    Labels of records are [A, B, header..., objects...], A the header's own width, B an object's; an object is
    [class, xmin, ymin, xmax, ymax, ...] with coordinates from 0 to 1. Data is (batch_size, channels, height, width); a row of
    the labels, (batch_size, 4 + label_pad_width) float32, is [channels, rows, columns, number of labels, labels...,
    label_pad_value...], rows and columns those of the image within the data.

    Raises:
        TypeError: a parameter that does not exist.
        ValueError: a value that a parameter cannot have, or one that would have no effect.
        FileError, IndexFormatError, FormatError, ListFormatError: a file cannot be read.
    """

    @parameters.signed(*_OPTIONS, needed=("data_shape", "batch_size"), without=_NOT_HERE)
    def __init__(self, **given: Any) -> None:
        name = type(self).__name__
        parameters.check_known(given, _OPTIONS, name)
        for each in given:
            if each in _NOT_HERE:
                raise TypeError(f"{name} has no parameter {each!r}")
        for each in ("data_shape", "batch_size"):
            if each not in given:
                raise TypeError(f"{name} needs the parameter {each!r}")
        if "dtype" in given and not isinstance(given["dtype"], str) and given["dtype"] is not None:
            given["dtype"] = np.dtype(given["dtype"]).name
        own = {field.name for field in dataclasses.fields(DetLabelOptions)}
        reading = parameters.take(ReadOptions, {key: value for key, value in given.items() if key not in own})
        labelling, augmenting = parameters.take(DetLabelOptions, given), parameters.take(DetAugmentOptions, given)
        super().__init__(_plan(reading, labelling, augmenting, parameters.take(DetNormaliseOptions, given)))
        if reading.verbose:
            _logger.info(
                "%s: %d records, %d thread(s), labels of %d values",
                self.plan.name, len(self.plan.source), self.plan.threads, self.plan.width - _FACTS,
            )  # fmt: skip


def _normalise_options(given: DetNormaliseOptions) -> NormaliseOptions:
    values = {name: value or 1.0 if name.startswith("std_") else value for name, value in dataclasses.asdict(given).items()}
    return NormaliseOptions(**values)  # type: ignore[arg-type]  # they have the types of those there


def _plan(reading: ReadOptions, labelling: DetLabelOptions, augmenting: DetAugmentOptions, given: DetNormaliseOptions) -> Plan:
    normalising = _normalise_options(given)
    normalising.check_type(reading.type)
    normalising.check_channels(reading.data_shape[0])
    decoder = _Decoder(reading, labelling, augmenting)
    decoding.prepare()
    source = open_source(reading.path_imgrec, reading.path_imgidx, reading.path_imglist, reading.path_root)
    widest, where = source.widest_label()
    if 0 < labelling.label_pad_width < widest:
        raise ValueError(f"label_pad_width={labelling.label_pad_width}, expected at least {widest}, the labels of {where}")
    width = _FACTS + max(widest, labelling.label_pad_width)
    order = make_sampler(source, reading)
    shape = reading.data_shape
    mean = None
    if given.mean_img:
        mean = meanimage.load_or_make(given.mean_img, shape, source, order, decoder, reading.seed, reading.on_bad)
    normaliser = Normaliser(normalising, shape[0], reading.type, reading.layout, mean)
    return Plan(
        source,
        order,
        _Maker(decoder, normaliser, shape[0], labelling.label_pad_value),
        reading.batch_size,
        DataDesc(reading.data_name, reading.batch_shape, np.dtype(reading.type), reading.layout),
        DataDesc(reading.label_name, (reading.batch_size, width), np.dtype("float32"), "NC"),
        width=width,
        last=reading.last,
        on_bad=reading.on_bad,
        seed=reading.seed,
        threads=min(reading.preprocess_threads, processors()),
        ahead=reading.prefetch_buffer,
        reuse_buffers=reading.reuse_buffers,
        recipe=recipe(reading, labelling, augmenting, given),
        name=reading.path_imgrec or reading.path_imglist,
    )
