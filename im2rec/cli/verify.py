"""``im2rec verify``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from im2rec import progress
from im2rec.cli import options as shared
from im2rec.names import printable
from im2rec.verification import VerifyOptions, record_files, verify_set, write_sum
from im2rec.work import PoolOptions
from recordio.issues import VerifyReport

_SHOWN = 1000  # issues that are printed as text; --json prints all that are kept


@click.command("verify")
@click.argument("sets", metavar="PREFIX|REC ...", type=shared.PATH, nargs=-1, required=True)
@click.option("--decode", is_flag=True, help="Decode every image strictly, too.")
@click.option(
    "--headers/--no-headers", default=True, show_default=True, help="Check image headers and labels; without, any payload will do."
)
@click.option("--label-width", type=click.IntRange(1), metavar="N", help="Demand N labels of each record.")
@click.option("--list/--no-list", "lists", default=True, show_default=True, help="Compare with PREFIX.lst where there is one.")
@click.option("--write-sum", is_flag=True, help="Write PREFIX.sum when nothing is wrong; --force replaces an old one.")
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
    options = VerifyOptions(**given, pool=PoolOptions(shared.cores() if workers is None else workers))
    reports: list[VerifyReport] = []
    size = sum(path.stat().st_size for given_ in sets for path in record_files(given_))
    with progress.bar("verifying", size, quiet=quiet) as advance:
        for given_ in sets:
            for report in verify_set(given_, options, advance):
                reports.append(report)
                _print_issues(report, as_json=as_json)
    written = [_write(report, force=force) for report in reports] if write_sum and not any(report.count for report in reports) else []
    _say(reports, written, as_json=as_json, quiet=quiet)
    if verbose:
        click.echo(f"im2rec: {options.pool.workers} workers decoded" if options.decode else "im2rec: no image was decoded", err=True)
    return 1 if any(report.count for report in reports) else 0


def _write(report: VerifyReport, *, force: bool) -> Path:
    return write_sum(report, force=force)


def _print_issues(report: VerifyReport, *, as_json: bool) -> None:
    for issue in report.issues if as_json else report.issues[:_SHOWN]:
        if as_json:
            shared.print_json({"issue": issue.as_json()})
        else:
            click.echo(printable(str(issue)))
    if report.count > (len(report.issues) if as_json else _SHOWN) and not as_json:
        click.echo(f"{report.rec}: {report.count - _SHOWN} more issues")


def _say(reports: list[VerifyReport], written: list[Path], *, as_json: bool, quiet: bool) -> None:
    issues = sum(report.count for report in reports)
    recs = [report for report in reports if report.rec.endswith(".rec")]
    if as_json:
        summary = {
            "command": "verify",
            "sets": [report.as_json() for report in recs],
            "records": sum(report.records for report in recs),
            "issues": issues,
            "outputs": [str(path) for path in written],
        }
        click.echo(json.dumps(summary, ensure_ascii=False).encode("utf-8", "backslashreplace"))
        return
    if quiet:
        return
    for report in recs:
        vouched = "payload verified" if report.vouched else "payload unverified: no .sum vouches for it"
        indexed = "" if report.indexed else ", no .idx"
        found = "no issue" if not report.count else f"{report.count} issue{'s' * (report.count > 1)}"
        click.echo(f"{report.rec}: {report.records} records, {vouched}{indexed}, {found}", err=True)
    for path in written:
        click.echo(f"wrote {path}", err=True)
