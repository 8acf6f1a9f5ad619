"""MXNet's recordio and ours run the same calls on the same data: the same results, files and kinds of errors."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

import recordio.mxnet

pytestmark = pytest.mark.interop

CALLS = Path(__file__).with_name("recordio_calls.py")


def _same(theirs: Any, ours: Any) -> bool:
    """Compare two results; ours may be of more kinds of errors than theirs, not of fewer."""
    if isinstance(theirs, list) and isinstance(ours, list) and len(theirs) == len(ours) == 2 and isinstance(theirs[1], dict):
        return theirs[0] == ours[0] and _same(theirs[1], ours[1])
    if isinstance(theirs, dict) and "raises" in theirs:
        return isinstance(ours, dict) and set(theirs["raises"]) <= set(ours.get("raises", []))
    return bool(theirs == ours)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_same_calls_give_the_same_results(tmp_path: Path, seed: int) -> None:
    spec = importlib.util.spec_from_file_location("recordio_calls", CALLS)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    (tmp_path / "theirs").mkdir()
    (tmp_path / "ours").mkdir()
    command = [os.environ["IM2REC_MXNET_PYTHON"], str(CALLS), str(tmp_path / "theirs"), str(seed)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    theirs = json.loads(done.stdout)
    ours = json.loads(json.dumps(module.run_calls(recordio.mxnet, str(tmp_path / "ours"), seed)))
    assert len(theirs) == len(ours) > 4000
    for number, (one, other) in enumerate(zip(theirs, ours, strict=True)):
        assert _same(one, other), (number, one, other)
    for name in ("a.rec", "a.idx"):
        assert (tmp_path / "theirs" / name).read_bytes() == (tmp_path / "ours" / name).read_bytes()
