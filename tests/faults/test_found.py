"""What the fault tests of images have found, each as the smallest file that shows it."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest
from bombs import MAKERS, make
from pictures import STORED, chunk, png_header, saved

from im2rec.errors import ImageError
from im2rec.source import ImageSource, SourceOptions
from recordio import imagecheck, images
from recordio.errors import ImageFormatError
from recordio.probe import png_without_texts, probe


def refused(data: bytes) -> str:
    with pytest.raises(ImageFormatError) as caught:
        imagecheck.check(data)
    return str(caught.value)


@pytest.mark.parametrize("name", ["arithmetic", "arithmetic-restarts", "arithmetic-progressive"])
def test_a_truncated_jpeg_of_arithmetic_coding_is_refused_though_its_decoder_does_not_complain(name: str) -> None:
    whole = (STORED / f"{name}.jpg").read_bytes()
    imagecheck.check(whole)
    for size in range(len(whole)):
        assert "truncated" in refused(whole[:size]) or size < 4


def test_a_jpeg_without_end_is_not_decoded_when_its_bytes_cannot_hold_its_pixels() -> None:
    data = make(list(MAKERS).index("jpeg without end claims")).data
    assert "which cannot hold a JPEG of" in refused(data)


def test_a_jpeg_of_more_scans_than_any_coder_writes_is_refused() -> None:
    assert "scans, expected at most 500" in refused(make(list(MAKERS).index("jpeg of scans")).data)
    whole = saved("JPEG", progressive=True)(40, 30, 1)
    last = whole[whole.rindex(b"\xff\xda") : -2]
    imagecheck.check(whole[:-2] + 300 * last + whole[-2:])


def test_fill_bytes_in_front_of_a_marker_are_passed_over_at_once() -> None:
    whole = saved("JPEG")(40, 30, 1)
    for count in (1, 2, 3, 1000):
        assert probe(whole[:2] + b"\xff" * count + whole[2:]) == probe(whole)
    for rest in (b"", b"\0", b"\xd9", b"\xda"):
        with pytest.raises(ImageFormatError):
            probe(whole[:2] + b"\xff" * 1000 + rest)


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (png_header(2, 2) + chunk(b"IEND", b""), "is damaged: a PNG without a picture"),
        (b"GIF89a\x02\0\x02\0\0\0\0;", "is damaged: a GIF without a picture"),
        (b"GIF89a\0\0\x02\0\0\0\0,\0\0\0\0\0\0\x02\0\0\2\2L\1\0;", "is damaged: a GIF of 0 x 2 pixels"),
        (b"RIFF" + struct.pack("<I", 24) + b"WEBPVP8 " + struct.pack("<I", 12) + bytes(12), "is damaged: a WebP of 0 x 0 pixels"),
    ],
    ids=["png", "gif without a picture", "gif without pixels", "webp"],
)
def test_an_image_that_holds_nothing_is_refused_where_bytes_are_kept(data: bytes, text: str) -> None:
    assert refused(data) == text


@pytest.mark.parametrize("start", [b"II*\0", b"MM\0*", b"II+\0", b"\xff\x4f\xff\x51", b"\0\0\0\x0cjP  \r\n\x87\n", b"\0\0\0\x1cftypavif"])
def test_a_damaged_image_of_a_format_that_pillow_judges_is_not_called_one_of_no_known_format(start: bytes) -> None:
    assert refused(start + b"\0" * 8).startswith("is damaged or truncated")


def test_an_image_beyond_pillows_own_limit_is_too_large_and_not_damaged() -> None:
    assert "pixels, expected at most 178956970 in all" in refused(b"P5 100000 100000 255\n")


@pytest.mark.parametrize("mode", ["RGB", "L"])
def test_a_truncated_jpeg_2000_is_refused_wherever_it_was_cut(mode: str) -> None:
    whole = saved("JPEG2000", mode)(37, 29, 1)
    imagecheck.check(whole)
    for size in range(16, len(whole)):
        assert "truncated" in refused(whole[:size])


def test_texts_of_a_png_are_not_unpacked_for_its_pixels() -> None:
    plain = saved("PNG")(20, 10, 1)
    texts = chunk(b"zTXt", b"a\0\0x") + chunk(b"tEXt", b"b\0c") + chunk(b"iTXt", b"d\0\0\0\0\0e")
    assert png_without_texts(plain) == plain
    assert png_without_texts(plain[:33] + texts + plain[33:-12] + texts + plain[-12:] + b"behind") == plain + b"behind"
    assert png_without_texts(plain[:50]) == plain[:50]
    assert (images.decode(plain[:33] + texts + plain[33:]) == images.decode(plain)).all()


def test_a_file_of_nothing_but_holes_is_refused_by_its_size(tmp_path: Path) -> None:
    with open(tmp_path / "x.jpg", "wb") as file:
        file.truncate(1 << 31)
    with pytest.raises(ImageError, match="has 2147483648 bytes, expected at most 2147483647"):
        ImageSource(SourceOptions(tmp_path)).read("x.jpg")
