"""Salvage against ground truth: thousands of hurt sets, of which the tests know of each byte where it comes from.

RECORDIO_SALVAGE_CASES sets the number of the seeded cases, beside the names that tiers.py knows.
"""

from __future__ import annotations

import os
import random

import tiers
from hurt import draw_case
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from salvaged import Salvager, check, work

CASES = int(os.environ.get("RECORDIO_SALVAGE_CASES") or tiers.cases("salvage", 500, 5000, 200_000))
_CHUNK = 250  # cases of one process at a time


def test_hurt_sets_keep_what_is_untouched() -> None:
    exactly = by_frames = 0
    with tiers.row("salvage") as row:
        for done, *found in tiers.spread(work, tiers.parts(CASES, _CHUNK), weight=2):
            row.add(done)
            exactly += found[0]
            by_frames += found[1]
    assert exactly > 2 * row.cases  # else the cases show nothing
    assert by_frames > row.cases


@settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.too_slow])
@given(st.randoms(use_true_random=False))
def test_any_damage_loses_only_what_it_touches(rng: random.Random) -> None:
    with Salvager() as salvage:
        check(salvage, rng, draw_case(rng))
