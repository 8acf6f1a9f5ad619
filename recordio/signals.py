"""Holding back the signals that ask a process to end, for the moments in which it must not."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Iterator
from types import FrameType
from typing import Final

ENDING: Final = [signal.SIGINT, signal.SIGTERM, *([signal.SIGHUP] if hasattr(signal, "SIGHUP") else [])]


@contextlib.contextmanager
def held() -> Iterator[None]:
    """Let signals that end this process wait until the block is left.

    A mask keeps them from this thread, and from a process that it starts; but libraries have threads of their own, which
    take them instead, and Python then calls the handlers in the main thread: so these only take note meanwhile.
    """
    noted: list[int] = []
    with _masked(), _noting(noted):
        yield
    for number in noted[:1]:
        signal.raise_signal(number)


@contextlib.contextmanager
def _masked() -> Iterator[None]:
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, ENDING)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextlib.contextmanager
def _noting(noted: list[int]) -> Iterator[None]:
    if threading.current_thread() is not threading.main_thread():  # handlers are called in the main one, and not here
        yield
        return

    def note(number: int, _: FrameType | None) -> None:
        noted.append(number)

    before = {number: signal.getsignal(number) for number in ENDING}
    taken = [number for number, handler in before.items() if handler not in (signal.SIG_IGN, None)]
    try:
        for number in taken:
            signal.signal(number, note)
        yield
    finally:
        for number in taken:
            signal.signal(number, before[number])
