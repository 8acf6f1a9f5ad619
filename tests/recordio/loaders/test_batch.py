"""DataDesc, DataBatch and DataIter as code written for mxnet.io uses them."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

from recordio.loaders import DataBatch, DataDesc, DataIter


def test_a_description_unpacks_as_name_and_shape() -> None:
    name, shape = description = DataDesc("data", [8, 3, 4, 4])
    assert (name, shape, description.dtype, description.layout) == ("data", (8, 3, 4, 4), np.float32, "NCHW")
    assert description == ("data", (8, 3, 4, 4))
    copy = pickle.loads(pickle.dumps(DataDesc("label", (8,), "int32", "N")))
    assert (copy.name, copy.dtype, copy.layout) == ("label", "int32", "N")
    assert repr(DataDesc("data", (2,), "uint8", "N")) == "DataDesc[data,(2,),uint8,N]"


def test_the_batch_axis_is_where_n_stands() -> None:
    assert [DataDesc.get_batch_axis(layout) for layout in (None, "NCHW", "TNC", "CHW")] == [0, 0, 1, -1]


def test_a_list_of_descriptions_takes_types_by_name() -> None:
    found = DataDesc.get_list([("a", (1,)), ("b", (2,))], [("b", "int8"), ("a", "uint8")])
    assert [(each.name, each.dtype) for each in found] == [("a", "uint8"), ("b", "int8")]
    assert DataDesc.get_list([("a", (1,))], None)[0].dtype == np.float32


def test_an_array_alone_is_no_batch() -> None:
    with pytest.raises(TypeError, match="data is a ndarray, expected a list"):
        DataBatch(np.zeros(3))
    with pytest.raises(TypeError, match="label is a ndarray"):
        DataBatch([np.zeros(3)], np.zeros(3))


class Countdown(DataIter):
    def __init__(self) -> None:
        super().__init__(2)
        self.left = 3

    def reset(self) -> None:
        self.left = 3

    def iter_next(self) -> bool:
        self.left -= 1
        return self.left >= 0

    def getdata(self) -> list[np.ndarray]:
        return [np.full(2, self.left)]

    def getlabel(self) -> list[np.ndarray]:
        return [np.zeros(2)]

    def getpad(self) -> int:
        return 0


def test_an_iterator_of_ones_own_needs_only_the_parts_of_a_batch() -> None:
    iterator = Countdown()
    assert [int(batch.data[0][0]) for batch in iterator] == [2, 1, 0]
    assert list(iterator) == []
    iterator.reset()
    batch = iterator.next()
    assert (batch.pad, batch.index, str(batch)) == (0, None, "DataBatch: data shapes: [(2,)] label shapes: [(2,)]")
