"""Reading in order and by key: what is read, what is told of damaged files, and what it costs."""

from __future__ import annotations

import errno
import os
import pickle
import random
import shutil
import struct
import threading
import tracemalloc
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from recordio import frame, header, scan
from recordio.errors import BadHeader, ChecksumMismatch, FileError, FormatError, IndexFormatError, KeyMissing, Truncated
from recordio.indexed import IndexedReader
from recordio.mxnet import MXIndexedRecordIO
from recordio.reader import Reader
from recordio.writer import IndexedWriter, Writer

M = b"\x0a\x23\xd7\xce"
MULTI = b"abcd" + M + b"efgh" + M + M + b"ij"  # parts at 0, 12, 24, 32; 44 bytes in all
FIRST, SECOND, THIRD = b"first", MULTI, b"third"  # records at 0, 16 and 60; the file ends at 76


@pytest.fixture
def three(patient):
    patient.write(FIRST, SECOND, THIRD)
    assert (patient.offsets, len(patient.data)) == ([0, 16, 60], 76)
    return patient


@pytest.fixture
def indexed(tmp_path):
    """Write records with keys and open them; the index can be replaced by lines of its own."""
    opened = []

    def build(records: dict[int, bytes], lines: str | None = None, **how: bool) -> IndexedReader:
        with IndexedWriter(tmp_path / "y.rec", force=True) as writer:
            for key, payload in records.items():
                writer.write(key, payload)
        if lines is not None:
            (tmp_path / "y.idx").write_text(lines)
        opened.append(IndexedReader(tmp_path / "y.rec", **how))
        return opened[-1]

    yield build
    for reader in opened:
        reader.close()


def peak_of(work) -> int:
    """Bytes that *work* holds at most at a time."""
    tracemalloc.start()
    try:
        work()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


# In order


def test_payloads_that_mxnet_wrote_are_read(frames):
    with Reader(frames.rec) as reader:
        assert list(reader) == frames.payloads
        assert list(reader.records()) == list(zip(frames.offsets, frames.payloads, strict=True))
        assert [record for run in reader.runs() for record in run] == list(reader.records())


def test_file_is_read_without_pread_as_with_it(frames, with_and_without_pread):
    with Reader(frames.rec) as reader:
        assert list(reader) == frames.payloads


def test_each_iteration_starts_at_the_front_even_inside_another(three):
    with Reader(three.path) as reader:
        first, second = iter(reader), iter(reader)
        assert [next(first), next(first), next(second), next(first), next(second)] == [FIRST, SECOND, FIRST, THIRD, SECOND]


def test_empty_file_has_no_records(patient):
    assert patient.put(b"").read() == ([], None)


def test_reader_that_is_closed_refuses_to_read(three):
    reader = Reader(three.path)
    reader.close()
    reader.close()
    with pytest.raises(FileError, match="cannot read at offset 0: it is closed"):
        next(iter(reader))


def test_file_that_is_missing_is_told(tmp_path):
    with pytest.raises(FileError) as caught:
        Reader(tmp_path / "no.rec")
    assert str(caught.value) == f"{tmp_path / 'no.rec'}: cannot open: No such file or directory"


@pytest.mark.parametrize("rest", range(1, 44))
def test_truncated_tail_is_reported_with_its_offset(patient, told, rest):
    payloads, error = patient.write(FIRST, SECOND).cut(16 + rest).read()
    needed = min(edge for edge in (8, 12, 20, 24, 32, 40, 44) if edge > rest)
    assert payloads == [FIRST]
    assert told(error) == ("Truncated", patient.name, 16, f"a record needs {needed} bytes or more, the file ends after {rest}")
    assert error.needed == needed


@pytest.mark.parametrize("offset", [0, 16, 60])
@pytest.mark.parametrize("byte", range(4))
def test_bad_magic_is_reported_behind_the_records_before_it(three, told, offset, byte):
    payloads, error = three.flip(offset + byte).read()
    assert payloads == [FIRST, SECOND, THIRD][: three.offsets.index(offset)]
    reason = f"bad magic 0x{0xCED7230A ^ 0xFF << 8 * byte:08x}, expected 0xced7230a"
    assert told(error) == ("BadMagic", three.name, offset, reason)


