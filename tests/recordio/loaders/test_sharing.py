"""Iterators that several threads share, that are forked and copied meanwhile, and that are closed."""

from __future__ import annotations

import copy
import os
import pickle
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import recordio
from recordio import loaders

SMALL = Path(__file__).resolve().parents[2] / "golden" / "loaders" / "small.rec"
GIVEN: dict[str, Any] = {"path_imgrec": SMALL, "path_imgidx": SMALL.with_suffix(".idx"), "data_shape": (3, 20, 20), "batch_size": 2}
KINDS: dict[str, Callable[[], Any]] = {
    "records": lambda: loaders.ImageRecordIter(**GIVEN, shuffle=True, verbose=False, preprocess_threads=2),
    "images": lambda: loaders.ImageIter(**GIVEN, shuffle=True, seed=3, preprocess_threads=2),
    "resized": lambda: loaders.ResizeIter(loaders.ImageRecordIter(**GIVEN, shuffle=True, verbose=False), 12),
    "fetched ahead": lambda: loaders.PrefetchingIter(loaders.ImageRecordIter(**GIVEN, shuffle=True, verbose=False)),
}


def shared_epoch(iterator: Any, threads: int = 4) -> list[tuple[list[int], list[float], float]]:
    """Let threads take the batches of an epoch: ids, labels, and a sum that tells the pixels."""
    found: list[tuple[list[int], list[float], float]] = []
    failed: list[BaseException] = []
    start = threading.Barrier(threads)

    def take() -> None:
        start.wait()
        try:
            while True:
                batch = iterator.next()
                found.append((batch.index.tolist(), batch.label[0].tolist(), float(batch.data[0].sum())))
        except StopIteration:
            pass
        except BaseException as error:  # noqa: BLE001  (shown by the test)
            failed.append(error)

    workers = [threading.Thread(target=take) for _ in range(threads)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert not failed
    return sorted(found)


@pytest.mark.parametrize("name", KINDS)
def test_threads_that_share_an_iterator_get_each_batch_once(name: str) -> None:
    iterator, straight = KINDS[name](), KINDS[name]()
    for _ in range(8):
        expected = [(batch.index.tolist(), batch.label[0].tolist(), float(batch.data[0].sum())) for batch in straight]
        assert len(expected) == 12
        assert shared_epoch(iterator) == sorted(expected)
        iterator.reset()
        straight.reset()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
@pytest.mark.parametrize("name", KINDS)
def test_a_fork_goes_on_although_another_thread_had_its_turn(name: str, in_a_fork: Callable[[Callable[[], bool]], bool]) -> None:
    iterator = KINDS[name]()
    expected = [batch.index.tolist() for batch in KINDS[name]()]
    held, done = threading.Event(), threading.Event()

    def hold() -> None:
        with iterator._turns.lock:
            held.set()
            done.wait()

    holder = threading.Thread(target=hold)
    holder.start()
    held.wait()
    went_on = in_a_fork(lambda: [batch.index.tolist() for batch in iterator] == expected)
    done.set()
    holder.join()
    assert went_on
    assert [batch.index.tolist() for batch in iterator] == expected


def pickled(iterator: Any) -> Any:
    return pickle.loads(pickle.dumps(iterator))


@pytest.mark.parametrize("name", KINDS)
@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy, pickled])
def test_copies_have_turns_of_their_own(name: str, copied: Callable[[Any], Any]) -> None:
    if name == "resized" and copied is copy.copy:
        pytest.skip("it shares the iterator within")
    iterator = KINDS[name]()
    other = copied(iterator)
    assert other._turns.lock is not iterator._turns.lock
    assert other.next().index.tolist() == KINDS[name]().next().index.tolist()


@pytest.mark.parametrize("name", ["records", "images", "fetched ahead"])
def test_a_closed_iterator_says_that_it_is_closed(name: str) -> None:
    iterator = KINDS[name]()
    iterator.next()
    state = iterator.state_dict()
    iterator.close()
    for call in (iterator.next, iterator.iter_next if name != "images" else iterator.next, iterator.reset):
        with pytest.raises(ValueError, match="the iterator is closed"):
            call()
    assert iterator.state_dict() == state
    iterator.close()


def test_an_iterator_is_closed_at_the_end_of_its_with() -> None:
    with KINDS["records"]() as iterator:
        state = iterator.state_dict()
    with pytest.raises(ValueError, match="the iterator is closed"):
        iterator.load_state_dict(state)


@pytest.mark.usefixtures("with_and_without_pread")
def test_a_closed_reader_says_that_it_is_closed() -> None:
    reader = recordio.IndexedReader(SMALL)
    reader.close()
    with pytest.raises(recordio.FileError, match=r"small\.rec: cannot read at offset \d+: it is closed"):
        reader.read(3)


PROGRAM = """
import sys, threading
from recordio import images, loaders

loaded = []

class Watch:
    def find_spec(self, name, path=None, target=None):
        if threading.current_thread() is not threading.main_thread():
            loaded.append(name)

sys.meta_path.insert(0, Watch())
files = dict(path_imgrec=sys.argv[1], path_imgidx=sys.argv[2])
made = loaders.{}(**files, data_shape=(3, 20, 20), batch_size=2, rand_crop=True, preprocess_threads=2, {})
compared = images._decodes_alike.cache_info().misses
next(made)
print(loaded, images._decodes_alike.cache_info().misses - compared)
"""


@pytest.mark.parametrize(
    ("kind", "more"),
    [
        ("ImageRecordIter", "rand_mirror=True, brightness=0.1, random_h=3, pca_noise=0.1"),
        ("ImageRecordIter", "max_rotate_angle=10, max_random_contrast=0.1"),
        ("ImageIter", "rand_mirror=True, brightness=0.1, hue=0.1, pca_noise=0.1"),
    ],
)
def test_threads_load_nothing_and_find_out_nothing_that_a_fork_would_cut_in_two(kind: str, more: str) -> None:
    """A module that a thread is loading when another forks is half loaded in the child, for ever."""
    words = [sys.executable, "-c", PROGRAM.format(kind, more), str(SMALL), str(SMALL.with_suffix(".idx"))]
    ran = subprocess.run(words, capture_output=True, text=True, timeout=60, check=False)
    assert (ran.stdout, ran.stderr) == ("[] 0\n", "")
