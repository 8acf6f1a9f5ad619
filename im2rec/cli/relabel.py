"""``im2rec relabel``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from im2rec import progress
from im2rec.cli import options as shared
from im2rec.names import printable
from im2rec.operations import labelled
from im2rec.operations.append import record_file
from im2rec.operations.newlabels import relabel_to
from im2rec.operations.relabel import relabel
from im2rec.report import counted
from im2rec.sets import record_files


@click.command("relabel")
@click.argument("set_", metavar="PREFIX|REC", type=shared.PATH)
@click.argument("source", metavar="LIST|CSV", type=shared.PATH)
@click.option(
    "-o",
    "--output",
    type=shared.OUTPUT,
    metavar="PREFIX",
    help="Write a new set; its records may get more or fewer labels.  [default: in place]",
)
@click.option("--allow-rounding", is_flag=True, help="Accept whole-number labels that float32 must round (beyond 16,777,216).")
@shared.force_option
@shared.output_options
def command(set_: Path, source: Path, output: Path | None, as_json: bool, quiet: bool, verbose: bool, **given: Any) -> int:
    """Give the records of a dataset other labels: those of a list by id, or of a CSV by path or id.

    Records that are not named keep theirs. Without -o the set is changed in place, where each record has as many labels as before;
    killed at any point, it is the old one, or the next run finishes the new one.
    """
    rec = record_file(set_) if output is None else record_files(set_)[0]
    labels = labelled.load(source, set_, allow_rounding=given["allow_rounding"])
    if verbose:
        click.echo(f"im2rec: {counted(len(labels), 'id has', 'ids have')} labels in {source}", err=True)
    with progress.bar("relabelling", quiet=quiet) as advance:
        if output is None:
            report = relabel(rec, labels, source=source, advance=advance)
        else:
            prefix = output.with_name(output.name.removesuffix(".rec"))
            report = relabel_to(set_, labels, prefix, labels_file=source, force=given["force"], advance=advance)
    for remark in report.remarks if not quiet else ():
        click.echo(printable(f"im2rec: remark: {remark}"), err=True)
    if report.missing:
        click.echo(f"im2rec: {report.said_missing()}", err=True)
    if as_json:
        shared.print_json({"command": "relabel", **report.as_json()})
    elif not quiet:
        click.echo(report.as_text(), err=True)
    return 1 if report.missing else 0
