"""``im2rec verify``."""

from __future__ import annotations

import json
import os
import shutil

import pytest

import recordio


@pytest.fixture
def packed(im2rec, photos, work):
    """A set of 24 images made by pack, with list, .sum and all, named x."""
    assert im2rec("pack", photos, "-o", "x").code == 0
    return work / "x.rec"


def hurt(path, at: int, mask: int = 1) -> None:
    data = bytearray(path.read_bytes())
    data[at] ^= mask
    path.write_bytes(data)


def lines(ran) -> list[dict]:
    return [json.loads(line) for line in ran.out.splitlines()]


# Nothing is wrong


@pytest.mark.parametrize("name", ["x", "x.rec"])
def test_what_pack_wrote_has_no_issue(im2rec, packed, name):
    ran = im2rec("verify", name)
    assert (ran.code, ran.out, ran.err) == (0, "", "x.rec: 24 records, payload verified, no issue\n")


def test_without_a_sum_the_payload_is_unverified_and_that_is_said(im2rec, packed):
    packed.with_suffix(".sum").unlink()
    packed.with_suffix(".idx").unlink()
    ran = im2rec("verify", "x")
    assert (ran.code, ran.err) == (0, "x.rec: 24 records, payload unverified: no .sum vouches for it, no .idx, no issue\n")


@pytest.mark.parametrize("case", ["pass_through", "multilabel_packed", "gray", "crop_only"])
def test_what_mxnet_wrote_has_no_issue(im2rec, golden, work, case):
    for suffix in (".rec", ".idx"):
        shutil.copy(golden / "packs" / f"{case}{suffix}", work)
    assert im2rec("verify", case, "--decode", "--workers", 0).code == 0


@pytest.mark.parametrize("workers", [0, 2])
def test_decoding_all_finds_nothing_in_whole_images(im2rec, packed, workers):
    ran = im2rec("verify", "x", "--decode", "--workers", workers, "--verbose")
    assert (ran.code, ran.out) == (0, "")
    assert f"im2rec: {workers} workers decoded" in ran.err


def test_shards_are_verified_together(im2rec, photos, work):
    im2rec("pack", photos, "-o", "x", "--shards", 3)
    ran = im2rec("verify", "x")
    assert (ran.code, ran.err.count("8 records, payload verified, no issue")) == (0, 3)


def test_several_sets_are_verified_in_one_run(im2rec, packed, work):
    for suffix in (".rec", ".idx", ".sum"):
        shutil.copy(packed.with_suffix(suffix), work / f"y{suffix}")
    hurt(work / "y.rec", 50)
    ran = im2rec("verify", "x", "y")
    assert ran.code == 1
    assert "x.rec: 24 records, payload verified, no issue\n" in ran.err
    assert "y.rec: 23 records, payload verified, 1 issue\n" in ran.err


def test_quiet_says_only_what_is_wrong(im2rec, packed):
    assert im2rec("verify", "x", "--quiet")[1:] == ("", "")
    hurt(packed, 50)
    ran = im2rec("verify", "x", "--quiet")
    assert (ran.code, ran.out.count("\n"), ran.err) == (1, 1, "")


# Something is


def test_damage_is_a_line_with_file_key_and_bytes(im2rec, packed):
    index = recordio.IndexedReader(packed).index
    at = int(index.offsets[5])
    hurt(packed, at + 100)
    ran = im2rec("verify", "x")
    assert ran.code == 1
    assert ran.out.startswith(f"x.rec: key {index.keys[5]}: bytes {at} to {int(index.offsets[6]) - 1}: CRC-32 ")
    assert ran.out.count("\n") == 1
    assert ran.err.endswith("23 records, payload verified, 1 issue\n")


