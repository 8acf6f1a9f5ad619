"""mxnet.image's functions and augmenters on arrays; `tests/interop` compares them with MXNet itself."""

from __future__ import annotations

import json
import random
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from recordio import loaders
from recordio.errors import BadSample, FileError, ImageFormatError
from recordio.loaders import chance, sampler

IMAGES = Path(__file__).resolve().parents[2] / "golden" / "images"


@pytest.fixture
def picture() -> np.ndarray:
    noise = np.random.default_rng(3).integers(0, 256, (9, 13, 3), np.uint8)
    return cv2.resize(noise, (52, 40), interpolation=cv2.INTER_CUBIC)


def test_decoding_gives_opencvs_pixels_in_rgb() -> None:
    path = IMAGES / "space" / "hubble.jpg"
    bgr = cv2.imread(str(path))
    assert_array_equal(loaders.imdecode(path.read_bytes()), bgr[:, :, ::-1])
    assert_array_equal(loaders.imread(path, to_rgb=0), bgr)
    gray = loaders.imread(str(path), flag=0)
    assert_array_equal(gray[:, :, 0], cv2.imread(str(path), 0))
    out = np.zeros(bgr.shape, np.float32)
    assert loaders.imdecode(np.frombuffer(path.read_bytes(), np.uint8), out=out) is out
    assert_array_equal(out, bgr[:, :, ::-1])


def test_what_cannot_be_decoded_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadSample, match=r"empty\.jpg: is empty"):
        loaders.imread(IMAGES / "bad" / "empty.jpg")
    with pytest.raises(FileError, match="missing"):
        loaders.imread(tmp_path / "missing.jpg")
    with pytest.raises(ValueError, match="buf is a str"):
        loaders.imdecode("text")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="flag=7"):
        loaders.imdecode(b"", flag=7)


@pytest.mark.parametrize("interp", [0, 1, 2, 3, 4])
def test_resizing_is_opencvs(picture: np.ndarray, interp: int) -> None:
    assert_array_equal(loaders.imresize(picture, 30, 20, interp), cv2.resize(picture, (30, 20), interpolation=interp))
    gray = picture[:, :, :1]
    assert loaders.imresize(gray, 30, 20, interp).shape == (20, 30, 1)


def test_interpolation_9_is_area_to_shrink_and_cubic_to_enlarge(picture: np.ndarray) -> None:
    for size, method in (((30, 20), 3), ((60, 50), 2), ((60, 20), 1)):
        assert_array_equal(loaders.imresize(picture, *size, 9), cv2.resize(picture, size, interpolation=method))
    with pytest.raises(ValueError, match="interpolation method 5"):
        loaders.imresize(picture, 3, 3, 5)
    with pytest.raises(ImageFormatError, match="0 x 3 pixels"):
        loaders.imresize(picture, 0, 3)


def test_the_short_side_is_resized_and_the_long_one_rounded_down(picture: np.ndarray) -> None:
    assert loaders.resize_short(picture, 15).shape == (15, 19, 3)
    assert loaders.resize_short(picture.transpose(1, 0, 2), 15).shape == (19, 15, 3)


def test_a_crop_larger_than_the_image_is_scaled_down_in_proportion() -> None:
    assert loaders.scale_down((640, 480), (720, 120)) == (640, 106)
    assert loaders.scale_down((360, 1000), (480, 500)) == (360, 375)
    assert loaders.scale_down((100, 100), (20, 30)) == (20, 30)


def test_center_crop_takes_the_middle(picture: np.ndarray) -> None:
    crop, box = loaders.center_crop(picture, (20, 11))
    assert box == (16, 14, 20, 11)
    assert_array_equal(crop, picture[14:25, 16:36])
    crop, box = loaders.center_crop(picture, (104, 40))  # wider than the image
    assert box == (0, 10, 52, 20)
    assert crop.shape == (40, 104, 3)


def test_random_crops_stand_where_they_say_and_repeat_with_random_seed(picture: np.ndarray) -> None:
    found = []
    for _ in range(2):
        random.seed(4)
        for _ in range(20):
            crop, (x, y, w, h) = loaders.random_crop(picture, (20, 11))
            assert_array_equal(crop, picture[y : y + h, x : x + w])
            found.append((x, y))
    assert found[:20] == found[20:]
    assert len(set(found)) > 10


def test_random_size_crops_keep_to_area_and_ratio(picture: np.ndarray) -> None:
    for _ in range(50):
        crop, (x, y, w, h) = loaders.random_size_crop(picture, (16, 16), (0.2, 0.5), (0.75, 1.333))
        assert crop.shape == (16, 16, 3)
        assert 0 <= x <= 52 - w
        assert 0 <= y <= 40 - h
        assert 0.18 < w * h / (52 * 40) < 0.53
        assert 0.7 < w / h < 1.45
    with pytest.raises(TypeError, match="'areas'"):
        loaders.random_size_crop(picture, (16, 16), 0.1, (1, 1), areas=3)


