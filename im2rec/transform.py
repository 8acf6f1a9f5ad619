"""One image's bytes -> the bytes to pack. The geometry is pure."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass

from im2rec.errors import PlanError
from recordio import images
from recordio.errors import ImageFormatError


@dataclass(frozen=True, slots=True)
class TransformOptions:
    """What happens to each image.

    Attributes:
        pass_through: keep the file's bytes.
        resize: pixels of the short side, 0 to keep the size; also enlarges.
        max_side: pixels that the long side may have at the most, 0 for no limit; never enlarges.
        center_crop: cut the middle square out, before resizing.
        interpolation: a name of images.INTERPOLATIONS, or "auto".
        encoding: a name of images.ENCODINGS.
        quality: 0 to 100 for JPEG and WebP, 0 to 9 for PNG.
        color: a name of images.COLORS.
        scaled_decode: decode a JPEG at a half, a quarter or an eighth where that is still at least the size wanted.
        check: "reject" refuses images that are truncated, damaged or too large before anything is decoded; "remark"
            only remarks on them; "off" does not look.
        max_pixels: what "too large" means.
    """

    pass_through: bool = True
    resize: int = 0
    max_side: int = 0
    center_crop: bool = False
    interpolation: str = "bilinear"
    encoding: str = "jpg"
    quality: int = 95
    color: str = "color"
    scaled_decode: bool = False
    check: str = "reject"
    max_pixels: int = images.MAX_PIXELS

    def __post_init__(self) -> None:
        if self.resize and self.max_side:
            raise PlanError("--resize and --max-side exclude each other")
        if self.pass_through and (self.resize or self.max_side or self.center_crop):
            raise PlanError("--pass-through keeps the images as they are: it goes with no option that changes pixels")
        for name, value, known in (
            ("interpolation", self.interpolation, (*images.INTERPOLATIONS, images.AUTO)),
            ("encoding", self.encoding, images.ENCODINGS),
            ("color", self.color, tuple(images.COLORS)),
            ("check", self.check, ("reject", "remark", "off")),
        ):
            if value not in known:
                raise PlanError(f"{name} {value!r}, expected one of {', '.join(known)}")


def center_square(width: int, height: int) -> tuple[int, int, int, int]:
    """Return (left, top, width, height) of the square that a centre crop keeps, as MXNet 1.9.1's im2rec.py cuts it."""
    side = min(width, height)
    return (width - side) // 2, (height - side) // 2, side, side


def short_side_size(width: int, height: int, side: int) -> tuple[int, int]:
    """Return (width, height) after the short side has become *side*, rounded down as MXNet 1.9.1's im2rec.py does."""
    if height > width:
        return side, height * side // width
    return width * side // height, side


def long_side_size(width: int, height: int, side: int) -> tuple[int, int]:
    """Return (width, height) with a long side of at most *side*, the other rounded to the nearest pixel, at least 1."""
    longest = max(width, height)
    if longest <= side:
        return width, height
    return max(1, round(width * side / longest)), max(1, round(height * side / longest))


def decode_scale(width: int, height: int, options: TransformOptions) -> int:
    """Return by how much a JPEG may be reduced while it is decoded: 8, 4, 2 or 1, and never below the size wanted."""
    side, wanted = (min(width, height), options.resize) if options.resize else (max(width, height), options.max_side)
    if options.center_crop:
        side = min(width, height)
    for scale in (8, 4, 2):
        # EXIF may turn the picture, so it must still show which side is the longer: decoders round the sides up.
        is_plain = width == height or -(-width // scale) != -(-height // scale)
        if wanted and side >= scale * wanted and is_plain:
            return scale
    return 1


def transformer(options: TransformOptions) -> Callable[[bytes], tuple[bytes, str]]:
    """Make the function that turns one image file's bytes into the bytes to pack and a remark, mostly empty.

    The function raises ImageFormatError for what cannot be packed.

    Raises:
        CodecMissing: a codec that the options need cannot be loaded.
    """
    check = checker(options)
    if options.pass_through:
        return (lambda data: (data, check(data))) if check else (lambda data: (data, ""))
    return lambda data: _reencode(data, options, check)


def checker(options: TransformOptions) -> Callable[[bytes], str] | None:
    """Make the function that checks an image file's bytes and returns a remark, mostly empty; None where nothing is checked."""
    return None if options.check == "off" else functools.partial(_check, options)


def _check(options: TransformOptions, data: bytes) -> str:
    """Check an image file; return what is worth a remark."""
    try:
        info = images.check(data, max_pixels=options.max_pixels)
    except ImageFormatError as error:
        if options.check == "reject":
            raise
        return error.reason
    return "lacks its end mark, its pixels are all there" if info.missing_end else ""


def _reencode(data: bytes, options: TransformOptions, check: Callable[[bytes], str] | None) -> tuple[bytes, str]:
    remark = check(data) if check else ""
    stored = images.jpeg_size(data) if options.scaled_decode and (options.resize or options.max_side) else None
    image = images.decode(data, options.color, scale=decode_scale(*stored, options) if stored else 1)
    full_height, full_width = image.shape[:2]
    if stored and not options.center_crop:  # sizes follow from the whole image, which EXIF may have turned
        full_width, full_height = stored if (full_width > full_height) == (stored[0] > stored[1]) else stored[::-1]
    if options.center_crop:
        left, top, width, height = center_square(image.shape[1], image.shape[0])
        image = image[top : top + height, left : left + width]
        full_width, full_height = width, height
    if options.resize:
        image = images.resize(image, *short_side_size(full_width, full_height, options.resize), options.interpolation)
    elif options.max_side:
        size = long_side_size(full_width, full_height, options.max_side)
        if size != image.shape[1::-1]:
            image = images.resize(image, *size, options.interpolation)
    return images.encode(image, options.encoding, options.quality), remark
