"""``im2rec list``."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Literal, cast

import click

from im2rec import listfile, progress
from im2rec.cli import options as shared
from im2rec.cli.walkoptions import links_option, walk_options
from im2rec.errors import PlanError
from im2rec.listing import Listing, ListOptions, collect, format_classes
from im2rec.names import printable
from im2rec.report import counted
from im2rec.split import parse_splits
from im2rec.walk import EXTENSIONS, WalkOptions
from recordio.outputs import OutputSet

_SUFFIX = ".lst"


def list_options(
    extensions: tuple[str, ...], flat: bool, labels: str, shuffle: bool, seed: int, follow_symlinks: bool, **others: Any
) -> ListOptions:
    """Turn the options of the command line into ListOptions.

    Raises:
        PlanError: an option's value cannot be used.
    """
    csv = None if labels in ("folder", "top", "none") else Path(labels)
    if csv is not None and csv.suffix.lower() != ".csv":
        raise PlanError(f"--labels {labels!r}, expected folder, top, none or a file that ends in .csv")
    suffixes = tuple(suffix.lower() if suffix.startswith(".") else f".{suffix.lower()}" for suffix in extensions)
    mode = cast("Literal['folder', 'top', 'none']", "none" if csv else labels)
    walk = WalkOptions(suffixes or EXTENSIONS, recursive=not flat, labels=mode, follow_symlinks=follow_symlinks)
    return ListOptions(walk, csv, shuffle=shuffle, seed=seed, **others)


@click.command("list")
@click.argument("root", type=shared.PATH)
@click.option(
    "-o", "--output", type=shared.OUTPUT_OR_STDOUT, metavar="LIST", help="File to write, or prefix of several; '-' or nothing: stdout."
)
@walk_options
@click.option("--split", metavar="NAME=R,...", help="Divide by ratios into LIST_NAME.lst, such as train=0.8,val=0.1,test=0.1.")
@click.option("--stratify", "stratified", is_flag=True, help="Divide each label by the ratios.")
@click.option("--chunks", type=click.IntRange(1), default=1, help="Write this many lists of equal length, LIST_0.lst and so on.")
@click.option(
    "--classes", type=shared.OUTPUT, metavar="FILE", help="Where to write the class map (.txt or .json).  [default: LIST.classes.txt]"
)
@links_option
@shared.force_option
@shared.output_options
def command(
    root: Path,
    output: Path | None,
    split: str | None,
    stratified: bool,
    chunks: int,
    classes: Path | None,
    force: bool,
    as_json: bool,
    quiet: bool,
    verbose: bool,
    **walk: Any,
) -> int:
    """Walk the folder ROOT and write a .lst: a line of id, label and path for each image.

    Each folder that holds images is a class, numbered in sorted order. Without -o the list goes to stdout.
    """
    if output is not None and str(output) == "-":
        output = None
    if output is None and (split or chunks > 1 or as_json):
        raise click.UsageError("--split, --chunks and --json need -o: the list itself goes to stdout")
    if stratified and not split:
        raise click.UsageError("--stratify needs --split")
    division: dict[str, Any] = {"splits": parse_splits(split) if split else {}, "stratified": stratified, "chunks": chunks}
    options = list_options(**walk, **division, allow_rounding=True)  # a list carries what packing may refuse
    inputs = [options.labels_csv] if options.labels_csv else []
    with OutputSet(output and _list_path(output, "").with_suffix(""), force=force, inputs=inputs) as outputs:
        for path in filter(None, (classes, output and _list_path(output, "") if not (split or chunks > 1) else None)):
            outputs.check_free(path)
        with progress.bar("listing", quiet=quiet) as advance:
            listing = collect(root, options, advance)
        written = write_lists(listing, options, output, outputs) if output is not None else {}
        write_classes(listing, classes, output, outputs, parts=written)
        if output is None:
            _write_stream(listing)
        names = [str(path) for path in outputs.paths()]
    if not quiet:
        _say_hidden(listing)
        if output is not None and classes is None:
            say_old_classes(listing, output)
    if verbose:
        for name, label in listing.classes.items():
            click.echo(f"im2rec: class {label}: {printable(name)}", err=True)
    _say(listing, written, names, as_json=as_json, quiet=quiet)
    return 1 if listing.rejects else 0


def _write_stream(listing: Listing) -> None:
    for line in listing.lines():
        sys.stdout.buffer.write(line)
    sys.stdout.buffer.flush()


def _list_path(output: Path, suffix: str) -> Path:
    return output.with_name(f"{output.name.removesuffix(_SUFFIX)}{suffix}{_SUFFIX}")


def _classes_path(output: Path) -> Path:
    """Return where the class map of a list stands by default."""
    return output.with_name(f"{output.name.removesuffix(_SUFFIX)}.classes.txt")


def write_lists(listing: Listing, options: ListOptions, output: Path, outputs: OutputSet) -> dict[str, int]:
    """Write the lists of a folder; return the number of lines of each."""
    written = {}
    for suffix, ordinals in listing.parts(options):
        path = _list_path(output, suffix)
        listfile.write(path, listing.lines(ordinals), outputs)
        written[str(path)] = len(ordinals)
    return written


def write_classes(listing: Listing, classes: Path | None, output: Path | None, outputs: OutputSet, *, parts: Iterable[str] = ()) -> None:
    """Write the class map where it was asked for, by default beside the list and each part of it; nothing where there are no classes."""
    if classes is not None:
        paths = [classes]
    else:
        lists = [output, *map(Path, parts)] if output is not None and listing.classes else []
        paths = list(dict.fromkeys(map(_classes_path, lists)))
    for path in paths:
        outputs.create(path).write(format_classes(listing.classes, path))


def say_old_classes(listing: Listing, output: Path) -> None:
    """Tell of a class map that stands beside a list without classes: it is of another, and its names would be taken for this one's."""
    path = _classes_path(output)
    if not listing.classes and path.is_file():
        text = f"{path} stands there from before, and its names would be taken for these labels': remove it if they are not"
        click.echo(printable(f"im2rec: remark: {text}"), err=True)


