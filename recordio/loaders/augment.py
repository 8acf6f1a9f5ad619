"""What ImageRecordIter does to a decoded image before it is normalised: MXNet 1.9.1's "aug_default", step by step.

Images are (height, width) or (height, width, channels) uint8, colors in OpenCV's order (BGR). Random numbers come from the
caller, one generator an image.
"""

from __future__ import annotations

import dataclasses
import math
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from recordio.codecs import load_cv2
from recordio.errors import ImageFormatError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from recordio.loaders.sampler import Draw

METHODS: Final = (0, 1, 2, 3, 4, 9, 10)  # nearest, bilinear, cubic, area, lanczos, by the sizes, at random
_BY_SIZE, _AT_RANDOM = 9, 10
_UNLIMITED: Final = 1e10
# Eigenvectors of the colors of ImageNet's pixels (R, G, B rows), each times its eigenvalue: AlexNet's lighting noise.
_LIGHTING: Final = (
    (55.46 * -0.5675, 4.794 * 0.7192, 1.148 * 0.4009),
    (55.46 * -0.5808, 4.794 * -0.0045, 1.148 * -0.8140),
    (55.46 * -0.5836, 4.794 * -0.6948, 1.148 * 0.4203),
)


@dataclasses.dataclass(frozen=True, slots=True)
class AugmentOptions:
    """The parameters of MXNet's default augmenter; docs/loaders.md says what each does."""

    resize: int = -1
    rand_crop: bool = False
    random_resized_crop: bool = False
    max_rotate_angle: int = 0
    rotate: int = -1
    rotate_list: tuple[int, ...] = ()
    max_aspect_ratio: float = 0.0
    min_aspect_ratio: float | None = None
    max_shear_ratio: float = 0.0
    max_crop_size: int = -1
    min_crop_size: int = -1
    max_random_scale: float = 1.0
    min_random_scale: float = 1.0
    max_random_area: float = 1.0
    min_random_area: float = 1.0
    max_img_size: float = _UNLIMITED
    min_img_size: float = 0.0
    brightness: float = 0.0
    contrast: float = 0.0
    saturation: float = 0.0
    pca_noise: float = 0.0
    random_h: int = 0
    random_s: int = 0
    random_l: int = 0
    fill_value: int = 255
    inter_method: int = 1
    pad: int = 0

    def __post_init__(self) -> None:
        if self.inter_method not in METHODS:
            raise ValueError(f"inter_method={self.inter_method}, expected one of {', '.join(map(str, METHODS))}")
        if self.resize < 1 and self.resize != -1:
            raise ValueError(f"resize={self.resize}, expected at least 1 pixel, or -1")
        for name in ("max_rotate_angle", "max_shear_ratio", "brightness", "contrast", "saturation", "pca_noise", "pad"):
            if not getattr(self, name) >= 0:
                raise ValueError(f"{name}={getattr(self, name)}, expected 0 or more")
        if not 0 <= self.fill_value <= 255:
            raise ValueError(f"fill_value={self.fill_value}, expected 0 to 255")
        self._check_ranges()
        self._check_conflicts()

    def _check_ranges(self) -> None:
        for name in ("random_scale", "random_area", "crop_size", "img_size"):
            low, high = getattr(self, f"min_{name}"), getattr(self, f"max_{name}")
            if low > high:
                raise ValueError(f"min_{name}={low} with max_{name}={high}, expected a minimum that is not larger")
        if self.min_aspect_ratio is not None and not 0 < self.min_aspect_ratio <= self.max_aspect_ratio:
            raise ValueError(
                f"min_aspect_ratio={self.min_aspect_ratio} with max_aspect_ratio={self.max_aspect_ratio}, expected a minimum "
                "above 0 that is not larger"
            )
        if self.max_crop_size != -1 and self.min_crop_size < 1:
            raise ValueError(f"min_crop_size={self.min_crop_size} with max_crop_size={self.max_crop_size}, expected at least 1 pixel")
        if self.min_random_area <= 0 or self.min_random_scale <= 0:
            raise ValueError("min_random_area and min_random_scale must be above 0")

    def _check_conflicts(self) -> None:
        if not self.random_resized_crop:
            if (self.min_random_area, self.max_random_area) != (1.0, 1.0):
                raise ValueError("min_random_area and max_random_area need random_resized_crop=True")
            return
        for name, off in (("rand_crop", False), ("max_crop_size", -1), ("max_random_scale", 1.0), ("min_random_scale", 1.0)):
            if getattr(self, name) != off:
                raise ValueError(f"random_resized_crop=True with {name}={getattr(self, name)}: only one of them can be")

    @property
    def warps(self) -> bool:
        """Whether images are rotated, sheared or scaled."""
        aspect = not self.random_resized_crop and (self.max_aspect_ratio != 0 or self.min_aspect_ratio is not None)
        rotates = self.max_rotate_angle > 0 or self.rotate not in (-1, 0) or self.rotate_list
        scales = self.max_random_scale != 1 or self.min_random_scale != 1
        return bool(aspect or rotates or scales or self.max_shear_ratio > 0 or self.max_img_size != _UNLIMITED or self.min_img_size)

    @property
    def jitters(self) -> bool:
        """Whether brightness, contrast or saturation change."""
        return self.brightness > 0 or self.contrast > 0 or self.saturation > 0

    def range_of_aspect(self) -> tuple[float, float]:
        """Return the smallest and the largest width / height."""
        if self.min_aspect_ratio is not None:
            return self.min_aspect_ratio, self.max_aspect_ratio
        return 1 - self.max_aspect_ratio, 1 + self.max_aspect_ratio


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
        ImageFormatError: it is too small for max_crop_size, or would have no pixels.
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
        image = _jitter(image, options, draw)
    if options.random_h or options.random_s or options.random_l:
        image = _shift_hls(image, options, draw)
    if options.pca_noise > 0:
        image = _add_lighting(image, options, draw)
    return image


