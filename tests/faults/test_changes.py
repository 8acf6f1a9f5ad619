"""Changes of a set in place, under power failures, kills and faults: it is the old set, the new one, or what was begun is finished."""

from __future__ import annotations

import random
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Final

import pytest
from crashes import draw, moments
from disks import FAULTS, Fault, FaultyDisk, KillingDisk, Recorder
from forked import start, wait
from scenes import Content, content, disk_of, hidden, replaced, restore, run, visible, workshop
from tiers import SEED, cases, row

from recordio import IndexedReader, files, pending
from recordio.amend import Amendment
from recordio.verify import verify

if TYPE_CHECKING:
    from typing_extensions import Self

NOTE = ".x.change"
PACK = ("pack {old}.lst {old} -o {out}/x",)
PACK_FOLDER = ("pack {old} -o {out}/x",)
PACK_LISTED = ("list {old} -o {out}/x.lst", "pack {out}/x.lst {old}")
CHANGES = {
    "append a list": (PACK, "append {out}/x {new}.lst {new}"),
    "append a folder": (PACK_FOLDER, "append {out}/x {new}"),
    "append and reject": (PACK_FOLDER, "append {out}/x {old}"),
    "append without a sum": (("pack {old}.lst {old} -o {out}/x --no-sum",), "append {out}/x {new}.lst {new}"),
    "relabel": (PACK, "relabel {out}/x {other}.lst"),
    "relabel with its list": (PACK_LISTED, "relabel {out}/x {other}.csv"),
}


class Bench:
    """A set, and a command that changes it."""

    def __init__(self, name: str, base: Path) -> None:
        self.base, self.out = base, base / "out"
        (base / "other.lst").write_text("".join(f"{10 + 3 * number}\t{number + 7}\tx\n" for number in range(6)))
        (base / "other.csv").write_text("".join(f"{number},{number + 7}\n" for number in range(6)))
        before, command = CHANGES[name]
        restore(self.out, {})
        for one in before:
            assert run(self._words(one)).code in (0, 1), one
        self.old = content(self.out)
        self.words = self._words(command)
        self.recorder = Recorder(self.out)
        ran = run(self.words, self.recorder)
        assert ran.code in (0, 1), ran
        self.code, self.new = ran.code, content(self.out)
        assert self.new != self.old
        assert not hidden(self.new)
        assert not verify(self.out / "x.rec").issues

    def _words(self, command: str) -> list[str]:
        places = {name: self.base / name for name in ("new", "old", "out", "other")}
        return [word.format(**places) for word in command.split()]

    def fault_of(self, found: Content) -> str | None:
        """Say what is wrong with what a run has left, before anything else runs."""
        shown = visible(found)
        if NOTE not in found:
            return None if shown in (self.old, self.new) else f"neither the old set nor the new one, and no note: {sorted(shown)}"
        for name, data in shown.items():
            if name != "x.rec" and data not in (self.old.get(name), self.new.get(name)):
                return f"{name} is neither the old file nor the new one"
        restore(self.out, found)
        issues = [str(issue) for issue in verify(self.out / "x.rec").issues]
        if not any("was interrupted" in issue for issue in issues):
            return f"verify says nothing of the interruption: {issues}"
        described = [name for name in shown if name != "x.rec"]
        is_append = "append" in self.words
        if is_append and all(shown[name] == self.old.get(name) for name in described):
            with IndexedReader(self.out / "x.rec") as reader:
                if len(list(reader)) != len(reader):
                    return "the old records cannot be read"
            if len(issues) != 1:
                return f"the old records are right, verify says {issues}"
        elif shown["x.idx"] == self.new["x.idx"] != self.old["x.idx"] and shown["x.rec"] != self.new["x.rec"]:
            return "the new index stands beside a .rec that is not complete"
        return None

    def finish(self, found: Content) -> str | None:
        """Recover; say what is wrong then."""
        restore(self.out, found)
        ran = run(["recover", str(self.out / "x")])
        if ran.code:
            return f"recover ends with {ran.code}: {ran.err}"
        after = content(self.out)
        wanted = self.new if NOTE in found else visible(found)
        return None if after == wanted else f"recover makes {sorted(after)} of {sorted(found)}"


