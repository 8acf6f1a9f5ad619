"""Salvage: write, hurt, salvage; exactly what is lost and what is said. tests/faults has thousands of such sets at random."""

from __future__ import annotations

import json
import struct
import tracemalloc
import zlib
from pathlib import Path

import pytest

import recordio
from recordio import checksum, exact, files, frame, naming, resync, salvaging, tolerant
from recordio.errors import FileError
from recordio.files import InputFile
from recordio.index import Index
from recordio.resync import Damage, Intact

M = frame.MAGIC_BYTES
FIVE = [b"a" * 20, b"b" * 13, b"c" * 24, b"d" * 30, b"e" * 17]  # records of 28, 24, 32, 40 and 28 bytes
AT = [0, 28, 52, 84, 124, 152]  # where they start, and where the file ends


def sum_of(patient) -> checksum.Sum:
    """The .sum of the file as it is now; keys are 10, 11, 12, ..."""
    ends = [*patient.offsets[1:], len(patient.data)][: len(patient.offsets)]
    lengths = [end - start for start, end in zip(patient.offsets, ends, strict=True)]
    crcs = [zlib.crc32(patient.data[start:end]) for start, end in zip(patient.offsets, ends, strict=True)]
    lines = checksum.format_records(range(10, 10 + len(crcs)), patient.offsets, lengths, crcs)
    digest = checksum.FileDigest(len(patient.data), "0" * 32)
    return checksum.parse(b"".join(checksum.format_sum([lines], len(crcs), digest, digest)))


def scanned(patient, listed=None, index=None, **options) -> list[Intact | Damage]:
    file = InputFile(patient.path)
    try:
        pieces = list(tolerant.scan(file, listed, index, **options))
    finally:
        file.close()
    ends = [0]
    for piece in pieces:
        assert piece.offset == ends[-1]
        ends.append(piece.offset + piece.length)
    assert ends[-1] == len(patient.data)
    return pieces


def payloads(patient, pieces) -> list[bytes]:
    return [frame.decode_at(patient.data, piece.offset)[0] for piece in pieces if isinstance(piece, Intact)]


def lost(pieces) -> list[tuple[int, int]]:
    return [(piece.offset, piece.length) for piece in pieces if isinstance(piece, Damage)]


@pytest.fixture(params=["with .sum", "without"])
def salvaged(request, patient):
    """Hurts a file of payloads and scans it: which of them are found, and the lost ranges."""

    def run(many: list[bytes], hurt) -> tuple[list[bytes], list[tuple[int, int]]]:
        patient.write(*many)
        listed = sum_of(patient) if request.param == "with .sum" else None
        hurt(patient)
        pieces = scanned(patient, listed)
        assert {piece.verified for piece in pieces if isinstance(piece, Intact)} <= {listed is not None}
        return payloads(patient, pieces), lost(pieces)

    return run


@pytest.fixture
def exactly(patient):
    """Hurts a file and scans it with its .sum: the keys that are found, and the lost ranges."""

    def run(many: list[bytes], hurt, **options) -> tuple[list[int | None], list[tuple[int, int]]]:
        listed = sum_of(patient.write(*many))
        hurt(patient)
        pieces = scanned(patient, listed, **options)
        return [piece.key for piece in pieces if isinstance(piece, Intact)], lost(pieces)

    return run


@pytest.fixture
def by_frames(patient):
    """Hurts a file and scans it without a .sum: the payloads that are found, and the lost ranges."""

    def run(many: list[bytes], hurt, *, index: bool = False) -> tuple[list[bytes], list[tuple[int, int]]]:
        patient.write(*many)
        old = index_of(patient) if index else None
        hurt(patient)
        pieces = scanned(patient, None, old)
        return payloads(patient, pieces), lost(pieces)

    return run


def index_of(patient) -> Index:
    import numpy as np

    return Index(np.arange(10, 10 + len(patient.offsets), dtype=np.uint64), np.array(patient.offsets, np.int64))


def but(*left_out: int) -> list[bytes]:
    return [payload for at, payload in enumerate(FIVE) if at not in left_out]


# --- with and without a .sum: the same


def test_a_whole_file_is_all_intact(salvaged):
    assert salvaged(FIVE, lambda patient: None) == (FIVE, [])


def test_records_that_mxnet_wrote_are_all_intact(frames, patient):
    pieces = scanned(patient.put(frames.rec.read_bytes()))
    assert (payloads(patient, pieces), lost(pieces)) == (frames.payloads, [])


def test_an_empty_file_has_nothing(salvaged):
    assert salvaged([], lambda patient: None) == ([], [])


def test_empty_payloads_are_records(salvaged):
    assert salvaged([b""] * 9, lambda patient: None) == ([b""] * 9, [])


def test_padding_that_is_not_zero_loses_its_record(salvaged):
    assert salvaged(FIVE, lambda patient: patient.flip(AT[2] - 2)) == (but(1), [(28, 24)])


