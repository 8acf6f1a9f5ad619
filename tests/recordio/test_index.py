"""The .idx file: MXNet's lines both ways, every unreadable line, look-ups, and rebuilding."""

from __future__ import annotations

import pickle
import tracemalloc

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from recordio import header, index, indexlines
from recordio.errors import BadHeader, FileError, IndexFormatError, KeyMissing, Truncated
from recordio.index import Index
from recordio.outputs import OutputSet

keys = st.integers(0, (1 << 64) - 1)
offsets = st.integers(0, (1 << 63) - 1)


def make(lines: dict[int, int] | list[tuple[int, int]]) -> Index:
    pairs = list(lines.items()) if isinstance(lines, dict) else lines
    return Index(np.array([key for key, _ in pairs], np.uint64), np.array([offset for _, offset in pairs], np.int64), "a.idx")


def rebuilt(rec, path, **options):
    with OutputSet() as outputs:
        return index.rebuild(rec, outputs.create(path), **options)


@pytest.mark.parametrize("name", ["frames", "identities"])
def test_lines_that_mxnet_wrote_come_back_byte_for_byte(golden, name):
    path = golden / "recordio" / f"{name}.idx"
    loaded = index.load(path)
    assert index.format_lines(loaded.keys, loaded.offsets).encode() == path.read_bytes()
    assert (loaded.source, loaded.keys.dtype, loaded.offsets.dtype) == (str(path), np.uint64, np.int64)


def test_keys_and_offsets_that_mxnet_wrote_are_read(frames):
    loaded = index.load(frames.idx)
    assert (loaded.keys.tolist(), loaded.offsets.tolist(), len(loaded)) == (frames.keys, frames.offsets, 24)


def test_golden_bytes_of_three_lines():
    assert index.format_lines([5, 0, 2**64 - 1], [0, 8, 1048]) == "5\t0\n0\t8\n18446744073709551615\t1048\n"


def test_formatting_keys_without_offsets_is_an_error():
    with pytest.raises(ValueError, match="shorter"):
        index.format_lines([1, 2], [0])


@pytest.mark.parametrize("data", [b"", b"\n", b"\n\n", b" \t \n", b"\r\n"])
def test_file_without_lines_is_an_empty_index(data):
    empty = index.parse(data)
    assert (len(empty), empty.keys.dtype, empty.offsets.dtype) == (0, np.uint64, np.int64)
    assert empty.next_offset(0, 99) == 99
    with pytest.raises(KeyMissing):
        empty.find(0)


@pytest.mark.parametrize(
    "data",
    [
        b"1\t0\n2\t96\n",
        b"1\t0\n2\t96",
        b"1\t0\r\n2\t96\r\n",
        b"1 0\n2  96\n",
        b"\n1\t0\n\n 2\t96 \n",
        b"1\t\t0\n2\t96\n",
        b"001\t0\n2\t096\n",
    ],
)
def test_lines_written_by_other_tools_and_hands_are_read(data):
    parsed = index.parse(data)
    assert (parsed.keys.tolist(), parsed.offsets.tolist()) == ([1, 2], [0, 96])


@pytest.mark.parametrize(
    "line",
    [
        b"x",
        b"1",
        b"1\t",
        b"\t1",
        b"1\t2\t3",
        b"1\t2.0",
        b"-1\t2",
        b"1\t-2",
        b"1\t0x10",
        b"1,2",
        b"\xef\xbb\xbf1\t2",
        b"1\t2\x00",
        b"1\t\xd9\xa1",
    ],
)
def test_line_that_is_no_key_and_offset_is_told_with_its_number(line):
    for data in (b"5\t0\n" + line + b"\n6\t8\n", b"5\t0\n" + line):
        with pytest.raises(IndexFormatError) as caught:
            index.parse(data, "a.idx")
        assert (caught.value.source, caught.value.line) == ("a.idx", 2)
        assert caught.value.reason == f"{line!r}, expected a key, a tab and an offset"


@pytest.mark.parametrize("line", [b"18446744073709551616\t0", b"0\t9223372036854775808", b"9" * 30 + b"\t0"])
def test_number_that_does_not_fit_is_refused(line):
    with pytest.raises(IndexFormatError) as caught:
        index.parse(b"\n" + line + b"\n", "a.idx")
    assert str(caught.value) == f"a.idx:2: {line!r}, expected a key below 2**64 and an offset below 2**63"


