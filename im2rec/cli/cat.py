"""``im2rec cat``."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from im2rec.cli import options as shared
from im2rec.errors import InputError
from im2rec.operations import browse
from recordio.header import unpack


@click.command("cat")
@click.argument("set_", metavar="PREFIX|REC", type=shared.PATH)
@click.argument("key", type=click.IntRange(0))
@click.option("--payload", "whole", is_flag=True, help="Write the whole record, its header included.")
def command(set_: Path, key: int, whole: bool) -> int:
    """Write the image of the record KEY to stdout, byte for byte as it was packed."""
    shared.say_missing_shards(set_)
    shared.say_interrupted(set_)
    with browse.Finder(set_) as finder:
        payload, entry = finder.read(key)
    if not whole and not entry.image:
        reason = "holds no image" if entry.id is not None else "has no image header"
        raise InputError(entry.rec, f"the record of key {key} {reason} (--payload writes it all the same)")
    sys.stdout.buffer.write(payload if whole else unpack(payload)[1])
    sys.stdout.buffer.flush()
    return 0
