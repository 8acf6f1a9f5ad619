"""``im2rec check``: what was seen of MXNet 1.9.1 and DALI 2.4 when they read such files."""

from __future__ import annotations

import json
import re
import shlex
import shutil

import click
import pytest

from im2rec.cli import commands
from recordio.header import pack_header
from recordio.writer import IndexedWriter

MULTI_LABEL = "which only image classification with multi_label=1 takes"
READERS = ("sagemaker", "dali", "mxnet", "insightface")


@pytest.fixture
def check(im2rec):
    def run(given, *readers):
        words = [word for reader in readers for word in ("--for", reader)]
        ran = im2rec("check", *words, given, "--json")
        told = json.loads(ran.out)
        assert ran.code == (0 if told["ok"] else 1)
        for stumbles in told["readers"].values():
            for stumble in stumbles:
                remedies_exist(stumble["remedy"])
        return {reader: [stumble["reason"] for stumble in stumbles] for reader, stumbles in told["readers"].items()}

    return run


def remedies_exist(remedy):
    """Each command and option that is named exists."""
    for words in re.findall(r"'im2rec ([^']+)'", remedy):
        command: click.Command | None = commands.cli
        for word in words.split():
            if isinstance(command, click.Group):
                command = command.get_command(click.Context(command), word)
                assert command is not None, words
            elif word.startswith("-"):
                known = {flag for option in command.params for flag in (*option.opts, *option.secondary_opts)}
                assert word.partition("=")[0] in known, words


def write(name, labels, image):
    with IndexedWriter(f"{name}.rec") as writer:
        for number, label in enumerate(labels):
            writer.write(number, pack_header(label, number) + image)


def test_a_plain_pack_from_label_0_suits_all_but_the_old_face_loaders(im2rec, check, photos, work):
    im2rec("pack", photos, "-o", "x", "--resize", 32, "--center-crop")
    assert check("x", *READERS) == {"sagemaker": [], "dali": [], "mxnet": [], "insightface": ["is missing, old loaders read it"]}
    ran = im2rec("check", "--for", "dali", "x")
    assert (ran.code, ran.out) == (0, "dali: x: nothing to stumble over\n")
    assert "readers  sagemaker reads it, dali reads it, mxnet reads it, insightface stumbles" in im2rec("info", "x").out
    assert json.loads(im2rec("info", "x", "--json").out)["readers"]["dali"] == []


def test_an_identity_file_suits_insightface_and_after_what_is_said_the_others(im2rec, check, golden, work):
    for suffix in (".rec", ".idx"):
        shutil.copy(golden / f"recordio/identities{suffix}", work / f"x{suffix}")
    (work / "property").write_text("3,112,112\n")
    found = check("x", *READERS)
    assert len(found["insightface"]) == 1
    assert found["insightface"][0].startswith("6 records (the first: key 2) with an image that is not 90x120")
    assert [reason.split(" without an image")[0] for reason in found["dali"]] == ["4 records (the first: key 8)"]
    assert "of identities without an image" in found["mxnet"][0]
    assert "of identities without an image" in found["sagemaker"][0]
    im2rec("identities", "to-plain", "x", "-o", "plain")
    assert check("plain", "sagemaker", "dali", "mxnet") == {"sagemaker": [], "dali": [], "mxnet": []}
    assert im2rec("index", "x.rec", "--images-only", "--force").code == 0
    assert check("x", "dali") == {"dali": []}


def test_shards_need_one_index_for_dali_and_one_file_for_the_others(im2rec, check, photos, work):
    im2rec("pack", photos, "-o", "x", "--shards", 3)
    found = check("x", *READERS)
    assert found["dali"] == ["is missing: DALI takes exactly one index for all 3 files"]
    assert found["sagemaker"] == ["3 files, a channel takes one .rec"]
    assert found["mxnet"] == ["3 files, ImageRecordIter takes one"]
    assert found["insightface"] == ["3 files, a loader takes one"]
    recs = sorted(work.glob("*.rec"))
    assert im2rec("index", *recs, "--combine", "-o", "x.idx").code == 0
    assert check("x", "dali") == {"dali": []}
    recs[1].unlink()
    assert "this shard of the set is missing" in check("x", "mxnet")["mxnet"]


