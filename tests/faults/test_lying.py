"""Lengths, flags, offsets and sizes that lie are refused before anybody allocates what they ask for."""

from __future__ import annotations

import struct
import tracemalloc

import lying
import pytest
from tiers import SEED, TIER, cases, parts, row, spread

import recordio
from recordio import frame, header
from recordio.errors import BadHeader, ChecksumMismatch, FormatError, Truncated
from recordio.verify import verify


def test_every_field_may_lie():
    total = lying.count()
    step, limited = max(1, total // cases("lying", 250, total, total)), TIER != "quick"
    with row("lying") as counted:
        for done in spread(lying.run_all, ((*part, step, limited) for part in parts(total, 500)), weight=10):
            counted.add(done)
        for done in spread(lying.run_random, ((*part, SEED, limited) for part in parts(cases("lies", 100, 5000, 10**6), 1000))):
            counted.add(done)


@pytest.fixture
def rec(tmp_path):
    with recordio.IndexedWriter(tmp_path / "x.rec") as writer:
        for key in range(3):
            writer.write(key, recordio.pack(recordio.Header(0, 1.0, key), b"image"))
    return tmp_path / "x.rec"


def peak_of(work) -> int:
    tracemalloc.start()
    try:
        work()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_length_beyond_the_end_is_refused_with_what_it_asks_for(rec):
    data = bytearray(rec.read_bytes())
    struct.pack_into("<I", data, 4, frame.MAX_LENGTH)
    rec.write_bytes(data)

    def read():
        with (
            recordio.IndexedReader(rec) as reader,
            pytest.raises(Truncated, match="needs 536870920 bytes or more, the file ends after 120"),
        ):
            reader.read(0)
        with recordio.Reader(rec) as reader, pytest.raises(Truncated, match="needs 536870920 bytes or more, the file ends after 120"):
            list(reader)

    assert peak_of(read) < 1 << 20


def test_flag_of_four_billion_labels_is_refused(rec):
    payload = struct.pack("<IfQQ", 2**32 - 1, 0, 1, 0) + b"image"

    def unpack():
        with pytest.raises(BadHeader, match="announces 17179869180 bytes of labels, 5 are left"):
            header.unpack(payload)

    assert peak_of(unpack) < 1 << 20


@pytest.mark.parametrize("offset", [120, 124, 1 << 31, (1 << 63) - 1])
def test_offset_beyond_the_end_is_refused(rec, offset):
    rec.with_suffix(".idx").write_text(f"0\t{offset}\n")

    def read():
        with recordio.IndexedReader(rec) as reader, pytest.raises(FormatError, match="puts a record here, behind the file's end at 120"):
            reader.read(0)
        with recordio.IndexedReader(rec, verify=True) as reader, pytest.raises(ChecksumMismatch, match="lists no record here"):
            reader.read(0)

    assert peak_of(read) < 1 << 20


@pytest.mark.parametrize("length", [44, 1 << 24, (1 << 30) + 4])
def test_listed_length_beyond_the_end_is_refused(tmp_path, length):
    made = lying.Set(tmp_path)
    made.put(".sum", made._fitting(4, length))

    def read():
        with recordio.IndexedReader(made.rec, verify=True) as reader, pytest.raises(ChecksumMismatch, match=f"expected {length}"):
            reader.read(5)
        with recordio.Reader(made.rec, verify=True) as reader, pytest.raises(ChecksumMismatch, match=f"expected {length}"):
            list(reader)
        report = verify(made.rec)
        assert f"expected {length}" in report.issues[0].reason

    assert peak_of(read) < 1 << 20
