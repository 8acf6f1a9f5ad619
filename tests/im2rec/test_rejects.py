"""Rejects in their order, however many there are."""

from __future__ import annotations

import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from im2rec import rejects
from im2rec.rejects import Reject, Rejects, format_rejects, parse_rejects

TEXTS = st.text(st.sampled_from("ab\\\t\r\n\u2028\udce9ü")) | st.text()
MANY = st.lists(st.builds(Reject, st.none() | st.integers(0, (1 << 64) - 1), TEXTS, TEXTS), max_size=30)


@given(MANY, st.integers(-40, 40), st.integers(-40, 40))
def test_many_rejects_are_a_list_of_them(all_of_them, start, stop):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(rejects, "NAMED", 3)
        patch.setattr(rejects, "_BLOCK", 20)
        found = Rejects(all_of_them)
        assert (len(found), found.first, found.more) == (len(all_of_them), all_of_them[:3], max(0, len(all_of_them) - 3))
        assert bool(found) == bool(all_of_them)
        assert list(found) == list(found) == all_of_them
        assert found[start:stop] == all_of_them[start:stop]
        for at in range(-len(all_of_them), len(all_of_them)):
            assert found[at] == all_of_them[at]
        with pytest.raises(IndexError):
            found[len(all_of_them)]
        assert format_rejects(found) == format_rejects(all_of_them)
        assert parse_rejects(format_rejects(found)) == found == all_of_them
        assert list(found + found) == all_of_them * 2
        assert found != [*found, Reject(None, "", "")]


def test_very_many_rejects_take_little_memory():
    tracemalloc.start()
    try:
        found = Rejects(Reject(number, f"some/folder/{number:07d}.jpg", f"does not exist: {number}") for number in range(100_000))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert found[-1].id == len(found) - 1 == 99_999
    assert peak < 8_000_000  # as objects they take 30 MB
