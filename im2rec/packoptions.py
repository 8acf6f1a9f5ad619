"""What a pack is asked for, and how that is told later: in the .sum, and to a run that goes on with an interrupted one."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol

import im2rec
from im2rec.judge import ERROR
from im2rec.listfile import Item
from im2rec.plan import ShardOptions
from im2rec.source import SourceOptions
from im2rec.transform import TransformOptions
from im2rec.work import PoolOptions
from recordio import images
from recordio.shardnames import shard_name


class Items(Protocol):
    """Items whose number is known, read in one pass."""

    def __len__(self) -> int: ...
    def __iter__(self) -> Iterator[Item]: ...


@dataclass(frozen=True, slots=True)
class PackOptions:
    """Everything that decides what a pack writes, and how.

    Attributes:
        source: where images may be read from.
        transform: what happens to each.
        shards: how the set is divided.
        pool: who does the work.
        label_width: labels that go into each record, 0 for all of the item's.
        max_rejects: rejects after which the pack is given up; None for no limit.
        checksums: write a .sum.
        journal: note what is done, so that an interrupted run can be gone on with.
        rejects_file: write a .rejects.tsv when images are rejected.
        resume: go on with an interrupted run, and leave what is needed for that when this one is interrupted.
    """

    source: SourceOptions
    transform: TransformOptions = TransformOptions()
    shards: ShardOptions = ShardOptions()
    pool: PoolOptions = PoolOptions()
    label_width: int = 0
    max_rejects: int | None = None
    checksums: bool = True
    journal: bool = True
    rejects_file: bool = True
    resume: bool = False


def set_prefix(prefix: Path, shards: ShardOptions) -> Path:
    """Return the prefix that one run's outputs have in common: one shard's for a run that packs only that."""
    return prefix.with_name(shard_name(prefix.name, *shards.part)) if shards.part else prefix


def describe(options: PackOptions) -> dict[str, str]:
    """Return what decides the bytes of a set, by the names of the command line's options; without what is at its default."""
    usual = PackOptions(options.source)
    found = _changed(options.transform, usual.transform)
    if options.transform.pass_through:  # what would change pixels has no say then; what rejects images has
        found = {name: value for name, value in found.items() if name in ("--check", "--decode", "--max-pixels") or value == ERROR}
    else:
        found["--encoding"] = found.pop("--pass-through") and options.transform.encoding
    if options.label_width:
        found["--label-width"] = str(options.label_width)
    return found


def _changed(options: Any, usual: Any) -> dict[str, str]:
    """Return the fields of a dataclass that are not as usual, as options of the command line."""
    found = asdict(options)
    return {f"--{name.replace('_', '-')}": str(value) for name, value in found.items() if value != getattr(usual, name)}


def describe_run(options: PackOptions, described: dict[str, str]) -> dict[str, str]:
    """Return all that must be the same when an interrupted run is gone on with: *described* and where and with what it ran."""
    usual = PackOptions(SourceOptions(options.source.root))
    return {
        **described,
        **_changed(options.shards, usual.shards),
        **_changed(options.source, usual.source),
        "--sum": "" if options.checksums else "no",
        "the root": os.path.realpath(options.source.root),
        "im2rec": im2rec.__version__,
        **({} if options.transform.pass_through else images.versions()),
    }


def difference(before: dict[str, str], now: dict[str, str]) -> tuple[str, str] | None:
    """Return the first name whose value is another one now, and that in words; None where there is none."""
    for name in {**before, **now}:
        was, is_ = before.get(name, ""), now.get(name, "")
        if was != is_:
            return name, f"{name} was {was or 'not given'} and is {is_ or 'not given'} now"
    return None
