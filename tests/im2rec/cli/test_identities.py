"""``im2rec identities``: InsightFace's layout, against a file that MXNet wrote in it."""

from __future__ import annotations

import json
import random
import struct
from pathlib import Path

import pytest

from im2rec.operations.identities.metadata import IdentityReport, write_metadata
from im2rec.operations.identities.survey import round_down, round_up, survey
from recordio.header import pack_header
from recordio.indexed import IndexedReader
from recordio.writer import IndexedWriter

MAGIC = struct.pack("<I", 0xCED7230A)


@pytest.fixture
def faces(golden):
    return golden / "recordio/identities"


@pytest.fixture
def face_list(golden, work):
    """The list of the images that MXNet's file holds, in their order."""
    root = golden / "images"
    paths = sorted(path for path in root.glob("*/*") if path.suffix.lower() in (".jpg", ".jpeg") and path.parent.name not in ("bad", "odd"))
    labels = [0, 0, 0, 1, 1, 2, 2][: len(paths)]
    rows = [(number, label, path.relative_to(root).as_posix()) for number, (path, label) in enumerate(zip(paths, labels, strict=True), 1)]
    return rows, root


def write_list(path, rows):
    path.write_text("".join(f"{id_}\t{label}\t{name}\n" for id_, label, name in rows), encoding="utf-8")


def by_key(prefix):
    """Key -> (flag, labels, id, image) of all records."""
    found = {}
    with IndexedReader(f"{prefix}.rec") as reader:
        for key in reader.keys.tolist():
            payload = reader.read(key)
            flag, label, id_, _ = struct.unpack_from("<IfQQ", payload)
            labels = struct.unpack_from(f"<{flag}f", payload, 24) if flag else (label,)
            found[key] = flag, labels, id_, payload[24 + 4 * flag :]
    return found


def images_by_label(prefix):
    """Label -> images of a file, in the order of the keys."""
    found: dict[float, list[bytes]] = {}
    for _, (_, labels, _, image) in sorted(by_key(prefix).items()):
        if image:
            found.setdefault(labels[0], []).append(image)
    return found


def test_build_writes_the_bytes_that_mxnet_wrote(im2rec, faces, face_list, work):
    rows, root = face_list
    write_list(work / "faces.lst", rows)
    ran = im2rec("identities", "build", "faces.lst", root, "-o", "x")
    assert ran.code == 0
    assert (work / "x.rec").read_bytes() == faces.with_suffix(".rec").read_bytes()
    assert (work / "x.idx").read_bytes() == faces.with_suffix(".idx").read_bytes()
    assert im2rec("verify", "x").code == 0
    assert (work / "x.lst").read_text().split("\n")[0].startswith("1\t0.000000\t")


def test_a_list_in_any_order_gives_the_same_file_when_identities_keep_their_order(im2rec, faces, face_list, work):
    rows, root = face_list
    mixed = [rows[3], rows[0], rows[5], rows[1], rows[4], rows[2], rows[6]]
    write_list(work / "faces.lst", mixed)
    im2rec("identities", "build", "faces.lst", root)
    assert (work / "train.rec").read_bytes() == faces.with_suffix(".rec").read_bytes()


def test_labels_with_gaps_are_numbered_from_0_unless_they_are_to_stay(im2rec, faces, face_list, work):
    rows, root = face_list
    write_list(work / "faces.lst", [(id_, 10 + 5 * label, path) for id_, label, path in rows])
    ran = im2rec("identities", "build", "faces.lst", root, "-o", "x", "--json")
    told = json.loads(ran.out)
    assert (told["images"], told["identities"], told["renumbered"], told["packed"], told["classes"]) == (7, 3, 3, 7, 3)
    assert (work / "x.rec").read_bytes() == faces.with_suffix(".rec").read_bytes()
    im2rec("identities", "build", "faces.lst", root, "-o", "y", "--keep-labels", "--no-property")
    assert sorted(images_by_label("y")) == [10, 15, 20]


