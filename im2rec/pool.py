"""Ordered, bounded, supervised worker processes; with 0 workers the same work runs here.

What a worker makes reaches the file without a pipe and without pickling: it is written into a ring of shared memory,
and only its place and size are sent; what is larger than half a ring (2 MiB) goes through the pipe, as it is. Blocks come out in
the order of the input whatever the number of workers. Memory is bounded by the rings: a worker whose ring is full waits until the
blocks before its own have been taken. What a worker had made before it died is copied out of its ring, and its place gets no
further work as long as that is more than a ring.

The supervisor never waits for one worker alone: a chunk is sent when its worker is reading, ahead of that only a small one, which
the pipe holds.

A worker that dies or hangs costs at most the image it was working on. It is replaced, and the image is tried once more;
if that kills the new worker too, the image is rejected by name.
"""

from __future__ import annotations

import multiprocessing
import multiprocessing.connection
import os
import signal
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from multiprocessing.reduction import ForkingPickler
from multiprocessing.sharedctypes import RawArray
from typing import Any, Final, Generic, TypeVar

from im2rec.deadline import Deadline
from im2rec.errors import WorkerError
from im2rec.work import Block, Outcomes, PoolOptions, Work, attempt
from im2rec.worker import DATA, STATE, Flush, Large, serve
from recordio import signals

T = TypeVar("T")

_AHEAD: Final = 2  # chunks a worker has to do, so that it never waits for the next
_SENT_AHEAD: Final = 1 << 12  # bytes of a chunk that any system's pipe holds beside what else is in it
_UNTAKEN: Final = 32  # chunks a worker may have done before the first of them is taken
_ATTEMPTS: Final = 2  # deaths on one image before it is rejected
_BARREN: Final = 5  # workers in a row that die without finishing anything before the run is given up
_SERIAL_BLOCK: Final = 1 << 20  # bytes gathered before a block is handed over without workers


def run(chunks: Iterable[list[T]], setup: Callable[[], Work[T]], options: PoolOptions) -> Iterator[Block[T]]:
    """Do the work on all items of all chunks; yield the blocks in order.

    Args:
        chunks: runs of items; drawn only as workers become free.
        setup: makes the work function, once in each process. Must be picklable where processes are spawned.
        options: how.

    Raises:
        WorkerError: workers die without doing anything.
        Exception: what *setup* raised.
    """
    if options.workers:
        yield from _Supervisor(chunks, setup, options).run()
    else:
        yield from _run_here(chunks, setup)


def _run_here(chunks: Iterable[list[T]], setup: Callable[[], Work[T]]) -> Iterator[Block[T]]:
    work = setup()
    items: list[T] = []
    outcomes = Outcomes()
    pieces: list[bytes] = []
    size = 0
    for chunk in chunks:
        for item in chunk:
            done = attempt(work, item)
            items.append(item)
            outcomes.note(done)
            pieces.append(done.data)
            size += len(done.data)
            if size >= _SERIAL_BLOCK:
                yield Block(items, outcomes, memoryview(b"".join(pieces)))
                items, outcomes, pieces, size = [], Outcomes(), [], 0
    if items:
        yield Block(items, outcomes, memoryview(b"".join(pieces)))


@dataclass(slots=True)
class _Task(Generic[T]):
    """A chunk and how far its outcomes have come back."""

    number: int
    items: list[T]
    received: int = 0
    taken: int = 0
    deaths: dict[int, int] = field(default_factory=dict)
    verdicts: dict[int, str] = field(default_factory=dict)

    @property
    def is_received(self) -> bool:
        return self.received == len(self.items)


@dataclass(slots=True)
class _Worker(Generic[T]):
    """A place for a worker process; when one dies, another takes it with the tasks that are left."""

    process: Any = None
    connection: Any = None
    shared: Any = None
    tasks: deque[_Task[T]] = field(default_factory=deque)  # not yet received
    sent: int = 0  # of the tasks, those that the process has been given
    inbox: deque[tuple[Flush | Large, Any]] = field(default_factory=deque)  # message, and the ring or the bytes it speaks of
    untaken: int = 0
    copied: int = 0  # bytes of the inbox that are no longer in a ring
    barren: int = 0


