"""From a folder to lists."""

from __future__ import annotations

import json
import os

import pytest

from im2rec.errors import InputError, PlanError
from im2rec.listfile import parse_line
from im2rec.listing import ListOptions, collect, format_classes
from im2rec.walk import WalkOptions

SORTED = ListOptions(shuffle=False)
FILES = ["a/1.jpg", "a/2.jpg", "b/3.jpg", "b/c/4.jpg", "notes.txt"]


def test_ids_count_the_sorted_walk_whatever_the_order_of_the_list(tree):
    root = tree(FILES)
    shuffled, in_order = list(collect(root, ListOptions(seed=3))), list(collect(root, SORTED))
    assert [item.path for item in in_order] == FILES[:4]
    assert shuffled != in_order
    assert sorted(shuffled) == in_order
    assert [item.id for item in in_order] == [0, 1, 2, 3]


def test_lines_say_what_the_items_are(tree):
    listing = collect(tree(FILES), ListOptions())
    assert [parse_line(line.decode()) for line in listing.lines()] == list(listing)


def test_a_csv_gives_the_labels_and_rejects_what_it_does_not_name(tree, tmp_path):
    (tmp_path / "l.csv").write_text("a/1.jpg,7,8\nb/3.jpg,9\nother.jpg,1\n")
    listing = collect(tree(FILES), ListOptions(WalkOptions(labels="none"), tmp_path / "l.csv", shuffle=False))
    assert list(listing) == [(0, (7.0, 8.0), "a/1.jpg"), (2, (9.0,), "b/3.jpg")]
    assert [reject.path for reject in listing.rejects] == ["a/2.jpg", "b/c/4.jpg"]
    assert b"".join(listing.lines()) == b"0\t7.000000\t8.000000\ta/1.jpg\n2\t9.000000\tb/3.jpg\n"


def test_names_in_a_csv_become_the_classes(tree, tmp_path):
    (tmp_path / "l.csv").write_text("a/1.jpg,dog\na/2.jpg,cat\nb/3.jpg,cat\nb/c/4.jpg,cat\n")
    listing = collect(tree(FILES), ListOptions(WalkOptions(labels="none"), tmp_path / "l.csv", shuffle=False))
    assert listing.classes == {"cat": 0, "dog": 1}
    assert [item.labels for item in listing] == [(1.0,), (0.0,), (0.0,), (0.0,)]


def test_one_list_has_no_suffix(tree):
    assert [name for name, _ in collect(tree(FILES), SORTED).parts(SORTED)] == [""]


def test_chunks_and_splits_name_their_lists_and_cover_all(tree):
    options = ListOptions(chunks=2, splits={"train": 0.5, "val": 0.5})
    parts = dict(collect(tree(FILES), options).parts(options))
    assert list(parts) == ["_0_train", "_0_val", "_1_train", "_1_val"]
    assert sorted(ordinal for part in parts.values() for ordinal in part) == [0, 1, 2, 3]


def test_more_chunks_than_images_are_refused(tree):
    options = ListOptions(chunks=5)
    with pytest.raises(PlanError, match="4 images cannot be divided into 5"):
        list(collect(tree(FILES), options).parts(options))


@pytest.mark.parametrize("csv", [False, True])
def test_stratified_splits_divide_each_label(tree, tmp_path, csv):
    root = tree([f"{name}/{n}.jpg" for name in "ab" for n in range(10)])
    (tmp_path / "l.csv").write_text("".join(f"{name}/{n}.jpg,{name}\n" for name in "ab" for n in range(10)))
    options = ListOptions(labels_csv=tmp_path / "l.csv" if csv else None, splits={"train": 0.7, "val": 0.3}, stratified=True)
    parts = dict(collect(root, options).parts(options))
    assert sorted(ordinal // 10 for ordinal in parts["_train"]) == [0] * 7 + [1] * 7


def test_a_folder_without_images_says_what_was_looked_for(tree):
    root = tree(["x.txt", "y.gif"])
    with pytest.raises(InputError, match=r"no images in it: 2 files, none ends in \.bmp \.jpeg"):
        collect(root, SORTED)
    with pytest.raises(InputError, match="folders in it were not searched"):
        collect(root, ListOptions(WalkOptions(recursive=False)))


def test_a_folder_with_only_rejects_is_no_error(tree):
    assert len(collect(tree(["a\tb.jpg"]), SORTED).rejects) == 1


def test_class_maps_are_lines_or_json(tmp_path):
    classes = {"cat": 0, "wild cat ü": 1, os.fsdecode(b"\xff"): 2}
    assert format_classes(classes, tmp_path / "c.txt") == b"0\tcat\n1\twild cat \xc3\xbc\n2\t\xff\n"
    assert json.loads(format_classes({"ü": 0}, tmp_path / "c.JSON")) == {"ü": 0}
