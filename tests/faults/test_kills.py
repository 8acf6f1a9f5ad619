"""Real processes, killed outright at random: what they leave, what the next run makes of it, and how a pack is gone on with."""

from __future__ import annotations

import json
import os
import random
import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from disks import FaultyDisk, KillingDisk
from forked import Process, kill_all, start, survivors, wait
from scenes import PACK_NEW, PACK_OLD, SCENES, Content, Ran, Scene, content, fault_of, hidden, replaced, restore, run, visible, workshop
from tiers import SEED, cases, parts, row, spread

from im2rec import resume
from recordio import files

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="finds what is left of a process in Linux's /proc")

_CHUNK = 50  # cases of one process at a time
_WORKERS = " --workers 2"
KILLED = [
    *(scene for scene in SCENES if scene.name != "salvage"),
    Scene("encode with workers", (), f"{PACK_NEW} --resize 16{_WORKERS}"),
    Scene("encode with workers over an old set", (PACK_OLD,), f"{PACK_NEW} --resize 16{_WORKERS} --force"),
    Scene(
        "keep bytes with workers", (), f"{PACK_NEW}{_WORKERS} --shards 3", main=tuple(f"x-0000{number}-of-00003.rec" for number in range(3))
    ),
    *(scene for scene in SCENES if scene.name == "salvage"),
]
RESUMED = [
    Scene("kept bytes", (), f"{PACK_NEW} --resume", steps=True),
    Scene("over an old set", (PACK_OLD,), f"{PACK_NEW} --resume --force", steps=True),
    Scene("encoded", (), f"{PACK_NEW} --resume --resize 16 --workers 0", steps=True),
    Scene("encoded by workers", (), f"{PACK_NEW} --resume --resize 16{_WORKERS}", steps=True),
    Scene("shards", (), f"{PACK_NEW} --resume --shards 3", steps=True),
    Scene("shards by size", (), f"{PACK_NEW} --resume --shard-size 5000", steps=True),
    Scene("a folder", (), "pack {new} -o {out}/x --resume", steps=True),
    Scene("with rejects", (), f"{PACK_OLD} --resume", code=1, steps=True),
    Scene("kept bytes, by a relative path", (), "pack {new}.lst {new} -o {near}/x --resume", steps=True),
    Scene("over an old set, by a relative path", (PACK_OLD,), "pack {new}.lst {new} -o {near}/x --resume --force", steps=True),
    Scene("encoded, through a link", (), f"pack {{new}}.lst {{new}} -o {{link}}/x --resume --resize 16{_WORKERS}", steps=True),
    Scene("shards, through a link", (), "pack {new}.lst {new} -o {link}/x --resume --shards 3", steps=True),
]


class Bench:
    """A scene that is set up, and what an undisturbed run makes of it."""

    def __init__(self, scene: Scene, base: Path) -> None:
        self.scene, self.base, self.out = scene, base, base / "out"
        self.old = scene.prepare(base)
        self.words = scene.arguments(base)
        disk = FaultyDisk()
        ran = self.run(self.words, disk)
        assert ran.code == scene.code, (scene.name, ran)
        self.calls = len(disk.calls)
        noted = [
            number for number, call in enumerate(disk.calls) if call.path.name.endswith(".journal") and call.kind in ("write", "unlink")
        ]
        self.noted = range(noted[0] + 1, noted[-1] + 1) if noted else range(0)  # calls before which a journal stands there
        self.new = content(self.out)
        restore(self.out, self.old)
        started = time.monotonic()
        process = self.start(self.words)
        assert wait(process) == scene.code, process.said()
        self.seconds = time.monotonic() - started
        assert content(self.out) == self.new, "workers make no difference"
        self.killed = 0

    def start(self, words: list[str], disk: files.Disk | None = None) -> Process:
        return start(words, self.base, setup=lambda: setattr(files, "disk", disk or files.Disk()))

    def run(self, words: list[str], disk: files.Disk | None = None) -> Ran:
        """Run in this process, which has no workers; the counts of its summary must add up."""
        words = [*words, "--json"] if words[0] == "pack" else words
        ran = run(" ".join(words).replace(_WORKERS, " --workers 0").split(), disk)
        if ran.code in (0, 1) and words[0] == "pack":
            summary = json.loads(ran.out)
            assert summary["listed"] == summary["packed"] + summary["rejected"], summary
        return ran

    def kill(self, words: list[str], rng: random.Random, at: int | None = None) -> str | None:
        """Start a process and kill it somewhere, or at a call; say what is left of it in memory."""
        if at is not None or rng.random() < 0.5:
            process = self.start(words, KillingDisk(at=rng.randrange(self.calls + 1) if at is None else at))
        else:
            process = self.start(words)
            time.sleep(rng.uniform(0, 1.1 * self.seconds))
            if rng.random() < 0.5:
                kill_all(process)
            else:  # its workers see that it is gone
                os.kill(process.pid, signal.SIGKILL)
        code = wait(process)
        self.killed += code == -signal.SIGKILL
        if code not in (-signal.SIGKILL, self.scene.code):
            kill_all(process)
            return f"exit code {code}: {process.said()}"
        left = survivors(process)
        if left:
            kill_all(process)
            return f"processes {left} live on"
        return None


