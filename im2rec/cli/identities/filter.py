"""``im2rec identities filter``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from im2rec import progress
from im2rec.cli import options as shared
from im2rec.cli.identities import common
from im2rec.operations.identities.survey import identity_file
from im2rec.report import counted


@click.command("filter")
@click.argument("set_", metavar="PREFIX|REC", type=shared.PATH)
@click.option(
    "-o", "--output", type=shared.OUTPUT, metavar="PREFIX", required=True, help="Write PREFIX.rec, .idx and .sum, and 'property'."
)
@click.option("--min-images", type=click.IntRange(1), metavar="N", help="Leave out identities with fewer images.")
@click.option("--max-images", type=click.IntRange(1), metavar="N", help="Leave out identities with more images.")
@common.layout_options
@shared.force_option
@shared.output_options
def command(set_: Path, output: Path, min_images: int | None, max_images: int | None, **given: Any) -> int:
    """Keep the identities that have at least --min-images images, with new keys, identity records and header."""
    if min_images is None and max_images is None:
        raise click.UsageError("give --min-images N or --max-images N")
    with progress.bar("reading", quiet=given["quiet"]) as advance:
        found = identity_file(set_, advance)
    common.say(f"{found.rec}: {counted(len(found.images), 'image')}, {counted(len(found.identities), 'identity record')}", given)
    bounds = {"--min-images": min_images, "--max-images": max_images}
    described = {name: str(bound) for name, bound in bounds.items() if bound is not None}
    common.rewrite([found], output, "filter", described, given, least=min_images or 1, most=max_images)
    return 0
