"""Workers that crash, are killed, hang or run out of memory on chosen images: exactly those are rejected, the run goes on."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import faulty
import pytest
from faulty import FAULTS, HANGS, MARK, Case, check, draw, run
from packing import pack
from pictures import KINDS
from tiers import SEED, TIER, cases, parts, row, spread

from im2rec import worker
from im2rec.work import RING, PoolOptions

if not hasattr(os, "fork"):
    pytest.skip("made of signals and forks", allow_module_level=True)

RUNS = cases("workers", 14, 200, 5_000)
SOME = ("reads at 0", "killed", "exits as if done", "has no memory")  # enough for what takes long

pytestmark = [
    # NumPy's threads in this process do no harm to forks that leave them alone.
    pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning"),
]


def test_exactly_the_images_that_end_a_worker_are_rejected() -> None:
    with row("faulty workers") as counted:
        if TIER == "quick":
            for number in range(RUNS):
                fault = run(draw(number, hang=number == 3))
                counted.add((1, [(number, fault)] if fault else []))
            return
        for done in spread(check, parts(RUNS, 20)):
            counted.add(done)


@pytest.mark.parametrize("method", ["fork", "forkserver", "spawn"])
@pytest.mark.parametrize("encoded", [False, True], ids=["kept", "encoded"])
def test_each_kind_of_end_is_told_by_its_name(method: str, encoded: bool) -> None:
    """All of them in one run, between whole images, whatever way processes start."""
    known = dict(FAULTS)
    if TIER != "quick":
        known["sleeps"] = HANGS["sleeps"]
    elif method != "fork":
        known = {name: FAULTS[name] for name in SOME}
    images = {f"{number:02}": KINDS["jpeg"].make(40, 30, number) for number in range(2 * len(known))}
    faults = {f"{2 * number:02}": name for number, name in enumerate(known)}
    with row(f"faulty workers, {method}") as counted:
        fault = run(Case(images, faults, encoded, PoolOptions(2, faulty.TIME_LIMIT, method), 64))
        counted.add((1, [(method, fault)] if fault else []))


def test_every_image_may_end_its_worker() -> None:
    images = {f"{number:02}": b"" for number in range(12)}
    faults = dict(zip(images, random.Random(SEED).choices(list(FAULTS), k=len(images)), strict=True))
    assert run(Case(images, faults, False, PoolOptions(3, start_method="fork"), 5)) == ""


def test_an_image_that_ends_one_worker_by_chance_is_packed_by_the_next(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As when the system, short of memory, kills a worker: once is no verdict on the image."""
    honest = faulty.build._make_work

    def make_work(options):
        work = honest(options)

        def killed_once(item):
            if item.path == "b" and not (tmp_path / "died").exists():
                (tmp_path / "died").touch()
                os.kill(os.getpid(), 9)
            return work(item)

        return killed_once

    images = {name: KINDS["jpeg"].make(30, 20, number) for number, name in enumerate("abcd")}
    for name, data in images.items():
        (tmp_path / name).write_bytes(data)
    monkeypatch.setattr(faulty.build, "_make_work", make_work)
    packed = pack(tmp_path, images, faulty.KEPT, tmp_path / "x", PoolOptions(2, start_method="fork", ring=RING))
    assert (tmp_path / "died").exists()
    assert (packed.images, packed.rejects) == (images, {})


@pytest.mark.parametrize("options", [["--pass-through"], ["--resize", "32"]], ids=["kept", "encoded"])
def test_the_command_names_them_in_text_and_json_and_goes_on(tmp_path: Path, options: list[str]) -> None:
    root = tmp_path / "images"
    root.mkdir()
    known = FAULTS if TIER != "quick" else {name: FAULTS[name] for name in SOME}
    known = {**known, "is stopped": HANGS["is stopped"]} if TIER != "quick" or "--resize" not in options else known
    for number, (name, _) in enumerate(known.items()):
        (root / f"{number:02}-bad.jpg").write_bytes(MARK + name.encode())
        (root / f"{number:02}-good.jpg").write_bytes(KINDS["jpeg"].make(40, 30, number))
    command = [sys.executable, faulty.__file__, "pack", str(root), "--workers", "2", "--image-timeout", f"{faulty.TIME_LIMIT}", *options]
    said = {}
    for name, more in {"json": ["--json"], "text": []}.items():
        said[name] = subprocess.run(
            [*command, "-o", str(tmp_path / name), *more], capture_output=True, text=True, check=False, timeout=240, cwd=tmp_path
        )
        assert said[name].returncode == 1, said[name].stderr
    summary = json.loads(said["json"].stdout)
    assert (summary["listed"], summary["packed"], summary["rejected"]) == (2 * len(known), len(known), len(known))
    reasons = {reject["path"]: reject["reason"] for reject in summary["rejects"]}
    for number, (_, reason) in enumerate(known.values()):
        assert reasons[f"{number:02}-bad.jpg"].startswith(reason)
    named = [line for line in said["text"].stderr.splitlines() if line.startswith("im2rec: rejected: ")]
    assert sorted(named) == sorted(f"im2rec: rejected: {path}: {reason}" for path, reason in reasons.items())
    assert f"packed {len(known)} of {2 * len(known)} images" in said["text"].stderr
    assert f"{len(known)} rejected" in said["text"].stderr
    assert "Traceback" not in said["text"].stderr + said["json"].stderr
    assert (tmp_path / "text.rec").read_bytes() == (tmp_path / "json.rec").read_bytes()


class Pipe:
    """A supervisor's end of a worker's pipe: says what it was given to say, hears what is sent."""

    def __init__(self, hear: Callable[[worker.Flush], None], *says: object) -> None:
        self.send = hear
        self._says = [*says, None]

    def recv(self) -> object:
        return self._says.pop(0)


@pytest.mark.parametrize("sizes", [[1992, 1000], [1992, 700, 1400], [1000, 992, 4, 4, 2000]])
def test_what_ends_with_the_ring_is_sent_before_its_start_is_written_again(sizes: list[int]) -> None:
    """What a message speaks of must stand there in one piece; found by a run that died of it, one in some hundreds."""
    ring, before = 4096, [1000, 1104]
    made = [bytes([number]) * size for number, size in enumerate([*before, *sizes])]
    shared = bytearray(worker.DATA + ring)
    found = []

    def hear(message: worker.Flush) -> None:
        assert message.start + message.size <= ring
        place = worker.DATA + message.start
        found.append(bytes(shared[place : place + message.size]))

    # What came before has been taken when the rest is made.
    pipe = Pipe(hear, (0, 0, made[:2], {}), sum(before), (1, 0, made[2:], {}))
    with pytest.raises(worker._Stop):
        worker._Server(pipe, shared, lambda: lambda item: (item, 0, "", 0)).serve()  # type: ignore[arg-type]
    assert b"".join(found) == b"".join(made)
