"""Augmentation against MXNet 1.9.1's own results, and against what each parameter promises where chance has a part."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

import recordio
from recordio import loaders
from recordio.loaders import ndarrayfile, sampler
from recordio.loaders.augment import augment
from recordio.loaders.augmentoptions import AugmentOptions

FOLDER = Path(__file__).resolve().parents[2] / "golden" / "augment"
CASES = json.loads((FOLDER / "augment.json").read_text())["cases"]
PIXELS = np.load(FOLDER / "augment.npz")
IMAGES = [cv2.imdecode(np.frombuffer(recordio.unpack(payload)[1], np.uint8), 1) for payload in recordio.Reader(FOLDER / "png.rec")]
SIZE = (32, 40)


@pytest.mark.parametrize("name", CASES)
def test_pixels_are_mxnets_where_chance_has_no_part(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(FOLDER)
    found = next(loaders.ImageRecordIter(**CASES[name])).data[0]
    assert np.abs(found.astype(int) - PIXELS[name]).max() <= 1


def outcomes(image: Any, size: tuple[int, int] = SIZE, count: int = 60, **given: Any) -> list[np.ndarray]:
    return [augment(image, size, AugmentOptions(**given), sampler.draw(7, number)) for number in range(count)]


def middle(image: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(augment(image, SIZE, AugmentOptions(), sampler.draw(1)))


def test_random_crops_are_pieces_of_the_image_and_reach_every_edge() -> None:
    image = np.arange(50 * 60, dtype=np.uint16).reshape(50, 60)
    corners = {(int(piece[0, 0]) // 60, int(piece[0, 0]) % 60) for piece in outcomes(image, rand_crop=True, count=2000)}
    assert {y for y, _ in corners} == set(range(19))
    assert {x for _, x in corners} == set(range(21))


def test_a_random_area_is_of_the_area_and_aspect_that_were_asked_for_lying_or_standing() -> None:
    # A picture whose values say where it was cut: columns in one channel, rows in another.
    rows, columns = np.mgrid[0:100, 0:100].astype(np.uint8) * 2
    image = np.dstack([rows, columns, rows])
    shapes = set()
    given = {
        "random_resized_crop": True,
        "min_random_area": 0.24,
        "max_random_area": 0.24,
        "min_aspect_ratio": 1.5,
        "max_aspect_ratio": 1.5,
    }
    for piece in outcomes(image, (80, 80), **given):
        height = (int(piece[-1, 0, 0]) - int(piece[0, 0, 0])) / 2
        width = (int(piece[0, -1, 1]) - int(piece[0, 0, 1])) / 2
        shapes.add("lying" if width > height else "standing")
        assert sorted((height, width)) == pytest.approx([40, 60], abs=2)
    assert shapes == {"lying", "standing"}


def test_angles_are_whole_and_within_their_limit() -> None:
    image = np.zeros((61, 61), np.uint8)
    image[30, 30:] = 255
    found = set()
    for turned in outcomes(image, (61, 61), max_rotate_angle=3, fill_value=0, count=200):
        y, x = np.nonzero(turned[:, 45:] > 60)
        found.add(round(float(np.degrees(np.arctan2(30 - y.mean(), 15 + x.mean())))))
    assert found == {-3, -2, -1, 0, 1, 2, 3}


def test_brightness_is_one_factor_for_all_pixels() -> None:
    base = middle(IMAGES[0])
    factors = []
    for found in outcomes(IMAGES[0], brightness=0.4):
        bright = base > 60
        factor = float(np.median(found[bright & (found < 255)] / base[bright & (found < 255)]))
        assert np.abs(np.clip(base * factor, 0, 255) - found).max() <= 2
        factors.append(factor)
    assert 0.59 <= min(factors) < 0.75
    assert 1.25 < max(factors) <= 1.41


def test_contrast_keeps_the_mean_gray_and_saturation_the_gray_of_each_pixel() -> None:
    base = middle(cv2.GaussianBlur(IMAGES[1], (0, 0), 3))
    gray = cv2.cvtColor(base, cv2.COLOR_RGB2GRAY)  # the weights that MXNet takes for BGR
    for found in outcomes(cv2.GaussianBlur(IMAGES[1], (0, 0), 3), contrast=0.3):
        assert cv2.cvtColor(found, cv2.COLOR_RGB2GRAY).mean() == pytest.approx(gray.mean(), abs=1.5)
    for found in outcomes(cv2.GaussianBlur(IMAGES[1], (0, 0), 3), saturation=0.3):
        assert np.abs(cv2.cvtColor(found, cv2.COLOR_RGB2GRAY).astype(int) - gray).max() <= 2


def test_lighting_noise_shifts_each_channel_by_one_amount() -> None:
    base = middle(IMAGES[0]).astype(int)
    shifts = []
    for found in outcomes(IMAGES[0], pca_noise=0.2):
        inside = (found > 0) & (found < 255)
        per_channel = [np.unique((found - base)[:, :, channel][inside[:, :, channel]]) for channel in range(3)]
        assert all(len(shift) == 1 for shift in per_channel)
        shifts.append([int(shift[0]) for shift in per_channel])
    assert np.std(shifts, axis=0) == pytest.approx([0.2 * 55.46 * 0.58] * 3, rel=0.35)


@pytest.mark.parametrize(("name", "channel", "most"), [("random_h", 0, 180), ("random_l", 1, 255), ("random_s", 2, 255)])
def test_a_shift_in_hls_is_one_amount_within_its_limit(name: str, channel: int, most: int) -> None:
    hls = cv2.cvtColor(middle(IMAGES[2]), cv2.COLOR_BGR2HLS).astype(int)
    amounts = set()
    for found in outcomes(IMAGES[2], count=30, **{name: 20}):
        candidates = []
        for amount in range(-20, 21):
            moved = hls.copy()
            moved[:, :, channel] = np.clip(moved[:, :, channel] + amount, 0, most)
            expected = cv2.cvtColor(moved.astype(np.uint8), cv2.COLOR_HLS2BGR)
            candidates.append((int(np.abs(expected.astype(int) - found).max()), amount))
        assert min(candidates)[0] == 0
        amounts.add(min(candidates)[1])
    assert min(amounts) < -10
    assert max(amounts) > 10


def test_alpha_is_left_alone_by_colors() -> None:
    image = np.dstack([IMAGES[0], np.arange(IMAGES[0].shape[1], dtype=np.uint8)[None].repeat(IMAGES[0].shape[0], 0)])
    alpha = augment(image, SIZE, AugmentOptions(), sampler.draw(1))[:, :, 3]
    given = {"brightness": 0.3, "contrast": 0.3, "saturation": 0.3, "pca_noise": 0.3, "random_h": 9, "random_s": 9, "random_l": 9}
    for found in outcomes(image, count=5, **given):
        assert np.array_equal(found[:, :, 3], alpha)


def test_gray_images_have_brightness_and_contrast_but_no_hue() -> None:
    gray = cv2.cvtColor(IMAGES[0], cv2.COLOR_BGR2GRAY)
    assert len({found.tobytes() for found in outcomes(gray, brightness=0.3, contrast=0.3, saturation=0.2, count=5)}) == 5
    for name in ("random_h", "pca_noise"):
        with pytest.raises(recordio.ImageFormatError, match=f"is gray: .*{name}|is gray: {name}"):
            outcomes(gray, **{name: 5})


def test_an_image_below_max_crop_size_is_refused_with_its_size() -> None:
    with pytest.raises(recordio.ImageFormatError, match="has 60 x 50 pixels, smaller than max_crop_size=55"):
        outcomes(IMAGES[0], min_crop_size=20, max_crop_size=55)


def record_iterator(**given: Any) -> loaders.ImageRecordIter:
    base = {"path_imgrec": FOLDER / "png.rec", "path_imgidx": FOLDER / "png.idx", "data_shape": (3, 32, 40), "batch_size": 3}
    return loaders.ImageRecordIter(**{**base, **given})


def test_random_contrast_and_illumination_are_mxnets_formula() -> None:
    plain = next(record_iterator()).data[0]
    given = {"max_random_contrast": 0.3, "max_random_illumination": 20.0, "scale": 0.5, "std_r": 2.0, "mean_r": 10.0}
    found = next(record_iterator(**given)).data[0]
    for row in range(3):
        slope, offset = np.polyfit(plain[row, 2].ravel(), found[row, 2].ravel(), 1)
        assert 0.35 <= slope <= 0.65
        assert -10 <= offset <= 10
        red_slope, red_offset = np.polyfit(plain[row, 0].ravel(), found[row, 0].ravel(), 1)
        assert red_slope == pytest.approx(slope / 2, rel=1e-3)
        assert red_offset == pytest.approx(offset / 2 - 10 * slope / 2, abs=1e-2)


def test_about_half_of_the_images_are_mirrored() -> None:
    plain = next(record_iterator()).data[0]
    iterator = record_iterator(rand_mirror=True)
    mirrored = []
    for _ in range(60):
        batch = next(iterator).data[0]
        for row in range(3):
            turned = np.array_equal(batch[row], plain[row, :, :, ::-1])
            assert turned or np.array_equal(batch[row], plain[row])
            mirrored.append(turned)
        iterator.reset()
    assert 60 < sum(mirrored) < 120


def test_a_mean_image_is_made_once_and_then_subtracted(tmp_path: Path) -> None:
    plain = next(record_iterator()).data[0]
    path = tmp_path / "mean.nd"
    first = next(record_iterator(mean_img=path, scale=0.5, mirror=True)).data[0]
    (mean,), names = ndarrayfile.load(path)
    assert names == ["mean_img"]
    assert np.allclose(mean, plain.mean(0), atol=1e-3)
    assert np.allclose(first, ((plain - mean) * 0.5)[..., ::-1], atol=1e-3)
    written = path.stat().st_mtime_ns
    assert np.array_equal(next(record_iterator(mean_img=path, scale=0.5, mirror=True)).data[0], first)
    assert path.stat().st_mtime_ns == written
    whole = next(record_iterator(mean_img=path, dtype="int8")).data[0]
    assert np.array_equal(whole, np.clip(plain - np.floor(mean + 0.5), -128, 127).astype(np.int8))
    with pytest.raises(recordio.FormatError, match=r"mean\.nd: .*shape \(3, 32, 40\), expected one of \(3, 20, 20\)"):
        record_iterator(mean_img=path, data_shape=(3, 20, 20))


@pytest.mark.parametrize("length", [0, 7, 20, 40, 63])
def test_a_damaged_file_of_arrays_is_an_error(tmp_path: Path, length: int) -> None:
    ndarrayfile.save(tmp_path / "a.nd", {"x": np.arange(6, dtype=np.float32).reshape(2, 3)})
    (tmp_path / "b.nd").write_bytes((tmp_path / "a.nd").read_bytes()[:length])
    with pytest.raises(recordio.FormatError, match=r"b\.nd: offset"):
        ndarrayfile.load(tmp_path / "b.nd")


@pytest.mark.parametrize("dtype", ["float32", "float64", "float16", "uint8", "int8", "int32", "int64"])
def test_arrays_come_back_from_their_file(tmp_path: Path, dtype: str) -> None:
    array = np.arange(24).reshape(2, 3, 4).astype(dtype)
    ndarrayfile.save(tmp_path / "a.nd", {"first": array, "second": array[0, 0]})
    (first, second), names = ndarrayfile.load(tmp_path / "a.nd")
    assert names == ["first", "second"]
    assert first.dtype == second.dtype == np.dtype(dtype)
    assert np.array_equal(first, array)
    assert np.array_equal(second, array[0, 0])
