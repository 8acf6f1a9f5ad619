"""``im2rec pack``."""

from __future__ import annotations

import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from im2rec import build, journal, listfile, ownimages, progress
from im2rec.cli import imageoptions
from im2rec.cli import options as shared
from im2rec.cli.main import Terminated
from im2rec.cli.walkoptions import links_option, walk_options
from im2rec.errors import InputError, NothingPacked
from im2rec.itemlist import ItemList
from im2rec.names import printable
from im2rec.packoptions import Items, PackOptions, set_prefix
from im2rec.rejects import rejects_path
from im2rec.report import PackReport, counted, rejects_of
from im2rec.resume import committed
from im2rec.sets import check_alone
from recordio import checksum
from recordio.errors import FileError
from recordio.outputs import OutputSet
from recordio.shardnames import parse, shard_name, shards_of

if TYPE_CHECKING:
    from im2rec.listing import Listing

_WALK_OPTIONS = ("flat", "extensions", "labels", "shuffle", "seed")


@click.command("pack")
@click.argument("source", type=shared.PATH_OR_STDIN)
@click.argument("root", type=shared.PATH, required=False)
@click.option(
    "-o", "--output", type=shared.OUTPUT, metavar="PREFIX", help="Write PREFIX.rec and PREFIX.idx.  [default: the list without .lst]"
)
@imageoptions.pixel_options
@imageoptions.choice_options
@click.option(
    "--label-width", default="auto", show_default=True, metavar="auto|N", help="Labels that go into each record: all, or the first N."
)
@click.option("--allow-rounding", is_flag=True, help="Accept whole-number labels that float32 must round (beyond 16,777,216).")
@imageoptions.work_options
@click.option("--shards", type=click.IntRange(1), metavar="N", help="Write N files of equal counts, PREFIX-00000-of-0000N.rec and so on.")
@click.option("--shard-size", metavar="SIZE", help="Start a new file when one would pass SIZE, such as 1GiB.")
@click.option("--part", metavar="I/N", help="Pack only file I (from 0) of N, for array jobs.")
@click.option("--sum/--no-sum", "checksums", default=True, show_default=True, help="Write PREFIX.sum, which vouches for every byte.")
@click.option(
    "--resume",
    is_flag=True,
    help="Go on with an interrupted run of the same command; give it from the start, and Ctrl-C keeps what is done, too.",
)
@links_option
@click.option("--outside-root", is_flag=True, help="Also read absolute paths and paths with '..' that a list names.")
@shared.force_option
@walk_options
@shared.output_options
@click.pass_context
def command(context: click.Context, /, source: Path, root: Path | None, output: Path | None, **given: Any) -> int:
    """Pack images into PREFIX.rec and PREFIX.idx.

    SOURCE is a .lst, '-' for a list on stdin, or a folder, which is listed and packed in one go (then PREFIX.lst and
    PREFIX.classes.txt are written, too). ROOT is the folder that the list's paths are relative to, by default the list's own.

    Without an option that asks for other pixels the images' bytes are kept as they are.
    """
    if given["resume"] and not given["checksums"]:
        raise click.UsageError("--resume tells by the .sum whether a set is complete, so it does not go with --no-sum")
    if source.is_dir():
        if root is not None or output is None:
            raise click.UsageError("packing a folder needs -o PREFIX, and no ROOT")
    elif any(context.get_parameter_source(name) is click.core.ParameterSource.COMMANDLINE for name in _WALK_OPTIONS):
        raise click.UsageError("--flat, --ext, --labels, --shuffle and --seed go with a folder, not with a list")
    elif str(source) == "-" and (root is None or output is None):
        raise click.UsageError("a list on stdin needs ROOT and -o PREFIX")
    prefix = (
        output.with_name(output.name.removesuffix(".rec"))
        if output is not None
        else source.with_suffix("")
        if source.suffix == ".lst"
        else source
    )
    options = imageoptions.pack_options(source if source.is_dir() else root if root is not None else source.parent, given)
    run = {**given, "finished": False}
    try:
        report = _pack_folder(source, prefix, options, run) if source.is_dir() else _pack_list(source, prefix, options, run)
    except NothingPacked as error:
        shared.say_rejects(rejects_of(error.first))
        if not source.is_dir() and all(reject.reason.startswith("does not exist") for reject in error.first):
            error.hint = f" (looked in {options.source.root}{'' if root is not None else ', the folder of the list; give ROOT'})"
        raise
    except FileError as error:  # a full disk, for example
        left = _left(prefix, options, finished=run["finished"]) if options.resume else ""
        if "kept" not in left:
            raise
        raise FileError(error.path, error.action, error.errno, f"{error.strerror} ({left})") from error
    except KeyboardInterrupt:
        raise Terminated(signal.SIGINT, _left(prefix, options, finished=run["finished"])) from None
    except Terminated as ended:
        ended.leaves = _left(prefix, options, finished=run["finished"])
        raise
    if not given["quiet"]:
        _say_other_shards(prefix, report)
        shared.say_left_out(report.left_out)
    shared.say_rejects(report.rejects, report.outputs)
    if not given["quiet"]:
        shared.say_remarks(report.remarks)
    if given["as_json"]:
        shared.print_json({"command": "pack", **report.as_json()})
    elif not given["quiet"]:
        click.echo(report.as_text(), err=True)
    return 1 if report.rejects else 0


