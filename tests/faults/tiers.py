"""How many cases a test of faults runs, from which seed, and what it tells of them when it has run.

The environment decides:

    RECORDIO_TIER        quick (plain `pytest tests/faults`), test (`make faults`, minutes), soak (`make soak`, up to an hour)
    RECORDIO_SEED        start of every random choice
    RECORDIO_CASES_NAME  number of cases of one row, whatever its tier; NAME is the row's in capitals
    RECORDIO_SECONDS     after so many seconds a row starts no more of its cases; what it has done is what it tells; 0: no limit
    RECORDIO_FAULTS_LOG  file to which each row appends a line of JSON: row, cases, failures, seconds, seed
"""

from __future__ import annotations

import contextlib
import json
import multiprocessing
import os
import random
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from typing import Any, TypeVar

T = TypeVar("T")

TIER = os.environ.get("RECORDIO_TIER", "quick")
SEED = int(os.environ.get("RECORDIO_SEED", "20250131"))
_SECONDS = float(os.environ.get("RECORDIO_SECONDS", "0"))
_SHOWN = 20  # failures that a message names


def cases(name: str, quick: int, test: int, soak: int) -> int:
    """Return the number of cases that the row *name* runs in this tier."""
    chosen = {"quick": quick, "test": test, "soak": soak}[TIER]
    return int(os.environ.get(f"RECORDIO_CASES_{name.upper().replace('-', '_')}", chosen))


@dataclass
class Row:
    """What has been run of one row of the table, and what failed."""

    name: str
    cases: int = 0
    failures: list[str] = field(default_factory=list)

    def fail(self, case: object, reason: object) -> None:
        """Note a failure; whoever runs the same seed and case sees it again."""
        self.failures.append(f"seed {SEED}, case {case}: {reason}")

    def add(self, done: tuple[int, list[tuple[Any, str]]]) -> None:
        """Add what a chunk of cases has returned: their number, and (case, reason) of those that failed."""
        self.cases += done[0]
        for case, reason in done[1]:
            self.fail(case, reason)


@contextlib.contextmanager
def row(name: str) -> Iterator[Row]:
    """Run a row: time it, write its line of the log, and fail with all its failures at once."""
    run, start = Row(name), time.monotonic()
    try:
        yield run
    except BaseException as error:
        run.fail("unknown", f"{type(error).__name__}: {error}")
        raise
    finally:
        _log(run, time.monotonic() - start)
    shown = "\n".join(run.failures[:_SHOWN])
    assert not run.failures, f"{name}: {len(run.failures)} of {run.cases} cases failed, the first:\n{shown}"
    assert run.cases, f"{name}: no case was run"


def _log(run: Row, seconds: float) -> None:
    path = os.environ.get("RECORDIO_FAULTS_LOG")
    if path:
        line = {"row": run.name, "cases": run.cases, "failures": len(run.failures), "seconds": round(seconds, 1), "seed": SEED}
        with open(path, "a", encoding="utf-8") as log:
            log.write(json.dumps(line) + "\n")


def timely(cases: Iterable[T], weight: float = 1.0) -> Iterator[T]:
    """Yield cases as long as their row has time; *weight* says how much more of it than others."""
    end = time.monotonic() + _SECONDS * weight
    for number, case in enumerate(cases):
        if number and _SECONDS and time.monotonic() > end:
            return
        yield case


def spread(work: Callable[..., Any], chunks: Iterable[tuple[Any, ...]], weight: float = 1.0) -> Iterator[Any]:
    """Yield ``work(*chunk)`` of each chunk; beyond the quick tier on all cores, so *work* must be a function of a module.

    Where the time of a row is limited, chunks come in a random order, so that those that are left out are of all kinds.
    """
    if TIER == "quick":
        for chunk in chunks:
            yield work(*chunk)
        return
    chosen = list(chunks)
    if _SECONDS:
        random.Random(SEED).shuffle(chosen)
    processes = os.cpu_count() or 1
    # Not by fork: what a test process has loaded by now has threads.
    with ProcessPoolExecutor(processes, multiprocessing.get_context("spawn")) as pool:
        waiting = deque[Any]()
        for chunk in timely(chosen, weight):
            waiting.append(pool.submit(work, *chunk))
            while len(waiting) > processes:  # one that waits keeps a core from idling
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


def parts(total: int, size: int) -> Iterator[tuple[int, int]]:
    """Cut the case numbers 0 to *total* into (first, stop) of at most *size* each."""
    for first in range(0, total, size):
        yield first, min(first + size, total)
