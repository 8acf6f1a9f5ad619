"""What bytes say about an image: checked against Pillow and OpenCV, on whole images and on every truncation of them."""

from __future__ import annotations

import io
import itertools
import struct
import zlib

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from recordio.errors import ImageFormatError
from recordio.probe import ImageInfo, UnknownFormat, probe

SIZES = [(1, 1), (1, 2), (2, 1), (3, 7), (8, 8), (16, 9), (17, 33), (64, 48), (1, 150), (150, 1), (129, 65)]

# name -> (what probe calls it, Pillow's format, mode, Pillow's options)
KINDS = {
    "jpeg baseline": ("jpg", "JPEG", "RGB", {}),
    "jpeg gray": ("jpg", "JPEG", "L", {}),
    "jpeg cmyk": ("jpg", "JPEG", "CMYK", {}),
    "jpeg progressive": ("jpg", "JPEG", "RGB", {"progressive": True}),
    "jpeg progressive gray": ("jpg", "JPEG", "L", {"progressive": True}),
    "jpeg progressive cmyk": ("jpg", "JPEG", "CMYK", {"progressive": True}),
    "jpeg optimized 4:4:4": ("jpg", "JPEG", "RGB", {"optimize": True, "subsampling": 0, "quality": 100}),
    "jpeg worst quality": ("jpg", "JPEG", "RGB", {"quality": 1}),
    "jpeg with restarts": ("jpg", "JPEG", "RGB", {"restart_marker_blocks": 1}),
    "jpeg progressive with restarts": ("jpg", "JPEG", "RGB", {"progressive": True, "restart_marker_blocks": 3}),
    "jpeg with comment": ("jpg", "JPEG", "RGB", {"comment": b"\xff\xd9 is the end mark", "dpi": (72, 72)}),
    "png": ("png", "PNG", "RGB", {}),
    "png gray": ("png", "PNG", "L", {}),
    "png gray alpha": ("png", "PNG", "LA", {}),
    "png 16 bit": ("png", "PNG", "I;16", {}),
    "png palette": ("png", "PNG", "P", {}),
    "png palette alpha": ("png", "PNG", "P", {"transparency": b"\0\x80"}),
    "png one bit": ("png", "PNG", "1", {}),
    "png alpha uncompressed": ("png", "PNG", "RGBA", {"compress_level": 0}),
    "webp lossy": ("webp", "WEBP", "RGB", {}),
    "webp lossy alpha": ("webp", "WEBP", "RGBA", {}),
    "webp lossless": ("webp", "WEBP", "RGB", {"lossless": True}),
    "webp lossless alpha": ("webp", "WEBP", "RGBA", {"lossless": True}),
    "webp extended": ("webp", "WEBP", "RGB", {"exif": b"Exif\0\0II*\0\x08\0\0\0\0\0"}),
    "gif": ("gif", "GIF", "P", {}),
    "gif gray": ("gif", "GIF", "L", {}),
    "gif one bit": ("gif", "GIF", "1", {}),
    "gif with comment": ("gif", "GIF", "P", {"comment": b";" * 300, "transparency": 0, "interlace": 0}),
    "bmp": ("bmp", "BMP", "RGB", {}),
    "bmp alpha": ("bmp", "BMP", "RGBA", {}),
    "bmp gray": ("bmp", "BMP", "L", {}),
    "bmp palette": ("bmp", "BMP", "P", {}),
    "bmp one bit": ("bmp", "BMP", "1", {}),
}
each = pytest.mark.parametrize(("name", "format", "mode", "options"), KINDS.values(), ids=KINDS)
jpegs = pytest.mark.parametrize("kind", [kind for kind in KINDS if kind.startswith("jpeg")])
others = pytest.mark.parametrize("kind", [kind for kind in KINDS if not kind.startswith("jpeg")])


@pytest.fixture(scope="session")
def made(saved):
    """The bytes of a kind of the table above."""

    def build(kind: str, size: tuple[int, int] = (20, 13)) -> bytes:
        _, pillow_format, mode, options = KINDS[kind]
        return saved(pillow_format, mode, size, **options)

    return build


