"""Decoding for training: what was learned from the headers of other JPEGs changes nothing but the time."""

from __future__ import annotations

import io
from collections.abc import Callable

import cv2
import numpy as np
import pytest
from PIL import Image

from recordio import ImageFormatError, jpeg, probe
from recordio.loaders import decoding

EXIF = b"Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0"  # orientation 6
ODD_EXIF = EXIF.replace(b"II*", b"XX*")
COMMENT_LIKE_EXIF = b"Exif\0\0 but a comment"


def encode(number: int, height: int, width: int, *options: int) -> bytes:
    picture = cv2.resize(np.random.default_rng(number).integers(0, 256, (6, 7, 3), np.uint8), (width, height))
    return cv2.imencode(".jpg", picture, options)[1].tobytes()


def with_segment(data: bytes, marker: int, content: bytes) -> bytes:
    return data[:2] + bytes([0xFF, marker]) + (len(content) + 2).to_bytes(2, "big") + content + data[2:]


def gray(number: int, height: int, width: int) -> bytes:
    file = io.BytesIO()
    Image.fromarray(np.random.default_rng(number).integers(0, 256, (height, width), np.uint8)).save(file, "JPEG")
    return file.getvalue()


def cmyk(number: int, height: int, width: int) -> bytes:
    file = io.BytesIO()
    Image.fromarray(np.random.default_rng(number).integers(0, 256, (height, width, 4), np.uint8), "CMYK").save(file, "JPEG")
    return file.getvalue()


KINDS: dict[str, Callable[[int, int, int], bytes]] = {
    "plain": encode,
    "gray": gray,
    "CMYK": cmyk,
    "restarts": lambda *shape: encode(*shape, cv2.IMWRITE_JPEG_RST_INTERVAL, 2),
    "progressive": lambda *shape: encode(*shape, cv2.IMWRITE_JPEG_PROGRESSIVE, 1),
    "tables of its own": lambda *shape: encode(*shape, cv2.IMWRITE_JPEG_OPTIMIZE, 1),
    "turned": lambda *shape: with_segment(encode(*shape), 0xE1, EXIF),
    "turned, nobody knows how": lambda *shape: with_segment(encode(*shape), 0xE1, ODD_EXIF),
    "a comment": lambda *shape: with_segment(encode(*shape), 0xFE, COMMENT_LIKE_EXIF),
    "cut": lambda *shape: encode(*shape)[:-40],
    "cut, with an end mark": lambda *shape: encode(*shape)[:-40] + b"\xff\xd9",
    "started anew": lambda *shape: encode(*shape)[:-40] + encode(*shape),
    "more behind its end": lambda *shape: encode(*shape) + bytes(50),
}


def told(data: bytes, color: str, *, upright: bool, scale: int) -> tuple[int, ...] | bytes | str:
    try:
        pixels = decoding.decode(data, color, whole=True, upright=upright, scale=scale)
    except ImageFormatError as error:
        return str(error)
    return (*pixels.shape, *pixels.tobytes())


@pytest.fixture
def cold(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Forget the headers that were seen."""

    def forget() -> None:
        monkeypatch.setattr(decoding, "_known", jpeg.JpegHeaders(upright=True))

    forget()
    return forget


@pytest.mark.parametrize("color", ["color", "gray", "unchanged"])
@pytest.mark.parametrize("upright", [True, False])
@pytest.mark.parametrize("scale", [1, 2])
def test_headers_that_were_seen_before_change_no_pixel_and_no_error(
    cold: Callable[[], None], color: str, upright: bool, scale: int
) -> None:
    files = [(name, make(number, 40 + number % 3, 56)) for number in range(6) for name, make in KINDS.items()]
    apart = []
    for _, data in files:
        cold()
        apart.append(told(data, color, upright=upright, scale=scale))
    cold()
    for kind in KINDS:  # one kind after the other, so that its header is learned; and then all of them in turn
        for (name, data), expected in zip(files, apart, strict=True):
            if name == kind:
                assert told(data, color, upright=upright, scale=scale) == expected, name
    for (name, data), expected in zip(files, apart, strict=True):
        assert told(data, color, upright=upright, scale=scale) == expected, name


def test_libjpeg_says_nothing_of_a_jpeg_that_is_refused(cold: Callable[[], None], capfd: pytest.CaptureFixture[str]) -> None:
    data = encode(1, 240, 256)
    with pytest.raises(ImageFormatError):  # nothing says any more that its scan is one
        decoding.decode(data.replace(b"\xff\xda", b"\xff\xd2", 1), "color", whole=True)
    assert capfd.readouterr().err == ""


def test_a_header_that_was_seen_twice_is_not_walked_again(cold: Callable[[], None], monkeypatch: pytest.MonkeyPatch) -> None:
    walked = []
    monkeypatch.setattr(decoding.probe, "probe", lambda *args: walked.append(1) or probe.probe_jpeg(*args))
    for number in range(10):
        decoding.decode(encode(number, 40 + number, 56), "color", whole=True)
    assert len(walked) == 2


@pytest.mark.parametrize("content", [EXIF, ODD_EXIF])
def test_one_with_exif_data_is_walked_each_time(cold: Callable[[], None], monkeypatch: pytest.MonkeyPatch, content: bytes) -> None:
    walked = []
    monkeypatch.setattr(decoding.probe, "probe", lambda *args: walked.append(1) or probe.probe_jpeg(*args))
    for number in range(5):
        decoding.decode(with_segment(encode(number, 40, 56), 0xE1, content), "color", whole=True)
    assert len(walked) == 5
