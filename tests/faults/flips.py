"""Flips every bit of sets and cuts them at every byte, and asks verify what it sees; tests/faults/test_flips.py says why."""

from __future__ import annotations

import os
import random
from pathlib import Path
from typing import IO

import sets
from sets import SUFFIXES, Made

from recordio import frame
from recordio.verify import verify

Failures = list[tuple[object, str]]


def flip(kind: int, seed: object, step: int, start: int) -> tuple[int, Failures]:
    """Flip each *step*-th bit of the three files of a set, from bit *start* on, one at a time."""
    done, failures = 0, []
    with sets.folder() as folder:
        made = sets.make(Path(folder), kind, seed)
        for suffix in SUFFIXES:
            data, owners = made.path(suffix).read_bytes(), made.owners(suffix)
            with open(made.path(suffix), "r+b", buffering=0) as file:
                for bit in range(start % step, 8 * len(data), step):
                    at = bit // 8
                    _put(file, at, data[at] ^ 1 << bit % 8)
                    fault = _missing(made, suffix, at, owners[at])
                    _put(file, at, data[at])
                    done += 1
                    if fault:
                        failures.append((f"set {kind} of seed {seed}, {suffix}, bit {bit}", fault))
    return done, failures


def _put(file: IO[bytes], at: int, byte: int) -> None:
    file.seek(at)
    file.write(bytes((byte,)))


def _missing(made: Made, suffix: str, at: int, key: int | None) -> str:
    """Say what verify does not tell of a byte that was changed; "" when it tells all."""
    report = verify(made.rec, headers=made.headers)
    name = str(made.path(suffix))
    found = [issue for issue in report.issues if issue.file == name and issue.offset is not None]
    found = [issue for issue in found if issue.offset is not None and issue.offset <= at < issue.offset + issue.length]
    if not found:
        return f"no issue covers byte {at}: {[str(issue) for issue in report.issues]}"
    if key is not None and key not in {issue.key for issue in found}:
        return f"no issue of byte {at} names the key {key}: {[str(issue) for issue in found]}"
    return ""


def cut(kind: int, seed: object, step: int, start: int) -> tuple[int, Failures]:
    """Cut each file of a set at each *step*-th byte: with its .sum, and without it but with its .idx."""
    done, failures = 0, []
    with sets.folder() as folder:
        made = sets.make(Path(folder), kind, seed)
        for vouched in (True, False):
            if not vouched:
                made.path(".sum").unlink()
            for suffix in SUFFIXES if vouched else SUFFIXES[:2]:
                path = made.path(suffix)
                data = path.read_bytes()
                for size in reversed(range(start % step, len(data), step)):
                    os.truncate(path, size)
                    done += 1
                    report = verify(made.rec, headers=made.headers)
                    if not report.count or (vouched and str(path) not in {issue.file for issue in report.issues}):
                        case = f"set {kind} of seed {seed}, {suffix} cut to {size} bytes, {'with' if vouched else 'without'} .sum"
                        failures.append((case, f"not found: {[str(issue) for issue in report.issues]}"))
                path.write_bytes(data)
    return done, failures


def clean(first: int, stop: int, seed: object) -> tuple[int, Failures]:
    """Verify random sets that nothing has happened to."""
    failures: Failures = []
    with sets.folder() as folder:
        for case in range(first, stop):
            rng = random.Random(f"{seed} clean {case}")
            records, headers = sets.random_contents(rng)
            made = sets.write(Path(folder), records, headers=headers, checksums=rng.random() < 0.7)
            report = verify(made.rec, headers=headers)
            size = sum(len(frame.encode(payload)) for _, payload in records)
            if report.count or report.records != len(records) or report.size != size:
                failures.append((case, f"{report.records} of {len(records)} records, {[str(issue) for issue in report.issues]}"))
    return stop - first, failures
