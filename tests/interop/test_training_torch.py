"""The example for PyTorch, as a user runs it. Run by `make test-torch`, in an environment with PyTorch."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("torch")
pytestmark = pytest.mark.interop

HERE = Path(__file__).resolve().parent
EXAMPLES = HERE.parents[1] / "examples"


def test_the_same_networks_learn_in_pytorch(photos: Path, tmp_path: Path) -> None:
    spec = importlib.util.spec_from_file_location("training", HERE / "test_training.py")
    assert spec
    assert spec.loader
    training = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(training)

    prefix = training.pack(photos, tmp_path / "photos")
    command = [sys.executable, str(EXAMPLES / "pytorch_training.py"), str(prefix)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    training.check(done.stdout, {"perceptron", "convolutional"})
