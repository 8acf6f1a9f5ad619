"""A JPEG's segments: its size, its traits, and whether it is whole. Pure; no scan is decoded.

A scan is passed over as a whole: no marker can occur inside it, because the coder puts a zero behind each byte FF. So a
file that ends with the end mark is whole as far as its markers show, unless these two bytes stand inside a segment, which is
told by walking the segments, or its own head stands in the scan, as where a broken download was started anew behind its half.
"""

from __future__ import annotations

import contextlib
import re
import struct
from collections.abc import Iterator
from typing import Final

from recordio.errors import ImageFormatError
from recordio.traits import ImageInfo, Trait, exif_orientation

# Markers as two bytes, FF included.
_SOF: Final = frozenset(range(0xFFC0, 0xFFD0)) - {0xFFC4, 0xFFC8, 0xFFCC}
_PROGRESSIVE: Final = frozenset({0xFFC2, 0xFFC6, 0xFFCA, 0xFFCE})
_ARITHMETIC: Final = frozenset({0xC9, 0xCA, 0xCB, 0xCD, 0xCE, 0xCF})  # without FF: decoders read on in zeros where their data end
_SEQUENTIAL: Final = frozenset({0xC0, 0xC1, 0xC9})  # without FF: a scan of all their components is the only one
_LONE: Final = frozenset({0xFF01, *range(0xFFD0, 0xFFD8)})  # without a length
_SOI, _EOI, _SOS, _APP1, _FILL = 0xFFD8, 0xFFD9, 0xFFDA, 0xFFE1, 0xFFFF
_SKIPPED: Final = frozenset({0xFFC4, 0xFFDB, 0xFFDD, 0xFFFE, *range(0xFFE0, 0xFFF0)}) - {_APP1}  # tables, comments, other data
_SEGMENT: Final = struct.Struct(">HH")  # marker, length
_SIZE: Final = struct.Struct(">HH")  # height, width
_FRAME: Final = struct.Struct(">BHHB")  # bits a sample, height, width, components
_END: Final = b"\xff\xd9"
_EXIF: Final = b"Exif\0\0"
_APP1_MARKER: Final = b"\xff\xe1"
_FILLS: Final = re.compile(rb"\xff+")
_NEXT_MARKER: Final = re.compile(rb"\xff[^\x00\xff\xd0-\xd7]")

_PIXELS: Final = 512  # that a byte can hold at the most: a block of 8 x 8 takes one bit or more
_SCANS: Final = 500  # no coder needs more than some dozens; each costs a pass over all pixels, and may be 30 bytes long

_COMPONENTS_AT_MOST: Final = 10  # that decoders take
_IN_A_SCAN: Final = 4  # components at most
_COEFFICIENTS: Final = 64  # of a block

_TOLD_BY: Final = 200  # bytes of a head that are looked for behind it: long words are found more quickly than short ones
_TELLING: Final = 32  # and at least: some have their frame right behind the first marker

_KEPT_HEADERS: Final = 4
_KEPT_SIZE: Final = 1 << 13  # bytes; larger headers hold thumbnails, which no two images share

_SIXTEEN_BIT, _ROTATED = int(Trait.SIXTEEN_BIT), int(Trait.ROTATED)  # numbers are added ten times quicker than flags
_COMPONENTS: Final = {1: int(Trait.GRAY), 4: int(Trait.CMYK)}


class JpegHeaders:
    """Remembers the headers of the last JPEGs: those of one set often agree in every byte but their height and width.

    Comparing with a header that was walked before is several times quicker than walking, and says the same. Threads may share one.

    Args:
        upright: learn no header with EXIF data, of which an orientation may be damaged: what is known then needs no turning.
    """

    def __init__(self, *, upright: bool = False) -> None:
        self._upright = upright
        self._known: tuple[tuple[bytes, int, bytes, int, bytes, ImageInfo], ...] = ()
        self._size = 0  # of the header that was shown last

    def match(self, data: bytes | bytearray, start: int, end: int) -> ImageInfo | None:
        """Return what probe_jpeg says of data[start:end] when its header is known and it ends as expected, else None."""
        for head, frame, tail, size, sides, info in self._known:
            at = start + frame
            if data.startswith(tail, at + 4) and data.startswith(head, start):
                if end - start < size or data[end - 1] != 0xD9 or data[end - 2] != 0xFF:
                    return None
                if data.find(head[:_TOLD_BY], start + size - 2, end) >= 0:
                    return None
                if data[at : at + 4] == sides:
                    return info
                height, width = _SIZE.unpack_from(data, at)
                if not height or not width:
                    return None
                return ImageInfo("jpg", width, height, False, info.traits, info.orientation)
        return None

    def learn(self, data: bytes, size: int, frame: int, info: ImageInfo) -> None:
        """Remember the header of a whole JPEG behind whose first scan nothing but an end mark can stand.

        It takes two of one size in a row: where each has tables of its own, their sizes differ, and none is of use.

        Args:
            data: the JPEG.
            size: of its header, all that stands before the data of the first scan.
            frame: where the height and the width stand.
            info: what the walk has found.
        """
        if size != self._size:
            self._size = size
            return
        if self._upright and data.find(_APP1_MARKER, 0, size) >= 0:
            return
        known = (data[:frame], frame, data[frame + 4 : size], size + 2, data[frame : frame + 4], info)
        self._known = (known, *self._known[: _KEPT_HEADERS - 1])  # replaced as a whole: several threads may use it


