"""Strict decoding of JPEGs: what libjpeg says of one, and whether that is damage, nothing that touches a pixel, or no verdict.

By itself libjpeg goes on where data make no sense, and fills up with gray; docs/images.md has the table of what is made of its words.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from recordio.codecs import load_simplejpeg
from recordio.errors import ImageFormatError
from recordio.jpeg import scan_data

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

END_MARK: Final = b"\xff\xd9"
ODD: Final = "has odd data, and may be damaged"  # how remarks start
_FASTEST: Final = 8  # the smallest picture that a decoder makes; it reads all data for it
_SECTOR: Final = bytes(512)  # what a lost block of a disk is read as
_PREMATURE: Final = "Premature end of JPEG file"
_EXTRANEOUS: Final = re.compile(r"Corrupt JPEG data: (\d+) extraneous bytes before marker 0x([0-9a-f]{2})")
_HARMLESS: Final = ("Invalid SOS parameters for sequential JPEG",)  # of what libjpeg warns although every pixel is what was stored
_NOT_OF_THE_IMAGE: Final = ("tj", "Unsupported color conversion", "Insufficient memory", "Requested feature was omitted")


class NoVerdict(Exception):
    """A JPEG of a kind that this decoder does not take, though another may: nothing is known of its data."""


def header(data: bytes) -> tuple[int, int, str, str]:
    """Return (height, width, color space, sampling of the chroma) of a JPEG, the last two as simplejpeg names them.

    Raises:
        NoVerdict: the decoder does not take it.
        CodecMissing: simplejpeg cannot be loaded.
    """
    try:
        height, width, space, sampling = load_simplejpeg().decode_jpeg_header(data)
    except (ValueError, KeyError) as error:  # a KeyError where it has no name for the sampling
        raise NoVerdict(str(error)) from None
    return height, width, space, sampling


def decode(data: bytes, to: str, *, least: dict[str, int] | None = None) -> tuple[NDArray[np.uint8], str]:
    """Decode a JPEG whose header was read, without the tolerance for damage that decoders have by themselves.

    Args:
        data: a whole file's bytes; the end mark may be missing.
        to: a color space as simplejpeg names it.
        least: simplejpeg's arguments for a smaller picture.

    Returns:
        (height, width, channels); a remark on what was odd and perhaps is damage, or "".

    Raises:
        ImageFormatError: it is damaged.
        NoVerdict: the decoder does not take it.
        CodecMissing: simplejpeg cannot be loaded.
    """
    decode_jpeg, least = load_simplejpeg().decode_jpeg, least or {}
    try:
        return decode_jpeg(data, to, **least), ""
    except ValueError as error:
        said = str(error)
    if said == _PREMATURE:  # the decoder's word for a missing end mark, too
        data += END_MARK
        try:
            return decode_jpeg(data, to, **least), ""
        except ValueError as error:
            said = str(error)
    remark = _remark(data, said)
    return decode_jpeg(data, to, strict=False, **least), remark


def check(data: bytes) -> str:
    """Decode a JPEG strictly for its faults alone, in the quickest way; return a remark or "".

    Raises:
        ImageFormatError: it is damaged.
        NoVerdict: the decoder does not take it.
        CodecMissing: simplejpeg cannot be loaded.
    """
    height, width, *_ = header(data)
    return decode(data, "GRAY", least=reduced(height, width, _FASTEST))[1]


def reduced(height: int, width: int, scale: int) -> dict[str, int]:
    """Return simplejpeg's arguments for a picture of 1/scale of the sides, rounded up."""
    return {} if scale == 1 else {"min_height": -(-height // scale), "min_width": -(-width // scale), "min_factor": scale}


def _remark(data: bytes, said: str) -> str:
    """Return what should be remarked on a JPEG because of what the decoder said last.

    Raises:
        ImageFormatError: it says damage.
        NoVerdict: it speaks of itself.
    """
    if said.startswith(_NOT_OF_THE_IMAGE):
        raise NoVerdict(said)
    if said.startswith(_HARMLESS):
        return ""
    left_over = _EXTRANEOUS.match(said)
    if left_over is None:
        raise ImageFormatError(f"is damaged: {said}")
    _check_left_over(data, int(left_over[1]) if left_over[2] == "d9" else 0)
    return f"{ODD}: {said}"


def _check_left_over(data: bytes, size: int) -> None:
    """Judge a JPEG with more data than its pixels take: some programs pad, and what is damaged may seem to end early.

    Only the last warning is told. So the data are decoded without the *size* bytes that are left over behind the last pixel: then
    the warning before is.

    Raises:
        ImageFormatError: it is damaged.
    """
    start, end = scan_data(data)
    if _SECTOR in data[start:end].rstrip(b"\0"):
        raise ImageFormatError("is damaged: bytes are left over behind its pixels, and zeros stand within its data")
    if not size:
        return
    try:
        load_simplejpeg().decode_jpeg(data[: end - size] + END_MARK, "GRAY")
    except ValueError as error:
        if not str(error).startswith(_HARMLESS):
            raise ImageFormatError(f"is damaged: {error}") from None
