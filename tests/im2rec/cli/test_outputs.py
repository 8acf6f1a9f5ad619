"""What outputs may be called, and what becomes of them when something goes wrong."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys

import pytest


@pytest.fixture
def listed(work, photos):
    """x.lst of all photographs in the current folder."""
    paths = sorted(path.relative_to(photos).as_posix() for path in photos.rglob("*.jpg"))
    (work / "x.lst").write_text("".join(f"{number}\t{number % 3}\t{path}\n" for number, path in enumerate(paths)))


@pytest.mark.parametrize("name", [".", "..", "/", "", "sub/", "sub/.."])
@pytest.mark.parametrize("command", ["pack", "list"])
def test_a_folder_is_no_name_of_an_output(im2rec, work, photos, command, name):
    (work / "sub").mkdir()
    ran = im2rec(command, photos, "-o", name)
    assert (ran.code, "names a folder, expected a name in it" in ran.err) == (2, True)
    assert os.listdir(work) == ["sub"]


def test_a_prefix_may_end_as_its_file_does(im2rec, work, photos):
    assert im2rec("pack", photos, "-o", "x.rec").code == 0
    assert sorted(os.listdir(work)) == ["x.classes.txt", "x.idx", "x.lst", "x.rec", "x.sum"]


def test_two_outputs_of_one_name_are_refused(im2rec, work, photos):
    ran = im2rec("list", photos, "-o", "x.lst", "--classes", "x.lst")
    assert (ran.code, ran.err) == (3, "im2rec: x.lst: cannot write: two outputs have this name\n")
    assert os.listdir(work) == []


@pytest.mark.parametrize("command", [("index", "x.rec", "-o", "x.rec", "--force"), ("index", "x.idx", "--force")])
def test_an_index_does_not_replace_the_file_it_is_made_from(im2rec, work, golden, command):
    for name in ("x.rec", "x.idx"):
        shutil.copy(golden / "recordio" / "identities.rec", work / name)
    ran = im2rec(*command)
    assert (ran.code, "it is the file that is read" in ran.err) == (3, True)
    assert (work / command[1]).read_bytes() == (golden / "recordio" / "identities.rec").read_bytes()


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs FIFOs")
def test_what_is_no_regular_file_is_not_replaced(im2rec, work, photos):
    os.mkfifo(work / "x.lst")
    ran = im2rec("list", photos, "-o", "x.lst", "--force")
    assert (ran.code, ran.err) == (3, "im2rec: x.lst: cannot write: it is no regular file\n")


def test_a_link_stays_and_what_it_leads_to_is_replaced(im2rec, work, photos):
    (work / "far").mkdir()
    (work / "far" / "real.lst").write_text("old")
    (work / "x.lst").symlink_to(work / "far" / "real.lst")
    assert im2rec("list", photos, "-o", "x.lst", "--force").code == 0
    assert (work / "x.lst").is_symlink()
    assert (work / "far" / "real.lst").read_text().count("\n") == 24


@pytest.mark.parametrize("options", [("--on-error", "abort"), ("--max-rejects", "0")])
def test_what_the_walk_rejects_counts_as_a_reject(im2rec, work, tree, picture, options):
    root = tree({"a.jpg": picture()})
    (root / "b.jpg").symlink_to(root / "nowhere")
    ran = im2rec("pack", root, "-o", "x", *options)
    assert (ran.code, "b.jpg: is a broken link" in ran.err, os.listdir(work)) == (3, True, [])


@pytest.mark.parametrize("form", [("pack", "x.lst", "empty", "--force"), ("x", "empty", "--pass-through"), ("x", "empty")])
def test_a_wrong_root_leaves_the_old_set_as_it_was(im2rec, work, photos, listed, form):
    im2rec("pack", "x.lst", photos)
    before = {path.name: path.read_bytes() for path in work.iterdir()}
    (work / "empty").mkdir()
    ran = im2rec(*form)
    assert (ran.code, "none of 24 images could be packed, so nothing was written" in ran.err) == (3, True)
    assert ran.err.count("does not exist") == 11  # ten of them, and the summary
    (work / "empty").rmdir()
    assert {path.name: path.read_bytes() for path in work.iterdir()} == before


@pytest.mark.parametrize(("encoding", "better"), [("jpg", "30"), ("png", "3")])
def test_zero_is_a_quality(im2rec, work, photos, listed, encoding, better):
    sizes = []
    for quality in ("0", better):
        ran = im2rec("pack", "x.lst", photos, "--encoding", encoding, "--quality", quality, "--force", "--json")
        assert json.loads(ran.out)["images"] == "encoded"
        sizes.append((work / "x.rec").stat().st_size)
    assert (sizes[0] < sizes[1]) == (encoding == "jpg")
    assert sizes[0] != sizes[1]


def content(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


@pytest.mark.parametrize("force", [[], ["--force"]])
@pytest.mark.parametrize(
    ("first", "second", "stands"),
    [
        (["--shards", 3], ["--shards", 2], "x-00000-of-00003.rec and 2 more stand there already"),
        (["--shards", 3], [], "x-00000-of-00003.rec and 2 more stand there already"),
        (["--shards", 3], ["--part", "0/2"], "x-00000-of-00003.rec and 2 more stand there already"),
        (["--part", "1/3"], ["--shards", 2], "x-00001-of-00003.rec stands there already"),
        ([], ["--shards", 2], "x.rec stands there already"),
        ([], ["--shard-size", "1kB"], "x.rec stands there already"),
        (["--shard-size", "1kB"], [], "more stand there already"),
    ],
)
def test_no_set_is_packed_beside_another_of_its_prefix(im2rec, work, photos, listed, force, first, second, stands):
    assert im2rec("pack", "x.lst", photos, *first).code == 0
    before = content(work)
    ran = im2rec("pack", "x.lst", photos, *second, *force)
    assert stands in ran.err
    assert (ran.code, content(work)) == (3, before)


def test_shards_of_a_size_are_replaced_by_force_alone(im2rec, work, photos, listed):
    size = (work / "x.lst").with_suffix(".rec")
    assert im2rec("pack", "x.lst", photos).code == 0
    large, small = size.stat().st_size // 2, size.stat().st_size // 5
    for path in work.glob("x.*"):
        path.suffix == ".lst" or path.unlink()
    assert im2rec("pack", "x.lst", photos, "--shard-size", large).code == 0
    before = content(work)
    ran = im2rec("pack", "x.lst", photos, "--shard-size", small)
    assert (ran.code, content(work)) == (3, before)
    assert "x-00000-of-00003.rec: exists already, with 3 shards in all (--force replaces them)" in ran.err
    again = im2rec("pack", "x.lst", photos, "--shard-size", large, "--force")
    assert (again.code, "remark" in again.err, content(work)) == (0, False, before)
    other = im2rec("pack", "x.lst", photos, "--shard-size", small, "--force")
    assert other.code == 0
    assert "3 shards of an earlier set stand beside this one, such as x-00000-of-00003.rec: remove them" in other.err
    assert before.items() <= content(work).items()


def test_the_parts_of_one_set_stand_beside_each_other(im2rec, photos, listed):
    for part in ("0/3", "1/3", "2/3"):
        ran = im2rec("pack", "x.lst", photos, "--part", part)
        assert (ran.code, "remark" in ran.err) == (0, False)


def test_a_class_map_of_an_earlier_list_is_told_of(im2rec, work, photos):
    assert im2rec("list", photos, "-o", "x").code == im2rec("pack", photos, "-o", "y").code == 0
    for verb, name in (("list", "x"), ("pack", "y")):
        before = (work / f"{name}.classes.txt").read_bytes()
        ran = im2rec(verb, photos, "-o", name, "--labels", "none", "--force")
        assert f"remark: {name}.classes.txt stands there from before" in ran.err
        assert (ran.code, (work / f"{name}.classes.txt").read_bytes()) == (0, before)
        assert "classes.txt" not in im2rec(verb, photos, "-o", name, "--labels", "none", "--force", "-q").err
    assert "from before" not in im2rec("list", photos, "-o", "x", "--force").err
    (work / "z.lst").write_bytes((work / "x.lst").read_bytes().replace(b"\n", b"\n\n", 1))
    assert "y.classes.txt beside it may name other classes" in im2rec("pack", "z.lst", photos, "-o", "y", "--force").err


def test_each_part_of_a_division_has_the_class_map_beside_it(im2rec, work, photos):
    """So that what is packed of a part knows the names of its classes."""
    assert im2rec("list", photos, "-o", "x", "--split", "train=0.5,val=0.5", "--chunks", "2").code == 0
    lists = sorted(path.stem for path in work.glob("x*.lst"))
    assert lists == ["x_0_train", "x_0_val", "x_1_train", "x_1_val"]
    maps = {path.name.removesuffix(".classes.txt"): path.read_bytes() for path in work.glob("*.classes.txt")}
    assert sorted(maps) == ["x", *lists]
    assert len(set(maps.values())) == 1
    assert im2rec("pack", "x_1_val.lst", photos).code == 0
    assert json.loads(im2rec("info", "x_1_val", "--json").out)["class_names"]
    assert im2rec("list", photos, "-o", "y", "--split", "a=1", "--classes", "other.json").code == 0
    assert not list(work.glob("y*.classes.*"))


def test_hidden_folders_that_become_classes_are_told_of(im2rec, work, photos):
    first = next(photos.rglob("*.jpg"))
    (photos / "one" / ".thumbs").mkdir(parents=True)
    (photos / "one" / ".thumbs" / "x.jpg").write_bytes(first.read_bytes())
    ran = im2rec("list", photos, "-o", "x")
    assert "remark: 1 class of hidden folders, such as one/.thumbs" in ran.err
    assert "hidden" not in im2rec("list", photos, "-o", "x", "--force", "-q").err


def test_a_packed_folders_summary_names_every_output(im2rec, work, photos):
    found = json.loads(im2rec("pack", photos, "-o", "x", "--json").out)
    assert sorted(found["outputs"]) == sorted(os.listdir(work))


@pytest.mark.parametrize("closing", [">&-", "2>&-", ">&- 2>&-"])
def test_closed_streams_do_not_turn_success_into_failure(work, photos, closing):
    command = f"exec {sys.executable} -m im2rec pack {photos} -o x --resize 9 --json {closing}"
    assert subprocess.run(["sh", "-c", command], cwd=work, check=False).returncode == 0
    assert (work / "x.rec").exists()


def test_a_list_from_a_closed_stdin_is_refused(work, photos):
    command = f"exec {sys.executable} -m im2rec pack - {photos} -o x <&-"
    done = subprocess.run(["sh", "-c", command], cwd=work, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (3, "im2rec: <stdin>: is closed, expected a list\n")


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
def test_a_full_stdout_is_named(work, photos):
    with open("/dev/full", "w") as full:
        command = [sys.executable, "-m", "im2rec", "list", str(photos)]
        done = subprocess.run(command, cwd=work, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert (done.returncode, done.stderr) == (3, "im2rec: <stdout>: cannot write: No space left on device\n")


def test_a_misspelt_command_is_told_from_a_prefix(im2rec, work, photos, listed):
    ran = im2rec("pakc", photos, "-o", "y")
    assert (ran.code, "no such command: pakc; did you mean 'im2rec pack'?" in ran.err) == (2, True)
    (work / "pakc.lst").write_bytes((work / "x.lst").read_bytes())
    assert im2rec("pakc", photos, "--pass-through").code == 0


def test_a_byte_order_mark_is_passed_over(im2rec, work, photos, listed):
    (work / "y.lst").write_bytes(b"\xef\xbb\xbf" + (work / "x.lst").read_bytes())
    assert im2rec("pack", "y.lst", photos).code == im2rec("pack", "x.lst", photos).code == 0
    assert (work / "y.rec").read_bytes() == (work / "x.rec").read_bytes()


def test_rows_of_labels_that_name_no_image_are_counted(im2rec, work, tree, picture):
    (work / "l.csv").write_text("a.jpg,dog\nb.jpg,cat\nc.jpg,cat\n")
    ran = im2rec("list", tree({"a.jpg": picture()}), "--labels", "l.csv", "-o", "x", "--json")
    assert (json.loads(ran.out)["unused_labels"], "rows of the labels file that name no image: 2" in ran.err) == (2, True)


NO_STREAM_IN = [
    "info -",
    "ls -",
    "cat - 1",
    "verify -",
    "check --for dali -",
    "extract - -o y",
    "relabel - x.lst",
    "relabel x -",
    "append - x.lst",
    "recover -",
    "salvage - -o y",
    "index -",
    "filter x -o y --keys -",
    "list -",
    "pack x.lst - -o y",
    "identities inspect -",
    "identities to-plain - -o y",
    "identities filter - -o y --min-images 1",
    "bin info -",
    "bin extract - -o y",
    "bin convert - -o y",
    "bin pack - -o y",
]
NO_STREAM_OUT = [
    "pack x.lst -o -",
    "relabel x x.lst -o -",
    "index x -o -",
    "salvage x -o -",
    "extract x -o -",
    "list p -o y --classes -",
    "identities build x.lst -o -",
    "identities from-plain x -o -",
    "identities merge x -o -",
    "bin convert x.bin -o -",
    "bin pack x.tsv -o -",
    "bin extract x.bin -o -",
]


@pytest.mark.parametrize(("line", "stream"), [(line, "stdin") for line in NO_STREAM_IN] + [(line, "std") for line in NO_STREAM_OUT])
def test_a_dash_is_refused_where_no_stream_is_read_or_written(im2rec, work, line, stream):
    ran = im2rec(*line.split())
    assert ran.code == 2, ran.err
    assert f"'-' is {stream}" in ran.err
    assert "(one of that name is ./-)" in ran.err or "(a file of that name is ./-)" in ran.err
    assert not list(work.iterdir())


def test_a_file_that_is_called_dash_is_reached_by_its_folder(im2rec, work, photos):
    assert im2rec("pack", photos, "-o", "./-").code == 0
    assert im2rec("info", "./-").code == 0
    assert sorted(path.name for path in work.iterdir()) == ["-.classes.txt", "-.idx", "-.lst", "-.rec", "-.sum"]


def test_a_list_beside_the_set_that_is_another_is_told(im2rec, work, photos):
    assert im2rec("pack", photos, "-o", "x").code == 0
    lines = (work / "x.lst").read_text().splitlines(keepends=True)
    (work / "some.lst").write_text("".join(lines[:5]))
    ran = im2rec("pack", "some.lst", photos, "-o", "x", "--force")
    assert ran.code == 0
    assert (
        "im2rec: remark: x.lst is not the list that the set was packed from, and 'im2rec verify' compares with it; x.classes.txt" in ran.err
    )
    assert im2rec("verify", "x").code == 1
    for words in (["x.lst", photos], ["some.lst", photos, "-o", "y"]):
        assert "is not the list" not in im2rec("pack", *words, "--force").err
    (work / "y.lst").write_text("".join(lines[:5]))  # the same, under another name
    assert "is not the list" not in im2rec("pack", "some.lst", photos, "-o", "y", "--force").err


PACKS = [("pack",), ("pack", "--resize", "9", "--workers", "0"), ("pack", "--shards", "2"), ("identities", "build")]


@pytest.mark.parametrize("suffix", [".rec", ".idx", ".sum"])
@pytest.mark.parametrize("command", PACKS, ids=" ".join)
def test_a_list_is_not_replaced_by_what_is_made_from_it(im2rec, listed, work, photos, command, suffix):
    name = f"b-00000-of-00002{suffix}" if "--shards" in command else f"b{suffix}"
    (work / "x.lst").rename(name)
    before = (work / name).read_bytes()
    ran = im2rec(*command, name, photos, "-o", "b", "--force")
    assert (ran.code, ran.err.splitlines()[-1]) == (3, f"im2rec: {name}: cannot write: it is the file that is read")
    assert {path.name: path.read_bytes() for path in work.iterdir()} == {name: before}


def test_a_labels_file_is_not_replaced_by_what_is_made_from_it(im2rec, work, photos):
    (work / "far.csv").write_text("".join(f"{path.relative_to(photos)},1\n" for path in sorted(photos.rglob("*.jpg"))))
    (work / "x.lst").symlink_to("far.csv")
    before = (work / "far.csv").read_bytes()
    ran = im2rec("pack", photos, "--labels", "far.csv", "-o", "x", "--force")
    assert (ran.code, ran.err.splitlines()[-1]) == (3, "im2rec: x.lst: cannot write: it is the file that is read")
    assert (work / "far.csv").read_bytes() == before
    assert sorted(os.listdir(work)) == ["far.csv", "x.lst"]


@pytest.mark.parametrize("suffix", [".rec", ".idx", ".sum", ".rejects.tsv"])
@pytest.mark.parametrize("command", PACKS, ids=" ".join)
def test_an_image_is_not_replaced_by_what_is_made_from_it(im2rec, listed, work, photos, command, suffix):
    image = photos / (f"c-00001-of-00002{suffix}" if "--shards" in command else f"c{suffix}")
    image.write_bytes((photos / "a" / "00.jpg").read_bytes())
    with (work / "x.lst").open("a") as items:
        items.write(f"99\t1\t{image.name}\n")
    before = image.read_bytes(), os.listdir(photos)
    ran = im2rec(*command, "x.lst", photos, "-o", photos / "c", "--force")
    assert (ran.code, ran.err.splitlines()[-1]) == (3, f"im2rec: {image}: cannot write: it is an image of the list, {image.name}")
    assert (image.read_bytes(), os.listdir(photos)) == before
    assert im2rec(*command, "x.lst", photos, "-o", work / "c", "--force").code == 0


@pytest.mark.parametrize("options", [[], ["--follow-symlinks"]], ids=["confined", "followed"])
def test_an_image_is_known_behind_links(im2rec, listed, work, photos, options):
    """Of a link the file that it leads to, and of an output that is a link what would be replaced."""
    folder = work if options else photos
    (folder / "c.rec").write_bytes((photos / "a" / "00.jpg").read_bytes())
    (photos / "link.jpg").symlink_to(folder / "c.rec")
    (work / "out.rec").symlink_to(folder / "c.rec")
    (work / "x.lst").write_text("0\t1\tlink.jpg\n")
    before = (folder / "c.rec").read_bytes()
    for output in (folder / "c", work / "out"):
        ran = im2rec("pack", "x.lst", photos, "-o", output, "--force", *options)
        assert (ran.code, ran.err) == (3, f"im2rec: {output}.rec: cannot write: it is an image of the list, link.jpg\n")
    assert (folder / "c.rec").read_bytes() == before


def test_a_folder_that_is_packed_keeps_its_images(im2rec, work, photos):
    image = photos / "c.rec"
    image.write_bytes((photos / "a" / "00.jpg").read_bytes())
    ran = im2rec("pack", photos, "--ext", ".rec", "-o", photos / "c", "--force")
    assert (ran.code, ran.err) == (3, f"im2rec: {image}: cannot write: it is an image of the list, c.rec\n")
    assert not (photos / "c.lst").exists()


@pytest.mark.parametrize("options", [[], ["--pass-through"]])
def test_mxnets_form_does_not_replace_an_image_either(im2rec, listed, work, photos, options):
    image = photos / "d.rec"
    image.write_bytes((photos / "a" / "00.jpg").read_bytes())
    before = image.read_bytes()
    (photos / "d.lst").write_text("0\t1\ta/00.jpg\n1\t2\td.rec\n")
    ran = im2rec(photos / "d", photos, *options)
    assert (ran.code, ran.err.splitlines()[-1]) == (3, f"im2rec: {image}: cannot write: it is an image of the list, d.rec")
    assert image.read_bytes() == before
    (photos / "d.lst").write_text("0\t1\ta/00.jpg\n")
    assert im2rec(photos / "d", photos, *options).code == 0


def test_an_image_is_not_replaced_by_its_pairs(im2rec, work, photos):
    (work / "pairs.tsv").write_text("a/00.jpg\tb/01.jpg\t1\n")
    before = (photos / "b" / "01.jpg").read_bytes()
    ran = im2rec("bin", "pack", "pairs.tsv", photos, "-o", photos / "b" / "01.jpg", "--force")
    assert (ran.code, "it is an image of the list, b/01.jpg" in ran.err) == (3, True)
    assert (photos / "b" / "01.jpg").read_bytes() == before
