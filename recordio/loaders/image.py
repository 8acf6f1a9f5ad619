"""The functions of mxnet.image on NumPy arrays: decode, resize, crop, pad. Images are (height, width, channels), RGB."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from recordio import files, pixels
from recordio.codecs import load_cv2
from recordio.errors import BadSample, ImageFormatError
from recordio.loaders import chance, decoding

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

Image = Any  # an array (height, width, channels); NumPy's types cannot say that
Box = tuple[int, int, int, int]  # x, y, width, height in pixels

_COLORS: Final = {1: "color", 0: "gray", -1: "unchanged"}
_AUTO, _RANDOM = 9, 10  # of the interpolations
_LANCZOS = 4
_TRIALS: Final = 10  # of random_size_crop


def imdecode(
    buf: bytes | bytearray | memoryview | NDArray[np.uint8],
    flag: int = 1,
    to_rgb: int | bool = 1,
    out: Image = None,
    *,
    whole: bool = False,
) -> Image:
    """Decode an image.

    Args:
        buf: an encoded image.
        flag: 1 for color, 0 for gray, -1 for what the file has.
        to_rgb: give RGB, else BGR as OpenCV.
        out: an array to write to.
        whole: refuse an image that is damaged; else half a picture may be made of half a JPEG, as in MXNet.

    Returns:
        (height, width, channels) uint8; uint16 of 16-bit images with flag -1.

    Raises:
        ImageFormatError: it cannot be decoded, or is damaged.
    """
    if not isinstance(buf, (bytes, bytearray, memoryview, np.ndarray)):
        raise ValueError(f"buf is a {type(buf).__name__}, expected bytes or an array of them")
    if flag not in _COLORS:
        raise ValueError(f"flag={flag}, expected one of {', '.join(map(str, _COLORS))}")
    image = decoding.decode(bytes(buf), _COLORS[flag], whole=whole)
    return _give(_rgb(image) if to_rgb else image.reshape(*image.shape[:2], -1), out)


def imread(filename: str | os.PathLike[str], flag: int = 1, to_rgb: int | bool = 1, out: Image = None, *, whole: bool = False) -> Image:
    """Read and decode an image file; as :func:`imdecode`.

    Raises:
        FileError: it cannot be read.
        BadSample: it cannot be decoded, or is damaged; the file is named.
    """
    try:
        return imdecode(files.read_whole(filename), flag, to_rgb, out, whole=whole)
    except ImageFormatError as error:
        raise BadSample(os.fspath(filename), str(error)) from error


def _rgb(image: Image) -> Image:
    """Put the channels of OpenCV in the order R, G, B, with OpenCV: NumPy takes three times as long."""
    if image.ndim == 3 and image.shape[2] == 3:
        cv2 = load_cv2()
        return cv2.cvtColor(image, cv2.COLOR_BGR2RGB)
    return np.ascontiguousarray(pixels.to_rgb(image))


def _give(image: Image, out: Image) -> Image:
    if out is None:
        return image
    if out.shape != image.shape:
        raise ValueError(f"out has shape {out.shape}, expected {image.shape}")
    np.copyto(out, image, casting="unsafe")
    return out


def interpolation(interp: int, old: tuple[int, int] | None = None, new: tuple[int, int] | None = None) -> int:
    """Return OpenCV's number of an interpolation method.

    Args:
        interp: 0 nearest, 1 bilinear, 2 cubic, 3 area, 4 Lanczos; 9: cubic to enlarge, area to shrink, else bilinear;
            10: one of 0 to 4 at random.
        old: (height, width) before.
        new: (height, width) after.
    """
    if interp == _AUTO:
        if old is None or new is None:
            return 2
        if new[0] > old[0] and new[1] > old[1]:
            return 2
        return 3 if new[0] < old[0] and new[1] < old[1] else 1
    if interp == _RANDOM:
        return int(chance.current().randint(0, _LANCZOS))
    if not 0 <= interp <= _LANCZOS:
        raise ValueError(f"interpolation method {interp}, expected 0 to 4, 9 or 10")
    return interp


def imresize(src: Image, w: int, h: int, interp: int = 1, out: Image = None) -> Image:
    """Resize an image to *w* x *h* pixels with OpenCV; *interp* as in :func:`interpolation`.

    Raises:
        ImageFormatError: a side would be 0, or OpenCV cannot resize this kind of array.
    """
    if w < 1 or h < 1:
        raise ImageFormatError(f"would be {w} x {h} pixels after resizing, expected at least 1 x 1")
    method = interpolation(interp, src.shape[:2], (h, w))
    cv2 = load_cv2()
    try:
        image = cv2.resize(np.ascontiguousarray(src), (int(w), int(h)), interpolation=method)
    except cv2.error as error:
        raise ImageFormatError(f"{src.dtype} of shape {src.shape} cannot be resized to {w} x {h}: {error.err or error}") from None
    return _give(image.reshape(h, w, -1), out)


def scale_down(src_size: tuple[int, int], size: tuple[int, int]) -> tuple[int, int]:
    """Return *size* (width, height), made smaller in proportion until it fits into *src_size*."""
    w, h = map(float, size)
    sw, sh = src_size
    if sh < h:
        w, h = w * sh / h, sh
    if sw < w:
        w, h = sw, h * sw / w
    return int(w), int(h)


def copyMakeBorder(  # noqa: N802  (MXNet's name)
    src: Image, top: int, bot: int, left: int, right: int, type: int = 0, value: float = 0.0, values: float | Sequence[float] = ()
) -> Image:
    """Put a border around an image.

    Args:
        src: the image.
        top: pixels; *bot*, *left* and *right*, too.
        bot: at the bottom.
        left: at the left.
        right: at the right.
        type: OpenCV's number: 0 a constant, 1 the edge repeated, 2 mirrored, 3 the other side, 4 mirrored without the edge
            itself. MXNet takes the same numbers, whatever its documentation says of them.
        value: the constant.
        values: the constant of each channel, of which those that are missing are 0; or that of the first alone, as a number.
    """
    if min(top, bot, left, right) < 0:
        raise ValueError(f"a border of {top}, {bot}, {left}, {right} pixels, expected none below 0")
    each = values if isinstance(values, Sequence) else np.atleast_1d(values)
    constant = tuple(map(float, each)) or (float(value),) * 4
    image = load_cv2().copyMakeBorder(np.ascontiguousarray(src), top, bot, left, right, type, value=constant)
    return image.reshape(*image.shape[:2], -1)


def resize_short(src: Image, size: int, interp: int = 2) -> Image:
    """Resize an image so that its short side has *size* pixels; the long side is rounded down."""
    h, w = src.shape[:2]
    new_h, new_w = (size * h // w, size) if h > w else (size, size * w // h)
    return imresize(src, new_w, new_h, interp)


def fixed_crop(src: Image, x0: int, y0: int, w: int, h: int, size: tuple[int, int] | None = None, interp: int = 2) -> Image:
    """Cut out *w* x *h* pixels from (*x0*, *y0*) on, and resize them to *size* (width, height) where that is another size."""
    cropped = src[y0 : y0 + h, x0 : x0 + w]
    if size is None or (w, h) == tuple(size):
        return cropped
    return imresize(cropped, size[0], size[1], interp)


def random_crop(src: Image, size: tuple[int, int], interp: int = 2) -> tuple[Image, Box]:
    """Cut out *size* (width, height) at random; of an image that is smaller, as much as fits, made larger.

    Returns:
        The crop, and its (x, y, width, height) in *src*.
    """
    h, w = src.shape[:2]
    new_w, new_h = scale_down((w, h), size)
    draw = chance.current()
    x0, y0 = draw.randint(0, w - new_w), draw.randint(0, h - new_h)
    return fixed_crop(src, x0, y0, new_w, new_h, size, interp), (x0, y0, new_w, new_h)


def center_crop(src: Image, size: tuple[int, int], interp: int = 2) -> tuple[Image, Box]:
    """Cut out *size* (width, height) from the middle; of an image that is smaller, as much as fits, made larger.

    Returns:
        The crop, and its (x, y, width, height) in *src*.
    """
    h, w = src.shape[:2]
    new_w, new_h = scale_down((w, h), size)
    x0, y0 = (w - new_w) // 2, (h - new_h) // 2
    return fixed_crop(src, x0, y0, new_w, new_h, size, interp), (x0, y0, new_w, new_h)


def random_size_crop(
    src: Image, size: tuple[int, int], area: float | tuple[float, float], ratio: tuple[float, float], interp: int = 2, **given: Any
) -> tuple[Image, Box]:
    """Cut out a part of random area and aspect ratio, and resize it to *size*; the middle where ten tries find none that fits.

    Args:
        src: the image.
        size: (width, height) of the result.
        area: the least share of the image's area, or the least and the most.
        ratio: the least and the most width / height.
        interp: as in :func:`interpolation`.
        **given: min_area, MXNet's older name of *area*.

    Returns:
        The crop, and its (x, y, width, height) in *src*.
    """
    area = given.pop("min_area", area)
    if given:
        raise TypeError(f"random_size_crop has no parameter {next(iter(given))!r}")
    least, most = area if isinstance(area, Sequence) else (area, 1.0)
    h, w = src.shape[:2]
    draw = chance.current()
    for _ in range(_TRIALS):
        target = draw.uniform(least, most) * h * w
        aspect = math.exp(draw.uniform(math.log(ratio[0]), math.log(ratio[1])))
        new_w, new_h = round(math.sqrt(target * aspect)), round(math.sqrt(target / aspect))
        if 0 < new_w <= w and 0 < new_h <= h:
            x0, y0 = draw.randint(0, w - new_w), draw.randint(0, h - new_h)
            return fixed_crop(src, x0, y0, new_w, new_h, size, interp), (x0, y0, new_w, new_h)
    return center_crop(src, size, interp)


def color_normalize(src: Image, mean: ArrayLike | None, std: ArrayLike | None = None) -> Image:
    """Return (*src* - *mean*) / *std* in float32; None leaves a step out. Both are broadcast over the pixels."""
    image: Any = np.asarray(src, np.float32)
    if mean is not None:
        image = image - np.asarray(mean, np.float32)
    if std is not None:
        image = image / np.asarray(std, np.float32)
    return image
