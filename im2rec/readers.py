"""Processes that read images whose bytes are kept, beside the one that writes them.

A file costs a few calls of the system, and Python's lock lets no two threads of a process make use of that time. So each reader
is a fork of this process: it runs passthrough's loop over batches of the list, and copies the blocks into memory that both share.
Neither files nor items go through a pipe, only their numbers and what became of them.

Readers are no more than a help: the batch of one that died, or that has met something it cannot share, is done here, in the
ordinary way. Blocks come out in the order of the list.
"""

from __future__ import annotations

import contextlib
import gc
import mmap
import os
import pickle
import select
import signal
import struct
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any, Final, NoReturn

from im2rec.listfile import Item
from im2rec.work import Block, Outcomes
from im2rec.worker import settle_signals
from recordio import signals

_INBOX: Final = 1 << 18  # bytes of shared memory for a batch of items
_SLOT: Final = 5 << 18  # and for a block; a larger one is made in the writing process
_SLOTS: Final = 3  # one is being filled, one waits, one is being written
_AHEAD: Final = 2  # batches that a reader has been given; each has its own inbox
_ITEMS: Final = 256  # items of a batch at the most
_BATCH: Final = 1 << 20  # bytes that the files of a batch should have, or the readers would wait for each other
_FREE, _WORK = 0, 1
_PATIENCE: Final = 1.0  # seconds that the end of a killed reader is waited for: one that reads from a dead network disk may have none
_GLANCE: Final = 0.0005
_STALLED: Final = 10.0  # seconds without a word after which a reader is given up, when it was stopped
_ORDER: Final = struct.Struct("<BII")  # to a reader: work, an inbox, the bytes in it; or free, a slot, 0
_LENGTH: Final = struct.Struct("<I")  # from a reader: bytes of the message that follows
_LARGE: Final = -1  # in place of a slot: the items are to be done in the writing process

Batch = list[Item]
Loop = Callable[[Batch], Iterator[Block[Item]]]


def can_fork() -> bool:
    """Tell whether this process may fork: a fork has the locks of other threads, Python's or a library's, but not the threads."""
    if sys.platform != "linux" or "cv2" in sys.modules:
        return False
    try:
        return len(os.listdir("/proc/self/task")) == 1
    except OSError:
        return False


