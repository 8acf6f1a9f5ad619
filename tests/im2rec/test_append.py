"""New images behind an old set: in two steps as in one, all that describes the set in agreement."""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from im2rec.cli import main
from recordio import files
from recordio.frame import MAGIC_BYTES
from recordio.header import pack_header
from recordio.verify import verify
from recordio.writer import IndexedWriter

LABELS = st.lists(st.integers(-50, 50).map(lambda number: number / 4), min_size=1, max_size=4)
IMAGES = st.lists(st.sampled_from([MAGIC_BYTES, b"\xff\xd8\xff\xe0", b"abcd", b"x"]), min_size=1, max_size=9).map(b"".join)
ITEMS = st.lists(st.tuples(LABELS, IMAGES), min_size=2, max_size=14)


def run(*words: object) -> int:
    return main._body([str(word) for word in words])


def lines_of(items, numbers) -> list[str]:
    return ["\t".join([str(id_), *(f"{label:f}" for label in items[place][0]), f"{place}.jpg"]) + "\n" for id_, place in numbers]


@settings(max_examples=60, deadline=None)
@given(ITEMS, st.data(), st.booleans())
def test_in_two_steps_as_in_one(items, data, summed: bool) -> None:
    ids = data.draw(st.lists(st.integers(0, 2**64 - 1), min_size=len(items), max_size=len(items), unique=True))
    cut = data.draw(st.integers(1, len(items) - 1))
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        for number, (_, image) in enumerate(items):
            (folder / f"{number}.jpg").write_bytes(image)
        lines = lines_of(items, list(zip(ids, range(len(items)), strict=True)))
        (folder / "x.lst").write_text("".join(lines[:cut]))
        (folder / "more.lst").write_text("".join(lines[cut:]))
        (folder / "whole.lst").write_text("".join(lines))
        options = ["--no-check", "-q"]
        no_sum = [] if summed else ["--no-sum"]
        assert run("pack", folder / "x.lst", *options, *no_sum) == 0
        assert run("append", folder / "x", folder / "more.lst", "--ids", "keep", *options) == 0
        assert run("pack", folder / "whole.lst", *options, *no_sum) == 0
        for suffix in (".rec", ".idx", ".lst", *([".sum"] if summed else [])):
            assert (folder / f"x{suffix}").read_bytes() == (folder / f"whole{suffix}").read_bytes(), suffix
        assert (folder / "x.sum").exists() == summed
        assert not [path.name for path in folder.iterdir() if path.name.startswith(".")]


@pytest.mark.parametrize("options", [[], ["--resize", 16, "--workers", 0], ["--resize", 16, "--workers", 2]])
def test_a_folder_is_appended_with_its_classes(im2rec, work, photos, tree, picture, options) -> None:
    assert im2rec("pack", photos, "-o", "x", *options).code == 0
    more = tree({"b/z.jpg": picture(seed=90), "d/y.jpg": picture(seed=91), "0/x.jpg": picture(seed=92)}, "more")
    ran = im2rec("append", "x", more, "--json", *options)
    report = json.loads(ran.out)
    assert (ran.code, report["packed"], report["first_id"], report["records"]) == (0, 3, 24, 27)
    assert Path("x.classes.txt").read_text() == "0\ta\n1\tb\n2\tc\n3\t0\n4\td\n"
    assert sorted(Path("x.lst").read_text().splitlines()[24:]) == [
        "24\t3.000000\t0/x.jpg",
        "25\t1.000000\tb/z.jpg",
        "26\t4.000000\td/y.jpg",
    ]
    assert im2rec("verify", "x", "--decode", "--workers", 0).code == 0
    assert [line for line in ran.err.splitlines() if "remark" in line] == [
        "im2rec: remark: 2 classes that x.classes.txt did not have: 0 (3), d (4)"
    ]


def test_a_flat_folder_is_no_class_of_its_own(im2rec, work, photos, tree, picture) -> None:
    assert im2rec("pack", photos, "-o", "x").code == 0
    before = {path: path.read_bytes() for path in work.iterdir()}
    more = tree({"z.jpg": picture(seed=90), "b/y.jpg": picture(seed=91)}, "more")
    ran = im2rec("append", "x", more)
    assert (ran.code, len(ran.err.splitlines())) == (3, 1)
    assert f"{more}: has images in no folder below it, which would be a new class of the name '.'" in ran.err
    assert {path: path.read_bytes() for path in work.iterdir()} == before
    assert im2rec("append", "x", more, "--labels", "none").code == 0
    assert im2rec("pack", more, "-o", "y").code == 0  # a set that has such a class gets more of it
    assert im2rec("append", "y", tree({"w.jpg": picture(seed=92)}, "third")).code == 0
    assert Path("y.classes.txt").read_text() == "0\t.\n1\tb\n"


