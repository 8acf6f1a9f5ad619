"""The power fails: at each moment of a run, with whatever has reached the disk by then, the final names show a whole set or less."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from crashes import draw, moments, states
from disks import Recorder
from scenes import PACK_NEW, PACK_OLD, SCENES, Content, Scene, content, fault_of, replaced, restore, run, visible, workshop
from tiers import SEED, cases, parts, row, spread

from im2rec import resume
from recordio import commit

_BY_NAME = {scene.name: scene for scene in SCENES}
_MOST = 1 << 20  # states that a sabotaged order is looked at for
_ENOUGH = 1000  # bad states of a scene: the order is wrong, and it may have millions of them


def record(scene: Scene, base: Path, words: list[str] | None = None) -> Recorder:
    """Run a scene's command where it stands, and return what it asked of the disk."""
    recorder = Recorder(base / "out")
    ran = run(words or scene.arguments(base), recorder)
    assert ran.code == scene.code, (scene.name, ran)
    return recorder


class Crashes:
    """A scene that was recorded."""

    def __init__(self, scene: Scene, base: Path) -> None:
        self.scene, self.base, self.out = scene, base, base / "out"
        self.old = scene.prepare(base)
        self.recorder = record(scene, base)
        self.new = content(self.out)
        self._known: dict[frozenset[tuple[str, bytes]], str | None] = {}

    def fault_of(self, found: Content, old: Content | None = None) -> str | None:
        """Say what is wrong with a state of the final names; each is looked at once."""
        key = frozenset(found.items())
        if old is not None:
            return fault_of(self.scene, found, old, self.new)
        if key not in self._known:
            self._known[key] = fault_of(self.scene, found, self.old, self.new)
        return self._known[key]

    def bad(self, ignored: tuple[str, ...] = ()) -> Iterator[tuple[int, str | None]]:
        """Go through all states of all moments; yield the moment, and what is wrong with the state or None."""
        for moment in moments(self.recorder, ignored):
            for found in states(moment):
                yield moment.number, self.fault_of(found)

    def go_on(self, found: Content) -> str | None:
        """Run the command again on what a crash has left; say what is wrong then."""
        restore(self.out, found)
        ran = run(self.words(found))
        if ran.code != self.scene.code:
            return f"the next run ends with {ran.code}: {ran.err}"
        after = content(self.out)
        return None if self.scene.is_done(after, found, self.new) else f"the next run makes {sorted(after)} of {sorted(found)}"

    def words(self, found: Content) -> list[str]:
        return self.scene.arguments(self.base) if visible(found) == visible(self.old) else self.scene.again(self.base)


def work_states(name: str) -> tuple[int, list[tuple[str, str]]]:
    """Look at all states of a scene."""
    failures, done = [], 0
    scene = _BY_NAME[name]
    with workshop() as base, scene.setting():
        crashes = Crashes(scene, base)
        for moment, fault in crashes.bad():
            done += 1
            if fault:
                failures.append((f"{name}, power loss behind call {moment}", fault))
                if len(failures) == _ENOUGH:
                    break
    return done, failures


def work_next_run(name: str, count: int, torn: bool, turn: int) -> tuple[int, list[tuple[str, str]]]:
    """Run the command again on states that are drawn, with what is left in hidden files; crash in that run, too, when torn."""
    failures, done = [], 0
    scene = _BY_NAME[name]
    rng = random.Random(f"{SEED} {name} next run {turn}")
    with workshop() as base, scene.setting():
        crashes = Crashes(scene, base)
        all_moments = list(moments(crashes.recorder))
        while done < count:
            moment = rng.choice(all_moments)
            found = draw(moment, rng, torn=torn)
            case = f"{name}, draw {turn}.{done}, power loss behind call {moment.number}"
            done += 1
            fault = crashes.fault_of(visible(found)) or crashes.go_on(found)
            if fault:
                failures.append((case, fault))
            elif torn and done < count:
                done += 1
                fault = crash_again(crashes, found, rng)
                if fault:
                    failures.append((f"{case}, and again", fault))
    return done, failures


def turns_of(count: int) -> list[tuple[int, int]]:
    """Cut the draws of a scene into turns: (number, draws) of each."""
    return [(number, stop - first) for number, (first, stop) in enumerate(parts(count, 300))]


def crash_again(crashes: Crashes, found: Content, rng: random.Random) -> str | None:
    """Let the power fail in the run after a power failure."""
    restore(crashes.out, found)
    second = record(crashes.scene, crashes.base, crashes.words(found))
    again = draw(rng.choice(list(moments(second))), rng, torn=True)
    fault = crashes.fault_of(visible(again), found)
    if fault and not (crashes.scene.stopped and not visible(again)):  # a .rec may go back to its hidden name
        return fault
    restore(crashes.out, again)
    ran = run(crashes.scene.again(crashes.base))
    after = content(crashes.out)
    if ran.code == crashes.scene.code and crashes.scene.is_done(after, again, crashes.new):
        return None
    return f"the third run ends with {ran.code} and makes {sorted(after)} of {sorted(again)}: {ran.err}"


