"""Whole images of every kind that the tool knows, in any size: written by Pillow, OpenCV, simplejpeg, and by hand what they cannot."""

from __future__ import annotations

import functools
import io
import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np
import simplejpeg
from PIL import Image, ImageFile

cv2.setNumThreads(1)  # its threads would not live on in forks
ImageFile.MAXBLOCK = 1 << 22  # bytes; what Pillow's JPEG coder cannot put into one buffer it cannot write at all

# (width, height, seed) -> the bytes of a file
Maker = Callable[[int, int, int], bytes]
STORED = Path(__file__).parent / "jpegs"  # what only jpegtran writes: arithmetic coding, a scan for each component
_SMOOTH = 4  # pixels between points of noise, so that coders find something to do and little to store


class Kind(NamedTuple):
    """How an image is made, and what a probe must say of it; its size is its own where *make* cannot choose one."""

    format: str
    make: Maker
    size: tuple[int, int] | None = None


def pixels(width: int, height: int, seed: int, channels: int = 3) -> Any:
    """Return (height, width, channels) uint8: slopes with smooth noise, the same for the same arguments."""
    coarse = np.random.default_rng(seed).integers(0, 256, (height // _SMOOTH + 1, width // _SMOOTH + 1, channels), np.uint8)
    noise = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_LINEAR).reshape(height, width, channels)
    slope = np.add.outer(np.arange(height) * 3, np.arange(width) * 2)[..., None] + np.arange(channels) * 50
    return (noise // 2 + slope // 2 % 128).astype(np.uint8)


def picture(mode: str, width: int, height: int, seed: int) -> Image.Image:
    """Return a picture in one of Pillow's modes."""
    if mode == "I;16":
        array = pixels(width, height, seed, 2).astype(np.uint16)
        return Image.fromarray(array[:, :, 0] << 8 | array[:, :, 1])
    if mode == "CMYK":
        return Image.merge(mode, [Image.fromarray(band) for band in np.moveaxis(pixels(width, height, seed, 4), 2, 0)])
    if mode in ("RGB", "RGBA"):
        return Image.fromarray(pixels(width, height, seed, len(mode)))
    if mode == "LA":
        return Image.fromarray(pixels(width, height, seed, 4)).convert("LA")
    return Image.fromarray(pixels(width, height, seed)).convert(mode)


def saved(format: str, mode: str = "RGB", **options: Any) -> Maker:
    """Have Pillow write it."""

    def make(width: int, height: int, seed: int) -> bytes:
        stream = io.BytesIO()
        with picture(mode, width, height, seed) as image:
            image.save(stream, format, **options)
        return stream.getvalue()

    return make


def animated(format: str, mode: str = "RGB", frames: int = 3, **options: Any) -> Maker:
    """Have Pillow write an animation."""

    def make(width: int, height: int, seed: int) -> bytes:
        stream = io.BytesIO()
        first, *more = [picture(mode, width, height, seed + 1000 * number) for number in range(frames)]
        first.save(stream, format, save_all=True, append_images=more, **{"duration": 40, "loop": 0, **options})
        return stream.getvalue()

    return make


def encoded(suffix: str, channels: int = 3, *parameters: int, depth: int = 8) -> Maker:
    """Have OpenCV write it."""

    def make(width: int, height: int, seed: int) -> bytes:
        array = pixels(width, height, seed, channels)
        array = array if depth == 8 else array.astype(np.uint16) << 8 | array[::-1, ::-1]
        done, data = cv2.imencode(suffix, array, parameters)
        assert done
        return data.tobytes()

    return make


def simple(space: str, subsampling: str = "444", quality: int = 90) -> Maker:
    """Have simplejpeg write it."""

    def make(width: int, height: int, seed: int) -> bytes:
        array = pixels(width, height, seed, 1 if space == "GRAY" else 3)
        return bytes(simplejpeg.encode_jpeg(array, quality=quality, colorspace=space, colorsubsampling=subsampling))

    return make


def stored(name: str) -> Maker:
    """Take a file of the folder beside this module; it has the one size."""
    return lambda width, height, seed: (STORED / f"{name}.jpg").read_bytes()


# PNG by hand: Pillow and OpenCV write no interlaced ones, none of 2 and 4 bits of gray, none with 16 bits and alpha


def chunk(kind: bytes, content: bytes) -> bytes:
    """Return a chunk of a PNG."""
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def png_header(width: int, height: int, depth: int = 8, color: int = 2, interlace: int = 0) -> bytes:
    """Return the start of a PNG."""
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, color, 0, 0, interlace))


_CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}  # by the type of color
_ADAM7 = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))  # x, y, and their steps


def png(color: int, depth: int, *, interlaced: bool = False, pieces: int = 1, before: bytes = b"") -> Maker:
    """Write a PNG of a type of color and a depth."""

    def rows(array: Any) -> bytes:
        height, width, channels = array.shape
        if not array.size:  # a pass that a small picture does not have
            return b""
        if depth == 16:
            lines = np.repeat(array, 2, axis=2).reshape(height, -1)
        elif depth == 8:
            lines = array.reshape(height, -1)
        else:
            bits = np.unpackbits(array.reshape(height, width * channels, 1), axis=2)[:, :, :depth]
            lines = np.packbits(bits.reshape(height, -1), axis=1)
        return b"".join(b"\0" + line.tobytes() for line in lines)

    def make(width: int, height: int, seed: int) -> bytes:
        array = pixels(width, height, seed, _CHANNELS[color])
        passes = [array[y::step_y, x::step_x] for x, y, step_x, step_y in _ADAM7] if interlaced else [array]
        data = zlib.compress(b"".join(map(rows, passes)))
        size = -(-len(data) // pieces)
        palette = chunk(b"PLTE", pixels(1 << depth, 1, seed).tobytes()) if color == 3 else b""
        content = b"".join(chunk(b"IDAT", data[at : at + size]) for at in range(0, len(data), size))
        return png_header(width, height, depth, color, int(interlaced)) + before + palette + content + chunk(b"IEND", b"")

    return make


# BMP by hand: run-length encoding, and the header of OS/2


def bmp_rle(width: int, height: int, seed: int) -> bytes:
    """Write a BMP of 8 bits whose rows are packed."""
    rows = pixels(width, height, seed, 1)[:, :, 0] & 0xF8
    packed = b"".join(b"".join(bytes((1, value)) for value in row) + b"\0\0" for row in rows.tolist()) + b"\0\1"
    palette = b"".join(bytes((value, 255 - value, value // 2, 0)) for value in range(256))
    start = 54 + len(palette)
    sizes = (start + len(packed), 0, 0, start, 40, width, height, 1, 8, 1, len(packed), 0, 0, 256, 0)
    return b"BM" + struct.pack("<IHHIIiiHHIIiiII", *sizes) + palette + packed


def bmp_os2(width: int, height: int, seed: int) -> bytes:
    """Write a BMP of 24 bits with the old short header."""
    rows = pixels(width, height, seed)
    data = b"".join(row.tobytes() + bytes(-3 * width % 4) for row in rows)
    return b"BM" + struct.pack("<IHHIIHHHH", 26 + len(data), 0, 0, 26, 12, width, height, 1, 24) + data


# JPEG with an EXIF block


def exif(orientation: int, thumbnail: bytes = b"") -> bytes:
    """Return EXIF data with an orientation and, in a second directory, a thumbnail."""
    second = 8 + 2 + 12 + 4
    data = b"II*\0" + struct.pack("<IH", 8, 1) + struct.pack("<HHIHH", 0x112, 3, 1, orientation, 0)
    data += struct.pack("<I", second if thumbnail else 0)
    if thumbnail:
        start = second + 2 + 3 * 12 + 4
        entries = ((0x103, 3, 6), (0x201, 4, start), (0x202, 4, len(thumbnail)))
        data += struct.pack("<H", len(entries)) + b"".join(struct.pack("<HHII", tag, kind, 1, value) for tag, kind, value in entries)
        data += bytes(4) + thumbnail
    return b"Exif\0\0" + data


@functools.cache
def _thumbnail(size: int) -> bytes:
    return saved("JPEG")(size, size * 3 // 4, 99)


def with_exif(make: Maker, orientation: int = 1, thumbnail: int = 0) -> Maker:
    """Put EXIF data, with a thumbnail of so many pixels, into a JPEG."""

    def wrapped(width: int, height: int, seed: int) -> bytes:
        data, content = make(width, height, seed), exif(orientation, _thumbnail(thumbnail) if thumbnail else b"")
        return data[:2] + b"\xff\xe1" + struct.pack(">H", 2 + len(content)) + content + data[2:]

    return wrapped


PROFILE = bytes(range(256)) * 12  # stands for a color profile; no decoder used here looks into one
_RST, _PROGRESSIVE, _QUALITY = int(cv2.IMWRITE_JPEG_RST_INTERVAL), int(cv2.IMWRITE_JPEG_PROGRESSIVE), int(cv2.IMWRITE_JPEG_QUALITY)

KINDS: dict[str, Kind] = {
    "jpeg": Kind("jpg", saved("JPEG")),
    "jpeg 444": Kind("jpg", saved("JPEG", subsampling=0, quality=90)),
    "jpeg 422": Kind("jpg", saved("JPEG", subsampling=1, quality=80)),
    "jpeg gray": Kind("jpg", saved("JPEG", "L")),
    "jpeg cmyk": Kind("jpg", saved("JPEG", "CMYK")),
    "jpeg worst": Kind("jpg", saved("JPEG", quality=1)),
    "jpeg best optimized": Kind("jpg", saved("JPEG", quality=100, optimize=True)),
    "jpeg progressive": Kind("jpg", saved("JPEG", progressive=True)),
    "jpeg progressive 444": Kind("jpg", saved("JPEG", progressive=True, subsampling=0, quality=95)),
    "jpeg progressive gray": Kind("jpg", saved("JPEG", "L", progressive=True)),
    "jpeg progressive cmyk": Kind("jpg", saved("JPEG", "CMYK", progressive=True)),
    "jpeg restarts": Kind("jpg", saved("JPEG", restart_marker_blocks=1)),
    "jpeg restarts by rows": Kind("jpg", saved("JPEG", restart_marker_rows=1)),
    "jpeg progressive restarts": Kind("jpg", saved("JPEG", progressive=True, restart_marker_blocks=2)),
    "jpeg comment": Kind("jpg", saved("JPEG", comment=b"\xff\xd9 is the end mark", dpi=(72, 72))),
    "jpeg profile": Kind("jpg", saved("JPEG", icc_profile=PROFILE)),
    "jpeg exif": Kind("jpg", with_exif(saved("JPEG"), orientation=6)),
    "jpeg thumbnail": Kind("jpg", with_exif(saved("JPEG"), thumbnail=48)),
    "jpeg progressive thumbnail": Kind("jpg", with_exif(saved("JPEG", progressive=True), orientation=3, thumbnail=64)),
    "jpeg opencv": Kind("jpg", encoded(".jpg")),
    "jpeg opencv gray": Kind("jpg", encoded(".jpg", 1)),
    "jpeg opencv progressive": Kind("jpg", encoded(".jpg", 3, _PROGRESSIVE, 1, _QUALITY, 60)),
    "jpeg opencv restarts": Kind("jpg", encoded(".jpg", 3, _RST, 4)),
    "jpeg simplejpeg 420": Kind("jpg", simple("RGB", "420")),
    "jpeg simplejpeg gray": Kind("jpg", simple("GRAY", "Gray")),
    "jpeg arithmetic": Kind("jpg", stored("arithmetic"), (40, 29)),
    "jpeg arithmetic restarts": Kind("jpg", stored("arithmetic-restarts"), (40, 29)),
    "jpeg arithmetic progressive": Kind("jpg", stored("arithmetic-progressive"), (40, 29)),
    "jpeg scans": Kind("jpg", stored("scan-a-component"), (40, 29)),
    "jpeg scans restarts": Kind("jpg", stored("scan-a-component-restarts"), (40, 29)),
    "png": Kind("png", saved("PNG")),
    "png alpha": Kind("png", saved("PNG", "RGBA")),
    "png gray": Kind("png", saved("PNG", "L")),
    "png gray alpha": Kind("png", saved("PNG", "LA")),
    "png 16 bit gray": Kind("png", saved("PNG", "I;16")),
    "png 16 bit": Kind("png", encoded(".png", 3, depth=16)),
    "png 16 bit alpha": Kind("png", png(6, 16)),
    "png one bit": Kind("png", saved("PNG", "1")),
    "png two bits": Kind("png", png(0, 2)),
    "png palette": Kind("png", saved("PNG", "P")),
    "png palette of four bits": Kind("png", png(3, 4)),
    "png palette transparent": Kind("png", saved("PNG", "P", transparency=b"\0\x80")),
    "png stored": Kind("png", saved("PNG", compress_level=0)),
    "png pieces": Kind("png", png(2, 8, pieces=7, before=chunk(b"tEXt", b"Comment\0IEND"))),
    "png interlaced": Kind("png", png(2, 8, interlaced=True)),
    "png interlaced palette": Kind("png", png(3, 4, interlaced=True)),
    "png interlaced 16 bit": Kind("png", png(0, 16, interlaced=True)),
    "png animated": Kind("png", animated("PNG")),
    "png opencv": Kind("png", encoded(".png", 4)),
    "webp": Kind("webp", saved("WEBP")),
    "webp alpha": Kind("webp", saved("WEBP", "RGBA")),
    "webp lossless": Kind("webp", saved("WEBP", lossless=True)),
    "webp lossless alpha": Kind("webp", saved("WEBP", "RGBA", lossless=True)),
    "webp animated": Kind("webp", animated("WEBP")),
    "webp animated lossless alpha": Kind("webp", animated("WEBP", "RGBA", lossless=True)),
    "webp exif": Kind("webp", saved("WEBP", exif=exif(8), icc_profile=PROFILE)),
    "webp opencv": Kind("webp", encoded(".webp", 4)),
    "gif": Kind("gif", saved("GIF", "P")),
    "gif gray": Kind("gif", saved("GIF", "L", interlace=0)),
    "gif one bit": Kind("gif", saved("GIF", "1")),
    "gif comment": Kind("gif", saved("GIF", "P", comment=b";" * 300, transparency=0)),
    "gif animated": Kind("gif", animated("GIF", "P")),
    "gif animated transparent": Kind("gif", animated("GIF", "RGBA", disposal=2)),
    "bmp": Kind("bmp", saved("BMP")),
    "bmp alpha": Kind("bmp", saved("BMP", "RGBA")),
    "bmp gray": Kind("bmp", saved("BMP", "L")),
    "bmp palette": Kind("bmp", saved("BMP", "P")),
    "bmp one bit": Kind("bmp", saved("BMP", "1")),
    "bmp opencv": Kind("bmp", encoded(".bmp", 4)),
    "bmp packed": Kind("bmp", bmp_rle),
    "bmp os2": Kind("bmp", bmp_os2),
}
# Formats that Pillow judges
OTHERS: dict[str, Kind] = {
    "tiff": Kind("tiff", saved("TIFF")),
    "tiff lzw": Kind("tiff", saved("TIFF", compression="tiff_lzw")),
    "tiff deflate gray": Kind("tiff", saved("TIFF", "L", compression="tiff_adobe_deflate")),
    "tiff 16 bit": Kind("tiff", saved("TIFF", "I;16")),
    "tiff opencv": Kind("tiff", encoded(".tiff", 3)),
    "tiff pages": Kind("tiff", animated("TIFF")),
    "ppm": Kind("ppm", saved("PPM")),
    "pgm": Kind("ppm", saved("PPM", "L")),
    "jpeg2000": Kind("jpeg2000", saved("JPEG2000", quality_mode="dB", quality_layers=(40,))),
    "jpeg2000 lossless": Kind("jpeg2000", saved("JPEG2000", "L", irreversible=False)),
}
