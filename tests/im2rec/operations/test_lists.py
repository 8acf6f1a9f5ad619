"""The list goes with the records: whatever becomes of keys, ids and labels, ``verify`` finds that list and records agree."""

from __future__ import annotations

from pathlib import Path

import pytest
from datasets import IMAGE, MAGIC, write_set

from im2rec import listfile
from recordio.header import pack_header, unpack
from recordio.reader import Reader

BOX = (0.1, 0.2, 0.5, 0.75)


def write_listed(rec: Path, items, image=IMAGE, **options: bool) -> None:
    """A set with its list; items are (id, labels, path)."""
    records = [(id_, pack_header(labels[0] if len(labels) == 1 else list(labels), id_) + image) for id_, labels, _ in items]
    write_set(rec, records, **options)
    lines = ["\t".join([str(id_), *map(listfile.format_label, labels), path]) for id_, labels, path in items]
    rec.with_suffix(".lst").write_text("".join(f"{line}\n" for line in lines))


def items_of(name: str, ids, labels=lambda n: (float(n % 3),)):
    return [(id_, labels(n), f"{name}/{id_}.jpg") for n, id_ in enumerate(ids)]


def agrees(im2rec, prefix: str, paths) -> None:
    """The list has these paths in the order of the records, and is as the headers are."""
    found = [listfile.parse_line(line) for line in Path(f"{prefix}.lst").read_text().splitlines()]
    assert [item.path for item in found] == list(paths)
    with Reader(f"{prefix}.rec") as reader:
        headers = [unpack(payload)[0] for payload in reader]
    assert [item.id for item in found] == [header.id for header in headers]
    ran = im2rec("verify", prefix)
    assert (ran.code, ran.out) == (0, "")


def paths(*names_and_ids):
    return [f"{name}/{id_}.jpg" for name, ids in names_and_ids for id_ in ids]


CHANGES = [
    ["--label-offset", "5"],
    ["--key-offset", "100"],
    ["--keys", "number"],
    ["--keys", "shift", "--label-offset", "7"],
    ["--key-offset", "3", "--label-offset", "1"],
    [],
]


@pytest.mark.parametrize("options", CHANGES, ids=" ".join)
@pytest.mark.parametrize("image", [IMAGE, b"", MAGIC * 3])
def test_a_merge_of_one_set_leaves_a_list_of_the_new_ids_and_labels(im2rec, work, options, image):
    ids = [3, 4, 9, 1 << 40, 5]
    write_listed(work / "a.rec", items_of("a", ids), image)
    assert im2rec("merge", "a", "-o", "m", *options).code == 0
    agrees(im2rec, "m", paths(("a", ids)))


@pytest.mark.parametrize(
    "options",
    [
        ["--keys", "shift"],
        ["--keys", "number", "--labels", "shift"],
        ["--key-offset", "0,50", "--label-offset", "0,0"],
        ["--keys", "shift", "--label-offset", "2,0", "--shards", "3"],
        ["--keys", "shift", "--no-sum"],
    ],
    ids=" ".join,
)
def test_a_merge_of_several_sets_keeps_the_paths_of_each(im2rec, work, options):
    write_listed(work / "a.rec", items_of("a", range(20)))
    write_listed(work / "b.rec", items_of("b", range(7, 30)))
    done = im2rec("merge", "a", "b", "-o", "m", *options)
    assert done.code == 0, done.err
    if "--shards" in options:
        assert im2rec("merge", "m", "-o", "n").code == 0
        assert im2rec("verify", "m").code == 0
    agrees(im2rec, "n" if "--shards" in options else "m", paths(("a", range(20)), ("b", range(7, 30))))


def test_records_of_two_sets_with_one_key_keep_the_lines_of_their_own_sets(im2rec, work):
    write_listed(work / "a.rec", items_of("a", [1, 2]))
    write_listed(work / "b.rec", items_of("b", [2, 3]))
    assert im2rec("merge", "a", "b", "-o", "m", "--duplicates").code == 0
    assert (work / "m.lst").read_text() == (work / "a.lst").read_text() + (work / "b.lst").read_text()


def test_classes_that_are_joined_by_name_are_those_of_the_list_too(im2rec, work):
    write_listed(work / "a.rec", items_of("a", range(6), lambda n: (float(n % 2),)))
    write_listed(work / "b.rec", items_of("b", range(6, 12), lambda n: (float(n % 2),)))
    (work / "a.classes.txt").write_text("0\tcat\n1\tdog\n")
    (work / "b.classes.txt").write_text("0\tdog\n1\towl\n")
    assert im2rec("merge", "a", "b", "-o", "m").code == 0
    agrees(im2rec, "m", paths(("a", range(6)), ("b", range(6, 12))))
    assert {line.split("\t")[1] for line in (work / "m.lst").read_text().splitlines()[6:]} == {"1.000000", "2.000000"}


def test_the_classes_of_objects_change_in_the_list_as_in_the_records(im2rec, work):
    detection = items_of("a", range(4), lambda n: (2.0, 5.0, float(n), *BOX, 1.0, *BOX))
    write_listed(work / "a.rec", detection)
    assert im2rec("merge", "a", "-o", "m", "--label-offset", "5").code == 0
    agrees(im2rec, "m", paths(("a", range(4))))
    assert (work / "m.lst").read_text().splitlines()[3].split("\t")[3] == "8.000000"


