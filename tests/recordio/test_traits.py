"""What is special about an image, by its bytes: as it was saved, and as Pillow sees it."""

from __future__ import annotations

import io
import struct
import zlib

import cv2
import numpy as np
import pytest
from PIL import Image

from recordio import imagecheck, images
from recordio.errors import ImageFormatError
from recordio.probe import png_transparent_gray, probe
from recordio.traits import Trait

NONE, ROTATED, ALPHA, PALETTE, CMYK = Trait(0), Trait.ROTATED, Trait.ALPHA, Trait.PALETTE, Trait.CMYK
SIXTEEN_BIT, GRAY, ANIMATED = Trait.SIXTEEN_BIT, Trait.GRAY, Trait.ANIMATED

# name -> (Pillow's format, mode, Pillow's options, traits)
SAVED = {
    "jpeg": ("JPEG", "RGB", {}, NONE),
    "jpeg gray": ("JPEG", "L", {}, GRAY),
    "jpeg cmyk": ("JPEG", "CMYK", {}, CMYK),
    "jpeg progressive gray": ("JPEG", "L", {"progressive": True}, GRAY),
    "png": ("PNG", "RGB", {}, NONE),
    "png gray": ("PNG", "L", {}, GRAY),
    "png one bit": ("PNG", "1", {}, GRAY),
    "png gray alpha": ("PNG", "LA", {}, GRAY | ALPHA),
    "png gray transparent": ("PNG", "L", {"transparency": 9}, GRAY | ALPHA),
    "png 16 bit": ("PNG", "I;16", {}, GRAY | SIXTEEN_BIT),
    "png alpha": ("PNG", "RGBA", {}, ALPHA),
    "png transparent": ("PNG", "RGB", {"transparency": (1, 2, 3)}, ALPHA),
    "png palette": ("PNG", "P", {}, PALETTE),
    "png palette transparent": ("PNG", "P", {"transparency": b"\0\x80"}, PALETTE | ALPHA),
    "webp": ("WEBP", "RGB", {}, NONE),
    "webp alpha": ("WEBP", "RGBA", {}, ALPHA),
    "webp lossless": ("WEBP", "RGB", {"lossless": True}, NONE),
    "webp lossless alpha": ("WEBP", "RGBA", {"lossless": True}, ALPHA),
    "gif": ("GIF", "P", {}, PALETTE),
    "bmp": ("BMP", "RGB", {}, NONE),
    "bmp gray": ("BMP", "L", {}, GRAY),
    "bmp one bit": ("BMP", "1", {}, GRAY),
    "bmp palette": ("BMP", "P", {}, PALETTE),
    "tiff": ("TIFF", "RGB", {}, NONE),
    "tiff gray": ("TIFF", "L", {}, GRAY),
    "tiff 16 bit": ("TIFF", "I;16", {}, GRAY | SIXTEEN_BIT),
    "tiff alpha": ("TIFF", "RGBA", {}, ALPHA),
    "tiff gray alpha": ("TIFF", "LA", {}, GRAY | ALPHA),
    "tiff palette": ("TIFF", "P", {}, PALETTE),
    "tiff cmyk": ("TIFF", "CMYK", {}, CMYK),
    "jpeg 2000 alpha": ("JPEG2000", "RGBA", {}, ALPHA),
    "ppm": ("PPM", "RGB", {}, NONE),
    "pgm": ("PPM", "L", {}, GRAY),
}


def png_chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def exif(orientation: int) -> Image.Exif:
    data = Image.Exif()
    data[0x0112] = orientation
    return data


@pytest.mark.parametrize(("format", "mode", "options", "expected"), SAVED.values(), ids=SAVED)
def test_traits_are_those_the_image_was_saved_with(saved, format, mode, options, expected):
    assert Trait(imagecheck.check(saved(format, mode, **options)).traits) == expected


@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP", "TIFF"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_rotation_is_found_in_every_format_that_has_it(saved, format, orientation):
    info = imagecheck.check(saved(format, "RGB", exif=exif(orientation)))
    assert info.orientation == orientation
    assert info.traits == (ROTATED if orientation > 1 else 0)
    assert (info.width, info.height) == ((30, 40) if format == "TIFF" and orientation > 4 else (40, 30))  # Pillow turns a TIFF


