"""Whatever is wrong: one line on stderr that names the file, the exit code of its kind, and nothing left behind."""

from __future__ import annotations

import io
import os
import sys
from types import SimpleNamespace

import pytest

from recordio import frame

STOPPED, USAGE = 3, 2


@pytest.fixture
def refused(im2rec, work):
    """Runs a command that must be refused; the line on stderr."""

    def run(code, *arguments):
        before = sorted(os.listdir(work))
        ran = im2rec(*arguments)
        assert (ran.code, ran.out) == (code, "")
        assert ran.err.startswith("im2rec: ")
        assert ran.err.count("\n") == 1
        assert sorted(os.listdir(work)) == before
        return ran.err

    return run


@pytest.fixture
def lst(work):
    def write(text: str | bytes) -> str:
        (work / "x.lst").write_bytes(text if isinstance(text, bytes) else text.encode())
        return "x.lst"

    return write


LINES = [
    ("1\t0\ta/00.jpg\n2\ta/01.jpg\n", "x.lst:2: 2 fields, expected at least 3"),
    ("1 0 a/00.jpg\n", "x.lst:1: 1 field, expected at least 3"),
    ("1\tcat\ta/00.jpg\n", "x.lst:1: the label 'cat' is no number"),
    ("one\t0\ta/00.jpg\n", "x.lst:1: the id 'one' is no whole number"),
    ("1\t0\ta/00.jpg\n\n1\t0\tb/01.jpg\n", "x.lst:3: the id 1 stands on line 1 already"),
    ("1\tnan\ta/00.jpg\n", "x.lst:1: the label nan is not a finite number"),
    ("1\t0\tinf\ta/00.jpg\n", "x.lst:1: the label inf is not a finite number"),
    ("1\t16777217\ta/00.jpg\n", "x.lst:1: the label 16777217 would be stored as 16777216"),
    ("1\t1e39\ta/00.jpg\n", "x.lst:1: the label 1e+39 is beyond the range of float32"),
    ("-1\t0\ta/00.jpg\n", "x.lst:1: the id -1 is outside 0 to 2**64 - 1"),
    ("18446744073709551616\t0\ta/00.jpg\n", "x.lst:1: the id 18446744073709551616 is outside"),
    ("1\t0\t\n", "x.lst:1: the path is empty"),
    (b"1\t0\tcaf\xe9.jpg\n", "x.lst:1: byte 7 of the line is not UTF-8"),
    ("", "x.lst: an empty list, expected a line for each image"),
    ("\n \n", "x.lst: an empty list, expected a line for each image"),
]


@pytest.mark.parametrize(("text", "said"), LINES)
def test_a_list_that_cannot_be_used_is_named_with_the_line(refused, lst, photos, text, said):
    assert f"im2rec: {said}" in refused(STOPPED, "pack", lst(text), photos)


@pytest.mark.parametrize(("text", "said"), LINES)
def test_a_list_from_stdin_is_named_so(refused, monkeypatch, photos, text, said):
    data = text if isinstance(text, bytes) else text.encode()
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(data)))
    assert f"im2rec: {said.replace('x.lst', '<stdin>')}" in refused(STOPPED, "pack", "-", photos, "-o", "x")


def test_a_missing_list_and_one_that_is_no_file_are_told(refused, photos, work):
    assert refused(STOPPED, "pack", "y.lst", photos) == "im2rec: y.lst: no such list\n"
    assert refused(STOPPED, "pack", "y", photos, "-o", "x") == "im2rec: y: no such list or folder\n"
    (work / "y.rec").write_bytes(frame.encode(b"\0\1"))
    said = "im2rec: y.rec:2: byte 1 of the line is not UTF-8, nor is this text: expected a list, lines of id, label and path\n"
    assert refused(STOPPED, "pack", "y.rec", photos, "-o", "x") == said
    os.mkfifo(work / "pipe")
    assert refused(STOPPED, "pack", "pipe", photos) == "im2rec: pipe: is no file, expected a list\n"


