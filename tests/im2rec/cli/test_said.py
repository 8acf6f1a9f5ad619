"""What commands say besides their results: what was left out, what an interrupted run leaves, names that are odd."""

from __future__ import annotations

import errno
import json
import math
import os
import re
import subprocess
import sys

import pytest

import recordio
from im2rec.cli.main import Terminated, _is_of_stdout
from im2rec.cli.options import print_json
from im2rec.report import Reject, format_rejects, parse_rejects
from recordio.errors import FileError


def test_image_files_with_other_suffixes_are_named(im2rec, photos, work):
    for name in ("a.gif", "b.TIFF", "c.txt"):
        (photos / name).write_bytes(b"x")
    remark = "im2rec: remark: 2 image files have other suffixes (.gif 1, .tiff 1): --ext takes them\n"
    ran = im2rec("pack", photos, "-o", "x")
    assert remark in ran.err
    assert "3 other files ignored" in ran.err
    assert remark in im2rec("list", photos, "-o", "y").err
    for command in ("pack", "list"):
        found = json.loads(im2rec(command, photos, "-o", f"z{command}", "--json").out)
        assert (found["ignored"], found["left_out"]) == (3, {".gif": 1, ".tiff": 1})


@pytest.mark.parametrize("error", [KeyboardInterrupt(), Terminated(15)])
def test_an_interrupted_pack_says_what_it_leaves(im2rec, photos, work, monkeypatch, error):
    from im2rec import shards

    add, calls = shards.ShardWriter.add, []

    def interrupted(self, block):
        calls.append(block)
        if len(calls) > 1:
            raise error
        return add(self, block)

    (work / "x.lst").write_text("".join(f"{n}\t0\ta/00.jpg\n" for n in range(8000)))
    monkeypatch.setattr(shards.ShardWriter, "add", interrupted)
    ran = im2rec("pack", "x.lst", photos)
    assert (ran.code, ran.err) == (130 if isinstance(error, KeyboardInterrupt) else 143, "im2rec: interrupted: nothing was written\n")
    calls.clear()
    ran = im2rec("pack", "x.lst", photos, "--resume")
    assert re.fullmatch(r"im2rec: interrupted: [1-9]\d* images are kept, the same command with --resume goes on\n", ran.err)


@pytest.mark.parametrize("is_noted", [True, False])
def test_a_full_disk_says_what_can_be_gone_on_with_and_leaves_nothing_else(im2rec, photos, work, monkeypatch, is_noted):
    from im2rec import journal, shards

    add, calls = shards.ShardWriter.add, []

    def full(self, *_arguments):
        raise FileError("x.rec", "write", errno.ENOSPC)

    def filling(self, block):
        calls.append(block)
        return add(self, block) if len(calls) == 1 else full(self)

    (work / "x.lst").write_text("".join(f"{n}\t0\ta/00.jpg\n" for n in range(8000)))
    monkeypatch.setattr(shards.ShardWriter, "add", filling)
    if not is_noted:
        monkeypatch.setattr(journal.Journal, "save", full)
    ran = im2rec("pack", "x.lst", photos, "--resume")
    said = "im2rec: x.rec: cannot write: No space left on device"
    if is_noted:
        assert re.fullmatch(said + r" \([1-9]\d* images are kept, the same command with --resume goes on\)\n", ran.err)
    else:
        assert ran.err == f"{said}\n"
    assert (ran.code, bool([path for path in work.iterdir() if path.name.startswith(".")])) == (3, is_noted)
    assert im2rec("pack", "x.lst", photos).code == 3  # as the disk is still full


def test_a_wrong_root_is_named(im2rec, work):
    (work / "x.lst").write_text("1\t0\ta.jpg\n")
    assert im2rec("pack", "x.lst").err.endswith("a.jpg: does not exist (looked in ., the folder of the list; give ROOT)\n")
    assert im2rec("pack", "x.lst", "..").err.endswith("a.jpg: does not exist (looked in ..)\n")


