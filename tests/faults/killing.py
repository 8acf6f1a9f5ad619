"""Chunks of cases in which real processes are killed, interrupted, or run side by side; for test_kills, test_signals, test_two_runs."""

from __future__ import annotations

import os
import random
import signal
import statistics
import time
from collections.abc import Callable
from pathlib import Path

from children import Child, start
from scenes import PACK_NEW, PACK_OLD, SCENES, SHARDS, SIZED, Content, Scene, content, fault_of, hidden, restore, run, visible, workshop
from tiers import SEED

from im2rec import journal

IMAGES = 60  # of a set: enough to be hit in the midst
WORKING = [
    Scene("encode with workers", (), f"{PACK_NEW} --resize 16 --workers 2"),
    Scene("encode with workers over an old set", (PACK_OLD,), f"{PACK_NEW} --resize 16 --workers 2 --force"),
    Scene("shards with workers", (), f"{PACK_NEW} --shards 3 --workers 2", main=SHARDS),
    Scene("verify with workers", (PACK_NEW,), "verify {out}/x --decode --write-sum --force --workers 2"),
]
KILLED = [scene for scene in SCENES if scene.name not in ("resume", "salvage")] + WORKING
RESUMED = [
    Scene("resume", (), f"{PACK_NEW} --resume", steps=True),
    Scene("resume with rejects", (), f"{PACK_OLD} --resume", steps=True, code=1),
    Scene("resume encoding", (), f"{PACK_NEW} --resume --resize 16 --workers 0", steps=True),
    Scene("resume encoding with workers", (), f"{PACK_NEW} --resume --resize 16 --workers 2", steps=True),
    Scene("resume shards", (), f"{PACK_NEW} --resume --shards 3", main=SHARDS, steps=True),
    Scene("resume shards by size", (), f"{PACK_NEW} --resume --shard-size 20000", main=SIZED, steps=True),
    Scene("resume over an old set", (PACK_OLD,), f"{PACK_NEW} --resume --force", steps=True),
]
SIGNALS = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP]
Failures = list[tuple[int, str]]


class Stage:
    """A scene on a folder: what stands there before, what a run makes of it, how long that takes."""

    def __init__(self, scene: Scene, base: Path) -> None:
        self.scene, self.base, self.out = scene, base, base / "out"
        self.old = scene.prepare(base)
        times = []
        for _ in range(3):
            restore(self.out, self.old)
            began = time.monotonic()
            child = start(scene, scene.arguments(base))
            code = child.wait()
            said = child.close()
            assert code == scene.code, (scene.name, code, said)
            times.append(time.monotonic() - began)
        self.new = content(self.out)
        assert not hidden(self.new), (scene.name, hidden(self.new))
        self.seconds = statistics.median(times)

    def start(self) -> Child:
        """Put the old files back and start the command."""
        restore(self.out, self.old)
        return start(self.scene, self.scene.arguments(self.base))

    def fault(self, found: Content) -> str | None:
        """Say what is wrong with the final names."""
        return fault_of(self.scene, found, self.old, self.new)


def stages(scenes: list[Scene], base: Path) -> Callable[[int], Stage]:
    """Return the stage of each case; each is set up when it is first asked for."""
    made: dict[str, Stage] = {}

    def stage(case: int) -> Stage:
        scene = scenes[case % len(scenes)]
        if scene.name not in made:
            made[scene.name] = Stage(scene, base)
        return made[scene.name]

    return stage


def kill_chunk(first: int, stop: int) -> tuple[int, Failures]:
    """Kill commands at random points; then the next run must find nothing in its way."""
    failures: Failures = []
    with workshop(IMAGES) as base:
        stage_of = stages(KILLED, base)
        for case in range(first, stop):
            rng = random.Random(f"{SEED}-kill-{case}")
            stage = stage_of(case)
            child = stage.start()
            time.sleep(rng.uniform(0, 1.1 * stage.seconds))
            child.signal(signal.SIGKILL)
            child.wait()
            gone = child.is_group_gone()
            child.close()
            found = content(stage.out)
            text = stage.fault(found) or (None if gone else "processes are left")
            if text is None:
                ran = run(stage.scene.again(base))
                after = content(stage.out)
                if ran.code != stage.scene.code or not stage.scene.is_done(after, visible(found), stage.new):
                    text = f"the next run ends with {ran.code} and leaves {sorted(after)}: {ran.err.strip()[-200:]}"
            if text is not None:
                failures.append((case, f"{stage.scene.name}: {text}"))
    return stop - first, failures


