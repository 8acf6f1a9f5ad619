"""``im2rec identities merge``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from im2rec import progress
from im2rec.cli import options as shared
from im2rec.cli.identities import common
from im2rec.operations.identities.survey import identity_file
from im2rec.report import counted


@click.command("merge")
@click.argument("sets", metavar="PREFIX|REC ...", type=shared.PATH, nargs=-1, required=True)
@click.option(
    "-o", "--output", type=shared.OUTPUT, metavar="PREFIX", required=True, help="Write PREFIX.rec, .idx and .sum, and 'property'."
)
@click.option("--same-labels", is_flag=True, help="Equal labels are one identity in all files; else each file has its own identities.")
@common.layout_options
@shared.force_option
@shared.output_options
def command(sets: tuple[Path, ...], output: Path, same_labels: bool, **given: Any) -> int:
    """Put several identity files together, with new keys, labels, identity records and header."""
    inputs = []
    for one in sets:
        with progress.bar("reading", quiet=given["quiet"]) as advance:
            inputs.append(identity_file(one, advance))
        common.say(
            f"{inputs[-1].rec}: {counted(len(inputs[-1].images), 'image')}, {counted(len(inputs[-1].identities), 'identity record')}", given
        )
    common.rewrite(inputs, output, "merge", {"--same-labels": "True"} if same_labels else {}, given, apart=not same_labels)
    return 0