def test_rejects_files_are_utf8_and_carry_any_name():
    rejects = [Reject(1, os.fsdecode(b"\xff\xe9a"), "odd"), Reject(None, "\\xff\té", "not so")]
    data = format_rejects(rejects)
    assert data.decode("utf-8").splitlines()[1] == "1\t\\xff\\xe9a\todd"
    assert parse_rejects(data) == rejects


def test_broken_links_are_called_broken(im2rec, photos, work):
    (photos / "x.jpg").symlink_to("/nowhere/at/all.jpg")
    assert "rejected: x.jpg: is a broken link" in im2rec("pack", photos, "-o", "x").err
    (work / "y.lst").write_text("1\t0\tx.jpg\n2\t0\ta/00.jpg\n")
    assert "rejected: x.jpg: is a broken link" in im2rec("pack", "y.lst", photos).err


def test_control_characters_in_outputs_are_escaped(im2rec, photos, work):
    odd = "a\x1bb"
    for command in (("pack", photos, "-o", odd), ("verify", odd), ("index", odd, "--force"), ("list", photos, "-o", f"c{odd}")):
        ran = im2rec(*command)
        assert ran.code == 0
        assert "\x1b" not in ran.err
        assert "\\x1b" in ran.err


def test_what_is_one_shard_of_several_is_told(im2rec, photos, work):
    im2rec("pack", photos, "-o", "x", "--shards", 2)
    for command in (("salvage", "x", "-o", "y"), ("index", "x")):
        ran = im2rec(*command)
        assert ran.code == 3
        assert "files one by one: x-00000-of-00002.rec, x-00001-of-00002.rec" in ran.err or "index them one by one" in ran.err
    (work / "x-00001-of-00002.idx").unlink()
    assert "'im2rec index x-00001-of-00002.rec' writes it" in im2rec("cat", "x", 3).err


def test_classes_have_their_names_and_order(im2rec, photos, work):
    im2rec("pack", photos, "-o", "x")
    assert ": 0 a (8), 1 b (8), 2 c (8)" in im2rec("info", "x").out
    assert json.loads(im2rec("info", "x", "--json").out)["class_names"] == {"0": "a", "1": "b", "2": "c"}


def test_json_is_valid_whatever_the_numbers_are(capfd):
    print_json({"a": [math.nan, -math.inf], "b": (math.inf, 1.5)})
    assert capfd.readouterr().out == '{"a": ["NaN", "-Infinity"], "b": ["Infinity", 1.5]}\n'


def test_an_error_without_a_name_is_not_always_that_of_stdout(im2rec):
    def body(arguments):
        os.close(-1)

    assert im2rec(body=body).err == "im2rec: cannot go on: Bad file descriptor\n"
    assert not _is_of_stdout(OSError(28, "full"))


def test_modules_are_reached_without_an_import_of_their_own():
    code = "import recordio; print(recordio.verify.verify, recordio.checksum.load, recordio.probe.probe, recordio.imagecheck.check)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout
    assert callable(recordio.salvage)


@pytest.mark.parametrize(
    ("words", "leaves"),
    [
        (["filter", "x", "-o", "y", "--label", "0"], ": outputs are whole, or as they were"),
        (["shuffle", "x", "-o", "y"], ": outputs are whole, or as they were"),
        (["append", "x", "FOLDER"], ": outputs are whole, or as they were"),
        (["identities", "from-plain", "x", "-o", "y"], ": outputs are whole, or as they were"),
        (["extract", "x", "-o", "y"], ": outputs are whole, or as they were"),
        (["info", "x"], ""),
        (["ls", "x"], ""),
    ],
    ids=lambda words: words[0] if words else "",
)
@pytest.mark.parametrize("error", [KeyboardInterrupt, lambda: Terminated(2)], ids=["raised by Python", "raised by the tool"])
def test_every_command_says_that_it_was_interrupted(im2rec, photos, work, monkeypatch, words, leaves, error):
    from recordio import files

    assert im2rec("pack", photos, "-o", "x").code == 0
    before = {path: path.read_bytes() for path in work.iterdir()}

    def interrupted(*arguments):
        raise error()

    monkeypatch.setattr(files.InputFile, "read_at", interrupted)
    ran = im2rec(*[photos if word == "FOLDER" else word for word in words])
    assert (ran.code, ran.out, ran.err) == (130, "", f"im2rec: interrupted{leaves}\n")
    assert {path: path.read_bytes() for path in work.iterdir()} == before


