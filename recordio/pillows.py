"""What Pillow says of images: of formats that are judged by it alone, and strict decoding of all but JPEGs."""

from __future__ import annotations

import contextlib
import io
import re
import threading
import warnings
from collections.abc import Iterator
from typing import Any, Final

from recordio.codecs import load_pillow
from recordio.errors import ImageFormatError
from recordio.traits import ImageInfo, Trait

MAX_PIXELS: Final = 178_956_970  # Pillow's limit for a decompression bomb: 2 GiB // 4 // 3

_PILLOWS = ("TIFF", "JPEG2000", "PPM", "AVIF")  # formats that OpenCV decodes, too; some others run programs
_STARTS = re.compile(rb"(?P<TIFF>II[*+]\0|MM\0[*+])|(?P<JPEG2000>\0\0\0\x0cjP  |\xffO\xffQ)|(?P<AVIF>.{4}ftypavi[fs])", re.DOTALL)
_MODES = {  # Pillow's, but for that of plain color
    **dict.fromkeys(("1", "L"), Trait.GRAY),
    **dict.fromkeys(("I", "I;16", "I;16B", "F"), Trait.GRAY | Trait.SIXTEEN_BIT),
    **dict.fromkeys(("LA", "La"), Trait.GRAY | Trait.ALPHA),
    **dict.fromkeys(("RGBA", "RGBa"), Trait.ALPHA),
    "P": Trait.PALETTE,
    "PA": Trait.PALETTE | Trait.ALPHA,
    "CMYK": Trait.CMYK,
}
_BITS_PER_SAMPLE, _ORIENTATION = 0x0102, 0x0112  # tags of TIFF and EXIF
_LIMIT = threading.RLock()  # held while Pillow's limit of pixels is lifted
_END_MARK = b"\xff\xd9"  # of JPEG 2000
_START_OF_DATA = b"\xff\x93"  # the same


class TooManyPixels(ImageFormatError):
    """An image is larger than allowed.

    Attributes:
        width: pixels.
        height: pixels.
        limit: pixels in all.
    """

    def __init__(self, width: int, height: int, limit: int) -> None:
        super().__init__(f"has {width} x {height} pixels, expected at most {limit} in all")
        self.width = width
        self.height = height
        self.limit = limit

    def __reduce__(self) -> tuple[type[TooManyPixels], tuple[int, int, int]]:
        return type(self), (self.width, self.height, self.limit)


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Keep Pillow's warnings to itself: its limit of pixels is not the one that counts here."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


@contextlib.contextmanager
def _unlimited(pillow: Any, pixels: int) -> Iterator[None]:
    """Lift Pillow's own limit of pixels where as many as *pixels* are allowed: it holds for the whole process."""
    if pixels <= 2 * (pillow.MAX_IMAGE_PIXELS or pixels):  # that is where warnings become errors
        yield
        return
    with _LIMIT:
        before, pillow.MAX_IMAGE_PIXELS = pillow.MAX_IMAGE_PIXELS, None
        try:
            yield
        finally:
            pillow.MAX_IMAGE_PIXELS = before


def check(data: bytes, max_pixels: int) -> ImageInfo | None:
    """Check that an image is whole, by decoding it, and read its format, size and traits.

    Args:
        data: a whole file's bytes.
        max_pixels: refuse larger images.

    Returns:
        What it is; None where Pillow does not know the format.

    Raises:
        ImageFormatError: it is truncated, damaged, too large, or no image.
        CodecMissing: Pillow cannot be loaded.
    """
    pillow = load_pillow()
    try:
        with quiet(), _unlimited(pillow, max_pixels), pillow.open(io.BytesIO(data), formats=_PILLOWS) as image:
            width, height = image.size
            if width * height > max_pixels:
                raise TooManyPixels(width, height, max_pixels)
            traits, orientation = _pillows_traits(image)
            image.load()
            if image.format == "JPEG2000" and data.find(_END_MARK, data.find(_START_OF_DATA)) < 0:  # neither can stand within its data
                raise ImageFormatError(f"is truncated: {len(data)} bytes, the end mark of the JPEG 2000 is missing")
            return ImageInfo(str(image.format).lower(), width, height, False, traits, orientation)
    except pillow.UnidentifiedImageError:
        known = _STARTS.match(data)
        if known:
            raise ImageFormatError(f"is damaged or truncated, or {known.lastgroup} of a kind that Pillow does not read") from None
        return None
    except ImageFormatError:
        raise
    except pillow.DecompressionBombError:
        least = 2 * (pillow.MAX_IMAGE_PIXELS or MAX_PIXELS)  # Pillow's own limit, whatever ours is
        raise ImageFormatError(f"has more than {least} pixels, expected at most {min(max_pixels, least)} in all") from None
    except Exception as error:  # noqa: BLE001  (Pillow's plugins raise whatever their parsing runs into)
        raise ImageFormatError(f"is damaged or truncated: {error}") from None


def _pillows_traits(image: Any) -> tuple[int, int]:
    """Return the traits of an image that Pillow has opened, and its EXIF orientation."""
    traits = int(_MODES.get(image.mode, 0))
    if "transparency" in image.info:
        traits |= Trait.ALPHA
    bits = getattr(image, "tag_v2", {}).get(_BITS_PER_SAMPLE, 8)  # of a TIFF: Pillow itself cuts colors of 16 bits to 8
    if (max(bits) if isinstance(bits, tuple) else bits) > 8:
        traits |= Trait.SIXTEEN_BIT
    if _has_more(image):
        traits |= Trait.ANIMATED
    orientation = image.getexif().get(_ORIENTATION)
    if orientation not in range(2, 9):
        return int(traits), 1
    return int(traits | Trait.ROTATED), orientation


def _has_more(image: Any) -> bool:
    """Tell whether an image that Pillow has opened is the first of several; to count them, it would read all their directories."""
    if image.format != "TIFF":
        return bool(getattr(image, "n_frames", 1) > 1)
    try:
        image.seek(1)
    except EOFError:
        return False
    image.seek(0)
    return True


def decode(data: bytes, pixels: int) -> None:
    """Decode an image to see that it can be.

    Args:
        data: a whole file's bytes.
        pixels: that it has.

    Raises:
        ImageFormatError: it is damaged.
        CodecMissing: Pillow cannot be loaded.
    """
    pillow = load_pillow()
    try:
        with quiet(), _unlimited(pillow, pixels), pillow.open(io.BytesIO(data)) as image:
            image.load()
    except Exception as error:  # noqa: BLE001  (Pillow's plugins raise whatever their parsing runs into)
        raise ImageFormatError(f"is damaged: {error}") from None