def test_a_length_that_is_too_large_does_not_swallow_the_next_record(salvaged):
    assert salvaged(FIVE, lambda patient: patient.set_length(AT[1], 13 + 32)) == (but(1), [(28, 24)])


def test_a_length_that_leads_to_another_record_does_not_swallow_those_between(salvaged):
    assert salvaged(FIVE, lambda patient: patient.set_length(AT[1], AT[3] - AT[1] - 8)) == (but(1), [(28, 24)])


def test_a_length_that_leads_to_the_end_does_not_swallow_the_rest(salvaged):
    assert salvaged(FIVE, lambda patient: patient.set_length(AT[1], AT[5] - AT[1] - 8)) == (but(1), [(28, 24)])


def test_a_length_beyond_the_file_takes_no_memory(salvaged):
    assert salvaged(FIVE, lambda patient: patient.set_length(AT[3], frame.MAX_LENGTH)) == (but(3), [(84, 40)])


def test_a_length_that_is_too_small_loses_its_record(salvaged):
    assert salvaged(FIVE, lambda patient: patient.set_length(AT[3], 8)) == (but(3), [(84, 40)])


@pytest.mark.parametrize("count", [1, 2, 3, 4, 12])
def test_bytes_deleted_from_a_payload_lose_one_record(salvaged, count):
    assert salvaged(FIVE, lambda patient: patient.remove(AT[1] + 9, AT[1] + 9 + count)) == (but(1), [(28, 24 - count)])


@pytest.mark.parametrize("count", [1, 2, 3, 4, 1000])
def test_bytes_inserted_into_a_payload_lose_one_record(salvaged, count):
    assert salvaged(FIVE, lambda patient: patient.insert(AT[1] + 9, b"x" * count)) == (but(1), [(28, 24 + count)])


@pytest.mark.parametrize("count", [1, 2, 3, 4, 1000])
def test_garbage_at_the_front_loses_nothing(salvaged, count):
    assert salvaged(FIVE, lambda patient: patient.insert(0, b"\0" * count)) == (FIVE, [(0, count)])


def test_a_truncated_tail_loses_the_last_record(salvaged):
    assert salvaged(FIVE, lambda patient: patient.cut(AT[5] - 1)) == (but(4), [(124, 27)])


def test_a_zeroed_sector_loses_the_records_that_it_touches(salvaged):
    many = [bytes([65 + at]) * 250 for at in range(9)]  # 260 bytes each
    found, ranges = salvaged(many, lambda patient: patient.put(patient.data[:512] + bytes(512) + patient.data[1024:]))
    assert (found, ranges) == ([many[0], *many[4:]], [(260, 780)])


def test_several_faults_lose_what_they_touch(salvaged):
    many = [bytes([65 + at]) * 21 for at in range(12)]  # 32 bytes each

    def hurt(patient):
        patient.flip(32 * 10 + 31).insert(32 * 6 + 15, b"abcde").flip(32 * 2 + 30)

    assert salvaged(many, hurt) == ([*many[:2], *many[3:6], *many[7:10], many[11]], [(64, 32), (192, 37), (325, 32)])


def test_a_part_in_the_middle_that_is_hurt_loses_the_whole_record(salvaged):
    many = [b"first", b"abcd" + M + b"efgh" + M + b"ijkl", b"last"]
    offset = len(frame.encode(many[0]))
    found, ranges = salvaged(many, lambda patient: patient.flip(offset + 12 + 3))  # the second part's magic word
    assert (found, ranges) == ([many[0], many[2]], [(offset, 36)])


def test_a_file_of_garbage_is_one_damage(salvaged):
    assert salvaged([b"x" * 90], lambda patient: patient.put(b"\xa5" * 1001)) == ([], [(0, 1001)])


# --- with a .sum


def test_with_a_sum_a_flipped_bit_in_a_payload_loses_its_record(exactly):
    assert exactly(FIVE, lambda patient: patient.flip(AT[2] + 20, 1)) == ([10, 11, 13, 14], [(52, 32)])


def test_with_a_sum_a_hurt_head_loses_no_other_record(exactly):
    assert exactly(FIVE, lambda patient: patient.flip(AT[2])) == ([10, 11, 13, 14], [(52, 32)])


def test_with_a_sum_a_hurt_cflag_loses_no_other_record(exactly):
    assert exactly(FIVE, lambda patient: patient.set_cflag(AT[2], 2)) == ([10, 11, 13, 14], [(52, 32)])


def test_with_a_sum_a_record_between_two_hurt_ones_is_found_in_any_alignment(exactly):
    def hurt(patient):
        patient.insert(AT[3] + 9, b"x").insert(AT[1] + 9, b"xyz")

    assert exactly(FIVE, hurt) == ([10, 12, 14], [(28, 27), (87, 41)])


def test_with_a_sum_a_record_that_is_gone_leaves_no_range_but_its_key_is_not_found(exactly):
    assert exactly(FIVE, lambda patient: patient.remove(AT[1], AT[2])) == ([10, 12, 13, 14], [])


