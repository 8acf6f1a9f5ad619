"""Where augmentation takes its random numbers: within an iterator from the sample's own, else from Python's module random."""

from __future__ import annotations

import contextlib
import random
import threading
from collections.abc import Iterator
from typing import Any

_local = threading.local()


def current() -> Any:
    """Return what augmentation draws from in this thread: an object with the functions of the module random.

    Outside of iterators it is that module itself, so ``random.seed`` makes a call repeatable, as in MXNet.
    """
    return getattr(_local, "draw", None) or random


@contextlib.contextmanager
def using(draw: random.Random) -> Iterator[None]:
    """Let augmentation draw from *draw* within a block, in this thread."""
    before = getattr(_local, "draw", None)
    _local.draw = draw
    try:
        yield
    finally:
        _local.draw = before
