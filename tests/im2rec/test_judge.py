"""What is special about images is counted, and rejected on demand, whichever way they take."""

from __future__ import annotations

import io
import json

import numpy as np
import pytest
from PIL import Image

from im2rec import build, passthrough
from im2rec.judge import CHOICES, judge
from im2rec.listfile import Item
from im2rec.report import PackReport
from im2rec.source import SourceOptions
from im2rec.transform import TransformOptions
from im2rec.work import PoolOptions
from recordio.errors import ImageFormatError
from recordio.outputs import OutputSet
from recordio.traits import Trait

pytestmark = pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")

NAMES = ["rotated", "alpha", "palette", "cmyk", "sixteen_bit", "gray", "animated", "wrong_suffix"]
# files -> the option that rejects each
ODD = {
    "rotated.jpg": "exif",
    "alpha.png": "alpha",
    "palette.png": "palette",
    "cmyk.jpg": "cmyk",
    "deep.png": "sixteen_bit",
    "gray.JPG": "gray",
    "animated.webp": "animated",
    "really_a.png": "wrong_suffix",
}
WAYS = ["loop", "serial", "workers"]


@pytest.fixture(scope="module")
def odd(tmp_path_factory):
    """A folder of ordinary images and of one with each trait."""
    root = tmp_path_factory.mktemp("odd")
    exif = Image.Exif()
    exif[0x0112] = 6
    image = Image.effect_noise((24, 16), 60).convert("RGB")
    frames = [image.rotate(90), image.rotate(180)]
    image.save(root / "rotated.jpg", exif=exif)
    Image.merge("RGBA", [*image.split(), image.convert("L")]).save(root / "alpha.png")
    image.quantize(9).save(root / "palette.png")
    image.convert("CMYK").save(root / "cmyk.jpg")
    Image.fromarray(np.arange(24 * 16, dtype=np.uint16).reshape(16, 24) * 170).save(root / "deep.png")
    image.convert("L").save(root / "gray.JPG", "JPEG")
    image.save(root / "animated.webp", save_all=True, append_images=frames)
    image.save(root / "really_a.png", "JPEG")
    for name in ("plain.jpg", "plain.jpeg", "plain.png", "plain.webp", "plain.bmp", "jpeg.unknown", "jpeg"):
        image.save(root / name, "JPEG" if "jp" in name else None)
    return root


@pytest.fixture
def pack(odd, tmp_path, monkeypatch):
    """Packs that folder one of three ways."""

    def run(way: str = "loop", **options) -> PackReport:
        if way == "serial":
            monkeypatch.setattr(passthrough, "AVAILABLE", False)
        names = sorted(path.name for path in odd.iterdir())
        items = [Item(number, (0.0,), name) for number, name in enumerate(names)]
        workers = PoolOptions(2 if way == "workers" else 0)
        with OutputSet(force=True) as outputs:
            return build.pack(
                items, tmp_path / "x", build.PackOptions(SourceOptions(odd), TransformOptions(**options), pool=workers), outputs
            )

    return run


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("options", [{}, {"pass_through": False}], ids=["kept", "encoded"])
def test_traits_of_packed_images_are_counted(pack, odd, way, options):
    report = pack(way, **options)
    assert report.packed == len(list(odd.iterdir()))
    counts = report.as_json()["traits"]
    assert counts == {**dict.fromkeys(NAMES, 1), "gray": 2}  # that of 16 bits is gray, too
    assert list(counts) == NAMES


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("options", [{}, {"pass_through": False}], ids=["kept", "encoded"])
@pytest.mark.parametrize(("name", "option"), ODD.items())
def test_an_image_with_a_trait_is_rejected_by_name_and_not_counted(pack, way, options, name, option):
    report = pack(way, **options, **{option: "error"})
    rejected = {reject.path: reject.reason for reject in report.rejects}
    assert set(rejected) == ({name, "deep.png"} if option == "gray" else {name})
    assert rejected[name].endswith(f", which --{option.replace('_', '-')} error rejects")
    counts = report.as_json()["traits"]
    assert counts[{"exif": "rotated"}.get(option, option)] == 0
    assert sum(counts.values()) == 9 - {"gray": 3, "sixteen_bit": 2}.get(option, 1)


