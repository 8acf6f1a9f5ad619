"""The file of a mean image goes both ways between ImageRecordIter of MXNet 1.9.1 and ours."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose

import recordio
from recordio import loaders
from recordio.loaders import ndarrayfile

pytestmark = pytest.mark.interop

CASES: dict[str, dict[str, Any]] = {
    "plain": {},
    "gray": {"data_shape": (1, 60, 70)},
    "cropped": {"data_shape": (3, 40, 40), "resize": 50},
    "scaled": {"scale": 0.25, "std_r": 2, "std_g": 3, "std_b": 4},
    "mirrored": {"mirror": True},
    "part": {"num_parts": 2, "part_index": 1},
}
MADE_OTHERWISE = ("scaled", "mirrored")  # MXNet makes the mean of what it has scaled and mirrored, and subtracts that from pixels


@pytest.fixture(scope="module")
def arguments(tmp_path_factory: pytest.TempPathFactory, photos: Path) -> dict[str, dict[str, Any]]:
    """Of the iterators for each case. Images are PNGs, for MXNet decodes JPEGs with a libjpeg of its own."""
    rec = tmp_path_factory.mktemp("set") / "set.rec"
    with recordio.IndexedWriter(rec) as writer:
        for number, path in enumerate(sorted(photos.glob("*/*.jpg"))[::12]):
            image = recordio.encode(recordio.decode(path.read_bytes())[:60, :70], "png", 1)
            writer.write(number, recordio.pack(recordio.Header(0, float(number), number), image))
    base = {
        "path_imgrec": str(rec),
        "path_imgidx": str(rec.with_suffix(".idx")),
        "data_shape": (3, 60, 70),
        "batch_size": 5,
        "verbose": False,
    }
    return {name: {**base, **given} for name, given in CASES.items()}


def ours(args: dict[str, Any], mean: Path) -> np.ndarray:
    return np.stack([batch.data[0] for batch in loaders.ImageRecordIter(**args, mean_img=str(mean))])


@pytest.fixture(scope="module")
def folder(arguments: dict[str, dict[str, Any]], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with each mean image made by ours, and by MXNet; and what MXNet's iterators gave with each, in out.npz."""
    folder = tmp_path_factory.mktemp("means")
    for name, args in arguments.items():
        ours(args, folder / f"{name}_ours")
    job = {
        f"{name}_{by}": {**args, "mean_img": str(folder / f"{name}_{by}")} for name, args in arguments.items() for by in ("ours", "theirs")
    }
    (folder / "job.json").write_text(json.dumps(job))
    python = os.environ.get("IM2REC_MXNET_PYTHON")
    if not python:
        pytest.fail("IM2REC_MXNET_PYTHON must name a Python with MXNet 1.9.1; `make interop` sets it")
    command = [python, str(Path(__file__).with_name("mean_driver.py")), str(folder / "job.json"), str(folder / "out.npz")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    return folder


@pytest.mark.parametrize("by", ["ours", "theirs"])
@pytest.mark.parametrize("name", CASES)
def test_both_subtract_what_either_has_made(name: str, by: str, arguments: dict[str, dict[str, Any]], folder: Path) -> None:
    theirs = np.load(folder / "out.npz")[f"{name}_{by}"]
    assert_allclose(ours(arguments[name], folder / f"{name}_{by}"), theirs, atol=1e-3)


@pytest.mark.parametrize("name", CASES)
def test_mxnet_loads_the_array_that_ours_has_saved(name: str, folder: Path) -> None:
    assert (np.load(folder / "out.npz")[f"{name}_ours_mean"] == ndarrayfile.load(folder / f"{name}_ours")[0][0]).all()


@pytest.mark.parametrize("name", CASES)
def test_both_make_the_same_mean_of_pixels(name: str, folder: Path) -> None:
    (first,), names = ndarrayfile.load(folder / f"{name}_ours")
    (second,), other_names = ndarrayfile.load(folder / f"{name}_theirs")
    assert names == other_names == ["mean_img"]
    assert np.allclose(first, second, atol=1e-3) == (name not in MADE_OTHERWISE)
