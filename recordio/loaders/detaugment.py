"""What ImageDetRecordIter does to an image and its objects: MXNet 1.9.1's "det_aug_default", step by step.

Images are (height, width) or (height, width, channels) uint8, colors in OpenCV's order (BGR); objects are rows of
:mod:`recordio.loaders.boxes`. Random numbers come from the caller, one generator an image.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from recordio.codecs import as_image_errors, load_cv2
from recordio.errors import ImageFormatError
from recordio.loaders import boxes
from recordio.loaders.detoptions import DetAugmentOptions, Limits

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from recordio.loaders.sampler import Draw

_BY_SIZE, _AT_RANDOM = 9, 10
_LEAST_PADDING: Final = 1.05  # scales below it pad nothing
_HLS_ENDS: Final = np.array([180, 255, 255], np.int16)  # of hue, lightness, saturation in OpenCV's 8 bits


@as_image_errors()
def augment(
    image: NDArray[np.uint8], objects: NDArray[Any], size: tuple[int, int], options: DetAugmentOptions, draw: Draw
) -> tuple[NDArray[np.uint8], NDArray[Any]]:
    """Resize, jitter, mirror, pad, crop, and resize to the data's size.

    Args:
        image: the decoded image.
        objects: (n, 5 or more).
        size: (height, width) of the data.
        options: what is done.
        draw: random numbers for this image.

    Returns:
        The image, of that size with resize_mode "force", else that size at the most; and its objects.

    Raises:
        ImageFormatError: a side would be 0, or OpenCV refuses the image.
    """
    if options.resize > 0:
        height, width = image.shape[:2]
        short = options.resize
        to = (short * height // width, short) if height > width else (short, short * width // height)
        image = _resize(image, to, options, draw)
    image = _jitter(image, options, draw)
    if options.rand_mirror_prob > 0 and draw.random() < options.rand_mirror_prob:
        image, objects = np.ascontiguousarray(image[:, ::-1]), boxes.mirror(objects)
    if options.rand_pad_prob > 0 and options.max_pad_scale > 1 and draw.random() < options.rand_pad_prob:
        image, objects = _pad(image, objects, options, draw)
    if options.rand_crop_prob > 0 and options.num_crop_sampler > 0 and draw.random() < options.rand_crop_prob:
        image, objects = _crop(image, objects, options, draw)
    return _resize(image, _final_size(image, size, options.resize_mode), options, draw), objects


def _resize(image: NDArray[np.uint8], to: tuple[int, int], options: DetAugmentOptions, draw: Draw) -> NDArray[np.uint8]:
    """Resize to (height, width)."""
    height, width = image.shape[:2]
    if to == (height, width):
        return image
    if min(to) < 1:
        raise ImageFormatError(f"would be {to[1]} x {to[0]} pixels after resizing, expected at least 1 x 1")
    method = options.inter_method
    if method == _AT_RANDOM:
        method = draw.below(5)
    elif method == _BY_SIZE:
        larger, smaller = to[0] > height and to[1] > width, to[0] < height and to[1] < width
        method = 2 if larger else 3 if smaller else 1
    return load_cv2().resize(np.ascontiguousarray(image), (to[1], to[0]), interpolation=method)  # type: ignore[no-any-return]


def _final_size(image: NDArray[np.uint8], size: tuple[int, int], mode: str) -> tuple[int, int]:
    """Return (height, width) after the last resize."""
    height, width = image.shape[:2]
    if mode == "force":
        return size
    if mode == "shrink" and height <= size[0] and width <= size[1]:
        return height, width
    # As MXNet, in float32 and cut off: that decides whether a side comes out a pixel shorter.
    ratio = min(np.float32(size[0]) / np.float32(height), np.float32(size[1]) / np.float32(width))
    return int(ratio * np.float32(height)), int(ratio * np.float32(width))


def _jitter(image: NDArray[np.uint8], options: DetAugmentOptions, draw: Draw) -> NDArray[np.uint8]:
    """Change hue, saturation, lightness and contrast."""
    if not options.jitters:
        return image
    changes = []
    for name in ("hue", "saturation", "illumination"):
        most = getattr(options, f"max_random_{name}")
        change = int(draw.between(-1, 1) * most)
        changes.append(change if draw.random() < getattr(options, f"random_{name}_prob") else 0)
    hue, saturation, lightness = changes
    contrast = draw.between(-1, 1) * options.max_random_contrast
    contrast = contrast if draw.random() < options.random_contrast_prob else 0.0
    cv2 = load_cv2()
    if hue or saturation or lightness:
        if image.ndim != 3 or image.shape[2] != 3:
            raise ImageFormatError("is no color image, expected one to change hue, saturation or illumination")
        moved = cv2.cvtColor(image, cv2.COLOR_BGR2HLS).astype(np.int16) + np.array([hue, lightness, saturation], np.int16)
        image = cv2.cvtColor(np.clip(moved, 0, _HLS_ENDS).astype(np.uint8), cv2.COLOR_HLS2BGR)
    if abs(contrast) > 1e-3:
        image = cv2.LUT(image, np.clip(np.rint(np.arange(256) * (contrast + 1)), 0, 255).astype(np.uint8))
    return image


def _pad(image: NDArray[np.uint8], objects: NDArray[Any], options: DetAugmentOptions, draw: Draw) -> tuple[NDArray[np.uint8], NDArray[Any]]:
    """Put the image at a random place of a larger one."""
    scale = draw.between(1, options.max_pad_scale)
    if scale < _LEAST_PADDING:
        return image, objects
    height, width = image.shape[:2]
    x, y = draw.between(0, scale - 1), draw.between(0, scale - 1)
    left, top, right, bottom = int(x * width), int(y * height), int((scale - 1 - x) * width), int((scale - 1 - y) * height)
    cv2 = load_cv2()
    color = (options.fill_value,) * 4
    padded = cv2.copyMakeBorder(image, top, bottom, left, right, cv2.BORDER_CONSTANT, value=color)
    region = (-left / width, -top / height, 1 + right / width, 1 + bottom / height)
    return padded, boxes.project(objects, region)


def _crop(
    image: NDArray[np.uint8], objects: NDArray[Any], options: DetAugmentOptions, draw: Draw
) -> tuple[NDArray[np.uint8], NDArray[Any]]:
    """Crop by the first of the samplers, in a random order, that finds a crop within its limits."""
    height, width = image.shape[:2]
    order = list(range(options.num_crop_sampler))
    draw.shuffle(order)
    for number in order:
        limits = options.limits(number)
        for _ in range(limits.trials):
            place = _propose(height, width, limits, draw)
            if place is None:
                continue
            x, y, w, h = place
            region = (x / width, y / height, (x + w) / width, (y + h) / height)
            if len(objects) and not _within(objects, region, limits):
                continue
            kept = _kept(objects, region, options)
            if len(kept) or not len(objects):
                return np.ascontiguousarray(image[y : y + h, x : x + w]), boxes.project(kept, region)
    return image, objects


def _propose(height: int, width: int, limits: Limits, draw: Draw) -> tuple[int, int, int, int] | None:
    """Return x, y, width and height of a crop in pixels; None when scale and aspect ratio have none."""
    scale = draw.between(*limits.scale)
    aspect = width / height
    low = max(limits.aspect[0] / aspect, scale * scale)
    high = min(limits.aspect[1] / aspect, 1 / (scale * scale) if scale else math.inf)
    if low > high:
        return None
    ratio = math.sqrt(draw.between(low, high))
    if not ratio:
        return None
    wide, tall = min(1.0, scale * ratio), min(1.0, scale / ratio)
    x, y = draw.between(0, 1 - wide), draw.between(0, 1 - tall)
    place = int(x * width), int(y * height), int(wide * width), int(tall * height)
    return place if min(place[2:]) > 0 else None


def _within(objects: NDArray[Any], region: boxes.Region, limits: Limits) -> bool:
    """Tell whether one of the objects keeps to all limits."""
    own = boxes.areas(objects[:, 1:5])
    shared = boxes.shared_areas(objects[:, 1:5], region)
    crop = (region[2] - region[0]) * (region[3] - region[1])
    right = np.ones(len(objects), bool)
    for values, (low, high) in (
        (shared / (own + crop - shared), limits.overlap),
        (shared / crop, limits.sample_coverage),
        (shared / own, limits.object_coverage),
    ):
        if low > 0 or high < 1:
            right &= (values >= low) & (values <= high)
    return bool(right.any())


def _kept(objects: NDArray[Any], region: boxes.Region, options: DetAugmentOptions) -> NDArray[Any]:
    """Return the objects that stay in a crop: by their middle, or by how much of them is left."""
    if options.crop_emit_mode == "center":
        middle = (objects[:, 1:3] + objects[:, 3:5]) / 2
        kept = ((middle >= region[:2]) & (middle < region[2:])).all(axis=1)
    else:
        kept = boxes.shared_areas(objects[:, 1:5], region) / boxes.areas(objects[:, 1:5]) > options.emit_overlap_thresh
    return objects[kept]  # type: ignore[no-any-return]
