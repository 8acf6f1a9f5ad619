"""JPEG segments: a remembered header says what a walk says, and no cut is taken for an end."""

from __future__ import annotations

import io
import struct

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from recordio import imagecheck
from recordio.errors import ImageFormatError
from recordio.jpeg import JpegHeaders, jpeg_orientation
from recordio.probe import probe
from recordio.traits import ImageInfo, Trait

END = b"\xff\xd9"
KINDS = {
    "baseline": ("RGB", {}),
    "gray": ("L", {}),
    "cmyk": ("CMYK", {}),
    "progressive": ("RGB", {"progressive": True}),
    "restarts": ("RGB", {"restart_marker_blocks": 1}),
    "comment": ("RGB", {"comment": b"\xff\xd9 is the end mark"}),
}


@pytest.fixture(scope="session")
def made(saved):
    def build(kind: str, size: tuple[int, int] = (20, 13)) -> bytes:
        mode, options = KINDS[kind]
        return saved("JPEG", mode, size, **options)

    return build


def verdict(data: bytes) -> ImageInfo | str:
    try:
        return probe(data)
    except ImageFormatError as error:
        return str(error)


def segment(marker: int, content: bytes) -> bytes:
    return bytes([0xFF, marker]) + struct.pack(">H", len(content) + 2) + content


# Remembered headers


def warmed(*siblings: bytes) -> JpegHeaders:
    headers = JpegHeaders()
    for sibling in siblings:
        for _ in range(2):
            probe(sibling, headers)
    return headers


@pytest.mark.parametrize("size", [(20, 13), (1, 1), (300, 7), (64, 64)])
@pytest.mark.parametrize("kind", ["baseline", "gray", "cmyk", "restarts", "comment"])
def test_a_sibling_of_any_size_is_known_by_its_header(made, kind, size):
    headers = warmed(made(kind, (40, 30)))
    data = made(kind, size)
    assert headers.match(data, 0, len(data)) == probe(data)
    buffer = bytearray(b"xyz" + data + made("baseline"))  # another file's bytes stand behind
    assert headers.match(buffer, 3, 3 + len(data)) == probe(data)


def test_a_header_that_was_seen_once_or_long_ago_is_not_known(made, saved):
    headers, data = JpegHeaders(), made("baseline")
    probe(data, headers)
    assert headers.match(data, 0, len(data)) is None
    probe(data, headers)
    assert headers.match(data, 0, len(data)) is not None
    for quality in range(10, 60, 10):
        other = saved("JPEG", "RGB", quality=quality)
        probe(other, headers)
        probe(other, headers)
    assert headers.match(data, 0, len(data)) is None