def test_a_gif_with_a_transparent_color_has_alpha(photo):
    image = photo("P")
    stream = io.BytesIO()
    image.save(stream, "GIF", transparency=image.getpixel((0, 0)))
    with Image.open(stream) as saved:
        assert "transparency" in saved.info
    assert probe(stream.getvalue()).traits == PALETTE | ALPHA


@pytest.mark.parametrize("format", ["GIF", "PNG", "WEBP", "TIFF"])
@pytest.mark.parametrize("more", [0, 2])
def test_more_than_one_picture_is_animated(saved, photo, format, more):
    frames = [photo("RGB").rotate(angle) for angle in range(90, 90 + 30 * more, 30)]
    data = saved(format, "RGB", save_all=True, append_images=frames)
    with Image.open(io.BytesIO(data)) as image:
        assert image.n_frames == 1 + more
    assert bool(imagecheck.check(data).traits & ANIMATED) == bool(more)


@pytest.mark.parametrize("format", ["GIF", "PNG", "WEBP"])
def test_every_truncation_of_an_animation_is_refused(saved, photo, format):
    data = saved(format, "RGB", (9, 7), save_all=True, append_images=[photo("RGB", (9, 7)).rotate(90)])
    for size in range(len(data)):
        with pytest.raises(ImageFormatError):
            probe(data[:size])


@pytest.mark.parametrize("format", ["GIF", "PNG", "WEBP"])
@pytest.mark.parametrize("color", ["color", "gray"])
def test_the_first_picture_of_an_animation_is_decoded(saved, photo, format, color):
    frames = [photo("RGB").rotate(angle) for angle in (90, 120)]
    data = saved(format, "RGB", save_all=True, append_images=frames, **({} if format == "GIF" else {"lossless": True}))
    with Image.open(io.BytesIO(data)) as image:
        first = np.asarray(image.convert("RGB"))[:, :, ::-1]
    decoded = images.decode(data, color)
    expected = first if color == "color" else cv2.cvtColor(first, cv2.COLOR_BGR2GRAY)
    assert np.abs(decoded.astype(int) - expected).max() <= 1  # decoders' own way to gray rounds differently


@pytest.mark.parametrize(("shape", "expected"), [((9, 7), GRAY), ((9, 7, 3), NONE), ((9, 7, 4), ALPHA)])
@pytest.mark.parametrize("format", [".png", ".tiff"])
def test_sixteen_bits_are_found(shape, expected, format):
    picture = np.random.default_rng(3).integers(0, 1 << 16, shape).astype(np.uint16)
    data = cv2.imencode(format, picture)[1].tobytes()
    assert Trait(imagecheck.check(data).traits) == expected | SIXTEEN_BIT


def test_a_jpeg_of_twelve_bits_has_more_than_eight(saved):
    data = saved("JPEG")
    frame = data.index(b"\xff\xc0")
    assert probe(data[: frame + 4] + b"\x0c" + data[frame + 5 :]).traits == SIXTEEN_BIT


@pytest.mark.parametrize(("mask", "expected"), [(0, NONE), (0xFF000000, ALPHA)])
def test_a_bmp_has_alpha_when_it_has_a_mask_for_it(mask, expected):
    header = struct.pack("<IiiHHIIiiII4I", 56, 3, 2, 1, 32, 3, 24, 0, 0, 0, 0, 0xFF0000, 0xFF00, 0xFF, mask)
    data = struct.pack("<2sIHHI", b"BM", 94, 0, 0, 70) + header + bytes(range(24))
    with Image.open(io.BytesIO(data)) as image:
        assert image.mode == ("RGBA" if mask else "RGB")
    assert probe(data).traits == expected


def test_rotation_of_a_png_counts_wherever_its_chunk_stands(saved):
    data = saved("PNG")
    chunk = png_chunk(b"eXIf", b"MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0")
    for place in (33, len(data) - 12):
        turned = data[:place] + chunk + data[place:]
        assert probe(turned).orientation == 6
        assert images.decode(turned).shape == (40, 30, 3)
        assert images.decode(turned, upright=False).shape == (30, 40, 3)


