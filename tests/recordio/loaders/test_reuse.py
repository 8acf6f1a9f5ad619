"""reuse_buffers: the same batches from the same few arrays; without it no batch is ever written again."""

from __future__ import annotations

import collections
import pickle
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import recordio
from recordio import loaders
from recordio.loaders import engine, memory

FOLDER = Path(__file__).resolve().parents[2] / "golden" / "loaders"
SMALL: dict[str, Any] = {
    "path_imgrec": FOLDER / "small.rec",
    "path_imgidx": FOLDER / "small.idx",
    "data_shape": (3, 40, 48),
    "batch_size": 4,
    "shuffle": True,
    "seed": 3,
}
KINDS = ["ImageRecordIter", "ImageRecordUInt8Iter", "ImageRecordInt8Iter", "ImageDetRecordIter", "ImageIter", "ImageDetIter"]


@pytest.fixture(scope="module")
def objects(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("objects") / "objects.rec"
    with recordio.IndexedReader(FOLDER / "small.rec") as reader, recordio.IndexedWriter(path) as writer:
        for key in range(23):
            label = [2, 5, *([key % 5, 0.1, 0.2, 0.7, 0.8] * (1 + key % 3))]
            writer.write(key, recordio.pack(recordio.Header(0, label, key), recordio.unpack(reader.read(key))[1]))
    return path


def make(kind: str, objects: Path, **given: Any) -> Any:
    rec = {"path_imgrec": objects, "path_imgidx": objects.with_suffix(".idx")} if "Det" in kind else {}
    return getattr(loaders, kind)(**{**SMALL, **rec, **given})


def arrays(batch: loaders.DataBatch) -> list[np.ndarray]:
    assert batch.label is not None
    return [batch.data[0], batch.label[0], batch.index]


def copies(iterator: Any) -> list[list[Any]]:
    found = []
    for _ in range(3):
        found += [[*(each.copy() for each in arrays(batch)), batch.pad] for batch in iterator]
        iterator.reset()
    return found


def assert_same(left: list[list[Any]], right: list[list[Any]]) -> None:
    assert len(left) == len(right)
    for one, other in zip(left, right, strict=True):
        assert all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))


@pytest.mark.parametrize("kind", KINDS)
def test_batches_are_the_same_with_and_without(kind: str, objects: Path) -> None:
    expected = copies(make(kind, objects))
    assert_same(copies(make(kind, objects, reuse_buffers=True)), expected)
    if kind.endswith("RecordIter"):
        for ahead in (0, 1):
            assert_same(copies(make(kind, objects, reuse_buffers=True, prefetch_buffer=ahead)), expected)


@pytest.mark.parametrize("last", ["zero", "pad", "discard", "short"])
def test_the_last_batch_is_the_same_with_and_without(last: str, objects: Path) -> None:
    expected = copies(make("ImageRecordIter", objects, last_batch=last, balance="pad"))
    assert_same(copies(make("ImageRecordIter", objects, last_batch=last, reuse_buffers=True, prefetch_buffer=1)), expected)


@pytest.mark.parametrize("kind", KINDS)
def test_all_batches_stand_in_the_same_few_arrays_whoever_holds_them(kind: str, objects: Path) -> None:
    iterator = make(kind, objects, reuse_buffers=True)
    kept = []
    for _ in range(5):
        kept += list(iterator)
        iterator.reset()
    for each in zip(*map(arrays, kept), strict=True):
        assert len({array.ctypes.data for array in each}) <= 5  # prefetch_buffer of 4, and the one that was given out