@pytest.mark.parametrize(
    ("labels", "said"),
    [
        ([1.0, 2.0], "2 different labels from 1 to 2, expected 0 to 1"),
        ([0.0, 2.0], "2 different labels from 0 to 2, expected 0 to 1"),
        ([0.0, 0.5], "1 record (key 1) with a label that is no whole number from 0"),
        ([0.0, -1.0, -2.0], "2 records (the first: key 1) with a label that is no whole number from 0"),
        ([0.0, float("nan")], "1 record (key 1) with a label that is no whole number from 0"),
        (
            [[0.0, 1.0], [1.0, 0.0]],
            "2 records (the first: key 0) with several labels, " + MULTI_LABEL,
        ),
    ],
)
def test_labels_that_sagemaker_does_not_take(check, picture, work, labels, said):
    write("x", labels, picture())
    assert check("x", "sagemaker") == {"sagemaker": [said]}
    assert check("x", "dali", "mxnet") == {"dali": [], "mxnet": []}


def test_detection_may_have_any_number_of_objects(check, picture, work):
    box = [0.0, 0.1, 0.2, 0.5, 0.6]
    write("x", [[2.0, 5.0, *box], [2.0, 5.0, *box, *box]], picture())
    assert check("x", "sagemaker", "mxnet") == {"sagemaker": [], "mxnet": []}


def objects(*classes):
    return [2.0, 5.0, *(value for class_ in classes for value in (float(class_), 0.1, 0.2, 0.5, 0.6))]


@pytest.mark.parametrize(
    ("labels", "said"),
    [
        ([objects(5), objects(5, 7)], "2 different classes of objects from 5 to 7, expected 0 to 1"),
        ([objects(1), objects(2)], "2 different classes of objects from 1 to 2, expected 0 to 1"),
        ([objects(0), objects(0, 0.5)], "1 record (key 1) with a label that is no whole number from 0"),
        ([objects(0), objects(-1)], "1 record (key 1) with a label that is no whole number from 0"),
    ],
)
def test_classes_of_objects_that_sagemaker_does_not_take(check, picture, work, labels, said):
    write("x", labels, picture())
    assert check("x", "sagemaker", "dali", "mxnet") == {"sagemaker": [said], "dali": [], "mxnet": []}


def remedy(im2rec, set_, reader):
    """The command that is said to mend a set."""
    told = json.loads(im2rec("check", "--for", reader, set_, "--json").out)
    words = re.findall(r"'im2rec (.+?)' (?:gives|makes|writes|leaves|names)", told["readers"][reader][-1]["remedy"])
    return shlex.split(words[-1])


@pytest.mark.parametrize("labels", [[3.0, 4.0], [objects(5), objects(6, 5)]])
def test_labels_that_start_late_are_mended_by_the_command_that_is_printed(im2rec, check, picture, work, labels):
    write("my set", labels, picture())
    words = remedy(im2rec, "my set", "sagemaker")
    words[words.index("...")] = "new"
    assert im2rec(*words).code == 0
    assert check("new", "sagemaker") == {"sagemaker": []}


def test_other_labels_come_from_a_list_by_the_command_that_is_printed(im2rec, check, picture, work):
    write("x", [0.0, 2.0], picture())
    (work / "new.lst").write_text("0\t0\ta.jpg\n1\t1\tb.jpg\n")
    words = remedy(im2rec, "x", "sagemaker")
    words[words.index("LIST")] = "new.lst"
    assert im2rec(*words).code == 0
    assert check("x", "sagemaker") == {"sagemaker": []}


@pytest.mark.parametrize("indexed", [True, False])
def test_an_index_without_empty_records_is_made_by_the_command_that_is_printed(im2rec, check, picture, work, indexed):
    with IndexedWriter("x.rec") as writer:
        for key, image in enumerate([picture(), b"", picture()]):
            writer.write(key, pack_header(0.0, key) + image)
    if not indexed:
        (work / "x.idx").unlink()
    words = remedy(im2rec, "x", "dali")
    assert "--images-only" in words
    assert im2rec(*words).code == 0
    assert check("x", "dali") == {"dali": []}


def test_images_of_no_known_format_are_left_out_by_the_command_that_is_printed(im2rec, check, picture, work):
    with IndexedWriter("x.rec") as writer:
        for key, image in enumerate([picture(), b"no image", picture(suffix=".png")]):
            writer.write(key, pack_header(0.0, key) + image)
    words = remedy(im2rec, "x", "mxnet")
    assert words[0] == "filter"
    words[words.index("...")] = "new"
    assert im2rec(*words).code == 0
    assert json.loads(im2rec("info", "new", "--json").out)["records"] == 2
    assert check("new", "mxnet") == {"mxnet": []}


def test_different_numbers_of_labels_stop_mxnet_and_not_dali(check, picture, work):
    write("x", [1.0, [1.0, 2.0, 3.0]], picture())
    found = check("x", "mxnet", "dali")
    assert found == {
        "mxnet": ["images have different numbers of labels (1 with 1, 1 with 3): ImageRecordIter takes one label_width"],
        "dali": [],
    }