def test_a_name_with_a_line_break_stays_on_one_line(refused):
    assert refused(STOPPED, "pack", "y\n.lst") == "im2rec: y\\n.lst: no such list\n"
    assert refused(STOPPED, "list", os.fsdecode(b"caf\xe9\n")) == "im2rec: caf\\xe9\\n: no such folder\n"


def test_a_missing_root_and_one_that_is_a_file_are_told(refused, lst, photos):
    name = lst("1\t0\ta/00.jpg\n")
    assert refused(STOPPED, "pack", name, "missing") == "im2rec: missing: no such folder (the root of the images)\n"
    assert "is no folder, expected the root" in refused(STOPPED, "pack", name, photos / "a/00.jpg")
    assert refused(STOPPED, "list", "missing") == "im2rec: missing: no such folder\n"
    assert "is no folder, expected a folder of images" in refused(STOPPED, "list", photos / "a/00.jpg")


@pytest.mark.parametrize("command", [("list", "{}"), ("list", "{}", "-o", "x"), ("pack", "{}", "-o", "x")])
def test_a_folder_without_images_is_told(refused, tree, command):
    root = tree(["notes.txt"])
    line = refused(STOPPED, *(word.format(root) for word in command))
    assert line.startswith(f"im2rec: {root}: no images in it: 1 file, none ends in .")


@pytest.mark.parametrize(
    "command", [("list", "{}", "-o", "no/x"), ("pack", "{}", "-o", "no/x"), ("list", "{}", "--classes", "no/x.txt", "-q")]
)
def test_an_output_folder_that_does_not_exist_is_told(im2rec, work, photos, command):
    ran = im2rec(*(word.format(photos) for word in command))
    assert (ran.code, ran.err.count("\n")) == (STOPPED, 1)
    assert "im2rec: no/x" in ran.err
    assert "cannot write: the folder no does not exist" in ran.err
    assert os.listdir(work) == []


@pytest.mark.parametrize("command", [("list", "{}", "-o", "x"), ("pack", "{}", "-o", "x"), ("pack", "{}", "-o", "x", "--resize", "9")])
def test_an_output_folder_that_cannot_be_written_is_told(refused, photos, monkeypatch, command):
    open_ = os.open

    def refuse(path, flags, *others, **options):
        if flags & os.O_CREAT:
            raise PermissionError(13, "Permission denied")
        return open_(path, flags, *others, **options)

    monkeypatch.setattr(os, "open", refuse)
    assert refused(STOPPED, *(word.format(photos) for word in command)) == "im2rec: x.lst: cannot write: Permission denied\n"


def test_a_locked_output_folder_is_told(im2rec, work, photos, as_user):
    (work / "locked").mkdir(mode=0o500)
    ran = im2rec("pack", photos, "-o", "locked/x")
    assert (ran.code, ran.err) == (STOPPED, "im2rec: locked/x.lst: cannot write: Permission denied\n")


@pytest.mark.parametrize("name", ["x.lst", "x.rec", "x.idx", "x.classes.txt"])
def test_any_output_that_exists_is_left_alone(refused, photos, work, name):
    (work / name).write_text("old")
    line = refused(STOPPED, "pack", photos, "-o", "x")
    assert line.startswith(f"im2rec: {name}: cannot write: it exists already (--force")
    assert (work / name).read_text() == "old"


def test_an_output_that_is_a_folder_is_told_even_by_force(refused, photos, work):
    (work / "x.rec").mkdir()
    assert "x.rec: cannot write: it is a folder" in refused(STOPPED, "pack", photos, "-o", "x", "--force")


@pytest.mark.parametrize("step", ["fsync", "replace"])
def test_a_commit_that_fails_is_told_and_leaves_nothing(refused, photos, lst, monkeypatch, step):
    name = lst("1\t0\ta/00.jpg\n")

    def fail(*_):
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(os, step, fail)
    assert "x.rec: cannot " in (line := refused(STOPPED, "pack", name, photos))
    assert "Input/output error" in line


