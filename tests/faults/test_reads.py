"""Reads by threads, forked processes and pickled copies at once: every record is the one that was asked for."""

from __future__ import annotations

from pathlib import Path

import pytest
from reading import read_by_all, write
from tiers import cases


@pytest.mark.parametrize("kind", ["IndexedReader", "MXIndexedRecordIO"])
def test_reads_by_threads_processes_and_copies(tmp_path: Path, kind: str) -> None:
    read_by_all(write(tmp_path / "x.rec"), kind, cases("reads", quick=12_000, test=1_000_000, soak=100_000_000))
