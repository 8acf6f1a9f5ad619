"""The jobs that MXNet's tools are no measure for: scale, engines of pass-through, the writers of other formats."""

from __future__ import annotations

import functools
from collections.abc import Callable

import checks
from bench import HERE, Bench, Job, call, cat, native_pack, program
from corpora import cold_cache_fault, drop_from_cache, make_links
from environments import PEERS, project
from measure import Command

ENGINES = (("serial", 1), ("advise", 1), ("threads", 2), ("threads", 4), ("processes", 2), ("processes", 4))  # of read_engines.py
BEST_PEER = "the quickest other"


def scale(bench: Bench, size: int) -> Job:
    """List and pack *size* x the scale small files."""
    count = max(10, round(size * bench.scale))
    small = min(bench.images("faces").rglob("*.JPEG"), key=lambda path: (path.stat().st_size, path))
    root = make_links(bench.corpora.folder, count, small)
    corpus, work = root.name, bench.work / f"scale-{size}"
    made = ("data.lst", "data.classes.txt")
    commands = []
    for order in ("no-shuffle", "shuffle"):
        words = (*program("im2rec"), "list", str(root), f"--{order}", "-o", "data.lst")
        commands.append(Command(f"list {order}", f"im2rec list ROOT --{order} -o LIST", words, work / f"list-{order}", made))
    packs = [
        native_pack(bench, work / f"pack-{order}", corpus, f"pack {order}", "--pass-through", shuffled=shuffled)
        for order, shuffled in (("sorted", False), ("shuffled", True))
    ]

    def check() -> None:
        for command in commands[:2]:
            checks.count_lines(command.folder / "data.lst", count)
        for command in packs:
            checks.count_packed(command.folder / "data", count)

    commands += packs
    return Job(f"scale-{size}", f"{count:,} small files", tuple(commands), check, count, baseline="")


def engines(bench: Bench, corpus: str, cache: str) -> Job:
    """Pass-through with more and fewer workers, beside the ways of reading alone, from a warm or a cold cache."""
    work, root = bench.work / f"engines-{corpus}-{cache}", bench.images(corpus)
    name, title = f"engines-{corpus}-{cache}", f"Engines of pass-through: {corpus}, {cache} cache"
    before: Callable[[], None] | None = None
    if cache == "cold":
        if fault := cold_cache_fault(root):
            return Job(name, title, (), notes=(f"a cold cache is not available: {fault}",))
        before = functools.partial(drop_from_cache, root)
    count = bench.count(corpus)
    packs = [native_pack(bench, work / "readers", corpus, "readers", "--pass-through")]
    packs += [native_pack(bench, work / f"workers-{n}", corpus, f"workers {n}", f"--pass-through --workers {n}") for n in (0, 1, 2, 4)]
    floor = cat(bench, work / "cat", corpus)
    script = (project().python, str(HERE / "read_engines.py"), str(bench.list_of(corpus)), str(root))
    ways = [
        Command(
            f"{engine} {n}", f"bytes alone, {engine}, {n}", (*script, "data.cat", "--engine", engine, "--workers", str(n)),
            work / f"{engine}-{n}", ("data.cat",),
        )
        for engine, n in ENGINES
    ]  # fmt: skip

    def check() -> None:
        for command in packs:
            checks.count_packed(command.folder / "data", count)
            checks.same_bytes(command.folder / "data.rec", packs[0].folder / "data.rec")
        for way in ways:
            checks.same_bytes(way.folder / "data.cat", floor.folder / "data.cat")

    commands = tuple(_with(command, before) for command in (*packs, *ways, floor))
    return Job(name, title, commands, check, count, baseline="", warm_up=cache == "warm")


def _with(command: Command, before: Callable[[], None] | None) -> Command:
    fields = {name: getattr(command, name) for name in Command.__slots__}
    return Command(**{**fields, "before": before, "floor": "" if command.key == "cat" else "cat"})


def peers(bench: Bench, corpus: str) -> Job:
    """The same files into the formats of others, with their own writers."""
    work, count = bench.work / f"peers-{corpus}", bench.count(corpus)
    lst, root = str(bench.list_of(corpus)), str(bench.images(corpus))
    commands = [native_pack(bench, work / "im2rec", corpus, "im2rec")]
    notes = []
    scripts = {}
    for package, name in PEERS.items():
        environment = bench.peers[package]
        if environment.missing:
            notes.append(f"{name} is not available: {environment.missing}")
            continue
        script = str(HERE / "peers" / f"{package}.py")
        scripts[package] = [environment.python, script, "--count", str(work / package / "data.out")]
        words = (environment.python, script, lst, root, "data.out")
        commands.append(
            Command(name, f"{name} {dict(environment.versions)[package]}", words, work / package, ("data.out",), group=BEST_PEER)
        )

    def check() -> None:
        checks.count_packed(commands[0].folder / "data", count)
        for package, words in scripts.items():
            found = int(call(words).split()[-1])
            if found != count:
                raise checks.WrongOutput(f"{PEERS[package]} wrote {found} records, expected {count}")

    title = f"Writers of other formats: {corpus}, pass-through"
    return Job(f"peers-{corpus}", title, tuple(commands), check, count, baseline=BEST_PEER, notes=tuple(notes))


SIZES = (10_000, 100_000, 1_000_000)
JOBS: dict[str, Callable[[Bench], Job]] = {
    **{f"scale-{size}": functools.partial(scale, size=size) for size in SIZES},
    **{
        f"engines-{corpus}-{cache}": functools.partial(engines, corpus=corpus, cache=cache)
        for cache in ("warm", "cold")
        for corpus in ("faces", "imagenet")
    },
    **{f"peers-{corpus}": functools.partial(peers, corpus=corpus) for corpus in ("faces", "imagenet")},
}
