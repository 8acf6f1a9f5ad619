"""MXNet reads what we write, and we read what MXNet writes."""

from __future__ import annotations

import json
import random
import struct
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import recordio

pytestmark = pytest.mark.interop

MAGIC = struct.pack("<I", 0xCED7230A)


def _payloads(seed: int, count: int) -> dict[str, list[object]]:
    """Payloads full of magic words, whole, cut and out of line, under keys that are neither dense nor in order."""
    rng = random.Random(seed)
    pieces = [MAGIC, MAGIC[:2], b"\0" * 4, b"a", b"\xce\xd7\x23\x0a", struct.pack("<I", 1 << 29 | 4)]
    payloads = [b"".join(rng.choices(pieces, k=rng.randint(0, 40))) for _ in range(count)]
    return {"keys": rng.sample(range(10 * count), count), "payloads": [payload.hex() for payload in payloads]}


def test_both_write_the_same_bytes_and_read_each_other(mxnet: Callable[..., str], tmp_path: Path) -> None:
    wanted = _payloads(7, 3000)
    (tmp_path / "payloads.json").write_text(json.dumps(wanted))
    mxnet("write", tmp_path / "theirs.rec", tmp_path / "theirs.idx", tmp_path / "payloads.json")
    with recordio.IndexedWriter(tmp_path / "ours.rec") as writer:
        for key, payload in zip(wanted["keys"], wanted["payloads"], strict=True):
            writer.write(key, bytes.fromhex(payload))

    assert (tmp_path / "ours.rec").read_bytes() == (tmp_path / "theirs.rec").read_bytes()
    assert (tmp_path / "ours.idx").read_bytes() == (tmp_path / "theirs.idx").read_bytes()
    assert json.loads(mxnet("read", tmp_path / "ours.rec", tmp_path / "ours.idx")) == wanted
    with recordio.IndexedReader(tmp_path / "theirs.rec") as reader:
        assert reader.keys.tolist() == wanted["keys"]
        assert [payload.hex() for payload in reader] == wanted["payloads"]
        assert [payload.hex() for payload in recordio.Reader(tmp_path / "theirs.rec")] == wanted["payloads"]


@pytest.mark.parametrize("options", [[], ["--resize", "64"], ["--resize", "64", "--shards", "3"]])
def test_mxnets_iterator_reads_a_pack(mxnet: Callable[..., str], photos: Path, tmp_path: Path, options: list[str]) -> None:
    command = [sys.executable, "-m", "im2rec", "pack", str(photos), "-o", str(tmp_path / "set"), *options]
    subprocess.run(command, check=True, capture_output=True)
    listed = [float(line.split("\t")[1]) for line in (tmp_path / "set.lst").read_text().splitlines()]

    labels: list[float] = []
    for rec in sorted(tmp_path.glob("*.rec")):
        labels += json.loads(mxnet("iterate", rec, rec.with_suffix(".idx"), 32, 32))
    assert labels == listed


def test_a_rebuilt_index_serves_mxnet(mxnet: Callable[..., str], photos: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "im2rec", "pack", str(photos), "-o", str(tmp_path / "set")]
    subprocess.run(command, check=True, capture_output=True)
    before = mxnet("read", tmp_path / "set.rec", tmp_path / "set.idx")
    (tmp_path / "set.idx").unlink()
    subprocess.run([sys.executable, "-m", "im2rec", "index", str(tmp_path / "set.rec")], check=True, capture_output=True)
    assert mxnet("read", tmp_path / "set.rec", tmp_path / "set.idx") == before