def test_line_of_a_megabyte_is_quoted_in_part_only():
    with pytest.raises(IndexFormatError) as caught:
        index.parse(b"x" * (1 << 20))
    assert len(str(caught.value)) < 150


@settings(deadline=None, max_examples=200, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.tuples(keys, offsets), max_size=20))
def test_parsing_undoes_formatting(lines):
    parsed = index.parse(index.format_lines(*zip(*lines, strict=True)).encode() if lines else b"")
    assert list(zip(parsed.keys.tolist(), parsed.offsets.tolist(), strict=True)) == lines


@settings(deadline=None, max_examples=300, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.lists(st.sampled_from([b"1", b"23", b"\t", b"\t", b"\n", b"\n", b" ", b"\r", b"0" * 18, b"9" * 19, b"x"]), max_size=12).map(b"".join)
)
def test_quick_and_careful_parser_agree(data):
    quick = indexlines._parse_fast(data)
    if quick is not None:
        assert quick.tolist() == indexlines._parse_lines(data, "a.idx").tolist()


@pytest.mark.parametrize("run", range(1, 40))
@pytest.mark.parametrize("odd", [b"", b" "])
def test_lines_may_lie_across_the_runs_that_are_parsed(monkeypatch, run, odd):
    monkeypatch.setattr(indexlines, "_RUN", run)
    table = index.parse(b"5\t0\n\n7\t8" + odd + b"\n18446744073709551615\t1234567890\n6\t16")
    assert (table.keys.tolist(), table.offsets.tolist()) == ([5, 7, 2**64 - 1, 6], [0, 8, 1234567890, 16])
    with pytest.raises(IndexFormatError) as caught:
        index.parse(b"5\t0\n\n7\t8\nx\t9\n")
    assert caught.value.line == 4


def test_parsing_takes_little_more_memory_than_the_arrays():
    data = index.format_lines(range(300_000), range(0, 8 * 300_000, 8)).encode()
    tracemalloc.start()
    table = index.parse(data)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 3 * 16 * len(table) + 32 * indexlines._RUN


def test_number_of_thousands_of_digits_is_refused_as_any_other():
    with pytest.raises(IndexFormatError, match=r"a\.idx:2: "):
        index.parse(b"1\t0\n" + b"9" * 5000 + b"\t8\n", "a.idx")


@pytest.mark.parametrize("order", [[0, 1, 2, 3], [3, 1, 0, 2]])
def test_key_is_found_wherever_its_line_stands(order):
    values = [0, 7, 2**53 + 1, 2**64 - 1]
    table = make({values[at]: 8 * at for at in order})
    assert [table.find(value) for value in values] == [order.index(at) for at in range(4)]


def test_key_that_stands_twice_is_found_at_its_first_line():
    assert make([(5, 0), (5, 8), (6, 16)]).find(5) == 0
    assert make([(9, 0), (5, 8), (5, 16), (1, 24)]).find(5) == 1


@pytest.mark.parametrize("key", [-1, 0, 6, 2**53, 2**64, 2**64 + 5])
def test_key_that_is_missing_is_told_with_the_file(key):
    with pytest.raises(KeyMissing) as caught:
        make({5: 0, 2**53 + 1: 8}).find(key)
    assert (caught.value.source, caught.value.key) == ("a.idx", key)


def test_next_offset_is_the_next_larger_one_in_any_order():
    table = make([(1, 80), (2, 0), (3, 40), (4, 40)])
    assert [table.next_offset(offset, 99) for offset in (0, 39, 40, 80, 81)] == [40, 40, 80, 99, 99]


@pytest.mark.parametrize(("keys", "offsets"), [([1, 2], [0]), ([[1, 2]], [[0, 8]])])
def test_arrays_that_are_not_two_vectors_of_one_length_are_refused(keys, offsets):
    with pytest.raises(ValueError, match="expected two vectors of one length"):
        Index(np.array(keys, np.uint64), np.array(offsets, np.int64))


def test_index_travels_between_processes():
    table = make([(9, 0), (5, 8)])
    assert table.find(5) == 1
    back = pickle.loads(pickle.dumps(table))
    assert (back.find(9), back.next_offset(0, 99), back.source) == (0, 8, "a.idx")


