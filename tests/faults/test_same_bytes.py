"""The same input gives the same bytes: with any number of workers however they are started, in any locale, time zone and umask."""

from __future__ import annotations

import hashlib
import multiprocessing
import os
import random
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
import pytest
from tiers import SEED, cases, row, timely

import im2rec

GOLDEN = Path(__file__).parents[1] / "golden"
CODE = Path(im2rec.__file__).resolve().parents[1]
WORKERS = (0, 1, 2, 3, 5)
METHODS = [method for method in ("fork", "forkserver", "spawn") if method in multiprocessing.get_all_start_methods()]
LOCALES = (
    {"LC_ALL": "C.UTF-8"},
    {"LC_ALL": "C"},
    {"LC_ALL": "POSIX", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},  # names are bytes that Python cannot decode
    {"LC_ALL": "tr_TR.UTF-8", "LANG": "de_DE.ISO-8859-1"},
    {"LC_ALL": "", "LANG": "", "PYTHONUTF8": "1"},
)
ZONES = ("UTC", "Asia/Kathmandu", "America/St_Johns", "XYZ+23")
UMASKS = (0o000, 0o022, 0o027, 0o077)
RECIPES = (
    [["pack", "photos", "-o", "out/x", "--resize", "40"]],
    [["pack", "photos", "-o", "out/x", "--shards", "3"]],
    [
        ["list", "photos", "--split", "train=0.7,val=0.3", "--seed", "7", "-o", "out/x"],
        ["pack", "out/x_train.lst", "photos", "--encoding", "png"],
    ],
    [["--list", "out/x", "photos", "--recursive"], ["out/x", "photos", "--resize", "33", "--center-crop", "--num-thread", "WORKERS"]],
)
START = """
import sys
from im2rec import pool
from im2rec.cli.main import main
method = sys.argv.pop(1)
pool._start_method = lambda: method
main()
"""


class Way(NamedTuple):
    """How a run is made."""

    workers: int
    method: str
    locale: dict[str, str]
    zone: str
    umask: int
    hash_seed: int


def ways(count: int) -> list[Way]:
    """Return ways to run: each number of workers with each start method first, then any."""
    rng = random.Random(SEED)
    forced = [(workers, method) for workers in WORKERS for method in METHODS]
    rng.shuffle(forced)
    chosen = [forced[at] if at < len(forced) else rng.choice(forced) for at in range(count)]
    return [
        Way(*pair, LOCALES[at % len(LOCALES)], rng.choice(ZONES), rng.choice(UMASKS), rng.randrange(1 << 32))
        for at, pair in enumerate(chosen)
    ]


@pytest.fixture(scope="module")
def photos(tmp_path_factory) -> Path:
    """A folder of pictures, whole, broken and oddly named."""
    root = tmp_path_factory.mktemp("same") / "photos"
    rng = np.random.default_rng(SEED)
    for number in range(40):
        height, width = rng.integers(20, 90, 2)
        picture = cv2.resize(rng.integers(0, 256, (8, 8, 3), np.uint8), (int(width), int(height)))
        name = ("{:03}.jpg", "ü {:03}.JPG", "{:03} ß.png", "Ω.{:03}.jpeg")[number % 4].format(number)
        path = root / ("cat", "dog", "zebra é")[number % 3] / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(cv2.imencode(path.suffix.lower(), picture)[1].tobytes())
    (root / "cat" / "broken.jpg").write_bytes((GOLDEN / "images" / "bad" / "truncated.jpg").read_bytes())
    return root


def run(recipe: list[list[str]], way: Way, photos: Path, folder: Path) -> dict[str, str]:
    """Run the commands of a recipe in a folder of their own; return the SHA-256 of each file that they leave."""
    (folder / "out").mkdir(parents=True)
    (folder / "photos").symlink_to(photos)
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("LC_", "LANG", "PYTHON"))}
    environment |= {**way.locale, "TZ": way.zone, "PYTHONHASHSEED": str(way.hash_seed), "PYTHONPATH": str(CODE)}
    for command in recipe:
        arguments = [str(max(1, way.workers)) if word == "WORKERS" else word for word in command]
        if command[0] == "pack":
            arguments += ["--workers", str(way.workers)]
        done = subprocess.run(
            [sys.executable, "-c", START, way.method, *arguments],
            cwd=folder,
            env=environment,
            umask=way.umask,
            capture_output=True,
            timeout=120,
            check=False,
        )
        assert done.returncode in (0, 1), done.stderr.decode(errors="replace")[-2000:]
    files = sorted(path for path in (folder / "out").iterdir() if path.suffix in (".rec", ".idx", ".sum", ".lst", ".txt", ".tsv"))
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


@pytest.mark.skipif(os.name == "nt", reason="there are no umask and no locale of bytes")
def test_every_run_leaves_the_same_bytes(photos, tmp_path):
    expected: dict[int, dict[str, str]] = {}
    with row("same bytes") as counted:
        for number, way in timely(enumerate(ways(cases("same-bytes", 8, 60, 1000)))):
            recipe = number // 2 % len(RECIPES)
            found = run(RECIPES[recipe], way, photos, tmp_path / str(number))
            first = expected.setdefault(recipe, found)
            assert len(found) >= 3, found
            counted.cases += 1
            if found != first:
                other = [name for name in {*found, *first} if found.get(name) != first.get(name)]
                counted.fail(f"{number}, {' '.join(RECIPES[recipe][-1])}", f"{way}: {sorted(other)} differ from the first run's")
