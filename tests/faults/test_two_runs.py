"""Several runs on one prefix at the same time: one wins or all refuse, and what stands there in the end is one run's, whole."""

from __future__ import annotations

import functools
import itertools
import os
import random
import sys
import time
from pathlib import Path
from typing import NamedTuple

import pytest
from forked import Process, kill_all, start, survivors, wait
from scenes import PACK_NEW, PACK_OLD, SHARDS, Content, Scene, content, hidden, issues_of, restore, run, visible, workshop
from tiers import SEED, cases, parts, row, spread

from recordio import files
from recordio.verify import verify

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs fork")

_CHUNK = 10  # cases of one process at a time
_BUSY = "another run is writing this set"


class Rivals(NamedTuple):
    """Commands that want the same names.

    Attributes:
        name: of the case.
        before: commands that run first.
        commands: that run at the same time.
    """

    name: str
    before: tuple[str, ...]
    commands: tuple[str, ...]


RIVALS = [
    Rivals("two packs", (), (f"{PACK_OLD} --force", f"{PACK_NEW} --force")),
    Rivals("two packs that replace nothing", (), (PACK_OLD, PACK_NEW)),
    Rivals("two packs over an old set", (PACK_NEW,), (f"{PACK_OLD} --force", f"{PACK_NEW} --force --no-sum")),
    Rivals("four packs", (), (f"{PACK_OLD} --force", f"{PACK_NEW} --force") * 2),
    Rivals("two folders", (), ("pack {old} -o {out}/x --force", "pack {new} -o {out}/x --force")),
    Rivals("two lists", (), ("list {old} -o {out}/x.lst --force", "list {new} -o {out}/x.lst --force")),
    Rivals("splits and a list of one", (), ("list {old} -o {out}/x --split a=0.5,b=0.5 --force", "list {new} -o {out}/x_b.lst --force")),
    Rivals("shards", (), (f"{PACK_OLD} --shards 3 --force", f"{PACK_NEW} --shards 3 --force")),
    Rivals("all shards and a part", (), (f"{PACK_OLD} --shards 3 --force", f"{PACK_NEW} --part 1/3 --force")),
    Rivals("a part twice", (), (f"{PACK_OLD} --part 1/3 --force", f"{PACK_NEW} --part 1/3 --force")),
    Rivals("a pack and an index", (PACK_NEW,), (f"{PACK_OLD} --force", "index {out}/x.rec --keys ordinal --force")),
    Rivals("a pack and a sum", (f"{PACK_NEW} --no-sum",), (f"{PACK_OLD} --force", "verify {out}/x --write-sum --force --workers 0")),
    Rivals(
        "an index and a sum", (PACK_NEW,), ("index {out}/x.rec --keys ordinal --force", "verify {out}/x --write-sum --force --workers 0")
    ),
    Rivals("two that are resumed", (), (f"{PACK_NEW} --resume",) * 2),
    Rivals("MXNet's form and a pack", ("list {new} -o {out}/x.lst",), ("{out}/x {new} --pass-through", f"{PACK_OLD} --force")),
]


class Slow(files.Disk):
    """The disk, which takes a while for some calls, so that two runs meet at any two of them."""

    def __init__(self, seed: int) -> None:
        self._rng = random.Random(seed)

    def _wait(self) -> None:
        if self._rng.random() < 0.3:
            time.sleep(self._rng.random() * 0.004)

    def open(self, path: Path, flags: int, mode: int = 0o666) -> int:
        self._wait()
        return super().open(path, flags, mode)

    def write(self, fd: int, data: bytes | bytearray | memoryview) -> int:
        self._wait()
        return super().write(fd, data)

    def replace(self, path: Path, other: Path) -> None:
        self._wait()
        super().replace(path, other)

    def link(self, path: Path, other: Path) -> None:
        self._wait()
        super().link(path, other)

    def unlink(self, path: Path) -> None:
        self._wait()
        super().unlink(path)

    def sync_folder(self, folder: Path) -> None:
        self._wait()


