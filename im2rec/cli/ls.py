"""``im2rec ls``."""

from __future__ import annotations

from pathlib import Path

import click

from im2rec.cli import options as shared
from im2rec.cli.main import EXIT_DONE, EXIT_REJECTS, EXIT_STOPPED
from im2rec.names import printable
from im2rec.operations import browse
from recordio.errors import KeyMissing


@click.command("ls")
@click.argument("set_", metavar="PREFIX|REC", type=shared.PATH)
@click.argument("keys", metavar="[KEY ...]", type=click.IntRange(0), nargs=-1)
@click.option("--json", "as_json", is_flag=True, help="Print a JSON object a line.")
def command(set_: Path, keys: tuple[int, ...], as_json: bool) -> int:
    """List records: key, offset, length of the payload, labels, format, width and height, separated by tabs.

    Records come in the order of the file, or those of the KEYs in theirs. KEYs that no record has are named on stderr, with exit code 1.
    """
    shared.say_missing_shards(set_)
    shared.say_interrupted(set_)
    absent: list[KeyMissing] = []
    for entry in browse.chosen(set_, keys, absent.append):
        if as_json:
            shared.print_json(entry.as_json())
        else:
            click.echo(entry.as_line())
    for error in absent:
        click.echo(f"im2rec: {printable(str(error))}", err=True)
    if absent:
        return EXIT_REJECTS if len(absent) < len(keys) else EXIT_STOPPED
    return EXIT_DONE
