"""The programs of tests/recordio/programs/alike print under MXNet 1.9.1 itself what stands beside them.

A new one: make the sets with alikesets.make, run it in their folder as below, and keep what MXNet printed as its .out.
"""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import alikesets
import pytest

pytestmark = pytest.mark.interop

PROGRAMS = Path(__file__).resolve().parents[1] / "recordio" / "programs" / "alike"


@pytest.mark.parametrize("program", sorted(PROGRAMS.glob("*.py")), ids=lambda path: path.stem)
def test_mxnet_prints_what_is_expected_of_the_stand_in(program: Path, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    alikesets.make(tmp_path / "data")
    (tmp_path / "out").mkdir()
    command = [os.environ["IM2REC_MXNET_PYTHON"], "-W", "ignore", str(program), "data", "out"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout == program.with_suffix(".out").read_text()
