"""``im2rec verify``."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import click

from im2rec import progress
from im2rec.cli import options as shared
from im2rec.cli.main import EXIT_DONE, EXIT_REJECTS, EXIT_STOPPED
from im2rec.errors import InputError
from im2rec.names import printable
from im2rec.report import counted
from im2rec.sets import list_beside, record_files
from im2rec.verification import VerifyOptions, verify_set, write_sum
from im2rec.work import PoolOptions
from recordio import imagecheck
from recordio.errors import RecordIOError
from recordio.issues import VerifyReport
from recordio.processors import processors

_SHOWN = 1000  # issues of a file that are printed as text; --json prints all that are kept


@dataclass
class _Found:
    """What was verified.

    Attributes:
        recs: reports of .rec files.
        of_sets: reports of lists and sets as a whole.
        failed: sets that could not be read, and why.
        shown: issues that were printed.
        written: files that were written.
    """

    recs: list[VerifyReport] = field(default_factory=list)
    of_sets: list[VerifyReport] = field(default_factory=list)
    failed: list[tuple[Path, Exception]] = field(default_factory=list)
    shown: int = 0
    written: list[Path] = field(default_factory=list)

    @property
    def issues(self) -> int:
        return sum(report.count for report in (*self.recs, *self.of_sets))


@click.command("verify")
@click.argument("sets", metavar="PREFIX|REC ...", type=shared.PATH, nargs=-1, required=True)
@click.option("--decode", is_flag=True, help="Decode every image strictly, too.")
@click.option("--max-pixels", type=click.IntRange(1), default=imagecheck.MAX_PIXELS, show_default=True, help="Larger images are issues.")
@click.option(
    "--headers/--no-headers", default=True, show_default=True, help="Check image headers and labels; without, any payload will do."
)
@click.option("--label-width", type=click.IntRange(1), metavar="N", help="Demand N labels of each record.")
@click.option("--list/--no-list", "lists", default=True, show_default=True, help="Compare with PREFIX.lst where there is one.")
@click.option("--write-sum", is_flag=True, help="Write PREFIX.sum when nothing is wrong; --force replaces an old or damaged one.")
@click.option(
    "--workers", type=click.IntRange(0), metavar="N", help="Processes that decode; 0 works in this one.  [default: the machine's cores]"
)
@shared.force_option
@shared.output_options
def command(
    sets: tuple[Path, ...], write_sum: bool, workers: int | None, force: bool, as_json: bool, quiet: bool, verbose: bool, **given: Any
) -> int:
    """Check frames, index, checksums, headers and labels of datasets, and tell what is wrong.

    Each issue is a line on stdout, or a JSON object a line with --json, where the last line is the summary. The exit code
    is 1 when there are any. Where no .sum vouches for the payloads, flipped bits in them cannot be seen: that is said.
    """
    options = VerifyOptions(**given, pool=PoolOptions(processors() if workers is None else workers))
    found = _Found()
    with progress.bar("verifying", _size(sets), quiet=quiet) as advance:
        for name in sets:
            try:
                for report in verify_set(name, options, advance):
                    _note(report, found, as_json=as_json)
            except (InputError, RecordIOError) as error:  # the other sets are verified all the same
                found.failed.append((name, error))
    if write_sum:
        _write_sums(found, force=force)
    for _, failure in found.failed:
        click.echo(f"im2rec: {printable(str(failure))}", err=True)
    if as_json:
        shared.print_json(_summary(found))
    elif not quiet and found.recs:
        _say(found, options)
    if verbose:
        decoded = f"{shared.said_workers(options.pool.workers)} decoded" if options.decode else "no image was decoded"
        click.echo(f"im2rec: {decoded}", err=True)
    if found.failed:
        return EXIT_STOPPED
    return EXIT_REJECTS if found.issues else EXIT_DONE


def _size(sets: tuple[Path, ...]) -> int:
    size = 0
    for name in sets:
        try:
            size += sum(path.stat().st_size for path in record_files(name))
        except (InputError, OSError):
            pass  # told of when its turn comes
    return size


def _note(report: VerifyReport, found: _Found, *, as_json: bool) -> None:
    """Print the issues of a report, and keep it."""
    is_rec = report.rec.endswith(".rec")
    if is_rec:
        found.recs.append(report)
    elif report.count:
        found.of_sets.append(report)
    issues = report.issues if as_json else report.issues[:_SHOWN]
    for issue in issues:
        if as_json:
            shared.print_json({"issue": issue.as_json()})
        else:
            click.echo(printable(str(issue)))
    found.shown += len(issues)
    if report.count > len(issues) and not as_json:
        click.echo(printable(f"{report.rec}: {counted(report.count - len(issues), 'more issue')}"))


def _write_sums(found: _Found, *, force: bool) -> None:
    """Write the .sum files where nothing is wrong; where they are damaged themselves only with *force*."""
    damaged = sum(report.count_of("sum") for report in found.recs)
    if found.failed or found.issues > damaged:
        return
    if damaged and not force:
        click.echo("im2rec: nothing is wrong but the .sum: with --force, too, it is written anew", err=True)
        return
    found.written = [write_sum(report, force=force) for report in found.recs]


def _summary(found: _Found) -> dict[str, Any]:
    return {
        "command": "verify",
        "sets": [report.as_json() for report in found.recs],
        "records": sum(report.records for report in found.recs),
        "issues": found.issues,
        "list_issues": sum(report.count for report in found.of_sets),
        "issues_shown": found.shown,
        "failed": [{"set": str(name), "reason": str(failure)} for name, failure in found.failed],
        "outputs": [str(path) for path in found.written],
    }


def _say(found: _Found, options: VerifyOptions) -> None:
    """Say what became of each .rec, and of all in all where that is more."""
    for report in found.recs:
        indexed = "" if report.indexed else ", no .idx"
        click.echo(printable(f"{report.rec}: {_records(report)}, {_payload(report)}{indexed}, {_issues(report.count)}"), err=True)
        if report.ordinals and options.lists and list_beside(Path(report.rec)):
            click.echo(printable(f"im2rec: remark: {report.rec}: keys are ordinals, not the ids of the headers"), err=True)
    files = {file for report in (*found.recs, *found.of_sets) for file, _ in report.counts}
    if len(found.recs) > 1 or files - {report.rec for report in found.recs} or found.issues > found.shown:
        hidden = f", {found.issues - found.shown} of them not shown" if found.issues > found.shown else ""
        place = f" in {counted(len(files), 'file')}" if files else f" in {counted(len(found.recs), 'file')}"
        click.echo(f"{_issues(found.issues)}{place}{hidden}", err=True)
    hurt = [report.rec for report in found.recs if report.hurt]
    if hurt:
        click.echo(printable(f"im2rec: 'im2rec salvage {hurt[0]} -o NEW' saves what is whole"), err=True)
    for path in found.written:
        click.echo(f"wrote {printable(str(path))}", err=True)


def _issues(number: int) -> str:
    return counted(number, "issue") if number else "no issue"


def _records(report: VerifyReport) -> str:
    if report.expected is not None and report.expected != report.records:
        return f"{report.records} of {counted(report.expected, 'record')} intact"
    return counted(report.records, "record") + " intact" * report.hurt


def _payload(report: VerifyReport) -> str:
    if not report.vouched:
        return f"payload unverified: {'its .sum is damaged' if report.summed else 'no .sum vouches for it'}"
    if report.expected != report.records:
        return f"payload verified but for {(report.expected or 0) - report.records}"
    return "payload verified" if not report.differs else "payload unverified: the file is not that of its .sum"