@pytest.mark.parametrize(("row", "said"), [("4.png,nan", ":1: the label nan"), ("4.png", ":1: '4.png' has no label")])
def test_labels_that_cannot_be_used_are_named_with_the_line(refused, work, tree, row, said):
    (work / "l.csv").write_text(f"{row}\n")
    root = tree(["4.png"])
    for command in (("list", root), ("pack", root, "-o", "x")):
        assert f"im2rec: l.csv{said}" in refused(STOPPED, *command, "--labels", "l.csv")
    assert "im2rec: y.csv: cannot be read" in refused(STOPPED, "list", root, "--labels", "y.csv")


def test_labels_that_float32_rounds_are_refused_where_they_are_packed(refused, work, photos):
    (work / "l.csv").write_text("a/00.jpg,16777217\n")
    line = refused(STOPPED, "pack", photos, "-o", "x", "--labels", "l.csv")
    assert "l.csv:1: the label 16777217 would be stored as 16777216 in float32 (--allow-rounding accepts that)" in line


def test_too_few_labels_are_told_with_the_item(refused, lst, photos):
    name = lst("1\t0\t1\ta/00.jpg\n2\t0\tb/01.jpg\n")
    line = refused(STOPPED, "pack", name, photos, "--label-width", "2")
    assert line == "im2rec: x.lst: item 2 (id 2) has 1 labels, expected 2\n"


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--shards", "3"), "1 image cannot be divided into 3 parts"),
        (("--shards", "1", "--shard-size", "1G"), "exclude each other"),
        (("--shard-size", "much"), "size 'much', expected"),
        (("--part", "3/3"), "part '3/3', expected I/N"),
        (("--resize", "8", "--max-side", "9"), "--resize and --max-side exclude each other"),
        (("--workers", "0", "--image-timeout", "1"), "--image-timeout needs --workers"),
    ],
)
def test_options_that_cannot_be_carried_out_exit_with_2(refused, lst, photos, options, said):
    assert said in refused(USAGE, "pack", lst("1\t0\ta/00.jpg\n"), photos, *options)


@pytest.mark.parametrize(
    "options",
    [
        ("--pass-through", "--resize", "8"),
        ("--label-width", "0"),
        ("--label-width", "many"),
        ("--shuffle",),
        ("--labels", "top"),
        ("--resize", "0"),
        ("--quality", "101"),
        ("--encoding", "png", "--quality", "10"),
        ("--color", "cmyk"),
    ],
)
def test_options_that_click_or_pack_refuses_exit_with_2(im2rec, lst, photos, work, options):
    ran = im2rec("pack", lst("1\t0\ta/00.jpg\n"), photos, *options)
    assert (ran.code, ran.out, "Error: " in ran.err) == (USAGE, "", True)
    assert os.listdir(work) == ["x.lst"]


@pytest.mark.parametrize("arguments", [("-", "{}"), ("-", "-o", "x"), ("{}",), ("{}", "{}", "-o", "x")])
def test_a_folder_or_a_stream_without_what_it_needs_exits_with_2(im2rec, work, photos, arguments):
    ran = im2rec("pack", *(word.format(photos) for word in arguments))
    assert (ran.code, "Error: " in ran.err) == (USAGE, True)


def test_a_list_in_which_every_path_escapes_writes_nothing_and_exits_with_3(im2rec, lst, photos, work, records):
    ran = im2rec("pack", lst("1\t0\t../x.jpg\n2\t0\t/etc/passwd\n3\t0\ta/../../x.jpg\n"), photos)
    assert ran.code == 3
    assert ran.err.count("rejected: ") == 3
    assert "none of 3 images could be packed, so nothing was written" in ran.err
    assert not list(work.glob("*.rec"))
