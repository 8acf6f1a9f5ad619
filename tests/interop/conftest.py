"""The environment that MXNet 1.9.1 runs in, and images of many kinds for both tools."""

from __future__ import annotations

import os
import random
import subprocess
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

REPOSITORY = Path(__file__).resolve().parents[2]
SEED = 20


@pytest.fixture(scope="session")
def photos() -> Path:
    return REPOSITORY / "examples" / "photos"


@pytest.fixture(scope="session")
def mxnet() -> Callable[..., str]:
    """Run the driver in MXNet's environment; return what it prints."""
    python = os.environ.get("IM2REC_MXNET_PYTHON")
    if not python:
        pytest.fail("IM2REC_MXNET_PYTHON must name a Python with MXNet 1.9.1; `make interop` sets it")
    driver = Path(__file__).with_name("mxnet_driver.py")

    def run(*arguments: str | Path) -> str:
        command = [python, str(driver), *map(str, arguments)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=1800, check=False)
        assert done.returncode == 0, done.stderr[-2000:]
        return done.stdout

    return run


def _picture(rng: random.Random, mode: str, width: int, height: int) -> Image.Image:
    """A smooth picture with a few hard edges, so that every codec has something to do."""
    noise = np.random.default_rng(rng.randrange(1 << 30)).integers(0, 256, (max(1, height // 8), max(1, width // 8), 4), np.uint8)
    pixels = cv2.resize(noise, (width, height), interpolation=cv2.INTER_CUBIC).reshape(height, width, 4)
    pixels[height // 3 : height // 2, width // 4 :] = rng.randrange(256)
    return Image.fromarray(pixels, "RGBA").convert(mode)


def _jpeg(rng: random.Random, width: int, height: int) -> bytes:
    mode = rng.choice(["RGB", "RGB", "RGB", "L", "CMYK"])
    options = {"quality": rng.randint(20, 100), "progressive": rng.random() < 0.3, "subsampling": rng.choice([0, 1, 2])}
    if rng.random() < 0.4:
        exif = Image.Exif()
        exif[0x0112] = rng.randint(1, 8)
        options["exif"] = exif
    if rng.random() < 0.2:
        options["restart_marker_blocks"] = rng.randint(1, 9)
    file = BytesIO()
    _picture(rng, mode, width, height).save(file, "JPEG", **options)
    return file.getvalue()


def _png(rng: random.Random, width: int, height: int) -> bytes:
    mode = rng.choice(["RGB", "RGBA", "L", "LA", "P", "1", "I;16", "RGB16"])
    if mode in ("I;16", "RGB16"):
        shape = (height, width) if mode == "I;16" else (height, width, 3)
        pixels = np.random.default_rng(rng.randrange(1 << 30)).integers(0, 1 << 16, shape, np.uint16)
        return bytes(cv2.imencode(".png", pixels)[1])
    picture = _picture(rng, "RGB" if mode == "P" else mode, width, height)
    file = BytesIO()
    (picture.quantize(rng.choice([2, 4, 16, 256])) if mode == "P" else picture).save(file, "PNG", compress_level=rng.randint(0, 9))
    return file.getvalue()


@pytest.fixture(scope="session")
def odd_images(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tree of generated images that both tools can read: every mode, orientation, coding and size; truncated ones, too."""
    root = tmp_path_factory.mktemp("odd")
    rng = random.Random(SEED)
    folders = ["", "a", "a/b", "b c", "ümlaut", ".hidden", "Z"]
    for number in range(90):
        width, height = rng.choice([(1, 1), (1, 40), (33, 2), (17, 16), (64, 64), (97, 41), (50, 131), (200, 150), (256, 257)])
        make, suffix = rng.choice([(_jpeg, ".jpg"), (_jpeg, ".JPEG"), (_png, ".png"), (_jpeg, ".png"), (_png, ".jpg")])
        folder = root / rng.choice(folders)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{rng.choice(['img', 'Bild ä', 'x.y', '-'])}{number}{suffix}").write_bytes(make(rng, width, height))
    whole = _jpeg(rng, 200, 150)
    for cut in (0.5, 0.8, 0.97):
        (root / "a" / f"cut_{cut}.jpg").write_bytes(whole[: int(len(whole) * cut)])
    (root / "a" / "no_end_mark.jpg").write_bytes(whole[:-2])
    (root / "text.txt").write_text("not an image\n")
    (root / "empty_folder").mkdir()
    return root


@pytest.fixture(scope="session")
def images_with_bad_ones(odd_images: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same with files that no decoder reads. MXNet's tool survives them only with several workers."""
    root = tmp_path_factory.mktemp("bad") / "images"
    root.mkdir()
    for path in sorted(odd_images.rglob("*")):
        target = root / path.relative_to(odd_images)
        if path.is_dir():
            target.mkdir()
    for path in sorted(odd_images.rglob("*.*")):
        if path.is_file():
            (root / path.relative_to(odd_images)).write_bytes(path.read_bytes())
    (root / "a" / "empty.jpg").write_bytes(b"")
    (root / "a" / "page.jpg").write_bytes(b"<html>404</html>")
    (root / "page.png").write_bytes(b"<html>404</html>")
    return root
