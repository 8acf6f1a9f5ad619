"""Decoding, resizing and encoding of images, with OpenCV and simplejpeg."""

from __future__ import annotations

import contextlib
import functools
import os
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

from recordio import pixels, strict
from recordio.codecs import load_cv2, load_simplejpeg
from recordio.errors import CodecMissing, ImageFormatError
from recordio.jpeg import jpeg_orientation
from recordio.probe import png_without_texts, probe

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

COLORS: Final = {"color": 1, "gray": 0, "unchanged": -1}  # names -> OpenCV's imread flags
INTERPOLATIONS: Final = {"nearest": 0, "bilinear": 1, "cubic": 2, "area": 3, "lanczos": 4}  # names -> OpenCV's numbers
ENCODINGS: Final = ("jpg", "png", "webp")
AUTO: Final = "auto"  # as im2rec.cc's inter_method 9

# Samplings of chroma as simplejpeg names them -> OpenCV's factors.
_SAMPLINGS: Final = {"Gray": 0, "444": 0x111111, "422": 0x211111, "420": 0x221111, "440": 0x121111, "411": 0x411111}
_IGNORE_ORIENTATION = 128  # OpenCV's flag
_END_MARKS = strict.END_MARK * (1 << 15)  # fills the longest segment, of 65,535 bytes


@functools.cache
def _decodes_alike(sampling: str, scale: int) -> bool:
    """Tell whether simplejpeg decodes as this OpenCV does: both have a libjpeg of their own, and those could differ.

    Args:
        sampling: of the chroma, as simplejpeg names it; each has loops of its own in libjpeg.
        scale: 1, 2, 4 or 8, the same.
    """
    cv2 = load_cv2()
    import numpy as np

    if sampling not in _SAMPLINGS:
        return False
    try:
        decode_jpeg = load_simplejpeg().decode_jpeg
    except CodecMissing:
        return False
    noise = np.random.default_rng(1).integers(0, 256, (9, 13, 3), np.uint8)
    picture = cv2.resize(noise, (77, 45), interpolation=cv2.INTER_CUBIC)
    factor = [cv2.IMWRITE_JPEG_SAMPLING_FACTOR, _SAMPLINGS[sampling]] if sampling != "Gray" else []
    if not factor:
        picture = to_gray(picture)
    height, width = picture.shape[:2]
    for quality in (30, 95):
        data = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, quality, *factor])[1]
        for name, flag in (("BGR", 1), ("GRAY", 0)):
            pixels = decode_jpeg(data, name, **strict.reduced(height, width, scale)).squeeze()
            if not np.array_equal(pixels, cv2.imdecode(data, _reduced(flag, scale))):
                return False
    return True


def compare_decoders() -> None:
    """Find out now, for every sampling, whether simplejpeg decodes as OpenCV does: before threads ask, and another forks meanwhile.

    A process forked in the midst of it would have modules that are half loaded, and locks that nobody gives back.
    """
    for sampling in _SAMPLINGS:
        _decodes_alike(sampling, 1)


def _reduced(flag: int, scale: int) -> int:
    """Return OpenCV's flag for the same: IMREAD_REDUCED_GRAYSCALE_2 is 16, _COLOR_2 17, and so on."""
    return flag + scale * 8 if scale > 1 else flag


def versions() -> dict[str, str]:
    """Return the versions of the libraries that decode and encode, without loading them: other ones may give other bytes."""
    from importlib.metadata import PackageNotFoundError, version

    found = {}
    for name in ("opencv-python", "opencv-python-headless", "opencv-contrib-python", "opencv-contrib-python-headless", "simplejpeg"):
        with contextlib.suppress(PackageNotFoundError):
            found[name] = version(name)
    return found


def use_one_thread() -> None:
    """Keep OpenCV, and the OpenBLAS under NumPy, from starting threads of their own, which fight with several workers.

    OpenBLAS starts its threads when NumPy is first loaded: they cost 0.1 s of processor time each process, so this comes first.

    Raises:
        CodecMissing: OpenCV cannot be loaded.
    """
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    load_cv2().setNumThreads(1)


@contextlib.contextmanager
def silent() -> Iterator[None]:
    """Keep what libjpeg writes to the process's standard error from it: lines about an image that do not name it.

    Only for processes of one thread, for the time of a call that says nothing else: whatever is written meanwhile is lost.
    """
    try:
        kept = os.dup(2)
    except OSError:  # there is none
        yield
        return
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)