def test_saved_index_is_the_file_that_mxnet_wrote(frames, tmp_path):
    index.save(tmp_path / "x.idx", frames.keys, frames.offsets)
    assert (tmp_path / "x.idx").read_bytes() == frames.idx.read_bytes()
    with pytest.raises(FileError, match="it exists already"):
        index.save(tmp_path / "x.idx", [1], [0])
    index.save(tmp_path / "x.idx", [1], [0], force=True)
    assert (tmp_path / "x.idx").read_bytes() == b"1\t0\n"


def test_missing_index_file_is_told(tmp_path):
    with pytest.raises(FileError) as caught:
        index.load(tmp_path / "no.idx")
    assert str(caught.value) == f"{tmp_path / 'no.idx'}: cannot read: No such file or directory"


def test_index_rebuilt_from_ids_is_the_one_that_mxnet_wrote(golden, tmp_path):
    rec = golden / "recordio" / "identities.rec"
    assert rebuilt(rec, tmp_path / "x.idx") == (11, rec.stat().st_size, 0)
    assert (tmp_path / "x.idx").read_bytes() == rec.with_suffix(".idx").read_bytes()


def test_index_rebuilt_without_ids_numbers_the_records(frames, tmp_path):
    rebuilt(frames.rec, tmp_path / "x.idx", ids=False)
    expected = "".join(f"{ordinal}\t{offset}\n" for ordinal, offset in enumerate(frames.offsets))
    assert (tmp_path / "x.idx").read_text() == expected


def test_rebuilding_counts_keys_that_stand_twice(patient, tmp_path):
    patient.write(*[header.pack_header(0.0, id_) for id_ in (3, 1, 3, 3, 2)])
    assert rebuilt(patient.path, tmp_path / "y.idx") == (5, 5 * 32, 2)
    assert (tmp_path / "y.idx").read_text() == "3\t0\n1\t32\n3\t64\n3\t96\n2\t128\n"


def test_rebuilding_from_payloads_without_headers_tells_the_first(patient, tmp_path, told):
    patient.write(header.pack_header(0.0, 1), b"short")
    with pytest.raises(BadHeader) as caught:
        rebuilt(patient.path, tmp_path / "y.idx")
    assert told(caught.value) == ("BadHeader", patient.name, 32, "a payload of 5 bytes, expected an image header of 24")
    assert sorted(tmp_path.iterdir()) == [patient.path]


def test_rebuilding_from_a_truncated_file_leaves_no_index(patient, tmp_path):
    patient.write(header.pack_header(0.0, 1), header.pack_header(0.0, 2)).cut(60)
    with pytest.raises(Truncated):
        rebuilt(patient.path, tmp_path / "y.idx")
    assert sorted(tmp_path.iterdir()) == [patient.path]


def test_rebuilding_from_an_empty_file_writes_an_empty_index(patient, tmp_path):
    assert rebuilt(patient.put(b"").path, tmp_path / "y.idx") == (0, 0, 0)
    assert (tmp_path / "y.idx").read_bytes() == b""


@pytest.mark.parametrize(
    ("keys", "offsets"),
    [
        ([5, 6, 7, 8], [0, 40, 80, 120]),  # as most files: dense, in order
        ([5, 6, 8, 9], [0, 40, 80, 120]),
        ([1, 2, 3, 0], [0, 40, 80, 120]),  # as identity files
        ([5, 6, 7, 8], [120, 0, 80, 40]),
        ([5, 5, 6, 8], [0, 40, 40, 120]),
        ([0, 0, 2, 3], [0, 40, 80, 120]),
        ([2**64 - 2, 2**64 - 1], [0, 40]),
        ([7], [0]),
        ([], []),
    ],
)
def test_keys_and_spans_are_those_of_a_plain_search(keys, offsets):
    table = index.Index(np.array(keys, np.uint64), np.array(offsets, np.int64))
    size = 200
    for copy in (table, pickle.loads(pickle.dumps(table))):
        for key in {*range(11), *keys, 2**64 - 1, 2**64, -1}:
            if key in keys:
                assert copy.find(key) == keys.index(key) == copy.find(np.uint64(key))
            else:
                with pytest.raises(KeyMissing):
                    copy.find(key)
        for ordinal in range(-len(keys), len(keys)):
            later = [offset for offset in offsets if offset > offsets[ordinal]]
            assert copy.span(ordinal, size) == (offsets[ordinal], min(later, default=size))
        with pytest.raises(IndexError):
            copy.span(len(keys), size)
