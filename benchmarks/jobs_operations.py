"""What it takes to write a finished set anew, against cp: merge, split, filter, shuffle."""

from __future__ import annotations

from collections.abc import Callable

import checks
from bench import Bench, Job, call, program
from measure import Command

_SET_SIZE = 4_000_000_000  # bytes of the set, at scale 1
_MEMORY = 256_000_000  # bytes that the shuffle may hold, at scale 1
_LEAST = 4 << 20  # bytes that it needs


def copies(bench: Bench) -> Job:
    """Write a set of four gigabytes (at scale 1) to others."""
    work, images = bench.work / "copies", bench.images("imagenet")
    lines = bench.list_of("imagenet").read_text(encoding="utf-8").splitlines()
    size = sum((images / line.rsplit("\t", 1)[1]).stat().st_size for line in lines)
    rows = [line.split("\t", 1)[1] for _ in range(max(1, round(_SET_SIZE * bench.scale / size))) for line in lines]
    source = work / "set"
    source.mkdir(parents=True, exist_ok=True)
    (source / "big.lst").write_text("".join(f"{number}\t{row}\n" for number, row in enumerate(rows)), encoding="utf-8")
    call([*program("im2rec"), "pack", str(source / "big.lst"), str(images), "-o", str(source / "data"), "--force", "--quiet"])
    given, memory = str(source / "data"), max(_LEAST, round(_MEMORY * bench.scale))
    tool = program("im2rec")

    def ours(verb: str, *words: str, names: tuple[str, ...] = ("data",)) -> Command:
        made = tuple(f"{name}.{suffix}" for name in names for suffix in ("rec", "idx", "sum"))
        shown = " ".join(("im2rec", verb, "PREFIX", *words))
        return Command(verb, shown, (*tool, verb, given, "-o", "data", *words, "--quiet"), work / verb, made)

    commands = (
        Command("cp", "cp", ("cp", f"{given}.rec", "data.rec"), work / "cp", ("data.rec",)),
        Command("twice", "cp, and cp again", ("sh", "-c", f"cp '{given}.rec' 1 && cp 1 2"), work / "twice", ("1", "2")),
        ours("merge"),
        ours("split", "--ratio", "train=0.9,val=0.1", names=("data_train", "data_val")),
        ours("filter", "--where", "key % 10 != 3"),
        ours("shuffle", "--memory", f"{memory}B"),
    )

    def check() -> None:
        checks.same_bytes(work / "merge" / "data.rec", source / "data.rec")
        shuffled = str(work / "shuffle" / "data")
        call([*tool, "shuffle", shuffled, "-o", str(work / "sorted"), "--sort", "key", "--force", "--quiet"])
        checks.same_bytes(work / "sorted.rec", source / "data.rec")
        checks.count_lines(work / "filter" / "data.idx", sum(1 for number in range(len(rows)) if number % 10 != 3))
        checks.count_lines(work / "split" / "data_train.idx", round(len(rows) * 0.9))

    title = f"Copies of a set of {(source / 'data.rec').stat().st_size / 1e9:.2f} GB"
    return Job("copies", title, commands, check, len(rows), notes=bench.notes)


JOBS: dict[str, Callable[[Bench], Job]] = {"copies": copies}
