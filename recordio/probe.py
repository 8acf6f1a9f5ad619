"""What the bytes of an image say about it: format, size, and whether it is whole. Pure; nothing is decoded.

Decoders are no judges of that: OpenCV turns a truncated JPEG into a half-grey picture, and a file of 261 kB can ask
for 1.6 GB. docs/images.md has the rules.
"""

from __future__ import annotations

import itertools
import re
import struct
import zlib
from collections.abc import Iterator
from typing import Final, NamedTuple

from recordio.errors import ImageFormatError


class ImageInfo(NamedTuple):
    """What a probe found.

    Attributes:
        format: "jpg", "png", "webp", "gif" or "bmp".
        width: pixels, before any EXIF rotation.
        height: pixels.
        missing_end: only the end mark of a JPEG is missing as far as the markers show; whether its pixels are all there
            only a decoder can tell.
    """

    format: str
    width: int
    height: int
    missing_end: bool = False


_SIZE: Final = struct.Struct(">HH")
_SOF: Final = frozenset({0xC0, 0xC1, 0xC2, 0xC3, 0xC5, 0xC6, 0xC7, 0xC9, 0xCA, 0xCB, 0xCD, 0xCE, 0xCF})
_PROGRESSIVE: Final = frozenset({0xC2, 0xC6, 0xCA, 0xCE})
_SKIPPED: Final = frozenset({0xC4, 0xDB, 0xDD, 0xFE, *range(0xE0, 0xF0)})  # tables, comments, applications' data
_LONE: Final = frozenset({0x01, *range(0xD0, 0xD8)})  # markers without a length
_EOI, _SOS, _APP1 = 0xD9, 0xDA, 0xE1
_ORIENTATION, _SHORT = 0x0112, 3  # an EXIF tag, and the type it must have
_PNG_CRITICAL: Final = frozenset({b"IHDR", b"PLTE", b"IDAT", b"IEND"})
_NEXT_MARKER: Final = re.compile(rb"\xff[^\x00\xff\xd0-\xd7]")


def probe(data: bytes) -> ImageInfo:
    """Read format and size of an image, and check that it is whole.

    Args:
        data: a whole file's bytes.

    Raises:
        ImageFormatError: it is truncated or damaged, or in no format that is known here.
    """
    if data[:3] == b"\xff\xd8\xff":
        return _probe_jpeg(data)
    if data[:8] == b"\x89PNG\r\n\x1a\n":
        return _probe_png(data)
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return _probe_webp(data)
    if data[:6] in (b"GIF87a", b"GIF89a"):
        return _probe_gif(data)
    if data[:2] == b"BM" and len(data) >= 6:
        return _probe_bmp(data)
    if not data:
        raise ImageFormatError("is empty")
    raise UnknownFormat(f"is not an image in a known format: it starts with {data[:16]!r}")


class UnknownFormat(ImageFormatError):
    """The first bytes belong to no format that this module knows; another decoder may."""


def _probe_jpeg(data: bytes) -> ImageInfo:
    size = len(data)
    position, width, height = 2, 0, 0
    try:
        while True:
            if data[position] != 0xFF:
                raise ImageFormatError(f"is damaged: JPEG byte {position} is 0x{data[position]:02x}, expected a marker")
            marker = data[position + 1]
            if marker in _SKIPPED:  # most segments, so they come first
                length = data[position + 2] << 8 | data[position + 3]
                if length < 2:
                    raise ImageFormatError(f"is damaged: JPEG segment of length {length} at byte {position}")
                position += 2 + length
                continue
            if marker == 0xFF:  # fill bytes may stand before a marker
                position += 1
                continue
            if marker in _LONE:
                position += 2
                continue
            if marker == _EOI:
                raise ImageFormatError("is damaged: a JPEG that ends before its first scan")
            length = data[position + 2] << 8 | data[position + 3]
            if length < 2:
                raise ImageFormatError(f"is damaged: JPEG segment of length {length} at byte {position}")
            if marker in _SOF:
                height, width = _SIZE.unpack_from(data, position + 5)
            position += 2 + length
            if marker == _SOS:
                break
    except (IndexError, struct.error):
        raise ImageFormatError(f"is truncated: {size} bytes, the JPEG's headers go on") from None
    if position >= size:
        raise ImageFormatError(f"is truncated: {size} bytes, the JPEG's first scan is missing")
    if not width or not height:
        raise ImageFormatError(f"is damaged: a JPEG of {width} x {height} pixels")
    # FF D9 cannot occur inside a scan, so a file that ends with it is whole. Others are searched scan by scan.
    missing_end = not data.endswith(b"\xff\xd9") and all(marker != _EOI for marker, _ in _jpeg_segments(data, position))
    if missing_end and _jpeg_lacks_scans(data):
        raise ImageFormatError(f"is truncated: {size} bytes, the JPEG's later scans are missing")
    return ImageInfo("jpg", width, height, missing_end)


