"""What each interpolation costs and gives, with all pixels decoded and with scaled decoding, as JSON on stdout.

The reference is Pillow's: all pixels decoded, resized from RGB with its Lanczos filter. PSNR in dB, mean over the images;
images a second of one thread, decoding and resizing, without encoding.

Usage: quality.py CORPUS_FOLDER --resize N --limit IMAGES
"""

import argparse
import inspect
import json
import math
import statistics
import sys
import time
from pathlib import Path

import cv2
import numpy as np
import PIL.Image
import simplejpeg

from recordio import images

REDUCED = {1: cv2.IMREAD_COLOR, 2: cv2.IMREAD_REDUCED_COLOR_2, 4: cv2.IMREAD_REDUCED_COLOR_4, 8: cv2.IMREAD_REDUCED_COLOR_8}
DECODINGS = ("full", "scaled")
LIBRARY_SCALES = "scale" in inspect.signature(images.decode).parameters


def decode(data, factor):
    """Decode to BGR, 1/factor of the size: the library's way where it has one, else OpenCV's."""
    if LIBRARY_SCALES:
        return images.decode(data, "color", scale=factor)
    return cv2.imdecode(np.frombuffer(data, np.uint8), REDUCED[factor])


def geometry(data, side):
    """Size of the result, and the largest factor that leaves the short side at least *side*."""
    height, width, *_ = simplejpeg.decode_jpeg_header(data)
    factor = max(f for f in REDUCED if f == 1 or min(height, width) >= f * side)
    size = (side, height * side // width) if height > width else (width * side // height, side)
    return size, factor


def psnr(image, reference):
    error = np.mean((image.astype(np.float32) - reference) ** 2)
    return 10 * math.log10(255**2 / error) if error else 99.0


def measure(paths, side):
    methods = [(name, decoding) for name in (*images.INTERPOLATIONS, images.AUTO) for decoding in DECODINGS]
    found = {method: [] for method in methods}
    seconds = dict.fromkeys(methods, 0.0)
    scaled = 0
    for path in paths:
        data = path.read_bytes()
        size, factor = geometry(data, side)
        scaled += factor > 1
        with PIL.Image.open(path) as image:
            reference = np.asarray(image.convert("RGB").resize(size, PIL.Image.Resampling.LANCZOS), np.float32)[:, :, ::-1]
        for method in methods:
            start = time.perf_counter()
            pixels = images.resize(decode(data, factor if method[1] == "scaled" else 1), *size, method[0])
            seconds[method] += time.perf_counter() - start
            found[method].append(psnr(pixels, reference))
    rows = [
        {"interpolation": name, "decoding": decoding, "psnr": statistics.mean(values), "rate": len(paths) / seconds[name, decoding]}
        for (name, decoding), values in found.items()
    ]
    return {"images": len(paths), "scaled": scaled, "resize": side, "rows": rows}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--resize", type=int, required=True)
    parser.add_argument("--limit", type=int, required=True)
    args = parser.parse_args()
    cv2.setNumThreads(1)
    paths = sorted(args.folder.rglob("*.JPEG"))
    step = max(1, len(paths) // args.limit)
    json.dump(measure(paths[::step][: args.limit], args.resize), sys.stdout)


if __name__ == "__main__":
    main()