def read_beside(items: Iterator[Item], loop: Loop, readers: int, most: float) -> Iterator[Block[Item]]:
    """Read and frame items by several processes, as long as their files are small; yield the blocks in order.

    Args:
        items: what to pack. When files become larger, the rest is left.
        loop: makes the blocks of a batch: in the readers, and here when one is gone.
        readers: processes.
        most: bytes of a file, on a batch's average, up to which it counts as small.
    """
    crew = [_Reader() for _ in range(readers)]
    waiting: deque[tuple[_Reader, Batch]] = deque()
    size = 32  # items of the next batch; 0 when no more are to be read here
    try:
        for reader in crew:
            reader.start(loop, crew)
        while True:
            reader = min(crew, key=_Reader.count_given)
            if reader.count_given() < _AHEAD and (batch := list(islice(items, size))):
                reader.give(batch)
                waiting.append((reader, batch))
                continue
            if not waiting:
                return
            reader, batch = waiting.popleft()
            read = 0
            for block in reader.take(batch, loop):
                read += block.outcomes.read
                yield block
            size = max(1, min(_ITEMS, _BATCH * len(batch) // max(1, read))) if size and read <= most * len(batch) else 0
    finally:
        with signals.held():
            for reader in crew:
                reader.kill()
            end = time.monotonic() + _PATIENCE
            for reader in crew:
                reader.wait(end)


class _Reader:
    """A reader as the writing process sees it."""

    def __init__(self) -> None:
        self._memory: mmap.mmap
        self._given: deque[bool] = deque()  # batches that have not been taken, and whether the process has them
        self._inbox = 0
        self._pid = 0
        self._gone = False
        self._orders = self._answers = -1

    def count_given(self) -> int:
        """Return how many batches it has."""
        return len(self._given)

    def start(self, loop: Loop, crew: list[_Reader]) -> None:
        """Start the process; where the system has no room for one, its batches are done here.

        Args:
            loop: makes the blocks of a batch.
            crew: all readers.
        """
        with signals.held(), contextlib.ExitStack() as theirs, contextlib.suppress(OSError):
            self._memory = mmap.mmap(-1, _AHEAD * _INBOX + _SLOTS * _SLOT)
            orders, self._orders = os.pipe()
            theirs.callback(os.close, orders)
            self._answers, answers = os.pipe()
            theirs.callback(os.close, answers)
            self._pid = os.fork()
            if not self._pid:
                _serve(self._memory, orders, answers, loop, crew)

    def give(self, batch: Batch) -> None:
        """Give it the next batch."""
        data = pickle.dumps(tuple(zip(*batch, strict=True)), pickle.HIGHEST_PROTOCOL)
        takes_it = len(data) <= _INBOX and self._pid > 0 and not self._gone
        if takes_it:
            start = self._inbox * _INBOX
            self._memory[start : start + len(data)] = data
            self._order(_WORK, self._inbox, len(data))
            self._inbox = (self._inbox + 1) % _AHEAD
        self._given.append(takes_it)

    def _order(self, what: int, place: int, size: int = 0) -> None:
        with contextlib.suppress(BrokenPipeError):  # that it is dead is seen when its answer is missing
            os.write(self._orders, _ORDER.pack(what, place, size))

    def take(self, batch: Batch, loop: Loop) -> Iterator[Block[Item]]:
        """Yield the blocks of the batch that was given first; *loop* makes what the reader does not."""
        has_it = self._given.popleft()
        while batch:
            answer = self._receive() if has_it and not self._gone else None
            if answer is None:
                yield from loop(batch)
                return
            slot, size, outcomes = answer
            done = batch[: len(outcomes)]
            if slot == _LARGE:
                yield from loop(done)
            else:
                start = _AHEAD * _INBOX + slot * _SLOT
                with memoryview(self._memory) as memory, memory[start : start + size] as data:
                    yield Block(done, outcomes, data)
                self._order(_FREE, slot)
            batch = batch[len(done) :]

    def _receive(self) -> tuple[int, int, Outcomes] | None:
        """Receive an answer; None when the process is gone, or was stopped long ago. For a slow disk it may take as long as it likes."""
        poll = select.poll()
        poll.register(self._answers, select.POLLIN)
        while not (said := poll.poll(_STALLED * 1000)) and not _is_stopped(self._pid):
            pass
        if said:
            length = _read(self._answers, _LENGTH.size)
            message = _read(self._answers, *_LENGTH.unpack(length)) if length else b""
            if message:
                return pickle.loads(message)  # type: ignore[no-any-return]  # noqa: S301  (from a fork of this process)
        self._gone = True  # whatever it may still say is of images that are done here now
        self._end()
        return None

    def close(self) -> None:
        """Close this side of the pipes."""
        for fd in (self._orders, self._answers):
            if fd >= 0:
                os.close(fd)
        self._orders = self._answers = -1

    def kill(self) -> None:
        """Close the pipes and end the process, whatever it is doing."""
        self.close()
        self._end()

    def _end(self) -> None:
        if self._pid:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self._pid, signal.SIGKILL)

    def wait(self, end: float) -> None:
        """Wait until the killed process is gone, or the time has come."""
        with contextlib.suppress(ChildProcessError):  # where SIGCHLD is ignored, nobody is told
            while self._pid and not os.waitpid(self._pid, os.WNOHANG)[0] and time.monotonic() < end:
                time.sleep(_GLANCE)
        self._pid = 0


def _is_stopped(pid: int) -> bool:
    """Tell whether somebody has stopped a process."""
    try:
        state = Path(f"/proc/{pid}/stat").read_bytes()
    except OSError:
        return False
    return state.rpartition(b")")[2].split()[0] == b"T"


def _read(fd: int, length: int) -> bytes:
    """Read exactly *length* bytes from a pipe; nothing when it ends before."""
    data = b""
    while len(data) < length:
        more = os.read(fd, length - len(data))
        if not more:
            return b""
        data += more
    return data


def _serve(memory: mmap.mmap, orders: int, answers: int, loop: Loop, crew: list[_Reader]) -> NoReturn:
    """Be a reader, until the writing process is gone. What goes wrong ends it, and is met again, and said, by the other."""
    try:
        for other in crew:  # or it would not be seen that the writing process is gone
            other.close()
        settle_signals()
        gc.freeze()  # or all that this process inherited would be looked through, and copied for that
        _Server(memory, orders, answers).serve(loop)
    finally:
        os._exit(0)


class _Server:
    """A reader's own side."""

    def __init__(self, memory: mmap.mmap, orders: int, answers: int) -> None:
        self._memory = memory
        self._orders = orders
        self._answers = answers
        self._free = deque(range(_SLOTS))
        self._batches: deque[tuple[int, int]] = deque()

    def serve(self, loop: Loop) -> None:
        while True:
            while not self._batches:
                self._receive()
            inbox, size = self._batches.popleft()
            ids, labels, paths = pickle.loads(self._memory[inbox * _INBOX : inbox * _INBOX + size])  # noqa: S301  (from the process it is a fork of)
            for block in loop(list(map(Item, ids, labels, paths))):
                self._put(block)

    def _receive(self) -> None:
        order = _read(self._orders, _ORDER.size)
        if not order:
            raise EOFError
        what, place, size = _ORDER.unpack(order)
        if what == _FREE:
            self._free.append(place)
        else:
            self._batches.append((place, size))

    def _put(self, block: Block[Item]) -> None:
        size = len(block.data)
        if size > _SLOT:
            self._answer(_LARGE, 0, block.outcomes)
            return
        while not self._free:
            self._receive()
        slot = self._free.popleft()
        start = _AHEAD * _INBOX + slot * _SLOT
        self._memory[start : start + size] = block.data
        self._answer(slot, size, block.outcomes)

    def _answer(self, slot: int, size: int, outcomes: Outcomes) -> None:
        message: Any = pickle.dumps((slot, size, outcomes), pickle.HIGHEST_PROTOCOL)
        message = _LENGTH.pack(len(message)) + message
        while message:
            message = message[os.write(self._answers, message) :]
