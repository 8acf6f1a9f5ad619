"""Epochs of batches over a plan: resets, states to go on from, bad samples, forks and pickled copies."""

from __future__ import annotations

import logging
from types import TracebackType
from typing import TYPE_CHECKING, Any

from recordio.errors import BadSample
from recordio.loaders import state
from recordio.loaders.batch import DataBatch, StepIter
from recordio.loaders.engine import Engine
from recordio.loaders.plan import Memory, Plan, PlannedBatch, batches
from recordio.loaders.turns import Turns

if TYPE_CHECKING:
    from typing_extensions import Self

_logger = logging.getLogger("recordio.loaders")


class Loader(StepIter):
    """An iterator over a plan: batches until StopIteration, ``reset()``, the batches of the next epoch.

    Decoding goes on in threads ahead of the caller. All batches follow from the plan alone: they are the same for any number
    of threads. Several threads may take batches: each batch is given to one of them. Forked processes go on with threads of their
    own; pickled copies go on where the original was.

    Arrays of a batch belong to the caller for as long as it holds them; memory is used again only when nobody does, unless the
    plan says that buffers are reused.

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
        self._failed = False
        self._bad: dict[int, BadSample] = {}
        self._told = 0
        self._always: DataBatch | None = None
        self._engine: Engine[PlannedBatch] | None = None
        self._memory = Memory(plan)
        self._turns = Turns()
        self._of: dict[str, Any] | None = None  # what a state is of; the keys are read once for it
        if not len(plan):
            _logger.warning(
                "%s: epochs without batches: %d record(s) in part %d of %d, with batch_size=%d and last_batch=%r",
                plan.name, len(plan.sampler), plan.sampler.cut.part, plan.sampler.cut.parts, plan.batch_size, plan.last,
            )  # fmt: skip

    @property
    def reuses_buffers(self) -> bool:
        """Whether a batch is valid only until the next one is asked for."""
        return self.plan.reuse_buffers

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
            BadSample: nothing can be made of a record of this batch; it is named. So it is whenever the batch is asked for again.
            FileError: a .rec cannot be read; the same holds.
            ValueError: the iterator is closed.
        """
        with self._turns.lock:
            return self._next()

    def _next(self) -> DataBatch:
        self._turns.check_open()
        if self._always is not None:
            return self._always
        if self._at >= len(self.plan):
            raise StopIteration
        if self._engine is None or not self._engine.usable:
            planned = batches(self.plan, self._epoch, self._at, self._memory, self._bad)
            self._engine = Engine(planned, self.plan.threads, self.plan.ahead)
        try:
            batch = self._engine.next()
        except Exception:
            self._failed = True
            raise
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
        """Go to the start of the next epoch; at the start of one, stay there, unless its first batch could not be made."""
        with self._turns.lock:
            self._turns.check_open()
            if self._at or self._failed:
                self._go(self._epoch + 1, 0)

    def _go(self, epoch: int, at: int) -> None:
        if self._engine is not None:
            self._engine.close()
            self._engine = None
        self._epoch, self._at, self.current_batch, self._failed = epoch, at, None, False

    def state_dict(self) -> dict[str, Any]:
        """Return where the iterator stands, as plain values: which batch of which epoch comes next, and of what.

        What was decoded ahead does not count: the next batch is the one that the caller has not had.
        """
        with self._turns.lock:
            return state.make(self._identity(), epoch=self._epoch, batch=self._at)

    def _identity(self) -> dict[str, Any]:
        if self._of is None:
            plan = self.plan
            source: Any = plan.source
            seeds = [plan.sampler.seed, plan.sampler.chunk_seed, plan.seed]
            self._of = state.identify(
                plan.sampler, source.keys, batch_size=plan.batch_size, seeds=seeds, last=plan.last, options=plan.recipe
            )
        return self._of

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go to where an iterator with the same parameters stood.

        Raises:
            ValueError: the state is of an iterator that differs in what batches follow from; the message says in what.
        """
        state.check(state_dict, self._identity())
        epoch, at = int(state_dict["epoch"]), int(state_dict["batch"])
        if epoch < 0 or not 0 <= at <= len(self.plan):
            raise ValueError(f"the state says batch {at} of epoch {epoch}, expected at most {len(self.plan)}")
        with self._turns.lock:
            self._turns.check_open()
            self._go(epoch, at)

    def iter_next(self) -> bool:
        """Go to the next batch, and tell whether there is one."""
        try:
            self.current_batch = self.next()
        except StopIteration:
            self.current_batch = None
            return False
        return True

    def getdata(self) -> Any:
        """Return the data of the present batch: an array, as MXNet's MXDataIter does."""
        return self._present().data[0]

    def getlabel(self) -> Any:
        """Return the labels of the present batch: an array."""
        label = self._present().label
        assert label is not None
        return label[0]

    def debug_skip_load(self) -> None:
        """Return the next batch again and again, for ever: to measure what consumes it."""
        self._always = self.next()

    def close(self) -> None:
        """End the threads and close the files; no batch comes any more."""
        with self._turns.lock:
            self._go(self._epoch, self._at)
            self._turns.closed = True
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
        with self._turns.lock:
            state = {**self.__dict__, "_engine": None, "_memory": None, "current_batch": None, "_bad": dict(self._bad)}
        return {**state, "_turns": Turns(closed=self._turns.closed)}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._memory = Memory(self.plan)
