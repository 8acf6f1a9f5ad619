"""The frame: golden bytes, every truncation, every wrong bit, and the properties that the format promises."""

from __future__ import annotations

import struct

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from recordio import frame
from recordio.errors import BadMagic, BadSequence, FormatError, PayloadTooLarge, Truncated

M = b"\x0a\x23\xd7\xce"

# Words that matter are drawn often: whole and broken magic words, heads inside payloads, odd ends.
words = st.sampled_from([M, M, M, M[:1], M[:2], M[:3], M[1:], b"\0", b"\0\0\0\0", b"abcd", struct.pack("<I", 1 << 29 | 4)])
payloads = st.lists(words | st.binary(max_size=9), max_size=12).map(b"".join)
quick = settings(deadline=None, max_examples=300, suppress_health_check=[HealthCheck.too_slow])

GOLDEN = {
    "empty": (b"", bytes.fromhex("0a23d7ce 00000000")),
    "one byte and its padding": (b"a", bytes.fromhex("0a23d7ce 01000000 61 000000")),  # cflag 0, length 1, data, zeros
    "a magic word alone": (
        M,
        bytes.fromhex(
            "0a23d7ce 00000020"  # cflag 1, length 0: the magic word that follows in the payload is left out
            "0a23d7ce 00000060"  # cflag 3, length 0
        ),
    ),
    "two magic words": (
        M + M,
        bytes.fromhex(
            "0a23d7ce 00000020"  # cflag 1, length 0
            "0a23d7ce 00000040"  # cflag 2, length 0
            "0a23d7ce 00000060"  # cflag 3, length 0
        ),
    ),
    "a magic word in the middle": (
        b"abcd" + M + b"ef",
        bytes.fromhex(
            "0a23d7ce 04000020 61626364"  # cflag 1, length 4
            "0a23d7ce 02000060 6566 0000"  # cflag 3, length 2, two zeros
        ),
    ),
    "a magic word off the grid": (
        b"abc" + M + b"d",
        bytes.fromhex("0a23d7ce 08000000 6162630a23d7ce64"),  # cflag 0, length 8: only words at multiples of 4 cut
    ),
}
MULTI = b"abcd" + M + b"efgh" + M + M + b"ij"
MULTI_PARTS = [0, 12, 24, 32]  # offsets of its parts: 4, 4, 0 and 2 bytes of data
MULTI_EDGES = [8, 12, 20, 24, 32, 40, 44]  # where a head or a part's data ends: the least that a shorter rest needs
MULTI_SIZE = 44


@pytest.mark.parametrize(("payload", "record"), GOLDEN.values(), ids=GOLDEN)
def test_golden_bytes_both_ways(payload, record):
    assert frame.encode(payload) == record
    assert frame.decode_at(record, 0) == (payload, len(record))


def test_records_are_the_bytes_that_mxnet_wrote(frames):
    assert b"".join(map(frame.encode, frames.payloads)) == frames.rec.read_bytes()


def test_records_that_mxnet_wrote_are_read_back_one_by_one(frames):
    data = frames.rec.read_bytes()
    ends = [*frames.offsets[1:], len(data)]
    for payload, offset, end in zip(frames.payloads, frames.offsets, ends, strict=True):
        assert frame.decode_at(data, offset) == (payload, end)


def test_records_that_mxnet_wrote_are_read_back_in_one_run(frames):
    data = frames.rec.read_bytes()
    expected = [(1000 + offset, payload) for offset, payload in zip(frames.offsets, frames.payloads, strict=True)]
    assert frame.decode_run(data, base=1000) == (expected, len(data), 0)


def test_heads_that_mxnet_wrote_are_all_found(frames):
    data = frames.rec.read_bytes()
    found = [at for at in range(0, len(data), 4) if frame.find_head(data, at) == at]
    assert found == frames.offsets


@pytest.mark.parametrize("kind", [bytearray, memoryview])
def test_payload_may_be_any_buffer(kind):
    assert frame.encode(kind(MULTI)) == frame.encode(MULTI)


@pytest.mark.parametrize("length", range(9))
def test_padding_fills_up_to_a_multiple_of_four(length):
    assert frame.padding(length) == b"\0" * (-length % 4)


def test_payload_of_two_to_the_29_bytes_is_refused():
    with pytest.raises(PayloadTooLarge) as caught:
        frame.encode(bytes(1 << 29))
    assert caught.value.size == 1 << 29


