"""``im2rec info``."""

from __future__ import annotations

from pathlib import Path

import click

from im2rec.cli import options as shared
from im2rec.operations.info import info


@click.command("info")
@click.argument("sets", metavar="PREFIX|REC ...", type=shared.PATH, nargs=-1, required=True)
@click.option("--json", "as_json", is_flag=True, help="Print a JSON object a line, one for each set.")
def command(sets: tuple[Path, ...], as_json: bool) -> int:
    """Tell what is in datasets: records, labels, formats, sizes, bytes, and what they are laid out as."""
    for number, given in enumerate(sets):
        shared.say_missing_shards(given)
        shared.say_interrupted(given)
        found = info(given)
        if as_json:
            shared.print_json({"command": "info", "set": str(given), **found.as_json()})
            continue
        if number:
            click.echo()
        for line in found.as_lines():
            click.echo(line)
    return 0
