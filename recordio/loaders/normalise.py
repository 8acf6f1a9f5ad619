"""From an augmented image to a row of a batch: mirror, subtract the mean, scale, order the axes. As MXNet 1.9.1 computes it."""

from __future__ import annotations

import dataclasses
import math
import threading
from typing import TYPE_CHECKING, Any

import numpy as np

from recordio.codecs import load_cv2

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from recordio.loaders.sampler import Draw


@dataclasses.dataclass(frozen=True, slots=True)
class NormaliseOptions:
    """The parameters of MXNet's normalisation; docs/loaders.md says what each does."""

    mirror: bool = False
    rand_mirror: bool = False
    mean_img: str = ""
    mean_r: float = 0.0
    mean_g: float = 0.0
    mean_b: float = 0.0
    mean_a: float = 0.0
    std_r: float = 1.0
    std_g: float = 1.0
    std_b: float = 1.0
    std_a: float = 1.0
    scale: float = 1.0
    max_random_contrast: float = 0.0
    max_random_illumination: float = 0.0

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            if isinstance(value, float) and not math.isfinite(value):
                raise ValueError(f"{field.name}={value}, expected a finite number")
        if not self.scale:
            raise ValueError(f"scale={self.scale}, expected another number: all pixels would be alike")
        for name, std in zip("rgba", self.std, strict=True):
            if not std > 0:
                raise ValueError(f"std_{name}={std}, expected more than 0")
        if self.mirror and self.rand_mirror:
            raise ValueError("mirror=True with rand_mirror=True: only one of them can be")
        if self.mean_img and any(self.mean):
            raise ValueError("mean_img with mean_r, mean_g, mean_b or mean_a: only one of them can be subtracted")

    @property
    def mean(self) -> tuple[float, float, float, float]:
        """Of R, G, B and alpha."""
        return self.mean_r, self.mean_g, self.mean_b, self.mean_a

    @property
    def std(self) -> tuple[float, float, float, float]:
        """Of R, G, B and alpha."""
        return self.std_r, self.std_g, self.std_b, self.std_a

    @property
    def draws(self) -> bool:
        """Whether the numbers differ from image to image."""
        return bool(self.max_random_contrast or self.max_random_illumination)

    def check_type(self, dtype: str) -> None:
        """Check that each parameter means something for a type: integers are not scaled, and uint8 has no signs.

        Raises:
            ValueError: one does not.
        """
        scaling = ["std_r", "std_g", "std_b", "std_a", "scale", "max_random_contrast", "max_random_illumination"]
        meant = {"uint8": [*scaling, "mean_img", "mean_r", "mean_g", "mean_b", "mean_a"], "int8": scaling}.get(dtype, [])
        defaults = NormaliseOptions()
        for name in meant:
            if getattr(self, name) != getattr(defaults, name):
                raise ValueError(f"{name}={getattr(self, name)} has no effect on dtype {dtype}, expected float32")

    def check_channels(self, channels: int) -> None:
        """Check that no parameter is of a channel that images do not have.

        Raises:
            ValueError: one is.
        """
        for name in "gba"[{1: 0, 3: 2, 4: 3}[channels] :]:
            for each, off in ((f"mean_{name}", 0.0), (f"std_{name}", 1.0)):
                if getattr(self, each) != off:
                    raise ValueError(f"{each}={getattr(self, each)} has no effect on images of {channels} channel(s)")


class _Scratch(threading.local):
    """Arrays of 8 bits for each thread, by what they are for; made anew only when another shape is asked for."""

    def __init__(self) -> None:
        self._kept: dict[str, NDArray[np.uint8]] = {}

    def take(self, what: str, shape: tuple[int, ...]) -> NDArray[np.uint8]:
        """Return an array that is not initialised."""
        kept = self._kept.get(what)
        if kept is None or kept.shape != shape:
            kept = self._kept[what] = np.empty(shape, np.uint8)
        return kept