def _left(prefix: Path, options: PackOptions, *, finished: bool) -> str:
    """Return what an interrupted run leaves, in words; "" when it may have been interrupted after all was written."""
    if finished:
        return ""
    past = journal.load(journal.journal_path(set_prefix(prefix, options.shards))) if options.resume else None
    if past is None:
        return "nothing was written"
    kept = sum(len(entry.outcomes) for entry in past.entries)
    return f"{kept} image{'s are' if kept != 1 else ' is'} kept, the same command with --resume goes on"


def _check_alone(prefix: Path, options: PackOptions, given: dict[str, Any]) -> None:
    """Check, before any work, that no other record file of the prefix would stand beside the new ones.

    How many files --shard-size gives is known at the end only: then those that --force replaces may be more or fewer, and are remarked.

    Raises:
        InputError: one would.
    """
    if options.shards.shard_size:
        old = shards_of(prefix)
        check_alone(prefix, old)
        if old and not (given["force"] or given["resume"]):
            raise InputError(str(old[0]), f"exists already, with {counted(len(old), 'shard')} in all (--force replaces them)")
        return
    of = options.shards.part[1] if options.shards.part else options.shards.shards
    names = [shard_name(prefix.name, number, of) for number in range(of)] or [prefix.name]
    check_alone(prefix, [prefix.with_name(f"{name}.rec") for name in names])


def _say_other_shards(prefix: Path, report: PackReport) -> None:
    """Tell of shards of an earlier pack into another number of files: who reads by the prefix would read both."""
    divisions = {shard.of for name in report.outputs if (shard := parse(Path(name).stem))}  # other parts of this set are no others
    others = [path for path in shards_of(prefix) if (shard := parse(path.stem)) and shard.of not in divisions]
    if others and len(report.outputs) > 2:
        stand = counted(len(others), "shard of an earlier set stands", "shards of an earlier set stand")
        advice = f"remove {'it' if len(others) == 1 else 'them'}, or who reads by the prefix reads both"
        click.echo(printable(f"im2rec: remark: {stand} beside this one, such as {min(others)}: {advice}"), err=True)


def _say_other_list(prefix: Path, digest: str) -> None:
    """Tell of a list beside the set that is another than it was packed from, as that of a set that was replaced."""
    path = prefix.with_name(f"{prefix.name}.lst")
    if path.is_file() and checksum.digest_file(path).digest != digest:
        text = f"{path} is not the list that the set was packed from, and 'im2rec verify' compares with it"
        classes = prefix.with_name(f"{prefix.name}.classes.txt")
        text += f"; {classes.name} beside it may name other classes" if classes.is_file() else ""
        click.echo(printable(f"im2rec: remark: {text}"), err=True)


def _pack_folder(folder: Path, prefix: Path, options: PackOptions, given: dict[str, Any]) -> PackReport:
    from im2rec.cli.list import list_options, say_old_classes, write_classes  # a list that is there needs none of it
    from im2rec.listing import collect

    walk = {name: given[name] for name in (*_WALK_OPTIONS, "follow_symlinks", "allow_rounding")}
    with progress.bar("listing", quiet=given["quiet"]) as advance:
        listing = collect(folder, list_options(**walk), advance)
    unlisted = listing.rejects
    labels = [csv for csv in (list_options(**walk).labels_csv,) if csv is not None]
    with _outputs(prefix, options, given, labels) as outputs:
        _claim(outputs, prefix, options, given)
        if options.resume:
            suffixes = [".lst", *([".classes.txt"] if listing.classes else [])] if options.shards.part is None else []
            lists = [prefix.with_name(f"{prefix.name}{suffix}") for suffix in suffixes]
            if unlisted:
                lists.append(rejects_path(set_prefix(prefix, options.shards)))
            done = _completed(listing, prefix, options, listing.digest(), lists, outputs, given)
            if done is not None:
                return done
        _check_alone(prefix, options, given)
        if options.shards.part is not None:  # array jobs would write the same list over each other
            digest = listing.digest()
        else:
            digest = listfile.write(prefix.with_name(f"{prefix.name}.lst"), listing.lines(), outputs)
            write_classes(listing, None, prefix, outputs)
            if not given["quiet"]:
                say_old_classes(listing, prefix)
        before = PackReport(listed=len(unlisted), rejects=unlisted, outputs=[str(path) for path in outputs.paths()])
        before.ignored, before.left_out = listing.ignored, listing.left_out
        return _run(listing, str(folder), prefix, options, outputs, given, digest, before)


