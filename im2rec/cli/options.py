"""Options and output that commands share."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import click

from im2rec.names import printable
from im2rec.rejects import Reject, Rejects
from im2rec.sets import interrupted, record_files

F = TypeVar("F", bound=Callable[..., Any])


STREAM = "-"


class _InputType(click.Path):
    """The name of a file or folder that is read; an empty one, as of a variable that is not set, would be the current folder.

    Args:
        streams: whether ``-`` is a stream; it is an error otherwise.
    """

    def __init__(self, *, streams: bool = False) -> None:
        super().__init__(path_type=Path)
        self._streams = streams

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if value == "":
            self.fail("an empty name, expected that of a file or folder", param, ctx)
        if value == STREAM and not self._streams:
            self.fail("'-' is stdin, which cannot be read here: give a file (one of that name is ./-)", param, ctx)
        return super().convert(value, param, ctx)


PATH = _InputType()
PATH_OR_STDIN = _InputType(streams=True)


class _OutputType(click.ParamType):  # type: ignore[type-arg]  # generic only in newer releases
    """The name of an output, or the prefix of several: no folder.

    Args:
        streams: whether ``-`` is a stream; it is an error otherwise.
    """

    name = "output"

    def __init__(self, *, streams: bool = False) -> None:
        self._streams = streams

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Path:
        path = Path(value)
        if isinstance(value, str) and (not path.name or path.name == ".." or value[-1:] in ("/", os.sep)):
            self.fail(f"{value!r} names a folder, expected a name in it, such as {path / 'photos'}", param, ctx)
        if value == STREAM and not self._streams:
            self.fail("'-' is stdout, and what is written here is no stream: give a name (a file of that name is ./-)", param, ctx)
        return path


OUTPUT = _OutputType()
OUTPUT_OR_STDOUT = _OutputType(streams=True)


def said_workers(workers: int) -> str:
    """Return a number of workers in words."""
    return f"{workers or 'no'} worker{'s' * (workers != 1)}"


def output_options(function: F) -> F:
    """Add --json, --quiet and --verbose."""
    for option in (
        click.option("-v", "--verbose", is_flag=True, help="Say more on stderr: what is read and how it is done."),
        click.option("-q", "--quiet", is_flag=True, help="No progress and no summary; errors and rejects are still said."),
        click.option("--json", "as_json", is_flag=True, help="Print the summary as one JSON object on stdout."),
    ):
        function = option(function)
    return function


def force_option(function: F) -> F:
    """Add --force."""
    return click.option("--force", is_flag=True, help="Replace outputs that exist; without it that is an error.")(function)


def say_missing_shards(given: Path) -> None:
    """Name the shards of a set that are not there."""
    from im2rec.together import missing_shards

    for issue in missing_shards(given, record_files(given)):
        click.echo(printable(f"im2rec: remark: {issue}"), err=True)


def say_interrupted(given: Path) -> None:
    """Tell of changes of a set that were interrupted, so that it may be shown in the midst of them."""
    for rec in record_files(given):
        reason = interrupted(rec)
        if reason is not None:
            click.echo(printable(f"im2rec: remark: {rec}: {reason}"), err=True)


def print_json(summary: dict[str, Any]) -> None:
    """Print a summary as one JSON object; numbers that JSON has no word for are strings: "NaN", "Infinity", "-Infinity"."""
    import json

    try:
        text = json.dumps(summary, ensure_ascii=False, allow_nan=False)
    except ValueError:
        text = json.dumps(_finite(summary), ensure_ascii=False, allow_nan=False)
    click.echo(text.encode("utf-8", "backslashreplace"))


def _finite(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    if isinstance(value, dict):
        return {key: _finite(part) for key, part in value.items()}
    return [_finite(part) for part in value] if isinstance(value, (list, tuple)) else value


def say_rejects(rejects: Iterable[Reject], outputs: Iterable[str] = ()) -> None:
    """Name the rejects on stderr, one a line; where they are very many and one of the outputs names all, only the first."""
    listed = next((name for name in outputs if name.endswith(".rejects.tsv")), "")
    more = rejects.more if isinstance(rejects, Rejects) and listed else 0
    for reject in rejects.first if isinstance(rejects, Rejects) and more else rejects:
        click.echo(f"im2rec: rejected: {reject}", err=True)
    if more:
        click.echo(f"im2rec: rejected: {more} more; all are in {printable(listed)}", err=True)


def say_left_out(left_out: Mapping[str, int]) -> None:
    """Tell of image files that a walk did not take because of their suffixes."""
    if left_out:
        count, named = sum(left_out.values()), ", ".join(f"{suffix} {number}" for suffix, number in sorted(left_out.items()))
        found = "1 image file has another suffix" if count == 1 else f"{count} image files have other suffixes"
        click.echo(f"im2rec: remark: {found} ({named}): --ext takes {'it' if count == 1 else 'them'}", err=True)


def say_remarks(remarks: Iterable[Reject]) -> None:
    """Name the images that were packed although something is odd about them."""
    for remark in remarks:
        click.echo(f"im2rec: remark: {remark}", err=True)