def _method(options: AugmentOptions, old: tuple[int, int], new: tuple[int, int], draw: Draw) -> int:
    """Return OpenCV's number of the interpolation for a change of (height, width)."""
    if options.inter_method == _AT_RANDOM:
        return draw.below(5)
    if options.inter_method != _BY_SIZE:
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


def _jitter(image: NDArray[np.uint8], options: AugmentOptions, draw: Draw) -> NDArray[np.uint8]:
    """Change brightness, contrast and saturation in random order, each rounded to 8 bits."""
    brightness, contrast, saturation = (
        draw.between(1 - most, 1 + most) for most in (options.brightness, options.contrast, options.saturation)
    )
    order = [0, 1, 2]
    for last in (2, 1):
        other = draw.below(last + 1)
        order[last], order[other] = order[other], order[last]
    for step in order:
        if step == 0:
            image = _linear(image, brightness, 0)
        elif step == 1:
            image = _linear(image, contrast, (1 - contrast) * float(np.mean(_gray(image))))
        elif image.ndim == 3:
            cv2 = load_cv2()
            gray = cv2.cvtColor(_gray(image), cv2.COLOR_GRAY2BGR)
            image = _with_colors(image, cv2.addWeighted(_colors(image), saturation, gray, 1 - saturation, 0))
    return image


def _gray(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return the gray of an image; as MXNet, with the weights of RGB for what is BGR."""
    if image.ndim == 2:
        return image
    cv2 = load_cv2()
    return cv2.cvtColor(_colors(image), cv2.COLOR_RGB2GRAY)  # type: ignore[no-any-return]


def _colors(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return the colors of an image without its alpha."""
    return np.ascontiguousarray(image[:, :, :3])


def _with_colors(image: NDArray[np.uint8], colors: Any) -> NDArray[np.uint8]:
    """Return *colors* with the alpha of *image* where it has one."""
    return np.dstack([colors, image[:, :, 3]]) if image.shape[2] == 4 else colors


def _linear(image: NDArray[np.uint8], factor: float, shift: float) -> NDArray[np.uint8]:
    """Return factor * image + shift, rounded to the nearest (ties to even) and held within 0 to 255; alpha stays."""
    table = np.clip(np.rint(np.arange(256, dtype=np.float32) * np.float32(factor) + np.float32(shift)), 0, 255).astype(np.uint8)
    if image.ndim == 3 and image.shape[2] == 4:
        return _with_colors(image, load_cv2().LUT(_colors(image), table))
    return load_cv2().LUT(np.ascontiguousarray(image), table)  # type: ignore[no-any-return]


def _shift_hls(image: NDArray[np.uint8], options: AugmentOptions, draw: Draw) -> NDArray[np.uint8]:
    """Shift hue, lightness and saturation; held within 0 to 180, 255, 255, as OpenCV's 8-bit HLS counts."""
    # The mean of one and four times another uniform number: extremes are rarer than with one.
    hue, saturation, lightness = (
        int((draw.random() + 4 * draw.random()) / 5 * most * 2 - most) for most in (options.random_h, options.random_s, options.random_l)
    )
    if image.ndim == 2:
        raise ImageFormatError("is gray: random_h, random_s and random_l need colors")
    cv2 = load_cv2()
    hls = cv2.cvtColor(_colors(image), cv2.COLOR_BGR2HLS)
    table = np.stack(
        [np.clip(np.arange(256) + shift, 0, most) for shift, most in ((hue, 180), (lightness, 255), (saturation, 255))], axis=-1
    ).astype(np.uint8)
    return _with_colors(image, cv2.cvtColor(cv2.LUT(hls, table[None]), cv2.COLOR_HLS2BGR))


def _add_lighting(image: NDArray[np.uint8], options: AugmentOptions, draw: Draw) -> NDArray[np.uint8]:
    """Add noise along the principal components of the colors of ImageNet."""
    if image.ndim == 2:
        raise ImageFormatError("is gray: pca_noise needs colors")
    alphas = [draw.gauss(0, options.pca_noise) for _ in range(3)]
    r, g, b = (sum(a * weight for a, weight in zip(alphas, row, strict=True)) for row in _LIGHTING)
    levels = np.arange(256)
    table = np.stack([np.clip(np.trunc(levels + shift), 0, 255) for shift in (b, g, r)], axis=-1).astype(np.uint8)
    return _with_colors(image, load_cv2().LUT(_colors(image), table[None]))