def _pack_list(source: Path, prefix: Path, options: PackOptions, given: dict[str, Any]) -> PackReport:
    rounding = {"allow_rounding": given["allow_rounding"]}
    is_stream = str(source) == "-"
    if is_stream and sys.stdin is None:
        raise InputError("<stdin>", "is closed, expected a list")
    with ItemList.from_stream(sys.stdin.buffer, **rounding) if is_stream else ItemList.open(source, **rounding) as items:
        if not len(items):
            raise InputError(items.source, "an empty list, expected a line for each image")
        with _outputs(prefix, options, given, [] if is_stream else [source]) as outputs:
            _claim(outputs, prefix, options, given)
            done = _completed(items, prefix, options, items.digest, [], outputs, given) if options.resume else None
            if done is not None:
                return done
            _check_alone(prefix, options, given)
            report = _run(items, items.source, prefix, options, outputs, given, items.digest)
        if not given["quiet"]:
            _say_other_list(prefix, items.digest)
        return report


def _completed(
    items: Items, prefix: Path, options: PackOptions, digest: str, lists: list[Path], outputs: OutputSet, given: dict[str, Any]
) -> PackReport | None:
    """Return the report of the run that is to be resumed, when it was not interrupted at all."""
    path = journal.journal_path(set_prefix(prefix, options.shards))
    past = journal.load(path)
    if path.exists() and not (past and past.finals):
        return None
    from im2rec.completed import completed  # only asked here

    report = completed(items, prefix, options, digest, lists, replace=given["force"])
    if report is not None:
        outputs.add_scratch(path)  # all names were final when it was interrupted
        outputs.keep(())
        outputs.sweep()
        click.echo(f"im2rec: {prefix}: is complete, nothing is left to do", err=True)
    return report


def _outputs(prefix: Path, options: PackOptions, given: dict[str, Any], inputs: list[Path]) -> OutputSet:
    return OutputSet(set_prefix(prefix, options.shards), force=given["force"], keep=(), inputs=inputs)


def _claim(outputs: OutputSet, prefix: Path, options: PackOptions, given: dict[str, Any]) -> None:
    """Look at what an interrupted run has left; where it is to be gone on with, nobody else touches it from here on."""
    path = journal.journal_path(set_prefix(prefix, options.shards))
    if options.resume:
        outputs.lock()
        past = journal.load(path)
        if past is not None:
            outputs.keep(past.temporaries.values())
            # What stands there when a run was interrupted while it renamed its files is that run's own.
            outputs.force |= bool(committed(past))
    elif path.exists() and not given["quiet"]:
        text = f"{prefix}: the work of an interrupted run is thrown away (--resume would have gone on with it)"
        click.echo(f"im2rec: remark: {printable(text)}", err=True)


def _run(
    items: ItemList | Listing,
    source: str,
    prefix: Path,
    options: PackOptions,
    outputs: OutputSet,
    given: dict[str, Any],
    digest: str,
    before: PackReport | None = None,
) -> PackReport:
    if options.label_width:
        build.check_label_width(items, options.label_width, source)
    if given["force"]:
        written = ownimages.OF_A_SET if isinstance(items, ItemList) else (*ownimages.OF_A_SET, ".lst", ".classes.txt")
        ownimages.check_images((item.path for item in items), options.source, ownimages.files_of(prefix, written))
    if given["verbose"]:
        who = shared.said_workers(options.pool.workers) + f" and up to {options.pool.readers} readers" * bool(options.pool.readers)
        click.echo(f"im2rec: packing {counted(len(items), 'image')} of {source} with {who}", err=True)
    with progress.bar("packing", len(items), quiet=given["quiet"]) as advance:
        report = build.pack(items, prefix, options, outputs, advance=advance, before=before, digest=digest)
    given["finished"] = True
    return report
