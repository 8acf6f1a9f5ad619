"""The parsers under a fuzzer that sees what code it reaches; only in the soak tier, as it needs atheris and time."""

from __future__ import annotations

import importlib.util
import os
import re
import subprocess
import sys

import fuzz
import mutators
import pytest
from tiers import SEED, TIER, row

SECONDS = int(os.environ.get("SOAK_FUZZ", "300"))


@pytest.mark.skipif(TIER != "soak", reason="runs in the soak tier (make soak)")
@pytest.mark.skipif(not importlib.util.find_spec("atheris"), reason="atheris is missing: pip install atheris, which make soak does")
def test_fuzzer_finds_nothing():
    command = [sys.executable, fuzz.__file__, str(SECONDS), f"-seed={SEED}"]
    with row("atheris") as counted:
        done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS + 300, check=False)
        found = re.search(r"number_of_executed_units: *(\d+)", done.stderr)
        counted.cases += int(found[1]) if found else 0
        if done.returncode:
            counted.fail("see .faults", done.stderr[-3000:])


def test_what_the_fuzzer_calls_works_without_it(tmp_path):
    fuzz.write_corpus(tmp_path)
    corpus = sorted(tmp_path.iterdir())
    assert len(corpus) == sum(len(mutators.seeds(kind)) for kind in mutators.KINDS)
    one_input = fuzz.OneInput(tmp_path)
    for path in corpus:
        data = path.read_bytes()
        one_input(data)
        for seed in range(20):
            one_input(fuzz.mutated(data, fuzz.SMALL, seed, lambda data, most: data[1:most]))
    one_input(b"")