def test_cuts_are_counted_from_the_start_of_the_payload():
    buffer = b"xx" + M + b"abcd" + M + b"y" + M + M
    assert frame.cuts(buffer, 2) == [0, 8]
    assert frame.cuts(buffer, 2, 13) == [0]
    assert frame.cuts(buffer, 3) == [12, 16]


def test_overlapping_magic_bytes_are_cut_at_the_aligned_word_only():
    assert frame.cuts(M[2:] + M + M[:2] + M) == [8]
    assert frame.cuts(b"x" + M + M) == []


def test_parts_leave_the_magic_words_out():
    parts = [(cflag, bytes(data)) for cflag, data in frame.split(MULTI)]
    assert parts == [(1, b"abcd"), (2, b"efgh"), (2, b""), (3, b"ij")]


@pytest.mark.parametrize("size", range(MULTI_SIZE))
def test_every_truncation_of_a_record_of_four_parts_is_reported(size, told):
    record = frame.encode(MULTI)
    assert len(record) == MULTI_SIZE
    with pytest.raises(Truncated) as caught:
        frame.decode_at(b"\0" * 4 + record[:size], 4, source="a.rec", base=96)
    assert told(caught.value)[:3] == ("Truncated", "a.rec", 100)
    assert caught.value.needed == min(edge for edge in MULTI_EDGES if edge > size)


@pytest.mark.parametrize("size", range(MULTI_SIZE))
def test_every_truncation_ends_a_run_before_its_record(size):
    whole = frame.encode(b"whole")
    records, used, needed = frame.decode_run(whole + frame.encode(MULTI)[:size])
    assert (records, used) == ([(0, b"whole")], len(whole))
    assert (needed > size) if size else needed == 0


