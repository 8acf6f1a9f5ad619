"""CreateAugmenter: the augmenters that MXNet makes of a few arguments."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from recordio.loaders import checks
from recordio.loaders.augmenters import Augmenter, CastAug, CenterCropAug, HorizontalFlipAug, RandomCropAug, RandomSizedCropAug, ResizeAug
from recordio.loaders.coloring import ColorJitterAug, ColorNormalizeAug, HueJitterAug, LightingAug, RandomGrayAug

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

IMAGENET_MEAN: Final = (123.68, 116.28, 103.53)  # of R, G, B: what mean=True means
IMAGENET_STD: Final = (58.395, 57.12, 57.375)
_PCA_VALUES: Final = (55.46, 4.794, 1.148)  # of the colors of ImageNet
_PCA_VECTORS: Final = ((-0.5675, 0.7192, 0.4009), (-0.5808, -0.0045, -0.8140), (-0.5836, -0.6948, 0.4203))


def statistics(name: str, given: ArrayLike | bool | None, of_imagenet: Sequence[float]) -> Any:
    """Return a mean or a deviation as an array of 1 or 3, or None; True means ImageNet's.

    Raises:
        ValueError: it has another number of values, or such that no image comes of it.
    """
    if isinstance(given, (bool, np.bool_)):
        given = of_imagenet if given else None
    if given is None:
        return None
    try:
        values = np.asarray(given, np.float64)
    except (TypeError, ValueError):
        raise ValueError(f"{name}={given!r}, expected 1 or 3 numbers, or True") from None
    if values.ndim != 1 or values.shape[0] not in (1, 3):
        raise ValueError(f"{name}={given!r}, expected 1 or 3 numbers, or True")
    if not np.isfinite(values).all() or (name == "std" and (values <= 0).any()):
        raise ValueError(f"{name}={given!r}, expected {'numbers above 0' if name == 'std' else 'finite numbers'}")
    return values


def create_coloring(
    brightness: float,
    contrast: float,
    saturation: float,
    hue: float,
    pca_noise: float,
    rand_gray: float,
    mean: ArrayLike | bool | None,
    std: ArrayLike | bool | None,
) -> list[Augmenter]:
    """Make those that CreateAugmenter and CreateDetAugmenter have in common, in MXNet's order.

    Raises:
        ValueError: an argument cannot be so.
    """
    checks.check_amounts(brightness=brightness, contrast=contrast, saturation=saturation, hue=hue, pca_noise=pca_noise)
    checks.check_shares(rand_gray=rand_gray)
    made: list[Augmenter] = []
    if brightness or contrast or saturation:
        made.append(ColorJitterAug(brightness, contrast, saturation))
    if hue:
        made.append(HueJitterAug(hue))
    if pca_noise > 0:
        made.append(LightingAug(pca_noise, _PCA_VALUES, _PCA_VECTORS))
    if rand_gray > 0:
        made.append(RandomGrayAug(rand_gray))
    of_mean, of_std = statistics("mean", mean, IMAGENET_MEAN), statistics("std", std, IMAGENET_STD)
    if of_mean is not None or of_std is not None:
        made.append(ColorNormalizeAug(of_mean, of_std))
    return made


def CreateAugmenter(  # noqa: N802  (MXNet's name)
    data_shape: Sequence[int],
    resize: int = 0,
    rand_crop: bool = False,
    rand_resize: bool = False,
    rand_mirror: bool = False,
    mean: ArrayLike | bool | None = None,
    std: ArrayLike | bool | None = None,
    brightness: float = 0,
    contrast: float = 0,
    saturation: float = 0,
    hue: float = 0,
    pca_noise: float = 0,
    rand_gray: float = 0,
    inter_method: int = 2,
) -> list[Augmenter]:
    """Make the augmenters that mxnet.image.CreateAugmenter makes, in its order.

    Args:
        data_shape: (channels, height, width) of the result.
        resize: the short side, in pixels; 0 for none.
        rand_crop: crop at random, not in the middle.
        rand_resize: crop a random area (from 0.08 of the image) and aspect ratio (3/4 to 4/3); needs rand_crop.
        rand_mirror: mirror every second one.
        mean: to subtract: 1 or 3 values; True for ImageNet's.
        std: to divide by: 1 or 3 values; True for ImageNet's.
        brightness: most change, as a share.
        contrast: the same.
        saturation: the same.
        hue: most turn, as a share of a half circle.
        pca_noise: deviation of the lighting noise.
        rand_gray: probability of gray.
        inter_method: as ``interp`` of ``imresize``.

    Raises:
        ValueError: an argument cannot be so, or rand_resize without rand_crop.
    """
    checks.check_shape(data_shape)
    checks.check_resize(resize)
    checks.check_flags(rand_crop=rand_crop, rand_resize=rand_resize, rand_mirror=rand_mirror)
    checks.check_method(inter_method)
    size = (data_shape[2], data_shape[1])
    made: list[Augmenter] = [ResizeAug(resize, inter_method)] if resize > 0 else []
    if rand_resize and not rand_crop:
        raise ValueError("rand_resize=True needs rand_crop=True")
    if rand_resize:
        made.append(RandomSizedCropAug(size, 0.08, (3.0 / 4.0, 4.0 / 3.0), inter_method))
    else:
        made.append(RandomCropAug(size, inter_method) if rand_crop else CenterCropAug(size, inter_method))
    if rand_mirror:
        made.append(HorizontalFlipAug(0.5))
    made.append(CastAug())
    return made + create_coloring(brightness, contrast, saturation, hue, pca_noise, rand_gray, mean, std)