def test_what_build_writes_is_listed(im2rec, tree, picture, work):
    root = tree({"0.jpg": picture(), "1.jpg": b"no image"})
    write_list(work / "faces.lst", [(n, n, f"{n}.jpg") for n in range(2)])
    (work / "new").mkdir()
    assert im2rec("identities", "build", "faces.lst", root, "-o", "new/x").code == 1
    suffixes = {path.name.removeprefix("x") for path in (work / "new").iterdir()}
    assert suffixes == {".rec", ".idx", ".sum", ".lst", ".rejects.tsv", "property"}
    page = Path(__file__).parents[3] / "docs" / "cli.md"
    told = page.read_text().partition("## im2rec identities build")[2].partition("\n## ")[0]
    for text in (told, im2rec("identities", "build", "--help").out):
        assert not [suffix for suffix in suffixes if suffix not in text]


def test_a_rejected_image_leaves_no_gap_in_keys_and_labels(im2rec, tree, picture, work):
    images = {f"{n}.jpg": picture(seed=n) for n in range(6)}
    images["1.jpg"] = images["1.jpg"][:-300]  # of identity 0
    images["2.jpg"] = b"no image"  # the only one of identity 1
    root = tree(images)
    write_list(work / "faces.lst", [(n, [0, 0, 1, 2, 2, 3][n], f"{n}.jpg") for n in range(6)])
    ran = im2rec("identities", "build", "faces.lst", root, "-o", "x", "--json")
    told = json.loads(ran.out)
    assert (ran.code, told["listed"], told["packed"], told["rejected"]) == (1, 6, 4, 2)
    found = by_key("x")
    assert [found[key][1:] for key in range(1, 5)] == [
        ((0.0,), 1, images["0.jpg"]),
        ((1.0,), 2, images["3.jpg"]),
        ((1.0,), 3, images["4.jpg"]),
        ((2.0,), 4, images["5.jpg"]),
    ]
    assert [found[key][1] for key in (5, 6, 7, 0)] == [(1, 2), (2, 4), (4, 5), (5, 8)]
    assert (work / "property").read_text() == "3,30,40\n"
    assert im2rec("verify", "x").code == im2rec("identities", "inspect", "x").code == 0


def test_aligned_labels_stay_and_build_takes_the_images_options(im2rec, photos, work):
    (work / "faces.lst").write_text("".join(f"{n}\t{n % 3}\t1\t{'abc'[n % 3]}/{n:02}.jpg\n" for n in range(24)))
    options = ["--resize", "20", "--center-crop", "--encoding", "png", "--workers", "2"]
    assert im2rec("identities", "build", "faces.lst", photos, "-o", "x", *options).code == 0
    found = by_key("x")
    assert {found[key][:2] for key in range(1, 25)} == {(2, (label, 1.0)) for label in (0.0, 1.0, 2.0)}
    assert found[1][3].startswith(b"\x89PNG")
    assert (work / "property").read_text() == "3,20,20\n"
    assert [found[key][1] for key in (25, 26, 27, 0)] == [(1, 9), (9, 17), (17, 25), (25, 28)]
    told = json.loads(im2rec("identities", "inspect", "x", "--json").out)
    assert (told["aligned_labels"], told["issues"]) == (24, [])


def test_what_mxnet_wrote_is_recognised(im2rec, faces):
    ran = im2rec("identities", "inspect", faces, "--json")
    told = json.loads(ran.out)
    assert (told["images"], told["identities"], told["identities_by_label"]) == (7, 3, 3)
    assert (told["header"], told["header_by_records"], told["images_per_identity"]) == (
        [8, 11],
        [8, 11],
        {"least": 2, "median": 2, "most": 3},
    )
    assert (ran.code, told["issues"]) == (1, ["there is no file 'property' beside it, which InsightFace's loaders read"])
    assert im2rec("identities", "inspect", faces, "--identities").out == "8\t1\t4\t0\t3\n9\t4\t6\t1\t2\n10\t6\t8\t2\t2\n"


def test_to_plain_and_back_gives_the_same_bytes(im2rec, faces, work):
    assert im2rec("identities", "to-plain", faces, "-o", "plain").code == 0
    plain, whole = by_key("plain"), by_key(faces)
    assert plain == {key: whole[key] for key in range(1, 8)}
    assert im2rec("identities", "from-plain", "plain", "-o", "back").code == 0
    assert (work / "back.rec").read_bytes() == faces.with_suffix(".rec").read_bytes()
    assert (work / "back.idx").read_bytes() == faces.with_suffix(".idx").read_bytes()
    assert im2rec("verify", "plain", "back").code == 0


