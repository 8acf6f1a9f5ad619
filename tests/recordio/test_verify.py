"""Verifying: what is said of every kind of damage, in which file, of which key, at which bytes; and what it costs."""

from __future__ import annotations

import math
import struct
import tracemalloc
from pathlib import Path

import pytest

import recordio
from recordio import checksum, frame
from recordio.errors import FileError
from recordio.issues import Issue, VerifyReport
from recordio.verify import BLOCK, verify

M = frame.MAGIC_BYTES
IMAGE = b"0123456789"  # makes a payload of 34 bytes, a record of 44
SIZE = 44


def payload(key: int, label=1.0, image: bytes = IMAGE) -> bytes:
    return recordio.pack(recordio.Header(0, label, key), image)


class Case:
    """A set to hurt: keys 10, 20, 30 at offsets 0, 44, 88. Operations return the case."""

    def __init__(self, folder: Path) -> None:
        self.rec, self.idx, self.sum = (folder / f"x{suffix}" for suffix in (".rec", ".idx", ".sum"))

    def write(self, *payloads: bytes, keys: tuple[int, ...] = (10, 20, 30), checksums: bool = True) -> Case:
        with recordio.IndexedWriter(self.rec, checksums=checksums, force=True) as writer:
            for key, data in zip(keys, payloads or map(payload, keys), strict=True):
                writer.write(key, data)
        return self

    def bare(self, *payloads: bytes, keys: tuple[int, ...] = (10, 20, 30)) -> Case:
        return self.write(*payloads, keys=keys, checksums=False)

    def put(self, name: str, data: bytes) -> Case:
        getattr(self, name).write_bytes(data)
        return self

    def data(self, name: str) -> bytes:
        return getattr(self, name).read_bytes()

    def flip(self, name: str, at: int, mask: int = 1) -> Case:
        data = bytearray(self.data(name))
        data[at] ^= mask
        return self.put(name, bytes(data))

    def cut(self, name: str, size: int) -> Case:
        return self.put(name, self.data(name)[:size])

    def replace(self, name: str, old: bytes, new: bytes) -> Case:
        assert self.data(name).count(old) == 1
        return self.put(name, self.data(name).replace(old, new))

    def reseal(self) -> Case:
        """Let the .sum vouch for the .rec and .idx as they are now, its own lines of records as they are."""
        body = self.data("sum").split(b"records\t")[0]
        records = [line.decode() + "\n" for line in body.split(b"\n")[1:-1]]
        rec, idx = checksum.digest_file(self.rec), checksum.digest_file(self.idx)
        return self.put("sum", b"".join(checksum.format_sum(records, len(records), rec, idx)))

    def lrec(self, at: int, cflag: int, length: int) -> Case:
        data = bytearray(self.data("rec"))
        struct.pack_into("<I", data, at + 4, cflag << 29 | length)
        return self.put("rec", bytes(data))

    def report(self, **options) -> VerifyReport:
        return verify(self.rec, **options)

    def said(self, **options) -> list[tuple]:
        """All issues as (suffix, kind, key, offset, length, reason)."""
        issues = self.report(**options).issues
        return [(Path(i.file).suffix[1:], i.kind, i.key, i.offset, i.length, i.reason) for i in issues]


@pytest.fixture
def case(tmp_path) -> Case:
    return Case(tmp_path)


def only(found: list[tuple], *facts) -> str:
    """Check that there is one issue and what it is about; return its reason."""
    assert [issue[:-1] for issue in found] == [facts]
    return found[0][-1]


# Nothing is wrong


def test_whole_set_has_no_issue_and_is_vouched_for(case):
    report = case.write().report()
    assert (report.issues, report.count, report.records, report.size) == ([], 0, 3, 132)
    assert (report.vouched, report.indexed, report.rec) == (True, True, str(case.rec))
    assert (report.offsets.tolist(), report.ends.tolist()) == ([0, 44, 88], [44, 88, 132])


