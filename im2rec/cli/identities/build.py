"""``im2rec identities build``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from im2rec import ownimages, progress
from im2rec.cli import imageoptions
from im2rec.cli import options as shared
from im2rec.cli.identities import common
from im2rec.cli.walkoptions import links_option
from im2rec.errors import InputError, NothingPacked
from im2rec.itemlist import ItemList
from im2rec.operations.identities.building import BuildReport, build_identities
from im2rec.operations.identities.grouping import GroupedItems
from im2rec.report import counted, rejects_of
from recordio.outputs import OutputSet

_DEFAULT = "train"  # the name that InsightFace's loaders look for


@click.command("build")
@click.argument("source", metavar="LST", type=shared.PATH_OR_STDIN)
@click.argument("root", type=shared.PATH, required=False)
@click.option(
    "-o",
    "--output",
    type=shared.OUTPUT,
    metavar="PREFIX",
    help="Write PREFIX.rec, .idx, .sum, .lst, .rejects.tsv (of rejects), and 'property'.  [default: train, in the folder of the list]",
)
@common.layout_options
@imageoptions.pixel_options
@imageoptions.choice_options
@click.option("--label-width", default="auto", show_default=True, metavar="auto|N", help="Labels of each image: all, or the first N.")
@imageoptions.work_options
@links_option
@click.option("--outside-root", is_flag=True, help="Also read absolute paths and paths with '..' that the list names.")
@shared.force_option
@shared.output_options
def command(source: Path, root: Path | None, output: Path | None, **given: Any) -> int:
    """Pack the images of a list as an identity file; the list's labels say who is who.

    LST may be '-', a list on stdin. ROOT is the folder that the list's paths are relative to, by default the list's own.
    Images are packed by identity, under the keys 1 to N; PREFIX.lst names them by these keys.
    """
    is_stream = str(source) == "-"
    if is_stream and (root is None or output is None):
        raise click.UsageError("a list on stdin needs ROOT and -o PREFIX")
    if is_stream and sys.stdin is None:
        raise InputError("<stdin>", "is closed, expected a list")
    prefix = common.without_suffix(output) if output is not None else source.with_name(_DEFAULT)
    with ItemList.from_stream(sys.stdin.buffer) if is_stream else ItemList.open(source) as items:
        if not len(items):
            raise InputError(items.source, "an empty list, expected a line for each image")
        try:
            report = _build(items, source, root if root is not None else source.parent, prefix, given)
        except NothingPacked as error:
            shared.say_rejects(rejects_of(error.first))
            raise
    packed = report.packed
    shared.say_rejects(packed.rejects, report.written.outputs)
    if not given["quiet"]:
        shared.say_remarks(packed.remarks)
        for remark in report.written.remarks():
            click.echo(f"im2rec: remark: {remark}", err=True)
    if given["as_json"]:
        shared.print_json({"command": "identities build", **report.as_json()})
    elif not given["quiet"]:
        click.echo(report.written.as_text(), err=True)
    return 1 if packed.rejects else 0


def _build(items: ItemList, source: Path, root: Path, prefix: Path, given: dict[str, Any]) -> BuildReport:
    options = imageoptions.pack_options(root, {**given, "shards": None, "shard_size": None, "part": None, "resume": False})
    grouped = GroupedItems(items, items.source, width=options.label_width, renumber=not given["keep_labels"])
    common.say(f"packing {counted(len(grouped), 'image')} of {items.source} with {shared.said_workers(options.pool.workers)}", given)
    if given["force"]:
        written = ownimages.files_of(prefix, (*ownimages.OF_A_SET, ".lst"))
        ownimages.check_images((item.path for item in items), options.source, written)
    with (
        OutputSet(prefix, force=given["force"], inputs=[source]) as outputs,
        progress.bar("packing", len(grouped), quiet=given["quiet"]) as advance,
    ):
        return build_identities(grouped, prefix, options, common.layout(given), outputs, advance=advance)
