"""The .sum file: its bytes, every wrong one of them, and what it costs."""

from __future__ import annotations

import re
import tracemalloc
import zlib

import numpy as np
import pytest

import recordio
from recordio import checksum, frame
from recordio.checksum import FileDigest
from recordio.errors import FileError, SumFormatError

M = frame.MAGIC_BYTES
# Records of 5, 0 and 10 bytes: 16, 8 and 24 in the file, the last one cut at its magic word.
GOLDEN = b"""recordio-sum 1
7\t0\t16\td1e5b29c
18446744073709551615\t16\t8\t53a99a8d
30\t24\t24\t00fa63ec
records\t3
rec\t48\t5725413f1bc0380a35388b45a647beb6
idx\t34\t1f36995c3b7a15939f1403fecd457049
tool\tim2rec 0.2.0
option\t--resize\t256
sum\t5ac608790f1f7b0b569fcfe07366efb3
"""
RECORD_LINES = GOLDEN.splitlines(keepends=True)[1:4]


def digest(data: bytes) -> str:
    xxh3 = checksum.new_digest()
    xxh3.update(data)
    return xxh3.hexdigest()


def sealed(body: bytes) -> bytes:
    """Put the last line under a body, as if it had been written so."""
    return body + f"sum\t{digest(body)}\n".encode()


def replaced(old: bytes, new: bytes) -> bytes:
    """The golden file with other content, sealed anew."""
    body = GOLDEN[: GOLDEN.rindex(b"sum\t")]
    assert body.count(old) == 1
    return sealed(body.replace(old, new))


def fault(data: bytes) -> tuple[int, str]:
    with pytest.raises(SumFormatError) as caught:
        checksum.parse(data, "a.sum")
    assert caught.value.source == "a.sum"
    return caught.value.line, caught.value.reason


@pytest.fixture
def written(tmp_path):
    with recordio.IndexedWriter(tmp_path / "x.rec", tool="im2rec 0.2.0", options={"--resize": "256"}) as writer:
        for key, payload in ((7, b"abcde"), (2**64 - 1, b""), (30, b"abcd" + M + b"ef")):
            writer.write(key, payload)
    return tmp_path / "x.rec"


# What it says


@pytest.mark.parametrize(
    ("data", "value"),
    [(b"", 0), (b"123456789", 0xCBF43926), (b"The quick brown fox jumps over the lazy dog", 0x414FA339), (b"\0" * 32, 0x190A55AD)],
)
def test_crc_is_the_one_of_zlib_and_gzip(data, value):
    assert checksum.crc_function()(data) == zlib.crc32(data) == value


@pytest.mark.parametrize(
    ("data", "value"),
    [
        (b"", "99aa06d3014798d86001c324468d497f"),
        (b"a", "a96faf705af16834e6c632b61e964e1f"),
        (b"abc", "06b05ab6733a618578af5f94892f3950"),
    ],
)
def test_digest_is_xxh3_128_as_xxhsum_prints_it(data, value):
    assert digest(data) == checksum.digest_bytes(data).digest == value


def test_golden_bytes_are_written(written):
    assert written.with_suffix(".sum").read_bytes() == GOLDEN


def test_golden_bytes_vouch_for_what_stands_beside_them(written):
    rec, idx = written.read_bytes(), written.with_suffix(".idx").read_bytes()
    pieces = [rec[:16], rec[16:24], rec[24:]]
    lines = zip([7, 2**64 - 1, 30], [0, 16, 24], [16, 8, 24], map(zlib.crc32, pieces), strict=True)
    assert [f"{key}\t{offset}\t{length}\t{crc:08x}\n".encode() for key, offset, length, crc in lines] == RECORD_LINES
    assert GOLDEN.splitlines()[5:7] == [f"rec\t48\t{digest(rec)}".encode(), f"idx\t34\t{digest(idx)}".encode()]
    assert sealed(GOLDEN[: GOLDEN.rindex(b"sum\t")]) == GOLDEN