@pytest.mark.parametrize("bit", range(32))
def test_every_wrong_bit_of_a_magic_word_is_told(bit, told):
    record = bytearray(frame.encode(b"abcdefgh"))
    record[bit // 8] ^= 1 << bit % 8
    with pytest.raises(BadMagic) as caught:
        frame.decode_at(bytes(record), 0, source="a.rec", base=40)
    reason = f"bad magic 0x{0xCED7230A ^ 1 << bit:08x}, expected 0xced7230a"
    assert told(caught.value) == ("BadMagic", "a.rec", 40, reason)


@pytest.mark.parametrize("at", MULTI_PARTS[1:])
def test_bad_magic_of_a_later_part_is_told_at_that_part(at, told):
    record = bytearray(frame.encode(MULTI))
    record[at : at + 4] = bytes(4)
    with pytest.raises(BadMagic) as caught:
        frame.decode_at(bytes(record), 0, source="a.rec", base=1048)
    assert told(caught.value) == ("BadMagic", "a.rec", 1048 + at, "bad magic 0x00000000, expected 0xced7230a")


@pytest.mark.parametrize("cflag", [4, 5, 6, 7])
def test_cflag_beyond_three_is_refused(cflag, part, told):
    with pytest.raises(BadSequence) as caught:
        frame.decode_at(part(cflag, b"abcd"), 0)
    assert told(caught.value) == ("BadSequence", "<bytes>", 0, f"cflag {cflag}, expected 0 to 3")


@pytest.mark.parametrize("cflag", [2, 3])
def test_record_that_starts_in_its_middle_is_refused(cflag, part, told):
    with pytest.raises(BadSequence) as caught:
        frame.decode_at(part(cflag, b"abcd"), 0)
    assert told(caught.value) == ("BadSequence", "<bytes>", 0, f"a record starts with cflag {cflag}, expected 0 or 1")


@pytest.mark.parametrize("cflag", [0, 1])
def test_record_that_starts_again_before_its_last_part_is_refused(cflag, part, told):
    with pytest.raises(BadSequence) as caught:
        frame.decode_at(part(1, b"abcd") + part(cflag, b"efgh") + part(3, b""), 0)
    assert told(caught.value) == ("BadSequence", "<bytes>", 12, f"cflag {cflag} inside a record, expected 2 or 3")


@pytest.mark.parametrize("cflags", [(1, 2), (1, 2, 2)])
def test_record_without_its_last_part_is_truncated(cflags, part):
    with pytest.raises(Truncated) as caught:
        frame.decode_at(b"".join(part(cflag, b"") for cflag in cflags), 0)
    assert (caught.value.offset, caught.value.needed) == (0, 8 * len(cflags) + 8)


@pytest.mark.parametrize("length", [1, 2, 3, 5])
def test_odd_length_before_the_last_part_is_refused(length, part, told):
    with pytest.raises(FormatError) as caught:
        frame.decode_at(part(1, b"x" * length) + part(3, b""), 0)
    assert told(caught.value)[:3] == ("FormatError", "<bytes>", 0)
    assert caught.value.reason == f"a part of length {length} before the last, expected a multiple of 4"


@pytest.mark.parametrize("length", [1, 2, 3])
def test_padding_that_is_not_zero_is_refused(length, part, told):
    record = part(0, b"abc"[:length])[:-1] + b"\x01"
    padding = "00" * (3 - length) + "01"
    with pytest.raises(FormatError) as caught:
        frame.decode_at(record, 0)
    assert told(caught.value) == ("FormatError", "<bytes>", 8 + length, f"padding {padding}, expected zeros")


def test_run_gives_out_the_records_before_a_fault_and_then_raises_it(part):
    whole, broken = frame.encode(b"whole"), part(7, b"")
    assert frame.decode_run(whole + broken)[:2] == ([(0, b"whole")], len(whole))
    with pytest.raises(BadSequence):
        frame.decode_run(broken)


def test_payload_joined_beyond_the_limit_is_refused(part, monkeypatch, told):
    monkeypatch.setattr(frame, "MAX_LENGTH", 255)  # instead of half a gibibyte
    record = part(1, bytes(100)) + part(2, bytes(100)) + part(3, bytes(48))
    with pytest.raises(FormatError) as caught:
        frame.decode_at(record, 0)
    assert told(caught.value)[:3] == ("FormatError", "<bytes>", 0)
    assert caught.value.reason == "a payload of over 255 bytes, more than the format allows"
    assert len(frame.decode_at(part(1, bytes(100)) + part(2, bytes(100)) + part(3, bytes(47)), 0)[0]) == 255


def test_head_is_searched_from_the_next_multiple_of_four(part):
    data = part(0, b"abcd") + part(1, b"") + part(3, b"")
    assert [frame.find_head(data, at) for at in range(13)] == [0] + [12] * 12
    assert frame.find_head(data, 13) == -1


def test_head_is_not_taken_for_one_off_the_grid_or_at_the_end(part):
    assert frame.find_head(b"x" + part(0, b"abc" + bytes(1))[:11]) == -1
    assert frame.find_head(b"abcd" + M) == -1
    assert frame.find_head(b"") == -1


def test_search_for_a_head_survives_overlapping_magic_bytes(part):
    assert frame.find_head(b"xx" + M + b"xx" + part(0, b"")) == 8
    assert frame.find_head(M[:2] + M + M[:2] + part(0, b"")) == 8


@quick
@given(payloads)
def test_decoding_undoes_encoding(payload):
    record = frame.encode(payload)
    assert frame.decode_at(record, 0) == (payload, len(record))


@quick
@given(payloads)
def test_encoding_is_the_definition_word_by_word(framed, payload):
    assert frame.encode(payload) == framed(payload)


@quick
@given(payloads)
def test_aligned_magic_words_are_always_starts_of_parts(payload):
    record = frame.encode(payload)
    starts, at = [], 0
    while at < len(record):
        starts.append(at)
        at += 8 + (struct.unpack_from("<I", record, at + 4)[0] & 0x1FFFFFFF) + 3 & ~3
    assert [at for at in range(0, len(record), 4) if record[at : at + 4] == M] == starts


@quick
@given(st.lists(payloads, max_size=6), st.integers(0, 200))
def test_find_head_is_exact(many, start):
    data, offsets = b"", []
    for payload in many:
        offsets.append(len(data))
        data += frame.encode(payload)
    assert frame.find_head(data, start) == next((offset for offset in offsets if offset >= start), -1)


@quick
@given(st.lists(payloads, max_size=6))
def test_run_is_the_same_as_record_by_record(many):
    data, expected = b"", []
    for payload in many:
        expected.append((len(data), payload))
        data += frame.encode(payload)
    assert frame.decode_run(data) == (expected, len(data), 0)


@quick
@given(payloads, st.data())
def test_cuts_are_the_aligned_magic_words(payload, data):
    start = data.draw(st.integers(0, len(payload)))
    inner = payload[start:]
    assert frame.cuts(payload, start) == [at for at in range(0, len(inner), 4) if inner[at : at + 4] == M]


@quick
@given(st.binary(max_size=64) | payloads)
def test_any_bytes_decode_to_what_encodes_to_them_or_raise_a_format_error(data):
    try:
        payload, end = frame.decode_at(data, 0)
    except FormatError:
        return
    assert end <= len(data)
    assert frame.decode_at(frame.encode(payload), 0)[0] == payload


# Spans: where records stand, without taking them apart


@pytest.fixture(params=["short", "long"], scope="module")
def any_length(request):
    """Run a test twice: the second time as if all buffers were long."""
    with pytest.MonkeyPatch.context() as patch:
        if request.param == "long":
            patch.setattr(frame, "_LONG", 0)
        yield request.param


def walk(data: bytes) -> tuple[list[int], int, bool]:
    """Find records by decoding them, as strictly as spans does: starts, the position behind, whether all is right."""
    starts, position = [], 0
    while position < len(data):
        try:
            payload, end = frame.decode_at(data, position)
        except FormatError:
            return starts, position, False
        if frame.encode(payload) != data[position:end]:  # an aligned magic word that the writer would have cut
            return starts, position, False
        starts.append(position)
        position = end
    return starts, position, True


@quick
@given(many=st.lists(payloads, max_size=8))
def test_spans_of_whole_records_are_theirs(any_length, many):
    records = list(map(frame.encode, many))
    offsets = [sum(map(len, records[:number])) for number in range(len(records))]
    data = b"".join(records)
    assert frame.spans(data) == (offsets, len(data), None)
    assert frame.spans(b"\0" * 8 + data, 8) == ([offset + 8 for offset in offsets], len(data) + 8, None)


@quick
@given(many=st.lists(payloads, min_size=1, max_size=5), changes=st.lists(st.tuples(st.integers(0, 400), words), max_size=3))
def test_spans_end_where_decoding_does(any_length, many, changes):
    data = b"".join(map(frame.encode, many))
    for at, word in changes:
        at %= len(data)
        data = data[:at] + word + data[at + len(word) :]
    starts, position, right = walk(data)
    found, used, fault = frame.spans(data)
    assert (found, used, fault is None) == (starts, position, right)
    assert fault is None or used <= fault.offset <= len(data)


@quick
@given(many=st.lists(payloads, min_size=1, max_size=5), cut=st.integers(0, 400))
def test_spans_of_a_cut_buffer_say_what_the_next_record_needs(any_length, many, cut):
    records = list(map(frame.encode, many))
    data = b"".join(records)[:cut]
    starts, used, fault = frame.spans(data)
    whole = len(starts)
    assert data[used:] == b"".join(records[whole:])[: len(data) - used]
    if used < len(data):
        assert isinstance(fault, Truncated)
        assert len(data) - used < fault.needed <= len(records[whole])
    else:
        assert fault is None


@pytest.mark.parametrize("lead", [0, 1, 3])
def test_spans_of_a_long_buffer_find_a_fault_wherever_it_stands(lead):
    record = frame.encode(b"x" * 100)
    for wrong, reason in [
        (b"\0" * 8, "bad magic"),
        (struct.pack("<II", frame.MAGIC, 4 << 29), "cflag 4"),
        (struct.pack("<II", frame.MAGIC, 200) + bytes(100) + record, "a magic word stands inside a part"),
    ]:
        data = record * lead + wrong + record * 1000
        starts, used, fault = frame.spans(data, base=7)
        assert (starts, used) == ([len(record) * number for number in range(lead)], len(record) * lead)
        assert fault.offset == used + 7
        assert reason in fault.reason


def test_payload_beyond_the_format_is_no_span(monkeypatch):
    """With the real limit it takes half a gigabyte to see; the parts are within it, their sum is not."""
    monkeypatch.setattr(frame, "MAX_LENGTH", 31)
    whole = M.join([b"x" * 12, b"y" * 12])
    most = M.join([b"x" * 12, b"y" * 15])
    over = M.join([b"x" * 12, b"y" * 16])
    for payload, fits in ((whole, True), (most, True), (over, False)):
        record = b"".join(frame.pack_head(cflag, len(data)) + data + frame.padding(len(data)) for cflag, data in frame.split(payload))
        starts, _, fault = frame.spans(record)
        assert (starts == [0], fault is None) == (fits, fits)
        if fits:
            assert frame.decode_at(record, 0)[0] == payload
        else:
            assert "a payload of over 31 bytes" in fault.reason
            with pytest.raises(FormatError, match="a payload of over 31 bytes"):
                frame.decode_at(record, 0)


def test_largest_record_has_the_size_that_is_said():
    for words_ in range(1, 9):  # all magic words and three bytes: what the largest payload would be
        assert len(frame.encode(M * words_ + b"abc")) == 2 * (4 * words_ + 4) + 4
    assert frame.MAX_SPAN == 2 * (frame.MAX_LENGTH + 1) + 4
