"""Epochs of batches over a source: order, threads, ends of epochs, bad samples, going on in the middle of an epoch.

What becomes of one sample is its user's business: a :class:`Maker` writes it into its row.
"""

from __future__ import annotations

import dataclasses
import logging
import os
from collections.abc import Iterator
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Protocol

import numpy as np

from recordio.errors import BadSample, CodecMissing, FormatError, RecordIOError
from recordio.loaders import sampler
from recordio.loaders.batch import DataBatch, DataDesc, DataIter
from recordio.loaders.engine import Buffers, Engine

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from typing_extensions import Self

    from recordio.loaders.source import Sample, Source

ENDS: Final = ("wrap", "zero", "pad", "discard", "short")
ON_BAD: Final = ("raise", "skip")
NOTHING: Final = (1 << 64) - 1  # the id of a row that no record stands in
_STATE: Final = 1  # version of what state_dict returns

_logger = logging.getLogger("recordio.loaders")


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
        on_bad: of ON_BAD; "skip" puts the next record of the order in the place of a bad one.
        seed: of the random numbers of the rows.
        threads: that make rows.
        ahead: batches that are begun before they are asked for.
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

    def __post_init__(self) -> None:
        for name, allowed in (("last", ENDS), ("on_bad", ON_BAD)):
            if getattr(self, name) not in allowed:
                raise ValueError(f"{name}={getattr(self, name)!r}, expected one of {', '.join(allowed)}")
        for name in ("batch_size", "threads", "ahead", "width"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name}={getattr(self, name)}, expected at least 1")

    def __len__(self) -> int:
        length = len(self.sampler)
        return length // self.batch_size if self.last == "discard" else -(-length // self.batch_size)


class _Batch:
    """One batch, filled row by row by threads."""

    def __init__(self, plan: Plan, epoch: int, order: NDArray[np.int64], first: int, buffers: Buffers, bad: dict[int, BadSample]) -> None:
        length, size = len(order), plan.batch_size
        self._plan, self._epoch, self._order, self._first, self._bad = plan, epoch, order, first, bad
        there = min(size, length - first)
        self.rows = size if plan.last == "wrap" else there
        kept = there if plan.last == "short" else size
        self.data = buffers.take()[:kept]
        self.label = np.zeros((kept, plan.width), np.float32)
        self.index = np.full(kept, NOTHING, np.uint64)
        self.data[self.rows :] = 0
        real = length - plan.sampler.fill
        surplus = max(0, first + (self.rows if plan.last in ("wrap", "short", "zero", "discard") else kept) - max(real, first))
        self.pad = surplus if plan.last != "zero" else max(0, first + there - max(real, first))

    def fill(self, first: int, last: int) -> None:
        for row in range(first, last):
            self._fill_row(row)

    def _fill_row(self, row: int) -> None:
        plan, length = self._plan, len(self._order)
        for step in range(length):
            ordinal = int(self._order[(self._first + row + step) % length])
            if ordinal in self._bad:
                continue
            try:
                sample = plan.source.read(ordinal)
                plan.maker.make(sample, sampler.draw(plan.seed, self._epoch, ordinal), self.data[row], self.label[row])
                self.index[row] = sample.id
            except CodecMissing:
                raise
            except RecordIOError as error:
                found = BadSample(plan.source.name(ordinal), _reason(error))
                if plan.on_bad == "raise":
                    raise found from error
                self._bad[ordinal] = found
            else:
                return
        raise BadSample(plan.source.name(int(self._order[0])), f"nor can any other of {length} records be used")


def _reason(error: RecordIOError) -> str:
    """Say what is wrong without the file's name, which stands in front already."""
    if isinstance(error, FormatError):
        return f"offset {error.offset}: {error.reason}"
    return str(error)


def _batches(plan: Plan, epoch: int, first: int, buffers: Buffers, bad: dict[int, BadSample]) -> Iterator[_Batch]:
    """Yield the batches of an epoch from one on, not yet filled."""
    order = plan.sampler.epoch(epoch)
    for number in range(first, len(plan)):
        yield _Batch(plan, epoch, order, number * plan.batch_size, buffers, bad)


