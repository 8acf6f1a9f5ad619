"""``im2rec pack``."""

from __future__ import annotations

import io
import json
import os
import sys
from types import SimpleNamespace

import cv2
import numpy as np
import pytest

from im2rec import build, rejects
from im2rec.report import parse_rejects
from recordio import images as images_module

pytestmark = pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")

BAD = {"bad/empty.jpg": "is empty", "bad/page.jpg": "is not an image", "bad/truncated.jpg": "is truncated"}


def decoded(data: bytes, flag: int = cv2.IMREAD_COLOR) -> np.ndarray:
    return cv2.imdecode(np.frombuffer(data, np.uint8), flag)


@pytest.fixture
def listed(work, photos):
    """x.lst of all photographs in the current folder; their paths in its order."""
    paths = sorted(path.relative_to(photos).as_posix() for path in photos.rglob("*.jpg"))
    (work / "x.lst").write_text("".join(f"{number}\t{number % 3}\t{path}\n" for number, path in enumerate(paths)))
    return paths


@pytest.fixture
def packed(im2rec, work, photos, listed, records):
    """Packs all photographs with some options; the images' bytes."""

    def run(*options):
        ran = im2rec("pack", "x.lst", photos, "--force", *options)
        assert (ran.code, ran.out) == (0, "")
        return [image for *_, image in records(work / "x.rec")]

    return run


@pytest.fixture
def stdin(monkeypatch):
    def set_to(text: str) -> None:
        monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(text.encode())))

    return set_to


@pytest.mark.parametrize("workers", [(), ("--workers", "0"), ("--workers", "2")])
@pytest.mark.parametrize("changes", [(), ("--resize", "32")])
def test_the_golden_images_are_packed_but_for_the_three_bad_ones(im2rec, images, work, changes, workers):
    ran = im2rec("pack", images, "-o", "x", "--json", *changes, *workers)
    found = json.loads(ran.out)
    assert ran.code == 1
    assert (found["listed"], found["packed"], found["rejected"]) == (17, 14, 3)
    assert {reject["path"] for reject in found["rejects"]} == set(BAD)
    assert all(BAD[reject["path"]] in reject["reason"] for reject in found["rejects"])
    assert all(f"im2rec: rejected: {path}: " in ran.err for path in BAD)


def test_a_folder_is_listed_and_packed_in_one_go(im2rec, images, work, records):
    im2rec("pack", images, "-o", "x", "--no-shuffle")
    assert sorted(os.listdir(work)) == ["x.classes.txt", "x.idx", "x.lst", "x.rec", "x.rejects.tsv", "x.sum"]
    lines = [line.split("\t") for line in (work / "x.lst").read_text("utf-8").splitlines()]
    good = [(int(id_), (float(label),), (images / path).read_bytes()) for id_, label, path in lines if path not in BAD]
    assert records(work / "x.rec") == good


def test_rejects_are_listed_in_a_file_that_goes_when_there_are_none_any_more(im2rec, tree, picture, work):
    root = tree({"a.jpg": picture(9, 9, 0), "b\tc.jpg": picture(9, 9, 0), "d.jpg": b"", "e.jpg": picture(9, 9, 1)})
    assert im2rec("pack", root, "-o", "x").code == 1
    rows = [line.split("\t") for line in (work / "x.rejects.tsv").read_text("utf-8").splitlines()]
    assert [row[:2] for row in rows] == [["id", "path"], ["", "b\\tc.jpg"], ["1", "d.jpg"]]
    assert rows[2][2] == "is empty"
    assert [reject.path for reject in parse_rejects((work / "x.rejects.tsv").read_bytes())] == ["b\tc.jpg", "d.jpg"]
    (root / "b\tc.jpg").unlink()
    (root / "d.jpg").unlink()
    assert im2rec("pack", root, "-o", "x", "--force").code == 0
    assert not (work / "x.rejects.tsv").exists()


