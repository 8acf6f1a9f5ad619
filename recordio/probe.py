"""What the bytes of an image say about it: format, size, traits, and whether it is whole. Pure; nothing is decoded.

Decoders are no judges of that: OpenCV turns a truncated JPEG into a half-grey picture, and a file of 261 kB can ask
for 1.6 GB. docs/images.md has the rules.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from typing import Final

from recordio.errors import ImageFormatError
from recordio.jpeg import JpegHeaders, probe_jpeg
from recordio.traits import ImageInfo, Trait, exif_orientation

# Chunks of a PNG whose damage harms no pixel: decoders skip them. All others must match their checksums: those that decoders
# use, and those of unknown names, for a damaged name is unknown.
_PNG_HARMLESS: Final = frozenset(
    b"acTL fcTL fdAT cHRM cICP cLLI gAMA iCCP mDCV sBIT sRGB bKGD hIST pHYs sPLT tIME iTXt tEXt zTXt dSIG gIFg gIFt gIFx oFFs pCAL sCAL "
    b"sTER".split()
)
_PNG_TEXTS: Final = frozenset({b"tEXt", b"zTXt", b"iTXt"})
_PNG_HEAD: Final = struct.Struct(">I4s")  # length, name
_ROTATED, _ALPHA, _PALETTE, _GRAY = int(Trait.ROTATED), int(Trait.ALPHA), int(Trait.PALETTE), int(Trait.GRAY)
_SIXTEEN_BIT, _ANIMATED = int(Trait.SIXTEEN_BIT), int(Trait.ANIMATED)
_PNG_COLORS: Final = {0: _GRAY, 3: _PALETTE, 4: _GRAY | _ALPHA, 6: _ALPHA}  # by its type of color
_WEBP_PICTURES: Final = frozenset({b"VP8 ", b"VP8L", b"ANMF"})


def probe(data: bytes, headers: JpegHeaders | None = None) -> ImageInfo:
    """Read format, size and traits of an image, and check that it is whole.

    Args:
        data: a whole file's bytes.
        headers: learns the header of a JPEG.

    Raises:
        ImageFormatError: it is truncated or damaged, or in no format that is known here.
    """
    if data[:3] == b"\xff\xd8\xff":
        return probe_jpeg(data, headers)
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


def _info(format: str, width: int, height: int, traits: int, orientation: int = 1) -> ImageInfo:
    return ImageInfo(format, width, height, False, traits | (_ROTATED if orientation > 1 else 0), max(orientation, 1))


def _probe_png(data: bytes) -> ImageInfo:
    size = len(data)
    if data[12:16] != b"IHDR" or size < 33:
        raise ImageFormatError(f"is damaged or truncated: a PNG of {size} bytes without its first chunk")
    width, height, depth, color = struct.unpack_from(">IIBB", data, 16)
    if not width or not height:
        raise ImageFormatError(f"is damaged: a PNG of {width} x {height} pixels")
    traits, orientation = _PNG_COLORS.get(color, 0) | (_SIXTEEN_BIT if depth == 16 else 0), 1
    view, has_picture = memoryview(data), False
    for kind, start, end in _png_chunks(data):
        if kind not in _PNG_HARMLESS and zlib.crc32(view[start - 4 : end]) != int.from_bytes(data[end : end + 4], "big"):
            raise ImageFormatError(f"is damaged: PNG chunk {kind!r} at byte {start - 8} does not match its checksum")
        if kind == b"tRNS":
            traits |= _ALPHA
        elif kind == b"IDAT":
            has_picture = True
        elif kind == b"acTL":
            traits |= _ANIMATED
        elif kind == b"eXIf":
            orientation = exif_orientation(data[start:end])
    if not has_picture:
        raise ImageFormatError("is damaged: a PNG without a picture")
    return _info("png", width, height, traits, orientation)


def _png_chunks(data: bytes) -> Iterator[tuple[bytes, int, int]]:
    """Yield the name of each chunk of a PNG up to its end chunk, and where its content starts and ends."""
    position, size, kind = 8, len(data), b""
    unpack = _PNG_HEAD.unpack_from
    while kind != b"IEND":
        start = position + 8
        if start + 4 > size:
            raise ImageFormatError(f"is truncated: {size} bytes, the PNG's end chunk is missing")
        length, kind = unpack(data, position)
        end = start + length
        position = end + 4
        if position > size:
            raise ImageFormatError(f"is truncated: {size} bytes, its PNG chunk {kind!r} ends at {position}")
        yield kind, start, end


def png_without_texts(data: bytes) -> bytes:
    """Return a PNG without its texts: decoders unpack them for nothing, and each can be 8 MB packed into 8 kB."""
    kept, done = [], 0  # what stands between texts, up to where
    try:
        for kind, start, end in _png_chunks(data):
            if kind in _PNG_TEXTS:
                if start - 8 > done:
                    kept.append(data[done : start - 8])
                done = end + 4
    except ImageFormatError:  # whoever decodes it will say so
        return data
    return b"".join([*kept, data[done:]]) if done else data


def png_transparent_gray(data: bytes) -> int | None:
    """Return the level of gray that is transparent in a gray PNG, as decoders expand it: to 8 bits, or 16; None where none is."""
    depth, color = data[24:26]
    for kind, start, end in _png_chunks(data) if color == 0 else ():
        if kind == b"tRNS":
            level = int.from_bytes(data[start:end], "big") & (1 << depth) - 1
            return level if depth >= 8 else level * 255 // ((1 << depth) - 1)
    return None


def _probe_webp(data: bytes) -> ImageInfo:
    size = len(data)
    expected = int.from_bytes(data[4:8], "little") + 8
    if size < expected:
        raise ImageFormatError(f"is truncated: {size} bytes, its WebP header says {expected}")
    kind = data[12:16]
    traits, orientation = 0, 1
    try:
        if kind == b"VP8X":
            if size < 30:
                raise ImageFormatError(f"is truncated: a WebP of {size} bytes")
            width = 1 + int.from_bytes(data[24:27], "little")
            height = 1 + int.from_bytes(data[27:30], "little")
            traits = (_ALPHA if data[20] & 16 else 0) | (_ANIMATED if data[20] & 2 else 0)
        elif kind == b"VP8L":
            (bits,) = struct.unpack_from("<I", data, 21)
            width, height = 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
            traits = _ALPHA if bits >> 28 & 1 else 0
        elif kind == b"VP8 ":
            width, height = (side & 0x3FFF for side in struct.unpack_from("<HH", data, 26))
        else:
            raise ImageFormatError(f"is damaged: WebP chunk {kind!r}")
    except struct.error:
        raise ImageFormatError(f"is truncated: a WebP of {size} bytes") from None
    kinds = set()
    for kind, start, end in _webp_chunks(data, 12, expected):
        kinds.add(kind)
        if kind == b"EXIF":
            orientation = exif_orientation(data[start:end])
        elif kind == b"ANMF":  # a frame: 16 bytes, then chunks of its own
            kinds.update(inner for inner, _, _ in _webp_chunks(data, start + 16, end))
    if not kinds & _WEBP_PICTURES:
        raise ImageFormatError("is damaged: a WebP without a picture")
    if not width or not height:
        raise ImageFormatError(f"is damaged: a WebP of {width} x {height} pixels")
    return _info("webp", width, height, traits, orientation)


def _webp_chunks(data: bytes, position: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """Yield the name of each chunk of a WebP between two places, and where its content starts and ends."""
    while position + 8 <= end:
        start, kind = position + 8, data[position : position + 4]
        stop = start + int.from_bytes(data[position + 4 : start], "little")
        if stop > end:
            raise ImageFormatError(f"is damaged: WebP chunk {kind!r} at byte {position} ends at {stop}, expected {end} at the most")
        yield kind, start, stop
        position = stop + (stop - start & 1)


def _probe_gif(data: bytes) -> ImageInfo:
    if len(data) < 13:
        raise ImageFormatError(f"is truncated: a GIF of {len(data)} bytes")
    width, height, flags = struct.unpack_from("<HHB", data, 6)
    position = 13 + (3 << (flags & 7) + 1 if flags & 0x80 else 0)
    traits, pictures = _PALETTE, 0
    try:
        while data[position] != 0x3B:
            if data[position] == 0x2C:  # an image: descriptor, color table, LZW code size
                pictures += 1
                local = data[position + 9]
                position += 11 + (3 << (local & 7) + 1 if local & 0x80 else 0)
            elif data[position] == 0x21:  # an extension; of those that speak of the next image, a flag says whether it has alpha
                if data[position + 1] == 0xF9 and not pictures and data[position + 3] & 1:
                    traits |= _ALPHA
                position += 2
            else:
                raise ImageFormatError(f"is damaged: GIF block 0x{data[position]:02x} at byte {position}")
            while length := data[position]:
                position += 1 + length
            position += 1
    except IndexError:
        raise ImageFormatError(f"is truncated: {len(data)} bytes, the GIF's end mark is missing") from None
    if not pictures:
        raise ImageFormatError("is damaged: a GIF without a picture")
    if not width or not height:
        raise ImageFormatError(f"is damaged: a GIF of {width} x {height} pixels")
    return _info("gif", width, height, traits | (_ANIMATED if pictures > 1 else 0))


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
    traits = 0
    if depth <= 8:
        colors, entry = data[14 + header : start], 3 if header == 12 else 4
        traits = _GRAY if colors[::entry] == colors[1::entry] == colors[2::entry] else _PALETTE
    elif header >= 56 and compression == 3 and any(data[66:70]):  # the mask of alpha
        traits = _ALPHA
    return _info("bmp", width, abs(height), traits)
