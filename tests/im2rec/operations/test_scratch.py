"""Streams: temporary files of a change of order whose output is one, and signals while one is read."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time

import pytest
from datasets import write_set

from recordio.header import pack_header

SMALL = "from im2rec.operations import shuffle; shuffle._LARGEST = 0.02; from im2rec.cli import main; main.main()"


@pytest.fixture
def large(work):
    """A set of 20 MB, and a folder for temporary files."""
    (work / "scratch").mkdir()
    noise = random.Random(7)
    return write_set(work / "a.rec", [(key, pack_header(0.0, key) + noise.randbytes(20_000)) for key in range(1000)])


def start(work, code: str):
    words = [sys.executable, "-c", code, "shuffle", "a", "-o", "-", "--memory", "4MiB", "-q"]
    return subprocess.Popen(words, stdout=subprocess.PIPE, cwd=work, env=os.environ | {"TMPDIR": str(work / "scratch")})


@pytest.mark.skipif(os.name != "posix", reason="an open file keeps its name here")
def test_a_shuffle_into_a_stream_that_is_killed_leaves_nothing(large, work):
    with start(work, "from im2rec.cli import main; main.main()") as run:
        assert run.stdout is not None
        assert len(run.stdout.read(100_000)) == 100_000  # by now everything stands in temporary files
        run.send_signal(signal.SIGKILL)
        run.wait()
    assert not list((work / "scratch").iterdir())


@pytest.mark.parametrize("code", ["from im2rec.cli import main; main.main()", SMALL], ids=["one pass", "many passes"])
def test_a_stream_has_the_records_that_a_file_gets(im2rec, large, work, code):
    assert im2rec("shuffle", "a", "-o", "b", "--memory", "4MiB").code == 0
    with start(work, code) as run:
        assert run.stdout is not None
        assert run.stdout.read() == (work / "b.rec").read_bytes()
    assert run.returncode == 0
    assert not list((work / "scratch").iterdir())


@pytest.mark.skipif(os.name != "posix", reason="sends signals")
@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("words", [["filter", "-", "-o", "b", "--label", "0"], ["shuffle", "-", "-o", "b"], ["merge", "-", "-o", "b"]])
def test_a_signal_ends_a_command_that_waits_for_a_stream(work, words, sent):
    code = "from im2rec.cli import main; main.main()"
    with subprocess.Popen([sys.executable, "-c", code, *words], stdin=subprocess.PIPE, stderr=subprocess.PIPE, cwd=work) as run:
        assert run.stdin is not None
        assert run.stderr is not None
        while not list(work.glob(".b.rec.*.tmp")):
            time.sleep(0.01)
        time.sleep(0.1)  # until it reads
        run.send_signal(sent)
        try:
            assert run.wait(20) == 128 + sent  # although the pipe stays open
        finally:
            run.kill()
        assert run.stderr.read() == b"im2rec: interrupted: outputs are whole, or as they were\n"
    assert not list(work.iterdir())