def refused(data: bytes) -> str:
    with pytest.raises(ImageFormatError) as caught:
        probe(data)
    return str(caught.value)


def png_chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


# Whole images


@each
def test_valid_image_of_any_size_is_never_rejected(saved, name, format, mode, options):
    for size in SIZES:
        assert probe(saved(format, mode, size, **options))[:4] == (name, *size, False)


@pytest.mark.parametrize("suffix", ["jpg", "png", "webp", "bmp"])
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_image_that_opencv_wrote_is_never_rejected(noise, suffix, channels):
    import cv2

    for width, height in SIZES:
        data = cv2.imencode(f".{suffix}", noise(height, width, channels))[1].tobytes()
        assert probe(data)[:4] == (suffix, width, height, False)


def test_golden_images_have_the_size_that_pillow_sees(golden):
    paths = [path for path in sorted((golden / "images").rglob("*.*")) if path.parent.name != "bad" and path.suffix != ".txt"]
    for path in paths:
        with Image.open(path) as image:
            expected = {"JPEG": "jpg", "PNG": "png"}[image.format], *image.size, False
        assert probe(path.read_bytes())[:4] == expected
    assert len(paths) == 14


@pytest.mark.parametrize("format", ["GIF", "WEBP"])
def test_animation_has_the_size_of_its_canvas(photo, format):
    stream = io.BytesIO()
    frames = [photo("RGB", (24, 16)).rotate(angle) for angle in (10, 20, 30)]
    frames[0].save(stream, format, save_all=True, append_images=frames[1:], duration=100, loop=0)
    assert probe(stream.getvalue())[:3] == (format.lower(), 24, 16)


@pytest.mark.parametrize("rest", [b"\0", b"\xff", b"\r\n", b"\0" * 100, b"\xff\xd8\xff", b"trailing \xff\xc4\xff\xff"])
@jpegs
def test_bytes_behind_the_end_mark_of_a_jpeg_are_no_fault(made, kind, rest):
    assert probe(made(kind) + rest)[:4] == ("jpg", 20, 13, False)


@others
def test_bytes_behind_the_end_of_other_images_are_no_fault(made, kind):
    assert probe(made(kind) + b"\0\0rest") == probe(made(kind))


def test_two_jpegs_in_a_row_are_the_first(made, saved):
    assert probe(made("jpeg baseline") + saved("JPEG", "RGB", (5, 5)))[:4] == ("jpg", 20, 13, False)


def test_thumbnail_in_the_exif_block_is_not_the_image(made, saved):
    thumbnail = saved("JPEG", "RGB", (4, 3))
    block = b"Exif\0\0" + thumbnail
    whole = made("jpeg baseline")
    data = whole[:2] + b"\xff\xe1" + struct.pack(">H", 2 + len(block)) + block + whole[2:]
    assert probe(data)[:4] == ("jpg", 20, 13, False)
    for size in range(3, data.rindex(b"\xff\xda") + 14):
        assert "is truncated" in refused(data[:size])


def test_fill_bytes_before_a_marker_are_passed_over(made):
    data = made("jpeg baseline")
    assert probe(data[:2] + b"\xff\xff\xff" + data[2:])[:4] == ("jpg", 20, 13, False)


def test_bmp_that_stands_on_its_head_has_a_positive_height():
    header = struct.pack("<2sIHHI IiiHHIIiiII", b"BM", 0, 0, 0, 54, 40, 3, -2, 1, 24, 0, 0, 0, 0, 0, 0)
    assert probe(header + bytes(24))[:4] == ("bmp", 3, 2, False)
    assert refused(header + bytes(23)) == "is truncated: 77 bytes, the BMP's pixels end at 78"


def test_bmp_with_the_header_of_os2():
    header = struct.pack("<2sIHHI IHHHH", b"BM", 0, 0, 0, 26, 12, 5, 2, 1, 24)
    with Image.open(io.BytesIO(header + bytes(32))) as image:
        assert probe(header + bytes(32))[:4] == ("bmp", *image.size, False)
    assert "the BMP's pixels end at 58" in refused(header + bytes(31))


