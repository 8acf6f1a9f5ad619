"""``im2rec salvage``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

import im2rec
from im2rec.cli import options as shared
from im2rec.cli.main import EXIT_DONE, EXIT_REJECTS, EXIT_STOPPED
from im2rec.names import printable
from im2rec.report import counted, format_bytes
from im2rec.sets import record_files
from recordio.salvaging import SalvageReport, salvage

_SHOWN = 20  # damages, keys and conflicts that are named on stderr; --json and the report's file have more


@click.command("salvage")
@click.argument("rec", type=shared.PATH)
@click.option("-o", "--output", type=shared.OUTPUT, metavar="PREFIX", required=True, help="Write PREFIX.rec, .idx, .sum and .salvage.json.")
@click.option("--idx", type=shared.PATH, metavar="IDX", help="The old index.  [default: REC with the suffix .idx, where there is one]")
@click.option(
    "--sum", "sum_", type=shared.PATH, metavar="SUM", help="The old .sum.  [default: REC with the suffix .sum, where there is one]"
)
@click.option("--unverified", is_flag=True, help="Save records that the .sum does not list, too, where their frame is right.")
@shared.force_option
@shared.output_options
def command(
    rec: Path,
    output: Path,
    idx: Path | None,
    sum_: Path | None,
    unverified: bool,
    force: bool,
    as_json: bool,
    quiet: bool,
    verbose: bool,
) -> int:
    """Save what is whole of the damaged file REC (or REC.rec) into a new set.

    With the .sum that is exact: all records that are untouched, and no others. Without one damage to payloads cannot be
    seen. The exit code is 1 when anything is damaged, 3 when nothing could be saved.
    """
    if not rec.exists():  # which is said as of any set; salvage itself takes a file of any name
        record_files(rec)
    prefix = output.with_name(output.name.removesuffix(".rec"))
    tool = f"im2rec {im2rec.__version__}"
    report = salvage(rec, prefix, idx=idx, sum=sum_, unverified=unverified, force=force, tool=tool)
    _say_damage(report)
    if report.outputs and (old := prefix.with_name(f"{prefix.name}.lst")).is_file():
        _say(f"remark: {old} was there before the new set, and 'im2rec verify' compares with it")
    if verbose:
        _say_keys(report)
    if as_json:
        shared.print_json({"command": "salvage", **report.as_json()})
    elif not quiet:
        click.echo(_summary(report), err=True)
    if not report.outputs:
        return EXIT_STOPPED
    return EXIT_DONE if report.whole else EXIT_REJECTS


def _say(text: str) -> None:
    click.echo(f"im2rec: {printable(text)}", err=True)


def _say_damage(report: SalvageReport) -> None:
    """Tell what is damaged and lost, in a few lines."""
    for remark in report.remarks:
        _say(remark)
    for damage in report.damages[:_SHOWN]:
        _say(f"{report.source}: {counted(damage.length, 'byte')} lost at offset {damage.offset}: {damage.reason}")
    if report.damaged > _SHOWN:
        _say(f"{report.source}: and {report.damaged - _SHOWN} more")
    if report.lost_keys:
        _say(f"{report.source}: lost keys: {_some(report.lost_keys)}")
    if report.unverified_keys:
        _say(f"{report.source}: saved although the .sum does not list them: keys {_some(report.unverified_keys)}")
    if report.conflicts:
        changes = [f"{conflict.key} -> {conflict.given}" for conflict in report.conflicts]
        _say(f"{report.source}: keys that stand twice, and what they are now: {_some(changes)}")


def _say_keys(report: SalvageReport) -> None:
    if report.numbered:
        new = "a new number as key" if report.numbered == 1 else "new numbers as keys"
        _say(f"{counted(report.numbered, 'record')} that nothing names got {new}")
    if not report.vouched:
        _say("no .sum vouches for payloads, so damage in them cannot be seen")


def _some(keys: Sequence[object]) -> str:
    more = f" and {len(keys) - _SHOWN} more" if len(keys) > _SHOWN else ""
    return ", ".join(map(str, keys[:_SHOWN])) + more


def _summary(report: SalvageReport) -> str:
    if not report.outputs:
        hint = "; --unverified saves those whose frame is right" if report.vouched else ""
        return f"salvaged nothing: {format_bytes(report.bytes_lost)} lost{hint}"
    kind = f"{report.verified} verified" if report.vouched else "none verified, there is no .sum"
    places = f" in {report.damaged} place{'s' * (report.damaged != 1)}" if report.damaged else ""
    return (
        f"salvaged {counted(report.records, 'record')} ({kind}), {format_bytes(report.bytes_kept)} kept, "
        f"{format_bytes(report.bytes_lost)} lost{places}: {printable(report.outputs[0])}"
    )
