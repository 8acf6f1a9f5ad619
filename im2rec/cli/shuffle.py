"""``im2rec shuffle``."""

from __future__ import annotations

from pathlib import Path

import click

from im2rec.cli import copying
from im2rec.cli import options as shared
from im2rec.progress import bar


@click.command("shuffle")
@click.argument("set_", metavar="PREFIX|REC|-", type=shared.PATH_OR_STDIN)
@click.option("--seed", type=click.IntRange(0), default=100, show_default=True, help="Seed of the order.")
@click.option("--sort", type=click.Choice(["key"]), help="Sort the records by key instead.")
@click.option(
    "--memory", default="1GiB", show_default=True, metavar="SIZE", help="Bytes of records to hold at once; more go through files."
)
@copying.into_options()
def command(
    set_: Path,
    output: Path,
    seed: int,
    sort: str | None,
    memory: str,
    force: bool,
    checksums: bool,
    shard_size: str,
    shards: int | None,
    as_json: bool,
    quiet: bool,
    verbose: bool,
) -> int:
    """Write the records of a dataset in another order, with their keys and bytes as they are.

    The order depends on the seed alone. What does not fit in the memory goes through temporary files beside the output,
    which take as much room as the dataset; everything is read and written from start to end.
    """
    from im2rec.operations.shuffle import ShuffleOptions, shuffle
    from im2rec.plan import parse_size

    options = ShuffleOptions(seed, sort or "", parse_size(memory))
    to = copying.into(output, force=force, checksums=checksums, shard_size=shard_size, shards=shards, as_json=as_json)
    with bar("shuffle", quiet=quiet) as advance:
        report = shuffle(set_, to, options, advance)
    return copying.finish(report, as_json=as_json, quiet=quiet)
