"""Ordered, bounded, supervised workers: whatever happens to a process, the other items come out, in order."""

from __future__ import annotations

import contextlib
import ctypes
import functools
import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from im2rec import pool, worker
from im2rec.errors import ImageError, PlanError, WorkerError
from im2rec.pool import run
from im2rec.work import RING, PoolOptions

# NumPy's threads in this process do no harm to forks that leave them alone.
pytestmark = pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")

READ = 3  # bytes that each item says it has read

# Work for processes that do not fork: they import it from a file.
MODULE = """
import os, signal

def content(item):
    return b"%d;" % item * (item % 50), 3, "odd" if item % 2 else ""

def fine():
    return content

def deadly():
    def work(item):
        if item == 5:
            os.kill(os.getpid(), signal.SIGKILL)
        return content(item)
    return work

def broken():
    raise ValueError("the setup cannot work")
"""


def content(item: int) -> tuple[bytes, int, str]:
    return b"%d;" % item * (item % 50), 3, "odd" if item % 2 else ""


def chunked(items, size: int) -> list[list]:
    return [items[at : at + size] for at in range(0, len(items), size)]


def results(chunks, setup, options) -> list[tuple]:
    """Do the work; (item, bytes, reason or None, remark) of each item."""
    found, read = [], 0
    for block in run(chunks, setup, options):
        at = 0
        for number, (item, size) in enumerate(zip(block.items, block.outcomes.sizes, strict=True)):
            reason, remark = block.outcomes.rejects.get(number), block.outcomes.remarks.get(number, "")
            found.append((item, bytes(block.data[at : at + size]), reason, remark))
            at += size
        assert at == len(block.data)
        read += block.outcomes.read
    assert read == READ * sum(reason is None for _, _, reason, _ in found)
    return found


def expected(items) -> list[tuple]:
    return [(item, data, None, remark) for item in items for data, _, remark in [content(item)]]


def rejected(found) -> dict:
    return {item: reason for item, _, reason, _ in found if reason is not None}


def check_all_but(found, count: int, bad: set[int], said: str) -> None:
    """Exactly the bad items were rejected, with a reason; all others came out in order."""
    assert [each[0] for each in found] == list(range(count))
    assert set(rejected(found)) == bad
    assert all(said in reason for reason in rejected(found).values())
    assert [each for each in found if each[0] not in bad] == expected([item for item in range(count) if item not in bad])


@pytest.fixture
def importable(tmp_path, monkeypatch):
    """The module with the work for processes that import it."""
    (tmp_path / "work_of_workers.py").write_text(MODULE)
    monkeypatch.syspath_prepend(tmp_path)
    import work_of_workers

    return work_of_workers


@pytest.mark.parametrize("workers", [0, 1, 2, 3])
@pytest.mark.parametrize("size", [1, 7, 100])
def test_any_number_of_workers_gives_the_same_bytes_in_the_same_order(workers, size):
    items = list(range(100))
    assert results(chunked(items, size), lambda: content, PoolOptions(workers)) == expected(items)


@pytest.mark.parametrize("method", ["fork", "forkserver", "spawn"])
def test_any_way_to_start_a_process_gives_the_same(importable, method):
    items = list(range(40))
    found = results(chunked(items, 3), importable.fine, PoolOptions(2, start_method=method))
    assert found == expected(items)


@pytest.mark.parametrize("method", ["forkserver", "spawn"])
def test_a_death_costs_one_item_however_processes_start(importable, method):
    found = results(chunked(list(range(20)), 4), importable.deadly, PoolOptions(2, start_method=method))
    check_all_but(found, 20, {5}, "SIGKILL")


@pytest.mark.parametrize("workers", [0, 1, 2])
@pytest.mark.parametrize("chunks", [[], [[]], [[], [3], []]])
def test_nothing_to_do_gives_nothing(workers, chunks):
    found = results(iter(chunks), lambda: content, PoolOptions(workers))
    assert found == expected([item for chunk in chunks for item in chunk])


@pytest.mark.parametrize("workers", [0, 1, 2])
def test_one_chunk_leaves_the_other_workers_without_work(workers):
    assert results([[1, 2, 3]], lambda: content, PoolOptions(workers)) == expected([1, 2, 3])


ENDS = {
    "killed": (lambda: os.kill(os.getpid(), signal.SIGKILL), "signal SIGKILL"),
    "left": (lambda: os._exit(7), "exit code 7"),
    "left as if done": (lambda: os._exit(0), "exit code 0"),
    "aborted": (lambda: (signal.signal(signal.SIGABRT, signal.SIG_DFL), os.kill(os.getpid(), signal.SIGABRT)), "signal SIGABRT"),
    "segfault": (lambda: (signal.signal(signal.SIGSEGV, signal.SIG_DFL), ctypes.string_at(0)), "signal SIGSEGV"),
    "SystemExit": (lambda: exit(9), "exit code 9"),
}


