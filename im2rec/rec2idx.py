"""The command line of MXNet's rec2idx.py. A module of its own: it starts in a third of the time without the rest of the tool."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from im2rec.reindex import reindex


def main(arguments: Sequence[str]) -> int:
    """Run MXNet's rec2idx.py: number the records of a .rec 0, 1, 2, ... in a new .idx."""
    parser = argparse.ArgumentParser(
        prog="rec2idx",
        description="Rebuild the .idx of a .rec with the keys 0, 1, 2, ... as MXNet's rec2idx.py; 'im2rec index' keeps the ids.",
    )
    parser.add_argument("record", type=Path, help="the .rec file")
    parser.add_argument("index", type=Path, help="the .idx file to write; replaced if it exists")
    args = parser.parse_args(arguments)
    reindex(args.record, args.index, ids=False, force=True)
    return 0
