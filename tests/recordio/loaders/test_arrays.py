"""NDArrayIter, CSVIter, ResizeIter and PrefetchingIter against what MXNet 1.9.1's gave."""

from __future__ import annotations

import json
import os
import pickle
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest

import recordio
from recordio import loaders

FOLDER = Path(__file__).resolve().parents[2] / "golden" / "augment"
GOLDEN = json.loads((FOLDER / "iterators.json").read_text())


def rows(iterator: loaders.DataIter) -> list[Any]:
    return [[batch.data[0].tolist(), batch.label[0].tolist(), batch.pad] for batch in iterator]


@pytest.mark.parametrize("case", GOLDEN["ndarray"], ids=lambda case: f"{case['rows']}-{case['handle']}")
def test_epochs_over_arrays_are_mxnets(case: dict[str, Any]) -> None:
    n = case["rows"]
    iterator = loaders.NDArrayIter(
        np.arange(n * 2).reshape(n, 2).astype("float32"), np.arange(n).astype("float32"), 4, last_batch_handle=case["handle"]
    )
    for epoch in case["epochs"][:-1]:
        assert len(iterator) == len(epoch)
        assert rows(iterator) == epoch
        iterator.reset()
    iterator.next()
    iterator.reset()
    assert rows(iterator) == case["epochs"][-1]


def test_arrays_have_names_by_their_place_or_their_key() -> None:
    iterator = loaders.NDArrayIter({"a": np.zeros((6, 2)), "b": np.zeros((6, 3))}, [np.zeros(6), np.ones((6, 1))], batch_size=2)
    described = [(desc.name, desc.shape) for desc in iterator.provide_data + iterator.provide_label]
    assert described == [("a", (2, 2)), ("b", (2, 3)), ("_0_softmax_label", (2,)), ("_1_softmax_label", (2, 1))]
    assert loaders.NDArrayIter([[1, 2]], batch_size=1).next().label == []


def test_a_shuffle_keeps_data_and_labels_together_and_is_new_each_epoch() -> None:
    iterator = loaders.NDArrayIter(np.arange(20), np.arange(20) * 2, 5, shuffle=True, seed=1)
    epochs = []
    for _ in range(2):
        batches = list(iterator)
        assert all(np.array_equal(batch.data[0] * 2, batch.label[0]) for batch in batches)
        epochs.append(np.concatenate([batch.data[0] for batch in batches]).tolist())
        iterator.reset()
    assert epochs[0] != epochs[1]
    assert sorted(epochs[0]) == sorted(epochs[1]) == list(range(20))
    again = loaders.NDArrayIter(np.arange(20), batch_size=5, shuffle=True, seed=1)
    assert np.concatenate([batch.data[0] for batch in again]).tolist() == epochs[0]


