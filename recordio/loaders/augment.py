"""What ImageRecordIter does to a decoded image before it is normalised: MXNet 1.9.1's "aug_default", step by step.

Images are (height, width) or (height, width, channels) uint8, colors in OpenCV's order (BGR). Random numbers come from the
caller, one generator an image.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from recordio.codecs import as_image_errors, load_cv2
from recordio.errors import ImageFormatError
from recordio.loaders.augmentoptions import AT_RANDOM, BY_SIZE, AugmentOptions
from recordio.loaders.jitter import add_lighting, jitter, shift_hls

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from recordio.loaders.sampler import Draw


@as_image_errors()
def augment(image: NDArray[np.uint8], size: tuple[int, int], options: AugmentOptions, draw: Draw) -> NDArray[np.uint8]:
    """Do everything that the options say to one image.

    Args:
        image: (height, width) or (height, width, channels) uint8.
        size: height and width of the result.
        options: what is done.
        draw: random numbers for this image.

    Returns:
        An image of that size; often a view of the one given.

    Raises:
        ImageFormatError: it is too small for max_crop_size, would have no pixels, or OpenCV refuses it.
    """
    if options.resize != -1:
        image = _resize_short(image, options, draw)
    if options.warps:
        image = _warp(image, options, draw)
    if options.pad:
        image = _pad(image, options)
    if options.random_resized_crop:
        cropped = _random_resized_crop(image, size, options, draw)
        image = _crop(image, size, options, draw) if cropped is None else cropped
    elif options.max_crop_size != -1:
        image = _crop_and_resize(image, size, options, draw)
    else:
        image = _crop(image, size, options, draw)
    if options.jitters:
        image = jitter(image, options, draw)
    if options.random_h or options.random_s or options.random_l:
        image = shift_hls(image, options, draw)
    if options.pca_noise > 0:
        image = add_lighting(image, options, draw)
    return image


def _method(options: AugmentOptions, old: tuple[int, int], new: tuple[int, int], draw: Draw) -> int:
    """Return OpenCV's number of the interpolation for a change of (height, width)."""
    if options.inter_method == AT_RANDOM:
        return draw.below(5)
    if options.inter_method != BY_SIZE:
        return options.inter_method
    if new[0] > old[0] and new[1] > old[1]:
        return 2
    return 3 if new[0] < old[0] and new[1] < old[1] else 1


def _resize(image: NDArray[np.uint8], size: tuple[int, int], options: AugmentOptions, draw: Draw) -> NDArray[np.uint8]:
    """Resize to (height, width)."""
    old = image.shape[:2]
    if old == size:
        return image
    if min(size) < 1:
        raise ImageFormatError(f"would be {size[1]} x {size[0]} pixels after resizing, expected at least 1 x 1")
    return load_cv2().resize(image, size[::-1], interpolation=_method(options, old, size, draw))  # type: ignore[no-any-return]


