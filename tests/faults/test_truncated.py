"""Images that were cut off are rejected by name, whether their bytes are kept or decoded; none is packed in silence."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from pathlib import Path

import pytest
from cutting import cut, places
from pictures import KINDS, OTHERS
from tiers import SEED, TIER, cases, row, spread

CUTS = cases("truncated", 14, 100, 0)  # an image; 0: every byte
VARIANTS = 3 if TIER == "soak" else 1  # sizes and contents of each kind


def test_cut_images_are_rejected_by_name_both_ways() -> None:
    chunks = [(kind, variant, CUTS) for kind in KINDS for variant in range(VARIANTS)]
    assert len(chunks) >= (200 if TIER == "soak" else 50)
    with row("truncated") as counted:
        for done in spread(cut, chunks, weight=10):
            counted.add(done)


def test_cut_images_that_pillow_judges_are_rejected_by_name_both_ways() -> None:
    with row("truncated, other formats") as counted:
        for done in spread(cut, [(kind, 0, CUTS // 2) for kind in OTHERS]):
            counted.add(done)


@pytest.mark.parametrize("options", [[], ["--resize", "32", "--workers", "2"]], ids=["kept", "encoded"])
def test_the_command_names_each_cut_image_in_text_and_in_json(tmp_path: Path, options: list[str]) -> None:
    root = tmp_path / "images"
    root.mkdir()
    rng = random.Random(SEED)
    for number, (kind, (suffix, make, _)) in enumerate(KINDS.items()):
        whole = make(33, 21, number)
        (root / f"{number}-whole.{suffix}").write_bytes(whole)
        size = rng.choice(places(whole, 9, number)[:-4])  # not just an end mark
        (root / f"{number}-cut {kind}.{suffix}").write_bytes(whole[:size])
    command = [sys.executable, "-m", "im2rec", "pack", str(root), "--ext", "gif"]
    for suffix in {kind.format for kind in KINDS.values()} - {"gif"}:
        command += ["--ext", suffix]
    said = {}
    for name, more in {"json": ["--json"], "text": []}.items():
        done = subprocess.run([*command, "-o", str(tmp_path / name), *options, *more], capture_output=True, text=True, check=False)
        assert done.returncode == 1, done.stderr
        said[name] = done
    summary = json.loads(said["json"].stdout)
    assert (summary["listed"], summary["packed"], summary["rejected"]) == (2 * len(KINDS), len(KINDS), len(KINDS))
    assert all("-cut " in reject["path"] for reject in summary["rejects"])
    named = [line for line in said["text"].stderr.splitlines() if line.startswith("im2rec: rejected: ")]
    assert sorted(named) == sorted(f"im2rec: rejected: {reject['path']}: {reject['reason']}" for reject in summary["rejects"])
    assert f"packed {len(KINDS)} of {2 * len(KINDS)} images" in said["text"].stderr
    assert f"{len(KINDS)} rejected" in said["text"].stderr
