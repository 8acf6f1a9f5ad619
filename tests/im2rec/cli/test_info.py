"""``im2rec info``."""

from __future__ import annotations

import json
import shutil

import pytest

from im2rec.operations.browse import is_detection
from recordio.header import pack_header
from recordio.writer import IndexedWriter


@pytest.fixture
def told(im2rec):
    return lambda given: json.loads(im2rec("info", given, "--json").out)


def test_a_set_of_classes_is_counted(im2rec, told, photos, work):
    im2rec("pack", photos, "-o", "x")
    found = told("x")
    assert (found["records"], found["images"], found["layout"], found["classes"]) == (24, 24, "plain", 3)
    assert (found["labels"], found["label_range"], found["whole_labels"]) == ({"0": 8, "1": 8, "2": 8}, [0.0, 2.0], True)
    assert (found["formats"], found["label_widths"]) == ({"jpg": 24}, {"1": 24})
    assert found["width"] == {"least": 40, "median": 52, "most": 63}
    assert found["image_bytes"] == sum(path.stat().st_size for path in photos.rglob("*.jpg"))
    assert found["beside"] == {
        ".idx": "24 keys",
        ".sum": found["beside"][".sum"],
        ".lst": "24 lines, agrees with the records in ids and labels",
    }
    assert found["beside"][".sum"].startswith("fits by its sizes, contents not checked, written by im2rec ")
    text = im2rec("info", "x").out
    assert "records  24, 24 with an image" in text
    assert "24 records with 1; 3 different, from 0 to 2, whole numbers: " in text


def test_shards_are_one_set(im2rec, told, photos, work):
    im2rec("pack", photos, "-o", "x", "--shards", 3)
    found = told("x")
    assert (len(found["files"]), found["records"]) == (3, 24)


def test_the_files_beside_shards_are_told_of_too(im2rec, told, photos, work):
    im2rec("pack", photos, "-o", "x", "--shards", 6)
    beside = told("x")["beside"]
    assert beside[".idx"] == "24 keys in 6 files"
    assert beside[".sum"].startswith("all 6 fit by their sizes, contents not checked, written by im2rec ")
    (work / "x-00001-of-00006.idx").unlink()
    (work / "x-00002-of-00006.sum").write_text("junk")
    beside = told("x")["beside"]
    assert beside[".idx"] == "1 of 6 does not fit its .rec: x-00001-of-00006.idx is missing; 'im2rec verify' tells more"
    assert beside[".sum"].startswith("1 of 6 does not fit its .rec: x-00002-of-00006.sum: ")
    text = im2rec("info", "x").out
    assert f".idx     {beside['.idx']}\n.sum     {beside['.sum']}\n" in text
    for number in (0, 3, 4):
        (work / f"x-0000{number}-of-00006.idx").write_text("7\t0\n")
    shutil.copy("x-00000-of-00006.rec", "x-00005-of-00006.rec")
    beside = told("x")["beside"]
    assert beside[".idx"].startswith("4 of 6 do not fit their .rec: x-00000-of-00006.idx has 1 key, 3 records are not in it, x-00001-of-")
    assert beside[".idx"].endswith(".idx has 1 key, 3 records are not in it, and 1 more; 'im2rec verify' tells more")
    assert ", x-00005-of-00006.sum is that of another file;" in beside[".sum"]
    for path in work.glob("x-*.sum"):
        path.unlink()
    assert told("x")["beside"][".sum"] == "all 6 are missing; 'im2rec verify --write-sum' writes them"


def test_sets_that_cannot_be_read_are_told_of_between_the_others(im2rec, photos, work):
    for name in ("a", "b", "c"):
        im2rec("pack", photos, "-o", name)
    (work / "c.rec").write_bytes((work / "c.rec").read_bytes()[:-5])
    ran = im2rec("info", "nope", "a", "c", "b")
    assert ran.code == 3
    assert [line for line in ran.out.splitlines() if not line or line.startswith("files")] == [
        line for number, name in enumerate("ab") for line in [""] * number + [im2rec("info", name).out.splitlines()[0]]
    ]
    reason, damage = ran.err.splitlines()
    assert reason == "im2rec: nope.rec: no such file, nor shards of that prefix"
    assert damage.startswith("im2rec: c.rec: offset ")
    assert damage.endswith("; 'im2rec verify' tells all that is wrong, 'im2rec salvage' saves the rest")
    ran = im2rec("info", "--json", "nope", "a")
    nope, found = map(json.loads, ran.out.splitlines())
    assert nope == {"command": "info", "set": "nope", "failed": reason.removeprefix("im2rec: ")}
    assert (ran.code, ran.err.splitlines(), found["set"], found["records"]) == (3, [reason], "a", 24)
    assert im2rec("info", "a", "b").code == 0


