"""``im2rec append``."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from im2rec import progress
from im2rec.build import check_label_width
from im2rec.cli import imageoptions
from im2rec.cli import options as shared
from im2rec.cli.list import list_options
from im2rec.cli.walkoptions import links_option, walk_options
from im2rec.errors import InputError, NothingPacked
from im2rec.itemlist import ItemList
from im2rec.listing import Listing, collect
from im2rec.names import printable
from im2rec.operations.append import AppendReport, append, is_own_list, record_file
from im2rec.report import PackReport, rejects_of

_WALK_OPTIONS = ("flat", "extensions", "labels", "shuffle", "seed")
_FIXED = {"shards": None, "shard_size": None, "part": None, "checksums": True, "resume": False}  # options of pack that say nothing here


@click.command("append")
@click.argument("set_", metavar="PREFIX|REC", type=shared.PATH)
@click.argument("source", type=shared.PATH_OR_STDIN)
@click.argument("root", type=shared.PATH, required=False)
@click.option(
    "--ids",
    type=click.Choice(["continue", "keep"]),
    default="continue",
    show_default=True,
    help="Number the new images from the largest key of the set on, or keep the ids of the list.",
)
@imageoptions.pixel_options
@imageoptions.choice_options
@click.option(
    "--label-width", default="auto", show_default=True, metavar="auto|N", help="Labels that go into each record: all, or the first N."
)
@click.option("--allow-rounding", is_flag=True, help="Accept whole-number labels that float32 must round (beyond 16,777,216).")
@imageoptions.work_options
@links_option
@click.option("--outside-root", is_flag=True, help="Also read absolute paths and paths with '..' that a list names.")
@walk_options
@shared.output_options
@click.pass_context
def command(context: click.Context, /, set_: Path, source: Path, root: Path | None, **given: Any) -> int:
    """Pack new images behind the last record of a finished set, which is not copied.

    SOURCE is a .lst, '-' for a list on stdin, or a folder, as for 'im2rec pack'. The .idx, .sum, .lst, .classes.txt and .rejects.tsv of the
    set are brought to agreement. Killed at any point, the set is the old one, or the next run finishes the new one.
    """
    if source.is_dir():
        if root is not None:
            raise click.UsageError("appending a folder needs no ROOT")
        if given["ids"] == "keep":
            raise click.UsageError("--ids keep goes with a list: a folder has no ids")
    elif any(context.get_parameter_source(name) is click.core.ParameterSource.COMMANDLINE for name in _WALK_OPTIONS):
        raise click.UsageError("--flat, --ext, --labels, --shuffle and --seed go with a folder, not with a list")
    elif str(source) == "-" and root is None:
        raise click.UsageError("a list on stdin needs ROOT")
    rec = record_file(set_)
    if is_own_list(source, rec):
        raise InputError(str(source), "is the list of the set itself, expected a list of the new images")
    options = imageoptions.pack_options(source if source.is_dir() else root if root is not None else source.parent, {**given, **_FIXED})
    try:
        with _items(source, given) as (items, before):
            if options.label_width:
                check_label_width(items, options.label_width, str(source))
            with (
                progress.bar("checking", quiet=given["quiet"]) as advance_check,
                progress.bar("packing", len(items), quiet=given["quiet"]) as advance,
            ):
                report = append(
                    rec, items, options, keep_ids=given["ids"] == "keep", before=before, advance=advance, advance_check=advance_check
                )
    except NothingPacked as error:
        shared.say_rejects(rejects_of(error.first))
        raise
    _say(report, given)
    return 1 if report.pack.rejects else 0


@contextlib.contextmanager
def _items(source: Path, given: dict[str, Any]) -> Iterator[tuple[ItemList | Listing, PackReport]]:
    """Open the new list, or list the folder."""
    if source.is_dir():
        walk = {name: given[name] for name in (*_WALK_OPTIONS, "follow_symlinks", "allow_rounding")}
        with progress.bar("listing", quiet=given["quiet"]) as advance:
            listing = collect(source, list_options(**walk), advance)
        unlisted = listing.rejects
        before = PackReport(listed=len(unlisted), rejects=unlisted)
        before.ignored, before.left_out = listing.ignored, listing.left_out
        yield listing, before
        return
    rounding = {"allow_rounding": given["allow_rounding"]}
    is_stream = str(source) == "-"
    if is_stream and sys.stdin is None:
        raise InputError("<stdin>", "is closed, expected a list")
    with ItemList.from_stream(sys.stdin.buffer, **rounding) if is_stream else ItemList.open(source, **rounding) as items:
        if not len(items):
            raise InputError(items.source, "an empty list, expected a line for each image")
        yield items, PackReport()


def _say(report: AppendReport, given: dict[str, Any]) -> None:
    pack = report.pack
    if not given["quiet"]:
        shared.say_left_out(pack.left_out)
    shared.say_rejects(pack.rejects, pack.outputs)
    if not given["quiet"]:
        shared.say_remarks(pack.remarks)
        for remark in report.remarks:
            click.echo(f"im2rec: remark: {printable(remark)}", err=True)
    if given["as_json"]:
        shared.print_json({"command": "append", **report.as_json()})
    elif not given["quiet"]:
        click.echo(pack.as_text("appended"), err=True)
