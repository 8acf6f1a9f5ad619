"""Arithmetic on decoded pixels: alpha, 16 bits to 8, EXIF orientations. NumPy alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from numpy.typing import NDArray


def with_alpha(image: NDArray[Any], transparent: int | None = None) -> NDArray[Any]:
    """Give pixels alpha.

    Args:
        image: (height, width) gray, (height, width, 3) BGR or (height, width, 4) BGRA, uint8 or uint16.
        transparent: the level of gray that is not to be seen, where the image is gray.

    Returns:
        (height, width, 4) BGRA of the same type; opaque where nothing says otherwise.
    """
    import numpy as np

    if image.ndim == 3 and image.shape[2] == 4:
        return image
    opaque = np.iinfo(image.dtype).max
    result = np.full((*image.shape[:2], 4), opaque, image.dtype)
    result[:, :, :3] = image if image.ndim == 3 else image[:, :, None]
    if image.ndim == 2 and transparent is not None:
        result[:, :, 3] = np.where(image == transparent, 0, opaque)
    return result


def flatten(image: NDArray[Any], *, white: bool) -> NDArray[Any]:
    """Lay pixels with alpha over white or black: each becomes color x alpha + background x (1 - alpha), to the nearest value.

    Args:
        image: (height, width, 4) BGRA, uint8 or uint16.
        white: over white, else over black.

    Returns:
        (height, width, 3) BGR of the same type.
    """
    import numpy as np

    most = int(np.iinfo(image.dtype).max)
    alpha = image[:, :, 3:].astype(np.uint32)
    mixed = image[:, :, :3] * alpha  # at most 65535 * 65535, and what is added below fits, too
    if white:
        mixed += most * (most - alpha)
    return ((mixed + most // 2) // most).astype(image.dtype)


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
