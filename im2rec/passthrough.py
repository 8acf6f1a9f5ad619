"""The quickest way for images whose bytes are kept: read straight into the block that is written, in this process.

On a warm cache keeping bytes costs a few system calls an image (docs/performance.md has the measurements). So here one loop
does the work of build's path without copying, and another thread writes its blocks; where there are many small files, and
cores for it, several processes run that loop. On a cold cache the disk is what takes time, and reading ahead makes it several
times quicker. Items that need more (several labels, escaped magic words, files larger than the room) are done in the ordinary way.
"""

from __future__ import annotations

import contextlib
import errno
import functools
import os
import queue
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from itertools import chain, islice
from typing import Any, Final

from im2rec.errors import ImageError
from im2rec.judge import UNKNOWN, Judge
from im2rec.listfile import Item
from im2rec.readers import can_fork, read_beside
from im2rec.source import ImageSource
from im2rec.work import Block, Outcomes, Work, attempt
from recordio import frame, native
from recordio.errors import ImageFormatError
from recordio.header import HEADER_SIZE, SCALAR_RECORD

AVAILABLE: Final = hasattr(os, "readv")
_BLOCK: Final = 1 << 20  # bytes after which a block is handed over
_ITEMS: Final = 256  # and items
_RUN: Final = 32  # items of several labels that are done at once
_MANY: Final = 2048  # items that are worth starting readers
_ASKED: Final = 32  # of them that are asked for their size
_SMALL: Final = 1 << 14  # bytes of a file that costs more to open than to copy, on the average
_LARGE: Final = 1 << 16  # bytes of files of a batch, on the average, that end the reading by others
_ROOM: Final = 1 << 18  # bytes of room that each file finds behind them; larger files go the ordinary way
_PATIENCE: Final = 1.0  # seconds that a read is waited for when the run ends early: one from a dead network disk never returns
_NOT_SEEKABLE: Final = (errno.ESPIPE, errno.EINVAL)
_CAN_ADVISE: Final = hasattr(os, "posix_fadvise")
_WARM_ITEM, _WARM_BYTE = 60e-6, 1e-9  # seconds that an item and a byte of it take at the most when no disk is asked
_START: Final = SCALAR_RECORD.size  # where an image starts in its record


