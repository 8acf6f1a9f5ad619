"""``im2rec shuffle``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from im2rec.cli import copying
from im2rec.cli import options as shared


@click.command("shuffle")
@click.argument("set_", metavar="PREFIX|REC|-", type=shared.PATH_OR_STDIN)
@click.option("--seed", type=click.IntRange(0), default=100, show_default=True, help="Seed of the order.")
@click.option("--sort", type=click.Choice(["key"]), help="Sort the records by key instead.")
@copying.memory_option("Bytes of records to hold at once; more go through files.")
@copying.into_options()
def command(set_: Path, seed: int, sort: str | None, memory: str, **given: Any) -> int:
    """Write the records of a dataset in another order, with their keys and bytes as they are.

    The order depends on the seed alone. What does not fit in the memory goes through temporary files beside the output,
    which take as much room as the dataset; everything is read and written from start to end.
    """
    from im2rec.operations.shuffle import ShuffleOptions, shuffle
    from im2rec.plan import parse_size

    options = ShuffleOptions(seed, sort or "", parse_size(memory))
    return copying.run("shuffle", given, lambda to, advance: shuffle(set_, to, options, advance))
