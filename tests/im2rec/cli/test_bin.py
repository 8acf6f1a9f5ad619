"""``im2rec bin``: verification sets."""

from __future__ import annotations

import json
import pickle

import pytest


@pytest.fixture
def lfw(picture, work):
    """A set of three pairs as Python's pickle writes it, and what is in it."""
    images = [picture(112, 112, seed) for seed in range(6)]
    (work / "lfw.bin").write_bytes(pickle.dumps((images, [True, False, True]), 4))
    return images


def test_info_counts_pairs_and_images(im2rec, lfw):
    told = json.loads(im2rec("bin", "info", "lfw.bin", "--json").out)
    assert (told["pairs"], told["same"], told["different"], told["images"], told["protocol"], told["python2"]) == (3, 2, 1, 6, 4, False)
    assert (told["formats"], told["image_sizes"]) == ({"jpg": 6}, [{"height": 112, "width": 112, "images": 6}])
    assert told["image_bytes"] == sum(map(len, lfw))
    assert "3, 2 of one person, 1 of two" in im2rec("bin", "info", "lfw.bin").out


def test_extract_and_pack_give_the_same_pairs(im2rec, lfw, work):
    assert im2rec("bin", "extract", "lfw.bin", "-o", "faces").code == 0
    assert (work / "faces/pairs.tsv").read_text().splitlines()[1] == "000001_0.jpg\t000001_1.jpg\t0"
    assert (work / "faces/000002_1.jpg").read_bytes() == lfw[5]
    assert im2rec("bin", "pack", "faces/pairs.tsv", "-o", "again.bin").code == 0
    assert pickle.loads((work / "again.bin").read_bytes()) == (lfw, [True, False, True])
    assert sorted(path.name for path in work.iterdir()) == ["again.bin", "faces", "lfw.bin"]


def test_convert_makes_one_of_python_2_readable(im2rec, lfw, work):
    texts = b"".join(b"T" + len(image).to_bytes(4, "little") + image for image in lfw)
    (work / "old.bin").write_bytes(b"\x80\x02](" + texts + b"e](\x88\x89\x88e\x86.")
    with pytest.raises(UnicodeDecodeError):
        pickle.loads((work / "old.bin").read_bytes())
    assert json.loads(im2rec("bin", "info", "old.bin", "--json").out)["python2"]
    assert "protocol 2, of Python 2" in im2rec("bin", "convert", "old.bin", "-o", "new.bin").err
    assert pickle.loads((work / "new.bin").read_bytes()) == (lfw, [True, False, True])


def test_a_program_is_refused_and_nothing_is_written(im2rec, work):
    (work / "evil.bin").write_bytes(b"cos\nsystem\n(S'touch x'\ntR.")
    for words in (["info", "evil.bin"], ["extract", "evil.bin", "-o", "out"], ["convert", "evil.bin", "-o", "out.bin"]):
        ran = im2rec("bin", *words)
        assert ran.code == 3
        assert "evil.bin: offset 0: the opcode GLOBAL of os.system" in ran.err
    assert [path.name for path in work.iterdir()] == ["evil.bin"]


def test_pairs_with_a_bad_image_are_left_out_and_named(im2rec, tree, picture, work):
    root = tree({"a.jpg": picture(), "b.jpg": picture(seed=1), "c.jpg": picture(seed=2)[:-400]})
    (work / "pairs.tsv").write_text("a.jpg\tb.jpg\t1\na.jpg\tc.jpg\t0\n../x.jpg\ta.jpg\t0\n")
    ran = im2rec("bin", "pack", "pairs.tsv", root, "-o", "x.bin", "--resize", 16, "--json")
    told = json.loads(ran.out)
    assert (ran.code, told["listed"], told["packed"], told["rejected"]) == (1, 3, 1, 2)
    assert [reject["path"] for reject in told["rejects"]] == ["c.jpg", "../x.jpg"]
    assert len(pickle.loads((work / "x.bin").read_bytes())[0]) == 2
    assert json.loads(im2rec("bin", "info", "x.bin", "--json").out)["image_sizes"] == [{"height": 16, "width": 21, "images": 2}]


@pytest.mark.parametrize(
    ("text", "said"),
    [("", "an empty list"), ("a\tb\n", ":1: 'a\\tb', expected two paths and 1 or 0"), ("a\tb\t1\na\tb\t2\n", ":2: ")],
)
def test_a_list_that_is_none_is_refused(im2rec, work, text, said):
    (work / "pairs.tsv").write_text(text)
    ran = im2rec("bin", "pack", "pairs.tsv", "-o", "x.bin")
    assert ran.code == 3
    assert said in ran.err


def test_what_is_there_stays(im2rec, lfw, work):
    (work / "full").mkdir()
    (work / "full/x").write_text("mine")
    assert "it holds files already, expected a new or an empty folder" in im2rec("bin", "extract", "lfw.bin", "-o", "full").err
    (work / "mine.bin").write_bytes(b"mine")
    assert "exists already (--force replaces it)" in im2rec("bin", "convert", "lfw.bin", "-o", "mine.bin").err
    assert im2rec("bin", "convert", "lfw.bin", "-o", "mine.bin", "--force").code == 0
    assert pickle.loads((work / "mine.bin").read_bytes())[0] == lfw


def test_what_is_read_is_never_replaced(im2rec, lfw, work):
    assert im2rec("bin", "extract", "lfw.bin", "-o", "faces").code == 0
    before = (work / "faces/pairs.tsv").read_bytes(), (work / "lfw.bin").read_bytes()
    for words in (("pack", "faces/pairs.tsv", "-o", "faces/pairs.tsv"), ("convert", "lfw.bin", "-o", "lfw.bin")):
        ran = im2rec("bin", *words, "--force")
        assert (ran.code, "cannot write: it is the file that is read" in ran.err) == (3, True)
    assert ((work / "faces/pairs.tsv").read_bytes(), (work / "lfw.bin").read_bytes()) == before
