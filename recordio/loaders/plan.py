"""All that the batches of an iterator follow from, and the batches before they are filled.

What becomes of one sample is its user's business: a :class:`Maker` writes it into its row.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final, Protocol

import numpy as np

from recordio.errors import BadSample, RecordIOError
from recordio.loaders import sampler, skipping
from recordio.loaders.batch import DataDesc
from recordio.loaders.engine import Buffers, Ring
from recordio.loaders.memory import aligned

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from recordio.loaders.source import Sample, Source

ENDS: Final = ("wrap", "zero", "pad", "discard", "short")
ON_BAD: Final = ("raise", "skip")
NOTHING: Final = (1 << 64) - 1  # the id of a row that no record stands in


class Maker(Protocol):
    """Makes a row of a batch of a sample. Threads share one."""

    def make(self, sample: Sample, draw: sampler.Draw, data: NDArray[Any], label: NDArray[np.float32]) -> None:
        """Write a sample into its row.

        Args:
            sample: what was read.
            draw: random numbers for this record in this epoch.
            data: the row of the data, to be written.
            label: the row of the labels, (width,), to be written.

        Raises:
            RecordIOError: nothing can be made of it.
        """


@dataclasses.dataclass(frozen=True)
class Plan:
    """All that the batches of an iterator follow from.

    Attributes:
        source: of the samples.
        sampler: of their order.
        maker: makes the rows.
        batch_size: rows.
        data: what a batch's data is.
        label: what its labels are; (batch_size, width) or, of width 1, (batch_size,).
        width: labels of a row.
        last: of ENDS: what stands in the last batch behind the last record. "wrap": the first ones again, counted as pad;
            "zero": zeros, not counted, as MXNet does without round_batch; "pad": zeros, counted; "discard": there is no such
            batch; "short": nothing, it has fewer rows.
        on_bad: of ON_BAD; "skip" puts the next record of the order in the place of a bad one, unless more than half of an epoch's
            are bad.
        seed: of the random numbers of the rows.
        threads: that make rows.
        ahead: batches that are begun before they are asked for.
        reuse_buffers: whether the arrays of a batch may be written again as soon as the next batch is asked for.
        recipe: plain values of all options that rows follow from, to tell states of other iterators.
        name: of the source, for messages.
    """

    source: Source
    sampler: sampler.Sampler
    maker: Maker
    batch_size: int
    data: DataDesc
    label: DataDesc
    width: int = 1
    last: str = "wrap"
    on_bad: str = "raise"
    seed: int = 0
    threads: int = 1
    ahead: int = 2
    reuse_buffers: bool = False
    recipe: dict[str, Any] = dataclasses.field(default_factory=dict)
    name: str = "the source"

    def __post_init__(self) -> None:
        for name, allowed in (("last", ENDS), ("on_bad", ON_BAD)):
            if getattr(self, name) not in allowed:
                raise ValueError(f"{name}={getattr(self, name)!r}, expected one of {', '.join(allowed)}")
        for name, least in (("batch_size", 1), ("threads", 1), ("ahead", 0), ("width", 1)):
            if getattr(self, name) < least:
                raise ValueError(f"{name}={getattr(self, name)}, expected at least {least}")

    def __len__(self) -> int:
        length = len(self.sampler)
        return length // self.batch_size if self.last == "discard" else -(-length // self.batch_size)


class Memory:
    """The arrays that batches are written to: data, labels, ids.

    Those of a batch are the caller's for as long as it holds them; with ``reuse_buffers`` until it asks for the next one.

    Args:
        plan: of the batches.
    """

    def __init__(self, plan: Plan) -> None:
        self._rows = plan.batch_size
        self._width = plan.width
        self._buffers = Buffers(plan.data.shape, plan.data.dtype, plan.ahead + 2)
        self._ring = Ring(plan.ahead, self._new) if plan.reuse_buffers else None

    def _new(self) -> tuple[NDArray[Any], ...]:
        return self._buffers.take(), aligned((self._rows, self._width), np.float32), aligned((self._rows,), np.uint64)

    def take(self) -> tuple[NDArray[Any], ...]:
        """Return arrays for the next batch; what is in them is left from before."""
        return self._new() if self._ring is None else self._ring.take()


@dataclasses.dataclass(frozen=True, slots=True)
class Epoch:
    """What the batches of an epoch have in common.

    Attributes:
        number: of the epoch, from 0.
        order: (n,) ordinals.
        bad: for reports: all records that were bad so far, in whatever epoch.
        useless: ordinals of which nothing can be made with this epoch's random numbers: another epoch's may do.
    """

    number: int
    order: NDArray[np.int64]
    bad: dict[int, BadSample]
    useless: set[int] = dataclasses.field(default_factory=set)


class PlannedBatch:
    """One batch, filled row by row by threads."""

    def __init__(self, plan: Plan, epoch: Epoch, first: int, memory: Memory) -> None:
        length, size = len(epoch.order), plan.batch_size
        self._plan, self._epoch, self._first = plan, epoch, first
        there = min(size, length - first)
        self.rows = size if plan.last == "wrap" else there
        kept = there if plan.last == "short" else size
        self.data, self.label, self.index = (array[:kept] for array in memory.take())
        self.data[self.rows :] = 0
        self.label[:] = 0
        self.index[:] = NOTHING
        real = length - plan.sampler.fill
        surplus = max(0, first + (self.rows if plan.last in ("wrap", "short", "zero", "discard") else kept) - max(real, first))
        self.pad = surplus if plan.last != "zero" else max(0, first + there - max(real, first))

    def fill(self, first: int, last: int) -> None:
        """Fill the rows from *first* up to *last*."""
        for row in range(first, last):
            self._fill_row(row)

    def _fill_row(self, row: int) -> None:
        plan, epoch, length = self._plan, self._epoch, len(self._epoch.order)
        for step in range(length):
            ordinal = int(epoch.order[(self._first + row + step) % length])
            if ordinal in epoch.useless:
                continue
            try:
                sample = plan.source.read(ordinal)
                plan.maker.make(sample, sampler.draw(plan.seed, epoch.number, ordinal), self.data[row], self.label[row])
                self.index[row] = sample.id
            except RecordIOError as error:
                if not plan.source.is_bad(error):
                    raise
                self._leave_out(ordinal, error)
            else:
                return
        raise BadSample(plan.source.name(int(epoch.order[0])), f"nor can any other of {length} records be used")

    def _leave_out(self, ordinal: int, error: RecordIOError) -> None:
        plan, epoch = self._plan, self._epoch
        found = skipping.described(plan.source.name(ordinal), error)
        if plan.on_bad == "raise":
            raise skipping.advised(found) from error
        epoch.useless.add(ordinal)
        epoch.bad.setdefault(ordinal, found)
        skipping.check_share(found, len(epoch.useless), plan.sampler.cut.count or len(epoch.order))


def batches(plan: Plan, epoch: int, first: int, memory: Memory, bad: dict[int, BadSample]) -> Iterator[PlannedBatch]:
    """Yield the batches of an epoch from one on, not yet filled."""
    of = Epoch(epoch, plan.sampler.epoch(epoch), bad)
    for number in range(first, len(plan)):
        yield PlannedBatch(plan, of, number * plan.batch_size, memory)