def test_set_without_sum_has_no_issue_but_nobody_vouches_for_it(case):
    report = case.bare().report()
    assert (report.count, report.records, report.vouched) == (0, 3, False)
    assert report.as_json()["payload"] == "unverified"


def test_crcs_are_the_same_with_and_without_sum(case):
    vouched = case.write().report()
    assert vouched.crcs.tolist() == checksum.load(case.sum).crcs.tolist()
    case.sum.unlink()
    assert case.report().crcs == vouched.crcs


@pytest.mark.parametrize("name", ["multi", "identities", "frames"])
def test_sets_that_mxnet_wrote_have_no_issue(golden, tmp_path, name):
    folder = golden / ("loaders" if name == "multi" else "recordio")
    report = verify(folder / f"{name}.rec", headers=name != "frames")
    assert (report.issues, report.indexed, report.vouched) == ([], True, False)


def test_empty_set_has_no_issue(case):
    assert case.write(keys=()).said() == []
    case.sum.unlink()
    case.idx.unlink()
    assert case.said() == []


def test_payloads_without_headers_are_right_where_none_are_asked_for(case):
    case.write(b"", b"abc", M + b"x" + M)
    assert case.said(headers=False) == []
    assert [issue[1:4] for issue in case.said()] == [("header", 10, 0), ("header", 20, 8), ("header", 30, 20)]


def test_ordinals_may_be_keys_as_rec2idx_writes_them(case):
    case.bare().put("idx", b"0\t0\n1\t44\n2\t88\n")
    assert case.said() == []


def test_index_may_stand_in_another_order_than_the_records(case):
    case.bare().put("idx", b"30\t88\n10\t0\n20\t44\n")
    assert case.said() == []


# The .rec, by its .sum


@pytest.mark.parametrize(("at", "key", "offset"), [(0, 10, 0), (43, 10, 0), (44, 20, 44), (60, 20, 44), (131, 30, 88)])
def test_flipped_bit_is_told_with_key_and_bytes(case, at, key, offset):
    reason = only(case.write().flip("rec", at).said(), "rec", "checksum", key, offset, SIZE)
    assert reason.startswith("CRC-32 ")


def test_reason_has_both_crcs_and_what_the_frame_shows(case):
    crc = int(checksum.load(case.write().sum).crcs[1])
    reason = only(case.flip("rec", 44, 0xFF).said(), "rec", "checksum", 20, 44, SIZE)
    found = checksum.crc_function()(case.data("rec")[44:88])
    assert reason == f"CRC-32 {found:08x}, expected {crc:08x} (bad magic 0xced723f5, expected 0xced7230a)"