def test_golden_bytes_are_parsed():
    found = checksum.parse(GOLDEN, "a.sum")
    assert (found.keys.tolist(), found.keys.dtype) == ([7, 2**64 - 1, 30], np.uint64)
    assert (found.offsets.tolist(), found.offsets.dtype) == ([0, 16, 24], np.int64)
    assert (found.lengths.tolist(), found.lengths.dtype) == ([16, 8, 24], np.int64)
    assert (found.crcs.tolist(), found.crcs.dtype) == ([0xD1E5B29C, 0x53A99A8D, 0x00FA63EC], np.uint32)
    assert found.rec == FileDigest(48, "5725413f1bc0380a35388b45a647beb6")
    assert found.idx == FileDigest(34, "1f36995c3b7a15939f1403fecd457049")
    assert (found.tool, found.options, found.source, len(found)) == ("im2rec 0.2.0", {"--resize": "256"}, "a.sum", 3)


def test_set_without_records_has_a_sum(tmp_path):
    with recordio.IndexedWriter(tmp_path / "x.rec"):
        pass
    found = checksum.load(tmp_path / "x.sum")
    assert (len(found), found.rec, found.idx) == (0, checksum.digest_bytes(b""), checksum.digest_bytes(b""))


def test_tabs_line_breaks_and_odd_text_in_options_keep_the_lines_whole(tmp_path):
    options = {"--a\tb": "c\td\ne\r", "ü": "\udcff", "": ""}
    with recordio.IndexedWriter(tmp_path / "x.rec", tool="a\ttool\n", options=options):
        pass
    found = checksum.load(tmp_path / "x.sum")
    assert found.tool == "a tool "
    assert found.options == {"--a b": "c d e ", "ü": "\\udcff", "": ""}


def test_option_named_as_a_line_of_its_own_stays_an_option(tmp_path):
    with recordio.IndexedWriter(tmp_path / "x.rec", options={"records": "7", "sum": "0" * 32}):
        pass
    assert checksum.load(tmp_path / "x.sum").options == {"records": "7", "sum": "0" * 32}


def test_line_of_a_usual_set_takes_at_most_40_bytes():
    line = checksum.format_records([999_999_999], [10**12 - 4], [9_999_996], [0xFFFFFFFF])
    assert len(line) == 40


# What is refused


@pytest.mark.parametrize("size", range(len(GOLDEN)))
def test_every_truncation_is_refused(size):
    assert fault(GOLDEN[:size])[1] == "its last line is no 'sum', so it is truncated or damaged"


@pytest.mark.parametrize("bit", range(8))
def test_every_flipped_bit_is_refused(bit):
    for at in range(len(GOLDEN)):
        data = bytearray(GOLDEN)
        data[at] ^= 1 << bit
        fault(bytes(data))


def test_damage_is_told_by_both_digests():
    found = digest(GOLDEN[: GOLDEN.rindex(b"sum\t")].replace(b"16\td", b"17\td"))
    reason = f"is damaged: its XXH3-128 is {found}, its last line says 5ac608790f1f7b0b569fcfe07366efb3"
    assert fault(GOLDEN.replace(b"16\td", b"17\td")) == (0, reason)


@pytest.mark.parametrize("extra", [b"\n", b"x", b"sum\t", GOLDEN])
def test_bytes_behind_the_last_line_are_refused(extra):
    fault(GOLDEN + extra)


RECORD = "expected key, offset, length and CRC-32, separated by tabs"
TRAILER = "expected one line each of records, rec, idx and tool, then options"