def test_of_very_many_rejects_the_first_are_said_and_all_are_counted_and_filed(im2rec, tree, picture, work, monkeypatch):
    monkeypatch.setattr(rejects, "NAMED", 2)
    names = [f"{number}.jpg" for number in range(7)]
    root = tree({"a.jpg": picture(9, 9, 0), **dict.fromkeys(names, b"")})
    ran = im2rec("pack", root, "-o", "x", "--json", "--no-shuffle")
    found = json.loads(ran.out)
    assert (found["listed"], found["packed"], found["rejected"], found["more_rejects"]) == (8, 1, 7, 5)
    assert [reject["path"] for reject in found["rejects"]] == names[:2]
    assert ran.err.splitlines() == [
        *(f"im2rec: rejected: {name}: is empty" for name in names[:2]),
        "im2rec: rejected: 5 more; all are in x.rejects.tsv",
    ]
    assert [reject.path for reject in parse_rejects((work / "x.rejects.tsv").read_bytes())] == names
    again = json.loads(im2rec("pack", root, "-o", "x", "--json", "--no-shuffle", "--resume").out)
    assert (again["rejected"], again["more_rejects"]) == (7, 5)


def test_listing_then_packing_gives_the_bytes_of_one_go(im2rec, images, work):
    im2rec("pack", images, "-o", "one")
    im2rec("list", images, "-o", "two")
    im2rec("pack", "two.lst", images)
    for suffix in ("lst", "rec", "idx", "classes.txt"):
        assert (work / f"one.{suffix}").read_bytes() == (work / f"two.{suffix}").read_bytes()


def test_the_root_is_the_lists_own_folder_by_default(im2rec, work, picture, records):
    (work / "data").mkdir()
    (work / "data" / "a.jpg").write_bytes(picture())
    (work / "data" / "x.lst").write_text("1\t0\ta.jpg\n")
    assert im2rec("pack", "data/x.lst").code == 0
    assert records(work / "data/x.rec") == [(1, (0.0,), picture())]


def test_a_list_comes_from_stdin(im2rec, work, photos, stdin, records):
    stdin("5\t1\ta/00.jpg\n")
    assert im2rec("pack", "-", photos, "-o", "x").code == 0
    assert records(work / "x.rec") == [(5, (1.0,), (photos / "a/00.jpg").read_bytes())]


@pytest.mark.parametrize("changes", [(), ("--resize", "20"), ("--color", "gray"), ("--encoding", "png", "--center-crop")])
def test_any_number_of_workers_gives_the_same_files(im2rec, work, photos, listed, changes):
    found = set()
    for workers in (0, 1, 2, 4):
        assert im2rec("pack", "x.lst", photos, "--force", "--workers", workers, *changes).code == 0
        found.add((work / "x.rec").read_bytes() + (work / "x.idx").read_bytes())
    assert len(found) == 1


@pytest.mark.parametrize("options", [(), ("--pass-through",), ("--interpolation", "area")])
def test_bytes_are_kept_unless_other_pixels_are_asked_for(packed, photos, listed, options):
    assert packed(*options) == [(photos / path).read_bytes() for path in listed]


