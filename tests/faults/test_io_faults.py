"""A disk that is full, broken or read-only at each call that is made of it, once and for ever, for every command that writes."""

from __future__ import annotations

import contextlib
import errno
import itertools
import json
import os
import random
import re
import resource
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from disks import FAULTS, HARMLESS, SHORT, Call, Fault, FaultyDisk
from scenes import PACK_NEW, SCENES, Content, Ran, Scene, content, fault_of, hidden, restore, run, visible, workshop
from tiers import SEED, Row, cases, row, spread

_TEMPORARY = re.compile(r"\.(.+)\.[0-9a-f]{8}\.tmp")
_QUICK = 16  # faults of a scene in the quick tier


class Bench:
    """A scene that is set up, and what a run without faults makes of it."""

    def __init__(self, scene: Scene, base: Path) -> None:
        self.scene, self.base, self.out = scene, base, base / "out"
        self.old = scene.prepare(base)
        disk = FaultyDisk()
        ran = run(scene.arguments(base), disk)
        assert ran.code == scene.code, (scene.name, ran)
        self.new = content(self.out)
        assert not hidden(self.new), (scene.name, hidden(self.new))
        self.calls = disk.calls

    def singles(self) -> list[tuple[Fault, ...]]:
        """Return all faults of all calls, once and for ever."""
        return [
            (Fault(number, kind, forever),)
            for number, call in enumerate(self.calls)
            for kind in FAULTS[call.kind]
            for forever in (False, True)
        ]

    def pairs(self, rng: random.Random, count: int) -> Iterator[tuple[Fault, ...]]:
        """Draw pairs of faults; the second may be one of a call that is made only because of the first."""
        singles = [fault for (fault,) in self.singles()]
        for _ in range(count):
            first = rng.choice(singles)
            number = first.number + 1 + min(int(rng.expovariate(0.1)), 60)
            yield first, Fault(number, rng.choice(("ENOSPC", "EIO", "EROFS")), rng.random() < 0.5)

    def check(self, faults: tuple[Fault, ...]) -> str | None:
        """Run the command with faults; say what is wrong with what it said and left, None when nothing is."""
        restore(self.out, self.old)
        disk = FaultyDisk(faults)
        ran = run(self.scene.arguments(self.base), disk)
        found = content(self.out)
        return self._wrong_words(ran, disk, found) or self._wrong_files(ran, disk, found, faults) or self._wrong_afterwards(found)

    def _wrong_words(self, ran: Ran, disk: FaultyDisk, found: Content) -> str | None:
        lines = ran.err.splitlines()
        if ran.code == self.scene.code:
            serious = [call for call in disk.hit if not self._is_harmless(call, disk)]
            return f"it succeeded, although {serious[0]} failed: {ran}" if serious else None
        if ran.code != 3:
            return f"exit code {ran.code}, expected 3: {ran.err}"
        if "Traceback" in ran.err or "internal error" in ran.err or not lines[-1].startswith("im2rec: "):
            return f"it said {ran.err!r}"
        if sum("cannot" in line for line in lines) != 1:
            return f"it said more than one thing, or not what was tried: {ran.err!r}"
        for call in disk.hit:
            code = next(getattr(errno, fault.kind) for fault in disk.faults if fault.kind != SHORT)
            if self._name(call) in lines[-1] and os.strerror(code) in lines[-1]:
                return None
        return f"neither path nor reason of {disk.hit} in {lines[-1]!r}"

    def _is_harmless(self, call: Call, disk: FaultyDisk) -> bool:
        # Without its journal an interrupted run is not gone on with, but done again.
        return call.kind in HARMLESS or disk.faults[0].kind == SHORT or call.path.name.endswith(".journal")

    def _name(self, call: Call) -> str:
        match = _TEMPORARY.fullmatch(call.path.name)
        if match:
            return str(call.path.with_name(match[1]))
        return str(call.path.parent) if call.path.name.endswith(".lock") else str(call.path)

    def _wrong_files(self, ran: Ran, disk: FaultyDisk, found: Content, faults: tuple[Fault, ...]) -> str | None:
        left = [name for name in hidden(found) if self.out / name not in disk.stuck]
        if left and not (self.scene.stopped and ran.code == 3):
            return f"{left} was left: {ran.err}"
        if ran.code == self.scene.code:
            return None if visible(found) == self.new else f"it said that all was well, and left {sorted(visible(found))}"
        if visible(found) == visible(self.old):
            return None
        if len(faults) == 1 and not faults[0].forever and disk.hit[0].kind != "link":
            return f"one fault, and the old files are not as they were: {sorted(visible(found))}"
        return fault_of(self.scene, found, self.old, self.new)

    def _wrong_afterwards(self, found: Content) -> str | None:
        """Run the command again, on a disk that is well."""
        if visible(found) == self.new and not hidden(found):
            return None
        ran = run(self.scene.again(self.base) if visible(found) != visible(self.old) else self.scene.arguments(self.base))
        if ran.code != self.scene.code:
            return f"the next run ends with {ran.code}: {ran.err}"
        after = content(self.out)
        return None if after == self.new else f"the next run leaves {sorted(after)}"


def work(name: str, tier: str, pairs: int) -> tuple[int, list[tuple[str, str]]]:
    """Run the faults of one scene; return their number and those that went wrong."""
    scene = next(scene for scene in SCENES if scene.name == name)
    rng = random.Random(f"{SEED} {name}")
    failures = []
    with workshop() as base, scene.setting():
        bench = Bench(scene, base)
        chosen = bench.singles()
        if tier == "quick":
            chosen = rng.sample(chosen, min(_QUICK, len(chosen)))
        done = 0
        for faults in itertools.chain(chosen, bench.pairs(rng, pairs)):
            done += 1
            reason = bench.check(faults)
            if reason:
                at = [bench.calls[fault.number] for fault in faults if fault.number < len(bench.calls)]
                failures.append((f"{name}, {' and '.join(map(str, faults))} ({', '.join(f'{call.kind} {call.path.name}' for call in at)})", reason))
    return done, failures


def test_a_fault_of_any_call_is_told_and_harms_nothing() -> None:
    with row("io-faults") as counted:
        pairs = cases("io-fault-pairs", 0, 0, 100_000) // len(SCENES)
        tier = "quick" if cases("io-faults", 0, 1, 1) == 0 else "all"
        for done in spread(work, [(scene.name, tier, pairs) for scene in SCENES]):
            counted.add(done)
