"""JPEGs that end with an end mark and are damaged all the same: rejected by name wherever decoding shows it."""

from __future__ import annotations

import json
import random
import subprocess
import sys
import tempfile
from pathlib import Path

import cv2
import pytest
from cutting import SPOILS, ZEROED, Spoil, opencv_warns
from packing import ENCODED, KEPT, pack
from pictures import saved
from tiers import SEED, cases, parts, row, spread

from im2rec.transform import TransformOptions

DECODED = TransformOptions(decode=True)
PHOTOS = Path(__file__).resolve().parents[2] / "examples" / "photos"
IMAGES = cases("damaged", 40, 400, 4_000)
_OPTIONS = ({}, {"progressive": True}, {"restart_marker_blocks": 4}, {"subsampling": 0, "quality": 95}, {"optimize": True})


def spoil(first: int, stop: int) -> tuple[int, list[tuple[object, str]]]:
    """Spoil JPEGs in every way, and pack them in three; return the number of packed files, and what was wrong.

    One in some hundreds decodes to wrong pixels, its middle zeroed, without a bit too few or too many: no decoder can see that. Where
    OpenCV warns of nothing, nothing is asked.
    """
    wrong: list[tuple[object, str]] = []
    with tempfile.TemporaryDirectory() as folder:
        root, made = Path(folder), {}
        for number in range(first, stop):
            rng = random.Random(f"{SEED} damaged {number}")
            mode = rng.choice(("RGB", "RGB", "L", "CMYK"))
            options = {**rng.choice(_OPTIONS)}
            if mode != "RGB":
                options.pop("subsampling", None)
            whole = saved("JPEG", mode, **options)(rng.randrange(200, 320), rng.randrange(200, 320), number)
            (root / "whole").write_bytes(whole)
            for name, (change, *_) in SPOILS.items():
                made[f"{number} {name}"] = change(whole, rng)
                (root / f"{number} {name}").write_bytes(made[f"{number} {name}"])
        unseen = {name for name in made if _way(name) is SPOILS[ZEROED] and not opencv_warns(made[name])}
        for way, transform in {"kept": KEPT, "decoded": DECODED, "encoded": ENCODED}.items():
            packed = pack(root, [*made, "whole"], transform, root / "set")
            missed = [name for name in packed.images if name in made and way in _way(name).seen and name not in unseen]
            wrong += [((name, way), f"packed ({packed.remarks.get(name, 'in silence')})") for name in missed]
            others = {name: reason for name, reason in packed.rejects.items() if name == "whole" or not reason.startswith(_way(name).told)}
            wrong += [((name, way), f"rejected as {reason!r}") for name, reason in others.items()]
    if 10 * len(unseen) > stop - first:
        wrong.append(((first, stop), f"OpenCV warns of too few to compare with: {sorted(unseen)}"))
    return 3 * len(made), wrong


def _way(name: str) -> Spoil:
    return SPOILS[name.split(" ", 1)[1]]


def test_damaged_jpegs_with_an_end_mark_are_rejected_by_name() -> None:
    with row("damaged") as counted:
        for done in spread(spoil, parts(IMAGES, 20)):
            counted.add(done)


@pytest.fixture
def hurt(tmp_path: Path) -> Path:
    """A folder with a photograph, the same photograph spoilt, and their list."""
    root = tmp_path / "images"
    root.mkdir()
    whole = next(path for path in sorted(PHOTOS.rglob("*.jpg")) if path.stat().st_size > 12_000).read_bytes()
    (root / "whole.jpg").write_bytes(whole)
    for name, (change, *_) in SPOILS.items():
        (root / f"{name}.jpg").write_bytes(change(whole, random.Random(1)))
    return root


def run(*arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "im2rec", *map(str, arguments)], capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    "options", [["--decode"], ["--decode", "--workers", "0"], ["--resize", "32"], ["--resize", "32", "--workers", "0"]]
)
def test_the_command_names_each_and_no_other_line_comes_through(hurt: Path, options: list[str]) -> None:
    done = run("pack", hurt, "-o", hurt.parent / "set", "--json", *options)
    found = json.loads(done.stdout)
    assert (done.returncode, found["packed"], found["rejected"]) == (1, 1, len(SPOILS))
    assert {reject["path"] for reject in found["rejects"]} == {f"{name}.jpg" for name in SPOILS}
    assert all(line.startswith("im2rec: rejected: ") and ": is damaged: " in line for line in done.stderr.splitlines())
    assert run("verify", hurt.parent / "set", "--decode").returncode == 0


def test_mxnets_form_packs_what_opencv_makes_of_them_and_names_each(hurt: Path) -> None:
    prefix = hurt.parent / "set"
    assert run("--list", prefix, hurt, "--no-shuffle").returncode == 0
    done = run(prefix, hurt, "--resize", 32, "--quality", 90)
    assert done.returncode == 0
    lines = done.stderr.splitlines()
    for name in SPOILS:
        assert any(line.startswith(f"im2rec: remark: {name}.jpg: is damaged: ") and "would leave it out" in line for line in lines), lines
    assert not [line for line in lines if not line.startswith("im2rec: ")]
    packed = (prefix.with_suffix(".rec")).read_bytes()
    for name in ("whole", *SPOILS):
        image = cv2.imread(str(hurt / f"{name}.jpg"), cv2.IMREAD_COLOR)
        height, width = image.shape[:2]
        size = (32, height * 32 // width) if height > width else (width * 32 // height, 32)
        expected = cv2.imencode(".jpg", cv2.resize(image, size), [cv2.IMWRITE_JPEG_QUALITY, 90])[1].tobytes()
        assert expected in packed


def test_a_picture_behind_the_end_mark_is_no_damage(tmp_path: Path) -> None:
    """As cameras put a second picture, or a film, behind the first."""
    for number, options in enumerate(_OPTIONS):
        whole = saved("JPEG", "RGB", **options)(120, 90, number)
        (tmp_path / str(number)).write_bytes(whole + whole)
    for transform in (KEPT, DECODED, ENCODED):
        packed = pack(tmp_path, map(str, range(len(_OPTIONS))), transform, tmp_path / "set")
        assert (len(packed.images), packed.rejects, packed.remarks) == (len(_OPTIONS), {}, {})