def test_bmp_that_is_packed_states_its_size():
    packed = b"\x03\x01\x00\x00\x03\x02\x00\x00\x00\x01"  # two rows of three pixels, and the end
    header = struct.pack("<2sIHHI IiiHHIIiiII", b"BM", 0, 0, 0, 62, 40, 3, 2, 1, 8, 1, len(packed), 0, 0, 2, 0) + bytes(8)
    assert probe(header + packed)[:4] == ("bmp", 3, 2, False)
    assert "is truncated: 71 bytes" in refused(header + packed[:-1])


# Truncation: every byte cut


@jpegs
def test_every_truncation_of_a_jpeg_is_refused_or_lacks_its_end_mark(made, kind):
    data = made(kind)
    start_of_scan = data.index(b"\xff\xda")
    for size in range(len(data)):
        try:
            info = probe(data[:size])
        except ImageFormatError:
            assert size < len(data) - 2
        else:
            assert size > start_of_scan
            assert info[:4] == ("jpg", 20, 13, True)


@pytest.mark.parametrize("kind", ["jpeg progressive", "jpeg progressive gray", "jpeg progressive cmyk"])
def test_progressive_jpeg_that_ends_between_two_scans_is_refused(made, kind):
    data = made(kind)
    scans = [at for at in range(len(data) - 1) if data[at : at + 2] == b"\xff\xda"]
    assert len(scans) > 2
    for start in scans[1:]:
        assert refused(data[:start]) == f"is truncated: {start} bytes, the JPEG's later scans are missing"
    assert probe(data[:-2]).missing_end


def test_sequential_jpeg_whose_other_scans_are_missing_is_refused(made):
    data = made("jpeg baseline")
    start = data.index(b"\xff\xda")
    one_component = data[:start] + b"\xff\xda\x00\x08\x01\x01\x00\x00\x3f\x00" + data[start + 14 : -2]
    assert "the JPEG's later scans are missing" in refused(one_component)
    three = one_component + b"".join(b"\xff\xda\x00\x08\x01" + bytes([number]) + b"\x11\x00\x3f\x00\x55" for number in (2, 3))
    assert probe(three).missing_end


@others
def test_every_truncation_of_other_images_is_refused(made, kind):
    data = made(kind)
    assert len(data) < 6000
    for size in range(len(data)):
        refused(data[:size])


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind.split()[0] in ("png", "webp", "gif", "bmp")])
def test_truncation_is_called_by_its_name(made, kind):
    data = made(kind)
    assert f"is truncated: {len(data) - 1} bytes" in refused(data[:-1])


def test_golden_truncated_jpeg_lacks_its_end(golden):
    assert probe((golden / "images" / "bad" / "truncated.jpg").read_bytes())[:4] == ("jpg", 160, 120, True)


# Damage


@pytest.mark.parametrize("kind", ["png", "png palette", "png palette alpha", "png alpha uncompressed"])
def test_every_wrong_bit_of_a_png_is_noticed(made, kind):
    data = made(kind, (5, 4))
    for at, bit in itertools.product(range(len(data)), range(8)):
        refused(data[:at] + bytes([data[at] ^ 1 << bit]) + data[at + 1 :])


def test_damage_to_a_png_chunk_that_decoders_may_skip_is_no_fault(made):
    data = made("png")
    text = png_chunk(b"tEXt", b"Comment\0hello")
    for note in (text, text[:-1] + b"\0"):
        assert probe(data[:33] + note + data[33:])[:4] == ("png", 20, 13, False)


def test_damaged_png_chunk_is_told_with_its_place(made):
    data = bytearray(made("png"))
    data[45] ^= 1
    assert refused(bytes(data)) == "is damaged: PNG chunk b'IDAT' at byte 33 does not match its checksum"


@pytest.mark.parametrize(("width", "height"), [(0, 5), (5, 0)])
def test_png_without_pixels_is_refused(width, height):
    header = png_chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    assert refused(b"\x89PNG\r\n\x1a\n" + header + png_chunk(b"IEND", b"")) == f"is damaged: a PNG of {width} x {height} pixels"


