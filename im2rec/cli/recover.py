"""``im2rec recover``."""

from __future__ import annotations

from pathlib import Path

import click

from im2rec.cli import options as shared
from im2rec.names import printable
from im2rec.sets import record_files
from recordio.amend import recover


@click.command("recover")
@click.argument("sets", metavar="PREFIX|REC ...", type=shared.PATH, nargs=-1, required=True)
@shared.output_options
def command(sets: tuple[Path, ...], as_json: bool, quiet: bool, verbose: bool) -> int:
    """Finish what an interrupted append or relabel has begun to change in a dataset.

    Every command that writes the dataset does so first; where nothing was interrupted this does nothing.
    """
    finished = []
    for rec in [rec for given in sets for rec in record_files(given)]:
        changes = recover(rec)
        finished += [{"rec": str(rec), "operation": change.what, "bytes": change.new_size} for change in changes]
        if verbose and not changes:
            click.echo(printable(f"im2rec: {rec}: nothing was interrupted"), err=True)
        for change in changes if not (quiet or as_json) else ():
            click.echo(printable(f"finished the {change.what} of {rec}"), err=True)
    if as_json:
        shared.print_json({"command": "recover", "finished": finished})
    elif not finished and not quiet:
        click.echo("nothing was interrupted", err=True)
    return 0