@pytest.mark.parametrize("size", [0, 1, 44, 45, 88, 90, 131])
def test_cut_is_told_from_the_first_record_that_is_not_whole(case, size):
    found = case.write().cut("rec", size).said()
    first = (10, 20, 30)[size // SIZE]
    if size % SIZE:
        reason = f"the file ends after {size % SIZE} bytes of this record, expected 44"
        assert found[0] == ("rec", "checksum", first, size // SIZE * SIZE, SIZE, reason)
    left = 3 - -(-size // SIZE)
    if left:
        reason = f"the file ends, expected {left} more record{'s' * (left > 1)} from key {(10, 20, 30)[3 - left]} on"
        assert found[-1] == ("rec", "frame", (10, 20, 30)[3 - left], (3 - left) * SIZE, 0, reason)


def test_bytes_behind_the_last_record_are_told(case):
    case.write().put("rec", case.data("rec") + frame.encode(payload(40)))
    reason = only(case.said(), "rec", "frame", None, 132, 44)
    assert reason == "44 bytes stand behind the last record that the .sum lists"


def test_records_that_changed_places_are_both_told(case):
    data = case.write().data("rec")
    found = case.put("rec", data[44:88] + data[:44] + data[88:]).said()
    assert [issue[:5] for issue in found] == [("rec", "checksum", 10, 0, SIZE), ("rec", "checksum", 20, 44, SIZE)]


def test_every_damaged_record_is_told(case):
    found = case.write().flip("rec", 20).flip("rec", 100).said()
    assert [issue[:5] for issue in found] == [("rec", "checksum", 10, 0, SIZE), ("rec", "checksum", 30, 88, SIZE)]


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        (b"\0" * 44, "bad magic 0x00000000, expected 0xced7230a"),
        (M + struct.pack("<I", 3 << 29 | 36) + b"\0" * 36, "cflag 3, expected 0 or 1"),
        (frame.encode(b"x" * 12) + frame.encode(b"y" * 16), "2 records, expected one"),
    ],
)
def test_sum_that_was_made_of_a_broken_frame_does_not_hide_it(case, record, reason):
    data = case.write().data("rec")
    case.put("rec", data[:44] + record + data[88:])
    old, new = (f"\t44\t44\t{checksum.crc_function()(part):08x}\n".encode() for part in (data[44:88], record))
    case.replace("sum", old, new).reseal()
    assert only(case.said(), "rec", "frame", 20, 44, SIZE) == reason


def test_digest_that_fits_no_record_is_told_of_the_whole_file(case):
    digest = checksum.digest_file(case.write().rec).digest
    body = case.data("sum").replace(digest.encode(), b"0" * 32)
    body = body[: body.rindex(b"sum\t")]
    case.put("sum", body + f"sum\t{checksum.digest_bytes(body).digest}\n".encode())
    reason = only(case.said(), "rec", "checksum", None, 0, 132)
    assert reason == f"132 bytes with the XXH3-128 {digest}, expected 132 with {'0' * 32}"


# The .rec, by its frames alone


@pytest.mark.parametrize(("at", "mask"), [(44, 1), (47, 0x80), (51, 0x20), (51, 0x40), (49, 0x80), (86, 1), (87, 0x80)])
def test_damaged_frame_is_told_up_to_the_next_record(case, at, mask):
    only(case.bare().flip("rec", at, mask).said()[:1], "rec", "frame", 20, 44, SIZE)


def test_line_of_a_damaged_record_is_told_as_well(case):
    found = case.bare().flip("rec", 44).said()
    assert found[1] == ("idx", "index", 20, 5, 6, "line 2: no whole record starts at offset 44 of the .rec")


def test_damage_at_the_end_reaches_to_the_end(case):
    case.bare().idx.unlink()
    reason = only(case.cut("rec", 100).said(), "rec", "frame", None, 88, 12)
    assert reason == "ends inside a record: 12 bytes left, expected 44"


def test_garbage_between_records_is_told_and_what_follows_is_read(case):
    data = case.bare().data("rec")
    case.idx.unlink()
    report = case.put("rec", data[:44] + b"garbage!" * 3 + data[44:]).report()
    assert [(i.offset, i.length) for i in report.issues] == [(44, 24)]
    assert report.offsets.tolist() == [0, 68, 112]


def test_part_that_has_swallowed_the_next_record_is_told(case):
    case.bare().idx.unlink()
    report = case.lrec(0, 0, 78).report()
    assert [(i.offset, i.length, i.reason) for i in report.issues] == [(0, 44, "a magic word stands inside a part, at offset 44")]
    assert report.offsets.tolist() == [44, 88]


def test_aligned_magic_word_inside_a_part_is_no_valid_file(case):
    whole = payload(20, image=b"abcdef" + b"gh" + M + b"ij")
    framed = M + struct.pack("<I", len(whole)) + whole + b"\0" * (-len(whole) % 4)
    case.bare(payload(10), keys=(10,))
    case.put("rec", case.data("rec") + framed).put("idx", b"10\t0\n20\t44\n")
    reason = case.said()[0]
    assert reason[:4] == ("rec", "frame", 20, 44)
    assert reason[5] == "a magic word stands inside a part, at offset 84"


def test_magic_word_off_the_grid_is_no_fault(case):
    assert case.bare(payload(10, image=b"abc" + M + b"d"), keys=(10,)).said() == []


@pytest.mark.parametrize("around", [BLOCK - 8, BLOCK - 4, BLOCK, BLOCK + 4, 2 * BLOCK, 3 * BLOCK + 8])
def test_records_may_lie_across_the_blocks_that_are_read(case, around):
    images = [b"x" * (around - 32), b"", M * 3 + b"y" * 1000, b"z" * 5]
    case.write(*[payload(key, image=image) for key, image in enumerate(images)], keys=(0, 1, 2, 3))
    assert case.said() == []
    vouched = case.report()
    case.sum.unlink()
    report = case.report()
    assert (report.issues, report.offsets, report.ends, report.crcs) == ([], vouched.offsets, vouched.ends, vouched.crcs)


@pytest.mark.parametrize("shift", [0, 4, 8, 20])
def test_damage_may_lie_across_the_blocks_that_are_read(case, shift):
    size = BLOCK - 100 + shift
    case.bare(payload(0, image=b"x" * (size - 32)), payload(1), payload(2, image=b"w" * 100), payload(3), keys=(0, 1, 2, 3))
    case.idx.unlink()
    report = case.flip("rec", size + 44).report()
    assert [(i.offset, i.length) for i in report.issues] == [(size + 44, 132)]
    assert report.offsets.tolist() == [0, size, size + 176]


def test_file_that_becomes_shorter_meanwhile_is_an_error(case):
    case.bare(payload(1, image=b"x" * BLOCK), payload(2, image=b"x" * BLOCK), payload(3), keys=(1, 2, 3))
    with pytest.raises(FileError, match="the file ends at 10 now"):
        case.report(advance=lambda _: case.cut("rec", 10))


# Headers and labels


def test_payload_too_short_for_its_header_is_told(case):
    reason = only(case.write(b"x" * 23, keys=(10,)).said(), "rec", "header", 10, 0, 32)
    assert reason == "a payload of 23 bytes, expected an image header of 24"


def test_flag_that_announces_more_labels_than_there_are_is_told(case):
    hurt = struct.pack("<IfQQ", 2**32 - 1, 0, 10, 0) + b"abcd"
    reason = only(case.write(hurt, keys=(10,)).said(), "rec", "header", 10, 0, 36)
    assert reason == "flag 4294967295 announces 17179869180 bytes of labels, 4 are left"


@pytest.mark.parametrize("label", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("vector", [False, True])
def test_label_that_is_no_finite_number_is_told(case, label, vector):
    case.write(payload(10, [1.0, label, 2.0] if vector else label), payload(20), keys=(10, 20))
    reason = only(case.said(), "rec", "label", 10, 0, 56 if vector else 44)
    assert reason == f"the label {label}, expected a finite number"


@pytest.mark.parametrize(("width", "said"), [(1, "3 labels, expected 1"), (2, "3 labels, expected 2"), (3, None), (None, None)])
def test_number_of_labels_is_compared_where_one_is_asked_for(case, width, said):
    found = case.write(payload(10, [1.0, 2.0, 3.0]), keys=(10,)).said(label_width=width)
    assert [issue[-1] for issue in found] == ([said] if said else [])


def test_one_label_is_one_too_few(case):
    assert only(case.write(keys=(10,)).said(label_width=2), "rec", "label", 10, 0, SIZE) == "1 label, expected 2"


def test_header_of_a_payload_in_parts_is_checked(case):
    parts = struct.pack("<If", 0, math.nan) + M + b"\0" * 12 + M + b"abc"
    case.write(parts, keys=(0,))
    assert only(case.said(), "rec", "label", 0, 0, len(frame.encode(parts))) == "the label nan, expected a finite number"


def test_watch_sees_each_header_once(case):
    seen = []
    case.write(payload(10, 2.0), payload(20, [1.0, 3.0]), payload(30)).report(watch=seen.extend)
    packed = [struct.pack("<If", 0, 2.0), struct.pack("<Ifff", 2, 0, 1.0, 3.0), struct.pack("<If", 0, 1.0)]
    assert seen == list(zip([0, 44, 96], [10, 20, 30], packed, strict=True))


# The .idx


def test_line_that_is_none_is_told(case):
    case.bare().put("idx", b"10\t0\n20 44\n30\t88x\n")
    assert only(case.said(), "idx", "index", 30, 11, 7) == "line 3: b'30\\t88x', expected a key, a tab and an offset"


def test_line_without_end_may_be_cut(case):
    reason = only(case.bare().cut("idx", 16).said(), "idx", "index", 30, 11, 5)
    assert reason == "the last line is not ended, so the file may be truncated"


def test_line_without_a_record_and_record_without_a_line_are_told(case):
    found = case.bare().replace("idx", b"\t44", b"\t48").said()
    assert found == [
        ("idx", "index", 20, 5, 6, "line 2: no whole record starts at offset 48 of the .rec"),
        ("rec", "index", None, 44, 44, "the .idx leaves this record out"),
    ]


def test_index_of_another_file_is_told_line_by_line(case):
    found = case.bare().put("idx", b"10\t4\n20\t1000\n30\t88\n").said()
    assert [(issue[0], issue[2], issue[3]) for issue in found] == [("idx", 10, 0), ("idx", 20, 5), ("rec", None, 0), ("rec", None, 44)]


def test_empty_index_leaves_all_out(case):
    assert [issue[:4] for issue in case.bare().put("idx", b"").said()] == [("rec", "index", None, at) for at in (0, 44, 88)]


def test_key_that_stands_twice_is_told_at_its_second_line(case):
    case.bare(payload(10), payload(20), payload(10), keys=(10, 20, 10))
    assert only(case.said(), "idx", "index", 10, 11, 6) == "line 3: the key 10 stands on line 1 already"


def test_offset_that_stands_twice_is_told(case):
    case.bare().put("idx", b"10\t0\n20\t44\n30\t88\n31\t44\n")
    assert ("idx", "index", 31, 17, 6, "line 4: the offset 44 stands on line 2 already") in case.said()


def test_key_that_is_not_the_id_of_its_record_is_told(case):
    found = case.bare(payload(10), payload(21), payload(30)).said()
    assert only(found, "idx", "index", 20, 5, 6) == "line 2: key 20, the header of its record has the id 21"


def test_keys_are_compared_with_ids_around_damage_too(case):
    case.bare(payload(10), payload(20), payload(31)).flip("rec", 0)
    assert case.said()[-1] == ("idx", "index", 30, 11, 6, "line 3: key 30, the header of its record has the id 31")


def test_lines_are_counted_with_the_empty_ones(case):
    case.bare().put("idx", b"\n10\t0\n \r\n20\t45\n\n30\t88\n")
    assert case.said()[0] == ("idx", "index", 20, 9, 6, "line 4: no whole record starts at offset 45 of the .rec")


# The .idx, by the .sum


def test_damaged_line_is_told_with_the_one_that_was_written(case):
    reason = only(case.write().replace("idx", b"20\t44", b"20\t45").said(), "idx", "checksum", 20, 5, 6)
    assert reason == "line 2: b'20\\t45\\n', expected b'20\\t44\\n'"


def test_damaged_key_is_told_under_the_right_one(case):
    reason = only(case.write().replace("idx", b"20\t44", b"60\t44").said(), "idx", "checksum", 20, 5, 6)
    assert reason == "line 2: b'60\\t44\\n', expected b'20\\t44\\n'"


def test_white_space_that_changes_no_number_is_told(case):
    reason = only(case.write().replace("idx", b"\t44\n", b"\t44 \n").said(), "idx", "checksum", 20, 5, 7)
    assert reason == "line 2: b'20\\t44 \\n', expected b'20\\t44\\n'"


def test_lines_that_are_missing_are_told(case):
    reason = only(case.write().put("idx", b"10\t0\n30\t88\n").said(), "idx", "checksum", 20, 5, 0)
    assert reason.endswith("; 1 line is missing, the first is b'20\\t44\\n'")


def test_line_too_many_is_told(case):
    found = case.write().put("idx", case.data("idx") + b"40\t99\n").said()
    assert found[0] == ("idx", "checksum", 40, 17, 6, "line 4: b'40\\t99\\n', which the .sum does not list")


def test_lines_that_changed_places_are_told(case):
    reason = only(case.write().put("idx", b"20\t44\n10\t0\n30\t88\n").said(), "idx", "checksum", None, 0, 11)
    assert reason.startswith("17 bytes with the XXH3-128 ")


def test_damaged_line_is_found_where_the_index_has_an_order_of_its_own(case):
    case.write().put("idx", b"30\t88\n20\t44\n10\t0\n").reseal()
    assert case.said() == []
    reason = only(case.replace("idx", b"20\t44", b"20\t4x").said(), "idx", "checksum", 20, 6, 6)
    assert reason == "line 2: b'20\\t4x\\n', expected b'20\\t44\\n'"


def test_missing_index_that_the_sum_lists_is_told(case):
    case.write().idx.unlink()
    assert only(case.said(), "idx", "index", None, None, 0) == "is missing, the .sum lists it with 17 bytes"


def test_index_that_leaves_records_out_is_right_when_the_sum_says_so(case):
    assert case.write().put("idx", b"10\t0\n30\t88\n").reseal().said() == []


def test_sum_with_other_keys_than_the_index_it_vouches_for_is_told(case):
    case.write().put("idx", b"10\t0\n21\t44\n30\t88\n").reseal()
    reasons = [issue[-1] for issue in case.said(headers=False)]
    assert reasons == ["line 2: key 21, the .sum has the key 20 at its offset"]


# The .sum


@pytest.mark.parametrize(
    ("line", "old", "new", "key"),
    [(3, b"20\t", b"21\t", 20), (3, b"\t44\t44", b"\t44\t45", 20), (4, b"30\t88", b"30\t78", 30), (1, b"-sum 1", b"-sun 1", None)],
)
def test_damaged_line_of_a_sum_is_found_by_the_files_as_they_are(case, line, old, new, key):
    lines = case.write().data("sum").splitlines(keepends=True)
    right, wrong = lines[line - 1], lines[line - 1].replace(old, new)
    case.put("sum", b"".join([*lines[: line - 1], wrong, *lines[line:]]))
    reason = only(case.said(), "sum", "sum", key, sum(map(len, lines[: line - 1])), len(wrong))
    assert reason.startswith("is damaged: its XXH3-128 is ")
    assert reason.endswith(f"; line {line}: {wrong!r}, the files as they are ask for {right!r}")


@pytest.mark.parametrize("name", ["records", "rec", "idx"])
def test_damaged_line_about_the_files_is_found(case, name):
    data = case.write().data("sum")
    start = data.index(b"\n%s\t" % name.encode()) + 1
    only(case.flip("sum", start + len(name) + 1).said(), "sum", "sum", None, start, data.index(b"\n", start) + 1 - start)


def test_damage_behind_all_that_is_known_reaches_to_the_end(case):
    start = case.write().data("sum").index(b"tool\t")
    reason = only(case.flip("sum", start + 7).said(), "sum", "sum", None, start, case.sum.stat().st_size - start)
    assert reason.endswith("; the damage is behind the lines of the records and files, from line 8 on")


def test_set_with_a_damaged_sum_is_not_vouched_for_but_checked_as_far_as_can_be(case):
    report = case.write().cut("sum", 40).flip("rec", 44).report()
    assert not report.vouched
    assert [Path(issue.file).suffix for issue in report.issues] == [".rec", ".idx", ".sum"]


def test_sum_that_was_emptied_is_told(case):
    only(case.write().put("sum", b"").said(), "sum", "sum", None, 0, 0)


def test_sum_of_another_set_is_told_record_by_record(case):
    case.write(payload(1), payload(2), keys=(1, 2))
    other = case.data("sum")
    found = case.write().put("sum", other).said()
    assert [issue[:4] for issue in found][:3] == [("rec", "checksum", 1, 0), ("rec", "checksum", 2, 44), ("rec", "frame", None, 88)]
    assert found[-1][:2] == ("idx", "checksum")


# Files that are named or missing


def test_files_may_have_other_names(case, tmp_path):
    case.write()
    case.idx.rename(tmp_path / "other.tsv")
    case.sum.rename(tmp_path / "sums.txt")
    report = verify(case.rec, tmp_path / "other.tsv", tmp_path / "sums.txt")
    assert (report.count, report.indexed, report.vouched) == (0, True, True)


def test_missing_record_file_is_an_error(case):
    with pytest.raises(FileError, match="cannot open"):
        case.report()


@pytest.mark.parametrize("name", ["idx", "sum"])
def test_named_file_that_is_missing_is_an_error(case, tmp_path, name):
    case.write()
    with pytest.raises(FileError):
        verify(case.rec, **{name: tmp_path / "no"})


def test_issue_says_file_key_and_bytes():
    issue = Issue("x.rec", "frame", "bad magic", 7, 44, 12)
    assert str(issue) == "x.rec: key 7: bytes 44 to 55: bad magic"
    assert str(Issue("x.idx", "index", "is missing")) == "x.idx: is missing"
    assert issue.as_json() == {"file": "x.rec", "kind": "frame", "key": 7, "offset": 44, "length": 12, "reason": "bad magic"}


def test_advance_counts_each_byte_once(case):
    counts = []
    case.write(payload(1, image=b"x" * BLOCK), payload(2), keys=(1, 2)).report(advance=counts.append)
    assert sum(counts) == case.rec.stat().st_size
    case.sum.unlink()
    counts.clear()
    case.flip("rec", 0).report(advance=counts.append)
    assert sum(counts) == case.rec.stat().st_size


# What it costs


def test_ten_thousand_issues_are_kept_and_all_are_counted(case):
    keys = tuple(range(25_000))
    case.bare(*[b""] * len(keys), keys=keys)
    report = case.report()
    assert (len(report.issues), report.count, report.records) == (10_000, 25_000, 25_000)
    report = case.put("idx", b"").report(headers=False)
    assert (len(report.issues), report.count) == (10_000, 25_000)
    report = case.put("idx", b"7\t0\n" * 25_000).report(headers=False)
    assert (len(report.issues), report.count) == (10_000, 24_999 * 3)


HOSTILE = {
    "magic words": M,
    "zero bytes": b"\0" * 4,
    "heads that reach to the end of the format": M + struct.pack("<I", frame.MAX_LENGTH),
    "heads that reach a megabyte": M + struct.pack("<I", 1 << 20),
    "first parts": M + struct.pack("<I", 1 << 29),
    "middle parts": M + struct.pack("<I", 2 << 29),
    "records of no bytes": M + struct.pack("<I", 0),
    "records with wrong padding": M + struct.pack("<I", 1) + b"abcd",
    "a far head in every page": M + struct.pack("<I", 1 << 24) + b"\0" * 4088,
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_hostile_file_is_read_about_once_whatever_it_claims(tmp_path, monkeypatch, reads, kind):
    monkeypatch.setattr("recordio.verify.BLOCK", 1 << 18)
    word, size = HOSTILE[kind], 5 << 18
    (tmp_path / "x.rec").write_bytes(word * (size // len(word)))
    report = verify(tmp_path / "x.rec", headers=False)
    assert report.records + report.count > 0
    assert sum(length for _, length in reads) < 4 * size  # a search that starts anew at each word would take for ever


@pytest.mark.parametrize("kind", HOSTILE)
def test_hostile_file_costs_bounded_memory(tmp_path, kind):
    word, size = HOSTILE[kind], 1 << 19
    (tmp_path / "x.rec").write_bytes(word * (size // len(word)))
    verify(tmp_path / "x.rec", headers=False)  # what is loaded for the first time does not count
    tracemalloc.start()
    verify(tmp_path / "x.rec", headers=False)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1 << 24
