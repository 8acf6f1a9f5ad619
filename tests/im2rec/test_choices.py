"""What the options make of alpha, EXIF rotation and 16 bits when images are encoded anew: against plain arithmetic and Pillow."""

from __future__ import annotations

import io
import struct
import zlib

import cv2
import numpy as np
import pytest
from PIL import Image, ImageOps

from im2rec.errors import PlanError
from im2rec.judge import CHOICES
from im2rec.transform import TransformOptions, transformer


def made_of(data: bytes, **options) -> np.ndarray:
    """The pixels that are packed, as they stand in a PNG."""
    transform = transformer(TransformOptions(pass_through=False, encoding="png", **options))
    return cv2.imdecode(np.frombuffer(transform(data, "x")[0], np.uint8), cv2.IMREAD_UNCHANGED)


def by_opencv(data: bytes, flag: int) -> np.ndarray:
    return cv2.imdecode(np.frombuffer(data, np.uint8), flag)


def noise(*shape: int, dtype: type = np.uint8) -> np.ndarray:
    found = np.random.default_rng(11).integers(0, np.iinfo(dtype).max + 1, shape).astype(dtype)
    found[0, ..., -1], found[1, ..., -1] = 0, np.iinfo(dtype).max
    return found


def png(depth: int, color: int, rows: np.ndarray, *chunks: tuple[bytes, bytes]) -> bytes:
    """A PNG written by hand: of gray with alpha and of 16 bits, which no library here writes."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    lines = b"".join(b"\0" + row.astype(row.dtype.newbyteorder(">")).tobytes() for row in rows)
    header = struct.pack(">IIBBBBB", rows.shape[1], rows.shape[0], depth, color, 0, 0, 0)
    pieces = [(b"IHDR", header), *chunks, (b"IDAT", zlib.compress(lines)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*piece) for piece in pieces)


def saved(image: Image.Image, format: str, **options) -> bytes:
    stream = io.BytesIO()
    image.save(stream, format, **options)
    return stream.getvalue()


def with_alpha() -> dict[str, tuple[bytes, np.ndarray]]:
    """Images with alpha: the file, and its pixels as RGBA of 8 or 16 bits."""
    rgba, la, gray, rgb = noise(12, 9, 4), noise(12, 9, 2), noise(12, 9), noise(12, 9, 3)
    wide, wide_la, wide_gray = (noise(12, 9, *rest, dtype=np.uint16) for rest in ((4,), (2,), ()))
    gray[3:5], wide_gray[3:5], rgb[3:5] = 77, 30000, (1, 2, 3)
    palette = Image.fromarray(rgb).quantize(16)
    clear = bytes(range(0, 256, 16))
    indices = np.asarray(palette)
    colors = np.array(palette.getpalette()[:48], np.uint8).reshape(16, 3)

    def keyed(image: np.ndarray, key: object) -> np.ndarray:
        most = np.iinfo(image.dtype).max
        opaque = np.where((image == key).all(axis=2) if image.ndim == 3 else image == key, 0, most).astype(image.dtype)
        return np.dstack([image if image.ndim == 3 else np.dstack([image] * 3), opaque])

    return {
        "rgba": (saved(Image.fromarray(rgba), "PNG"), rgba),
        "gray": (png(8, 4, la), la[:, :, [0, 0, 0, 1]]),
        "palette": (saved(palette, "PNG", transparency=clear), np.dstack([colors[indices], np.frombuffer(clear, np.uint8)[indices]])),
        "one gray": (saved(Image.fromarray(gray), "PNG", transparency=77), keyed(gray, 77)),
        "one color": (saved(Image.fromarray(rgb), "PNG", transparency=(1, 2, 3)), keyed(rgb, (1, 2, 3))),
        "16 bits": (png(16, 6, wide), wide),
        "16 bits gray": (png(16, 4, wide_la), wide_la[:, :, [0, 0, 0, 1]]),
        "16 bits one gray": (png(16, 0, wide_gray, (b"tRNS", struct.pack(">H", 30000))), keyed(wide_gray, 30000)),
        "webp": (saved(Image.fromarray(rgba), "WEBP", lossless=True, exact=True), rgba),
        "tiff": (saved(Image.fromarray(rgba), "TIFF"), rgba),
    }


ALPHA = with_alpha()
each_alpha = pytest.mark.parametrize("name", ALPHA)


def laid_over(rgba: np.ndarray, *, white: bool) -> np.ndarray:
    """BGR of 8 bits."""
    most = int(np.iinfo(rgba.dtype).max)
    color, alpha = rgba[:, :, 2::-1].astype(np.int64), rgba[:, :, 3:].astype(np.int64)
    mixed = np.rint((color * alpha + (most if white else 0) * (most - alpha)) / most).astype(np.int64)
    return mixed >> 8 if most > 255 else mixed


# Alpha


@each_alpha
@pytest.mark.parametrize(("alpha", "white"), [("white", True), ("black", False)])
def test_alpha_is_laid_over_a_color(name, alpha, white):
    data, rgba = ALPHA[name]
    expected = laid_over(rgba, white=white)
    assert np.array_equal(made_of(data, alpha=alpha), expected)
    assert np.array_equal(made_of(data, alpha=alpha, check="off"), expected)
    gray = cv2.cvtColor(expected.astype(np.uint8), cv2.COLOR_BGR2GRAY)
    assert np.array_equal(made_of(data, alpha=alpha, color="gray"), gray)


@each_alpha
def test_alpha_is_dropped_by_default_as_opencv_drops_it(name):
    data, _ = ALPHA[name]
    for options in ({}, {"alpha": "drop"}, {"check": "off"}):
        assert np.array_equal(made_of(data, **options), by_opencv(data, cv2.IMREAD_COLOR))
        assert np.array_equal(made_of(data, color="gray", **options), by_opencv(data, cv2.IMREAD_GRAYSCALE))
    assert np.array_equal(made_of(data, color="unchanged"), by_opencv(data, cv2.IMREAD_UNCHANGED))


@each_alpha
def test_alpha_is_kept_on_demand(name):
    data, rgba = ALPHA[name]
    expected = rgba[:, :, [2, 1, 0, 3]]
    assert np.array_equal(made_of(data, alpha="keep"), expected >> 8 if rgba.dtype == np.uint16 else expected)
    assert np.array_equal(made_of(data, alpha="keep", color="unchanged"), expected)


def test_alpha_is_laid_over_a_color_or_dropped_from_what_is_unchanged_otherwise():
    data, rgba = ALPHA["rgba"]
    assert np.array_equal(made_of(data, alpha="white", color="unchanged"), laid_over(rgba, white=True))
    assert np.array_equal(made_of(data, alpha="drop", color="unchanged"), rgba[:, :, 2::-1])


@pytest.mark.parametrize("options", [{"alpha": "white"}, {"alpha": "keep"}, {"exif": "apply"}, {"sixteen_bit": "reduce"}])
def test_choices_leave_images_alone_that_they_do_not_concern(picture, options):
    for suffix in (".jpg", ".png", ".webp", ".bmp"):
        data = picture(suffix=suffix)
        assert np.array_equal(made_of(data, **options), by_opencv(data, cv2.IMREAD_COLOR))


def test_a_transparent_gif_shows_the_background(picture):
    rgb = Image.open(io.BytesIO(picture())).convert("RGB").quantize(8)
    data = saved(rgb, "GIF", transparency=rgb.getpixel((0, 0)))
    with Image.open(io.BytesIO(data)) as image:
        expected = laid_over(np.asarray(image.convert("RGBA")), white=True)
    assert (expected == 255).all(axis=2).any()
    assert np.array_equal(made_of(data, alpha="white"), expected)


# EXIF rotation


def turned(format: str, orientation: int, mode: str = "RGB") -> tuple[bytes, Image.Image]:
    exif = Image.Exif()
    exif[0x0112] = orientation
    image = Image.fromarray(noise(12, 9, len(mode)))
    return saved(image, format, exif=exif, **({"lossless": True, "exact": True} if format == "WEBP" else {})), image


@pytest.mark.parametrize("format", ["PNG", "WEBP"])
@pytest.mark.parametrize("orientation", [2, 3, 6, 8])
def test_rotation_is_applied_or_ignored(format, orientation):
    data, image = turned(format, orientation)
    stored = np.asarray(image)[:, :, ::-1]
    with Image.open(io.BytesIO(data)) as opened:
        upright = np.asarray(ImageOps.exif_transpose(opened))[:, :, ::-1]
    assert np.array_equal(made_of(data), by_opencv(data, cv2.IMREAD_COLOR))
    assert np.array_equal(made_of(data, exif="ignore"), stored)
    assert np.array_equal(made_of(data, color="unchanged"), stored)
    assert np.array_equal(made_of(data, color="unchanged", exif="apply"), upright)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_rotation_goes_together_with_alpha(orientation):
    data, image = turned("PNG", orientation, "RGBA")
    with Image.open(io.BytesIO(data)) as opened:
        upright = np.asarray(ImageOps.exif_transpose(opened))
    assert np.array_equal(made_of(data, alpha="black"), laid_over(upright, white=False))
    assert np.array_equal(made_of(data, alpha="black", exif="ignore"), laid_over(np.asarray(image), white=False))
    assert np.array_equal(made_of(data, alpha="keep"), upright[:, :, [2, 1, 0, 3]])


@pytest.mark.parametrize("scaled", [True, False])
@pytest.mark.parametrize("exif", [None, "apply", "ignore"])
def test_a_rotated_jpeg_is_resized_the_way_it_stands(scaled, exif):
    stored = Image.effect_noise((160, 90), 60).convert("RGB")
    tag = Image.Exif()
    tag[0x0112] = 6
    found = made_of(saved(stored, "JPEG", exif=tag), resize=20, exif=exif, scaled_decode=scaled)
    assert found.shape == ((20, 35, 3) if exif == "ignore" else (35, 20, 3))


# Depth


def test_sixteen_bits_are_cut_from_what_is_unchanged_otherwise():
    wide = noise(12, 9, 3, dtype=np.uint16)
    data = cv2.imencode(".png", wide)[1].tobytes()
    assert np.array_equal(made_of(data, color="unchanged"), wide)
    assert np.array_equal(made_of(data, color="unchanged", sixteen_bit="reduce"), wide >> 8)
    assert np.array_equal(made_of(data), wide >> 8)


# Options


@pytest.mark.parametrize("name", CHOICES)
def test_a_choice_that_does_not_exist_is_refused(name):
    with pytest.raises(PlanError, match=f"--{name.replace('_', '-')} 'maybe', expected one of "):
        TransformOptions(**{name: "maybe"})


@pytest.mark.parametrize(("name", "value"), [(name, value) for name, choice in CHOICES.items() for value in choice.changing])
def test_choices_that_change_pixels_do_not_go_with_pass_through(name, value):
    with pytest.raises(PlanError, match="--pass-through keeps the images as they are"):
        TransformOptions(**{name: value})


@pytest.mark.parametrize("name", CHOICES)
@pytest.mark.parametrize("check", ["off", "remark"])
def test_nothing_is_refused_without_a_look(name, check):
    with pytest.raises(PlanError, match="error needs the check of the images"):
        TransformOptions(**{name: "error", "check": check})


@pytest.mark.parametrize("options", [{"encoding": "jpg"}, {"encoding": "png", "color": "gray"}])
def test_alpha_is_kept_only_where_it_can_be(options):
    with pytest.raises(PlanError, match="--alpha keep needs"):
        TransformOptions(pass_through=False, alpha="keep", **options)
    TransformOptions(pass_through=False, alpha="keep", encoding="webp")
    TransformOptions(alpha="keep")
