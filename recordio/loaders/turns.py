"""What iterators have that several threads share: a lock, made anew in forked processes and in copies, and whether they are closed."""

from __future__ import annotations

import os
import threading
import weakref


class Turns:
    """Lets one thread at a time move an iterator on; the thread that has the turn may take it again.

    Args:
        closed: whether the iterator is.

    Attributes:
        lock: to be held, as ``with turns.lock``. A forked process has one of its own: the thread that held it may not be there.
        closed: the same.
    """

    def __init__(self, *, closed: bool = False) -> None:
        self.closed = closed
        self.renew()
        _all.add(self)

    def check_open(self) -> None:
        """Refuse to go on with an iterator that is closed.

        Raises:
            ValueError: it is.
        """
        if self.closed:
            raise ValueError("the iterator is closed")

    def renew(self) -> None:
        """Make a lock that nobody holds."""
        self.lock = threading.RLock()

    def __getstate__(self) -> dict[str, bool]:
        return {"closed": self.closed}

    def __setstate__(self, state: dict[str, bool]) -> None:
        self.closed = state["closed"]
        self.renew()
        _all.add(self)


_all: weakref.WeakSet[Turns] = weakref.WeakSet()


def _renew_all() -> None:
    for each in list(_all):
        each.renew()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew_all)
