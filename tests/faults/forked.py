"""Real processes of the tool, started in a millisecond: forks of this one, which has loaded all that they need.

Each is the first of a session of its own, so that it can be killed with all its workers, and so that what is left of it is found.
"""

from __future__ import annotations

import io
import json
import multiprocessing.util
import os
import signal
import sys
import time
import traceback
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from scenes import HANDLED, body_of

from im2rec import legacy, resume, verification
from im2rec.cli import commands, main
from im2rec.cli import index as index_command
from im2rec.cli import list as list_command
from im2rec.cli import pack as pack_command
from im2rec.cli import verify as verify_command
from recordio import checksum, images, native, verify, writer

LOADED = (
    legacy,
    resume,
    verification,
    commands,
    index_command,
    list_command,
    pack_command,
    verify_command,
    checksum,
    images,
    native,
    verify,
    writer,
)
LONGEST = 30.0  # seconds after which a run counts as one that hangs
_POLL = 0.0005


class Process(NamedTuple):
    """A fork, and the files with what it says."""

    pid: int
    out: Path
    err: Path

    def said(self) -> str:
        """Return what it has written to stderr."""
        return self.err.read_text(errors="replace")

    def summary(self) -> dict[str, Any] | None:
        """Return the summary that it has printed, None where there is none; counts that do not add up are an error."""
        lines = self.out.read_text(errors="replace").splitlines()
        if not lines or not lines[-1].startswith("{"):
            return None
        summary: dict[str, Any] = json.loads(lines[-1])
        if "packed" in summary and summary["listed"] != summary["packed"] + summary["rejected"]:
            raise AssertionError(f"counts that do not add up: {summary}")
        return summary


def start(
    arguments: list[str], folder: Path, name: str = "run", setup: Callable[[], None] = lambda: None, stdout: int | None = None
) -> Process:
    """Start a command.

    Args:
        arguments: its words.
        folder: where to put what it says.
        name: of these files.
        setup: called in the new process first.
        stdout: a descriptor for it instead of a file.
    """
    process = out, err = folder / f"{name}.out", folder / f"{name}.err"
    for path in process:
        path.write_bytes(b"")
    reading, writing = os.pipe()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of forks of processes with threads: OpenBLAS has some, asleep
        pid = os.fork()
    if not pid:
        os.setsid()
        for number in HANDLED:
            signal.signal(number, signal.SIG_DFL)
        os.close(reading)
        os.close(writing)
        _run(arguments, out, err, setup, stdout)
    os.close(writing)
    os.read(reading, 1)  # returns when the session is there
    os.close(reading)
    return Process(pid, out, err)


def _run(arguments: list[str], out: Path, err: Path, setup: Callable[[], None], stdout: int | None) -> None:
    """Be the process, and never return."""
    code = 99
    try:
        _redirect(out, err, stdout)
        setup()
        code = main.guarded("im2rec", body_of(arguments), arguments)
    except BaseException:  # noqa: BLE001  (a child has nobody to raise it to)
        traceback.print_exc()
    finally:
        try:
            multiprocessing.util._exit_function()
            sys.stdout.flush()
            sys.stderr.flush()
        except BaseException:  # noqa: BLE001  (a child has nobody to raise it to)
            os.write(2, traceback.format_exc().encode())
        finally:
            os._exit(code)


def _redirect(out: Path, err: Path, stdout: int | None) -> None:
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.dup2(os.open(out, os.O_WRONLY | os.O_APPEND) if stdout is None else stdout, 1)
    os.dup2(os.open(err, os.O_WRONLY | os.O_APPEND), 2)
    sys.stdin = io.TextIOWrapper(io.FileIO(0))
    sys.stdout = sys.__stdout__ = io.TextIOWrapper(io.BufferedWriter(io.FileIO(1, "w")))
    sys.stderr = sys.__stderr__ = io.TextIOWrapper(io.BufferedWriter(io.FileIO(2, "w")), line_buffering=True)


def wait(process: Process, limit: float = LONGEST) -> int | None:
    """Wait for a process and return its exit code, negative for the signal that ended it; None after the limit, in seconds."""
    end = time.monotonic() + limit
    while True:
        pid, status = os.waitpid(process.pid, os.WNOHANG)
        if pid:
            return os.waitstatus_to_exitcode(status)
        if time.monotonic() > end:
            return None
        time.sleep(_POLL)


def survivors(process: Process, limit: float = 2.0) -> list[int]:
    """Return the processes that are left of a session after so many seconds."""
    end = time.monotonic() + limit
    while True:
        left = [pid for pid in map(int, filter(str.isdigit, os.listdir("/proc"))) if _session(pid) == process.pid]
        if not left or time.monotonic() > end:
            return left
        time.sleep(_POLL)


def _session(pid: int) -> int | None:
    """Return the session of a process, None for one that is gone, or dead and not yet waited for."""
    try:
        state, _, _, session = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[:4]
    except (OSError, ValueError):
        return None
    return None if state in "ZX" else int(session)


def kill_all(process: Process) -> None:
    """Kill a process, with all that it has started."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
