"""ImageDetIter: batches of images with their objects, as mxnet.image.ImageDetIter."""

from __future__ import annotations

import functools
import logging
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from recordio.codecs import as_image_errors, load_cv2
from recordio.errors import BadSample, ImageFormatError, RecordIOError
from recordio.loaders import boxes, chance, detrecipes, skipping
from recordio.loaders.batch import DataDesc
from recordio.loaders.imageiter import ImageIter
from recordio.loaders.imagerows import Row, Task
from recordio.loaders.recipes import IMAGENET_MEAN, IMAGENET_STD, statistics

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

_logger = logging.getLogger("recordio.loaders")
_FONT_SIZE = 0.5
_MARGIN = 5  # pixels between a box and its name


class ImageDetIter(ImageIter):
    """Batches of images with their objects, augmented together, as mxnet.image.ImageDetIter.

    Labels of the source are [A, B, header..., objects...]: A the header's own width, B an object's. Labels of a batch are
    (batch_size, most objects, B) float32: an object a row, [class, xmin, ymin, xmax, ymax, ...] with coordinates from 0 to
    1, and rows of -1 behind the last. To learn how many there are, all labels of the part are read at the start.

    Args:
        batch_size: as in ImageIter, like all that is not named here.
        data_shape: see there.
        path_imgrec: see there.
        path_imglist: see there.
        path_root: see there.
        path_imgidx: see there.
        shuffle: see there.
        part_index: see there.
        num_parts: see there.
        aug_list: DetAugmenters; None for CreateDetAugmenter's with the arguments that follow.
        imglist: see there.
        data_name: see there.
        label_name: see there.
        last_batch_handle: see there.
        **given: seed, preprocess_threads, on_bad, check, layout and reuse_buffers as in ImageIter; and arguments of CreateDetAugmenter.

    Attributes:
        label_shape: (most objects, B).

    Raises:
        BadSample: a label is not laid out like that, or has another B than the others.
    """

    _recipe = staticmethod(detrecipes.CreateDetAugmenter)

    def __init__(
        self,
        batch_size: int,
        data_shape: Sequence[int],
        path_imgrec: str | os.PathLike[str] | None = None,
        path_imglist: str | os.PathLike[str] | None = None,
        path_root: str | os.PathLike[str] | None = None,
        path_imgidx: str | os.PathLike[str] | None = None,
        shuffle: bool = False,
        part_index: int = 0,
        num_parts: int = 1,
        aug_list: Sequence[Any] | None = None,
        imglist: Sequence[Sequence[Any]] | None = None,
        data_name: str = "data",
        label_name: str = "label",
        last_batch_handle: str = "pad",
        **given: Any,
    ) -> None:
        for name in ("label_width", "dtype"):
            if name in given:
                raise TypeError(f"{type(self).__name__} has no argument {name!r}: its labels are as wide as the objects say, and float32")
        super().__init__(
            batch_size, data_shape, 1, path_imgrec, path_imglist, path_root, path_imgidx, shuffle, part_index, num_parts,
            aug_list, imglist, data_name, label_name, "float32", last_batch_handle, **given,
        )  # fmt: skip
        self.label_shape = self._estimate_label_shape()
        self.provide_label = [self._label_desc(label_name)]

    def _label_desc(self, name: str) -> DataDesc:
        return DataDesc(name, (self.batch_size, *self.label_shape), np.float32, "NTC")

    def _estimate_label_shape(self) -> tuple[int, int]:
        """Return the most objects of an image, and the width of one, from all labels of the part."""
        most, width = 0, 0
        for name, label in self._labels():
            try:
                found = self._parse_label(label())
            except RecordIOError as error:
                if not self.source.is_bad(error):
                    raise
                if self.on_bad == "raise":
                    raise skipping.advised(skipping.described(name, error)) from error
                continue  # it is told when its turn comes
            if width and found.shape[1] != width:
                raise BadSample(name, f"objects of {found.shape[1]} values, expected {width} as those before")
            most, width = max(most, found.shape[0]), found.shape[1]
        if not most:
            raise BadSample(self.source.name(0) if len(self.source) else "the source", "no image with objects, expected at least one")
        return most, width

    def _labels(self) -> Iterator[tuple[str, Callable[[], Any]]]:
        """Yield name and label of all samples: in the order of the source, or as a program's own next_sample has them."""
        if type(self).next_sample.__module__.startswith(self._own):
            for ordinal in np.sort(self._order).tolist():
                yield self.source.name(ordinal), functools.partial(self._label_of, ordinal)
            return
        self.reset()
        while True:
            at = self.cur
            try:
                label, _ = self.next_sample()
            except StopIteration:
                break
            yield self._name(at), functools.partial(np.asarray, label)
        self.reset()
        self._go(0, 0)

    def _label_of(self, ordinal: int) -> Any:
        return self.source.read(ordinal).label

    def _parse_label(self, label: Any) -> NDArray[Any]:
        """Return the objects (n, B) of a label that have width and height.

        Raises:
            ImageFormatError: it is not laid out as a label for detection, or has no such object.
        """
        try:
            objects = boxes.with_area(boxes.split_label(np.asarray(label, np.float32).reshape(-1))[1])
        except ValueError as error:
            raise ImageFormatError(str(error)) from None
        if not len(objects):
            raise ImageFormatError("has no object with width and height")
        return objects

    @as_image_errors()
    def _make(self, task: Task) -> Row:
        pixels = self.imdecode(task.data)
        self._check_image([pixels])
        pixels, label = self.augmentation_transform(pixels, self._parse_label(task.label))
        label = np.asarray(label, np.float32)
        self._check_valid_label(label)
        return Row(self._keep(pixels), self._checked(self.postprocess_data(pixels)), label, task)

    def _check_valid_label(self, label: Any) -> None:
        """Check what augmentation left of a label.

        Raises:
            ImageFormatError: no object, or rows that are none.
        """
        if label.ndim != 2 or label.shape[1] < 5:
            raise ImageFormatError(f"has a label of shape {label.shape}, expected (objects, 5 or more)")
        if not ((label[:, 0] >= 0) & (label[:, 3] > label[:, 1]) & (label[:, 4] > label[:, 2])).any():
            raise ImageFormatError("has no object after augmentation")

    def _put_label(self, into: NDArray[Any], label: NDArray[Any]) -> None:
        count, width = self.label_shape
        if label.shape[0] > count or label.shape[1] != width:
            raise ImageFormatError(f"a label of shape {label.shape}, expected at most {count} objects of {width} values")
        into[0, : len(label)] = label
        into[0, len(label) :] = -1

    def augmentation_transform(self, data: Any, label: Any = None) -> Any:
        """Return what the augmenters make of an image and its objects."""
        for each in self.auglist:
            data, label = each(data, label)
        return data, label

    def reshape(self, data_shape: Sequence[int] | None = None, label_shape: tuple[int, int] | None = None) -> None:
        """Change the shape of data or labels from the next batch on. Augmenters keep theirs.

        Raises:
            ValueError: a shape is none, or labels would lose objects or change their width.
        """
        if data_shape is not None:
            self.check_data_shape(data_shape)
            self.data_shape = tuple(data_shape)
            self.provide_data = [DataDesc(self.provide_data[0].name, self._batch_shape(), np.float32, self.layout)]
        if label_shape is not None:
            self.check_label_shape(label_shape)
            self.label_shape = (label_shape[0], label_shape[1])
            self.provide_label = [self._label_desc(self.provide_label[0].name)]
        self._begin_again(self._done)

    def check_label_shape(self, label_shape: Sequence[int]) -> None:
        """Check a new shape of labels.

        Raises:
            ValueError: it is not (objects, width), has fewer objects than there are, or another width.
        """
        if len(label_shape) != 2:
            raise ValueError(f"label_shape={tuple(label_shape)}, expected (objects, width)")
        if label_shape[0] < self.label_shape[0]:
            raise ValueError(f"label_shape={tuple(label_shape)}, expected at least {self.label_shape[0]} objects")
        if label_shape[1] != self.label_shape[1]:
            raise ValueError(f"label_shape={tuple(label_shape)}, expected objects of {self.label_shape[1]} values")

    def sync_label_shape(self, it: ImageDetIter, verbose: bool = False) -> ImageDetIter:
        """Give this iterator and another labels of one shape, that of the larger; return the other one.

        Args:
            it: the other one.
            verbose: whether to tell the logger ``recordio.loaders`` of a change.

        Raises:
            ValueError: their objects differ in width.
            TypeError: it is no ImageDetIter.
        """
        if not isinstance(it, ImageDetIter):
            raise TypeError(f"a {type(it).__name__}, expected an ImageDetIter")
        if self.label_shape[1] != it.label_shape[1]:
            raise ValueError(f"objects of {it.label_shape[1]} values, expected {self.label_shape[1]}")
        most = max(self.label_shape[0], it.label_shape[0])
        if verbose and most > min(self.label_shape[0], it.label_shape[0]):
            _logger.info("label_shape of both: (%d, %d)", most, self.label_shape[1])
        for each in (self, it):
            if each.label_shape[0] < most:
                each.reshape(None, (most, each.label_shape[1]))
        return it

    def draw_next(
        self,
        color: Sequence[float] | None = None,
        thickness: int = 2,
        mean: ArrayLike | bool | None = None,
        std: ArrayLike | bool | None = None,
        clip: bool = True,
        waitKey: int | None = None,  # noqa: N803  (MXNet's name)
        window_name: str = "draw_next",
        id2labels: Mapping[int, str] | None = None,
    ) -> Iterator[NDArray[np.uint8]]:
        """Yield the images of the rest of the epoch with their boxes drawn.

        Args:
            color: of the boxes, RGB; None for a random one each.
            thickness: of their lines, in pixels.
            mean: what augmentation subtracted, to be added again; True for ImageNet's.
            std: what it divided by.
            clip: cut values to 0 to 255.
            waitKey: milliseconds to show each in a window, 0 until a key is pressed; None for no window.
            window_name: of the window.
            id2labels: names of the classes.

        Yields:
            (height, width, 3) uint8, BGR, as OpenCV shows them.

        Raises:
            BadSample: nothing can be made of a sample.
        """
        of_std, of_mean = statistics("std", std, IMAGENET_STD), statistics("mean", mean, IMAGENET_MEAN)
        cv2 = load_cv2()
        while True:
            try:
                row = self._next_row()
            except StopIteration:
                return
            self._done = row.task.after
            pixels = np.asarray(row.pixels, np.float64) * (1 if of_std is None else of_std) + (0 if of_mean is None else of_mean)
            pixels = pixels.clip(0, 255) if clip else pixels
            drawn = np.ascontiguousarray(np.broadcast_to(pixels, (*pixels.shape[:2], 3))[:, :, ::-1].astype(np.uint8))
            for each in row.label:
                self._draw_box(drawn, each, color, thickness, id2labels or {})
            if waitKey is not None:
                cv2.imshow(window_name, drawn)
                cv2.waitKey(waitKey)
            yield drawn

    def _draw_box(self, drawn: NDArray[np.uint8], box: Any, color: Any, thickness: int, names: Mapping[int, str]) -> None:
        cv2 = load_cv2()
        height, width = drawn.shape[:2]
        if box[1] < 0:
            return  # a row that only fills the label
        left, top, right, bottom = (int(share * side) for share, side in zip(box[1:5], (width, height) * 2, strict=True))
        draw = chance.current()
        of_box = tuple(color)[::-1] if color else tuple(draw.randint(0, 255) for _ in range(3))
        cv2.rectangle(drawn, (left, top), (right, bottom), of_box, thickness)
        name = names.get(int(box[0]))
        if name is not None:
            font = cv2.FONT_HERSHEY_SIMPLEX
            tall = cv2.getTextSize(name, font, _FONT_SIZE, 2)[0][1]
            cv2.putText(drawn, name, (left + _MARGIN, top + tall + _MARGIN), font, _FONT_SIZE, (255, 255, 255), 2)