def resume_chunk(first: int, stop: int) -> tuple[int, Failures, int]:
    """Kill packs, some of them twice and with their traces damaged, and resume them; count those that had work to take over."""
    failures: Failures = []
    adopted = 0
    with workshop(IMAGES) as base:
        stage_of = stages(RESUMED, base)
        for case in range(first, stop):
            rng = random.Random(f"{SEED}-resume-{case}")
            stage = stage_of(case)
            restore(stage.out, stage.old)
            for _ in range(rng.choice((1, 1, 2, 3))):
                child = start(stage.scene, stage.scene.arguments(base))
                child.wait_until_started()
                time.sleep(rng.uniform(0, stage.seconds))
                child.signal(signal.SIGKILL)
                child.wait()
                child.is_group_gone()
                child.close()
                if rng.random() < 0.3:
                    _hurt(rng, stage.out)
            found = content(stage.out)
            past = journal.load(stage.out / ".x.journal")
            adopted += past is not None and bool(past.entries)
            text = stage.fault(found)
            if text is None:
                ran = run(stage.scene.arguments(base))
                after = content(stage.out)
                if ran.code != stage.scene.code or after != stage.new:
                    text = f"the resumed run ends with {ran.code} and leaves {sorted(after)}: {ran.err.strip()[-200:]}"
            if text is not None:
                failures.append((case, f"{stage.scene.name}: {text}"))
    return stop - first, failures, adopted


def _hurt(rng: random.Random, out: Path) -> None:
    """Cut or change what a killed run has left, as a power failure does."""
    for path in out.iterdir():
        if path.name.startswith(".") and path.suffix in (".journal", ".tmp") and rng.random() < 0.5:
            data = bytearray(path.read_bytes())
            if data and rng.random() < 0.5:
                at = rng.randrange(len(data))
                data[at : at + 64] = bytes(len(data[at : at + 64]))
            else:
                del data[rng.randrange(len(data) + 1) :]
            path.write_bytes(data)


def signal_chunk(first: int, stop: int) -> tuple[int, Failures]:
    """Send signals at random points: the command must be gone soon, with the right code, and leave nothing."""
    failures: Failures = []
    with workshop(IMAGES) as base:
        stage_of = stages(KILLED, base)
        for case in range(first, stop):
            rng = random.Random(f"{SEED}-signal-{case}")
            stage = stage_of(case)
            number = rng.choice(SIGNALS)
            child = stage.start()
            child.wait_until_started()
            time.sleep(rng.uniform(0, stage.seconds))
            sent = time.monotonic()
            child.signal(number)
            code = child.wait(2.0)
            took = time.monotonic() - sent
            gone = child.is_group_gone()
            said = child.close()
            found = content(stage.out)
            text = stage.fault(found)
            if code not in (128 + number, stage.scene.code):
                text = f"exit code {code} after signal {number}, which took {took:.2f} s: {said[-300:]}"
            elif "Traceback" in said:
                text = f"a traceback: {said[-500:]}"
            elif hidden(found):
                text = f"left {hidden(found)}"
            elif not gone:
                text = "processes are left"
            elif (
                code == stage.scene.code and not stage.scene.is_done(visible(found), visible(stage.old), stage.new) and code != 128 + number
            ):
                text = f"exit code {code}, but {sorted(found)}"
            if text is not None:
                failures.append((case, f"{stage.scene.name}: {text}"))
    return stop - first, failures


