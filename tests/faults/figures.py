"""Prints the figures that a run of the fault tests has logged, one row a line: row, cases, failures, seconds, seed.

python tests/faults/figures.py LOG
python tests/faults/figures.py --page TESTLOG SOAKLOG      the table of docs/reliability.md
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any, NamedTuple


class Promise(NamedTuple):
    """A line of the page: a fault, what holds, and the rows of the log that show it."""

    fault: str
    promise: str
    rows: tuple[str, ...]


PROMISES = [
    Promise("any bit flipped in .rec, .idx, .sum", "`verify` exits with 1 and names file, key and bytes", ("flips",)),
    Promise("nothing at all", "`verify` raises no alarm, over random sets", ("clean sets",)),
    Promise("a file cut at any byte", "found with .idx or .sum", ("cuts",)),
    Promise(
        "flips, zeroed sectors, bytes deleted or inserted, several at once",
        "`salvage` keeps what is untouched, invents nothing, tells exactly what is lost",
        ("salvage",),
    ),
    Promise("mutated .rec, .idx, .lst, .sum, journal", "only documented errors, no hang, memory <= file + 64 MiB", ("mutated",)),
    Promise("the same under a fuzzer that sees what code it reaches", "the same", ("atheris",)),
    Promise("lengths, flags, offsets that lie", "refused before anything is allocated, peak <= 16 MiB", ("lying",)),
    Promise(
        "power loss at any call",
        "final names show nothing, the old set, the new one, or main files alone, each wholly old or new",
        ("crash-states",),
    ),
    Promise("the run after that", "clears up and ends with the same bytes", ("crash-next-run", "crash-resume")),
    Promise("torn writes, a second power loss", "the same", ("crash-torn-twice",)),
    Promise(
        "power loss at any call of `append` and `relabel`, also in the run after",
        "the old set or the new one, if need be by the note that the next run finds",
        ("changes-crash", "changes-crash-twice"),
    ),
    Promise("SIGKILL at random moments", "as after a power loss; the next run clears up", ("kills",)),
    Promise("SIGKILL, then `--resume`", "the same bytes as an undisturbed run", ("resumes",)),
    Promise(
        "ENOSPC, EDQUOT, EIO, EROFS, EPERM, short calls, at each call, once and for ever",
        "exit code 3, path and reason named, old files untouched, nothing left",
        ("io-faults",),
    ),
    Promise("two of these in one run", "the same", ("io-fault-pairs",)),
    Promise(
        "real ones: full disks, RLIMIT_FSIZE, /dev/full, read-only and unreadable places",
        "the same",
        (
            "io-faults-full-disk",
            "io-faults-size-limit",
            "io-faults-full-stdout",
            "io-faults-read-only",
            "io-faults-unreadable",
            "io-faults-temporary-folder",
        ),
    ),
    Promise(
        "SIGINT, SIGTERM, SIGHUP, closed pipes",
        "gone within 2 s with 128+N, no traceback, nothing left running or lying about",
        ("signals", "signals-fresh", "signals-pipe"),
    ),
    Promise(
        "workers that crash, are killed, hang, run out of memory",
        "exactly those images are rejected by name, the rest has the same bytes",
        ("faulty workers", "faulty workers, fork", "faulty workers, forkserver", "faulty workers, spawn"),
    ),
    Promise(
        "odd and broken images of other projects",
        "each has a fixed outcome, the bytes kept and encoded anew (files)",
        ("odd and broken images",),
    ),
    Promise("the same files without worker processes", "the same records and rejects", ("odd and broken images, in one process",)),
    Promise("the same with bytes changed", "an outcome each, no hang", ("odd images, hurt",)),
    Promise("truncated images, bytes kept and encoded", "rejected by name", ("truncated", "truncated, other formats")),
    Promise("damaged JPEGs with an end mark", "rejected by name where decoding shows it", ("damaged",)),
    Promise("valid images of all kinds", "never rejected", ("valid images",)),
    Promise("decompression bombs", "refused from the header, in 0.1 s of processor time and 64 MiB", ("decompression bombs",)),
    Promise("files that ask for much beside their pixels", "packed or refused as cheaply", ("cheap to pack",)),
    Promise(
        "hostile lists, paths, links, FIFOs, devices",
        "nothing outside the root is opened (MXNet's form follows links, as MXNet's tool does)",
        ("hostile lists, names, links",),
    ),
    Promise("names at random", "come through unchanged, or are refused at the list", ("hostile names",)),
    Promise("threads, forks, start methods, pickling", "no wrong record, no descriptor left open (reads)", ("sharing",)),
    Promise("any worker count, start method, locale, time zone, umask", "the same bytes", ("same bytes",)),
    Promise(
        "several runs on one prefix",
        "one wins or all refuse, never mixed",
        ("two-runs", "two-runs-one-killed", "parts-side-by-side", "read-while-written"),
    ),
    Promise("sabotaged versions of the code", "each makes a test fail", ("saboteurs",)),
]


def merged(path: Path) -> dict[str, dict[str, Any]]:
    """Read a log; add up what several tests have logged of one row."""
    found: dict[str, dict[str, Any]] = {}
    for line in path.read_text(encoding="utf-8").splitlines() if path.exists() else []:
        row = json.loads(line)
        known = found.setdefault(row["row"], {**row, "cases": 0, "failures": 0, "seconds": 0.0})
        for name in ("cases", "failures", "seconds"):
            known[name] += row[name]
    return found


def figure(log: dict[str, dict[str, Any]], rows: tuple[str, ...]) -> str:
    """Return the number of cases of some rows, and of failures where there are any."""
    known = [log[name] for name in rows if name in log]
    failures = sum(row["failures"] for row in known)
    return f"{sum(row['cases'] for row in known):,}{f', {failures} failed' if failures else ''}" if known else "-"


def page(test: Path, soak: Path) -> None:
    """Print the table of the page."""
    logs = [merged(path) for path in (test, soak)]
    print("| fault or bad input | what holds | test | soak |\n|---|---|---|---|")
    for promise in PROMISES:
        print(f"| {promise.fault} | {promise.promise} | {' | '.join(figure(log, promise.rows) for log in logs)} |")


def main(path: Path) -> None:
    """Print a log as a table in Markdown."""
    print("| row | cases | failures | seconds | seed |\n|---|---|---|---|---|")
    for name, row in sorted(merged(path).items()):
        print(f"| {name} | {row['cases']:,} | {row['failures']} | {row['seconds']:.1f} | {row['seed']} |")


if __name__ == "__main__":
    if sys.argv[1] == "--page":
        page(*map(Path, sys.argv[2:]))
    else:
        main(Path(sys.argv[1]))
