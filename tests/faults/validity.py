"""Makes whole images at random, of every kind, size and quality, and packs them: none may be rejected."""

from __future__ import annotations

import random
import tempfile
from pathlib import Path

import cv2
import numpy as np
from packing import SHORT_SIDE, WAYS, pack
from pictures import KINDS, OTHERS, Kind, encoded, exif, png, saved, simple, with_exif
from tiers import SEED

from im2rec.transform import short_side_size
from recordio import imagecheck
from recordio.errors import ImageFormatError

_LONGEST = 257
_SIDES = (1, 2, 3, 7, 8, 9, 15, 16, 17, 31, 32, 33, 63, 64, 65, 127, 128, 129, 255, 256, 257)  # around the sizes of blocks
_PROGRESSIVE, _QUALITY, _OPTIMIZE, _RST = (
    int(flag) for flag in (cv2.IMWRITE_JPEG_PROGRESSIVE, cv2.IMWRITE_JPEG_QUALITY, cv2.IMWRITE_JPEG_OPTIMIZE, cv2.IMWRITE_JPEG_RST_INTERVAL)
)
_FACTOR = int(cv2.IMWRITE_JPEG_SAMPLING_FACTOR)
_FACTORS = [int(value) for value in (0x411111, 0x221111, 0x211111, 0x121111, 0x111111)]  # 411, 420, 422, 440, 444


def _jpeg(rng: random.Random) -> Kind:
    quality = rng.choice((1, 10, 50, 75, 90, 95, 99, 100))
    writer = rng.randrange(4)
    if writer == 0:
        flags = (_QUALITY, quality, _PROGRESSIVE, rng.randrange(2), _OPTIMIZE, rng.randrange(2), _RST, rng.choice((0, 0, 1, 3)))
        return Kind("jpg", encoded(".jpg", 3, *flags, _FACTOR, rng.choice(_FACTORS)))
    if writer == 1:
        subsampling = rng.choice(("444", "422", "420", "440", "411", "Gray"))
        return Kind("jpg", simple("GRAY" if subsampling == "Gray" else "RGB", subsampling, quality))
    options = {"quality": quality, "progressive": rng.random() < 0.5, "optimize": rng.random() < 0.3}
    mode = rng.choice(("RGB", "RGB", "L", "CMYK"))
    if mode == "RGB":
        options["subsampling"] = rng.randrange(3)
    if rng.random() < 0.3:
        options[rng.choice(("restart_marker_blocks", "restart_marker_rows"))] = rng.randrange(1, 9)
    if rng.random() < 0.2:
        options["comment"] = rng.randbytes(rng.choice((1, 100, 60000)))
    if rng.random() < 0.2:
        options["icc_profile"] = rng.randbytes(rng.choice((100, 70000, 140000)))  # more than one segment holds
    make = saved("JPEG", mode, **options)
    return Kind("jpg", with_exif(make, rng.randrange(0, 10), rng.choice((0, 8, 160))) if writer == 3 else make)


def _png(rng: random.Random) -> Kind:
    if rng.random() < 0.5:
        mode = rng.choice(("1", "L", "LA", "P", "RGB", "RGBA", "I;16"))
        options = {"compress_level": rng.randrange(10), "optimize": rng.random() < 0.3, "dpi": (96, 96)}
        if mode == "P" and rng.random() < 0.5:
            options["transparency"] = rng.choice((0, rng.randbytes(rng.randrange(1, 257))))
        if rng.random() < 0.2:
            options["exif"] = exif(rng.randrange(1, 9))
        return Kind("png", saved("PNG", mode, **options))
    color = rng.choice((0, 2, 3, 4, 6))
    depth = rng.choice({0: (1, 2, 4, 8, 16), 2: (8, 16), 3: (1, 2, 4, 8), 4: (8, 16), 6: (8, 16)}[color])
    return Kind("png", png(color, depth, interlaced=rng.random() < 0.5, pieces=rng.choice((1, 1, 2, 9))))


