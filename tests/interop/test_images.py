"""mxnet.image, ImageDetIter, ImageDetRecordIter and gluon's datasets of MXNet 1.9.1 and ours, on the same files."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import recordio
from recordio import loaders
from recordio.loaders import chance

pytestmark = pytest.mark.interop

IMAGES = 11


def test_a_program_whose_iterators_override_methods_prints_the_same(tmp_path: Path) -> None:
    """What it prints with ours is compared with this file by the tests of recordio.as_mxnet."""
    programs = Path(__file__).parents[1] / "recordio" / "programs"
    command = [os.environ["IM2REC_MXNET_PYTHON"], str(programs / "image_iter_hooks.py"), str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600, check=True)
    assert done.stdout == (programs / "image_iter_hooks.txt").read_text()


class _Highest:
    """Random numbers that are always the largest."""

    def uniform(self, low: float, high: float) -> float:
        return high


@pytest.fixture(scope="module")
def job(tmp_path_factory: pytest.TempPathFactory, photos: Path) -> dict[str, Any]:
    folder = tmp_path_factory.mktemp("images")
    files = sorted(photos.glob("*/*.jpg"))[::40]
    rec = str(folder / "objects.rec")
    with recordio.IndexedWriter(rec) as writer:
        for number, path in enumerate(sorted(photos.glob("*/*.jpg"))[:IMAGES]):
            label = [4, 5, 300, 200]
            for each in range(1 + number % 3):
                label += [each, 0.1 + 0.05 * each, 0.2, 0.6, 0.7 + 0.1 * each]
            image = recordio.encode(recordio.decode(path.read_bytes()), "png", 1)  # MXNet decodes JPEGs with a libjpeg of its own
            writer.write(number, recordio.pack(recordio.Header(0, label, number), image))
    base = {"path_imgrec": rec, "data_shape": (3, 120, 150), "batch_size": 4}
    records = {
        "det_force": {},
        "det_shrink": {"resize_mode": "shrink"},
        "det_fit": {"resize_mode": "fit", "data_shape": (3, 260, 400)},
        "det_resize": {"resize": 90},
        "det_wide": {"label_pad_width": 40, "label_pad_value": 9},
        "det_normal": {"mean_r": 120, "mean_g": 110, "mean_b": 100, "std_r": 2, "std_g": 3, "std_b": 4, "scale": 0.5},
        "det_mirror": {"rand_mirror_prob": 1},
        "det_gray": {"data_shape": (1, 120, 150)},
        "det_area": {"inter_method": 9},
        "det_fifth": {"num_parts": 1, "batch_size": 5},
    }
    return {
        "images": [str(path) for path in files],
        "det_records": {name: {**base, "verbose": False, **args} for name, args in records.items()},
        "det_iters": {
            "iter_plain": base,
            "iter_normal": {**base, "resize": 100, "inter_method": 1, "last_batch_handle": "discard"},
            "iter_keyed": {**base, "path_imgidx": rec[:-3] + "idx", "num_parts": 2, "part_index": 1},
        },
        "folder": str(photos),
    }


@pytest.fixture(scope="module")
def theirs(job: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> dict[str, np.ndarray]:
    folder = tmp_path_factory.mktemp("theirs")
    (folder / "job.json").write_text(json.dumps(job))
    python = os.environ.get("IM2REC_MXNET_PYTHON")
    if not python:
        pytest.fail("IM2REC_MXNET_PYTHON must name a Python with MXNet 1.9.1; `make interop` sets it")
    command = [python, str(Path(__file__).with_name("image_driver.py")), str(folder / "job.json"), str(folder / "out.npz")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    return dict(np.load(folder / "out.npz"))


def test_functions_give_mxnets_pixels(job: dict[str, Any], theirs: dict[str, np.ndarray]) -> None:
    for number, path in enumerate(job["images"]):
        ours = loaders.imread(path)
        for name, found in (("rgb", ours), ("gray", loaders.imread(path, 0)), ("bgr", loaders.imread(path, to_rgb=0))):
            assert np.abs(found.astype(int) - theirs[f"{name}{number}"]).max() <= 2, name
        rgb = theirs[f"rgb{number}"]  # from here on the same pixels for both
        for interp in (0, 1, 2, 3, 4, 9):
            for name, found in (("resize", loaders.imresize(rgb, 61, 47, interp)), ("short", loaders.resize_short(rgb, 37, interp))):
                expected = theirs[f"{name}{number}_{interp}"]
                assert found.shape == expected.shape
                assert np.abs(found.astype(int) - expected).max() <= 1, (name, interp)
        assert np.abs(loaders.center_crop(rgb, (50, 70))[0].astype(int) - theirs[f"center{number}"]).max() <= 1
        assert np.abs(loaders.fixed_crop(rgb, 3, 5, 20, 10, (31, 17)).astype(int) - theirs[f"fixed{number}"]).max() <= 1
        for kind in range(5):
            assert_array_equal(loaders.copyMakeBorder(rgb, 2, 3, 4, 5, kind), theirs[f"border{number}_{kind}"])
        assert_array_equal(loaders.copyMakeBorder(rgb, 2, 3, 4, 5, values=(1, 2, 3)), theirs[f"values{number}"])
        assert_allclose(loaders.color_normalize(rgb, (1, 2, 3), (4, 5, 6)), theirs[f"normal{number}"], atol=1e-4)
        assert_allclose(loaders.RandomGrayAug(1)(rgb), theirs[f"gray_aug{number}"], atol=1e-3)


def test_rotation_is_mxnets(theirs: dict[str, np.ndarray]) -> None:
    planes = np.ascontiguousarray(theirs["rgb0"].transpose(2, 0, 1), np.float32)
    for name, zoom in (("plain", {}), ("in", {"zoom_in": True}), ("out", {"zoom_out": True})):
        assert_allclose(loaders.imrotate(planes, 33, **zoom), theirs[f"rotate0_{name}"], atol=0.2)  # their grid is float32


@pytest.mark.parametrize("name", ["Brightness", "Contrast", "Saturation", "Hue"])
def test_color_jitter_is_mxnets(theirs: dict[str, np.ndarray], name: str) -> None:
    with chance.using(_Highest()):  # type: ignore[arg-type]
        found = getattr(loaders, f"{name}JitterAug")(0.3)(theirs["rgb0"].astype(np.float32))
    assert_allclose(found, theirs[f"jitter_{name}"], atol=0.05)


def test_augmenters_dump_what_mxnets_dump(theirs: dict[str, np.ndarray]) -> None:
    given: dict[str, Any] = {"resize": 50, "rand_mirror": True, "mean": True, "std": True, "brightness": 0.1, "hue": 0.1}
    made = loaders.CreateAugmenter(
        (3, 30, 40), rand_crop=True, rand_resize=True, contrast=0.2, saturation=0.3, pca_noise=0.05, rand_gray=0.1, **given
    )
    det = loaders.CreateDetAugmenter((3, 30, 40), rand_crop=0.5, rand_pad=0.5, min_object_covered=[0.1, 0.5], **given)
    found = json.loads(json.dumps([[each.dumps() for each in made], [each.dumps() for each in det]]))
    expected = json.loads(str(theirs["dumps"]))
    assert plain(found) == plain(expected)


def plain(dumped: Any) -> Any:
    """What was dumped, with JSON in texts read, and numbers as float32 holds them."""
    if isinstance(dumped, str) and dumped[:1] == "[":
        return plain(json.loads(dumped))
    if isinstance(dumped, list):
        return [plain(each) for each in dumped]
    if isinstance(dumped, dict):
        return {name: plain(each) for name, each in dumped.items()}
    return float(np.float32(dumped)) if isinstance(dumped, float) else dumped


def compare(batches: list[loaders.DataBatch], theirs: dict[str, np.ndarray], name: str) -> None:
    assert [batch.pad for batch in batches] == theirs[f"{name}_pad"].tolist()
    assert_allclose(np.stack([batch.label[0] for batch in batches]), theirs[f"{name}_label"], atol=1e-6)
    ours, data = np.stack([batch.data[0] for batch in batches]), theirs[f"{name}_data"]
    assert ours.shape == data.shape
    assert np.abs(ours - data).max() <= 2


def test_image_det_record_iter_is_mxnets(job: dict[str, Any], theirs: dict[str, np.ndarray]) -> None:
    for name, args in job["det_records"].items():
        batches = list(loaders.ImageDetRecordIter(**args))
        compare(batches, theirs, name)


def test_image_det_iter_is_mxnets(job: dict[str, Any], theirs: dict[str, np.ndarray]) -> None:
    for name, args in job["det_iters"].items():
        compare(list(loaders.ImageDetIter(**args)), theirs, name)


def test_folders_and_labels_are_mxnets(job: dict[str, Any], theirs: dict[str, np.ndarray]) -> None:
    with pytest.warns(UserWarning, match=r"README\.md"):
        folder = loaders.ImageFolderDataset(job["folder"])
    synsets, items = json.loads(str(theirs["items"]))
    assert folder.synsets == synsets
    assert folder.items == [tuple(item) for item in items]