@pytest.mark.parametrize("format", ["JPEG", "PNG"])
@pytest.mark.parametrize("color", ["color", "gray"])
@pytest.mark.parametrize("orientation", range(2, 9))
def test_rotation_is_ignored_on_demand(saved, format, color, orientation):
    plain, turned = saved(format), saved(format, exif=exif(orientation))
    assert np.array_equal(images.decode(turned, color, upright=False), images.decode(plain, color))
    assert np.array_equal(images.decode(turned, color), cv2.imdecode(np.frombuffer(turned, np.uint8), images.COLORS[color]))


@pytest.mark.parametrize(("depth", "key", "level"), [(1, 1, 255), (2, 1, 85), (2, 2, 170), (4, 3, 51), (8, 200, 200), (16, 40000, 40000)])
def test_a_transparent_gray_is_the_level_that_opencv_decodes(depth, key, level):
    row = struct.pack(">H", key << (16 - depth))  # the first pixel
    header = png_chunk(b"IHDR", struct.pack(">IIBBBBB", 1, 1, depth, 0, 0, 0, 0))
    pixels = png_chunk(b"IDAT", zlib.compress(b"\0" + row[: max(1, depth // 8)])) + png_chunk(b"IEND", b"")
    data = b"\x89PNG\r\n\x1a\n" + header + png_chunk(b"tRNS", struct.pack(">H", key)) + pixels
    assert cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED).item() == level
    assert png_transparent_gray(data) == level
    assert png_transparent_gray(data.replace(png_chunk(b"tRNS", struct.pack(">H", key)), b"")) is None


# Damage that traits bring to light


@pytest.mark.parametrize("kind", [b"tRNS", b"eXIf", b"PLTE"])
def test_a_chunk_that_changes_pixels_must_match_its_checksum(saved, kind):
    data = saved("PNG", "P", transparency=b"\0\x80\xff", exif=exif(6))
    at = data.index(kind)
    length = int.from_bytes(data[at - 4 : at], "big")
    for place in (*range(at, at + 4), at + 4, at + 3 + length, at + 4 + length):
        hurt = data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :]
        with pytest.raises(ImageFormatError, match="does not match its checksum"):
            probe(hurt)


@pytest.mark.parametrize("kind", [b"acTL", b"fcTL", b"fdAT"])
def test_damage_to_the_later_pictures_of_a_png_is_no_fault(saved, photo, kind):
    data = saved("PNG", "RGB", save_all=True, append_images=[photo("RGB").rotate(90)])
    at = data.rindex(kind) + 6
    hurt = data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]
    assert probe(hurt) == probe(data)


@pytest.mark.parametrize("mode", ["RGB", "RGBA"])
def test_chunks_of_a_webp_lie_within_what_its_header_promises(saved, mode):
    data = saved("WEBP", mode, exif=exif(3))
    at, chunks = 12, []
    while at < len(data):
        chunks.append(at)
        at += 8 + int.from_bytes(data[at + 4 : at + 8], "little")
        at += at & 1
    assert len(chunks) >= 3
    for place in chunks:
        longer = data[: place + 4] + struct.pack("<I", len(data)) + data[place + 8 :]
        with pytest.raises(ImageFormatError, match="is damaged: WebP chunk"):
            probe(longer)


def test_a_frame_of_a_webp_that_is_longer_than_its_chunk_is_damage(saved, photo):
    data = saved("WEBP", "RGB", save_all=True, append_images=[photo("RGB").rotate(90)])
    frame = data.index(b"ANMF") + 8 + 16 + 4
    with pytest.raises(ImageFormatError, match="is damaged: WebP chunk b'VP8"):
        probe(data[:frame] + struct.pack("<I", len(data)) + data[frame + 4 :])


def test_a_webp_without_a_picture_is_damage(saved):
    data = saved("WEBP", "RGBA")
    with pytest.raises(ImageFormatError, match="is damaged: a WebP without a picture"):
        probe(data.replace(b"VP8 ", b"VP7 ").replace(b"ALPH", b"BETA"))