def test_formats_are_those_that_the_readers_decode(check, picture, work):
    from io import BytesIO

    from PIL import Image

    gif = BytesIO()
    Image.new("RGB", (8, 8)).save(gif, "GIF")
    takes = {
        ".jpg": {"sagemaker", "dali", "mxnet"},
        ".png": {"sagemaker", "dali", "mxnet"},
        ".webp": {"dali"},
        ".bmp": {"dali", "mxnet"},
        ".tiff": {"dali", "mxnet"},
        ".gif": set(),
    }
    for suffix, wanted in takes.items():
        write("x" + suffix[1:], [0.0], gif.getvalue() if suffix == ".gif" else picture(suffix=suffix))
        found = check("x" + suffix[1:], "sagemaker", "dali", "mxnet")
        assert {reader for reader, reasons in found.items() if not reasons} == wanted, suffix


def test_records_without_an_image_or_a_whole_one_or_a_header(check, picture, work):
    image = picture()
    with IndexedWriter("x.rec") as writer:
        for key, payload in enumerate([pack_header(0.0, 0) + image, pack_header(0.0, 1), pack_header(0.0, 2) + image[:99], b"short"]):
            writer.write(key, payload)
    found = check("x", *READERS)
    for reader in READERS:
        assert "1 record (key 3) without an image header" in found[reader]
        assert "1 record (key 2) with an image that is not whole, or of no known format" in found[reader]
    assert any("1 record (key 1) without an image are in its index" in reason for reason in found["dali"])


def test_an_index_that_is_missing_broken_or_short(im2rec, check, photos, work):
    im2rec("pack", photos, "-o", "x")
    lines = (work / "x.idx").read_text().splitlines(keepends=True)
    (work / "x.idx").write_text("".join(lines[:-2]))
    assert check("x", "dali")["dali"][0].endswith("with an image are not in it, so they are never seen")
    (work / "x.idx").write_text("what\n")
    assert check("x", "mxnet")["mxnet"][0].startswith("cannot be read")
    (work / "x.idx").unlink()
    assert check("x", "dali", "mxnet") == {
        "dali": ["is missing, which DALI needs"],
        "mxnet": ["is missing, without which nothing is read by key or shuffled"],
    }


def test_keys_that_stand_twice(check, picture, work):
    with IndexedWriter("x.rec") as writer:
        for key in (0, 5, 5):
            writer.write(key, pack_header(0.0, key) + picture())
    assert check("x", "mxnet")["mxnet"][0].startswith("1 key stands in it more than once")


def test_record_0_that_insightface_misreads(check, picture, work):
    write("x", [[1.0, 2.0], [2.0, 3.0]], picture())
    (work / "property").write_text("3,30,40\n")
    assert "the image under key 0 has several labels: loaders take it for the header" in check("x", "insightface")["insightface"]
    with IndexedWriter("y.rec") as writer:
        writer.write(1, pack_header(0.0, 1) + picture())
    assert check("y", "insightface") == {"insightface": ["no record has the key 0, which loaders read first"]}


def test_images_of_different_sizes_do_not_go_into_one_batch_of_insightface(im2rec, check, tree, picture, work):
    faces = tree({f"{name}/{number}.jpg": picture(40 + (number == 2), 30) for name in "ab" for number in range(3)})
    assert im2rec("list", faces, "--no-shuffle", "-o", "faces.lst").code == 0
    assert im2rec("identities", "build", "faces.lst", faces, "-o", "x").code == 0
    reason = "2 records (the first: key 3) with an image that is not 40x30 (width x height) as the first: loaders batch images as they are"
    assert check("x", *READERS)["insightface"] == [reason]
    mend = "'im2rec extract x -o FOLDER --images-only' and 'im2rec identities build FOLDER/x.lst --resize 112 --center-crop -o ...' make"
    assert f"; {mend} all of them 112x112" in im2rec("check", "--for", "insightface", "x").out
    assert im2rec("extract", "x", "-o", "faces", "--images-only").code == 0
    (work / "new").mkdir()  # property is one a folder
    assert im2rec("identities", "build", "faces/x.lst", "--resize", 112, "--center-crop", "-o", "new/y").code == 0
    assert check("new/y", "insightface") == {"insightface": []}


def test_bad_input(im2rec, photos, work):
    assert im2rec("check", "nothing", "--for", "dali").code == 3
    assert im2rec("check", "nothing").code == 2
    assert im2rec("check", "nothing", "--for", "pytorch").code == 2
    im2rec("pack", photos, "-o", "x")
    data = bytearray((work / "x.rec").read_bytes())
    data[0] ^= 1
    (work / "x.rec").write_bytes(data)
    ran = im2rec("check", "x", "--for", "dali")
    assert (ran.code, "x.rec: offset 0: bad magic" in ran.err) == (3, True)