def test_an_index_of_more_keys_than_records_is_told(told, work):
    with IndexedWriter(work / "x.rec") as writer:
        writer.write(1, pack_header(0, 1) + b"image")
    (work / "x.idx").write_text("1\t0\n2\t0\n")
    assert told("x")["beside"][".idx"] == "2 keys, the .rec has 1 record"


@pytest.mark.parametrize(
    ("labels", "layout"),
    [
        ([1.0, 2.0], "plain"),
        ([[1.0, 2.0], [0.5, 0.25]], "multi-label"),
        ([[2, 5, 1, 0.1, 0.1, 0.5, 0.5], [4, 5, 640, 480, 3, 0, 0, 1, 1]], "detection"),
        ([1.0, [1.0, 2.0]], "mixed"),
        ([], "empty"),
    ],
)
def test_layouts_are_recognised(told, work, labels, layout):
    with IndexedWriter(work / "x.rec") as writer:
        for key, label in enumerate(labels):
            writer.write(key, pack_header(label, key) + b"image")
    assert told("x")["layout"] == layout


def test_a_face_recognition_file_is_recognised(told, golden):
    found = told(golden / "recordio" / "identities")
    assert (found["layout"], found["records"], found["images"], found["classes"]) == ("identities", 11, 7, 3)
    assert found["beside"][".sum"] == "identities.sum is missing; 'im2rec verify --write-sum' writes it"


def test_payloads_without_headers_are_raw(told, work):
    with IndexedWriter(work / "x.rec", checksums=False) as writer:
        writer.write(1, b"raw")
    (work / "x.idx").write_text("")
    found = told("x")
    assert (found["layout"], found["without_header"], found["beside"][".idx"]) == ("raw", 1, "0 keys, 1 record is not in it")


@pytest.mark.parametrize(
    "labels",
    [
        (2.0, 5.0),
        (2.0, 5.0, 1, 0.5, 0.5, 0.1, 0.6),
        (2.5, 5.0, 1, 0, 0, 1, 1),
        (2.0, 4.0, 1, 0, 0, 1, 1),
        (2.0, 5.0, 1, 0, 0, 1, 9),
        (1.0,) * 7,
    ],
)
def test_other_labels_are_no_detection(labels):
    assert not is_detection(tuple(map(float, labels)))


def test_damage_is_told_with_its_place(im2rec, photos, work):
    im2rec("pack", photos, "-o", "x")
    data = (work / "x.rec").read_bytes()
    (work / "x.rec").write_bytes(data[:-5])
    ran = im2rec("info", "x")
    assert ran.code == 3
    assert "x.rec: offset " in ran.err


def test_the_classes_of_detection_are_those_of_the_objects(im2rec, told, work):
    boxes = [[2, 5, 1, 0.1, 0.1, 0.5, 0.5, 7, 0, 0, 1, 1], [4, 6, 640, 480, 7, 0, 0, 1, 1, 0]]
    with IndexedWriter(work / "x.rec") as writer:
        for key, labels in enumerate(boxes):
            writer.write(key, pack_header(labels, key) + b"image")
    found = told("x")
    assert (found["objects"], found["classes"], found["labels"], found["label_range"]) == (3, 2, {"1": 1, "7": 2}, [1.0, 7.0])
    assert (
        "1 record with 10, 1 record with 12; 3 objects of 2 different, from 1 to 7, whole numbers: 1 (1), 7 (2)" in im2rec("info", "x").out
    )


@pytest.mark.parametrize("width", [1, 2, 5000])
@pytest.mark.parametrize("shards", [(), ("--shards", 2)])
def test_a_list_agrees_or_is_told_where_it_does_not(im2rec, told, work, picture, width, shards):
    count = 4
    for number in range(count):
        (work / f"{number}.jpg").write_bytes(picture(seed=number) if number else b"no image")
    lines = ["\t".join([str(10 + number), *[f"{number + 1}.5"] * width, f"{number}.jpg"]) + "\n" for number in range(count)]
    (work / "x.lst").write_text("".join(lines))
    assert im2rec("pack", "x.lst", *shards).code == 1
    assert told("x")["beside"][".lst"] == "4 lines, agrees with the records in ids and labels"
    (work / "x.lst").write_text("".join([*lines[:2], lines[2].replace("3.5", "3.25", 1), *lines[3:]]))
    said = told("x")["beside"][".lst"]
    assert said.startswith("4 lines, differs from the records in one place: id 12: the labels 3.25")
    (work / "x.lst").write_text("".join([*lines[:2], "99\t1\tz.jpg\n"]))
    said = told("x")["beside"][".lst"]
    assert said.startswith("3 lines, differs from the records in 3 places: id 12: no line has the id of the record at offset ")
    (work / "x.lst").write_text("what\n")
    assert told("x")["beside"][".lst"].startswith("cannot be read: x.lst:1: ")
