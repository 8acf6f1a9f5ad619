"""How work is cut into chunks: by the bytes of the files, and by what came of those before."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from im2rec import chunks
from im2rec.chunks import Chunks
from im2rec.listfile import Item
from im2rec.work import RING, Attempt, Outcomes


def items(count: int) -> list[Item]:
    return [Item(number, (0.0,), f"{number}.jpg") for number in range(count)]


def outcomes(count: int, read: int, made: int) -> Outcomes:
    found = Outcomes()
    for _ in range(count):
        found.note(Attempt(bytes(made), read))
    return found


def after(cut: Chunks, done: Outcomes) -> list[Item]:
    """The first chunk that is cut after these outcomes."""
    cut.note(done)
    return next(iter(cut))


@given(st.lists(st.integers(0, 3 << 20), max_size=200), st.integers(4096, 1 << 23))
def test_every_item_is_in_one_chunk_in_order(sizes, ring):
    listed = items(len(sizes))
    cut = list(Chunks(listed, lambda path: sizes[int(path[:-4])], ring))
    assert list(itertools.chain(*cut)) == listed
    assert all(0 < len(chunk) <= chunks.MOST_ITEMS for chunk in cut)


def test_chunks_end_when_their_files_have_a_mebibyte():
    cut = Chunks(items(1000), lambda _: 50_000, RING)
    assert len(after(cut, outcomes(10, 50_000, 10_000))) == 21  # 20 have less than 1,048,576 bytes


@pytest.mark.parametrize(("read", "made"), [(46_000, 350_000), (630_000, 630_000), (1_000, 100_000), (30_000, 3_000_000)])
def test_what_comes_of_a_chunk_fills_a_quarter_of_a_ring_or_is_one_record(read, made):
    chunk = after(Chunks(items(1000), lambda _: read, RING), outcomes(20, read, made))
    assert len(chunk) == 1 or (len(chunk) - 1) * made < RING // 4


def test_the_first_chunks_are_small_for_what_will_come_of_them_is_not_known():
    assert len(next(iter(Chunks(items(1000), lambda _: 50_000, RING)))) == 6  # 5 have less than 262,144 bytes


def test_rejected_items_do_not_count_for_what_comes_of_the_others():
    done = outcomes(10, 50_000, 10_000)
    for _ in range(1000):
        done.reject("is no image")
    assert len(after(Chunks(items(1000), lambda _: 50_000, RING), done)) == 21


def test_sizes_are_no_longer_asked_for_where_that_takes_long(monkeypatch):
    asked, clock = [], itertools.count()
    monkeypatch.setattr(chunks.time, "perf_counter", lambda: next(clock) * 1e-3)
    cut = Chunks(items(1000), lambda path: asked.append(path) or 50_000, RING)
    cut.note(outcomes(10, 100_000, 10_000))
    sizes = list(map(len, cut))
    assert len(asked) == 64
    assert set(sizes[4:-1]) == {11}  # of 100,000 bytes each