def test_an_id_that_is_there_is_told_with_the_list_and_the_item(im2rec, work, photos) -> None:
    im2rec("list", photos, "-o", "x.lst")
    im2rec("pack", "x.lst", photos)
    Path("more.lst").write_text("700\t1\ta/03.jpg\n3\t2\tb/01.jpg\n")
    ran = im2rec("append", "x", "more.lst", photos, "--ids", "keep")
    assert (ran.code, ran.err) == (3, "im2rec: more.lst: item 2: the id 3 is in x.idx already (--ids continue gives new ones)\n")


def test_ids_go_on_in_the_order_of_the_list(im2rec, work, photos) -> None:
    im2rec("list", photos, "-o", "x.lst")
    im2rec("pack", "x.lst", photos)
    Path("more.lst").write_text("7\t1\ta/03.jpg\n3\t2\tb/01.jpg\n")
    ran = im2rec("append", "x", "more.lst", photos)
    assert (ran.code, "appended 2 of 2 images" in ran.err) == (0, True)
    assert Path("x.idx").read_text().split()[-4::2] == ["24", "25"]
    assert im2rec("verify", "x").code == 0


def test_a_list_on_stdin_and_rejects_are_told_and_agree(im2rec, work, photos, monkeypatch) -> None:
    im2rec("pack", photos, "-o", "x")
    (photos / "cut.jpg").write_bytes((photos / "a" / "00.jpg").read_bytes()[:-30])
    Path("more.lst").write_text("1\t1\ta/03.jpg\n2\t2\tcut.jpg\n3\t2\tnone.jpg\n")
    with open("more.lst") as stream:
        monkeypatch.setattr("sys.stdin", stream)
        ran = im2rec("append", "x", "-", photos, "--json")
    report = json.loads(ran.out)
    assert (ran.code, report["listed"], report["packed"], report["rejected"]) == (1, 3, 1, 2)
    assert [line.split("\t")[:2] for line in Path("x.rejects.tsv").read_text().splitlines()] == [
        ["id", "path"],
        ["25", "cut.jpg"],
        ["26", "none.jpg"],
    ]
    assert im2rec("verify", "x").code == 0
    before = {path.name: path.read_bytes() for path in Path().iterdir()}
    for words in (["--max-rejects", 1], ["--on-error", "abort"]):
        assert im2rec("append", "x", "more.lst", photos, *words).code == 3
    Path("bad.lst").write_text("1\t1\tcut.jpg\n")
    ran = im2rec("append", "x", "bad.lst", photos)
    assert (ran.code, "none of 1 images could be packed" in ran.err) == (3, True)
    os.remove("bad.lst")
    assert {path.name: path.read_bytes() for path in Path().iterdir()} == before


def test_other_options_than_the_set_has_are_remarked_and_noted(im2rec, work, photos) -> None:
    im2rec("pack", photos, "-o", "x", "--resize", 16, "--workers", 0)
    Path("more.lst").write_text("1\t1\ta/03.jpg\n")
    ran = im2rec("append", "x", "more.lst", photos)
    assert "remark: the set was packed with --resize 16" in ran.err
    assert "appended\t1 record from id 24 on with bytes kept as they are" in Path("x.sum").read_text()
    assert im2rec("verify", "x").code == 0


def test_an_index_in_another_order_keeps_it(im2rec, work, photos) -> None:
    im2rec("list", photos, "-o", "x.lst")
    im2rec("pack", "x.lst", photos, "--no-sum")
    lines = Path("x.idx").read_text().splitlines(keepends=True)
    Path("x.idx").write_text("".join(reversed(lines)))
    Path("more.lst").write_text("1\t1\ta/03.jpg\n")
    assert im2rec("append", "x", "more.lst", photos).code == 0
    assert Path("x.idx").read_text().splitlines(keepends=True)[:-1] == list(reversed(lines))
    assert not verify("x.rec").issues


