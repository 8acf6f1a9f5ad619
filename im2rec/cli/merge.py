"""``im2rec merge``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from im2rec.cli import copying
from im2rec.cli import options as shared
from im2rec.errors import PlanError


@click.command("merge")
@click.argument("sets", metavar="PREFIX|REC|- ...", type=shared.PATH_OR_STDIN, nargs=-1, required=True)
@click.option(
    "--keys",
    type=click.Choice(["keep", "shift", "number"]),
    default="keep",
    show_default=True,
    help="Keep the keys; shift those of each set behind those of the one before; or number all records 0, 1, 2, ...",
)
@click.option("--key-offset", default="", metavar="N,N,...", help="What is added to the keys of each set.")
@click.option(
    "--labels",
    type=click.Choice(["auto", "keep", "shift", "names"]),
    default="auto",
    show_default=True,
    help="names: join classes of one name, by the class maps; shift: the labels of each set behind those of the one before; "
    "auto: names where each set has a class map, else keep.",
)
@click.option("--label-offset", default="", metavar="N,N,...", help="What is added to the labels of each set.")
@click.option("--duplicates", is_flag=True, help="Let several records have one key; without it that is an error.")
@copying.into_options()
def command(sets: tuple[Path, ...], keys: str, key_offset: str, labels: str, label_offset: str, duplicates: bool, **given: Any) -> int:
    """Write the records of several datasets, one after the other, as one. Images stay as they are, to the byte."""
    from im2rec.operations.merge import MergeOptions, merge

    options = MergeOptions(keys, _numbers("--key-offset", key_offset), labels, _numbers("--label-offset", label_offset), duplicates)
    return copying.run("merge", given, lambda to, advance: merge(sets, to, options, advance))


def _numbers(name: str, text: str) -> tuple[int, ...]:
    try:
        numbers = tuple(int(part) for part in text.split(",")) if text else ()
    except ValueError:
        raise PlanError(f"{name} {text!r}, expected a whole number for each set, such as 0,1000") from None
    if any(abs(number) >= 1 << 64 for number in numbers):
        raise PlanError(f"{name} {text!r}, expected numbers below 2**64")
    return numbers
