"""What operations refuse, in one line, with nothing written."""

from __future__ import annotations

import json
import shutil

import pytest
from datasets import RECORDS, read_set, write_set
from hypothesis import given
from hypothesis import strategies as st

from im2rec.errors import PlanError
from im2rec.operations.expression import Expression
from recordio import files
from recordio.header import pack_header
from recordio.writer import IndexedWriter

VERBS = {
    "filter": ["--key", "0-5"],
    "split": ["--ratio", "a=0.5,b=0.5"],
    "merge": [],
    "shuffle": [],
    "dedupe": [],
    "compact": [],
}
BREAKING = ["filter", "split", "merge", "dedupe"]


def refused(ran, code, *said):
    assert ran.code == code, ran.err
    assert all(text in ran.err for text in said), ran.err
    assert len(ran.err.strip().splitlines()) == 1 or code == 2, ran.err


@pytest.mark.parametrize("verb", list(VERBS))
def test_a_damaged_record_stops_everything(im2rec, make, work, verb):
    rec = make("plain")
    data = bytearray(rec.read_bytes())
    data[500] ^= 1
    rec.write_bytes(data)
    refused(im2rec(verb, "a", "-o", "b", *VERBS[verb]), 3, "a.rec: offset ")
    assert not [path for path in work.iterdir() if "b" in path.stem]


@pytest.mark.parametrize("verb", list(VERBS))
def test_outputs_that_exist_stay_without_force(im2rec, make, work, verb):
    make("plain")
    for name in ("b", "b_a"):
        (work / f"{name}.rec").write_bytes(b"mine")
    refused(im2rec(verb, "a", "-o", "b", *VERBS[verb]), 3, "it exists already (--force replaces it)")
    assert (work / "b.rec").read_bytes() == b"mine"


@pytest.mark.parametrize("verb", [verb for verb in VERBS if verb != "split"])
def test_no_file_is_read_and_written(im2rec, make, work, verb):
    before = make("plain").read_bytes()
    (work / "link.rec").symlink_to(work / "a.rec")
    for output in ("a", "link"):
        refused(im2rec(verb, "a", "-o", output, "--force", *VERBS[verb]), 3, "it is the file that is read")
    assert (work / "a.rec").read_bytes() == before


@pytest.mark.parametrize("verb", list(VERBS))
def test_a_missing_set_is_named(im2rec, work, verb):
    refused(im2rec(verb, "nothing", "-o", "b", *VERBS[verb]), 3, "nothing.rec: no such file")


@pytest.mark.parametrize("verb", BREAKING)
def test_files_of_identities_are_referred_to_their_own_command(im2rec, work, golden, verb):
    for suffix in (".rec", ".idx"):
        shutil.copy(golden / "recordio" / f"identities{suffix}", work / f"faces{suffix}")
    refused(im2rec(verb, "faces", "-o", "b", *VERBS[verb]), 3, "is a file of identities", "'im2rec identities'")
    assert not list(work.glob("*b.*"))


@pytest.mark.parametrize("summed", [False, True], ids=["no sum", "sum"])
@pytest.mark.parametrize(
    "words", ["append faces {more}", "append faces {more} --ids keep", "relabel faces {more}", "relabel faces {more} -o b"]
)
def test_a_file_of_identities_is_neither_appended_to_nor_relabelled(im2rec, work, golden, picture, words, summed):
    for suffix in (".rec", ".idx"):
        shutil.copy(golden / "recordio" / f"identities{suffix}", work / f"faces{suffix}")
    if summed:
        assert im2rec("verify", "faces", "--write-sum").code == 0
    (work / "1.jpg").write_bytes(picture(seed=1))
    (work / "more.lst").write_text("1\t5\t1.jpg\n" if "relabel" in words else "1000\t5\t1.jpg\n")
    before = {path.name: path.read_bytes() for path in work.iterdir()}
    refused(
        im2rec(*words.format(more="more.lst").split()), 3, "faces.rec: is a file of identities", "'im2rec identities' works on such files"
    )
    assert {path.name: path.read_bytes() for path in work.iterdir()} == before


@pytest.mark.parametrize("verb", ["shuffle", "compact"])
def test_what_keeps_all_keys_takes_files_of_identities(im2rec, work, golden, verb):
    for suffix in (".rec", ".idx"):
        shutil.copy(golden / "recordio" / f"identities{suffix}", work / f"faces{suffix}")
    assert im2rec(verb, "faces", "-o", "b").code == 0
    assert sorted(read_set(work / "b.rec")) == sorted(read_set(work / "faces.rec"))
    assert json.loads(im2rec("info", "b", "--json").out)["layout"] == "identities"


