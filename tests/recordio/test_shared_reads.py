"""Reads by threads, forked processes and pickled copies at once, and memory over many epochs; `make faults` reads a million."""

from __future__ import annotations

import pytest
from reading import RECORDS, read_by_all, write

import recordio
from recordio import mxnet


@pytest.fixture
def rec(tmp_path):
    return write(tmp_path / "x.rec")


@pytest.mark.parametrize("kind", ["IndexedReader", "MXIndexedRecordIO"])
def test_every_read_is_right(rec, kind):
    read_by_all(rec, kind, 12_000)


def test_memory_stays_flat_over_epochs(rec):
    """Fifty epochs in order and by key, through both readers: what Python holds after the tenth is what it holds at the end."""
    import tracemalloc

    def epoch(in_order: mxnet.MXRecordIO, by_key: mxnet.MXIndexedRecordIO) -> None:
        in_order.reset()
        count = 0
        while in_order.read() is not None:
            count += 1
        assert count == RECORDS
        assert sum(1 for _ in recordio.Reader(rec)) == RECORDS
        for key in by_key.keys:
            by_key.read_idx(key)

    with mxnet.MXRecordIO(rec, "r") as in_order, mxnet.MXIndexedRecordIO(rec.with_suffix(".idx"), rec, "r") as by_key:
        for _ in range(10):
            epoch(in_order, by_key)
        tracemalloc.start()
        try:
            before = tracemalloc.get_traced_memory()[0]
            for _ in range(40):
                epoch(in_order, by_key)
            assert tracemalloc.get_traced_memory()[0] - before < 100_000
        finally:
            tracemalloc.stop()