def test_damage_is_told_with_the_commands_that_help(im2rec, photos, work):
    assert im2rec("pack", photos, "-o", "x").code == 0
    data = bytearray((work / "x.rec").read_bytes())
    data[900] ^= 1
    (work / "x.rec").write_bytes(data)
    for words in (["filter", "x", "-o", "y", "--label", "0"], ["extract", "x", "-o", "y"], ["merge", "x", "-o", "y"]):
        ran = im2rec(*words)
        assert (ran.code, len(ran.err.splitlines())) == (3, 1)
        assert re.search(r"x\.rec: offset \d+: key \d+: CRC-32 ", ran.err)
        assert ran.err.endswith("; 'im2rec verify' tells all that is wrong, 'im2rec salvage' saves the rest\n")


def test_an_index_that_cannot_be_read_is_told_with_what_mends_it(im2rec, photos, work):
    assert im2rec("pack", photos, "-o", "x").code == 0
    (work / "x.idx").write_text("no index\n")
    hint = "x.idx:1: b'no index', expected a key, a tab and an offset; 'im2rec index x.rec --force' writes it anew\n"
    for words in (["ls", "x"], ["cat", "x", "1"], ["filter", "x", "-o", "y", "--label", "0"]):
        ran = im2rec(*words)
        assert (ran.code, ran.err) == (3, f"im2rec: {hint}")
    found = json.loads(im2rec("info", "x", "--json").out)
    assert found["records"] == 24
    assert found["beside"][".idx"].startswith("cannot be read: x.idx:1: b'no index'")
    assert im2rec("index", "x.rec", "--force").code == 0
    (work / "x.sum").write_text("no sum\n")
    assert "; 'im2rec verify x.rec --write-sum --force' writes it anew\n" in im2rec("filter", "x", "-o", "y", "--label", "0").err
    im2rec("verify", "x.rec", "--write-sum", "--force")
    assert im2rec("filter", "x", "-o", "y", "--label", "0").code == 0


def test_a_file_of_no_set_is_called_that(im2rec, photos, work):
    (work / "README.md").write_text("hello\n")
    (work / "y.rec").mkdir()
    for words in (["info", "README.md"], ["filter", "README.md", "-o", "z", "--label", "0"], ["append", "README.md", photos]):
        said = "README.md: is no file of a set, expected a prefix, or a .rec, .idx, .sum or .lst"
        assert (im2rec(*words).code, im2rec(*words).err) == (3, f"im2rec: {said}\n")
    assert im2rec("info", "y").err == "im2rec: y.rec: is no file, expected a .rec\n"
    assert im2rec("info", "z").err == "im2rec: z.rec: no such file, nor shards of that prefix\n"


def test_missing_files_are_named_where_they_are_told_in_json(im2rec, photos, work):
    assert im2rec("pack", photos, "-o", "x", "--no-sum").code == 0
    (work / "x.idx").unlink()
    beside = json.loads(im2rec("info", "x", "--json").out)["beside"]
    assert beside[".idx"] == "x.idx is missing; 'im2rec index' writes it"
    assert beside[".sum"] == "x.sum is missing; 'im2rec verify --write-sum' writes it"


def test_a_name_that_the_system_does_not_take_is_told_with_what_was_to_be_done(im2rec, photos, work):
    name = "n" * 300
    assert im2rec("info", name).err == f"im2rec: {name}.rec: cannot be reached: File name too long\n"
    assert im2rec("pack", photos, "-o", "x").code == 0
    assert im2rec("filter", "x", "-o", name, "--label", "0").err == f"im2rec: {name}.rec: cannot write: File name too long\n"