@settings(deadline=None, max_examples=500, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_what_a_remembered_header_says_is_what_a_walk_says(made, data):
    kinds = data.draw(st.lists(st.sampled_from(list(KINDS)), min_size=1, max_size=3))
    headers = warmed(*(made(kind, (24, 16)) for kind in kinds))
    hurt = bytearray(made(kinds[0], data.draw(st.sampled_from([(24, 16), (9, 5)]))))
    for at, value in data.draw(st.lists(st.tuples(st.integers(0, len(hurt) - 1), st.integers(0, 255)), max_size=2)):
        hurt[at] = value
    start, length = data.draw(st.integers(0, len(hurt))), data.draw(st.integers(0, 3))
    if data.draw(st.booleans()):
        hurt[start : start + length] = data.draw(st.sampled_from([b"", b"\xff\xd9", b"\xff\xfe\x00\x04", b"\0\0"]))
    cut = bytes(hurt[: data.draw(st.sampled_from([len(hurt), start]))])
    buffer = bytearray(b"\xff" + cut + bytes(hurt))
    for found in (headers.match(cut, 0, len(cut)), headers.match(buffer, 1, 1 + len(cut))):
        assert found is None or found == verdict(cut)
    try:
        learnt: ImageInfo | str = probe(cut, headers)
    except ImageFormatError as error:
        learnt = str(error)
    assert learnt == verdict(cut)


@pytest.mark.parametrize("kind", ["baseline", "comment", "cmyk"])
def test_bytes_that_stand_behind_a_cut_are_not_taken_for_its_own(made, kind):
    data = made(kind)
    headers = warmed(data)
    for size in range(len(data)):
        found = headers.match(bytearray(data), 0, size)
        assert found is None or found == verdict(data[:size])


# Cuts that end like a whole file


def every_cut_is_noticed(data: bytes) -> None:
    whole = imagecheck.check(data)
    assert not whole.missing_end
    with Image.open(io.BytesIO(data)) as image:
        image.load()
        assert image.size == (whole.width, whole.height)
    for size in range(len(data) - 2):
        probed = verdict(data[:size])
        assert isinstance(probed, str) or probed.missing_end, size
        with pytest.raises(ImageFormatError):
            imagecheck.check(data[:size])
    assert imagecheck.check(data[:-2]).missing_end


def test_an_end_mark_in_a_segment_between_two_scans_is_no_end(made):
    data = made("progressive", (9, 7))
    last = data.rindex(b"\xff\xda")
    values = b"\x13" + bytes([0] * 7 + [2] + [0] * 8) + END  # a Huffman table that is never used, for these two values
    for extra in (segment(0xFE, b"a " + END + b" b"), segment(0xC4, values), segment(0xE5, END)):
        for place in (last, data.index(b"\xff\xc4", data.index(b"\xff\xda"))):
            longer = data[:place] + extra + data[place:]
            at = longer.index(END, place) + 2
            assert longer[:at].endswith(END)
            assert isinstance(verdict(longer[:at]), str)
            every_cut_is_noticed(longer)


def test_an_end_mark_behind_the_first_scans_of_a_progressive_jpeg_makes_it_no_whole_one(made):
    data = made("progressive", (40, 30))
    starts = [at for at in range(len(data)) if data[at : at + 2] in (b"\xff\xc4", b"\xff\xda")]
    scans = [at for at in starts if data[at : at + 2] == b"\xff\xda"]
    for start in starts:
        if start > scans[0]:
            assert verdict(data[:start] + END) == f"is damaged: {start + 2} bytes, the JPEG's later scans are missing"
    assert not verdict(data + data[:400]).missing_end


def test_a_download_started_anew_in_a_table_between_two_scans_is_told(made):
    data = made("progressive", (40, 30))
    table = data.index(b"\xff\xc4", data.index(b"\xff\xda")) + 4
    assert verdict(data[: table + 3] + data) == (
        f"is damaged: {len(data) + table + 3} bytes, of which a second JPEG starts at byte {table + 3} before the first one's end"
    )


def test_an_end_mark_between_the_scans_of_a_sequential_jpeg_is_no_end(planes):
    start = planes.index(b"\xff\xda\x00\x08\x01\x03")
    longer = planes[:start] + segment(0xFE, END) + planes[start:]
    assert isinstance(verdict(longer[: start + 6]), str)
    every_cut_is_noticed(longer)
    every_cut_is_noticed(planes)


def test_a_thumbnail_whose_end_ends_the_file_is_no_end(made):
    data, thumbnail = made("baseline"), made("gray", (4, 3))
    longer = data[:2] + segment(0xE1, b"Exif\0\0II*\0\x08\0\0\0\0\0" + thumbnail) + data[2:]
    end = longer.index(thumbnail) + len(thumbnail)
    assert longer[:end].endswith(END)
    assert verdict(longer[:end]) == f"is truncated: {end} bytes, the JPEG's headers go on"
    every_cut_is_noticed(longer)


def test_a_progressive_jpeg_is_whole_with_bytes_behind_its_end(made):
    for rest in (b"", b"\0", END, b"rest" + END):
        assert probe(made("progressive") + rest) == probe(made("progressive"))


# EXIF


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_the_exif_orientation_is_read(made, order, orientation):
    exif = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(f"{order}IH", 8, 2)
    exif += struct.pack(f"{order}HHII", 0x0110, 4, 1, 0) + struct.pack(f"{order}HHIHH", 0x0112, 3, 1, orientation, 0) + bytes(4)
    data = made("baseline")
    data = data[:2] + segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0<x/>") + segment(0xE1, b"Exif\0\0" + exif) + data[2:]
    with Image.open(io.BytesIO(data)) as image:
        assert image.getexif()[0x0112] == orientation
    info = probe(data)
    assert (info.orientation, jpeg_orientation(data)) == (orientation, orientation)
    assert info.traits == (Trait.ROTATED if orientation > 1 else 0)


@pytest.mark.parametrize("value", [0, 9, 65535])
def test_an_orientation_that_does_not_exist_turns_nothing(saved, value):
    exif = Image.Exif()
    exif[0x0112] = value
    info = probe(saved("JPEG", exif=exif))
    assert (info.orientation, info.traits) == (1, 0)


@pytest.mark.parametrize("options", [{}, {"progressive": True}, {"restart_marker_blocks": 2}], ids=["baseline", "progressive", "restarts"])
def test_a_jpeg_that_starts_anew_within_its_data_is_damaged(saved, options):
    data = saved("JPEG", "RGB", (90, 70), quality=90, **options)
    headers = JpegHeaders()
    for _ in range(3):  # the header is known by then
        assert probe(data, headers).format == "jpg"
    hurt = data[: len(data) * 3 // 4] + data
    assert headers.match(hurt, 0, len(hurt)) is None
    with pytest.raises(ImageFormatError, match=r"is damaged: .*a second JPEG starts at byte"):
        probe(hurt, headers)
    twice = data + data
    assert probe(twice, headers).format == "jpg"  # behind the end mark anything may stand


def test_a_frame_right_behind_the_first_marker_makes_no_second_head_of_two_bytes(made):
    data = made("progressive", (40, 30))
    frame = data.index(b"\xff\xc2")
    bare = data[:2] + data[frame:]
    tables = data[2:frame]
    scan = bare.index(b"\xff\xda")
    first = bare[:scan] + tables + bare[scan:]
    second = first.index(b"\xff\xda", first.index(b"\xff\xda") + 2)
    longer = first[:second] + segment(0xFE, b"\xff\xd8") + first[second:]
    assert isinstance(verdict(first), ImageInfo)
    assert verdict(longer) == verdict(first)
