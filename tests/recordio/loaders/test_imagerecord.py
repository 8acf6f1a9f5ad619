"""ImageRecordIter against the first epochs that MXNet 1.9.1's own iterators gave, and what it promises beyond them."""

from __future__ import annotations

import inspect
import itertools
import json
import os
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

import recordio
from recordio import loaders
from recordio.loaders import augment, memory, ndarrayfile

FOLDER = Path(__file__).resolve().parents[2] / "golden" / "loaders"
CASES = [case for case in json.loads((FOLDER / "loaders.json").read_text())["cases"] if case["iterator"].startswith("ImageRecord")]
PIXELS = np.load(FOLDER / "loaders.npz")
BASE: dict[str, Any] = {
    "path_imgrec": FOLDER / "small.rec",
    "path_imgidx": FOLDER / "small.idx",
    "data_shape": (3, 40, 48),
    "batch_size": 8,
    "verbose": False,
}


def make(**given: Any) -> loaders.ImageRecordIter:
    return loaders.ImageRecordIter(**{**BASE, **given})


def batches(iterator: loaders.ImageRecordIter) -> list[tuple[Any, ...]]:
    return [(batch.data[0].copy(), batch.label[0].copy(), batch.pad, batch.index.copy()) for batch in iterator]


def same(first: list[tuple[Any, ...]], second: list[tuple[Any, ...]]) -> bool:
    return len(first) == len(second) and all(
        np.array_equal(a, b) for x, y in zip(first, second, strict=True) for a, b in zip(x, y, strict=True)
    )


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_the_first_epoch_is_mxnets(case: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(FOLDER)
    iterator = getattr(loaders, case["iterator"])(**case["args"])
    found = list(iterator)
    assert len(found) == len(iterator) == case["batches"]
    assert [batch.pad for batch in found] == case["pad"]
    assert [list(batch.data[0].shape) for batch in found] == case["data_shape"]
    assert {str(batch.data[0].dtype) for batch in found} == {case["dtype"]}
    assert [batch.label[0].tolist() for batch in found] == case["labels"]
    assert [len(batch.index) for batch in found] == [len(index) for index in case["index"]]  # MXNet's are all 0
    if "path_imglist" not in case["args"]:
        headers = [recordio.unpack(payload)[0] for rec in case["args"]["path_imgrec"].split(";") for payload in recordio.Reader(rec)]
        labels = {header.id: np.ravel(header.label).tolist() for header in headers}
        assert len(labels) == len(headers)
        for batch in found:
            rows = zip(batch.index.tolist(), batch.label[0].reshape(len(batch.index), -1).tolist(), strict=True)
            assert all(row == (labels[id_] if id_ in labels else [0] * len(row)) for id_, row in rows)
    if case["name"] in PIXELS:
        pixels = np.concatenate([batch.data[0] for batch in found][:2])
        assert np.abs(pixels.astype(np.float64) - PIXELS[case["name"]]).max() <= 2 * case["args"].get("scale", 1)


def test_there_is_a_golden_case_of_each_kind() -> None:
    assert {case["iterator"] for case in CASES} == {"ImageRecordIter", "ImageRecordUInt8Iter", "ImageRecordInt8Iter"}
    assert len(CASES) == 17


def test_pixels_are_those_of_opencv_and_the_index_has_the_ids() -> None:
    batch = next(make(dtype="uint8"))
    for row, payload in zip(range(8), recordio.Reader(FOLDER / "small.rec"), strict=False):
        header, image = recordio.unpack(payload)
        decoded = cv2.imdecode(np.frombuffer(image, np.uint8), cv2.IMREAD_COLOR)
        assert np.array_equal(batch.data[0][row], decoded[:, :, ::-1].transpose(2, 0, 1))
        assert batch.index[row] == header.id


EVERYTHING: dict[str, Any] = {
    "data_shape": (3, 24, 24),
    "resize": 36,
    "rand_crop": True,
    "rand_mirror": True,
    "shuffle": True,
    "max_rotate_angle": 20,
    "max_shear_ratio": 0.1,
    "max_random_scale": 1.2,
    "brightness": 0.2,
    "contrast": 0.2,
    "saturation": 0.2,
    "pca_noise": 0.1,
    "random_h": 10,
    "random_s": 10,
    "random_l": 10,
    "inter_method": 10,
    "max_random_contrast": 0.1,
    "max_random_illumination": 5.0,
    "seed": 11,
}


def test_batches_are_the_same_for_any_number_of_threads_and_change_with_epoch_and_seed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("recordio.loaders.imagerecord.processors", lambda: 8)
    iterators = [make(**EVERYTHING, preprocess_threads=threads, prefetch_buffer=ahead) for threads, ahead in ((1, 1), (2, 4), (7, 2))]
    epochs = []
    for _ in range(2):
        found = [batches(iterator) for iterator in iterators]
        assert same(found[0], found[1])
        assert same(found[0], found[2])
        epochs.append(found[0])
        for iterator in iterators:
            iterator.reset()
    assert not same(*epochs)
    assert not same(epochs[0], batches(make(**{**EVERYTHING, "seed": 12})))
    augmented_otherwise = batches(make(**EVERYTHING, seed_aug=4))
    assert [row[1].tolist() for row in augmented_otherwise] == [row[1].tolist() for row in epochs[0]]
    assert not same(augmented_otherwise, epochs[0])


def test_a_second_epoch_starts_at_the_first_record() -> None:
    iterator = make()
    first = batches(iterator)
    iterator.reset()
    assert same(first, batches(iterator))
    assert list(iterator) == []


def test_a_reset_before_the_first_batch_changes_nothing() -> None:
    iterator = make(shuffle=True)
    iterator.reset()
    assert same(batches(iterator), batches(make(shuffle=True)))


@pytest.mark.parametrize("at", [0, 1, 2, 3, 4])
def test_a_state_goes_on_in_the_middle_of_an_epoch(at: int) -> None:
    whole = make(**EVERYTHING)
    everything = [*batches(whole), *((whole.reset(), batches(whole))[1])]
    iterator = make(**EVERYTHING)
    for number in range(at):
        if number == 3:
            iterator.reset()
        next(iterator)
    state = json.loads(json.dumps(iterator.state_dict()))
    other = make(**EVERYTHING)
    other.load_state_dict(state)
    rest = batches(other)
    other.reset()
    rest += batches(other)
    assert same(rest[: 6 - at], everything[at:])


def test_a_state_of_another_iterator_is_refused() -> None:
    state = make(seed=3).state_dict()
    with pytest.raises(ValueError, match=r"another iterator: seeds \[3, 0, 3\], expected \[0, 0, 0\]"):
        make().load_state_dict(state)
    with pytest.raises(ValueError, match="batch_size 8, expected 4"):
        make(batch_size=4).load_state_dict(make().state_dict())
    with pytest.raises(ValueError, match="version 7"):
        make().load_state_dict({"version": 7})
    with pytest.raises(ValueError, match="version 1, expected 2: this release cannot go on from it"):
        make().load_state_dict({**make().state_dict(), "version": 1})


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"num_parts": 2}, "num_parts 2, expected 1"),
        ({"num_parts": 2, "part_index": 1}, "part_index 1, expected 0"),
        ({"shuffle": True}, "shuffle True, expected False"),
        ({"shuffle": True, "shuffle_across_parts": True}, "shuffle_across_parts True, expected False"),
        ({"shuffle_chunk_size": 1}, "chunks '1, .*', expected 0"),
        ({"last_batch": "discard"}, "last 'discard', expected 'wrap'"),
        ({"rand_crop": True, "mean_r": 3}, "rand_crop True, expected its default; mean_r 3.0, expected its default"),
        ({"dtype": "uint8"}, "dtype 'uint8', expected 'float32'"),
        ({"data_shape": (3, 20, 20)}, r"data_shape \[3, 20, 20\], expected \[3, 40, 48\]"),
        ({"rotate_list": (10, 20)}, r"rotate_list \[10, 20\], expected its default"),
    ],
)
def test_a_state_of_an_iterator_that_differs_in_anything_is_refused(given: dict[str, Any], words: str) -> None:
    state = json.loads(json.dumps(make(**given).state_dict()))
    with pytest.raises(ValueError, match=words):
        make().load_state_dict(state)
    with pytest.raises(ValueError, match="another iterator"):
        make(**given).load_state_dict(make().state_dict())
    other = make(**given, preprocess_threads=1, prefetch_buffer=0, on_bad="skip", reuse_buffers=True)
    other.load_state_dict(state)


