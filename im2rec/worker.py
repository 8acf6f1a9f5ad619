"""A worker process: takes chunks of items from its pipe, puts what it makes into its ring of shared memory."""

from __future__ import annotations

import signal
import struct
import time
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, Generic, NamedTuple, TypeVar

from im2rec.work import Attempt, Outcomes, Work, attempt
from recordio.signals import ENDING

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

T = TypeVar("T")

STATE: Final = struct.Struct("<dqq")  # since when, and the chunk and item that a worker is at (-1: none; no chunk: it is starting)
DATA: Final = 64  # where the ring starts in the shared memory, behind the state


class Flush(NamedTuple):
    """Sent by a worker: outcomes of the next items of a chunk, and where their bytes stand in the ring."""

    chunk: int
    outcomes: Outcomes
    start: int
    size: int
    end: int  # the ring's counter behind them, to be sent back when they have been taken


class Large(NamedTuple):
    """Sent by a worker: the next item is too large for the ring; its bytes follow through the pipe when asked for."""

    chunk: int
    outcomes: Outcomes


class _Stop(Exception):
    pass


class _Server(Generic[T]):
    """A worker's side of the ring and of the pipe."""

    def __init__(self, connection: Connection, shared: Any, setup: Callable[[], Work[T]]) -> None:
        self._connection = connection
        self._shared = memoryview(shared).cast("B")
        self._size = len(self._shared) - DATA
        self._setup = setup
        self._tasks: deque[tuple[int, int, list[T], dict[int, str]]] = deque()
        self._written = self._freed = 0  # counters of ring bytes; a place is its counter modulo the ring's size
        self._start = 0  # counter at which the bytes that have not been sent begin
        self._outcomes = Outcomes()
        self._chunk = -1
        self._go = False

    def serve(self) -> None:
        self._mark(-1)
        work = self._setup()
        self._chunk = 0
        self._mark(-1)
        while True:
            while not self._tasks:
                self._receive()
            self._chunk, first, items, verdicts = self._tasks.popleft()
            for number, item in enumerate(items, first):
                if number in verdicts:
                    self._outcomes.reject(verdicts[number])
                    continue
                self._mark(number)
                done = attempt(work, item)
                self._mark(-1)
                self._put(done)
            self._flush()

    def _mark(self, number: int) -> None:
        STATE.pack_into(self._shared, 0, time.monotonic(), self._chunk, number)

    def _put(self, done: Attempt) -> None:
        size = len(done.data)
        if size > self._size // 2:
            self._send_large(done)
            return
        room = self._size - self._written % self._size
        if size > room:
            self._flush()
            self._written += room
            self._start = self._written
        elif room == self._size:  # what has not been sent ends with the ring itself, and must not go on at its start
            self._flush()
        while self._written + size - self._freed > self._size:
            self._flush()
            self._receive()
        place = DATA + self._written % self._size
        self._shared[place : place + size] = done.data
        self._written += size
        self._outcomes.note(done)

    def _send_large(self, done: Attempt) -> None:
        self._flush()
        outcomes = Outcomes()
        outcomes.note(done)
        self._connection.send(Large(self._chunk, outcomes))
        while not self._go:
            self._receive()
        self._go = False
        self._connection.send_bytes(done.data)

    def _flush(self) -> None:
        if self._outcomes:
            size = self._written - self._start
            self._connection.send(Flush(self._chunk, self._outcomes, self._start % self._size, size, self._written))
            self._outcomes = Outcomes()
            self._start = self._written

    def _receive(self) -> None:
        message = self._connection.recv()
        if isinstance(message, int):
            self._freed = message
        elif message is None:
            raise _Stop
        elif message == "go":
            self._go = True
        else:
            self._tasks.append(message)


def settle_signals() -> None:
    """Leave it to the process that started this one what a signal to both means."""
    for number in ENDING:
        if number == signal.SIGINT:
            signal.signal(number, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the supervisor decides
        elif signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, signal.SIG_DFL)
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_UNBLOCK, ENDING)


def serve(connection: Connection, shared: Any, setup: Callable[[], Work[Any]], inherited: list[Connection]) -> None:
    """Run a worker process until its supervisor stops it or is gone."""
    settle_signals()
    for other in inherited:  # or this worker would keep its siblings from noticing that the supervisor is gone
        other.close()
    try:
        _Server(connection, shared, setup).serve()
    except (_Stop, EOFError, BrokenPipeError, ConnectionResetError):
        pass
    except Exception as error:  # noqa: BLE001  (raised again by the supervisor)
        connection.send(error)
