"""The parameters of ImageDetRecordIter that ImageRecordIter does not have. Pure."""

from __future__ import annotations

import dataclasses
from typing import Any, Final, NamedTuple

METHODS: Final = (0, 1, 2, 3, 4, 9, 10)  # nearest, bilinear, cubic, area, lanczos, by the sizes, at random
RESIZE_MODES: Final = ("force", "shrink", "fit")
EMIT_MODES: Final = ("center", "overlap")
_PAIRS: Final = ("scales", "aspect_ratios", "overlaps", "sample_coverages", "object_coverages")


class Limits(NamedTuple):
    """What one crop sampler keeps to.

    Attributes:
        scale: the least and the most, of the image's sides.
        aspect: the least and the most width / height.
        overlap: the least and the most intersection over union of the crop and an object.
        sample_coverage: the least and the most share of the crop that an object covers.
        object_coverage: the least and the most share of an object that is in the crop.
        trials: how often it tries.
    """

    scale: tuple[float, float]
    aspect: tuple[float, float]
    overlap: tuple[float, float]
    sample_coverage: tuple[float, float]
    object_coverage: tuple[float, float]
    trials: int


@dataclasses.dataclass(frozen=True, slots=True)
class DetLabelOptions:
    """What labels are, and how they are filled up; docs/image.md says what each parameter does."""

    label_width: int = -1
    label_pad_width: int = 0
    label_pad_value: float = -1.0
    aug_seq: str = "det_aug_default"

    def __post_init__(self) -> None:
        if self.aug_seq != "det_aug_default":
            raise ValueError(f"aug_seq={self.aug_seq!r}, expected det_aug_default")
        if self.label_width != -1 and self.label_width < 1:
            raise ValueError(f"label_width={self.label_width}, expected at least 1, or -1")
        if self.label_pad_width < -1:
            raise ValueError(f"label_pad_width={self.label_pad_width}, expected at least 1, or 0 for the widest label")


@dataclasses.dataclass(frozen=True, slots=True)
class DetNormaliseOptions:
    """Mean, deviation and scale; docs/image.md says what each parameter does. A deviation of 0 divides by nothing, as in MXNet."""

    mean_img: str = ""
    mean_r: float = 0.0
    mean_g: float = 0.0
    mean_b: float = 0.0
    mean_a: float = 0.0
    std_r: float = 1.0
    std_g: float = 1.0
    std_b: float = 1.0
    std_a: float = 1.0
    scale: float = 1.0


