#!/usr/bin/env python3
"""Cut benchmark corpora out of real photographs: same photographs and arguments, same files.

Usage: make_corpus.py OUT [--photos DIR ...] [--scale F]

Writes under OUT (about 520 MB at --scale 1; --scale 0.1 for a smoke run):
  imagenet/  4,000 JPEG, short side 333 to 500 px, 50 classes, about 46 kB each   (what most people pack)
  camera/      300 JPEG, long side 2,000 px, 10 classes, about 630 kB each        (what comes off a camera)
  faces/    30,000 JPEG, 112 x 112 px, 500 classes, about 4 kB each               (face recognition)

Good photographs are in Debian's packages mate-backgrounds, lomiri-wallpapers-16.04, lomiri-wallpapers-20.04 and
ukui-wallpapers: `apt-get download` them, `dpkg -x` each into one folder, and name that folder with --photos. Without
--photos the small photographs in examples/photos are enlarged: good enough to test the benchmark, not to quote it.
"""

import argparse
import random
from pathlib import Path

import cv2

BUNDLED = Path(__file__).resolve().parents[1] / "examples" / "photos"


def photographs(folders):
    """Decode every photograph of at least 900 px (any size from examples/photos), short names first."""
    paths = sorted(p for f in folders for p in Path(f).rglob("*.jpg"))
    images = (cv2.imread(str(p)) for p in paths)
    if folders == [BUNDLED]:
        return [cv2.resize(i, None, fx=8, fy=8, interpolation=cv2.INTER_CUBIC) for i in images]
    return [i for i in images if i is not None and min(i.shape[:2]) >= 900]


def cut(image, width, height, zoom, rng):
    """A random crop of *image*, zoom x (width, height) pixels where it fits, resized to (width, height)."""
    rows, cols = image.shape[:2]
    w, h = min(int(width * zoom), cols), min(int(height * zoom), rows)
    x, y = rng.randint(0, cols - w), rng.randint(0, rows - h)
    return cv2.resize(image[y : y + h, x : x + w], (width, height), interpolation=cv2.INTER_AREA)


def write(folder, count, classes, images, shapes, zoom, quality, seed):
    rng = random.Random(seed)
    for i in range(count):
        width, height = rng.choice(shapes)
        image = cut(rng.choice(images), width, height, rng.uniform(*zoom), rng)
        path = folder / f"n{i % classes:08d}" / f"img_{i:06d}.JPEG"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])[1].tobytes())


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("--photos", nargs="+", type=Path, default=[BUNDLED])
    parser.add_argument("--scale", type=float, default=1.0)
    args = parser.parse_args()
    large = photographs(args.photos)
    half = [cv2.resize(i, None, fx=f, fy=f, interpolation=cv2.INTER_AREA) for i in large for f in [min(1.0, 2600 / max(i.shape[:2]))]]
    sides = [(500, 375), (500, 333), (375, 500), (333, 500), (500, 500), (500, 400)]

    def n(count):
        return max(10, int(count * args.scale))

    write(args.out / "imagenet", n(4000), 50, half, sides, (0.9, 1.5), 96, 7)
    write(args.out / "camera", n(300), 10, large, [(4 * w, 4 * h) for w, h in sides], (0.9, 1.5), 96, 7)
    write(args.out / "faces", n(30000), 500, half, [(112, 112)], (1.0, 4.0), 95, 3)


if __name__ == "__main__":
    main()
