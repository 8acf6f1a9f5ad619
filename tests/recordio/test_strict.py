"""Strict decoding of JPEGs: what is damage, what is odd, what touches no pixel; beside OpenCV's tolerant decoding."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from recordio import imagecheck, images, strict
from recordio.errors import ImageFormatError

END = b"\xff\xd9"
KINDS = {
    "baseline": ("RGB", {"quality": 90}),
    "gray": ("L", {}),
    "cmyk": ("CMYK", {}),
    "stored as RGB": ("RGB", {"keep_rgb": True}),
    "progressive": ("RGB", {"progressive": True}),
    "restarts": ("RGB", {"restart_marker_blocks": 3}),
    "4:4:4": ("RGB", {"subsampling": 0, "quality": 97}),
}
SIZE = (220, 180)
each_kind = pytest.mark.parametrize(("mode", "options"), KINDS.values(), ids=KINDS)


@pytest.fixture
def jpeg(saved):
    return saved("JPEG", "RGB", SIZE, quality=90)


def exif(orientation: int) -> bytes:
    content = b"Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0" + bytes([orientation, 0, 0, 0]) + bytes(4)
    return b"\xff\xe1" + (len(content) + 2).to_bytes(2, "big") + content


def turned(data: bytes, orientation: int) -> bytes:
    return data[:2] + exif(orientation) + data[2:]


def with_end_glued_on(data: bytes) -> bytes:
    return data[: len(data) * 3 // 4] + END


def started_anew(data: bytes) -> bytes:
    return data[: len(data) * 3 // 4] + data


def with_zeros(data: bytes) -> bytes:
    at, size = len(data) // 2, len(data) // 4
    return data[:at] + bytes(size) + data[at + size :]


DAMAGES = [with_end_glued_on, started_anew, with_zeros]


def refused(data: bytes, **options) -> str:
    with pytest.raises(ImageFormatError) as caught:
        images.decode_whole(data, **options)
    return str(caught.value)


@each_kind
@pytest.mark.parametrize("damage", DAMAGES)
def test_damage_that_only_decoding_shows_is_refused(saved, mode, options, damage):
    data = damage(saved("JPEG", mode, SIZE, **options))
    assert refused(data).startswith("is damaged: ")
    with pytest.raises(ImageFormatError, match="is damaged: "):
        imagecheck.decode_strictly(data)


@each_kind
@pytest.mark.parametrize("color", images.COLORS)
def test_a_whole_jpeg_is_decoded_as_opencv_does(saved, mode, options, color):
    data = saved("JPEG", mode, SIZE, **options)
    pixels, remark = images.decode_whole(data, color)
    assert remark == ""
    assert np.array_equal(pixels, cv2.imdecode(np.frombuffer(data, np.uint8), images.COLORS[color]))


@pytest.mark.parametrize("turn", [False, True])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_turned_jpeg_is_decoded_as_opencv_does_and_refused_when_it_is_damaged(jpeg, orientation, turn):
    data = turned(jpeg, orientation)
    for color, flag in (("color", 1), ("gray", 0)):
        for scale in (1, 2):
            flags = flag if scale == 1 else flag + scale * 8
            pixels, _ = images.decode_whole(data, color, scale=scale, turn=turn)
            assert np.array_equal(pixels, cv2.imdecode(np.frombuffer(data, np.uint8), flags))
    assert refused(turned(with_end_glued_on(jpeg), orientation), turn=turn).startswith("is damaged: ")


def test_a_missing_end_mark_is_no_damage(jpeg):
    pixels, remark = images.decode_whole(jpeg[:-2])
    assert (remark, np.array_equal(pixels, images.decode(jpeg))) == ("", True)


def harmless(data: bytes) -> dict[str, bytes]:
    """What touches no pixel: odd words in the headers."""
    adobe = b"\xff\xee\0\x0eAdobe\0\x64\0\0\0\0\x09"
    icc = b"\xff\xe2\0\x12ICC_PROFILE\0\x05\x02ab"
    sos = data.index(b"\xff\xda") + 2
    last = sos + int.from_bytes(data[sos : sos + 2], "big") - 3  # the first and the last coefficient, and bits
    return {
        "JFIF 9": data.replace(b"JFIF\0\x01", b"JFIF\0\x09", 1),
        "Adobe transform 9": data[:2] + adobe + data[2:],
        "ICC 5 of 2": data[:2] + icc + data[2:],
        "odd parameters of the scan": data[:last] + b"\0\x05\0" + data[last + 3 :],
    }


@pytest.mark.parametrize("what", ["JFIF 9", "Adobe transform 9", "ICC 5 of 2", "odd parameters of the scan"])
def test_warnings_that_touch_no_pixel_are_no_damage(jpeg, what):
    data = harmless(jpeg)[what]
    pixels, remark = images.decode_whole(data)
    assert remark == ""
    assert np.array_equal(pixels, cv2.imdecode(np.frombuffer(data, np.uint8), 1))
    imagecheck.decode_strictly(data)


@pytest.mark.parametrize("padding", [bytes(1000), bytes(100), b"\x55" * 70])
def test_padding_before_the_end_mark_is_remarked(jpeg, padding):
    pixels, remark = images.decode_whole(jpeg[:-2] + padding + END)
    assert remark.startswith(f"{strict.ODD}: Corrupt JPEG data: ")
    assert remark.endswith(" extraneous bytes before marker 0xd9")
    assert np.array_equal(pixels, images.decode(jpeg))


def test_bytes_between_headers_are_opencvs_to_judge(jpeg):
    tables = jpeg.index(b"\xff\xdb")
    data = jpeg[:tables] + b"abcd" + jpeg[tables:]
    assert np.array_equal(images.decode_whole(data)[0], cv2.imdecode(np.frombuffer(data, np.uint8), 1))


def test_a_sampling_that_simplejpeg_has_no_name_for_is_opencvs_to_judge(saved):
    data = saved("JPEG", "RGB", SIZE, subsampling=0)
    factors = data.index(b"\xff\xc0") + 11
    data = data[:factors] + b"\x14" + data[factors + 1 :]  # 4:4:1
    assert np.array_equal(images.decode_whole(data)[0], cv2.imdecode(np.frombuffer(data, np.uint8), 1))


def test_what_is_left_over_where_a_sector_is_lost_is_damage(saved):
    data = saved("JPEG", "RGB", SIZE, quality=97, subsampling=0)
    reasons = []
    for at in range(2048, len(data) - 1536, 512):
        hurt = data[:at] + bytes(600) + data[at + 600 :]
        try:
            _, remark = images.decode_whole(hurt)
            assert remark == ""  # what no decoder sees
        except ImageFormatError as error:
            reasons.append(error.reason)
    assert any("zeros stand within its data" in reason for reason in reasons), reasons
    assert len(reasons) > len(range(2048, len(data) - 1536, 512)) * 0.9


def test_a_warning_that_the_last_one_hides_is_found(saved):
    """Padding is what the decoder speaks of last; without it, it says what it said before."""
    data = saved("JPEG", "RGB", SIZE, restart_marker_blocks=3)
    mark = data.index(b"\xff\xd3", data.index(b"\xff\xda"))
    assert refused(data[:mark] + b"\xff\xd5" + data[mark + 2 : -2] + bytes(9) + END).startswith("is damaged: ")


def test_pillow_judges_where_simplejpeg_takes_no_jpeg_of_that_kind(jpeg, monkeypatch):
    def refuse(data, **_):
        raise ValueError("tjDecompressHeader3(): Could not determine subsampling level of JPEG image")

    monkeypatch.setattr(strict.load_simplejpeg(), "decode_jpeg_header", refuse)
    assert imagecheck.decode_checked(jpeg, imagecheck.check(jpeg)) == ""
    assert np.array_equal(images.decode_whole(jpeg)[0], cv2.imdecode(np.frombuffer(jpeg, np.uint8), 1))


def test_libjpegs_lines_can_be_kept_from_standard_error(jpeg, capfd):
    hurt = turned(with_end_glued_on(jpeg), 6)
    images.decode(hurt)
    assert "Corrupt JPEG data" in capfd.readouterr().err  # OpenCV's libjpeg says so itself
    with images.silent():
        images.decode(hurt)
    assert capfd.readouterr().err == ""
