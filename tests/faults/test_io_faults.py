"""A disk that is full, broken or read-only at each call that is made of it, once and for ever, for every command that writes."""

from __future__ import annotations

import contextlib
import errno
import io
import itertools
import json
import os
import random
import re
import resource
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from disks import FAULTS, HARMLESS, SHORT, Call, Fault, FaultyDisk
from scenes import SCENES, Content, Ran, Scene, content, fault_of, hidden, restore, run, visible, workshop
from tiers import SEED, cases, parts, row, spread

from im2rec import itemlist
from recordio import files

_TEMPORARY = re.compile(r"\.(.+)\.[0-9a-f]{8}\.tmp")
_KEPT = re.compile(r" \(\d+ images? (is|are) kept, the same command with --resume goes on\)$")
_QUICK, _ALL = 16, 1 << 20  # faults of a scene


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

    def refused(self, ran: Ran, reasons: set[str]) -> str | None:
        """Say what is wrong with a run that a real disk has refused something."""
        found = content(self.out)
        last = ran.err.splitlines()[-1:]
        if last and self.scene.stopped:
            last = [_KEPT.sub("", last[0])]
        if ran.code != 3 or not last or not any(last[0].endswith(reason) for reason in reasons) or f"{self.out}/" not in last[0]:
            return f"exit code {ran.code}: {ran.err!r}"
        if visible(found) != visible(self.old):
            return f"the old files are not as they were: {sorted(visible(found))}"
        if hidden(found) and not self.scene.stopped:
            return f"{hidden(found)} was left"
        return self._wrong_afterwards(found)

    def _wrong_words(self, ran: Ran, disk: FaultyDisk, found: Content) -> str | None:
        lines = ran.err.splitlines()
        if ran.code == self.scene.code:
            serious = [call for call, kind in zip(disk.hit, disk.kinds, strict=True) if not self._is_harmless(call, kind)]
            return f"it succeeded, although {serious[0]} failed: {ran}" if serious else None
        if ran.code != 3:
            return f"exit code {ran.code}, expected 3: {ran.err}"
        if "Traceback" in ran.err or "internal error" in ran.err or not lines[-1].startswith("im2rec: "):
            return f"it said {ran.err!r}"
        if sum("cannot" in line for line in lines) != 1:
            return f"it said more than one thing, or not what was tried: {ran.err!r}"
        for call, kind in zip(disk.hit, disk.kinds, strict=True):
            names = {self._name(call), str(call.path)} if self.scene.scratch else {self._name(call)}
            if kind != SHORT and any(name in lines[-1] for name in names) and os.strerror(getattr(errno, kind)) in lines[-1]:
                return None
        return f"neither path nor reason of {disk.hit} in {lines[-1]!r}"

    def _is_harmless(self, call: Call, kind: str) -> bool:
        if call.kind in HARMLESS or kind == SHORT:
            return True
        # What an interrupted run has left is of no use to one that starts anew, and done again where the disk does not give it back.
        reads = call.kind in ("open to read", "read", "pread")
        return reads and (_TEMPORARY.fullmatch(call.path.name) is not None or (call.path.suffix == ".journal" and not self.scene.stopped))

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
        return None if self.scene.is_done(after, found, self.new) else f"the next run leaves {sorted(after)}"


def work(name: str, singles: int, pairs: int, turn: int = 0) -> tuple[int, list[tuple[str, str]]]:
    """Run the faults of one scene; return their number and those that went wrong."""
    scene = next(scene for scene in SCENES if scene.name == name)
    rng = random.Random(f"{SEED} {name} {turn}")
    failures = []
    with workshop() as base, scene.setting():
        bench = Bench(scene, base)
        chosen = bench.singles()
        chosen = rng.sample(chosen, min(singles, len(chosen)))
        done = 0
        for faults in itertools.chain(chosen, bench.pairs(rng, pairs)):
            done += 1
            reason = bench.check(faults)
            if reason:
                at = [bench.calls[fault.number] for fault in faults if fault.number < len(bench.calls)]
                failures.append(
                    (f"{name}, {' and '.join(map(str, faults))} ({', '.join(f'{call.kind} {call.path.name}' for call in at)})", reason)
                )
    return done, failures


def test_a_fault_of_any_call_is_told_and_harms_nothing() -> None:
    singles = cases("io-faults", _QUICK, _ALL, _ALL)
    with row("io-faults") as counted:
        for done in spread(work, [(scene.name, singles, 0) for scene in SCENES], weight=10):
            counted.add(done)


