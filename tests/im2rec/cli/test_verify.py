"""``im2rec verify``: what it says, and that it agrees with the exit code."""

from __future__ import annotations

import json
import shutil

import cv2
import numpy as np
import pytest
from PIL import Image

from im2rec.verification import VerifyOptions, verify_set
from recordio import imagecheck
from recordio.header import pack_header
from recordio.writer import IndexedWriter


@pytest.fixture
def flip(work):
    def change(name, offset):
        data = bytearray((work / name).read_bytes())
        data[offset] ^= 1
        (work / name).write_bytes(data)

    return change


def told(im2rec, *arguments):
    """The exit code, the issues and the summary of verify."""
    ran = im2rec("verify", *arguments, "--json")
    *issues, summary = map(json.loads, ran.out.splitlines())
    return ran.code, [issue["issue"] for issue in issues], summary


def write(path, *records):
    with IndexedWriter(path, checksums=False, force=True) as writer:
        for key, payload in records:
            writer.write(key, payload)


def test_the_summary_tells_what_is_verified_and_what_is_not(im2rec, photos, work, flip):
    im2rec("pack", photos, "-o", "x")
    assert im2rec("verify", "x").err == "x.rec: 24 records, payload verified, no issue\n"
    flip("x.rec", 100)
    ran = im2rec("verify", "x")
    assert ran.code == 1
    assert ran.err.splitlines() == [
        "x.rec: 23 of 24 records intact, payload verified but for 1, 1 issue",
        "im2rec: 'im2rec salvage x.rec -o NEW' saves what is whole",
    ]
    (work / "x.sum").unlink()
    assert im2rec("verify", "x").err == "x.rec: 24 records, payload unverified: no .sum vouches for it, no issue\n"


def test_issues_of_the_list_are_counted_with_the_others(im2rec, photos, work):
    im2rec("pack", photos, "-o", "x")
    with (work / "x.lst").open("a") as lines:
        lines.write("98\t0\tgone.jpg\n99\t0\ttoo.jpg\n")
    ran = im2rec("verify", "x")
    assert (ran.code, ran.err.splitlines()[-1]) == (1, "2 issues in 1 file")
    code, issues, summary = told(im2rec, "x")
    assert (code, len(issues), summary["issues"], summary["list_issues"], summary["issues_shown"]) == (1, 2, 2, 2, 2)
    assert sum(found["issues"] for found in summary["sets"]) + summary["list_issues"] == summary["issues"]


def test_issues_that_are_not_shown_are_counted(im2rec, work):
    write(work / "x.rec", *((n, b"no header") for n in range(12_000)))
    ran = im2rec("verify", "x")
    assert (ran.out.splitlines()[-1], ran.err.splitlines()[-1]) == (
        "x.rec: 11000 more issues",
        "12000 issues in 1 file, 11000 of them not shown",
    )
    _, issues, summary = told(im2rec, "x")
    assert (len(issues), summary["issues"], summary["issues_shown"]) == (10_000, 12_000, 10_000)


def test_a_damaged_sum_is_written_anew_with_force_when_nothing_else_is_wrong(im2rec, photos, work, flip):
    im2rec("pack", photos, "-o", "x")
    flip("x.sum", 40)
    ran = im2rec("verify", "x", "--write-sum")
    assert ran.code == 1
    assert "payload unverified: its .sum is damaged, 1 issue" in ran.err
    assert "im2rec: nothing is wrong but the .sum: with --force, too, it is written anew\n" in ran.err
    ran = im2rec("verify", "x", "--write-sum", "--force")
    assert (ran.code, ran.err.splitlines()[-1]) == (1, "wrote x.sum")
    assert im2rec("verify", "x").code == 0
    flip("x.sum", 40)
    flip("x.idx", 0)
    assert "wrote" not in im2rec("verify", "x", "--write-sum", "--force").err


def test_rejects_of_all_parts_are_read(im2rec, photos, work):
    im2rec("list", photos, "-o", "x")
    lines = (work / "x.lst").read_text().splitlines(keepends=True)
    (work / "x.lst").write_text("".join(lines[:3]) + "98\t0\tgone.jpg\n" + "".join(lines[3:]) + "99\t0\ttoo.jpg\n")
    for part in range(3):
        im2rec("pack", "x.lst", photos, "--part", f"{part}/3")
    assert len(list(work.glob("x-*.rejects.tsv"))) == 2
    assert im2rec("verify", "x").code == 0
    with next(work.glob("x-*.rejects.tsv")).open("a") as lines:
        lines.write(f"{'9' * 10_000}\tx\ty\n{2**64}\tx\ty\n\u0663\tx\ty\n")
    assert im2rec("verify", "x").code == 0


def test_keys_are_compared_across_shards(im2rec, photos, work):
    im2rec("pack", photos, "-o", "x", "--shards", 3, "--no-sum")
    (work / "x.lst").unlink()
    for suffix in (".rec", ".idx"):
        shutil.copy(work / f"x-00000-of-00003{suffix}", work / f"x-00002-of-00003{suffix}")
    _, issues, summary = told(im2rec, "x")
    assert [(issue["file"], issue["reason"]) for issue in issues] == [
        ("x-00002-of-00003.rec", "holds the same records as x-00000-of-00003.rec")
    ]
    twin = int((work / "x-00001-of-00003.idx").read_text().split()[-2])
    write(work / "x-00002-of-00003.rec", (twin, pack_header(0, twin)), (1 << 40, pack_header(1, 1 << 40)))
    code, issues, summary = told(im2rec, "x")
    assert (code, [(issue["key"], issue["reason"]) for issue in issues]) == (1, [(twin, "this key stands in x-00001-of-00003.rec, too")])
    assert summary["list_issues"] == 1