def pipe_chunk(first: int, stop: int) -> tuple[int, Failures]:
    """Close the pipe that a command writes to after some bytes, as ``head`` does."""
    failures: Failures = []
    commands = ["list {new}", "ls {out}/x", "ls {out}/x --json", "pack {new}.lst {new} -o {out}/y --json --force", "verify {out}/x --json"]
    with workshop(IMAGES) as base:
        assert run(Scene("", (), PACK_NEW).arguments(base)).code == 0
        for case in range(first, stop):
            rng = random.Random(f"{SEED}-pipe-{case}")
            scene = Scene("pipe", (), commands[case % len(commands)])
            reader, writer = os.pipe()
            os.set_blocking(reader, True)
            child = start(scene, scene.arguments(base), stdout=writer)
            os.close(writer)
            os.read(reader, rng.randrange(1, 200))
            os.close(reader)
            code = child.wait(2.0)
            gone, said = child.is_group_gone(), child.close()
            if code not in (0, 141) or "Traceback" in said or "BrokenPipe" in said or not gone or hidden(content(base / "out")):
                failures.append((case, f"{scene.command}: exit code {code}, {hidden(content(base / 'out'))}: {said[-300:]}"))
    return stop - first, failures


TWO = ["{0}", "{0} --resize 16 --workers 2", "{0} --no-sum", "{0} --shards 3", "{0} --shard-size 20000"]


def two_runs_chunk(first: int, stop: int) -> tuple[int, Failures]:
    """Run two packs of one prefix at a time: the result is one run's set, whole, and a loser says why."""
    failures: Failures = []
    with workshop(IMAGES) as base:
        out = base / "out"
        results: dict[str, Content] = {}
        scenes = [Scene(way + pack, (), f"{way.format(pack)} --force") for way in TWO for pack in (PACK_NEW, PACK_OLD)]
        for scene in scenes:
            restore(out, {})
            assert run(scene.arguments(base)).code in (0, 1), scene.name
            results[scene.name] = content(out)
        for case in range(first, stop):
            rng = random.Random(f"{SEED}-two-{case}")
            pair = rng.sample(scenes, 2)
            restore(out, {})
            children = []
            for scene in pair:
                children.append(start(scene, scene.arguments(base)))
                time.sleep(rng.choice((0, 0, rng.uniform(0, 0.05))))
            codes = [child.wait() for child in children]
            said = [child.close() for child in children]
            found = content(out)
            won = [scene for scene, code in zip(pair, codes, strict=True) if code in (0, 1)]
            lost = [text for text, code in zip(said, codes, strict=True) if code not in (0, 1)]
            text = None
            if any(code not in (0, 1, 3) for code in codes):
                text = f"exit codes {codes}: {said}"
            elif hidden(found):
                text = f"left {hidden(found)}"
            elif any("another run is writing this set" not in line for line in lost):
                text = f"a loser says {lost}"
            elif not _is_of_one(found, [results[scene.name] for scene in won]):
                text = f"{codes}: {sorted(found)} is no one run's set"
            if text is not None:
                failures.append((case, f"{pair[0].name} and {pair[1].name}: {text}"))
    return stop - first, failures


def _is_of_one(found: Content, results: list[Content]) -> bool:
    """Tell whether a folder holds the sets of runs that came one after the other: the last whole, of others what it does not replace."""
    if not results:
        return not found
    orders = [results, results[::-1]]
    for order in orders:
        whole: Content = {}
        for result in order:
            if "x.rec" in result or any(name in whole for name in result):
                gone = {name.rsplit(".", 1)[0] for name in result if name.endswith(".rec")}
                whole = {name: data for name, data in whole.items() if name.split(".")[0] not in gone and name != "x.rejects.tsv"}
            whole = {name: data for name, data in whole.items() if name != "x.rejects.tsv"} | result
        if found == whole:
            return True
    return False


def parts_chunk(first: int, stop: int) -> tuple[int, Failures]:
    """Pack the parts of a sharded set at the same time: together they are that set."""
    failures: Failures = []
    with workshop(IMAGES) as base:
        out = base / "out"
        whole = Scene("", (), f"{PACK_NEW} --shards 3")
        assert run(whole.arguments(base)).code == 0
        expected = content(out)
        for case in range(first, stop):
            restore(out, {})
            scenes = [Scene("part", (), f"{PACK_NEW} --part {number}/3") for number in range(3)]
            children = [start(scene, scene.arguments(base)) for scene in scenes]
            codes, said = [child.wait() for child in children], [child.close() for child in children]
            if codes != [0, 0, 0] or content(out) != expected:
                failures.append((case, f"exit codes {codes}, {sorted(content(out))}: {said}"))
    return stop - first, failures