def test_without_a_seed_numpys_own_governs_the_order() -> None:
    orders = []
    for _ in range(2):
        np.random.seed(4)
        orders.append(loaders.NDArrayIter(np.arange(9), batch_size=9, shuffle=True).next().data[0].tolist())
    assert orders[0] == orders[1] != list(range(9))


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"data": np.zeros(3), "batch_size": 4}, "batch_size=4 with 3 rows"),
        ({"data": np.zeros(3), "label": np.zeros(2)}, "different lengths: data 3, softmax_label 2"),
        ({"data": np.zeros(3), "last_batch_handle": "keep"}, "last_batch_handle='keep'"),
        ({"data": None}, "data is None"),
        ({"data": np.float32(3)}, "of 0 axes"),
    ],
)
def test_arrays_that_make_no_batches_are_refused(given: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        loaders.NDArrayIter(**given)


def test_the_layout_of_arrays_is_told() -> None:
    iterator = loaders.NDArrayIter(np.zeros((4, 2, 3, 1)), batch_size=2, layout="NHWC")
    assert [desc.layout for desc in iterator.provide_data] == ["NHWC"]


@pytest.mark.parametrize("shuffle", [False, True])
def test_arrays_start_where_jax_takes_them_without_a_copy(shuffle: bool) -> None:
    batches = list(loaders.NDArrayIter(np.zeros((9, 3, 5)), np.zeros(9), batch_size=4, shuffle=shuffle))
    batches += list(loaders.CSVIter(FOLDER / "data.csv", (2, 2), 2))
    assert all(array.ctypes.data % 64 == 0 for batch in batches for array in (batch.data[0], batch.label[0]))


def test_rows_may_stand_along_another_axis() -> None:
    values = np.arange(15).reshape(3, 5)
    iterator = loaders.NDArrayIter(values, values[:1], batch_size=2, layout="TN")
    assert [desc.shape for desc in (*iterator.provide_data, *iterator.provide_label)] == [(3, 2), (1, 2)]
    batches = list(iterator)
    assert [batch.data[0].tolist() for batch in batches] == [values[:, at].tolist() for at in ([0, 1], [2, 3], [4, 0])]
    assert [batch.label[0].tolist() for batch in batches] == [[[0, 1]], [[2, 3]], [[4, 0]]]
    with pytest.raises(ValueError, match="softmax_label has 1 axes, expected more than 1"):
        loaders.NDArrayIter(values, np.arange(5), layout="TN")


def test_rows_of_csv_files_are_mxnets() -> None:
    given = {"data_csv": FOLDER / "data.csv", "data_shape": (2, 2), "batch_size": 2, "label_csv": FOLDER / "label.csv"}
    iterator = loaders.CSVIter(**given)
    assert rows(iterator) == GOLDEN["csv"]
    assert list(iterator) == []
    iterator.reset()
    assert rows(iterator) == GOLDEN["csv"]
    last = list(loaders.CSVIter(**given, round_batch=False))[-1]
    assert (last.pad, last.data[0][1].any(), last.label[0].tolist()) == (1, False, [4.0, 0.0])
    whole = loaders.CSVIter(**{**given, "label_csv": "NULL", "dtype": "int32"}).next()
    assert (whole.data[0].dtype, whole.label[0].tolist()) == (np.int32, [0, 0])


@pytest.mark.parametrize(("line", "message"), [("1,2,x,4", "'x'"), ("1,2", "a line of 2 fields, expected 4")])
def test_a_bad_line_of_a_csv_is_named_by_its_offset(tmp_path: Path, line: str, message: str) -> None:
    (tmp_path / "a.csv").write_text(f"1,2,3,4\n{line}\n")
    with pytest.raises(recordio.FormatError, match=rf"a\.csv: offset 8: .*{message}"):
        loaders.CSVIter(tmp_path / "a.csv", (4,), 1)


def ramp(factor: int = 1) -> loaders.NDArrayIter:
    return loaders.NDArrayIter((np.arange(6) * factor).astype("float32"), np.arange(6).astype("float32"), batch_size=2)


@pytest.mark.parametrize("case", GOLDEN["resize"], ids=lambda case: f"{case['size']}-{case['reset_internal']}")
def test_resized_epochs_are_mxnets(case: dict[str, Any]) -> None:
    iterator = loaders.ResizeIter(ramp(), case["size"], reset_internal=case["reset_internal"])
    for epoch in case["epochs"]:
        assert [batch.data[0].tolist() for batch in iterator] == epoch
        iterator.reset()


def test_prefetched_epochs_are_mxnets() -> None:
    names = {"rename_data": [{"data": "d1"}, {"data": "d2"}], "rename_label": [{"softmax_label": "l1"}, {"softmax_label": "l2"}]}
    iterator = loaders.PrefetchingIter([ramp(), ramp(2)], **names)
    assert [desc.name for desc in iterator.provide_data + iterator.provide_label] == GOLDEN["prefetch"]["names"]
    for epoch in GOLDEN["prefetch"]["epochs"]:
        found = [[[a.tolist() for a in batch.data], [a.tolist() for a in batch.label], batch.pad] for batch in iterator]
        assert found == epoch
        iterator.reset()
    iterator.close()


def test_a_new_name_for_what_is_not_there_is_refused() -> None:
    with pytest.raises(ValueError, match="rename_label: iterator 0 has no 'labels', expected one of softmax_label"):
        loaders.PrefetchingIter(ramp(), rename_label=[{"labels": "l1"}])


def test_iterators_that_do_not_end_together_are_not_joined() -> None:
    iterator = loaders.PrefetchingIter([ramp(), loaders.NDArrayIter(np.zeros(2), batch_size=2)])
    iterator.next()
    with pytest.raises(ValueError, match="one iterator ends before another"):
        iterator.next()
    iterator.close()


def test_an_error_in_the_thread_reaches_the_caller(tmp_path: Path) -> None:
    class Broken(loaders.NDArrayIter):
        def next(self) -> loaders.DataBatch:
            raise OSError("the disk is gone")

    iterator = loaders.PrefetchingIter(Broken(np.zeros(4)))
    with pytest.raises(OSError, match="the disk is gone"):
        iterator.next()
    iterator.close()


def _values(batches: Iterable[loaders.DataBatch]) -> list[Any]:
    return [[[a.tolist() for a in batch.data], [a.tolist() for a in batch.label], batch.pad] for batch in batches]


def _over_arrays(**given: Any) -> loaders.NDArrayIter:
    return loaders.NDArrayIter(np.arange(11), np.arange(11), batch_size=3, **given)


MAKERS: dict[str, Callable[[], Any]] = {
    "in order": _over_arrays,
    "shuffled": lambda: _over_arrays(shuffle=True, seed=4),
    "shuffled without a seed": lambda: _over_arrays(shuffle=True),
    "rolled over": lambda: _over_arrays(shuffle=True, seed=4, last_batch_handle="roll_over"),
    "rows of a file": lambda: loaders.CSVIter(FOLDER / "data.csv", (2, 2), 2),
    "resized": lambda: loaders.ResizeIter(_over_arrays(shuffle=True, seed=4), 6, reset_internal=False),
    "fetched ahead": lambda: loaders.PrefetchingIter([_over_arrays(shuffle=True, seed=4), _over_arrays()]),
}


@pytest.mark.parametrize("at", range(6))
@pytest.mark.parametrize("name", MAKERS)
def test_a_state_goes_on_in_the_middle_of_an_epoch(name: str, at: int) -> None:
    iterator, other = MAKERS[name](), MAKERS[name]()
    for _ in range(at):
        try:
            next(iterator)
        except StopIteration:
            iterator.reset()
    state = json.loads(json.dumps(iterator.state_dict()))
    next(other)
    other.load_state_dict(state)
    for epoch in range(1 if "without" in name else 3):  # without a seed the orders to come are NumPy's own
        assert _values(iterator) == _values(other), epoch
        iterator.reset()
        other.reset()
    for each in (iterator, other):
        if isinstance(each, loaders.PrefetchingIter):
            each.close()


def test_a_state_of_another_iterator_is_refused() -> None:
    with pytest.raises(ValueError, match="batch_size 3, expected 4"):
        loaders.NDArrayIter(np.arange(11), batch_size=4).load_state_dict(_over_arrays().state_dict())
    with pytest.raises(ValueError, match="size 3, expected 4"):
        loaders.ResizeIter(ramp(), 4).load_state_dict(loaders.ResizeIter(ramp(), 3).state_dict())


class Plain(loaders.DataIter):
    """Has no state."""

    provide_data: ClassVar = [loaders.DataDesc("data", (2,))]
    provide_label: ClassVar = [loaders.DataDesc("label", (2,))]

    def next(self) -> loaders.DataBatch:
        return loaders.DataBatch([np.zeros(2)], [np.zeros(2)], 0)


def test_an_iterator_without_a_state_says_so_when_it_is_asked_for_one() -> None:
    iterator = loaders.PrefetchingIter(Plain())
    iterator.next()
    with pytest.raises(NotImplementedError, match="Plain has no state_dict"):
        iterator.state_dict()
    iterator.close()
    with pytest.raises(RuntimeError, match="Plain has no state_dict"):
        pickle.dumps(iterator)


SMALL = FOLDER.parent / "loaders" / "small"
FETCHED: dict[str, Callable[[], Any]] = {
    "arrays": lambda: [_over_arrays(shuffle=True, seed=4), _over_arrays()],
    "records": lambda: loaders.ImageRecordIter(
        path_imgrec=f"{SMALL}.rec", path_imgidx=f"{SMALL}.idx", data_shape=(3, 20, 20), batch_size=3, shuffle=True, rand_crop=True
    ),
    "images": lambda: loaders.ImageIter(
        3, (3, 20, 20), path_imgrec=f"{SMALL}.rec", path_imgidx=f"{SMALL}.idx", shuffle=True, seed=3, preprocess_threads=2
    ),
}


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
@pytest.mark.parametrize("at", [0, 1, 3])
@pytest.mark.parametrize("name", FETCHED)
def test_what_was_fetched_ahead_is_fetched_again_after_a_fork_and_in_a_copy(
    name: str, at: int, in_a_fork: Callable[[Callable[[], bool]], bool]
) -> None:
    iterator, straight = loaders.PrefetchingIter(FETCHED[name]()), loaders.PrefetchingIter(FETCHED[name]())
    expected = _values(straight)[at:]
    straight.reset()
    expected_next = _values(straight)
    for _ in range(at):
        iterator.next()

    def goes_on(each: Any) -> bool:
        rest = _values(each)
        each.reset()
        following = _values(each)
        each.close()
        return bool(rest == expected and following == expected_next)

    copied = pickle.dumps(iterator)
    assert in_a_fork(lambda: goes_on(iterator))
    assert in_a_fork(lambda: goes_on(pickle.loads(pickle.dumps(iterator))))
    if at:  # of arrays, a reset at the start of an epoch goes to the next one
        assert in_a_fork(lambda: iterator.reset() or _values(iterator) == expected_next)
    assert goes_on(pickle.loads(copied))
    assert goes_on(iterator)
    straight.close()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_fork_of_an_iterator_without_states_says_that_it_cannot_go_on(in_a_fork: Callable[[Callable[[], bool]], bool]) -> None:
    iterator = loaders.PrefetchingIter(Plain())
    iterator.next()

    def says_so() -> bool:
        for _ in range(2):
            with pytest.raises(RuntimeError, match="Plain has no state_dict"):
                iterator.next()
        return True

    assert in_a_fork(says_so)
    iterator.next()
    iterator.close()


@pytest.mark.parametrize(
    ("make", "error", "words"),
    [
        (lambda: loaders.PrefetchingIter(3), TypeError, "iters: 3 has no provide_data, expected an iterator of batches"),
        (lambda: loaders.PrefetchingIter([ramp(), "x"]), TypeError, "iters: 'x' has no provide_data"),
        (lambda: loaders.ResizeIter(3, 2), TypeError, "data_iter: 3 has no provide_data, expected an iterator of batches"),
        (lambda: loaders.ResizeIter(ramp(), 2.5), ValueError, "size=2.5, expected a whole number, at least 0"),
    ],
)
def test_what_is_no_iterator_or_no_size_is_named(make: Any, error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        make()