def wait_at(gate: tuple[int, int], delay: float, seed: int) -> None:
    """Be slow, once all rivals are there and a moment has passed: on a busy machine they would not meet otherwise."""
    os.close(gate[1])
    os.read(gate[0], 1)  # returns when nobody holds the other end any more
    os.close(gate[0])
    time.sleep(delay)
    files.disk = Slow(seed)


class Bench:
    """Rivals, and what each order of them leaves when they run one after the other."""

    def __init__(self, rivals: Rivals, base: Path) -> None:
        self.rivals, self.base, self.out = rivals, base, base / "out"
        scene = Scene(rivals.name, rivals.before, rivals.commands[0])
        self.words = [scene.arguments(base, command) for command in rivals.commands]
        self.old = scene.prepare(base)
        self.expected = self._orders()

    def _orders(self) -> dict[tuple[int, ...], tuple[list[int], Content]]:
        """Return what an order of some of the commands ends with: their exit codes, and what stands there."""
        found = {}
        for count in range(1, len(self.words) + 1):
            for order in itertools.permutations(range(len(self.words)), count):
                restore(self.out, self.old)
                codes = [run(self.words[number]).code for number in order]
                found[order] = codes, content(self.out)
        return found

    def check(self, rng: random.Random) -> tuple[str | None, int]:
        """Run all at once; say what is wrong with the end, and how many were refused."""
        restore(self.out, self.old)
        processes, gate = [], os.pipe()
        for number, words in enumerate(self.words):
            setup = functools.partial(wait_at, gate, rng.choice((0.0, rng.random() * 0.02)), rng.randrange(1 << 30))
            processes.append(start(words, self.base, f"run{number}", setup))
        for end in gate:
            os.close(end)
        codes = [wait(process) for process in processes]
        said = [process.said() for process in processes]
        for process in processes:
            kill_all(process)
            process.summary()
        busy = [number for number, text in enumerate(said) if codes[number] == 3 and _BUSY in text]
        return self._wrong(codes, said, busy), len(busy)

    def _wrong(self, codes: list[int | None], said: list[str], busy: list[int]) -> str | None:
        found = content(self.out)
        ran = [number for number in range(len(codes)) if number not in busy and not self._is_disturbed(number, codes[number])]
        if hidden(found):
            return f"{hidden(found)} was left by {codes}: {said}"
        if not ran:
            return None if found == self.old else f"all were refused, and left {sorted(found)}: {said}"
        for order in itertools.permutations(ran):
            expected, left = self.expected[order]
            if found == left and [codes[number] for number in order] == expected:
                issues = issues_of(found)
                return f"verify finds {issues}" if issues else None
        return f"no order of {ran} ends with {codes} and {sorted(found)}: {said}"

    def _is_disturbed(self, number: int, code: int | None) -> bool:
        """Tell whether a run that only reads at first has found files of two sets, and has written nothing."""
        return self.words[number][0] == "verify" and code in (1, 3)


def work(name: str, first: int, stop: int) -> tuple[tuple[int, list[tuple[str, str]]], int]:
    """Run rivals; return also in how many cases somebody was refused."""
    rivals = next(rivals for rivals in RIVALS if rivals.name == name)
    failures, met = [], 0
    with workshop() as base:
        bench = Bench(rivals, base)
        for number in range(first, stop):
            reason, refused = bench.check(random.Random(f"{SEED} rivals {name} {number}"))
            met += refused > 0
            if reason:
                failures.append((f"{name} {number}", reason))
    return (stop - first, failures), met


