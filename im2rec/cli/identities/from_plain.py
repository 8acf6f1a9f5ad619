"""``im2rec identities from-plain``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from im2rec import progress
from im2rec.cli import options as shared
from im2rec.cli.identities import common
from im2rec.operations.identities.survey import surveys
from im2rec.report import counted


@click.command("from-plain")
@click.argument("set_", metavar="PREFIX|REC", type=shared.PATH)
@click.option(
    "-o", "--output", type=shared.OUTPUT, metavar="PREFIX", required=True, help="Write PREFIX.rec, .idx and .sum, and 'property'."
)
@common.layout_options
@shared.force_option
@shared.output_options
def command(set_: Path, output: Path, **given: Any) -> int:
    """Make an identity file of a set, whose labels say who is who.

    Images get the keys 1 to N by identity and stay in the order of the set's files. The set may be an identity file
    itself, whose header and identity records are then made anew.
    """
    with progress.bar("reading", quiet=given["quiet"]) as advance:
        inputs = surveys(set_, advance)
    common.say(f"{set_}: {counted(sum(len(found.images) for found in inputs), 'image')}", given)
    common.rewrite(inputs, output, "from-plain", {}, given, apart=False)
    return 0
