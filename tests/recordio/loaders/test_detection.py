"""Iterators for detection: labels and their filling, boxes that follow the pixels, arguments."""

from __future__ import annotations

import dataclasses
import json
import re
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import recordio
from recordio import loaders
from recordio.errors import BadSample
from recordio.loaders import ImageDetIter, ImageDetRecordIter, sampler
from recordio.loaders.detaugment import _propose, _within, augment
from recordio.loaders.detoptions import DetAugmentOptions, DetLabelOptions, DetNormaliseOptions
from recordio.loaders.imagerecord import ReadOptions

IMAGES = 11


def picture(number: int) -> tuple[np.ndarray, list[float]]:
    """A black image with a white rectangle, and the rectangle's box."""
    image = np.zeros((60 + 4 * number, 80, 3), np.uint8)
    image[20:44, 10:50] = 255
    height, width = image.shape[:2]
    return image, [10 / width, 20 / height, 50 / width, 44 / height]


def write_set(folder: Path, **changed: list[float]) -> Path:
    rec = folder / "objects.rec"
    with recordio.IndexedWriter(rec) as writer:
        for number in range(IMAGES):
            image, box = picture(number)
            label = changed.get(f"label{number}") or [2, 6, *([number, *box, 0.5] * (1 + number % 3))]
            writer.write(number, recordio.pack(recordio.Header(0, label, number), recordio.encode(image, "png", 1)))
    return rec


@pytest.fixture
def rec(tmp_path: Path) -> Path:
    return write_set(tmp_path)


def boxes_of(row: np.ndarray) -> np.ndarray:
    """The objects of a label row of ImageDetRecordIter."""
    return row[6 : 4 + int(row[3])].reshape(-1, 6)


def rectangle(data: np.ndarray, rows: int, columns: int) -> list[float]:
    """The box of what is nearly white."""
    y, x = np.nonzero(data[0, :rows, :columns] > 200)
    return [x.min() / columns, y.min() / rows, (x.max() + 1) / columns, (y.max() + 1) / rows]


def test_a_label_row_tells_size_and_number_and_is_filled_up(rec: Path) -> None:
    batches = list(ImageDetRecordIter(path_imgrec=rec, data_shape=(3, 50, 50), batch_size=4))
    assert [batch.pad for batch in batches] == [0, 0, 1]
    assert [batch.index.tolist() for batch in batches] == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9, 10, 0]]
    rows = np.concatenate([batch.label[0] for batch in batches])[:IMAGES]
    assert rows.shape == (IMAGES, 4 + 2 + 3 * 6)
    for number, row in enumerate(rows):
        objects = 1 + number % 3
        assert row[:6].tolist() == [3, 50, 50, 2 + 6 * objects, 2, 6]
        assert_allclose(boxes_of(row), [[number, *picture(number)[1], 0.5]] * objects, rtol=1e-6)
        assert (row[4 + int(row[3]) :] == -1).all()


def test_labels_are_filled_to_a_width_and_with_a_value_of_choice(rec: Path) -> None:
    it = ImageDetRecordIter(path_imgrec=str(rec), data_shape="(3, 50, 50)", batch_size=4, label_pad_width=40, label_pad_value=7)
    batch = it.next()
    assert it.provide_label[0].shape == batch.label[0].shape == (4, 44)
    assert (batch.label[0][0, 12:] == 7).all()
    with pytest.raises(ValueError, match=r"label_pad_width=19, expected at least 20, the labels of .*objects\.rec: key 2"):
        ImageDetRecordIter(path_imgrec=rec, data_shape=(3, 50, 50), batch_size=4, label_pad_width=19)


@pytest.mark.parametrize(
    ("mode", "size", "expected"),
    [
        ("force", (50, 70), (50, 70)),
        ("shrink", (50, 70), (50, 66)),
        ("shrink", (100, 100), (60, 80)),
        ("fit", (50, 70), (50, 66)),
        ("fit", (120, 120), (90, 120)),
    ],
)
def test_resize_modes(rec: Path, mode: str, size: tuple[int, int], expected: tuple[int, int]) -> None:
    batch = ImageDetRecordIter(path_imgrec=rec, data_shape=(3, *size), batch_size=1, resize_mode=mode).next()
    assert batch.data[0].shape == (1, 3, *size)
    assert batch.label[0][0, 1:3].tolist() == list(expected)
    resized = cv2.resize(picture(0)[0], expected[::-1])
    assert_array_equal(batch.data[0][0, :, : expected[0], : expected[1]], resized.transpose(2, 0, 1))
    assert not batch.data[0][0, :, expected[0] :].any()
    assert not batch.data[0][0, :, :, expected[1] :].any()


