"""``im2rec list``."""

from __future__ import annotations

import json
import os
import random

import pytest

from im2rec import rejects

FILES = ["b/2.jpg", "a/1.jpg", "a/deep/3.JPG", "notes.txt", "4.png"]
LINES = ["0\t0.000000\t4.png\n", "1\t1.000000\ta/1.jpg\n", "2\t2.000000\ta/deep/3.JPG\n", "3\t3.000000\tb/2.jpg\n"]


@pytest.fixture
def listed(im2rec, tree, work):
    """Lists a folder of FILES without shuffling; what it printed."""

    def run(*options, files=FILES):
        return im2rec("list", tree(files), "--no-shuffle", *options)

    return run


def test_the_list_goes_to_stdout_and_the_summary_to_stderr(listed, work):
    ran = listed()
    assert (ran.code, ran.out) == (0, "".join(LINES))
    assert ran.err == "listed 4 of 4 images (classes: 4, other files ignored: 1)\n"
    assert os.listdir(work) == []


@pytest.mark.parametrize("options", [("-q",), ("--quiet", "-o", "-")])
def test_quiet_says_nothing_beside_the_list(listed, options):
    assert listed(*options) == (0, "".join(LINES), "")


def test_the_order_is_mxnets_by_default_and_another_by_another_seed(im2rec, tree):
    root, expected = tree(FILES), list(LINES)
    random.Random(100).shuffle(expected)
    assert im2rec("list", root).out == "".join(expected)
    random.Random(7).shuffle(other := list(LINES))
    assert im2rec("list", root, "--seed", 7).out == "".join(other)


@pytest.mark.parametrize("name", ["x", "x.lst"])
def test_a_file_gets_its_suffix_and_the_class_map_beside_it(listed, work, name):
    ran = listed("-o", name)
    assert (ran.code, ran.out) == (0, "")
    assert (work / "x.lst").read_text() == "".join(LINES)
    assert (work / "x.classes.txt").read_text() == "0\t.\n1\ta\n2\ta/deep\n3\tb\n"


def test_the_class_map_goes_where_it_is_asked_for(listed, work):
    listed("--classes", "map.json")
    assert json.loads((work / "map.json").read_text()) == {".": 0, "a": 1, "a/deep": 2, "b": 3}


def test_flat_takes_the_roots_own_files(listed):
    assert listed("--flat").out == LINES[0]


@pytest.mark.parametrize("suffix", [".jpg", "jpg", ".JPG"])
def test_suffixes_are_taken_in_any_case_with_or_without_a_dot(listed, suffix):
    assert [line.split("\t")[2] for line in listed("--ext", suffix).out.splitlines()] == ["a/1.jpg", "a/deep/3.JPG", "b/2.jpg"]


def test_top_folders_are_the_classes_on_demand(listed):
    assert [line.split("\t")[1] for line in listed("--labels", "top").out.splitlines()] == ["0.000000", "1.000000", "1.000000", "2.000000"]


def test_no_labels_are_zero_and_make_no_class_map(listed, work):
    ran = listed("--labels", "none", "-o", "x")
    assert {line.split("\t")[1] for line in (work / "x.lst").read_text().splitlines()} == {"0.000000"}
    assert (os.listdir(work), "classes" in ran.err) == (["x.lst"], False)


def test_labels_from_a_csv_reject_what_it_does_not_name(listed, work):
    (work / "l.csv").write_text("path,label\na/1.jpg,5\nb/2.jpg,0.25,\n".replace(",\n", "\n"))
    ran = listed("--labels", "l.csv")
    assert (ran.code, ran.out) == (1, "1\t5.000000\ta/1.jpg\n3\t0.250000\tb/2.jpg\n")
    assert "im2rec: rejected: 4.png: has no label in l.csv\n" in ran.err


def test_labels_that_packing_refuses_may_be_listed(listed, work):
    (work / "l.csv").write_text("4.png,16777217\n")
    assert listed("--labels", "l.csv").out == "0\t16777217.000000\t4.png\n"


def test_splits_divide_all_images_in_order(im2rec, tree, work):
    root = tree([f"{n:02}.jpg" for n in range(20)])
    im2rec("list", root, "-o", "x", "--split", "train=0.8,val=0.1,test=0.1")
    parts = {name: (work / f"x_{name}.lst").read_text().splitlines() for name in ("train", "val", "test")}
    assert [len(lines) for lines in parts.values()] == [16, 2, 2]
    assert sorted(int(line.split("\t")[0]) for lines in parts.values() for line in lines) == list(range(20))


