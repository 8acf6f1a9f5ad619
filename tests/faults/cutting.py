"""Cuts images off at chosen bytes and packs what is left: each is rejected by name, or nothing but an end mark is missing.

And spoils JPEGs in ways that leave their end mark in its place.
"""

from __future__ import annotations

import os
import random
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
from packing import KEPT, WAYS, pack
from pictures import KINDS, OTHERS
from tiers import SEED

END_MARK = b"\xff\xd9"
_REMARK = "lacks its end mark, its pixels are all there"
_LAST = 12  # bytes from the end on: there a cut costs the least


class Spoil(NamedTuple):
    """A way to spoil a JPEG, those of packing it in which it must be seen, and how the reason for it may begin."""

    change: Callable[[bytes, random.Random], bytes]
    seen: tuple[str, ...]
    told: tuple[str, ...] = ("is damaged: ",)


def _zeroed(whole: bytes, rng: random.Random) -> bytes:
    size = min(4096, len(whole) // 4)
    at = rng.randrange(len(whole) * 3 // 8, len(whole) * 5 // 8)
    return whole[:at] + bytes(size) + whole[at + size :]


def _half(whole: bytes, rng: random.Random) -> bytes:
    return whole[: rng.randrange(len(whole) // 2, len(whole) * 7 // 8)]


_CUT = ("is damaged: ", "is truncated: ")  # a progressive JPEG that lost its later scans lacks nothing else
ZEROED = "zeroed middle"
SPOILS = {
    "end mark glued on": Spoil(lambda whole, rng: _half(whole, rng) + END_MARK, ("decoded", "encoded"), _CUT),
    "half and whole": Spoil(lambda whole, rng: _half(whole, rng) + whole, ("kept", "decoded", "encoded"), _CUT),
    ZEROED: Spoil(_zeroed, ("decoded", "encoded")),
}


def opencv_warns(data: bytes) -> bool:
    """Whether OpenCV's decoder writes a warning about a JPEG, as libjpeg does where its data end too early, too late or in nonsense."""
    with tempfile.TemporaryFile() as said:
        stderr = os.dup(2)
        try:
            os.dup2(said.fileno(), 2)
            cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
        finally:
            os.dup2(stderr, 2)
            os.close(stderr)
        return said.seek(0, os.SEEK_END) > 0


def places(data: bytes, count: int, seed: int) -> list[int]:
    """Choose sizes to cut an image to: the last bytes, both sides of markers, others at random; all of them when *count* is 0."""
    if not count or count >= len(data):
        return list(range(len(data)))
    rng = random.Random(seed)
    chosen = {0, *range(max(0, len(data) - min(_LAST, count // 3)), len(data))}
    markers = [at for at in range(1, len(data) - 1) if data[at] == 0xFF or data[at : at + 4] in (b"IDAT", b"VP8 ", b"ANMF")]
    chosen.update(at + shift for at in rng.sample(markers, min(len(markers), count // 6)) for shift in (0, 1))
    rest = [size for size in range(len(data)) if size not in chosen]
    chosen.update(rng.sample(rest, max(0, min(len(rest), count - len(chosen)))))
    return sorted(chosen)


def cut(kind: str, variant: int, count: int) -> tuple[int, list[tuple[object, str]]]:
    """Cut an image of a kind, pack all that is left of it both ways; return the number of cuts, and what was wrong."""
    rng = random.Random(f"{SEED} {kind} {variant}")
    size = (37, 29) if not variant else (rng.randrange(1, 60), rng.randrange(1, 60))
    whole = {**KINDS, **OTHERS}[kind].make(*size, SEED + variant)
    wrong: list[tuple[object, str]] = []
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        (root / "whole").write_bytes(whole)
        sizes = places(whole, count, rng.randrange(1 << 30))
        for length in sizes:
            (root / str(length)).write_bytes(whole[:length])
        for way, transform in WAYS.items():
            packed = pack(root, ["whole", *map(str, sizes)], transform, root / "set")
            expected = packed.images.get("whole")
            if expected is None or packed.remarks.get("whole"):
                wrong.append(((kind, variant, way), f"the whole image: {packed.rejects.get('whole') or packed.remarks}"))
            for length in sizes:
                fault = _fault(whole, length, packed.images.get(str(length)), packed.remarks.get(str(length), ""), expected, way)
                reason = packed.rejects.get(str(length), "")
                if fault or (reason and not _is_told(reason, length)):
                    wrong.append(((kind, variant, way, f"{length} of {len(whole)} bytes"), fault or f"rejected, but as {reason!r}"))
    return 2 * len(sizes), wrong


def _is_told(reason: str, length: int) -> bool:
    """Whether a reason speaks of what was done: the image was cut, down to nothing, or so short that no format can be told."""
    return "truncated" in reason or reason == "is empty" or (length < 16 and "is not an image in a known format" in reason)


def _fault(whole: bytes, length: int, image: bytes | None, remark: str, expected: bytes | None, way: str) -> str:
    """Say what is wrong with a cut image that was packed; nothing when it was rejected, or only its end mark was cut."""
    if image is None:
        return ""
    is_jpeg = whole[:2] == b"\xff\xd8"
    if is_jpeg and remark != _REMARK:
        return f"packed in silence ({remark!r})"
    if image != (whole[:length] if WAYS[way] is KEPT else expected):
        return "packed with other bytes than those of the whole image"
    flag = cv2.IMREAD_UNCHANGED
    pixels = cv2.imdecode(np.frombuffer(whole, np.uint8), flag)
    left = cv2.imdecode(np.frombuffer(whole[:length] + END_MARK * is_jpeg, np.uint8), flag)
    if left is None or not np.array_equal(pixels, left):
        return "packed although pixels are missing"
    return "" if is_jpeg or whole[:2] in (b"II", b"MM") else "packed in silence"  # a TIFF may end with what nobody reads
