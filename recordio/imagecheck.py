"""Whether an image is whole: from its bytes alone where they can tell, and by decoding it strictly."""

from __future__ import annotations

import contextlib
from typing import Final

from recordio import pillows, strict
from recordio.errors import ImageFormatError
from recordio.jpeg import JpegHeaders
from recordio.probe import UnknownFormat, probe
from recordio.traits import ImageInfo

MAX_PIXELS: Final = pillows.MAX_PIXELS
TooManyPixels = pillows.TooManyPixels


def check(data: bytes, *, max_pixels: int = MAX_PIXELS, headers: JpegHeaders | None = None) -> ImageInfo:
    """Check that an image is whole, and read its format, size and traits, without decoding it where the bytes can tell.

    Formats that :mod:`recordio.probe` does not know are judged by Pillow. A JPEG without its end mark is decoded: it is
    accepted when nothing but the mark is missing.

    Args:
        data: a whole file's bytes.
        max_pixels: refuse larger images.
        headers: learns the header of a JPEG.

    Raises:
        ImageFormatError: it is truncated, damaged, too large, or no image.
        CodecMissing: a decoder is needed for the judgement and cannot be loaded.
    """
    try:
        info = probe(data, headers)
    except UnknownFormat:
        known = pillows.check(data, max_pixels)
        if known is None:
            raise
        return known
    if info.width * info.height > max_pixels:
        raise TooManyPixels(info.width, info.height, max_pixels)
    if info.missing_end:
        _check_scans(data)
    return info


def _check_scans(data: bytes) -> None:
    """Decode a JPEG that has no end mark with one added: the decoder warns when more than the mark is missing."""
    try:
        strict.check(data + strict.END_MARK)
    except (ImageFormatError, strict.NoVerdict) as error:
        reason = str(error).removeprefix("is damaged: ")
        raise ImageFormatError(f"is truncated: {len(data)} bytes, the JPEG's end is missing ({reason})") from None


def decode_strictly(data: bytes, *, max_pixels: int = MAX_PIXELS) -> None:
    """Decode an image to see that it can be, without the tolerance for damage that decoders have by themselves.

    Args:
        data: a whole file's bytes.
        max_pixels: decode no larger images.

    Raises:
        TooManyPixels: it is larger, by its header.
        ImageFormatError: it is truncated, damaged, or no image.
        CodecMissing: a codec is needed and cannot be loaded.
    """
    decode_checked(data, check(data, max_pixels=max_pixels))


def decode_checked(data: bytes, info: ImageInfo) -> str:
    """Decode an image as :func:`decode_strictly` does, of which :func:`check` has said *info*; return a remark or "".

    Raises:
        ImageFormatError: it is damaged.
        CodecMissing: a codec is needed and cannot be loaded.
    """
    if info.format == "jpg":
        with contextlib.suppress(strict.NoVerdict):
            return strict.check(data)
    pillows.decode(data, info.width * info.height)
    return ""
