"""Whether a pack has been done already: then a run that is asked to go on with it has nothing to do."""

from __future__ import annotations

from pathlib import Path

from im2rec import plan
from im2rec.packoptions import PackOptions, describe, set_prefix
from im2rec.report import PackReport, parse_rejects
from recordio import checksum, files
from recordio.errors import RecordIOError


def completed(count: int, prefix: Path, options: PackOptions, digest: str, outputs: list[Path]) -> PackReport | None:
    """Return the report of a finished pack of the same list with the same options, by its .sum files; None where there is none.

    Sizes are compared, not contents: that is what verify is for.

    Args:
        count: items of the list.
        prefix: path of the set without suffix.
        options: how it is packed.
        digest: of the list.
        outputs: further files that must be there.

    Raises:
        PlanError: there are fewer items than shards.
    """
    shards = plan.plan(count, options.shards)
    recs = _recs(prefix, shards, options.shards.shard_size)
    rejects_path = set_prefix(prefix, options.shards).with_name(f"{set_prefix(prefix, options.shards).name}.rejects.tsv")
    if not (options.checksums and recs and all(path.exists() for path in outputs)):
        return None
    report = PackReport(encoded=not options.transform.pass_through, outputs=[str(path) for path in outputs], traits=None)
    described = describe(options) | {"list": digest}
    try:
        for rec in recs:
            listed = checksum.load(rec.with_suffix(".sum"))
            sizes = rec.stat().st_size, rec.with_suffix(".idx").stat().st_size
            if listed.options != described or sizes != (listed.rec.size, listed.idx.size):
                return None
            report.packed += len(listed)
            report.bytes_written += sizes[0]
            report.outputs += [str(rec.with_suffix(suffix)) for suffix in (".rec", ".idx", ".sum")]
        if rejects_path.exists():
            report.rejects = parse_rejects(files.read_whole(rejects_path))
            report.outputs += [] if rejects_path in outputs else [str(rejects_path)]
    except (RecordIOError, OSError, ValueError):  # whatever is missing or odd: not complete
        return None
    report.listed = report.packed + report.rejected
    expected = (count if shards[-1].stop is None else shards[-1].stop) - shards[0].start
    done = report.packed + sum(reject.id is not None for reject in report.rejects)
    return report if done == expected else None


def _recs(prefix: Path, shards: list[plan.Shard], shard_size: int) -> list[Path]:
    if not shard_size:
        return [prefix.with_name(f"{plan.shard_name(prefix.name, shard.number, shard.of)}.rec") for shard in shards]
    first = sorted(path for path in prefix.parent.glob("*-00000-of-*.rec") if path.name.startswith(f"{prefix.name}-00000-of-"))
    if len(first) != 1:
        return []
    of = int(first[0].stem[-5:])
    return [prefix.with_name(f"{plan.shard_name(prefix.name, number, of)}.rec") for number in range(of)]
