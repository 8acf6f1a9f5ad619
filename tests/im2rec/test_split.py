"""Order and division of lists."""

from __future__ import annotations

import itertools
import random
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from im2rec import split
from im2rec.errors import PlanError

RATIOS = st.lists(st.integers(1, 20), min_size=1, max_size=5).map(
    lambda parts: {f"s{n}": part / sum(parts) for n, part in enumerate(parts)}
)


def mxnet_make_list(entries, chunks, train_ratio, test_ratio):
    """As make_list of MXNet 1.9.1's im2rec.py."""
    size = (len(entries) + chunks - 1) // chunks
    for i in range(chunks):
        chunk = entries[i * size : (i + 1) * size]
        name = f"_{i}" if chunks > 1 else ""
        sep, sep_test = int(size * train_ratio), int(size * test_ratio)
        if train_ratio == 1.0:
            yield name, chunk
            continue
        if test_ratio:
            yield f"{name}_test", chunk[:sep_test]
        if train_ratio + test_ratio < 1.0:
            yield f"{name}_val", chunk[sep_test + sep :]
        yield f"{name}_train", chunk[sep_test : sep_test + sep]


@given(st.integers(0, 300))
def test_the_default_shuffle_is_mxnets(count):
    entries = [(n, f"{n}.jpg", 0) for n in range(count)]
    random.seed(100)
    random.shuffle(entries)
    assert list(split.order(count, shuffle=True)) == [entry[0] for entry in entries]


def test_the_shuffle_leaves_the_callers_random_state_alone():
    random.seed(5)
    expected = random.random()
    random.seed(5)
    split.order(100, shuffle=True)
    assert random.random() == expected


def test_seeds_give_different_orders_of_the_same_entries():
    first, second = split.order(50, shuffle=True, seed=1), split.order(50, shuffle=True, seed=2)
    assert list(first) != list(second)
    assert sorted(first) == sorted(second) == list(split.order(50, shuffle=False))


@given(st.integers(0, 60), st.integers(1, 7), st.integers(0, 10), st.integers(0, 10))
def test_chunks_and_ratios_cut_as_mxnets_slices_do(count, chunks, train, test):
    entries = list(range(count))
    ours = [(name, entries[a:b]) for name, a, b in split.mxnet_chunks(count, chunks, train / 10, test / 10)]
    assert ours == list(mxnet_make_list(entries, chunks, train / 10, test / 10))


def test_splits_are_parsed_with_blanks_around_them():
    assert split.parse_splits("train=0.8, val = 0.1,test=0.1") == {"train": 0.8, "val": 0.1, "test": 0.1}


@pytest.mark.parametrize(
    "text", ["", "train", "train=", "=1", "train=x", "train=0,val=1", "train=-1,val=2", "a=0.5,a=0.5", "a/b=1", "..=1", "a=nan", "a=1.5"]
)
def test_a_split_that_is_no_name_and_ratio_is_refused(text):
    with pytest.raises(PlanError, match="expected NAME=RATIO"):
        split.parse_splits(text)


def test_ratios_that_do_not_add_up_are_refused_with_their_sum():
    with pytest.raises(PlanError, match=r"add up to 0\.9, expected 1"):
        split.parse_splits("train=0.8,val=0.1")


@given(st.integers(1, 500), st.integers(1, 50))
def test_even_parts_cover_everything_and_differ_by_one_at_most(count, parts):
    if parts > count:
        with pytest.raises(PlanError):
            split.even_bounds(count, parts)
        return
    bounds = split.even_bounds(count, parts)
    sizes = [stop - start for start, stop in itertools.pairwise(bounds)]
    assert (bounds[0], bounds[-1], len(sizes)) == (0, count, parts)
    assert max(sizes) - min(sizes) <= 1


@given(st.integers(0, 300), RATIOS)
def test_every_entry_falls_to_one_split_in_order_and_none_is_off_by_one_or_more(count, ratios):
    entries = list(split.order(count, shuffle=True))
    divided = split.split(entries, ratios)
    assert sorted(entry for members in divided.values() for entry in members) == list(range(count))
    for name, members in divided.items():
        assert members == [entry for entry in entries if entry in set(members)]
        assert abs(len(members) - count * ratios[name]) < 1 + 1e-6


@given(st.lists(st.integers(0, 4), min_size=1, max_size=200), RATIOS)
def test_stratified_splits_lose_nothing_and_keep_each_labels_ratio(labels, ratios):
    divided = split.split(range(len(labels)), ratios, labels)
    assert sorted(entry for members in divided.values() for entry in members) == list(range(len(labels)))
    for name, members in divided.items():
        counts = Counter(labels[entry] for entry in members)
        for label, total in Counter(labels).items():
            assert abs(counts[label] - total * ratios[name]) < 2 + 1e-6  # its own rounding, and what earlier labels are owed


def test_stratified_labels_that_divide_evenly_are_divided_exactly():
    labels = [0] * 10 + [1] * 20 + [2] * 30
    divided = split.split(range(60), {"train": 0.8, "val": 0.1, "test": 0.1}, labels)
    assert Counter(labels[entry] for entry in divided["train"]) == {0: 8, 1: 16, 2: 24}
    assert Counter(labels[entry] for entry in divided["val"]) == {0: 1, 1: 2, 2: 3}


def test_many_labels_of_one_image_still_follow_the_ratios():
    divided = split.split(range(100), {"train": 0.9, "val": 0.1}, list(range(100)))
    assert {name: len(members) for name, members in divided.items()} == {"train": 90, "val": 10}
