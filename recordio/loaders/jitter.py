"""The colors of an image changed at random, as MXNet 1.9.1's "aug_default" does. Pure.

Images are (height, width) gray, or (height, width, 3 or 4) uint8 in OpenCV's order (BGR); alpha stays.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from recordio.codecs import load_cv2
from recordio.errors import ImageFormatError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from recordio.loaders.augmentoptions import AugmentOptions
    from recordio.loaders.sampler import Draw

# Eigenvectors of the colors of ImageNet's pixels (R, G, B rows), each times its eigenvalue: AlexNet's lighting noise.
_LIGHTING: Final = (
    (55.46 * -0.5675, 4.794 * 0.7192, 1.148 * 0.4009),
    (55.46 * -0.5808, 4.794 * -0.0045, 1.148 * -0.8140),
    (55.46 * -0.5836, 4.794 * -0.6948, 1.148 * 0.4203),
)


def jitter(image: NDArray[np.uint8], options: AugmentOptions, draw: Draw) -> NDArray[np.uint8]:
    """Change brightness, contrast and saturation in random order, each rounded to 8 bits; of a gray image the first two."""
    brightness, contrast, saturation = (
        draw.between(1 - most, 1 + most) for most in (options.brightness, options.contrast, options.saturation)
    )
    order = [0, 1, 2]
    for last in (2, 1):
        other = draw.below(last + 1)
        order[last], order[other] = order[other], order[last]
    for step in order:
        if step == 0:
            image = _linear(image, brightness, 0)
        elif step == 1:
            image = _linear(image, contrast, (1 - contrast) * float(np.mean(_gray(image))))
        elif image.ndim == 3:
            cv2 = load_cv2()
            gray = cv2.cvtColor(_gray(image), cv2.COLOR_GRAY2BGR)
            image = _with_colors(image, cv2.addWeighted(_colors(image), saturation, gray, 1 - saturation, 0))
    return image


def _gray(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return the gray of an image; as MXNet, with the weights of RGB for what is BGR."""
    if image.ndim == 2:
        return image
    cv2 = load_cv2()
    return cv2.cvtColor(_colors(image), cv2.COLOR_RGB2GRAY)  # type: ignore[no-any-return]


def _colors(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return the colors of an image without its alpha."""
    return np.ascontiguousarray(image[:, :, :3])


def _with_colors(image: NDArray[np.uint8], colors: Any) -> NDArray[np.uint8]:
    """Return *colors* with the alpha of *image* where it has one."""
    return np.dstack([colors, image[:, :, 3]]) if image.shape[2] == 4 else colors


def _linear(image: NDArray[np.uint8], factor: float, shift: float) -> NDArray[np.uint8]:
    """Return factor * image + shift, rounded to the nearest (ties to even) and held within 0 to 255; alpha stays."""
    table = np.clip(np.rint(np.arange(256, dtype=np.float32) * np.float32(factor) + np.float32(shift)), 0, 255).astype(np.uint8)
    if image.ndim == 3 and image.shape[2] == 4:
        return _with_colors(image, load_cv2().LUT(_colors(image), table))
    return load_cv2().LUT(np.ascontiguousarray(image), table)  # type: ignore[no-any-return]


def shift_hls(image: NDArray[np.uint8], options: AugmentOptions, draw: Draw) -> NDArray[np.uint8]:
    """Shift hue, lightness and saturation; held within 0 to 180, 255, 255, as OpenCV's 8-bit HLS counts.

    Raises:
        ImageFormatError: the image is gray.
    """
    # The mean of one and four times another uniform number: extremes are rarer than with one.
    hue, saturation, lightness = (
        int((draw.random() + 4 * draw.random()) / 5 * most * 2 - most) for most in (options.random_h, options.random_s, options.random_l)
    )
    if image.ndim == 2:
        raise ImageFormatError("is gray: random_h, random_s and random_l need colors")
    cv2 = load_cv2()
    hls = cv2.cvtColor(_colors(image), cv2.COLOR_BGR2HLS)
    table = np.stack(
        [np.clip(np.arange(256) + shift, 0, most) for shift, most in ((hue, 180), (lightness, 255), (saturation, 255))], axis=-1
    ).astype(np.uint8)
    return _with_colors(image, cv2.cvtColor(cv2.LUT(hls, table[None]), cv2.COLOR_HLS2BGR))


def add_lighting(image: NDArray[np.uint8], options: AugmentOptions, draw: Draw) -> NDArray[np.uint8]:
    """Add noise along the principal components of the colors of ImageNet.

    Raises:
        ImageFormatError: the image is gray.
    """
    if image.ndim == 2:
        raise ImageFormatError("is gray: pca_noise needs colors")
    alphas = [draw.gauss(0, options.pca_noise) for _ in range(3)]
    r, g, b = (sum(a * weight for a, weight in zip(alphas, row, strict=True)) for row in _LIGHTING)
    levels = np.arange(256)
    table = np.stack([np.clip(np.trunc(levels + shift), 0, 255) for shift in (b, g, r)], axis=-1).astype(np.uint8)
    return _with_colors(image, load_cv2().LUT(_colors(image), table[None]))
