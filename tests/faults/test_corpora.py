"""Odd and broken images that other projects test themselves with: a fixed outcome a file, and no crash, no hang."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from outcomes import ANY, POOL, digest, files, judge, load, rejected
from packing import ENCODED, KEPT, pack
from tiers import SEED, TIER, cases, parts, row

CORPORA = Path(__file__).resolve().parents[2] / ".corpora"
FOUND = files(CORPORA)
FILES = cases("corpora", 150, len(FOUND), len(FOUND))
HURT = cases("corpora_hurt", 60, 1_500, 7_000)
TABLE = load()

fetched = pytest.mark.skipif(len(FOUND) < 1_000 and TIER != "quick", reason="no corpora: `make faults` fetches them")
pytestmark = [
    fetched,
    # What decoders say on stderr is theirs to say; what NumPy and OpenCV start in this process no worker needs.
    pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning"),
]


def chosen() -> list[tuple[str, Path]]:
    """All files, or in the quick tier some of them; always this project's own."""
    if len(FOUND) <= FILES:
        return FOUND
    own = [each for each in FOUND if each[0].startswith("golden/")]
    return sorted({*own, *random.Random(SEED).sample(FOUND, FILES)})


def test_each_file_has_its_outcome_both_ways() -> None:
    with row("odd and broken images") as counted:
        found = chosen()
        for (name, path), (_, both) in zip(found, judge(found).items(), strict=True):
            counted.cases += 1
            known = TABLE.get(name)
            if known is None or known[0] != digest(path):  # of another release; that it was judged at all is what counts
                wrong = [outcome for outcome in both if outcome.startswith("no verdict")]
            else:
                wrong = [f"{new}, expected {old}" for new, old in zip(both, known[1:], strict=True) if new != old != ANY]
            for fault in wrong:
                counted.fail(name, fault)


def test_one_loop_judges_as_worker_processes_do(tmp_path: Path) -> None:
    """Kept bytes go through a loop of their own, which must say the same as the pool."""
    found = chosen()
    with row("odd and broken images, in one process") as counted:
        for number, (_, path) in enumerate(found):
            (tmp_path / f"{number}").symlink_to(path.resolve())
        names = [f"{number}" for number in range(len(found))]
        here = pack(tmp_path, names, KEPT, tmp_path / "here", follow_symlinks=True)
        there = pack(tmp_path, names, KEPT, tmp_path / "there", POOL, follow_symlinks=True)
        counted.cases += len(found)
        assert here == there
        assert (tmp_path / "here.rec").read_bytes() == (tmp_path / "there.rec").read_bytes()


def test_hurt_copies_are_judged_and_never_hang() -> None:
    """Bytes changed, cut out and put in at random: there is no telling the outcome, but there must be one for each."""
    rng = random.Random(SEED)
    with row("odd images, hurt") as counted:
        for first, stop in parts(HURT, 500):
            with tempfile.TemporaryDirectory() as folder:
                root = Path(folder)
                for number in range(first, stop):
                    data = bytearray(rng.choice(FOUND)[1].read_bytes()[: 1 << 18])
                    for _ in range(rng.choice((1, 1, 2, 8))):
                        at, size = rng.randrange(len(data) + 1), rng.choice((0, 1, 1, 4, 64))
                        data[at : at + size] = rng.randbytes(rng.choice((size, size, size, 0, 4)))
                    (root / str(number)).write_bytes(data)
                names = [str(number) for number in range(first, stop)]
                for transform in (KEPT, ENCODED):
                    packed = pack(root, names, transform, root / "set", POOL)
                    counted.cases += len(names)
                    for name, reason in packed.rejects.items():
                        # A decoder may die of such a file, which then is rejected by name; it may not hang, nor may we be at fault.
                        if rejected(reason).startswith("no verdict") and "ended the process" not in reason:
                            counted.fail(f"{name}, {'kept' if transform is KEPT else 'encoded'}", reason)


@pytest.mark.parametrize("options", [[], ["--resize", "64", "--workers", "2", "--image-timeout", "60"]], ids=["kept", "encoded"])
def test_the_command_counts_and_names_them_all_in_text_and_json(tmp_path: Path, options: list[str]) -> None:
    found = [(name, path) for name, path in chosen() if "\\" not in name]
    root = tmp_path / "images"
    for name, path in found:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        os.link(path, root / name) if path.stat().st_dev == tmp_path.stat().st_dev else (root / name).write_bytes(path.read_bytes())
    lines = "".join(f"{number}\t{number % 5}\t{name}\n" for number, (name, _) in enumerate(found))
    (tmp_path / "all.lst").write_text(lines, encoding="utf-8")
    command = [sys.executable, "-m", "im2rec", "pack", str(tmp_path / "all.lst"), str(root), *options]
    done = subprocess.run([*command, "-o", str(tmp_path / "json"), "--json"], capture_output=True, timeout=600, check=False)
    assert done.returncode == 1, done.stderr[-1000:]
    summary = json.loads(done.stdout)
    assert summary["listed"] == len(found) == summary["packed"] + summary["rejected"]
    assert len(summary["rejects"]) == summary["rejected"]
    assert len({reject["path"] for reject in summary["rejects"]}) == summary["rejected"]
    done = subprocess.run([*command, "-o", str(tmp_path / "text")], capture_output=True, timeout=600, check=False)
    said = done.stderr.decode("utf-8", "backslashreplace")
    assert f"packed {summary['packed']} of {len(found)} images" in said
    assert f"{summary['rejected']} rejected" in said
    assert sum(line.startswith("im2rec: rejected: ") for line in said.splitlines()) == summary["rejected"]
    assert (tmp_path / "text.rec").read_bytes() == (tmp_path / "json.rec").read_bytes()