def test_scalar_labels_drop_the_second_one(im2rec, photos, work):
    (work / "faces.lst").write_text("".join(f"{n}\t{n % 3}\t1\t{'abc'[n % 3]}/{n:02}.jpg\n" for n in range(6)))
    im2rec("identities", "build", "faces.lst", photos, "-o", "x")
    im2rec("identities", "to-plain", "x", "-o", "y", "--scalar-labels")
    x, y = by_key("x"), by_key("y")
    assert {key: (labels[:1], id_, image) for key, (_, labels, id_, image) in x.items() if 1 <= key <= 6} == {
        key: record[1:] for key, record in y.items()
    }


def test_a_shuffled_sharded_set_becomes_an_identity_file(im2rec, photos, work):
    im2rec("pack", photos, "-o", "p", "--shards", 3)
    assert im2rec("identities", "from-plain", "p", "-o", "x").code == 0
    found = by_key("x")
    wanted = {label: sorted((photos / name).glob("*.jpg")) for label, name in enumerate("abc")}
    assert {label: sorted(images) for label, images in images_by_label("x").items()} == {
        label: sorted(path.read_bytes() for path in paths) for label, paths in wanted.items()
    }
    assert [found[key][1] for key in (25, 26, 27, 0)] == [(1, 9), (9, 17), (17, 25), (25, 28)]
    assert all(found[key][2] == key for key in found)
    assert im2rec("identities", "inspect", "x").code == im2rec("verify", "x", "--decode").code == 0


def test_payloads_full_of_magic_words_keep_their_bytes(im2rec, work):
    rng = random.Random(5)
    images = [b"".join(rng.choices([MAGIC, b"abcd", b"x", b"\0\0\0\0"], k=rng.randint(1, 30))) for _ in range(60)]
    with IndexedWriter("p.rec") as writer:
        for number, image in enumerate(images):
            writer.write(900 - number, pack_header(float(number % 7), 900 - number) + image)
    assert im2rec("identities", "from-plain", "p", "-o", "x", "--image-size", "112x96").code == 0
    # Within an identity images are in the order of their keys, which here is that of the file backwards.
    wanted = {float(label): [images[n] for n in range(59, -1, -1) if n % 7 == label] for label in range(7)}
    assert images_by_label("x") == wanted
    assert (work / "property").read_text() == "7,112,96\n"
    im2rec("identities", "to-plain", "x", "-o", "y")
    assert images_by_label("y") == wanted


def test_filter_keeps_the_identities_that_have_enough_images(im2rec, faces, work):
    ran = im2rec("identities", "filter", faces, "--min-images", 3, "-o", "x", "--json")
    told = json.loads(ran.out)
    assert (told["images"], told["identities"], told["left_out"], told["renumbered"]) == (3, 1, 4, 0)
    ran = im2rec("identities", "filter", faces, "--max-images", 2, "-o", "y", "--no-property", "--json")
    assert json.loads(ran.out)["renumbered"] == 2
    whole, x, y = images_by_label(faces), images_by_label("x"), images_by_label("y")
    assert (x, y) == ({0: whole[0]}, {0: whole[1], 1: whole[2]})
    im2rec("identities", "filter", faces, "--max-images", 2, "-o", "z", "--no-property", "--keep-labels")
    assert images_by_label("z") == {1: whole[1], 2: whole[2]}
    assert im2rec("verify", "x", "y", "z").code == 0


def test_merge_keeps_identities_apart_unless_equal_labels_are_one(im2rec, faces, work):
    im2rec("identities", "merge", faces, faces, "-o", "x")
    im2rec("identities", "merge", faces, faces, "-o", "y", "--same-labels", "--no-property")
    whole = images_by_label(faces)
    assert images_by_label("x") == {label + 3 * copy: whole[label] for copy in (0, 1) for label in whole}
    assert images_by_label("y") == {label: images * 2 for label, images in whole.items()}
    assert by_key("x")[0][1] == (15, 21)
    assert by_key("y")[0][1] == (15, 18)
    assert im2rec("identities", "inspect", "x").code == im2rec("verify", "x", "y").code == 0
    ran = im2rec("identities", "merge", faces, faces, "-o", "z", "--keep-labels", "--no-property")
    assert ran.code == 2
    assert "use the same labels for different identities" in ran.err


