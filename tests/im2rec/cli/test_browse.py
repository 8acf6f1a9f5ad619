"""``im2rec ls`` and ``im2rec cat``."""

from __future__ import annotations

import json
import subprocess
import sys

import cv2
import numpy as np
import pytest

from recordio.writer import IndexedWriter


@pytest.fixture
def packed(im2rec, photos, work):
    """The 24 pictures, plain and in three shards; each picture's bytes by its key."""
    im2rec("pack", photos, "-o", "x", "--no-shuffle")
    im2rec("pack", "x.lst", photos, "-o", "s", "--shards", 3)
    lines = [line.split("\t") for line in (work / "x.lst").read_text().splitlines()]
    return {int(id_): (photos / path).read_bytes() for id_, _, path in lines}


@pytest.mark.parametrize("given", ["x", "x.rec", "s"])
def test_each_record_is_a_line(im2rec, packed, given):
    rows = [line.split("\t") for line in im2rec("ls", given).out.splitlines()]
    assert [int(row[0]) for row in rows] == list(packed)
    assert [int(row[2]) for row in rows] == [24 + len(image) for image in packed.values()]
    assert {row[3] for row in rows} == {"0", "1", "2"}
    for row, image in zip(rows, packed.values(), strict=True):
        height, width, _ = cv2.imdecode(np.frombuffer(image, np.uint8), 1).shape
        assert row[4:] == ["jpg", str(width), str(height)]


@pytest.mark.parametrize("given", ["x", "s"])
def test_keys_choose_records_in_their_order(im2rec, packed, given):
    assert [line.split("\t")[0] for line in im2rec("ls", given, 20, 3).out.splitlines()] == ["20", "3"]


@pytest.mark.parametrize("given", ["x", "s"])
def test_keys_that_no_record_has_are_named_and_the_others_listed(im2rec, packed, given):
    name = "x.idx" if given == "x" else given
    ran = im2rec("ls", given, 99, 20, 98, 3)
    assert [line.split("\t")[0] for line in ran.out.splitlines()] == ["20", "3"]
    assert ran.err.splitlines() == [f"im2rec: {name}: no record has the key {key}" for key in (99, 98)]
    assert ran.code == 1
    ran = im2rec("ls", given, 99)
    assert (ran.code, ran.out, ran.err) == (3, "", f"im2rec: {name}: no record has the key 99\n"), "as where a filter chooses none"
    assert (im2rec("cat", given, 99).code, im2rec("cat", given, 99).out) == (3, "")


def test_json_is_an_object_a_line(im2rec, packed):
    found = [json.loads(line) for line in im2rec("ls", "x", "--json").out.splitlines()]
    assert [entry["key"] for entry in found] == list(packed)
    assert set(found[0]) == {"key", "offset", "length", "id", "labels", "format", "width", "height", "rec"}


def out_of(*arguments: object) -> bytes:
    command = [sys.executable, "-m", "im2rec", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, check=True).stdout


@pytest.mark.parametrize("given", ["x", "x.rec", "s"])
def test_an_image_comes_out_as_it_went_in(packed, given):
    assert out_of("cat", given, 17) == packed[17]


def test_a_payload_is_header_and_image(packed):
    assert out_of("cat", "x", 17, "--payload")[24:] == packed[17]


def test_odd_records_are_listed_as_what_they_are(im2rec, work, golden):
    with IndexedWriter(work / "odd.rec") as writer:
        writer.write(1, b"short")
        writer.write(2, bytes(24))
        writer.write(3, bytes(24) + b"no image")
    rows = [line.split("\t") for line in im2rec("ls", "odd").out.splitlines()]
    assert [(row[0], row[3], row[4]) for row in rows] == [("1", "", "?"), ("2", "0", ""), ("3", "0", "?")]
    assert im2rec("cat", "odd", 1).err == "im2rec: odd.rec: the record of key 1 has no image header (--payload writes it all the same)\n"
    assert im2rec("cat", "odd", 2).err == "im2rec: odd.rec: the record of key 2 holds no image (--payload writes it all the same)\n"
    labels = [line.split("\t")[3] for line in im2rec("ls", golden / "recordio" / "identities").out.splitlines()]
    assert labels[-4:] == ["1 4", "4 6", "6 8", "8 11"]


def test_a_set_that_is_not_there_is_told(im2rec, work):
    assert im2rec("ls", "gone").err == "im2rec: gone.rec: no such file, nor shards of that prefix\n"
    assert im2rec("cat", "gone", 1).code == 3
