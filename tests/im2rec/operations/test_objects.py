"""Records of object detection, whose classes stand behind a header of widths."""

from __future__ import annotations

import pytest
from datasets import IMAGE, read_set, write_set

from recordio.header import pack_header

BOX = (0.1, 0.2, 0.5, 0.75)
CLASSES = [(0,), (2,), (3, 0), (5, 7), (2, 2), (0, 1, 7)]  # 2 and 5 are the widths of the header, too


def write(rec, width: int = 5) -> list[tuple[int, bytes]]:
    boxes = [[value for class_ in classes for value in (class_, *BOX, *[0.5] * (width - 5))] for classes in CLASSES]
    records = [(key, pack_header([2, width, *each], key) + IMAGE) for key, each in enumerate(boxes)]
    write_set(rec, records)
    return records


@pytest.mark.parametrize("width", [5, 6])
@pytest.mark.parametrize(("wanted", "among"), [("0", {0}), ("2", {2}), ("5-9", {5, 6, 7, 8, 9}), ("1,3", {1, 3}), ("4", {4})])
def test_a_filter_by_label_keeps_images_with_an_object_of_the_class(im2rec, work, wanted, among, width):
    records = write(work / "a.rec", width)
    kept = [record for record, classes in zip(records, CLASSES, strict=True) if among & set(classes)]
    assert im2rec("filter", "a", "-o", "b", "--label", wanted).code == (0 if kept else 3)
    assert (read_set(work / "b.rec") if kept else list(work.glob("b.*"))) == kept
    assert im2rec("filter", "a", "-o", "c", "--label", wanted, "--invert").code == 0
    assert sorted(kept + read_set(work / "c.rec")) == records


@pytest.mark.parametrize("options", [["--by-label"], ["--ratio", "x=0.5,y=0.5", "--stratify"]])
def test_a_split_by_labels_that_are_none_is_refused(im2rec, work, options):
    write(work / "a.rec")
    ran = im2rec("split", "a", "-o", "s", *options)
    assert ran.code == 3
    assert "a.rec: the record of key 0 has objects, as object detection has them, and no label to divide by" in ran.err
    assert not list(work.glob("s*"))
    assert im2rec("split", "a", "-o", "s", "--ratio", "x=0.5,y=0.5").code == 0


def test_other_records_with_many_labels_go_by_their_first(im2rec, work):
    records = [(key, pack_header([2 + key % 2, 5, 1, 0.9, 0.2, 0.5, 0.75], key) + IMAGE) for key in range(6)]  # no box: left > right
    write_set(work / "a.rec", records)
    assert im2rec("filter", "a", "-o", "b", "--label", "2").code == 0
    assert read_set(work / "b.rec") == records[::2]
    assert im2rec("split", "a", "-o", "s", "--by-label").code == 0
    assert read_set(work / "s_3.rec") == records[1::2]
