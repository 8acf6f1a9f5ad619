"""mxnet.nd.image: operations on images as arrays, (height, width, channels) or a batch of them."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import Any, Final

import numpy as np

from recordio.as_mxnet.elementwise import Array

EIGENVALUES: Final = (55.46, 4.794, 1.148)
EIGENVECTORS: Final = ((-0.5675, 0.7192, 0.4009), (-0.5808, -0.0045, -0.8140), (-0.5836, -0.6948, 0.4203))


def to_tensor(data: Array) -> Array:
    """(height, width, channels) of 0 to 255 -> (channels, height, width) float32 of 0 to 1; a batch in the same way."""
    return np.ascontiguousarray(np.moveaxis(data.astype(np.float32) / np.float32(255), -1, -3))


def normalize(data: Array, mean: Any = 0.0, std: Any = 1.0) -> Array:
    """Subtract *mean* and divide by *std*, numbers or one for each channel, of (channels, height, width)."""
    of_mean, of_std = (np.asarray(one, np.float32).reshape(-1, 1, 1) for one in (mean, std))
    return np.asarray((data.astype(np.float32) - of_mean) / of_std)


def resize(data: Array, size: Any = (), keep_ratio: bool = False, interp: int = 1) -> Array:  # noqa: FBT001, FBT002
    """Resize to (width, height) pixels; *keep_ratio* with one number: the short side to it."""
    sides = (int(size),) if isinstance(size, (int, np.integer)) else tuple(map(int, size))
    if data.ndim == 4:
        return np.stack([resize(one, sides, keep_ratio, interp) for one in data])
    if keep_ratio and len(sides) == 1:
        return _loaders().resize_short(data, sides[0], interp)
    return _loaders().imresize(data, sides[0], sides[-1], interp)


def crop(data: Array, x: int, y: int, width: int, height: int) -> Array:
    """Cut out *width* x *height* pixels from (*x*, *y*) on."""
    part = data[..., y : y + height, x : x + width, :]
    if part.shape[-3:-1] != (height, width):
        raise ValueError(f"{width} x {height} pixels from ({x}, {y}) on of an image {data.shape}, expected a part of it")
    return part


def flip_left_right(data: Array) -> Array:
    """Mirror."""
    return np.flip(data, -2)


def flip_top_bottom(data: Array) -> Array:
    """Turn upside down."""
    return np.flip(data, -3)


def _at_random(act: Callable[[Array], Array]) -> Callable[..., Array]:
    def call(data: Array, p: float = 0.5) -> Array:
        return act(data) if random.random() < p else data  # noqa: S311

    return call


def _gray(data: Array) -> Array:
    return np.asarray((data * np.array([0.299, 0.587, 0.114], np.float32)).sum(-1, keepdims=True))


def _kept(image: Array, like: Array) -> Array:
    return (image.clip(0, 255) if like.dtype == np.uint8 else image).astype(like.dtype)


def _jitter(other: Callable[[Array], Any]) -> Callable[..., Array]:
    """Mix an image with another one; the image's share is drawn."""

    def call(data: Array, min_factor: float, max_factor: float) -> Array:
        share = random.uniform(min_factor, max_factor)  # noqa: S311
        image = data.astype(np.float32)
        return _kept(image * share + other(image) * (1 - share), data)

    return call


random_brightness = _jitter(lambda _: 0)
random_contrast = _jitter(lambda image: _gray(image).mean())
random_saturation = _jitter(_gray)


def random_hue(data: Array, min_factor: float, max_factor: float) -> Array:
    """Turn the hue by a drawn part of the circle."""
    turned = _loaders().HueJitterAug(max(abs(min_factor - 1), abs(max_factor - 1)))
    return _kept(np.asarray(turned(data.astype(np.float32))), data)


def random_color_jitter(data: Array, brightness: float = 0, contrast: float = 0, saturation: float = 0, hue: float = 0) -> Array:
    """Change brightness, contrast, saturation and hue by up to these shares."""
    kinds = ((random_brightness, brightness), (random_contrast, contrast), (random_saturation, saturation), (random_hue, hue))
    for act, share in random.sample(kinds, len(kinds)):
        data = act(data, max(0, 1 - share), 1 + share) if share else data
    return data


def adjust_lighting(data: Array, alpha: Sequence[float]) -> Array:
    """Add PCA noise of given strengths."""
    rgb = np.dot(np.asarray(EIGENVECTORS) * np.asarray(alpha), np.asarray(EIGENVALUES)).astype(np.float32)
    return _kept(data.astype(np.float32) + rgb, data)


def random_lighting(data: Array, alpha_std: float = 0.05) -> Array:
    """Add PCA noise of drawn strengths."""
    return adjust_lighting(data, [random.gauss(0, alpha_std) for _ in range(3)])


def _loaders() -> Any:
    from recordio import loaders

    return loaders


FUNCTIONS: Final[dict[str, Callable[..., Any]]] = {
    "to_tensor": to_tensor, "normalize": normalize, "resize": resize, "crop": crop, "flip_left_right": flip_left_right,
    "flip_top_bottom": flip_top_bottom, "random_flip_left_right": _at_random(flip_left_right),
    "random_flip_top_bottom": _at_random(flip_top_bottom), "random_brightness": random_brightness, "random_contrast": random_contrast,
    "random_saturation": random_saturation, "random_hue": random_hue, "random_color_jitter": random_color_jitter,
    "adjust_lighting": adjust_lighting, "random_lighting": random_lighting,
}  # fmt: skip
