"""Spreads blocks of encoded records over the files of a set."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

from im2rec import plan
from im2rec.listfile import Item
from im2rec.work import Block
from recordio.outputfile import OutputFile
from recordio.outputs import OutputSet
from recordio.shardnames import shard_name
from recordio.writer import IndexedWriter


class Written(NamedTuple):
    """Bytes that went to the end of one shard's .rec."""

    shard: int
    data: memoryview


class ShardWriter:
    """The open files of a set.

    Args:
        prefix: path of the set without suffix.
        shards: the plan.
        shard_size: bytes after which a shard is full, 0 where the plan decides.
        outputs: the set of files to write into.
        checksums: whether each shard has a .sum.
        tool: what writes the set, for the .sum.
        described: how it is written, for the .sum.
    """

    def __init__(
        self,
        prefix: Path,
        shards: list[plan.Shard],
        shard_size: int,
        outputs: OutputSet,
        *,
        checksums: bool = True,
        tool: str = "",
        described: Mapping[str, str] | None = None,
    ) -> None:
        self._prefix = prefix
        self._shards = shards
        self._shard_size = shard_size
        self._outputs = outputs
        self._checksums = checksums
        self._tool = tool
        self._described = described
        self._writers: list[IndexedWriter] = []
        self._item = shards[0].start  # ordinal of the next item

    def check_free(self) -> None:
        """Check that all names may be written: better now than after an hour.

        Raises:
            FileError: one exists, and that was not allowed.
        """
        for shard in self._shards if not self._shard_size else ():
            for path in self._names(shard.number, shard.of):
                self._outputs.check_free(path)

    def open(self, temporary: Path | None = None) -> IndexedWriter:
        """Open the next shard, or take over what an earlier run wrote of it to a temporary file."""
        number = len(self._writers)
        if self._shard_size:
            shard = plan.Shard(number, number + 1, 0, None)  # its name is settled when the number of shards is known
        else:
            shard = self._shards[number]
        rec, idx, *_ = self._names(shard.number, shard.of)
        writer = IndexedWriter(
            rec,
            idx,
            checksums=self._checksums,
            outputs=self._outputs,
            tool=self._tool,
            options=self._described,
            continued=temporary,
        )
        self._writers.append(writer)
        self._stop = shard.stop
        return writer

    def _names(self, number: int, of: int) -> list[Path]:
        return shard_files(self._prefix, number, of, checksums=self._checksums)

    @property
    def recs(self) -> list[OutputFile]:
        """The .rec files of the shards so far."""
        return [writer.rec for writer in self._writers]

    def adopt(self, shard: int, items: Iterable[Item], sizes: Iterable[int], data: bytes, temporary: Path) -> None:
        """Note records that an earlier run wrote to a shard's temporary file; all shards before it are full."""
        if shard == len(self._writers):
            self._end_last()
            self.open(temporary)
        self._writers[shard].adopt([item.id for item in items], sizes, data)

    def go_on(self, items: int) -> None:
        """Go on behind the adopted records, and behind *items* items."""
        self._item += items
        if self._writers:
            self._writers[-1].go_on()

    def _end_last(self) -> None:
        if self._writers:
            self._writers[-1].go_on()
            self._writers[-1].finish()

    def add(self, block: Block[Item]) -> list[Written]:
        """Write a block, cut where a shard is full; return what went where."""
        if not self._writers:
            self.open()
        if self._has_room(len(block.items), len(block.data)):
            self._write(block.items, block.outcomes.sizes, block.data)
            self._item += len(block.items)
            return [Written(len(self._writers) - 1, block.data)]
        written = []
        first = start = position = 0
        for number, size in enumerate(block.outcomes.sizes):
            if self._is_full(position - start, size):
                self._write(block.items[first:number], block.outcomes.sizes[first:number], block.data[start:position])
                written.append(Written(len(self._writers) - 1, block.data[start:position]))
                first, start = number, position
                self._writers[-1].finish()
                self.open()
            self._item += 1
            position += size
        self._write(block.items[first:], block.outcomes.sizes[first:], block.data[start:])
        return [*written, Written(len(self._writers) - 1, block.data[start:])]

    def _write(self, items: Iterable[Item], sizes: list[int], data: memoryview) -> None:
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
        """Write the indexes and sidecars; return the bytes of all .rec files and the names of all files."""
        if not self._writers:
            self.open()
        self._writers[-1].finish()
        if self._shard_size:
            for number, writer in enumerate(self._writers):
                for file, path in zip(writer.files, self._names(number, len(self._writers)), strict=True):
                    file.path = path
        names = [str(file.path) for writer in self._writers for file in writer.files]
        return sum(writer.size for writer in self._writers), names


def shard_files(prefix: Path, number: int, of: int, *, checksums: bool) -> list[Path]:
    """Return the names of the files of one shard, or of a set that has none: its .rec, its .idx, and its .sum where it has one."""
    name = shard_name(prefix.name, number, of)
    return [prefix.with_name(f"{name}{suffix}") for suffix in (".rec", ".idx", ".sum")[: 3 if checksums else 2]]
