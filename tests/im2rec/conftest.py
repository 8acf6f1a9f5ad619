"""What the tests of the tool share: a tree of files, pictures, the tool in this process and in one of its own."""

from __future__ import annotations

import multiprocessing
import os
import shutil
import signal
import struct
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np
import pytest

from im2rec import pool
from im2rec.cli import main

GOLDEN = Path(__file__).parents[1] / "golden"
HANDLED = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP]

cv2.setNumThreads(1)  # threads of OpenCV in this process would not live on in its forks


class Ran(NamedTuple):
    """What a command left behind."""

    code: int
    out: str
    err: str


@pytest.fixture
def golden() -> Path:
    return GOLDEN


@pytest.fixture(scope="session")
def images(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of golden/images; not to be changed."""
    return shutil.copytree(GOLDEN / "images", tmp_path_factory.mktemp("golden") / "images")


@pytest.fixture
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder that is the current one."""
    folder = tmp_path / "work"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def im2rec(capfd: pytest.CaptureFixture[str]) -> Callable[..., Ran]:
    """Runs the tool in this process; signal handlers are put back."""

    def run(*arguments: Any, body: Any = main._body) -> Ran:
        before = {number: signal.getsignal(number) for number in HANDLED}
        capfd.readouterr()
        try:
            code = main.guarded("im2rec", body, [str(argument) for argument in arguments])
        except SystemExit as ended:  # argparse's way to end
            code = int(ended.code or 0)
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
        return Ran(code, *capfd.readouterr())

    return run


@pytest.fixture
def process() -> Callable[..., Ran]:
    """Runs the tool in a process of its own."""

    def run(*arguments: Any, **options: Any) -> Ran:
        command = [sys.executable, "-m", "im2rec", *map(str, arguments)]
        done = subprocess.run(command, capture_output=True, timeout=60, check=False, **options)
        return Ran(done.returncode, done.stdout.decode(), done.stderr.decode())

    return run


@pytest.fixture
def tree(tmp_path: Path) -> Callable[..., Path]:
    """Makes a folder of files: path -> bytes."""

    def make(files: dict[str, bytes] | list[str], name: str = "root") -> Path:
        root = tmp_path / name
        root.mkdir(exist_ok=True)
        for path in files:
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_bytes(files[path] if isinstance(files, dict) else b"x")
        return root

    return make


@pytest.fixture(scope="session")
def picture() -> Callable[..., bytes]:
    """Encodes a picture of noise and slopes, another one for each seed."""

    def make(width: int = 40, height: int = 30, seed: int = 0, suffix: str = ".jpg") -> bytes:
        slope = np.add.outer(np.arange(height) * 3, np.arange(width) * 2)[..., None] + [0, 40, 90]
        noise = np.random.default_rng(seed).integers(0, 60, (height, width, 3))
        return cv2.imencode(suffix, ((slope + noise + 7 * seed) % 256).astype(np.uint8))[1].tobytes()

    return make


@pytest.fixture
def photos(tree: Callable[..., Path], picture: Callable[..., bytes]) -> Path:
    """A folder of 24 pictures in 3 classes."""
    return tree({f"{'abc'[n % 3]}/{n:02}.jpg": picture(40 + n, 30 + 2 * n % 17, n) for n in range(24)}, "photos")


@pytest.fixture(scope="session")
def records() -> Callable[[Path], list[tuple[int, tuple[float, ...], bytes]]]:
    """Reads a .rec with nothing but struct: (id, labels, image) of each record."""

    def read(path: Path) -> list[tuple[int, tuple[float, ...], bytes]]:
        data, at, found = Path(path).read_bytes(), 0, []
        while at < len(data):
            magic, length = struct.unpack_from("<II", data, at)
            assert magic == 0xCED7230A
            assert length < 1 << 29, "a payload with a magic word in it"
            flag, label, id_, _ = struct.unpack_from("<IfQQ", data, at + 8)
            labels = struct.unpack_from(f"<{flag}f", data, at + 32) if flag else (label,)
            found.append((id_, labels, data[at + 32 + 4 * flag : at + 8 + length]))
            at += 8 + length + -length % 4
        return found

    return read


@pytest.fixture(scope="session")
def until() -> Callable[[Callable[[], Any]], Any]:
    """Polls until a condition holds, 20 s at the most, and returns its value."""

    def wait(condition: Callable[[], Any]) -> Any:
        for _ in range(10_000):
            if value := condition():
                return value
            time.sleep(0.002)
        raise AssertionError("the condition never held")

    return wait


@pytest.fixture(autouse=True)
def _no_process_is_left() -> Iterator[None]:
    yield
    assert multiprocessing.active_children() == []


@pytest.fixture
def as_user() -> None:
    """Skips a test that permissions decide, which bind nobody who is root."""
    if os.geteuid() == 0:
        pytest.skip("root may read and write everything")


@pytest.fixture(autouse=True)
def forks(monkeypatch):
    """Let workers see what a test has put in place of a function; other ways to start them are tests of their own."""
    if hasattr(os, "fork"):
        monkeypatch.setattr(pool, "_start_method", lambda: "fork")
