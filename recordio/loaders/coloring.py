"""The augmenters of mxnet.image that work on colors. Images are (height, width, channels), RGB; what comes out is float32."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from recordio.errors import ImageFormatError
from recordio.loaders import chance, image
from recordio.loaders.augmenters import Augmenter, RandomOrderAug

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from recordio.loaders.image import Image

_LUMA: Final = (0.299, 0.587, 0.114)  # of R, G, B, as in NTSC
_GRAY: Final = (0.21, 0.72, 0.07)  # RandomGrayAug's own weights
_TO_YIQ: Final = ((0.299, 0.587, 0.114), (0.596, -0.274, -0.321), (0.211, -0.523, 0.311))
_FROM_YIQ: Final = ((1.0, 0.956, 0.621), (1.0, -0.272, -0.647), (1.0, -1.107, 1.705))


def _pixels(src: Image) -> NDArray[np.float32]:
    """Return an image as float32.

    Raises:
        ImageFormatError: it is neither gray nor RGB.
    """
    if src.ndim != 3 or src.shape[2] not in (1, 3):
        raise ImageFormatError(f"has shape {src.shape}, expected 1 or 3 channels to change colors")
    return np.asarray(src, np.float32)


def _weighted(src: Image, weights: tuple[float, ...]) -> NDArray[np.float32]:
    """Return (height, width, 1) float32: the weighted sum of the channels; of gray images, themselves."""
    pixels = _pixels(src)
    if pixels.shape[2] == 1:
        return pixels
    return pixels @ np.array(weights, np.float32)[:, None]


def _share(most: float) -> Any:
    return np.float32(1.0 + chance.current().uniform(-most, most))


class BrightnessJitterAug(Augmenter):
    """Multiply by 1 plus or minus up to *brightness*."""

    def __init__(self, brightness: float) -> None:
        super().__init__(brightness=brightness)
        self.brightness = brightness

    def __call__(self, src: Image) -> Image:
        return np.asarray(src, np.float32) * _share(self.brightness)


class ContrastJitterAug(Augmenter):
    """Move away from the image's mean gray, or towards it, by a share of up to *contrast*."""

    def __init__(self, contrast: float) -> None:
        super().__init__(contrast=contrast)
        self.contrast = contrast

    def __call__(self, src: Image) -> Image:
        share = _share(self.contrast)
        return np.asarray(src, np.float32) * share + (1 - share) * _weighted(src, _LUMA).mean(dtype=np.float64).astype(np.float32)


class SaturationJitterAug(Augmenter):
    """Move away from each pixel's gray, or towards it, by a share of up to *saturation*."""

    def __init__(self, saturation: float) -> None:
        super().__init__(saturation=saturation)
        self.saturation = saturation

    def __call__(self, src: Image) -> Image:
        share = _share(self.saturation)
        return np.asarray(src, np.float32) * share + (1 - share) * _weighted(src, _LUMA)


class HueJitterAug(Augmenter):
    """Turn the hue by up to *hue* times 180 degrees, in YIQ."""

    def __init__(self, hue: float) -> None:
        super().__init__(hue=hue)
        self.hue = hue

    def __call__(self, src: Image) -> Image:
        angle = chance.current().uniform(-self.hue, self.hue) * math.pi
        turn = np.array([[1, 0, 0], [0, math.cos(angle), -math.sin(angle)], [0, math.sin(angle), math.cos(angle)]])
        matrix = np.array(_FROM_YIQ) @ turn @ np.array(_TO_YIQ)
        pixels = _pixels(src)
        return pixels if pixels.shape[2] == 1 else pixels @ matrix.T.astype(np.float32)


class ColorJitterAug(RandomOrderAug):
    """Brightness, contrast and saturation in a random order; those that are 0 are left out."""

    def __init__(self, brightness: float, contrast: float, saturation: float) -> None:
        made: list[Augmenter] = []
        if brightness > 0:
            made.append(BrightnessJitterAug(brightness))
        if contrast > 0:
            made.append(ContrastJitterAug(contrast))
        if saturation > 0:
            made.append(SaturationJitterAug(saturation))
        super().__init__(made)


class LightingAug(Augmenter):
    """Add noise along the principal components of colors.

    Args:
        alphastd: deviation of the noise.
        eigval: (3,).
        eigvec: (3, 3).
    """

    def __init__(self, alphastd: float, eigval: ArrayLike, eigvec: ArrayLike) -> None:
        super().__init__(alphastd=alphastd, eigval=np.asarray(eigval), eigvec=np.asarray(eigvec))
        self.alphastd, self.eigval, self.eigvec = alphastd, np.asarray(eigval), np.asarray(eigvec)

    def __call__(self, src: Image) -> Image:
        draw = chance.current()
        alpha = np.array([draw.gauss(0, self.alphastd) for _ in range(3)])
        noise = np.dot(self.eigvec * alpha, self.eigval).astype(np.float32)
        return _pixels(src) + (noise if src.shape[2] == 3 else noise.mean())


class ColorNormalizeAug(Augmenter):
    """Subtract *mean* and divide by *std*, as ``color_normalize``."""

    def __init__(self, mean: ArrayLike | None, std: ArrayLike | None) -> None:
        self.mean = None if mean is None else np.asarray(mean, np.float32)
        self.std = None if std is None else np.asarray(std, np.float32)
        super().__init__(mean=_listed(mean), std=_listed(std))

    def __call__(self, src: Image) -> Image:
        return image.color_normalize(src, self.mean, self.std)


def _listed(values: Any) -> Any:
    return None if values is None else np.asarray(values).tolist()


class RandomGrayAug(Augmenter):
    """Make gray with probability *p*; the number of channels stays."""

    def __init__(self, p: float) -> None:
        super().__init__(p=p)
        self.p = p

    def __call__(self, src: Image) -> Image:
        if chance.current().random() >= self.p:
            return src
        return np.repeat(_weighted(src, _GRAY), src.shape[2], axis=2)