def _say_hidden(listing: Listing) -> None:
    hidden = [name for name in listing.classes if any(part.startswith(".") and part != "." for part in name.split("/"))]
    if hidden:
        text = f"{counted(len(hidden), 'class', 'classes')} of hidden folders, such as {hidden[0]}"
        click.echo(printable(f"im2rec: remark: {text}"), err=True)


def _say(listing: Listing, written: dict[str, int], names: list[str], *, as_json: bool, quiet: bool) -> None:
    rejects = listing.rejects
    shared.say_rejects(rejects)
    if listing.unused and not quiet:
        click.echo(f"im2rec: remark: rows of the labels file that name no image: {listing.unused}", err=True)
    if not quiet:
        shared.say_left_out(listing.left_out)
    if as_json:
        summary: dict[str, Any] = {"command": "list", "found": len(listing) + len(rejects), "listed": len(listing)}
        summary |= {"rejected": len(rejects), "rejects": [{"path": reject.path, "reason": reject.reason} for reject in rejects.first]}
        summary |= {"more_rejects": rejects.more}
        summary |= {"ignored": listing.ignored, "left_out": dict(sorted(listing.left_out.items()))}
        summary |= {"unused_labels": listing.unused, "classes": listing.classes}
        summary |= {"lines": written, "outputs": names}
        shared.print_json(summary)
    if not quiet and not as_json:
        counts = {"classes": len(listing.classes), "rejected": len(rejects), "other files ignored": listing.ignored}
        said = ", ".join(f"{name}: {count}" for name, count in counts.items() if count)
        to = ", ".join(f"{name} ({count})" for name, count in written.items())
        text = f"listed {len(listing)} of {counted(len(listing) + len(rejects), 'image')}{f' ({said})' if said else ''}"
        click.echo(printable(f"{text}: {to}" if to else text), err=True)
