"""One image's bytes into the bytes to pack. Geometry as docs/format.md, section 5, states it."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from im2rec.errors import PlanError
from im2rec.transform import TransformOptions, center_square, decode_scale, long_side_size, short_side_size, transformer
from recordio.errors import ImageFormatError

SIDES = st.integers(1, 5000)


def encoded(**options):
    transform = transformer(TransformOptions(pass_through=False, **options))
    return lambda data: transform(data, "x")[:2]


def kept(**options):
    transform = transformer(TransformOptions(**options))
    return lambda data: transform(data, "x")[:2]


def decoded(data, flag=cv2.IMREAD_COLOR):
    return cv2.imdecode(np.frombuffer(data, np.uint8), flag)


@pytest.mark.parametrize(
    ("size", "side", "expected"),
    [
        ((100, 50), 25, (50, 25)),
        ((50, 100), 25, (25, 50)),
        ((64, 64), 32, (32, 32)),
        ((100, 33), 64, (193, 64)),
        ((3, 1000), 1, (1, 333)),
        ((1, 7), 256, (256, 1792)),
        ((640, 480), 256, (341, 256)),
        ((480, 640), 256, (256, 341)),
        ((500, 375), 224, (298, 224)),
    ],
)
def test_the_short_side_becomes_the_size_and_the_long_one_is_rounded_down(size, side, expected):
    assert short_side_size(*size, side) == expected


@given(SIDES, SIDES, SIDES)
def test_the_long_side_is_long_times_n_over_short(width, height, side):
    long, short = max(width, height), min(width, height)
    assert sorted(short_side_size(width, height, side)) == sorted((side, long * side // short))
    assert short_side_size(height, width, side) == short_side_size(width, height, side)[::-1]


@pytest.mark.parametrize(
    ("size", "expected"),
    [((10, 4), (3, 0, 4, 4)), ((4, 10), (0, 3, 4, 4)), ((11, 4), (3, 0, 4, 4)), ((5, 4), (0, 0, 4, 4)), ((4, 4), (0, 0, 4, 4))],
)
def test_the_middle_square_is_cut_with_the_margin_rounded_down(size, expected):
    assert center_square(*size) == expected


@given(SIDES, SIDES)
def test_the_larger_sides_margin_is_half_the_difference(width, height):
    left, top, across, down = center_square(width, height)
    assert (left, top) == ((width - height) // 2, 0) if width > height else (0, (height - width) // 2)
    assert across == down == min(width, height)


@given(SIDES, SIDES, SIDES)
def test_a_limit_of_the_long_side_never_enlarges_and_keeps_the_shape(width, height, side):
    new = long_side_size(width, height, side)
    if max(width, height) <= side:
        assert new == (width, height)
        return
    assert max(new) == side
    assert min(new) == max(1, round(min(width, height) * side / max(width, height)))


@pytest.mark.parametrize(
    "options",
    [
        {"resize": 8},
        {"max_side": 8},
        {"center_crop": True},
        {"pass_through": False, "resize": 8, "max_side": 8},
        {"encoding": "gif"},
        {"interpolation": "sinc"},
        {"color": "cmyk"},
        {"check": "maybe"},
    ],
)
def test_options_that_contradict_or_do_not_exist_are_refused(options):
    with pytest.raises(PlanError):
        TransformOptions(**options)


def test_pass_through_keeps_the_bytes(picture):
    data = picture()
    assert kept()(data) == (data, "")


@pytest.mark.parametrize("color", ["color", "gray", "unchanged"])
@pytest.mark.parametrize("name", ["cat/eye.JPEG", "odd/exif_rotate90.jpg", "odd/alpha.png", "odd/gray16.png", "odd/palette.png"])
def test_colors_are_decoded_as_cv2_does(images, color, name):
    flag = {"color": 1, "gray": 0, "unchanged": -1}[color]
    data, _ = encoded(color=color, encoding="png")((images / name).read_bytes())
    np.testing.assert_array_equal(decoded(data, cv2.IMREAD_UNCHANGED), cv2.imread(str(images / name), flag))


@pytest.mark.parametrize(("encoding", "parameter"), [("jpg", cv2.IMWRITE_JPEG_QUALITY), ("webp", cv2.IMWRITE_WEBP_QUALITY)])
@pytest.mark.parametrize("quality", [1, 50, 95, 100])
def test_qualities_are_cv2s(picture, encoding, parameter, quality):
    data, _ = encoded(encoding=encoding, quality=quality)(picture(seed=3))
    assert data == cv2.imencode(f".{encoding}", decoded(picture(seed=3)), [parameter, quality])[1].tobytes()


@pytest.mark.parametrize(("quality", "compression"), [(0, 0), (3, 3), (9, 9), (10, 9), (95, 9)])
def test_png_compression_is_clamped_to_nine(picture, quality, compression):
    data, _ = encoded(encoding="png", quality=quality)(picture())
    assert data == cv2.imencode(".png", decoded(picture()), [cv2.IMWRITE_PNG_COMPRESSION, compression])[1].tobytes()


@pytest.mark.parametrize("interpolation", ["nearest", "bilinear", "cubic", "area", "lanczos"])
@pytest.mark.parametrize("side", [16, 64])
def test_interpolations_are_cv2s(picture, interpolation, side):
    flags = {"nearest": cv2.INTER_NEAREST, "bilinear": cv2.INTER_LINEAR, "cubic": cv2.INTER_CUBIC, "area": cv2.INTER_AREA}
    data, _ = encoded(resize=side, interpolation=interpolation, encoding="png")(picture(40, 30))
    expected = cv2.resize(decoded(picture(40, 30)), (40 * side // 30, side), interpolation=flags.get(interpolation, cv2.INTER_LANCZOS4))
    np.testing.assert_array_equal(decoded(data), expected)


@pytest.mark.parametrize(("side", "flag"), [(16, cv2.INTER_AREA), (64, cv2.INTER_CUBIC)])
def test_auto_takes_area_to_shrink_and_cubic_to_enlarge(picture, side, flag):
    data, _ = encoded(resize=side, interpolation="auto", encoding="png")(picture(40, 30))
    expected = cv2.resize(decoded(picture(40, 30)), (40 * side // 30, side), interpolation=flag)
    np.testing.assert_array_equal(decoded(data), expected)


def test_the_crop_comes_before_the_resize(picture):
    data, _ = encoded(resize=16, center_crop=True, encoding="png")(picture(41, 30))
    np.testing.assert_array_equal(decoded(data), cv2.resize(decoded(picture(41, 30))[:, 5:35], (16, 16)))


def test_a_limit_of_the_long_side_resizes_only_what_is_longer(picture):
    limited = encoded(max_side=35, encoding="png")
    assert decoded(limited(picture(40, 30))[0]).shape[:2] == (26, 35)
    np.testing.assert_array_equal(decoded(limited(picture(30, 35))[0]), decoded(picture(30, 35)))


def test_a_thread_of_an_image_keeps_a_pixel_of_width(picture):
    data, _ = encoded(max_side=10, encoding="png")(picture(300, 2))
    assert decoded(data).shape[:2] == (1, 10)


@pytest.mark.parametrize("name", ["bad/empty.jpg", "bad/page.jpg", "bad/truncated.jpg"])
@pytest.mark.parametrize("pass_through", [True, False])
def test_bad_images_are_refused_before_they_are_decoded(images, name, pass_through):
    transform = transformer(TransformOptions(pass_through=pass_through))
    with pytest.raises(ImageFormatError):
        transform((images / name).read_bytes(), name)


def test_a_remark_replaces_the_refusal_where_mxnet_would_pack(images):
    data = (images / "bad/truncated.jpg").read_bytes()
    assert "is truncated" in encoded(check="remark")(data)[1]
    assert kept(check="off")(data) == (data, "")


def test_a_jpeg_that_lacks_only_its_end_mark_is_packed_with_a_remark(picture):
    data = picture()
    assert data.endswith(b"\xff\xd9")
    assert kept()(data[:-2]) == (data[:-2], "lacks its end mark, its pixels are all there")


def test_images_of_too_many_pixels_are_refused_by_their_header(picture):
    with pytest.raises(ImageFormatError, match="has 40 x 30 pixels, expected at most 1199 in all"):
        kept(max_pixels=1199)(picture(40, 30))
    assert kept(max_pixels=1200)(picture(40, 30))


@given(SIDES, SIDES, st.integers(1, 800))
def test_a_scaled_decode_never_falls_below_the_size_wanted(width, height, wanted):
    for options, side in (
        (TransformOptions(False, resize=wanted), min(width, height)),
        (TransformOptions(False, max_side=wanted), max(width, height)),
    ):
        scale = decode_scale(width, height, options)
        assert scale in (1, 2, 4, 8)
        assert scale == 1 or side // scale >= wanted
        assert scale == 8 or side < 2 * scale * wanted or 0 < abs(width - height) < 2 * scale


def turned(data: bytes) -> bytes:
    """Put an EXIF orientation into a JPEG: to be turned by 90 degrees."""
    exif = b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0"
    return data[:2] + b"\xff\xe1" + (len(exif) + 2).to_bytes(2, "big") + exif + data[2:]


@pytest.mark.parametrize("turn", [False, True], ids=["upright", "turned"])
@pytest.mark.parametrize("size", [(216, 209), (209, 216), (216, 216), (215, 40), (40, 215), (401, 399)])
@pytest.mark.parametrize(
    "options", [{"resize": 20}, {"resize": 27}, {"max_side": 27}, {"max_side": 50}, {"resize": 13, "center_crop": True}]
)
def test_a_scaled_decode_gives_a_picture_of_the_same_size_and_look(picture, size, options, turn):
    data = turned(picture(*size)) if turn else picture(*size)
    full, scaled = (decoded(encoded(encoding="png", scaled_decode=scaled, **options)(data)[0]) for scaled in (False, True))
    assert scaled.shape == full.shape
    assert np.abs(scaled.astype(int).mean((0, 1)) - full.astype(int).mean((0, 1))).max() < 12
