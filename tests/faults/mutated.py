"""Runs mutated files through the parsers, and keeps those that are not refused as they should be."""

from __future__ import annotations

import random
import sys
import tracemalloc
from pathlib import Path

import mutators
import sets
import targets

MEMORY = 64 << 20  # bytes beside the file's own
_SAMPLED = 64  # each so-manieth case is measured where the process has no limit
FINDS = Path(__file__).resolve().parents[2] / ".faults"  # where files go that break something

Failures = list[tuple[object, str]]


def data_of(kind: str, case: int, seed: int) -> bytes:
    """Return the file of a case."""
    return mutators.mutate(kind, random.Random(seed << 40 ^ case))


def run(kind: str, first: int, stop: int, seed: int, limited: bool) -> tuple[int, Failures]:
    """Run cases of one kind of file.

    Args:
        kind: of mutators.KINDS.
        first: number of the first case.
        stop: number behind the last.
        seed: of all of them.
        limited: this process is only for this, and may have its memory limited.
    """
    failures: Failures = []
    with sets.folder() as folder, targets.no_hang() as wind_up:
        bench = targets.Bench(Path(folder))
        for number, data in enumerate(mutators.seeds(kind)):  # what is loaded when it is first used does not count
            bench.run(kind, data, number * 8)
        if limited:
            limit_memory()
        for case in range(first, stop):
            data = data_of(kind, case, seed)
            wind_up()
            try:
                if limited or case % _SAMPLED:
                    bench.run(kind, data, case)
                else:
                    _run_measured(bench, kind, data, case)
            except Exception as error:  # noqa: BLE001  (whatever it is, it is a find)
                failures.append((f"{kind} {case}", f"{type(error).__name__}: {str(error)[:300]}; kept as {_keep(kind, case, data)}"))
                if isinstance(error, TimeoutError):
                    break
    return stop - first, failures


def limit_memory(more: int = MEMORY) -> None:
    """Let this process have *more* bytes than now, and no more; the files are small. Only Linux keeps to that."""
    if not sys.platform.startswith("linux"):
        return
    import resource

    import numpy as np  # noqa: F401  (OpenBLAS ends the process when it finds too little memory as it is loaded)

    pages = int(Path("/proc/self/statm").read_text().split()[0])
    hard = resource.getrlimit(resource.RLIMIT_AS)[1]
    resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + more, hard))


def _run_measured(bench: targets.Bench, kind: str, data: bytes, case: int) -> None:
    tracemalloc.start()
    try:
        bench.run(kind, data, case - case % 8)  # with a reader of files, too
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak <= len(data) + MEMORY, f"{peak} bytes for a file of {len(data)}"


def _keep(kind: str, case: int, data: bytes) -> str:
    FINDS.mkdir(exist_ok=True)
    path = FINDS / f"find-{case}.{kind}"
    path.write_bytes(data)
    return f"{path}, to be moved to tests/faults/cases"
