"""What the commands on identity files share."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from im2rec import progress
from im2rec.cli import options as shared
from im2rec.names import printable
from im2rec.operations.identities.metadata import IdentityOptions, IdentityReport
from im2rec.operations.identities.rewrite import plan, write
from im2rec.operations.identities.survey import Survey
from recordio.outputs import OutputSet


class _SizeType(click.ParamType):  # type: ignore[type-arg]  # generic only in newer releases
    """A height and a width in pixels, such as 112x112."""

    name = "size"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[int, int]:
        match = re.fullmatch(r"(\d{1,5})[xX,](\d{1,5})", value) if isinstance(value, str) else None
        if not match or not (int(match[1]) and int(match[2])):
            self.fail(f"{value!r}, expected height and width in pixels, such as 112x112", param, ctx)
        return int(match[1]), int(match[2])


def layout_options(function: Any) -> Any:
    """Add the options that decide how an identity file is written."""
    for option in (
        click.option(
            "--sum/--no-sum", "checksums", default=True, show_default=True, help="Write PREFIX.sum, which vouches for every byte."
        ),
        click.option(
            "--property/--no-property",
            "property_",
            default=True,
            show_default=True,
            help="Write the file 'property' in the folder of PREFIX: classes,height,width.",
        ),
        click.option("--image-size", type=_SizeType(), metavar="HxW", help="Size for 'property'.  [default: that of most images]"),
        click.option(
            "--keep-labels", is_flag=True, help="Leave the labels as they are; else they are numbered 0, 1, 2, ... in their order."
        ),
    ):
        function = option(function)
    return function


def layout(given: dict[str, Any]) -> IdentityOptions:
    """Turn the options of the command line into IdentityOptions."""
    return IdentityOptions(
        renumber=not given["keep_labels"], image_size=given["image_size"], property=given["property_"], checksums=given["checksums"]
    )


def without_suffix(output: Path) -> Path:
    """Return a prefix that may have been given as the name of the .rec."""
    return output.with_name(output.name.removesuffix(".rec"))


def rewrite(
    inputs: Sequence[Survey], output: Path, name: str, described: dict[str, str], given: dict[str, Any], **choice: Any
) -> IdentityReport:
    """Plan and write a new identity file, with a bar.

    Args:
        inputs: the files whose images it gets.
        output: its prefix.
        name: of the command.
        described: its options, for the .sum.
        given: the options of the command line.
        choice: which images are taken; see rewrite.plan.
    """
    options = layout(given)
    chosen = plan(inputs, renumber=options.renumber, **choice)
    prefix = without_suffix(output)
    described = {"command": f"identities {name}", **described, **({} if options.renumber else {"--keep-labels": "True"})}
    total = sum(len(found.keys) for found in inputs)
    recs = [found.rec for found in inputs]
    with OutputSet(prefix, force=given["force"], inputs=recs) as outputs, progress.bar("writing", total, quiet=given["quiet"]) as advance:
        report = write(inputs, chosen, prefix, options, outputs, described=described, advance=advance)
    tell(name, report, given)
    return report


def tell(name: str, report: IdentityReport, given: dict[str, Any]) -> None:
    """Print the summary of an identity file that was written."""
    if not given["quiet"]:
        for remark in report.remarks():
            click.echo(printable(f"im2rec: remark: {remark}"), err=True)
    if given["as_json"]:
        shared.print_json({"command": f"identities {name}", **report.as_json()})
    elif not given["quiet"]:
        click.echo(report.as_text(), err=True)


def say(text: str, given: dict[str, Any]) -> None:
    """Say something with --verbose."""
    if given["verbose"]:
        click.echo(printable(f"im2rec: {text}"), err=True)
