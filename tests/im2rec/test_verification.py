"""Verifying sets with their pixels and their lists: what is found, and what becomes of it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

import recordio
from im2rec.errors import InputError
from im2rec.sets import record_files
from im2rec.verification import VerifyOptions, verify_set, write_sum
from im2rec.work import PoolOptions
from recordio import checksum
from recordio.errors import FileError
from recordio.issues import Issue, VerifyReport
from recordio.verify import verify


@pytest.fixture
def write(tmp_path, picture):
    """Write a set: images by key, with headers; and a list of all of them."""

    def build(name: str = "x", keys=(1, 2, 3), images: dict[int, bytes] | None = None, *, checksums: bool = True, label=2.0) -> Path:
        images = {key: picture(seed=key) for key in keys} | (images or {})
        with recordio.IndexedWriter(tmp_path / f"{name}.rec", checksums=checksums, force=True) as writer:
            for key, image in images.items():
                writer.write(key, recordio.pack(recordio.Header(0, label, key), image))
        return tmp_path / name

    return build


def found(prefix: Path, *, workers: int = 0, **options) -> list[tuple]:
    """All issues as (name of the file, kind, key, reason)."""
    reports = verify_set(prefix, VerifyOptions(pool=PoolOptions(workers), **options))
    return [(Path(i.file).name, i.kind, i.key, i.reason) for report in reports for i in report.issues]


def put_list(prefix: Path, text: str) -> Path:
    prefix.with_name(f"{prefix.name}.lst").write_text(text)
    return prefix


LIST = "1\t2.0\ta.jpg\n2\t2.0\tb.jpg\n3\t2.0\tc.jpg\n"


# Which files


def test_set_is_named_by_its_prefix_or_its_file(write, tmp_path):
    write()
    assert record_files(tmp_path / "x") == record_files(tmp_path / "x.rec") == [tmp_path / "x.rec"]


def test_shards_come_in_order_and_nothing_else(write, tmp_path):
    for name in ("x-00001-of-00002", "x-00000-of-00002", "xy-00000-of-00001", "x-0-of-2", "x-00000-of-00002.old"):
        write(name)
    assert record_files(tmp_path / "x") == [tmp_path / "x-00000-of-00002.rec", tmp_path / "x-00001-of-00002.rec"]


@pytest.mark.parametrize("name", ["no", "no.rec", "folder/no", "folder.rec"])
def test_set_that_is_not_there_is_an_error(tmp_path, name):
    (tmp_path / "folder.rec").mkdir()
    with pytest.raises(InputError):
        record_files(tmp_path / name)


# Pixels


@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.parametrize("checksums", [False, True])
def test_image_that_cannot_be_decoded_is_named_by_its_key(write, picture, workers, checksums):
    whole = picture(seed=2)
    prefix = write(images={2: whole[: len(whole) // 2], 4: b"no image", 5: b""}, checksums=checksums)
    assert found(prefix) == []
    issues = found(prefix, decode=True, workers=workers)
    assert [issue[:3] for issue in issues] == [("x.rec", "image", key) for key in (2, 4, 5)]
    assert all(issue[3].startswith("the image ") for issue in issues)


def test_image_is_named_by_the_key_of_the_index_not_by_its_id(write):
    prefix = write(images={2: b"no image"})
    lines = prefix.with_suffix(".idx").read_text().splitlines()
    prefix.with_suffix(".sum").unlink()
    prefix.with_suffix(".idx").write_text("".join(f"{number}\t{line.split()[1]}\n" for number, line in enumerate(lines)))
    assert [issue[:3] for issue in found(prefix, decode=True)] == [("x.rec", "image", 1)]
    prefix.with_suffix(".idx").unlink()
    assert [issue[:3] for issue in found(prefix, decode=True)] == [("x.rec", "image", 2)]


def test_record_without_a_header_is_no_image_to_decode(tmp_path):
    with recordio.IndexedWriter(tmp_path / "x.rec") as writer:
        writer.write(7, b"short")
    assert found(tmp_path / "x", decode=True, headers=False) == []
    assert [issue[1:3] for issue in found(tmp_path / "x", decode=True)] == [("header", 7)]


def test_identities_have_no_image_and_that_is_right(golden):
    assert found(golden / "recordio" / "identities.rec", decode=True) == []


def test_only_whole_records_are_decoded(write):
    prefix = write()
    rec = prefix.with_suffix(".rec")
    data = bytearray(rec.read_bytes())
    data[60] ^= 1
    rec.write_bytes(data)
    assert [issue[1:3] for issue in found(prefix, decode=True)] == [("checksum", 1)]


# The list


def test_list_that_agrees_raises_no_issue(write):
    assert found(put_list(write(), LIST)) == []


def test_image_without_a_record_is_named(write):
    prefix = put_list(write(), LIST + "9\t1\tlost.jpg\n")
    assert found(prefix) == [("x.lst", "list", 9, "lost.jpg has neither a record nor a line in x.rejects.tsv")]


def test_image_that_was_rejected_is_accounted_for(write):
    prefix = put_list(write(), LIST + "9\t1\tbad.jpg\n")
    prefix.with_name("x.rejects.tsv").write_text("id\tpath\treason\n9\tbad.jpg\tis truncated\n\tno id.jpg\tno list can carry it\n")
    assert found(prefix) == []


def test_record_that_no_line_has_is_named(write):
    prefix = put_list(write(), LIST.replace("2\t2.0\tb.jpg\n", ""))
    offset = recordio.IndexedReader(prefix.with_suffix(".rec")).index.offsets[1]
    assert found(prefix) == [("x.lst", "list", 2, f"no line has the id of the record at offset {offset}")]


def test_other_labels_are_told(write):
    assert found(put_list(write(), LIST.replace("2\t2.0\tb", "2\t2.5\tb"))) == [("x.lst", "list", 2, "the labels 2.5, its record has 2")]


def test_labels_that_were_left_out_of_the_records_are_none_to_tell_of(write):
    assert found(put_list(write(), LIST.replace("2.0", "2.0\t7.0"))) == []
    assert [issue[2] for issue in found(put_list(write(label=[2.0, 8.0]), LIST.replace("2.0", "2.0\t7.0")))] == [1, 2, 3]


def test_labels_are_compared_as_they_are_stored(write):
    assert found(put_list(write(label=0.1), LIST.replace("2.0", "0.100000"))) == []


def test_damaged_record_is_told_once_not_as_missing_too(write):
    prefix = put_list(write(), LIST)
    rec = prefix.with_suffix(".rec")
    data = bytearray(rec.read_bytes())
    data[100] ^= 1
    rec.write_bytes(data)
    assert [issue[:3] for issue in found(prefix)] == [("x.rec", "checksum", 1)]


def test_line_of_the_list_that_cannot_be_read_is_told(write):
    issues = found(put_list(write(), LIST + "x\t1\ty.jpg\n"))
    assert issues == [("x.lst", "list", None, "line 4: the id 'x' is no whole number")]


def test_list_is_not_asked_where_nobody_wants_it(write):
    prefix = put_list(write(), "no list")
    assert found(prefix, lists=False) == found(prefix, headers=False) == []


def test_empty_list_has_no_line_for_any_record(write):
    assert [issue[1:3] for issue in found(put_list(write(), ""))] == [("list", 1), ("list", 2), ("list", 3)]


def test_many_missing_images_are_counted_not_named(write):
    lines = "".join(f"{number}\t1\t{number}.jpg\n" for number in range(10, 1512))
    issues = found(put_list(write(), LIST + lines))
    assert len(issues) == 1001
    assert issues[-1][3] == "502 more images have neither a record nor a line in x.rejects.tsv"


# Shards


@pytest.fixture
def shards(write) -> Path:
    for number in range(3):
        write(f"x-{number:05}-of-00003", keys=(3 * number, 3 * number + 1, 3 * number + 2))
    prefix = write("y").with_name("x")
    return put_list(prefix, "".join(f"{number}\t2\t{number}.jpg\n" for number in range(9)))


def test_whole_set_of_shards_has_no_issue(shards):
    assert found(shards) == []


@pytest.mark.parametrize("missing", [0, 1, 2])
def test_missing_shard_is_told_with_the_images_it_has(shards, missing):
    for suffix in (".rec", ".idx", ".sum"):
        shards.with_name(f"x-{missing:05}-of-00003{suffix}").unlink()
    issues = found(shards)
    assert issues[0] == (f"x-{missing:05}-of-00003.rec", "set", None, "this shard of the set is missing")
    assert [issue[2] for issue in issues[1:]] == [3 * missing, 3 * missing + 1, 3 * missing + 2]


def test_one_shard_of_several_is_missing_the_others(shards):
    for number in (0, 2):
        shards.with_name(f"x-{number:05}-of-00003.rec").unlink()
    assert [issue[0] for issue in found(shards, lists=False)] == ["x-00000-of-00003.rec", "x-00002-of-00003.rec"]


def test_shard_that_is_named_itself_stands_alone(shards):
    assert found(shards.with_name("x-00001-of-00003.rec")) == []
    assert found(shards.with_name("x-00001-of-00003")) == []


def test_shards_of_two_sets_side_by_side_are_told(shards, write):
    write("x-00000-of-00002", keys=(20,))
    issues = [issue for issue in found(shards) if issue[1] == "set"]
    assert issues == [("x-00000-of-00002.rec", "set", None, "shards of sets of 2 and 3 files stand side by side")]


# Writing a .sum


def test_sum_that_is_written_is_the_one_of_the_writer(write):
    rec = write().with_suffix(".rec")
    written = checksum.load(rec.with_suffix(".sum"))
    rec.with_suffix(".sum").unlink()
    path = write_sum(verify(rec))
    made = checksum.load(path)
    assert path == rec.with_suffix(".sum")
    for name in ("keys", "offsets", "lengths", "crcs"):
        assert getattr(made, name).tolist() == getattr(written, name).tolist()
    assert (made.rec, made.idx) == (written.rec, written.idx)
    assert made.tool.startswith("im2rec ")
    assert verify(rec).as_json()["payload"] == "verified"


def test_sum_has_the_keys_of_an_index_in_another_order(write):
    rec = write(keys=(9, 5, 7), checksums=False).with_suffix(".rec")
    idx = rec.with_suffix(".idx")
    idx.write_text("".join(sorted(idx.read_text().splitlines(keepends=True))))
    assert checksum.load(write_sum(verify(rec))).keys.tolist() == [9, 5, 7]
    assert verify(rec).issues == []


def test_sum_of_an_empty_set_can_be_written(write):
    rec = write(keys=(), checksums=False).with_suffix(".rec")
    write_sum(verify(rec))
    assert verify(rec).issues == []


def test_sum_of_sixteen_thousand_records_and_more_has_all_of_them(tmp_path):
    with recordio.IndexedWriter(tmp_path / "x.rec", checksums=False) as writer:
        for key in range(40_000):
            writer.write(key, b"")
    write_sum(verify(tmp_path / "x.rec", headers=False))
    assert verify(tmp_path / "x.rec", headers=False).issues == []


def test_existing_sum_is_replaced_only_by_force(write):
    report = verify(write().with_suffix(".rec"))
    with pytest.raises(FileError, match="exists already"):
        write_sum(report)
    assert write_sum(report, force=True).exists()


def test_nothing_vouches_for_a_set_with_issues(write):
    report = VerifyReport(str(write(checksums=False).with_suffix(".rec")))
    report.add(Issue("x", "frame", "bad"))
    with pytest.raises(InputError, match="has 1 issue, a"):
        write_sum(report)


def test_sum_needs_an_index_with_every_record(write, tmp_path):
    rec = write().with_suffix(".rec")
    idx = rec.with_suffix(".idx")
    idx.write_text("".join(idx.read_text().splitlines(keepends=True)[:2]))
    listed = checksum.load(rec.with_suffix(".sum"))
    lines = checksum.format_records(listed.keys.tolist(), listed.offsets.tolist(), listed.lengths.tolist(), listed.crcs.tolist())
    rec.with_suffix(".sum").write_bytes(b"".join(checksum.format_sum([lines], 3, listed.rec, checksum.digest_file(idx))))
    report = verify(rec)
    assert report.issues == []
    with pytest.raises(InputError, match="leaves out 1 of 3 records"):
        write_sum(report, force=True)
    idx.unlink()
    rec.with_suffix(".sum").unlink()
    with pytest.raises(InputError, match=r"x\.idx: no such file"):
        write_sum(verify(rec))


def test_golden_sets_can_be_vouched_for(golden, tmp_path):
    for name in ("pass_through", "multilabel_packed", "gray"):
        for suffix in (".rec", ".idx"):
            shutil.copy(golden / "packs" / f"{name}{suffix}", tmp_path)
        rec = tmp_path / f"{name}.rec"
        write_sum(verify(rec))
        assert (verify(rec).issues, verify(rec).vouched) == ([], True)


def test_nothing_vouches_for_a_set_that_was_replaced_meanwhile(write):
    rec = write(checksums=False).with_suffix(".rec")
    report = verify(rec)
    for data in (rec.read_bytes(), rec.read_bytes()[:-4]):
        rec.unlink()
        rec.write_bytes(data)
        with pytest.raises(InputError, match="has changed since it was verified"):
            write_sum(report)
    assert not rec.with_suffix(".sum").exists()
