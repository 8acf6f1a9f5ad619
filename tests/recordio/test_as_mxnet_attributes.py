"""What programs for MXNet read from iterators and datasets beside what they return, as MXNet 1.9.1 has it."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

import recordio
from recordio.as_mxnet import functions, wrapping
from recordio.as_mxnet.ndarray import NDArray


@pytest.fixture
def small(golden):
    return {"path_imgrec": golden / "loaders" / "small.rec", "data_shape": (3, 40, 48), "batch_size": 8}


def pictures(folder, *names):
    for number, name in enumerate(names):
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(recordio.encode(np.full((8, 8, 3), number, np.uint8), "png", 1))


def test_imgidx_has_the_keys_of_the_idx_whatever_the_part(small, golden):
    part = wrapping.ImageIter(**small, path_imgidx=golden / "loaders" / "small.idx", num_parts=2)
    assert part.imgidx == list(range(23))
    assert part.seq == list(range(11))
    assert wrapping.ImageIter(**small).imgidx is None


def test_imgidx_of_detection(tmp_path):
    with recordio.IndexedWriter(tmp_path / "x.rec") as writer:
        for key in (7, 3):
            label = np.array([2, 5, 0, 0.1, 0.1, 0.9, 0.9], np.float32)
            writer.write(key, recordio.pack(recordio.Header(0, label, key, 0), recordio.encode(np.zeros((8, 8, 3), np.uint8), "png", 1)))
    it = wrapping.ImageDetIter(1, (3, 8, 8), path_imgrec=str(tmp_path / "x.rec"), path_imgidx=str(tmp_path / "x.idx"))
    assert it.imgidx == [7, 3]


def test_images_of_a_python_list_go_by_texts_and_those_of_a_file_by_numbers(tmp_path):
    pictures(tmp_path, "a.png", "b.png")
    (tmp_path / "x.lst").write_text("5\t1\ta.png\n6\t2\tb.png\n")
    python = wrapping.ImageIter(2, (3, 8, 8), imglist=[[1, "a.png"], [2, "b.png"]], path_root=str(tmp_path), shuffle=True, seed=1)
    assert sorted(python.seq) == ["1", "2"]
    assert [path for _, path in map(python.imglist.get, ("1", "2"))] == ["a.png", "b.png"]
    assert python.imglist["2"][0].asnumpy().tolist() == [2]
    assert python.seq is python.seq  # a program may shuffle it
    python.reset()
    assert sorted(pickle.loads(pickle.dumps(python)).seq) == ["1", "2"]
    assert sorted(python.next().index) == [1, 2]
    listed = wrapping.ImageIter(2, (3, 8, 8), path_imglist=str(tmp_path / "x.lst"), path_root=str(tmp_path))
    assert (listed.seq, list(listed.imglist), listed.imgidx) == ([5, 6], [5, 6], None)


def test_arrays_of_an_iterator_are_ndarrays_of_the_same_memory():
    it = wrapping.NDArrayIter({"x": np.zeros((4, 2)), "y": np.ones((4, 1))}, np.arange(4), 2)
    assert [(name, type(array), array.shape) for name, array in it.data] == [("x", NDArray, (4, 2)), ("y", NDArray, (4, 1))]
    assert [(name, array.asnumpy().tolist()) for name, array in it.label] == [("softmax_label", [0, 1, 2, 3])]
    assert [array.shape for array in it.data_list] == [(4, 2), (4, 1), (4,)]
    assert it.num_source == 3
    it.data_list[0][:] = 5
    assert (it.next().data[0].asnumpy() == 5).all()
    plain = recordio.loaders.NDArrayIter(np.zeros((4, 2)), batch_size=2)
    assert [type(array) for array in plain.data_list] == [np.ndarray]


def test_a_subclass_lists_the_images_of_a_folder_in_its_own_way(tmp_path):
    pictures(tmp_path, "a/1.png", "a/2.png", "b/1.png")

    class Last(wrapping.ImageFolderDataset):
        def _list_images(self, root):
            self._exts.append(".webp")
            super()._list_images(root)
            self.items = self.items[-1:]

    dataset = Last(str(tmp_path))
    assert dataset._exts == [".jpg", ".jpeg", ".png", ".webp"]
    assert dataset.items == [(str(tmp_path / "b" / "1.png"), 1)]
    assert dataset[0][0].asnumpy().max() == 2


def test_a_border_takes_a_number_for_the_first_channel_as_mxnet():
    border = wrapping.offered("copyMakeBorder", "mxnet.image.copyMakeBorder")
    image = functions.zeros((1, 1, 3), dtype="uint8")
    for values in (5, np.float32(5), (5,), [5, 0, 0]):
        assert border(image, 1, 0, 0, 0, 0, values=values).asnumpy()[0, 0].tolist() == [5, 0, 0]
    assert border(image, 1, 0, 0, 0, 0, values=[]).asnumpy()[0, 0].tolist() == [0, 0, 0]