@pytest.fixture(params=list(CHANGES))
def bench(request: pytest.FixtureRequest) -> Iterator[Bench]:
    with workshop(6) as base, replaced(pending, "_PIECE", 700):
        yield Bench(request.param, base)


def test_a_power_failure_leaves_the_old_set_the_new_one_or_a_note_that_finishes_it(bench: Bench) -> None:
    rng = random.Random(f"{SEED} changes")
    all_moments = list(moments(bench.recorder))
    noted = 0
    with row("changes-crash") as counted:
        done, failures = 0, []
        for moment in all_moments:
            for number in range(cases("changes-crash", 4, 12, 400)):
                found = draw(moment, rng, torn=number % 2 == 1, changed="x.rec")
                done += 1
                noted += NOTE in found
                fault = bench.fault_of(found) or bench.finish(found)
                if fault:
                    failures.append((f"power loss behind call {moment.number}", fault))
        counted.add((done, failures))
    assert noted > len(all_moments) // 4, "the note was hardly ever there"


def test_a_second_power_failure_while_the_first_is_made_good_changes_nothing(bench: Bench) -> None:
    rng = random.Random(f"{SEED} changes again")
    noted = [
        found for moment in moments(bench.recorder) for _ in range(3) if NOTE in (found := draw(moment, rng, torn=True, changed="x.rec"))
    ]
    with row("changes-crash-twice") as counted:
        done, failures = 0, []
        for found in rng.sample(noted, min(len(noted), cases("changes-crash-twice", 8, 30, 300))):
            restore(bench.out, found)
            second = Recorder(bench.out)
            assert run(["recover", str(bench.out / "x")], second).code == 0
            for moment in moments(second):
                again = draw(moment, rng, torn=True, changed="x.rec")
                done += 1
                fault = bench.fault_of(again) or bench.finish(again)
                if fault:
                    failures.append((f"and again behind call {moment.number}", fault))
        counted.add((done, failures))
    assert done


def test_the_next_append_finishes_what_was_interrupted_and_adds_nothing_a_second_time() -> None:
    with workshop(6) as base, replaced(pending, "_PIECE", 700):
        bench = Bench("append a list", base)
        half = next(
            found
            for moment in moments(bench.recorder)
            if (found := draw(moment, random.Random(5), changed="x.rec")) and NOTE in found and "x.sum" in found
        )
        restore(bench.out, bench.new)
        assert run(bench.words).code == bench.code
        twice = content(bench.out)
        restore(bench.out, half)
        ran = run(bench.words)
        assert (ran.code, "the append that was interrupted is finished now" in ran.err) == (3, True)
        assert content(bench.out) == bench.new
        assert run(bench.words).code == bench.code
        assert content(bench.out) == twice
        restore(bench.out, half)
        assert run([*bench._words(PACK[0]), "--force"]).code in (0, 1)
        assert content(bench.out) == bench.old, "a new set in its place"


def test_a_note_about_another_file_is_refused_and_named() -> None:
    with workshop(6) as base, replaced(pending, "_PIECE", 700):
        bench = Bench("append a list", base)
        half = next(found for moment in moments(bench.recorder) if NOTE in (found := draw(moment, random.Random(5), changed="x.rec")))
        other = {**half, "x.rec": bytes(len(half["x.rec"]))}
        restore(bench.out, other)
        ran = run(["recover", str(bench.out / "x")])
        assert ran.code == 3
        assert "x.rec is another file now" in ran.err
        restore(bench.out, {**half, NOTE: half[NOTE][:-3]})
        ran = run(["recover", str(bench.out / "x")])
        assert (ran.code, "it is damaged" in ran.err, len(ran.err.splitlines())) == (3, True, 1)


def test_every_call_that_fails_leaves_the_old_set_or_says_what_finishes_the_new_one(bench: Bench) -> None:
    restore(bench.out, bench.old)
    counting = FaultyDisk()
    assert run(bench.words, counting).code == bench.code
    for number, call in enumerate(counting.calls):
        for kind in FAULTS[call.kind]:
            for forever in (False, True):
                restore(bench.out, bench.old)
                disk = FaultyDisk(faults=(Fault(number, kind, forever),))
                ran = run(bench.words, disk)
                found, case = content(bench.out), (call, kind, forever, ran)
                assert "internal error" not in ran.err, case
                if ran.code == bench.code:
                    assert visible(found) == bench.new, case
                else:
                    assert ran.code == 3, case
                    assert visible(found) == bench.old or NOTE in found, case
                    if not disk.stuck and not forever:
                        assert NOTE in found or not hidden(found), case
                fault = bench.fault_of(found) or bench.finish(found)
                assert fault is None, (case, fault)


