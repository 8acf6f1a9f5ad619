"""The memory of a shuffle stays within its limit, whatever the size of the file."""

from __future__ import annotations

import random
import subprocess
import sys

import pytest
from datasets import write_set

from recordio.header import pack_header

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads the peak of a process from Linux's /proc")

# The peak of ru_maxrss would be that of the tests' own process where it is larger: a process starts as its parent.
RUN = """
import re, sys
from im2rec.cli import main
code = main.guarded("im2rec", main._body, sys.argv[1:])
print(code, re.search(r"VmHWM:\\s+(\\d+) kB", open("/proc/self/status").read())[1], file=sys.stderr)
"""
MIB = 1 << 20
LIMIT = 16 * MIB
BLOCKS = 6 * 4 * MIB  # what is read, spread and written at once comes in blocks of 4 MiB, beside what is held
EACH = 60  # bytes of each record beside that


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A set of ten times the limit, and one without records."""
    place, noise = tmp_path_factory.mktemp("large"), random.Random(7)
    write_set(place / "large.rec", ((key, pack_header(0.0, key) + noise.randbytes(20_000)) for key in range(10 * LIMIT // 20_000)))
    write_set(place / "empty.rec", [])
    return place


def peak(folder, given: str, *options: str) -> int:
    """Bytes that a shuffle holds at the most."""
    words = [sys.executable, "-c", RUN, "shuffle", given, "-o", "out", "--memory", str(LIMIT), "--force", "-q", *options]
    with open(folder / "large.rec", "rb") as stream:
        ran = subprocess.run(words, cwd=folder, stdin=stream, capture_output=True, check=True, text=True)
    code, kilobytes = ran.stderr.split()[-2:]
    assert code == "0", ran.stderr
    return int(kilobytes) << 10


@pytest.mark.parametrize(
    ("given", "options"), [("large", ()), ("large", ("--sort", "key")), ("-", ())], ids=["shuffled", "sorted", "from a stream"]
)
def test_a_file_of_ten_times_the_memory_stays_within_it(folder, given, options):
    count = 10 * LIMIT // 20_000
    assert (folder / "large.rec").stat().st_size >= 10 * LIMIT
    assert peak(folder, given, *options) - peak(folder, "empty") < LIMIT + BLOCKS + EACH * count


def test_without_a_limit_it_would_be_seen(folder):
    assert peak(folder, "large", "--memory", "1GiB") - peak(folder, "empty") > 5 * LIMIT