def test_json_is_an_object_a_line_with_the_summary_last(im2rec, packed):
    hurt(packed, 100)
    hurt(packed.with_suffix(".idx"), 1, 2)
    ran = im2rec("verify", "x", "--json")
    *issues, summary = lines(ran)
    assert (ran.code, ran.err) == (1, "")
    assert [(issue["issue"]["file"], issue["issue"]["kind"]) for issue in issues] == [("x.rec", "checksum"), ("x.idx", "checksum")]
    assert set(issues[0]["issue"]) == {"file", "kind", "key", "offset", "length", "reason"}
    of_rec = {"rec": "x.rec", "records": 23, "bytes": packed.stat().st_size, "payload": "verified", "indexed": True, "issues": 2}
    assert summary == {"command": "verify", "sets": [of_rec], "records": 23, "issues": 2, "outputs": []}


def test_json_of_a_whole_set_is_the_summary_alone(im2rec, packed):
    (summary,) = lines(im2rec("verify", "x", "--json"))
    assert (summary["issues"], summary["records"], summary["sets"][0]["payload"]) == (0, 24, "verified")


@pytest.mark.parametrize("workers", [0, 2])
def test_damaged_image_is_named_by_its_key(im2rec, work, picture, workers):
    whole = picture()
    with recordio.IndexedWriter(work / "x.rec") as writer:
        for key, image in ((3, whole), (8, whole[:-100]), (9, whole)):
            writer.write(key, recordio.pack(recordio.Header(0, 0.0, key), image))
    assert im2rec("verify", "x").code == 0
    ran = im2rec("verify", "x", "--decode", "--workers", workers)
    assert (ran.code, ran.out.count("\n")) == (1, 1)
    assert ran.out.startswith("x.rec: key 8: bytes ")
    assert "the image is truncated" in ran.out


def test_image_that_was_rejected_is_accounted_for_and_a_lost_one_is_not(im2rec, photos, work, golden):
    (photos / "a" / "bad.jpg").write_bytes((golden / "images/bad/truncated.jpg").read_bytes())
    assert im2rec("pack", photos, "-o", "x").code == 1
    assert im2rec("verify", "x").code == 0
    (work / "x.rejects.tsv").unlink()
    ran = im2rec("verify", "x")
    assert ran.code == 1
    assert ran.out.endswith(": a/bad.jpg has neither a record nor a line in x.rejects.tsv\n")
    assert im2rec("verify", "x", "--no-list").code == 0


def test_missing_shard_is_told(im2rec, photos, work):
    im2rec("pack", photos, "-o", "x", "--shards", 3)
    for suffix in (".rec", ".idx", ".sum"):
        (work / f"x-00001-of-00003{suffix}").unlink()
    ran = im2rec("verify", "x")
    assert ran.code == 1
    assert ran.out.splitlines()[0] == "x-00001-of-00003.rec: this shard of the set is missing"
    assert len(ran.out.splitlines()) == 9


def test_labels_are_counted_where_a_number_is_demanded(im2rec, packed):
    assert im2rec("verify", "x", "--label-width", 1).code == 0
    ran = im2rec("verify", "x", "--label-width", 3)
    assert (ran.code, ran.out.count("1 label, expected 3\n")) == (1, 24)


def test_payloads_without_headers_need_a_flag(im2rec, work, golden):
    for suffix in (".rec", ".idx"):
        shutil.copy(golden / "recordio" / f"frames{suffix}", work)
    assert im2rec("verify", "frames").code == 1
    assert im2rec("verify", "frames", "--no-headers").code == 0


def test_a_thousand_issues_are_shown_and_the_rest_is_counted(im2rec, work):
    with recordio.IndexedWriter(work / "x.rec") as writer:
        for key in range(1500):
            writer.write(key, b"")
    ran = im2rec("verify", "x")
    assert len(ran.out.splitlines()) == 1001
    assert ran.out.endswith("\nx.rec: 500 more issues\n")
    assert len(lines(im2rec("verify", "x", "--json"))) == 1501


def test_text_of_a_stranger_reaches_the_terminal_without_its_controls(im2rec, work):
    (work / "x.rec").write_bytes(b"")
    (work / "x.idx").write_bytes(b"\x1b]0;title\x07\x1b[2J\n")
    ran = im2rec("verify", "x")
    assert ran.code == 1
    assert not {"\x1b", "\x07"} & set(ran.out)