@pytest.mark.parametrize(
    ("at", "cflag", "place", "fact"),
    [
        (16, 2, 16, "a record starts with cflag 2, expected 0 or 1"),
        (16, 3, 16, "a record starts with cflag 3, expected 0 or 1"),
        (16, 4, 16, "cflag 4, expected 0 to 3"),
        (28, 0, 28, "cflag 0 inside a record, expected 2 or 3"),
        (28, 1, 28, "cflag 1 inside a record, expected 2 or 3"),
        (28, 3, 40, "a record starts with cflag 2, expected 0 or 1"),
        (16, 0, 28, "a record starts with cflag 2, expected 0 or 1"),
        (48, 7, 48, "cflag 7, expected 0 to 3"),
    ],
)
def test_cflag_out_of_order_is_reported(three, told, at, cflag, place, fact):
    _, error = three.set_cflag(at, cflag).read()
    assert told(error) == ("BadSequence", three.name, place, fact)


def test_last_part_that_became_a_middle_one_swallows_the_next_record_head(three, told):
    payloads, error = three.set_lrec(48, cflag=2, length=4).read()
    assert payloads == [FIRST]
    assert told(error) == ("BadSequence", three.name, 60, "cflag 0 inside a record, expected 2 or 3")


def test_odd_length_inside_a_record_is_reported(three, told):
    payloads, error = three.set_length(28, 3).read()
    assert payloads == [FIRST]
    assert told(error) == ("FormatError", three.name, 28, "a part of length 3 before the last, expected a multiple of 4")


@pytest.mark.parametrize("offset", [13, 14, 15, 73, 75])
def test_padding_that_is_not_zero_is_reported(three, told, offset):
    start = 13 if offset < 16 else 73
    padding = bytearray(3)
    padding[offset - start] = 0xFF
    _, error = three.flip(offset).read()
    assert told(error) == ("FormatError", three.name, start, f"padding {padding.hex()}, expected zeros")


@pytest.mark.parametrize("size", [1, 2, 3, 4])
def test_inserted_bytes_are_reported_where_they_stand(three, told, size):
    payloads, error = three.insert(16, b"\xee" * size).read()
    assert payloads == [FIRST]
    assert told(error)[:3] == ("BadMagic", three.name, 16)


def test_part_that_stands_twice_is_a_record_with_more_in_it(three):
    payloads, error = three.duplicate(28, 40).read()
    assert (payloads, error) == ([FIRST, b"abcd" + M + b"efgh" + M + b"efgh" + M + M + b"ij", THIRD], None)


def test_record_that_stands_twice_is_read_twice(three):
    assert three.duplicate(16, 60).read() == ([FIRST, SECOND, SECOND, THIRD], None)


def test_record_without_its_first_part_is_reported(three, told):
    payloads, error = three.remove(16, 28).read()
    assert payloads == [FIRST]
    assert told(error) == ("BadSequence", three.name, 16, "a record starts with cflag 2, expected 0 or 1")


def test_record_without_its_last_part_is_reported_at_the_next_record(three, told):
    payloads, error = three.remove(48, 60).read()
    assert payloads == [FIRST]
    assert told(error) == ("BadSequence", three.name, 48, "cflag 0 inside a record, expected 2 or 3")


@pytest.mark.parametrize("length", [6, 7, 8])
def test_length_that_lies_within_its_padding_cannot_be_told(three, length):
    assert three.set_length(0, length).read() == ([FIRST + bytes(length - 5), SECOND, THIRD], None)


@pytest.mark.parametrize(("length", "place"), [(0, 8), (4, 12), (12, 20), (16, 24), (24, 32)])
def test_length_that_lies_is_reported_where_it_leads(three, told, length, place):
    payloads, error = three.set_length(0, length).read()
    assert payloads == [three.data[8 : 8 + length]]
    assert told(error)[:3] == ("BadMagic", three.name, place)


def test_length_beyond_the_end_is_refused_before_memory_is_taken(three, told):
    three.set_length(60, (1 << 29) - 1)
    results = []
    assert peak_of(lambda: results.append(three.read())) < 1 << 20
    ((payloads, error),) = results
    assert payloads == [FIRST, SECOND]
    assert told(error)[3] == f"a record needs {(1 << 29) + 8} bytes or more, the file ends after 16"