@pytest.mark.skipif(sys.platform != "linux", reason="processes are forked")
def test_a_kill_leaves_the_old_set_or_what_the_next_run_finishes(bench: Bench) -> None:
    restore(bench.out, bench.old)
    counting = FaultyDisk()
    with disk_of(files.Disk()):
        assert run(bench.words, counting).code == bench.code
    numbers = list(range(len(counting.calls)))
    chosen = random.Random(SEED).sample(numbers, min(len(numbers), cases("changes-kills", 12, 60, 1000)))
    killed = 0
    for number in chosen:
        restore(bench.out, bench.old)
        disk = KillingDisk(at=number)
        process = start(bench.words, bench.base, setup=lambda disk=disk: setattr(files, "disk", disk))
        killed += wait(process) == -signal.SIGKILL
        found = content(bench.out)
        fault = bench.fault_of(found) or bench.finish(found)
        assert fault is None, (counting.calls[number], fault)
    assert killed > len(chosen) // 2


@pytest.mark.skipif(sys.platform != "linux", reason="processes are forked")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_in_the_midst_takes_the_change_back(number: int) -> None:
    with workshop(6) as base, replaced(pending, "_PIECE", 700):
        bench = Bench("append a list", base)
        restore(bench.out, bench.old)
        counting = FaultyDisk()
        assert run(bench.words, counting).code == bench.code
        at = next(at for at, call in enumerate(counting.calls) if call.kind == "pwrite") + 2
        restore(bench.out, bench.old)
        disk = KillingDisk(at=at, signals=(number,))
        process = start(bench.words, base, setup=lambda: setattr(files, "disk", disk))
        assert wait(process) == 128 + number, process.said()
        assert content(bench.out) == bench.old


class Interruptions:
    """Raises KeyboardInterrupt between two lines of the commit, where a signal's handler may; and again while that is answered."""

    CODES: Final = (Amendment.commit.__code__, Amendment._undo.__code__)

    def __init__(self, *at: int) -> None:
        self._at = at
        self.lines = 0

    def __enter__(self) -> Self:
        self._before = sys.gettrace()
        sys.settrace(self._trace)
        return self

    def __exit__(self, *_: object) -> None:
        sys.settrace(self._before)

    def _trace(self, frame: FrameType, event: str, _: object) -> object:
        if frame.f_code not in self.CODES:
            return None
        if event == "line":
            self.lines += 1
            if self.lines in self._at:
                raise KeyboardInterrupt
        return self._trace


@pytest.mark.parametrize("again", [None, 1, 2, 3, 4])
def test_a_signal_between_any_two_lines_of_the_commit_leaves_what_recover_finishes(bench: Bench, again: int | None) -> None:
    restore(bench.out, bench.old)
    with Interruptions() as counted:
        assert run(bench.words).code == bench.code
    assert counted.lines > 15
    seen = set()
    for number in range(1, counted.lines + 1):
        restore(bench.out, bench.old)
        with Interruptions(number, *([number + again] if again else [])):
            ran = run(bench.words)
        found = content(bench.out)
        seen.add((ran.code == bench.code, NOTE in found))
        fault = bench.fault_of(found) or bench.finish(found)
        assert fault is None, (number, again, ran, fault)
    assert len(seen) > 1


MAKING = {
    "filter": "filter {set} --where key>=0 -o {made}/y",
    "split": "split {set} --ratio a=0.5,b=0.5 -o {made}/y",
    "merge": "merge {set} -o {made}/y",
    "shuffle": "shuffle {set} -o {made}/y",
    "dedupe": "dedupe {set} -o {made}/y",
    "compact": "compact {set} -o {made}/y",
    "relabel": "relabel {set} {other}.lst -o {made}/y",
    "extract": "extract {set} -o {made}/y",
    "index": "index {set}.rec -o {made}/y.idx",
    "index of images": "index {set}.rec --images-only -o {made}/y.idx",
    "identities from-plain": "identities from-plain {set} -o {made}/y",
    "identities to-plain": "identities to-plain {set} -o {made}/y",
}
LOOKING = {
    "info": "info {set}",
    "ls": "ls {set}",
    "ls by key": "ls {set} 13",
    "cat": "cat {set} 13",
    "check": "check {set} --for mxnet",
    "salvage": "salvage {set} --force -o {made}/y",
}


