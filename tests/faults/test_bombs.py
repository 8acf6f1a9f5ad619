"""Decompression bombs are refused by what their headers say, before they cost memory or time; what is left is packed as cheaply."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from bombs import ANYTHING, LIMIT_BYTES, MAKERS, judge, make
from pictures import KINDS
from tiers import cases, parts, row, spread

if sys.platform != "linux":
    pytest.skip("what a process has taken at the most is told in other units, or not at all", allow_module_level=True)

BOMBS = cases("bombs", 2 * len(MAKERS), 4 * len(MAKERS), 4_000)
REFUSED = [number for number in range(len(MAKERS)) if make(number).expected != ANYTHING]


def test_bombs_are_refused_in_a_tenth_of_a_second_and_64_mib_and_so_is_all_that_is_packed() -> None:
    with row("decompression bombs") as counted, row("cheap to pack") as others:
        for refused, packed in spread(judge, parts(BOMBS, 50)):
            counted.add(refused)
            others.add(packed)
    assert counted.cases >= 40, f"only {counted.cases} files had to be refused"


@pytest.mark.parametrize("options", [[], ["--resize", "32", "--workers", "0"]], ids=["kept", "encoded"])
def test_the_command_names_each_bomb_and_takes_no_more_memory_for_them(tmp_path: Path, options: list[str]) -> None:
    """The same list twice, with bombs and without: the peak of memory is about the same, the records are."""
    root = tmp_path / "images"
    root.mkdir()
    (root / "whole").write_bytes(KINDS["jpeg"].make(90, 60, 1))
    for number in REFUSED:
        (root / f"{number}").write_bytes(make(number).data)
    (tmp_path / "one.lst").write_text("0\t1\twhole\n")
    (tmp_path / "all.lst").write_text("0\t1\twhole\n" + "".join(f"{number + 1}\t0\t{number}\n" for number in REFUSED))
    peaks = {}
    for name in ("one", "all"):
        command = [sys.executable, "-m", "im2rec", "pack", str(tmp_path / f"{name}.lst"), str(root), "--json", *options]
        done = subprocess.run([sys.executable, "-c", _PEAK, *command], capture_output=True, text=True, check=False)
        summary, peaks[name] = json.loads(done.stdout.splitlines()[0]), int(done.stdout.splitlines()[1])
        rejected = [each["path"] for each in summary["rejects"]]
        assert rejected == ([f"{number}" for number in REFUSED] if name == "all" else [])
        assert summary["listed"] == summary["packed"] + summary["rejected"] == 1 + len(rejected)
    assert (tmp_path / "all.rec").read_bytes() == (tmp_path / "one.rec").read_bytes()
    assert peaks["all"] - peaks["one"] < LIMIT_BYTES

    command = [sys.executable, "-m", "im2rec", "pack", str(tmp_path / "all.lst"), str(root), "--force", *options]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert f"packed 1 of {1 + len(REFUSED)} images" in done.stderr
    assert sum(line.startswith("im2rec: rejected: ") for line in done.stderr.splitlines()) == len(REFUSED)


_PEAK = """
import resource, subprocess, sys
subprocess.run(sys.argv[1:], check=False)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024)
"""