def test_all_that_is_wrong_with_an_image_is_said(pack):
    report = pack(gray="error", sixteen_bit="error", wrong_suffix="error")
    assert {reject.path: reject.reason for reject in report.rejects} == {
        "deep.png": "has more than 8 bits a sample, which --sixteen-bit error rejects; is gray, which --gray error rejects",
        "gray.JPG": "is gray, which --gray error rejects",
        "really_a.png": "has another format's suffix (it is a jpg), which --wrong-suffix error rejects",
    }


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("options", [{}, {"pass_through": False}, {"pass_through": False, "alpha": "white"}])
def test_nothing_is_counted_where_nothing_is_looked_at(pack, way, options):
    report = pack(way, check="off", **options)
    assert report.as_json()["traits"] is None
    assert "among them" not in report.as_text()


def test_kept_bytes_are_kept_whatever_is_special(pack, odd, tmp_path, records):
    pack(exif="ignore", alpha="keep", wrong_suffix="accept")
    assert [image for *_, image in records(tmp_path / "x.rec")] == [path.read_bytes() for path in sorted(odd.iterdir())]


def test_the_summary_names_what_is_special_when_something_is(pack):
    said = "1 rotated by EXIF, 1 with alpha, 1 with a palette, 1 CMYK, 1 of 16 bits, 2 gray, 1 animated, 1 with a wrong suffix"
    assert pack().as_text().endswith(f"; among them {said}")
    only = PackReport(5, 5)
    assert "among them" not in only.as_text()
    only.traits.update([Trait.GRAY, Trait.GRAY | Trait.ROTATED])
    assert only.as_text().endswith("; among them 1 rotated by EXIF, 2 gray")


def test_counts_of_two_reports_add_up():
    one, two, three = PackReport(), PackReport(), PackReport(traits=None)
    one.traits.update([Trait.GRAY, Trait.GRAY | Trait.ALPHA])
    two.traits.update([Trait.ALPHA])
    found = json.loads(json.dumps((one + two).as_json()))["traits"]
    assert (found["gray"], found["alpha"], found["cmyk"]) == (2, 2, 0)
    assert one + PackReport() == one
    assert (one + three).traits is None


# Suffixes


@pytest.mark.parametrize(
    ("format", "right", "wrong"),
    [
        ("JPEG", ["x.jpg", "x.JPG", "x.Jpeg", "a.png/x.jpe", "x", "x.jpg.bak", "x.", ".jpg"], ["x.png", "x.jpg.PNG", "x.gif"]),
        ("PNG", ["x.png", "x.PnG", "x.dat", "a.jpg/x"], ["x.jpg", "x.bmp"]),
        ("WEBP", ["x.webp"], ["x.jpeg"]),
        ("BMP", ["x.bmp", "x.DIB"], ["x.png"]),
        ("GIF", ["x.gif"], ["x.png"]),
        ("TIFF", ["x.tif", "x.TIFF"], ["x.jpg"]),
        ("JPEG2000", ["x.jp2", "x.j2k"], ["x.jpg"]),
        ("PPM", ["x.ppm", "x.pnm"], ["x.png"]),
    ],
)
def test_a_suffix_is_wrong_when_it_is_another_formats(format, right, wrong):
    stream = io.BytesIO()
    Image.new("RGB", (8, 8)).save(stream, format)
    data, look = stream.getvalue(), judge(max_pixels=64)
    for _ in range(3):  # a JPEG takes another way once its header is known
        for path in right:
            assert not look(data, 0, len(data), path)[0].traits & Trait.WRONG_SUFFIX, path
        for path in wrong:
            assert look(data, 0, len(data), path)[0].traits & Trait.WRONG_SUFFIX, path


def test_the_limit_of_pixels_holds_for_known_headers(picture):
    look = judge(max_pixels=1200)
    small, large = picture(40, 30), picture(40, 31)
    for _ in range(3):
        assert look(small, 0, len(small), "x.jpg")[0].width == 40
        with pytest.raises(ImageFormatError, match="has 40 x 31 pixels, expected at most 1200 in all"):
            look(large, 0, len(large), "x.jpg")


@pytest.mark.parametrize("choice", CHOICES.values(), ids=CHOICES)
def test_the_default_of_a_choice_comes_first_and_every_choice_can_reject(choice):
    assert choice.values[-1] == "error"
    assert set(choice.changing) < set(choice.values)