class Normaliser:
    """Writes augmented images into rows of batches. Threads may share one.

    Args:
        options: what is done.
        channels: 1, 3 or 4.
        dtype: "float32", "uint8" or "int8".
        layout: "NCHW" or "NHWC".
        mean: an image to subtract, (channels, height, width) float32, RGB; or None.
    """

    def __init__(
        self, options: NormaliseOptions, channels: int, dtype: str, layout: str = "NCHW", mean: NDArray[np.float32] | None = None
    ) -> None:
        options.check_type(dtype)
        self.options = options
        self._channels = channels
        self._dtype = dtype
        self._planar = layout == "NCHW" or channels == 1  # of one channel both layouts are the same bytes
        self._mean = mean if mean is None or self._planar else np.ascontiguousarray(mean.transpose(1, 2, 0))
        self._scratch = _Scratch()
        self._tables = None if self._plain else self._make_tables(options.scale, 0.0)

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name != "_scratch"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._scratch = _Scratch()

    @property
    def _plain(self) -> bool:
        """Whether values only change their type."""
        same = (self.options.scale, *self.options.std) == (1.0,) * 5 and not any(self.options.mean) and not self.options.draws
        return self._dtype == "uint8" or (self._dtype == "float32" and same)

    def _make_tables(self, contrast: float, illumination: float) -> NDArray[Any]:
        """Return what becomes of the 256 levels of each channel: (channels, 256), or (1, 256, channels) where channels are interleaved."""
        levels = np.arange(256, dtype=np.float32)
        mean, std = (np.array(values[: self._channels], np.float32)[:, None] for values in (self.options.mean, self.options.std))
        if self._dtype == "int8":
            whole = np.trunc(mean + np.copysign(np.float32(0.5), mean))  # to the nearest, ties away from zero
            table: NDArray[Any] = np.clip(levels - whole, -128, 127).astype(np.int8)
        else:
            table = (levels - mean) * (np.float32(contrast) / std) + np.float32(illumination) / std
        return np.ascontiguousarray(table if self._planar else table.T[None])

    def write(self, image: NDArray[np.uint8], out: NDArray[Any], draw: Draw) -> None:
        """Write one image into its row.

        Args:
            image: (height, width) or (height, width, channels) uint8, BGR.
            out: (channels, height, width) or (height, width, channels), contiguous; RGB.
            draw: random numbers for this image.
        """
        options = self.options
        mirrored = options.mirror or (options.rand_mirror and draw.random() < 0.5)
        contrast, illumination = options.scale, 0.0
        if options.draws:
            contrast *= 1 + draw.between(-options.max_random_contrast, options.max_random_contrast)
            illumination = options.scale * draw.between(-options.max_random_illumination, options.max_random_illumination)
        if self._channels == 1:
            out = out.reshape(1, *image.shape[:2])
        pixels = out if self._dtype == "uint8" else self._scratch.take("pixels", out.shape)
        if self._mean is not None:
            self._order(image, pixels)
            self._subtract_image(self._mean, pixels, out, contrast, illumination, mirrored=mirrored)
            return
        self._order(self._mirror(image) if mirrored else image, pixels)
        tables = self._make_tables(contrast, illumination) if options.draws else self._tables
        if tables is not None:
            self._look_up(pixels, tables, out)
        elif pixels is not out:
            np.copyto(out, pixels)

    # Each call of OpenCV or NumPy lets another thread run, and has to wait for it behind: a few calls for a whole image cost two
    # threads less than many small ones.

    def _mirror(self, image: NDArray[np.uint8]) -> NDArray[np.uint8]:
        return load_cv2().flip(image, 1, self._scratch.take("image", image.shape))  # type: ignore[no-any-return]

    def _order(self, image: NDArray[np.uint8], pixels: NDArray[np.uint8]) -> None:
        """Write an image into *pixels*: their layout, RGB."""
        if self._channels == 1:
            np.copyto(pixels[0], image if image.ndim == 2 else image[:, :, 0])
            return
        cv2 = load_cv2()
        if not self._planar:
            cv2.cvtColor(image, cv2.COLOR_BGR2RGB if self._channels == 3 else cv2.COLOR_BGRA2RGBA, pixels)
            return
        if not image.flags.c_contiguous:  # a crop, which OpenCV takes twenty times as long to split
            whole = self._scratch.take("image", image.shape)
            np.copyto(whole, image)
            image = whole
        order = (2, 1, 0, 3)[: self._channels]  # of the image's B, G, R, alpha
        cv2.split(image, [pixels[each] for each in order])

    def _look_up(self, pixels: NDArray[np.uint8], tables: NDArray[Any], out: NDArray[Any]) -> None:
        """Write what becomes of each pixel."""
        cv2 = load_cv2()
        if not self._planar:
            cv2.LUT(pixels, tables, out)
            return
        for number, plane in enumerate(pixels):
            cv2.LUT(plane, tables[number], out[number])

    def _subtract_image(
        self,
        mean: NDArray[np.float32],
        pixels: NDArray[np.uint8],
        out: NDArray[Any],
        contrast: float,
        illumination: float,
        *,
        mirrored: bool,
    ) -> None:
        """Subtract the mean image, and then mirror what is left."""
        if self._dtype == "int8":
            values: NDArray[Any] = np.clip(pixels - np.trunc(mean + np.copysign(np.float32(0.5), mean)), -128, 127)
        else:
            std = np.array(self.options.std[: self._channels], np.float32)
            std = std[:, None, None] if self._planar else std
            values = (pixels - mean) * (np.float32(contrast) / std) + np.float32(illumination) / std
        if mirrored:
            values = values[:, :, ::-1] if self._planar else values[:, ::-1]
        np.copyto(out, values, casting="unsafe")
