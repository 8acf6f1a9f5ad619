"""``im2rec dedupe``."""

from __future__ import annotations

from pathlib import Path

import click

from im2rec.cli import copying
from im2rec.cli import options as shared
from im2rec.progress import bar


@click.command("dedupe")
@click.argument("set_", metavar="PREFIX|REC|-", type=shared.PATH_OR_STDIN)
@click.option(
    "--same",
    type=click.Choice(["image", "labels", "payload"]),
    default="image",
    show_default=True,
    help="What is compared: the image's bytes; these and the labels; or all of the record, its id, too.",
)
@copying.keys_option
@copying.into_options(shards=False)
def command(
    set_: Path,
    output: Path,
    same: str,
    ordinals: bool,
    force: bool,
    checksums: bool,
    shard_size: str,
    as_json: bool,
    quiet: bool,
    verbose: bool,
) -> int:
    """Write a dataset without the images that it holds twice: the first of the same bytes is kept."""
    from im2rec.operations.dedupe import DedupeOptions, dedupe

    to = copying.into(output, force=force, checksums=checksums, shard_size=shard_size, as_json=as_json)
    with bar("dedupe", quiet=quiet) as advance:
        report = dedupe(set_, to, DedupeOptions(same), advance, ordinals=ordinals)
    return copying.finish(report, as_json=as_json, quiet=quiet)
