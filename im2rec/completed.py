"""Whether a pack has been done already: then a run that is asked to go on with it has nothing to do."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from im2rec import plan
from im2rec.errors import ResumeError
from im2rec.listfile import Item
from im2rec.names import printable
from im2rec.packoptions import Items, PackOptions, describe, difference, set_prefix
from im2rec.rejects import rejects_path
from im2rec.report import PackReport, parse_rejects
from im2rec.source import ImageSource, has_changed
from recordio import checksum, files, frame
from recordio.errors import RecordIOError
from recordio.header import HEADER_SIZE
from recordio.shardnames import parse, shard_name, shards_of


def completed(
    items: Items, prefix: Path, options: PackOptions, digest: str, outputs: list[Path], *, replace: bool = False
) -> PackReport | None:
    """Return the report of a finished pack of the same list with the same options, by its .sum files; None where there is none.

    Sizes and times are compared, not contents: that is what verify is for.

    Args:
        items: of the list.
        prefix: path of the set without suffix.
        options: how it is packed.
        digest: of the list.
        outputs: further files that must be there.
        replace: return None for a finished pack of something else, which is to be replaced.

    Raises:
        PlanError: there are fewer items than shards.
        ResumeError: the list, an option or an image has changed since it was packed.
    """
    count = len(items)
    shards = plan.plan(count, options.shards)
    recs = _recs(prefix, shards, options.shards.shard_size)
    rejects = rejects_path(set_prefix(prefix, options.shards))
    if not (options.checksums and recs and all(path.exists() for path in outputs)):
        return None
    report = PackReport(encoded=not options.transform.pass_through, outputs=[str(path) for path in outputs], traits=None)
    described = describe(options) | {"list": digest}
    sets: list[tuple[Path, checksum.Sum]] = []
    packed_at, differs = 0, ""
    try:
        for rec in recs:
            listed = checksum.load(rec.with_suffix(".sum"))
            sizes = rec.stat().st_size, rec.with_suffix(".idx").stat().st_size
            if sizes != (listed.rec.size, listed.idx.size):
                return None
            differs = differs or _other_making(listed.options, described)
            sets.append((rec, listed))
            packed_at = max(packed_at, rec.with_suffix(".sum").stat().st_mtime_ns)
            report.packed += len(listed)
            report.bytes_written += sizes[0]
            report.outputs += [str(rec.with_suffix(suffix)) for suffix in (".rec", ".idx", ".sum")]
        if rejects.exists():
            report.rejects = parse_rejects(files.read_whole(rejects))
            report.outputs += [] if rejects in outputs else [str(rejects)]
    except (RecordIOError, OSError, ValueError):  # whatever is missing or odd: not complete
        return None
    differs = differs or _other_division([listed for _, listed in sets], options.shards.shard_size)
    if differs:
        if replace:
            return None
        raise ResumeError(printable(str(prefix)), differs, finished=True)
    report.listed = report.packed + report.rejected
    expected = (count if shards[-1].stop is None else shards[-1].stop) - shards[0].start
    done = report.packed + sum(reject.id is not None for reject in report.rejects)
    if done != expected:
        return None
    stop = shards[-1].stop
    _check_images(islice(items, shards[0].start, stop), sets, {reject.id for reject in report.rejects}, packed_at, options)
    return report


def _other_making(before: dict[str, str], now: dict[str, str]) -> str:
    """Say in what a set was packed otherwise; "" when in nothing."""
    differs = difference(before, now)
    if differs is None:
        return ""
    return "its list was another one" if differs[0] == "list" else differs[1]


def _other_division(sums: list[checksum.Sum], shard_size: int) -> str:
    """Say that shards are not those that a size gives: one is larger, or had room for the first record of the next; "" when they are."""
    if not shard_size:
        return ""
    for number, listed in enumerate(sums):
        full = number + 1 == len(sums) or not len(sums[number + 1]) or listed.rec.size + int(sums[number + 1].lengths[0]) > shard_size
        if not full or (listed.rec.size > shard_size and len(listed) > 1):
            return f"--shard-size is {shard_size} bytes now, which gives other shards"
    return ""


def _check_images(
    items: Iterator[Item], sets: list[tuple[Path, checksum.Sum]], rejected: set[int | None], packed_at: int, options: PackOptions
) -> None:
    """Check that no image has changed since it was packed: by its time of modification, and where its bytes were kept by its size."""
    source = ImageSource(options.source)
    records = ((rec, *row) for rec, listed in sets for row in zip(listed.offsets.tolist(), listed.lengths.tolist(), strict=True))
    for item in items:
        status = source.status(item.path)
        record = None if item.id in rejected else next(records)
        if status is None:
            if record is not None:
                raise ResumeError(printable(item.path), "is no longer there", finished=True)
            continue
        if record is not None and options.transform.pass_through and not _may_hold(*record, status.st_size, item, options):
            raise ResumeError(printable(item.path), f"has {status.st_size} bytes, another size than when it was packed", finished=True)
        if has_changed(status, packed_at):
            raise ResumeError(printable(item.path), "has changed since it was packed", finished=True)


def _may_hold(rec: Path, offset: int, length: int, size: int, item: Item, options: PackOptions) -> bool:
    """Tell whether a record of *length* bytes on disk can be that of an image of *size* bytes."""
    labels = min(len(item.labels), options.label_width or len(item.labels))
    payload = HEADER_SIZE + (4 * labels if labels > 1 else 0) + size
    if length == frame.HEAD_SIZE + payload + (-payload & 3):
        return True
    file = files.InputFile(rec)  # magic words that were cut out make a record longer: a rare thing
    try:
        return len(frame.decode_at(file.read_at(offset, length), 0, source=file.name)[0]) == payload
    finally:
        file.close()


def _recs(prefix: Path, shards: list[plan.Shard], shard_size: int) -> list[Path]:
    if not shard_size:
        return [prefix.with_name(f"{shard_name(prefix.name, shard.number, shard.of)}.rec") for shard in shards]
    divisions = [shard.of for path in shards_of(prefix) if (shard := parse(path.stem)) and not shard.number]
    if len(divisions) != 1:
        return []
    return [prefix.with_name(f"{shard_name(prefix.name, number, divisions[0])}.rec") for number in range(divisions[0])]