def test_the_images_of_a_file_of_identities_become_a_plain_set(im2rec, work, golden):
    for suffix in (".rec", ".idx"):
        shutil.copy(golden / "recordio" / f"identities{suffix}", work / f"faces{suffix}")
    before = (work / "faces.rec").read_bytes()
    assert im2rec("index", "faces", "--images-only", "--force").code == 0
    assert len((work / "faces.idx").read_text().splitlines()) == 7
    found = json.loads(im2rec("compact", "faces", "-o", "b", "--json").out)
    assert (found["read"], found["written"], found["left_out"]) == (11, 7, {"not in the .idx": 4})
    assert json.loads(im2rec("info", "b", "--json").out)["layout"] in ("plain", "multi-label", "mixed")
    assert (work / "faces.rec").read_bytes() == before


def test_keys_that_would_stand_twice_are_refused_unless_asked_for(im2rec, make, work):
    make("plain", "a")
    make("multi-label", "b")
    refused(im2rec("merge", "a", "b", "-o", "c"), 3, "30 keys would stand twice: 0, 1, 2, 3, 4, ...", "--keys shift", "--duplicates")
    assert not list(work.glob("c.*"))
    ran = im2rec("merge", "a", "b", "-o", "c", "--duplicates")
    assert (ran.code, read_set(work / "c.rec")) == (0, RECORDS["plain"] + RECORDS["multi-label"])
    assert "remark: 30 records have a key that an earlier one of the same set has" in ran.err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["filter", "a", "-o", "b"], "nothing says which records are kept"),
        (["filter", "a", "-o", "b", "--label", "3-1"], "expected numbers and ranges"),
        (["filter", "a", "-o", "b", "--min-side", 9, "--max-side", 3], "--max-side 3 is below --min-side 9"),
        (["split", "a", "-o", "b"], "nothing says how to divide"),
        (["split", "a", "-o", "b", "--ratio", "a=0.5"], "add up to 0.5, expected 1"),
        (["split", "a", "-o", "b", "--by-label", "--ratio", "a=1"], "give one of them"),
        (["split", "a", "-o", "-", "--by-label"], "stdout is one stream"),
        (["merge", "a", "-o", "b", "--key-offset", "1,2"], "2 numbers for 1 sets"),
        (["merge", "a", "-o", "b", "--key-offset", "x"], "expected a whole number for each set"),
        (["merge", "a", "-o", "b", "--keys", "shift", "--key-offset", "1"], "has no place there"),
        (["merge", "a", "-o", "b", "--key-offset", "-1"], "are outside 0 to 2**64 - 1"),
        (["shuffle", "a", "-o", "b", "--memory", "1kB"], "expected at least 4 MiB"),
        (["shuffle", "a", "-o", "b", "--shards", 2, "--shard-size", "1MB"], "two ways to say the same"),
        (["compact", "-", "-o", "b"], "a pipe has none"),
        (["filter", "a", "-o", "-", "--key", "1", "--json"], "--json prints on stdout"),
        (["index", "a", "--combine"], "name it with -o"),
        (["index", "a", "a", "-o", "x.idx"], "2 .rec files have as many indexes"),
    ],
)
def test_options_that_make_no_sense_are_refused(im2rec, make, work, words, said):
    make("plain")
    refused(im2rec(*words), 2, said)
    assert not list(work.glob("b*"))


def test_a_file_of_keys_that_holds_none_is_told(im2rec, make, work):
    make("plain")
    (work / "keys").write_text("1\nx\n")
    refused(im2rec("filter", "a", "-o", "b", "--keys", "keys"), 3, "keys: line 2: b'x', expected a key")


def test_labels_without_a_class_are_told(im2rec, make, work):
    make("plain", "a")
    (work / "a.classes.txt").write_text("0\tant\n1\tbee\n")
    write_set(work / "c.rec", [(100, pack_header(7.0, 100) + b"x")])
    (work / "c.classes.txt").write_text("0\tbee\n")
    refused(im2rec("merge", "a", "c", "-o", "b"), 3, "is not in the class map of its set; --labels keep")


def test_classes_of_one_name_become_one(im2rec, work):
    write_set(work / "a.rec", [(key, pack_header(float(key), key) + b"a") for key in range(2)])
    write_set(work / "b.rec", [(key, pack_header(float(key - 10), key) + b"b") for key in range(10, 13)])
    (work / "a.classes.txt").write_text("0\tant\n1\tbee\n")
    (work / "b.classes.txt").write_text("0\tbee\n1\tcat\n2\tant\n")
    assert im2rec("merge", "a", "b", "-o", "c").code == 0
    assert (work / "c.classes.txt").read_text() == "0\tant\n1\tbee\n2\tcat\n"
    rows = [line.split("\t")[3] for line in im2rec("ls", "c").out.splitlines()]
    assert rows == ["0", "1", "1", "2", "0"]
    assert im2rec("verify", "c", "-q").code == 0


