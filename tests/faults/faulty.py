"""Workers that go wrong on chosen images: what an image's file says is done to the process that works on it.

python tests/faults/faulty.py pack ...       runs the tool with such workers
"""

from __future__ import annotations

import ctypes
import faulthandler
import multiprocessing
import os
import random
import resource
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from packing import ENCODED, KEPT, pack
from tiers import SEED

from im2rec import build, chunks
from im2rec.packoptions import PackOptions
from im2rec.work import RING, PoolOptions

MARK = b"fault: "
TIME_LIMIT = 2.5  # seconds an image; a busy machine stops a worker that does nothing wrong for a while, too
_RUN_LIMIT = 240  # seconds a run: one that takes longer hangs
_honest = build._make_work


def _signalled(number: int) -> Callable[[], None]:
    return lambda: os.kill(os.getpid(), number)


def _out_of_memory() -> None:
    """Ask for more than the system gives, as a picture does that is decoded."""
    before = resource.getrlimit(resource.RLIMIT_AS)
    with open("/proc/self/statm") as file:
        used = int(file.read().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + (64 << 20), before[1]))
    try:
        bytearray(1 << 30)
    finally:
        resource.setrlimit(resource.RLIMIT_AS, before)


def _raised(error: BaseException) -> Callable[[], None]:
    def fault() -> None:
        raise error

    return fault


def _deaf() -> None:
    signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
    time.sleep(3600)


def _spin() -> None:
    while True:
        pass


def _recurse() -> None:
    _recurse()


class Fault(NamedTuple):
    """What is done, and what must be said of the image."""

    act: Callable[[], Any]
    reason: str


_DEATH = "ended the process that worked on it ({})".format
_LATE = f"took longer than {TIME_LIMIT:g} s"
FAULTS = {
    "reads at 0": Fault(lambda: ctypes.string_at(0), _DEATH("signal SIGSEGV")),
    "segfault": Fault(_signalled(signal.SIGSEGV), _DEATH("signal SIGSEGV")),
    "bus error": Fault(_signalled(signal.SIGBUS), _DEATH("signal SIGBUS")),
    "illegal instruction": Fault(_signalled(signal.SIGILL), _DEATH("signal SIGILL")),
    "killed": Fault(_signalled(signal.SIGKILL), _DEATH("signal SIGKILL")),
    "terminated": Fault(_signalled(signal.SIGTERM), _DEATH("signal SIGTERM")),
    "aborts": Fault(os.abort, _DEATH("signal SIGABRT")),
    "exits": Fault(lambda: os._exit(7), _DEATH("exit code 7")),
    "exits as if done": Fault(lambda: os._exit(0), _DEATH("exit code 0")),
    "leaves": Fault(lambda: sys.exit(9), _DEATH("exit code 9")),
    "interrupted": Fault(_raised(KeyboardInterrupt()), _DEATH("exit code 1")),
    "runs out of memory": Fault(_out_of_memory, "takes more memory than there is"),
    "has no memory": Fault(_raised(MemoryError()), "takes more memory than there is"),
    "recurses": Fault(_recurse, "unexpected RecursionError"),
    "raises": Fault(_raised(RuntimeError("odd")), "unexpected RuntimeError: odd"),
    "stops iterating": Fault(_raised(StopIteration()), "unexpected StopIteration"),
}
if not os.path.exists("/proc/self/statm"):
    del FAULTS["runs out of memory"]  # how much is in use, and so how much more is too much, only Linux tells
HANGS = {
    "sleeps": Fault(lambda: time.sleep(3600), _LATE),
    "spins": Fault(_spin, _LATE),
    "is stopped": Fault(_signalled(signal.SIGSTOP), _LATE),
    "hears nothing": Fault(_deaf, _LATE),
}


def make_work(options: PackOptions) -> Any:
    """Make the work of a pack, in the process that calls this, which goes wrong where an image's file says so."""
    faulthandler.disable()  # it would tell of every crash that is meant
    if threading.current_thread() is threading.main_thread() and options.pool.workers:
        sys.stderr = open(os.devnull, "w")  # noqa: SIM115  (and so would what ends with a traceback)
    work, root = _honest(options), options.source.root

    def faulty(item: Any) -> Any:
        with open(os.path.join(root, item.path), "rb") as file:
            start = file.read(100)
        if start.startswith(MARK):
            {**FAULTS, **HANGS}[start[len(MARK) :].decode()].act()
        return work(item)

    return faulty