def test_final_names_show_one_whole_set_or_less_wherever_the_power_fails() -> None:
    with row("crash-states") as counted:
        for done in spread(work_states, [(scene.name,) for scene in SCENES], weight=10):
            counted.add(done)


def test_the_next_run_makes_good_what_a_power_failure_left() -> None:
    turns = turns_of(cases("crash-next-run", 12, 300, 1500))
    with row("crash-next-run") as counted:
        for done in spread(work_next_run, [(scene.name, count, False, turn) for turn, count in turns for scene in SCENES]):
            counted.add(done)


def test_torn_writes_and_a_second_power_failure_change_nothing_of_that() -> None:
    turns = turns_of(cases("crash-torn-twice", 6, 60, 3000))
    with row("crash-torn-twice") as counted:
        for done in spread(work_next_run, [(scene.name, count, True, turn) for turn, count in turns for scene in SCENES]):
            counted.add(done)


RESUMED = {
    "kept bytes": Scene("resume kept bytes", (), f"{PACK_NEW} --resume", steps=True),
    "over an old set": Scene("resume over an old set", (PACK_OLD,), f"{PACK_NEW} --resume --force", steps=True),
    "encoded": Scene("resume encoded", (), f"{PACK_NEW} --resume --resize 16 --workers 0", steps=True),
    "shards": Scene("resume shards", (), f"{PACK_NEW} --resume --shards 3", steps=True),
    "shards by size": Scene("resume shards by size", (), f"{PACK_NEW} --resume --shard-size 3000", steps=True),
    "a folder": Scene("resume a folder", (), "pack {new} -o {out}/x --resume", steps=True),
}


def work_resume(name: str, first: int, stop: int) -> tuple[tuple[int, list[tuple[str, str]]], int]:
    """Go on with packs that a power failure has interrupted; return also how many could make use of what was there."""
    failures, used = [], 0
    scene = RESUMED[name]
    adopt, taken = resume.adopt, []

    def watched(past, *arguments) -> None:
        adopt(past, *arguments)
        taken.append(len(past.entries))

    with workshop(10) as base, scene.setting(), replaced(resume, "adopt", watched):
        crashes = Crashes(scene, base)
        all_moments = list(moments(crashes.recorder))
        for number in range(first, stop):
            rng = random.Random(f"{SEED} {name} {number}")
            moment = rng.choice(all_moments)
            found = draw(moment, rng, torn=rng.random() < 0.5)
            restore(crashes.out, found)
            taken.clear()
            ran = run(scene.arguments(base))
            used += any(taken)
            after = content(crashes.out)
            if ran.code or after != crashes.new:
                failures.append(
                    (f"{name} {number}, power loss behind call {moment.number}", f"{ran}, it left {sorted(after)} of {sorted(found)}")
                )
    return (stop - first, failures), used


def test_a_pack_that_a_power_failure_interrupted_is_gone_on_with_to_the_byte() -> None:
    count, used = cases("crash-resume", 20, 300, 3000), 0
    with row("crash-resume") as counted:
        chunks = [(name, *part) for name in RESUMED for part in parts(count, 100)]
        for done, share in spread(work_resume, chunks):
            counted.add(done)
            used += share
    assert used > counted.cases // 4, f"only {used} of {counted.cases} runs had something to go on with"


# The check can fail: orders that are wrong have bad states.


def test_renames_without_a_sync_of_the_data_are_found() -> None:
    assert_found("pack", ignored=("fsync",))
    assert_found("pack over an old set", ignored=("fsync",))


def test_steps_without_a_sync_of_the_folder_are_found() -> None:
    assert_found("pack over an old set", ignored=("sync",))
    assert_found("pack a folder", ignored=("sync",))


def test_an_old_index_that_stays_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(commit.Commit, "_remove", lambda self, path: None)
    assert_found("pack over an old set")
    assert_found("shards over old shards")
    assert_found("index over an old one")
    assert_found("splits over old ones")


def test_an_index_that_is_renamed_first_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    order: Callable[..., None] = commit.Commit.run
    monkeypatch.setattr(commit.Commit, "run", lambda self, mains, others, obsolete: order(self, others, mains, obsolete))
    assert_found("pack")
    assert_found("pack over an old set")


def test_lists_of_which_none_comes_first_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    order: Callable[..., None] = commit.Commit.run
    monkeypatch.setattr(commit.Commit, "run", lambda self, mains, others, obsolete: order(self, [], [*mains, *others], obsolete))
    assert_found("list over an old one")
    assert_found("splits over old ones")


def assert_found(name: str, ignored: tuple[str, ...] = ()) -> None:
    scene = _BY_NAME[name]
    with workshop() as base, scene.setting():
        assert any(fault for _, fault in Crashes(scene, base).bad(ignored)), name