def decode(data: bytes, color: str = "color", *, scale: int = 1, upright: bool = True) -> NDArray[Any]:
    """Decode an image as OpenCV does. "color" and "gray" apply EXIF rotation, "unchanged" does not.

    Plain JPEGs are decoded by simplejpeg, which is quicker and gives the same pixels.

    Args:
        data: a whole file's bytes.
        color: "color", "gray" or "unchanged".
        scale: 2, 4 or 8 decodes a JPEG to 1/scale of its sides, rounded up, for a fraction of the work; other formats,
            and "unchanged" JPEGs that are not plain, are decoded in full all the same.
        upright: apply EXIF rotation, for "color" and "gray". A TIFF is turned by its decoder in any case.

    Returns:
        (height, width, 3) uint8 BGR for "color"; (height, width) uint8 for "gray"; for "unchanged" what the file has:
        1, 3 or 4 channels (BGRA), uint8 or uint16.

    Raises:
        ImageFormatError: OpenCV cannot decode it.
        CodecMissing: OpenCV cannot be loaded.
    """
    if color not in COLORS:
        raise ValueError(f"color {color!r}, expected one of {', '.join(COLORS)}")
    cv2 = load_cv2()
    import numpy as np

    is_jpeg = data[:2] == b"\xff\xd8"
    if is_jpeg:
        with contextlib.suppress(ImageFormatError, strict.NoVerdict, CodecMissing):  # what comes of it is OpenCV's to say
            plain = _decode_plain_jpeg(data, color, scale, upright=upright)
            if plain is not None:
                return plain[0]
    if data[:4] == b"\x89PNG":
        data = png_without_texts(data)
    flag = COLORS[color]
    if is_jpeg and flag >= 0:
        flag = _reduced(flag, scale)
    if not upright and flag >= 0:
        flag |= _IGNORE_ORIENTATION
    try:
        image = cv2.imdecode(np.frombuffer(data, np.uint8), flag) if data else None
        if image is None and is_jpeg:
            # A missing end is an error for imdecode, and silently filled up with end marks by imread: mend it the same way.
            image = cv2.imdecode(np.frombuffer(data + _END_MARKS, np.uint8), flag)
    except cv2.error as error:
        raise ImageFormatError(f"cannot be decoded: {error.err or error}") from None
    if image is None:
        raise ImageFormatError("cannot be decoded" if data else "is empty")
    return image  # type: ignore[no-any-return]  # cv2 is untyped


def decode_whole(
    data: bytes, color: str = "color", *, scale: int = 1, upright: bool = True, turn: bool = True, mute: bool = True
) -> tuple[NDArray[Any], str]:
    """Decode an image as :func:`decode` does, but no damaged one.

    Damage is seen in JPEGs that simplejpeg decodes, and in all formats where the decoder refuses it. It costs nothing but for the few
    JPEGs that only OpenCV decodes as OpenCV does (CMYK, for example): they are decoded twice.

    Args:
        data: a whole file's bytes.
        color: as for decode.
        scale: as for decode.
        upright: as for decode.
        turn: apply EXIF rotation here. OpenCV does so otherwise, which differs where EXIF data are damaged, and costs a second decoding.
        mute: keep what OpenCV says of one that is decoded twice from standard error, as :func:`silent` does: for processes of one thread.

    Returns:
        The pixels; a remark on what was odd and perhaps is damage, or "".

    Raises:
        ImageFormatError: it is damaged, or cannot be decoded.
        CodecMissing: OpenCV cannot be loaded.
    """
    if data[:2] != b"\xff\xd8":
        return decode(data, color, scale=scale, upright=upright), ""
    remark = ""
    with contextlib.suppress(strict.NoVerdict, CodecMissing):
        plain = _decode_plain_jpeg(data, color, scale, upright=upright, turn=turn) if color in COLORS else None
        if plain is not None:
            return plain
        remark = strict.check(data)
    with silent() if mute else contextlib.nullcontext():  # OpenCV's libjpeg warns of what was judged above, without a name
        return decode(data, color, scale=scale, upright=upright), remark


