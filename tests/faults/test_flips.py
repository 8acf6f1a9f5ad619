"""Damage that verify must see: every single bit, every cut; and that it sees none where there is none."""

from __future__ import annotations

import json
import subprocess
import sys

import flips
import pytest
import sets
from tiers import SEED, cases, parts, row, spread

BITS = 700_000  # of the files of the sets of one seed, about
BYTES = 140_000  # that they can be cut at, with .sum and without


def strides(name: str, total: int, quick: int, test: int, soak: int) -> list[tuple[int, int, int, int]]:
    """Spread a number of cases over the sets: (kind, seed, step, start) of each."""
    wanted = cases(name, quick, test, soak)
    rounds, step = max(1, wanted // total), max(1, total // wanted)
    return [(kind, SEED + turn, step, SEED + 3 * turn) for turn in range(rounds) for kind in range(sets.KINDS)]


def test_every_flipped_bit_is_found_with_its_file_place_and_key():
    with row("flips") as counted:
        for done in spread(flips.flip, strides("flips", BITS, 5_000, 600_000, 10**7), weight=5):
            counted.add(done)


def test_every_cut_is_found():
    with row("cuts") as counted:
        for done in spread(flips.cut, strides("cuts", BYTES, 2_000, 80_000, 10**6)):
            counted.add(done)


def test_clean_sets_raise_no_alarm():
    with row("clean sets") as counted:
        for done in spread(flips.clean, ((*part, SEED) for part in parts(cases("clean", 300, 10_000, 100_000), 500))):
            counted.add(done)


@pytest.mark.parametrize("suffix", sets.SUFFIXES)
def test_the_command_says_file_key_and_bytes_and_ends_with_1(tmp_path, suffix):
    made = sets.make(tmp_path, 2, SEED)
    data, owners = made.path(suffix).read_bytes(), made.owners(suffix)
    at = len(data) // 3
    made.path(suffix).write_bytes(data[:at] + bytes([data[at] ^ 4]) + data[at + 1 :])
    for flags in ([], ["--json"]):
        command = [sys.executable, "-m", "im2rec", "verify", str(made.rec), "--quiet", *flags]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert (done.returncode, done.stderr) == (1, "")
        if not flags:
            assert done.stdout.startswith(f"{made.path(suffix)}: key {owners[at]}: bytes ")
            continue
        issue = json.loads(done.stdout.splitlines()[0])["issue"]
        assert (issue["file"], issue["key"]) == (str(made.path(suffix)), owners[at])
        assert issue["offset"] <= at < issue["offset"] + issue["length"]
