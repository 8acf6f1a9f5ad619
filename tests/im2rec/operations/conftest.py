"""Sets that operations are tried on: every layout, with payloads that are escaped or empty, and keys that stand twice."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

import pytest
from datasets import RECORDS, write_set


@pytest.fixture(params=list(RECORDS))
def records(request) -> list[tuple[int, bytes]]:
    return RECORDS[request.param]


@pytest.fixture
def make(work) -> Callable[..., Path]:
    def write(records: Iterable[tuple[int, bytes]] | str, name: str = "a", **options: bool) -> Path:
        return write_set(work / f"{name}.rec", RECORDS[records] if isinstance(records, str) else records, **options)

    return write
