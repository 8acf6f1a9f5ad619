"""``im2rec index``."""

from __future__ import annotations

from pathlib import Path

import click

from im2rec.cli import options as shared
from im2rec.errors import InputError
from im2rec.names import printable
from im2rec.reindex import reindex
from im2rec.sets import record_files


@click.command("index")
@click.argument("rec", metavar="PREFIX|REC", type=shared.PATH)
@click.option("-o", "--output", type=shared.OUTPUT, metavar="IDX", help="File to write.  [default: REC with the suffix .idx]")
@click.option(
    "--keys", type=click.Choice(["id", "ordinal"]), default="id", show_default=True, help="Keys from the image headers, or 0, 1, 2, ..."
)
@shared.force_option
@shared.output_options
def command(rec: Path, output: Path | None, keys: str, force: bool, as_json: bool, quiet: bool, verbose: bool) -> int:
    """Read a .rec from start to end, check every frame, and write its index."""
    rec = _file(rec)
    idx = output if output is not None else rec.with_suffix(".idx")
    found, written = reindex(rec, idx, ids=keys == "id", force=force)
    if found.duplicates:
        text = f"{found.duplicates} of {found.records} records have a key that an earlier one has; --keys ordinal gives each its own"
        click.echo(printable(f"im2rec: {rec}: {text}"), err=True)
    if verbose:
        click.echo(f"im2rec: keys are {'the ids of the headers' if keys == 'id' else 'ordinals'}", err=True)
    if as_json:
        shared.print_json({"command": "index", **found._asdict(), "outputs": [str(path) for path in written]})
    elif not quiet:
        many = "s" * (found.records != 1)
        click.echo(printable(f"indexed {found.records} record{many}: {', '.join(map(str, written))}"), err=True)
    return 0


def _file(given: Path) -> Path:
    """Return the .rec that is meant: the file of that name, or the one of the set."""
    if given.is_file():
        return given
    found = record_files(given)
    if len(found) > 1:
        named = ", ".join(path.name for path in found[:3]) + ", ..." * (len(found) > 3)
        raise InputError(str(given), f"is a set of {len(found)} files, index them one by one: {named}")
    return found[0]
