"""Threads that work on samples ahead of whoever takes them; results come in the order of the samples."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Generic, TypeVar

from recordio.errors import RecordIOError

_Task = TypeVar("_Task")
_Result = TypeVar("_Result")


class Ahead(Generic[_Task, _Result]):
    """Takes tasks, works on them in threads, and gives out the results in order.

    An error in a task is raised when its turn comes. A forked process starts threads of its own.

    Args:
        take: returns the next task, or raises StopIteration. Called in the thread of whoever takes results.
        work: makes a result of a task.
        threads: how many work; 0: the thread of whoever takes results, when it takes them.
        depth: how many tasks are begun before their results are asked for.
    """

    def __init__(self, take: Callable[[], _Task], work: Callable[[_Task], _Result], threads: int, depth: int) -> None:
        self._take = take
        self._work = work
        self._threads = threads
        self._depth = max(1, depth) if threads else 1
        self._begun: deque[tuple[_Task | None, Future[_Result] | None]] = deque()
        self._stopped = False  # by an error that is no record's: what take gives after it is not known to be what comes next
        self._pool: ThreadPoolExecutor | None = None
        self._pid = 0

    def next(self) -> _Result:
        """Return the next result.

        Raises:
            StopIteration: there are no more tasks.
            Exception: what taking the task or working on it raised.
        """
        self._begin()
        if not self._begun:
            raise StopIteration
        task, future = self._begun.popleft()
        if self._threads:
            self._begin()
        if future is not None:
            return future.result()
        assert task is not None
        return self._work(task)

    def _begin(self) -> None:
        self._start()
        while len(self._begun) < self._depth and not self._stopped:
            try:
                task = self._take()
            except StopIteration:
                return
            except Exception as error:  # noqa: BLE001  (raised when its turn comes)
                self._stopped = not isinstance(error, RecordIOError)
                failed: Future[_Result] = Future()
                failed.set_exception(error)
                self._begun.append((None, failed))
            else:
                self._begun.append((task, self._pool.submit(self._work, task) if self._pool else None))

    def _start(self) -> None:
        """Start the threads, if there are none in this process; those of the process that this was forked from stayed there."""
        if not self._threads or self._pid == os.getpid():
            return
        self._pid = os.getpid()
        self._pool = pool = ThreadPoolExecutor(self._threads, "recordio-images")
        again = [(task, future if task is None else pool.submit(self._work, task)) for task, future in self._begun]
        self._begun = deque(again)

    def clear(self) -> None:
        """Drop what was begun."""
        if self._pid == os.getpid():  # a future of another process may be locked for ever
            for _, future in self._begun:
                if future is not None:
                    future.cancel()
        self._begun.clear()
        self._stopped = False

    def close(self) -> None:
        """Drop what was begun, and end the threads."""
        self.clear()
        if self._pool is not None and self._pid == os.getpid():
            self._pool.shutdown(wait=False, cancel_futures=True)
        self._pool, self._pid = None, 0
