"""``im2rec compact``."""

from __future__ import annotations

from pathlib import Path

import click

from im2rec.cli import copying
from im2rec.cli import options as shared
from im2rec.progress import bar


@click.command("compact")
@click.argument("set_", metavar="PREFIX|REC", type=shared.PATH_OR_STDIN)
@click.option(
    "--order",
    type=click.Choice(["file", "index", "key"]),
    default="file",
    show_default=True,
    help="Order of the records: as they stand, as the lines of the .idx, or by key.",
)
@click.option(
    "--memory", default="1GiB", show_default=True, metavar="SIZE", help="Bytes of records to hold at once where the order changes."
)
@copying.into_options(shards=False)
def command(
    set_: Path,
    output: Path,
    order: str,
    memory: str,
    force: bool,
    checksums: bool,
    shard_size: str,
    as_json: bool,
    quiet: bool,
    verbose: bool,
) -> int:
    """Write a dataset anew with the records that its .idx names and no others, keys and bytes as they are."""
    from im2rec.operations.compact import CompactOptions, compact
    from im2rec.plan import parse_size

    to = copying.into(output, force=force, checksums=checksums, shard_size=shard_size, as_json=as_json)
    with bar("compact", quiet=quiet) as advance:
        report = compact(set_, to, CompactOptions(order, parse_size(memory)), advance)
    return copying.finish(report, as_json=as_json, quiet=quiet)
