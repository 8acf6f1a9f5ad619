"""What a probe says about an image: format, size, what is special about it; and the EXIF tag that turns it. Pure."""

from __future__ import annotations

import enum
import struct
from typing import Final, NamedTuple

_ORIENTATION, _SHORT = 0x0112, 3  # an EXIF tag, and the type it must have
_EXIF: Final = b"Exif\0\0"
_ENTRIES: Final = {"<": struct.Struct("<HHIH"), ">": struct.Struct(">HHIH")}  # tag, type, count, a short value


class Trait(enum.IntFlag):
    """What is special about an image, and may surprise who trains on it. docs/images.md says what becomes of each."""

    ROTATED = 1  # EXIF data ask for it to be turned or mirrored
    ALPHA = 2
    PALETTE = 4
    CMYK = 8
    SIXTEEN_BIT = 16  # more than 8 bits a sample
    GRAY = 32
    ANIMATED = 64  # more than one picture
    WRONG_SUFFIX = 128  # the file's name is that of another format; only who knows the name can tell


class ImageInfo(NamedTuple):
    """What a probe found.

    Attributes:
        format: "jpg", "png", "webp", "gif" or "bmp"; what Pillow calls it in lower case where Pillow judged it.
        width: pixels, before any EXIF rotation; of a TIFF, which decoders turn by themselves, after it.
        height: pixels.
        missing_end: only the end mark of a JPEG is missing as far as the markers show; whether its pixels are all there
            only a decoder can tell.
        traits: members of Trait, as a sum.
        orientation: of the EXIF data, 1 to 8; 1 (upright) where there are none that can be understood.
    """

    format: str
    width: int
    height: int
    missing_end: bool = False
    traits: int = 0
    orientation: int = 1


def exif_orientation(data: bytes) -> int:
    """Return the orientation in EXIF data, 1 to 8; 1 where they name none, 0 where they cannot be understood."""
    data = data.removeprefix(_EXIF)
    order = {b"II": "<", b"MM": ">"}.get(data[:2])
    if order is None:
        return 0
    try:
        (start,) = struct.unpack_from(order + "I", data, 4)
        (count,) = struct.unpack_from(order + "H", data, start)
        for entry in range(start + 2, start + 2 + 12 * count, 12):
            tag, kind, length, value = _ENTRIES[order].unpack_from(data, entry)
            if tag == _ORIENTATION:
                return value if (kind, length) == (_SHORT, 1) and 1 <= value <= 8 else 0
    except struct.error:
        return 0
    return 1
