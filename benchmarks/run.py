"""Measure this project against MXNet's tools, other formats' writers and the least there is to do. `make bench` runs it.

Usage: run.py [--scale F] [--runs N] [--only NAME,...] [--require NAME,...] [--out DIR] [--doc PAGE]

Everything it makes is in .bench. docs/performance.md is written by a whole run at scale 1 only; other runs write a page of
their own. Figures of different runs, or of a machine that does something else as well, cannot be compared.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import corpora
import environments
import report
from bench import HERE, Bench, call, pack_options
from goals import goals
from jobs import JOBS
from measure import RunFailed, Series, in_turn, remove

REPOSITORY = HERE.parent
PAGE = REPOSITORY / "docs" / "performance.md"
BENCH = REPOSITORY / ".bench"
QUALITY = (("camera", 256, 100), ("imagenet", 256, 400), ("imagenet", 112, 400))  # corpus, side, images at most
NAMES = (*JOBS, "quality")
PROGRAMS = ("mxnet", *environments.PEERS, "dali")


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scale", type=float, default=1.0, help="size of the corpora (default 1)")
    parser.add_argument("--runs", type=int, default=5, help="timed runs of each command (default 5)")
    parser.add_argument("--only", default="", help=f"names or beginnings of names, separated by commas: {', '.join(NAMES)}")
    parser.add_argument("--require", default="", help=f"fail where one of these is not available: {', '.join(PROGRAMS)}")
    parser.add_argument("--out", type=Path, default=BENCH / "results", help="folder for results.txt and results.json")
    parser.add_argument("--doc", type=Path, help="page to write (default: docs/performance.md, or .bench/performance.md)")
    args = parser.parse_args()
    if args.scale <= 0 or args.runs < 1:
        parser.error("--scale must be above 0, and --runs at least 1")
    wanted = tuple(filter(None, args.only.split(",")))
    args.names = [name for name in NAMES if not wanted or name.startswith(wanted)]
    if not args.names:
        parser.error(f"--only {args.only}: there are {', '.join(NAMES)}")
    args.required = tuple(filter(None, re.split(r"[,\s]+", args.require)))
    if unknown := set(args.required) - set(PROGRAMS):
        parser.error(f"--require {', '.join(sorted(unknown))}: there are {', '.join(PROGRAMS)}")
    whole = args.scale >= 1 and not wanted
    args.doc = args.doc or (PAGE if whole else BENCH / "performance.md")
    if args.doc.resolve() == PAGE and not whole:
        parser.error(f"{PAGE.name} in docs is for whole runs at scale 1; name another page with --doc")
    return args


def prepare(scale: float, names: list[str], required: Sequence[str]) -> Bench:
    """Make corpora and environments, whatever the jobs need.

    Raises:
        ValueError: what is required is not available.
    """
    mxnet = environments.mxnet()
    tool = "" if mxnet.missing else environments.mxnet_tool(mxnet)
    wanted = any(name.startswith(("peers", "read-")) for name in names) or not environments.PEERS.keys().isdisjoint(required)
    peers = environments.peers() if wanted else {}
    dali = environments.dali()
    environments.require({"mxnet": mxnet, **peers, "dali": dali}, required)
    made = corpora.make(BENCH, scale)
    print(f"corpora: {made.source}", flush=True)
    work = BENCH / f"work-{scale:g}"
    remove([work])
    return Bench(made, work, scale, mxnet, tool, peers, dali, pack_options())


def measure_quality(bench: Bench) -> list[tuple[str, report.Table, dict[str, Any]]]:
    found = []
    for corpus, side, limit in QUALITY:
        words = [sys.executable, str(HERE / "quality.py"), str(bench.images(corpus)), "--resize", str(side), "--limit", str(limit)]
        answer = json.loads(call(words))
        title = f"{corpus} to {side}: {answer['images']} images, {answer['scaled']} of them large enough for scaled decoding"
        found.append((title, report.quality_table(answer), {"corpus": corpus, **answer}))
    return found


def conditions(bench: Bench, runs: int) -> report.Table:
    sizes = "; ".join(f"{name} {count:,} files, {size / 1e6:.0f} MB" for name, count, size in bench.corpora.describe())
    return report.conditions(
        environments.machine(),
        {"im2rec": environments.project(), "MXNet": bench.mxnet, **bench.peers, "DALI": bench.dali},
        environments.commit() | {"corpora": sizes, "cut from": bench.corpora.source, "scale": f"{bench.scale:g}", "runs": str(runs)},
    )


class Output:
    """The text, the JSON and the page's blocks of one run, which grow job by job."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.blocks: dict[str, str] = {}
        self.records: list[dict[str, Any]] = []

    def add(self, block: str, title: str, table: report.Table, notes: tuple[str, ...] = ()) -> None:
        """Print a table, and keep it for the page."""
        text = "\n".join(["", title, *([report.as_text(table)] if table[1] else []), *(f"note: {note}" for note in notes)])
        print(text, flush=True)
        self.texts.append(text)
        self.blocks[block] = f"{self.blocks.get(block, '')}\n\n{report.section(title, table, notes)}"

    def write(self, folder: Path, facts: dict[str, Any]) -> None:
        """Write the text and the JSON."""
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "results.txt").write_text("\n".join(self.texts).lstrip() + "\n", encoding="utf-8")
        results = json.dumps({**facts, "jobs": self.records}, indent=1)
        (folder / "results.json").write_text(results + "\n", encoding="utf-8")


def main() -> None:
    args = parse_args()
    bench = prepare(args.scale, args.names, args.required)
    output = Output()
    stated = conditions(bench, args.runs)
    output.add("conditions", "Conditions", stated)
    measured: dict[str, dict[str, Series]] = {}
    quality = []
    for name in args.names:
        if name == "quality":
            for title, table, record in measure_quality(bench):
                output.add("quality", title, table)
                quality.append(record)
            continue
        job = JOBS[name](bench)
        measured[name] = in_turn(job.commands, args.runs, warm_up=job.warm_up, check=job.check) if job.commands else {}
        output.add(name.split("-")[0], job.title, report.job_table(job, measured[name]), job.notes)
        output.records.append(report.job_record(job, measured[name]))
        remove([bench.work / name])
    wanted = [goal for goal in goals(scaled="--full-decode" in bench.options) if goal.job in measured]
    if wanted:
        output.add("goals", "Goals", report.goal_table(wanted, measured))
    facts = {"scale": args.scale, "runs": args.runs, "conditions": dict(stated[1]), "quality": quality}
    output.write(args.out, facts)
    asked = {"conditions", *(name.split("-")[0] for name in args.names)} | ({"goals"} if wanted else set())
    report.write_page(PAGE, args.doc, output.blocks, asked)
    remove([bench.work])
    print(f"\nwritten: {args.out / 'results.txt'}, {args.out / 'results.json'}, {args.doc}")


if __name__ == "__main__":
    try:
        main()
    except (RunFailed, OSError, ValueError, subprocess.SubprocessError) as error:
        sys.exit(f"benchmarks: {error}")
    except KeyboardInterrupt:
        sys.exit(130)
