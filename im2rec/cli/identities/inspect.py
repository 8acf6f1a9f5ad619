"""``im2rec identities inspect``."""

from __future__ import annotations

from pathlib import Path

import click

from im2rec import progress
from im2rec.cli import options as shared
from im2rec.names import printable
from im2rec.operations.identities import inspect as inspecting
from im2rec.operations.identities.survey import identity_file


@click.command("inspect")
@click.argument("sets", metavar="PREFIX|REC ...", type=shared.PATH, nargs=-1, required=True)
@click.option("--identities", "listed", is_flag=True, help="List the identities: key, first and end of the images' keys, label, images.")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON object a line: one for each file, or for each identity.")
def command(sets: tuple[Path, ...], listed: bool, as_json: bool) -> int:
    """Tell what is in identity files, and where header, identity records and images say different things (exit code 1).

    Ranges come from the records themselves; those that float32 has only rounded are counted, and are no fault.
    """
    faults = 0
    for number, given in enumerate(sets):
        with progress.bar("reading", quiet=as_json) as advance:
            found = identity_file(given, advance)
        told = inspecting.inspect(found)
        faults += len(told.issues)
        if listed:
            for identity in inspecting.identities(found):
                shared.print_json(identity.as_json()) if as_json else click.echo(identity.as_line())
        elif as_json:
            shared.print_json({"command": "identities inspect", **told.as_json()})
        else:
            click.echo("\n" * bool(number) + printable(told.rec))
            for line in told.as_lines():
                click.echo(line)
        for issue in told.issues:
            click.echo(printable(f"im2rec: {told.rec}: {issue}"), err=True)
    return 1 if faults else 0