def test_png_that_does_not_start_with_its_header_is_refused():
    assert "without its first chunk" in refused(b"\x89PNG\r\n\x1a\n" + png_chunk(b"IDAT", bytes(40)) + png_chunk(b"IEND", b""))


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"\xff\xd8\xff\xd9", "is damaged: a JPEG that ends before its first scan"),
        (b"\xff\xd8\xff\xe0\x00\x01", "is damaged: JPEG segment of length 1 at byte 2"),
        (b"\xff\xd8\xff\xe0\x00\x02xx", "is damaged: JPEG byte 6 is 0x78, expected a marker"),
        (b"\xff\xd8\xff\xe0\xff\xff", "is truncated: 6 bytes, the JPEG's headers go on"),
        (b"\xff\xd8\xff\xda\x00\x02", "is truncated: 6 bytes, the JPEG's first scan is missing"),
        (b"\xff\xd8\xff\xda\x00\x02scan\xff\xd9", "is damaged: a JPEG of 0 x 0 pixels"),
        (b"RIFF\x0c\0\0\0WEBPVP9 \0\0\0\0", "is damaged: WebP chunk b'VP9 '"),
        (b"RIFF\x0c\0\0\0WEBPVP8 \0\0\0\0", "is truncated: a WebP of 20 bytes"),
        (b"RIFF\x0c\0\0\0WEBPVP8L\0\0\0\0", "is truncated: a WebP of 20 bytes"),
        (b"RIFF\x0c\0\0\0WEBPVP8X\0\0\0\0", "is truncated: a WebP of 20 bytes"),
        (b"GIF89a\x05\0\x05\0\0\0\0x", "is damaged: GIF block 0x78 at byte 13"),
        (b"GIF89a\x05\0\x05\0\0\0", "is truncated: a GIF of 12 bytes"),
        (b"BM" + bytes(20), "is truncated: a BMP of 22 bytes"),
        (b"BM" + bytes(8) + struct.pack("<II", 54, 40) + bytes(8), "is truncated: a BMP of 26 bytes"),
        (b"BM" + bytes(8) + struct.pack("<II", 54, 40) + bytes(60), "is damaged: a BMP of 0 x 0 pixels"),
        (b"", "is empty"),
    ],
)
def test_damage_is_told(data, text):
    assert refused(data) == text


@pytest.mark.parametrize(
    "data", [b"x", b"<!DOCTYPE html>", b"\xff\xd8", b"\x89PNG", b"RIFF\0\0\0\0WAVE", b"GIF90a", b"BM", b"II*\0" + bytes(99)]
)
def test_bytes_of_no_known_format_are_told_apart_from_damage(data):
    with pytest.raises(UnknownFormat) as caught:
        probe(data)
    assert str(caught.value) == f"is not an image in a known format: it starts with {data[:16]!r}"


@settings(deadline=None, max_examples=400, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_hurt_images_are_judged_and_never_crash(made, data):
    kind = data.draw(st.sampled_from(list(KINDS)))
    hurt = bytearray(made(kind, (6, 5)))
    for at, value in data.draw(st.lists(st.tuples(st.integers(0, len(hurt) - 1), st.sampled_from([0, 1, 0x3B, 0xD9, 0xFF])), max_size=4)):
        hurt[at] = value
    try:
        info = probe(bytes(hurt[: data.draw(st.integers(0, len(hurt)))]))
    except ImageFormatError:
        return
    assert isinstance(info, ImageInfo)


@settings(deadline=None, max_examples=300, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.sampled_from([b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"RIFF\x20\0\0\0WEBPVP8", b"GIF89a", b"BM"]),
    st.lists(st.binary(max_size=8) | st.sampled_from([b"\xff\xda", b"\xff\xc2\x00\x0b", b"IHDR", b"\xff\xd9", bytes(8)]), max_size=9),
)
def test_any_bytes_behind_a_signature_are_judged_and_never_crash(signature, pieces):
    try:
        info = probe(signature + b"".join(pieces))
    except ImageFormatError:
        return
    assert isinstance(info, ImageInfo)