def test_file_that_shrinks_while_it_is_read_is_reported(three, told):
    with Reader(three.path) as reader:
        three.cut(20)
        with pytest.raises(Truncated) as caught:
            list(reader)
    assert told(caught.value)[2:] == (20, "the file ends here now, it had 76 bytes when it was opened")


# Blocks


@pytest.mark.parametrize("block", [1, 8, 12, 16, 20, 44, 60, 61, 75, 76, 77])
def test_any_size_of_blocks_reads_the_same(three, monkeypatch, block):
    monkeypatch.setattr(scan, "BLOCK", block)
    assert three.read() == ([FIRST, SECOND, THIRD], None)


@pytest.mark.parametrize("block", [1, 16, 20, 61])
def test_any_size_of_blocks_tells_the_same_of_a_fault(three, monkeypatch, told, block):
    monkeypatch.setattr(scan, "BLOCK", block)
    payloads, error = three.flip(60).read()
    assert (payloads, told(error)[:3]) == ([FIRST, SECOND], ("BadMagic", three.name, 60))


@pytest.mark.parametrize("short", [0, 1, 4, 7, 8, 9, 12, 16])
def test_record_across_the_border_of_a_block_of_4_mib(patient, short):
    first = b"f" * ((1 << 22) - 8 - short)
    assert patient.write(first, MULTI, b"x" * 100, b"").read() == ([first, MULTI, b"x" * 100, b""], None)


