"""Datasets as those of gluon."""

from __future__ import annotations

import os
import pickle
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.testing import assert_array_equal

import recordio
from recordio.errors import BadSample, FileError
from recordio.loaders import ImageFolderDataset, ImageListDataset, ImageRecordDataset, RecordFileDataset, SimpleDataset

GOLDEN = Path(__file__).resolve().parents[2] / "golden"
SMALL = GOLDEN / "loaders" / "small.rec"


def halved(image: np.ndarray, label: float) -> tuple[np.ndarray, float]:
    return image // 2, label + 1


def test_payloads_of_a_rec() -> None:
    dataset = RecordFileDataset(SMALL)
    with recordio.IndexedReader(SMALL) as reader:
        assert [dataset[number] for number in range(len(dataset))] == list(reader)
        assert dataset[-1] == reader.read(22)
        assert list(dataset) == list(reader)
    with pytest.raises(IndexError):
        dataset[23]


def test_images_and_labels_of_a_rec() -> None:
    dataset = ImageRecordDataset(str(SMALL))
    image, label = dataset[5]
    assert label == 5.0
    assert_array_equal(image, cv2.imdecode(np.frombuffer(recordio.unpack(RecordFileDataset(SMALL)[5])[1], np.uint8), 1)[:, :, ::-1])
    gray, _ = ImageRecordDataset(str(SMALL), 0)[5]
    assert gray.shape == (40, 48, 1)
    assert ImageRecordDataset(str(SMALL), 1, halved)[5][1] == 6
    assert ImageRecordDataset(GOLDEN / "loaders" / "multi.rec")[2][1].tolist() == [2, 1, -1]


def test_a_record_without_an_image_is_named(tmp_path: Path) -> None:
    with recordio.IndexedWriter(tmp_path / "x.rec") as writer:
        writer.write(17, recordio.pack(recordio.Header(0, 1.0, 17)))
    with pytest.raises(BadSample, match=r"x\.rec: key 17: is empty"):
        ImageRecordDataset(tmp_path / "x.rec")[0]


@pytest.mark.parametrize("made", [ImageRecordDataset(SMALL, 1, halved), ImageRecordDataset(SMALL).transform_first(np.mean)])
def test_datasets_can_be_pickled_and_read_in_forks(made: Any) -> None:
    copy = pickle.loads(pickle.dumps(made))
    assert_array_equal(copy[4][0], made[4][0])
    expected = [float(np.mean(made[number][0])) for number in range(23)]
    children = []
    for _ in range(3):
        pid = os.fork()
        if not pid:
            found = [float(np.mean(made[number][0])) for number in range(23)]
            os._exit(0 if found == expected else 1)
        children.append(pid)
    assert [os.waitpid(pid, 0)[1] for pid in children] == [0, 0, 0]


def test_a_folder_of_folders(tmp_path: Path) -> None:
    for name in ("b/2.PNG", "a/1.jpg", "a/0.jpeg"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(recordio.encode(np.full((4, 6, 3), len(name), np.uint8), "png", 1))
    dataset = ImageFolderDataset(tmp_path)
    assert dataset.synsets == ["a", "b"]
    assert dataset.items == [(str(tmp_path / "a/0.jpeg"), 0), (str(tmp_path / "a/1.jpg"), 0), (str(tmp_path / "b/2.PNG"), 1)]
    assert [label for _, label in dataset] == [0, 0, 1]
    assert dataset[1][0].shape == (4, 6, 3)
    (tmp_path / "a" / "notes.txt").write_text("x")
    (tmp_path / "stray.jpg").write_bytes(b"")
    with pytest.warns(UserWarning, match=r"2 entries ignored, .*notes\.txt first"):
        assert len(ImageFolderDataset(str(tmp_path), flag=0)) == 3
    with pytest.raises(FileError, match="missing"):
        ImageFolderDataset(tmp_path / "missing")


def test_images_of_a_list(tmp_path: Path) -> None:
    for number in range(3):
        (tmp_path / f"{number}.png").write_bytes(recordio.encode(np.full((4, 6, 3), number, np.uint8), "png", 1))
    (tmp_path / "x.lst").write_text("7\t0.5\t2.5\t2.png\n9\t1\t3\t0.png\n")
    listed = ImageListDataset(tmp_path, "x.lst")
    assert len(listed) == 2
    assert listed[0][1].tolist() == [0.5, 2.5]
    assert (listed[0][0] == 2).all()
    python = ImageListDataset(str(tmp_path), [[4, "1.png"], [[1, 2], "2.png"], [1, 2, 3, "0.png"]], flag=0)
    assert [label.tolist() for _, label in python] == [[4], [1, 2], [1, 2, 3]]
    assert python[-1][0].shape == (4, 6, 1)
    with pytest.raises(ValueError, match="imglist is a NoneType"):
        ImageListDataset(tmp_path)
    with pytest.raises(ValueError, match="entry 1"):
        ImageListDataset(tmp_path, [5])


def test_filter_take_and_shard() -> None:
    dataset = SimpleDataset(list(range(10)))
    assert list(dataset.filter(lambda item: item % 3 == 0)) == [0, 3, 6, 9]
    assert list(dataset.take(4)) == [0, 1, 2, 3]
    assert len(dataset.take(None)) == len(dataset.take(99)) == 10
    assert [list(dataset.shard(3, part)) for part in range(3)] == [[0, 1, 2, 3], [4, 5, 6], [7, 8, 9]]
    assert list(dataset.transform(lambda item: item + 1, lazy=False)) == list(range(1, 11))
    with pytest.raises(ValueError, match="shard 3 of 3"):
        dataset.shard(3, 3)


def test_a_sampler_chooses_items_in_its_order() -> None:
    dataset = SimpleDataset(list("abcde"))
    chosen = dataset.sample(iter([4, 0, np.int64(2), 0]))
    assert list(chosen) == list(chosen) == ["e", "a", "c", "a"]
    assert len(chosen) == 4
    with pytest.raises(TypeError, match="sampler=3, expected a sampler"):
        dataset.sample(3)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="expected a sampler: what gives the numbers of items"):
        dataset.sample([[0, 1]])  # type: ignore[list-item]
