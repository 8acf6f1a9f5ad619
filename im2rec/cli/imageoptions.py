"""The options that say which pixels of an image are packed and what is refused, and what all options of a pack amount to."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import click

from im2rec import plan
from im2rec.errors import InputError
from im2rec.judge import CHOICES, ERROR
from im2rec.packoptions import PackOptions
from im2rec.processors import usual_helpers
from im2rec.source import SourceOptions
from im2rec.transform import TransformOptions
from im2rec.work import IMAGE_TIMEOUT, PoolOptions
from recordio import imagecheck, images
from recordio.processors import processors

_PIXEL_OPTIONS = ("resize", "max_side", "center_crop", "encoding", "quality", "color")
_PNG_COMPRESSION = 3  # 9, which MXNet's form takes, is many times slower for a few per cent

ONE_BY_ONE: Final[dict[str, Any]] = {  # what pack_options takes, for commands that pack no set
    "label_width": "auto",
    "workers": 0,
    "image_timeout": 0.0,
    "shards": None,
    "shard_size": None,
    "part": None,
    "on_error": "reject",
    "max_rejects": None,
    "decode": False,
    "max_pixels": imagecheck.MAX_PIXELS,
    "checksums": False,
    "resume": False,
}


def pixel_options(function: Any) -> Any:
    """Add the options that ask for other pixels than the file's."""
    choice = click.Choice
    for option in (
        click.option(
            "--color",
            type=choice(list(images.COLORS)),
            help="Decode to color or gray, or as stored (with alpha, unrotated).  [default: color]",
        ),
        click.option(
            "--quality", type=click.IntRange(0, 100), help="0 to 100 for jpg and webp, compression 0 to 9 for png.  [default: 95; png: 3]"
        ),
        click.option("--encoding", type=choice(images.ENCODINGS), help="Encode as this.  [default: jpg]"),
        click.option(
            "--interpolation",
            type=choice([*images.INTERPOLATIONS, images.AUTO]),
            default="bilinear",
            show_default=True,
            help="For resizing; auto: area to shrink, cubic to enlarge.",
        ),
        click.option(
            "--scaled-decode/--full-decode",
            default=True,
            help="Decode JPEGs at 1/2, 1/4, 1/8 where they are that much larger than wanted, or always in full.  [default: scaled]",
        ),
        click.option("--center-crop", is_flag=True, help="Cut out the middle square, before resizing."),
        click.option("--max-side", type=click.IntRange(1), metavar="N", help="Shrink the long side to N pixels where it is longer."),
        click.option("--resize", type=click.IntRange(1), metavar="N", help="Resize the short side to N pixels; enlarges, too."),
        click.option(
            "--pass-through", is_flag=True, help="Keep the images' bytes; the default unless an option below asks for other pixels."
        ),
    ):
        function = option(function)
    return function


def choice_options(function: Any) -> Any:
    """Add the options that say what becomes of images that are special."""
    for name, choice in reversed(CHOICES.items()):
        option, values = f"--{name.replace('_', '-')}", "|".join(choice.values)
        anew = f"  Giving {'|'.join(choice.changing)} encodes anew." if choice.changing else ""
        text = f"{choice.help}; {ERROR}: reject such images.{anew}  [default: {choice.values[0]}]"
        function = click.option(option, name, type=click.Choice(choice.values), metavar=values, help=text)(function)
    return function


def work_options(function: Any) -> Any:
    """Add the options that say who does the work, and what becomes of bad images."""
    for option in (
        click.option(
            "--max-pixels",
            type=click.IntRange(1),
            default=imagecheck.MAX_PIXELS,
            show_default=True,
            help="Reject larger images (with --check).",
        ),
        click.option(
            "--decode",
            is_flag=True,
            help="Decode also the images whose bytes are kept, and reject those with damage that only decoding shows.",
        ),
        click.option(
            "--check/--no-check", default=True, show_default=True, help="Reject truncated and damaged images before anything is decoded."
        ),
        click.option("--max-rejects", type=click.IntRange(0), metavar="N", help="Stop when more than N images are rejected."),
        click.option(
            "--on-error",
            type=click.Choice(["reject", "abort"]),
            default="reject",
            show_default=True,
            help="Leave bad images out, or stop at the first.",
        ),
        click.option(
            "--image-timeout",
            type=click.FloatRange(0),
            metavar="S",
            help="Reject an image that takes a worker longer than S seconds; 0: no limit.  [default: 60, without workers none]",
        ),
        click.option(
            "--workers",
            type=click.IntRange(0),
            metavar="N",
            help="Worker processes; 0 works in this one.  [default: one a core; to keep bytes none, but up to 4 that read small files]",
        ),
    ):
        function = option(function)
    return function


def pack_options(root: Path, given: dict[str, Any]) -> PackOptions:
    """Turn the options of the command line into PackOptions.

    Raises:
        PlanError: options contradict each other.
    """
    asked = {name: given[name] for name in _PIXEL_OPTIONS if given[name] is not None and given[name] is not False}  # 0 is a quality
    choices = {name: given[name] for name in CHOICES if given[name] is not None}
    changing = [f"{name.replace('_', '-')} {value}" for name, value in choices.items() if value in CHOICES[name].changing]
    keep = given["pass_through"] or not (asked or changing)
    if given["pass_through"] and (asked or changing):
        other = [*(name.replace("_", "-") for name in asked), *changing][0]
        raise click.UsageError(f"--pass-through keeps the images as they are, it does not go with --{other}")
    if given["encoding"] == "png" and asked.setdefault("quality", _PNG_COMPRESSION) > 9:
        raise click.UsageError(f"--quality {given['quality']} with --encoding png, expected a compression from 0 to 9")
    if not root.is_dir():
        raise InputError(
            str(root), "is no folder, expected the root of the images" if root.exists() else "no such folder (the root of the images)"
        )
    width = given["label_width"]
    if width != "auto" and not (width.isdecimal() and int(width)):
        raise click.UsageError(f"--label-width {width!r}, expected auto or a number from 1")
    workers, readers = given["workers"], 0
    if workers is None:
        workers = 0 if keep and not (given["image_timeout"] or given["decode"]) else processors()
        readers = 0 if workers else usual_helpers()
    timeout = given["image_timeout"]
    if timeout is None:
        timeout = IMAGE_TIMEOUT if workers else 0.0
    return PackOptions(
        SourceOptions(root, given["follow_symlinks"], given["outside_root"]),
        TransformOptions(
            pass_through=keep,
            interpolation=given["interpolation"],
            scaled_decode=given["scaled_decode"],
            check="reject" if given["check"] else "off",
            decode=given["decode"],
            max_pixels=given["max_pixels"],
            **asked,
            **choices,
        ),
        plan.ShardOptions(
            given["shards"] or 0,
            plan.parse_size(given["shard_size"]) if given["shard_size"] else 0,
            plan.parse_part(given["part"]) if given["part"] else None,
        ),
        PoolOptions(workers, timeout, readers=readers),
        0 if width == "auto" else int(width),
        0 if given["on_error"] == "abort" else given["max_rejects"],
        checksums=given["checksums"],
        resume=given["resume"],
    )
