"""THE PATH: items through source, transform and pool into the .rec and .idx files of a set."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import im2rec
from im2rec import passthrough, plan
from im2rec.chunks import Chunks
from im2rec.errors import ImageError, ListError, NothingPacked, TooManyRejects
from im2rec.listfile import Item
from im2rec.packoptions import Items, PackOptions, describe, set_prefix
from im2rec.rejects import rejects_path
from im2rec.report import PackReport, Reject, format_rejects
from im2rec.resume import Resumable
from im2rec.shards import ShardWriter
from im2rec.source import ImageSource
from im2rec.transform import checker, transformer
from im2rec.work import Block, Work
from recordio import frame, images
from recordio.errors import BadHeader, ImageFormatError, PayloadTooLarge
from recordio.header import pack_header
from recordio.outputs import OutputSet

_NAMED = 10  # images that are named when none could be packed: a wrong root makes a million of them


def pack(
    items: Items,
    prefix: Path,
    options: PackOptions,
    outputs: OutputSet,
    *,
    advance: Callable[[int], None] = lambda _: None,
    before: PackReport | None = None,
    digest: str = "",
) -> PackReport:
    """Pack items into ``PREFIX.rec``, ``PREFIX.idx`` and ``PREFIX.sum``, or the shards of such a set.

    The files belong to *outputs*, which the caller commits.

    Args:
        items: what to pack, in order.
        prefix: path of the outputs without their suffix.
        options: how.
        outputs: the set of files to write into.
        advance: called with the number of images done since its last call.
        before: counts of what was rejected before it could be listed; the new ones are added to it.
        digest: of the whole list, to tell whether it changed when an interrupted run is resumed.

    Returns:
        The counts.

    Raises:
        ListError: an item has fewer labels than label_width.
        PlanError: there are fewer items than shards.
        NothingPacked: there are items, and not one could be packed.
        TooManyRejects: more images were rejected than allowed.
        FileError: an output cannot be written.
        CodecMissing: a codec is needed and cannot be loaded.
        ResumeError: an interrupted run is to be resumed, and something has changed since.
    """
    shards = plan.plan(len(items), options.shards)

    def draw() -> Iterator[Item]:
        return itertools.islice(items, shards[0].start, shards[-1].stop)

    report = before or PackReport()
    report.encoded = not options.transform.pass_through
    if options.transform.check == "off":
        report.traits = None
    _check_rejects(report, options)
    described = describe(options) | ({"list": digest} if digest else {})
    writer = ShardWriter(
        prefix,
        shards,
        options.shards.shard_size,
        outputs,
        checksums=options.checksums,
        tool=f"im2rec {im2rec.__version__}",
        described=described,
    )
    resumable = Resumable(set_prefix(prefix, options.shards), options, described, outputs) if options.journal else None

    def count(block: Block[Item]) -> None:
        note(report, block, options)
        advance(len(block.items))

    try:
        if resumable:
            chosen = resumable.start(draw, writer, count)
        else:
            writer.check_free()
            chosen = draw()
        for block in blocks(chosen, options):
            count(block)
            written = writer.add(block)
            if resumable:
                resumable.note(block, written, writer)
        if report.rejects and not report.packed:
            raise nothing_packed(report)
        report.bytes_written, outputs_written = writer.finish()
        report.outputs += outputs_written
        if options.rejects_file:
            _write_rejects(report, set_prefix(prefix, options.shards), outputs)
        if resumable:
            resumable.finish(writer)
    except BaseException as error:
        if resumable:
            resumable.stop(writer, error)
        raise
    return report


def nothing_packed(report: PackReport) -> NothingPacked:
    """Return the error for a report without a packed image."""
    return NothingPacked(report.listed, [ImageError(reject.path, reject.reason) for reject in report.rejects[:_NAMED]])


def _write_rejects(report: PackReport, prefix: Path, outputs: OutputSet) -> None:
    path = rejects_path(prefix)
    if report.rejects:
        outputs.create(path).write(format_rejects(report.rejects))
        report.outputs.append(str(path))
    else:
        outputs.remove(path)


def records(items: Iterable[Item], options: PackOptions, report: PackReport) -> Iterator[Block[Item]]:
    """Yield blocks of encoded records, counted in *report*, for sets that are laid out otherwise.

    Raises:
        TooManyRejects: more images were rejected than allowed.
        CodecMissing: a codec is needed and cannot be loaded.
    """
    report.encoded = not options.transform.pass_through
    if options.transform.check == "off":
        report.traits = None
    for block in blocks(items, options):
        note(report, block, options)
        yield block


def blocks(items: Iterable[Item], options: PackOptions) -> Iterator[Block[Item]]:
    """Take the quickest way for the work: the pool, or for images whose bytes are kept one loop in this process."""
    if options.transform.pass_through and not options.pool.workers and passthrough.AVAILABLE:
        source, check, work = ImageSource(options.source), checker(options.transform), _make_work(options)
        yield from passthrough.run(items, source, options.label_width, check, work, options.pool.readers)
        return
    from im2rec import pool  # multiprocessing takes 20 ms to load

    size = ImageSource(options.source).size if options.pool.workers else _no_size
    chunks = Chunks(items, size, options.pool.ring)
    for block in pool.run(chunks, functools.partial(_make_work, options), options.pool):
        chunks.note(block.outcomes)
        yield block


def _no_size(_path: str) -> int:
    """Without workers nobody waits for the end of a chunk, so its size is not worth a call of the system for each image."""
    return 0


def note(report: PackReport, block: Block[Item], options: PackOptions) -> None:
    """Count a block, and give up when it rejects too much."""
    outcomes = block.outcomes
    report.listed += len(outcomes)
    report.packed += len(outcomes) - len(outcomes.rejects)
    report.bytes_read += outcomes.read
    if report.traits is not None:
        report.traits.update(outcomes.traits.values())
    for number, remark in outcomes.remarks.items():
        report.remarks.append(Reject(block.items[number].id, block.items[number].path, remark))
    for number, reason in outcomes.rejects.items():
        item = block.items[number]
        report.rejects.append(Reject(item.id, item.path, reason))
        _check_rejects(report, options)


def _check_rejects(report: PackReport, options: PackOptions) -> None:
    if options.max_rejects is not None and report.rejected > options.max_rejects:
        last = report.rejects[-1]
        raise TooManyRejects(report.rejected, options.max_rejects, ImageError(last.path, last.reason))


def _make_work(options: PackOptions) -> Work[Item]:
    """Make the function that turns an item into its encoded record, in the process that calls this."""
    source = ImageSource(options.source)
    if options.pool.workers and not options.transform.pass_through:
        images.use_one_thread()
    transform = transformer(options.transform)
    read, width = source.read, options.label_width

    def work(item: Item) -> tuple[bytes, int, str, int]:
        data = read(item.path)
        try:
            image, remark, traits = transform(data, item.path)
            labels = item.labels[:width] if width else item.labels
            header = pack_header(labels[0] if len(labels) == 1 else labels, item.id)
            return frame.encode(header + image), len(data), remark, traits
        except (ImageFormatError, PayloadTooLarge) as error:
            raise ImageError(item.path, str(error)) from None
        except BadHeader as error:
            raise ImageError(item.path, error.reason) from None

    return work


def check_label_width(items: Items, width: int, source: str) -> None:
    """Check that every item has at least *width* labels.

    Raises:
        ListError: one has fewer.
    """
    for number, item in enumerate(items, 1):
        if len(item.labels) < width:
            raise ListError(source, 0, f"item {number} (id {item.id}) has {len(item.labels)} labels, expected {width}")