def test_with_a_sum_equal_records_keep_their_own_keys(exactly):
    many = [b"x", b"same", b"y", b"same", b"z", b"same"]
    assert exactly(many, lambda patient: patient.flip(patient.offsets[1] + 8))[0] == [10, 12, 13, 14, 15]


def test_with_a_sum_equal_records_that_have_moved_keep_their_order(exactly):
    many = [b"first", b"same", b"hurt", b"same", b"last"]
    assert exactly(many, lambda patient: patient.remove(patient.offsets[2] + 8, patient.offsets[2] + 9))[0] == [10, 11, 13, 14]


def test_with_a_sum_of_equal_records_the_next_expected_one_is_meant(exactly):
    many = [b"first", b"same", b"x", b"hurt", b"same", b"last"]

    def hurt(patient):
        patient.flip(patient.offsets[1] + 8).remove(patient.offsets[3] + 8, patient.offsets[3] + 9)

    assert exactly(many, hurt)[0] == [10, 12, 14, 15]


def test_with_a_sum_of_equal_records_that_stands_where_it_belongs_is_meant(exactly):
    many = [b"first", b"x" * 12, b"same", b"same", b"last", b""]

    def hurt(patient):  # the second record's bytes are now those of the last one
        data, (_, second, third, *_) = patient.data, patient.offsets
        patient.put(data[:second] + frame.encode(b"") + b"junk" * 3 + data[third:]).flip(third + 8)

    assert exactly(many, hurt)[0] == [10, 15, 13, 14]


def test_with_a_sum_equal_records_in_another_order_are_each_found_once(exactly):
    many = [b"same", b"same", b"same", b"last", b"late", b"next"]

    def hurt(patient):
        data = patient.data
        patient.put(b"x" + b"".join(data[12 * at : 12 * at + 12] for at in (3, 0, 4, 1, 5, 2)))

    assert exactly(many, hurt) == ([13, 10, 14, 11, 15, 12], [(0, 1)])


def test_with_a_sum_each_record_is_found_as_often_as_it_is_listed(exactly):
    found, ranges = exactly([b"one", b"two"], lambda patient: patient.duplicate(0, 12).duplicate(0, 12))
    assert (found, ranges) == ([10, 11], [(12, 24)])


def test_with_a_sum_records_in_another_order_are_found(exactly):
    def hurt(patient):
        data = patient.data
        patient.put(data[AT[3] :] + data[: AT[3]])

    assert exactly(FIVE, hurt) == ([13, 14, 10, 11, 12], [])


def test_with_a_sum_a_record_that_lies_in_a_hurt_payload_is_no_other_record(exactly):
    inner = frame.encode(b"inner")
    many = [b"one", b"x" + inner * 4 + b"y" * 40, b"two"]
    assert exactly(many, lambda patient: patient.flip(patient.offsets[1] + 70))[0] == [10, 12]


def test_with_a_sum_the_reason_names_the_record_that_was_expected(patient):
    listed = sum_of(patient.write(*FIVE))
    (damage,) = [piece for piece in scanned(patient.flip(AT[2] + 9), listed) if isinstance(piece, Damage)]
    assert damage.reason == "expected the record of key 12: its bytes are not those that the .sum vouches for"
    (damage,) = [piece for piece in scanned(patient.put(patient.data + b"tail"), listed) if piece.offset == AT[5]]
    assert damage.reason == "the .sum lists no record behind these"


def test_what_the_sum_does_not_list_is_intact_when_asked_for_and_its_frame_is_right(exactly):
    def hurt(patient):
        patient.flip(AT[2] + 20, 1).flip(AT[4])

    assert exactly(FIVE, hurt, unverified=True) == ([10, 11, None, 13], [(124, 28)])


def test_with_a_sum_of_another_file_all_is_damage(patient):
    listed = sum_of(patient.write(b"other", b"others"))
    assert lost(scanned(patient.write(*FIVE), listed)) == [(0, 152)]


@pytest.mark.parametrize("sizes", [(16, 16), (20, 64), (1 << 20, 32)])
def test_records_larger_than_a_block_are_found(exactly, monkeypatch, sizes):
    monkeypatch.setattr(resync, "BLOCK", sizes[0])
    monkeypatch.setattr(exact, "BLOCK", sizes[1])
    many = [b"x" * 300, (b"abcd" + M) * 40, b"y" * 301, b"z" * 302]
    assert exactly(many, lambda patient: patient.flip(patient.offsets[2] + 200, 4)) == ([10, 11, 13], [(796, 312)])


