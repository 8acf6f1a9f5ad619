"""The tolerant scan: every byte of a .rec, as a record that is believed in or as damage. It never raises for content.

With the .sum file the answer is exact (recordio.exact). Without one it is the best that frames can say, and no record
is verified: damage to a payload cannot be seen. docs/design.md has the rules and their reasons.
"""

from __future__ import annotations

import itertools
import struct
from collections.abc import Iterator
from typing import Final

from recordio import exact, frame, header, probe
from recordio.checksum import Sum
from recordio.errors import ImageFormatError
from recordio.files import InputFile
from recordio.index import Index
from recordio.resync import Damage, Heads, Intact, read_exactly

_CONFIRMED: Final = 3  # records in a row that make another alignment believable
_LARGEST_IMAGE: Final = 1 << 24  # bytes of a record that is looked into: a probe needs up to four times as many
_PEEK: Final = frame.HEAD_SIZE + header.HEADER_SIZE
_LABELS: Final = struct.Struct("<I")
SIGNATURES: Final = (b"\xff\xd8\xff", b"\x89PNG", b"RIFF", b"GIF8", b"BM")  # of the images that a probe knows


def scan(file: InputFile, listed: Sum | None = None, index: Index | None = None, *, unverified: bool = False) -> Iterator[Intact | Damage]:
    """Yield all of a .rec file, in its order, as intact records and damage between them; each byte belongs to one of them.

    Memory stays within 64 MiB, 80 bytes for each record that *listed* or *index* has and, beside that, the largest record.

    Args:
        file: the .rec file, however damaged.
        listed: its .sum. Records that it lists are verified, all others are damage.
        index: its .idx, which helps to tell where a record ends when there is no .sum.
        unverified: also yield records that the .sum does not list, where their frame is right.

    Raises:
        FileError: the file cannot be read, or becomes shorter meanwhile.
    """
    if listed is None:
        yield from _Frames(Heads(file), index).scan(0, file.size)
        return
    frames = _Frames(Heads(file), index) if unverified else None
    for piece in exact.scan(file, listed):
        if frames is not None and isinstance(piece, Damage):
            yield from frames.scan(piece.offset, piece.offset + piece.length)
        else:
            yield piece


class _Frames:
    """Believes in a record when its frame is right and something vouches for its end, as its own length may be damaged.

    That is the head of the next record, or the end of the file, right behind it; or an image that ends exactly with the
    payload; or the .idx, as long as what follows stands where it says.
    """

    def __init__(self, heads: Heads, index: Index | None) -> None:
        import numpy as np

        self._heads = heads
        self._offsets = np.unique(index.offsets) if index is not None else np.zeros(0, np.int64)
        self._image = (-1, False)  # the last record that was looked into

    def scan(self, start: int, stop: int) -> Iterator[Intact | Damage]:
        """Yield all bytes from *start* to *stop*, at both of which a record may be cut off but no valid one is."""
        position, lost, why = start, -1, ""
        while position < stop:
            run = self._heads.run(position, stop)
            reason, following = "", -1
            if not run:
                end, reason = self._heads.frame(position, stop)
                if end and not self._is_closed(end, stop) and not self._is_image(position, end):
                    following = self._search(position, stop)
                    reason = self._doubt(position, end, following, stop)
                run = [position, end]
            if reason:
                if lost < 0:
                    lost, why = position, reason
                position = following if following >= 0 else self._search(position, stop)
                continue
            if lost >= 0:
                yield Damage(lost, position - lost, why)
                lost = -1
            for offset, end in itertools.pairwise(run):
                yield Intact(offset, end - offset)
            position = run[-1]
        if lost >= 0:
            yield Damage(lost, stop - lost, why)

    def _search(self, position: int, stop: int) -> int:
        """Return where the next record that may be believed in starts behind *position*, or *stop*."""
        for start in self._heads.starts(position + 1, stop):
            if self._is_confirmed(start, stop) if (start - position) & 3 else self._is_likely(start, stop):
                return start
        return stop

    def _is_closed(self, end: int, stop: int) -> bool:
        return end == stop or self._heads.can_start(end, stop)

    def _is_likely(self, start: int, stop: int) -> bool:
        end, _ = self._heads.frame(start, stop)
        return bool(end) and (self._is_closed(end, stop) or self._is_indexed(start, end) or self._is_image(start, end))

    def _is_confirmed(self, start: int, stop: int) -> bool:
        """Tell whether records of another alignment than the last one's start here: words of payloads look like heads, too."""
        position = start
        for _ in range(_CONFIRMED):
            position, _ = self._heads.frame(position, stop)
            if position == stop:
                return True
            if not position or not self._is_closed(position, stop):
                return False
        return True

    def _doubt(self, start: int, end: int, following: int, stop: int) -> str:
        """Return why a record whose frame is right is not believed in although no head stands at its end; "" if it is."""
        if self._is_indexed(start, end) and (following == stop or self._stands(following, stop)):
            return ""
        return f"no record starts at {end}, where this one ends: its length or the next head is damaged"

    def _stands(self, start: int, stop: int) -> bool:
        """Tell whether the .idx has the record that starts here and where it ends, so that nothing was moved."""
        end, _ = self._heads.frame(start, stop)
        return self._has(start) and (end == stop or self._has(end))

    def _has(self, offset: int) -> bool:
        at = int(self._offsets.searchsorted(offset))
        return at < len(self._offsets) and bool(self._offsets[at] == offset)

    def _is_indexed(self, start: int, end: int) -> bool:
        """Tell whether the .idx has a record here, and the next one at its end."""
        at = int(self._offsets.searchsorted(start))
        return at + 1 < len(self._offsets) and bool(self._offsets[at] == start and self._offsets[at + 1] == end)

    def _is_image(self, start: int, end: int) -> bool:
        """Tell whether the payload is an image with its header that ends where the payload does."""
        if self._image[0] != start:
            self._image = start, self._ends_image(start, end)
        return self._image[1]

    def _ends_image(self, start: int, end: int) -> bool:
        if not _PEEK < end - start <= _LARGEST_IMAGE:
            return False
        labels = 4 * _LABELS.unpack_from(self._heads.read(start + frame.HEAD_SIZE, 4))[0]
        if start + _PEEK + labels + 8 > end or not self._heads.read(start + _PEEK + labels, 8).startswith(SIGNATURES):
            return False  # most of what is no image is seen without reading all of it
        payload, _ = frame.decode_at(read_exactly(self._heads.file, start, end - start), 0)
        return _is_exactly_an_image(payload[header.HEADER_SIZE + labels :])


def _is_exactly_an_image(data: bytes) -> bool:
    """Tell whether an image ends with the last byte."""
    try:
        info = probe.probe(data)
    except ImageFormatError:
        return False
    if info.format == "jpg":
        return data.endswith(b"\xff\xd9")  # it cannot stand inside a scan
    try:
        probe.probe(data[:-1])
    except ImageFormatError:
        return True
    return False
