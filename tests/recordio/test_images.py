"""Judging, decoding, resizing and encoding, against direct calls of OpenCV and Pillow."""

from __future__ import annotations

import gc
import io
import struct
import sys
import tracemalloc
import warnings
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image, ImageOps

from recordio import codecs, imagecheck, images
from recordio.errors import CodecMissing, ImageFormatError
from recordio.probe import UnknownFormat

GOLDEN = Path(__file__).parents[1] / "golden" / "images"
PICTURES = [path for path in sorted(GOLDEN.rglob("*.*")) if path.parent.name != "bad" and path.suffix != ".txt"]
each_picture = pytest.mark.parametrize("path", PICTURES, ids=lambda path: path.name)
JPEGS = {
    "baseline": ("RGB", {}),
    "gray": ("L", {}),
    "cmyk": ("CMYK", {}),
    "progressive": ("RGB", {"progressive": True}),
    "progressive gray": ("L", {"progressive": True}),
    "restarts": ("RGB", {"restart_marker_blocks": 1}),
    "progressive restarts": ("RGB", {"progressive": True, "restart_marker_blocks": 2}),
    "4:4:4": ("RGB", {"subsampling": 0, "quality": 100}),
    "worst": ("RGB", {"quality": 1}),
}
each_jpeg = pytest.mark.parametrize(("mode", "options"), JPEGS.values(), ids=JPEGS)
NUMBERS = {
    "nearest": cv2.INTER_NEAREST,
    "bilinear": cv2.INTER_LINEAR,
    "cubic": cv2.INTER_CUBIC,
    "area": cv2.INTER_AREA,
    "lanczos": cv2.INTER_LANCZOS4,
}


def refused(data: bytes, **options) -> str:
    with pytest.raises(ImageFormatError) as caught:
        imagecheck.check(data, **options)
    return str(caught.value)


def claiming(data: bytes, width: int, height: int) -> bytes:
    """A PNG whose header claims another size, with the right checksum."""
    header = b"IHDR" + struct.pack(">II", width, height) + data[24:29]
    return data[:12] + header + struct.pack(">I", zlib.crc32(header)) + data[33:]


@pytest.fixture
def hidden(monkeypatch):
    """Make modules impossible to import, and forget those that were loaded already."""

    def forget() -> None:
        for loaded in (codecs.load_cv2, codecs.load_pillow, codecs.load_simplejpeg, images._decodes_alike):
            loaded.cache_clear()

    def hide(*names: str) -> None:
        for name in names:
            monkeypatch.setitem(sys.modules, name, None)
        forget()

    yield hide
    forget()


# check


@each_picture
def test_golden_images_pass_with_the_size_that_pillow_sees(path):
    with Image.open(path) as image:
        assert imagecheck.check(path.read_bytes())[1:4] == (*image.size, False)


def test_golden_broken_files_are_refused_for_what_they_are():
    assert refused((GOLDEN / "bad" / "empty.jpg").read_bytes()) == "is empty"
    assert refused((GOLDEN / "bad" / "truncated.jpg").read_bytes()).startswith("is truncated: ")
    with pytest.raises(UnknownFormat, match="it starts with b'<!DOCTYPE html>"):
        imagecheck.check((GOLDEN / "bad" / "page.jpg").read_bytes())


@each_jpeg
def test_every_truncation_of_a_jpeg_is_refused_but_that_of_its_end_mark(saved, mode, options):
    data = saved("JPEG", mode, (20, 13), **options)
    for size in range(len(data) - 2):
        refused(data[:size])
    for size in (len(data) - 2, len(data) - 1):
        assert imagecheck.check(data[:size])[:4] == ("jpg", 20, 13, True)


@each_jpeg
def test_jpeg_that_lacks_only_its_end_mark_decodes_to_the_same_pixels(saved, mode, options):
    data = saved("JPEG", mode, (33, 21), **options)
    assert np.array_equal(images.decode(data[:-2]), cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR))


@pytest.mark.parametrize("format", ["PNG", "WEBP", "GIF", "BMP", "PPM", "TIFF"])
def test_every_truncation_of_other_formats_is_refused(saved, format):
    data = saved(format, "RGB", (9, 7))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # as a program would: the verdict must not hang on Pillow's warnings
        for size in range(len(data)):
            refused(data[:size])