def _decode_plain_jpeg(
    data: bytes, color: str, scale: int, *, upright: bool = True, turn: bool = False
) -> tuple[NDArray[np.uint8], str] | None:
    """Decode a JPEG with simplejpeg where that gives OpenCV's pixels; None where it does not, or not for certain.

    Raises:
        ImageFormatError: it is damaged.
        CodecMissing: simplejpeg cannot be loaded.
    """
    try:
        height, width, space, sampling = strict.header(data)
    except strict.NoVerdict:
        return None
    orientation = jpeg_orientation(data) if upright and color != "unchanged" else 1
    if space not in ("YCbCr", "Gray") or not (orientation == 1 or (turn and orientation)):
        return None
    if not _decodes_alike(sampling, scale):
        return None
    to = "GRAY" if color == "gray" or (color == "unchanged" and space == "Gray") else "BGR"
    image, remark = strict.decode(data, to, least=strict.reduced(height, width, scale))
    image = image[:, :, 0] if to == "GRAY" else image
    return (image if orientation == 1 else pixels.turn(image, orientation)), remark


def jpeg_size(data: bytes) -> tuple[int, int] | None:
    """Return (width, height) of a JPEG in pixels as stored, before any EXIF rotation; None of anything else."""
    try:
        info = probe(data)
    except ImageFormatError:
        return None
    return (info.width, info.height) if info.format == "jpg" else None


def to_gray(image: NDArray[Any]) -> NDArray[Any]:
    """Turn (height, width, 3) BGR into (height, width) gray with OpenCV."""
    cv2 = load_cv2()
    return cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)  # type: ignore[no-any-return]


def resize(image: NDArray[Any], width: int, height: int, interpolation: str = "bilinear") -> NDArray[Any]:
    """Resize an image with OpenCV.

    Args:
        image: (h, w) or (h, w, channels).
        width: pixels of the result.
        height: pixels of the result.
        interpolation: a name of INTERPOLATIONS, or "auto": area to shrink, cubic to enlarge, else bilinear.

    Raises:
        ImageFormatError: a side would be 0.
    """
    cv2 = load_cv2()
    if interpolation not in (*INTERPOLATIONS, AUTO):
        raise ValueError(f"interpolation {interpolation!r}, expected one of {', '.join((*INTERPOLATIONS, AUTO))}")
    if width < 1 or height < 1:
        raise ImageFormatError(f"would be {width} x {height} pixels after resizing, expected at least 1 x 1")
    if interpolation == AUTO:
        rows, columns = image.shape[:2]
        if width > columns and height > rows:
            interpolation = "cubic"
        else:
            interpolation = "area" if width < columns and height < rows else "bilinear"
    try:
        return cv2.resize(image, (width, height), interpolation=INTERPOLATIONS[interpolation])  # type: ignore[no-any-return]
    except cv2.error as error:
        raise ImageFormatError(f"cannot be resized to {width} x {height}: {error.err or error}") from None


def encode(image: NDArray[Any], encoding: str = "jpg", quality: int = 95) -> bytes:
    """Encode an image with OpenCV.

    Args:
        image: (h, w) or (h, w, channels), BGR or BGRA.
        encoding: "jpg", "png" or "webp".
        quality: 0 to 100 for JPEG, 1 to 100 for WebP; compression 0 to 9 for PNG, where larger values mean 9, as they do
            in MXNet 1.9.1's im2rec.py.

    Raises:
        ImageFormatError: OpenCV cannot encode it.
    """
    if encoding not in ENCODINGS:
        raise ValueError(f"encoding {encoding!r}, expected one of {', '.join(ENCODINGS)}")
    cv2 = load_cv2()
    if encoding == "jpg":
        parameters = [cv2.IMWRITE_JPEG_QUALITY, min(max(quality, 0), 100)]
    elif encoding == "png":
        parameters = [cv2.IMWRITE_PNG_COMPRESSION, min(max(quality, 0), 9)]
    else:
        parameters = [cv2.IMWRITE_WEBP_QUALITY, min(max(quality, 1), 100)]
    try:
        done, buffer = cv2.imencode(f".{encoding}", image, parameters)
    except cv2.error as error:
        raise ImageFormatError(f"cannot be encoded as {encoding}: {error.err or error}") from None
    if not done:
        raise ImageFormatError(f"cannot be encoded as {encoding}")
    return buffer.tobytes()  # type: ignore[no-any-return]
