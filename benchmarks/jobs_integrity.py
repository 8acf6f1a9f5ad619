"""What integrity costs: the checks of images and the checksums of a pack; verifying and salvaging a finished set."""

from __future__ import annotations

import functools
import shutil
from collections.abc import Callable

import checks
from bench import Bench, Job, call, native_pack, program
from measure import Command

_SET_SIZE = 1_000_000_000  # bytes of the set that is verified, at scale 1


def costs(bench: Bench, corpus: str) -> Job:
    """Pass-through with and without checks and checksums."""
    work, count = bench.work / f"costs-{corpus}", bench.count(corpus)
    ways = (("bare", "--no-check --no-sum"), ("sum alone", "--no-check"), ("check alone", "--no-sum"), ("default", ""))
    commands = [native_pack(bench, work / name.replace(" ", "-"), corpus, name, words) for name, words in ways]

    def check() -> None:
        for command in commands:
            checks.count_packed(command.folder / "data", count)
            checks.same_bytes(command.folder / "data.rec", commands[0].folder / "data.rec")

    return Job(f"costs-{corpus}", f"What checks and checksums cost: {corpus}", tuple(commands), check, count, notes=bench.notes)


def verify(bench: Bench) -> Job:
    """Verify and salvage a set of a gigabyte (at scale 1), with and without its .sum."""
    work, corpus = bench.work / "verify", "imagenet"
    lines = bench.list_of(corpus).read_text(encoding="utf-8").splitlines()
    images = bench.images(corpus)
    size = sum((images / line.rsplit("\t", 1)[1]).stat().st_size for line in lines)
    times = max(1, round(_SET_SIZE * bench.scale / size))
    work.mkdir(parents=True, exist_ok=True)
    rows = [line.split("\t", 1)[1] for _ in range(times) for line in lines]
    (work / "big.lst").write_text("".join(f"{number}\t{row}\n" for number, row in enumerate(rows)), encoding="utf-8")
    for name in ("with", "without"):
        (work / name).mkdir(exist_ok=True)
    call([*program("im2rec"), "pack", str(work / "big.lst"), str(images), "-o", str(work / "with" / "data"), "--force", "--quiet"])
    for suffix in (".rec", ".idx"):
        shutil.copy(work / "with" / f"data{suffix}", work / "without" / f"data{suffix}")
    commands = []
    for name, shown in (("with", "with .sum"), ("without", "without .sum")):
        prefix = str(work / name / "data")
        commands.append(Command(f"verify {name}", f"im2rec verify PREFIX, {shown}", (*program("im2rec"), "verify", prefix), work))
        made = tuple(f"{name}.{suffix}" for suffix in ("rec", "idx", "sum", "salvage.json"))
        words = (*program("im2rec"), "salvage", f"{prefix}.rec", "-o", name)
        commands.append(Command(f"salvage {name}", f"im2rec salvage REC -o PREFIX, {shown}", words, work / f"salvage-{name}", made))

    def check() -> None:
        for name in ("with", "without"):
            checks.same_bytes(work / f"salvage-{name}" / f"{name}.rec", work / "with" / "data.rec")

    title = f"Verify and salvage {(work / 'with' / 'data.rec').stat().st_size / 1e9:.2f} GB"
    return Job("verify", title, tuple(commands), check, len(rows), notes=bench.notes)


JOBS: dict[str, Callable[[Bench], Job]] = {
    "costs-faces": functools.partial(costs, corpus="faces"),
    "costs-imagenet": functools.partial(costs, corpus="imagenet"),
    "verify": verify,
}
