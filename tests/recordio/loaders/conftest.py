"""What several tests of iterators need."""

from __future__ import annotations

import os
import signal
import warnings
from collections.abc import Callable

import pytest


@pytest.fixture
def in_a_fork() -> Callable[[Callable[[], bool]], bool]:
    """Tells whether a forked process finds something true, in less than a minute."""

    def found(run: Callable[[], bool]) -> bool:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # of forking beside threads, which is the point
            pid = os.fork()
        if not pid:
            signal.alarm(60)
            try:
                os._exit(0 if run() else 1)
            finally:
                os._exit(2)
        return os.waitpid(pid, 0)[1] == 0

    return found