@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize("workers", [1, 3])
@pytest.mark.parametrize("bad", [{0}, {29}, {4, 5, 6}, {0, 10, 20}])
def test_a_process_that_ends_costs_the_item_it_was_at(end, workers, bad):
    way, said = ENDS[end]

    def work(item):
        return way() if item in bad else content(item)

    found = results(chunked(list(range(30)), 10), lambda: work, PoolOptions(workers))
    check_all_but(found, 30, bad, said)


def test_every_item_may_end_its_process():
    found = results(chunked(list(range(8)), 3), lambda: lambda item: os._exit(1), PoolOptions(2))
    check_all_but(found, 8, set(range(8)), "ended the process that worked on it (exit code 1)")


@pytest.mark.parametrize("error", [RuntimeError("odd"), MemoryError(), RecursionError("deep"), StopIteration(), KeyError("x")])
@pytest.mark.parametrize("workers", [0, 2])
def test_an_unexpected_exception_costs_its_item(error, workers):
    def work(item):
        if item in (3, 17):
            raise error
        return content(item)

    found = results(chunked(list(range(20)), 6), lambda: work, PoolOptions(workers))
    check_all_but(found, 20, {3, 17}, "more memory than there is" if isinstance(error, MemoryError) else type(error).__name__)


@pytest.mark.parametrize("workers", [0, 2])
def test_a_rejected_item_keeps_its_reason(workers):
    def work(item):
        raise ImageError("x.jpg", "is no image")

    assert rejected(results([[1], [2]], lambda: work, PoolOptions(workers))) == {1: "is no image", 2: "is no image"}


def test_an_item_that_hangs_is_ended_in_time_and_rejected():
    def work(item):
        if item == 5:
            signal.pause()
        return content(item)

    found = results(chunked(list(range(20)), 4), lambda: work, PoolOptions(2, timeout=0.6))
    check_all_but(found, 20, {5}, "took longer than 0.6 s")


@pytest.mark.parametrize("after", [0, 1, 5])
def test_a_worker_that_is_stopped_between_two_items_costs_none(monkeypatch, tmp_path, after):
    put, done = worker._Server._put, []

    def stop(server, what):
        if len(done) == after:
            with contextlib.suppress(FileExistsError):
                (tmp_path / "stopped").touch(exist_ok=False)  # the first that comes here
                os.kill(os.getpid(), signal.SIGSTOP)
        done.append(what)
        put(server, what)

    monkeypatch.setattr(worker._Server, "_put", stop)
    options = PoolOptions(2, 0.5, "fork")
    assert results(chunked(range(60), 7), lambda: content, options) == expected(range(60))
    assert multiprocessing.active_children() == []


def test_time_in_which_all_processes_were_stopped_is_not_an_items_time():
    def work(item):
        for _ in range(12 * (item == 3)):  # one long sleep would be over when the process goes on
            time.sleep(0.05)
        return content(item)

    def stop_all() -> None:  # as Ctrl-Z does, for longer than an item may take
        workers = multiprocessing.active_children()
        for child in workers:
            os.kill(child.pid, signal.SIGSTOP)
        time.sleep(1.5)
        for child in workers:
            os.kill(child.pid, signal.SIGCONT)

    found = []
    for block in run([[item] for item in range(8)], lambda: work, PoolOptions(1, timeout=1.2)):
        found += block.outcomes.rejects.values()
        if block.items == [2]:
            stop_all()
    assert found == []


def test_a_hang_that_ignores_signals_is_ended_too():
    def work(item):
        if item == 0:
            signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
            signal.pause()
        return content(item)

    check_all_but(results(chunked(list(range(6)), 2), lambda: work, PoolOptions(2, timeout=0.6)), 6, {0}, "took longer")


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_the_start_of_a_process_is_not_counted_as_an_items_time(importable, method):
    setup = functools.partial(eval, "(__import__('time').sleep(0.8), lambda item: (b'x', 3, ''))[1]")
    found = results([[0, 1], [2]], setup, PoolOptions(1, timeout=0.5, start_method=method))
    assert rejected(found) == {}


def test_a_death_beside_a_time_limit_costs_only_its_item():
    def work(item):
        return os._exit(1) if item == 1 else content(item)

    found = results(chunked(list(range(12)), 3), lambda: work, PoolOptions(2, timeout=30))
    check_all_but(found, 12, {1}, "exit code 1")


def test_a_time_limit_without_workers_is_refused():
    with pytest.raises(PlanError, match="--image-timeout needs --workers"):
        PoolOptions(0, timeout=1)