@pytest.mark.parametrize("layout", ["plain", "escaped", "magic ids", "detection"])
def test_shifted_keys_and_labels_change_only_headers(im2rec, make, work, layout):
    make(layout, "a")
    assert im2rec("merge", "a", "a", "-o", "b", "--keys", "shift", "--labels", "shift").code == 0
    found, behind = read_set(work / "b.rec"), max(key for key, _ in RECORDS[layout]) + 1
    count = len(RECORDS[layout])
    assert found[:count] == RECORDS[layout]
    classes = {"plain": 5, "escaped": 1, "magic ids": 0, "detection": 4}[layout] or 3
    for (key, payload), (old_key, old) in zip(found[count:], RECORDS[layout], strict=True):
        assert key == old_key + behind
        if layout == "detection":
            objects = [2, 5, old_key % 4 + classes, 0.1, 0.2, 0.5, 0.75]
            assert payload == pack_header(objects, key) + old[24 + 28 :]
        else:
            label = {"plain": old_key % 5, "escaped": old_key % 2, "magic ids": old_key - 0xCED7230A}[layout]
            assert payload == pack_header(float(label + classes), key) + old[24:]
    assert im2rec("verify", "b", "-q").code == 0


@pytest.mark.parametrize(
    "text",
    [
        "__import__('os')",
        "label.__class__ == 1",
        "(lambda: 1)() == 1",
        "[x for x in (1,)] == 1",
        "label ** 2 == 4",
        "f'{label}' == 'x'",
        "label",
        "label == 'x'",
        "format < 'x'",
        "label[-1] == 1",
        "label[key] == 1",
        "key[0] == 1",
        "nothing == 1",
        "label = 3",
        "",
        "(" * 300 + "label == 1" + ")" * 300,
        "not " * 100 + "label == 1",
        "label == 1 " * 1000,
        "1 if label else 0",
        "label == True",
        "label == 1e999",
        "label == 10 ** 10",
        "label == 1j",
        "label is 1",
        "label @ 2 == 1",
        "label in label",
        "\0",
    ],
)
def test_expressions_that_are_none_are_refused(text):
    with pytest.raises(PlanError, match="express"):
        Expression(text)


names = st.sampled_from(["key", "label", "bytes", "width"])
terms = st.recursive(
    st.one_of(names, st.integers(0, 9).map(str)),
    lambda inner: st.tuples(inner, st.sampled_from("+-*"), inner).map(lambda t: f"({t[0]} {t[1]} {t[2]})"),
    max_leaves=5,
)
comparisons = st.tuples(terms, st.sampled_from(["==", "!=", "<", "<=", ">", ">="]), terms).map(" ".join)
conditions = st.recursive(
    comparisons,
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from(["and", "or"]), inner).map(lambda t: f"({' '.join(t)})"), inner.map("not {}".format)
    ),
    max_leaves=6,
)


@given(conditions)
def test_conditions_mean_what_they_mean_in_python(text):
    import numpy as np

    rows = [{"key": key, "label": float(key % 3), "bytes": key * 7 % 5, "width": 9 - key} for key in range(10)]
    columns = {name: np.array([row[name] for row in rows]) for name in rows[0]}
    found = Expression(text).evaluate(columns, len(rows))
    assert found.tolist() == [bool(eval(text, {}, row)) for row in rows]


class NoKernelCopy(files.Disk):
    def copy_range(self, source, target, length, offset):
        raise OSError(18, "Invalid cross-device link")


@pytest.mark.parametrize("disk", [files.Disk, NoKernelCopy])
def test_without_checksums_the_kernel_copies_or_this_process_does(im2rec, work, monkeypatch, disk):
    with IndexedWriter(work / "a.rec") as writer:
        for key in range(20):
            writer.write(key, pack_header(1.0, key) + bytes([key]) * 100_000)
    calls = []

    class Counting(disk):
        def copy_range(self, *arguments):
            calls.append(arguments)
            return super().copy_range(*arguments)

    monkeypatch.setattr(files, "disk", Counting())
    assert im2rec("filter", "a", "-o", "b", "--key", "3-9,15", "--no-sum").code == 0
    assert im2rec("split", "a", "-o", "c", "--shards", 3, "--no-sum").code == 0
    monkeypatch.setattr(files, "disk", files.Disk())
    assert calls
    a = read_set(work / "a.rec")
    assert read_set(work / "b.rec") == [a[key] for key in (*range(3, 10), 15)]
    assert [record for rec in sorted(work.glob("c-*.rec")) for record in read_set(rec)] == a


def test_an_index_of_several_files_runs_on_over_them(im2rec, make, work):
    make("plain")
    assert im2rec("split", "a", "-o", "s", "--shards", 4).code == 0
    assert im2rec("index", "s", "--combine", "-o", "all.idx").code == 0
    assert (work / "all.idx").read_bytes() == (work / "a.idx").read_bytes()
    refused(im2rec("index", "s", "--combine", "-o", "s-00001-of-00004.idx", "--force"), 3, "is the index of")


def test_a_sum_is_written_anew_for_an_index_of_images(im2rec, work):
    write_set(work / "a.rec", [(1, pack_header(1.0, 1) + b"x"), (2, pack_header([3.0, 4.0], 2))])
    assert im2rec("index", "a", "--images-only", "--force").code == 0
    assert (work / "a.idx").read_text() == "1\t0\n"
    assert im2rec("verify", "a", "-q").code == 0