def test_mean_deviation_and_scale_and_what_is_not_image_is_black(rec: Path) -> None:
    given: dict[str, Any] = {"path_imgrec": rec, "data_shape": (3, 90, 90), "batch_size": 2, "resize_mode": "shrink"}
    plain = ImageDetRecordIter(**given).next().data[0]
    normal = ImageDetRecordIter(**given, mean_r=10, mean_g=20, mean_b=30, std_r=2, std_g=4, std_b=0, scale=0.5).next().data[0]
    mean, std = np.array([10, 20, 30])[:, None, None], np.array([2, 4, 1])[:, None, None]
    assert_allclose(normal, (plain - mean) / std * 0.5, atol=1e-4)


def test_boxes_follow_mirror_pad_and_crop(rec: Path) -> None:
    it = ImageDetRecordIter(
        path_imgrec=rec, data_shape=(3, 80, 80), batch_size=4, rand_mirror_prob=0.5, rand_pad_prob=0.5, max_pad_scale=2,
        rand_crop_prob=0.5, num_crop_sampler=2, min_crop_scales=(0.5, 0.8), min_crop_object_coverages=0.3, fill_value=30,
        max_crop_aspect_ratios=2, min_crop_aspect_ratios=0.5, inter_method=0, seed=3,
    )  # fmt: skip
    found = []
    for _ in range(3):
        for batch in it:
            for data, row in zip(batch.data[0], batch.label[0], strict=True):
                assert_allclose(boxes_of(row)[0, 1:5], rectangle(data, 80, 80), atol=0.03)
                found.append(tuple(boxes_of(row)[0, 1:5].tolist()))
        it.reset()
    assert len(set(found)) > 25


def test_boxes_follow_the_fit_into_a_corner(rec: Path) -> None:
    for batch in ImageDetRecordIter(path_imgrec=rec, data_shape=(3, 64, 48), batch_size=4, resize_mode="fit", inter_method=0):
        for data, row in zip(batch.data[0], batch.label[0], strict=True):
            assert_allclose(boxes_of(row)[0, 1:5], rectangle(data, int(row[1]), int(row[2])), atol=0.03)


def test_batches_are_the_same_for_any_number_of_threads_and_go_on_from_a_state(rec: Path) -> None:
    given: dict[str, Any] = {
        "path_imgrec": rec, "data_shape": (3, 40, 40), "batch_size": 4, "shuffle": True, "rand_crop_prob": 0.7, "min_crop_scales": 0.3,
        "random_hue_prob": 0.5, "max_random_hue": 30, "random_contrast_prob": 1, "max_random_contrast": 0.5, "seed": 9,
    }  # fmt: skip
    one, three = list(ImageDetRecordIter(**given, preprocess_threads=1)), list(ImageDetRecordIter(**given, preprocess_threads=3))
    for left, right in zip(one, three, strict=True):
        assert_array_equal(left.data[0], right.data[0])
        assert_array_equal(left.label[0], right.label[0])
    it = ImageDetRecordIter(**given)
    it.next()
    other = ImageDetRecordIter(**given)
    other.load_state_dict(json.loads(json.dumps(it.state_dict())))
    assert_array_equal(other.next().label[0], one[1].label[0])


