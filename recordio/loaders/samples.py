"""A record as training wants it: pixels in a layout of choice, and a label of a kind of choice."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from recordio import codecs, pixels
from recordio.errors import BadSample, RecordIOError
from recordio.loaders import decoding, skipping

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from recordio.loaders.source import Source

OnBad = str | Callable[[BadSample], None]

IMAGES: Final = ("tensor", "array", "pil", "bytes")
COLORS: Final = {"rgb": "color", "gray": "gray", "unchanged": "unchanged"}
LABELS: Final = ("class", "scalar", "vector", "first")
POLICIES: Final = ("raise", "skip")


@dataclass(frozen=True, slots=True)
class SampleOptions:
    """What becomes of a record.

    Attributes:
        image: "tensor": (channels, height, width) uint8; "array": (height, width, channels); "pil"; "bytes": as encoded.
        color: "rgb", "gray" or "unchanged".
        label: "class": int64, of one whole number; "scalar": float32, the first; "vector": (n,) float32, all;
            "first": int64, the first, cut to a whole number as InsightFace does.
        label_width: with "vector": labels that each record must have; None for any number.
        on_bad: "raise", "skip" (a warning, and the next good record instead) or a function to call before skipping.
        check: whether images that are damaged are bad; else they are decoded as far as that goes. "bytes" are not looked at.
    """

    image: str = "tensor"
    color: str = "rgb"
    label: str = "class"
    label_width: int | None = None
    on_bad: OnBad = "raise"
    check: bool = True

    def __post_init__(self) -> None:
        for name, given, known in (("image", self.image, IMAGES), ("color", self.color, tuple(COLORS)), ("label", self.label, LABELS)):
            if given not in known:
                raise ValueError(f"{name} {given!r}, expected one of {', '.join(known)}")
        if self.image == "bytes" and self.color != "rgb":
            raise ValueError(f"color {self.color!r} has no effect with image 'bytes', which are as they are stored")
        if self.label_width is not None and self.label != "vector":
            raise ValueError(f"label_width {self.label_width} with label {self.label!r}, expected it with 'vector' alone")
        if not callable(self.on_bad) and self.on_bad not in POLICIES:
            raise ValueError(f"on_bad {self.on_bad!r}, expected one of {', '.join(POLICIES)}, or a function")


@dataclass(frozen=True, slots=True)
class Selection:
    """Some of a source's samples, in an order of their own.

    Attributes:
        keys: (n,) their keys.
        ordinals: (n,) where they stand in the source; -1 for one that is missing.
        name: of the file, for messages.
    """

    keys: NDArray[np.uint64]
    ordinals: NDArray[np.int64]
    name: str


class Samples:
    """The samples of a source, decoded.

    Args:
        source: where they come from.
        options: what becomes of them.
        selection: which of them; None for all.
    """

    def __init__(self, source: Source, options: SampleOptions, selection: Selection | None = None) -> None:
        self._source = source
        self._selection = selection
        self.options = options

    def __len__(self) -> int:
        return len(self._source) if self._selection is None else len(self._selection.keys)

    def read(self, at: int) -> tuple[Any, Any]:
        """Return image and label of sample *at*; of the next good one where it is bad and that is the policy.

        Raises:
            BadSample: it is bad, or there is no good one.
            FileError: the file cannot be read.
        """
        for step in range(len(self)):
            try:
                return self._read(at)
            except BadSample as bad:
                if self.options.on_bad == "raise":
                    raise skipping.advised(bad) from bad
                if step + 1 == len(self):
                    raise
                if callable(self.options.on_bad):
                    self.options.on_bad(bad)
                else:
                    warnings.warn(f"left out: {bad}", stacklevel=2)
            at = (at + 1) % len(self)
        raise IndexError(f"sample {at} of {len(self)}")

    def _read(self, at: int) -> tuple[Any, Any]:
        chosen = self._selection
        ordinal = at if chosen is None else int(chosen.ordinals[at])
        if chosen is not None and ordinal < 0:
            raise BadSample(f"{chosen.name}: key {chosen.keys[at]}", "the .idx has no such key")
        try:
            sample = self._source.read(ordinal)
            return self._image(sample.image), self._label(sample.label)
        except _NotOfTheKind as error:
            raise BadSample(self._source.name(ordinal), str(error)) from error
        except RecordIOError as error:
            if not self._source.is_bad(error):
                raise
            raise skipping.described(self._source.name(ordinal), error) from error

    def _image(self, data: bytes) -> Any:
        kind, color = self.options.image, self.options.color
        if kind == "bytes":
            return data
        image = pixels.to_rgb(pixels.to_eight_bits(decoding.decode(data, COLORS[color], whole=self.options.check)))
        if kind == "tensor":
            return np.ascontiguousarray(image.transpose(2, 0, 1))
        image = np.ascontiguousarray(image)
        return codecs.load_pillow().fromarray(image.squeeze(2) if image.shape[2] == 1 else image) if kind == "pil" else image

    def _label(self, label: NDArray[np.float32]) -> Any:
        kind, width = self.options.label, self.options.label_width
        if kind == "vector":
            if width is not None and len(label) != width:
                raise _NotOfTheKind(f"{len(label)} label(s), expected label_width={width}")
            return label
        if not len(label):
            raise _NotOfTheKind("no label, expected at least one")
        if kind == "scalar":
            return label[0]
        if kind == "class" and (len(label) > 1 or not float(label[0]).is_integer()):
            found = f"{len(label)} labels" if len(label) > 1 else f"label {label[0]:g}"
            raise _NotOfTheKind(f"{found}, expected one whole number for label='class'; other labels are given as 'scalar' or 'vector'")
        if not abs(label[0]) < 2**63:  # NaN is not, either
            raise _NotOfTheKind(f"label {label[0]:g}, expected a number of 64 bits")
        return np.int64(label[0])


class _NotOfTheKind(Exception):
    """A label is not of the kind that was asked for."""