def test_a_state_of_records_with_other_keys_is_refused(tmp_path: Path) -> None:
    image = recordio.unpack(next(iter(recordio.Reader(FOLDER / "small.rec"))))[1]
    kinds = [write(tmp_path / f"{first}.rec", [image] * 5, first) for first in (0, 7)]
    state = make(path_imgrec=kinds[0], path_imgidx=kinds[0].with_suffix(".idx")).state_dict()
    with pytest.raises(ValueError, match=r"keys '0 to 4, .*', expected '7 to 11, .*'"):
        make(path_imgrec=kinds[1], path_imgidx=kinds[1].with_suffix(".idx")).load_state_dict(state)


@pytest.mark.parametrize("last", ["zero", "pad", "discard", "short"])
@pytest.mark.parametrize("part", [0, 1, 2])
def test_a_state_goes_on_in_any_part_and_with_any_last_batch(last: str, part: int) -> None:
    given = {**EVERYTHING, "batch_size": 3, "num_parts": 3, "part_index": part, "last_batch": last}
    iterator = make(**given)
    iterator.reset()
    states, found = [], []
    for _ in range(2):
        for at in range(len(iterator) + 1):
            states.append(json.loads(json.dumps(iterator.state_dict())))
            found += [] if at == len(iterator) else batches(next(iterator) for _ in range(1))
        iterator.reset()
    for state in states:
        other = make(**given)
        other.load_state_dict(state)
        rest = batches(other)
        first = state["epoch"] * len(iterator) + state["batch"]
        assert same(rest, found[first : (state["epoch"] + 1) * len(iterator)])


