"""PrefetchingIter: other iterators in threads, a batch ahead, as in mxnet.io."""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

from recordio.loaders import checks, state
from recordio.loaders.batch import DataBatch, DataDesc, DataIter, StepIter
from recordio.loaders.turns import Turns


class PrefetchingIter(StepIter):
    """Runs one or several iterators in threads, a batch ahead; batches of several are joined to one.

    Several threads may take batches: each batch is given to one of them.
    A forked process goes on with threads of its own, a pickled copy where the original was: what was fetched ahead is fetched
    again, for which the iterators must have states.

    Args:
        iters: an iterator, or a list of them with as many batches each.
        rename_data: for each iterator, its names of data and what they become.
        rename_label: the same of labels.

    Raises:
        TypeError: *iters* has something else in it.
        ValueError: there are none, one has reuse_buffers=True, or names to change are not there.
    """

    def __init__(
        self,
        iters: DataIter | Sequence[DataIter],
        rename_data: Sequence[dict[str, str]] | None = None,
        rename_label: Sequence[dict[str, str]] | None = None,
    ) -> None:
        self.iters: list[Any] = list(iters) if isinstance(iters, (list, tuple)) else [iters]
        if not self.iters:
            raise ValueError("no iterators, expected at least one")
        checks.check_iterators("iters", self.iters)
        if any(getattr(each, "reuses_buffers", False) for each in self.iters):
            raise ValueError("an iterator with reuse_buffers=True: a batch would be overwritten by the one that is fetched ahead of it")
        for name, renames in (("rename_data", rename_data), ("rename_label", rename_label)):
            if renames is not None and len(renames) != len(self.iters):
                raise ValueError(f"{name} for {len(renames)} iterators, expected {len(self.iters)}")
        _check_renames("rename_data", rename_data, [each.provide_data for each in self.iters])
        _check_renames("rename_label", rename_label, [each.provide_label for each in self.iters])
        super().__init__(self.iters[0].provide_data[0][1][0])
        self.n_iter = len(self.iters)
        self.rename_data = rename_data
        self.rename_label = rename_label
        self._turns = Turns()
        self._start()

    def _start(self) -> None:
        self._pid = os.getpid()
        self._pool = ThreadPoolExecutor(self.n_iter, "recordio-prefetch")
        self._coming: list[Future[DataBatch | None]] = []
        self._before: list[dict[str, Any] | None] = []  # states of the iterators in front of what is coming

    def _come_over(self) -> None:
        """In a process that was forked from the one that fetched ahead, whose threads stayed there: go back to before that."""
        if self._pid == os.getpid():
            return
        before = self._fetched_from()
        self._start()
        self._go_back(before)

    def _fetched_from(self) -> list[dict[str, Any]]:
        """Return the states from which what is coming can be fetched again; none where nothing is."""
        found = []
        for iterator, state_dict in zip(self.iters, self._states(), strict=True):
            if self._coming and state_dict is None:
                raise RuntimeError(f"{type(iterator).__name__} has no state_dict: another process or copy cannot fetch again what is ahead")
            found += [state_dict] if state_dict is not None else []
        return found

    def _go_back(self, before: Sequence[dict[str, Any]]) -> None:
        for iterator, state_dict in zip(self.iters, before, strict=False):
            iterator.load_state_dict(state_dict)

    @property
    def provide_data(self) -> list[DataDesc]:
        """A DataDesc for each array of each iterator, renamed."""
        return _renamed([each.provide_data for each in self.iters], self.rename_data)

    @property
    def provide_label(self) -> list[DataDesc]:
        """A DataDesc for each array of labels of each iterator, renamed."""
        return _renamed([each.provide_label for each in self.iters], self.rename_label)

    def _begin(self) -> None:
        self._before = [_state_or_none(each) for each in self.iters]
        self._coming = [self._pool.submit(_next_or_none, each) for each in self.iters]

    def _wait(self) -> None:
        for each in self._coming:
            if not each.cancelled():
                each.exception()  # an error of a batch that nobody asked for is nobody's

    def _drop(self) -> None:
        self._wait()
        self._coming = []

    def state_dict(self) -> dict[str, Any]:
        """Return where the iterator stands, with the states of the others; what is fetched ahead does not count."""
        with self._turns.lock:
            self._come_over()
            states = zip(self.iters, self._states(), strict=True)
            inner = [each.state_dict() if before is None else before for each, before in states]
            return state.make({"iterators": self.n_iter}, inner=inner)

    def _states(self) -> list[dict[str, Any] | None]:
        return self._before if self._coming else [None] * self.n_iter

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go to where an iterator over others with the same arguments stood.

        Raises:
            ValueError: the state is of more or fewer iterators, or of others.
        """
        state.check(state_dict, {"iterators": self.n_iter})
        with self._turns.lock:
            self._come_over()
            self._drop()
            for each, inner in zip(self.iters, state_dict["inner"], strict=True):
                each.load_state_dict(inner)
            self.current_batch = None

    def reset(self) -> None:
        """Go to the start of the next epoch."""
        with self._turns.lock:
            self._turns.check_open()
            self._come_over()
            self._drop()
            for iterator in self.iters:
                iterator.reset()
            self._begin()

    def next(self) -> DataBatch:
        """Return the next batch.

        Raises:
            StopIteration: the epoch is over.
            ValueError: the iterator is closed.
        """
        with self._turns.lock:
            return super().next()

    def iter_next(self) -> bool:
        """Go to the next batch, and tell whether there is one.

        Raises:
            ValueError: one iterator ends before another, their pads differ, or the iterator is closed.
        """
        with self._turns.lock:
            return self._advance()

    def _advance(self) -> bool:
        self._turns.check_open()
        self._come_over()
        if not self._coming:
            self._begin()
        found = [each.result() for each in self._coming]
        batches = [batch for batch in found if batch is not None]
        if not batches:
            return False
        if len(batches) < len(found):
            raise ValueError("one iterator ends before another, expected as many batches of each")
        if len({batch.pad for batch in batches}) > 1:
            raise ValueError(f"batches with pads {[batch.pad for batch in batches]}, expected the same of each iterator")
        self._begin()
        self.current_batch = DataBatch(
            [array for batch in batches for array in batch.data],
            [array for batch in batches for array in batch.label or ()],
            batches[0].pad,
            batches[0].index,
            provide_data=self.provide_data,
            provide_label=self.provide_label,
        )
        return True

    def close(self) -> None:
        """End the threads; no batch comes any more."""
        with self._turns.lock:
            self._turns.closed = True
            if self._pid == os.getpid():
                self._pool.shutdown(wait=True, cancel_futures=True)

    def __getstate__(self) -> dict[str, Any]:
        with self._turns.lock:
            self._come_over()
            self._wait()  # so that no iterator changes while it is copied
            state = {**self.__dict__, "_pool": None, "_coming": None, "_before": self._fetched_from(), "current_batch": None}
        return {**state, "_turns": Turns(closed=self._turns.closed)}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._start()
        self._go_back(state["_before"])


def _state_or_none(iterator: Any) -> dict[str, Any] | None:
    """Return the state of an iterator, where it has any."""
    try:
        found: dict[str, Any] = iterator.state_dict()
    except (NotImplementedError, AttributeError):
        return None
    return found


def _next_or_none(iterator: DataIter) -> DataBatch | None:
    try:
        return iterator.next()
    except StopIteration:
        return None


def _check_renames(name: str, renames: Sequence[dict[str, str]] | None, described: list[list[Any]]) -> None:
    """Check that all names that are to be changed are there."""
    for number, (names, descs) in enumerate(zip(renames or (), described, strict=False)):
        there = [each[0] for each in descs]
        for old in names:
            if old not in there:
                raise ValueError(f"{name}: iterator {number} has no {old!r}, expected one of {', '.join(there)}")


def _renamed(described: list[list[Any]], renames: Sequence[dict[str, str]] | None) -> list[DataDesc]:
    found = []
    for number, each in enumerate(described):
        names = renames[number] if renames else {}
        for one in each:
            desc = one if isinstance(one, DataDesc) else DataDesc(*one)
            found.append(DataDesc(names.get(desc.name, desc.name), desc.shape, desc.dtype, desc.layout))
    return found