def install() -> None:
    """Have packs of this process do faulty work."""
    build._make_work = make_work


class Case(NamedTuple):
    """One run: images, which of them are faulty, and how it is done."""

    images: dict[str, bytes]
    faults: dict[str, str]
    encoded: bool
    pool: PoolOptions
    chunk: int


def draw(number: int, *, hang: bool | None = None) -> Case:
    """Choose run *number*."""
    from pictures import KINDS

    rng = random.Random(f"{SEED} workers {number}")
    count = rng.choice((1, 3, 8, 20, 40))
    images, faults = {}, {}
    kinds = [kind for name, kind in KINDS.items() if name.split()[0] in ("jpeg", "png")]
    for at in range(count):
        # Some are larger than half of a small ring, and go another way.
        images[f"{at:02}"] = rng.choice(kinds).make(rng.randrange(1, 60), rng.randrange(1, 60), at)
    known = list(FAULTS)
    for name in rng.sample(sorted(images), min(count, rng.choice((1, 1, 2, 3, 5)))):
        faults[name] = rng.choice(known)
    if hang if hang is not None else rng.random() < 0.06:
        faults[rng.choice(sorted(faults))] = rng.choice(list(HANGS))
    if rng.random() < 0.3:  # next to each other, whatever else
        first = rng.randrange(count)
        faults.update((f"{at:02}", rng.choice(known)) for at in range(first, min(first + 3, count)))
    late = any(fault in HANGS for fault in faults.values())
    method = rng.choice(("fork",) * 12 + ("forkserver", "spawn"))
    pool = PoolOptions(rng.choice((1, 2, 2, 3, 4)), TIME_LIMIT if late else 0.0, method, rng.choice((4096, 1 << 16, RING)))
    return Case(images, faults, rng.random() < 0.6, pool, rng.choice((1, 2, 7, 64)))


def run(case: Case) -> str:
    """Pack with faulty workers, and without the faulty images in this process; return what was wrong, or nothing."""
    from pictures import KINDS  # not above: a process that has loaded OpenCV starts its workers in another way

    transform = ENCODED if case.encoded else KEPT
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        for name, data in {"whole": KINDS["jpeg"].make(30, 20, 1), **case.images}.items():
            (root / name).write_bytes(MARK + case.faults[name].encode() if name in case.faults else data)
        names = ["whole", *case.images]
        limit, chunks.MOST_ITEMS = chunks.MOST_ITEMS, case.chunk
        faulthandler.dump_traceback_later(_RUN_LIMIT, exit=True)
        build._make_work = make_work
        try:
            packed = pack(root, names, transform, root / "faulty", case.pool)
        finally:
            build._make_work, chunks.MOST_ITEMS = _honest, limit
            faulthandler.cancel_dump_traceback_later()
        if multiprocessing.active_children():
            return f"{len(multiprocessing.active_children())} processes are left"
        for name in case.faults:
            reason = packed.rejects.get(name, "packed")
            expected = {**FAULTS, **HANGS}[case.faults[name]].reason
            if not reason.startswith(expected):
                return f"{name}: {reason}, expected {expected}"
        if set(packed.rejects) != set(case.faults):
            return f"rejected {sorted(set(packed.rejects) - set(case.faults))} as well: {packed.rejects}"
        for name in case.faults:  # missing files: without a record, and the others keep their ids
            (root / name).unlink()
        alone = pack(root, names, transform, root / "alone")
        if packed.images != alone.images:
            return "other records than in a run without the faulty images"
        for suffix in (".rec", ".idx"):
            if (root / f"faulty{suffix}").read_bytes() != (root / f"alone{suffix}").read_bytes():
                return f"another {suffix} than that of a run without the faulty images"
    return ""


def check(first: int, stop: int) -> tuple[int, list[tuple[object, str]]]:
    """Do runs; return their number, and what was wrong."""
    wrong: list[tuple[object, str]] = []
    for number in range(first, stop):
        case = draw(number)
        fault = run(case)
        if fault:
            wrong.append((f"{number}: {case.pool}, chunks of {case.chunk}, {case.faults}", fault))
    return stop - first, wrong


if __name__ == "__main__":
    from im2rec.cli.main import main

    install()
    main()
