"""SIGKILL at random points of real processes: the final names, the next run, and going on where the killed one stopped."""

from __future__ import annotations

import pytest
from killing import kill_chunk, resume_chunk
from tiers import cases, parts, row, spread

pytestmark = pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")


def test_a_kill_leaves_old_files_or_new_ones_and_nothing_in_the_way_of_the_next_run():
    count = cases("kills", 28, 1000, 20_000)
    with row("kills") as run:
        for done in spread(kill_chunk, parts(count, max(28, count // 8))):
            run.add(done)


def test_a_killed_pack_is_resumed_to_the_same_bytes():
    count = cases("resumes", 16, 100, 2000)
    taken_over = 0
    with row("resumes") as run:
        for done, failures, adopted in spread(resume_chunk, parts(count, max(8, count // 8))):
            run.add((done, failures))
            taken_over += adopted
        if taken_over < count // 4:
            run.fail("all", f"only {taken_over} of {count} resumed runs had work to take over")
