"""``im2rec info``."""

from __future__ import annotations

from pathlib import Path

import click

from im2rec.cli import options as shared
from im2rec.cli.main import EXIT_DONE, EXIT_STOPPED, text_of
from im2rec.errors import InputError
from im2rec.names import printable
from im2rec.operations.info import Info, info
from recordio.errors import RecordIOError


@click.command("info")
@click.argument("sets", metavar="PREFIX|REC ...", type=shared.PATH, nargs=-1, required=True)
@click.option("--json", "as_json", is_flag=True, help="Print a JSON object a line, one for each set.")
def command(sets: tuple[Path, ...], as_json: bool) -> int:
    """Tell what is in datasets: records, labels, formats, sizes, bytes, and what they are laid out as.

    A set that cannot be read is told of, the others are read all the same, and the exit code is 3.
    """
    shown = failed = 0
    for given in sets:
        found = _read(given)
        failed += not isinstance(found, Info)
        if as_json:
            said = found.as_json() if isinstance(found, Info) else {"failed": found}
            shared.print_json({"command": "info", "set": str(given), **said})
        elif isinstance(found, Info):
            for line in ([""] if shown else []) + found.as_lines():
                click.echo(line)
            shown += 1
    return EXIT_STOPPED if failed else EXIT_DONE


def _read(given: Path) -> Info | str:
    """Return what is in a set, or why it cannot be read: that is said on stderr, too."""
    try:
        shared.say_missing_shards(given)
        shared.say_interrupted(given)
        return info(given)
    except (InputError, RecordIOError, OSError) as error:
        if isinstance(error, OSError) and error.filename is None:  # of a stream, not of the set
            raise
        click.echo(f"im2rec: {printable(text_of(error))}", err=True)
        return text_of(error)
