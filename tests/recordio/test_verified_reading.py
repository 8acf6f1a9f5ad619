"""Readers that check what they read by the .sum: what they refuse, what they name, and that it costs no second read."""

from __future__ import annotations

import pickle

import pytest

import recordio
from recordio import checksum, frame, scan
from recordio.errors import BadMagic, ChecksumMismatch, FileError, FormatError, SumFormatError, Truncated
from recordio.indexed import IndexedReader
from recordio.reader import Reader

M = frame.MAGIC_BYTES
PAYLOADS = {7: b"first", 5: b"abcd" + M + b"efgh" + M + M + b"ij", 9: b"third"}  # records at 0, 16 and 60; the file ends at 76


@pytest.fixture
def rec(tmp_path):
    with recordio.IndexedWriter(tmp_path / "x.rec") as writer:
        for key, payload in PAYLOADS.items():
            writer.write(key, payload)
    return tmp_path / "x.rec"


def hurt(path, at: int, mask: int = 1) -> None:
    data = bytearray(path.read_bytes())
    data[at] ^= mask
    path.write_bytes(data)


def by_key(rec, key: int) -> bytes:
    with IndexedReader(rec, verify=True) as reader:
        return reader.read(key)


def in_order(rec) -> tuple[list[bytes], FormatError | None]:
    """Read on until the end or the first fault: the payloads, and the fault."""
    payloads: list[bytes] = []
    with Reader(rec, verify=True) as reader:
        try:
            for payload in reader:
                payloads.append(payload)  # noqa: PERF402  (those before a fault count)
        except FormatError as error:
            return payloads, error
    return payloads, None


def facts(error: FormatError | None) -> tuple:
    return type(error), error.source, error.offset, getattr(error, "key", None), error.reason


# What is as it was written


def test_whole_set_is_read(rec):
    assert in_order(rec) == (list(PAYLOADS.values()), None)
    with IndexedReader(rec, verify=True) as reader:
        assert {key: reader.read(key) for key in PAYLOADS} == PAYLOADS
        assert list(reader) == list(PAYLOADS.values())


def test_runs_and_records_are_the_same_as_without(rec):
    with Reader(rec, verify=True) as verified, Reader(rec) as plain:
        assert list(verified.runs()) == list(plain.runs())
        assert list(verified.records()) == list(plain.records())
        assert list(verified) == list(verified)


def test_empty_set_is_read(tmp_path):
    with recordio.IndexedWriter(tmp_path / "x.rec"):
        pass
    assert in_order(tmp_path / "x.rec") == ([], None)


def test_copy_made_by_pickling_checks_as_well(rec):
    with IndexedReader(rec, verify=True) as reader, pickle.loads(pickle.dumps(reader)) as copy:
        hurt(rec, 9)
        with pytest.raises(ChecksumMismatch):
            copy.read(7)
        assert copy.read(9) == PAYLOADS[9]


# What is not