def test_an_item_killed_once_is_delivered_by_the_second_attempt(tmp_path):
    def work(item):
        if item == 5 and not (tmp_path / "died").exists():
            (tmp_path / "died").touch()
            os._exit(1)
        return content(item)

    found = results(chunked(list(range(20)), 4), lambda: work, PoolOptions(2))
    assert (tmp_path / "died").exists()
    assert found == expected(list(range(20)))


def test_workers_that_something_else_kills_cost_nothing():
    found = []
    for block in run([[n] for n in range(50)], lambda: content, PoolOptions(3)):
        found += [*block.items, *block.outcomes.rejects]
        if block.items == [10]:
            for child in multiprocessing.active_children():
                os.kill(child.pid, signal.SIGKILL)
    assert found == list(range(50))


@pytest.mark.parametrize("workers", [1, 2])
def test_items_larger_than_the_ring_come_through(workers):
    def work(item):
        return bytes([item]) * (item * 1000), READ, ""

    found = results(chunked(list(range(20)), 4), lambda: work, PoolOptions(workers, ring=4096))
    assert [data for _, data, *_ in found] == [bytes([item]) * (item * 1000) for item in range(20)]


def test_a_large_item_of_a_worker_that_dies_right_after_is_done_again(tmp_path):
    def work(item):
        if item == 1 and not (tmp_path / "died").exists():
            (tmp_path / "died").touch()
            os._exit(1)
        return b"%d" % item * 10_000, READ, ""

    found = results([[0, 1, 2]], lambda: work, PoolOptions(1, ring=4096))
    assert [data for _, data, *_ in found] == [b"%d" % item * 10_000 for item in range(3)]


def test_a_worker_killed_while_its_large_item_waits_delivers_it_all_the_same():
    def work(item):
        return b"%d" % item * 50_000, READ, ""

    found = []
    for block in run([[0], [1], [2], [3]], lambda: work, PoolOptions(2, ring=4096)):
        found.append((block.items[0], bytes(block.data)))
        if block.items == [0]:
            for child in multiprocessing.active_children():
                os.kill(child.pid, signal.SIGKILL)
    assert found == [(item, b"%d" % item * 50_000) for item in range(4)]


@given(st.lists(st.integers(0, 5000), max_size=60), st.integers(1, 9), st.integers(1, 3), st.sampled_from([1, 64, 1000, 4096]))
@settings(max_examples=25, deadline=None)
def test_any_sizes_pass_any_ring(sizes, chunk, workers, ring):
    def work(item):
        return bytes([item[0] % 251]) * item[1], READ, ""

    items = list(enumerate(sizes))
    found = results(chunked(items, chunk), lambda: work, PoolOptions(workers, ring=ring))
    assert [(item, data) for item, data, *_ in found] == [(item, work(item)[0]) for item in items]


def test_a_small_ring_wraps_around_many_times():
    items = list(range(1000))
    assert results(chunked(items, 64), lambda: content, PoolOptions(2, ring=4096)) == expected(items)


def drawn_behind(work, options, chunks, go) -> int:
    """How many chunks are drawn while the first item waits for *go*, which is given when no more have come for a while."""
    drawn = []

    def watch():
        before = -1
        while len(drawn) != before:
            before = len(drawn)
            time.sleep(1)
        go.touch()

    watcher = threading.Thread(target=watch)
    blocks = run((drawn.append(None) or chunk for chunk in chunks), lambda: work, options)
    watcher.start()
    first = next(blocks)
    behind = len(drawn)
    assert first.items[0] == 0
    assert len(first.items) + sum(len(block.items) for block in blocks) == sum(map(len, chunks))
    watcher.join()
    return behind


@pytest.mark.parametrize(("ring", "least", "most"), [(RING, pool._UNTAKEN, 2 * pool._UNTAKEN), (8192, 8, 2 * (8 + pool._AHEAD))])
def test_one_slow_item_keeps_what_is_drawn_ahead_bounded(tmp_path, until, ring, least, most):
    def work(item):
        if item == 0:
            until((tmp_path / "go").exists)
        return bytes(1000), READ, ""

    assert least <= drawn_behind(work, PoolOptions(2, ring=ring), [[n] for n in range(300)], tmp_path / "go") <= most