def _resize_short(image: NDArray[np.uint8], options: AugmentOptions, draw: Draw) -> NDArray[np.uint8]:
    height, width = image.shape[:2]
    side = options.resize
    size = (side * height // width, side) if height > width else (side, side * width // height)
    return _resize(image, size, options, draw)


def _warp(image: NDArray[np.uint8], options: AugmentOptions, draw: Draw) -> NDArray[np.uint8]:
    """Rotate, shear, scale and change the aspect around the middle in one step."""
    height, width = image.shape[:2]
    shear = draw.between(-options.max_shear_ratio, options.max_shear_ratio)
    angle = draw.below(2 * options.max_rotate_angle + 1) - options.max_rotate_angle
    if options.rotate not in (-1, 0):
        angle = options.rotate
    if options.rotate_list:
        angle = options.rotate_list[draw.below(len(options.rotate_list))]
    cosine, sine = math.cos(math.radians(angle)), math.sin(math.radians(angle))
    scale = draw.between(options.min_random_scale, options.max_random_scale)
    ratio = 1.0 if options.random_resized_crop else draw.between(*options.range_of_aspect())
    tall = 2 * scale / (1 + ratio)
    wide = ratio * tall
    limits = options.min_img_size, options.max_img_size
    new_width, new_height = (max(limits[0], min(limits[1], scale * side)) for side in (width, height))
    if new_width < 1 or new_height < 1:
        raise ImageFormatError(f"would be {new_width:.2f} x {new_height:.2f} pixels after scaling, expected at least 1 x 1")
    matrix = np.array(
        [
            [tall * cosine - shear * sine * wide, tall * sine + shear * cosine * wide, 0],
            [-sine * wide, cosine * wide, 0],
        ],
        np.float32,
    )
    middle = matrix[:, :2] @ np.array([width, height], np.float32)
    matrix[:, 2] = (np.array([new_width, new_height], np.float32) - middle) / 2
    method = _method(options, (height, width), (int(new_height), int(new_width)), draw)
    cv2 = load_cv2()
    return cv2.warpAffine(  # type: ignore[no-any-return]
        image,
        matrix,
        (int(new_width), int(new_height)),
        flags=method,
        borderMode=cv2.BORDER_CONSTANT,
        borderValue=(options.fill_value,) * 3,
    )


def _pad(image: NDArray[np.uint8], options: AugmentOptions) -> NDArray[np.uint8]:
    cv2, pad = load_cv2(), options.pad
    return cv2.copyMakeBorder(image, pad, pad, pad, pad, cv2.BORDER_CONSTANT, value=(options.fill_value,) * 3)  # type: ignore[no-any-return]


def _cut(image: NDArray[np.uint8], size: tuple[int, int], draw: Draw, *, at_random: bool) -> NDArray[np.uint8]:
    """Cut (height, width) out of the middle, or anywhere."""
    free_y, free_x = image.shape[0] - size[0], image.shape[1] - size[1]
    y, x = (draw.below(free_y + 1), draw.below(free_x + 1)) if at_random else (free_y // 2, free_x // 2)
    return image[y : y + size[0], x : x + size[1]]


def _crop(image: NDArray[np.uint8], size: tuple[int, int], options: AugmentOptions, draw: Draw) -> NDArray[np.uint8]:
    """Crop to the size of the result; one side after the other is enlarged to it where it is smaller."""
    if image.shape[0] < size[0]:
        image = _resize(image, (size[0], int(np.float32(size[0]) / np.float32(image.shape[0]) * np.float32(image.shape[1]))), options, draw)
    if image.shape[1] < size[1]:
        image = _resize(image, (int(np.float32(size[1]) / np.float32(image.shape[1]) * np.float32(image.shape[0])), size[1]), options, draw)
    return _cut(image, size, draw, at_random=options.rand_crop)


def _crop_and_resize(image: NDArray[np.uint8], size: tuple[int, int], options: AugmentOptions, draw: Draw) -> NDArray[np.uint8]:
    if min(image.shape[:2]) < options.max_crop_size:
        raise ImageFormatError(f"has {image.shape[1]} x {image.shape[0]} pixels, smaller than max_crop_size={options.max_crop_size}")
    side = options.min_crop_size + draw.below(options.max_crop_size - options.min_crop_size + 1)
    return _resize(_cut(image, (side, side), draw, at_random=options.rand_crop), size, options, draw)


def _random_resized_crop(image: NDArray[np.uint8], size: tuple[int, int], options: AugmentOptions, draw: Draw) -> NDArray[np.uint8] | None:
    """Crop a random area of a random aspect, and resize it; None where none of ten fits."""
    if (options.min_random_area, options.max_random_area, options.max_aspect_ratio, options.min_aspect_ratio) == (1, 1, 0, None):
        return None
    height, width = image.shape[:2]
    for _ in range(10):
        area = height * width * draw.between(options.min_random_area, options.max_random_area)
        ratio = draw.between(*options.range_of_aspect())
        if ratio <= 0:
            continue
        new = round(math.sqrt(area / ratio)), round(math.sqrt(area * ratio))
        if draw.random() > 0.5:
            new = new[::-1]
        if 0 < new[0] <= height and 0 < new[1] <= width:
            return _resize(_cut(image, new, draw, at_random=True), size, options, draw)
    return None
