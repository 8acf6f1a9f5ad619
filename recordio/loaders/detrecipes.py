"""Lists of augmenters for detection, as mxnet.image makes them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from recordio.loaders import checks, recipes
from recordio.loaders.augmenters import CastAug, ForceResizeAug, ResizeAug
from recordio.loaders.detaugmenters import (
    DetAugmenter,
    DetBorrowAug,
    DetHorizontalFlipAug,
    DetRandomCropAug,
    DetRandomPadAug,
    DetRandomSelectAug,
    pair,
)

if TYPE_CHECKING:
    from numpy.typing import ArrayLike


def CreateMultiRandCropAugmenter(  # noqa: N802  (MXNet's name)
    min_object_covered: float | list[float] = 0.1,
    aspect_ratio_range: Any = (0.75, 1.33),
    area_range: Any = (0.05, 1.0),
    min_eject_coverage: float | list[float] = 0.3,
    max_attempts: int | list[int] = 50,
    skip_prob: float = 0,
) -> DetRandomSelectAug:
    """Make several random crops, one of which is tried on an image; each parameter is one value or a list of one for each.

    Raises:
        ValueError: lists differ in length, or an argument cannot be so.
    """
    checks.check_shares(skip_prob=skip_prob)
    given: dict[str, Any] = {
        "min_object_covered": min_object_covered,
        "aspect_ratio_range": aspect_ratio_range,
        "area_range": area_range,
        "min_eject_coverage": min_eject_coverage,
        "max_attempts": max_attempts,
    }
    lists = {name: value if isinstance(value, list) else [value] for name, value in given.items()}
    count = max(map(len, lists.values()))
    for name, values in lists.items():
        if len(values) not in (1, count):
            raise ValueError(f"{name}={values!r} has {len(values)} values, expected one for all crops, or {count}")
    rows = zip(*(values * count if len(values) == 1 else values for values in lists.values()), strict=True)
    return DetRandomSelectAug([DetRandomCropAug(*row) for row in rows], skip_prob)


def CreateDetAugmenter(  # noqa: N802  (MXNet's name)
    data_shape: Sequence[int],
    resize: int = 0,
    rand_crop: float = 0,
    rand_pad: float = 0,
    rand_gray: float = 0,
    rand_mirror: bool = False,
    mean: ArrayLike | bool | None = None,
    std: ArrayLike | bool | None = None,
    brightness: float = 0,
    contrast: float = 0,
    saturation: float = 0,
    pca_noise: float = 0,
    hue: float = 0,
    inter_method: int = 2,
    min_object_covered: float | list[float] = 0.1,
    aspect_ratio_range: Any = (0.75, 1.33),
    area_range: Any = (0.05, 3.0),
    min_eject_coverage: float | list[float] = 0.3,
    max_attempts: int | list[int] = 50,
    pad_val: float | Sequence[float] = (127, 127, 127),
) -> list[DetAugmenter]:
    """Make the augmenters that mxnet.image.CreateDetAugmenter makes, in its order.

    Args:
        data_shape: (channels, height, width) of the result.
        resize: the short side, in pixels, at the start; 0 for none.
        rand_crop: probability of a crop.
        rand_pad: probability of padding, up to the upper end of *area_range*.
        rand_gray: probability of gray.
        rand_mirror: mirror every second one.
        mean: as in CreateAugmenter, like std, brightness, contrast, saturation, pca_noise, hue and inter_method.
        std: see there.
        brightness: see there.
        contrast: see there.
        saturation: see there.
        pca_noise: see there.
        hue: see there.
        inter_method: see there.
        min_object_covered: as in DetRandomCropAug; a list makes several crops to choose from, here and below.
        aspect_ratio_range: the same; of padding, too, where it is not a list.
        area_range: the same.
        min_eject_coverage: the same.
        max_attempts: the same; of padding, too.
        pad_val: color of padding.

    Raises:
        ValueError: an argument cannot be so, even where it is not used.
    """
    checks.check_shape(data_shape)
    checks.check_resize(resize)
    checks.check_shares(rand_crop=rand_crop, rand_pad=rand_pad)
    checks.check_flags(rand_mirror=rand_mirror)
    checks.check_method(inter_method)
    checks.check_color("pad_val", pad_val)
    crop = CreateMultiRandCropAugmenter(
        min_object_covered, aspect_ratio_range, area_range, min_eject_coverage, max_attempts, skip_prob=1 - rand_crop
    )
    made: list[DetAugmenter] = [DetBorrowAug(ResizeAug(resize, inter_method))] if resize > 0 else []
    if rand_crop > 0:
        made.append(crop)
    if rand_mirror:
        made.append(DetHorizontalFlipAug(0.5))
    if rand_pad > 0:
        ratios, shares, tries = (each[0] if isinstance(each, list) else each for each in (aspect_ratio_range, area_range, max_attempts))
        if pair(shares)[1] <= 1:
            raise ValueError(f"rand_pad={rand_pad!r} has no effect with area_range={area_range!r}, expected one that goes beyond 1")
        pad = DetRandomPadAug(ratios, (1.0, pair(shares)[1]), tries, pad_val)
        made.append(DetRandomSelectAug([pad], 1 - rand_pad))
    size = (data_shape[2], data_shape[1])
    plain = [ForceResizeAug(size, inter_method), CastAug()]
    plain += recipes.create_coloring(brightness, contrast, saturation, hue, pca_noise, rand_gray, mean, std)
    return made + [DetBorrowAug(each) for each in plain]
