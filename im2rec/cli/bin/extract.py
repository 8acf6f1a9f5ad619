"""``im2rec bin extract``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from im2rec import progress
from im2rec.cli import options as shared
from im2rec.names import printable
from im2rec.operations import pairs
from im2rec.report import counted


@click.command("extract")
@click.argument("path", metavar="BIN", type=shared.PATH)
@click.option("-o", "--output", type=shared.OUTPUT, metavar="FOLDER", required=True, help="Folder to write; a new one, or an empty one.")
@shared.output_options
def command(path: Path, output: Path, **given: Any) -> int:
    """Write the images of a verification set into a folder, as they are, with pairs.tsv, from which 'bin pack' makes it again."""
    with progress.bar("extracting", quiet=given["quiet"]) as advance:
        count = pairs.extract(path, output, advance)
    if given["as_json"]:
        shared.print_json({"command": "bin extract", "pairs": count, "images": 2 * count, "outputs": [str(output)]})
    elif not given["quiet"]:
        click.echo(printable(f"extracted {2 * count} images of {counted(count, 'pair')}: {output}"), err=True)
    return 0
