"""ImageIter: MXNet's first epochs, order, ends of epochs, threads, going on where one stopped."""

from __future__ import annotations

import gc
import json
import os
import pickle
import random
import threading
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.testing import assert_array_equal

import recordio
from recordio.errors import BadSample
from recordio.loaders import Augmenter, CreateAugmenter, DataBatch, ImageIter, ImageRecordIter, copyMakeBorder, imdecode

GOLDEN = Path(__file__).resolve().parents[2] / "golden"
LOADERS = GOLDEN / "loaders"
CASES = [case for case in json.loads((LOADERS / "loaders.json").read_text())["cases"] if case["iterator"] == "ImageIter"]
SMALL: dict[str, Any] = {
    "path_imgrec": LOADERS / "small.rec",
    "path_imgidx": LOADERS / "small.idx",
    "data_shape": (3, 40, 48),
    "batch_size": 8,
}


def labels(batches: list[DataBatch]) -> list[list[float]]:
    return [batch.label[0].tolist() for batch in batches]


def same(left: list[DataBatch], right: list[DataBatch]) -> bool:
    return len(left) == len(right) and all(
        np.array_equal(a.data[0], b.data[0]) and np.array_equal(a.label[0], b.label[0]) and a.pad == b.pad
        for a, b in zip(left, right, strict=True)
    )


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_the_first_epoch_is_mxnets(case: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(LOADERS)
    batches = list(ImageIter(**case["args"]))
    assert [batch.pad for batch in batches] == case["pad"]
    assert labels(batches) == case["labels"]
    assert [list(batch.data[0].shape) for batch in batches] == case["data_shape"]
    assert {str(batch.data[0].dtype) for batch in batches} == {case["dtype"]}
    assert [batch.index.tolist() for batch in batches] == [[int(label) for label in row] for row in case["labels"]]
    pixels = np.load(LOADERS / "loaders.npz")
    if case["name"] in pixels:
        found = np.concatenate([batch.data[0] for batch in batches[:2]])
        assert np.abs(found - pixels[case["name"]]).max() <= 2


def test_pixels_are_opencvs_decode() -> None:
    batch = next(ImageIter(**SMALL))
    with recordio.IndexedReader(LOADERS / "small.rec") as reader:
        image = recordio.unpack(reader.read(3))[1]
    assert_array_equal(batch.data[0][3], cv2.imdecode(np.frombuffer(image, np.uint8), 1)[:, :, ::-1].transpose(2, 0, 1))
    assert batch.data[0].flags.c_contiguous


def test_batches_are_the_same_for_any_number_of_threads() -> None:
    epochs = []
    for threads in (0, 1, 3):
        it = ImageIter(
            **{**SMALL, "data_shape": (3, 24, 24)}, shuffle=True, rand_crop=True, rand_mirror=True, brightness=0.3, pca_noise=0.1,
            seed=5, preprocess_threads=threads,
        )  # fmt: skip
        first = list(it)
        it.reset()
        epochs.append([*first, *it])
        it.close()
    assert same(epochs[0], epochs[1])
    assert same(epochs[0], epochs[2])
    assert labels(epochs[0][:3]) != labels(epochs[0][3:])  # another order each epoch
    assert sorted({label for row in labels(epochs[0][:3]) for label in row}) == list(range(23))


def test_random_seed_determines_an_iterator_without_a_seed() -> None:
    found = []
    for _ in range(2):
        random.seed(8)
        found.append(list(ImageIter(**SMALL, shuffle=True, rand_mirror=True)))
    assert same(*found)


def test_roll_over_gives_each_record_once_an_epoch() -> None:
    it = ImageIter(**SMALL, last_batch_handle="roll_over")
    first = list(it)
    it.reset()
    second = list(it)
    assert [len(first), len(second)] == [2, 3]
    assert labels(second)[0] == [16, 17, 18, 19, 20, 21, 22, 0]
    assert {batch.pad for batch in second} == {0}
    it.hard_reset()
    assert labels(list(it))[0] == list(range(8))


def test_a_part_smaller_than_a_batch_is_repeated() -> None:
    (batch,) = list(ImageIter(**{**SMALL, "batch_size": 50}))
    assert batch.pad == 27
    assert batch.label[0].tolist() == ([*range(23)] * 3)[:50]


def _turned(folder: Path) -> Path:
    lines = (LOADERS / "small.idx").read_text().splitlines()
    (folder / "turned.idx").write_text("".join(f"{line}\n" for line in lines[::-1]))
    return folder / "turned.idx"


def test_a_state_goes_on_with_the_next_batch(tmp_path: Path) -> None:
    for end in ("pad", "roll_over"):
        given = {**SMALL, "shuffle": True, "rand_mirror": True, "seed": 3, "last_batch_handle": end}
        it = ImageIter(**given)
        list(it)
        it.reset()
        it.next()
        state = json.loads(json.dumps(it.state_dict()))
        rest = list(it)
        it.reset()
        rest += list(it)
        other = ImageIter(**given)
        other.load_state_dict(state)
        found = list(other)
        other.reset()
        assert same([*found, *other], rest)
    with pytest.raises(ValueError, match="seed 3, expected 4"):
        ImageIter(**{**given, "seed": 4}).load_state_dict(state)
    with pytest.raises(ValueError, match="augmenters "):
        ImageIter(**given, brightness=0.1).load_state_dict(state)
    with pytest.raises(ValueError, match="num_parts 1, expected 2"):
        ImageIter(**given, num_parts=2).load_state_dict(state)
    with pytest.raises(ValueError, match=r"keys '0 to 22, .*'"):
        ImageIter(**{**given, "path_imgidx": _turned(tmp_path)}).load_state_dict(state)


def test_a_state_before_the_end_keeps_what_is_rolled_over() -> None:
    it = ImageIter(**SMALL, last_batch_handle="roll_over")
    list(it)
    other = ImageIter(**SMALL, last_batch_handle="roll_over", seed=it.seed)
    other.load_state_dict(it.state_dict())
    it.reset()
    other.reset()
    assert same(list(it), list(other))


def test_pickled_and_forked_iterators_go_on() -> None:
    it = ImageIter(**SMALL, seed=1, shuffle=True, preprocess_threads=2)
    it.next()
    copy = pickle.loads(pickle.dumps(it))
    read, write = os.pipe()
    pid = os.fork()
    if not pid:
        os.write(write, json.dumps(labels(list(it))).encode())
        os._exit(0)
    os.waitpid(pid, 0)
    forked = json.loads(os.read(read, 1 << 16))
    os.close(read)
    os.close(write)
    rest = list(it)
    assert same(rest, list(copy))
    assert forked == labels(rest)


def test_without_an_idx_records_come_in_the_order_of_the_file_and_can_be_shuffled() -> None:
    given = {key: value for key, value in SMALL.items() if key != "path_imgidx"}
    assert labels(list(ImageIter(**given))) == labels(list(ImageIter(**SMALL)))
    shuffled = list(ImageIter(**given, shuffle=True, seed=2))
    assert {label for row in labels(shuffled) for label in row} == set(range(23))


def test_labels_of_width_three() -> None:
    it = ImageIter(**{**SMALL, "path_imgrec": LOADERS / "multi.rec", "path_imgidx": LOADERS / "multi.idx"}, label_width=3)
    batch = it.next()
    assert it.provide_label[0].shape == batch.label[0].shape == (8, 3)
    assert batch.label[0][2].tolist() == [2, 1, -1]
    wrong = ImageIter(**{**SMALL, "path_imgrec": LOADERS / "multi.rec", "path_imgidx": LOADERS / "multi.idx"})
    with pytest.raises(BadSample, match=r"multi\.rec: key 100: has 3 label\(s\), expected label_width=1"):
        wrong.next()


def write_list(folder: Path, rows: list[str]) -> Path:
    path = folder / "some.lst"
    path.write_text("".join(f"{row}\n" for row in rows))
    return path


def test_images_of_a_list_and_of_a_python_list_are_read(tmp_path: Path) -> None:
    names = ["space/hubble.jpg", "cat/whole face.jpg", "space/rocket.jpg"]
    path = write_list(tmp_path, [f"{10 + number}\t{number / 2}\t{name}" for number, name in enumerate(names)])
    root = GOLDEN / "images"
    listed = ImageIter(2, (3, 32, 32), path_imglist=path, path_root=root, resize=40).next()
    python = ImageIter(2, (3, 32, 32), imglist=[[n / 2, name] for n, name in enumerate(names)], path_root=root, resize=40).next()
    assert same([listed], [python])
    assert listed.label[0].tolist() == [0, 0.5]
    assert listed.index.tolist() == [10, 11]
    wide = ImageIter(2, (3, 32, 32), label_width=2, imglist=[[1, 2, names[0]], [[3, 4], names[1]]], path_root=str(root), dtype="int64")
    assert wide.next().label[0].tolist() == [[1, 2], [3, 4]]
    assert wide.read_image(names[0]) == (root / names[0]).read_bytes()


def test_labels_of_a_list_replace_those_of_the_records(tmp_path: Path) -> None:
    path = write_list(tmp_path, [f"{number}\t{100 - number}\tx.jpg" for number in range(23)])
    for idx in (SMALL["path_imgidx"], None):
        it = ImageIter(**{**SMALL, "path_imgidx": idx}, path_imglist=path)
        assert it.next().label[0].tolist() == [100 - number for number in range(8)]


def damaged(tmp_path: Path, bad: Iterable[int] = (2, 5)) -> Path:
    rec = tmp_path / "damaged.rec"
    with recordio.IndexedReader(LOADERS / "small.rec") as reader, recordio.IndexedWriter(rec) as writer:
        for key in range(12):
            header, image = recordio.unpack(reader.read(key))
            writer.write(key, recordio.pack(header, image if key not in bad else b"" if key == 2 else image[:40]))
    return rec


def test_a_bad_record_is_named_or_left_out(tmp_path: Path) -> None:
    given = {**SMALL, "path_imgrec": damaged(tmp_path), "path_imgidx": tmp_path / "damaged.idx", "batch_size": 4}
    with pytest.raises(BadSample, match=r"damaged\.rec: key 2: has no image"):
        list(ImageIter(**given))
    it = ImageIter(**given, on_bad="skip")
    batches = list(it)
    assert labels(batches) == [[0, 1, 3, 3], [4, 6, 6, 7], [8, 9, 10, 11]]
    assert batches[-1].pad == 0
    assert [bad.where.rpartition(" ")[2] for bad in it.bad] == ["2", "5"]


@pytest.mark.parametrize("threads", [0, 2])
def test_a_bad_record_is_told_when_its_batch_is_due_and_again_and_no_good_row_is_lost(tmp_path: Path, threads: int) -> None:
    bad = [5]
    given = {**SMALL, "path_imgrec": damaged(tmp_path, bad), "path_imgidx": tmp_path / "damaged.idx", "batch_size": 4, "seed": 1}
    it = ImageIter(**given, preprocess_threads=threads)
    assert labels([it.next()]) == [[0, 1, 2, 3]]
    for _ in range(3):
        with pytest.raises(BadSample, match=r"damaged\.rec: key 5"):
            it.next()
        assert it.state_dict()["position"] == 4
    skipping = ImageIter(**given, on_bad="skip")
    skipping.load_state_dict(it.state_dict())
    assert labels([skipping.next()]) == [[4, 6, 6, 7]]
    it.load_state_dict({**it.state_dict(), "position": 6})
    assert labels([it.next()]) == [[6, 7, 8, 9]]
    it.reset()
    assert it.epoch == 1
    assert labels([it.next()]) == [[0, 1, 2, 3]]


@pytest.mark.parametrize("kind", [ImageIter, ImageRecordIter])
def test_a_reset_leaves_an_epoch_whose_first_batch_is_bad(tmp_path: Path, kind: Any) -> None:
    rec, idx = damaged(tmp_path, [1]), tmp_path / "damaged.idx"
    it = kind(path_imgrec=rec, path_imgidx=idx, data_shape=SMALL["data_shape"], batch_size=4, shuffle=True, seed=5)
    told = []
    for epoch in range(20):
        assert it.epoch == epoch
        with pytest.raises(BadSample, match="key 1:") as found:
            list(it)
        before = it.state_dict()
        told.append(before.get("position", before.get("batch")))
        with pytest.raises(BadSample, match="key 1:") as again:
            it.next()
        assert str(again.value) == str(found.value)
        assert it.state_dict() == before
        it.reset()
    assert 0 in told


def test_rows_that_were_rolled_over_come_again_after_an_error(tmp_path: Path) -> None:
    given = {**SMALL, "path_imgrec": damaged(tmp_path, []), "path_imgidx": tmp_path / "damaged.idx", "batch_size": 5}
    it = Flaky(**given, last_batch_handle="roll_over")
    assert labels(list(it)) == [[0, 1, 2, 3, 4], [5, 6, 7, 8, 9]]
    it.reset()
    it.fails_at = 1
    for _ in range(2):
        with pytest.raises(OSError, match="sample 1 is away"):
            it.next()
    assert [ordinal for _, ordinal in it.state_dict()["carried"]] == [10, 11]
    it.fails_at = -1
    it.load_state_dict(it.state_dict())
    assert labels(list(it)) == [[10, 11, 0, 1, 2], [3, 4, 5, 6, 7]]


class Flaky(ImageIter):
    fails_at = -1

    def next_sample(self) -> tuple[Any, bytes]:
        if self.cur == self.fails_at:
            raise OSError(f"sample {self.cur} is away")
        return super().next_sample()


@pytest.mark.parametrize("threads", [0, 2])
def test_an_error_of_a_programs_own_samples_comes_in_its_turn(threads: int) -> None:
    it = Flaky(**{**SMALL, "batch_size": 3}, preprocess_threads=threads)
    it.fails_at = 11
    assert labels([it.next() for _ in range(3)]) == [[0, 1, 2], [3, 4, 5], [6, 7, 8]]
    for _ in range(2):
        with pytest.raises(OSError, match="sample 11 is away"):
            it.next()
    assert it.state_dict()["position"] == 9
    it.reset()
    assert labels([it.next()]) == [[0, 1, 2]]


@pytest.mark.parametrize("bad", [[2], [5, 6], [0, 1, 11], [9, 10, 11], [1, 4, 5, 10]])
@pytest.mark.parametrize("last", ["pad", "discard", "roll_over"])
def test_skipping_leaves_parts_of_one_length_and_states_exact(tmp_path: Path, bad: list[int], last: str) -> None:
    given = {**SMALL, "path_imgrec": damaged(tmp_path, bad), "path_imgidx": tmp_path / "damaged.idx", "batch_size": 3}
    given |= {"on_bad": "skip", "num_parts": 2, "last_batch_handle": last, "shuffle": True, "seed": 3, "rand_mirror": True}
    for part in range(2):
        it = ImageIter(**given, part_index=part)
        states, batches = [], []
        while True:
            states.append(it.state_dict())
            try:
                batches.append(it.next())
            except StopIteration:
                break
        assert len(batches) == len(it) == 2
        assert not {int(each) for batch in batches for each in batch.index} & set(bad)
        assert {int(each) for batch in batches for each in batch.index} == set(range(6 * part, 6 * part + 6)) - set(bad)
        for at, state in enumerate(states):
            again = ImageIter(**given, part_index=part, preprocess_threads=0)
            again.load_state_dict(state)
            assert same(list(again), batches[at:])


def test_when_all_records_are_bad_that_is_an_error(tmp_path: Path) -> None:
    given = {**SMALL, "path_imgrec": damaged(tmp_path, range(12)), "path_imgidx": tmp_path / "damaged.idx"}
    with pytest.raises(BadSample, match="nor can any other of 12 records be used"):
        ImageIter(**given, on_bad="skip").next()


def test_an_image_that_opencv_refuses_is_named_or_left_out(tmp_path: Path) -> None:
    rec = tmp_path / "narrow.rec"
    with recordio.IndexedWriter(rec) as writer:
        for number, width in enumerate((48, 40000, 48)):
            image = recordio.encode(np.zeros((40 if width == 48 else 1, width, 3), np.uint8), "png", 1)
            writer.write(number, recordio.pack(recordio.Header(0, number, number), image))

    def border(image: np.ndarray) -> np.ndarray:
        return image if image.shape[0] == 40 else copyMakeBorder(image, 1 << 30, 0, 0, 0)

    given = {**SMALL, "path_imgrec": rec, "path_imgidx": tmp_path / "narrow.idx", "batch_size": 2, "aug_list": [border]}
    with pytest.raises(BadSample, match=r"narrow\.rec: key 1: OpenCV: "):
        list(ImageIter(**given))
    assert [label for row in labels(list(ImageIter(**given, on_bad="skip"))) for label in row] == [0, 2, 2, 0]


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="needs /proc")
def test_iterators_that_nobody_holds_leave_no_files_and_no_threads() -> None:
    def left() -> tuple[int, int]:
        files = [os.readlink(f"/proc/self/fd/{fd}") for fd in os.listdir("/proc/self/fd") if os.path.lexists(f"/proc/self/fd/{fd}")]
        return files.count(str(SMALL["path_imgrec"])), sum(each.name.startswith("recordio-images") for each in threading.enumerate())

    gc.collect()
    before = left()
    gc.disable()
    try:
        for _ in range(5):
            it = ImageIter(**SMALL, preprocess_threads=2)
            it.next()
            del it
        deadline = time.monotonic() + 20
        while (left()[0] > before[0] or left()[1] > before[1]) and time.monotonic() < deadline:
            time.sleep(0.01)  # a thread that was at work ends after it
        assert left()[0] <= before[0]
        assert left()[1] <= before[1]
        with ImageIter(**SMALL, preprocess_threads=2) as it:
            it.next()
        assert left()[0] <= before[0]
    finally:
        gc.enable()