@pytest.fixture
def half_relabelled() -> Iterator[Path]:
    """Make a set without a .sum of which some records have their new labels and some their old ones; yield the folder of the bench."""
    with workshop(6) as base, replaced(pending, "_PIECE", 700), pytest.MonkeyPatch.context() as patch:
        packing = ("pack {old}.lst {old} -o {out}/x --no-sum",)
        patch.setitem(CHANGES, "relabel without a sum", (packing, "relabel {out}/x {other}.lst"))
        bench = Bench("relabel without a sum", base)
        states = (draw(moment, random.Random(5), torn=True, changed="x.rec") for moment in moments(bench.recorder) for _ in range(50))
        records = (bench.old["x.rec"], bench.new["x.rec"])
        restore(bench.out, next(found for found in states if NOTE in found and found["x.rec"] not in records))
        (base / "made").mkdir()
        yield base


def _filled(base: Path, command: str) -> list[str]:
    places = {"set": base / "out" / "x", "made": base / "made", "other": base / "other"}
    return [word.format(**places) for word in command.split()]


@pytest.mark.parametrize("command", MAKING.values(), ids=list(MAKING))
def test_nothing_is_made_of_a_set_in_the_midst_of_a_change(half_relabelled: Path, command: str) -> None:
    before = content(half_relabelled / "out")
    ran = run(_filled(half_relabelled, command))
    assert ran.code == 3, ran
    assert "x.rec: a change (relabel) was interrupted, or is going on; 'im2rec recover' finishes it" in ran.err
    assert len(ran.err.splitlines()) == 1
    assert list((half_relabelled / "made").iterdir()) == []
    assert content(half_relabelled / "out") == before
    assert run(["recover", str(half_relabelled / "out" / "x")]).code == 0
    after = run(_filled(half_relabelled, command))
    assert "interrupted" not in after.err


@pytest.mark.parametrize("command", LOOKING.values(), ids=list(LOOKING))
def test_looking_at_a_set_in_the_midst_of_a_change_is_possible_and_says_so(half_relabelled: Path, command: str) -> None:
    ran = run(_filled(half_relabelled, command))
    assert ran.code in (0, 1), ran
    assert "x.rec: a change (relabel) was interrupted, or is going on" in ran.err
    assert run(["recover", str(half_relabelled / "out" / "x")]).code == 0
    assert "interrupted" not in run(_filled(half_relabelled, command)).err


# The check can fail.


@pytest.mark.parametrize("ignored", ["fsync", "sync"])
def test_a_change_without_syncs_is_found(ignored: str) -> None:
    rng = random.Random(SEED)
    with workshop(6) as base, replaced(pending, "_PIECE", 700):
        bench = Bench("append a list", base)
        found = (draw(moment, rng, torn=True, changed="x.rec") for moment in moments(bench.recorder, (ignored,)) for _ in range(200))
        assert any(bench.fault_of(one) or bench.finish(one) for one in found)


def test_a_tail_that_is_cut_off_again_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pending.Carrying, "_has_tail", lambda self: False)
    rng = random.Random(SEED)
    with workshop(6) as base, replaced(pending, "_PIECE", 700):
        bench = Bench("append a list", base)
        for moment in moments(bench.recorder):
            first = draw(moment, rng, changed="x.rec")
            if NOTE in first and first.get("x.idx") == bench.new["x.idx"]:
                restore(bench.out, first)
                second = Recorder(bench.out)
                run(["recover", str(bench.out / "x")], second)
                states = [draw(again, rng, changed="x.rec") for again in moments(second) for _ in range(5)]
                if any(bench.fault_of(state) for state in states):
                    return
    raise AssertionError("a new index beside half a tail was not found")


def test_verify_says_that_a_note_is_damaged() -> None:
    with workshop(6) as base:
        bench = Bench("append a list", base)
        (bench.out / NOTE).write_bytes(b"{}\nno")
        ran = run(["verify", str(bench.out / "x")])
        assert ran.code == 1
        assert "a change was interrupted, and .x.change cannot be read: it is damaged" in ran.out
