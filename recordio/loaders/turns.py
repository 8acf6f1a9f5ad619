"""A lock for iterators that several threads share: it is made anew in forked processes and in copies."""

from __future__ import annotations

import os
import threading
import weakref


class Turns:
    """Lets one thread at a time move an iterator on; the thread that has the turn may take it again.

    Attributes:
        lock: to be held, as ``with turns.lock``. A forked process has one of its own: the thread that held it may not be there.
    """

    def __init__(self) -> None:
        self.renew()
        _all.add(self)

    def renew(self) -> None:
        """Make a lock that nobody holds."""
        self.lock = threading.RLock()

    def __reduce__(self) -> tuple[type[Turns], tuple[()]]:
        return Turns, ()


_all: weakref.WeakSet[Turns] = weakref.WeakSet()


def _renew_all() -> None:
    for each in list(_all):
        each.renew()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew_all)