def test_a_pickled_iterator_goes_on_where_it_was() -> None:
    iterator = make(**EVERYTHING)
    next(iterator)
    copy = pickle.loads(pickle.dumps(iterator))
    assert same(batches(copy), batches(iterator))


@pytest.mark.parametrize(
    ("last", "sizes", "pads"),
    [
        ("wrap", [8, 8, 8], [0, 0, 1]),
        ("zero", [8, 8, 8], [0, 0, 0]),
        ("pad", [8, 8, 8], [0, 0, 1]),
        ("discard", [8, 8], [0, 0]),
        ("short", [8, 8, 7], [0, 0, 0]),
    ],
)
def test_the_last_batch_is_as_asked_for(last: str, sizes: list[int], pads: list[int]) -> None:
    found = list(make(last_batch=last))
    assert [len(batch.data[0]) for batch in found] == [len(batch.label[0]) for batch in found] == sizes
    assert [batch.pad for batch in found] == pads
    if last in ("zero", "pad"):
        assert not found[-1].data[0][-1].any()
        assert found[-1].index[-1] == 2**64 - 1


def test_a_batch_larger_than_the_file_wraps_as_often_as_it_must() -> None:
    (batch,) = make(batch_size=60)
    assert batch.index.tolist() == [*range(23), *range(23), *range(14)]
    assert batch.pad == 37


@pytest.mark.parametrize("parts", [3, 7])
@pytest.mark.parametrize("indexed", [True, False])
@pytest.mark.parametrize("shuffle", [True, False])
def test_parts_have_as_many_batches_and_cover_all_records_once(parts: int, indexed: bool, shuffle: bool) -> None:
    given = {"num_parts": parts, "batch_size": 2, "shuffle": shuffle, "path_imgidx": FOLDER / "small.idx" if indexed else ""}
    iterators = [make(**given, part_index=part) for part in range(parts)]
    assert len({len(iterator) for iterator in iterators}) == 1
    seen = [id_ for iterator in iterators for batch in iterator for id_ in batch.index[: len(batch.index) - batch.pad].tolist()]
    assert sorted(seen) == list(range(23))


def test_dropped_tails_leave_no_pad_in_any_part() -> None:
    iterators = [make(num_parts=4, part_index=part, balance="drop", batch_size=5) for part in range(4)]
    found = [batch for iterator in iterators for batch in iterator]
    assert [batch.pad for batch in found] == [0] * 4
    assert len({id_ for batch in found for id_ in batch.index.tolist()}) == 20


