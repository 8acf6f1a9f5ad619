"""``im2rec split``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from im2rec.cli import copying
from im2rec.cli import options as shared
from im2rec.errors import PlanError


@click.command("split")
@click.argument("set_", metavar="PREFIX|REC|-", type=shared.PATH_OR_STDIN)
@click.option("--ratio", default="", metavar="NAME=R,...", help="Divide by ratios that add up to 1 into PREFIX_NAME: train=0.9,val=0.1.")
@click.option("--stratify", is_flag=True, help="Divide each label by the ratios.")
@click.option("--by-label", is_flag=True, help="Write a set for each first label, PREFIX_LABEL, or of the class's name where it is known.")
@click.option("--seed", type=click.IntRange(0), default=100, show_default=True, help="Seed of the choice by ratios.")
@copying.into_options()
def command(set_: Path, ratio: str, stratify: bool, by_label: bool, seed: int, **given: Any) -> int:
    """Write each record of a dataset to one of several, in their order, bytes and keys as they are.

    With --ratio each record goes to a set by chance, with --by-label by its label; with --shards or --shard-size alone the
    records go to the files of one set, one after the other.
    """
    from im2rec.operations.split import SplitOptions, split_set
    from im2rec.split import parse_splits

    if not (ratio or by_label or given["shards"] or given["shard_size"]):
        raise PlanError("nothing says how to divide: give --ratio, --by-label, --shards or --shard-size")
    if given["shards"] and (ratio or by_label):
        raise PlanError("--shards divides one set: with --ratio or --by-label, give --shard-size, or split the parts later")
    options = SplitOptions(parse_splits(ratio) if ratio else {}, stratify, by_label, seed)
    return copying.run("split", given, lambda to, advance: split_set(set_, to, options, advance))
