"""One IndexedReader for many threads, forks and other processes: none of them ever sees another record than it asked for."""

from __future__ import annotations

import itertools
import json
import multiprocessing
import os
import pickle
import subprocess
import sys
from pathlib import Path

import pytest
import sharing
from tiers import SEED, TIER, cases, row, timely

import recordio

METHODS = [method for method in ("fork", "forkserver", "spawn") if method in multiprocessing.get_all_start_methods()]
# processes, threads, verified
SHAPES = {"quick": [(2, 2, False), (1, 3, True)]}.get(TIER, list(itertools.product((1, 4), (1, 4), (False, True))))


@pytest.fixture(scope="module")
def rec(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("shared") / "x.rec"
    sharing.write(path)
    return path


def run(rec: Path, method: str, processes: int, threads: int, reads: int, seed: int, *flags: str) -> dict[str, int]:
    numbers = map(str, (processes, threads, reads, seed))
    command = [sys.executable, "-W", "ignore::DeprecationWarning", sharing.__file__, str(rec), method, *numbers, *flags]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    done = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False, env=environment)
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout)


def test_all_ways_to_share_give_the_right_records(rec):
    ways = [(method, *shape) for method in METHODS for shape in SHAPES]
    total = cases("sharing", 30_000, 1_100_000, 10**8)
    turns, reads = max(1, total // 2_200_000), min(total, 2_200_000) // len(ways)
    with row("sharing") as counted:
        for turn, (method, processes, threads, verified) in timely([(turn, way) for turn in range(turns) for way in ways], weight=2):
            found = run(rec, method, processes, threads, reads, SEED + turn, *(["--verified"] if verified else []))
            counted.cases += found["reads"]
            if found["wrong"] or found["lost"] or found["grown"] > 0 or not found["copies"]:
                counted.fail(f"turn {turn}, {method}, {processes} processes of {threads} threads, verified: {verified}", found)


def test_processes_without_pread_have_a_descriptor_of_their_own(rec):
    if "fork" in METHODS:
        found = run(rec, "fork", 3, 1, 4000, SEED, "--without-pread")
        assert (found["wrong"], found["lost"]) == (0, 0)


def test_thousands_of_copies_leave_no_descriptor_open(rec):
    reader = recordio.IndexedReader(rec)
    before = sharing.descriptors()
    for turn in range(2000):
        copy = pickle.loads(pickle.dumps(reader))
        if turn % 2:
            copy.close()
        del copy
    assert sharing.descriptors() == before
    assert reader.read(5) == sharing.payload_of(5)
    reader.close()


def test_a_copy_goes_on_when_the_original_is_closed(rec):
    reader = recordio.IndexedReader(rec, verify=True)
    with pickle.loads(pickle.dumps(reader)) as copy:
        reader.close()
        assert [copy.read(key) for key in range(5)] == [sharing.payload_of(key) for key in range(5)]