def test_borders_are_opencvs(picture: np.ndarray) -> None:
    for kind in range(5):
        assert_array_equal(loaders.copyMakeBorder(picture, 1, 2, 3, 4, kind), cv2.copyMakeBorder(picture, 1, 2, 3, 4, kind, value=(0,) * 4))
    padded = loaders.copyMakeBorder(picture, 1, 0, 0, 0, values=(1, 2, 3))
    assert padded[0, 0].tolist() == [1, 2, 3]


def test_rotation_by_90_degrees_moves_whole_pixels() -> None:
    square = np.random.default_rng(1).random((3, 9, 9), np.float32)
    assert_allclose(loaders.imrotate(square, 90), np.rot90(square, axes=(1, 2)), atol=1e-5)
    assert_allclose(loaders.imrotate(square, 0), square, atol=1e-6)
    assert loaders.imrotate(square[None], 45, zoom_in=True).min() > 0  # nothing from outside
    assert loaders.imrotate(square, 45)[0, 0, 0] == 0
    with pytest.raises(ValueError, match="both True"):
        loaders.imrotate(square, 3, zoom_in=True, zoom_out=True)
    with pytest.raises(TypeError, match="float32"):
        loaders.imrotate(square.astype(np.float64), 3)


def test_color_jitter_keeps_what_it_promises(picture: np.ndarray) -> None:
    pixels = picture.astype(np.float32)
    luma = pixels @ np.array([0.299, 0.587, 0.114], np.float32)
    with chance.using(sampler.draw(1)):
        bright = loaders.BrightnessJitterAug(0.4)(pixels) / pixels.clip(1e-6)
        contrast = loaders.ContrastJitterAug(0.4)(pixels)
        saturated = loaders.SaturationJitterAug(0.4)(pixels)
        hue = loaders.HueJitterAug(0.3)(pixels)
    assert np.ptp(bright[pixels > 0]) < 1e-4
    assert 0.6 <= bright.max() <= 1.4
    assert abs((contrast @ np.array([0.299, 0.587, 0.114], np.float32)).mean() - luma.mean()) < 0.01
    assert_allclose(saturated @ np.array([0.299, 0.587, 0.114], np.float32), luma, atol=0.01)
    assert_allclose(hue @ np.array([0.299, 0.587, 0.114], np.float32), luma, atol=1)
    assert np.abs(hue - pixels).max() > 1
    assert_array_equal(loaders.BrightnessJitterAug(0)(picture), pixels)


def test_gray_images_keep_their_single_channel(picture: np.ndarray) -> None:
    gray = picture[:, :, :1]
    for aug in loaders.CreateAugmenter((1, 20, 20), brightness=0.2, contrast=0.2, saturation=0.2, hue=0.1, pca_noise=0.1, rand_gray=1):
        gray = aug(gray)
    assert gray.shape == (20, 20, 1)
    with pytest.raises(ImageFormatError, match="expected 1 or 3 channels"):
        loaders.HueJitterAug(0.1)(np.zeros((4, 4, 4), np.uint8))


def test_random_gray_weighs_the_channels_alike_for_all(picture: np.ndarray) -> None:
    gray = loaders.RandomGrayAug(1)(picture)
    assert_allclose(gray[:, :, 0], picture @ np.array([0.21, 0.72, 0.07]), rtol=1e-5)
    assert_array_equal(gray[:, :, 0], gray[:, :, 2])
    assert loaders.RandomGrayAug(0)(picture) is picture


def test_dumps_names_augmenters_and_parameters() -> None:
    augs = loaders.CreateAugmenter((3, 30, 40), resize=50, rand_mirror=True, mean=True, brightness=0.1, contrast=0.2, pca_noise=0.05)
    assert json.loads(augs[0].dumps()) == ["resizeaug", {"size": 50, "interp": 2}]
    assert json.loads(augs[1].dumps()) == ["centercropaug", {"size": [40, 30], "interp": 2}]
    assert augs[4].dumps() == [
        "colorjitteraug",
        ['["brightnessjitteraug", {"brightness": 0.1}]', '["contrastjitteraug", {"contrast": 0.2}]'],
    ]
    assert json.loads(augs[-1].dumps())[1]["mean"] == [123.68, 116.28, 103.53]


def test_wrong_arguments_of_create_augmenter_are_named() -> None:
    with pytest.raises(ValueError, match="rand_resize"):
        loaders.CreateAugmenter((3, 8, 8), rand_resize=True)
    with pytest.raises(ValueError, match=r"mean=array\(\[0., 0.\]\), expected 1 or 3 numbers"):
        loaders.CreateAugmenter((3, 8, 8), mean=np.zeros(2))
    with pytest.raises(TypeError, match="rand_flip"):
        loaders.CreateAugmenter((3, 8, 8), rand_flip=True)  # type: ignore[call-arg]
    assert_array_equal(loaders.color_normalize(np.full((1, 1, 3), 10, np.uint8), (1, 2, 3), (2, 2, 2)), [[[4.5, 4, 3.5]]])


