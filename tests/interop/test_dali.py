"""DALI on the CPU reads what we write: plain sets, shards by one combined index, files of identities by an index of their images."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import recordio

pytestmark = pytest.mark.interop

REPOSITORY = Path(__file__).resolve().parents[2]
IDENTITIES = REPOSITORY / "tests/golden/recordio/identities"
Epoch = list[tuple[list[float], np.ndarray]]


@pytest.fixture(scope="session")
def dali(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., subprocess.CompletedProcess[str]]:
    python = os.environ.get("IM2REC_DALI_PYTHON")
    if not python:
        pytest.fail("IM2REC_DALI_PYTHON must name a Python with DALI; `make interop` sets it")
    driver = Path(__file__).with_name("dali_driver.py")

    def run(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
        return subprocess.run([python, str(driver), *map(str, arguments)], capture_output=True, text=True, timeout=600, check=False)

    return run


def epoch(dali: Callable[..., subprocess.CompletedProcess[str]], idx: Path, *recs: Path) -> Epoch:
    """Labels and pixels of one epoch, as DALI has them."""
    out = idx.with_suffix(".npz")
    done = dali(idx, out, *recs)
    assert done.returncode == 0, done.stderr[-2000:]
    with np.load(out) as found:
        return [(found[f"label{n}"].tolist(), found[f"image{n}"]) for n in range(int(found["count"]))]


def ours(*recs: Path) -> Epoch:
    """The same of all records with an image, as we read them."""
    found = []
    for rec in recs:
        for payload in recordio.Reader(rec):
            header, image = recordio.unpack(payload)
            if image:
                found.append((np.ravel(header.label).tolist(), recordio.decode(image)))
    return found


def assert_same(theirs: Epoch, wanted: Epoch) -> None:
    """Counts and labels are equal; pixels differ only by what two JPEG decoders round, and how they enlarge colors."""
    assert len(theirs) == len(wanted)
    for (labels, pixels), (wanted_labels, wanted_pixels) in zip(theirs, wanted, strict=True):
        assert labels == wanted_labels
        assert pixels.shape == wanted_pixels.shape
        difference = np.abs(pixels.astype(int) - wanted_pixels.astype(int))
        assert difference.mean() < 2
        assert np.percentile(difference, 99) <= 16


def im2rec(*arguments: str | Path) -> None:
    subprocess.run([sys.executable, "-m", "im2rec", *map(str, arguments)], check=True, capture_output=True)


def test_a_plain_set(dali: Callable[..., subprocess.CompletedProcess[str]], photos: Path, tmp_path: Path) -> None:
    im2rec("pack", photos, "-o", tmp_path / "set")
    assert len(ours(tmp_path / "set.rec")) == 120
    assert_same(epoch(dali, tmp_path / "set.idx", tmp_path / "set.rec"), ours(tmp_path / "set.rec"))


def test_shards_by_a_combined_index(dali: Callable[..., subprocess.CompletedProcess[str]], photos: Path, tmp_path: Path) -> None:
    im2rec("pack", photos, "-o", tmp_path / "set", "--shards", "3", "--resize", "48")
    recs = sorted(tmp_path.glob("*.rec"))
    im2rec("index", *recs, "--combine", "-o", tmp_path / "all.idx")
    assert len(recs) == 3
    assert_same(epoch(dali, tmp_path / "all.idx", *recs), ours(*recs))


def test_a_file_of_identities_by_an_index_of_its_images(dali: Callable[..., subprocess.CompletedProcess[str]], tmp_path: Path) -> None:
    rec = shutil.copy(IDENTITIES.with_suffix(".rec"), tmp_path / "faces.rec")
    shutil.copy(IDENTITIES.with_suffix(".idx"), tmp_path / "faces.idx")
    assert dali(tmp_path / "faces.idx", tmp_path / "out.npz", rec).returncode != 0, "DALI takes identity records by now"
    assert subprocess.run([sys.executable, "-m", "im2rec", "check", "--for", "dali", rec], capture_output=True, check=False).returncode == 1

    im2rec("index", rec, "--images-only", "--force")
    found = epoch(dali, tmp_path / "faces.idx", Path(rec))
    assert [labels for labels, _ in found] == [[0], [0], [0], [1], [1], [2], [2]]
    assert_same(found, ours(Path(rec)))
    assert Path(rec).read_bytes() == IDENTITIES.with_suffix(".rec").read_bytes()
    im2rec("check", "--for", "dali", rec)


def test_identities_as_a_plain_set(dali: Callable[..., subprocess.CompletedProcess[str]], tmp_path: Path) -> None:
    im2rec("identities", "to-plain", IDENTITIES, "-o", tmp_path / "plain")
    assert_same(epoch(dali, tmp_path / "plain.idx", tmp_path / "plain.rec"), ours(IDENTITIES.with_suffix(".rec")))


def test_several_labels(dali: Callable[..., subprocess.CompletedProcess[str]], photos: Path, tmp_path: Path) -> None:
    paths = sorted(photos.glob("*/*.jpg"))[:5]
    lines = [f"{n}\t{n}\t{n / 2}\t-1\t{path.relative_to(photos)}\n" for n, path in enumerate(paths)]
    (tmp_path / "set.lst").write_text("".join(lines))
    im2rec("pack", tmp_path / "set.lst", photos)
    found = epoch(dali, tmp_path / "set.idx", tmp_path / "set.rec")
    assert [labels for labels, _ in found] == [[n, n / 2, -1] for n in range(5)]