def test_a_second_fault_harms_no_more() -> None:
    pairs = -(-cases("io-fault-pairs", len(SCENES), 1_000, 100_000) // len(SCENES))
    with row("io-fault-pairs") as counted:
        turns = [(0, stop - first, first) for first, stop in parts(pairs, 400)]
        for done in spread(work, [(scene.name, *turn) for turn in turns for scene in SCENES], weight=2):
            counted.add(done)


@pytest.fixture
def base() -> Iterator[Path]:
    with workshop() as folder:
        yield folder


@contextlib.contextmanager
def size_limit(size: int) -> Iterator[None]:
    """Let no file of this process grow beyond a number of bytes; Python ignores the signal, so writes fail with EFBIG."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def chosen_scenes() -> list[Scene]:
    """Leave out the scenes that write little or need processes."""
    return [scene for scene in SCENES if not scene.name.startswith("MXNet's")]


def test_files_that_may_not_grow_are_told_and_harm_nothing(base: Path) -> None:
    rng = random.Random(SEED)
    with row("io-faults-size-limit") as counted:
        for scene in chosen_scenes():
            with scene.setting():
                bench = Bench(scene, base)
                largest = max(len(data) for name, data in bench.new.items() if data != bench.old.get(name))
                for size in rng.sample(range(largest), min(largest, cases("io-faults-size-limit", 4, 60, 1000))):
                    counted.cases += 1
                    restore(bench.out, bench.old)
                    with size_limit(size):
                        ran = run(scene.arguments(base), files.Disk())
                    reason = bench.refused(ran, {"File too large"})
                    if reason:
                        counted.fail(f"{scene.name}, at most {size} bytes", reason)


@pytest.fixture
def small_disk(base: Path) -> Iterator[Path]:
    """A file system of 256 kB and 64 files in the folder out, where this process may mount one."""
    command = ["mount", "-t", "tmpfs", "-o", "size=256k,nr_inodes=64", "tmpfs", str(base / "out")]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except OSError as error:
        pytest.skip(f"mount cannot be run: {error}")
    if done.returncode:
        pytest.skip(f"mounting is not permitted: {done.stderr.strip()}")
    try:
        yield base
    finally:
        subprocess.run(["umount", str(base / "out")], check=True)


def fill(folder: Path, room: int) -> None:
    """Fill a file system up, but for so many blocks."""
    with open(folder / ".filler", "wb", buffering=0) as filler:
        with contextlib.suppress(OSError):
            while filler.write(bytes(4096)):
                pass
        filler.truncate(max(0, filler.tell() // 4096 - room) * 4096)


def fill_names(folder: Path, room: int) -> list[Path]:
    """Make files until a file system takes no more, but for so many."""
    made = []
    with contextlib.suppress(OSError):
        while True:
            made.append(folder / f".name{len(made)}")
            made[-1].touch()
    made.pop()
    for _ in range(min(room, len(made))):
        made.pop().unlink()
    return made


def test_a_small_disk_that_fills_up_is_told_and_harms_nothing(small_disk: Path) -> None:
    out, limit = small_disk / "out", cases("io-faults-full-disk", 3, 1000, 1000)
    with row("io-faults-full-disk") as counted:
        for scene in chosen_scenes():
            with scene.setting():
                bench = Bench(scene, small_disk)
                for kind, room in [*(("blocks", room) for room in range(limit)), *(("names", room) for room in range(limit))]:
                    restore(out, bench.old)
                    fillers = [out / ".filler"] if kind == "blocks" else fill_names(out, room)
                    if kind == "blocks":
                        fill(out, room)
                    ran = run(scene.arguments(small_disk), files.Disk())
                    for path in fillers:
                        path.unlink()
                    if ran.code == scene.code:
                        break  # there is room enough
                    counted.cases += 1
                    reason = bench.refused(ran, {"No space left on device"})
                    if reason:
                        counted.fail(f"{scene.name}, room for {room} {kind}", reason)


def test_a_disk_that_became_read_only_is_told(small_disk: Path) -> None:
    with row("io-faults-read-only") as counted:
        for scene in chosen_scenes():
            with scene.setting():
                bench = Bench(scene, small_disk)
                restore(bench.out, bench.old)
                subprocess.run(["mount", "-o", "remount,ro", str(bench.out)], check=True)
                try:
                    ran = run(scene.arguments(small_disk), files.Disk())
                finally:
                    subprocess.run(["mount", "-o", "remount,rw", str(bench.out)], check=True)
                counted.cases += 1
                reason = bench.refused(ran, {"Read-only file system"})
                if reason:
                    counted.fail(scene.name, reason)


def test_a_full_stdout_is_told(base: Path) -> None:
    with row("io-faults-full-stdout") as counted:
        for command, written in [
            (["list", "{new}"], []),
            (["list", "{new}", "-o", "{out}/x.lst", "--json"], ["x.classes.txt", "x.lst"]),
            (["pack", "{new}.lst", "{new}", "-o", "{out}/x", "--json"], ["x.idx", "x.rec", "x.sum"]),
            (["verify", "{out}/x", "--json"], ["x.idx", "x.rec", "x.sum"]),
            (["--list", "{out}/x", "{new}", "--recursive"], ["x.lst"]),
        ]:
            if command[0] != "verify":
                restore(base / "out", {})
            words = [word.format(new=base / "new", out=base / "out") for word in command]
            with open("/dev/full", "wb") as full:
                done = subprocess.run(
                    [sys.executable, "-m", "im2rec", *words], stdout=full, stderr=subprocess.PIPE, text=True, check=False, timeout=60
                )
            counted.cases += 1
            if (done.returncode, done.stderr.splitlines()[-1:]) != (3, ["im2rec: <stdout>: cannot write: No space left on device"]):
                counted.fail(command[0], f"exit code {done.returncode}: {done.stderr!r}")
            elif sorted(os.listdir(base / "out")) != written:
                counted.fail(command[0], f"it left {sorted(os.listdir(base / 'out'))}")


UNREADABLE = Path("/proc/self/mem")  # a regular file, as far as one can see, whose first bytes cannot be read


@pytest.mark.skipif(not UNREADABLE.is_file(), reason="needs Linux's /proc")
def test_inputs_that_cannot_be_read_are_named(base: Path) -> None:
    out, new = base / "out", base / "new"
    for name in ("bad.lst", "labels.csv", "x.idx"):
        (out / name).symlink_to(UNREADABLE)
    (new / "a" / "bad.jpg").symlink_to(UNREADABLE)
    with row("io-faults-unreadable") as counted:
        for command, code, text in [
            (["pack", out / "bad.lst", new, "-o", out / "y"], 3, f"{out}/bad.lst: cannot read: Input/output error"),
            ([out / "bad", new, "--pass-through"], 3, f"{out}/bad.lst: cannot read: Input/output error"),
            (["list", new, "--labels", out / "labels.csv"], 3, f"{out}/labels.csv: cannot be read: Input/output error"),
            (["pack", new, "-o", out / "z", "--follow-symlinks", "--json"], 1, "a/bad.jpg: cannot be read: Input/output error"),
            (
                ["pack", new, "-o", out / "z", "--follow-symlinks", "--resize", "9", "--workers", "0", "--force"],
                1,
                "a/bad.jpg: cannot be read",
            ),
            (["verify", out / "z", "--no-list"], 0, "no issue"),
        ]:
            ran = run(list(map(str, command)))
            counted.cases += 1
            if ran.code != code or text not in ran.err or "internal" in ran.err:
                counted.fail(command[:2], ran)
            if "--json" in command:
                summary = json.loads(ran.out)
                if summary["listed"] != summary["packed"] + summary["rejected"]:
                    counted.fail(command[:2], f"the counts do not add up: {summary}")
        with open(UNREADABLE, "rb") as unreadable:
            done = subprocess.run(
                [sys.executable, "-m", "im2rec", "pack", "-", new, "-o", out / "s"],
                stdin=unreadable,
                capture_output=True,
                text=True,
                check=False,
                timeout=60,
            )
        counted.cases += 1
        if (done.returncode, done.stderr) != (3, "im2rec: <stdin>: cannot read: Input/output error\n"):
            counted.fail("a list on stdin", (done.returncode, done.stderr))
    assert not [name for name in os.listdir(out) if name.startswith(".")]


def test_a_full_folder_for_temporary_files_is_told(base: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(itemlist, "_MEMORY", 1)  # a list from a stream goes to a file at once
    monkeypatch.setattr(tempfile, "tempdir", str(base / "out"))
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO((base / "new.lst").read_bytes() * 1000)))
    with row("io-faults-temporary-folder") as counted:
        counted.cases += 1
        with size_limit(4096):
            ran = run(["pack", "-", str(base / "new"), "-o", str(base / "out" / "x")])
        if (ran.code, ran.err) != (3, f"im2rec: {base}/out: cannot write a temporary file: File too large\n"):
            counted.fail("a list on stdin", ran)
