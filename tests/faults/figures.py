"""Prints the figures that a run of the fault tests has logged, one row a line: row, cases, failures, seconds, seed."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any


def merged(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Add up what several tests have logged of one row."""
    found: dict[str, dict[str, Any]] = {}
    for row in rows:
        known = found.setdefault(row["row"], {**row, "cases": 0, "failures": 0, "seconds": 0.0})
        for name in ("cases", "failures", "seconds"):
            known[name] += row[name]
    return sorted(found.values(), key=lambda row: row["row"])


def main(path: Path) -> None:
    """Print the log as a table in Markdown."""
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()] if path.exists() else []
    print("| row | cases | failures | seconds | seed |\n|---|---|---|---|---|")
    for row in merged(rows):
        print(f"| {row['row']} | {row['cases']:,} | {row['failures']} | {row['seconds']:.1f} | {row['seed']} |")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