@pytest.mark.parametrize(
    ("spoil", "words", "code", "text"),
    [
        (None, ["missing", "more.lst"], 3, "missing.rec: no such file"),
        (None, ["x", "missing.lst"], 3, "missing.lst: no such list"),
        (None, ["x", "empty.lst"], 3, "an empty list"),
        (None, ["x", "x.lst"], 3, "is the list of the set itself"),
        (None, ["x", "-"], 2, "a list on stdin needs ROOT"),
        (None, ["x", "photos", "photos"], 2, "a folder needs no ROOT"),
        (None, ["x", "photos", "--ids", "keep"], 2, "--ids keep goes with a list"),
        (None, ["x", "more.lst", "--labels", "none"], 2, "go with a folder"),
        (None, ["x", "more.lst", "--ids", "keep"], 3, "the id 1 is in x.idx already"),
        (None, ["x", "more.lst", "--pass-through", "--resize", "9"], 2, "--pass-through keeps"),
        (None, ["s", "more.lst"], 3, "is divided into shards"),
        (lambda: os.remove("x.idx"), ["x", "more.lst"], 3, "x.idx: no such file; 'im2rec index x.rec' writes it"),
        (lambda: os.remove("x.classes.txt"), ["x", "photos"], 3, "x.classes.txt: no such file, by which the classes"),
        (lambda: Path("x.rec").write_bytes(Path("x.rec").read_bytes()[:-4]), ["x", "more.lst"], 3, "'im2rec verify' says where it differs"),
        (lambda: Path("x.sum").write_text("no"), ["x", "more.lst"], 3, "x.sum"),
        (lambda: (os.rename("x.rec", "y.rec"), os.symlink("y.rec", "x.rec")), ["x", "more.lst"], 3, "it is a link"),
        (lambda: os.link("x.rec", "y.rec"), ["x", "more.lst"], 3, "the file has 2 names (hard links)"),
    ],
)
def test_bad_input_gets_one_clear_error_and_the_set_stays(im2rec, work, photos, spoil, words, code, text) -> None:
    os.rename(photos, "photos")
    im2rec("pack", "photos", "-o", "x")
    im2rec("pack", "photos", "-o", "s", "--shards", 2)
    Path("more.lst").write_text("1\t1\tphotos/a/03.jpg\n")
    Path("empty.lst").write_text("")
    if spoil:
        spoil()
    before = {path.name: path.read_bytes() for path in Path().iterdir() if path.is_file()}
    ran = im2rec("append", *words)
    assert ran.code == code, ran
    assert text in ran.err
    assert code == 2 or len(ran.err.splitlines()) == 1
    assert {path.name: path.read_bytes() for path in Path().iterdir() if path.is_file()} == before


def test_a_flipped_bit_in_the_old_set_stops_it(im2rec, work, photos) -> None:
    im2rec("pack", photos, "-o", "x")
    data = bytearray(Path("x.rec").read_bytes())
    data[len(data) // 2] ^= 1
    Path("x.rec").write_bytes(data)
    Path("more.lst").write_text("1\t1\ta/03.jpg\n")
    ran = im2rec("append", "x", "more.lst", photos)
    assert (ran.code, "CRC-32" in ran.err) == (3, True)
    assert Path("x.rec").read_bytes() == data


def test_recover_says_that_nothing_was_interrupted(im2rec, work, photos) -> None:
    im2rec("pack", photos, "-o", "x")
    ran = im2rec("recover", "x", "--json")
    assert (ran.code, json.loads(ran.out)["finished"]) == (0, [])
    assert im2rec("recover", "x").err == "nothing was interrupted\n"
    assert im2rec("recover", "missing").code == 3
    assert im2rec("recover").code == 2


def large_set(folder: Path, sizes: list[int]) -> None:
    """Write a set without a .sum whose payloads have these sizes beside their headers."""
    with IndexedWriter(folder / "x.rec", checksums=False) as writer:
        for number, size in enumerate(sizes):
            writer.write(number, pack_header(1.0, number) + bytes(size))


def test_an_index_of_the_first_record_alone_is_refused_without_reading_the_rest(im2rec, work, picture, monkeypatch) -> None:
    large_set(work, [1000, *[3 << 20] * 8])
    (work / "x.idx").write_text("0\t0\n")
    (work / "1.jpg").write_bytes(picture(seed=1))
    (work / "more.lst").write_text("1\t5\t1.jpg\n")
    before, reads = (work / "x.rec").read_bytes(), []
    read_at = files.InputFile.read_at
    monkeypatch.setattr(files.InputFile, "read_at", lambda self, at, length: reads.append(length) or read_at(self, at, length))
    ran = im2rec("append", "x", "more.lst")
    assert (ran.code, "x.idx: does not end with the last record of x.rec" in ran.err) == (3, True), ran
    assert 0 < sum(reads) <= 16 << 20
    assert max(reads) <= 4 << 20
    assert (work / "x.rec").read_bytes() == before


@pytest.mark.parametrize("size", [0, 1000, 9 << 20])
def test_a_last_record_of_any_size_is_appended_to_when_it_is_whole(im2rec, work, picture, size) -> None:
    large_set(work, [10, size])
    (work / "1.jpg").write_bytes(picture(seed=1))
    (work / "more.lst").write_text("1\t5\t1.jpg\n")
    whole = (work / "x.rec").read_bytes()
    (work / "x.rec").write_bytes(whole[:-4])
    assert im2rec("append", "x", "more.lst").code == 3
    assert (work / "x.rec").read_bytes() == whole[:-4]
    (work / "x.rec").write_bytes(whole)
    assert im2rec("append", "x", "more.lst").code == 0
    assert (work / "x.rec").read_bytes().startswith(whole)
    assert not verify(work / "x.rec").issues
