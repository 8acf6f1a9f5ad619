"""``im2rec extract``."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import click

from im2rec import progress
from im2rec.cli import options as shared
from im2rec.operations.extract import ExtractOptions, extract
from im2rec.processors import usual_helpers
from im2rec.sets import record_files
from im2rec.work import PoolOptions

_LARGE: Final = 32_000_000  # bytes of records that are worth starting processes


@click.command("extract")
@click.argument("set_", metavar="PREFIX|REC", type=shared.PATH)
@click.option("-o", "--output", type=shared.PATH, metavar="FOLDER", required=True, help="Folder to write; new, or empty.")
@click.option(
    "--names",
    type=click.Choice(["auto", "list", "label", "key"]),
    default="auto",
    show_default=True,
    help="Paths of PREFIX.lst, folders by label with the id as name, or ids alone; auto: the list where there is one, else label.",
)
@click.option("--images-only", is_flag=True, help="Pass over records without an image, as those of identities; they are rejects otherwise.")
@click.option("--verify/--no-verify", default=True, show_default=True, help="Check what is read against the .sum, where there is one.")
@click.option(
    "--workers",
    type=click.IntRange(0),
    metavar="N",
    help="Processes that write; 0 writes in this one.  [default: one a core, up to 4; 0 for less than 32 MB]",
)
@shared.output_options
def command(set_: Path, output: Path, as_json: bool, quiet: bool, verbose: bool, **given: Any) -> int:
    """Write the images of a dataset to a folder, byte for byte, with a list that packs to the same .rec."""
    workers = given["workers"]
    if workers is None:
        workers = usual_helpers() if sum(rec.stat().st_size for rec in record_files(set_)) >= _LARGE else 0
    options = ExtractOptions(given["names"], given["images_only"], given["verify"], PoolOptions(workers))
    shared.say_missing_shards(set_)
    if verbose:
        click.echo(f"im2rec: extracting with {shared.said_workers(workers)}", err=True)
    with progress.bar("extracting", quiet=quiet) as advance:
        report = extract(set_, output, options, advance)
    for issue in report.issues():
        click.echo(f"im2rec: {issue}", err=True)
    if not quiet:
        for remark in report.remarks():
            click.echo(f"im2rec: remark: {remark}", err=True)
    if as_json:
        shared.print_json({"command": "extract", **report.as_json()})
    elif not quiet:
        click.echo(report.as_text(), err=True)
    return 1 if report.has_issues else 0
