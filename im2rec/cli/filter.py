"""``im2rec filter``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from im2rec.cli import copying
from im2rec.cli import options as shared


@click.command("filter")
@click.argument("set_", metavar="PREFIX|REC|-", type=shared.PATH_OR_STDIN)
@click.option("--label", "labels", default="", metavar="LIST", help="First labels to keep, or classes of objects: 0,3,10-20.")
@click.option("--key", "keys", default="", metavar="LIST", help="Keys to keep: 0,3,10-20.")
@click.option("--keys", "key_file", type=shared.PATH, metavar="FILE", help="File of keys to keep, one a line; a .lst or .idx will do.")
@click.option("--format", "formats", multiple=True, metavar="NAME", help="Format of images to keep (jpg, png, ...); may be repeated.")
@click.option("--min-side", "least_side", type=click.IntRange(0), default=0, metavar="N", help="Pixels of the shorter side, at the least.")
@click.option("--max-side", "most_side", type=click.IntRange(0), default=0, metavar="N", help="Pixels of the longer side, at the most.")
@click.option("--min-bytes", "least_bytes", type=click.IntRange(0), default=0, metavar="N", help="Bytes of the image, at the least.")
@click.option("--max-bytes", "most_bytes", type=click.IntRange(0), default=0, metavar="N", help="Bytes of the image, at the most.")
@click.option("--where", default="", metavar="EXPR", help="Expression that is true of records to keep: 'label == 3 and width >= 112'.")
@click.option("--invert", is_flag=True, help="Keep the others.")
@copying.keys_option
@copying.into_options(shards=False)
def command(set_: Path, ordinals: bool, **given: Any) -> int:
    """Write the records that fulfil all that is asked for, in their order, bytes and keys as they are.

    The input may be - for a .rec on stdin, the output - for one on stdout.
    """
    from im2rec.operations.filter import FilterOptions, filter_set

    options = FilterOptions(**{name: given.pop(name) for name in FilterOptions.__slots__})
    return copying.run("filter", given, lambda to, advance: filter_set(set_, to, options, advance, ordinals=ordinals))