def test_stratified_splits_divide_each_class(im2rec, tree, work):
    root = tree([f"{name}/{n}.jpg" for name in "abcd" for n in range(10)])
    im2rec("list", root, "-o", "x", "--split", "train=0.8,val=0.2", "--stratify")
    labels = [line.split("\t")[1] for line in (work / "x_val.lst").read_text().splitlines()]
    assert sorted(labels) == [f"{n}.000000" for n in (0, 0, 1, 1, 2, 2, 3, 3)]


def test_chunks_are_numbered(listed, work):
    listed("-o", "x", "--chunks", 3)
    texts = [(work / f"x_{number}.lst").read_text() for number in range(3)]
    assert "".join(texts) == "".join(LINES)


def test_json_counts_add_up(listed):
    found = json.loads(listed("-o", "x", "--json", files=[*FILES, "bad\tname.jpg"]).out)
    assert (found["command"], found["found"], found["listed"], found["rejected"], found["ignored"]) == ("list", 5, 4, 1, 1)
    assert (found["lines"], found["outputs"]) == ({"x.lst": 4}, ["x.lst", "x.classes.txt"])
    assert found["rejects"][0]["path"] == "bad\tname.jpg"


def test_names_that_no_list_carries_are_rejected_and_shown_with_escapes(listed):
    ran = listed(files=["good.jpg", "bad\tname.jpg", os.fsdecode(b"caf\xe9.jpg")])
    assert (ran.code, ran.out) == (1, "0\t0.000000\tgood.jpg\n")
    assert "im2rec: rejected: bad\\tname.jpg: " in ran.err
    assert "im2rec: rejected: caf\\xe9.jpg: its name is not UTF-8" in ran.err


def test_links_out_of_the_root_are_followed_on_demand(im2rec, tree):
    root = tree(["1.jpg"])
    (root / "link").symlink_to(tree(["2.jpg"], "outside"))
    assert im2rec("list", root).code == 1
    assert "link/2.jpg" in im2rec("list", root, "--follow-symlinks").out


def test_existing_lists_are_replaced_only_by_force(listed, work):
    (work / "x.lst").write_text("old")
    assert listed("-o", "x").code == 3
    assert (work / "x.lst").read_text() == "old"
    assert listed("-o", "x", "--force").code == 0
    assert (work / "x.lst").read_text() == "".join(LINES)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--split", "train=1"), "need -o"),
        (("--chunks", "2"), "need -o"),
        (("--json",), "need -o"),
        (("--stratify", "-o", "x"), "--stratify needs --split"),
        (("--split", "train=0.5", "-o", "x"), "add up to 0.5"),
        (("--split", "train", "-o", "x"), "expected NAME=RATIO"),
        (("--chunks", "9", "-o", "x"), "4 images cannot be divided into 9"),
        (("--labels", "colour"), "expected folder, top, none or a file that ends in .csv"),
    ],
)
def test_options_that_cannot_be_carried_out_exit_with_2(listed, work, options, said):
    ran = listed(*options)
    assert (ran.code, ran.out) == (2, "")
    assert said in ran.err
    assert os.listdir(work) == []


def test_the_labels_that_are_read_are_not_replaced_by_the_class_map(listed, work):
    (work / "l.csv").write_text("a/1.jpg,5\n")
    ran = listed("--labels", "l.csv", "-o", "x.lst", "--classes", "l.csv", "--force")
    assert (ran.code, "l.csv: cannot write: it is the file that is read" in ran.err) == (3, True)
    assert (work / "l.csv").read_text() == "a/1.jpg,5\n"
    assert not (work / "x.lst").exists()


def test_a_list_without_a_file_of_rejects_says_all_of_them(listed, work, monkeypatch):
    monkeypatch.setattr(rejects, "NAMED", 2)
    (work / "l.csv").write_text("4.png,1\n")
    ran = listed("--labels", "l.csv", "-o", "x", "--json")
    found = json.loads(ran.out)
    assert (found["found"], found["listed"], found["rejected"], len(found["rejects"]), found["more_rejects"]) == (4, 1, 3, 2, 1)
    assert [line.split(": ")[2] for line in ran.err.splitlines()] == ["a/1.jpg", "a/deep/3.JPG", "b/2.jpg"]
