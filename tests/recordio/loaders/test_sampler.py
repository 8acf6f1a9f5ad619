"""Orders and parts: all records once, the same from the same seed, equal in length."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recordio.loaders import sampler


def parts(records: int, count: int, balance: str = "pad") -> list[sampler.Cut]:
    ranges = [sampler.split_evenly(records, count, part, balance) for part in range(count)]
    return [sampler.cut(ranges, part, records, balance) for part in range(count)]


@pytest.mark.parametrize("records", [0, 1, 10, 23, 64])
@pytest.mark.parametrize("count", [1, 3, 7])
def test_padded_parts_are_equal_in_length_and_leave_no_record_out(records: int, count: int) -> None:
    cuts = parts(records, count)
    orders = [sampler.Sampler(cut).epoch(0) for cut in cuts]
    assert {len(order) for order in orders} == {-(-records // count)}
    assert set(np.concatenate(orders).tolist()) == set(range(records))
    assert sum(cut.count for cut in cuts) == records


def test_dropped_tails_leave_parts_that_are_equal_and_disjoint() -> None:
    orders = [sampler.Sampler(cut).epoch(0).tolist() for cut in parts(23, 3, "drop")]
    assert orders == [list(range(7)), list(range(7, 14)), list(range(14, 21))]


def test_uneven_parts_are_mxnets() -> None:
    assert [len(sampler.Sampler(cut)) for cut in parts(10, 7, "uneven")] == [2, 2, 2, 2, 2, 0, 0]


def test_bytes_cut_parts_at_the_first_record_behind_each_step() -> None:
    offsets = np.array([0, 100, 104, 200, 300, 396], np.int64)
    found = [sampler.split_by_bytes(offsets, 400, 3, part) for part in range(3)]
    assert found == [range(3), range(3, 4), range(4, 6)]


@pytest.mark.parametrize("across", [False, True])
def test_each_epoch_shuffles_anew_and_the_same_seed_gives_the_same(across: bool) -> None:
    orders = [sampler.Sampler(cut, shuffle=True, seed=5, across=across) for cut in parts(40, 4)]
    first = np.concatenate([order.epoch(0) for order in orders])
    second = np.concatenate([order.epoch(1) for order in orders])
    assert sorted(first.tolist()) == sorted(second.tolist()) == list(range(40))
    assert (first != second).any()
    assert np.array_equal(first, np.concatenate([order.epoch(0) for order in orders]))
    own = {tuple(sorted(order.epoch(0).tolist())) for order in orders}
    assert own.isdisjoint({tuple(sorted(order.epoch(1).tolist())) for order in orders}) is across


def test_an_order_is_the_same_on_every_machine() -> None:
    # PCG64's stream is fixed by its definition; this is what NumPy's documentation of SeedSequence and PCG64 vouches for.
    expected = np.argsort(np.random.PCG64(np.random.SeedSequence([7, 0])).random_raw(6), kind="stable")
    assert sampler.shuffled(6, 7, 0).tolist() == expected.tolist()


def test_chunks_are_shuffled_as_wholes_and_inside_only_when_asked() -> None:
    whole = sampler.Cut(0, 12, 12, 12)
    chunks = sampler.chunk_starts(np.arange(12, dtype=np.int64) * 100, 400)
    assert chunks == (0, 4, 8)
    order = sampler.Sampler(whole, chunks=chunks, chunk_seed=3).epoch(1).reshape(3, 4)
    assert (np.diff(order, axis=1) == 1).all()
    mixed = sampler.Sampler(whole, shuffle=True, chunks=chunks, chunk_seed=3).epoch(1).reshape(3, 4)
    assert [sorted(row) for row in mixed.tolist()] == order.tolist()
    assert (mixed != order).any()


@given(st.permutations(range(12)), st.integers(1, 3), st.booleans(), st.integers(0, 3))
def test_chunks_have_each_record_once_in_whatever_order_the_index_has_them(
    places: list[int], parts: int, shuffle: bool, epoch: int
) -> None:
    offsets = np.array(places, np.int64) * 100
    chunks, in_file = sampler.chunk_starts(offsets, 400), sampler.in_file(offsets)
    ranges = [sampler.split_evenly(12, parts, part) for part in range(parts)]
    found = []
    for part in range(parts):
        order = sampler.Sampler(sampler.cut(ranges, part, 12), shuffle, chunks=chunks, in_file=in_file).epoch(epoch).tolist()
        of_chunks = [key for key, _ in itertools.groupby(places[ordinal] // 4 for ordinal in order)]
        assert len(of_chunks) == len(set(of_chunks))
        found += order
    assert sorted(found) == list(range(12))


def test_draws_follow_from_their_words_alone() -> None:
    assert sampler.draw(1, 2, 3).random() == sampler.draw(1, 2, 3).random()
    assert len({sampler.draw(1, 0, ordinal).random() for ordinal in range(1000)}) == 1000


@pytest.mark.parametrize(("count", "part", "balance"), [(0, 0, "pad"), (3, 3, "pad"), (3, -1, "pad"), (3, 0, "equal")])
def test_parts_that_cannot_be_are_errors(count: int, part: int, balance: str) -> None:
    with pytest.raises(ValueError, match="expected one"):
        sampler.split_evenly(10, count, part, balance)