def test_crops_keep_to_their_limits() -> None:
    options = DetAugmentOptions(
        rand_crop_prob=1, min_crop_scales=(0.2,), max_crop_scales=(0.9,), min_crop_aspect_ratios=(0.5,), max_crop_aspect_ratios=(2.0,),
        min_crop_overlaps=(0.3,),
    )  # fmt: skip
    limits = options.limits(0)
    objects = np.array([[0, 0.1, 0.1, 0.5, 0.5], [1, 0.6, 0.6, 0.9, 0.9]])
    within = 0
    for number in range(300):
        place = _propose(100, 200, limits, sampler.draw(number))
        if place is None:
            continue
        x, y, w, h = place
        assert 0 <= x <= x + w <= 200
        assert 0 <= y <= y + h <= 100
        assert 0.15**2 <= w * h / 20000 <= 0.9**2
        assert 0.42 <= w / h <= 2.3
        region = (x / 200, y / 100, (x + w) / 200, (y + h) / 100)
        unions = []
        for box in objects[:, 1:]:
            shared = max(0, min(box[2], region[2]) - max(box[0], region[0])) * max(0, min(box[3], region[3]) - max(box[1], region[1]))
            unions.append(shared / ((box[2] - box[0]) * (box[3] - box[1]) + w * h / 20000 - shared))
        assert _within(objects, region, limits) == (max(unions) >= 0.3)
        within += max(unions) >= 0.3
    assert 10 < within < 290


@pytest.mark.parametrize("mode", ["center", "overlap"])
def test_objects_outside_a_crop_are_dropped(mode: str) -> None:
    options = DetAugmentOptions(
        rand_crop_prob=1, min_crop_scales=(0.3,), max_crop_scales=(0.6,), crop_emit_mode=mode, emit_overlap_thresh=0.5
    )
    image = np.zeros((100, 100, 3), np.uint8)
    objects = np.array([[0, 0.1, 0.1, 0.3, 0.3], [1, 0.5, 0.5, 0.7, 0.7], [2, 0.7, 0.1, 0.9, 0.3]], np.float32)
    counts = set()
    for number in range(60):
        _, kept = augment(image, objects, (50, 50), options, sampler.draw(number))
        counts.add(len(kept))
        assert (kept[:, 1:5] >= 0).all()
        assert (kept[:, 1:5] <= 1).all()
        assert (kept[:, 3:5] > kept[:, 1:3]).all()
    assert {1, 2} <= counts <= {1, 2, 3}


