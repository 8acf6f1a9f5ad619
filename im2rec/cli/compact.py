"""``im2rec compact``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from im2rec.cli import copying
from im2rec.cli import options as shared


@click.command("compact")
@click.argument("set_", metavar="PREFIX|REC", type=shared.PATH_OR_STDIN)
@click.option(
    "--order",
    type=click.Choice(["file", "index", "key"]),
    default="file",
    show_default=True,
    help="Order of the records: as they stand, as the lines of the .idx, or by key.",
)
@copying.memory_option("Bytes of records to hold at once where the order changes.")
@copying.into_options(shards=False)
def command(set_: Path, order: str, memory: str, **given: Any) -> int:
    """Write a dataset anew with the records that its .idx names and no others, keys and bytes as they are."""
    from im2rec.operations.compact import CompactOptions, compact
    from im2rec.plan import parse_size

    options = CompactOptions(order, parse_size(memory))
    return copying.run("compact", given, lambda to, advance: compact(set_, to, options, advance))
