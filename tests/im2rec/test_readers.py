"""Processes that read beside the one that writes: the same bytes as without them, whatever becomes of them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import pytest

from im2rec import build, passthrough, readers
from im2rec.listfile import Item
from im2rec.processors import usual_helpers
from im2rec.source import SourceOptions
from im2rec.transform import TransformOptions
from im2rec.work import PoolOptions
from recordio.errors import CodecMissing, FileError
from recordio.outputs import OutputSet
from recordio.processors import processors

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="readers are forks, which are safe on Linux alone"),
    pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning"),
]


@pytest.fixture(autouse=True)
def few_and_small(monkeypatch):
    """Readers for a few images of any size, in batches of some."""
    monkeypatch.setattr(passthrough, "_MANY", 32)
    monkeypatch.setattr(passthrough, "_SMALL", 1 << 40)
    monkeypatch.setattr(readers, "_ITEMS", 7)
    monkeypatch.setattr(passthrough, "_LARGE", 1 << 40)
    monkeypatch.setattr(passthrough, "can_fork", lambda: True)


@pytest.fixture
def started(monkeypatch):
    """The numbers of the processes that were started."""
    found = []
    fork = os.fork

    def note():
        pid = fork()
        if pid:
            found.append(pid)
        return pid

    monkeypatch.setattr(readers.os, "fork", note)
    return found


@pytest.fixture
def items(photos):
    paths = sorted(str(path.relative_to(photos)) for path in photos.rglob("*.jpg"))
    items = [Item(10 + 3 * number, (number / 2,), paths[number % len(paths)]) for number in range(90)]
    items[20] = Item(70, (0.0,), "gone.jpg")
    items[50] = items[50]._replace(labels=(1.0, 2.0))
    return items


@pytest.fixture
def pack(photos, tmp_path):
    """Packs items; the files' bytes by name, and the report."""

    def run(items, root=photos, name="x", **options):
        with OutputSet(force=True) as outputs:
            report = build.pack(items, tmp_path / name, build.PackOptions(SourceOptions(root), **options), outputs)
        assert report.listed == report.packed + report.rejected == len(items)
        return {path.name: path.read_bytes() for path in tmp_path.glob(f"{name}.*")}, report

    return run