def test_gray_images_and_the_other_layout() -> None:
    gray = ImageIter(**{**SMALL, "data_shape": (1, 40, 48)}, layout="NHWC").next().data[0]
    assert gray.shape == (8, 40, 48, 1)
    with recordio.IndexedReader(LOADERS / "small.rec") as reader:
        assert_array_equal(gray[0], imdecode(recordio.unpack(reader.read(0))[1], 0))
    color = ImageIter(**SMALL, layout="NHWC")
    assert color.provide_data[0].shape == (8, 40, 48, 3)
    assert_array_equal(color.next().data[0].transpose(0, 3, 1, 2), ImageIter(**SMALL).next().data[0])


class Darker(Augmenter):
    def __call__(self, src: np.ndarray) -> np.ndarray:
        return src // 2 + random.randint(0, 50)


def test_augmenters_of_the_user_draw_in_the_order_of_the_samples() -> None:
    found = []
    for _ in range(2):
        random.seed(3)
        found.append(list(ImageIter(**SMALL, aug_list=[Darker()], seed=1)))
    assert same(*found)


class Upside(ImageIter):
    def next_sample(self) -> tuple[Any, bytes]:
        label, image = super().next_sample()
        return label + 1000, image

    def augmentation_transform(self, data: np.ndarray) -> np.ndarray:
        return super().augmentation_transform(data)[::-1]