def objects(*rows: tuple[float, ...]) -> np.ndarray:
    return np.array(rows, np.float32)


def test_boxes_follow_the_mirror(picture: np.ndarray) -> None:
    boxes = objects((1, 0.1, 0.2, 0.4, 0.6, 7))
    flipped, moved = loaders.DetHorizontalFlipAug(1)(picture, boxes)
    assert_array_equal(flipped, picture[:, ::-1])
    assert_allclose(moved, objects((1, 0.6, 0.2, 0.9, 0.6, 7)), atol=1e-6)
    assert boxes[0, 1] == np.float32(0.1)  # what was given stays


def marked() -> tuple[np.ndarray, np.ndarray]:
    """An image with one white rectangle, and its box."""
    image = np.zeros((80, 100, 3), np.uint8)
    image[20:50, 30:70] = 255
    return image, objects((0, 0.3, 0.25, 0.7, 0.625))


def box_of(image: np.ndarray) -> list[float]:
    rows, columns = np.nonzero(image[:, :, 0] == 255)
    height, width = image.shape[:2]
    return [columns.min() / width, rows.min() / height, (columns.max() + 1) / width, (rows.max() + 1) / height]


def test_boxes_follow_crops_to_the_pixel() -> None:
    image, boxes = marked()
    aug = loaders.DetRandomCropAug(min_object_covered=0.5, area_range=(0.2, 0.9))
    sizes = set()
    for _ in range(50):
        cropped, moved = aug(image, boxes)
        assert_allclose(moved[0, 1:5], box_of(cropped), atol=1e-6)
        sizes.add(cropped.shape)
        if cropped.shape != image.shape:
            assert 0.2 <= cropped.size / image.size <= 0.9
            assert (cropped == 255).sum() > 0.5 * (image == 255).sum()
    assert len(sizes) > 10


def test_boxes_follow_padding_to_the_pixel() -> None:
    image, boxes = marked()
    aug = loaders.DetRandomPadAug(area_range=(1, 3), pad_val=(1, 2, 3))
    sizes = set()
    for _ in range(50):
        padded, moved = aug(image, boxes)
        assert_allclose(moved[0, 1:5], box_of(padded), atol=1e-6)
        sizes.add(padded.shape)
    assert len(sizes) > 10
    assert (padded == (1, 2, 3)).all(axis=2).any()


def test_objects_of_which_little_is_left_are_dropped() -> None:
    image, _ = marked()
    boxes = objects((0, 0, 0, 0.5, 1), (1, 0.45, 0, 1, 1))
    aug = loaders.DetRandomCropAug(min_object_covered=0.0, min_eject_coverage=0.6, aspect_ratio_range=(0.5, 0.7), area_range=(0.4, 0.6))
    for _ in range(30):
        _, kept = aug(image, boxes)
        assert 1 <= len(kept) <= 2
        assert (kept[:, 3] > kept[:, 1]).all()


def test_several_crops_take_lists_of_parameters() -> None:
    made = loaders.CreateMultiRandCropAugmenter(min_object_covered=[0.1, 0.5, 0.9], max_attempts=7, skip_prob=0.5)
    assert [aug.min_object_covered for aug in made.aug_list] == [0.1, 0.5, 0.9]
    assert {aug.max_attempts for aug in made.aug_list} == {7}
    with pytest.raises(ValueError, match=r"max_attempts=\[7, 8\] has 2 values"):
        loaders.CreateMultiRandCropAugmenter(min_object_covered=[0.1, 0.5, 0.9], max_attempts=[7, 8])


def test_det_augmenters_end_in_the_shape_of_the_data() -> None:
    image, boxes = marked()
    augs = loaders.CreateDetAugmenter(
        (3, 30, 40), resize=60, rand_crop=0.5, rand_pad=0.5, rand_mirror=True, mean=True, std=True, brightness=0.1, hue=0.1, rand_gray=0.2
    )
    for _ in range(10):
        out, label = image, boxes
        for aug in augs:
            out, label = aug(out, label)
        assert out.shape == (30, 40, 3)
        assert out.dtype == np.float32
        assert label.shape[1] == 5
    assert [json.loads(aug.dumps())[0] if isinstance(aug.dumps(), str) else aug.dumps()[0] for aug in augs][:4] == [
        "detborrowaug",
        "detrandomselectaug",
        "dethorizontalflipaug",
        "detrandomselectaug",
    ]


@pytest.mark.parametrize("given", [{"area_range": (0.5, 0.1)}, {"aspect_ratio_range": (0, 1)}, {"aspect_ratio_range": (2, 1)}])
def test_ranges_that_are_none_are_named(given: dict[str, tuple[float, float]]) -> None:
    with pytest.raises(ValueError, match=next(iter(given))):
        loaders.DetRandomCropAug(**given)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=next(iter(given))):
        loaders.DetRandomPadAug(**given)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="expected an Augmenter"):
        loaders.DetBorrowAug(lambda image: image)  # type: ignore[arg-type]
