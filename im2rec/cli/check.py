"""``im2rec check``."""

from __future__ import annotations

from pathlib import Path

import click

from im2rec import progress
from im2rec.cli import options as shared
from im2rec.names import printable
from im2rec.operations import checking
from im2rec.operations.facts import gather

_NAMES = ("sagemaker", "dali", "mxnet", "insightface")


@click.command("check")
@click.argument("sets", metavar="PREFIX|REC ...", type=shared.PATH, nargs=-1, required=True)
@click.option(
    "--for", "readers", type=click.Choice(_NAMES), multiple=True, required=True, help="Reader that is to be checked for; may be repeated."
)
@click.option("--json", "as_json", is_flag=True, help="Print a JSON object a line, one for each set.")
def command(sets: tuple[Path, ...], readers: tuple[str, ...], as_json: bool) -> int:
    """Tell what a reader would stumble over in datasets, and which command mends it; exit 1 when there is something."""
    stumbled = 0
    for given in sets:
        shared.say_interrupted(given)
        with progress.bar("reading", quiet=as_json) as advance:
            facts = gather(given, advance)
        found = {reader: checking.check(facts, reader) for reader in dict.fromkeys(readers)}
        stumbled += sum(map(len, found.values()))
        if as_json:
            shared.print_json({"command": "check", **checking.as_json(given, found)})
            continue
        for reader, stumbles in found.items():
            for stumble in stumbles:
                click.echo(str(stumble))
            if not stumbles:
                click.echo(printable(f"{reader}: {given}: nothing to stumble over"))
    return 1 if stumbled else 0
