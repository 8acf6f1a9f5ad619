"""Two runs at a time: on one prefix only one writes, and parts of one set do not disturb each other."""

from __future__ import annotations

import pytest
from killing import parts_chunk, two_runs_chunk
from tiers import cases, parts, row, spread

pytestmark = pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")


def test_two_runs_on_one_prefix_never_mix():
    count = cases("two runs", 20, 50, 1000)
    with row("two runs") as run:
        for done in spread(two_runs_chunk, parts(count, max(20, count // 8))):
            run.add(done)


def test_parts_of_a_set_are_packed_side_by_side():
    count = cases("parts side by side", 5, 20, 200)
    with row("parts side by side") as run:
        for done in spread(parts_chunk, parts(count, max(5, count // 4))):
            run.add(done)