@pytest.mark.parametrize("size", [(1 << 22) - 8, (1 << 22) - 7, 1 << 22, (9 << 20) + 3])
def test_record_larger_than_a_block(patient, size):
    large = bytes(range(256)) * (size // 256) + b"e" * (size % 256)
    with_magic = large[: size // 8 * 4] + M + large
    assert patient.write(b"a", large, with_magic, b"z").read() == ([b"a", large, with_magic, b"z"], None)


def test_truncated_record_larger_than_a_block_is_reported_without_reading_it(patient, reads, told):
    patient.write(b"a", bytes(9 << 20)).cut(5 << 20)
    _, error = patient.read()
    assert told(error)[2:] == (12, f"a record needs {(9 << 20) + 8} bytes or more, the file ends after {(5 << 20) - 12}")
    assert len(reads) == 1


def test_record_of_200000_magic_words_is_read_in_linear_time(patient, monkeypatch, reads):
    monkeypatch.setattr(scan, "BLOCK", 4096)
    payload = M * 200_000
    assert patient.write(b"a", payload, b"z").read() == ([b"a", payload, b"z"], None)
    assert len(reads) <= 12  # each at least twice as long as the one before: 4 KiB to 1.6 MB
    assert sum(length for _, length in reads) <= 4 * len(patient.data)


def test_records_of_one_block_take_one_read(three, reads):
    three.read()
    assert reads == [(0, 76)]


# Memory


def test_memory_does_not_grow_with_the_file(tmp_path):
    peaks = []
    for megabytes in (16, 48):
        with Writer(tmp_path / "x.rec", force=True) as writer:
            for _ in range(megabytes):
                writer.write(bytes(1 << 20))
        with Reader(tmp_path / "x.rec") as reader:
            peaks.append(peak_of(lambda: sum(len(payload) for payload in reader)))
    assert max(peaks) <= 2 * scan.BLOCK + (2 << 20)
    assert peaks[1] - peaks[0] < 1 << 16


@pytest.mark.parametrize(("cut", "times"), [(False, 2), (True, 4)])
def test_memory_for_large_records_is_a_few_of_them(patient, cut, times):
    size = 12 << 20
    payload = b"x" * (size // 2) + (M if cut else b"xxxx") + b"x" * (size // 2)
    patient.write(payload, payload, payload)
    with Reader(patient.path) as reader:
        peak = peak_of(lambda: [None for payload in reader])  # the caller holds one payload more
    assert peak <= 2 * scan.BLOCK + (times + 1) * size


def test_memory_for_the_smallest_records_is_a_hundred_bytes_each(patient, monkeypatch):
    monkeypatch.setattr(scan, "BLOCK", 1 << 19)
    patient.put(frame.encode(b"") * 150_000)  # 1.2 MB
    with Reader(patient.path) as reader:
        peak = peak_of(lambda: sum(1 for _ in reader))
    assert peak <= 2 * scan.BLOCK + 100 * (scan.BLOCK // 8)


# By key


def test_records_that_mxnet_wrote_are_read_by_key(frames):
    with IndexedReader(frames.rec) as reader:
        assert [reader.read(key) for key in reversed(frames.keys)] == frames.payloads[::-1]
        assert (list(reader), len(reader), reader.keys.tolist()) == (frames.payloads, 24, frames.keys)


def test_images_and_identities_that_mxnet_wrote_are_read_by_key(faces):
    with IndexedReader(faces.rec) as reader:
        for key, label, image in faces.records:
            found, data = header.unpack(reader.read(key))
            assert (np.asarray(found.label).tolist(), found.id, data) == (label, key, image)


KEYS = {
    "rising by one": list(range(20)),
    "rising by one from 7": list(range(7, 27)),
    "in any order": random.Random(1).sample(range(20), 20),
    "in any order, with gaps": random.Random(2).sample(range(30), 20),
    "rising, with gaps": sorted(random.Random(3).sample(range(30), 20)),
    "rising, far apart": list(range(0, 2000, 100)),
    "in any order, far apart": random.Random(4).sample(range(10**12), 20),
}


@pytest.mark.parametrize("mapped", [False, True])
@pytest.mark.parametrize("keys", KEYS.values(), ids=KEYS.keys())
def test_each_key_leads_to_its_record_and_no_other_key_to_any(indexed, tmp_path, keys, mapped):
    records = {key: header.pack((0, 1.0, key, 0), b"i" * (key % 9)) for key in keys}
    reader = indexed(records, mapped=mapped)
    assert (reader.index.usual[2] == 19) == (max(keys) <= 40)  # else a search leads to them
    with MXIndexedRecordIO(str(tmp_path / "y.idx"), str(tmp_path / "y.rec"), "r") as drop_in:
        for key in sorted(keys, reverse=True):
            assert reader.read(key) == drop_in.read_idx(key) == records[key]
            assert reader.unpacked(key) == header.unpack(records[key])
        for key in {-1, max(keys) + 1, 1 << 64, *range(40)} - set(keys):
            for read in (reader.read, reader.unpacked, drop_in.read_idx):
                with pytest.raises(KeyMissing):
                    read(key)


@pytest.mark.parametrize("keys", [range(20), random.Random(1).sample(range(20), 20)], ids=["rising", "in any order"])
@pytest.mark.parametrize("key", ["5", 1.5, None])
def test_what_is_no_integer_is_no_key(indexed, keys, key):
    reader = indexed({each: header.pack((0, 1.0, each, 0), b"i") for each in keys})
    for read in (reader.read, reader.unpacked):
        with pytest.raises(TypeError, match="cannot be interpreted as an integer"):
            read(key)
    assert reader.read(np.uint64(5)) == reader.read(5)


def test_of_a_key_that_stands_twice_the_first_record_is_read_and_mxnets_reader_has_the_last(indexed, tmp_path):
    reader = indexed({0: b"a" * 24, 1: b"b" * 24, 2: b"c" * 24}, lines="1\t0\n0\t32\n1\t64\n")
    assert [reader.read(0), reader.read(1)] == [b"b" * 24, b"a" * 24]
    with MXIndexedRecordIO(str(tmp_path / "y.idx"), str(tmp_path / "y.rec"), "r") as drop_in:
        assert [drop_in.read_idx(0), drop_in.read_idx(1)] == [b"b" * 24, b"c" * 24]


@pytest.mark.parametrize("way", ["positional", "mapped", "without .idx order"])
def test_header_and_image_of_a_key_are_those_of_its_payload(faces, tmp_path, way):
    idx = faces.idx
    if way == "without .idx order":
        idx = tmp_path / "reversed.idx"
        idx.write_text("".join(reversed(faces.idx.read_text().splitlines(keepends=True))))
    with IndexedReader(faces.rec, idx, mapped=way == "mapped") as reader:
        for key, label, image in faces.records:
            found, data = reader.unpacked(key)
            assert (np.asarray(found.label).tolist(), found.id, data) == (label, key, image)
            assert reader.read(key) == header.pack(found, image)


@pytest.mark.parametrize("mapped", [False, True])
@pytest.mark.parametrize("size", [0, 1, 23])
def test_payload_too_short_for_a_header_is_told_by_key_with_its_offset(indexed, size, mapped):
    reader = indexed({0: b"x" * 40, 1: b"y" * size, 2: b"z" * 40}, mapped=mapped)
    with pytest.raises(BadHeader, match=r"y\.rec: offset 48: a payload of .* bytes, expected an image header of 24"):
        reader.unpacked(1)


def test_labels_that_go_beyond_the_payload_are_told_by_key(indexed):
    reader = indexed({0: b"x" * 40, 1: struct.pack("<IfQQ", 9, 0.0, 1, 0) + b"abcd", 2: b"z"})
    with pytest.raises(BadHeader, match=r"y\.rec: offset 48: flag 9 announces 36 bytes of labels, 4 are left"):
        reader.unpacked(1)


@pytest.mark.parametrize("mapped", [False, True])
def test_record_of_several_parts_is_unpacked_by_key(indexed, mapped):
    payload = header.pack((0, 2.0, 1, 0), MULTI * 3)
    reader = indexed({0: b"x" * 40, 1: payload, 2: b"z"}, mapped=mapped)
    assert reader.unpacked(1) == header.unpack(payload)


def test_mapped_file_is_read_as_any_other(frames):
    with IndexedReader(frames.rec, mapped=True) as reader:
        assert [reader.read(key) for key in frames.keys] == frames.payloads
        state = pickle.dumps(reader)
    with pytest.raises(FileError, match="cannot read at offset 0: it is closed"):
        reader.read(frames.keys[0])
    with pickle.loads(state) as again:
        assert list(again) == frames.payloads


@pytest.mark.parametrize("mapped", [False, True])
def test_verified_record_is_unpacked_only_when_its_bytes_are_those_listed(indexed, tmp_path, mapped):
    payload = header.pack((0, 2.0, 0, 0), b"image")
    assert indexed({0: payload, 1: b"z" * 40}, verify=True, mapped=mapped).unpacked(0) == header.unpack(payload)
    with open(tmp_path / "y.rec", "r+b") as file:
        file.seek(33)
        file.write(b"M")
    with pytest.raises(ChecksumMismatch), IndexedReader(tmp_path / "y.rec", verify=True, mapped=mapped) as reader:
        reader.unpacked(0)


def test_empty_file_can_be_mapped(indexed):
    assert list(indexed({}, mapped=True)) == []


def test_record_is_read_with_one_read_of_just_its_bytes(frames, reads):
    with IndexedReader(frames.rec) as reader:
        reader.read(frames.keys[3])
        reader.read(frames.keys[-1])
    size = frames.rec.stat().st_size
    assert reads == [(32, 12), (1084, size - 1084)]


def test_index_may_have_a_name_of_its_own(frames, tmp_path):
    shutil.copy(frames.idx, tmp_path / "other")
    with IndexedReader(frames.rec, tmp_path / "other") as reader:
        assert reader.read(frames.keys[5]) == frames.payloads[5]


def test_missing_index_is_told_with_the_command_that_writes_it(frames, tmp_path):
    rec = tmp_path / "x.rec"
    shutil.copy(frames.rec, rec)
    with pytest.raises(FileError) as caught:
        IndexedReader(rec)
    assert caught.value.errno == errno.ENOENT
    assert str(caught.value) == f"{tmp_path / 'x.idx'}: cannot read: No such file or directory; 'im2rec index {rec}' writes it"
    with pytest.raises(FileError, match=r"other\.idx: cannot read: No such file or directory$"):
        IndexedReader(rec, tmp_path / "other.idx")


def test_keys_can_be_asked_for(indexed):
    reader = indexed({7: b"a", 2**64 - 1: b"b"})
    assert 7 in reader
    assert 2**64 - 1 in reader
    assert 8 not in reader


def test_missing_key_is_told_with_the_index(indexed, tmp_path):
    with pytest.raises(KeyMissing) as caught:
        indexed({7: b"a"}).read(8)
    assert str(caught.value) == f"{tmp_path / 'y.idx'}: no record has the key 8"


def test_ordinal_behind_the_last_is_an_index_error(indexed):
    reader = indexed({7: b"a", 8: b"b"})
    assert reader.read_ordinal(1) == b"b"
    for ordinal in (2, 5000, -3):
        fact = rf"y\.rec: there is no record at ordinal {ordinal}, .*y\.idx has 2 records, counted from 0$"
        with pytest.raises(IndexError, match=fact):
            reader.read_ordinal(ordinal)


def test_index_that_leaves_records_out_reads_the_others(indexed, monkeypatch):
    reader = indexed({1: b"a" * 50, 2: MULTI, 3: b"c", 4: b"d" * 300}, "1\t0\n3\t104\n")
    assert [reader.read(key) for key in (1, 3)] == [b"a" * 50, b"c"]
    assert list(reader) == [b"a" * 50, b"c"]
    monkeypatch.setattr(scan, "BLOCK", 8)
    assert reader.read(1) == b"a" * 50


def test_offsets_that_do_not_ascend_are_no_obstacle(indexed, frames, tmp_path):
    shutil.copy(frames.rec, tmp_path / "z.rec")
    (tmp_path / "z.idx").write_text("".join(frames.idx.read_text().splitlines(keepends=True)[::-1]))
    with IndexedReader(tmp_path / "z.rec") as reader:
        assert [reader.read(key) for key in frames.keys] == frames.payloads
        assert list(reader) == frames.payloads[::-1]


def test_two_keys_may_share_a_record(indexed):
    reader = indexed({1: b"a", 2: b"b"}, "1\t0\n5\t0\n2\t12\n")
    assert list(reader) == [b"a", b"a", b"b"]


def test_large_record_is_read_though_the_index_leaves_out_what_follows(indexed, reads):
    large = bytes(9 << 20) + M + b"end"
    reader = indexed({1: large, 2: b"b"}, "1\t0\n")
    assert reader.read(1) == large
    assert len(reads) <= 4


def test_record_of_200000_magic_words_is_read_by_key_in_linear_time(indexed, monkeypatch, reads):
    payload = M * 200_000
    reader = indexed({1: payload, 2: b"b" * (4 << 20)}, "1\t0\n")
    monkeypatch.setattr(scan, "BLOCK", 4096)
    assert reader.read(1) == payload
    assert len(reads) <= 12
    assert sum(length for _, length in reads) <= 4 * 8 * 200_001


@pytest.mark.parametrize("offset", [32, 36, 10**12, 2**63 - 1])
def test_offset_behind_the_end_is_reported(indexed, told, tmp_path, offset):
    reader = indexed({1: b"a", 2: b"b" * 9}, f"1\t0\n2\t{offset}\n")
    with pytest.raises(FormatError) as caught:
        reader.read(2)
    reason = f"{tmp_path / 'y.idx'} puts a record here, behind the file's end at 32"
    assert told(caught.value) == ("FormatError", str(tmp_path / "y.rec"), offset, reason)
    assert reader.read(1) == b"a"


@pytest.mark.parametrize(("offset", "kind"), [(1, "BadMagic"), (4, "BadMagic"), (28, "BadSequence")])
def test_offset_that_is_no_start_of_a_record_is_reported(indexed, told, tmp_path, offset, kind):
    reader = indexed({1: FIRST, 2: MULTI}, f"1\t{offset}\n")
    with pytest.raises(FormatError) as caught:
        reader.read(1)
    assert told(caught.value)[:3] == (kind, str(tmp_path / "y.rec"), offset)


@pytest.mark.parametrize("cut", range(17, 60))
def test_truncated_record_is_reported_by_key_with_what_the_file_has_left(indexed, told, tmp_path, cut):
    indexed({1: FIRST, 2: MULTI})
    os.truncate(tmp_path / "y.rec", cut)
    with IndexedReader(tmp_path / "y.rec") as reader, pytest.raises(Truncated) as caught:
        reader.read(2)
    needed = min(edge for edge in (8, 12, 20, 24, 32, 40, 44) if edge > cut - 16)
    reason = f"a record needs {needed} bytes or more, the file ends after {cut - 16}"
    assert told(caught.value) == ("Truncated", str(tmp_path / "y.rec"), 16, reason)


def test_length_that_lies_is_refused_by_key_before_memory_is_taken(indexed, patient, told):
    patient.write(FIRST, SECOND, THIRD).set_length(0, (1 << 29) - 1)
    (patient.path.parent / "x.idx").write_text("1\t0\n2\t16\n3\t60\n")
    caught = []

    def read():
        with pytest.raises(Truncated) as refusal:
            reader.read(1)
        caught.append(refusal.value)

    with IndexedReader(patient.path) as reader:
        assert peak_of(read) < 1 << 20
    assert told(caught[0])[3] == f"a record needs {(1 << 29) + 8} bytes or more, the file ends after 76"


def test_file_that_shrank_since_it_was_opened_is_reported_by_key(indexed, told, tmp_path):
    reader = indexed({1: FIRST, 2: MULTI})
    os.truncate(tmp_path / "y.rec", 30)
    with pytest.raises(Truncated) as caught:
        reader.read(2)
    assert told(caught.value)[2:] == (30, "the file ends here now, it had 60 bytes when it was opened")
    assert reader.read(1) == FIRST


def test_bad_line_in_the_index_is_reported_when_opened(indexed):
    with pytest.raises(IndexFormatError, match=r"y\.idx:2: b'x', expected a key"):
        indexed({1: b"a"}, "1\t0\nx\n")


def test_missing_index_is_reported_and_leaves_no_file_open(tmp_path, patient):
    patient.write(b"a")
    with pytest.raises(FileError, match=r"x\.idx: cannot read: No such file"):
        IndexedReader(patient.path)


def test_many_threads_share_a_reader(frames, with_and_without_pread):
    order = list(range(24)) * 20
    barrier = threading.Barrier(4)
    with IndexedReader(frames.rec) as reader, ThreadPoolExecutor(4) as pool:

        def work(start):
            barrier.wait()
            return [reader.read(frames.keys[at]) == frames.payloads[at] for at in order[start:] + order[:start]]

        assert all(all(found) for found in pool.map(work, range(4)))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")  # no thread of ours runs here; NumPy's own do
def test_forked_processes_share_a_reader(frames, with_and_without_pread):
    with IndexedReader(frames.rec) as reader:
        children = []
        for _ in range(3):
            children.append(os.fork())
            if not children[-1]:
                found = [reader.read(key) for _ in range(50) for key in frames.keys]
                os._exit(0 if found == frames.payloads * 50 else 1)
        assert [reader.read(key) for _ in range(50) for key in frames.keys] == frames.payloads * 50
        assert [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children] == [0, 0, 0]


def test_pickled_reader_opens_the_file_again(frames, with_and_without_pread):
    with IndexedReader(frames.rec) as reader:
        state = pickle.dumps(reader)
    with pickle.loads(state) as again:
        assert [again.read(key) for key in frames.keys] == frames.payloads


def test_pickled_reader_whose_file_is_gone_is_told(indexed, tmp_path):
    state = pickle.dumps(indexed({1: b"a"}))
    (tmp_path / "y.rec").unlink()
    with pytest.raises(FileError, match=r"y\.rec: cannot open"):
        pickle.loads(state)


def test_reads_that_return_less_are_completed(frames, monkeypatch):
    original = os.pread
    monkeypatch.setattr(os, "pread", lambda fd, length, offset: original(fd, min(length, 5), offset))
    with Reader(frames.rec) as reader:
        assert list(reader) == frames.payloads
    with IndexedReader(frames.rec) as reader:
        assert list(reader) == frames.payloads


def test_folder_is_no_record_file(tmp_path):
    (tmp_path / "d.rec").mkdir()
    with pytest.raises(FileError, match=r"d\.rec: cannot"), Reader(tmp_path / "d.rec") as reader:
        list(reader)
