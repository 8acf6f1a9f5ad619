"""The parameters of ImageRecordIter's augmentation, checked when they are made. Pure."""

from __future__ import annotations

import dataclasses
from typing import Final

METHODS: Final = (0, 1, 2, 3, 4, 9, 10)  # nearest, bilinear, cubic, area, lanczos, by the sizes, at random
BY_SIZE: Final = 9
AT_RANDOM: Final = 10
_UNLIMITED: Final = 1e10


@dataclasses.dataclass(frozen=True, slots=True)
class AugmentOptions:
    """The parameters of MXNet's default augmenter; docs/loaders.md says what each does."""

    resize: int = -1
    rand_crop: bool = False
    random_resized_crop: bool = False
    max_rotate_angle: int = 0
    rotate: int = -1
    rotate_list: tuple[int, ...] = ()
    max_aspect_ratio: float = 0.0
    min_aspect_ratio: float | None = None
    max_shear_ratio: float = 0.0
    max_crop_size: int = -1
    min_crop_size: int = -1
    max_random_scale: float = 1.0
    min_random_scale: float = 1.0
    max_random_area: float = 1.0
    min_random_area: float = 1.0
    max_img_size: float = _UNLIMITED
    min_img_size: float = 0.0
    brightness: float = 0.0
    contrast: float = 0.0
    saturation: float = 0.0
    pca_noise: float = 0.0
    random_h: int = 0
    random_s: int = 0
    random_l: int = 0
    fill_value: int = 255
    inter_method: int = 1
    pad: int = 0

    def __post_init__(self) -> None:
        if self.inter_method not in METHODS:
            raise ValueError(f"inter_method={self.inter_method}, expected one of {', '.join(map(str, METHODS))}")
        if self.resize < 1 and self.resize != -1:
            raise ValueError(f"resize={self.resize}, expected at least 1 pixel, or -1")
        for name in ("max_rotate_angle", "max_shear_ratio", "brightness", "contrast", "saturation", "pca_noise", "pad"):
            if not getattr(self, name) >= 0:
                raise ValueError(f"{name}={getattr(self, name)}, expected 0 or more")
        if not 0 <= self.fill_value <= 255:
            raise ValueError(f"fill_value={self.fill_value}, expected 0 to 255")
        self._check_ranges()
        self._check_conflicts()

    def _check_ranges(self) -> None:
        for name in ("random_scale", "random_area", "crop_size", "img_size"):
            low, high = getattr(self, f"min_{name}"), getattr(self, f"max_{name}")
            if low > high:
                raise ValueError(f"min_{name}={low} with max_{name}={high}, expected a minimum that is not larger")
        if self.min_aspect_ratio is not None and not 0 < self.min_aspect_ratio <= self.max_aspect_ratio:
            raise ValueError(
                f"min_aspect_ratio={self.min_aspect_ratio} with max_aspect_ratio={self.max_aspect_ratio}, expected a minimum "
                "above 0 that is not larger"
            )
        if self.max_crop_size != -1 and self.min_crop_size < 1:
            raise ValueError(f"min_crop_size={self.min_crop_size} with max_crop_size={self.max_crop_size}, expected at least 1 pixel")
        if self.min_random_area <= 0 or self.min_random_scale <= 0:
            raise ValueError("min_random_area and min_random_scale must be above 0")

    def check_channels(self, channels: int) -> None:
        """Check that each parameter means something for images of so many channels.

        Raises:
            ValueError: one needs colors, and there are none.
        """
        for name in ("saturation", "random_h", "random_s", "random_l", "pca_noise"):
            if channels == 1 and getattr(self, name):
                raise ValueError(f"{name}={getattr(self, name)} has no effect on images of 1 channel, expected colors")

    def _check_conflicts(self) -> None:
        turns = {"max_rotate_angle": self.max_rotate_angle > 0, "rotate": self.rotate != -1, "rotate_list": bool(self.rotate_list)}
        given = [f"{name}={getattr(self, name)}" for name, is_given in turns.items() if is_given]
        if len(given) > 1:
            raise ValueError(f"{' with '.join(given)}: only one of them can be")
        if not self.random_resized_crop:
            if (self.min_random_area, self.max_random_area) != (1.0, 1.0):
                raise ValueError("min_random_area and max_random_area need random_resized_crop=True")
            return
        for name, off in (("rand_crop", False), ("max_crop_size", -1), ("max_random_scale", 1.0), ("min_random_scale", 1.0)):
            if getattr(self, name) != off:
                raise ValueError(f"random_resized_crop=True with {name}={getattr(self, name)}: only one of them can be")

    @property
    def warps(self) -> bool:
        """Whether images are rotated, sheared or scaled."""
        aspect = not self.random_resized_crop and (self.max_aspect_ratio != 0 or self.min_aspect_ratio is not None)
        rotates = self.max_rotate_angle > 0 or self.rotate not in (-1, 0) or self.rotate_list
        scales = self.max_random_scale != 1 or self.min_random_scale != 1
        return bool(aspect or rotates or scales or self.max_shear_ratio > 0 or self.max_img_size != _UNLIMITED or self.min_img_size)

    @property
    def jitters(self) -> bool:
        """Whether brightness, contrast or saturation change."""
        return self.brightness > 0 or self.contrast > 0 or self.saturation > 0

    def range_of_aspect(self) -> tuple[float, float]:
        """Return the smallest and the largest width / height."""
        if self.min_aspect_ratio is not None:
            return self.min_aspect_ratio, self.max_aspect_ratio
        return 1 - self.max_aspect_ratio, 1 + self.max_aspect_ratio
