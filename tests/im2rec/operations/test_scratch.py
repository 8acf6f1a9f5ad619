"""Temporary files of a change of order whose output is a stream."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys

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