@pytest.mark.parametrize(
    ("left", "found"),
    [
        ([0, -1, 36, -1], [10]),  # one of many that have its length, far from where it belongs, and nothing confirms it
        ([0, -1, 36, 37, -1], [10, 46, 47]),  # the next one does
        ([0, -1, 39], [10, 49]),  # the end of the file does
        ([0, -1, 2, -1], [10, 12]),  # it stands near by
        ([0, -1, 40, -1], [10, 50]),  # few have its length
        ([0, -1, 40], [10, 50]),
    ],
)
def test_of_many_records_of_one_length_a_checksum_alone_names_none_far_away(patient, monkeypatch, left, found):
    monkeypatch.setattr(exact, "_COMMON", 2)
    many = [struct.pack("<I", at) for at in range(40)]
    if 40 in left:
        many.append(b"longer")
    listed = sum_of(patient.write(*many))
    records = [frame.encode(payload) for payload in many]
    patient.put(b"".join(records[at] if at >= 0 else b"garbage." for at in left))
    assert [piece.key for piece in scanned(patient, listed) if isinstance(piece, Intact)] == found


@pytest.mark.parametrize("offset", [AT[1], AT[1] + 7, AT[2] - 1])
def test_what_was_no_record_when_it_was_listed_is_none_now(patient, offset):
    patient.write(*FIVE).flip(offset)
    assert lost(scanned(patient, sum_of(patient))) == [(28, 24)]


def test_heads_answer_in_any_order(patient, monkeypatch):
    monkeypatch.setattr(resync, "BLOCK", 16)
    patient.write(*FIVE).set_length(0, 60)  # leads over the second record, into the third
    file = InputFile(patient.path)
    heads, over = resync.Heads(file), "length 60 at offset 0 leads to 68, over the magic word at 28"
    for start in (AT[3], AT[1], 0, AT[4], 0, AT[2]):
        end = next(at for at in AT if at > start)
        assert heads.frame(start, 152) == ((end, "") if start else (0, over))
    assert heads.frame(AT[2], AT[3]) == (AT[3], "")
    assert heads.frame(AT[2], AT[3] - 4) == (0, "length 24 at offset 52 leads to 84, behind the end of the bytes at 80")
    file.close()


# --- without a .sum


def test_by_frames_a_flipped_bit_in_a_payload_is_not_seen(by_frames):
    found, ranges = by_frames(FIVE, lambda patient: patient.flip(AT[2] + 20, 1))
    assert (len(found), ranges) == (5, [])


def test_by_frames_a_hurt_head_costs_the_record_before_it_too(by_frames):
    assert by_frames(FIVE, lambda patient: patient.flip(AT[2])) == (but(1, 2), [(28, 56)])


@pytest.mark.parametrize("cflag", [2, 3, 4])
def test_by_frames_a_hurt_cflag_costs_the_record_before_it_too(by_frames, cflag):
    assert by_frames(FIVE, lambda patient: patient.set_cflag(AT[2], cflag)) == (but(1, 2), [(28, 56)])


def test_by_frames_an_index_saves_the_record_before_a_hurt_head(by_frames):
    assert by_frames(FIVE, lambda patient: patient.flip(AT[2]), index=True) == (but(2), [(52, 32)])


def test_by_frames_an_index_saves_a_record_between_two_hurt_heads(by_frames):
    hurt = lambda patient: patient.flip(AT[1]).flip(AT[3])  # noqa: E731
    assert by_frames(FIVE, hurt, index=True) == (but(1, 3), [(28, 24), (84, 40)])
    assert by_frames(FIVE, hurt) == (but(0, 1, 2, 3), [(0, 124)])


def test_by_frames_an_image_between_two_hurt_heads_is_saved(by_frames, saved):
    image = recordio.pack(recordio.Header(0, 1.0, 7), saved("PNG"))
    many = [b"a", b"hurt", image, b"hurt", b"b"]
    assert by_frames(many, lambda patient: patient.flip(patient.offsets[1]).flip(patient.offsets[3]))[0] == [image, b"b"]


def test_by_frames_an_index_does_not_save_a_record_into_which_bytes_were_inserted(by_frames):
    assert by_frames(FIVE, lambda patient: patient.insert(AT[1] + 9, b"wxyz"), index=True) == (but(1), [(28, 28)])


def test_by_frames_an_index_does_not_save_a_record_from_which_a_byte_was_deleted(by_frames):
    assert by_frames(FIVE, lambda patient: patient.remove(AT[2] + 9, AT[2] + 10), index=True) == (but(2), [(52, 31)])


@pytest.mark.parametrize(("format", "options"), [("JPEG", {}), ("PNG", {}), ("GIF", {}), ("BMP", {}), ("WEBP", {"lossless": True})])
def test_by_frames_an_image_that_ends_with_its_record_saves_it(by_frames, saved, format, options):
    image = recordio.pack(recordio.Header(0, [1.0, 2.0], 7), saved(format, "P" if format == "GIF" else "RGB", **options))
    assert by_frames([image, b"x", b"y"], lambda patient: patient.flip(len(frame.encode(image))))[0] == [image, b"y"]


