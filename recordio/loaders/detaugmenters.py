"""The augmenters of mxnet.image for detection: image and boxes change together. Images are (height, width, channels), RGB."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from recordio.loaders import boxes, chance, checks, image
from recordio.loaders.augmenters import Augmenter, as_plain

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from recordio.loaders.image import Image

_LEAST_PIXELS = 2  # of a crop or an object that counts, and of a border on both sides


class DetAugmenter:
    """Something that is done to an image and its objects.

    Call it with an image and (n, 5 or more) objects [class, xmin, ymin, xmax, ymax, ...], coordinates from 0 to 1; take what it
    returns.

    Args:
        **given: the parameters, for ``dumps``.
    """

    def __init__(self, **given: Any) -> None:
        self._kwargs = {name: as_plain(value) for name, value in given.items()}

    def dumps(self) -> Any:
        """Return the name in lower case and the parameters as JSON; of augmenters made of others, a list of theirs."""
        return json.dumps([type(self).__name__.lower(), self._kwargs])

    def __call__(self, src: Image, label: NDArray[Any]) -> tuple[Image, NDArray[Any]]:
        """Return what becomes of an image and its objects."""
        raise NotImplementedError(f"{type(self).__name__} has no __call__")


class DetBorrowAug(DetAugmenter):
    """An augmenter that changes no positions, for the image alone."""

    def __init__(self, augmenter: Augmenter) -> None:
        if not isinstance(augmenter, Augmenter):
            raise TypeError(f"a {type(augmenter).__name__}, expected an Augmenter")
        super().__init__(augmenter=augmenter.dumps())
        self.augmenter = augmenter

    def dumps(self) -> list[Any]:
        """Return the name in lower case, and what the augmenter dumps."""
        return [type(self).__name__.lower(), self.augmenter.dumps()]

    def __call__(self, src: Image, label: NDArray[Any]) -> tuple[Image, NDArray[Any]]:
        return self.augmenter(src), label


class DetRandomSelectAug(DetAugmenter):
    """One of several augmenters at random; with probability *skip_prob* none."""

    def __init__(self, aug_list: DetAugmenter | Sequence[DetAugmenter], skip_prob: float = 0) -> None:
        super().__init__(skip_prob=skip_prob)
        self.aug_list: list[DetAugmenter] = list(aug_list) if isinstance(aug_list, Sequence) else [aug_list]
        for each in self.aug_list:
            if not isinstance(each, DetAugmenter):
                raise ValueError(f"a {type(each).__name__}, expected DetAugmenters alone")
        self.skip_prob = skip_prob if self.aug_list else 1

    def dumps(self) -> list[Any]:
        """Return the name in lower case, and what the augmenters dump."""
        return [type(self).__name__.lower(), [each.dumps() for each in self.aug_list]]

    def __call__(self, src: Image, label: NDArray[Any]) -> tuple[Image, NDArray[Any]]:
        draw = chance.current()
        if draw.random() < self.skip_prob:
            return src, label
        return draw.choice(self.aug_list)(src, label)  # type: ignore[no-any-return]


class DetHorizontalFlipAug(DetAugmenter):
    """Mirror image and boxes with probability *p*."""

    def __init__(self, p: float) -> None:
        super().__init__(p=p)
        self.p = p

    def __call__(self, src: Image, label: NDArray[Any]) -> tuple[Image, NDArray[Any]]:
        if chance.current().random() >= self.p:
            return src, label
        return src[:, ::-1], boxes.mirror(label)


def pair(value: Any) -> tuple[float, float]:
    """Return the least and the most of a pair of both, or of one number that is both."""
    found: Any = tuple(value) if isinstance(value, (list, tuple)) else (value, value)
    return found  # type: ignore[no-any-return]  # checked where it is used


def _check_sizes(area_range: tuple[float, float], least_area: float, aspect_ratio_range: tuple[float, float], max_attempts: int) -> None:
    checks.check_range("area_range", area_range, least=0, above=least_area)
    checks.check_range("aspect_ratio_range", aspect_ratio_range, least=0, above=0)
    if aspect_ratio_range[0] <= 0:
        raise ValueError(f"aspect_ratio_range={aspect_ratio_range}, expected numbers above 0")
    checks.check_counts(1, max_attempts=max_attempts)


class DetRandomCropAug(DetAugmenter):
    """Crop at random, so that enough is left of the objects; objects of which little is left are dropped.

    Args:
        min_object_covered: of each object that is touched, more than this share must be in the crop.
        aspect_ratio_range: the least and the most width / height; or one number.
        area_range: the least and the most share of the image's area; or one number.
        min_eject_coverage: objects of which this share or less is in the crop are dropped.
        max_attempts: tries; then the image stays as it is.

    Raises:
        ValueError: an argument cannot be so.
    """

    def __init__(
        self,
        min_object_covered: float = 0.1,
        aspect_ratio_range: float | tuple[float, float] = (0.75, 1.33),
        area_range: float | tuple[float, float] = (0.05, 1.0),
        min_eject_coverage: float = 0.3,
        max_attempts: int = 50,
    ) -> None:
        self.aspect_ratio_range, self.area_range = pair(aspect_ratio_range), pair(area_range)
        super().__init__(
            min_object_covered=min_object_covered,
            aspect_ratio_range=self.aspect_ratio_range,
            area_range=self.area_range,
            min_eject_coverage=min_eject_coverage,
            max_attempts=max_attempts,
        )
        self.min_object_covered, self.min_eject_coverage, self.max_attempts = min_object_covered, min_eject_coverage, max_attempts
        checks.check_shares(min_object_covered=min_object_covered, min_eject_coverage=min_eject_coverage)
        _check_sizes(self.area_range, 0, self.aspect_ratio_range, max_attempts)

    def __call__(self, src: Image, label: NDArray[Any]) -> tuple[Image, NDArray[Any]]:
        height, width = src.shape[:2]
        for _ in range(self.max_attempts):
            size = self._size(height, width)
            if size is None:
                continue
            w, h = size
            draw = chance.current()
            x, y = draw.randint(0, width - w), draw.randint(0, height - h)
            kept = self._kept(label, (x / width, y / height, (x + w) / width, (y + h) / height), height * width)
            if kept is not None:
                return image.fixed_crop(src, x, y, w, h), kept
        return src, label

    def _size(self, height: int, width: int) -> tuple[int, int] | None:
        """Return width and height of a try, or None when it fails."""
        draw = chance.current()
        ratio = draw.uniform(*self.aspect_ratio_range)
        least, most = (share * height * width for share in self.area_range)
        high = min(round(math.sqrt(most / ratio)), int((width + 0.4999999) / ratio), height)
        low = min(math.ceil(math.sqrt(least / ratio)), high)
        h = draw.randint(low, high)
        w = round(h * ratio)
        if w > width or not least <= w * h <= most or w * h < _LEAST_PIXELS:
            return None
        return w, h

    def _kept(self, label: NDArray[Any], region: boxes.Region, pixels: int) -> NDArray[Any] | None:
        """Return the objects of a crop; None when it leaves too little of them."""
        own = boxes.areas(label[:, 1:5])
        shares = boxes.shared_areas(label[:, 1:5], region)
        shares = shares / own.clip(1e-12)
        touched = shares[(own * pixels > _LEAST_PIXELS) & (shares > 0)]
        if not touched.size or touched.min() <= self.min_object_covered:
            return None
        out = boxes.project(label, region)
        kept: NDArray[np.bool_] = (out[:, 3] > out[:, 1]) & (out[:, 4] > out[:, 2]) & (shares > self.min_eject_coverage)
        return out[kept] if kept.any() else None


class DetRandomPadAug(DetAugmenter):
    """Put the image into a larger one of a single color, at random.

    Args:
        aspect_ratio_range: the least and the most width / height of the larger one; or one number.
        area_range: the least and the most of its area, as a multiple of the image's; or one number.
        max_attempts: tries; then the image stays as it is.
        pad_val: the color.

    Raises:
        ValueError: an argument cannot be so.
    """

    def __init__(
        self,
        aspect_ratio_range: float | tuple[float, float] = (0.75, 1.33),
        area_range: float | tuple[float, float] = (1.0, 3.0),
        max_attempts: int = 50,
        pad_val: float | Sequence[float] = (128, 128, 128),
    ) -> None:
        self.aspect_ratio_range, self.area_range = pair(aspect_ratio_range), pair(area_range)
        self.pad_val = tuple(pad_val) if isinstance(pad_val, Sequence) else (pad_val,) * 3
        self.max_attempts = max_attempts
        super().__init__(
            aspect_ratio_range=self.aspect_ratio_range, area_range=self.area_range, max_attempts=max_attempts, pad_val=self.pad_val
        )
        checks.check_color("pad_val", self.pad_val)
        _check_sizes(self.area_range, 1, self.aspect_ratio_range, max_attempts)

    def __call__(self, src: Image, label: NDArray[Any]) -> tuple[Image, NDArray[Any]]:
        height, width = src.shape[:2]
        draw = chance.current()
        for _ in range(self.max_attempts):
            ratio = draw.uniform(*self.aspect_ratio_range)
            high = round(math.sqrt(self.area_range[1] * height * width / ratio))
            low = max(round(math.sqrt(self.area_range[0] * height * width / ratio)), math.ceil(width / ratio), height)
            if low > high:
                continue
            h = draw.randint(low, high)
            w = round(h * ratio)
            if h - height < _LEAST_PIXELS or w - width < _LEAST_PIXELS:
                continue
            x, y = draw.randint(0, w - width), draw.randint(0, h - height)
            padded = image.copyMakeBorder(src, y, h - y - height, x, w - x - width, values=self.pad_val)
            return padded, boxes.project(label, (-x / width, -y / height, (w - x) / width, (h - y) / height))
        return src, label
