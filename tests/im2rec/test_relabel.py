"""Other labels: in place where there is room for them, as if the set had been packed with them; else in a new set."""

from __future__ import annotations

import json
import os
import struct
import tempfile
from pathlib import Path

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from im2rec.cli import main
from recordio import checksum
from recordio.frame import MAGIC_BYTES
from recordio.verify import verify

(MAGIC_LABEL,) = struct.unpack("<f", MAGIC_BYTES)
LABEL = st.one_of(st.integers(-50, 50).map(lambda number: number / 4), st.just(MAGIC_LABEL))
IMAGES = st.lists(st.sampled_from([MAGIC_BYTES, b"abcd", b"x"]), min_size=1, max_size=6).map(b"".join)
ITEMS = st.lists(st.tuples(st.integers(0, 2**64 - 1), st.integers(1, 3), IMAGES), min_size=1, max_size=9, unique_by=lambda item: item[0])


def run(*words: object) -> int:
    return main._body([str(word) for word in words])


def write_list(path: Path, items, labels) -> None:
    lines = ["\t".join([str(id_), *map(repr, labels[id_]), f"{id_}.jpg"]) + "\n" for id_, _, _ in items]
    path.write_text("".join(lines))


@settings(max_examples=80, deadline=None)
@given(ITEMS, st.data(), st.booleans())
def test_a_relabelled_set_is_the_one_that_would_have_been_packed(items, data, in_place: bool) -> None:
    def draw(widths):
        return {id_: data.draw(st.lists(LABEL, min_size=width, max_size=width)) for id_, width in widths}

    old = draw([(id_, width) for id_, width, _ in items])
    new = draw([(id_, width if in_place else data.draw(st.integers(1, 3))) for id_, width, _ in items])
    if in_place:
        assume(
            all(
                (MAGIC_LABEL in old[id_], old[id_].count(MAGIC_LABEL)) == (MAGIC_LABEL in new[id_], new[id_].count(MAGIC_LABEL))
                for id_ in old
            )
        )
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        for id_, _, image in items:
            (folder / f"{id_}.jpg").write_bytes(image)
        write_list(folder / "x.lst", items, old)
        write_list(folder / "wanted.lst", items, new)
        for name in ("x", "wanted"):
            assert run("pack", folder / f"{name}.lst", "--no-check", "-q") == 0
        words = [] if in_place else ["-o", folder / "y"]
        assert run("relabel", folder / "x", folder / "wanted.lst", "-q", *words) == 0
        name = "x" if in_place else "y"
        for suffix in (".rec", ".idx"):
            assert (folder / f"{name}{suffix}").read_bytes() == (folder / f"wanted{suffix}").read_bytes()
        sums = [checksum.load(folder / f"{one}.sum") for one in (name, "wanted")]
        assert sums[0].rec == sums[1].rec
        assert sums[0].crcs.tolist() == sums[1].crcs.tolist()
        assert run("verify", folder / name, "-q") == 0, "with its list"


@pytest.fixture
def packed(im2rec, work, photos) -> Path:
    assert im2rec("pack", photos, "-o", "x").code == 0
    return photos


def test_labels_by_path_by_id_and_by_the_name_of_a_class(im2rec, packed) -> None:
    for rows, labels in (
        ("path,label\na/00.jpg,5\nb/01.jpg,6\n", {"0": "5", "8": "6"}),
        ("id,label\n0,7\n8,9\n", {"0": "7", "8": "9"}),
        ("path,class\na/00.jpg,c\n8,b\n", {"0": "2", "8": "1"}),
    ):
        Path("new.csv").write_text(rows)
        ran = im2rec("relabel", "x", "new.csv", "--json")
        report = json.loads(ran.out)
        assert (ran.code, report["records"], report["changed"], report["kept"], report["in_place"]) == (0, 24, 2, 22, True)
        found = {line.split("\t")[0]: line.split("\t")[3] for line in im2rec("ls", "x", *labels).out.splitlines()}
        assert found == labels
        assert im2rec("verify", "x").code == 0, "the list agrees"


def test_labels_that_are_there_already_change_nothing(im2rec, packed) -> None:
    before = {path.name: (path.read_bytes(), path.stat().st_mtime_ns) for path in Path().iterdir()}
    ran = im2rec("relabel", "x", "x.lst", "--json")
    report = json.loads(ran.out)
    assert (ran.code, report["changed"], report["same"], report["outputs"]) == (0, 0, 24, [])
    assert {path.name: (path.read_bytes(), path.stat().st_mtime_ns) for path in Path().iterdir()} == before


def test_the_sets_own_list_edited_is_taken_as_it_is(im2rec, packed) -> None:
    text = Path("x.lst").read_text().replace("\t1.000000\t", "\t11\t")
    Path("x.lst").write_text(text)
    assert im2rec("verify", "x").code == 1
    assert im2rec("relabel", "x", "x.lst").code == 0
    assert Path("x.lst").read_text() == text
    assert im2rec("verify", "x").code == 0


