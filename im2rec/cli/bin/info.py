"""``im2rec bin info``."""

from __future__ import annotations

from pathlib import Path

import click

from im2rec import progress
from im2rec.cli import options as shared
from im2rec.names import printable
from im2rec.operations import pairs


@click.command("info")
@click.argument("paths", metavar="BIN ...", type=shared.PATH, nargs=-1, required=True)
@click.option("--json", "as_json", is_flag=True, help="Print a JSON object a line, one for each file.")
def command(paths: tuple[Path, ...], as_json: bool) -> int:
    """Tell what is in verification sets: pairs, images, their sizes, and what wrote the file."""
    for number, path in enumerate(paths):
        with progress.bar("reading", quiet=as_json) as advance:
            found = pairs.look(path, advance)
        if as_json:
            shared.print_json({"command": "bin info", **found.as_json()})
            continue
        if len(paths) > 1:
            click.echo("\n" * bool(number) + printable(str(path)))
        for line in found.as_lines():
            click.echo(line)
    return 0