@pytest.mark.parametrize("reuse", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_arrays_start_where_jax_takes_them_without_a_copy(kind: str, reuse: bool, objects: Path) -> None:
    kept = list(make(kind, objects, reuse_buffers=reuse))
    assert all(
        array.ctypes.data % 64 == 0 and array.flags.c_contiguous and array.flags.writeable for each in kept for array in arrays(each)
    )


@pytest.mark.parametrize("kind", KINDS)
def test_a_batch_is_valid_until_the_next_is_asked_for(kind: str, objects: Path) -> None:
    iterator = make(kind, objects, reuse_buffers=True)
    expected = iter(copies(make(kind, objects)))
    for _ in range(3):
        for batch in iterator:
            was = next(expected)
            for _ in range(3):  # threads go on meanwhile
                assert all(np.array_equal(a, b) for a, b in zip(arrays(batch), was[:3], strict=True))
        iterator.reset()


@pytest.mark.parametrize("kind", KINDS)
def test_without_it_a_batch_that_is_kept_is_never_written_again(kind: str, objects: Path) -> None:
    iterator = make(kind, objects)
    kept = list(iterator)
    before = [[each.copy() for each in arrays(batch)] for batch in kept]
    for _ in range(3):
        iterator.reset()
        list(iterator)
    for batch, was in zip(kept, before, strict=True):
        assert all(np.array_equal(a, b) for a, b in zip(arrays(batch), was, strict=True))


@pytest.mark.parametrize("held", [0, 1, 6])
def test_memory_is_used_again_whatever_the_caller_keeps(held: int, monkeypatch: pytest.MonkeyPatch, objects: Path) -> None:
    """Of a caller who keeps the first batch for good, and the last ones for a while, no more is asked for than is in use at once."""
    made = []
    room = memory.room
    monkeypatch.setattr(memory, "room", lambda shape, dtype: made.append(shape) or room(shape, dtype))
    iterator = make("ImageRecordIter", objects, prefetch_buffer=2)
    first, latest = next(iterator), collections.deque(maxlen=held)
    for _ in range(20):
        latest.extend(iterator)
        iterator.reset()
    asked = [shape for shape in made if shape == (4, 3, 40, 48)]
    assert len(asked) <= 1 + held + 2 + 2  # the first, the last ones, those ahead, the one given out and the one before it
    assert not any(np.shares_memory(first.data[0], batch.data[0]) for batch in latest)


def test_memory_that_was_held_for_a_while_is_given_back() -> None:
    buffers = engine.Buffers((1 << 20,), np.uint8, 2)
    tracemalloc.start()
    try:
        held = [buffers.take() for _ in range(50)]
        assert len({array.ctypes.data for array in held}) == 50
        held.clear()
        assert tracemalloc.get_traced_memory()[0] < 2.5 * (1 << 20)
        kept = [buffers.take()[5:9].reshape(2, 2), memoryview(buffers.take())]  # views of what nothing else refers to
        assert not any(np.shares_memory(one, np.asarray(other)) for one in [buffers.take() for _ in range(9)] for other in kept)
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("kind", ["ImageRecordIter", "ImageDetRecordIter"])
def test_no_memory_for_a_batch_is_asked_for_from_the_first_on(kind: str, objects: Path) -> None:
    """Small images in large batches: an array for a batch would stand out from what decoding needs."""
    iterator = make(kind, objects, reuse_buffers=True, batch_size=200, prefetch_buffer=1, preprocess_threads=1, path_imgidx="")
    size = next(iterator).data[0].nbytes
    iterator.reset()
    next(iterator)
    tracemalloc.start()
    try:
        for _ in range(4):
            iterator.reset()
            next(iterator)
        assert tracemalloc.get_traced_memory()[1] < size / 4
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("kind", ["ImageRecordIter", "ImageDetIter"])
def test_pickled_copies_have_arrays_of_their_own(kind: str, objects: Path) -> None:
    iterator = make(kind, objects, reuse_buffers=True)
    batch = next(iterator)
    copy = pickle.loads(pickle.dumps(iterator))
    assert copy.reuses_buffers
    assert not any(np.shares_memory(batch.data[0], other.data[0]) for other in copy)


def test_an_array_follows_a_change_of_shape(objects: Path) -> None:
    iterator = make("ImageDetIter", objects, reuse_buffers=True)
    assert next(iterator).label[0].shape == (4, 3, 5)
    iterator.reshape(label_shape=(9, 5))
    assert next(iterator).label[0].shape == (4, 9, 5)


def test_what_fetches_ahead_refuses_an_iterator_that_would_overwrite_its_batches(objects: Path) -> None:
    iterator = loaders.ResizeIter(make("ImageRecordIter", objects, reuse_buffers=True), 3)
    assert iterator.reuses_buffers
    with pytest.raises(ValueError, match="reuse_buffers=True"):
        loaders.PrefetchingIter(iterator)
    assert not loaders.PrefetchingIter(make("ImageRecordIter", objects)).reuses_buffers
