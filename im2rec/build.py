"""THE PATH: items through source, transform and pool into the .rec and .idx files of a set."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from im2rec import passthrough, plan
from im2rec.errors import ImageError, ListError, NothingPacked, TooManyRejects
from im2rec.listfile import Item
from im2rec.report import PackReport, Reject
from im2rec.source import ImageSource, SourceOptions
from im2rec.transform import TransformOptions, checker, transformer
from im2rec.work import Block, PoolOptions, Work
from recordio import frame, images
from recordio.errors import BadHeader, ImageFormatError, PayloadTooLarge
from recordio.files import OutputSet
from recordio.header import pack_header
from recordio.writer import IndexedWriter

_CHUNK_BYTES = 1 << 20  # bytes of image files that a worker is given at once
_CHUNK_ITEMS = 64
_NAMED = 10  # images that are named when none could be packed: a wrong root makes a million of them


class Items(Protocol):
    """Items whose number is known, read in one pass."""

    def __len__(self) -> int: ...
    def __iter__(self) -> Iterator[Item]: ...


@dataclass(frozen=True, slots=True)
class PackOptions:
    """Everything that decides what a pack writes, and how.

    Attributes:
        source: where images may be read from.
        transform: what happens to each.
        shards: how the set is divided.
        pool: who does the work.
        label_width: labels that go into each record, 0 for all of the item's.
        max_rejects: rejects after which the pack is given up; None for no limit.
    """

    source: SourceOptions
    transform: TransformOptions = TransformOptions()
    shards: plan.ShardOptions = plan.ShardOptions()
    pool: PoolOptions = PoolOptions()
    label_width: int = 0
    max_rejects: int | None = None


def pack(
    items: Items,
    prefix: Path,
    options: PackOptions,
    outputs: OutputSet,
    *,
    advance: Callable[[int], None] = lambda _: None,
    before: PackReport | None = None,
) -> PackReport:
    """Pack items into ``PREFIX.rec`` and ``PREFIX.idx``, or the shards of such a set.

    The files belong to *outputs*, which the caller commits.

    Args:
        items: what to pack, in order.
        prefix: path of the outputs without their suffix.
        options: how.
        outputs: the set of files to write into.
        advance: called with the number of images done since its last call.
        before: counts of what was rejected before it could be listed; the new ones are added to it.

    Returns:
        The counts.

    Raises:
        ListError: an item has fewer labels than label_width.
        PlanError: there are fewer items than shards.
        NothingPacked: there are items, and not one could be packed.
        TooManyRejects: more images were rejected than allowed.
        FileError: an output cannot be written.
        CodecMissing: a codec is needed and cannot be loaded.
    """
    shards = plan.plan(len(items), options.shards)
    chosen = itertools.islice(items, shards[0].start, shards[-1].stop)
    report = before or PackReport()
    report.encoded = not options.transform.pass_through
    _check_rejects(report, options)
    writer = _ShardWriter(prefix, shards, options.shards.shard_size, outputs)
    for block in _blocks(chosen, options):
        _note(report, block, options)
        writer.add(block)
        advance(len(block.items))
    if report.rejects and not report.packed:
        raise NothingPacked(report.listed, [ImageError(reject.path, reject.reason) for reject in report.rejects[:_NAMED]])
    report.bytes_written, outputs_written = writer.finish()
    report.outputs += outputs_written
    return report


def _blocks(items: Iterable[Item], options: PackOptions) -> Iterator[Block[Item]]:
    """Take the quickest way for the work: the pool, or for images whose bytes are kept one loop in this process."""
    if options.transform.pass_through and not options.pool.workers and passthrough.AVAILABLE:
        check = checker(options.transform)
        return passthrough.run(items, ImageSource(options.source), options.label_width, check, _make_work(options))
    from im2rec import pool  # multiprocessing takes 20 ms to load

    return pool.run(_chunks(items, options), functools.partial(_make_work, options), options.pool)


def _note(report: PackReport, block: Block[Item], options: PackOptions) -> None:
    """Count a block, and give up when it rejects too much."""
    outcomes = block.outcomes
    report.listed += len(outcomes)
    report.packed += len(outcomes) - len(outcomes.rejects)
    report.bytes_read += outcomes.read
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


def _chunks(items: Iterable[Item], options: PackOptions) -> Iterator[list[Item]]:
    """Cut items into chunks of about equal work: by the bytes of their files where images are decoded."""
    if options.transform.pass_through or not options.pool.workers:
        iterator = iter(items)
        while chunk := list(itertools.islice(iterator, _CHUNK_ITEMS)):
            yield chunk
        return
    source = ImageSource(options.source)
    chunk, size = [], 0
    for item in items:
        chunk.append(item)
        size += source.size(item.path)
        if size >= _CHUNK_BYTES or len(chunk) == _CHUNK_ITEMS:
            yield chunk
            chunk, size = [], 0
    if chunk:
        yield chunk


def _make_work(options: PackOptions) -> Work[Item]:
    """Make the function that turns an item into its encoded record, in the process that calls this."""
    source = ImageSource(options.source)
    if options.pool.workers and not options.transform.pass_through:
        images.use_one_thread()
    transform = transformer(options.transform)
    read, width = source.read, options.label_width

    def work(item: Item) -> tuple[bytes, int, str]:
        data = read(item.path)
        try:
            image, remark = transform(data)
            labels = item.labels[:width] if width else item.labels
            header = pack_header(labels[0] if len(labels) == 1 else labels, item.id)
            return frame.encode(header + image), len(data), remark
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


class _ShardWriter:
    """Spreads blocks of encoded records over the shards of a set."""

    def __init__(self, prefix: Path, shards: list[plan.Shard], shard_size: int, outputs: OutputSet) -> None:
        self._prefix = prefix
        self._shards = shards
        self._shard_size = shard_size
        self._outputs = outputs
        self._writers: list[IndexedWriter] = []
        self._item = shards[0].start  # ordinal of the next item
        for shard in shards if not shard_size else ():  # better now than after an hour
            for path in self._names(shard.number, shard.of):
                outputs.check_free(path)
        self._open(0)

    def _open(self, number: int) -> None:
        if self._shard_size:
            shard = plan.Shard(number, 1, 0, None)  # its name is settled when the number of shards is known
        else:
            shard = self._shards[number]
        rec, idx = self._names(shard.number, shard.of)
        self._writers.append(IndexedWriter(rec, idx, outputs=self._outputs))
        self._stop = shard.stop

    def _names(self, number: int, of: int) -> tuple[Path, Path]:
        name = plan.shard_name(self._prefix.name, number, of)
        return self._prefix.with_name(f"{name}.rec"), self._prefix.with_name(f"{name}.idx")

    def add(self, block: Block[Item]) -> None:
        """Write a block, cut where a shard is full."""
        if self._has_room(len(block.items), len(block.data)):
            self._write(block.items, block.outcomes.sizes, block.data)
            self._item += len(block.items)
            return
        first = start = position = 0
        for number, size in enumerate(block.outcomes.sizes):
            if self._is_full(position - start, size):
                self._write(block.items[first:number], block.outcomes.sizes[first:number], block.data[start:position])
                first, start = number, position
                self._writers[-1].finish()
                self._open(len(self._writers))
            self._item += 1
            position += size
        self._write(block.items[first:], block.outcomes.sizes[first:], block.data[start:])

    def _write(self, items: list[Item], sizes: list[int], data: memoryview) -> None:
        """Write whole records to the open shard; a size of 0 marks an item that was rejected."""
        if 0 in sizes:
            items = [item for item, size in zip(items, sizes, strict=True) if size]
            sizes = [size for size in sizes if size]
        self._writers[-1].write_encoded([item.id for item in items], sizes, data)

    def _has_room(self, items: int, size: int) -> bool:
        """Tell whether the open shard takes a whole block."""
        if self._shard_size:
            return self._writers[-1].size + size <= self._shard_size
        return self._stop is None or self._item + items <= self._stop

    def _is_full(self, pending: int, size: int) -> bool:
        """Tell whether an item of *size* bytes starts a new shard, with *pending* bytes not yet written to the open one."""
        if self._shard_size:
            filled = self._writers[-1].size + pending
            return filled > 0 and size > 0 and filled + size > self._shard_size
        return self._item == self._stop and len(self._writers) < len(self._shards)

    def finish(self) -> tuple[int, list[str]]:
        """Write the indexes; return the bytes of all .rec files and the names of all files."""
        self._writers[-1].finish()
        if self._shard_size:
            for number, writer in enumerate(self._writers):
                writer.rec.path, writer.idx.path = self._names(number, len(self._writers))
        names = [str(file.path) for writer in self._writers for file in (writer.rec, writer.idx)]
        return sum(writer.size for writer in self._writers), names
