"""Makes the sets that the programs of the folder ``alike`` read: PNGs, which every decoder reads alike, and photographs."""

from __future__ import annotations

import pickle
import shutil
from pathlib import Path

import cv2
import numpy as np

from recordio import mxnet

GOLDEN = Path(__file__).parents[2] / "golden"


def _write(folder: Path, name: str, records: list[tuple[object, np.ndarray]]) -> None:
    writer = mxnet.MXIndexedRecordIO(folder / f"{name}.idx", folder / f"{name}.rec", "w")
    for key, (label, image) in enumerate(records):
        writer.write_idx(key, mxnet.pack_img(mxnet.IRHeader(0, label, key, 0), image, img_fmt=".png"))
    writer.close()


def make(folder: Path) -> None:
    """Fill a folder that exists."""
    for suffix in (".rec", ".idx"):
        shutil.copy(GOLDEN / "packs" / f"multilabel_packed{suffix}", folder / f"multi{suffix}")
        shutil.copy(GOLDEN / "recordio" / f"identities{suffix}", folder / f"faces{suffix}")
        shutil.copy(GOLDEN / "packs" / f"default{suffix}", folder / f"train{suffix}")
    shutil.copy(GOLDEN / "packs" / "default.lst", folder / "train.lst")
    for name in ("cat", "coffee"):
        shutil.copytree(GOLDEN / "images" / name, folder / "images" / name)
    shutil.copytree(GOLDEN / "images", folder / "all")
    jpegs = sorted(path for path in (folder / "images").rglob("*") if path.suffix.lower() in (".jpg", ".jpeg"))
    (folder / "lfw.bin").write_bytes(pickle.dumps(([path.read_bytes() for path in jpegs[:4]], [True, False]), protocol=2))
    random = np.random.RandomState(0)
    _write(folder, "mnist", [(float(number), random.randint(0, 255, (28, 28), np.uint8)) for number in range(10)])
    _write(folder, "cifar", [(float(number % 4), random.randint(0, 255, (36, 40, 3), np.uint8)) for number in range(10)])
    boxes = []
    for number in range(6):
        image = np.full((60 + number, 80, 3), 30 * number, np.uint8)
        image[10:30, 20:60] = (10, 200, 90)
        second = [1, 0, 0, 0.5, 0.5] if number % 2 else []
        boxes.append(([4, 5, 80, 60 + number, 0, 0.25, 0.5 / 3, 0.75, 0.5, *second], image))
    _write(folder, "det", boxes)
    flower = np.zeros((30, 20, 3), np.uint8)
    flower[..., 0], flower[..., 1], flower[..., 2] = np.arange(20) * 9, np.arange(30)[:, None] * 7, 90
    cv2.imwrite(str(folder / "flower.png"), flower)


if __name__ == "__main__":
    import sys

    make(Path(sys.argv[1]))
