"""Extraction under faults: the folder is complete or not there, the set is as it was, and the next run clears up."""

from __future__ import annotations

import random
import shutil
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from disks import FAULTS, HARMLESS, SHORT, Fault, FaultyDisk, KillingDisk
from forked import start, wait
from scenes import PACK_NEW, Ran, content, run, workshop
from tiers import SEED, cases

from recordio import files


@pytest.fixture
def base() -> Iterator[Path]:
    with workshop(9) as place:
        assert run([word.format(new=place / "new", out=place / "out") for word in PACK_NEW.split()]).code == 0
        yield place


def words(base: Path) -> list[str]:
    return ["extract", str(base / "out" / "x"), "-o", str(base / "images"), "--names", "label"]


def tree(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


class Whole:
    """What an undisturbed run makes, and how many calls it takes."""

    def __init__(self, base: Path) -> None:
        disk = FaultyDisk()
        assert run(words(base), disk).code == 0
        self.calls, self.set, self.images = disk.calls, content(base / "out"), tree(base / "images")
        assert len(self.images) == 9 + 1
        shutil.rmtree(base / "images")

    def check(self, base: Path, *, swept: bool) -> None:
        assert {name: data for name, data in content(base / "out").items() if name in self.set} == self.set
        if (base / "images").exists():
            assert tree(base / "images") == self.images
        if swept:
            assert not [path.name for path in base.iterdir() if path.name.startswith(".images.")]

    def go_on(self, base: Path) -> None:
        if not (base / "images").exists():
            ran: Ran = run(words(base))
            assert ran.code == 0, ran.err
            self.check(base, swept=True)
        assert tree(base / "images") == self.images
        shutil.rmtree(base / "images")


def test_every_call_that_fails_leaves_no_folder_and_names_the_fault(base: Path) -> None:
    whole = Whole(base)
    for number, call in enumerate(whole.calls):
        for kind in FAULTS[call.kind]:
            disk = FaultyDisk(faults=(Fault(number, kind),))
            ran = run(words(base), disk)
            case = (call, kind, ran)
            if kind == SHORT or (call.kind in HARMLESS and ran.code == 0):
                assert ran.code == 0, case
            else:
                assert ran.code == 3, case
                assert len(ran.err.splitlines()) == 1, case
                assert "internal error" not in ran.err, case
            whole.check(base, swept=not disk.stuck)
            whole.go_on(base)


@pytest.mark.skipif(sys.platform != "linux", reason="processes are forked")
def test_a_kill_leaves_the_whole_folder_or_none(base: Path) -> None:
    whole = Whole(base)
    numbers = list(range(len(whole.calls) + 1))
    chosen = random.Random(SEED).sample(numbers, min(len(numbers), cases("extract-kills", 30, 60, 10_000)))
    killed = 0
    for number in chosen:
        disk = KillingDisk(at=number)
        process = start(words(base), base, setup=lambda disk=disk: setattr(files, "disk", disk))
        killed += wait(process) == -signal.SIGKILL
        whole.check(base, swept=False)
        whole.go_on(base)
    assert killed > len(chosen) // 2
