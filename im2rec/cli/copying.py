"""Options and output of the commands that write the records of finished sets to others."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from im2rec.cli import options as shared
from im2rec.errors import PlanError
from im2rec.names import printable
from im2rec.progress import bar

if TYPE_CHECKING:
    from im2rec.operations.counts import Report
    from im2rec.operations.target import Into

F = TypeVar("F", bound=Callable[..., Any])
_STDOUT = Path("-")


def into_options(*, shards: bool = True) -> Callable[[F], F]:
    """Add the options that say where the records go."""
    found = [
        click.option(
            "--sum/--no-sum", "checksums", default=True, show_default=True, help="Write PREFIX.sum, which vouches for every byte."
        ),
        click.option("--shard-size", metavar="SIZE", default="", help="Start a new file after so many bytes: 500MB, 1GiB."),
        *(
            [click.option("--shards", type=click.IntRange(1), metavar="N", help="Spread the records evenly over N files.")]
            if shards
            else []
        ),
        click.option(
            "-o", "--output", type=shared.OUTPUT_OR_STDOUT, metavar="PREFIX", required=True, help="Write PREFIX.rec, .idx and .sum."
        ),
    ]

    def add(function: F) -> F:
        for option in found:
            function = option(function)
        return shared.force_option(shared.output_options(function))

    return add


def memory_option(text: str) -> Callable[[F], F]:
    """Add --memory for what may change the order."""
    return click.option("--memory", default="1GiB", show_default=True, metavar="SIZE", help=text)


def keys_option(function: F) -> F:
    """Add --keys for what has no .idx."""
    return click.option(
        "--ordinals", is_flag=True, help="Number the records 0, 1, 2, ... instead of keeping the keys of the .idx or the ids."
    )(function)


def into(given: Mapping[str, Any]) -> Into:
    """Return where the records go."""
    from im2rec.operations.target import Into
    from im2rec.plan import parse_size

    output, size = given["output"], given["shard_size"]
    if output == _STDOUT:
        if given["as_json"]:
            raise PlanError("--json prints on stdout, where the records go: give -o PREFIX")
        if os.isatty(1):
            raise PlanError("the records would go to a terminal: pipe them into a file or a command, or give -o PREFIX")
    prefix = output.with_name(output.name.removesuffix(".rec")) if output.suffix == ".rec" and output.name != ".rec" else output
    return Into(prefix, given["force"], given["checksums"], parse_size(size) if size else 0, given.get("shards") or 0)


def run(verb: str, given: Mapping[str, Any], operate: Callable[[Into, Callable[[int], None]], Report]) -> int:
    """Carry out an operation with a bar, tell what was done, and return the exit code.

    Args:
        verb: its name.
        given: the options of :func:`into_options`.
        operate: called with where the records go, and what moves the bar on.
    """
    to = into(given)
    with bar(verb, quiet=given["quiet"]) as advance:
        report = operate(to, advance)
    return _finish(report, as_json=given["as_json"], quiet=given["quiet"])


def _finish(report: Report, *, as_json: bool, quiet: bool) -> int:
    """Tell what was done, and return the exit code."""
    if report.missing:
        click.echo(printable(f"im2rec: {report.said_missing()}"), err=True)
    for remark in report.remarks:
        click.echo(printable(f"im2rec: remark: {remark}"), err=True)
    if as_json:
        shared.print_json(report.as_json())
    elif not quiet:
        click.echo(report.as_text(), err=True)
    return 1 if report.missing else 0
