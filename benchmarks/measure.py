"""Run commands as whole processes, in turn, and say what each took.

The numbers come from wait4: they cover the process and all children that it waited for. The peak is that of the largest
single process. A process starts with the memory of the one that starts it, so this one loads no heavy module.
"""

from __future__ import annotations

import os
import resource
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

TIMEOUT = 3600  # seconds
PEAK_UNIT = 1 if sys.platform == "darwin" else 1024  # bytes in wait4's unit of memory


class RunFailed(Exception):
    """A measured command ended with another exit code than 0, or never."""


@dataclass(frozen=True, slots=True)
class Command:
    """One command line to measure.

    Attributes:
        key: what the tables call it, unique in its job.
        shown: the command line as the tables show it.
        argv: what is run.
        folder: its outputs' folder; emptied of *outputs* before each run, and the working directory unless *cwd* is given.
        outputs: names in *folder* that a run makes.
        before: called before each run, outside of the measured time.
        group: commands of one group are alternatives; the quickest of them counts when ratios are formed.
        floor: key of the command that does the least of the same work.
        items: where it times itself: the number of items that it prints on its last line before its seconds, which are
            the time that counts; what it needs to start is left out. 0 where the whole process is measured.
    """

    key: str
    shown: str
    argv: tuple[str, ...]
    folder: Path
    outputs: tuple[str, ...] = ()
    cwd: Path | None = None
    stdin: Path | None = None
    stdout: str | None = None
    before: Callable[[], None] | None = None
    group: str = ""
    floor: str = ""
    items: int = 0


@dataclass(frozen=True, slots=True)
class Sample:
    """What one run took: seconds, seconds, bytes."""

    wall: float
    cpu: float
    peak: int


@dataclass(slots=True)
class Series:
    """The runs of one command."""

    command: Command
    samples: list[Sample] = field(default_factory=list)

    def median(self, what: str = "wall") -> float:
        """Median of "wall", "cpu" or "peak"."""
        return statistics.median(getattr(sample, what) for sample in self.samples)

    def span(self, what: str = "wall") -> tuple[float, float]:
        """Smallest and largest."""
        values = [getattr(sample, what) for sample in self.samples]
        return min(values), max(values)


def in_turn(commands: Sequence[Command], runs: int, *, warm_up: bool = True, check: Callable[[], None] | None = None) -> dict[str, Series]:
    """Run all commands once to warm up, check what they wrote, then run them A B C A B C ... and keep the times.

    Args:
        commands: with unique keys.
        runs: timed runs of each.
        warm_up: without it, the first timed runs are what *check* looks at.
        check: raises when an output is wrong: times of wrong work say nothing.
    """
    if warm_up:
        for command in commands:
            run(command)
        if check:
            check()
    series = {command.key: Series(command) for command in commands}
    for _ in range(runs):
        for command in commands:
            series[command.key].samples.append(run(command))
    if check and not warm_up:
        check()
    return series


def run(command: Command) -> Sample:
    """Run a command once, with its outputs removed before.

    Raises:
        RunFailed: it did not end with exit code 0, or did not read what it should have.
    """
    remove(command.folder / name for name in command.outputs)
    command.folder.mkdir(parents=True, exist_ok=True)
    if command.before:
        command.before()
    os.sync()  # what earlier runs wrote is not this one's to wait for
    out = command.folder / (command.stdout or "said.txt") if command.stdout or command.items else os.devnull
    with tempfile.TemporaryFile() as errors, open(command.stdin or os.devnull, "rb") as stdin, open(out, "wb") as stdout:
        start = time.perf_counter()
        process = subprocess.Popen(
            command.argv, cwd=command.cwd or command.folder, stdin=stdin, stdout=stdout, stderr=errors, start_new_session=True
        )
        status, usage = _wait(process, command)
        wall = time.perf_counter() - start
        if status:
            errors.seek(0)
            said = errors.read().decode(errors="replace")[-2000:]
            raise RunFailed(f"{command.shown}: exit code {status}\n{said}")
    if command.items:
        wall = _said(Path(out), command)
    return Sample(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * PEAK_UNIT)


def _said(path: Path, command: Command) -> float:
    """Return the seconds that a command printed, once its count is right."""
    lines = path.read_text(encoding="utf-8").split("\n")
    path.unlink()
    words = lines[-2].split() if len(lines) > 1 else []
    if len(words) != 2 or int(words[0]) != command.items:
        raise RunFailed(f"{command.shown}: printed {words}, expected {command.items} and seconds")
    return float(words[1])


def _wait(process: subprocess.Popen[bytes], command: Command) -> tuple[int, resource.struct_rusage]:
    def give_up(*_: object) -> None:
        os.killpg(process.pid, signal.SIGKILL)

    previous = signal.signal(signal.SIGALRM, give_up)
    signal.alarm(TIMEOUT)
    try:
        _, status, usage = os.wait4(process.pid, 0)
    except KeyboardInterrupt:
        os.killpg(process.pid, signal.SIGTERM)
        raise
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, previous)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode == -signal.SIGKILL:
        raise RunFailed(f"{command.shown}: killed, after {TIMEOUT} seconds or from outside")
    return process.returncode, usage


def remove(paths: Iterable[Path]) -> None:
    """Remove files and folders that may not be there."""
    for path in paths:
        if path.is_dir() and not path.is_symlink():
            for folder, folders, files in os.walk(path, topdown=False):
                for name in files:
                    os.unlink(os.path.join(folder, name))
                for name in folders:
                    os.rmdir(os.path.join(folder, name))
            path.rmdir()
        else:
            path.unlink(missing_ok=True)