def test_metadata_that_lies_is_told_and_made_anew(im2rec, faces, work):
    whole = by_key(faces)
    with IndexedWriter("x.rec") as writer:
        for key in [*range(1, 8), 8, 9, 10, 0]:
            flag, labels, id_, image = whole[key]
            labels = {9: (4, 5), 0: (7, 10)}.get(key, labels)
            writer.write(key, pack_header(list(labels) if flag else labels[0], id_) + image)
    (work / "property").write_text("2,112,112\nsecond line\n")
    ran = im2rec("identities", "inspect", "x", "--json")
    assert ran.code == 1
    assert json.loads(ran.out)["issues"] == [
        "the header states the range 7 to 10, the identity records have 8 to 11",
        "an identity record states other ranges than the images' labels: key 9 has 4 to 5, they have 4 to 6",
        "property: has more than one line, which old loaders fail on",
        "property: 2 classes, the labels need 3",
    ]
    assert im2rec("identities", "from-plain", "x", "-o", "y", "--force").code == 0
    assert (work / "y.rec").read_bytes() == faces.with_suffix(".rec").read_bytes()


@pytest.mark.parametrize(
    ("number", "down", "up"), [(5, 5, 5), (2**24, 2**24, 2**24), (2**24 + 1, 2**24, 2**24 + 2), (2**25 + 3, 2**25, 2**25 + 4)]
)
def test_whole_numbers_are_rounded_as_float32_can_hold_them(number, down, up):
    assert (round_down(number), round_up(number)) == (down, up)
    assert all(struct.unpack("<f", struct.pack("<f", value))[0] == value for value in (down, up))


def test_ranges_beyond_float32_never_reach_over_the_true_ones(tmp_path):
    images = 2**24 + 2
    report = IdentityReport()
    with IndexedWriter(tmp_path / "x.rec") as writer:
        write_metadata(writer, [(1, 2**24 + 1), (2**24 + 1, images + 1)], images, report)
    found = by_key(tmp_path / "x")
    assert found[images + 1][1] == (1, 2**24)
    assert found[images + 2][1] == (2**24 + 2, 2**24 + 2)
    assert found[0][1] == (2**24 + 2, 2**24 + 4)  # images + 1 is 2**24 + 3
    assert report.rounded == 3


def test_ranges_that_float32_rounded_are_rebuilt_from_the_records(im2rec, picture, work):
    """A file like one of over 2**24 images, made small: keys from there on, stated as float32 rounds them."""
    image, base = picture(), 2**24
    with IndexedWriter("x.rec") as writer:
        for number in range(6):
            writer.write(base + 1 + number, pack_header(float(number // 3), base + 1 + number) + image)
        for key, stated in ((base + 7, (base + 1, base + 4)), (base + 8, (base + 4, base + 7)), (0, (base + 7, base + 9))):
            writer.write(key, pack_header([float(value) for value in stated], key))
    found = survey(work / "x.rec")
    assert (found.first[found.identities[0]], found.second[found.identities[1]]) == (base, base + 8)
    ran = im2rec("identities", "inspect", "x", "--json")
    told = json.loads(ran.out)
    assert (told["rounded_ranges"], told["header"], told["header_by_records"]) == (3, [base + 8, base + 8], [base + 7, base + 9])
    assert not [issue for issue in told["issues"] if "state other ranges" in issue]
    assert any("loaders take identity records for images" in issue for issue in told["issues"])
    lines = [line.split("\t")[1:3] for line in im2rec("identities", "inspect", "x", "--identities").out.splitlines()]
    assert lines == [[str(base + 1), str(base + 4)], [str(base + 4), str(base + 7)]]


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("1\t-1\ta/00.jpg", "item 1 (id 1) has the label -1, expected a whole number from 0 to 2**24"),
        ("1\t0.5\ta/00.jpg", "item 1 (id 1) has the label 0.5, expected a whole number"),
        ("1\t0\t1\t2\ta/00.jpg", "item 1 (id 1) has 3 labels, expected an identity, or an identity and 'aligned'"),
    ],
)
def test_labels_that_are_no_identities_are_refused(im2rec, photos, work, row, said):
    (work / "faces.lst").write_text(row + "\n")
    ran = im2rec("identities", "build", "faces.lst", photos)
    assert ran.code == 3
    assert said in ran.err
    assert sorted(path.name for path in work.iterdir()) == ["faces.lst"]


def test_a_plain_set_is_no_identity_file(im2rec, photos, work):
    im2rec("pack", photos, "-o", "p")
    for words in (["inspect", "p"], ["to-plain", "p", "-o", "x"], ["filter", "p", "-o", "x", "--min-images", 2], ["merge", "p", "-o", "x"]):
        ran = im2rec("identities", *words)
        assert ran.code == 3
        assert "p.rec: has no identity records" in ran.err
        assert "'im2rec identities from-plain' makes one" in ran.err
    assert not list(work.glob("x*"))


def test_labels_of_a_set_that_are_no_identities_are_refused(im2rec, picture, work):
    for name, labels in (("half", 0.5), ("nan", float("nan")), ("many", [1.0, 2.0, 3.0])):
        with IndexedWriter(f"{name}.rec") as writer:
            writer.write(7, pack_header(labels, 7) + picture())
        ran = im2rec("identities", "from-plain", name, "-o", "x")
        assert (ran.code, "key 7 has" in ran.err) == (3, True)
    assert not list(work.glob("x*"))


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["filter", "FACES", "-o", "x"], "give --min-images N or --max-images N"),
        (["filter", "FACES", "-o", "x", "--min-images", "0"], "Invalid value for '--min-images'"),
        (["merge", "FACES", "-o", "x", "--image-size", "112"], "expected height and width in pixels, such as 112x112"),
        (["build", "-", "-o", "x"], "a list on stdin needs ROOT and -o PREFIX"),
    ],
)
def test_bad_choices_are_usage_errors(im2rec, faces, work, words, said):
    ran = im2rec("identities", *[faces if word == "FACES" else word for word in words])
    assert ran.code == 2
    assert said in ran.err
    assert not list(work.glob("x*"))