def test_labels_that_are_no_whole_numbers_are_in_the_list_what_float32_makes_of_them(im2rec, work):
    values = [0.1, 0.7, 1e-7, 123.456]
    write_listed(work / "a.rec", items_of("a", range(4), lambda n: (values[n],)))
    assert im2rec("merge", "a", "-o", "m", "--label-offset", "5").code == 0
    agrees(im2rec, "m", paths(("a", range(4))))


def test_a_list_that_cannot_be_kept_is_remarked(im2rec, work):
    write_listed(work / "a.rec", items_of("a", range(3)))
    write_set(work / "b.rec", [(9, pack_header(0.0, 9) + IMAGE)])
    ran = im2rec("merge", "a", "b", "-o", "m")
    assert (ran.code, (work / "m.lst").exists()) == (0, False)
    assert "no list is written, for b has none" in ran.err
    assert "list" not in im2rec("merge", "a", "b", "-o", "-", "-q").err


def test_a_line_with_a_label_of_no_class_keeps_it_and_is_remarked(im2rec, work):
    write_listed(work / "a.rec", items_of("a", range(3)))
    (work / "a.classes.txt").write_text("0\tcat\n1\tdog\n2\towl\n")
    lines = (work / "a.lst").read_text().splitlines(keepends=True)
    (work / "a.lst").write_text("".join([lines[0].replace("0.000000", "77"), *lines[1:]]))
    write_listed(work / "b.rec", items_of("b", range(3, 6)))
    (work / "b.classes.txt").write_text("0\tdog\n1\tcat\n2\towl\n")
    ran = im2rec("merge", "b", "a", "-o", "m")
    assert (ran.code, "a.lst has 1 line with labels that no class has: it keeps its labels" in ran.err) == (0, True)
    assert "0\t77\ta/0.jpg" in (work / "m.lst").read_text().splitlines()


@pytest.fixture
def numbered(im2rec, work):
    """A set with ids from 100 on, and an index of ordinals."""

    def make(**options: bool) -> None:
        write_listed(work / "a.rec", items_of("a", range(100, 140)), IMAGE * 20_000, **options)
        assert im2rec("index", "a.rec", "--keys", "ordinal", "--force").code == 0

    return make


@pytest.mark.parametrize("options", [[], ["--no-sum"], ["--shard-size", "1MB"], ["--invert"]])
def test_lines_go_by_the_ids_of_the_records_and_not_by_ordinals(im2rec, numbered, work, options):
    numbered()
    assert im2rec("filter", "a", "-o", "b", "--key", "5-9", *options).code == 0
    kept = [*range(100, 105), *range(110, 140)] if options == ["--invert"] else range(105, 110)
    assert [line.split("\t")[0] for line in (work / "b.lst").read_text().splitlines()] == [str(id_) for id_ in kept]
    assert "b.lst" not in im2rec("verify", "b").out


def test_ordinals_for_keys_keep_the_lines(im2rec, work):
    write_listed(work / "a.rec", items_of("a", range(100, 140)))
    assert im2rec("filter", "a", "-o", "b", "--ordinals", "--key", "5-9").code == 0
    assert im2rec("dedupe", "a", "-o", "c", "--ordinals", "--same", "payload").code == 0
    assert (work / "b.lst").read_text() == "".join((work / "a.lst").read_text().splitlines(keepends=True)[5:10])
    assert (work / "c.lst").read_text() == (work / "a.lst").read_text()
    assert ".lst" not in im2rec("verify", "b", "c").out


@pytest.mark.parametrize("command", [["shuffle"], ["compact"], ["compact", "--order", "key"], ["split", "--ratio", "x=1"]])
def test_other_commands_choose_by_ids_too(im2rec, numbered, work, command):
    numbered()
    assert im2rec(command[0], "a", "-o", "b", *command[1:]).code == 0
    name = "b_x" if command[0] == "split" else "b"
    with Reader(f"{name}.rec") as reader:
        ids = [unpack(payload)[0].id for payload in reader]
    assert [line.split("\t")[0] for line in (work / f"{name}.lst").read_text().splitlines()] == list(map(str, ids))


def test_ids_are_read_from_records_in_parts_and_of_none(im2rec, work):
    magic = 0xCED7230A
    ids = [magic, 7, magic << 32, 8]
    write_listed(work / "a.rec", items_of("a", ids), MAGIC + IMAGE * 20_000)
    write_set(work / "b.rec", [(3, b"short"), (4, pack_header(1.0, 4) + IMAGE * 100_000)])
    (work / "b.lst").write_text("3\t0\tb/3.jpg\n4\t1\tb/4.jpg\n0\t0\tb/0.jpg\n")
    for name in ("a", "b"):
        whole = im2rec("merge", name, "-o", f"{name}1")
        copied = im2rec("merge", name, "-o", f"{name}2", "--no-sum")
        assert whole.code == copied.code == 0
        assert (work / f"{name}1.lst").read_text() == (work / f"{name}2.lst").read_text()
    assert (work / "a1.lst").read_text() == (work / "a.lst").read_text()
    assert (work / "b1.lst").read_text() == "4\t1\tb/4.jpg\n"
