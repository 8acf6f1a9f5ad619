"""The augmenters of mxnet.image that work on where pixels stand, and CreateAugmenter. Images are (height, width, channels), RGB."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from recordio.loaders import chance, image

if TYPE_CHECKING:
    from recordio.loaders.image import Image


def as_plain(value: Any) -> Any:
    """Return a value as JSON can hold it: arrays as lists."""
    return value.tolist() if hasattr(value, "tolist") else value


class Augmenter:
    """Something that is done to an image: call it with one, and take what it returns.

    Args:
        **given: the parameters, for ``dumps``.
    """

    def __init__(self, **given: Any) -> None:
        self._kwargs = {name: as_plain(value) for name, value in given.items()}

    def dumps(self) -> Any:
        """Return the name in lower case and the parameters as JSON; of augmenters made of others, a list of theirs."""
        return json.dumps([type(self).__name__.lower(), self._kwargs])

    def __call__(self, src: Image) -> Image:
        """Return what becomes of an image."""
        raise NotImplementedError(f"{type(self).__name__} has no __call__")


class SequentialAug(Augmenter):
    """Augmenters one after the other."""

    def __init__(self, ts: Sequence[Augmenter]) -> None:
        super().__init__()
        self.ts = list(ts)

    def dumps(self) -> list[Any]:
        """Return the name in lower case, and what the augmenters dump."""
        return [type(self).__name__.lower(), [each.dumps() for each in self.ts]]

    def __call__(self, src: Image) -> Image:
        for each in self.ts:
            src = each(src)
        return src


class RandomOrderAug(SequentialAug):
    """Augmenters one after the other, in a random order each time."""

    def __call__(self, src: Image) -> Image:
        order = list(self.ts)
        chance.current().shuffle(order)
        for each in order:
            src = each(src)
        return src


class ResizeAug(Augmenter):
    """Resize the short side to *size* pixels."""

    def __init__(self, size: int, interp: int = 2) -> None:
        super().__init__(size=size, interp=interp)
        self.size, self.interp = size, interp

    def __call__(self, src: Image) -> Image:
        return image.resize_short(src, self.size, self.interp)


class ForceResizeAug(Augmenter):
    """Resize to *size* (width, height), whatever the aspect ratio."""

    def __init__(self, size: tuple[int, int], interp: int = 2) -> None:
        super().__init__(size=size, interp=interp)
        self.size, self.interp = size, interp

    def __call__(self, src: Image) -> Image:
        return image.imresize(src, self.size[0], self.size[1], self.interp)


class RandomCropAug(Augmenter):
    """Cut out *size* (width, height) at random, as ``random_crop``."""

    def __init__(self, size: tuple[int, int], interp: int = 2) -> None:
        super().__init__(size=size, interp=interp)
        self.size, self.interp = size, interp

    def __call__(self, src: Image) -> Image:
        return image.random_crop(src, self.size, self.interp)[0]


class RandomSizedCropAug(Augmenter):
    """Cut out a part of random area and aspect ratio and resize it to *size* (width, height), as ``random_size_crop``."""

    def __init__(
        self, size: tuple[int, int], area: float | tuple[float, float], ratio: tuple[float, float], interp: int = 2, **given: Any
    ) -> None:
        area = given.pop("min_area", area)
        if given:
            raise TypeError(f"RandomSizedCropAug has no parameter {next(iter(given))!r}")
        super().__init__(size=size, area=area, ratio=ratio, interp=interp)
        self.size, self.area, self.ratio, self.interp = size, area, ratio, interp

    def __call__(self, src: Image) -> Image:
        return image.random_size_crop(src, self.size, self.area, self.ratio, self.interp)[0]


class CenterCropAug(Augmenter):
    """Cut out *size* (width, height) from the middle, as ``center_crop``."""

    def __init__(self, size: tuple[int, int], interp: int = 2) -> None:
        super().__init__(size=size, interp=interp)
        self.size, self.interp = size, interp

    def __call__(self, src: Image) -> Image:
        return image.center_crop(src, self.size, self.interp)[0]


class HorizontalFlipAug(Augmenter):
    """Mirror with probability *p*."""

    def __init__(self, p: float) -> None:
        super().__init__(p=p)
        self.p = p

    def __call__(self, src: Image) -> Image:
        return src[:, ::-1] if chance.current().random() < self.p else src


class CastAug(Augmenter):
    """Change the type."""

    def __init__(self, typ: str = "float32") -> None:
        super().__init__(type=typ)
        self.typ = typ

    def __call__(self, src: Image) -> Image:
        return src.astype(self.typ)
