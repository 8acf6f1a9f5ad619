"""No network connection is made, by no process of the tool and by no reader."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

# Python runs this at the start of each process, also of workers; forks have it from their parent.
WATCH = """
import os, socket, sys
def watch(event, arguments):
    if event.startswith("socket."):
        family = arguments[1] if event == "socket.__new__" else getattr(arguments[0], "family", None) if arguments else None
        if family != socket.AF_UNIX:
            tell("network " + event)
            raise PermissionError(event)
def tell(text):
    fd = os.open(os.environ["WATCH_LOG"], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(fd, (text + "\\n").encode())
    os.close(fd)
tell("started")
sys.addaudithook(watch)
"""
RUN = """
import sys
from im2rec import pool
from im2rec.cli import main
pool._start_method = lambda: sys.argv[1]
sys.exit(main.guarded("im2rec", main._body, sys.argv[2:]))
"""
READ = """
import sys
from recordio import IndexedReader, Reader
with Reader("x.rec", verify=True) as reader, IndexedReader("x.rec") as indexed:
    found = list(reader)
    assert len(found) == len(indexed.keys) == 24
    indexed.read(indexed.keys[3])
"""


@pytest.fixture
def watched(tmp_path, work):
    """Runs Python with an eye on its sockets; returns how many processes were started anew."""
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "sitecustomize.py").write_text(WATCH)
    log = tmp_path / "log"
    environment = {**os.environ, "PYTHONPATH": str(tmp_path / "site"), "WATCH_LOG": str(log)}

    def run(*arguments):
        log.unlink(missing_ok=True)
        command = [sys.executable, *map(str, arguments)]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)
        lines = log.read_text().splitlines()
        return done, lines.count("started"), sorted({line for line in lines if line != "started"})

    return run


def test_the_watch_sees_a_socket(watched):
    code = "import socket; socket.socketpair(); socket.socket(socket.AF_INET)"
    done, _, seen = watched("-c", code)
    assert (done.returncode, seen) == (1, ["network socket.__new__"])
    assert "PermissionError" in done.stderr
    _, _, seen = watched("-c", "import socket; socket.getaddrinfo('localhost', 80)")
    assert seen == ["network socket.getaddrinfo"]


@pytest.mark.parametrize("method", ["fork", "forkserver", "spawn"])
def test_no_command_makes_a_connection(watched, photos, method):
    if not hasattr(os, "fork") and method != "spawn":
        pytest.skip("needs fork")
    for command in (
        ["list", photos, "-o", "x.lst"],
        ["pack", "x.lst", photos, "-o", "x", "--resize", "16", "--workers", "2"],
        ["verify", "x", "--decode", "--workers", "2"],
        ["info", "x"],
    ):
        done, processes, seen = watched("-c", RUN, method, *command)
        assert (done.returncode, seen) == (0, []), done.stderr
        assert processes >= (3 if method == "spawn" and "pack" in command else 1)


def test_no_reader_makes_a_connection(watched, photos, im2rec):
    assert im2rec("pack", photos, "-o", "x").code == 0
    done, _, seen = watched("-c", READ)
    assert (done.returncode, seen) == (0, []), done.stderr