def test_ids_that_no_image_has_are_told(im2rec, packed) -> None:
    Path("new.lst").write_text("0\t5\tx\n99\t5\tx\n100\t5\tx\n")
    ran = im2rec("relabel", "x", "new.lst", "--json")
    report = json.loads(ran.out)
    assert (ran.code, report["changed"], report["missing"]) == (1, 1, [99, 100])
    assert "im2rec: 2 ids that no image of the set has: 99, 100" in ran.err
    assert im2rec("verify", "x").code == 0


def test_shards_are_relabelled_into_one_new_set(im2rec, work, photos) -> None:
    im2rec("pack", photos, "-o", "s", "--shards", 3)
    Path("new.lst").write_text("0\t5\t6\tx\n")
    ran = im2rec("relabel", "s", "new.lst", "-o", "y", "--json")
    assert (ran.code, json.loads(ran.out)["records"]) == (0, 24)
    assert im2rec("ls", "y", 0).out.split("\t")[3] == "5 6"
    assert im2rec("verify", "y").code == 0


def test_the_list_of_a_new_set_leaves_out_what_was_rejected(im2rec, packed) -> None:
    (packed / "b" / "text.jpg").write_text("no image")
    assert im2rec("pack", packed, "-o", "x", "--force").code == 1
    Path("new.csv").write_text("a/00.jpg,5\n")
    assert im2rec("relabel", "x", "new.csv", "-o", "y").code == 0
    old = [line for line in Path("x.lst").read_text().splitlines() if not line.endswith("text.jpg")]
    new = Path("y.lst").read_text().splitlines()
    assert [line.split("\t")[::2] for line in new] == [line.split("\t")[::2] for line in old], "in its order"
    assert im2rec("verify", "y").code == 0


def test_a_set_without_a_sum_or_a_list_is_relabelled_too(im2rec, work, photos) -> None:
    im2rec("list", photos, "-o", "a.lst")
    im2rec("pack", "a.lst", photos, "-o", "x", "--no-sum")
    Path("new.lst").write_text("0\t5\tx\n")
    assert im2rec("relabel", "x", "new.lst").code == 0
    assert sorted(path.name for path in Path().iterdir()) == ["a.classes.txt", "a.lst", "new.lst", "x.idx", "x.rec"]
    assert not verify("x.rec").issues


@pytest.mark.parametrize(
    ("name", "content", "words", "code", "text"),
    [
        ("n.lst", "0\t1\t2\tx\n3\t1\t2\tx\n", [], 3, "the record of id 0 has room for 1 label and is to get 2, and 1 more cannot"),
        ("n.lst", f"0\t{MAGIC_LABEL!r}\tx\n", [], 3, "the labels of id 0 hold the bytes of the format's magic word"),
        ("n.lst", "0\t16777217\tx\n", [], 3, "would be stored as 16777216 in float32"),
        ("n.lst", "0\tnan\tx\n", [], 3, "not a finite number"),
        ("n.lst", "0\t1\tx\n0\t2\tx\n", [], 3, "the id 0 stands on line 1 already"),
        ("n.csv", "path,class\na/00.jpg,a\n\nb/01.jpg,nobody\n", [], 3, "n.csv:4: the class 'nobody' is not in x.classes.txt"),
        ("n.csv", "0,4\nz.jpg,5\n", [], 3, "n.csv:2: 'z.jpg' is no id, and no path of x.lst"),
        ("n.csv", "a/00.jpg,5\n0,6\n", [], 3, "n.csv:2: the id 0 is named twice"),
        ("n.csv", "", [], 3, "is empty"),
        ("n.lst", "0\t5\tx\n", ["-o", "x"], 3, "it is the file that is read"),
        ("n.lst", "0\t5\tx\n", ["-o", "old"], 3, "it exists already"),
        ("", "", [], 3, "n.lst: no such list"),
        ("", "", ["--names"], 2, "No such option"),
    ],
)
def test_bad_input_gets_one_clear_error_and_the_set_stays(im2rec, packed, name, content, words, code, text) -> None:
    Path("old.rec").write_bytes(b"")
    if name:
        Path(name).write_text(content)
    before = {path.name: path.read_bytes() for path in Path().iterdir()}
    ran = im2rec("relabel", "x", name or "n.lst", *words, *(["--force"] if words == ["-o", "x"] else []))
    assert ran.code == code, ran
    assert text in ran.err
    assert code == 2 or len(ran.err.splitlines()) == 1
    assert {path.name: path.read_bytes() for path in Path().iterdir()} == before


def test_shards_in_place_and_rounding_need_a_word(im2rec, work, photos) -> None:
    im2rec("pack", photos, "-o", "s", "--shards", 2)
    Path("new.lst").write_text("0\t16777217\tx\n")
    assert "is divided into shards" in im2rec("relabel", "s", "new.lst", "--allow-rounding").err
    os.remove("s.lst")
    im2rec("pack", photos, "-o", "x")
    assert im2rec("relabel", "x", "new.lst", "--allow-rounding").code == 0
    assert im2rec("ls", "x", 0).out.split("\t")[3] == "16777216"
