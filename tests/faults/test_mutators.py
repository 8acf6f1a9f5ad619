"""Mutated files: whatever stands in them, they are read or refused in the documented ways, soon, and in little memory."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from pathlib import Path

import mutated
import mutators
import pytest
import sets
import targets
from tiers import SEED, TIER, cases, parts, row, spread

CASES = Path(__file__).parent / "cases"
_SHARES = {"rec": 30, "idx": 20, "lst": 15, "sum": 25, "journal": 10}  # of a hundred


def test_mutated_files_are_refused_in_the_documented_ways_only():
    total = cases("mutated", 10_000, 1_000_000, 10**8)
    chunks = [
        (kind, first, stop, SEED, TIER != "quick") for kind, share in _SHARES.items() for first, stop in parts(total * share // 100, 20_000)
    ]
    with row("mutated") as counted:
        for done in spread(mutated.run, chunks, weight=3):
            counted.add(done)


@pytest.mark.parametrize("path", sorted(CASES.iterdir()), ids=lambda path: path.name)
def test_file_that_once_broke_something_is_refused(tmp_path, path):
    kind = path.suffix[1:]
    with targets.no_hang() as wind_up:
        wind_up()
        for turn in range(0, 8 * 24, 8):
            targets.Bench(tmp_path).run(kind, path.read_bytes(), turn)
            targets.Bench(tmp_path).run(kind, path.read_bytes(), turn + 1)


@pytest.mark.parametrize("kind", mutators.KINDS)
def test_files_that_nothing_was_done_to_are_read(tmp_path, kind):
    for turn, data in enumerate(mutators.seeds(kind)):
        targets.Bench(tmp_path).run(kind, data, 8 * turn)


@pytest.mark.parametrize("kind", mutators.KINDS)
def test_the_same_case_is_the_same_file(kind):
    assert [mutated.data_of(kind, case, SEED) for case in range(50)] == [mutated.data_of(kind, case, SEED) for case in range(50)]
    assert len({mutated.data_of(kind, case, SEED) for case in range(200)}) > 100


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux limits the memory of a process")
def test_the_limit_of_memory_is_felt():
    code = "import mutated; mutated.limit_memory(1 << 24); bytearray(1 << 23); bytearray(1 << 25)"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, env=environment)
    assert done.stderr.splitlines()[-1] == "MemoryError"


def test_a_resealed_sum_is_whole_again():
    data = mutators.seeds("sum")[2]
    assert mutators.resealed(data) == data


def test_all_sets_that_are_mutated_are_small():
    rng = random.Random(SEED)
    for kind in range(sets.KINDS):
        records, _ = sets.contents(kind, rng)
        assert sum(len(payload) for _, payload in records) <= 4096