def test_overridden_methods_are_called() -> None:
    ours, plain = Upside(**SMALL).next(), ImageIter(**SMALL).next()
    assert_array_equal(ours.data[0], plain.data[0][:, :, ::-1])
    assert_array_equal(ours.label[0], plain.label[0] + 1000)


class Particular(ImageIter):
    """Stacks each image on itself, reads files under other names, and does not want every image."""

    def check_data_shape(self, data_shape: Any) -> None:
        assert len(data_shape) == 3

    def read_image(self, fname: str) -> bytes:
        return super().read_image(fname.replace("alias", "cat"))

    def check_valid_image(self, data: np.ndarray) -> None:
        if self.cur == 2:
            raise RuntimeError("not the second one")

    def postprocess_data(self, datum: np.ndarray) -> np.ndarray:
        return np.concatenate([super().postprocess_data(datum)] * 2)


def test_overridden_methods_may_refuse_images_and_make_more_of_them(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG", "recordio.loaders")
    names = ["alias/eye.JPEG", "alias/whole face.jpg", "alias/whole face.jpg"]
    it = Particular(2, (6, 32, 32), imglist=[[number, name] for number, name in enumerate(names)], path_root=GOLDEN / "images")
    batch = it.next()
    assert batch.data[0].shape == it.provide_data[0].shape == (2, 6, 32, 32)
    assert batch.label[0].tolist() == [0, 2]
    assert_array_equal(batch.data[0][:, :3], batch.data[0][:, 3:])
    assert caplog.messages == ["invalid image, skipped: not the second one"]
    assert it.bad == []


class Counted(ImageIter):
    """Brings its own samples, five an epoch."""

    def reset(self) -> None:
        self.left = [4, 3, 2, 1, 0]
        super().reset()

    def next_sample(self) -> tuple[Any, bytes]:
        if not self.left:
            raise StopIteration
        number = self.left.pop()
        return number, self.source.read(number).image


def test_samples_of_a_subclass_end_when_it_says_so() -> None:
    it = Counted(**{**SMALL, "batch_size": 4})
    for _ in range(2):
        batches = list(it)
        assert labels(batches) == [[0, 1, 2, 3], [4, 4, 4, 4]]
        assert [batch.pad for batch in batches] == [0, 3]
        it.reset()


@pytest.mark.parametrize(
    ("given", "error", "words"),
    [
        ({"rand_flip": True}, TypeError, "rand_flip"),
        ({"shufle": True}, TypeError, "ImageIter has no parameter 'shufle'; did you mean shuffle"),
        ({"aug_list": [], "rand_miror": True}, TypeError, "ImageIter has no parameter 'rand_miror'; did you mean rand_mirror"),
        ({"aug_list": [], "resize": 3}, TypeError, "'resize' has no effect"),
        ({"last_batch_handle": "keep"}, ValueError, "last_batch_handle='keep'"),
        ({"data_shape": (2, 4, 4)}, ValueError, "data_shape"),
        ({"dtype": "uint8"}, ValueError, "dtype='uint8'"),
        ({"num_parts": 2, "part_index": 2}, ValueError, "part_index=2"),
        ({"imglist": [[1, "x.jpg"]]}, ValueError, "imglist together"),
        ({"path_imgrec": None}, ValueError, "path_imgrec"),
        ({"batch_size": 0}, ValueError, "batch_size=0"),
        ({"num_parts": 0}, ValueError, "num_parts=0, expected a whole number, at least 1"),
        ({"preprocess_threads": -1}, ValueError, "preprocess_threads=-1"),
        ({"path_root": "images"}, ValueError, "path_root='images' has no effect with path_imgrec"),
        ({"batch_size": 2.5}, ValueError, "batch_size=2.5, expected a whole number, at least 1"),
        ({"label_width": "3"}, ValueError, "label_width='3', expected a whole number"),
        ({"data_shape": (3, 4.5, 4)}, ValueError, r"data_shape=\(3, 4.5, 4\), expected \(channels, height, width\)"),
        ({"data_shape": 3}, ValueError, "data_shape=3, expected"),
        ({"shuffle": "maybe"}, ValueError, "shuffle='maybe', expected True or False"),
        ({"check": 2}, ValueError, "check=2, expected True or False"),
        ({"reuse_buffers": "no"}, ValueError, "reuse_buffers='no', expected True or False"),
        ({"rand_mirror": "no"}, ValueError, "rand_mirror='no', expected True or False"),
        ({"rand_crop": "x"}, ValueError, "rand_crop='x', expected True or False"),
        ({"rand_crop": 2}, ValueError, "rand_crop=2, expected True or False"),
        ({"rand_gray": 5}, ValueError, "rand_gray=5, expected a number from 0 to 1"),
        ({"resize": -5}, ValueError, "resize=-5, expected a whole number of pixels, or 0 for none"),
        ({"resize": 2.5}, ValueError, "resize=2.5, expected a whole number of pixels"),
        ({"brightness": -1}, ValueError, "brightness=-1, expected a number, 0 or more"),
        ({"brightness": "a"}, ValueError, "brightness='a', expected a number"),
        ({"contrast": float("nan")}, ValueError, "contrast=nan, expected a number"),
        ({"hue": -1}, ValueError, "hue=-1, expected"),
        ({"pca_noise": -1}, ValueError, "pca_noise=-1, expected"),
        ({"inter_method": 77}, ValueError, "inter_method=77, expected one of 0, 1, 2, 3, 4, 9, 10"),
        ({"mean": "a"}, ValueError, "mean='a', expected 1 or 3 numbers, or True"),
        ({"mean": [1, float("nan"), 2]}, ValueError, "mean=.*, expected finite numbers"),
        ({"std": [0, 0, 0]}, ValueError, r"std=\[0, 0, 0\], expected numbers above 0"),
        ({"path_imgrec": None, "imglist": [[1, "x.jpg"]]}, ValueError, "path_imgidx has no effect"),
        ({"path_imgrec": None, "path_imglist": LOADERS / "labels.lst"}, ValueError, "path_imgidx=.* has no effect"),
    ],
)
def test_wrong_arguments_are_named(given: dict[str, Any], error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        ImageIter(**{**SMALL, **given})


@pytest.mark.parametrize(
    "given",
    [
        {"shuffle": 1, "rand_crop": 0, "rand_mirror": 1.0, "check": np.True_},
        {"rand_crop": True, "rand_resize": np.int64(1), "resize": np.int64(44), "brightness": np.float32(0.1), "rand_gray": np.array(0.5)},
        {"resize": 0, "mean": True, "std": np.True_},
        {"resize": -1, "mean": (1, 2, 3), "std": [2]},
        {"mean": np.array([1.0, 2, 3]), "std": False, "data_shape": [np.int64(3), 40, 48], "dtype": np.dtype("float32")},
        *({"inter_method": method, "resize": 50} for method in (0, 1, 2, 3, 4, 9, np.int32(10))),
    ],
)
def test_what_programs_give_for_a_value_is_taken(given: dict[str, Any]) -> None:
    assert next(ImageIter(**{**SMALL, **given})).data[0].shape == (8, 3, 40, 48)


def test_a_wrong_shape_for_augmenters_is_named() -> None:
    with pytest.raises(ValueError, match=r"data_shape=\(3,\), expected \(channels, height, width\)"):
        CreateAugmenter((3,))
