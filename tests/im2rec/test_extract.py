"""From a set back to a folder: pack, extract, pack gives the same bytes; what cannot be extracted is told."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from im2rec.cli import main
from recordio import IndexedWriter
from recordio.frame import MAGIC_BYTES
from recordio.header import pack_header

LABELS = st.floats(width=32, allow_nan=False, allow_infinity=False)
OBJECTS = st.lists(st.tuples(st.integers(0, 9), st.just(0.25), st.just(0.5), st.just(0.75), st.just(1.0)), min_size=1, max_size=3)
DETECTION = OBJECTS.map(lambda objects: (4.0, 5.0, 640.0, 480.0, *(float(value) for one in objects for value in one)))
IMAGES = st.one_of(
    st.binary(min_size=1, max_size=60),
    st.lists(st.sampled_from([MAGIC_BYTES, b"\xff\xd8\xff\xe0", b"abcd", b"x"]), min_size=1, max_size=9).map(b"".join),
)
SETS = st.lists(
    st.tuples(
        st.integers(0, 2**64 - 1),
        st.one_of(st.tuples(LABELS), st.lists(LABELS, min_size=2, max_size=6).map(tuple), DETECTION),
        IMAGES,
    ),
    min_size=1,
    max_size=12,
    unique_by=lambda record: record[0],
)


def write(prefix: Path, records) -> None:
    """Write records of (id, labels, image) as pack would."""
    with IndexedWriter(prefix.with_suffix(".rec")) as writer:
        for id_, labels, image in records:
            writer.write(id_, pack_header(labels[0] if len(labels) == 1 else labels, id_) + image)


def run(*words: object) -> int:
    return main._body([str(word) for word in words])


@settings(max_examples=60, deadline=None)
@given(SETS, st.sampled_from(["auto", "key"]), st.sampled_from([0, 1]))
def test_what_is_extracted_packs_to_the_same_bytes(records, names: str, workers: int) -> None:
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        write(folder / "x", records)
        assert run("extract", folder / "x", "-o", folder / "out", "--names", names, "-q", "--workers", workers) == 0
        assert run("pack", folder / "out" / "x.lst", "-o", folder / "again", "--no-check", "-q") == 0
        for suffix in (".rec", ".idx"):
            assert (folder / f"again{suffix}").read_bytes() == (folder / f"x{suffix}").read_bytes()
        files = [path for path in (folder / "out").rglob("*") if path.is_file()]
        assert len(files) == len(records) + 1


@pytest.mark.parametrize(("large", "cores", "said"), [(1, 3, "3 workers"), (1, 1, "no workers"), (1 << 40, 3, "no workers")])
def test_large_sets_are_written_by_several_processes(im2rec, work, photos, monkeypatch, large, cores, said) -> None:
    monkeypatch.setattr("im2rec.cli.extract._LARGE", large)
    monkeypatch.setattr("im2rec.processors.processors", lambda: cores)
    assert im2rec("pack", photos, "-o", "x").code == 0
    ran = im2rec("extract", "x", "-o", "out", "-v")
    assert (ran.code, f"extracting with {said}\n" in ran.err) == (0, True)
    assert all(Path("out", path.relative_to(photos)).read_bytes() == path.read_bytes() for path in photos.rglob("*.jpg"))


@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.parametrize("options", [[], ["--resize", 16, "--workers", 0], ["--shards", 3]])
def test_a_packed_folder_comes_back_under_its_names(im2rec, work, photos, workers, options) -> None:
    assert im2rec("pack", photos, "-o", "x", *options).code == 0
    ran = im2rec("extract", "x", "-o", "out", "--json", "--workers", workers)
    report = json.loads(ran.out)
    assert (ran.code, report["records"], report["extracted"], report["renamed"]) == (0, 24, 24, 0)
    assert Path("out/x.lst").read_bytes() == Path("x.lst").read_bytes()
    assert Path("out/x.classes.txt").read_bytes() == Path("x.classes.txt").read_bytes()
    if "--resize" not in options:
        for path in photos.rglob("*.jpg"):
            assert Path("out", path.relative_to(photos)).read_bytes() == path.read_bytes()
    assert im2rec("pack", "out/x.lst", "-o", "again", *(options if "--shards" in options else [])).code == 0
    for path in Path().glob("x*.rec"):
        assert path.read_bytes() == Path(f"again{path.name[1:]}").read_bytes()


def test_without_the_list_folders_are_classes(im2rec, work, photos) -> None:
    im2rec("pack", photos, "-o", "x", "--no-shuffle")
    os.remove("x.lst")
    assert im2rec("extract", "x", "-o", "out").code == 0
    assert sorted(path.name for path in Path("out/b").iterdir()) == [f"{number:08d}.jpg" for number in range(8, 16)]
    os.remove("x.classes.txt")
    assert im2rec("extract", "x.rec", "-o", "other").code == 0
    assert sorted(path.name for path in Path("other").iterdir()) == ["00000000", "00000001", "00000002", "x.lst"]


def test_names_of_a_hostile_list_stay_inside(im2rec, work, picture) -> None:
    paths = ["../up.jpg", "/abs.jpg", "a/../../b.jpg", "con.jpg", "A/x.jpg", "a/X.jpg", "c:\\d.jpg", "x.lst", "wrong.png"]
    write(Path("x"), [(number, (1.0,), picture(seed=number)) for number in range(len(paths))])
    Path("x.lst").write_text("".join(f"{number}\t1\t{path}\n" for number, path in enumerate(paths)))
    before = set(os.listdir(".."))
    ran = im2rec("extract", "x", "-o", "out", "--json")
    report = json.loads(ran.out)
    assert (ran.code, report["extracted"], report["renamed"]) == (0, 9, 8)
    assert set(os.listdir("..")) == before
    assert sorted(os.listdir()) == ["out", "x.idx", "x.lst", "x.rec", "x.sum"]
    found = sorted(str(path.relative_to("out")) for path in Path("out").rglob("*") if path.is_file())
    assert len({name.lower() for name in found}) == 10
    assert "wrong.jpg" in found
    assert im2rec("pack", "out/x.lst", "-o", "again").code == 0
    assert Path("again.rec").read_bytes() == Path("x.rec").read_bytes()


def test_records_without_an_image_are_told_or_passed_over(im2rec, work, golden) -> None:
    for suffix in (".rec", ".idx"):
        shutil.copy(golden / "recordio" / f"identities{suffix}", f"x{suffix}")
    ran = im2rec("extract", "x", "-o", "a", "--json")
    report = json.loads(ran.out)
    assert (ran.code, report["records"], report["extracted"], report["rejected"]) == (1, 11, 7, 4)
    assert "im2rec: rejected: 4 records: no image bytes (ids 8, 9, 10, 0)" in ran.err
    ran = im2rec("extract", "x", "-o", "b", "--images-only", "--json")
    report = json.loads(ran.out)
    assert (ran.code, report["extracted"], report["rejected"], report["passed_over"]) == (0, 7, 0, 4)
    assert len(Path("b/x.lst").read_text().splitlines()) == 7


def test_an_empty_payload_and_one_without_a_header_are_told(im2rec, work, picture) -> None:
    with IndexedWriter("x.rec") as writer:
        writer.write(1, b"")
        writer.write(2, pack_header(1.0, 2) + picture())
        writer.write(3, b"short")
    ran = im2rec("extract", "x", "-o", "out")
    assert ran.code == 1
    assert "im2rec: rejected: 2 records: no image header (offsets 0, " in ran.err
    assert "extracted 1 of 3 records, 2 rejected" in ran.err


def test_ids_that_stand_twice_and_labels_that_are_no_numbers_are_written_and_told(im2rec, work, picture) -> None:
    write(Path("x"), [(5, (1.0,), picture(seed=1)), (5, (1.0,), picture(seed=2)), (6, (float("nan"),), picture(seed=3))])
    ran = im2rec("extract", "x", "-o", "out", "--json")
    report = json.loads(ran.out)
    assert (ran.code, report["extracted"], list(report["unlisted"].values())) == (1, 3, [[5], [6]])
    assert Path("out/00000001/00000005-2.jpg").read_bytes() == picture(seed=2)
    assert Path("out/x.lst").read_text() == "5\t1.000000\t00000001/00000005.jpg\n"


def test_what_no_list_can_say_is_remarked(im2rec, work, picture) -> None:
    with IndexedWriter("x.rec") as writer:
        writer.write(7, pack_header(1.0, 1, 9) + picture())
        writer.write(8, pack_header([1.0], 2) + picture())
    ran = im2rec("extract", "x", "-o", "out")
    assert ran.code == 0
    assert "2 records have an id2 or labels in an unusual form" in ran.err
    assert "the keys of the .idx are not the ids" in ran.err


def test_a_damaged_record_stops_it_and_nothing_is_written(im2rec, work, photos) -> None:
    im2rec("pack", photos, "-o", "x")
    data = bytearray(Path("x.rec").read_bytes())
    data[len(data) // 2] ^= 1
    Path("x.rec").write_bytes(data)
    ran = im2rec("extract", "x", "-o", "out")
    assert ran.code == 3
    assert "CRC-32" in ran.err
    assert len(ran.err.splitlines()) == 1
    assert sorted(os.listdir()) == ["x.classes.txt", "x.idx", "x.lst", "x.rec", "x.sum"]
    assert im2rec("extract", "x", "-o", "out", "--no-verify").code == 0


@pytest.mark.parametrize(
    ("words", "code", "text"),
    [
        (["missing", "-o", "out"], 3, "missing.rec: no such file"),
        (["x"], 2, "Missing option '-o'"),
        (["x", "-o", ""], 2, "an empty name"),
        (["x", "-o", "no/where"], 3, "the folder no does not exist"),
        (["x", "-o", "x.rec"], 3, "x.rec: cannot write: it is no folder"),
        (["x", "-o", "full"], 3, "it holds files already, expected a new or an empty folder"),
        (["x", "-o", "out", "--names", "list"], 3, "x.lst: no such list"),
        (["x", "-o", "out", "--names", "path"], 2, "'path' is not one of"),
        (["x", "-o", "out", "--workers", "-1"], 2, "--workers"),
    ],
)
def test_bad_input_gets_one_clear_error(im2rec, work, picture, words, code, text) -> None:
    write(Path("x"), [(1, (0.0,), picture())])
    Path("full").mkdir()
    Path("full/mine").write_bytes(b"")
    before = sorted(os.listdir())
    ran = im2rec("extract", *words)
    assert ran.code == code
    assert text in ran.err
    assert sorted(os.listdir()) == before


def test_an_empty_folder_is_filled_and_a_killed_runs_folder_goes(im2rec, work, picture) -> None:
    write(Path("x"), [(1, (0.0,), picture())])
    Path("out").mkdir()
    Path(".out.0123abcd.tmp/a").mkdir(parents=True)
    Path(".out.0123abcd.tmp/a/b.jpg").write_bytes(b"half")
    assert im2rec("extract", "x", "-o", "out/").code == 0
    assert sorted(os.listdir()) == ["out", "x.idx", "x.rec", "x.sum"]
    assert Path("out/00000000/00000001.jpg").read_bytes() == picture()


def test_ids_that_have_several_paths_in_the_list_are_named_by_label(im2rec, work, photos) -> None:
    im2rec("list", photos, "-o", "x.lst")
    im2rec("pack", "x.lst", photos)
    lines = Path("x.lst").read_text().splitlines(keepends=True)
    three = next(line for line in lines if line.startswith("3\t"))
    Path("x.lst").write_text("".join([*lines, "3\t0\tother.jpg\n", lines[0]]))  # of the second one, both lines say the same
    ran = im2rec("extract", "x", "-o", "y", "--json")
    report = json.loads(ran.out)
    assert (ran.code, report["extracted"], report["ids_twice_in_list"], report["not_in_list"]) == (0, 24, 1, 1)
    assert "remark: 1 id has several paths in the set's list" in ran.err
    listed = dict(line.rstrip("\n").split("\t")[::2] for line in Path("y/x.lst").read_text().splitlines())
    assert listed["3"] == "a/00000003.jpg"
    assert listed[lines[0].split("\t")[0]] == lines[0].split("\t")[2].rstrip("\n")
    assert (Path("y") / listed["3"]).read_bytes() == (photos / three.split("\t")[2].rstrip("\n")).read_bytes()
    assert im2rec("pack", "y/x.lst", "-o", "again").code == 0
    assert Path("again.rec").read_bytes() == Path("x.rec").read_bytes()
    Path("x.lst").write_text("3\t0\n")
    assert "x.lst:1: 2 fields" in im2rec("extract", "x", "-o", "z").err