@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP", "BMP"])
def test_by_frames_an_image_that_does_not_end_with_its_record_saves_nothing(by_frames, saved, format):
    image = recordio.pack(recordio.Header(0, 1.0, 7), saved(format) + b"...!")
    size = len(frame.encode(image))
    assert by_frames([image, b"x", b"y"], lambda patient: patient.flip(size))[0] == [b"y"]


def test_by_frames_an_image_with_inserted_bytes_is_not_saved(by_frames, saved):
    image = recordio.pack(recordio.Header(0, 1.0, 7), saved("JPEG"))
    assert by_frames([image, b"x", b"y"], lambda patient: patient.insert(200, b"wxyz"))[0] == [b"x", b"y"]


def test_by_frames_two_records_of_another_alignment_are_not_enough(by_frames):
    hidden = b"x" + frame.encode(b"one") + frame.encode(b"two") + M + b"\0\0\0"
    found, _ = by_frames([b"a" * 40, hidden, b"b", b"c", b"d"], lambda patient: patient.flip(48 + 2))
    assert found == [b"b", b"c", b"d"]  # the first stands before a hurt head


def test_by_frames_three_records_of_another_alignment_are_enough(by_frames):
    many = [b"a", b"hurt", b"1", b"2", b"3", b"4", b"hurt", b"b", b"c"]

    def hurt(patient):
        patient.insert(patient.offsets[6] + 9, b"xyz").insert(patient.offsets[1] + 9, b"x")

    assert by_frames(many, hurt)[0] == [b"a", b"1", b"2", b"3", b"4", b"b", b"c"]


def test_by_frames_another_alignment_is_believed_at_the_end_of_the_file(by_frames):
    assert by_frames([b"a", b"hurt", b"last"], lambda patient: patient.remove(21, 22))[0] == [b"a", b"last"]


def test_by_frames_the_reason_is_that_of_the_first_fault(patient):
    patient.write(*FIVE).flip(AT[2]).flip(AT[5] - 1)
    reasons = [piece.reason for piece in scanned(patient) if isinstance(piece, Damage)]
    lost_head = "no record starts at 52, where this one ends: its length or the next head is damaged"
    assert reasons == [lost_head, "padding at offset 149 is not zero"]


@pytest.mark.parametrize(
    ("hurt", "reason"),
    [
        (lambda patient: patient.put(b"\0" * 8), "bad magic 0x00000000 at offset 0, expected 0xced7230a"),
        (lambda patient: patient.put(M + b"\0\0\0"), "the bytes end inside a head at offset 0"),
        (lambda patient: patient.set_cflag(0, 5), "cflag 5 at offset 0, expected 0 or 1"),
        (lambda patient: patient.set_length(0, 99), "length 99 at offset 0 leads to 108, behind the end of the bytes at 16"),
        (lambda patient: patient.write(M).set_cflag(8, 0), "cflag 0 at offset 8, expected 2 or 3"),
        (lambda patient: patient.write(M + b"abcd").set_length(0, 5), "length 5 at offset 0 leads to 16, over the magic word at 8"),
        (
            lambda patient: patient.put(M + b"\3\0\0\x20abc\0" + M + b"\0\0\0\x60"),
            "length 3 at offset 0 of a part before the last, expected a multiple of 4",
        ),
    ],
)
def test_every_fault_of_a_frame_is_told(patient, hurt, reason):
    hurt(patient.write(b"abcdefg"))
    assert scanned(patient)[0].reason == reason


def test_a_payload_larger_than_the_format_allows_is_damage(patient, monkeypatch):
    patient.write(b"abcd" + M + b"efgh" + M + b"ijkl")
    monkeypatch.setattr(frame, "MAX_LENGTH", 15)
    assert scanned(patient)[0].reason == "a payload of over 15 bytes"


# --- whatever it holds


HOSTILE = {
    "magic words": M,
    "magic words and huge lengths": M + b"\xff\xff\xff\x1f",
    "lengths that lead far": M + struct.pack("<I", 1 << 18),
    "first parts": M + b"\0\0\0\x20",
    "first parts of some bytes": M + b"\4\0\0\x20abcd",
    "middle parts": M + b"\0\0\0\x40",
    "zeros": b"\0",
    "records and junk": frame.encode(b"abc") + b"junk",
    "records and a byte": frame.encode(b"abc") + b"j",
    "records, each in the one before": (M + b"\x18\0\0\0")[:-1],
}


