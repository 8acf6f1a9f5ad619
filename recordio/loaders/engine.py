"""Threads that fill batches ahead of whoever takes them; batches come in order, whatever thread was first."""

from __future__ import annotations

import os
import weakref
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

import numpy as np

from recordio.loaders import memory

if TYPE_CHECKING:
    from numpy.typing import NDArray

_PIECES = 4  # of a batch for each thread: few enough to cost nothing, enough to end together
_MOST_ROWS = 16  # in one piece


class Job(Protocol):
    """A batch to be filled."""

    @property
    def rows(self) -> int:
        """How many rows are to be filled."""

    def fill(self, first: int, last: int) -> None:
        """Fill the rows from *first* up to *last*."""


_Job = TypeVar("_Job", bound=Job)


class Engine(Generic[_Job]):
    """Fills jobs in threads, some ahead, and gives them out in order.

    An error in a job is raised when the job's turn comes: that of its first faulty row.

    Args:
        jobs: the jobs in order; made when there is room for one.
        threads: how many fill rows.
        ahead: how many jobs are begun before they are asked for; 0 for none.
    """

    def __init__(self, jobs: Iterator[_Job], threads: int, ahead: int) -> None:
        self._jobs = jobs
        self._threads = threads
        self._ahead = ahead
        self._pool = ThreadPoolExecutor(threads, "recordio-loader")
        self._begun: deque[tuple[_Job, list[Future[None]]]] = deque()
        self._pid = os.getpid()
        self._begin(ahead)

    @property
    def usable(self) -> bool:
        """False in a process that was forked from the one that made it: its threads stayed behind."""
        return self._pid == os.getpid()

    def _begin(self, wanted: int) -> None:
        while len(self._begun) < wanted and (job := next(self._jobs, None)) is not None:
            step = min(_MOST_ROWS, -(-job.rows // (_PIECES * self._threads)) or 1)
            pieces = [self._pool.submit(job.fill, first, min(first + step, job.rows)) for first in range(0, job.rows, step)]
            self._begun.append((job, pieces))

    def next(self) -> _Job | None:
        """Return the next job, filled; None behind the last.

        Raises:
            Exception: what filling it raised.
        """
        if not self._begun:
            self._begin(1)
        if not self._begun:
            return None
        job, pieces = self._begun[0]
        for piece in pieces:
            piece.result()
        self._begun.popleft()
        self._begin(self._ahead)
        return job

    def close(self) -> None:
        """End the threads; what is being filled is still finished, what has not been begun is dropped."""
        self._begun.clear()
        if self.usable:
            self._pool.shutdown(wait=True, cancel_futures=True)

    def abandon(self) -> None:
        """Drop what has not been begun, without waiting."""
        self._begun.clear()
        if self.usable:
            self._pool.shutdown(wait=False, cancel_futures=True)


class Buffers:
    """Arrays for batches. The memory of one is used again when nobody holds it any more, nor a view of it.

    A batch of new memory costs a page fault every 4 KiB, a sixth of the time of decoding. Whoever got an array keeps it for as long
    as there is a reference to it; then its memory comes back at once, from whatever thread.

    Args:
        shape: of each.
        dtype: of each.
        most: how many are kept that nobody holds.
    """

    def __init__(self, shape: tuple[int, ...], dtype: Any, most: int) -> None:
        self._shape = shape
        self._dtype = dtype
        self._most = most
        self._free: list[NDArray[np.uint8]] = []

    def take(self) -> NDArray[Any]:
        """Return an array that nobody else holds; what is in it is left from before."""
        try:
            room = self._free.pop()
        except IndexError:
            room = memory.room(self._shape, self._dtype)
        # NumPy lets views refer to what owns the memory, and no further than to an array upon something else: that is what ends with them.
        held = np.frombuffer(room.data, np.uint8)
        weakref.finalize(held, _give_back, self._free, self._most, room).atexit = False
        return memory.within(held, self._shape, self._dtype)


def _give_back(free: list[NDArray[np.uint8]], most: int, room: NDArray[np.uint8]) -> None:
    if len(free) < most:
        free.append(room)


class Ring:
    """Arrays for the batches of a caller who has said that one is done with when the next is asked for: the same few in turn.

    Args:
        ahead: batches that are begun before they are asked for. With the one that is given out, that is how many there are.
        make: makes the arrays of a batch.
    """

    def __init__(self, ahead: int, make: Callable[[], tuple[NDArray[Any], ...]]) -> None:
        self._made = [make() for _ in range(ahead + 1)]
        self._next = 0

    def take(self) -> tuple[NDArray[Any], ...]:
        """Return the arrays that were taken longest ago; what is in them is left from before."""
        self._next = (self._next + 1) % len(self._made)
        return self._made[self._next]