def test_shards_at_either_end_are_missed_unless_one_is_named_itself(im2rec, photos, work):
    im2rec("pack", photos, "-o", "x", "--shards", 3)
    for number in (0, 2):
        (work / f"x-0000{number}-of-00003.rec").unlink()
    (work / "x.lst").unlink()
    _, issues, _ = told(im2rec, "x")
    assert [issue["file"] for issue in issues] == ["x-00000-of-00003.rec", "x-00002-of-00003.rec"]
    for name in ("x-00001-of-00003.rec", "x-00001-of-00003", "x-00001-of-00003.idx"):
        assert im2rec("verify", name).code == 0
    for command in (["info"], ["ls"], ["cat", "--payload"]):
        key = (work / "x-00001-of-00003.idx").read_text().split()[0]
        ran = im2rec(command[0], "x", *([key] if command[0] == "cat" else []), *command[1:])
        assert "im2rec: remark: x-00002-of-00003.rec: this shard of the set is missing\n" in ran.err


def test_a_missing_set_does_not_keep_others_from_being_verified(im2rec, photos, work):
    im2rec("pack", photos, "-o", "x")
    for name in ("x.idx", "x.sum", "x.lst"):
        assert im2rec("verify", name).err == "x.rec: 24 records, payload verified, no issue\n"
    ran = im2rec("verify", "gone", ".", "/", "..", "x")
    assert ran.code == 3
    assert ran.err.splitlines() == [
        "im2rec: gone.rec: no such file, nor shards of that prefix",
        *(f"im2rec: {name}: is a folder, expected the prefix of a set or a .rec" for name in (".", "/", "..")),
        "x.rec: 24 records, payload verified, no issue",
    ]
    assert told(im2rec, "gone", "x")[2]["failed"][0]["set"] == "gone"


@pytest.mark.parametrize("command", ["ls", "info", "index", "salvage"])
@pytest.mark.parametrize("name", [".", "/", ".."])
def test_a_folder_is_no_set(im2rec, work, command, name):
    ran = im2rec(command, name, *(["-o", "new"] if command == "salvage" else []))
    assert (ran.code, "is a folder" in ran.err) == (3, True), ran.err


def claiming(width, height):
    data = bytearray(cv2.imencode(".jpg", np.zeros((8, 8, 3), np.uint8))[1].tobytes())
    at = data.index(b"\xff\xc0") + 5
    data[at : at + 4] = height.to_bytes(2, "big") + width.to_bytes(2, "big")
    return bytes(data)


def test_large_images_are_not_decoded(im2rec, work):
    write(work / "x.rec", (7, pack_header(0, 7) + claiming(30_000, 30_000)))
    code, issues, _ = told(im2rec, "x", "--decode", "--workers", 0)
    assert (code, issues[0]["key"]) == (1, 7)
    assert issues[0]["reason"] == "has 30000 x 30000 pixels, not decoded: more than --max-pixels"


def test_pillows_own_limit_does_not_count(im2rec, work, monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    write(work / "x.rec", (7, pack_header(0, 7) + cv2.imencode(".png", np.zeros((50, 50), np.uint8))[1].tobytes()))
    assert im2rec("verify", "x", "--decode", "--workers", 0).code == 0
    tiff = cv2.imencode(".tiff", np.zeros((50, 50), np.uint8))[1].tobytes()
    assert imagecheck.check(tiff, max_pixels=2500).width == 50
    assert Image.MAX_IMAGE_PIXELS == 100


def test_payloads_without_a_header_are_not_decoded(im2rec, photos, work):
    picture = next(photos.rglob("*.jpg")).read_bytes()
    write(work / "x.rec", (0, b"raw"), (1, picture), (2, pack_header(0, 2) + picture), (3, pack_header(0, 3) + picture[:-50]))
    _, issues, _ = told(im2rec, "x", "--decode", "--no-headers", "--workers", 0)
    assert [(issue["key"], issue["kind"]) for issue in issues] == [(3, "image")]
    _, issues, _ = told(im2rec, "x", "--decode", "--workers", 0)
    assert sorted((issue["key"], issue["kind"]) for issue in issues) == [(0, "header"), (1, "header"), (3, "image")]
    assert im2rec("verify", "x", "--no-headers", "--label-width", 1).code == 2


def test_ordinals_as_keys_are_remarked_beside_a_list(im2rec, photos, work):
    im2rec("pack", photos, "-o", "x")
    im2rec("index", "x", "--keys", "ordinal", "--force")
    ran = im2rec("verify", "x")
    assert (ran.code, ran.err.splitlines()[-1]) == (0, "im2rec: remark: x.rec: keys are ordinals, not the ids of the headers")
    assert "remark" not in im2rec("verify", "x", "--no-list").err


def test_a_list_that_shares_nothing_keeps_a_bounded_number_of_issues(work):
    write(work / "x.rec", *((n, pack_header(0, n)) for n in range(12_000)))
    (work / "x.lst").write_text("99999\t0\tx.jpg\n")
    of_set = list(verify_set(work / "x", VerifyOptions()))[-1]
    assert (of_set.count, len(of_set.issues)) == (12_001, 10_000)
