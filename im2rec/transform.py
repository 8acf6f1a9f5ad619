"""One image's bytes -> the bytes to pack. The geometry is pure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from im2rec.errors import PlanError
from im2rec.judge import CHOICES, ERROR, UNKNOWN, Judge, judge
from recordio import alpha, imagecheck, images, pixels
from recordio.errors import ImageFormatError
from recordio.traits import ImageInfo, Trait

if TYPE_CHECKING:
    from numpy.typing import NDArray

_TURNED: Final = ("jpg", "png", "webp")  # formats whose EXIF rotation is left to who has decoded them "unchanged"

# data, path -> bytes to pack, a remark or "", traits as a sum; raises ImageFormatError to reject
Transform = Callable[[bytes, str], tuple[bytes, str, int]]


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
        check: "reject" refuses images that are truncated, damaged or too large, before anything is decoded as far as the
            bytes tell; "remark" only remarks on them; "off" does not look.
        decode: decode images whose bytes are kept, and refuse what is damaged.
        max_pixels: what "too large" means.
        alpha: a value of judge.CHOICES, as all that follow; "error" rejects such images. None leaves it to *color*: alpha is
            dropped, and kept by "unchanged".
        exif: None applies a rotation, unless *color* is "unchanged".
        cmyk: it is converted in any case.
        sixteen_bit: None cuts to 8 bits, unless *color* is "unchanged".
        palette: it is expanded in any case.
        gray: it becomes what *color* says in any case.
        animated: the first picture counts in any case.
        wrong_suffix: the contents count in any case.
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
    decode: bool = False
    max_pixels: int = imagecheck.MAX_PIXELS
    alpha: str | None = None
    exif: str | None = None
    cmyk: str | None = None
    sixteen_bit: str | None = None
    palette: str | None = None
    gray: str | None = None
    animated: str | None = None
    wrong_suffix: str | None = None

    def __post_init__(self) -> None:
        if self.resize and self.max_side:
            raise PlanError("--resize and --max-side exclude each other")
        if self.pass_through and (self.resize or self.max_side or self.center_crop):
            raise PlanError("--pass-through keeps the images as they are: it goes with no option that changes pixels")
        if self.decode and (not self.pass_through or self.check != "reject"):
            raise PlanError("--decode checks images whose bytes are kept: it goes with no option that changes pixels, nor with --no-check")
        for name, value, known in (
            ("interpolation", self.interpolation, (*images.INTERPOLATIONS, images.AUTO)),
            ("encoding", self.encoding, images.ENCODINGS),
            ("color", self.color, tuple(images.COLORS)),
            ("check", self.check, ("reject", "remark", "off")),
        ):
            if value not in known:
                raise PlanError(f"{name} {value!r}, expected one of {', '.join(known)}")
        self._check_choices()

    def _check_choices(self) -> None:
        for name, choice in CHOICES.items():
            value, option = getattr(self, name), f"--{name.replace('_', '-')}"
            if value is not None and value not in choice.values:
                raise PlanError(f"{option} {value!r}, expected one of {', '.join(choice.values)}")
            if self.pass_through and value in choice.changing:
                raise PlanError(f"--pass-through keeps the images as they are: it does not go with {option} {value}")
            if value == ERROR and self.check != "reject":
                raise PlanError(f"{option} error needs the check of the images, which is off")
        if self.alpha == "keep" and not self.pass_through and (self.encoding == "jpg" or self.color == "gray"):
            raise PlanError("--alpha keep needs --encoding png or webp, and a --color other than gray")

    @property
    def refused(self) -> int:
        """Traits whose images are rejected, as a sum."""
        return sum(choice.trait for name, choice in CHOICES.items() if getattr(self, name) == ERROR)

    @property
    def needs_traits(self) -> bool:
        """Whether the pixels depend on what a probe says."""
        asks = self.alpha in ("white", "black", "keep") or (self.exif == "apply" and self.color == "unchanged")
        return asks and not self.pass_through


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


def transformer(options: TransformOptions) -> Transform:
    """Make the function that turns one image file's bytes into the bytes to pack.

    Raises:
        CodecMissing: a codec that the options need cannot be loaded.
    """
    look = checker(options)
    is_checked = look is not None
    if look is None and options.needs_traits:
        look = judge(max_pixels=1 << 62, only_remark=True)

    def transform(data: bytes, path: str) -> tuple[bytes, str, int]:
        info, remark = look(data, 0, len(data), path) if look else (UNKNOWN, "")
        if not options.pass_through:
            data, odd = _reencode(data, options, info)
            remark = remark or odd
        return (data, remark, info.traits) if is_checked else (data, "", 0)

    return transform


def checker(options: TransformOptions) -> Judge | None:
    """Make the function that judges image files; None where nothing is looked at."""
    if options.check == "off":
        return None
    look = judge(max_pixels=options.max_pixels, refused=options.refused, only_remark=options.check == "remark")
    if not options.decode:
        return look

    def look_and_decode(data: bytes | bytearray, start: int, end: int, path: str) -> tuple[ImageInfo, str]:
        info, remark = look(data, start, end, path)
        odd = imagecheck.decode_checked(bytes(memoryview(data)[start:end]), info)
        return info, remark or odd

    return look_and_decode


def _reencode(data: bytes, options: TransformOptions, info: ImageInfo) -> tuple[bytes, str]:
    """Return the bytes to pack, and a remark or ""."""
    stored = _stored_size(data, info) if options.scaled_decode and (options.resize or options.max_side) else None
    image, remark = _decode(data, options, info, decode_scale(*stored, options) if stored else 1)
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


def _stored_size(data: bytes, info: ImageInfo) -> tuple[int, int] | None:
    """Return (width, height) of a JPEG before any EXIF rotation; None of anything else."""
    if info is UNKNOWN:
        return images.jpeg_size(data)
    return (info.width, info.height) if info.format == "jpg" else None


def _decode(data: bytes, options: TransformOptions, info: ImageInfo, scale: int) -> tuple[NDArray[Any], str]:
    """Decode as OpenCV does by itself, unless the options ask for what it does not do; return a remark or "", too."""
    is_changed = options.color != "unchanged"
    mixes = options.alpha in ("white", "black", "keep") and bool(info.traits & Trait.ALPHA)
    if not mixes and (is_changed or (options.alpha, options.exif, options.sixteen_bit) == (None, None, None)):
        return _decode_judging(data, options, options.color, scale=scale, upright=options.exif != "ignore")
    if mixes:
        image, remark = alpha.decode_with_alpha(data, info.format), ""
    else:
        image, remark = _decode_judging(data, options, "unchanged", scale=scale)
    if mixes and options.alpha != "keep":
        image = alpha.flatten(image, white=options.alpha == "white")
    elif options.alpha == "drop" and image.ndim == 3:
        image = image[:, :, :3]
    if is_changed or options.sixteen_bit == "reduce":
        image = pixels.to_eight_bits(image)
    if options.color == "gray":
        image = images.to_gray(image)
    turns = options.exif == "apply" or (is_changed and options.exif != "ignore")
    return (pixels.turn(image, info.orientation) if turns and info.format in _TURNED else image), remark


def _decode_judging(data: bytes, options: TransformOptions, color: str, *, scale: int, upright: bool = True) -> tuple[NDArray[Any], str]:
    """Decode as OpenCV does. What is damaged is refused, or remarked on, as the options say."""
    if options.check == "off":
        with images.silent():
            return images.decode(data, color, scale=scale, upright=upright), ""
    only_remark = options.check == "remark"  # then the pixels are OpenCV's, whatever they are
    try:
        return images.decode_whole(data, color, scale=scale, upright=upright, turn=not only_remark)
    except ImageFormatError as error:
        if not only_remark:
            raise
        with images.silent():
            return images.decode(data, color, scale=scale, upright=upright), error.reason
