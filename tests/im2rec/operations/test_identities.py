"""What the operations on files of identities promise together: images come back, none is lost, bytes are kept."""

from __future__ import annotations

import json
from collections import Counter

import pytest
from datasets import MAGIC, read_set, write_set
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from recordio.header import pack_header, unpack

IMAGES = st.lists(st.sampled_from([MAGIC, b"x", b"abcd", b"\0" * 5]), min_size=1, max_size=6).map(b"".join)
FACES = st.lists(st.tuples(st.integers(0, 5), st.booleans(), IMAGES), min_size=1, max_size=25)  # label, whether it is a vector
SIZE = ["--image-size", "112x112"]
QUIET = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def write_faces(rec, drawn, first=0):
    """A plain set of labels and images in the order of their labels, as files of identities have them."""
    records = []
    for key, (label, vector, image) in enumerate(sorted(drawn, key=lambda face: face[0]), first):
        records.append((key, pack_header([label, 1.0] if vector else float(label), key) + image))
    write_set(rec, records)


def images(prefix):
    """Images with their labels, in the order of the file."""
    found = []
    for _, payload in read_set(prefix.with_suffix(".rec")):
        header, image = unpack(payload)
        if image:
            found.append((header.label[0] if header.flag else header.label, header.flag, image))
    return found


def identities(im2rec, *words):
    ran = im2rec("identities", *words)
    assert ran.code == 0, ran.err
    return ran


def same(one, other):
    return all(one.with_suffix(suffix).read_bytes() == other.with_suffix(suffix).read_bytes() for suffix in (".rec", ".idx"))


@QUIET
@given(drawn=FACES)
def test_to_plain_and_back_is_the_same_file(im2rec, tmp_path_factory, drawn):
    work = tmp_path_factory.mktemp("faces")
    write_faces(work / "p.rec", drawn)
    identities(im2rec, "from-plain", work / "p", "-o", work / "a", *SIZE)
    assert Counter(image for _, _, image in images(work / "a")) == Counter(image for _, _, image in drawn)
    identities(im2rec, "to-plain", work / "a", "-o", work / "q")
    assert images(work / "q") == images(work / "a")
    identities(im2rec, "from-plain", work / "q", "-o", work / "b", "--force", *SIZE)
    assert same(work / "a", work / "b")
    assert im2rec("verify", work / "a", work / "q", work / "b").code == 0
    assert im2rec("identities", "inspect", work / "b").code == 0


@QUIET
@given(drawn=FACES, least=st.integers(1, 6))
def test_what_a_filter_keeps_and_what_it_leaves_are_all(im2rec, tmp_path_factory, drawn, least):
    work = tmp_path_factory.mktemp("faces")
    write_faces(work / "p.rec", drawn)
    identities(im2rec, "from-plain", work / "p", "-o", work / "a", "--keep-labels", *SIZE)
    counts, parts = Counter(label for label, _, _ in drawn), []
    for name, options, chosen in (
        ("k", ["--min-images", least], {label for label, count in counts.items() if count >= least}),
        ("l", ["--max-images", max(least - 1, 1)], {label for label, count in counts.items() if count <= max(least - 1, 1)}),
    ):
        words = ["identities", "filter", work / "a", "-o", work / name, "--keep-labels", "--force", *options, *SIZE]
        assert im2rec(*words).code == (0 if chosen else 3)
        wanted = [face for face in images(work / "a") if face[0] in chosen]
        if chosen:
            assert images(work / name) == wanted
            assert im2rec("identities", "inspect", work / name).code == 0
            parts.append(work / name)
    if len(parts) == 2 and least > 1:
        identities(im2rec, "merge", *parts, "-o", work / "m", "--same-labels", "--keep-labels", "--force", *SIZE)
        assert Counter(images(work / "m")) == Counter(images(work / "a"))


@QUIET
@given(one=FACES, other=FACES)
def test_merged_files_have_the_identities_of_both(im2rec, tmp_path_factory, one, other):
    work = tmp_path_factory.mktemp("faces")
    for name, drawn in (("p", one), ("q", other)):
        write_faces(work / f"{name}.rec", drawn)
        identities(im2rec, "from-plain", work / name, "-o", work / f"{name}i", "--force", *SIZE)
    found = json.loads(identities(im2rec, "merge", work / "pi", work / "qi", "-o", work / "m", "--force", "--json", *SIZE).out)
    labels = len({label for label, _, _ in one}), len({label for label, _, _ in other})
    assert (found["images"], found["identities"]) == (len(one) + len(other), sum(labels))
    shifted = [(label + labels[0], flag, image) for label, flag, image in images(work / "qi")]
    assert images(work / "m") == images(work / "pi") + shifted
    assert im2rec("verify", work / "m").code == 0
    assert im2rec("identities", "inspect", work / "m").code == 0
    identities(im2rec, "merge", work / "pi", "-o", work / "n", "--force", *SIZE)
    assert same(work / "n", work / "pi")


def test_a_file_without_a_sum_gives_the_same_bytes(im2rec, work):
    write_faces(work / "p.rec", [(label, vector, b"y" * label + MAGIC) for label in range(9) for vector in (False, True)])
    identities(im2rec, "from-plain", "p", "-o", "a", *SIZE)
    (work / "p.sum").unlink()
    identities(im2rec, "from-plain", "p", "-o", "b", "--force", *SIZE)
    identities(im2rec, "from-plain", "p", "-o", "c", "--no-sum", "--force", *SIZE)
    assert same(work / "a", work / "b")
    assert same(work / "a", work / "c")


@pytest.mark.parametrize("verb", [["filter", "a", "-o", "b", "--min-images", "1"], ["to-plain", "a", "-o", "b"], ["merge", "a", "-o", "b"]])
def test_a_record_that_is_not_as_the_sum_says_is_not_copied(im2rec, work, verb):
    write_faces(work / "p.rec", [(label, False, b"y" * 400) for label in range(9)])
    identities(im2rec, "from-plain", "p", "-o", "a", *SIZE)
    data = bytearray((work / "a.rec").read_bytes())
    data[700] ^= 1  # in an image: frames and headers stay right
    (work / "a.rec").write_bytes(data)
    ran = im2rec("identities", *verb, *(SIZE if verb[0] != "to-plain" else []), "--force")
    assert (ran.code, len(ran.err.splitlines())) == (3, 1)
    assert "a.rec: offset 432: key 2: CRC-32 " in ran.err
    assert not list(work.glob("b.*"))