def test_outputs_that_exist_stay_without_force(im2rec, faces, work):
    im2rec("identities", "merge", faces, "-o", "x")
    (work / "property").write_text("mine")
    before = (work / "x.rec").read_bytes()
    for words in (["merge", faces, "-o", "y"], ["merge", faces, "-o", "x", "--no-property"]):
        ran = im2rec("identities", *words)
        assert ran.code == 3
        assert "exists already (--force replaces it)" in ran.err
    assert ((work / "property").read_text(), (work / "x.rec").read_bytes()) == ("mine", before)
    assert not list(work.glob("y*"))
    assert im2rec("identities", "filter", faces, "--min-images", 3, "-o", "x", "--force").code == 0
    assert len(by_key("x")) == 5


def test_a_damaged_file_is_told_with_its_place_and_nothing_is_written(im2rec, faces, work):
    data = bytearray(faces.with_suffix(".rec").read_bytes())
    data[4528] ^= 1
    (work / "bad.rec").write_bytes(data)
    ran = im2rec("identities", "to-plain", "bad.rec", "-o", "x")
    assert ran.code == 3
    assert "bad.rec: offset 4528: bad magic" in ran.err
    assert not list(work.glob("x*"))


@pytest.mark.parametrize("verb", [("filter", "--min-images", "2"), ("merge",), ("from-plain",), ("to-plain",)])
def test_a_file_is_never_replaced_by_what_is_made_from_it(im2rec, faces, work, verb):
    for suffix in (".rec", ".idx"):
        (work / f"x{suffix}").write_bytes(faces.with_suffix(suffix).read_bytes())
    ran = im2rec("identities", verb[0], "x", *verb[1:], "-o", "x", "--force")
    assert (ran.code, "x.rec: cannot write: it is the file that is read" in ran.err) == (3, True)
    assert {path.name: path.read_bytes() for path in work.iterdir()} == {
        f"x{suffix}": faces.with_suffix(suffix).read_bytes() for suffix in (".rec", ".idx")
    }


def test_the_list_that_is_built_from_is_not_replaced(im2rec, face_list, work):
    rows, root = face_list
    write_list(work / "train.lst", rows)
    before = (work / "train.lst").read_bytes()
    ran = im2rec("identities", "build", "train.lst", root, "--force")
    assert (ran.code, "train.lst: cannot write: it is the file that is read" in ran.err) == (3, True)
    assert [(path.name, path.read_bytes()) for path in work.iterdir()] == [("train.lst", before)]
