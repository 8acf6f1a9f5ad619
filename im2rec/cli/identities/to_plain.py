"""``im2rec identities to-plain``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from im2rec import progress
from im2rec.cli import options as shared
from im2rec.cli.identities import common
from im2rec.names import printable
from im2rec.operations.identities.plain import to_plain
from im2rec.operations.identities.survey import identity_file
from im2rec.report import counted
from recordio.outputs import OutputSet


@click.command("to-plain")
@click.argument("set_", metavar="PREFIX|REC", type=shared.PATH)
@click.option("-o", "--output", type=shared.OUTPUT, metavar="PREFIX", required=True, help="Write PREFIX.rec, PREFIX.idx and PREFIX.sum.")
@click.option("--scalar-labels", is_flag=True, help="Store one label where there are two; else payloads stay as they are.")
@click.option("--sum/--no-sum", "checksums", default=True, show_default=True, help="Write PREFIX.sum, which vouches for every byte.")
@shared.force_option
@shared.output_options
def command(set_: Path, output: Path, scalar_labels: bool, checksums: bool, **given: Any) -> int:
    """Write the images of an identity file as a plain set, under their keys, without identity records and header."""
    with progress.bar("reading", quiet=given["quiet"]) as advance:
        found = identity_file(set_, advance)
    prefix = common.without_suffix(output)
    common.say(f"{found.rec}: {counted(len(found.images), 'image')}, {counted(len(found.identities), 'identity record')}", given)
    with (
        OutputSet(prefix, force=given["force"], inputs=[found.rec]) as outputs,
        progress.bar("writing", len(found.keys), quiet=given["quiet"]) as advance,
    ):
        report = to_plain(found, prefix, outputs, scalar=scalar_labels, checksums=checksums, advance=advance)
    for remark in report.remarks if not given["quiet"] else ():
        click.echo(printable(f"im2rec: remark: {remark}"), err=True)
    if given["as_json"]:
        shared.print_json({"command": "identities to-plain", **report.as_json()})
    elif not given["quiet"]:
        click.echo(report.as_text(), err=True)
    return 0