def is_gone(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    with open(f"/proc/{pid}/stat") as stat:
        return stat.read().rpartition(")")[2].split()[0] == "Z"


@pytest.mark.parametrize("number", [1, 2, 5])
@pytest.mark.parametrize("check", ["reject", "off"])
def test_any_number_of_readers_writes_the_same_bytes(pack, items, started, number, check):
    changes = TransformOptions(check=check)
    alone = pack(items, transform=changes)
    assert not started
    assert pack(items, transform=changes, pool=PoolOptions(readers=number)) == alone
    assert len(started) == number
    assert all(map(is_gone, started))


@pytest.mark.parametrize("size", [100, (1 << 18) + 1, (5 << 18) - 40, (5 << 18) + 1, 3 << 20])
def test_files_that_do_not_fit_into_shared_memory_are_read_here(pack, tmp_path, started, size):
    root = tmp_path / "root"
    root.mkdir()
    for number in range(40):
        (root / str(number)).write_bytes((b"\n#\xd7\xce" * 9 if number % 9 == 4 else b"x").ljust(size if number % 11 == 3 else 50, b"y"))
    items = [Item(number, (0.0,), str(number)) for number in range(40)]
    changes = TransformOptions(check="off")
    alone = pack(items, root, transform=changes)
    assert pack(items, root, transform=changes, pool=PoolOptions(readers=2)) == alone
    assert len(started) == 2


def test_names_that_do_not_fit_into_shared_memory_are_read_here(pack, items, started, monkeypatch):
    alone = pack(items)
    monkeypatch.setattr(readers, "_INBOX", 200)
    assert pack(items, pool=PoolOptions(readers=2)) == alone
    assert len(started) == 2


@pytest.mark.parametrize("after", [0, 1, 4])
def test_a_reader_that_is_killed_costs_no_image(pack, items, started, monkeypatch, after):
    alone, put = pack(items), readers._Server._put
    done = []

    def die(server, block):
        if len(done) == after:
            os.kill(os.getpid(), signal.SIGKILL)
        done.append(block)
        put(server, block)

    monkeypatch.setattr(readers._Server, "_put", die)
    assert pack(items, pool=PoolOptions(readers=2)) == alone
    assert all(map(is_gone, started))


@pytest.mark.parametrize("after", [0, 2])
def test_a_reader_that_is_stopped_is_given_up(pack, items, started, monkeypatch, after):
    alone, answer = pack(items), readers._Server._answer
    monkeypatch.setattr(readers, "_STALLED", 0.3)
    done = []

    def stop(server, *what):
        if len(done) == after:
            os.kill(os.getpid(), signal.SIGSTOP)
        done.append(what)
        answer(server, *what)

    monkeypatch.setattr(readers._Server, "_answer", stop)
    assert pack(items, pool=PoolOptions(readers=2)) == alone
    assert all(map(is_gone, started))


def test_what_a_reader_says_too_late_is_not_heard(pack, items, monkeypatch):
    alone, answer = pack(items), readers._Server._answer
    monkeypatch.setattr(readers, "_STALLED", 0.05)
    monkeypatch.setattr(readers, "_is_stopped", lambda _: True)
    end = readers._Reader._end
    monkeypatch.setattr(readers._Reader, "_end", lambda reader: None if reader._orders >= 0 else end(reader))  # it lives on, and says it

    def late(server, *what):
        time.sleep(0.08)
        answer(server, *what)

    monkeypatch.setattr(readers._Server, "_answer", late)
    assert pack(items, pool=PoolOptions(readers=2)) == alone


def test_a_reader_on_a_slow_disk_is_waited_for(pack, items, monkeypatch):
    alone, answer, ended = pack(items), readers._Server._answer, []
    monkeypatch.setattr(readers, "_STALLED", 0.02)
    monkeypatch.setattr(readers._Reader, "_end", lambda reader: ended.append(reader._gone))

    def late(server, *what):
        time.sleep(0.1)
        answer(server, *what)

    monkeypatch.setattr(readers._Server, "_answer", late)
    assert pack(items, pool=PoolOptions(readers=2)) == alone
    assert ended == [False, False]  # they end with the pack, by the ends of their pipes


def test_large_files_behind_small_ones_are_left_to_the_loop(pack, tmp_path, started, monkeypatch):
    root = tmp_path / "root"
    root.mkdir()
    for number in range(200):
        (root / str(number)).write_bytes(b"y" * (50 if number < 80 else 70_000))
    items = [Item(number, (0.0,), str(number)) for number in range(200)]
    changes = TransformOptions(check="off")
    alone = pack(items, root, transform=changes)
    monkeypatch.setattr(passthrough, "_LARGE", 1 << 16)
    given, give = [], readers._Reader.give
    monkeypatch.setattr(readers._Reader, "give", lambda reader, batch: (given.extend(batch), give(reader, batch)))
    assert pack(items, root, transform=changes, pool=PoolOptions(readers=2)) == alone
    assert 80 < len(given) < 180
    assert all(map(is_gone, started))


def test_without_room_for_shared_memory_all_is_read_here(pack, items, started, monkeypatch):
    def refuse(*_):
        raise OSError(12, "Cannot allocate memory")

    alone = pack(items)
    monkeypatch.setattr(readers.mmap, "mmap", refuse)
    assert pack(items, pool=PoolOptions(readers=2)) == alone
    assert not started


FORKING = """
import sys, threading
from im2rec import readers
print(readers.can_fork())
sys.modules["cv2"] = sys
print(readers.can_fork())
del sys.modules["cv2"]
release = threading.Event()
thread = threading.Thread(target=release.wait)
thread.start()
print(readers.can_fork())
release.set()
thread.join()
sys.platform = "darwin"
print(readers.can_fork())
"""


def test_only_a_process_of_one_thread_without_opencv_is_forked_and_only_on_linux():
    done = subprocess.run([sys.executable, "-c", FORKING], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.split() == ["True", "False", "False", "False"]


def test_a_reader_that_dies_in_the_midst_of_an_answer_costs_no_image(pack, items, monkeypatch):
    alone, write = pack(items), os.write
    mine = os.getpid()

    def half(fd, data):
        if os.getpid() == mine:
            return write(fd, data)
        write(fd, data[: len(data) // 2])
        os.kill(os.getpid(), signal.SIGKILL)
        return 0

    monkeypatch.setattr(readers.os, "write", half)
    assert pack(items, pool=PoolOptions(readers=2)) == alone


def test_without_room_for_a_process_all_is_read_here(pack, items, monkeypatch):
    def refuse():
        raise OSError(11, "Resource temporarily unavailable")

    alone, before = pack(items), len(os.listdir("/proc/self/fd"))
    monkeypatch.setattr(readers.os, "fork", refuse)
    assert pack(items, pool=PoolOptions(readers=2)) == alone
    assert len(os.listdir("/proc/self/fd")) == before


def test_a_codec_that_is_missing_is_said_by_the_writing_process(pack, items, monkeypatch):
    def miss(*_arguments, **_options):
        raise CodecMissing("pillow", "it is not installed")

    monkeypatch.setattr(build, "checker", lambda _: miss)
    monkeypatch.setattr(build, "_make_work", lambda _: miss)
    with pytest.raises(CodecMissing, match="pillow"):
        pack(items, pool=PoolOptions(readers=2))


def test_a_write_that_fails_ends_the_readers(pack, items, tmp_path, started, monkeypatch):
    write = os.write

    def full(fd, data):
        if len(data) > 10_000:
            raise OSError(28, "No space left on device")
        return write(fd, data)

    monkeypatch.setattr(os, "write", full)
    with pytest.raises(FileError, match=r"x\.rec: cannot write: No space left on device"):
        pack(items, pool=PoolOptions(readers=2))
    assert list(tmp_path.glob("*x*")) == []
    assert len(started) == 2
    assert all(map(is_gone, started))


PROGRAM = """
import os, signal, sys, time
from im2rec import readers
from im2rec.listfile import Item
from im2rec.work import Block, Outcomes

def loop(batch):
    time.sleep(0.01)
    yield Block(batch, Outcomes([4] * len(batch), [4] * len(batch)), memoryview(b"data" * len(batch)))

fork, pids = os.fork, []
def note():
    pids.append(fork())
    return pids[-1]
os.fork = note
for number, block in enumerate(readers.read_beside((Item(n, (0.0,), "x") for n in range(10**9)), loop, 3, 1e9)):
    if number == 5:
        print(*pids, flush=True)
        os.kill(os.getpid(), signal.SIGKILL)
"""


def test_readers_end_when_the_writing_process_is_killed():
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == -signal.SIGKILL
    pids = list(map(int, done.stdout.split()))
    assert len(pids) == 3
    end = time.monotonic() + 30
    while not all(map(is_gone, pids)):
        assert time.monotonic() < end
        time.sleep(0.01)


def test_few_or_large_files_and_what_cannot_be_forked_go_without_readers(pack, items, started, monkeypatch):
    options = PoolOptions(readers=2)
    pack(items[:31], pool=options)
    monkeypatch.setattr(passthrough, "_SMALL", 1)
    pack(items, pool=options)
    monkeypatch.setattr(passthrough, "_SMALL", 1 << 40)
    monkeypatch.setattr(passthrough, "can_fork", lambda: False)
    pack(items, pool=options)
    assert not started


def test_one_core_has_no_readers_and_many_have_four(monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(1)))
    assert (processors(), usual_helpers()) == (1, 0)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(64)))
    assert (processors(), usual_helpers()) == (64, 4)