def jpeg_orientation(data: bytes) -> int:
    """Return the EXIF orientation of a JPEG, 1 to 8; 1 where there is none, 0 where EXIF data cannot be understood."""
    for marker, content in _jpeg_segments(data, 2):
        if marker == _APP1 and content[:6] == b"Exif\0\0":
            return _tiff_orientation(content[6:])
        if marker == _SOS:
            return 1
    return 0


def _tiff_orientation(data: bytes) -> int:
    order = {b"II": "<", b"MM": ">"}.get(data[:2])
    if order is None:
        return 0
    try:
        (start,) = struct.unpack_from(order + "I", data, 4)
        (count,) = struct.unpack_from(order + "H", data, start)
        for entry in range(start + 2, start + 2 + 12 * count, 12):
            tag, kind, length, value = struct.unpack_from(order + "HHIH", data, entry)
            if tag == _ORIENTATION:
                return value if (kind, length) == (_SHORT, 1) and 1 <= value <= 8 else 0
    except struct.error:
        return 0
    return 1


def _jpeg_segments(data: bytes, position: int) -> Iterator[tuple[int, bytes]]:
    """Yield the markers from *position* to the end mark, each with its segment's content; the data of scans is passed over."""
    while match := _NEXT_MARKER.search(data, position):
        marker = data[match.end() - 1]
        position = match.end()
        if marker in _LONE or marker == _EOI:
            yield marker, b""
            continue
        end = position + int.from_bytes(data[position : position + 2], "big")
        yield marker, data[position + 2 : end] if end <= len(data) else b""
        position = end


def _jpeg_lacks_scans(data: bytes) -> bool:
    """Tell whether a JPEG without its end mark stops before its last scan: no decoder misses a scan that never starts."""
    missing: set[tuple[int, int]] = set()  # (component, coefficient); sequential scans carry all coefficients as one
    progressive = False
    for marker, content in _jpeg_segments(data, 2):
        if marker in _SOF:
            progressive = marker in _PROGRESSIVE
            missing = set(itertools.product(content[6::3], range(64 if progressive else 1)))
        elif marker == _SOS and len(content) >= 6:
            names, first, last, bits = content[1:-3:2], *content[-3:]
            if not progressive:
                missing.difference_update((name, 0) for name in names)
            elif not bits & 15:  # the lowest bit, after which nothing refines
                missing.difference_update(itertools.product(names, range(first, last + 1)))
    return bool(missing)


