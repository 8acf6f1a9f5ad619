"""simplejpeg stands in for OpenCV's decoder where, and only where, the pixels are the same."""

from __future__ import annotations

import io
import random
from collections import Counter
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from recordio import codecs, images

PHOTOS = sorted((Path(__file__).resolve().parents[2] / "examples" / "photos").glob("*/*.jpg"))
FACTORS = [0x411111, 0x221111, 0x211111, 0x121111, 0x111111]  # 4:1:1, 4:2:0, 4:2:2, 4:4:0, 4:4:4


def picture(rng: random.Random, width: int, height: int) -> np.ndarray:
    coarse = np.random.default_rng(rng.randrange(1 << 30)).integers(0, 256, (max(1, height // 8), max(1, width // 8), 3), np.uint8)
    return cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)


def jpegs(count: int) -> list[bytes]:
    """JPEGs of all modes, codings, samplings, orientations and sizes from 1 to 257 pixels."""
    rng = random.Random(11)
    made = []
    for _ in range(count):
        width, height = rng.randint(1, 257), rng.randint(1, 257)
        exif = Image.Exif()
        if rng.random() < 0.2:
            exif[0x0112] = rng.randint(1, 8)
        file = io.BytesIO()
        image = Image.fromarray(picture(rng, width, height)).convert(rng.choice(["RGB", "RGB", "L", "CMYK"]))
        image.save(file, "JPEG", quality=rng.randint(1, 100), progressive=rng.random() < 0.3, subsampling=rng.choice([0, 1, 2]), exif=exif)
        made.append(file.getvalue())
    for factor in FACTORS:
        for _ in range(count // 20):
            pixels = picture(rng, rng.randint(1, 257), rng.randint(1, 257))
            made.append(cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_SAMPLING_FACTOR, factor])[1].tobytes())
    return made


@pytest.mark.parametrize("scale", [1, 2, 4, 8])
@pytest.mark.parametrize("color", list(images.COLORS))
def test_every_jpeg_decodes_to_opencvs_pixels(color: str, scale: int) -> None:
    by_simplejpeg: Counter[str] = Counter()
    for data in [*(path.read_bytes() for path in PHOTOS), *jpegs(600)]:
        plain = images._decode_plain_jpeg(data, color, scale)
        found = plain[0] if plain else None
        if found is not None:
            by_simplejpeg[codecs.load_simplejpeg().decode_jpeg_header(data)[3]] += 1
        assert np.array_equal(images.decode(data, color, scale=scale), by_opencv(data, color, scale, found))
    assert sorted(by_simplejpeg) == ["411", "420", "422", "440", "444", "Gray"]
    assert by_simplejpeg.total() > 500  # or the comparison would be of OpenCV with itself
    assert min(by_simplejpeg.values()) > 20


def by_opencv(data: bytes, color: str, scale: int, plain: np.ndarray | None) -> np.ndarray:
    """OpenCV's pixels; it scales no "unchanged" JPEG, so for a plain one its color or gray pixels count."""
    flag = images.COLORS[color]
    if scale > 1:
        if flag < 0 and plain is not None:
            flag = (0 if plain.ndim == 2 else 1) | cv2.IMREAD_IGNORE_ORIENTATION
        reduced = {2: cv2.IMREAD_REDUCED_GRAYSCALE_2, 4: cv2.IMREAD_REDUCED_GRAYSCALE_4, 8: cv2.IMREAD_REDUCED_GRAYSCALE_8}[scale]
        flag = flag if flag < 0 else flag | reduced  # the colored ones are 1 more
    return cv2.imdecode(np.frombuffer(data, np.uint8), flag)


def reencoded(factor: int) -> bytes:
    pixels = cv2.imread(str(PHOTOS[0]))
    return cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_SAMPLING_FACTOR, factor])[1].tobytes()


@pytest.mark.parametrize("scale", [1, 2, 4, 8])
def test_where_the_decoders_differ_opencv_decodes(monkeypatch: pytest.MonkeyPatch, scale: int) -> None:
    right = codecs.load_simplejpeg().decode_jpeg

    def other_pixels(data: bytes, name: str, *, min_factor: int = 1, **least: int) -> np.ndarray:
        """Decode 4:2:0 at one scale otherwise."""
        wrong = min_factor == scale and codecs.load_simplejpeg().decode_jpeg_header(data)[3] == "420"
        return right(data, name, min_factor=min_factor, **least) ^ wrong

    monkeypatch.setattr(codecs.load_simplejpeg(), "decode_jpeg", other_pixels)
    images._decodes_alike.cache_clear()
    try:
        for factor in FACTORS:
            for at in (1, 2, 4, 8):
                data = reencoded(factor)
                assert np.array_equal(images.decode(data, scale=at), by_opencv(data, "color", at, None))
                assert (images._decode_plain_jpeg(data, "color", at) is None) == (factor == 0x221111 and at == scale)
    finally:
        images._decodes_alike.cache_clear()


@pytest.mark.parametrize("orientation", range(9))
@pytest.mark.parametrize("scale", [2, 4, 8])
def test_a_scaled_decode_is_a_smaller_picture_of_the_same(scale: int, orientation: int) -> None:
    exif = Image.Exif()
    if orientation:
        exif[0x0112] = orientation
    file = io.BytesIO()
    Image.open(PHOTOS[31]).save(file, "JPEG", quality=98, exif=exif)
    full = images.decode(file.getvalue())
    small = images.decode(file.getvalue(), scale=scale)
    height, width = full.shape[:2]
    assert small.shape == (-(-height // scale), -(-width // scale), 3)
    expected = cv2.resize(full, small.shape[1::-1], interpolation=cv2.INTER_AREA)
    assert cv2.PSNR(small, expected) > 30


def test_a_scaled_decode_leaves_other_formats_whole() -> None:
    data = cv2.imencode(".png", picture(random.Random(5), 40, 30))[1].tobytes()
    assert images.decode(data, scale=8).shape == (30, 40, 3)


@pytest.mark.parametrize(("order", "mark"), [("<", b"II*\0\x08\0\0\0"), (">", b"MM\0*\0\0\0\x08")])
def test_exif_data_that_cannot_be_understood_is_left_to_opencv(order: str, mark: bytes) -> None:
    plain = PHOTOS[0].read_bytes()
    for tail in (b"", b"\xff\xff", b"\1\0" if order == "<" else b"\0\1"):
        content = b"Exif\0\0" + mark + tail
        data = plain[:2] + b"\xff\xe1" + (len(content) + 2).to_bytes(2, "big") + content + plain[2:]
        assert images._decode_plain_jpeg(data, "color", 1) is None
        assert np.array_equal(images.decode(data), cv2.imdecode(np.frombuffer(data, np.uint8), 1))