def work_kills(name: str, first: int, stop: int) -> tuple[tuple[int, list[tuple[str, str]]], int]:
    """Kill runs of a scene; return also how many were not done before they were killed."""
    scene = next(scene for scene in KILLED if scene.name == name)
    failures = []
    with workshop(12) as base, scene.setting():
        bench = Bench(scene, base)
        for number in range(first, stop):
            rng = random.Random(f"{SEED} kills {name} {number}")
            restore(bench.out, bench.old)
            reason = bench.kill(bench.words, rng) or check_left(bench)
            if reason:
                failures.append((f"{name} {number}", reason))
    return (stop - first, failures), bench.killed


def check_left(bench: Bench) -> str | None:
    """Look at what a killed run has left, and at what the next run makes of it."""
    scene, found = bench.scene, content(bench.out)
    fault = fault_of(scene, found, bench.old, bench.new)
    if fault:
        return fault
    ran = bench.run(bench.words if visible(found) == visible(bench.old) else scene.again(bench.base))
    if ran.code != scene.code:
        return f"the next run ends with {ran.code}: {ran.err}"
    after = content(bench.out)
    return None if scene.is_done(after, found, bench.new) else f"the next run makes {sorted(after)} of {sorted(found)}"


def test_killed_processes_leave_whole_sets_or_less_and_the_next_run_clears_up() -> None:
    count, killed = -(-cases("kills", 29, 1000, 20_000) // len(KILLED)), 0
    with row("kills") as counted:
        for done, share in spread(work_kills, [(scene.name, *part) for scene in KILLED for part in parts(count, _CHUNK)], weight=2):
            counted.add(done)
            killed += share
    assert killed > counted.cases // 2, f"only {killed} of {counted.cases} runs were killed before they were done"


def work_resumes(name: str, first: int, stop: int) -> tuple[tuple[int, list[tuple[str, str]]], int]:
    """Kill packs, some of them twice, and go on with them; return also how many could make use of what was there."""
    scene = next(scene for scene in RESUMED if scene.name == name)
    failures, used, taken = [], 0, []
    adopt = resume.adopt

    def watched(past: resume.Past, *arguments: object) -> None:
        adopt(past, *arguments)
        taken.append(len(past.entries))

    with workshop(16) as base, scene.setting(), replaced(resume, "adopt", watched):
        bench = Bench(scene, base)
        for number in range(first, stop):
            rng = random.Random(f"{SEED} resumes {name} {number}")
            restore(bench.out, bench.old)
            reason = None
            for _ in range(rng.choice((1, 1, 2))):  # most of them while there is something to go on with
                reason = reason or bench.kill(bench.words, rng, rng.choice(bench.noted) if rng.random() < 0.8 else None)
            if rng.random() < 0.3 and visible(content(bench.out)) == visible(bench.old):  # all is durable before the renames
                hurt(bench.out, rng)
            found = content(bench.out)
            taken.clear()
            ran = bench.run(bench.words)
            used += any(taken)
            after = content(bench.out)
            if not reason and (ran.code != scene.code or after != bench.new):
                reason = f"exit code {ran.code}, {sorted(after)} of {sorted(found)}: {ran.err}"
            if reason:
                failures.append((f"{name} {number}", reason))
    return (stop - first, failures), used


def hurt(folder: Path, rng: random.Random) -> None:
    """Do to the journal or to an unfinished .rec what a power failure may do: cut it, or lose some of its bytes."""
    left = sorted(path for path in folder.iterdir() if path.name.endswith((".journal", ".tmp")))
    if left:
        path = rng.choice(left)
        data = bytearray(path.read_bytes())
        at = rng.randrange(len(data) + 1)
        if rng.random() < 0.5:
            del data[at:]
        else:
            data[at : at + 64] = bytes(len(data[at : at + 64]))
        path.write_bytes(data)


def test_killed_packs_are_gone_on_with_to_the_byte() -> None:
    count, used = -(-cases("resumes", 16, 160, 2000) // len(RESUMED)), 0
    with row("resumes") as counted:
        for done, share in spread(work_resumes, [(scene.name, *part) for scene in RESUMED for part in parts(count, _CHUNK)]):
            counted.add(done)
            used += share
    assert used >= counted.cases // 2, f"only {used} of {counted.cases} runs had something to go on with"


@pytest.mark.parametrize("name", ["a folder", "with rejects", "shards"])
def test_a_run_that_takes_an_interrupted_commit_back_may_be_killed_too(name: str) -> None:
    scene = next(scene for scene in RESUMED if scene.name == name)
    with workshop(6) as base, scene.setting():
        bench = Bench(scene, base)
        for at in range(24, cases("taken back", 40, 40, 80)):
            restore(bench.out, bench.old)
            assert bench.kill(bench.words, random.Random(at), bench.noted[-3]) is None  # a name is not yet final
            assert bench.kill(bench.words, random.Random(at), at) is None
            ran = bench.run(bench.words)
            assert (ran.code, content(bench.out)) == (scene.code, bench.new), (at, ran)


# Refusals


@pytest.fixture
def killed() -> Iterator[Bench]:
    """A pack that was killed when half of it was done and noted."""
    scene = RESUMED[0]
    with workshop(16) as base, scene.setting():
        bench = Bench(scene, base)
        restore(bench.out, bench.old)
        process = bench.start(bench.words, KillingDisk(at=bench.calls // 2))
        assert wait(process) == -signal.SIGKILL
        assert hidden(content(bench.out))
        time.sleep(0.02)  # the clock for files lags behind by a tick
        yield bench


def test_another_list_is_refused_and_the_work_stays(killed: Bench) -> None:
    path = killed.base / "new.lst"
    lines, before = path.read_text(), unlocked(killed)
    path.write_text(lines.replace("\t0\t", "\t5\t", 1))
    refuse(killed, killed.words, "list was ")
    path.write_text(lines)
    assert unlocked(killed) == before
    go_on(killed)


@pytest.mark.parametrize(
    ("options", "text"),
    [
        (["--resize", "16", "--workers", "0"], "--pass-through was not given and is False now"),
        (["--shards", "2"], "--shards was not given and is 2 now"),
        (["--label-width", "1"], "--label-width was not given and is 1 now"),
        (["--no-check"], "--check was not given and is off now"),
    ],
)
def test_other_options_are_refused_and_the_work_stays(killed: Bench, options: list[str], text: str) -> None:
    before = unlocked(killed)
    refuse(killed, [*killed.words, *options], text if "--resize" not in options else "and is ")
    assert unlocked(killed) == before
    go_on(killed)


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (lambda path: path.write_bytes(path.read_bytes() + b"\0"), "bytes and had"),
        (lambda path: os.utime(path), "has changed since the run that was interrupted"),  # noqa: PLW0108  (its turn comes with the file)
        (lambda path: path.write_bytes(path.read_bytes()), "has changed since the run that was interrupted"),
        (lambda path: path.unlink(), "is no longer there"),
    ],
)
def test_a_changed_image_is_refused_by_name(killed: Bench, change: Callable[[Path], object], text: str) -> None:
    path = killed.base / "new" / "a" / "000.jpg"
    data = path.read_bytes()
    change(path)
    refuse(killed, killed.words, f"a/000.jpg: {text}" if "bytes" not in text else text)
    path.write_bytes(data)
    ran = killed.run([word for word in killed.words if word != "--resume"])
    assert (ran.code, content(killed.out)) == (0, killed.new)


def unlocked(bench: Bench) -> Content:
    """Return what stands there but for the lock, which a killed process leaves."""
    return {name: data for name, data in content(bench.out).items() if not name.endswith(".lock")}


def refuse(bench: Bench, words: list[str], text: str) -> None:
    ran = bench.run(words)
    assert ran.code == 3, ran
    assert text in ran.err
    assert ran.err.endswith("so the interrupted run cannot be resumed (without --resume it starts anew)\n")
    assert not visible(content(bench.out))


def go_on(bench: Bench) -> None:
    ran = bench.run(bench.words)
    assert (ran.code, content(bench.out)) == (0, bench.new)
