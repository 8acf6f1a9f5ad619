"""Whole images are never rejected, whoever wrote them, however small or oddly shaped they are."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from pictures import KINDS
from tiers import cases, parts, row, spread
from validity import check

IMAGES = cases("valid", 350, 3_000, 20_000)


def test_whole_images_are_never_rejected() -> None:
    with row("valid images") as counted:
        for done in spread(check, parts(IMAGES, 100)):
            counted.add(done)


def test_the_command_packs_every_kind_and_its_counts_add_up(tmp_path: Path) -> None:
    root = tmp_path / "images"
    root.mkdir()
    lines = []
    for number, (kind, (_, make, _)) in enumerate(KINDS.items()):
        (root / kind).write_bytes(make(19, 23, number))  # without a suffix: contents count
        lines.append(f"{number}\t0\t{kind}\n")
    (tmp_path / "all.lst").write_text("".join(lines), encoding="utf-8")
    for options in ([], ["--resize", "16", "--workers", "2"]):
        command = [sys.executable, "-m", "im2rec", "pack", str(tmp_path / "all.lst"), str(root), "--force", *options]
        done = subprocess.run([*command, "--json"], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        summary = json.loads(done.stdout)
        assert (summary["listed"], summary["packed"], summary["rejected"]) == (len(KINDS), len(KINDS), 0)
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert (done.returncode, f"packed {len(KINDS)} of {len(KINDS)} images" in done.stderr) == (0, True)
        assert "rejected" not in done.stderr