def test_png_that_claims_50000_times_50000_pixels_is_refused_by_its_header(saved):
    text = refused(claiming(saved("PNG"), 50_000, 50_000))
    assert text == "has 50000 x 50000 pixels, expected at most 178956970 in all"


@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF"])
def test_limit_of_pixels_is_the_last_that_passes(saved, format):
    data = saved(format, "RGB", (40, 30))
    assert imagecheck.check(data, max_pixels=1200)[1:3] == (40, 30)
    assert refused(data, max_pixels=1199) == "has 40 x 30 pixels, expected at most 1199 in all"


@pytest.mark.parametrize(("format", "name"), [("TIFF", "tiff"), ("PPM", "ppm"), ("JPEG2000", "jpeg2000")])
def test_format_that_only_pillow_knows_is_judged_by_pillow(saved, format, name):
    assert imagecheck.check(saved(format, "RGB", (40, 30)))[:4] == (name, 40, 30, False)


@pytest.mark.parametrize(
    "start", [b"<!DOCTYPE html>", b"\xff\xd8", b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"II*\0", b"GIF89a", b"RIFF\0\0\0\0WEBP", b"BM"]
)
def test_a_refused_file_is_forgotten_at_once(start):
    def once():
        with pytest.raises(ImageFormatError):
            imagecheck.check(start + bytes(1 << 20))

    once()  # Pillow is loaded
    gc.collect()
    gc.disable()
    try:
        tracemalloc.start()
        for _ in range(5):
            once()
        kept, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
        gc.enable()
    assert kept < 1 << 20


@pytest.mark.parametrize("compression", ["raw", "tiff_lzw", "tiff_adobe_deflate"])
def test_damaged_tiff_is_refused(saved, compression):
    data = saved("TIFF", "RGB", (40, 30), compression=compression)
    assert imagecheck.check(data)[:4] == ("tiff", 40, 30, False)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for size in range(len(data) // 3, len(data), 97):
            refused(data[:size])


# decode


@each_picture
@pytest.mark.parametrize(
    ("color", "flag"), [("color", cv2.IMREAD_COLOR), ("gray", cv2.IMREAD_GRAYSCALE), ("unchanged", cv2.IMREAD_UNCHANGED)]
)
def test_golden_images_decode_as_opencv_reads_their_files(path, color, flag):
    expected = cv2.imread(str(path), flag)
    decoded = images.decode(path.read_bytes(), color)
    assert (decoded.shape, decoded.dtype) == (expected.shape, expected.dtype)
    assert np.array_equal(decoded, expected)


def test_default_is_color():
    data = (GOLDEN / "odd" / "alpha.png").read_bytes()
    assert images.decode(data).shape == (64, 80, 3)
    assert np.array_equal(images.decode(data), images.decode(data, "color"))


def test_exif_rotation_is_applied_unless_unchanged():
    path = GOLDEN / "odd" / "exif_rotate90.jpg"
    with Image.open(path) as image:
        stored, upright = image.size, ImageOps.exif_transpose(image).size
    assert stored == upright[::-1] != upright
    shapes = {color: images.decode(path.read_bytes(), color).shape[1::-1] for color in images.COLORS}
    assert shapes == {"color": upright, "gray": upright, "unchanged": stored}


def test_golden_truncated_jpeg_decodes_as_opencv_reads_the_file():
    path = GOLDEN / "bad" / "truncated.jpg"
    for color, flag in images.COLORS.items():
        assert np.array_equal(images.decode(path.read_bytes(), color), cv2.imread(str(path), flag))


@each_jpeg
def test_truncated_jpeg_decodes_as_opencv_reads_the_file(saved, tmp_path, mode, options):
    data = saved("JPEG", mode, (40, 30), **options)
    for size in range(len(data) * 2 // 3, len(data), 7):
        (tmp_path / "x.jpg").write_bytes(data[:size])
        expected = cv2.imread(str(tmp_path / "x.jpg"))
        if expected is not None:
            assert np.array_equal(images.decode(data[:size]), expected)


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"", "is empty"),
        (b"no image", "cannot be decoded"),
        (b"\xff\xd8\xff", "cannot be decoded"),
        (b"\x89PNG\r\n\x1a\n", "cannot be decoded"),
    ],
)
def test_bytes_that_are_no_image_are_refused(data, text):
    with pytest.raises(ImageFormatError) as caught:
        images.decode(data)
    assert str(caught.value) == text


