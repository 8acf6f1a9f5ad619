"""Operations that write new sets, under faults and kills.

All of the outputs are there or none, the inputs are as they were, and the next run clears up.
"""

from __future__ import annotations

import random
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from disks import FAULTS, HARMLESS, SHORT, Fault, FaultyDisk, KillingDisk
from forked import start, wait
from scenes import PACK_NEW, content, run, workshop
from tiers import SEED, cases

from im2rec.operations import running, shuffle
from recordio import files

BEFORE = (
    PACK_NEW,
    "shuffle {out}/x -o {out}/z",
    "merge {out}/x -o {out}/w --key-offset 1000",
    "identities build {new}.lst {new} -o {out}/f --no-property --workers 0",
    "bin pack {new}.tsv {new} -o {out}/v.bin",
    "bin pack {old}.tsv {old} -o {out}/u.bin",
)
COMMANDS = {
    "shuffle": "shuffle {out}/x -o {out}/y",
    "shuffle over an old set": "shuffle {out}/x -o {out}/z --force --seed 5",
    "sort into shards": "shuffle {out}/x -o {out}/y --sort key --shards 2",
    "merge": "merge {out}/x {out}/z -o {out}/y --keys shift",
    "split": "split {out}/x -o {out}/y --ratio a=0.5,b=0.5",
    "filter": "filter {out}/x -o {out}/y --label 0 --no-sum",
    "merge by the kernel": "merge {out}/x {out}/w -o {out}/y --no-sum",
    "compact": "compact {out}/x -o {out}/y --order key",
    "build identities": "identities build {new}.lst {new} -o {out}/y --workers 0",
    "filter identities over a set": "identities filter {out}/f -o {out}/z --min-images 5 --force",
    "merge identities": "identities merge {out}/f {out}/f -o {out}/y",
    "pack pairs": "bin pack {new}.tsv {new} -o {out}/y.bin",
    "convert pairs over others": "bin convert {out}/v.bin -o {out}/u.bin --force",
}


@pytest.fixture
def base(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setattr(shuffle, "_FILLED", 4e-4)  # a few buckets, which are files
    monkeypatch.setattr(running, "_COPIED", 0)
    with workshop(9) as place:
        for command in BEFORE:
            assert run(words_of(command, place)).code in (0, 1), command
        yield place


def words_of(command: str, base: Path) -> list[str]:
    return [word.format(new=base / "new", old=base / "old", out=base / "out") for word in command.split()]


class Whole:
    """What an undisturbed run makes, and how many calls it takes."""

    def __init__(self, base: Path, name: str) -> None:
        self.out = base / "out"
        self.words = words_of(COMMANDS[name], base)
        self.old = content(self.out)
        disk = FaultyDisk()
        assert run(self.words, disk).code == 0
        self.calls, self.new = disk.calls, content(self.out)
        assert self.new != self.old
        self.reset()

    def reset(self) -> None:
        for name in content(self.out):
            (self.out / name).unlink()
        for name, data in self.old.items():
            (self.out / name).write_bytes(data)

    def check(self, *, swept: bool) -> None:
        """The new set, the old one, or a new .rec alone, whole; no input has changed."""
        found = {name: data for name, data in content(self.out).items() if not name.startswith(".")}
        if swept:
            assert len(found) == len(content(self.out))
        for name, data in found.items():
            assert data in (self.old.get(name), self.new.get(name)), name
        for name in self.old:
            if self.new.get(name) == self.old[name]:
                assert name in found
        changed = {name for name in self.new if self.new[name] != self.old.get(name)}
        state = {name for name in changed if found.get(name) == self.new[name]}
        mains = {name for name in changed if name.endswith((".rec", ".bin"))}
        assert state in (set(), changed) or state & mains
        for name in state - mains:  # nothing describes a .rec that is not there
            assert mains & state, (name, state)

    def go_on(self) -> None:
        words = self.words if "--force" in self.words else [*self.words, "--force"]
        ran = run(words)
        assert ran.code == 0, ran.err
        assert content(self.out) == self.new
        self.reset()


@pytest.mark.parametrize("name", list(COMMANDS))
def test_every_call_that_fails_leaves_the_old_sets_and_names_the_fault(base: Path, name: str) -> None:
    whole = Whole(base, name)
    rng = random.Random(SEED)
    every = [Fault(number, kind) for number, call in enumerate(whole.calls) for kind in FAULTS[call.kind]]
    for fault in rng.sample(every, min(len(every), cases("operation-faults", 15, 100, 10_000))):
        call = whole.calls[fault.number]
        disk = FaultyDisk(faults=(fault,))
        ran = run(whole.words, disk)
        if fault.kind != SHORT and not (call.kind in HARMLESS and ran.code == 0):
            assert ran.code == 3, (call, fault, ran)
            assert len(ran.err.splitlines()) == 1, (call, fault, ran)
            assert "internal error" not in ran.err, (call, fault, ran)
        whole.check(swept=not disk.stuck)
        whole.go_on()


@pytest.mark.skipif(sys.platform != "linux", reason="processes are forked")
@pytest.mark.parametrize("name", list(COMMANDS))
def test_a_kill_leaves_the_inputs_and_whole_outputs_or_none(base: Path, name: str) -> None:
    whole = Whole(base, name)
    rng = random.Random(SEED)
    for number in rng.sample(range(len(whole.calls)), min(len(whole.calls), cases("operation-kills", 8, 40, 10_000))):
        disk = KillingDisk(at=number)
        process = start(whole.words, base, setup=lambda disk=disk: setattr(files, "disk", disk))
        assert wait(process) == -signal.SIGKILL
        whole.check(swept=False)
        whole.go_on()