def probe_jpeg(data: bytes, headers: JpegHeaders | None = None) -> ImageInfo:
    """Read the size and the traits of a JPEG, and check that it is whole.

    Args:
        data: a whole file's bytes, from FF D8 on.
        headers: learns its header, where that can tell the next file's.

    Raises:
        ImageFormatError: it is truncated or damaged.
    """
    start, scan, frame, orientation = _walk(data)
    size = len(data)
    if start >= size:
        raise ImageFormatError(f"is truncated: {size} bytes, the JPEG's first scan is missing")
    bits, height, width, components = _FRAME.unpack_from(data, frame + 4) if frame else (0, 0, 0, 0)
    if not width or not height:
        raise ImageFormatError(f"is damaged: a JPEG of {width} x {height} pixels")
    traits = _COMPONENTS.get(components, 0) | (_SIXTEEN_BIT if bits > 8 else 0) | (_ROTATED if orientation > 1 else 0)
    _check_single(data, start, frame)
    if data[frame + 1] in _SEQUENTIAL and data[scan + 4] == components and data.endswith(_END) and start + 2 <= size:
        info = ImageInfo("jpg", width, height, False, traits, orientation)
        if headers is not None and start <= _KEPT_SIZE:
            headers.learn(data, start, frame + 5, info)
        return info
    missing_end, scans = True, 1
    missing = _Missing(0xFF00 | data[frame + 1], data[frame + 4 : frame + 2 + _SEGMENT.unpack_from(data, frame)[1]])
    missing.strike(data[scan + 4 : start])
    for marker, content in _segments(data, start):
        if marker == _SOS:
            scans += 1
            missing.strike(content)
        elif marker in _SOF:
            missing = _Missing(marker, content)
        if marker == _SOI:
            raise _started_anew(data, data.find(b"\xff\xd8", start))
        if marker == _EOI:
            missing_end = False
            break
    if scans > _SCANS:
        raise ImageFormatError(f"is a JPEG of {scans} scans, expected at most {_SCANS}")
    if missing_end and data[frame + 1] in _ARITHMETIC:
        raise ImageFormatError(f"is truncated: {size} bytes, the JPEG's end is missing (arithmetic coding hides how much of it)")
    if missing_end and width * height > _PIXELS * size:  # said here, a header alone makes nobody decode what it claims
        raise ImageFormatError(f"is truncated: {size} bytes, which cannot hold a JPEG of {width} x {height} pixels")
    if missing:
        kind = "truncated" if missing_end else "damaged"
        raise ImageFormatError(f"is {kind}: {size} bytes, the JPEG's later scans are missing")
    return ImageInfo("jpg", width, height, missing_end, traits, orientation)


def _check_single(data: bytes, start: int, frame: int) -> None:
    """Check that no second copy of a JPEG's head stands in its scan; behind the end mark anything may stand.

    Raises:
        ImageFormatError: one does.
    """
    second = data.find(data[: min(max(frame, _TELLING), start, _TOLD_BY)], start)
    if second >= 0 and data.find(_END, start, second) < 0:
        raise _started_anew(data, second)


def _started_anew(data: bytes, second: int) -> ImageFormatError:
    return ImageFormatError(f"is damaged: {len(data)} bytes, of which a second JPEG starts at byte {second} before the first one's end")


def scan_data(data: bytes) -> tuple[int, int]:
    """Return where the data of the first scan start, and where the end mark stands (or where all ends, where there is none).

    Raises:
        ImageFormatError: there is no scan.
    """
    start, *_ = _walk(data)
    position = start
    while match := _NEXT_MARKER.search(data, position):
        marker, position = data[match.end() - 1] | 0xFF00, match.end()
        if marker == _EOI:
            return start, position - 2
        if marker not in _LONE:
            position += int.from_bytes(data[position : position + 2], "big")
    return start, len(data)


