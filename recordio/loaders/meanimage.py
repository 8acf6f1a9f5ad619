"""The mean image: loaded from its file, or made of all images of a part and saved there, as MXNet does."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol

import numpy as np

from recordio.errors import BadSample, FormatError, RecordIOError
from recordio.loaders import ndarrayfile, sampler, skipping

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from recordio.loaders.source import Sample, Source

_NAME: Final = "mean_img"  # of the array in the file
_logger = logging.getLogger("recordio.loaders")


class _Decoder(Protocol):
    def decode(self, sample: Sample, draw: sampler.Draw) -> NDArray[np.uint8]: ...


def load_or_make(
    path: str, shape: tuple[int, ...], source: Source, order: sampler.Sampler, decoder: _Decoder, seed: int, on_bad: str
) -> NDArray[np.float32]:
    """Load a mean image; where there is no such file, make it and save it.

    Args:
        path: a file as mxnet.nd.save writes it, with one array.
        shape: (channels, height, width) that it must have.
        source: of the images that it is made of.
        order: of these, the records of the first epoch.
        decoder: makes a sample into an image of that size.
        seed: of the random numbers of augmentation.
        on_bad: "raise", or "skip": bad records have no part in it, and are logged.

    Returns:
        (channels, height, width) float32, RGB.

    Raises:
        FormatError: the file is none, or has another shape.
        FileError: it cannot be read or written.
        BadSample: nothing can be made of a record, and that is not to be skipped; or of none, or of less than half of them.
    """
    if Path(path).exists():
        arrays, _ = ndarrayfile.load(path)
        if len(arrays) != 1 or arrays[0].shape != tuple(shape):
            found = ", ".join(str(array.shape) for array in arrays)
            raise FormatError(path, 0, f"{len(arrays)} array(s) of shape {found}, expected one of {tuple(shape)}")
        return arrays[0].astype(np.float32)
    mean = _make(shape, source, order, decoder, seed, on_bad)
    ndarrayfile.save(path, {_NAME: mean})
    return mean


def _make(shape: tuple[int, ...], source: Source, order: sampler.Sampler, decoder: _Decoder, seed: int, on_bad: str) -> NDArray[np.float32]:
    ordinals = order.epoch(0)[: order.cut.count or None].tolist()
    total, good = np.zeros(shape, np.float64), 0
    bad: list[BadSample] = []
    for ordinal in ordinals:
        try:
            image = decoder.decode(source.read(ordinal), sampler.draw(seed, 0, ordinal))
        except RecordIOError as error:
            if not source.is_bad(error):
                raise
            bad.append(skipping.described(source.name(ordinal), error))
            if on_bad == "raise":
                raise skipping.advised(bad[-1]) from error
            skipping.check_share(bad[-1], len(bad), len(ordinals))
            _logger.warning("%s; left out of the mean image", bad[-1])
            continue
        planes = image[None] if image.ndim == 2 else image.transpose(2, 0, 1)
        total += planes[[2, 1, 0, 3][: shape[0]]] if shape[0] > 1 else planes
        good += 1
    if bad and not good:
        raise bad[-1]
    return (total / max(1, good)).astype(np.float32)
