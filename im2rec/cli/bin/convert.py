"""``im2rec bin convert``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from im2rec import progress
from im2rec.cli import options as shared
from im2rec.names import printable
from im2rec.report import counted
from recordio.outputs import OutputSet
from recordio.pairs import Pairs, put_pairs


@click.command("convert")
@click.argument("path", metavar="BIN", type=shared.PATH)
@click.option("-o", "--output", type=shared.OUTPUT, metavar="BIN", required=True, help="File to write.")
@shared.force_option
@shared.output_options
def command(path: Path, output: Path, force: bool, **given: Any) -> int:
    """Write a verification set anew, as a pickle of protocol 3, which every Python 3 reads; images stay as they are."""
    with Pairs(path) as found, OutputSet(force=force, inputs=[path]) as outputs:
        with progress.bar("writing", len(found), quiet=given["quiet"]) as advance:
            count = put_pairs(outputs.create(output), (pair for pair in found if advance(1) is None))
        was = f"protocol {found.protocol}{', of Python 2' if found.is_old else ''}"
    if given["as_json"]:
        summary = {"pairs": count, "protocol": found.protocol, "python2": found.is_old, "outputs": [str(output)]}
        shared.print_json({"command": "bin convert", **summary})
    elif not given["quiet"]:
        click.echo(printable(f"converted {counted(count, 'pair')} ({was}): {output}"), err=True)
    return 0