@pytest.mark.parametrize(
    ("given", "error", "words"),
    [
        ({"rand_crop": 1}, TypeError, "no parameter 'rand_crop'; did you mean rand_crop_prob"),
        ({"mirror": True}, TypeError, "no parameter 'mirror'"),
        ({"scaled_decode": True}, TypeError, "scaled_decode"),
        ({"resize_mode": "crop"}, ValueError, "resize_mode='crop'"),
        ({"aug_seq": "aug_default"}, ValueError, "aug_seq"),
        ({"crop_emit_mode": "none"}, ValueError, "crop_emit_mode"),
        ({"num_crop_sampler": 2, "min_crop_scales": (0.1, 0.2, 0.3)}, ValueError, "min_crop_scales has 3 values"),
        ({"min_crop_overlaps": 0.9, "max_crop_overlaps": 0.3}, ValueError, "min_crop_overlaps=0.9"),
        ({"max_crop_scales": 2}, ValueError, "max_crop_scales=2"),
        ({"data_shape": (1, 9, 9), "random_hue_prob": 1}, ValueError, "random_hue_prob"),
        ({"label_pad_width": "wide"}, ValueError, "label_pad_width='wide'"),
        ({"random_hue_prob": 0.5}, ValueError, "random_hue_prob=0.5 has no effect with max_random_hue=0"),
        ({"rand_pad_prob": 0.5}, ValueError, "rand_pad_prob=0.5 has no effect with max_pad_scale=1"),
        ({"rand_crop_prob": 1, "num_crop_sampler": 0}, ValueError, "rand_crop_prob=1.0 has no effect with num_crop_sampler=0"),
        ({"rand_mirror_prob": 1.5}, ValueError, "rand_mirror_prob=1.5"),
        ({"path_root": "images"}, ValueError, "path_root='images' has no effect"),
        ({"mean_a": 1}, ValueError, "mean_a=1.0 has no effect on images of 3 channel"),
    ],
)
def test_wrong_arguments_are_named(rec: Path, given: dict[str, Any], error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        ImageDetRecordIter(**{"path_imgrec": rec, "data_shape": (3, 50, 50), "batch_size": 4, **given})


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"rand_crop": 2}, "rand_crop=2, expected a number from 0 to 1"),
        ({"rand_pad": -1}, "rand_pad=-1, expected a number from 0 to 1"),
        ({"rand_mirror": 0.5}, "rand_mirror=0.5, expected True or False"),
        ({"min_object_covered": 2}, "min_object_covered=2, expected a number from 0 to 1"),
        ({"min_object_covered": [0.1, "x"]}, "min_object_covered='x', expected a number from 0 to 1"),
        ({"min_eject_coverage": -3}, "min_eject_coverage=-3, expected a number from 0 to 1"),
        ({"area_range": (0.5, 0.1)}, r"area_range=\(0.5, 0.1\), expected an ascending pair"),
        ({"area_range": (0.5,)}, r"area_range=\(0.5,\), expected an ascending pair"),
        ({"aspect_ratio_range": (2, 1)}, r"aspect_ratio_range=\(2, 1\), expected an ascending pair"),
        ({"aspect_ratio_range": (0, 1)}, r"aspect_ratio_range=\(0, 1\), expected numbers above 0"),
        ({"rand_pad": 0.5, "area_range": (0.1, 0.9)}, r"rand_pad=0.5 has no effect with area_range=\(0.1, 0.9\), expected one"),
        (
            {"max_attempts": [9, 9], "min_object_covered": [0.1] * 3},
            r"max_attempts=\[9, 9\] has 2 values, expected one for all crops, or 3",
        ),
        ({"mean": 5}, "mean=5, expected 1 or 3 numbers, or True"),
        ({"max_attempts": -1}, "max_attempts=-1, expected a whole number, at least 1"),
        ({"pad_val": (1, 2)}, r"pad_val=\(1, 2\), expected a number, or one for each channel"),
        ({"pad_val": "black"}, "pad_val='black', expected a number"),
        ({"inter_method": 88}, "inter_method=88, expected one of 0, 1"),
        ({"resize": 2.5}, "resize=2.5, expected a whole number of pixels"),
        ({"hue": -1}, "hue=-1, expected a number, 0 or more"),
    ],
)
def test_wrong_arguments_of_the_iterator_in_python_are_named_whether_they_are_used_or_not(
    rec: Path, given: dict[str, Any], words: str
) -> None:
    with pytest.raises(ValueError, match=words):
        ImageDetIter(4, (3, 50, 50), path_imgrec=rec, **given)
    with pytest.raises(ValueError, match=words):
        loaders.CreateDetAugmenter((3, 50, 50), **given)


@pytest.mark.parametrize("given", [{"rand_crop": True}, {"rand_crop": 0.5, "rand_pad": np.float32(0.5)}, {"rand_crop": 1, "pad_val": 3}])
def test_a_probability_may_be_true_or_a_number(rec: Path, given: dict[str, Any]) -> None:
    assert next(ImageDetIter(4, (3, 50, 50), path_imgrec=rec, **given)).data[0].shape == (4, 3, 50, 50)


@pytest.mark.parametrize(
    ("label", "words"),
    [
        ([1, 2], r"2 label\(s\), expected at least 7"),
        ([2, 4, 0, 0, 0, 1, 1], "start with 2, 4"),
        ([2, 5, 0, 0, 0, 1, 1, 3], "a multiple of 5"),
    ],
)
def test_labels_that_are_not_for_detection_are_named(tmp_path: Path, label: list[float], words: str) -> None:
    rec = write_set(tmp_path, label3=label)
    with pytest.raises(BadSample, match=f"objects.rec: key 3: .*{words}"):
        ImageDetRecordIter(path_imgrec=rec, data_shape=(3, 50, 50), batch_size=4).next()
    with pytest.raises(BadSample, match=f"objects.rec: key 3: .*{words}"):
        ImageDetIter(4, (3, 50, 50), path_imgrec=rec)
    it = ImageDetIter(4, (3, 50, 50), path_imgrec=rec, on_bad="skip")
    assert [index for batch in it for index in batch.index.tolist()] == [0, 1, 2, 4, 4, 5, 6, 7, 8, 9, 10, 0]
    assert len(it.bad) == 1


def test_an_object_without_width_is_dropped(tmp_path: Path) -> None:
    rec = write_set(tmp_path, label0=[2, 6, 1, 0.1, 0.1, 0.1, 0.4, 0, 2, 0.1, 0.1, 0.4, 0.4, 0])
    row = ImageDetRecordIter(path_imgrec=rec, data_shape=(3, 50, 50), batch_size=1).next().label[0][0]
    assert boxes_of(row)[:, 0].tolist() == [2]


