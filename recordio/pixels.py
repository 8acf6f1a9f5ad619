"""Arithmetic on decoded pixels: 16 bits to 8, EXIF orientations. NumPy alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from numpy.typing import NDArray


def to_eight_bits(image: NDArray[Any]) -> NDArray[Any]:
    """Cut 16 bits a sample to the upper 8, as OpenCV does."""
    import numpy as np

    return (image >> 8).astype(np.uint8) if image.dtype == np.uint16 else image


def turn(image: NDArray[Any], orientation: int) -> NDArray[Any]:
    """Turn and mirror pixels as they were stored with an EXIF orientation (1 to 8) to stand upright."""
    import numpy as np

    if orientation >= 5:
        image = image.swapaxes(0, 1)
    if orientation in (3, 4, 7, 8):
        image = image[::-1]
    if orientation in (2, 3, 6, 7):
        image = image[:, ::-1]
    return np.ascontiguousarray(image)


def to_rgb(image: NDArray[Any]) -> NDArray[Any]:
    """Put the channels of OpenCV in the order of everyone else: BGR becomes RGB, BGRA RGBA, (height, width) (height, width, 1).

    Returns:
        A view of the same memory, except for BGRA.
    """
    if image.ndim == 2:
        return image[:, :, None]
    return image[:, :, [2, 1, 0, 3]] if image.shape[2] == 4 else image[:, :, ::-1]