def test_image_beyond_opencvs_own_limit_is_refused(saved):
    with pytest.raises(ImageFormatError, match="cannot be decoded"):
        images.decode(claiming(saved("PNG"), 50_000, 50_000))


# resize


@pytest.mark.parametrize("interpolation", NUMBERS)
@pytest.mark.parametrize(("width", "height"), [(20, 15), (80, 60), (17, 90), (40, 30), (1, 1)])
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_resizing_is_opencvs(noise, interpolation, width, height, channels):
    picture = noise(30, 40, channels)
    expected = cv2.resize(picture, (width, height), interpolation=NUMBERS[interpolation])
    assert np.array_equal(images.resize(picture, width, height, interpolation), expected)


def test_resizing_is_bilinear_by_default(noise):
    assert np.array_equal(images.resize(noise(), 17, 11), cv2.resize(noise(), (17, 11), interpolation=cv2.INTER_LINEAR))


@pytest.mark.parametrize(
    ("width", "height", "chosen"),
    [
        (80, 60, cv2.INTER_CUBIC),
        (41, 31, cv2.INTER_CUBIC),
        (20, 15, cv2.INTER_AREA),
        (39, 29, cv2.INTER_AREA),
        (80, 15, cv2.INTER_LINEAR),
        (20, 60, cv2.INTER_LINEAR),
        (40, 60, cv2.INTER_LINEAR),
        (40, 15, cv2.INTER_LINEAR),
    ],
)
def test_auto_takes_area_to_shrink_and_cubic_to_enlarge(noise, width, height, chosen):
    expected = cv2.resize(noise(30, 40), (width, height), interpolation=chosen)
    assert np.array_equal(images.resize(noise(30, 40), width, height, images.AUTO), expected)


@pytest.mark.parametrize(("width", "height"), [(0, 5), (5, 0), (-1, 5)])
def test_resizing_to_nothing_is_refused(noise, width, height):
    with pytest.raises(ImageFormatError) as caught:
        images.resize(noise(), width, height)
    assert str(caught.value) == f"would be {width} x {height} pixels after resizing, expected at least 1 x 1"


def test_resizing_of_nothing_is_refused():
    with pytest.raises(ImageFormatError, match="cannot be resized to 5 x 5"):
        images.resize(np.zeros((0, 0, 3), np.uint8), 5, 5)


# encode


@pytest.mark.parametrize(
    ("encoding", "quality", "flag", "value"),
    [
        ("jpg", 95, cv2.IMWRITE_JPEG_QUALITY, 95),
        ("jpg", 1, cv2.IMWRITE_JPEG_QUALITY, 1),
        ("jpg", -5, cv2.IMWRITE_JPEG_QUALITY, 0),
        ("jpg", 400, cv2.IMWRITE_JPEG_QUALITY, 100),
        ("png", 0, cv2.IMWRITE_PNG_COMPRESSION, 0),
        ("png", 3, cv2.IMWRITE_PNG_COMPRESSION, 3),
        ("png", 95, cv2.IMWRITE_PNG_COMPRESSION, 9),
        ("png", -1, cv2.IMWRITE_PNG_COMPRESSION, 0),
        ("webp", 80, cv2.IMWRITE_WEBP_QUALITY, 80),
        ("webp", 0, cv2.IMWRITE_WEBP_QUALITY, 1),
        ("webp", 101, cv2.IMWRITE_WEBP_QUALITY, 100),
    ],
)
def test_encoding_is_opencvs(noise, encoding, quality, flag, value):
    expected = cv2.imencode(f".{encoding}", noise(), [flag, value])[1].tobytes()
    assert images.encode(noise(), encoding, quality) == expected


def test_encoding_is_jpeg_of_quality_95_by_default(noise):
    assert images.encode(noise()) == cv2.imencode(".jpg", noise(), [cv2.IMWRITE_JPEG_QUALITY, 95])[1].tobytes()


