"""What the tool thinks of an image before it packs it: whether it is whole, what is special about it, what is refused."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, NamedTuple

from recordio import imagecheck
from recordio.errors import ImageFormatError
from recordio.jpeg import JpegHeaders
from recordio.traits import ImageInfo, Trait

ERROR: Final = "error"


class Choice(NamedTuple):
    """What can be done about a trait.

    Attributes:
        trait: the trait.
        values: of the option, the default first.
        changing: those of them that ask for other pixels than the file's.
        fault: what an image is rejected for.
        help: for the command line.
    """

    trait: Trait
    values: tuple[str, ...]
    changing: tuple[str, ...]
    fault: str
    help: str


# Names of options -> what they say. "error" rejects the image, also where bytes are kept.
CHOICES: Final = {
    "alpha": Choice(
        Trait.ALPHA,
        ("drop", "white", "black", "keep", ERROR),
        ("drop", "white", "black"),
        "has alpha",
        "Drop alpha, lay it over a color, or keep it",
    ),
    "exif": Choice(
        Trait.ROTATED, ("apply", "ignore", ERROR), ("apply",), "is turned by its EXIF data", "Turn images as EXIF data say, or do not"
    ),
    "cmyk": Choice(Trait.CMYK, ("convert", ERROR), ("convert",), "is in CMYK", "Convert CMYK"),
    "sixteen_bit": Choice(Trait.SIXTEEN_BIT, ("reduce", ERROR), ("reduce",), "has more than 8 bits a sample", "Cut 16 bits a sample to 8"),
    "palette": Choice(Trait.PALETTE, ("expand", ERROR), ("expand",), "has a palette", "Expand palettes"),
    "gray": Choice(Trait.GRAY, ("convert", ERROR), ("convert",), "is gray", "Make gray images what --color says"),
    "animated": Choice(
        Trait.ANIMATED, ("first", ERROR), ("first",), "holds more than one picture", "Take the first picture of an animation"
    ),
    "wrong_suffix": Choice(
        Trait.WRONG_SUFFIX, ("accept", ERROR), (), "has another format's suffix", "Go by the contents where the suffix lies"
    ),
}

UNKNOWN: Final = ImageInfo("", 0, 0)  # what is damaged, or was not looked at
LACKS_END: Final = "lacks its end mark, its pixels are all there"
_WRONG_SUFFIX: Final = int(Trait.WRONG_SUFFIX)
SUFFIXES: Final = {  # format -> suffixes of its files, the usual one first
    "jpg": (".jpg", ".jpeg", ".jpe", ".jfif"),
    "png": (".png", ".apng"),
    "webp": (".webp",),
    "gif": (".gif",),
    "bmp": (".bmp", ".dib"),
    "tiff": (".tif", ".tiff"),
    "jpeg2000": (".jp2", ".j2k", ".j2c", ".jpc", ".jpf", ".jpx"),
    "ppm": (".ppm", ".pgm", ".pbm", ".pnm", ".pfm"),
    "avif": (".avif",),
}
_FORMATS: Final = {suffix: name for name, suffixes in SUFFIXES.items() for suffix in suffixes}
_AS_WRITTEN: Final = {name: (*suffixes, *map(str.upper, suffixes)) for name, suffixes in SUFFIXES.items()}

# (buffer, start, end, path) of an image file's bytes -> what they are, and a remark or ""; raises ImageFormatError to reject
Judge = Callable[[bytes | bytearray, int, int, str], tuple[ImageInfo, str]]


def judge(*, max_pixels: int, refused: int = 0, only_remark: bool = False) -> Judge:
    """Make the function that judges image files.

    Args:
        max_pixels: refuse larger images.
        refused: traits that are refused, as a sum.
        only_remark: remark on what is truncated, damaged or too large, instead of refusing it.
    """
    headers = JpegHeaders()
    match = headers.match

    def look(data: bytes | bytearray, start: int, end: int, path: str) -> tuple[ImageInfo, str]:
        remark = ""
        info = match(data, start, end)
        if info is None or info.width * info.height > max_pixels:
            whole = data if isinstance(data, bytes) else bytes(memoryview(data)[start:end])
            try:
                info = imagecheck.check(whole, max_pixels=max_pixels, headers=headers)
            except ImageFormatError as error:
                if not only_remark:
                    raise
                return UNKNOWN, error.reason
            if info.missing_end:
                remark = LACKS_END
        if not path.endswith(_AS_WRITTEN.get(info.format, "")) and _suffix_format(path) not in ("", info.format):
            info = info._replace(traits=info.traits | _WRONG_SUFFIX)
        if info.traits & refused:
            raise ImageFormatError(_fault(info.traits & refused, info.format))
        return info, remark

    return look


def _suffix_format(path: str) -> str:
    """Return the format that a file's suffix promises; "" where it is no image's."""
    return _FORMATS.get(path[path.rfind(".") :].lower(), "") if "." in path else ""


def _fault(traits: int, format: str) -> str:
    """Say what an image is rejected for, and by which options."""
    faults = []
    for name, choice in CHOICES.items():
        if traits & choice.trait:
            of_what = f" (it is a {format})" if choice.trait is Trait.WRONG_SUFFIX else ""
            faults.append(f"{choice.fault}{of_what}, which --{name.replace('_', '-')} error rejects")
    return "; ".join(faults)