def test_image_det_iter_gives_objects_in_rows(rec: Path) -> None:
    it = ImageDetIter(4, (3, 50, 50), path_imgrec=rec, path_imgidx=rec.with_suffix(".idx"))
    assert it.label_shape == (3, 6)
    assert it.provide_label[0] == ("label", (4, 3, 6))
    batches = list(it)
    labels = np.concatenate([batch.label[0] for batch in batches])[:IMAGES]
    for number, label in enumerate(labels):
        objects = 1 + number % 3
        assert_allclose(label[:objects], [[number, *picture(number)[1], 0.5]] * objects, rtol=1e-6)
        assert (label[objects:] == -1).all()
    assert_array_equal(batches[0].data[0][1], cv2.resize(picture(1)[0], (50, 50), interpolation=2).transpose(2, 0, 1))
    assert batches[-1].pad == 1


def test_image_det_iter_augments_boxes_with_the_image(rec: Path) -> None:
    it = ImageDetIter(
        4, (3, 80, 80), path_imgrec=rec, rand_crop=0.5, rand_pad=0.5, rand_mirror=True, min_object_covered=0.5, seed=1, inter_method=0,
        shuffle=True
    )  # fmt: skip
    found = set()
    for _ in range(3):
        for batch in it:
            for data, label in zip(batch.data[0], batch.label[0], strict=True):
                assert_allclose(label[0, 1:5], rectangle(data, 80, 80), atol=0.03)
                found.add(tuple(label[0, 1:5].tolist()))
        it.reset()
    assert len(found) > 25


def test_label_shapes_can_grow_and_be_synchronised(rec: Path, tmp_path: Path) -> None:
    (tmp_path / "one").mkdir()
    single = write_set(tmp_path / "one", **{f"label{number}": [2, 6, 1, 0.1, 0.1, 0.4, 0.4, 0] for number in range(IMAGES)})
    train, val = ImageDetIter(4, (3, 50, 50), path_imgrec=rec), ImageDetIter(2, (3, 50, 50), path_imgrec=single)
    assert val.label_shape == (1, 6)
    assert train.sync_label_shape(val) is val
    assert val.label_shape == (3, 6)
    assert val.next().label[0].shape == (2, 3, 6)
    train.reshape(label_shape=(5, 6))
    assert train.next().label[0].shape == (4, 5, 6)
    with pytest.raises(ValueError, match="at least 5 objects"):
        train.reshape(label_shape=(2, 6))
    with pytest.raises(ValueError, match="objects of 6 values"):
        train.reshape(label_shape=(5, 7))


