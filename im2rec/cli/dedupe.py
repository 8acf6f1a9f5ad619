"""``im2rec dedupe``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from im2rec.cli import copying
from im2rec.cli import options as shared


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
def command(set_: Path, same: str, ordinals: bool, **given: Any) -> int:
    """Write a dataset without the images that it holds twice: the first of the same bytes is kept."""
    from im2rec.operations.dedupe import DedupeOptions, dedupe

    options = DedupeOptions(same)
    return copying.run("dedupe", given, lambda to, advance: dedupe(set_, to, options, advance, ordinals=ordinals))