def test_a_short_side_is_cv2s_resize(packed, photos, listed):
    for data, path in zip(packed("--resize", 25), listed, strict=True):
        image = cv2.imread(str(photos / path))
        height, width = image.shape[:2]
        size = (25, height * 25 // width) if height > width else (width * 25 // height, 25)
        assert data == cv2.imencode(".jpg", cv2.resize(image, size), [cv2.IMWRITE_JPEG_QUALITY, 95])[1].tobytes()


def test_a_long_side_only_shrinks(packed, photos, listed):
    for data, path in zip(packed("--max-side", 50, "--encoding", "png"), listed, strict=True):
        image = cv2.imread(str(photos / path))
        height, width = image.shape[:2]
        if max(width, height) > 50:
            image = cv2.resize(image, (50, round(height * 50 / width)))
        np.testing.assert_array_equal(decoded(data), image)


def test_a_centre_crop_is_the_middle_square(packed, photos, listed):
    for data, path in zip(packed("--center-crop", "--encoding", "png"), listed, strict=True):
        image = cv2.imread(str(photos / path))
        margin = (image.shape[1] - image.shape[0]) // 2
        np.testing.assert_array_equal(decoded(data), image[:, margin : margin + image.shape[0]])


@pytest.mark.parametrize(("color", "flag"), [("color", 1), ("gray", 0), ("unchanged", -1)])
def test_colors_are_cv2s_flags(im2rec, images, work, records, color, flag):
    (work / "x.lst").write_text("1\t0\todd/alpha.png\n2\t0\todd/exif_rotate90.jpg\n3\t0\todd/gray16.png\n")
    im2rec("pack", "x.lst", images, "--color", color, "--encoding", "png")
    names = ["alpha.png", "exif_rotate90.jpg", "gray16.png"]
    for (*_, data), name in zip(records(work / "x.rec"), names, strict=True):
        np.testing.assert_array_equal(decoded(data, cv2.IMREAD_UNCHANGED), cv2.imread(str(images / "odd" / name), flag))


@pytest.mark.parametrize(
    ("options", "suffix", "parameters"),
    [
        (("--encoding", "jpg"), ".jpg", [cv2.IMWRITE_JPEG_QUALITY, 95]),
        (("--quality", "40"), ".jpg", [cv2.IMWRITE_JPEG_QUALITY, 40]),
        (("--encoding", "webp"), ".webp", [cv2.IMWRITE_WEBP_QUALITY, 95]),
        (("--encoding", "webp", "--quality", "30"), ".webp", [cv2.IMWRITE_WEBP_QUALITY, 30]),
        (("--encoding", "png", "--quality", "1"), ".png", [cv2.IMWRITE_PNG_COMPRESSION, 1]),
        (("--encoding", "png"), ".png", [cv2.IMWRITE_PNG_COMPRESSION, 3]),
    ],
)
def test_encodings_and_qualities_are_cv2s(packed, photos, listed, options, suffix, parameters):
    expected = [cv2.imencode(suffix, cv2.imread(str(photos / path)), parameters)[1].tobytes() for path in listed]
    assert packed(*options) == expected


@pytest.mark.parametrize(("name", "flag"), [("nearest", 0), ("bilinear", 1), ("cubic", 2), ("area", 3), ("lanczos", 4), ("auto", 3)])
def test_interpolations_are_cv2s(packed, photos, listed, name, flag):
    data = packed("--resize", 20, "--interpolation", name, "--encoding", "png")[0]
    image = cv2.imread(str(photos / listed[0]))
    size = (image.shape[1] * 20 // image.shape[0], 20)
    np.testing.assert_array_equal(decoded(data), cv2.resize(image, size, interpolation=flag))


@pytest.mark.parametrize("workers", [0, 2])
def test_shards_parts_and_sizes_hold_what_one_file_holds(im2rec, work, photos, listed, workers):
    im2rec("pack", "x.lst", photos)
    whole = (work / "x.rec").read_bytes()
    for name, options in (("n", ("--shards", 3)), ("s", ("--shard-size", "8kB"))):
        im2rec("pack", "x.lst", photos, "-o", name, "--workers", workers, *options)
        shards = sorted(work.glob(f"{name}-*.rec"))
        assert b"".join(path.read_bytes() for path in shards) == whole
        assert [path.name for path in shards] == [f"{name}-{number:05d}-of-{len(shards):05d}.rec" for number in range(len(shards))]
    for number in range(3):
        im2rec("pack", "x.lst", photos, "-o", "p", "--part", f"{number}/3", "--workers", workers)
        for suffix in ("rec", "idx"):
            name = f"{number:05d}-of-00003.{suffix}"
            assert (work / f"p-{name}").read_bytes() == (work / f"n-{name}").read_bytes()


def test_parts_of_a_folder_write_no_list_over_each_other(im2rec, work, photos):
    for number in range(2):
        assert im2rec("pack", photos, "-o", "x", "--part", f"{number}/2").code == 0
    assert sorted({path.suffix for path in work.iterdir()}) == [".idx", ".rec", ".sum"]
    im2rec("pack", photos, "-o", "y", "--shards", 2)
    assert (work / "x-00001-of-00002.rec").read_bytes() == (work / "y-00001-of-00002.rec").read_bytes()


@pytest.mark.parametrize(("width", "expected"), [("auto", (1.0, 2.5, -3.0)), ("1", (1.0,)), ("2", (1.0, 2.5)), ("3", (1.0, 2.5, -3.0))])
def test_label_widths_keep_the_first_labels(im2rec, work, photos, records, width, expected):
    (work / "x.lst").write_text("5\t1\t2.5\t-3\ta/00.jpg\n")
    assert im2rec("pack", "x.lst", photos, "--label-width", width).code == 0
    assert [labels for _, labels, _ in records(work / "x.rec")] == [expected]


def test_a_folder_takes_its_labels_from_a_csv(im2rec, work, photos, records):
    (work / "l.csv").write_text("a/00.jpg,7,8\nb/01.jpg,9,10\n")
    ran = im2rec("pack", photos, "-o", "x", "--labels", "l.csv", "--no-shuffle")
    assert ran.code == 1
    assert [labels for _, labels, _ in records(work / "x.rec")] == [(7.0, 8.0), (9.0, 10.0)]
    assert ran.err.count("has no label in l.csv") == 22


def test_counts_of_a_folder_include_what_could_not_be_listed(im2rec, work, tree, picture):
    root = tree({"good.jpg": picture(), "bad\tname.jpg": picture(), "empty.jpg": b""})
    found = json.loads(im2rec("pack", root, "-o", "x", "--json").out)
    assert (found["listed"], found["packed"], found["rejected"]) == (3, 1, 2)
    assert {reject["path"]: reject["id"] for reject in found["rejects"]} == {"bad\tname.jpg": None, "empty.jpg": 0}


def test_rounding_is_accepted_on_demand(im2rec, work, photos, records):
    (work / "x.lst").write_text("5\t16777217\ta/00.jpg\n")
    assert im2rec("pack", "x.lst", photos, "--allow-rounding").code == 0
    assert records(work / "x.rec")[0][1] == (16777216.0,)


def test_bad_images_may_be_packed_unchecked(im2rec, work, images, records):
    (work / "x.lst").write_text("5\t0\tbad/page.jpg\n")
    assert im2rec("pack", "x.lst", images, "--no-check").code == 0
    assert records(work / "x.rec") == [(5, (0.0,), (images / "bad/page.jpg").read_bytes())]


def test_images_of_too_many_pixels_are_rejected(im2rec, work, photos, listed):
    ran = im2rec("pack", "x.lst", photos, "--max-pixels", 1500, "--json")
    found = json.loads(ran.out)
    assert ran.code == 1
    assert found["packed"] + found["rejected"] == 24
    assert all("expected at most 1500 in all" in reject["reason"] for reject in found["rejects"])


def test_a_lost_end_mark_is_noted_and_packed(im2rec, work, tree, picture):
    root = tree({"a.jpg": picture()[:-2]})
    ran = im2rec("pack", root, "-o", "x")
    assert (ran.code, "im2rec: remark: a.jpg: lacks its end mark" in ran.err) == (0, True)


@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.parametrize("options", [("--on-error", "abort"), ("--max-rejects", "2")])
def test_too_many_bad_images_stop_the_pack_with_one_line(im2rec, images, work, options, workers):
    ran = im2rec("pack", images, "-o", "x", "--workers", workers, *options)
    assert (ran.code, ran.out, ran.err.count("\n")) == (3, "", 1)
    assert "so nothing was written" in ran.err
    assert os.listdir(work) == []


def test_as_many_bad_images_as_allowed_do_not_stop_it(im2rec, images, work):
    assert im2rec("pack", images, "-o", "x", "--max-rejects", 3).code == 1


def test_paths_out_of_the_root_are_rejected_and_read_on_demand(im2rec, work, photos, records):
    (work / "x.lst").write_text(f"1\t0\t../photos/a/00.jpg\n2\t0\t{photos}/a/00.jpg\n3\t0\ta/00.jpg\n")
    ran = im2rec("pack", "x.lst", photos)
    assert (ran.code, ran.err.count("lies outside the root"), len(records(work / "x.rec"))) == (1, 2, 1)
    assert im2rec("pack", "x.lst", photos, "--outside-root", "--force").code == 0
    assert len(records(work / "x.rec")) == 3


def test_links_out_of_the_root_are_rejected_and_followed_on_demand(im2rec, work, tree, photos):
    root = tree({"a.jpg": (photos / "a/00.jpg").read_bytes()})
    (root / "b.jpg").symlink_to(photos / "a/00.jpg")
    (work / "x.lst").write_text("1\t0\ta.jpg\n2\t0\tb.jpg\n")
    assert im2rec("pack", "x.lst", root).code == 1
    assert im2rec("pack", "x.lst", root, "--follow-symlinks", "--force").code == 0


def test_an_image_that_ends_its_worker_costs_itself_alone(im2rec, work, photos, listed, monkeypatch):
    decode, bad = images_module.decode_whole, (photos / listed[7]).read_bytes()
    monkeypatch.setattr(
        images_module, "decode_whole", lambda data, *args, **options: os._exit(66) if data == bad else decode(data, *args, **options)
    )
    ran = im2rec("pack", "x.lst", photos, "--resize", 20, "--workers", 2, "--json")
    found = json.loads(ran.out)
    assert (ran.code, found["packed"]) == (1, 23)
    reject = {"id": 7, "path": listed[7], "reason": "ended the process that worked on it (exit code 66)"}
    assert found["rejects"] == [reject]


def test_the_summary_says_what_was_done_with_the_bytes(im2rec, work, photos, listed):
    assert "packed 24 of 24 images (bytes kept as they are): " in im2rec("pack", "x.lst", photos).err
    assert "packed 24 of 24 images (encoded anew): " in im2rec("pack", "x.lst", photos, "--resize", 9, "--force").err


def test_quiet_says_nothing_but_rejects(im2rec, work, photos, images, listed):
    assert im2rec("pack", "x.lst", photos, "-q") == (0, "", "")
    ran = im2rec("pack", images, "-o", "y", "-q")
    assert sorted(line.split(": ")[2] for line in ran.err.splitlines()) == sorted(BAD)


def test_verbose_says_how(im2rec, work, photos, listed):
    assert "im2rec: packing 24 images of x.lst with 2 workers\n" in im2rec("pack", "x.lst", photos, "-v", "--workers", 2).err


def test_json_is_one_object_that_adds_up(im2rec, work, photos, listed):
    found = json.loads(im2rec("pack", "x.lst", photos, "--json").out)
    assert found["command"] == "pack"
    assert found["outputs"] == ["x.rec", "x.idx", "x.sum"]
    assert found["bytes_read"] == sum((photos / path).stat().st_size for path in listed)
    assert found["bytes_written"] == (work / "x.rec").stat().st_size


def test_existing_outputs_are_replaced_only_by_force(im2rec, work, photos, listed):
    (work / "x.idx").write_text("old")
    ran = im2rec("pack", "x.lst", photos)
    assert (ran.code, ran.err) == (3, "im2rec: x.idx: cannot write: it exists already (--force replaces it)\n")
    assert sorted(os.listdir(work)) == ["x.idx", "x.lst"]
    assert im2rec("pack", "x.lst", photos, "--force").code == 0
    assert (work / "x.idx").read_text().startswith("0\t0\n")


@pytest.fixture
def without_cv2(tmp_path):
    """An environment in which OpenCV is installed and cannot be loaded, as where libGL is missing."""
    (tmp_path / "fake" / "cv2").mkdir(parents=True)
    message = "libGL.so.1: cannot open shared object file: No such file or directory"
    (tmp_path / "fake" / "cv2" / "__init__.py").write_text(f"raise ImportError({message!r})")
    return os.environ | {"PYTHONPATH": str(tmp_path / "fake")}


def test_without_opencv_all_that_keeps_bytes_works(process, without_cv2, work, photos, records):
    assert process("list", photos, "-o", "x", env=without_cv2).code == 0
    assert process("pack", "x.lst", photos, env=without_cv2).code == 0
    assert process("index", "x.rec", "--force", env=without_cv2).code == 0
    assert len(records(work / "x.rec")) == 24


@pytest.mark.parametrize("workers", [(), ("--workers", "0"), ("--workers", "2")])
def test_without_opencv_a_resize_says_what_to_install(process, without_cv2, work, photos, workers):
    ran = process("pack", photos, "-o", "x", "--resize", "20", *workers, env=without_cv2)
    assert (ran.code, ran.out, ran.err.count("\n")) == (3, "", 1)
    assert "libGL.so.1" in ran.err
    assert "opencv-python-headless" in ran.err
    assert os.listdir(work) == []


@pytest.mark.parametrize(
    ("options", "seconds"),
    [
        (("--resize", "32"), 60),
        (("--decode",), 60),
        (("--workers", "2"), 60),
        ((), 0),
        (("--resize", "32", "--workers", "0"), 0),
        (("--resize", "32", "--image-timeout", "7"), 7),
        (("--resize", "32", "--image-timeout", "0"), 0),
    ],
)
def test_an_image_may_take_a_worker_a_minute_unless_said_otherwise(packed, monkeypatch, options, seconds):
    limits = []

    def spy(items, prefix, asked, outputs, **rest):
        limits.append(asked.pool.timeout)
        return pack(items, prefix, asked, outputs, **rest)

    pack = build.pack
    monkeypatch.setattr(build, "pack", spy)
    packed(*options)
    assert limits == [seconds]
