"""Where operations write: sets of one or several .rec files with their .idx and .sum, or a stream."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import im2rec
from im2rec.errors import PlanError
from im2rec.operations import companions
from im2rec.operations.blocks import Records
from im2rec.operations.copying import Source
from im2rec.operations.ids import Ids
from im2rec.sets import check_alone
from im2rec.shards import shard_files
from recordio.files import OutputStream
from recordio.outputs import OutputSet
from recordio.shardnames import shards_of
from recordio.writer import IndexedWriter

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

STDOUT: Final = Path("-")


@dataclass(frozen=True, slots=True)
class Into:
    """Where the records of an operation go.

    Attributes:
        prefix: path of the set without suffix; ``-`` is stdout.
        force: replace files that exist.
        checksums: write a .sum.
        shard_size: bytes after which a shard is full; 0 for one file, or as many as *shards* says.
        shards: number of files that the records are spread over evenly; 0 for one file.
    """

    prefix: Path
    force: bool = False
    checksums: bool = True
    shard_size: int = 0
    shards: int = 0

    def __post_init__(self) -> None:
        if self.prefix == STDOUT and (self.shard_size or self.shards):
            raise PlanError("stdout is one stream: it has no shards")
        if self.shard_size and self.shards:
            raise PlanError("--shards and --shard-size are two ways to say the same: give one of them")


class Target:
    """A set that is being written; its files belong to an OutputSet that its caller commits.

    Args:
        prefix: path of the set without suffix.
        outputs: the set of files to write into.
        checksums: write a .sum beside each .rec.
        shard_size: bytes after which a shard is full; 0 for no such limit.
        bounds: numbers of records after which a new shard starts, ascending; None for one file, or by size.
        sources: what is read: no file of these is written.
        verb: the operation, for the .sum.
        described: how it was asked for, for the .sum.
        ids: collects the ids of the records; None where nobody asks for them.
    """

    def __init__(
        self,
        prefix: Path,
        outputs: OutputSet,
        *,
        checksums: bool = True,
        shard_size: int = 0,
        bounds: Sequence[int] | None = None,
        sources: Iterable[Source] = (),
        verb: str = "",
        described: Mapping[str, str] | None = None,
        ids: Ids | None = None,
    ) -> None:
        self.prefix = prefix
        self.ids = ids
        self._outputs = outputs
        self.checksums = checksums
        self._shard_size = shard_size
        self._bounds = bounds
        self._sources = list(sources)
        self._tool = f"im2rec {im2rec.__version__}"
        self._options = {"operation": verb, **(described or {})}
        self._writers: list[IndexedWriter] = []
        self.records = 0
        self.size = 0
        self._check_names()
        self._open()  # which locks the name of the set

    def _check_names(self) -> None:
        """Check names before anything is written: better now than after an hour."""
        recs = [] if self._shard_size else [self._names(number)[0] for number in range(len(self._bounds or ()) + 1)]
        if self._shard_size and self._outputs.force:  # which shards are replaced shows in the end
            recs = shards_of(self.prefix)
        companions.check_room(self.prefix, recs, self._outputs)
        for number in range(1 if self._shard_size else len(self._bounds or ()) + 1):
            for path in self._names(number):
                if not self._shard_size:
                    self._outputs.check_free(path)
                for source in self._sources:
                    if source.file is not None:
                        source.file.check_other(path)

    def _names(self, number: int, of: int | None = None) -> list[Path]:
        if of is None:
            of = len(self._bounds) + 1 if self._bounds is not None else 0
        return shard_files(self.prefix, number, of, checksums=self.checksums)

    def _open(self) -> IndexedWriter:
        number = len(self._writers)
        if self._writers:
            self._writers[-1].finish()
        # With a limit of size, the names are settled when the number of shards is known.
        rec, idx, *_ = self._names(number, number + 1) if self._shard_size else self._names(number)
        writer = IndexedWriter(rec, idx, checksums=self.checksums, outputs=self._outputs, tool=self._tool, options=self._options)
        self._writers.append(writer)
        return writer

    def add(self, records: Records) -> None:
        """Append records.

        Raises:
            FileError: a write failed.
        """
        if self.ids is not None:
            self.ids.add(records)
        done, view = 0, memoryview(records.data)
        for count in self._cut(records.sizes):
            stop = done + count
            size = int(records.sizes[done:stop].sum())
            self._writers[-1].write_encoded(
                records.keys[done:stop].tolist(), records.sizes[done:stop].tolist(), view[:size], records.crcs[done:stop].tolist()
            )
            view, done = view[size:], stop
            self.records += count
            self.size += size

    def copy(self, source: Source, keys: NDArray[np.uint64], sizes: NDArray[np.int64], offset: int) -> None:
        """Append records that stand one after the other in a source, by the kernel where it can; only without checksums.

        Raises:
            FileError: a read or write failed.
        """
        assert source.file is not None
        if self.ids is not None:
            self.ids.read(source, sizes, offset)
        done = 0
        for count in self._cut(sizes):
            stop = done + count
            size = int(sizes[done:stop].sum())
            self._writers[-1].copy_encoded(keys[done:stop].tolist(), sizes[done:stop].tolist(), source.file, offset)
            offset, done = offset + size, stop
            self.records += count
            self.size += size

    def _cut(self, sizes: NDArray[np.int64]) -> Iterator[int]:
        """Yield how many of the next records go to the open shard, and open the next one when it is full."""
        import numpy as np

        done, ends = 0, np.cumsum(sizes)
        while done < len(sizes):
            while not (room := self._room(sizes, ends, done)):
                self._open()  # some shards are empty where there are more of them than records
            yield room
            done += room

    def _room(self, sizes: NDArray[np.int64], ends: NDArray[np.int64], done: int) -> int:
        """Return how many of the records from *done* on the open shard takes."""
        left = len(sizes) - done
        if self._shard_size:
            start = int(ends[done - 1]) if done else 0
            room = int(ends.searchsorted(start + self._shard_size - self._writers[-1].size, side="right")) - done
            return min(left, max(room, 0 if self._writers[-1].size else 1))
        number = len(self._writers) - 1
        if self._bounds is not None and number < len(self._bounds):
            return min(left, self._bounds[number] - self.records)
        return left

    def finish(self) -> list[str]:
        """Write the indexes and sidecars; return the names of all files."""
        while self._bounds is not None and len(self._writers) <= len(self._bounds):
            self._open()
        self._writers[-1].finish()
        if self._shard_size:
            for number, writer in enumerate(self._writers):
                for file, path in zip(writer.files, self._names(number, len(self._writers)), strict=True):
                    file.path = path
            check_alone(self.prefix, [self._names(number, len(self._writers))[0] for number in range(len(self._writers))])
        return [str(file.path) for writer in self._writers for file in writer.files]

    def keys(self) -> NDArray[np.uint64]:
        """Return the keys of all records in the order in which they were written, (n,) uint64."""
        import numpy as np

        return np.concatenate([np.empty(0, np.uint64), *(np.frombuffer(writer.keys, np.uint64) for writer in self._writers)])

    def duplicates(self) -> int:
        """Return how many records have a key that an earlier one has."""
        import numpy as np

        keys = self.keys()
        return 0 if bool((keys[1:] > keys[:-1]).all()) else len(keys) - len(np.unique(keys))


class Stream:
    """A .rec that goes into a pipe, with neither index nor checksums."""

    def __init__(self) -> None:
        self._stream = OutputStream(1, "<stdout>")
        self.records = 0

    @property
    def size(self) -> int:
        """Bytes written so far."""
        return self._stream.size

    def add(self, records: Records) -> None:
        """Write records.

        Raises:
            BrokenPipeError: nobody reads them any more.
            FileError: a write failed.
        """
        self._stream.write(records.data)
        self.records += len(records)

    def finish(self) -> list[str]:
        """Return the names of all files: none has one."""
        return []


def bounds_of(records: int, shards: int) -> list[int]:
    """Return after how many records each shard but the last ends, as even as can be."""
    return [records * number // shards for number in range(1, shards)]