def test_workers_that_die_behind_a_slow_item_do_not_pile_up_what_they_made(tmp_path, until):
    def work(item):
        if item == 0:
            until((tmp_path / "go").exists)
        elif item % 2:
            os._exit(1)
        return bytes(1000), READ, ""

    chunks = [[0]] + [[n, n + 1] for n in range(2, 200, 2)]
    behind = drawn_behind(work, PoolOptions(2, ring=4096), chunks, tmp_path / "go")
    assert behind <= 2 * (4096 // 1000 + 1 + pool._AHEAD)


@pytest.mark.parametrize("size", [10, 100_000])
def test_an_item_that_hangs_is_ended_in_time_though_the_next_chunk_is_larger_than_a_pipe(size):
    def work(item):
        if item[0] == 1:
            signal.pause()
        return b"x", READ, ""

    items = [(number, "y" * size) for number in range(24)]
    found = results(chunked(items, 8), lambda: work, PoolOptions(2, timeout=0.6))
    assert [number for (number, _), *_ in found] == list(range(24))
    assert [number for number, _ in rejected(found)] == [1]


def test_every_worker_is_at_work_though_chunks_are_larger_than_a_pipe(tmp_path, until):
    def work(item):
        (tmp_path / str(os.getpid())).touch()
        until(lambda: len(os.listdir(tmp_path)) == 3)
        return b"x", READ, ""

    items = [(number, "y" * 100_000) for number in range(24)]
    assert len(results(chunked(items, 8), lambda: work, PoolOptions(3))) == 24


def test_a_consumer_that_waits_is_not_run_away_from():
    drawn = []
    blocks = run((drawn.append(n) or [n] for n in range(10_000)), lambda: content, PoolOptions(3))
    for _ in range(50):
        next(blocks)
    assert len(drawn) <= 50 + 3 * pool._UNTAKEN
    blocks.close()


@pytest.mark.parametrize("workers", [0, 2])
def test_a_setup_that_raises_is_raised_here(workers):
    def setup():
        raise ValueError("the setup cannot work")

    with pytest.raises(ValueError, match="the setup cannot work"):
        results([[1], [2]], setup, PoolOptions(workers))


@pytest.mark.parametrize("method", ["forkserver", "spawn"])
def test_a_setup_that_raises_elsewhere_is_raised_here(importable, method):
    with pytest.raises(ValueError, match="the setup cannot work"):
        results([[1], [2]], importable.broken, PoolOptions(2, start_method=method))


def test_chunks_that_raise_are_raised_here_and_leave_no_process():
    def chunks():
        yield [1]
        raise LookupError("the list broke off")

    with pytest.raises(LookupError, match="the list broke off"):
        results(chunks(), lambda: content, PoolOptions(2))


def test_a_consumer_that_stops_early_leaves_no_process():
    blocks = run(([n] for n in range(1000)), lambda: content, PoolOptions(3))
    next(blocks)
    assert len(multiprocessing.active_children()) == 3
    blocks.close()
    assert multiprocessing.active_children() == []


def test_a_consumer_that_raises_leaves_no_process():
    def consume():
        for _ in run(([n] for n in range(1000)), lambda: content, PoolOptions(2)):
            raise KeyError("the consumer broke off")

    with pytest.raises(KeyError):
        consume()
    assert multiprocessing.active_children() == []


@pytest.mark.parametrize("workers", [1, 2])
def test_workers_that_can_never_start_end_the_run(workers):
    with pytest.raises(WorkerError, match=r"end before they have done anything \(exit code 3\)"):
        results([[1], [2]], lambda: os._exit(3), PoolOptions(workers))


@pytest.mark.parametrize("workers", [1, 2])
def test_processes_that_die_before_they_read_anything_end_the_run(workers):
    setup = functools.partial(eval, "__import__('os')._exit")  # as work, it would end at the first item
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pool, "serve", os._exit)
        with pytest.raises(WorkerError, match="end before they have done anything"):
            results([[1], [2]], setup, PoolOptions(workers))


def test_workers_do_not_outlive_a_supervisor_that_is_killed(tmp_path, until):
    def work(item):
        (tmp_path / str(os.getpid())).touch()
        return content(item)

    supervisor = os.fork()
    if not supervisor:
        blocks = run(([n] for n in range(1000)), lambda: work, PoolOptions(2))
        next(blocks)
        signal.pause()
    workers = until(lambda: len(names := os.listdir(tmp_path)) == 2 and names)
    os.kill(supervisor, signal.SIGKILL)
    os.waitpid(supervisor, 0)
    until(lambda: not any(is_alive(int(pid)) for pid in workers))


def is_alive(pid: int) -> bool:
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rsplit(")", 1)[1].split()[0] not in "ZX"
    except OSError:
        return False


def test_a_process_that_has_threads_or_opencv_is_not_forked():
    code = "import {}; from im2rec import pool; print(pool._start_method())"
    expected = {
        "sys": "fork",
        "cv2": "forkserver",
        "threading; threading.Thread(target=threading.Event().wait, daemon=True).start()": "forkserver",
    }
    for module, method in expected.items():
        done = subprocess.run([sys.executable, "-c", code.format(module)], capture_output=True, text=True, check=True)
        assert done.stdout.strip() == (method if sys.platform == "linux" else "spawn"), module
