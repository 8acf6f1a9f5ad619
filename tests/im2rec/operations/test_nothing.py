"""What is chosen and is not there: one rule for all commands (docs/cli.md, "Nothing to write")."""

from __future__ import annotations

import json

import pytest
from datasets import IMAGE, RECORDS, read_set, write_set

from recordio.header import pack_header

BARE = [(key, pack_header(1.0, key)) for key in range(5)]  # headers without an image


def assert_nothing(ran, work, said):
    assert (ran.code, ran.out, len(ran.err.splitlines())) == (3, "", 1), ran.err
    assert said in ran.err
    assert "nothing was written" in ran.err
    assert not [path for path in work.iterdir() if path.name.startswith((".b", "b"))]


@pytest.mark.parametrize(
    "options",
    [
        ["--label", "77"],
        ["--where", "width > 9"],
        ["--format", "webp"],
        ["--key", "0-50", "--invert"],
        ["--key", "0-50", "--invert", "--no-sum"],
        ["--label", "77", "--shard-size", "1kB"],
    ],
    ids=" ".join,
)
def test_a_filter_that_chooses_nothing_writes_nothing(im2rec, make, work, options):
    make("plain")
    assert_nothing(im2rec("filter", "a", "-o", "b", *options), work, "a: none of 40 records is chosen")


@pytest.mark.parametrize("summed", [True, False])
def test_an_index_that_names_nothing_leaves_nothing_to_compact(im2rec, make, work, summed):
    make("plain", checksums=summed)
    (work / "a.idx").write_text("")
    assert_nothing(im2rec("compact", "a", "-o", "b"), work, "a: none of 40 records is chosen")
    assert_nothing(im2rec("compact", "a", "-o", "b", "--order", "key"), work, "a: none of 40 records is chosen")


def test_a_stream_of_nothing_is_an_error_where_it_begins(im2rec, make, work, monkeypatch):
    make("plain")
    monkeypatch.setattr("os.isatty", lambda _: False)
    assert_nothing(im2rec("filter", "a", "-o", "-", "--label", "77"), work, "none of 40 records is chosen")


def test_sets_without_an_image_are_no_images_to_extract_or_index(im2rec, make, work):
    make(BARE)
    assert_nothing(im2rec("extract", "a", "-o", "b", "--images-only"), work, "a: none of 5 records has an image")
    assert_nothing(im2rec("extract", "a", "-o", "b"), work, "a: none of 5 records has an image")
    assert_nothing(im2rec("index", "a", "-o", "b.idx", "--images-only"), work, "a: none of 5 records has an image")
    assert_nothing(im2rec("identities", "from-plain", "a", "-o", "b"), work, "a.rec: no record has an image")


def test_identities_that_have_too_few_images_write_nothing(im2rec, make, work, golden):
    faces = golden / "recordio" / "identities"
    assert_nothing(im2rec("identities", "filter", faces, "-o", "b", "--min-images", 4), work, "no identity has 4 images or more")
    make([(1, pack_header([1, 1], 1)), (0, pack_header([1, 2], 0))])
    assert_nothing(im2rec("identities", "to-plain", "a", "-o", "b"), work, "a.rec: none of 2 records has an image")


@pytest.mark.parametrize(
    "words",
    [
        ["filter", "a", "-o", "b", "--label", "1"],
        ["merge", "a", "-o", "b"],
        ["shuffle", "a", "-o", "b"],
        ["dedupe", "a", "-o", "b"],
        ["compact", "a", "-o", "b"],
        ["relabel", "a", "x.lst", "-o", "b"],
        ["split", "a", "-o", "b", "--shards", "2"],
    ],
    ids=lambda words: words[0],
)
def test_of_an_empty_set_an_empty_set_is_made(im2rec, make, work, words):
    make("empty")
    (work / "x.lst").write_text("")
    ran = im2rec(*words)
    assert ran.code == 0, ran.err
    assert im2rec("verify", "b").code == 0


def test_parts_of_a_split_without_a_record_are_told(im2rec, make, work):
    make(RECORDS["plain"][:2])
    ran = im2rec("split", "a", "-o", "s", "--ratio", "train=0.9,val=0.1")
    assert ran.code == 0
    assert "im2rec: remark: no record is in s_val\n" in ran.err
    assert read_set(work / "s_val.rec") == []


def test_formats_that_are_none_are_usage_errors(im2rec, make, work):
    make("plain")
    ran = im2rec("filter", "a", "-o", "b", "--format", "jpeg")
    assert (ran.code, ran.err) == (2, "im2rec: no such format: 'jpeg', expected one of jpg, png, webp, gif, bmp, tiff\n")
    assert not list(work.glob("b*"))


@pytest.mark.parametrize("options", [[], ["--no-sum"]])
def test_keys_that_no_record_has_are_named_and_the_others_written(im2rec, work, options):
    write_set(work / "a.rec", [(key, pack_header(0.0, key) + IMAGE) for key in range(0, 40, 2)])
    (work / "keys").write_text("4\n5\n6\n41\n")
    ran = im2rec("filter", "a", "-o", "b", "--keys", "keys", *options)
    assert (ran.code, ran.err.splitlines()[0]) == (1, "im2rec: no record has 2 of the keys that were asked for: 5, 41")
    assert [key for key, _ in read_set(work / "b.rec")] == [4, 6]
    ran = im2rec("filter", "a", "-o", "c", "--key", "3,8-9,50-60", "--json", *options)
    found = json.loads(ran.out)
    assert (ran.code, found["written"], found["missing"]) == (1, 1, ["3", "50-60"])
    assert im2rec("filter", "a", "-o", "d", "--key", "0-38", *options).code == 0
    ran = im2rec("filter", "a", "-o", "e", "--key", "3", *options)
    assert ran.code == 3
    assert ran.err.endswith("nothing was written; no record has 1 of the keys that were asked for: 3\n")


def test_the_file_of_keys_is_not_replaced(im2rec, make, work):
    make("plain")
    make([(7, b"")], "b")
    ran = im2rec("filter", "a", "-o", "b", "--keys", "b.idx", "--force")
    assert (ran.code, ran.err) == (3, "im2rec: b.idx: cannot write: it is the file that is read\n")
    assert (work / "b.idx").read_text() == "7\t0\n"
