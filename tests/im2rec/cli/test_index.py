"""``im2rec index``."""

from __future__ import annotations

import json
import os
import shutil

import pytest


@pytest.mark.parametrize("case", ["pass_through", "multilabel_packed", "gray"])
def test_the_index_of_a_golden_file_is_mxnets(im2rec, golden, work, case):
    ran = im2rec("index", golden / "packs" / f"{case}.rec", "-o", "x.idx")
    assert (ran.code, ran.out) == (0, "")
    assert (work / "x.idx").read_bytes() == (golden / "packs" / f"{case}.idx").read_bytes()


def test_without_a_name_it_stands_beside_the_file(im2rec, golden, work):
    shutil.copy(golden / "packs/gray.rec", work / "gray.rec")
    assert im2rec("index", "gray.rec").err == "indexed 14 records: gray.idx\n"
    assert (work / "gray.idx").read_bytes() == (golden / "packs/gray.idx").read_bytes()


def test_ordinals_number_the_records(im2rec, golden, work):
    im2rec("index", golden / "packs/gray.rec", "-o", "x.idx", "--keys", "ordinal")
    offsets = [line.split("\t")[1] for line in (golden / "packs/gray.idx").read_text().splitlines()]
    assert (work / "x.idx").read_text() == "".join(f"{n}\t{offset}\n" for n, offset in enumerate(offsets))


def test_json_counts_the_records(im2rec, golden, work):
    rec = golden / "packs/gray.rec"
    found = json.loads(im2rec("index", rec, "-o", "x.idx", "--json").out)
    expected = {"command": "index", "records": 14, "size": rec.stat().st_size, "duplicates": 0, "outputs": ["x.idx"]}
    assert found == expected


def test_keys_that_stand_twice_are_warned_of(im2rec, golden, work):
    data = (golden / "packs/gray.rec").read_bytes()
    (work / "x.rec").write_bytes(data * 2)
    assert "14 of 28 records have a key that an earlier one has" in im2rec("index", "x.rec").err


def test_an_existing_index_is_replaced_only_by_force(im2rec, golden, work):
    shutil.copy(golden / "packs/gray.rec", work / "x.rec")
    (work / "x.idx").write_text("old")
    assert im2rec("index", "x.rec").code == 3
    assert (work / "x.idx").read_text() == "old"
    assert im2rec("index", "x.rec", "--force").code == 0
    assert (work / "x.idx").read_bytes() == (golden / "packs/gray.idx").read_bytes()


@pytest.mark.parametrize(
    ("cut", "said"),
    [
        (lambda data: data[:-4], "x.rec: offset "),
        (lambda data: b"\0" * 4 + data[4:], "x.rec: offset 0: bad magic 0x00000000"),
        (lambda data: data[:3], "x.rec: offset 0: "),
        (lambda data: b"\n#\xd7\xce\4\0\0\0abcd", "x.rec: offset 0: a payload of 4 bytes"),
    ],
)
def test_a_damaged_file_is_named_with_the_offset_and_leaves_nothing(im2rec, golden, work, cut, said):
    (work / "x.rec").write_bytes(cut((golden / "packs/gray.rec").read_bytes()))
    ran = im2rec("index", "x.rec")
    assert (ran.code, ran.err.count("\n")) == (3, 1)
    assert ran.err.startswith(f"im2rec: {said}")
    assert os.listdir(work) == ["x.rec"]


def test_a_missing_file_is_said(im2rec, work):
    ran = im2rec("index", "x.rec")
    assert (ran.code, ran.err) == (3, "im2rec: x.rec: no such file\n")
    assert os.listdir(work) == []