class Loader(DataIter):
    """An iterator over a plan: batches until StopIteration, ``reset()``, the batches of the next epoch.

    Decoding goes on in threads ahead of the caller. All batches follow from the plan alone: they are the same for any number
    of threads. Forked processes go on with threads of their own; pickled copies go on where the original was.

    Arrays of a batch belong to the caller for as long as it holds them; memory is used again only when nobody does.

    Args:
        plan: what the batches follow from.

    Attributes:
        provide_data: a list of one DataDesc.
        provide_label: a list of one DataDesc.
    """

    def __init__(self, plan: Plan) -> None:
        super().__init__(plan.batch_size)
        self.plan = plan
        self.provide_data = [plan.data]
        self.provide_label = [plan.label]
        self._epoch = 0
        self._at = 0
        self._bad: dict[int, BadSample] = {}
        self._told = 0
        self._current: DataBatch | None = None
        self._always: DataBatch | None = None
        self._engine: Engine[_Batch] | None = None
        self._buffers = self._make_buffers()

    def _make_buffers(self) -> Buffers:
        return Buffers(self.plan.data.shape, self.plan.data.dtype, self.plan.ahead + 2)

    def __len__(self) -> int:
        """Return how many batches an epoch has."""
        return len(self.plan)

    @property
    def bad(self) -> list[BadSample]:
        """The records that were left out so far, in the order of the source."""
        return [self._bad[ordinal] for ordinal in sorted(self._bad)]

    @property
    def epoch(self) -> int:
        """The number of the present epoch, from 0."""
        return self._epoch

    def next(self) -> DataBatch:
        """Return the next batch.

        Raises:
            StopIteration: the epoch is over.
            BadSample: nothing can be made of a record; it is named.
        """
        if self._always is not None:
            return self._always
        if self._at >= len(self.plan):
            raise StopIteration
        if self._engine is None or not self._engine.usable:
            batches = _batches(self.plan, self._epoch, self._at, self._buffers, self._bad)
            self._engine = Engine(batches, self.plan.threads, self.plan.ahead)
        batch = self._engine.next()
        assert batch is not None
        self._at += 1
        self._tell_bad()
        label = batch.label[:, 0] if self.plan.width == 1 and len(self.plan.label.shape) == 1 else batch.label
        return DataBatch([self.wrap(batch.data)], [self.wrap(label)], batch.pad, batch.index)

    def _tell_bad(self) -> None:
        news = list(self._bad.values())[self._told :]  # threads may add to them meanwhile
        self._told += len(news)
        for found in news:
            _logger.warning("%s; left out", found)

    def reset(self) -> None:
        """Go to the start of the next epoch; at the start of one, stay there."""
        if self._at:
            self._go(self._epoch + 1, 0)

    def _go(self, epoch: int, at: int) -> None:
        if self._engine is not None:
            self._engine.close()
            self._engine = None
        self._epoch, self._at, self._current = epoch, at, None

    def state_dict(self) -> dict[str, Any]:
        """Return where the iterator stands, as plain values: which batch of which epoch comes next, and of what.

        What was decoded ahead does not count: the next batch is the one that the caller has not had.
        """
        return {"version": _STATE, "epoch": self._epoch, "batch": self._at, "of": self._identity()}

    def _identity(self) -> dict[str, Any]:
        plan = self.plan
        cut = plan.sampler.cut
        return {
            "records": cut.records,
            "first": cut.first,
            "rows": cut.length,
            "batch_size": plan.batch_size,
            "shuffle": plan.sampler.shuffle,
            "seeds": [plan.sampler.seed, plan.sampler.chunk_seed, plan.seed],
            "last": plan.last,
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go to where an iterator with the same parameters stood.

        Raises:
            ValueError: the state is of other records, another part, batch size, order or seed; the message says which.
        """
        if state.get("version") != _STATE:
            raise ValueError(f"a state of version {state.get('version')!r}, expected {_STATE}")
        own, other = self._identity(), state["of"]
        differing = [f"{name} {other.get(name)!r}, expected {value!r}" for name, value in own.items() if other.get(name) != value]
        if differing:
            raise ValueError(f"the state is of another iterator: {'; '.join(differing)}")
        epoch, at = int(state["epoch"]), int(state["batch"])
        if epoch < 0 or not 0 <= at <= len(self.plan):
            raise ValueError(f"the state says batch {at} of epoch {epoch}, expected at most {len(self.plan)}")
        self._go(epoch, at)

    def iter_next(self) -> bool:
        """Go to the next batch, and tell whether there is one."""
        try:
            self._current = self.next()
        except StopIteration:
            self._current = None
            return False
        return True

    def _present(self) -> DataBatch:
        if self._current is None:
            raise RuntimeError("there is no present batch: iter_next() was not called, or returned False")
        return self._current

    def getdata(self) -> Any:
        """Return the data of the present batch: an array, as MXNet's MXDataIter does."""
        return self._present().data[0]

    def getlabel(self) -> Any:
        """Return the labels of the present batch: an array."""
        label = self._present().label
        assert label is not None
        return label[0]

    def getindex(self) -> Any:
        """Return the ids of the records of the present batch, (batch_size,) uint64; 2**64 - 1 where there is none."""
        return self._present().index

    def getpad(self) -> int | None:
        """Return how many rows at the end of the present batch only fill it."""
        return self._present().pad

    def debug_skip_load(self) -> None:
        """Return the next batch again and again, for ever: to measure what consumes it."""
        self._always = self.next()

    def close(self) -> None:
        """End the threads and close the files."""
        self._go(self._epoch, self._at)
        self.plan.source.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def __del__(self) -> None:
        engine: Engine[_Batch] | None = getattr(self, "_engine", None)
        if engine is not None:
            engine.abandon()

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_engine": None, "_buffers": None, "_current": None, "_bad": dict(self._bad)}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._buffers = self._make_buffers()


def processors() -> int:
    """Return how many processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
