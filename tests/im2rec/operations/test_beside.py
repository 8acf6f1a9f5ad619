"""What stands there under the name of a new set already: old lists and class maps, other record files of its prefix."""

from __future__ import annotations

import shutil

import pytest
from datasets import IMAGE, RECORDS, read_set, write_set

from recordio.header import pack_header

OLD_LIST = "77\t0\told.jpg\n"
VERBS = {
    "filter": ["filter", "a", "-o", "b", "--key", "0-30"],
    "merge": ["merge", "a", "-o", "b"],
    "shuffle": ["shuffle", "a", "-o", "b"],
    "dedupe": ["dedupe", "a", "-o", "b"],
    "compact": ["compact", "a", "-o", "b"],
    "shards": ["split", "a", "-o", "b", "--shards", "2"],
    "shards by size": ["split", "a", "-o", "b", "--shard-size", "400B"],
    "relabel": ["relabel", "a", "labels.lst", "-o", "b"],
    "from-plain": ["identities", "from-plain", "a", "-o", "b", "--image-size", "9x9"],
    "to-plain": ["identities", "to-plain", "faces", "-o", "b"],
    "identities": ["identities", "filter", "faces", "-o", "b", "--min-images", "3"],
}


@pytest.fixture(params=list(VERBS))
def words(request, make, work, golden):
    make("plain")
    (work / "labels.lst").write_text("3\t1\tx.jpg\n")
    for suffix in (".rec", ".idx"):
        shutil.copy(golden / "recordio" / f"identities{suffix}", work / f"faces{suffix}")
    return VERBS[request.param]


def test_the_list_and_the_classes_of_a_set_that_is_replaced_go_with_it(im2rec, work, words):
    assert im2rec(*words).code == 0
    (work / "b.lst").write_text(OLD_LIST)
    (work / "b.classes.txt").write_text("0\told\n")
    ran = im2rec(*words)
    assert (ran.code, (work / "b.lst").read_text()) == (3, OLD_LIST)
    ran = im2rec(*words, "--force")
    assert ran.code == 0, ran.err
    assert "remark: of the set that is replaced, b.lst and b.classes.txt are removed\n" in ran.err
    assert not [path for path in work.iterdir() if path.name in ("b.lst", "b.classes.txt")]
    ran = im2rec("verify", "b")
    assert (ran.code, ran.out) == (0, "")
    assert ".lst" not in im2rec("info", "b").out


def test_a_list_alone_is_not_left_beside_a_set_that_is_not_its_own(im2rec, work, words):
    (work / "b.lst").write_text(OLD_LIST)
    ran = im2rec(*words)
    assert (ran.code, ran.err) == (3, "im2rec: b.lst: cannot write: it exists already (--force replaces it)\n")
    assert not [path for path in work.iterdir() if path.name.startswith("b") and path.suffix != ".lst"]


def test_no_set_is_written_beside_others_of_its_prefix(im2rec, work, words):
    other = "b.rec" if words[0] == "split" else "b-00001-of-00003.rec"
    (work / other).write_bytes(b"mine")
    for options in ([], ["--force"]):
        ran = im2rec(*words, *options)
        assert ran.code == 3, ran.err
        assert f"b: {other} stands there already, and would be read for this set or beside it: remove it, or give" in ran.err
    assert [path.name for path in work.iterdir() if path.name.startswith("b")] == [other]


def test_shards_of_another_number_are_not_left_beside_new_ones(im2rec, make, work):
    make("plain")
    assert im2rec("split", "a", "-o", "b", "--shards", "3").code == 0
    old = {path.name: path.read_bytes() for path in work.iterdir()}
    for options in (["--shards", "2"], ["--shard-size", "400B"]):
        for force in ([], ["--force"]):
            assert im2rec("split", "a", "-o", "b", *options, *force).code == 3
            assert {path.name: path.read_bytes() for path in work.iterdir()} == old
    assert im2rec("split", "a", "-o", "b", "--shards", "3", "--force").code == 0


def test_shards_are_not_written_beside_the_set_they_are_made_from(im2rec, make, work):
    make("plain")
    ran = im2rec("split", "a", "-o", "a", "--shards", "2")
    assert (ran.code, len(list(work.glob("a-*")))) == (3, 0)
    assert "a: a.rec stands there already" in ran.err


@pytest.mark.parametrize("verb", ["filter", "append", "relabel", "from-plain", "merge"])
def test_a_name_that_two_sets_have_is_no_input(im2rec, make, work, picture, verb):
    make("plain")
    write_set(work / "a-00000-of-00002.rec", RECORDS["plain"])
    (work / "l.lst").write_text("99\t1\tx.jpg\n")
    (work / "x.jpg").write_bytes(picture())
    found = {
        "filter": ["filter", "a", "-o", "b", "--label", "1"],
        "merge": ["merge", "a", "-o", "b"],
        "append": ["append", "a", "l.lst"],
        "relabel": ["relabel", "a", "l.lst"],
        "from-plain": ["identities", "from-plain", "a", "-o", "b", "--image-size", "9x9"],
    }[verb]
    said = "a.rec: a-00000-of-00002.rec stands beside it under the same prefix: name what is meant by its .rec"
    ran = im2rec(*found)
    assert (ran.code, ran.err.strip()) == (3, f"im2rec: {said}")
    ran = im2rec("verify", "a")
    assert ran.code == 1
    assert "a-00000-of-00002.rec stands beside it" in ran.out
    assert said in im2rec("info", "a").err
    found[found.index("a")] = "a.rec"
    assert im2rec(*found).code in (0, 1)


def test_a_list_that_labels_are_from_is_not_replaced_by_the_new_set(im2rec, make, work):
    make("plain")
    (work / "b.lst").write_text("3\t1\tx.jpg\n")
    ran = im2rec("relabel", "a", "b.lst", "-o", "b", "--force")
    assert (ran.code, ran.err) == (3, "im2rec: b.lst: cannot write: it is the file that is read\n")
    assert not (work / "b.rec").exists()


def test_a_set_that_is_replaced_by_one_with_a_list_keeps_no_line_of_its_own(im2rec, make, work):
    make("plain")
    (work / "a.lst").write_text("".join(f"{key}\t{key % 5}\t{key}.jpg\n" for key in range(40)))
    write_set(work / "b.rec", [(77, pack_header(0.0, 77) + IMAGE)])
    (work / "b.lst").write_text(OLD_LIST)
    ran = im2rec("filter", "a", "-o", "b", "--key", "0-3", "--force")
    assert (ran.code, "removed" in ran.err) == (0, False)
    assert (work / "b.lst").read_text() == "0\t0\t0.jpg\n1\t1\t1.jpg\n2\t2\t2.jpg\n3\t3\t3.jpg\n"
    assert [key for key, _ in read_set(work / "b.rec")] == [0, 1, 2, 3]
