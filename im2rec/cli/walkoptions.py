"""Options of the commands that walk a folder or read images from one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

from im2rec.walk import EXTENSIONS

F = TypeVar("F", bound=Callable[..., Any])


def walk_options(function: F) -> F:
    """Add the options that say which files of a folder are taken, how they are labelled and in which order."""
    for option in (
        click.option("--seed", type=int, default=100, show_default=True, help="Seed of the shuffle; 100 is MXNet's."),
        click.option("--shuffle/--no-shuffle", default=True, show_default=True, help="Shuffle the list; ids keep the sorted order."),
        click.option(
            "--labels",
            default="folder",
            show_default=True,
            metavar="folder|top|none|FILE.csv",
            help="Labels from each folder that holds images, from the root's folders, all 0, or from a file of path,label rows.",
        ),
        click.option(
            "--ext",
            "extensions",
            multiple=True,
            metavar=".EXT",
            help=f"Suffix of files to take, any case; may be repeated.  [default: {' '.join(EXTENSIONS)}]",
        ),
        click.option(
            "--flat/--recursive", default=False, help="Take only ROOT's own files, or those of all folders in it.  [default: recursive]"
        ),
    ):
        function = option(function)
    return function


def links_option(function: F) -> F:
    """Add --follow-symlinks."""
    return click.option("--follow-symlinks", is_flag=True, help="Follow links that lead outside ROOT, too.")(function)