def test_a_change_of_the_label_shape_is_logged_when_that_is_asked_for(rec: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", "recordio.loaders")
    train, val = (ImageDetIter(4, (3, 60, 80), path_imgrec=rec) for _ in range(2))
    train.reshape(label_shape=(9, train.label_shape[1]))
    train.sync_label_shape(val, verbose=True)
    assert caplog.messages == [f"label_shape of both: (9, {train.label_shape[1]})"]
    train.sync_label_shape(val, verbose=True)
    train.reshape(label_shape=(12, train.label_shape[1]))
    train.sync_label_shape(val)
    assert len(caplog.messages) == 1


@pytest.mark.parametrize("name", ["label_width", "dtype"])
def test_the_iterator_in_python_has_no_arguments_of_labels_that_are_no_objects(rec: Path, name: str) -> None:
    with pytest.raises(TypeError, match=f"ImageDetIter has no argument '{name}'"):
        ImageDetIter(4, (3, 60, 80), path_imgrec=rec, **{name: "int32"})


def test_amounts_may_stand_beside_a_probability_of_zero(rec: Path) -> None:
    """Programs for MXNet turn things off like that."""
    off = {"random_hue_prob": 0, "max_random_hue": 18, "rand_pad_prob": 0, "max_pad_scale": 4, "fill_value": 127}
    ImageDetRecordIter(path_imgrec=rec, data_shape=(3, 50, 50), batch_size=4, **off)


def test_drawing_shows_the_boxes(rec: Path) -> None:
    it = ImageDetIter(4, (3, 60, 80), path_imgrec=rec, mean=True, std=True)
    drawn = list(it.draw_next(color=(255, 0, 0), thickness=1, mean=True, std=True, id2labels={0: "first"}))
    assert len(drawn) == IMAGES
    assert drawn[3].shape == (60, 80, 3)
    assert drawn[3].dtype == np.uint8
    assert (drawn[3][20:40, 10] == (0, 0, 255)).all(axis=1).any()  # BGR


def test_every_name_and_parameter_is_documented() -> None:
    page = (Path(__file__).resolve().parents[3] / "docs" / "image.md").read_text(encoding="utf-8")
    options = [
        field.name for cls in (DetLabelOptions, DetAugmentOptions, DetNormaliseOptions, ReadOptions) for field in dataclasses.fields(cls)
    ]
    missing = [name for name in options if name not in ("scaled_decode", "seed_aug") and f"`{name}`" not in page]
    assert not missing
    own = (
        "augmenters",
        "coloring",
        "datasets",
        "detaugmenters",
        "detrecipes",
        "image",
        "imagedetiter",
        "imagedetrecord",
        "imageiter",
        "recipes",
        "rotation",
    )
    assert not [name for module in own for name in loaders._HOMES[module] if not re.search(rf"\b{name}\b", page)]


MIDDLE = np.array([[0, 0.4, 0.4, 0.6, 0.6]])


def _areas(count: int = 300, **given: Any) -> Any:
    """Return the share of the image that an object, a twenty-fifth at first, has after each of some crops."""
    options = DetAugmentOptions(rand_crop_prob=1, min_crop_scales=(0.1,), **given)
    image = np.zeros((100, 100, 3), np.uint8)
    found = [augment(image, MIDDLE, (100, 100), options, sampler.draw(5, number))[1] for number in range(count)]
    return np.array([np.prod(each[0, 3:5] - each[0, 1:3]) for each in found])


def test_crops_keep_to_the_share_that_objects_may_have_of_them() -> None:
    free, kept = _areas(), _areas(min_crop_sample_coverages=(0.1,), max_crop_sample_coverages=(0.4,))
    cropped = kept[np.abs(kept - 0.04) > 1e-6]
    assert ((free < 0.1) & (free > 0.0401)).any()
    assert (free > 0.41).any()
    assert len(cropped) > 200
    assert 0.0999 <= cropped.min() < 0.13
    assert 0.35 < cropped.max() <= 0.4001


def test_more_trials_find_more_crops() -> None:
    limits = {"min_crop_sample_coverages": (0.1,), "max_crop_sample_coverages": (0.4,)}
    found = [int((np.abs(_areas(max_crop_trials=(trials,), **limits) - 0.04) > 1e-6).sum()) for trials in (1, 4, 25)]
    assert 0 < found[0] < found[1] < found[2]


@pytest.mark.parametrize(("name", "channel"), [("illumination", 1), ("saturation", 2)])
def test_lightness_and_saturation_change_by_their_amount_with_their_probability(name: str, channel: int) -> None:
    hls = np.full((4, 4, 3), (60, 120, 130), np.uint8)
    image = cv2.cvtColor(hls, cv2.COLOR_HLS2BGR)
    before = cv2.cvtColor(image, cv2.COLOR_BGR2HLS)[0, 0].astype(int)

    def changes(probability: float) -> Any:
        options = DetAugmentOptions(**{f"random_{name}_prob": probability, f"max_random_{name}": 40})
        made = [augment(image, MIDDLE, (4, 4), options, sampler.draw(6, number))[0] for number in range(400)]
        return np.array([cv2.cvtColor(each, cv2.COLOR_BGR2HLS)[0, 0].astype(int) - before for each in made])

    always, half = changes(1), changes(0.5)
    others = [each for each in range(3) if each != channel]
    assert np.abs(always[:, others]).max() <= 3  # 8-bit HLS and back
    assert -42 <= always[:, channel].min() < -34
    assert 34 < always[:, channel].max() <= 42
    assert (np.abs(always[:, channel]) <= 1).mean() < 0.1
    assert 0.4 < (np.abs(half[:, channel]) <= 1).mean() < 0.65
