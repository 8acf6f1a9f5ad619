"""MXNet's command lines: the files that MXNet 1.9.1 itself wrote, byte for byte."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path

import pytest

from im2rec import rec2idx

pytestmark = pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")

CASES = json.loads((Path(__file__).parents[1] / "golden" / "im2rec.json").read_text("utf-8"))["cases"]
LISTS = [pytest.param(case, id=case["name"]) for case in CASES if case["kind"] == "list"]
PACKS = [pytest.param(case, id=case["name"]) for case in CASES if case["kind"] == "pack"]


def digests(folder: Path) -> dict[str, str]:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.iterdir()}


@pytest.fixture
def beside(images, tmp_path, work):
    """The current folder, with the golden images where the cases look for them."""
    (tmp_path / "images").symlink_to(images)
    return work


def test_the_cases_are_all_here():
    assert (len(LISTS), len(PACKS)) == (9, 13)


@pytest.mark.parametrize("case", LISTS)
def test_lists_are_mxnets(im2rec, beside, case):
    ran = im2rec(*case["args"])
    assert (ran.code, ran.out) == (case["exit"], case["stdout"])
    assert digests(beside) == case["outputs"]


@pytest.mark.parametrize("threads", [None, 1, 3])
@pytest.mark.parametrize("case", PACKS)
def test_packs_are_mxnets_with_any_number_of_workers(im2rec, beside, golden, case, threads):
    shutil.copy(golden / "packs" / f"{case['name']}.lst", beside)
    ran = im2rec(*case["args"], *(["--num-thread", threads] if threads else []))
    assert ran.code == case["exit"]
    assert digests(beside) == case["outputs"]


@pytest.mark.parametrize("case", [case for case in PACKS if case.id in ("pass_through", "resize64")])
def test_the_module_runs_as_a_program(process, beside, golden, case):
    shutil.copy(golden / "packs" / f"{case['name']}.lst", beside)
    ran = process(*case["args"], cwd=beside)
    assert (ran.code, ran.out) == (case["exit"], "")
    assert digests(beside) == case["outputs"]


def test_existing_outputs_are_replaced_as_mxnet_does(im2rec, beside, golden):
    case = PACKS[0].values[0]
    for suffix in ("lst", "rec", "idx"):
        shutil.copy(golden / "packs" / f"{case['name']}.lst", beside / f"{case['name']}.{suffix}")
    assert im2rec(*case["args"]).code == 0
    assert digests(beside) == case["outputs"]


def test_images_left_out_are_named_on_stderr_and_the_exit_code_stays_zero(im2rec, beside, golden, records):
    shutil.copy(golden / "lists" / "recursive.lst", beside / "x.lst")
    ran = im2rec("x", "../images", "--resize", 32)
    assert ran.code == 0
    assert "left out: bad/empty.jpg: is empty" in ran.err
    assert "left out: bad/page.jpg: " in ran.err
    assert "x.lst: packed 15 of 17 images" in ran.err
    assert len(records(beside / "x.rec")) == 15


def test_a_truncated_image_is_packed_as_mxnet_does_but_not_without_a_word(im2rec, beside, records):
    (beside / "x.lst").write_text("7\t1\tbad/truncated.jpg\n")
    ran = im2rec("x", "../images")
    assert "remark: bad/truncated.jpg: is truncated" in ran.err
    assert len(records(beside / "x.rec")) == 1


def test_pass_through_keeps_any_bytes(im2rec, beside, records, images):
    (beside / "x.lst").write_text("7\t1\tbad/page.jpg\n8\t2\tbad/empty.jpg\n")
    im2rec("x", "../images", "--pass-through")
    assert [image for *_, image in records(beside / "x.rec")] == [(images / "bad/page.jpg").read_bytes(), b""]


def test_bad_lines_are_left_out_with_a_word(im2rec, beside, records):
    (beside / "x.lst").write_text("7\t1\tcat/eye.JPEG\nnonsense\n8\tx\tcat/eye.JPEG\n7\t2\tcat/eye.JPEG\n")
    ran = im2rec("x", "../images", "--pass-through")
    assert ran.code == 0
    assert "x.lst:2: 1 field" in ran.err
    assert "x.lst:3: the label 'x' is no number" in ran.err
    assert [(id_, labels) for id_, labels, _ in records(beside / "x.rec")] == [(7, (1.0,)), (7, (2.0,))]


def test_a_prefix_takes_its_splits_and_leaves_the_lists_of_others(im2rec, beside):
    for name in ("x.lst", "x_train.lst", "x_0.lst", "x2.lst", "xyz.lst", "y.lst"):
        (beside / name).write_text("7\t1\tcat/eye.JPEG\n")
    ran = im2rec("x", "../images", "--pass-through")
    assert sorted(path.name for path in beside.glob("*.rec")) == ["x.rec", "x_0.rec", "x_train.rec"]
    assert ran.err.count("but is a list of another; left alone") == 2


def test_the_whole_name_of_a_list_is_a_prefix_too(im2rec, beside):
    (beside / "x.lst").write_text("7\t1\tcat/eye.JPEG\n")
    assert im2rec("x.lst", "../images", "--pass-through").code == 0
    assert (beside / "x.rec").exists()


def test_a_folder_as_prefix_takes_the_lists_in_it(im2rec, beside):
    (beside / "lists").mkdir()
    (beside / "lists" / "a.lst").write_text("7\t1\tcat/eye.JPEG\n")
    assert im2rec("lists/", "../images", "--pass-through").code == 0
    assert (beside / "lists" / "a.rec").exists()


def test_paths_out_of_the_root_are_read_only_on_demand(im2rec, beside, records):
    (beside / "x.lst").write_text("7\t1\t../images/cat/eye.JPEG\n")
    ran = im2rec("x", "../images", "--pass-through")
    assert (ran.code, "lies outside the root" in ran.err, (beside / "x.rec").exists()) == (3, True, False)
    im2rec("x", "../images", "--pass-through", "--outside-root")
    assert len(records(beside / "x.rec")) == 1


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["x", "../images"], 3, "x.lst: no such list"),
        (["no/x", "../images"], 3, "no: no such folder"),
        (["x", "../nothing"], 3, "nothing: no such folder"),
        (["x", "../nothing", "--list"], 3, "nothing: no such folder"),
        (["x", "../images", "--list", "--chunks", "0"], 2, "--chunks 0, expected 1 or more"),
        (["x", "../images", "--resize", "-1"], 2, "--resize -1, expected 0 or more"),
        (["no/x", "../images", "--list", "--recursive"], 3, "no/x.lst: cannot write: the folder "),
    ],
)
def test_bad_input_ends_with_one_line(im2rec, beside, arguments, code, said):
    ran = im2rec(*arguments)
    assert (ran.code, ran.out) == (code, "")
    assert said in ran.err
    assert ran.err.count("\n") == 1
    assert list(beside.iterdir()) == []


@pytest.mark.parametrize("arguments", [["x", "../images", "--color", "7"], ["--list"], ["x", "y", "z"]])
def test_flags_that_mxnet_refuses_are_refused(im2rec, beside, arguments):
    ran = im2rec(*arguments)
    assert ran.code == 2
    assert "usage: im2rec" in ran.err


def test_flags_may_be_abbreviated_and_suffixes_listed(im2rec, beside):
    im2rec("x", "../images", "--li", "--rec", "--no-sh", "--ext", ".png", ".jpeg")
    found = {line.rsplit("\t", 1)[1] for line in (beside / "x.lst").read_text("utf-8").splitlines()}
    assert {Path(name).suffix.lower() for name in found} == {".png", ".jpeg"}


def test_help_lists_mxnets_flags(im2rec):
    ran = im2rec("x", "y", "--help")
    assert ran.code == 0
    assert all(flag in ran.out for flag in ("--train-ratio", "--pass-through", "--num-thread", "--pack-label"))


def test_rec2idx_numbers_the_records(im2rec, work, golden):
    offsets = [line.split("\t")[1] for line in (golden / "recordio/frames.idx").read_text().splitlines()]
    assert im2rec(golden / "recordio/frames.rec", "x.idx", body=rec2idx.main).code == 0
    assert (work / "x.idx").read_text() == "".join(f"{number}\t{offset}\n" for number, offset in enumerate(offsets))


def test_rec2idx_replaces_an_index_and_leaves_it_when_the_rec_is_broken(im2rec, work, golden):
    data = (golden / "recordio/frames.rec").read_bytes()
    (work / "x.rec").write_bytes(data[:-4])
    (work / "x.idx").write_text("old")
    ran = im2rec("x.rec", "x.idx", body=rec2idx.main)
    assert ran.code == 3
    assert ran.err.startswith("im2rec: x.rec: offset ")
    assert {path.name: path.read_text("latin-1") for path in work.glob("*.idx")} == {"x.idx": "old"}
