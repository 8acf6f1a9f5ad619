"""The run over a file that readers and the rebuilding of an index share."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from recordio import header, scan
from recordio.errors import FormatError
from recordio.files import InputFile

M = b"\x0a\x23\xd7\xce"
payloads = st.lists(st.sampled_from([M, M, M[:2], b"\0\0", b"abcd"]) | st.binary(max_size=9), max_size=8).map(b"".join)
# The fixtures hold a file name and constants; every example writes the file anew.
quick = settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])


@pytest.fixture
def runs(patient):
    """All runs of a file with these bytes, and the fault that ended them."""

    def collect(data: bytes):
        file, found = InputFile(patient.put(data).path), []
        try:
            for run in scan.runs(file):
                found.append(run)  # noqa: PERF402  (those before a fault count)
        except FormatError as error:
            return found, error
        finally:
            file.close()
        return found, None

    return collect


def test_records_that_mxnet_wrote_are_one_run(frames, runs):
    records = list(zip(frames.offsets, frames.payloads, strict=True))
    assert runs(frames.rec.read_bytes()) == ([records], None)


def test_no_run_is_empty(framed, monkeypatch, runs):
    monkeypatch.setattr(scan, "BLOCK", 8)
    found, _ = runs(framed(b"x" * 100) + framed(M * 9) + framed(b""))
    assert all(found)
    assert sum(map(len, found)) == 3


def test_every_byte_is_read_once_where_records_fit_into_blocks(framed, monkeypatch, runs, reads):
    monkeypatch.setattr(scan, "BLOCK", 96)
    data = framed(b"x" * 24) * 9  # 32 bytes each, three in a block
    runs(data)
    assert reads == [(0, 96), (96, 96), (192, 96)]


@quick
@given(st.lists(payloads, max_size=6), st.integers(1, 100))
def test_records_are_the_same_for_every_size_of_block(framed, monkeypatch, runs, many, block):
    monkeypatch.setattr(scan, "BLOCK", block)
    found, error = runs(b"".join(map(framed, many)))
    assert error is None
    assert [payload for run in found for _, payload in run] == many


@quick
@given(st.lists(payloads, min_size=1, max_size=4), st.integers(1, 60), st.data())
def test_every_truncation_loses_only_the_last_record_and_is_told(framed, monkeypatch, runs, many, block, data):
    monkeypatch.setattr(scan, "BLOCK", block)
    whole, last = b"".join(map(framed, many[:-1])), framed(many[-1])
    rest = data.draw(st.integers(1, len(last) - 1))
    found, error = runs(whole + last[:rest])
    assert [payload for run in found for _, payload in run] == many[:-1]
    assert (type(error).__name__, error.offset) == ("Truncated", len(whole))
    assert rest < error.needed <= len(last)


@quick
@given(st.lists(payloads, min_size=1, max_size=4), st.integers(1, 60), st.data())
def test_a_wrong_bit_loses_nothing_that_stands_before_its_record(framed, monkeypatch, runs, many, block, data):
    monkeypatch.setattr(scan, "BLOCK", block)
    hurt = bytearray(b"".join(map(framed, many)))
    offset = len(b"".join(map(framed, many[:-1])))
    at = data.draw(st.integers(8 * offset, 8 * len(hurt) - 1))
    hurt[at // 8] ^= 1 << at % 8
    found, error = runs(bytes(hurt))
    assert [payload for run in found for _, payload in run][: len(many) - 1] == many[:-1]
    assert error is None or error.offset >= offset


@pytest.fixture
def heads(patient):
    """Offsets and ids of all records of a file with these bytes, and the fault that ended them."""

    def collect(data: bytes, *, ids: bool):
        file, offsets, found = InputFile(patient.put(data).path), [], []
        try:
            for some, theirs in scan.heads(file, ids=ids):
                assert some
                offsets += some
                found += theirs
        except FormatError as error:
            return offsets, found, error
        finally:
            file.close()
        return offsets, found, None

    return collect


@quick
@given(st.lists(payloads | payloads.map(lambda rest: b"\0" * 8 + (rest + M * 4)[:16] + rest), max_size=6), st.integers(1, 100), st.data())
def test_offsets_and_ids_are_those_of_whole_records_and_end_at_the_same_fault(framed, monkeypatch, runs, heads, many, block, data):
    monkeypatch.setattr(scan, "_PIECE", block)
    whole = bytearray(b"".join(map(framed, many)))
    if whole and data.draw(st.booleans()):
        at = data.draw(st.integers(0, 8 * len(whole) - 1))
        whole[at // 8] ^= 1 << at % 8
    cut = bytes(whole[: data.draw(st.integers(0, len(whole)))])
    found, error = runs(cut)
    records = [record for run in found for record in run]
    offsets, none, fault = heads(cut, ids=False)
    assert (offsets, none, str(fault)) == ([offset for offset, _ in records], [], str(error))
    offsets, ids, fault = heads(cut, ids=True)
    long = list(itertools.takewhile(lambda record: len(record[1]) >= header.HEADER_SIZE, records))
    assert list(zip(offsets, ids, strict=True)) == [(offset, header.unpack_id(payload)) for offset, payload in long]
    if len(long) == len(records):
        assert str(fault) == str(error)
    else:
        assert (type(fault).__name__, fault.offset) == ("BadHeader", records[len(long)][0])