# Writing a .sum


def test_sum_is_written_when_nothing_is_wrong_and_then_vouches(im2rec, packed):
    written = packed.with_suffix(".sum").read_text()
    packed.with_suffix(".sum").unlink()
    ran = im2rec("verify", "x", "--write-sum")
    assert (ran.code, ran.err) == (0, "x.rec: 24 records, payload unverified: no .sum vouches for it, no issue\nwrote x.sum\n")
    made = packed.with_suffix(".sum").read_text()
    assert made.split("tool\t")[0] == written.split("tool\t")[0]
    assert im2rec("verify", "x").err == "x.rec: 24 records, payload verified, no issue\n"


def test_json_names_the_sums_that_were_written(im2rec, photos, work):
    im2rec("pack", photos, "-o", "x", "--shards", 2, "--no-sum")
    assert lines(im2rec("verify", "x", "--write-sum", "--json"))[-1]["outputs"] == [f"x-0000{n}-of-00002.sum" for n in range(2)]


def test_no_sum_is_written_for_a_set_with_issues(im2rec, packed):
    packed.with_suffix(".sum").unlink()
    hurt(packed, 0)
    assert im2rec("verify", "x", "--write-sum").code == 1
    assert not packed.with_suffix(".sum").exists()


def test_no_sum_is_written_for_any_set_when_one_has_issues(im2rec, photos, work):
    im2rec("pack", photos, "-o", "x", "--shards", 2, "--no-sum")
    hurt(work / "x-00001-of-00002.rec", 0)
    assert im2rec("verify", "x", "--write-sum").code == 1
    assert not list(work.glob("*.sum"))


def test_existing_sum_is_replaced_only_by_force(im2rec, packed):
    ran = im2rec("verify", "x", "--write-sum")
    assert (ran.code, "x.sum: cannot write: it exists already" in ran.err) == (3, True)
    assert im2rec("verify", "x", "--write-sum", "--force").code == 0
    assert im2rec("verify", "x").code == 0


def test_sum_needs_an_index(im2rec, packed):
    packed.with_suffix(".sum").unlink()
    packed.with_suffix(".idx").unlink()
    ran = im2rec("verify", "x", "--write-sum")
    assert ran.code == 3
    assert ran.err.endswith("im2rec: x.idx: no such file; 'im2rec index' writes it, a .sum vouches for both\n")


# Bad input


@pytest.mark.parametrize("name", ["no", "no.rec", "folder", "folder/no"])
def test_missing_set_stops_with_3(im2rec, work, name):
    (work / "folder").mkdir()
    ran = im2rec("verify", name)
    assert (ran.code, ran.out, ran.err.count("\n")) == (3, "", 1)
    assert ran.err.startswith(f"im2rec: {name}")


@pytest.mark.parametrize("arguments", [[], ["x", "--label-width", "0"], ["x", "--workers", "-1"], ["x", "--no-such"]])
def test_command_line_that_makes_no_sense_stops_with_2(im2rec, packed, arguments):
    assert im2rec("verify", *arguments).code == 2


def test_file_that_cannot_be_read_stops_with_3(im2rec, packed, as_user):
    os.chmod(packed, 0)
    assert im2rec("verify", "x").code == 3


def test_folder_in_the_place_of_a_sum_stops_with_3(im2rec, packed):
    packed.with_suffix(".sum").unlink()
    packed.with_suffix(".sum").mkdir()
    ran = im2rec("verify", "x")
    assert (ran.code, ran.err) == (3, "im2rec: x.sum: cannot read at offset 0: Is a directory\n")


def test_bytes_of_any_kind_are_issues_not_a_crash(im2rec, work):
    for suffix in (".rec", ".idx", ".sum", ".lst"):
        (work / f"x{suffix}").write_bytes(bytes(range(256)) * 8)
    ran = im2rec("verify", "x", "--decode", "--workers", 0)
    assert ran.code == 1
    for suffix in (".rec", ".idx", ".sum", ".lst"):
        assert f"x{suffix}: " in ran.out
