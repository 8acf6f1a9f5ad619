"""MXNet itself trains on a set that we packed: the examples for it, as a user runs them."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.interop

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
CLASSES = 8


def pack(photos: Path, prefix: Path) -> Path:
    """PREFIX_train and PREFIX_val, as docs/training.md packs them."""
    im2rec = [sys.executable, "-m", "im2rec"]
    split = [*im2rec, "list", str(photos), "--split", "train=0.8,val=0.2", "--stratify", "-o", str(prefix)]
    subprocess.run(split, check=True, capture_output=True)
    for part in ("train", "val"):
        subprocess.run([*im2rec, "pack", f"{prefix}_{part}.lst", str(photos), "--resize", "40"], check=True, capture_output=True)
    return prefix


def trained(text: str) -> dict[str, tuple[float, float, float]]:
    """Of each network: the first epoch's loss, the last one's, the accuracy."""
    found = re.findall(r"^(\w+): loss ([\d.]+) to ([\d.]+), accuracy ([\d.]+)$", text, flags=re.MULTILINE)
    return {name: (float(first), float(last), float(share)) for name, first, last, share in found}


def check(text: str, networks: set[str]) -> None:
    results = trained(text)
    assert set(results) == networks
    for name, (first, last, share) in results.items():
        assert last < first / 2, f"{name}: loss {first} to {last}"
        assert share > 5 / CLASSES, f"{name}: accuracy {share}, chance is {1 / CLASSES}"


@pytest.fixture(scope="module")
def prefix(photos: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return pack(photos, tmp_path_factory.mktemp("sets") / "photos")


def run(*arguments: str | Path) -> str:
    command = [os.environ["IM2REC_MXNET_PYTHON"], *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout


def test_symbols_bound_by_a_module_learn_from_image_record_iter(prefix: Path, tmp_path: Path) -> None:
    text = run(EXAMPLES / "mxnet_symbol.py", prefix, "--plot", tmp_path / "net")
    check(text, {"perceptron", "convolutional", "two_outputs"})
    lines = text.splitlines()
    assert lines[0] == "arguments: data hidden_weight hidden_bias scores_weight scores_bias softmax_label"
    assert lines[1] == "outputs: softmax_output regression_output"
    graph = (tmp_path / "net.gv").read_text()
    assert "digraph" in graph
    for layer in ("block0_conv", "block0_norm", "block0_relu", "block2_relu", "scores"):
        assert layer in graph


def test_gluon_learns_from_image_iter_and_arrays_go_both_ways(prefix: Path) -> None:
    text = run(EXAMPLES / "mxnet_gluon.py", prefix)
    check(text, {"perceptron", "convolutional"})
    assert "arrays: NDArray (16, 3, 32, 32) to ndarray float32 and back: equal" in text