def test_channels_last_is_the_same_picture() -> None:
    first, last = next(make(rand_mirror=True, mean_g=5)), next(make(rand_mirror=True, mean_g=5, layout="NHWC"))
    assert last.data[0].shape == (8, 40, 48, 3)
    assert last.data[0].flags.c_contiguous
    assert np.array_equal(first.data[0], last.data[0].transpose(0, 3, 1, 2))
    gray = next(make(layout="NHWC", data_shape=(1, 40, 48)))
    assert np.array_equal(gray.data[0][..., 0], next(make(data_shape=(1, 40, 48))).data[0][:, 0])


def write(path: Path, images: list[bytes], first: int = 0) -> Path:
    with recordio.IndexedWriter(path) as writer:
        for key, image in enumerate(images, first):
            writer.write(key, recordio.pack(recordio.Header(0, float(key), key), image))
    return path


def png(image: Any) -> bytes:
    return cv2.imencode(".png", image)[1].tobytes()


def test_alpha_has_a_mean_and_a_deviation_of_its_own(tmp_path: Path) -> None:
    stored = np.random.default_rng(5).integers(0, 256, (6, 5, 4), np.uint8)
    path = write(tmp_path / "alpha.rec", [png(stored)])
    given = {"path_imgrec": path, "data_shape": (4, 6, 5), "batch_size": 1, "verbose": False}
    found = next(loaders.ImageRecordIter(**given, mean_a=10, std_a=4, std_r=2)).data[0][0]
    rgba = stored[:, :, [2, 1, 0, 3]].transpose(2, 0, 1).astype(np.float32)
    assert np.allclose(found, np.stack([rgba[0] / 2, rgba[1], rgba[2], (rgba[3] - 10) / 4]), atol=1e-4)


def test_alpha_comes_as_it_is_stored(tmp_path: Path) -> None:
    stored = [np.random.default_rng(seed).integers(0, 256, (6, 5, 4), np.uint8) for seed in range(3)]
    path = write(tmp_path / "alpha.rec", [png(image) for image in stored])
    batch = next(loaders.ImageRecordIter(path_imgrec=path, data_shape=(4, 6, 5), batch_size=3, dtype="uint8"))
    assert np.array_equal(batch.data[0], np.stack([image[:, :, [2, 1, 0, 3]].transpose(2, 0, 1) for image in stored]))
    plain = write(tmp_path / "plain.rec", [png(stored[0][:, :, :3])])
    with pytest.raises(recordio.BadSample, match=r"plain\.rec: key 0: has 3 channel\(s\), expected data_shape\[0\]=4$"):
        next(loaders.ImageRecordIter(path_imgrec=plain, data_shape=(4, 6, 5), batch_size=1))


@pytest.fixture
def damaged(tmp_path: Path) -> Path:
    images = [recordio.unpack(payload)[1] for payload in itertools.islice(recordio.Reader(FOLDER / "small.rec"), 12)]
    images[3], images[7], images[11] = images[3][:30], b"no image", b""
    return write(tmp_path / "damaged.rec", images, first=50)


def test_a_bad_record_is_named_by_its_key(damaged: Path) -> None:
    iterator = make(path_imgrec=damaged, path_imgidx="", batch_size=4)
    with pytest.raises(recordio.BadSample, match=r"damaged\.rec: key 53: is truncated: 30 bytes"):
        list(iterator)


def test_bad_records_are_skipped_by_choice_and_the_next_ones_take_their_places(damaged: Path, caplog: pytest.LogCaptureFixture) -> None:
    iterator = make(path_imgrec=damaged, path_imgidx="", batch_size=4, on_bad="skip")
    assert [batch.index.tolist() for batch in iterator] == [[50, 51, 52, 54], [54, 55, 56, 58], [58, 59, 60, 50]]
    assert [str(found).split(": ", 1)[1] for found in iterator.bad] == [
        "key 53: is truncated: 30 bytes, the JPEG's headers go on",
        "key 57: cannot be decoded",
        "key 61: has no image",
    ]
    assert sum("left out" in message for message in caplog.messages) == 3


def varied(path: Path, count: int = 12) -> Path:
    """Write images of 20 x 20 and, each third, 60 x 60."""
    rng = np.random.default_rng(2)
    sizes = [60 if number % 3 == 2 else 20 for number in range(count)]
    return write(path, [cv2.imencode(".png", rng.integers(0, 256, (size, size, 3), np.uint8))[1].tobytes() for size in sizes])


