"""The examples for PyTorch, as a user runs them. Run by `make test-torch`, in an environment with PyTorch."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

pytest.importorskip("torch")
pytestmark = pytest.mark.interop

HERE = Path(__file__).resolve().parent
EXAMPLES = HERE.parents[1] / "examples"


@pytest.fixture(scope="module")
def training() -> ModuleType:
    """What the tests of the examples for MXNet pack and check with."""
    spec = importlib.util.spec_from_file_location("training", HERE / "test_training.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def prefix(training: ModuleType, photos: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    packed: Path = training.pack(photos, tmp_path_factory.mktemp("sets") / "photos")
    return packed


@pytest.mark.parametrize("example", ["pytorch_training.py", "pytorch_record_iter.py"])
def test_the_same_networks_learn_in_pytorch(example: str, prefix: Path, training: ModuleType) -> None:
    done = subprocess.run([sys.executable, str(EXAMPLES / example), str(prefix)], capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    training.check(done.stdout, {"perceptron", "convolutional"})
