"""Epochs of batches over a plan: resets, states to go on from, bad samples, forks and pickled copies."""

from __future__ import annotations

import logging
import os
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final

from recordio.errors import BadSample
from recordio.loaders.batch import DataBatch, DataIter
from recordio.loaders.engine import Buffers, Engine
from recordio.loaders.plan import Plan, PlannedBatch, batches

if TYPE_CHECKING:
    from typing_extensions import Self

_STATE: Final = 1  # version of what state_dict returns

_logger = logging.getLogger("recordio.loaders")


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
        self._engine: Engine[PlannedBatch] | None = None
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
            planned = batches(self.plan, self._epoch, self._at, self._buffers, self._bad)
            self._engine = Engine(planned, self.plan.threads, self.plan.ahead)
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
        engine: Engine[PlannedBatch] | None = getattr(self, "_engine", None)
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