@pytest.mark.parametrize(
    ("old", "new", "line", "reason"),
    [
        (b"recordio-sum 1\n", b"recordio-sum 2\n", 1, r"b'recordio-sum 2.*, expected b'recordio-sum 1\\n'"),
        (b"recordio-sum 1\n", b"", 1, r"b'7\\t0.*expected b'recordio-sum 1\\n'"),
        (b"7\t0\t16", b"7\t0\t 16", 2, RECORD),
        (b"7\t0\t16", b"-7\t0\t16", 2, RECORD),
        (b"7\t0\t16", b"\t0\t16", 2, RECORD),
        (b"7\t0\t16", b"\xd9\xa1\t0\t16", 2, RECORD),
        (b"7\t0\t16", b"7\t0\t16\t16", 2, RECORD),
        (b"d1e5b29c", b"d1e5b29", 2, RECORD),
        (b"d1e5b29c", b"D1E5B29C", 2, RECORD),
        (b"d1e5b29c", b"0d1e5b29c", 2, RECORD),
        (b"d1e5b29c\n", b"d1e5b29c\r\n", 2, RECORD),
        (b"d1e5b29c\n", b"d1e5b29c\n\n", 3, RECORD),
        (b"18446744073709551615", b"18446744073709551616", 3, RECORD),
        (b"18446744073709551615", b"9" * 5000, 3, RECORD),
        (b"\t16\t8", b"\t9223372036854775808\t8", 3, RECORD),
        (b"\t16\t8", b"\t16\t9999999999", 3, "a record of 9999999999 bytes, expected at most 1073741828"),
        (b"\t16\t8", b"\t16\t1073741829", 3, "a record of 1073741829 bytes, expected at most 1073741828"),
        (b"\t16\t8", b"\t16\t18446744073709551608", 3, RECORD),
        (b"\t16\t8", b"\t17\t8", 10, "the records do not follow each other from 0 to 48, the size of the .rec"),
        (b"\t16\t8", b"\t16\t12", 10, "the records do not follow each other"),
        (b"rec\t48", b"rec\t49", 10, "the records do not follow each other from 0 to 49"),
        (b"rec\t48", b"rec\t9999999999999999999", 10, "expected a size below 2\\*\\*63"),
        (b"rec\t48", b"rec\t-48", 10, "expected a size below"),
        (b"rec\t48", "rec\t٤٨".encode(), 10, "expected a size below"),
        (b"5725413f", b"5725413F", 10, "and an XXH3-128 of 32 digits"),
        (b"records\t3", b"records\t4", 10, "3 records are listed, expected 4"),
        (b"records\t3", b"records\t03", 10, "3 records are listed, expected 03"),
        (b"records\t3\n", b"", 5, RECORD),
        (b"records\t3\n", b"records\t3\nrecords\t3\n", 6, TRAILER),
        (b"records\t3\n", b"records\t3\n7\t0\t16\td1e5b29c\n", 6, TRAILER),
        (b"idx\t34\t1f36995c3b7a15939f1403fecd457049\n", b"", 9, "the file ends, expected a line 'idx'"),
        (b"tool\tim2rec 0.2.0\n", b"", 9, "the file ends, expected a line 'tool'"),
        (b"im2rec", b"\xff\xfe", 8, "is not UTF-8"),
        (b"option\t--resize\t256", b"option\t--resize", 9, TRAILER),
        (b"option\t--resize", b"optionen\t--resize", 9, TRAILER),
        (b"option\t--resize", b"sum\t--resize", 9, TRAILER),
    ],
)
def test_wrong_line_is_named_by_its_number_even_under_a_right_seal(old, new, line, reason):
    found, said = fault(replaced(old, new))
    assert found == line
    assert re.search(reason, said), said
    assert len(said) < 250


@pytest.mark.parametrize("data", [b"", b"\n", b"\0" * 100, b"sum\t" + b"0" * 32 + b"\n", GOLDEN * 2])
def test_what_is_no_sum_is_refused(data):
    fault(data)


def test_seal_over_nothing_is_refused():
    assert fault(sealed(b""))[1].startswith("the file ends, expected a line")


def test_file_that_is_missing_is_told(tmp_path):
    with pytest.raises(FileError, match="cannot open: No such file"):
        checksum.load(tmp_path / "x.sum")


