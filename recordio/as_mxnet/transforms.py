"""mxnet.gluon.data.vision.transforms, on images (height, width, channels)."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from recordio.as_mxnet import imageops, wrapping
from recordio.as_mxnet.blocks import Block, Compose, HybridBlock, Sequential
from recordio.as_mxnet.ndarray import NDArray, plain

__all__ = ["Block", "Compose", "HybridBlock", "Sequential"]  # those of blocks that stand among the transforms, too


class _Image(Block):
    """A transform of an image as NumPy's array."""

    def forward(self, x: Any) -> Any:
        return NDArray(np.ascontiguousarray(self.change(plain(x))))

    def change(self, image: Any) -> Any:
        raise NotImplementedError


class Cast(_Image):
    """Another type of the elements."""

    def __init__(self, dtype: Any = "float32") -> None:
        super().__init__()
        self._dtype = dtype

    def change(self, image: Any) -> Any:
        return image.astype(self._dtype)


class ToTensor(_Image):
    """(height, width, channels) of 0 to 255 -> (channels, height, width) float32 of 0 to 1; a batch in the same way."""

    def change(self, image: Any) -> Any:
        return imageops.to_tensor(image)


class Normalize(_Image):
    """Subtract *mean* and divide by *std*, numbers or one for each channel, of (channels, height, width)."""

    def __init__(self, mean: Any = 0.0, std: Any = 1.0) -> None:
        super().__init__()
        self._mean, self._std = plain(mean), plain(std)

    def change(self, image: Any) -> Any:
        return imageops.normalize(image, self._mean, self._std)


def _pair(size: Any) -> tuple[int, int]:
    return (int(size), int(size)) if isinstance(size, (int, np.integer)) else (int(size[0]), int(size[1]))


def _function(name: str) -> Callable[..., Any]:
    from recordio import loaders

    return getattr(loaders, name)  # type: ignore[no-any-return]


class Resize(_Image):
    """To (width, height) pixels; *keep_ratio* with one number: the short side to it."""

    def __init__(self, size: Any, keep_ratio: bool = False, interpolation: int = 1) -> None:  # noqa: FBT001, FBT002
        super().__init__()
        self._size, self._keep_ratio, self._interpolation = size, keep_ratio, interpolation

    def change(self, image: Any) -> Any:
        if self._keep_ratio and isinstance(self._size, (int, np.integer)):
            return _function("resize_short")(image, int(self._size), self._interpolation)
        return _function("imresize")(image, *_pair(self._size), self._interpolation)


class CenterCrop(_Image):
    """The middle (width, height) pixels; of a smaller image as much as there is, enlarged."""

    def __init__(self, size: Any, interpolation: int = 1) -> None:
        super().__init__()
        self._size, self._interpolation = _pair(size), interpolation

    def change(self, image: Any) -> Any:
        return _function("center_crop")(image, self._size, self._interpolation)[0]


class RandomCrop(_Image):
    """(width, height) pixels from anywhere, after *pad* black pixels around where that is given."""

    def __init__(self, size: Any, pad: int | None = None, pad_value: int = 0, interpolation: int = 1) -> None:
        super().__init__()
        self._size, self._pad, self._value, self._interpolation = _pair(size), pad, pad_value, interpolation

    def change(self, image: Any) -> Any:
        if self._pad:
            image = np.pad(image, ((self._pad,) * 2, (self._pad,) * 2, (0, 0)), constant_values=self._value)
        return _function("random_crop")(image, self._size, self._interpolation)[0]


class RandomResizedCrop(_Image):
    """A part of random area and ratio, resized to (width, height) pixels."""

    def __init__(self, size: Any, scale: Any = (0.08, 1.0), ratio: Any = (3 / 4, 4 / 3), interpolation: int = 1) -> None:
        super().__init__()
        self._size, self._scale, self._ratio, self._interpolation = _pair(size), scale, ratio, interpolation

    def change(self, image: Any) -> Any:
        return _function("random_size_crop")(image, self._size, self._scale, self._ratio, self._interpolation)[0]


class CropResize(_Image):
    """The *width* x *height* pixels at (*x*, *y*), resized to *size* where that is given."""

    def __init__(self, x: int, y: int, width: int, height: int, size: Any = None, interpolation: int | None = None) -> None:
        super().__init__()
        self._box, self._size, self._interpolation = (x, y, width, height), size, interpolation

    def change(self, image: Any) -> Any:
        size = None if self._size is None else _pair(self._size)
        return _function("fixed_crop")(image, *self._box, size, 1 if self._interpolation is None else self._interpolation)


