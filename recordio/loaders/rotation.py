"""Rotation of images, as mxnet.image.imrotate. Images are (channels, height, width) float32."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from recordio.loaders import chance

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray


def imrotate(src: NDArray[np.float32], rotation_degrees: ArrayLike, zoom_in: bool = False, zoom_out: bool = False) -> NDArray[np.float32]:
    """Rotate an image, or each of a batch, around its middle; what lies outside the image is 0.

    Args:
        src: (channels, height, width) or (n, channels, height, width) float32.
        rotation_degrees: a number, or for a batch n of them; counter-clockwise.
        zoom_in: make the image larger until no corner of the result lies outside.
        zoom_out: make it smaller until none of it is cut off.

    Raises:
        ValueError: both zooms, another number of axes, or of angles.
        TypeError: it is not float32, or one image comes with several angles.
    """
    if zoom_in and zoom_out:
        raise ValueError("zoom_in and zoom_out are both True, expected one of them at the most")
    if src.dtype != np.float32:
        raise TypeError(f"an image of {src.dtype}, expected float32")
    if src.ndim == 3:
        if np.ndim(rotation_degrees):
            raise TypeError("one image with several angles, expected a number")
        return _rotate(src, float(rotation_degrees), zoom_in=zoom_in, zoom_out=zoom_out)  # type: ignore[arg-type]
    if src.ndim != 4:
        raise ValueError(f"an array of {src.ndim} axes, expected 3, or 4 of a batch")
    angles = np.broadcast_to(rotation_degrees, len(src)) if not np.ndim(rotation_degrees) else np.asarray(rotation_degrees)
    if len(angles) != len(src):
        raise ValueError(f"{len(angles)} angles for {len(src)} images, expected as many")
    return np.stack([_rotate(image, float(angle), zoom_in=zoom_in, zoom_out=zoom_out) for image, angle in zip(src, angles, strict=True)])


def random_rotate(src: NDArray[np.float32], angle_limits: tuple[float, float], zoom_in: bool = False, zoom_out: bool = False) -> Any:
    """Rotate an image, or each of a batch, by an angle between two, in degrees; as :func:`imrotate`."""
    draw = chance.current()
    angles = draw.uniform(*angle_limits) if src.ndim == 3 else [draw.uniform(*angle_limits) for _ in src]
    return imrotate(src, angles, zoom_in, zoom_out)


def _rotate(image: NDArray[np.float32], degrees: float, *, zoom_in: bool, zoom_out: bool) -> NDArray[np.float32]:
    height, width = image.shape[1:]
    angle = np.deg2rad(degrees)
    scale = _zoom(height, width, abs(angle), zoom_in=zoom_in, zoom_out=zoom_out)
    y, x = np.mgrid[:height, :width].astype(np.float64)
    middle_y, middle_x = (height - 1) / 2, (width - 1) / 2
    y, x = y - middle_y, x - middle_x
    from_x = (x * np.cos(angle) - y * np.sin(angle)) * scale + middle_x
    from_y = (x * np.sin(angle) + y * np.cos(angle)) * scale + middle_y
    return _sample(image, from_x, from_y)


def _zoom(height: int, width: int, angle: float, *, zoom_in: bool, zoom_out: bool) -> float:
    """Return by what distances from the middle are multiplied."""
    if not (zoom_in or zoom_out):
        return 1.0
    corner, diagonal = np.arctan2(height, width), np.hypot(height, width)
    most_x = max(abs(diagonal * np.cos(corner + angle)), abs(diagonal * np.cos(corner - angle)))
    most_y = max(abs(diagonal * np.sin(corner + angle)), abs(diagonal * np.sin(corner - angle)))
    return float(max(most_x / width, most_y / height) if zoom_out else min(width / most_x, height / most_y))


def _sample(image: NDArray[np.float32], x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.float32]:
    """Return the values of an image between its pixels, bilinear; 0 outside."""
    height, width = image.shape[1:]
    left, top = np.floor(x).astype(int), np.floor(y).astype(int)
    total = np.zeros(image.shape, np.float64)
    for step_y in (0, 1):
        for step_x in (0, 1):
            at_x, at_y = left + step_x, top + step_y
            weight = (1 - np.abs(x - at_x)) * (1 - np.abs(y - at_y))
            inside = (at_x >= 0) & (at_x < width) & (at_y >= 0) & (at_y < height)
            total += np.where(inside, weight, 0) * image[:, np.clip(at_y, 0, height - 1), np.clip(at_x, 0, width - 1)]
    return total.astype(np.float32)
