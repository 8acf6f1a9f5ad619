"""Signals and closed pipes at random points: gone within two seconds, with the right exit code, and nothing left."""

from __future__ import annotations

import pytest
from killing import pipe_chunk, signal_chunk
from tiers import cases, parts, row, spread

pytestmark = pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")


def test_a_signal_ends_a_command_soon_and_leaves_nothing():
    count = cases("signals", 28, 250, 4000)
    with row("signals") as run:
        for done in spread(signal_chunk, parts(count, max(28, count // 8))):
            run.add(done)


def test_a_closed_pipe_ends_a_command_quietly():
    count = cases("closed pipes", 10, 50, 1000)
    with row("closed pipes") as run:
        for done in spread(pipe_chunk, parts(count, max(10, count // 8))):
            run.add(done)
