"""Read, decode, resize and encode all images of a list in one process with one thread, and do nothing else.

The CPU seconds of this are the least that re-encoding with the same calls can take.

Usage: codec_floor.py LIST ROOT --resize N --decoder NAME

Decoders: cv2, simplejpeg (all pixels); cv2-scaled, simplejpeg-scaled (1/2, 1/4 or 1/8 where that leaves at least N).
"""

import argparse
import os
from pathlib import Path

os.environ["OPENBLAS_NUM_THREADS"] = "1"  # NumPy's threads spin while they have nothing to do: seconds that no codec needs

import cv2
import numpy as np
import simplejpeg

REDUCED = {1: cv2.IMREAD_COLOR, 2: cv2.IMREAD_REDUCED_COLOR_2, 4: cv2.IMREAD_REDUCED_COLOR_4, 8: cv2.IMREAD_REDUCED_COLOR_8}


def factor(width, height, short_side):
    """The largest of 1, 2, 4, 8 by which the short side can be divided and stay at least *short_side*."""
    return max(f for f in REDUCED if f == 1 or min(height, width) >= f * short_side)


def with_cv2(data, _):
    image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    return image, image.shape[1], image.shape[0]


def with_cv2_scaled(data, size):
    height, width, *_ = simplejpeg.decode_jpeg_header(data)
    return cv2.imdecode(np.frombuffer(data, np.uint8), REDUCED[factor(width, height, size)]), width, height


def with_simplejpeg(data, _):
    image = simplejpeg.decode_jpeg(data, colorspace="BGR")
    return image, image.shape[1], image.shape[0]


def with_simplejpeg_scaled(data, size):
    height, width, *_ = simplejpeg.decode_jpeg_header(data)
    f = factor(width, height, size)
    image = simplejpeg.decode_jpeg(data, colorspace="BGR", min_height=height // f, min_width=width // f, min_factor=f)
    return image, width, height


DECODERS = {
    "cv2": with_cv2,
    "simplejpeg": with_simplejpeg,
    "cv2-scaled": with_cv2_scaled,
    "simplejpeg-scaled": with_simplejpeg_scaled,
}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("list", type=Path)
    parser.add_argument("root", type=Path)
    parser.add_argument("--resize", type=int, required=True)
    parser.add_argument("--decoder", choices=list(DECODERS), required=True)
    args = parser.parse_args()
    cv2.setNumThreads(1)
    decode, size = DECODERS[args.decoder], args.resize
    for line in args.list.read_text(encoding="utf-8").splitlines():
        image, width, height = decode((args.root / line.rsplit("\t", 1)[1]).read_bytes(), size)
        target = (size, height * size // width) if height > width else (width * size // height, size)
        cv2.imencode(".jpg", cv2.resize(image, target), [cv2.IMWRITE_JPEG_QUALITY, 95])[1].tobytes()


if __name__ == "__main__":
    main()
