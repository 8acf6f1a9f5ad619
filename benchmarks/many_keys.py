"""What an .idx of many keys takes, in a reader or in a loader: time to load it, memory, time of a search.

Usage: python benchmarks/many_keys.py [--keys 100000000] [--order ascending|shuffled] [--through reader|loader] [--folder FOLDER]

Writes an .idx of that many lines (2.2 GB for 100 million) into the folder, loads it in a process of its own, and prints the largest
memory of that process in units of 10**9 bytes; a loader orders one shuffled epoch, too. The .rec is a hole of the size that the
offsets ask for, but for its last record.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

SIZE = 4096  # bytes from one record to the next
BATCH = 1_000_000


def write_idx(path: Path, keys: int, order: str) -> None:
    import numpy as np

    with path.open("wb") as file:
        # A step that has no common divisor with the number of keys visits each of them once, in no order.
        step = 1 if order == "ascending" else next(step for step in range(keys * 5 // 8, keys) if np.gcd(step, keys) == 1)
        for start in range(0, keys, BATCH):
            ordinals = np.arange(start, min(start + BATCH, keys))
            pairs = np.stack([ordinals * step % keys, ordinals * SIZE], axis=1)
            file.write(b"".join([b"%d\t%d\n" % (key, offset) for key, offset in pairs.tolist()]))


def write_rec(path: Path, keys: int) -> None:
    from recordio import frame

    record = frame.encode(b"x" * (SIZE - frame.HEAD_SIZE))
    with path.open("wb") as file:
        for ordinal in (0, keys // 2, keys - 1):
            file.seek(ordinal * SIZE)
            file.write(record)


def peak_gb() -> float:
    """Return the largest memory that this process had, in 10**9 bytes."""
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024) / 1e9, 2)


def order(rec: str, keys: int) -> None:
    """In a process of its own: load what a loader reads from, and order a shuffled epoch."""
    from recordio.loaders import sampler, source

    start = time.perf_counter()
    opened = source.RecordSource([rec], [Path(rec).with_suffix(".idx")])
    loaded, held = time.perf_counter(), peak_gb()
    part = sampler.cut([range(keys)], 0, keys)
    epoch = sampler.Sampler(part, shuffle=True).epoch(0)
    ordered = time.perf_counter()
    print(
        json.dumps(
            {
                "keys": len(opened),
                "load_s": round(loaded - start, 2),
                "epoch_s": round(ordered - loaded, 2),
                "loaded_peak_gb": held,
                "peak_gb": peak_gb(),
                "right": len(epoch) == keys and int(epoch[0]) != 0,
            }
        )
    )


def load(rec: str, keys: int) -> None:
    """In a process of its own: load, search, read."""
    from recordio import IndexedReader

    start = time.perf_counter()
    reader = IndexedReader(rec)
    loaded = time.perf_counter()
    found = [reader.index.find(int(reader.keys[ordinal])) for ordinal in (0, keys // 2, keys - 1)]
    first = time.perf_counter()
    for key in range(0, keys, keys // 10_000):
        reader.index.find(key)
    searched = time.perf_counter()
    lengths = [len(reader.read(int(reader.keys[ordinal]))) for ordinal in (0, keys // 2, keys - 1)]
    print(
        json.dumps(
            {
                "keys": len(reader),
                "load_s": round(loaded - start, 2),
                "first_search_s": round(first - loaded, 2),
                "search_us": round((searched - first) / 10_000 * 1e6, 2),
                "peak_gb": peak_gb(),
                "right": found == [0, keys // 2, keys - 1] and lengths == [SIZE - 8] * 3,
            }
        )
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--keys", type=int, default=100_000_000)
    parser.add_argument("--order", choices=["ascending", "shuffled"], default="shuffled")
    parser.add_argument("--through", choices=["reader", "loader"], default="reader")
    parser.add_argument("--folder")
    parser.add_argument("--load", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.load:
        (load if options.through == "reader" else order)(options.load, options.keys)
        return 0
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        rec = Path(folder) / "many.rec"
        write_rec(rec, options.keys)
        write_idx(rec.with_suffix(".idx"), options.keys, options.order)
        given = ["--keys", str(options.keys), "--through", options.through, "--load", str(rec)]
        return subprocess.run([sys.executable, __file__, *given], check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
