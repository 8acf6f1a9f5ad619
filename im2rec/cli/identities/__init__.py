"""``im2rec identities``: a group of commands."""

from __future__ import annotations

import click

from im2rec.cli.groups import LazyGroup

COMMANDS = {
    "build": ("im2rec.cli.identities.build", "Pack a list as an identity file."),
    "inspect": ("im2rec.cli.identities.inspect", "Tell what is in an identity file, and whether it fits together."),
    "to-plain": ("im2rec.cli.identities.to_plain", "Write the images of an identity file as a plain set."),
    "from-plain": ("im2rec.cli.identities.from_plain", "Make an identity file of a set, or one with new ranges of another."),
    "filter": ("im2rec.cli.identities.filter", "Keep the identities that have so many images."),
    "merge": ("im2rec.cli.identities.merge", "Put several identity files together."),
}


@click.command("identities", cls=LazyGroup, lazy=COMMANDS)
def command() -> None:
    """Build, look into and change face-recognition files in InsightFace's layout.

    Images stand under the keys 1 to N, sorted by identity; a record of each identity, with the range of its images' keys,
    behind them; and under key 0 the range of the identity records. A file 'property' beside them holds classes, height and width.
    """
