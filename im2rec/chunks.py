"""Chunks of work for the pool: each about as long as the others, and what comes of one fits into a worker's ring several times."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from typing import Final

from im2rec.listfile import Item
from im2rec.work import Outcomes

MOST_ITEMS = 64  # in a chunk
_MOST_BYTES: Final = 1 << 20  # of image files in a chunk
_SHARE: Final = 4  # chunks whose outcome a ring should hold: a worker whose ring is full waits for those before it
_FIRST: Final = 4  # how much smaller chunks are as long as nothing has come back
_ASKED: Final = 64  # sizes that are asked for before it is decided whether that is worth its time
_DEAR: Final = 2e-4  # seconds for one; a disk that answers in 1 ms would keep thirty workers waiting


class Chunks:
    """Cuts items into chunks by the bytes of their files, and by what has come of those before.

    What is cut differs from run to run; the records that come of it do not.

    Args:
        items: what to cut, in order.
        size: bytes of the file of a path, 0 where that cannot be known.
        ring: bytes of shared memory of a worker.
    """

    def __init__(self, items: Iterable[Item], size: Callable[[str], int], ring: int) -> None:
        self._items = items
        self._ask = size
        self._room = ring // _SHARE
        self._asked = 0
        self._spent = 0.0
        self._done = self._read = self._made = 0  # items that were not rejected, bytes of their files, bytes of their records

    def note(self, outcomes: Outcomes) -> None:
        """Learn from what has come of the next items."""
        self._done += len(outcomes) - len(outcomes.rejects)
        self._read += outcomes.read
        self._made += sum(outcomes.sizes)

    def __iter__(self) -> Iterator[list[Item]]:
        """Yield the chunks."""
        chunk: list[Item] = []
        left = self.limit()
        for item in self._items:
            chunk.append(item)
            left -= self._size(item.path)
            if left <= 0 or len(chunk) >= MOST_ITEMS:
                yield chunk
                chunk, left = [], self.limit()
        if chunk:
            yield chunk

    def limit(self) -> int:
        """Return the bytes of files with which a chunk is full."""
        if not self._made:
            return min(_MOST_BYTES, self._room) // _FIRST
        return min(_MOST_BYTES, self._room * self._read // self._made)

    def _size(self, path: str) -> int:
        """Return the bytes of a file; where asking takes long, of an average one."""
        if self._asked >= _ASKED and self._spent > self._asked * _DEAR and self._done:
            return self._read // self._done
        start = time.perf_counter()
        size = self._ask(path)
        self._spent += time.perf_counter() - start
        self._asked += 1
        return size