@pytest.mark.parametrize("bit", range(8 * 76))
def test_every_flipped_bit_is_noticed_by_key_and_in_order(rec, bit):
    offset, key = [(at, key) for at, key in zip((0, 16, 60), PAYLOADS, strict=True) if at <= bit // 8][-1]
    hurt(rec, bit // 8, 1 << bit % 8)
    with pytest.raises(ChecksumMismatch) as caught:
        by_key(rec, key)
    assert facts(caught.value)[:4] == (ChecksumMismatch, str(rec), offset, key)
    payloads, error = in_order(rec)
    assert payloads == list(PAYLOADS.values())[: (0, 16, 60).index(offset)]
    assert isinstance(error, FormatError)
    for other, payload in PAYLOADS.items():
        assert other == key or by_key(rec, other) == payload


def test_mismatch_names_file_offset_key_and_both_crcs(rec):
    hurt(rec, 8)
    found = checksum.crc_function()(rec.read_bytes()[:16])
    listed = checksum.load(rec.with_suffix(".sum"))
    with pytest.raises(ChecksumMismatch) as caught:
        by_key(rec, 7)
    assert str(caught.value) == f"{rec}: offset 0: key 7: CRC-32 {found:08x}, expected {int(listed.crcs[0]):08x}"
    assert str(in_order(rec)[1]) == str(caught.value)


def test_fault_of_a_frame_is_told_as_such_in_order(rec):
    hurt(rec, 16)
    payloads, error = in_order(rec)
    assert payloads == [PAYLOADS[7]]
    assert isinstance(error, BadMagic)


@pytest.mark.parametrize("size", range(76))
def test_every_cut_is_noticed(rec, size):
    rec.write_bytes(rec.read_bytes()[:size])
    payloads, error = in_order(rec)
    whole = sum(end <= size for end in (16, 60, 76))
    assert payloads == list(PAYLOADS.values())[:whole]
    if size in (0, 16, 60):
        left = 3 - whole
        reason = f"the file ends, {rec.with_suffix('.sum')} lists {left} more record{'s' * (left > 1)}"
        assert facts(error) == (ChecksumMismatch, str(rec), size, [7, 5, 9][whole], reason)
    else:
        assert isinstance(error, Truncated)
    for key, end in zip(PAYLOADS, (16, 60, 76), strict=True):
        if end > size:
            with pytest.raises(FormatError):
                by_key(rec, key)
        else:
            assert by_key(rec, key) == PAYLOADS[key]


def test_record_behind_the_last_that_is_listed_is_an_error(rec):
    rec.write_bytes(rec.read_bytes() + frame.encode(b"more"))
    with open(rec.with_suffix(".idx"), "a", encoding="ascii") as idx:
        idx.write("11\t76\n")
    reason = f"{rec.with_suffix('.sum')} lists no record here"
    payloads, error = in_order(rec)
    assert (payloads, facts(error)) == (list(PAYLOADS.values()), (ChecksumMismatch, str(rec), 76, None, reason))
    with pytest.raises(ChecksumMismatch) as caught:
        by_key(rec, 11)
    assert facts(caught.value) == (ChecksumMismatch, str(rec), 76, 11, reason)


def test_line_that_leads_into_a_record_is_an_error(rec):
    rec.with_suffix(".idx").write_text("7\t4\n")
    with pytest.raises(ChecksumMismatch, match=r"offset 4: key 7: .*x\.sum lists no record here"):
        by_key(rec, 7)


def test_lines_that_changed_their_offsets_give_no_other_record(rec):
    rec.with_suffix(".idx").write_text("7\t60\n5\t16\n9\t0\n")
    with pytest.raises(ChecksumMismatch, match=r"offset 60: key 7: .*x\.sum lists the record here under the key 9"):
        by_key(rec, 7)
    assert by_key(rec, 5) == PAYLOADS[5]


def test_set_of_the_same_sizes_with_other_bytes_is_an_error(rec, tmp_path):
    with recordio.IndexedWriter(tmp_path / "y.rec", checksums=False) as writer:
        for key, payload in PAYLOADS.items():
            writer.write(key, payload[::-1] if M not in payload else payload)
    (tmp_path / "y.sum").write_bytes(rec.with_suffix(".sum").read_bytes())
    assert facts(in_order(tmp_path / "y.rec")[1])[:4] == (ChecksumMismatch, str(tmp_path / "y.rec"), 0, 7)
    assert by_key(tmp_path / "y.rec", 5) == PAYLOADS[5]


def test_record_that_was_swallowed_by_the_one_before_is_an_error(tmp_path):
    with recordio.IndexedWriter(tmp_path / "x.rec") as writer:
        writer.write(1, b"a" * 12)
        writer.write(2, b"b" * 4)
    data = bytearray((tmp_path / "x.rec").read_bytes())
    data[4] = 12 + 12  # the first record's length now takes in the second's head and data
    (tmp_path / "x.rec").write_bytes(data)
    assert facts(in_order(tmp_path / "x.rec")[1])[2:] == (0, 1, "32 bytes, expected 20")


@pytest.mark.parametrize("open_", [Reader, IndexedReader])
def test_missing_or_damaged_sum_is_told_when_opening(rec, open_):
    hurt(rec.with_suffix(".sum"), 20)
    with pytest.raises(SumFormatError, match="is damaged"):
        open_(rec, verify=True)
    rec.with_suffix(".sum").unlink()
    with pytest.raises(FileError, match=r"x\.sum: cannot open: No such file"):
        open_(rec, verify=True)
    open_(rec).close()


# What it costs


def test_each_record_is_read_once_and_no_further(rec, reads):
    with IndexedReader(rec, verify=True) as reader:
        reads.clear()
        for key in PAYLOADS:
            reader.read(key)
    assert reads == [(0, 16), (16, 44), (60, 16)]


def test_file_is_read_once_in_order(rec, reads):
    with Reader(rec, verify=True) as reader:
        reads.clear()
        list(reader)
    assert reads == [(0, 76)]


@pytest.mark.parametrize("size", [1000, scan.BLOCK - 8, scan.BLOCK, 2 * scan.BLOCK + 5])
def test_records_across_blocks_are_checked(tmp_path, size):
    rec, payloads = tmp_path / "x.rec", [b"a" * 1000, b"b" * size, b"c" * 1000, b"d" * size, b""]
    with recordio.IndexedWriter(rec) as writer:
        for key, payload in enumerate(payloads):
            writer.write(key, payload)
    assert in_order(rec) == (payloads, None)
    hurt(rec, 1008 + size // 2)
    found, error = in_order(rec)
    assert (found, error.offset, error.key) == (payloads[:1], 1008, 1)
