"""``im2rec bin pack``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from im2rec import ownimages, progress
from im2rec.cli import imageoptions
from im2rec.cli import options as shared
from im2rec.cli.walkoptions import links_option
from im2rec.errors import ImageError, NothingPacked
from im2rec.names import printable
from im2rec.operations import pairs
from im2rec.report import counted
from recordio.outputs import OutputSet
from recordio.pairs import put_pairs


@click.command("pack")
@click.argument("source", metavar="PAIRS", type=shared.PATH)
@click.argument("root", type=shared.PATH, required=False)
@click.option("-o", "--output", type=shared.OUTPUT, metavar="BIN", required=True, help="File to write.")
@imageoptions.pixel_options
@imageoptions.choice_options
@click.option("--check/--no-check", default=True, show_default=True, help="Reject truncated and damaged images before anything is decoded.")
@links_option
@click.option("--outside-root", is_flag=True, help="Also read absolute paths and paths with '..' that the list names.")
@shared.force_option
@shared.output_options
def command(source: Path, root: Path | None, output: Path, force: bool, **given: Any) -> int:
    """Make a verification set of a list of pairs: lines of two paths and 1 (one person) or 0 (two), separated by tabs.

    ROOT is the folder that the paths are relative to, by default the list's own. Pairs with a bad image are left out, and named.
    """
    root = root if root is not None else source.parent
    options = imageoptions.pack_options(root, {**imageoptions.ONE_BY_ONE, **given})
    rows, report = pairs.read_list(source), pairs.PairsReport()
    if force and output.exists():
        ownimages.check_images((path for row in rows for path in row[:2]), options.source, [output])
    with OutputSet(force=force, inputs=[source]) as outputs, progress.bar("packing", len(rows), quiet=given["quiet"]) as advance:
        put_pairs(outputs.create(output), pairs.listed(rows, options.source, options.transform, report, advance))
        if not report.packed:
            raise NothingPacked(report.listed, [ImageError(reject.path, reject.reason) for reject in report.rejects[:10]])
    report.outputs = [str(output)]
    shared.say_rejects(report.rejects)
    if given["as_json"]:
        shared.print_json({"command": "bin pack", **report.as_json()})
    elif not given["quiet"]:
        click.echo(printable(f"packed {report.packed} of {counted(report.listed, 'pair')}: {output}"), err=True)
    return 1 if report.packed < report.listed else 0