@pytest.mark.parametrize(("shape", "dtype"), [((30, 40), np.uint8), ((30, 40, 4), np.uint8), ((30, 40, 3), np.uint16)])
def test_png_carries_gray_alpha_and_16_bits(shape, dtype):
    picture = np.random.default_rng(1).integers(0, np.iinfo(dtype).max, shape).astype(dtype)
    data = images.encode(picture, "png", 1)
    assert np.array_equal(cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED), picture)


@pytest.mark.parametrize("encoding", images.ENCODINGS)
@pytest.mark.parametrize("shape", [(0, 0, 3), (4, 4, 7)])
def test_picture_that_cannot_be_encoded_is_refused(encoding, shape):
    with pytest.raises(ImageFormatError, match=f"cannot be encoded as {encoding}"):
        images.encode(np.zeros(shape, np.uint8), encoding)


def test_picture_too_wide_for_webp_is_refused():
    with pytest.raises(ImageFormatError, match="cannot be encoded as webp"):
        images.encode(np.zeros((1, 17000, 3), np.uint8), "webp")


def test_encoded_pictures_pass_the_check(noise):
    for encoding in images.ENCODINGS:
        assert imagecheck.check(images.encode(noise(30, 40), encoding))[:4] == (encoding, 40, 30, False)


# Libraries that are missing


@pytest.mark.parametrize(
    "use",
    [
        lambda: images.decode(b"x"),
        lambda: images.encode(np.zeros((1, 1, 3), np.uint8)),
        lambda: images.resize(np.zeros((1, 1, 3), np.uint8), 2, 2),
        images.use_one_thread,
    ],
    ids=["decode", "encode", "resize", "use_one_thread"],
)
def test_missing_opencv_is_told_with_what_to_install(hidden, use):
    hidden("cv2")
    with pytest.raises(CodecMissing) as caught:
        use()
    assert caught.value.module == "OpenCV (cv2)"
    assert "run: pip install opencv-python (or opencv-python-headless where there is no libGL)" in str(caught.value)


def test_opencv_without_libgl_is_told_with_its_headless_twin(hidden, monkeypatch, tmp_path):
    (tmp_path / "cv2.py").write_text("raise ImportError('libGL.so.1: cannot open shared object file')")
    monkeypatch.delitem(sys.modules, "cv2")
    monkeypatch.syspath_prepend(tmp_path)
    hidden()
    with pytest.raises(CodecMissing) as caught:
        images.decode(b"x")
    assert caught.value.reason == "libGL.so.1: cannot open shared object file; run: pip install --force-reinstall opencv-python-headless"


def test_opencv_that_was_missing_is_found_once_it_is_there(hidden, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setitem(sys.modules, "cv2", None)
        hidden()
        with pytest.raises(CodecMissing):
            images.decode(b"x")
    assert images.decode(PICTURES[0].read_bytes()).shape[2] == 3


def test_missing_pillow_is_told_where_it_is_needed(hidden, saved):
    data, tiff = saved("JPEG"), saved("TIFF")
    hidden("PIL.Image")
    assert imagecheck.check(data)[0] == "jpg"
    with pytest.raises(CodecMissing, match=r"Pillow cannot be loaded: .*; run: pip install pillow"):
        imagecheck.check(tiff)


def test_missing_simplejpeg_is_told_where_it_is_needed(hidden, saved):
    data = saved("JPEG")
    hidden("simplejpeg")
    assert imagecheck.check(data)[0] == "jpg"
    with pytest.raises(CodecMissing, match=r"simplejpeg cannot be loaded: .*; run: pip install simplejpeg"):
        imagecheck.check(data[:-2])


def test_images_are_judged_without_opencv(hidden, saved):
    data = saved("JPEG")
    hidden("cv2")
    assert imagecheck.check(data[:-2])[:4] == ("jpg", 40, 30, True)


def test_opencv_is_kept_to_one_thread():
    before = cv2.getNumThreads()
    try:
        images.use_one_thread()
        assert cv2.getNumThreads() == 1
    finally:
        cv2.setNumThreads(before)


def test_pillow_sees_in_an_encoded_png_what_was_encoded(noise):
    with Image.open(io.BytesIO(images.encode(noise(30, 40), "png", 3))) as image:
        assert np.array_equal(np.asarray(image)[:, :, ::-1], noise(30, 40))