class RandomFlipLeftRight(_Image):
    """Mirrored, or not."""

    axis = 1

    def __init__(self, p: float = 0.5) -> None:
        super().__init__()
        self._p = p

    def change(self, image: Any) -> Any:
        return np.flip(image, self.axis) if random.random() < self._p else image  # noqa: S311


class RandomFlipTopBottom(RandomFlipLeftRight):
    """Upside down, or not."""

    axis = 0


class RandomApply(Block):
    """Transforms with probability *p*."""

    def __init__(self, transforms: Callable[[Any], Any], p: float = 0.5) -> None:
        super().__init__()
        self._transforms, self._p = transforms, p

    def forward(self, x: Any) -> Any:
        return self._transforms(x) if random.random() < self._p else x  # noqa: S311


class _Color(Block):
    """A color augmenter of mxnet.image, on float32."""

    augmenter = ""

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__()
        self._augmenter = wrapping.offered(self.augmenter, f"mxnet.image.{self.augmenter}")(*given, **named)

    def forward(self, x: Any) -> Any:
        before = x.dtype
        changed = self._augmenter(NDArray(plain(x).astype(np.float32)))
        return NDArray(np.clip(plain(changed), 0, 255).astype(before) if before is np.uint8 else plain(changed))


class RandomBrightness(_Color):
    """Brightness changed by up to a share."""

    augmenter = "BrightnessJitterAug"


class RandomContrast(_Color):
    """Contrast changed by up to a share."""

    augmenter = "ContrastJitterAug"


class RandomSaturation(_Color):
    """Saturation changed by up to a share."""

    augmenter = "SaturationJitterAug"


class RandomHue(_Color):
    """Hue changed by up to a share."""

    augmenter = "HueJitterAug"


class RandomGray(_Color):
    """Gray with a probability."""

    augmenter = "RandomGrayAug"


class RandomColorJitter(Block):
    """Brightness, contrast, saturation and hue changed by up to these shares."""

    def __init__(self, brightness: float = 0, contrast: float = 0, saturation: float = 0, hue: float = 0) -> None:
        super().__init__()
        kinds = ((RandomBrightness, brightness), (RandomContrast, contrast), (RandomSaturation, saturation), (RandomHue, hue))
        self._blocks = [kind(share) for kind, share in kinds if share]

    def forward(self, x: Any) -> Any:
        for block in random.sample(self._blocks, len(self._blocks)):
            x = block(x)
        return x


class RandomLighting(_Color):
    """PCA noise of a standard deviation *alpha*."""

    augmenter = "LightingAug"

    def __init__(self, alpha: float) -> None:
        super().__init__(alpha, np.array(imageops.EIGENVALUES), np.array(imageops.EIGENVECTORS))


class RandomRotation(_Image):
    """(channels, height, width) float32, turned by degrees between two, with probability *rotate_with_proba*."""

    def __init__(
        self,
        angle_limits: Sequence[float],
        zoom_in: bool = False,  # noqa: FBT001, FBT002  (MXNet's signature)
        zoom_out: bool = False,  # noqa: FBT001, FBT002
        rotate_with_proba: float = 1.0,
    ) -> None:
        super().__init__()
        low, high = angle_limits
        if low >= high or not 0 <= rotate_with_proba <= 1:
            raise ValueError(f"angle_limits={low, high}, rotate_with_proba={rotate_with_proba}, expected two in order, and 0 to 1")
        self._limits, self._zoom, self._share = (low, high), (zoom_in, zoom_out), rotate_with_proba

    def change(self, image: Any) -> Any:
        if image.dtype != np.float32:
            raise TypeError(f"an image of {image.dtype}, expected float32: Cast comes before a rotation")
        if random.random() > self._share:  # noqa: S311
            return image
        return _function("imrotate")(image, random.uniform(*self._limits), *self._zoom)  # noqa: S311


class Rotate(RandomRotation):
    """The same, by a given number of degrees."""

    def __init__(self, rotation_degrees: float, zoom_in: bool = False, zoom_out: bool = False) -> None:  # noqa: FBT001, FBT002
        super().__init__((rotation_degrees, rotation_degrees + 1), zoom_in, zoom_out)
        self._limits = (rotation_degrees, rotation_degrees)
