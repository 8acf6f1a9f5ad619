"""The quickest way for images whose bytes are kept: read straight into the block that is written, in this process.

On a warm cache keeping bytes costs a few system calls an image, which neither threads nor processes make cheaper
(docs/performance.md has the measurements). So here one loop does the work of build's path without copying; records that
need more (escaped magic words, files larger than the room) are made in the ordinary way.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from typing import Final

from im2rec.errors import ImageError
from im2rec.listfile import Item
from im2rec.source import ImageSource
from im2rec.work import Block, Outcomes, Work, attempt
from recordio import frame
from recordio.errors import BadHeader, ImageFormatError
from recordio.header import pack_header

AVAILABLE: Final = hasattr(os, "readv")
_BLOCK: Final = 1 << 20  # bytes after which a block is handed over
_ROOM: Final = 1 << 18  # bytes of room that each file finds behind them; larger files go the ordinary way


def run(
    items: Iterable[Item], source: ImageSource, width: int, check: Callable[[bytes], str] | None, work: Work[Item]
) -> Iterator[Block[Item]]:
    """Read and frame items in order.

    Args:
        items: what to pack.
        source: opens the files.
        width: labels that go into each record, 0 for all.
        check: looks at an image; returns a remark or raises ImageFormatError. None looks at nothing.
        work: the ordinary way of an item.
    """
    buffer = bytearray(_BLOCK + _ROOM)
    view = memoryview(buffer)
    open_, readv, close = source.open, os.readv, os.close
    taken: list[Item] = []
    outcomes = Outcomes()
    position = 0
    for item in items:
        taken.append(item)
        id_, labels, path = item
        if width:
            labels = labels[:width]
        try:
            header = pack_header(labels[0] if len(labels) == 1 else labels, id_)
            start = position + frame.HEAD_SIZE + len(header)
            fd = open_(path)
            try:
                read = readv(fd, (view[start:],))
                if not read:
                    source.check_regular(fd, path)
            finally:
                close(fd)
            end = start + read
            if end + 4 > len(buffer) or buffer.find(frame.MAGIC_BYTES, start, end) >= 0 or frame.MAGIC_BYTES in header:
                yield from _ordinary(taken, outcomes, view[:position], work)
                taken, outcomes, position = [], Outcomes(), 0
                continue
            remark = check(bytes(view[start:end])) if check else ""
        except ImageError as error:
            outcomes.reject(error.reason)
            continue
        except (ImageFormatError, BadHeader) as error:
            outcomes.reject(error.reason)
            continue
        except OSError as error:
            outcomes.reject(f"cannot be read: {error.strerror}")
            continue
        if remark:
            outcomes.remarks[len(outcomes.sizes)] = remark
        size = frame.seal(buffer, position, len(header) + read)
        buffer[position + frame.HEAD_SIZE : start] = header
        position += size
        outcomes.sizes.append(size)
        outcomes.read += read
        if position >= _BLOCK:
            yield Block(taken, outcomes, view[:position])
            taken, outcomes, position = [], Outcomes(), 0
    if taken:
        yield Block(taken, outcomes, view[:position])


def _ordinary(taken: list[Item], outcomes: Outcomes, data: memoryview, work: Work[Item]) -> Iterator[Block[Item]]:
    """Hand over what is there, then the last item, done in the ordinary way."""
    *before, item = taken
    if before:
        yield Block(before, outcomes, data)
    alone = Outcomes()
    done = attempt(work, item)
    alone.note(done)
    yield Block([item], alone, memoryview(done.data))
