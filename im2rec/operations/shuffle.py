"""Records in another order, in bounded memory: bucket passes that read and write from start to end."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from im2rec.errors import PlanError
from im2rec.operations.blocks import Block, Records
from im2rec.operations.buckets import Bucket
from im2rec.operations.counts import Report
from im2rec.operations.running import Run
from im2rec.operations.target import Into, Stream, Target
from im2rec.progress import Advance
from recordio import checksum
from recordio.errors import ChecksumMismatch
from recordio.leftovers import temporary_name

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

LEAST: Final = 1 << 22  # bytes of memory that make sense
_FILLED: Final = 0.45  # share of the memory that a bucket takes on average: their sizes vary
_BUFFERED: Final = 0.15  # share of it for what goes to the buckets
_LARGEST: Final = 0.75  # share that one may take
_FEWEST: Final = 1 << 16  # bytes written to a bucket at once
_FANOUT: Final = 128  # buckets of a pass at the most: each keeps a file open
_PIPED: Final = 64  # buckets where nobody knows how much will come
_PIECE: Final = 1 << 22  # bytes written to the output at once


@dataclass(frozen=True, slots=True)
class ShuffleOptions:
    """How records are put in another order.

    Attributes:
        seed: of the shuffle.
        sort: "key" for ascending keys; "" for a shuffle.
        memory: bytes of records that are held at once.
    """

    seed: int = 100
    sort: str = ""
    memory: int = 1 << 30

    def __post_init__(self) -> None:
        if self.memory < LEAST:
            raise PlanError(f"a memory of {self.memory} bytes, expected at least {LEAST >> 20} MiB")
        if self.sort not in ("", "key"):
            raise PlanError(f"order {self.sort!r}, expected key")
        if not 0 <= self.seed < 1 << 64:
            raise PlanError(f"seed {self.seed}, expected 0 to 2**64 - 1")


def shuffle(given: Path, into: Into, options: ShuffleOptions, advance: Advance) -> Report:
    """Write the records of a set in another order: shuffled by a seed, or sorted by key.

    The order depends on the seed alone, never on the memory. Beside the *memory* each record takes about 60 bytes.

    Args:
        given: prefix of the set, a file of it, or ``-`` for a .rec on stdin.
        into: where they go.
        options: the order, and the memory.
        advance: of the progress bar; called for each record when it is read and when it is written.

    Raises:
        InputError: there is no such set.
        FormatError: a record cannot be read.
        FileError: a file cannot be read or written.
    """
    with Run("shuffle", [given], into, identities=True) as run:
        target = run.target(described={"sort": options.sort} if options.sort else {"seed": str(options.seed)})
        order = Ranked(all_keys(run)) if options.sort else Shuffled(options.seed)
        Passes(run, target, order, options.memory, advance).run(map(whole, run.blocks(advance)))
        return run.finish()


class Shuffled:
    """A random number for each record, by a seed."""

    def __init__(self, seed: int) -> None:
        import numpy as np

        self._random = np.random.Philox(key=seed)  # whose raw numbers are the same in every release of NumPy

    def take(self, count: int) -> NDArray[np.uint64]:
        """Return the numbers of the next records, (count,) uint64."""
        found: NDArray[np.uint64] = self._random.random_raw(count)
        return found


class Ranked:
    """For each record its place in a new order, spread over 64 bits.

    Args:
        keys: (n,) what is to ascend; equal ones keep their order.
    """

    def __init__(self, keys: NDArray[Any]) -> None:
        import numpy as np

        order = keys.argsort(kind="stable")
        self._ranks = np.empty(len(order), np.uint64)
        self._ranks[order] = np.arange(len(order), dtype=np.uint64) * np.uint64(((1 << 64) - 1) // max(len(order), 1))
        self._done = 0

    def take(self, count: int) -> NDArray[np.uint64]:
        """Return the numbers of the next records, (count,) uint64."""
        self._done += count
        return self._ranks[self._done - count : self._done]


def all_keys(run: Run) -> NDArray[np.uint64]:
    """Return the keys of all records of the sources, in the order of the files.

    Raises:
        PlanError: they come through a pipe.
    """
    import numpy as np

    pieces = [np.empty(0, np.uint64)]
    for source in run.sources:
        if source.stream is not None:
            raise PlanError("sorting reads the keys before the records, which a pipe cannot do: give a file")
        if source.indexed is not None:
            pieces.append(source.indexed.keys)
        elif source.listed is not None:
            pieces.append(source.listed.keys)
        else:
            pieces += [block.keys for block in source.blocks()]
    return np.concatenate(pieces)


class Passes:
    """Spreads records over buckets, each a range of the order, until a bucket fits in memory; writes these one after the other.

    Args:
        run: the operation.
        target: where the records go.
        order: gives each record the number that the order goes by.
        memory: bytes of records that are held at once.
        advance: of the progress bar.
    """

    def __init__(self, run: Run, target: Target | Stream, order: Shuffled | Ranked, memory: int, advance: Advance) -> None:
        self._run = run
        self._target = target
        self._memory = memory
        self._advance = advance
        self._order = order
        self._beside = run.into.prefix if isinstance(target, Target) else None

    def run(self, parts: Iterator[Records]) -> None:
        """Read everything and write it in its order."""
        size = sum(source.size for source in self._run.sources)
        if any(source.stream is not None for source in self._run.sources):
            count = _PIPED
        else:
            count = max(1, min(-(-size // int(self._memory * _FILLED)), _FANOUT))
        self._pass(((self._order.take(len(records)), records) for records in parts), count, 0, 1 << 64)

    def _pass(self, parts: Iterator[tuple[Any, Records]], count: int, low: int, high: int) -> None:
        """Spread records with values from *low* to below *high* over *count* buckets, and write these out."""
        import numpy as np

        edges = np.array([low + (high - low) * number // count for number in range(1, count)], np.uint64)
        buckets = [Bucket(self._scratch() if count > 1 else None, nameless=self._beside is None) for _ in range(count)]
        limit = max(_FEWEST, min(int(self._memory * _BUFFERED) // count, _PIECE))
        try:
            for values, records in parts:
                self._spread(values, records, edges, buckets, limit)
            for bucket in buckets:
                bucket.end()
            for number, bucket in enumerate(buckets):
                start, stop = (low + (high - low) * at // count for at in (number, number + 1))
                self._empty(bucket, start, stop, is_memory=count == 1)
                buckets[number] = Bucket(None)
        finally:
            for bucket in buckets:
                bucket.close()

    def _scratch(self) -> Path:
        beside = self._beside if self._beside is not None else Path(tempfile.gettempdir()) / "im2rec-shuffle"
        path = temporary_name(beside.with_name(f"{beside.name}.rec"))
        self._run.outputs.add_scratch(path)
        return path

    def _spread(self, values: Any, records: Records, edges: Any, buckets: list[Bucket], limit: int) -> None:
        """Hand records to the buckets that their values belong to."""
        import numpy as np

        if len(buckets) == 1:
            buckets[0].add(values, records)
            return
        place = edges.searchsorted(values, side="right")
        order = place.argsort(kind="stable")
        cuts = place[order].searchsorted(np.arange(len(buckets) + 1))
        ends = records.sizes.cumsum()
        starts, view = (ends - records.sizes).tolist(), memoryview(records.data)
        ends = ends.tolist()
        for bucket, first, stop in zip(buckets, cuts[:-1].tolist(), cuts[1:].tolist(), strict=True):
            if first < stop:
                own = order[first:stop]
                data = b"".join([view[starts[n] : ends[n]] for n in own.tolist()])
                bucket.add(values[own], Records(records.keys[own], records.sizes[own], records.crcs[own], data))
                if bucket.pending_size >= limit:
                    bucket.flush()

    def _empty(self, bucket: Bucket, low: int, high: int, *, is_memory: bool) -> None:
        """Write the records of a bucket in their order; through smaller buckets where they do not fit in memory."""
        values, keys, sizes, crcs = bucket.columns()
        too_large = bucket.size > self._memory * _LARGEST and len(keys) > 1 and not is_memory
        if too_large and high - low > 1 and values.min() != values.max():
            count = min(max(2, -(-bucket.size // int(self._memory * _FILLED))), _FANOUT)
            low, high = int(values.min()), int(values.max()) + 1
            self._pass(_read_again(bucket, values, keys, sizes, crcs), count, low, high)
        else:
            self._write(bucket.data(), values.argsort(kind="stable"), keys, sizes, crcs, check=not is_memory)
        bucket.remove()

    def _write(self, data: bytes, order: Any, keys: Any, sizes: Any, crcs: Any, *, check: bool) -> None:
        """Write records in an order; what has been on the disk meanwhile is checked."""
        ends = sizes.cumsum()
        starts = ends - sizes
        if check:
            _check(data, starts, ends, crcs, keys)
        view, first = memoryview(data), 0
        filled = sizes[order].cumsum()
        starts, ends = starts.tolist(), ends.tolist()
        while first < len(order):
            stop = max(first + 1, int(filled.searchsorted((int(filled[first - 1]) if first else 0) + _PIECE, side="right")))
            some = order[first:stop]
            joined = b"".join([view[starts[n] : ends[n]] for n in some.tolist()])
            self._target.add(Records(keys[some], sizes[some], crcs[some], joined))
            self._advance(stop - first)
            first = stop


def whole(block: Block) -> Records:
    """Return all records of a block."""
    return Records(block.keys, block.sizes, block.crcs, memoryview(block.data)[: int(block.sizes.sum())])


def _check(data: bytes, starts: Any, ends: Any, crcs: Any, keys: Any) -> None:
    """Check that a temporary file gave back what was written to it.

    Raises:
        ChecksumMismatch: it did not.
    """
    crc, view = checksum.crc_function(), memoryview(data)
    for number, (start, end, expected) in enumerate(zip(starts.tolist(), ends.tolist(), crcs.tolist(), strict=True)):
        found = crc(view[start:end])
        if found != expected:
            reason = f"CRC-32 {found:08x}, expected {expected:08x}: the disk did not give back what was written to it"
            raise ChecksumMismatch("<temporary file>", start, reason, int(keys[number]))


def _read_again(bucket: Bucket, values: Any, keys: Any, sizes: Any, crcs: Any) -> Iterator[tuple[Any, Records]]:
    """Yield the records of a bucket's file in pieces."""
    ends, first, base = sizes.cumsum(), 0, 0
    with bucket.reading() as read:
        while first < len(keys):
            stop = max(first + 1, int(ends.searchsorted(base + _PIECE, side="right")))
            size = int(ends[stop - 1]) - base
            data = read(base, size)
            starts = ends[first:stop] - sizes[first:stop] - base
            _check(data, starts, starts + sizes[first:stop], crcs[first:stop], keys[first:stop])
            yield values[first:stop], Records(keys[first:stop], sizes[first:stop], crcs[first:stop], data)
            first, base = stop, base + size
