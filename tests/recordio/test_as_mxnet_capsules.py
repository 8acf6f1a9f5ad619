"""DLPack capsules between NDArrays and other libraries, as programs for MXNet pass them."""

from __future__ import annotations

import gc

import numpy as np
import pytest

from recordio.as_mxnet.functions import array, from_dlpack


@pytest.mark.parametrize("name", ["to_dlpack_for_read", "to_dlpack_for_write"])
def test_an_array_of_a_capsule_has_its_memory_and_can_be_written(name):
    source = array([[1, 2], [3, 4]], dtype="int32")
    shared = from_dlpack(getattr(source, name)())
    shared[0] = 7
    assert source.asnumpy().tolist() == [[7, 7], [3, 4]]
    assert shared.dtype == np.int32


def test_the_memory_of_a_capsule_outlives_its_source():
    shared = from_dlpack(array(np.arange(1000)).to_dlpack_for_read())
    gc.collect()
    other = array(np.zeros(1000))
    assert shared.asnumpy().tolist() == list(range(1000))
    assert other.shape == (1000,)


def test_a_capsule_of_another_library_is_taken_and_an_array_as_before():
    numpys = np.arange(3, dtype=np.float32)
    assert from_dlpack(numpys.__dlpack__()).asnumpy().tolist() == [0, 1, 2]
    assert from_dlpack(numpys).asnumpy().tolist() == [0, 1, 2]


def test_a_capsule_that_was_used_and_what_is_none_are_told():
    capsule = array([1]).to_dlpack_for_read()
    from_dlpack(capsule)
    with pytest.raises(ValueError, match=r"dlpack=<capsule .*an array can be made of a capsule once"):
        from_dlpack(capsule)
    with pytest.raises(TypeError, match="dlpack=3, expected an array that has __dlpack__, or a capsule of DLPack"):
        from_dlpack(3)
