"""Names of extracted files: nothing outside the folder, nothing that a system cannot hold, nothing twice."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from im2rec.safenames import Names, fitted, format_of, safe_part, suffix_of

HOSTILE = st.lists(
    st.one_of(
        st.sampled_from(["..", ".", "", "/", "a", "A", "con", "NUL.jpg", "a.jpg", "x ", " x", "é", "e\u0301", "\\", "c:"]), st.text()
    ),
    min_size=1,
    max_size=6,
).map("/".join)


@pytest.mark.parametrize(
    ("part", "safe"),
    [
        ("photo.jpg", "photo.jpg"),
        ("Ünïcode 7.jpg", "Ünïcode 7.jpg"),
        (".hidden", ".hidden"),
        ("..", "._"),
        ("", "_"),
        ("a.", "a_"),
        (" a ", "_a_"),
        ("con", "_con"),
        ("LPT1.jpg", "_LPT1.jpg"),
        ("aux .png", "_aux .png"),
        ("c:x", "c_x"),
        ("a\\b", "a_b"),
        ("a\tb\nc\0", "a_b_c_"),
        ("caf\udce9", "caf_"),
    ],
)
def test_a_part_of_a_path_is_made_safe(part: str, safe: str) -> None:
    assert safe_part(part) == safe


def test_a_long_name_is_cut_and_stays_different_from_others() -> None:
    names = [safe_part("ü" * 300 + f"{number}.jpg") for number in range(3)]
    assert len(set(names)) == 3
    assert all(len(name.encode()) <= 200 and name.endswith(".jpg") for name in names)


@given(st.lists(HOSTILE, max_size=20))
def test_whatever_is_asked_for_stays_inside_and_is_there_once(paths: list[str]) -> None:
    names, given_out = Names(), []
    for path in paths:
        folder, _, name = path.rpartition("/")
        given_out.append(names.file(folder, name))
    folded = [unicodedata.normalize("NFC", path).casefold() for path in given_out + names.folders]
    assert len(set(folded)) == len(folded), "also where upper and lower case are the same"
    for path in given_out:
        parts = path.split("/")
        assert not {"", ".", ".."} & set(parts)
        assert not any(ord(c) < 32 or c in '<>:"|?*\\' for c in path)
        assert path == path.strip()
        assert "\t" not in path
        assert all(len(part.encode()) <= 255 and not part.endswith((".", " ")) for part in parts)
        assert "/".join(parts[:-1]) in ["", *names.folders]


def test_folders_that_differ_in_case_only_are_two() -> None:
    names = Names()
    assert [names.file("Cat", "1.jpg"), names.file("cat", "1.jpg"), names.file("Cat", "2.jpg")] == ["Cat/1.jpg", "cat-2/1.jpg", "Cat/2.jpg"]


def test_a_file_is_no_folder() -> None:
    names = Names()
    assert names.file("", "a") == "a"
    assert names.file("a", "b.jpg") == "a-2/b.jpg"


@pytest.mark.parametrize(
    ("name", "format_", "expected"),
    [
        ("a.jpg", "jpg", "a.jpg"),
        ("a.JPEG", "jpg", "a.JPEG"),
        ("a.png", "jpg", "a.jpg"),
        ("a", "png", "a.png"),
        ("v1.2", "webp", "v1.2.webp"),
        (".png", "jpg", ".png.jpg"),
        ("a.xyz", "", "a.xyz"),
    ],
)
def test_a_suffix_is_that_of_the_format(name: str, format_: str, expected: str) -> None:
    assert fitted(name, format_) == expected


def test_the_format_is_known_from_the_first_bytes(golden, picture) -> None:
    for path in sorted((golden / "images").rglob("*")):
        if path.is_file() and "bad" not in path.parts and path.suffix in (".jpg", ".jpeg", ".png"):
            assert path.suffix.replace("jpeg", "jpg") == suffix_of(format_of(path.read_bytes()[:16])), path
    assert format_of(picture(suffix=".webp")[:16]) == "webp"
    assert format_of(picture(suffix=".bmp")[:16]) == "bmp"
    assert format_of(picture(suffix=".tiff")[:16]) == "tiff"
    assert (format_of(b"no image"), suffix_of("")) == ("", ".bin")
