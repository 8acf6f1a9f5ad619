"""How long an item may take: by a clock that the tests turn."""

from __future__ import annotations

import pytest

from im2rec.deadline import Deadline


def look_often(deadline: Deadline, start: float, stop: float) -> float:
    """Look as often as the deadline asks for, from one time to another; return the last."""
    assert deadline.pause is not None
    now = start
    while now < stop:
        deadline.look(now)
        now += deadline.pause
    deadline.look(stop)
    return stop


@pytest.mark.parametrize("seconds", [0.2, 1, 60])
def test_an_item_is_over_when_it_had_its_time_and_not_before(seconds):
    deadline = Deadline(seconds, 100.0)
    look_often(deadline, 100.0, 100.0 + 0.99 * seconds)
    assert not deadline.is_over(since=100.0)
    look_often(deadline, 100.0 + 0.99 * seconds, 100.01 + seconds)
    assert deadline.is_over(since=100.0)
    assert not deadline.is_over(since=100.5)


def test_time_in_which_nobody_looked_is_no_items_time():
    deadline = Deadline(60, 0.0)
    now = look_often(deadline, 0.0, 20.0)
    now = look_often(deadline, now + 3600, now + 3600 + 59)
    assert not deadline.is_over(since=0.0)
    look_often(deadline, now, now + 2)
    assert deadline.is_over(since=0.0)


def test_without_a_limit_nothing_is_over():
    deadline = Deadline(0, 0.0)
    deadline.look(1e9)
    assert deadline.pause is None
    assert not deadline.is_over(since=0.0)