# Large ones


def large(records: int, key: int = 1, options: dict[str, str] | None = None) -> bytes:
    keys = range(key, key + records)
    lines = checksum.format_records(keys, range(0, 24 * records, 24), [24] * records, [0xABCDEF01] * records)
    rec, idx = FileDigest(24 * records, "0" * 32), FileDigest(0, "0" * 32)
    return b"".join(checksum.format_sum([lines], records, rec, idx, "t", options))


@pytest.mark.parametrize("block", [1, 7, 64, 1000])
def test_lines_may_lie_across_the_blocks_that_are_read(monkeypatch, tmp_path, block):
    monkeypatch.setattr(checksum, "_BLOCK", block)
    monkeypatch.setattr(checksum, "_LONGEST", 60)
    (tmp_path / "x.sum").write_bytes(GOLDEN)
    assert checksum.load(tmp_path / "x.sum").keys.tolist() == [7, 2**64 - 1, 30]


@pytest.mark.parametrize("longest", range(40, 240, 7))
def test_trailer_may_start_wherever_a_block_does(monkeypatch, tmp_path, longest):
    monkeypatch.setattr(checksum, "_BLOCK", 16)
    monkeypatch.setattr(checksum, "_LONGEST", longest)
    (tmp_path / "x.sum").write_bytes(GOLDEN)
    assert checksum.load(tmp_path / "x.sum").options == {"--resize": "256"}


def test_file_of_many_blocks_is_parsed_as_a_whole_one(tmp_path):
    data = large(300_000, 10**9)
    assert len(data) > 2 * checksum._BLOCK
    (tmp_path / "x.sum").write_bytes(data)
    found, whole = checksum.load(tmp_path / "x.sum"), checksum.parse(data)
    for name in ("keys", "offsets", "lengths", "crcs"):
        assert np.array_equal(getattr(found, name), getattr(whole, name))
    assert (len(found), int(found.keys[-1]), int(found.offsets[-1])) == (300_000, 10**9 + 299_999, 24 * 299_999)


def test_wrong_line_of_a_later_block_has_its_own_number(tmp_path):
    data = large(200_000)
    body = data[: data.rindex(b"sum\t")]
    start = body.index(b"\n150000\t") + 1
    (tmp_path / "x.sum").write_bytes(sealed(body[:start] + b"x" + body[start:]))
    with pytest.raises(SumFormatError) as caught:
        checksum.load(tmp_path / "x.sum")
    assert caught.value.line == 150_001  # behind the title


def test_keys_of_twenty_digits_are_read_in_any_block():
    found = checksum.parse(large(1000, 2**64 - 1000))
    assert (int(found.keys[0]), int(found.keys[-1])) == (2**64 - 1000, 2**64 - 1)


def test_many_options_are_read(tmp_path):
    options = {f"--option-{number}": "x" * 100 for number in range(2000)}
    (tmp_path / "x.sum").write_bytes(large(5, options=options))
    assert checksum.load(tmp_path / "x.sum").options == options


def test_line_without_end_is_refused_before_it_fills_the_memory(tmp_path):
    with open(tmp_path / "x.sum", "wb") as file:
        file.write(checksum.TITLE)
        file.truncate(1 << 26)
    tracemalloc.start()
    with pytest.raises(SumFormatError, match="a line of over 4194304 bytes, expected at most 65536"):
        checksum.load(tmp_path / "x.sum")
    assert tracemalloc.get_traced_memory()[1] < 1 << 25
    tracemalloc.stop()


def test_memory_stays_with_the_arrays_and_a_few_blocks(tmp_path):
    (tmp_path / "x.sum").write_bytes(large(300_000))
    tracemalloc.start()
    found = checksum.load(tmp_path / "x.sum")
    kept, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert kept < 30 * len(found) + (1 << 20)
    assert peak < 2 * 30 * len(found) + (1 << 26)
