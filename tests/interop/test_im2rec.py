"""MXNet's im2rec.py and ours on the same images with random flags: identical files."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

pytestmark = pytest.mark.interop

SEED = 2020
CASES = 240


def _list_flags(rng: random.Random, *, may_be_flat: bool, may_be_bad: bool) -> list[str]:
    flags = ["--list"]
    if rng.random() < 0.8 or not may_be_flat:
        flags.append("--recursive")
    if rng.random() < 0.3:
        flags.append("--no-shuffle")
    if rng.random() < 0.3:
        others = rng.sample([".jpeg", ".png", *[".txt"] * may_be_bad], rng.randint(0, 2))
        flags += ["--exts", ".jpg", *others]  # a folder without images is an error here, an empty list there
    if rng.random() < 0.4:
        flags += ["--chunks", str(rng.randint(1, 7))]
    if rng.random() < 0.5:
        train = rng.choice([0.0, 0.1, 0.33, 0.5, 0.6, 0.7, 0.8, 0.9])
        flags += ["--train-ratio", str(train)]
        if rng.random() < 0.6:
            flags += ["--test-ratio", str(rng.choice([0.05, 0.1, 0.2, 0.3, 0.4]))]
    return flags


def _pack_flags(rng: random.Random) -> list[str]:
    flags: list[str] = []
    if rng.random() < 0.2:
        flags.append("--pass-through")
    if rng.random() < 0.7:
        flags += ["--resize", str(rng.choice([0, 1, 7, 32, 48, 100, 256, 300]))]
    if rng.random() < 0.35:
        flags.append("--center-crop")
    if rng.random() < 0.5:
        flags += ["--quality", str(rng.choice([1, 3, 5, 9, 10, 50, 75, 90, 95, 100]))]
    if rng.random() < 0.6:
        flags += ["--color", str(rng.choice([-1, 0, 1]))]
    if rng.random() < 0.4:
        flags += ["--encoding", rng.choice([".jpg", ".png"])]
    if rng.random() < 0.4:
        flags.append("--pack-label")
    return flags


def _hurt(lines: list[str], rng: random.Random) -> list[str]:
    """Give lines of a list more labels, odd white space, odd numbers; or make them unusable."""
    result = []
    for line in lines:
        fields = line.rstrip("\n").split("\t")
        what = rng.random()
        if what < 0.2:
            fields[1:-1] = [f"{rng.uniform(-5, 5):f}" for _ in range(rng.randint(1, 6))]
        elif what < 0.25:
            fields = [f" {field} " for field in fields]
        elif what < 0.3:
            fields[1] = rng.choice(["1e3", "-0", "+7.5", "1_000", "inf", "nan"])
        elif what < 0.33:
            fields = fields[::2]
        elif what < 0.36:
            fields[0] = "x"
        elif what < 0.38:
            fields = []
        result.append("\t".join(fields) + "\n")
    return result


def _ours(cwd: Path, *arguments: str) -> str:
    done = subprocess.run([sys.executable, "-m", "im2rec", *arguments], cwd=cwd, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout.decode("utf-8", "surrogateescape")


def _files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_random_flags_give_identical_files(
    mxnet: Callable[..., str], photos: Path, odd_images: Path, images_with_bad_ones: Path, tmp_path: Path
) -> None:
    rng = random.Random(SEED)
    cases = []
    for number in range(CASES):
        theirs, ours = tmp_path / f"{number}_mxnet", tmp_path / f"{number}_ours"
        theirs.mkdir()
        ours.mkdir()
        workers = rng.choice([1, 1, 2, 3, 4])
        roots = [photos, odd_images] if workers == 1 else [photos, odd_images, images_with_bad_ones]
        root = str(rng.choice(roots))
        prefix = rng.choice(["set", "my.set", "set_1"])
        lists = {"cwd": str(theirs), "args": [prefix, root, *_list_flags(rng, may_be_flat=root != str(photos), may_be_bad=workers > 1)]}
        packs = {"cwd": str(theirs), "args": [prefix, root, *_pack_flags(rng), "--num-thread", str(workers)]}
        cases.append((ours, lists, packs))

    mxnet("im2rec", _save(tmp_path / "lists.json", [lists for _, lists, _ in cases]))
    for (ours, lists, _), said in zip(cases, json.loads((tmp_path / "lists.json").read_text()), strict=True):
        assert said["exit"] == 0, lists
        assert _ours(ours, *lists["args"]) == said["stdout"], lists
        assert _files(ours) == _files(Path(lists["cwd"])), lists
        for path in ours.iterdir():
            lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
            if rng.random() < 0.3:
                lines = _hurt(lines, rng)
            if not lists["args"][1].startswith(str(photos)):
                lines = lines[: rng.choice([0, 5, 30, 60])] if rng.random() < 0.3 else lines
            text = "".join(lines)
            path.write_text(text, encoding="utf-8")
            Path(lists["cwd"], path.name).write_text(text, encoding="utf-8")

    mxnet("im2rec", _save(tmp_path / "packs.json", [packs for _, _, packs in cases]))
    compared = 0
    for (ours, _, packs), said in zip(cases, json.loads((tmp_path / "packs.json").read_text()), strict=True):
        assert said["exit"] == 0, packs  # with one worker, its tool dies of an image that it cannot read
        _ours(ours, *packs["args"])
        assert _files(ours) == _files(Path(packs["cwd"])), packs
        compared += sum(path.stat().st_size > 0 for path in ours.glob("*.rec"))
    assert compared >= CASES


def _save(path: Path, cases: list[dict[str, object]]) -> Path:
    path.write_text(json.dumps(cases))
    return path