def run(
    items: Iterable[Item], source: ImageSource, width: int, check: Judge | None, work: Work[Item], readers: int = 0
) -> Iterator[Block[Item]]:
    """Read and frame items in order, one block ahead of the caller.

    Args:
        items: what to pack.
        source: opens the files.
        width: labels that go into each record, 0 for all.
        check: judges an image. None looks at nothing.
        work: the ordinary way of an item.
        readers: processes that read beside this one, where there is enough to read and this one can be forked.
    """
    iterator, seal = iter(items), functools.partial(_seal, work)
    if readers and can_fork():
        head = list(islice(iterator, _MANY))
        iterator = chain(head, iterator)
        if len(head) == _MANY and sum(source.size(item.path) for item in head[:: _MANY // _ASKED]) < _SMALL * _ASKED:
            loop = _Loop(source, width, check, work, buffers=1)
            yield from read_beside(iterator, lambda batch: map(seal, loop.run(batch)), readers, _LARGE)
    # One buffer is being filled, one waits, one is being written.
    yield from _ahead(_Loop(source, width, check, work, buffers=3).run(iterator), seal)


class _Loop:
    def __init__(self, source: ImageSource, width: int, check: Judge | None, work: Work[Item], *, buffers: int) -> None:
        self._source = source
        self._width = width
        self._check = check
        self._work = work
        self._waited = 0.0  # seconds spent on the items of a batch
        self._is_cold = False
        self._buffers = [bytearray(_BLOCK + _ROOM) for _ in range(buffers)]

    def run(self, items: Iterable[Item]) -> Iterator[Block[Item]]:
        iterator = iter(items)
        while batch := list(islice(iterator, _ITEMS)):
            if self._is_cold:
                self._read_ahead(batch)
            expected, self._waited = len(batch) * _WARM_ITEM, 0.0
            while batch:
                buffer = self._buffers.pop(0)
                self._buffers.append(buffer)
                outcomes, end = self._fill(buffer, batch)
                done = len(outcomes)
                expected += outcomes.read * _WARM_BYTE
                if done:
                    yield Block(batch[:done], outcomes, memoryview(buffer)[:end])
                else:
                    done = self._count_ordinary(batch)
                    yield _one_by_one(batch[:done], self._work)
                batch = batch[done:]
            # What was read ahead comes as quickly as from memory: once cold, the files are taken to be cold to the end.
            self._is_cold = self._is_cold or (_CAN_ADVISE and self._waited > expected)

    def _count_ordinary(self, items: list[Item]) -> int:
        """Count the first items that go the ordinary way: those with several labels as a run, any other alone."""
        if self._width == 1:
            return 1
        single = next((number for number, item in enumerate(items[:_RUN]) if len(item.labels) == 1), len(items[:_RUN]))
        return max(1, single)

    def _read_ahead(self, items: list[Item]) -> None:
        """Ask the system to read the files of items, all at once: a disk answers many questions quicker than one by one."""
        for item in items:
            try:
                fd = self._source.open(item.path)
            except ImageError:  # said when it is this item's turn
                continue
            with contextlib.suppress(OSError):  # a FIFO, or a file system that takes no advice
                os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_WILLNEED)
            os.close(fd)

    def _fill(self, buffer: bytearray, items: list[Item]) -> tuple[Outcomes, int]:
        """Read items into a buffer as records until it is full, or an item comes that needs the ordinary way.

        Returns:
            The outcomes of the items that were done, and where the last record ends.
        """
        started = time.perf_counter()
        source, check, one_label = self._source, self._check, self._width == 1
        open_, readv, lseek, close, pack = source.open, os.readv, os.lseek, os.close, SCALAR_RECORD.pack_into
        view, limit, no_magic_yet = memoryview(buffer), len(buffer) - 4, 0
        outcomes = Outcomes()
        sizes, reads, position = outcomes.sizes, outcomes.reads, 0
        for id_, labels, path in items:
            if len(labels) != 1 and not one_label:
                break
            try:
                fd = open_(path)
                try:
                    start = position + _START
                    read = readv(fd, (view[start:],))
                    if not read:
                        source.check_regular(fd, path)
                    elif lseek(fd, 0, os.SEEK_END) != read:
                        break  # a short read, as some network file systems give; the ordinary way reads on
                finally:
                    close(fd)
                end = start + read
                if end > limit:
                    break
                info, remark = check(buffer, start, end, path) if check else (UNKNOWN, "")
                pack(buffer, position, no_magic_yet, HEADER_SIZE + read, 0, labels[0], id_, 0)
            except (ImageError, ImageFormatError) as error:
                outcomes.reject(error.reason)
                continue
            except OSError as error:
                if error.errno in _NOT_SEEKABLE:
                    break
                outcomes.reject(f"cannot be read: {error.strerror}")
                continue
            except Exception:  # noqa: BLE001  (the ordinary way says what does not fit, or what went wrong)
                break
            if remark:
                outcomes.remarks[len(sizes)] = remark
            if info.traits:
                outcomes.traits[len(sizes)] = info.traits
            buffer[end : end + 3] = b"\0\0\0"
            size = (_START + read + 3) & ~3
            sizes.append(size)
            reads.append(read)
            position += size
            if position >= _BLOCK:
                break
        self._waited += time.perf_counter() - started
        return outcomes, position


def _seal(work: Work[Item], block: Block[Item]) -> Block[Item]:
    """Put the magic words before the records of a block, unless a payload holds one: then its items are done again.

    The search lets the other thread go on meanwhile.
    """
    buffer, end = block.data.obj, len(block.data)
    if not isinstance(buffer, bytearray):  # done in the ordinary way
        return block
    if native.contains(buffer, frame.MAGIC_BYTES, end):
        return _one_by_one(block.items, work)
    magic, position = frame.MAGIC_BYTES, 0
    for size in block.outcomes.sizes:
        if size:
            buffer[position : position + 4] = magic
            position += size
    return block


def _one_by_one(items: list[Item], work: Work[Item]) -> Block[Item]:
    outcomes = Outcomes()
    pieces = []
    for item in items:
        done = attempt(work, item)
        outcomes.note(done)
        pieces.append(done.data)
    return Block(items, outcomes, memoryview(b"".join(pieces)))


def _ahead(blocks: Iterator[Block[Item]], seal: Callable[[Block[Item]], Block[Item]]) -> Iterator[Block[Item]]:
    """Draw blocks in another thread, one ahead of the caller: it reads while this one writes.

    Blocks are sealed by whichever thread has the time: small images keep the reading one busy, large ones the writing one.
    """
    ready: queue.Queue[Any] = queue.Queue(1)
    stop = threading.Event()

    def draw() -> None:
        try:
            for block in blocks:
                is_late = ready.full()
                ready.put((seal(block), True) if is_late else (block, False))
                if stop.is_set():
                    return
            ready.put(None)
        except BaseException as error:  # noqa: BLE001  (raised again in the caller's thread)
            ready.put(error)

    thread = threading.Thread(target=draw, daemon=True)
    thread.start()
    try:
        while (drawn := ready.get()) is not None:
            if isinstance(drawn, BaseException):
                raise drawn
            block, is_sealed = drawn
            yield block if is_sealed else seal(block)
    finally:
        stop.set()
        end = time.monotonic() + _PATIENCE
        while thread.is_alive() and time.monotonic() < end:
            with contextlib.suppress(queue.Empty):
                ready.get(timeout=0.01)