def test_what_was_skipped_in_one_epoch_is_tried_again_in_the_next(tmp_path: Path) -> None:
    # Whether the crop fits depends on the scale that an epoch draws.
    path = varied(tmp_path / "varied.rec")
    given = {"path_imgrec": path, "path_imgidx": "", "batch_size": 4, "data_shape": (3, 16, 16), "on_bad": "skip", "seed": 4}
    given |= {"max_crop_size": 24, "min_crop_size": 24, "min_random_scale": 0.8, "max_random_scale": 2.0, "preprocess_threads": 3}
    iterator = make(**given)
    epochs = []
    for epoch in range(4):
        epochs.append(batches(iterator))
        fresh = make(**{**given, "preprocess_threads": 1})
        fresh.load_state_dict({**fresh.state_dict(), "epoch": epoch})
        assert same(batches(fresh), epochs[-1])
        iterator.reset()
    ids = [[each for row in epoch for each in row[3].tolist()] for epoch in epochs]
    assert len({tuple(each) for each in ids}) > 1


@pytest.mark.parametrize("shuffle", [False, True])
def test_chunks_of_a_shuffled_index_have_each_record_once(tmp_path: Path, shuffle: bool) -> None:
    image = recordio.unpack(next(iter(recordio.Reader(FOLDER / "small.rec"))))[1]
    path = write(tmp_path / "chunks.rec", [image + bytes(300_000)] * 16)
    idx = path.with_suffix(".idx")
    lines = idx.read_text().splitlines()
    offsets = {int(line.split()[0]): int(line.split()[1]) for line in lines}
    idx.write_text("".join(f"{lines[at]}\n" for at in np.random.default_rng(1).permutation(16)))
    iterator = make(path_imgrec=path, path_imgidx=idx, shuffle=shuffle, shuffle_chunk_size=1, shuffle_chunk_seed=2, preprocess_threads=2)
    orders = []
    for _ in range(3):
        orders.append([each for batch in iterator for each in batch.index.tolist()])
        iterator.reset()
    assert [sorted(order) for order in orders] == [list(range(16))] * 3
    assert orders[0] != orders[1]
    for order in orders:
        chunks = [chunk for chunk, _ in itertools.groupby(offsets[key] >> 20 for key in order)]
        assert len(chunks) == len(set(chunks)) == 5


@pytest.fixture
def narrow(tmp_path: Path) -> Path:
    """Four good images, and between them one of 40000 x 1 pixels: whole, but its short side cannot be made 20000."""
    images = [recordio.encode(np.full((8, 8, 3), number, np.uint8), "png", 1) for number in range(5)]
    images[2] = recordio.encode(np.zeros((1, 40000, 3), np.uint8), "png", 1)
    return write(tmp_path / "narrow.rec", images, first=50)


@pytest.mark.parametrize("short", [20000, 100000])  # beyond all memory; beyond OpenCV's integers
def test_an_image_that_opencv_refuses_is_named_or_left_out(narrow: Path, short: int, monkeypatch: pytest.MonkeyPatch) -> None:
    resized = augment._resize_short
    monkeypatch.setattr(augment, "_resize_short", lambda image, *rest: resized(image, *rest) if image.shape[1] > 8 else image)
    given = {"path_imgrec": narrow, "path_imgidx": "", "data_shape": (3, 8, 8), "batch_size": 4, "resize": short}
    with pytest.raises(recordio.BadSample, match=r"narrow\.rec: key 52: OpenCV: .*(memory|allocate|dsize)"):
        list(make(**given))
    iterator = make(**given, on_bad="skip")
    assert next(iterator).index.tolist() == [50, 51, 53, 53]
    assert [found.where for found in iterator.bad] == [f"{narrow}: key 52"]


