"""``im2rec salvage``."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from im2rec.cli import salvage


@pytest.fixture
def dataset(im2rec, photos, work):
    """A set of 24 pictures with all its files; returns where its records start."""
    im2rec("pack", photos, "-o", "old", "--no-shuffle", "-q")
    return [int(line.split("\t")[1]) for line in (work / "old.idx").read_text().splitlines()]


def flip(path: str, offset: int) -> None:
    data = bytearray(Path(path).read_bytes())
    data[offset] ^= 1
    Path(path).write_bytes(data)


@pytest.mark.parametrize("given", ["old", "old.rec", "./old"])
@pytest.mark.parametrize("output", ["new", "new.rec"])
def test_a_whole_set_is_saved_whole(im2rec, dataset, work, given, output):
    ran = im2rec("salvage", given, "-o", output)
    size = (work / "old.rec").stat().st_size / 1000
    assert (ran.code, ran.out) == (0, "")
    assert ran.err == f"salvaged 24 records (24 verified), {size:.1f} kB kept, 0 B lost: new.rec\n"
    for suffix in (".rec", ".idx"):
        assert (work / f"new{suffix}").read_bytes() == (work / f"old{suffix}").read_bytes()


def test_damage_is_told_with_its_bytes_and_its_key(im2rec, dataset, work):
    flip("old.rec", dataset[5] + 300)
    ran = im2rec("salvage", "old", "-o", "new")
    said = "its bytes are not those that the .sum vouches for"
    assert ran.code == 1
    assert ran.err.splitlines()[:2] == [
        f"im2rec: old.rec: {dataset[6] - dataset[5]} bytes lost at offset {dataset[5]}: expected the record of key 5: {said}",
        "im2rec: old.rec: lost keys: 5",
    ]
    assert ran.err.splitlines()[2].startswith("salvaged 23 records (23 verified), ")
    assert ran.err.endswith(" lost in 1 place: new.rec\n")
    assert im2rec("verify", "new", "--no-list").code == 0


def test_json_is_the_report_of_the_file(im2rec, dataset, work):
    flip("old.rec", dataset[5])
    ran = im2rec("salvage", "old.rec", "-o", "new", "--json", "-q")
    told = json.loads(ran.out)
    assert ran.code == 1
    assert told.pop("command") == "salvage"
    assert told == json.loads((work / "new.salvage.json").read_text())
    assert (told["records"], told["lost_keys"], told["outputs"]) == (23, [5], ["new.rec", "new.idx", "new.sum", "new.salvage.json"])
    assert told["bytes_kept"] + told["bytes_lost"] == told["size"] == (work / "old.rec").stat().st_size


def test_of_much_damage_some_is_shown_and_the_rest_counted(im2rec, dataset, monkeypatch):
    monkeypatch.setattr(salvage, "_SHOWN", 2)
    for offset in dataset[1::2]:
        flip("old.rec", offset + 100)
    lines = im2rec("salvage", "old", "-o", "new").err.splitlines()
    assert all(" bytes lost at offset " in line for line in lines[:2])
    assert lines[2:4] == ["im2rec: old.rec: and 10 more", "im2rec: old.rec: lost keys: 1, 3 and 10 more"]


def test_unverified_records_are_saved_when_asked_for(im2rec, dataset):
    flip("old.rec", dataset[5] + 300)
    ran = im2rec("salvage", "old", "-o", "new", "--unverified")
    assert ran.code == 1
    assert ran.err.startswith("im2rec: old.rec: saved although the .sum does not list them: keys 5\nsalvaged 24 records (23 verified), ")


def test_sidecars_may_have_other_names(im2rec, dataset):
    os.rename("old.sum", "kept.sum")
    os.rename("old.idx", "kept.idx")
    flip("old.rec", dataset[5] + 300)
    assert im2rec("salvage", "old.rec", "-o", "new", "--sum", "kept.sum", "--idx", "kept.idx").code == 1
    assert "\n5\t" not in Path("new.idx").read_text()
    assert im2rec("salvage", "old.rec", "-o", "new", "--force", "--idx", "kept.idx", "-v").code == 0
    assert Path("new.idx").read_bytes() == Path("kept.idx").read_bytes()


def test_a_damaged_sum_is_told(im2rec, dataset):
    flip("old.sum", 40)
    ran = im2rec("salvage", "old", "-o", "new")
    assert ran.code == 1
    assert ran.err.startswith("im2rec: old.sum: is damaged: ")
    assert "; gone on without it\nsalvaged 24 records (none verified, there is no .sum), " in ran.err


def test_verbose_says_what_cannot_be_seen_and_what_got_numbers(im2rec, work):
    (work / "x.rec").write_bytes(b"\n#\xd7\xce\4\0\0\0abcd")
    assert im2rec("salvage", "x", "-o", "new", "-v").err.splitlines()[:2] == [
        "im2rec: 1 record that nothing names got a new number as key",
        "im2rec: no .sum vouches for payloads, so damage in them cannot be seen",
    ]


def test_keys_that_stand_twice_are_told(im2rec, golden, work):
    (work / "x.rec").write_bytes((golden / "packs/gray.rec").read_bytes() * 2)
    ran = im2rec("salvage", "x", "-o", "new")
    assert ran.code == 0
    assert "im2rec: x.rec: keys that stand twice, and what they are now: 13 -> 17, 8 -> 18, " in ran.err


@pytest.mark.parametrize("sidecar", [True, False])
def test_nothing_saved_is_exit_code_3_and_leaves_nothing(im2rec, dataset, work, sidecar):
    (work / "old.rec").write_bytes(b"garbage")
    if not sidecar:
        os.unlink("old.sum")
    before = sorted(os.listdir(work))
    ran = im2rec("salvage", "old", "-o", "new")
    hint = "; --unverified saves those whose frame is right" if sidecar else ""
    assert ran.code == 3
    assert ran.err.splitlines()[-1] == f"salvaged nothing: 7 B lost{hint}"
    assert sorted(os.listdir(work)) == before


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("none", "-o", "new"), 3, "im2rec: none.rec: no such file, nor shards of that prefix\n"),
        (("none.rec", "-o", "new"), 3, "im2rec: none.rec: no such file\n"),
        (("old", "-o", "old", "--force"), 3, "im2rec: old.rec: cannot write: it is the file that is read\n"),
        (("old", "-o", "no/new"), 3, "im2rec: no/new.rec: cannot write: the folder no does not exist\n"),
        (("old", "-o", "new", "--sum", "none.sum"), 3, "im2rec: none.sum: cannot open: No such file or directory\n"),
        (("old",), 2, "Missing option '-o' / '--output'"),
    ],
)
def test_what_cannot_be_done_is_said_in_a_line(im2rec, dataset, work, arguments, code, said):
    before = {name: (work / name).read_bytes() for name in os.listdir(work)}
    ran = im2rec("salvage", *arguments)
    assert ran.code == code
    assert said in ran.err
    assert {name: (work / name).read_bytes() for name in os.listdir(work)} == before


def test_existing_outputs_are_replaced_only_by_force(im2rec, dataset, work):
    (work / "new.salvage.json").write_text("old")
    ran = im2rec("salvage", "old", "-o", "new")
    assert (ran.code, ran.err) == (3, "im2rec: new.salvage.json: cannot write: it exists already (--force replaces it)\n")
    assert not (work / "new.rec").exists()
    assert im2rec("salvage", "old", "-o", "new", "--force").code == 0


@pytest.mark.parametrize("force", [(), ("--force",)])
def test_a_list_that_stands_beside_the_new_set_is_told_of(im2rec, dataset, work, force):
    (work / "old.lst").rename(work / "new.lst")
    ran = im2rec("salvage", "old", "-o", "new", *force)
    assert ran.code == 0
    assert "im2rec: remark: new.lst was there before the new set, and 'im2rec verify' compares with it\n" in ran.err
    assert (work / "new.lst").exists()
