"""``im2rec index``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from im2rec.cli import options as shared
from im2rec.errors import InputError, PlanError
from im2rec.names import printable
from im2rec.progress import bar
from im2rec.reindex import reindex
from im2rec.report import counted
from im2rec.sets import record_files


@click.command("index")
@click.argument("recs", metavar="PREFIX|REC ...", type=shared.PATH, nargs=-1, required=True)
@click.option("-o", "--output", type=shared.OUTPUT, metavar="IDX", help="File to write.  [default: REC with the suffix .idx]")
@click.option("--images-only", is_flag=True, help="Leave out records without an image, as DALI needs it of files of identities.")
@click.option("--combine", is_flag=True, help="Write one index of several .rec files, as if they stood one behind the other; needs -o.")
@click.option(
    "--keys", type=click.Choice(["id", "ordinal"]), default="id", show_default=True, help="Keys from the image headers, or 0, 1, 2, ..."
)
@shared.force_option
@shared.output_options
def command(
    recs: tuple[Path, ...],
    output: Path | None,
    images_only: bool,
    combine: bool,
    keys: str,
    force: bool,
    as_json: bool,
    quiet: bool,
    verbose: bool,
) -> int:
    """Read a .rec from start to end, check every frame, and write its index; or one index of several."""
    ids, name = keys == "id", str(recs[0])
    if combine and output is None:
        raise PlanError("--combine writes an index that belongs to no single .rec: name it with -o")
    if combine or images_only:
        summary, written = _made(recs, output, ids=ids, images_only=images_only, combine=combine, force=force, quiet=quiet)
    else:
        if len(recs) > 1:
            raise PlanError(f"{len(recs)} .rec files have as many indexes: index them one by one, or --combine them into one")
        rec = _file(recs[0])
        found, written = reindex(rec, output if output is not None else rec.with_suffix(".idx"), ids=ids, force=force)
        summary, name = found._asdict(), str(rec)
    if summary["duplicates"]:
        has = counted(summary["duplicates"], f"of {summary['records']} records has", f"of {summary['records']} records have")
        text = f"{has} a key that an earlier one has"
        click.echo(printable(f"im2rec: {name}: {text}; --keys ordinal gives each its own"), err=True)
    if verbose:
        click.echo(f"im2rec: keys are {'the ids of the headers' if ids else 'ordinals'}", err=True)
    _tell(summary, written, as_json=as_json, quiet=quiet)
    return 0


def _made(
    recs: tuple[Path, ...], output: Path | None, *, ids: bool, images_only: bool, combine: bool, force: bool, quiet: bool
) -> tuple[dict[str, Any], list[Path]]:
    from im2rec.operations.indexing import IndexOptions, index_set

    idx = output if output is not None else _file(recs[0]).with_suffix(".idx")
    with bar("index", quiet=quiet) as advance:
        found, written = index_set(recs, idx, IndexOptions(ids, images_only, combine, force), advance)
    return found._asdict(), written


def _tell(summary: dict[str, Any], written: list[Path], *, as_json: bool, quiet: bool) -> None:
    if as_json:
        shared.print_json({"command": "index", **summary, "outputs": [str(path) for path in written]})
    elif not quiet:
        records, indexed = summary["records"], summary.get("indexed", summary["records"])
        many = f"{records} record{'s' * (records != 1)}"
        said = many if indexed == records else f"{indexed} of {many}, those with an image"
        click.echo(printable(f"indexed {said}: {', '.join(map(str, written))}"), err=True)


def _file(given: Path) -> Path:
    """Return the .rec that is meant: the file of that name, or the one of the set."""
    if given.is_file():
        return given
    found = record_files(given)
    if len(found) > 1:
        named = ", ".join(path.name for path in found[:3]) + ", ..." * (len(found) > 3)
        raise InputError(str(given), f"is a set of {len(found)} files, index them one by one: {named}")
    return found[0]
