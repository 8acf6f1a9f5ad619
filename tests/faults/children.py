"""Commands in real processes, forked from this one: as quick as a call, and they can be killed."""

from __future__ import annotations

import contextlib
import os
import signal
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from scenes import MEMORY, Scene, Unsynced, body_of, disk_of

from im2rec.cli import main

_LIMIT = 60.0  # seconds after which a child is taken to hang


@dataclass
class Child:
    """A command that runs in a process group of its own.

    Attributes:
        pid: of the process and of the group.
        status: as os.waitpid tells; None while it runs.
    """

    pid: int
    out: str
    err: str
    ready: int
    status: int | None = None
    started: float = field(default_factory=time.monotonic)

    def wait_until_started(self) -> None:
        """Wait until the command is past the start of the program, where signals have their handlers."""
        os.read(self.ready, 1)

    def signal(self, number: int) -> None:
        """Send a signal to the whole group."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, number)

    def wait(self, limit: float = _LIMIT) -> int:
        """Wait for the end, and return the exit code as a shell tells it; a child that hangs is killed and tells -1."""
        end = time.monotonic() + limit
        while self.status is None and time.monotonic() < end:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.status = status
            else:
                time.sleep(0.001)
        if self.status is None:
            self.signal(signal.SIGKILL)
            _, self.status = os.waitpid(self.pid, 0)
            return -1
        return 128 + os.WTERMSIG(self.status) if os.WIFSIGNALED(self.status) else os.WEXITSTATUS(self.status)

    def is_group_gone(self, limit: float = 2.0) -> bool:
        """Tell whether no process of the group is left after a while."""
        end = time.monotonic() + limit
        while time.monotonic() < end:
            try:
                os.killpg(self.pid, 0)
            except ProcessLookupError:
                return True
            if not _living(self.pid):  # dead, though nobody has asked for its exit code yet
                return True
            time.sleep(0.002)
        return False

    def close(self) -> str:
        """Close the pipe and return what was said on stderr."""
        os.close(self.ready)
        said = Path(self.err).read_text(encoding="utf-8", errors="replace")
        for path in (self.out, self.err):
            os.unlink(path)
        return said


def _living(group: int) -> bool:
    """Tell whether a process of a group lives, where the system lists them."""
    if not Path("/proc/self/stat").exists():
        return True
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            state, _, pgrp = path.read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()[:3]
            if int(pgrp) == group and state not in "ZX":
                return True
    return False


def start(scene: Scene, arguments: Sequence[str], *, stdout: int | None = None) -> Child:
    """Start a command in a forked process; its disk does not wait for syncs, which no signal can see."""
    ready, told = os.pipe()
    descriptors = [tempfile.mkstemp(prefix="im2rec-said-", dir=MEMORY if MEMORY.is_dir() else None) for _ in range(2)]
    pid = os.fork()
    if pid:
        os.close(told)
        for fd, _ in descriptors:
            os.close(fd)
        os.set_inheritable(ready, False)
        with contextlib.suppress(OSError):
            os.setpgid(pid, pid)  # here and there: whichever is first
        return Child(pid, descriptors[0][1], descriptors[1][1], ready)
    code = 99
    try:
        with contextlib.suppress(OSError):
            os.setpgid(0, 0)
        os.dup2(stdout if stdout is not None else descriptors[0][0], 1)
        os.dup2(descriptors[1][0], 2)
        for fd in (ready, descriptors[0][0], descriptors[1][0], *([stdout] if stdout is not None else [])):
            os.close(fd)
        code = _run(scene, arguments, told)
    except KeyboardInterrupt:
        code = 130  # behind the end of the command
    finally:
        os._exit(code)


def _run(scene: Scene, arguments: Sequence[str], told: int) -> int:
    import sys

    sys.stdout, sys.stderr = (open(fd, "w", encoding="utf-8", closefd=False) for fd in (1, 2))  # noqa: SIM115
    body = body_of(arguments)

    def announced(words: list[str]) -> int:
        os.write(told, b"x")
        return body(words)

    try:
        with scene.setting(), disk_of(Unsynced()):
            return main.guarded("im2rec", announced, list(arguments))
    finally:
        with contextlib.suppress(OSError):
            sys.stderr.flush()