class _Supervisor(Generic[T]):
    def __init__(self, chunks: Iterable[list[T]], setup: Callable[[], Work[T]], options: PoolOptions) -> None:
        self._chunks = filter(None, chunks)  # nothing would come back for an empty one
        self._setup = setup
        self._options = options
        method = options.start_method or _start_method()
        self._context: Any = multiprocessing.get_context(method)
        self._forks = method == "fork"
        self._workers: list[_Worker[T]] = [_Worker() for _ in range(options.workers)]
        self._order: deque[tuple[_Worker[T], _Task[T]]] = deque()
        self._handed_out = 0
        self._more = True
        self._deadline = Deadline(options.timeout, time.monotonic())
        self._awaited: tuple[Any, float] = (None, 0.0)  # what comes next, and since when

    def run(self) -> Iterator[Block[T]]:
        try:
            while True:
                self._hand_out()
                if not self._order:
                    return
                worker, task = self._order[0]
                if worker.inbox and worker.inbox[0][0].chunk == task.number:
                    yield from self._take(worker, task)
                    if task.taken == len(task.items):
                        self._order.popleft()
                        worker.untaken -= 1
                else:
                    self._wait()
        finally:
            self._close()

    # -- work out

    def _hand_out(self) -> None:
        """Give each worker up to two chunks to do, first one each."""
        for depth in range(1, _AHEAD + 1):
            for worker in self._workers:
                if self._more and len(worker.tasks) < depth and worker.untaken < _UNTAKEN and worker.copied < self._options.ring:
                    self._give_next(worker)

    def _give_next(self, worker: _Worker[T]) -> None:
        items = next(self._chunks, None)
        if items is None:
            self._more = False
            return
        task = _Task(self._handed_out, items)
        self._handed_out += 1
        worker.tasks.append(task)
        worker.untaken += 1
        self._order.append((worker, task))
        if worker.process is None:
            self._start(worker)
        else:
            self._send_tasks(worker)

    def _start(self, worker: _Worker[T]) -> None:
        """Start a process in a worker's place and send it the tasks that are left there."""
        try:
            with signals.held():  # multiprocessing's finalizers of things half made do not work
                worker.connection, theirs = self._context.Pipe()
                worker.shared = RawArray("B", DATA + self._options.ring)
        except OSError as error:
            what = error.strerror or error
            raise WorkerError(
                f"workers cannot be given {self._options.ring >> 20} MiB of shared memory each: {what}; --workers 0 needs none"
            ) from None
        STATE.pack_into(worker.shared, 0, 0.0, -1, -1)  # zeros would read as: at item 0 since the machine was started
        inherited = [other.connection for other in self._workers if other.connection is not None] if self._forks else []
        process = self._context.Process(target=serve, args=(theirs, worker.shared, self._setup, inherited), daemon=True)
        try:
            with signals.held():
                process.start()
                worker.process = process
        except OSError as error:
            raise WorkerError(f"worker processes cannot be started: {error.strerror or error}; --workers 0 needs none") from None
        theirs.close()
        worker.sent = 0
        self._send_tasks(worker)

    def _send_tasks(self, worker: _Worker[T]) -> None:
        """Send a worker what is left in its place: the first chunk, and the next one where that cannot mean to wait for the worker."""
        for task in list(worker.tasks)[worker.sent :]:
            message = ForkingPickler.dumps((task.number, task.received, task.items[task.received :], task.verdicts))
            if worker.sent and len(message) > _SENT_AHEAD:
                return
            worker.sent += 1
            self._send_bytes(worker, message)

    def _send(self, worker: _Worker[T], message: Any) -> None:
        self._send_bytes(worker, ForkingPickler.dumps(message))

    def _send_bytes(self, worker: _Worker[T], message: Any) -> None:
        try:
            worker.connection.send_bytes(message)
        except (BrokenPipeError, ConnectionResetError):
            pass  # it is dead; the next wait sees that and gives its tasks to another

    # -- results in

    def _wait(self) -> None:
        """Wait for a message, a death, or an image's deadline."""
        worker, task = self._order[0]
        awaited = (worker.process, task.number, task.received)
        if awaited != self._awaited[0]:
            self._awaited = awaited, time.monotonic()
        places = {worker.connection: worker for worker in self._workers if worker.process is not None}
        for connection in multiprocessing.connection.wait(list(places), self._deadline.pause):
            self._receive(places[connection])
        if self._options.timeout:
            self._end_late()

    def _receive(self, worker: _Worker[T]) -> None:
        """Take in one message; the end of the pipe is the death of its worker."""
        try:
            message = worker.connection.recv()
        except (EOFError, OSError):
            self._replace(worker)
            return
        self._note(worker, message)

    def _note(self, worker: _Worker[T], message: Any) -> None:
        if isinstance(message, Exception):
            raise message
        worker.inbox.append((message, worker.shared))
        worker.barren = 0
        if isinstance(message, Flush):
            self._count_received(worker, len(message.outcomes))

    def _count_received(self, worker: _Worker[T], items: int) -> None:
        worker.tasks[0].received += items
        if worker.tasks[0].is_received:
            worker.tasks.popleft()
            worker.sent -= 1
            self._send_tasks(worker)

    def _take(self, worker: _Worker[T], task: _Task[T]) -> Iterator[Block[T]]:
        message, shared = worker.inbox.popleft()
        if isinstance(message, Large):
            yield from self._take_large(worker, task, message)
            return
        first = task.taken
        task.taken += len(message.outcomes)
        if isinstance(shared, bytes):
            worker.copied -= len(shared)
            yield Block(task.items[first : task.taken], message.outcomes, memoryview(shared))
            return
        view = _made(message, shared)
        yield Block(task.items[first : task.taken], message.outcomes, view)
        view.release()
        if shared is worker.shared:  # the block may have been taken while its worker was replaced
            self._send(worker, message.end)

    def _take_large(self, worker: _Worker[T], task: _Task[T], message: Large) -> Iterator[Block[T]]:
        self._send(worker, "go")
        try:
            data = worker.connection.recv_bytes()
        except (EOFError, OSError):
            self._replace(worker)
            return
        self._count_received(worker, 1)
        task.taken += 1
        yield Block(task.items[task.taken - 1 : task.taken], message.outcomes, memoryview(data))

    # -- deaths

    def _end_late(self) -> None:
        """End workers whose image had its time; and the one that is waited for, when it is at none for as long: it was stopped."""
        self._deadline.look(time.monotonic())
        for worker in self._workers:
            if worker.process is not None and worker.tasks:
                since, chunk, number = STATE.unpack_from(worker.shared)
                # At no image it may be starting, which is chunk -1, or wait for room in its ring, unless all it made was taken.
                if number < 0 <= chunk and worker is self._order[0][0] and not worker.inbox:
                    since = self._awaited[1]
                elif number < 0:
                    continue
                if self._deadline.is_over(since):
                    worker.process.kill()
                    self._replace(worker, late=number)

    def _replace(self, worker: _Worker[T], late: int = -1) -> None:
        """Put a new process in the place of one that died, and settle what killed it; item *late* had its time."""
        self._drain(worker)
        self._copy_out(worker)
        worker.process.join()
        code = worker.process.exitcode
        worker.connection.close()
        worker.connection = None
        worker.barren += 1
        if worker.tasks:
            task = worker.tasks[0]
            _, chunk, number = STATE.unpack_from(worker.shared)
            if chunk == task.number and number >= task.received:
                task.deaths[number] = task.deaths.get(number, 0) + 1
                if number == late:
                    task.verdicts[number] = f"took longer than {self._options.timeout:g} s"
                elif task.deaths[number] >= _ATTEMPTS:
                    task.verdicts[number] = f"ended the process that worked on it ({_death(code)})"
                worker.barren = 0
        if worker.barren >= _BARREN:
            raise WorkerError(f"worker processes end before they have done anything ({_death(code)})")
        self._start(worker)

    def _drain(self, worker: _Worker[T]) -> None:
        """Take in what a dead worker had sent. An announced large item is lost with it and done again."""
        try:
            while worker.connection.poll():
                self._note(worker, worker.connection.recv())
        except (EOFError, OSError):
            pass
        if worker.inbox and isinstance(worker.inbox[-1][0], Large):
            worker.inbox.pop()

    def _copy_out(self, worker: _Worker[T]) -> None:
        """Copy what a dead worker had made, so that its ring can go."""
        for at, (message, shared) in enumerate(worker.inbox):
            if isinstance(message, Flush) and shared is worker.shared:
                data = bytes(_made(message, shared))
                worker.inbox[at] = (message, data)
                worker.copied += len(data)

    def _close(self) -> None:
        """End all workers: those that are done by asking, those that are not by force."""
        done = not self._more and not self._order
        for worker in self._workers:
            if worker.process is None:
                continue
            if done:
                self._send(worker, None)
            else:
                worker.process.kill()
        for worker in self._workers:
            if worker.process is not None:
                worker.process.join()
                if worker.connection is not None:
                    worker.connection.close()


def _made(message: Flush, shared: Any) -> memoryview:
    """Return the part of a ring that a message speaks of."""
    return memoryview(shared).cast("B")[DATA + message.start : DATA + message.start + message.size]


def _start_method() -> str:
    """Choose the quickest way to start processes that is safe: a fork copies no threads, but the locks they hold."""
    if sys.platform != "linux" or not hasattr(os, "fork"):
        return "spawn"
    return "fork" if threading.active_count() == 1 and "cv2" not in sys.modules else "forkserver"


def _death(code: int | None) -> str:
    if code is not None and code < 0:
        try:
            return f"signal {signal.Signals(-code).name}"
        except ValueError:
            return f"signal {-code}"
    return f"exit code {code}"
