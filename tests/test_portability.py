"""What other systems lack is not taken for granted: without it, the same files come out."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[1]
PHOTOS = REPOSITORY / "examples" / "photos"

# Loaded by every Python process that has its folder on the path, spawned workers included.
HIDE = """
import os, signal
for name in ("fork", "forkpty", "pread", "preadv", "pwrite", "readv", "writev", "sendfile", "copy_file_range", "posix_fadvise",
             "posix_fallocate", "fdatasync", "sched_getaffinity", "O_NOFOLLOW", "O_DIRECTORY", "O_NONBLOCK", "O_CLOEXEC"):
    if hasattr(os, name):
        delattr(os, name)
os.supports_dir_fd.clear()
os.supports_follow_symlinks.clear()
for name in ("pthread_sigmask", "SIGHUP", "SIGPIPE"):
    if hasattr(signal, name):
        delattr(signal, name)
"""

RUNS = {
    "keep": ["pack", str(PHOTOS), "-o", "keep"],
    "resize": ["pack", str(PHOTOS), "-o", "resize", "--resize", "48", "--workers", "2"],
    "list": ["list", str(PHOTOS), "-o", "list", "--split", "a=0.5,b=0.5"],
    "mxnet list": ["--list", "mx", str(PHOTOS), "--recursive"],
    "mxnet pack": ["mx", str(PHOTOS), "--resize", "32", "--num-thread", "2"],
    "index": ["index", "keep.rec", "-o", "again.idx"],
}

READ = """
import hashlib, pickle, sys, threading, recordio
reader = pickle.loads(pickle.dumps(recordio.IndexedReader("keep.rec")))
wrong = []
def read_all(start):
    for ordinal in range(start, len(reader), 4):
        header, image = recordio.unpack(reader.read_ordinal(ordinal))
        if header.id != reader.keys[ordinal]:
            wrong.append(ordinal)
threads = [threading.Thread(target=read_all, args=(start,)) for start in range(4)]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
print(len(reader), wrong, hashlib.sha256(b"".join(recordio.Reader("keep.rec"))).hexdigest())
"""


def run_all(folder: Path, environment: dict[str, str]) -> tuple[dict[str, bytes], str]:
    """Run everything in *folder*; return its files and what reading them printed."""
    for name, arguments in RUNS.items():
        command = [sys.executable, "-m", "im2rec", *arguments]
        done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, (name, done.stderr)
    read = subprocess.run([sys.executable, "-c", READ], cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert not read.returncode, read.stderr
    return {path.name: path.read_bytes() for path in folder.iterdir()}, read.stdout


@pytest.mark.skipif(os.name == "nt", reason="there it is the only way")
def test_without_what_other_systems_lack_the_same_files_come_out(tmp_path: Path) -> None:
    hidden = tmp_path / "site"
    hidden.mkdir()
    (hidden / "sitecustomize.py").write_text(HIDE)
    path = os.pathsep.join(filter(None, [str(hidden), os.environ.get("PYTHONPATH")]))
    check = "import os; print(hasattr(os, 'pread'), hasattr(os, 'fork'))"
    environment = {**os.environ, "PYTHONPATH": path}
    assert subprocess.run([sys.executable, "-c", check], env=environment, capture_output=True, check=True).stdout.split() == [b"False"] * 2

    (tmp_path / "with").mkdir()
    (tmp_path / "without").mkdir()
    files, read = run_all(tmp_path / "with", dict(os.environ))
    assert read.startswith("120 []")
    assert run_all(tmp_path / "without", environment) == (files, read)


def test_text_files_are_utf8_with_line_feeds_in_any_locale(tmp_path: Path) -> None:
    root = tmp_path / "images"
    (root / "Tiere ü").mkdir(parents=True)
    (root / "Tiere ü" / "Bär ё.jpg").write_bytes((PHOTOS / "cat" / "cat_00.jpg").read_bytes())
    environment = {**os.environ, "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    command = [sys.executable, "-m", "im2rec", "pack", str(root), "-o", str(tmp_path / "x"), "--json"]
    done = subprocess.run(command, env=environment, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "x.lst").read_bytes() == "0\t0.000000\tTiere ü/Bär ё.jpg\n".encode()
    assert (tmp_path / "x.classes.txt").read_bytes() == "0\tTiere ü\n".encode()
    assert b"\r" not in (tmp_path / "x.idx").read_bytes()
    form = [sys.executable, "-m", "im2rec", "--list", str(tmp_path / "y"), str(root), "--recursive"]
    done = subprocess.run(form, env=environment, capture_output=True, check=False)
    assert (done.returncode, done.stdout) == (0, "Tiere ü 0\n".encode())
