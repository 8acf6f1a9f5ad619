"""Tables of a run: as text, as JSON, and in docs/performance.md between its markers."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from bench import Job
from environments import PEERS, Environment
from goals import Goal, quickest
from measure import Series

Table = tuple[list[str], list[list[str]]]  # headings, rows
MARKED = re.compile(r"(<!-- bench:([\w-]+) -->\n).*?(<!-- end -->)", re.DOTALL)


def seconds(value: float) -> str:
    """Three digits."""
    return f"{value:.3f}" if value < 1 else f"{value:.2f}" if value < 100 else f"{value:.0f}"


def ratio(value: float) -> str:
    """Two digits or more."""
    return f"{value:.2f}" if value >= 0.1 else f"{value:.4f}"


def job_table(job: Job, measured: Mapping[str, Series]) -> Table:
    """One row a command: median, smallest to largest, CPU, peak, rate, ratios."""
    best = quickest(measured.values(), job.baseline)
    floors = any(series.command.floor for series in measured.values())
    head = ["command", "seconds", "min to max", "CPU s", "peak MB"]
    head += [f"{job.unit}/s"] * bool(job.items) + [f"{job.baseline} / this"] * bool(best)
    head += ["CPU / floor's" if job.floor_of == "cpu" else "this / floor"] * floors
    rows = []
    for series in measured.values():
        low, high = series.span()
        row = [series.command.shown, seconds(series.median()), f"{seconds(low)} to {seconds(high)}"]
        row += [seconds(series.median("cpu")), f"{series.median('peak') / 1e6:.0f}"]
        row += [f"{job.items / series.median():,.0f}"] * bool(job.items)
        row += [ratio(best.median() / series.median())] if best else []
        if floors:
            floor = measured.get(series.command.floor)
            row.append(ratio(series.median(job.floor_of) / floor.median(job.floor_of)) if floor else "")
        rows.append(row)
    return head, rows


def quality_table(found: Mapping[str, Any]) -> Table:
    """One row an interpolation."""
    rows: dict[str, list[str]] = {}
    for row in found["rows"]:
        rows.setdefault(row["interpolation"], [row["interpolation"]]).extend([f"{row['psnr']:.1f}", f"{row['rate']:,.0f}"])
    return ["interpolation", "full decode, dB", "images/s", "scaled decode, dB", "images/s"], list(rows.values())


def goal_table(goals: Sequence[Goal], measured: Mapping[str, Mapping[str, Series]]) -> Table:
    """One row a goal."""
    return ["what", "measured", "goal", "reached"], [goal.row(measured) for goal in goals]


def as_text(table: Table) -> str:
    """Columns under their headings; all but the first, and those without a heading, to the right."""
    lines = [table[0], *table[1]]
    widths = [max(len(line[column]) for line in lines) for column in range(len(table[0]))]
    texts = []
    for line in lines:
        cells = [line[0].ljust(widths[0])]
        for cell, width, head in zip(line[1:], widths[1:], table[0][1:], strict=True):
            cells.append(cell.rjust(width) if head else cell)
        texts.append("  ".join(cells).rstrip())
    return "\n".join(texts)


def as_markdown(table: Table) -> str:
    """The same for a page."""
    head, rows = table
    lines = ["| " + " | ".join(head) + " |", "|---" * len(head) + "|"]
    lines += ["| " + " | ".join([_code(row[0]), *row[1:]]) + " |" for row in rows]
    return "\n".join(lines)


def _code(text: str) -> str:
    program = text.startswith(("im2rec ", "rec2idx ", "xargs ")) and "," not in text
    return f"`{text}`" if program else text


def section(title: str, table: Table, notes: Sequence[str]) -> str:
    """A title, a table, notes, in Markdown."""
    parts = [f"**{title}**"] + [as_markdown(table)] * bool(table[1]) + [note[:1].upper() + note[1:] for note in notes]
    return "\n\n".join(parts)


def job_record(job: Job, measured: Mapping[str, Series]) -> dict[str, Any]:
    """A job as JSON has it."""
    commands = [
        {"key": key, "command": series.command.shown, "group": series.command.group}
        | {what: [getattr(sample, what) for sample in series.samples] for what in ("wall", "cpu", "peak")}
        for key, series in measured.items()
    ]
    return {"name": job.name, "title": job.title, "items": job.items, "notes": list(job.notes), "commands": commands}


def conditions(machine: Mapping[str, str], environments: Mapping[str, Environment], run: Mapping[str, str]) -> Table:
    """Machine, versions, corpora."""
    rows = [[name, value] for name, value in machine.items()]
    rows += [[PEERS.get(name, name), environment.describe()] for name, environment in environments.items()]
    rows += [[name, value] for name, value in run.items()]
    return ["", ""], rows


def write_page(template: Path, page: Path, blocks: Mapping[str, str], asked: Collection[str]) -> None:
    """Fill the marked blocks of a page; those that this run has nothing for keep what they have.

    Args:
        template: page with markers.
        page: where to write; may be the template itself.
        blocks: Markdown by the name in the marker.
        asked: names of the blocks that this run must fill, each with a table; where the page is the template, all of it must be filled.

    Raises:
        ValueError: a block is missing, or would be empty; nothing is written then.
    """
    text = template.read_text(encoding="utf-8")
    names = [match[2] for match in MARKED.finditer(text)]
    if missing := set(blocks) - set(names):
        raise ValueError(f"{template} has no block for {', '.join(sorted(missing))}")

    must = set(names) if page.resolve() == template.resolve() else set(asked)
    if empty := [name for name in names if name in must and "|---" not in blocks.get(name, "")]:
        raise ValueError(f"{page} is not written: nothing was measured for {', '.join(empty)}")

    def fill(match: re.Match[str]) -> str:
        return f"{match[1]}\n{blocks[match[2]].strip()}\n\n{match[3]}" if match[2] in blocks else match[0]

    page.parent.mkdir(parents=True, exist_ok=True)
    page.write_text(MARKED.sub(fill, text), encoding="utf-8")