def _webp(rng: random.Random) -> Kind:
    options = {"quality": rng.randrange(101), "lossless": rng.random() < 0.4, "method": rng.randrange(5), "exact": rng.random() < 0.3}
    if rng.random() < 0.2:
        options["exif"] = exif(rng.randrange(1, 9))
    if rng.random() < 0.2:
        options["xmp"] = rng.randbytes(rng.randrange(1, 999))
    return Kind("webp", saved("WEBP", rng.choice(("RGB", "RGBA", "L")), **options))


def _gif(rng: random.Random) -> Kind:
    options = {"interlace": rng.randrange(2), "optimize": rng.random() < 0.3}
    if rng.random() < 0.3:
        options["transparency"] = rng.randrange(8)
    if rng.random() < 0.3:
        options["comment"] = rng.randbytes(rng.randrange(1, 999))
    return Kind("gif", saved("GIF", rng.choice(("1", "L", "P", "RGB")), **options))


def _bmp(rng: random.Random) -> Kind:
    if rng.random() < 0.4:
        return Kind("bmp", encoded(".bmp", rng.choice((1, 3, 4))))
    return Kind("bmp", saved("BMP", rng.choice(("1", "L", "P", "RGB", "RGBA"))))


_MAKERS = (_jpeg, _jpeg, _jpeg, _png, _png, _webp, _gif, _bmp)


def draw(number: int) -> tuple[Kind, tuple[int, int]]:
    """Choose case *number*: a kind and a size. The first go through the table of kinds, the others are chosen freely."""
    rng = random.Random(f"{SEED} valid {number}")
    named = list({**KINDS, **OTHERS}.values())
    kind = named[number % len(named)] if number % 4 == 0 else rng.choice(_MAKERS)(rng)
    if kind.size:
        return kind, kind.size
    first = rng.choice(_SIDES) if rng.random() < 0.5 else rng.randint(1, _LONGEST)
    second = rng.choice(_SIDES) if rng.random() < 0.5 else rng.randint(1, 64)
    return kind, (first, second) if rng.random() < 0.5 else (second, first)


def check(first: int, stop: int) -> tuple[int, list[tuple[object, str]]]:
    """Make images and pack them both ways; return their number, and what was wrong."""
    wrong: list[tuple[object, str]] = []
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        made = {}
        for number in range(first, stop):
            kind, (width, height) = draw(number)
            made[str(number)] = kind.make(width, height, number)
            (root / str(number)).write_bytes(made[str(number)])
            wrong += [(number, fault) for fault in _probed(made[str(number)], kind.format, width, height)]
        for way, transform in WAYS.items():
            packed = pack(root, made, transform, root / "set")
            wrong += [(int(name), f"{way}: rejected: {reason}") for name, reason in packed.rejects.items()]
            wrong += [(int(name), f"{way}: remark: {remark}") for name, remark in packed.remarks.items()]
            for name, image in packed.images.items():
                fault = "" if image == made[name] else "other bytes"
                fault = fault if way == "kept" else _resized(image, draw(int(name))[1])
                if fault:
                    wrong.append((int(name), f"{way}: {fault}"))
    return stop - first, wrong


def _probed(data: bytes, format: str, width: int, height: int) -> list[str]:
    try:
        info = imagecheck.check(data)
        imagecheck.decode_strictly(data)
    except ImageFormatError as error:
        return [str(error)]
    if (info.format, info.width, info.height) != (format, width, height) and not (format == "tiff" and info.width == height):
        return [f"taken for {info.format} of {info.width} x {info.height}, expected {format} of {width} x {height}"]
    return []


def _resized(image: bytes, size: tuple[int, int]) -> str:
    decoded = cv2.imdecode(np.frombuffer(image, np.uint8), cv2.IMREAD_COLOR)
    expected = {short_side_size(*size, SHORT_SIDE), short_side_size(*size[::-1], SHORT_SIDE)}  # EXIF may have turned it
    return "" if decoded is not None and decoded.shape[1::-1] in expected else "a record of another size"
