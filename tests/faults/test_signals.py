"""Ctrl-C, SIGTERM, SIGHUP and closed pipes at random moments: gone at once, without a trace, but for work that may be gone on with."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from disks import FaultyDisk, KillingDisk
from forked import Process, kill_all, start, survivors, wait
from scenes import HANDLED, PACK_NEW, PACK_OLD, SHARDS, Content, Scene, content, hidden, restore, run, visible, workshop
from tiers import SEED, cases, parts, row, spread, timely

from im2rec import build
from im2rec.cli import main
from im2rec.source import ImageSource
from recordio import files, signals

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="finds what is left of a process in Linux's /proc")

_CHUNK = 25  # cases of one process at a time
_LIMIT = 2.0  # seconds in which a process is gone
_LONG = 30.0  # seconds that something takes that must not be waited for
_NUMBERS = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP]
SCENES = [
    Scene("list", (), "list {new} -o {out}/x.lst", main=("x.lst",)),
    Scene("keep bytes", (), PACK_NEW),
    Scene("keep bytes over an old set", (PACK_OLD,), f"{PACK_NEW} --force"),
    Scene("a folder", (), "pack {new} -o {out}/x"),
    Scene("shards", (), f"{PACK_NEW} --shards 3", main=SHARDS),
    Scene("encode", (), f"{PACK_NEW} --resize 16 --workers 0"),
    Scene("encode with workers", (PACK_OLD,), f"{PACK_NEW} --resize 16 --workers 2 --force"),
    Scene("index", (PACK_NEW,), "index {out}/x.rec --keys ordinal --force", carried=("x.sum",)),
    Scene("verify", (PACK_NEW,), "verify {out}/x --decode --workers 0"),
    Scene("verify with workers", (PACK_NEW,), "verify {out}/x --decode --workers 2"),
    Scene("write a sum", (f"{PACK_NEW} --no-sum",), "verify {out}/x --write-sum --workers 0"),
    Scene("MXNet's form", (PACK_OLD, "list {new} -o {out}/x.lst"), "{out}/x {new} --resize 16 --num-thread 2"),
    Scene("resume", (), f"{PACK_NEW} --resume", steps=True),
    Scene("resume over an old set", (PACK_OLD,), f"{PACK_NEW} --resume --force", steps=True),
    Scene("resume with workers", (), f"{PACK_NEW} --resume --resize 16 --workers 2 --shards 3", main=SHARDS, steps=True),
]


class Bench:
    """A scene that is set up, and what an undisturbed run makes of it."""

    def __init__(self, scene: Scene, base: Path) -> None:
        self.scene, self.base, self.out = scene, base, base / "out"
        self.words = scene.arguments(base)
        self.resumes = "--resume" in self.words
        self.old = scene.prepare(base)
        disk = FaultyDisk()
        ran = run([word if word != "2" else "0" for word in self.words] if "--workers" in self.words else self.words, disk)
        assert ran.code == scene.code, ran
        self.calls, self.new = len(disk.calls), content(self.out)
        noted = [number for number, call in enumerate(disk.calls) if call.path.name.endswith(".journal") and call.kind == "write"]
        self.noted = range(noted[0] + 1, noted[-1]) if noted else range(self.calls)  # calls before which there is work to be gone on with
        restore(self.out, self.old)
        started = time.monotonic()
        process = self.start()
        assert wait(process) == scene.code, process.said()
        self.seconds = time.monotonic() - started

    def start(self, disk: files.Disk | None = None) -> Process:
        return start(self.words, self.base, setup=lambda: setattr(files, "disk", disk or files.Disk()))

    def disturb(self, rng: random.Random) -> str | None:
        """Send signals to a run; say what is wrong with its end."""
        numbers = tuple(rng.choices(_NUMBERS, k=rng.choice((1, 1, 1, 2))))
        if self.calls and rng.random() < 0.4:
            process = self.start(KillingDisk(at=rng.choice(self.noted), signals=numbers))
        else:
            process = self.start()
            time.sleep(rng.uniform(0, 1.1 * self.seconds))
            send = os.killpg if rng.random() < 0.5 else os.kill  # a terminal sends to the whole group
            for number in numbers:
                with contextlib.suppress(ProcessLookupError):  # it is done
                    send(process.pid, number)
                time.sleep(rng.choice((0, 0.001, 0.005)))
        code = wait(process, _LIMIT)
        if code is None:
            kill_all(process)
            wait(process)
            return f"it lives on {_LIMIT} s after {numbers}"
        left = survivors(process, 0.5)
        if left:
            kill_all(process)
            return f"processes {left} live on"
        found, said = content(self.out), process.said()
        process.summary()
        if code < 0 and -code in numbers and not said and found == self.old:
            return None  # it came before there was a handler
        if code not in (self.scene.code, *(128 + number for number in numbers)):
            return f"exit code {code} after {numbers}: {said}"
        if "Traceback" in said or "Exception" in said or "internal error" in said:
            return f"it said {said!r} after {numbers}"
        return self._wrong_files(code, found)

    def _wrong_files(self, code: int, found: Content) -> str | None:
        if visible(found) not in (visible(self.old), visible(self.new)):
            return f"exit code {code}, and it left {sorted(found)}, neither the old files nor the new ones"
        if code == self.scene.code and visible(found) != visible(self.new):
            return f"exit code {code}, and the new files are not there: {sorted(found)}"
        if hidden(found) and (not self.resumes or code == self.scene.code or any(name.endswith(".lock") for name in hidden(found))):
            return f"exit code {code}, and it left {hidden(found)}"
        return None

    def go_on(self) -> str | None:
        """Run the command once more, undisturbed."""
        before = content(self.out)
        words = self.words if visible(before) == visible(self.old) or self.resumes else self.scene.again(self.base)
        ran = run([word if word != "2" else "0" for word in words] if "--workers" in words else words)
        after = content(self.out)
        if ran.code == self.scene.code and after == self.new:
            return None
        return f"the next run ends with {ran.code}, {sorted(after)} of {sorted(before)}: {ran.err}"


def work(name: str, first: int, stop: int) -> tuple[tuple[int, list[tuple[str, str]]], int]:
    """Disturb runs of a scene; return also how many were interrupted with work that could be gone on with."""
    scene = next(scene for scene in SCENES if scene.name == name)
    failures, kept = [], 0
    with workshop(24) as base, scene.setting():
        bench = Bench(scene, base)
        for number in range(first, stop):
            restore(bench.out, bench.old)
            reason = bench.disturb(random.Random(f"{SEED} signals {name} {number}"))
            kept += bool(hidden(content(bench.out)))
            reason = reason or bench.go_on()
            if reason:
                failures.append((f"{name} {number}", reason))
    return (stop - first, failures), kept


def test_signals_end_a_run_at_once_and_without_a_trace() -> None:
    count, kept = -(-cases("signals", 30, 300, 5000) // len(SCENES)), 0
    with row("signals") as counted:
        for done, share in spread(work, [(scene.name, *part) for scene in SCENES for part in parts(count, _CHUNK)]):
            counted.add(done)
            kept += share
    assert kept > counted.cases // 30, f"only {kept} of {counted.cases} runs left something to go on with"


# Processes that are started anew, with workers that are started as on any machine


def has_handler(pid: int, number: int) -> bool:
    with contextlib.suppress(OSError):
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("SigCgt:"):
                return bool(int(line.split()[1], 16) >> (number - 1) & 1)
    return False


def test_signals_end_a_fresh_process_with_its_workers() -> None:
    count = cases("signals-fresh", 3, 40, 400)
    with row("signals-fresh") as counted, workshop(200) as base:
        for number in timely(range(count)):
            rng = random.Random(f"{SEED} fresh {number}")
            restore(base / "out", {})
            options = rng.choice((["--resize", "16", "--workers", "2"], ["--resize", "16", "--workers", "0"], []))
            words = ["pack", str(base / "new.lst"), str(base / "new"), "-o", str(base / "out" / "x"), *options]
            counted.cases += 1
            reason = disturb_fresh(words, rng, base)
            if reason:
                counted.fail(f"fresh {number}, {' '.join(options)}", reason)


def disturb_fresh(words: list[str], rng: random.Random, base: Path) -> str | None:
    process = subprocess.Popen(
        [sys.executable, "-m", "im2rec", *words], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    while process.poll() is None and not has_handler(process.pid, signal.SIGTERM):
        time.sleep(0.001)
    time.sleep(rng.uniform(0, 0.6))
    signal_ = rng.choice(_NUMBERS)
    with contextlib.suppress(ProcessLookupError):
        (os.killpg if rng.random() < 0.5 else os.kill)(process.pid, signal_)
    try:
        _, said = process.communicate(timeout=_LIMIT)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        return f"it lives on {_LIMIT} s after {signal_}"
    left = survivors(Process(process.pid, Path(), Path()), 0.5)
    if left:
        os.killpg(process.pid, signal.SIGKILL)
        return f"processes {left} live on"
    if process.returncode not in (0, 128 + signal_) or "Traceback" in said or "Exception" in said:
        return f"exit code {process.returncode} after {signal_}: {said}"
    names = sorted(os.listdir(base / "out"))
    return None if names in ([], ["x.idx", "x.rec", "x.sum"]) else f"it left {names}"


# Pipes


def test_a_closed_pipe_ends_a_run_at_once_and_without_a_trace() -> None:
    count = cases("signals-pipe", 12, 60, 1000)
    with row("signals-pipe") as counted, workshop() as base:
        many = base / "many"
        for number in range(4000):  # a list of more than a pipe holds
            path = many / f"class {number % 7}" / f"{number:040}.jpg"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()
        for number in timely(range(count)):
            rng = random.Random(f"{SEED} pipe {number}")
            restore(base / "out", {})
            words = rng.choice(
                (
                    ["list", str(many)],
                    ["list", str(many), "--no-shuffle"],
                    ["pack", str(base / "new"), "-o", str(base / "out" / "x"), "--json"],
                )
            )
            counted.cases += 1
            reason = close_pipe(words, rng, base)
            if reason:
                counted.fail(f"pipe {number}, {words[0]}", reason)


def close_pipe(words: list[str], rng: random.Random, base: Path) -> str | None:
    reading, writing = os.pipe()
    process = start(words, base, stdout=writing, setup=lambda: os.close(reading))
    os.close(writing)
    wanted = rng.choice((0, 1, 4096, 100_000))
    while wanted > 0 and (data := os.read(reading, wanted)):
        wanted -= len(data)
    os.close(reading)
    code = wait(process, _LIMIT)
    if code is None:
        kill_all(process)
        wait(process)
        return f"it lives on {_LIMIT} s after its pipe was closed"
    said, names = process.said(), sorted(os.listdir(base / "out"))
    if code not in (0, 141) or "Traceback" in said or "Exception" in said or "cannot" in said:
        return f"exit code {code}: {said}"
    if names != ([] if words[0] == "list" else ["x.classes.txt", "x.idx", "x.lst", "x.rec", "x.sum"]):
        return f"it left {names}"
    return None


# The moments in which a signal must wait


def test_a_signal_waits_although_other_threads_would_take_it() -> None:
    came, woken = [], threading.Event()
    before = signal.signal(signal.SIGTERM, lambda number, frame: came.append(number))
    thread = threading.Thread(target=woken.wait)
    thread.start()
    try:
        with signals.held():
            os.kill(os.getpid(), signal.SIGTERM)
            time.sleep(0.05)
            assert came == []
        assert came == [signal.SIGTERM]
    finally:
        woken.set()
        thread.join()
        signal.signal(signal.SIGTERM, before)


def test_a_signal_that_comes_while_a_finalizer_runs_is_not_lost() -> None:
    class Odd:
        def __del__(self) -> None:
            os.kill(os.getpid(), signal.SIGTERM)
            time.sleep(0)

    def body(words: list[str]) -> int:
        Odd()
        time.sleep(_LIMIT)
        return 0

    before = {number: signal.getsignal(number) for number in HANDLED}
    try:
        assert main.guarded("im2rec", body, []) == 128 + signal.SIGTERM
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def test_a_signal_that_breaks_a_lock_of_pythons_is_told_as_a_signal() -> None:
    def body(words: list[str]) -> int:
        try:
            os.kill(os.getpid(), signal.SIGTERM)
            time.sleep(_LIMIT)
        finally:
            threading.Lock().release()  # as threading.Condition does, when a signal comes between two of its lines
        return 0

    before = {number: signal.getsignal(number) for number in HANDLED}
    try:
        assert main.guarded("im2rec", body, []) == 128 + signal.SIGTERM
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def start_slow(base: Path, name: str, slow: object, owner: object) -> Process:
    """Start a pack in which something takes its time, and wait until its files are open."""
    assert hasattr(owner, name)
    process = start(SCENES[1].arguments(base), base, setup=lambda: setattr(owner, name, slow))
    while not any(name.endswith(".lock") for name in os.listdir(base / "out")):
        time.sleep(0.001)
    return process


def test_an_image_that_is_never_read_keeps_no_run_alive() -> None:
    with workshop() as base:
        process = start_slow(base, "open", lambda self, path: time.sleep(_LONG), ImageSource)
        time.sleep(0.05)
        os.kill(process.pid, signal.SIGTERM)
        assert wait(process, _LIMIT) == 128 + signal.SIGTERM
        assert "Traceback" not in process.said()
        assert not os.listdir(base / "out")


def test_a_second_signal_ends_a_run_whose_clearing_up_takes_long() -> None:
    def blocks(*arguments: object) -> None:
        try:
            time.sleep(_LONG)
        finally:
            time.sleep(_LONG)

    with workshop() as base:
        process = start_slow(base, "blocks", blocks, build)
        time.sleep(0.05)
        os.kill(process.pid, signal.SIGTERM)
        assert wait(process, 2.2) is None
        os.kill(process.pid, signal.SIGINT)
        assert wait(process, 1.0) == -signal.SIGINT
        assert "Traceback" not in process.said()
