"""Alpha, depth and orientation of decoded pixels, against plain arithmetic and Pillow."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from PIL import Image, ImageOps

from recordio import alpha, pixels


def picture(dtype: type, shape: tuple[int, ...] = (9, 7, 4)) -> np.ndarray:
    """Noise, with rows of the extremes of colors and of the last channel, which may be alpha."""
    most = np.iinfo(dtype).max
    found = np.random.default_rng(5).integers(0, most + 1, shape).astype(dtype)
    found[0], found[1], found[2, ..., -1], found[3, ..., -1] = 0, most, 0, most
    return found


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("white", [True, False])
def test_colors_are_mixed_with_the_background_to_the_nearest_value(dtype, white):
    bgra, most = picture(dtype), np.iinfo(dtype).max
    share = bgra[:, :, 3:].astype(np.float64) / most
    expected = np.rint(bgra[:, :, :3] * share + (most if white else 0) * (1 - share))
    found = alpha.flatten(bgra, white=white)
    assert (found.dtype, found.shape) == (dtype, (9, 7, 3))
    assert np.array_equal(found, expected)


def test_every_color_and_alpha_of_eight_bits_is_mixed_right():
    color, share = np.meshgrid(np.arange(256), np.arange(256))
    bgra = np.stack([color, color, color, share], axis=2).astype(np.uint8)
    for white in (True, False):
        expected = np.rint((color * share + (255 if white else 0) * (255 - share)) / 255)
        assert np.array_equal(alpha.flatten(bgra, white=white)[:, :, 1], expected)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_pixels_without_alpha_become_opaque(dtype):
    gray, bgr, most = picture(dtype)[:, :, 0], picture(dtype)[:, :, :3], np.iinfo(dtype).max
    for image in (gray, bgr):
        found = alpha.with_alpha(image)
        assert (found.dtype, found.shape) == (dtype, (9, 7, 4))
        assert np.array_equal(found[:, :, :3], image if image.ndim == 3 else np.dstack([image] * 3))
        assert (found[:, :, 3] == most).all()
    assert alpha.with_alpha(picture(dtype)).shape == (9, 7, 4)


def test_the_transparent_gray_is_not_seen():
    gray = np.array([[0, 7, 8, 7]], np.uint8)
    assert alpha.with_alpha(gray, 7)[0, :, 3].tolist() == [255, 0, 255, 0]


def test_sixteen_bits_are_cut_as_opencv_cuts_them():
    image = picture(np.uint16, (9, 7, 3))
    assert np.array_equal(pixels.to_eight_bits(image), cv2.imdecode(cv2.imencode(".png", image)[1], cv2.IMREAD_COLOR))
    assert np.array_equal(pixels.to_eight_bits(picture(np.uint8)), picture(np.uint8))


@pytest.mark.parametrize("shape", [(9, 7, 3), (9, 7)])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_pixels_are_turned_as_pillow_turns_them(orientation, shape):
    image = picture(np.uint8, shape)
    stored = Image.fromarray(image)
    stored.getexif()[0x0112] = orientation
    found = pixels.turn(image, orientation)
    assert np.array_equal(found, np.asarray(ImageOps.exif_transpose(stored)))
    assert found.flags["C_CONTIGUOUS"]


@pytest.mark.parametrize(("shape", "code"), [((9, 7, 3), cv2.COLOR_BGR2RGB), ((9, 7, 4), cv2.COLOR_BGRA2RGBA)])
def test_the_order_of_opencvs_channels_becomes_that_of_everyone_else(shape, code):
    image = picture(np.uint8, shape)
    assert np.array_equal(pixels.to_rgb(image), cv2.cvtColor(image, code))


def test_gray_pixels_get_an_axis_of_channels():
    image = picture(np.uint8, (9, 7))
    assert np.array_equal(pixels.to_rgb(image)[:, :, 0], image)
