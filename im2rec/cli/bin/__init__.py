"""``im2rec bin``: a group of commands."""

from __future__ import annotations

import click

from im2rec.cli.groups import LazyGroup

COMMANDS = {
    "info": ("im2rec.cli.bin.info", "Tell what is in a verification set."),
    "extract": ("im2rec.cli.bin.extract", "Write its images into a folder, with a list of the pairs."),
    "pack": ("im2rec.cli.bin.pack", "Make a verification set of a list of pairs."),
    "convert": ("im2rec.cli.bin.convert", "Write one anew, such as one that Python 2 wrote."),
}


@click.command("bin", cls=LazyGroup, lazy=COMMANDS)
def command() -> None:
    """Read and write verification sets of face recognition (.bin): pairs of images, of one person or of two.

    These files are pickles, which are programs. Nothing of them is run: what is no list of images and booleans is refused.
    """
