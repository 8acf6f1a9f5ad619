"""How many processes are worth starting on this machine."""

from __future__ import annotations

import os
from typing import Final

_HELPERS: Final = 4


def cores() -> int:
    """Return the number of processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def usual_helpers() -> int:
    """Return how many processes open files beside this one: none with one core; more than four make no disk quicker."""
    return min(cores(), _HELPERS) if cores() > 1 else 0
