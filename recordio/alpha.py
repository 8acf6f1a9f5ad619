"""Alpha: pixels decoded with it, and laid over a color."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any, Final

from recordio import images, pillows
from recordio.codecs import load_pillow
from recordio.errors import ImageFormatError
from recordio.probe import png_transparent_gray

if TYPE_CHECKING:
    from numpy.typing import NDArray

_OPENCVS: Final = ("png", "webp", "gif", "bmp")  # formats whose alpha OpenCV gives as it is; that of a TIFF it multiplies with the colors


def decode_with_alpha(data: bytes, format: str) -> NDArray[Any]:
    """Decode an image that has alpha.

    Args:
        data: a whole file's bytes.
        format: what a probe calls it.

    Returns:
        (height, width, 4) BGRA: from OpenCV, uint8 or uint16, not turned by EXIF data; from Pillow, for formats that it
        judges, uint8, turned.

    Raises:
        ImageFormatError: it cannot be decoded.
        CodecMissing: OpenCV or Pillow cannot be loaded.
    """
    import numpy as np

    if format in _OPENCVS:
        return with_alpha(images.decode(data, "unchanged"), png_transparent_gray(data) if format == "png" else None)
    try:
        with pillows.quiet(), load_pillow().open(io.BytesIO(data)) as image:
            return np.asarray(image.convert("RGBA"))[:, :, [2, 1, 0, 3]]
    except Exception as error:  # noqa: BLE001  (Pillow's plugins raise whatever their parsing runs into)
        raise ImageFormatError(f"cannot be decoded: {error}") from None


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