@pytest.mark.parametrize("unit", HOSTILE.values(), ids=HOSTILE)
@pytest.mark.parametrize("vouched", [False, True])
def test_hostile_files_are_read_a_few_times_in_little_memory(patient, reads, monkeypatch, unit, vouched):
    listed = sum_of(patient.write(b"abc", b"abcd" * 9, b"x" * (1 << 18)))
    monkeypatch.setattr(resync, "BLOCK", 1 << 16)
    patient.put(unit * ((1 << 21) // len(unit) // (8 if "junk" in repr(unit) or len(unit) == 13 else 1)))
    tracemalloc.start()
    try:
        file = InputFile(patient.path)
        position = 0
        for piece in tolerant.scan(file, listed if vouched else None):
            assert piece.offset == position
            position += piece.length
        file.close()
        assert position == file.size
        assert tracemalloc.get_traced_memory()[1] < 32 << 20
    finally:
        tracemalloc.stop()
    assert sum(length for _, length in reads) < 10 * file.size + (1 << 20)


def test_a_file_that_becomes_shorter_meanwhile_is_an_error_of_its_disk(patient):
    file = InputFile(patient.write(*FIVE).path)
    patient.cut(20)
    with pytest.raises(FileError, match="the file ends at 20 now, it had 152 bytes when it was opened"):
        list(tolerant.scan(file))
    file.close()


# --- the new set


@pytest.fixture
def dataset(tmp_path):
    """A set of image records with its .idx and .sum, and where they start."""
    rec = tmp_path / "old.rec"

    def write(keys: list[int], ids: list[int] | None = None) -> list[int]:
        with recordio.IndexedWriter(rec) as writer:
            return [
                writer.write(key, recordio.pack(recordio.Header(0, 1.0, id_), b"image")) for key, id_ in zip(keys, ids or keys, strict=True)
            ]

    write.rec = rec
    write.out = tmp_path / "new"
    return write


def flip(path: Path, offset: int, mask: int = 0xFF) -> None:
    data = bytearray(path.read_bytes())
    data[offset] ^= mask
    path.write_bytes(data)


def read(prefix: Path) -> dict[int, int]:
    """The keys of a set, and the ids of its headers."""
    with recordio.IndexedReader(f"{prefix}.rec") as reader:
        return {key: recordio.unpack(reader.read(key))[0].id for key in reader.keys.tolist()}


def test_a_whole_set_is_copied_byte_for_byte(dataset):
    dataset([5, 3, 4])
    report = recordio.salvage(dataset.rec, dataset.out)
    assert (report.whole, report.records, report.verified, report.bytes_lost, report.damages) == (True, 3, 3, 0, [])
    for suffix in (".rec", ".idx"):
        assert Path(f"{dataset.out}{suffix}").read_bytes() == dataset.rec.with_suffix(suffix).read_bytes()
    assert report.outputs == [f"{dataset.out}{suffix}" for suffix in (".rec", ".idx", ".sum", ".salvage.json")]


def test_the_new_set_has_its_own_checksums_and_the_account_of_the_old_one(dataset):
    offsets = dataset([5, 3, 4])
    flip(dataset.rec, offsets[1] + 9)
    report = recordio.salvage(dataset.rec.with_suffix(""), dataset.out)
    assert read(dataset.out) == {5: 5, 4: 4}
    assert checksum.load(f"{dataset.out}.sum").keys.tolist() == [5, 4]
    told = json.loads(Path(f"{dataset.out}.salvage.json").read_text())
    assert told == report.as_json()
    assert (told["bytes_kept"], told["bytes_lost"], told["size"]) == (80, 40, 120)
    assert (told["lost"], told["lost_keys"]) == ([{"offset": 40, "length": 40, "reason": report.damages[0].reason}], [3])


def test_the_file_tells_all_damage_where_the_report_keeps_some(dataset, monkeypatch):
    monkeypatch.setattr(salvaging, "_KEPT", 1)
    monkeypatch.setattr(salvaging, "_LINES", 2)
    for offset in dataset(list(range(9)))[1::2]:
        flip(dataset.rec, offset + 9)
    report = recordio.salvage(dataset.rec, dataset.out)
    told = json.loads(Path(f"{dataset.out}.salvage.json").read_text())
    assert (report.damaged, len(report.damages), told["damages"], len(told["lost"])) == (4, 1, 4, 4)


def test_without_a_sum_the_old_index_names_the_records(dataset):
    dataset([5, 3, 4], [50, 30, 40])
    dataset.rec.with_suffix(".sum").unlink()
    report = recordio.salvage(dataset.rec, dataset.out)
    assert (read(dataset.out), report.verified, report.whole) == ({5: 50, 3: 30, 4: 40}, 0, True)
    assert not Path(f"{dataset.out}.sum").exists()  # it would vouch for what nobody has vouched for


def test_without_both_the_headers_name_the_records(dataset):
    dataset([5, 3, 4], [50, 30, 40])
    dataset.rec.with_suffix(".sum").unlink()
    dataset.rec.with_suffix(".idx").unlink()
    assert recordio.salvage(dataset.rec, dataset.out).whole
    assert read(dataset.out) == {50: 50, 30: 30, 40: 40}


def test_an_id_that_stands_twice_gives_the_second_record_a_new_number(dataset):
    dataset([1, 2, 3, 4], [7, 9, 7, 8])
    dataset.rec.with_suffix(".sum").unlink()
    dataset.rec.with_suffix(".idx").unlink()
    report = recordio.salvage(dataset.rec, dataset.out)
    assert read(dataset.out) == {7: 7, 9: 9, 10: 7, 8: 8}
    assert report.conflicts == [naming.KeyConflict(80, 7, 10)]


def test_records_that_nothing_names_get_numbers_above_all_others(patient, tmp_path):
    patient.write(b"text", recordio.pack(recordio.Header(0, 1.0, 41), b"image"), b"more text")
    report = recordio.salvage(patient.path, tmp_path / "out")
    with recordio.IndexedReader(tmp_path / "out.rec") as reader:
        assert reader.keys.tolist() == [42, 41, 43]
    assert (report.numbered, report.conflicts) == (2, [])


def test_behind_inserted_bytes_the_index_names_no_records(dataset):
    offsets = dataset([20, 21, 22, 23, 24, 25], [30, 31, 32, 33, 34, 35])
    dataset.rec.with_suffix(".sum").unlink()
    data = dataset.rec.read_bytes()
    dataset.rec.write_bytes(data[: offsets[1] + 9] + bytes(8) + data[offsets[1] + 9 :])
    report = recordio.salvage(dataset.rec, dataset.out)
    assert read(dataset.out) == {20: 30, 32: 32, 33: 33, 34: 34, 35: 35}
    assert report.lost_keys == [21, 22, 23, 24, 25]


def test_the_index_names_no_record_that_stands_by_chance_where_another_one_stood(tmp_path):
    sizes = [0, 0, 4, 0, 0, 4, 4, 4, 4]  # beyond the header and 8 bytes: records of 40 and 44 bytes
    with recordio.IndexedWriter(tmp_path / "old.rec", checksums=False) as writer:
        for key, size in enumerate(sizes, 20):
            writer.write(key, recordio.pack(recordio.Header(0, 1.0, key + 30), b"image..." + bytes(size)))
    data = (tmp_path / "old.rec").read_bytes()
    # The third now starts where the fourth did, and the sixth stands where the seventh did.
    (tmp_path / "old.rec").write_bytes(data[:60] + b"x" * 44 + data[60:])
    recordio.salvage(tmp_path / "old", tmp_path / "new")
    assert read(tmp_path / "new") == {20: 50, **{id_: id_ for id_ in range(52, 59)}}


@pytest.mark.parametrize("sidecar", [True, False])
def test_keys_that_the_old_set_has_twice_stay_and_are_told(dataset, sidecar):
    dataset([6, 7, 6], [1, 2, 3])
    if not sidecar:
        dataset.rec.with_suffix(".sum").unlink()
    report = recordio.salvage(dataset.rec, dataset.out)
    assert (report.whole, report.conflicts, report.lost_keys) == (True, [naming.KeyConflict(80, 6, 6)], [])
    assert Path(f"{dataset.out}.idx").read_bytes() == dataset.rec.with_suffix(".idx").read_bytes()


def test_new_numbers_are_found_where_the_largest_key_is_taken(patient, tmp_path):
    largest = recordio.pack(recordio.Header(0, 1.0, (1 << 64) - 1), b"image")
    patient.write(largest, b"text", recordio.pack(recordio.Header(0, 1.0, 0), b"image"))
    recordio.salvage(patient.path, tmp_path / "out")
    with recordio.IndexedReader(tmp_path / "out.rec") as reader:
        assert reader.keys.tolist() == [(1 << 64) - 1, 1, 0]


def test_unverified_records_are_saved_when_asked_for_and_named(dataset):
    offsets = dataset([5, 3, 4])
    flip(dataset.rec, offsets[1] + 33)
    report = recordio.salvage(dataset.rec, dataset.out, unverified=True)
    assert (report.records, report.verified, report.unverified, report.unverified_keys) == (3, 2, 1, [3])
    assert (report.whole, report.lost_keys, report.bytes_lost) == (False, [], 0)
    assert read(dataset.out) == {5: 5, 3: 3, 4: 4}


def test_a_damaged_sum_is_told_and_done_without(dataset):
    dataset([5, 3, 4])
    flip(dataset.rec.with_suffix(".sum"), 30)
    report = recordio.salvage(dataset.rec, dataset.out)
    assert (report.vouched, report.whole, report.records, len(report.remarks)) == (False, False, 3, 1)
    assert report.remarks[0].endswith("gone on without it")


def test_a_damaged_index_is_told_and_its_good_lines_are_used(dataset):
    dataset(list(range(100, 120)), list(range(200, 220)))
    dataset.rec.with_suffix(".sum").unlink()
    flip(dataset.rec.with_suffix(".idx"), 4)  # the offset of the first record
    report = recordio.salvage(dataset.rec, dataset.out)
    assert report.remarks[0].endswith("gone on with its other lines")
    keys = list(read(dataset.out))
    assert (keys[0], keys[4:]) == (200, list(range(104, 120)))  # it takes some that agree before it is believed


def test_an_index_that_the_sum_does_not_describe_is_told(dataset):
    dataset([5, 3, 4])
    dataset.rec.with_suffix(".idx").write_text("1\t0\n")
    report = recordio.salvage(dataset.rec, dataset.out)
    assert report.remarks == [f"{dataset.rec.with_suffix('.idx')}: is not the index that the .sum describes; gone on without it"]
    assert (report.whole, read(dataset.out)) == (False, {5: 5, 3: 3, 4: 4})


def test_nothing_is_written_when_nothing_is_saved(dataset):
    dataset([5])
    dataset.rec.write_bytes(b"garbage")
    report = recordio.salvage(dataset.rec, dataset.out)
    assert (report.records, report.outputs, report.lost_keys, report.bytes_lost) == (0, [], [5], 7)
    assert not list(dataset.out.parent.glob("*new*"))


def test_an_empty_file_makes_an_empty_set(patient, tmp_path):
    report = recordio.salvage(patient.write().path, tmp_path / "out")
    assert (report.whole, report.records, (tmp_path / "out.rec").read_bytes()) == (True, 0, b"")


@pytest.mark.parametrize("suffix", ["", ".rec"])
def test_no_output_takes_the_place_of_an_input(dataset, suffix):
    dataset([5, 3, 4])
    before = {path: path.read_bytes() for path in dataset.rec.parent.iterdir()}
    with pytest.raises(FileError, match="it is the file that is read"):
        recordio.salvage(dataset.rec.with_suffix(suffix), dataset.rec.with_suffix(""), force=True)
    assert {path: path.read_bytes() for path in dataset.rec.parent.iterdir()} == before


def test_an_index_that_is_read_is_not_replaced_either(dataset, tmp_path):
    dataset([5, 3, 4])
    dataset.rec.with_suffix(".idx").rename(tmp_path / "new.idx")
    with pytest.raises(FileError, match=r"new\.idx: cannot write: it is the file that is read"):
        recordio.salvage(dataset.rec, dataset.out, idx=tmp_path / "new.idx", force=True)


def test_an_existing_set_is_replaced_only_by_force(dataset):
    dataset([5, 3, 4])
    Path(f"{dataset.out}.salvage.json").write_text("old")
    with pytest.raises(FileError, match="it exists already"):
        recordio.salvage(dataset.rec, dataset.out)
    assert Path(f"{dataset.out}.salvage.json").read_text() == "old"
    assert recordio.salvage(dataset.rec, dataset.out, force=True).records == 3


def test_a_missing_file_or_a_missing_sidecar_that_is_named_is_an_error(dataset):
    with pytest.raises(FileError, match=r"old\.rec: cannot open"):
        recordio.salvage(dataset.rec, dataset.out)
    dataset([1])
    with pytest.raises(FileError, match=r"x\.sum: cannot open"):
        recordio.salvage(dataset.rec, dataset.out, sum="x.sum")
    with pytest.raises(FileError, match=r"x\.idx: cannot read"):
        recordio.salvage(dataset.rec, dataset.out, idx="x.idx")


def test_what_has_no_end_is_not_read(dataset, tmp_path):
    with pytest.raises(FileError, match="it is no regular file"):
        recordio.salvage(tmp_path, dataset.out)


def test_a_disk_that_answers_twice_in_two_ways_is_an_error(dataset, monkeypatch):
    dataset([5, 3, 4])
    pread = files.Disk.pread
    answers = []

    def once(self, fd, length, offset):
        data = pread(self, fd, length, offset)
        answers.append(length)
        return data if answers.count(120) < 2 else bytes(len(data))

    monkeypatch.setattr(files.Disk, "pread", once)
    with pytest.raises(FileError, match="it does not hold the bytes it held a moment ago"):
        recordio.salvage(dataset.rec, dataset.out)
    assert not list(dataset.out.parent.glob("*new*"))


@pytest.mark.parametrize(
    ("payload", "id_"),
    [
        (recordio.pack(recordio.Header(0, 1.0, 7), b"\xff\xd8\xff"), 7),
        (recordio.pack(recordio.Header(0, 1.0, 7, 9), b"\xff\xd8\xff"), 7),
        (recordio.pack(recordio.Header(0, [1.0, 2.0], 7, 9)), 7),
        (recordio.pack(recordio.Header(0, 1.0, 7), b"any data"), 7),
        (recordio.pack(recordio.Header(0, 1.0, 7, 9), b"any data"), None),
        (struct.pack("<IfQQ", 9, 0.0, 7, 0), None),
        (struct.pack("<IfQQf", 1, 1.0, 7, 0, 1.0), None),
        (struct.pack("<IfQQ", 0, float("inf"), 7, 0), None),
        (struct.pack("<IfQQ", 0, 1.0, struct.unpack("<Q", b"abcd" + M)[0], 0), struct.unpack("<Q", b"abcd" + M)[0]),
        (b"x" * 23, None),
        (b"plain text that is no header of an image", None),
        (b"", None),
    ],
)
def test_the_id_of_a_header_is_taken_where_it_looks_like_one(payload, id_):
    assert naming.id_of(memoryview(frame.encode(payload))) == id_