def _walk(data: bytes) -> tuple[int, int, int, int]:
    """Walk the segments up to the data of the first scan.

    Returns:
        Where these data start, where the scan's segment starts, where the frame's (0: nowhere); the EXIF orientation.
    """
    position = frame = orientation = 0
    unpack, marker, length = _SEGMENT.unpack_from, 0, 0
    try:
        while True:
            position += 2 + length
            marker, length = unpack(data, position)
            if marker not in _SKIPPED:  # most segments are
                if marker == _SOS and length >= 2:
                    return position + 2 + length, position, frame, orientation or 1
                if marker in _SOF:
                    if length < _FRAME.size + 2:
                        break
                    frame = position
                elif marker == _APP1:
                    if not orientation and data.startswith(_EXIF, position + 4):
                        orientation = exif_orientation(data[position + 4 : position + 2 + length]) or 1
                elif marker in _LONE:
                    length = 0
                    continue
                elif marker == _FILL:  # such bytes may stand before a marker, in any number
                    position, length = _end_of_fills(data, position) - 3, 0  # the last of them is the marker's own
                    continue
                elif marker < 0xFF00 or marker == _EOI:
                    break
            if length < 2:
                break
    except struct.error:  # fewer than four bytes are left
        length = -1
    rest = data[position : position + 2]
    if rest == _END:
        raise ImageFormatError("is damaged: a JPEG that ends before its first scan")
    if rest and rest[0] != 0xFF:
        raise ImageFormatError(f"is damaged: JPEG byte {position} is 0x{rest[0]:02x}, expected a marker")
    if length < 0:
        raise ImageFormatError(f"is truncated: {len(data)} bytes, the JPEG's headers go on")
    raise ImageFormatError(f"is damaged: JPEG segment of length {length} at byte {position}")


def _end_of_fills(data: bytes, position: int) -> int:
    match = _FILLS.match(data, position)
    return match.end() if match else position


def jpeg_orientation(data: bytes) -> int:
    """Return the EXIF orientation of a JPEG, 1 to 8; 1 where there is none, 0 where EXIF data cannot be understood."""
    for marker, content in _segments(data, _after_skipped(data, 2)):
        if marker == _APP1 and content[:6] == _EXIF:
            return exif_orientation(content)
        if marker == _SOS:
            return 1
    return 0


def _after_skipped(data: bytes, position: int) -> int:
    """Return where the first segment stands that is not skipped, or that is odd: there may be 100,000 before it."""
    unpack = _SEGMENT.unpack_from
    with contextlib.suppress(struct.error):  # fewer than four bytes are left
        while True:
            marker, length = unpack(data, position)
            if marker not in _SKIPPED or length < 2:
                break
            position += 2 + length
    return position


def _segments(data: bytes, position: int) -> Iterator[tuple[int, bytes]]:
    """Yield the markers from *position* to the end mark, each with its segment's content; the data of scans is passed over."""
    while match := _NEXT_MARKER.search(data, position):
        marker = 0xFF00 | data[match.end() - 1]
        position = match.end()
        if marker in _LONE or marker in (_SOI, _EOI):
            yield marker, b""
            continue
        end = position + int.from_bytes(data[position : position + 2], "big")
        yield marker, data[position + 2 : end] if end <= len(data) else b""
        position = end


class _Missing:
    """The coefficients that no scan of a frame has carried so far, to the last bit: no decoder misses a scan that never starts.

    Args:
        marker: the frame's.
        content: of its segment.
    """

    def __init__(self, marker: int, content: bytes) -> None:
        self._progressive = marker in _PROGRESSIVE
        whole = (1 << _COEFFICIENTS) - 1 if self._progressive else 1  # sequential scans carry all coefficients as one
        self._of = dict.fromkeys(content[6 : 6 + 3 * _COMPONENTS_AT_MOST : 3], whole)  # component -> a bit for each

    def strike(self, content: bytes) -> None:
        """Note a scan by the content of its segment."""
        if len(content) < 6:
            return
        names, first, last, bits = content[1 : 1 + 2 * min(content[0], _IN_A_SCAN) : 2], *content[-3:]
        if self._progressive and bits & 15:
            return  # others refine what it carries
        carried = (2 << min(last, _COEFFICIENTS - 1)) - 1 >> first << first if self._progressive else 1
        for name in names:
            if name in self._of:
                self._of[name] &= ~carried

    def __bool__(self) -> bool:
        return any(self._of.values())
