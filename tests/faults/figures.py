"""Prints the figures that a run of the fault tests has logged, one row a line: row, cases, failures, seconds, seed."""

from __future__ import annotations

import json
import sys
from pathlib import Path


def main(path: Path) -> None:
    """Print the log as a table in Markdown."""
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()] if path.exists() else []
    print("| row | cases | failures | seconds | seed |\n|---|---|---|---|---|")
    for row in sorted(rows, key=lambda row: row["row"]):
        print(f"| {row['row']} | {row['cases']:,} | {row['failures']} | {row['seconds']} | {row['seed']} |")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