def _probe_png(data: bytes) -> ImageInfo:
    position, size = 8, len(data)
    if data[12:16] != b"IHDR" or size < 33:
        raise ImageFormatError(f"is damaged or truncated: a PNG of {size} bytes without its first chunk")
    width, height = struct.unpack_from(">II", data, 16)
    if not width or not height:
        raise ImageFormatError(f"is damaged: a PNG of {width} x {height} pixels")
    view = memoryview(data)
    while True:
        if position + 12 > size:
            raise ImageFormatError(f"is truncated: {size} bytes, the PNG's end chunk is missing")
        end = position + 12 + int.from_bytes(data[position : position + 4], "big")
        kind = data[position + 4 : position + 8]
        if end > size:
            raise ImageFormatError(f"is truncated: {size} bytes, its PNG chunk {kind!r} ends at {end}")
        # Lower case marks a chunk that decoders may skip, whose damage harms no pixel: unless that is the damage.
        critical = not kind[:1].islower() or kind.upper() in _PNG_CRITICAL
        if critical and zlib.crc32(view[position + 4 : end - 4]) != int.from_bytes(data[end - 4 : end], "big"):
            raise ImageFormatError(f"is damaged: PNG chunk {kind!r} at byte {position} does not match its checksum")
        if kind == b"IEND":
            return ImageInfo("png", width, height)
        position = end


def _probe_webp(data: bytes) -> ImageInfo:
    size = len(data)
    expected = int.from_bytes(data[4:8], "little") + 8
    if size < expected:
        raise ImageFormatError(f"is truncated: {size} bytes, its WebP header says {expected}")
    kind = data[12:16]
    try:
        if kind == b"VP8X":
            if size < 30:
                raise ImageFormatError(f"is truncated: a WebP of {size} bytes")
            width = 1 + int.from_bytes(data[24:27], "little")
            height = 1 + int.from_bytes(data[27:30], "little")
        elif kind == b"VP8L":
            (bits,) = struct.unpack_from("<I", data, 21)
            width, height = 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
        elif kind == b"VP8 ":
            width, height = (side & 0x3FFF for side in struct.unpack_from("<HH", data, 26))
        else:
            raise ImageFormatError(f"is damaged: WebP chunk {kind!r}")
    except struct.error:
        raise ImageFormatError(f"is truncated: a WebP of {size} bytes") from None
    return ImageInfo("webp", width, height)


def _probe_gif(data: bytes) -> ImageInfo:
    if len(data) < 13:
        raise ImageFormatError(f"is truncated: a GIF of {len(data)} bytes")
    width, height, flags = struct.unpack_from("<HHB", data, 6)
    position = 13 + (3 << (flags & 7) + 1 if flags & 0x80 else 0)
    try:
        while data[position] != 0x3B:
            if data[position] == 0x2C:  # an image: descriptor, color table, LZW code size
                local = data[position + 9]
                position += 11 + (3 << (local & 7) + 1 if local & 0x80 else 0)
            elif data[position] == 0x21:  # an extension
                position += 2
            else:
                raise ImageFormatError(f"is damaged: GIF block 0x{data[position]:02x} at byte {position}")
            while length := data[position]:
                position += 1 + length
            position += 1
    except IndexError:
        raise ImageFormatError(f"is truncated: {len(data)} bytes, the GIF's end mark is missing") from None
    return ImageInfo("gif", width, height)


def _probe_bmp(data: bytes) -> ImageInfo:
    size = len(data)
    if size < 26:
        raise ImageFormatError(f"is truncated: a BMP of {size} bytes")
    start, header = struct.unpack_from("<II", data, 10)
    if header == 12:
        width, height, _, depth = struct.unpack_from("<HHHH", data, 18)
        compression = packed = 0
    elif size >= 38:
        width, height, _, depth, compression, packed = struct.unpack_from("<iiHHII", data, 18)
    else:
        raise ImageFormatError(f"is truncated: a BMP of {size} bytes")
    # Only BI_RGB (0) and BI_BITFIELDS (3) have a size that follows from the header; others state it.
    pixels = (width * depth + 31) // 32 * 4 * abs(height) if compression in (0, 3) else packed
    if width <= 0 or not height:
        raise ImageFormatError(f"is damaged: a BMP of {width} x {height} pixels")
    if size < start + pixels:
        raise ImageFormatError(f"is truncated: {size} bytes, the BMP's pixels end at {start + pixels}")
    return ImageInfo("bmp", width, abs(height))