@dataclasses.dataclass(frozen=True, slots=True)
class DetAugmentOptions:
    """The parameters of MXNet's default augmenter for detection; docs/image.md says what each does."""

    resize: int = -1
    rand_crop_prob: float = 0.0
    min_crop_scales: tuple[float, ...] = (0.0,)
    max_crop_scales: tuple[float, ...] = (1.0,)
    min_crop_aspect_ratios: tuple[float, ...] = (1.0,)
    max_crop_aspect_ratios: tuple[float, ...] = (1.0,)
    min_crop_overlaps: tuple[float, ...] = (0.0,)
    max_crop_overlaps: tuple[float, ...] = (1.0,)
    min_crop_sample_coverages: tuple[float, ...] = (0.0,)
    max_crop_sample_coverages: tuple[float, ...] = (1.0,)
    min_crop_object_coverages: tuple[float, ...] = (0.0,)
    max_crop_object_coverages: tuple[float, ...] = (1.0,)
    num_crop_sampler: int = 1
    crop_emit_mode: str = "center"
    emit_overlap_thresh: float = 0.3
    max_crop_trials: tuple[int, ...] = (25,)
    rand_pad_prob: float = 0.0
    max_pad_scale: float = 1.0
    max_random_hue: int = 0
    random_hue_prob: float = 0.0
    max_random_saturation: int = 0
    random_saturation_prob: float = 0.0
    max_random_illumination: int = 0
    random_illumination_prob: float = 0.0
    max_random_contrast: float = 0.0
    random_contrast_prob: float = 0.0
    rand_mirror_prob: float = 0.0
    fill_value: int = 127
    inter_method: int = 1
    resize_mode: str = "force"

    def __post_init__(self) -> None:
        for name, allowed in (("inter_method", METHODS), ("crop_emit_mode", EMIT_MODES), ("resize_mode", RESIZE_MODES)):
            if getattr(self, name) not in allowed:
                raise ValueError(f"{name}={getattr(self, name)!r}, expected one of {', '.join(map(str, allowed))}")
        if self.resize < 1 and self.resize != -1:
            raise ValueError(f"resize={self.resize}, expected at least 1 pixel, or -1")
        if not 0 <= self.fill_value <= 255:
            raise ValueError(f"fill_value={self.fill_value}, expected 0 to 255")
        for name in ("max_random_hue", "max_random_saturation", "max_random_illumination", "max_random_contrast", "emit_overlap_thresh"):
            if not getattr(self, name) >= 0:
                raise ValueError(f"{name}={getattr(self, name)}, expected 0 or more")
        if not self.max_pad_scale >= 1:
            raise ValueError(f"max_pad_scale={self.max_pad_scale}, expected at least 1")
        self._check_samplers()
        self._check_amounts()

    def _check_amounts(self) -> None:
        """Check that what has a probability has an amount. Amounts without probability are MXNet's way to turn something off."""
        amounts = {f"random_{name}_prob": f"max_random_{name}" for name in ("hue", "saturation", "illumination", "contrast")}
        amounts |= {"rand_pad_prob": "max_pad_scale", "rand_crop_prob": "num_crop_sampler"}
        for probability, amount in amounts.items():
            least = 1 if amount == "max_pad_scale" else 0
            if not 0 <= getattr(self, probability) <= 1:
                raise ValueError(f"{probability}={getattr(self, probability)}, expected 0 to 1")
            if getattr(self, probability) > 0 and getattr(self, amount) <= least:
                raise ValueError(f"{probability}={getattr(self, probability)} has no effect with {amount}={getattr(self, amount)}")
        if not 0 <= self.rand_mirror_prob <= 1:
            raise ValueError(f"rand_mirror_prob={self.rand_mirror_prob}, expected 0 to 1")

    def _check_samplers(self) -> None:
        for name in (*(f"{end}_crop_{pair}" for pair in _PAIRS for end in ("min", "max")), "max_crop_trials"):
            values = getattr(self, name)
            if len(values) != 1 and len(values) != self.num_crop_sampler:
                raise ValueError(f"{name} has {len(values)} values, expected 1, or num_crop_sampler={self.num_crop_sampler}")
        for number in range(self.num_crop_sampler):
            limits = self.limits(number)
            for name, (low, high) in zip(_PAIRS, limits[:5], strict=True):
                if not 0 <= low <= high:
                    raise ValueError(f"min_crop_{name}={low} with max_crop_{name}={high}, expected 0 or more, and not below the minimum")
            if not limits.scale[0] < limits.scale[1] <= 1:
                raise ValueError(f"min_crop_scales={limits.scale[0]} with max_crop_scales={limits.scale[1]}, expected it above, up to 1")

    def _of(self, name: str, number: int) -> Any:
        values = getattr(self, name)
        return values[number if len(values) > 1 else 0]

    def limits(self, number: int) -> Limits:
        """Return what crop sampler *number* keeps to."""
        pairs = [(self._of(f"min_crop_{pair}", number), self._of(f"max_crop_{pair}", number)) for pair in _PAIRS]
        scale, aspect, overlap, sample, object_ = pairs
        return Limits(scale, aspect, overlap, sample, object_, self._of("max_crop_trials", number))

    @property
    def jitters(self) -> bool:
        """Whether colors change."""
        return max(self.random_hue_prob, self.random_saturation_prob, self.random_illumination_prob, self.random_contrast_prob) > 0