def test_memory_that_an_image_does_not_get_is_told_with_its_name(narrow: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cropped = augment._crop

    def crop(image: np.ndarray, *rest: Any) -> np.ndarray:
        if image.shape[1] > 8:
            raise MemoryError
        return cropped(image, *rest)

    monkeypatch.setattr(augment, "_crop", crop)
    with pytest.raises(recordio.BadSample, match=r"narrow\.rec: key 52: needs more memory than there is"):
        list(make(path_imgrec=narrow, path_imgidx="", data_shape=(3, 8, 8), batch_size=4))


def test_a_bad_record_is_named_or_left_out_where_a_mean_image_is_made(
    damaged: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    mean = tmp_path / "mean.nd"
    given = {"path_imgrec": damaged, "path_imgidx": "", "batch_size": 4}
    with pytest.raises(recordio.BadSample, match=r"damaged\.rec: key 53: is truncated: 30 bytes"):
        make(**given, mean_img=mean)
    assert not mean.exists()
    make(**given, mean_img=mean, on_bad="skip")
    assert sum("left out of the mean image" in message for message in caplog.messages) == 3
    plain = np.concatenate([batch.data[0] for batch in make(**given, on_bad="skip", last_batch="short")])
    ids = np.concatenate([batch.index for batch in make(**given, on_bad="skip", last_batch="short")])
    first = np.unique(ids, return_index=True)[1]
    (found,), _ = ndarrayfile.load(mean)
    assert np.allclose(found, plain[first].mean(0), atol=1e-3)


def test_a_mean_image_of_bad_records_alone_is_an_error(tmp_path: Path) -> None:
    path = write(tmp_path / "none.rec", [b"", b"x"])
    with pytest.raises(recordio.BadSample, match=r"none\.rec: key 1: cannot be decoded"):
        make(path_imgrec=path, path_imgidx="", on_bad="skip", mean_img=tmp_path / "mean.nd")
    assert not (tmp_path / "mean.nd").exists()


def test_when_all_records_are_bad_that_is_an_error(tmp_path: Path) -> None:
    path = write(tmp_path / "none.rec", [b"", b"x"])
    with pytest.raises(recordio.BadSample, match="nor can any other of 2 records be used"):
        next(make(path_imgrec=path, path_imgidx="", on_bad="skip"))


def test_an_empty_file_has_no_batches(tmp_path: Path) -> None:
    path = write(tmp_path / "empty.rec", [])
    assert list(make(path_imgrec=path, path_imgidx="")) == []
    assert list(make(path_imgrec=path, path_imgidx=path.with_suffix(".idx"), shuffle=True)) == []


def test_images_with_a_list_are_read_without_a_record_file(tmp_path: Path) -> None:
    for key, payload in enumerate(itertools.islice(recordio.Reader(FOLDER / "small.rec"), 8)):
        (tmp_path / f"{key}.jpg").write_bytes(recordio.unpack(payload)[1])
    (tmp_path / "some.lst").write_text("".join(f"{key}\t{key}.0\t{key}.jpg\n" for key in range(8)))
    listed = next(make(path_imgrec="", path_imgidx="", path_imglist=tmp_path / "some.lst", path_root=tmp_path))
    packed = next(make())
    assert np.array_equal(listed.data[0], packed.data[0])
    assert listed.label[0].tolist() == packed.label[0].tolist()


def test_labels_come_from_a_list_when_there_is_one(tmp_path: Path) -> None:
    (tmp_path / "labels.lst").write_text("".join(f"{key}\t{key * 10}\t{key * 100}\tx\n" for key in range(23)))
    assert next(make(path_imglist=tmp_path / "labels.lst")).label[0].tolist() == [key * 10 for key in range(8)]
    wide = next(make(path_imglist=tmp_path / "labels.lst", label_width=2))
    assert wide.label[0].tolist() == [[key * 10, key * 100] for key in range(8)]
    with pytest.raises(recordio.BadSample, match=r"key 0: has 1 label.*expected label_width=2"):
        next(make(label_width=2))


def test_a_batch_that_is_kept_is_never_written_again() -> None:
    iterator = make(prefetch_buffer=1, batch_size=2)
    kept = list(iterator)
    copies = [batch.data[0].copy() for batch in kept]
    views = [batch.data[0][0, 0] for batch in kept]
    addresses = {batch.data[0].ctypes.data for batch in kept}
    assert len(addresses) == len(kept)
    iterator.reset()
    again = list(iterator)
    assert all(np.array_equal(batch.data[0], copy) for batch, copy in zip(kept, copies, strict=True))
    del kept, again
    iterator.reset()
    list(iterator)
    assert all(np.array_equal(view, copy[0, 0]) for view, copy in zip(views, copies, strict=True))


def test_memory_that_nobody_holds_is_used_again(monkeypatch: pytest.MonkeyPatch) -> None:
    made, room = [], memory.room

    def counted(shape: tuple[int, ...], dtype: Any) -> Any:
        made.append(shape)
        return room(shape, dtype)

    monkeypatch.setattr(memory, "room", counted)
    iterator = make(prefetch_buffer=1, batch_size=2)
    for _ in range(4):
        for _batch in iterator:
            pass
        iterator.reset()
    assert 0 < made.count((2, 3, 40, 48)) <= 4


def test_dlpack_shares_the_memory_of_a_batch() -> None:
    batch = next(make())
    assert np.shares_memory(np.from_dlpack(batch.data[0]), batch.data[0])


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_an_iterator_goes_on_in_a_forked_process(in_a_fork: Callable[[Callable[[], bool]], bool]) -> None:
    iterator = make()
    next(iterator)
    expected = batches(pickle.loads(pickle.dumps(iterator)))
    assert in_a_fork(lambda: same(batches(iterator), expected))
    assert same(batches(iterator), expected)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"data_shap": (3, 4, 4)}, "has no parameter 'data_shap'; did you mean data_shape"),
        ({"crop_x_start": 3}, "has no parameter 'crop_x_start'"),
        ({"nothing_like_it": 3}, "has no parameter 'nothing_like_it'$"),
    ],
)
def test_an_unknown_parameter_is_an_error_that_names_close_ones(given: dict[str, Any], message: str) -> None:
    with pytest.raises(TypeError, match=message):
        make(**given)