def test_runs_on_one_prefix_never_mix() -> None:
    count, met = -(-cases("two-runs", 30, 150, 1500) // len(RIVALS)), 0
    with row("two-runs") as counted:
        for done, share in spread(work, [(rivals.name, *part) for rivals in RIVALS for part in parts(count, _CHUNK)]):
            counted.add(done)
            met += share
    assert met > counted.cases // 4, f"only in {met} of {counted.cases} cases one was refused"


def test_parts_of_one_set_run_side_by_side() -> None:
    count = cases("parts-side-by-side", 3, 15, 150)
    with row("parts-side-by-side") as counted, workshop(12) as base:
        assert run([*Scene("", (), PACK_NEW).arguments(base), "--shards", "3"]).code == 0
        expected = content(base / "out")
        for number in range(count):
            rng = random.Random(f"{SEED} parts {number}")
            restore(base / "out", {})
            processes: list[Process] = []
            for part in range(3):
                slow = Slow(rng.randrange(1 << 30))
                words = [*Scene("", (), PACK_NEW).arguments(base), "--part", f"{part}/3"]
                processes.append(start(words, base, f"part{part}", lambda slow=slow: setattr(files, "disk", slow)))
            codes = [wait(process) for process in processes]
            counted.cases += 1
            found = content(base / "out")
            if codes != [0, 0, 0] or visible(found) != expected:
                counted.fail(number, f"{codes}, {sorted(found)}: {[process.said() for process in processes]}")
            elif hidden(found):
                counted.fail(number, f"{hidden(found)} was left")


def test_one_that_is_killed_hands_the_prefix_to_the_other() -> None:
    count = cases("two-runs-one-killed", 4, 20, 200)
    with row("two-runs-one-killed") as counted, workshop() as base:
        words = Scene("", (), f"{PACK_NEW} --force").arguments(base)
        assert run(words).code == 0
        expected = content(base / "out")
        for number in range(count):
            rng = random.Random(f"{SEED} one killed {number}")
            restore(base / "out", {})
            first = start(Scene("", (), f"{PACK_OLD} --force").arguments(base), base, "first", lambda: setattr(files, "disk", Slow(1)))
            time.sleep(rng.random() * 0.03)
            kill_all(first)
            codes = [wait(first)]
            second = start(words, base, "second")
            codes.append(wait(second))
            counted.cases += 1
            if codes[1] != 0 or content(base / "out") != expected:
                counted.fail(number, f"{codes}, {sorted(os.listdir(base / 'out'))}: {second.said()}")


def test_shards_that_are_written_while_another_reads_are_whole() -> None:
    """A reader of a set finds the old set, the new one, or none, while it is replaced again and again."""
    with row("read-while-written") as counted, workshop() as base:
        scene = Scene("", (), f"{PACK_NEW} --force", main=SHARDS)
        run(scene.arguments(base))
        looks = 0
        for number in range(cases("read-while-written", 4, 30, 300)):
            words = scene.arguments(base, f"{PACK_OLD} --force" if number % 2 else f"{PACK_NEW} --force")
            process = start(words, base, setup=lambda number=number: setattr(files, "disk", Slow(number)))
            while not os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT):
                looks += 1
                issues = look(base / "out" / "x.rec")
                if issues:
                    counted.fail(number, issues)
            counted.cases += 1
            wait(process)
            assert not survivors(process) if sys.platform == "linux" else True
        assert looks > counted.cases, f"only {looks} looks at {counted.cases} runs"


def look(rec: Path) -> list[str]:
    """Verify a set that is being replaced; only what stands there all the time counts."""

    def stand() -> list[tuple[int, int] | None]:
        return [
            (status.st_ino, status.st_mtime_ns) if (status := _stat(rec.with_suffix(suffix))) else None
            for suffix in (".rec", ".idx", ".sum")
        ]

    before = stand()
    try:
        issues = [str(issue) for issue in verify(rec).issues]
    except OSError:  # a file went between two looks
        return []
    return issues if stand() == before and ": is missing" not in str(issues) else []


def _stat(path: Path) -> os.stat_result | None:
    try:
        return path.stat()
    except FileNotFoundError:
        return None
