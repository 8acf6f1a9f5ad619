"""How many processes are worth starting on this machine."""

from __future__ import annotations

from typing import Final

from recordio.processors import processors

_HELPERS: Final = 4


def usual_helpers() -> int:
    """Return how many processes open files beside this one: none with one core; more than four make no disk quicker."""
    return min(processors(), _HELPERS) if processors() > 1 else 0