@pytest.mark.parametrize(
    "given",
    [
        {"data_shape": (2, 40, 48)},
        {"data_shape": (3, 40)},
        {"batch_size": 0},
        {"dtype": "float16"},
        {"aug_seq": "aug_other"},
        {"inter_method": 7},
        {"rand_crop": "perhaps"},
        {"resize": 2.5},
        {"min_aspect_ratio": 0.5},
        {"max_crop_size": 30},
        {"min_random_area": 0.5},
        {"random_resized_crop": True, "rand_crop": True},
        {"min_random_scale": 2.0},
        {"std_r": 0.0},
        {"mean_img": "mean.bin", "mean_r": 1.0},
        {"dtype": "uint8", "mean_r": 1.0},
        {"dtype": "int8", "scale": 0.5},
        {"num_parts": 3, "part_index": 3},
        {"scaled_decode": True},
        {"shuffle_across_parts": True},
        {"last_batch": "none"},
        {"on_bad": "ignore"},
        {"layout": "CHW"},
        {"fill_value": 300},
        {"ctx": "tpu"},
        {"path_root": "images"},
        {"path_imgidx": "x.idx", "path_imgrec": "", "path_imglist": FOLDER / "labels.lst"},
        {"round_batch": True, "last_batch": "pad"},
        {"shuffle_chunk_seed": 3},
        {"rotate": 10, "max_rotate_angle": 5},
        {"rotate_list": (10, 20), "rotate": 0},
        {"mirror": True, "rand_mirror": True},
        {"num_parts": 0},
        {"path_imgrec": ";"},
        {"mean_a": 3.0},
        {"std_g": 2.0, "data_shape": (1, 40, 48)},
        {"saturation": 0.2, "data_shape": (1, 40, 48)},
        {"pca_noise": 0.1, "data_shape": (1, 40, 48)},
        {"reuse_buffers": "perhaps"},
        {"scale": 0.0},
        {"mean_r": float("nan")},
        {"mean_g": "-inf"},
        {"max_random_contrast": float("inf")},
        {"max_random_scale": float("nan")},
        {"check": "perhaps"},
    ],
    ids=str,
)
def test_a_value_that_cannot_be_or_would_have_no_effect_is_an_error(given: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=rf"{next(iter(given))}"):
        make(**given)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"prefetch_buffer": -1}, "^prefetch_buffer=-1, expected at least 0$"),
        ({"shuffle_chunk_size": -2}, "^shuffle_chunk_size=-2, expected at least 0$"),
        ({"last_batch": "foo"}, "^last_batch='foo', expected one of wrap, zero, pad, discard, short$"),
    ],
)
def test_the_message_names_the_parameter_and_what_it_may_be(given: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make(**given)


def test_the_signature_has_all_parameters() -> None:
    class Own(loaders.ImageRecordIter):
        def __init__(self, rec: str) -> None:
            super().__init__(**BASE, path_imgrec=rec)

    for kind in (loaders.ImageRecordIter, loaders.ImageRecordUInt8Iter, loaders.ImageDetRecordIter):
        found = inspect.signature(kind).parameters
        assert found["batch_size"].default is found["data_shape"].default is inspect.Parameter.empty
        assert (found["shuffle"].default, found["mean_r"].default, found["resize"].default) == (False, 0.0, -1)
        assert found["check"].annotation == "bool"
    assert "rand_crop" in inspect.signature(loaders.ImageRecordIter).parameters
    assert "seed_aug" not in inspect.signature(loaders.ImageDetRecordIter).parameters
    assert inspect.signature(loaders.ImageDetRecordIter).parameters["label_width"].default == -1
    assert list(inspect.signature(Own).parameters) == ["rec"]


def test_values_may_be_texts_as_mxnet_passes_them() -> None:
    texts = make(data_shape="(3, 40, 48)", batch_size="8", rand_crop="1", mirror="False", scale="1.0", seed_aug="None", dtype="None")
    assert same(batches(texts), batches(make(rand_crop=True)))


def test_missing_parameters_are_named() -> None:
    with pytest.raises(TypeError, match="needs the parameter 'batch_size'"):
        loaders.ImageRecordIter(path_imgrec="x.rec", data_shape=(3, 4, 4))
    with pytest.raises(ValueError, match="path_imgrec is empty"):
        loaders.ImageRecordIter(data_shape=(3, 4, 4), batch_size=1)


def test_the_parts_of_a_batch_are_had_one_by_one_as_of_an_mxdataiter() -> None:
    iterator = make(data_name="images", label_name="classes")
    assert [(d.name, d.shape, d.dtype) for d in (*iterator.provide_data, *iterator.provide_label)] == [
        ("images", (8, 3, 40, 48), np.float32),
        ("classes", (8,), np.float32),
    ]
    assert iterator.iter_next()
    assert iterator.getdata().shape == (8, 3, 40, 48)
    assert iterator.getlabel().tolist() == iterator.getindex().tolist() == list(range(8))
    assert iterator.getpad() == 0
    while iterator.iter_next():
        pass
    with pytest.raises(RuntimeError, match="no present batch"):
        iterator.getdata()


def test_arrays_are_wrapped_where_a_caller_asks_for_it() -> None:
    class Wrapped(loaders.ImageRecordIter):
        wrap = staticmethod(lambda array: ("wrapped", array))

    batch = next(Wrapped(**BASE))
    assert batch.data[0][0] == batch.label[0][0] == "wrapped"


def test_several_files_are_one_epoch() -> None:
    iterator = make(path_imgrec=f"{FOLDER / 'small.rec'};{FOLDER / 'small.rec'}", path_imgidx="")
    assert [id_ for batch in iterator for id_ in batch.index.tolist()][:46] == [*range(23), *range(23)]


def test_scaled_decoding_gives_nearly_the_same_picture(tmp_path: Path) -> None:
    picture = cv2.GaussianBlur(np.random.default_rng(2).integers(0, 256, (240, 320, 3), np.uint8), (0, 0), 12)
    picture = cv2.normalize(picture, None, 0, 255, cv2.NORM_MINMAX)
    path = write(tmp_path / "large.rec", [cv2.imencode(".jpg", picture, [1, 95])[1].tobytes()])
    given: dict[str, Any] = {"path_imgrec": path, "data_shape": (3, 50, 60), "batch_size": 1, "resize": 60}
    full, scaled = (next(loaders.ImageRecordIter(**given, scaled_decode=scaled)).data[0] for scaled in (False, True))
    assert 0 < np.abs(full - scaled).mean() < 4


def test_the_debugging_aid_gives_one_batch_for_ever() -> None:
    iterator = make()
    iterator.debug_skip_load()
    assert all(next(iterator) is next(iterator) for _ in range(5))
