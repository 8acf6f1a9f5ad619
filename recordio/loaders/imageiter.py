"""ImageIter: batches of images from a .rec, a .lst or a Python list, as mxnet.image.ImageIter."""

from __future__ import annotations

import logging
import os
import weakref
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Final

import numpy as np

from recordio.codecs import as_image_errors
from recordio.errors import ImageFormatError, RecordIOError
from recordio.loaders import chance, checks, decoding, image, parameters, recipes, sampler
from recordio.loaders.ahead import Ahead
from recordio.loaders.batch import DataBatch, DataDesc
from recordio.loaders.imagerows import Refused, Row, Task, default_threads, is_own, open_images
from recordio.loaders.memory import aligned
from recordio.loaders.rowiter import ENDS, ON_BAD, RowIter

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from recordio.errors import BadSample

LABEL_TYPES: Final = ("int32", "float32", "int64", "float64")
LAYOUTS: Final = ("NCHW", "NHWC")
_FLAGS: Final = {1: 0, 3: 1, 4: -1}  # channels -> flag of imdecode
_COLOR: Final = 1
_HOOKS: Final = ("imdecode", "check_valid_image", "augmentation_transform", "postprocess_data")
_logger = logging.getLogger("recordio.loaders")


class ImageIter(RowIter):
    """Batches of images, augmented, as mxnet.image.ImageIter.

    Data is (batch_size, channels, height, width) float32, RGB; labels (batch_size,) or (batch_size, label_width); index the
    keys of the .idx, or the ids. What batches hold follows from *seed* alone, for any number of threads. Methods that MXNet's
    users override (next_sample, read_image, imdecode, check_data_shape, check_valid_image, augmentation_transform,
    postprocess_data) may be overridden here; augmenters and methods that are not of this package run in the thread that takes
    the batches, one sample at a time. A check_valid_image that raises RuntimeError leaves an image out.

    Args:
        batch_size: rows of a batch.
        data_shape: (channels, height, width); 1 gray, 3 RGB, 4 RGBA.
        label_width: labels of an image.
        path_imgrec: a .rec, several with ";" between them, or a folder of them.
        path_imglist: a .lst: of images below *path_root*, or, with *path_imgrec*, of labels that replace the records', by id.
        path_root: where the paths of a list start.
        path_imgidx: the .idx of *path_imgrec*. Without it records come in the order of the file.
        shuffle: a new order each epoch.
        part_index: which part to read.
        num_parts: how many parts of number // num_parts records there are; the tail belongs to none.
        aug_list: augmenters; None for CreateAugmenter's with the arguments that follow.
        imglist: a Python list of [label, ..., path] or [labels, path].
        data_name: name of the data.
        label_name: name of the labels.
        dtype: type of the labels: float32, float64, int32 or int64.
        last_batch_handle: "pad" fills the last batch with the first samples, "discard" leaves it out, "roll_over" keeps its
            samples for the next epoch.
        seed: of order and augmentation; None draws one from Python's module random, which ``random.seed`` determines.
        preprocess_threads: that decode and augment, 0 for none; None as :func:`default_threads` says.
        on_bad: "raise", or "skip": samples of which nothing can be made are left out, logged, and listed in ``bad``.
        check: whether a damaged image makes its sample bad, such as a JPEG that is cut off, of which decoders make half a picture.
        layout: "NCHW" or "NHWC".
        reuse_buffers: write each batch into the same arrays: one is valid only until the next is asked for.
        **given: arguments of CreateAugmenter.

    Raises:
        TypeError: an argument that does not exist, or has no effect.
        ValueError: a value that an argument cannot have.
        FileError, IndexFormatError, FormatError, ListFormatError: a file cannot be read.
    """

    _own: tuple[str, ...] = ("recordio.loaders.",)  # packages whose augmenters and methods may run in threads
    _recipe: ClassVar[Callable[..., Any]] = staticmethod(recipes.CreateAugmenter)

    def __init__(
        self,
        batch_size: int,
        data_shape: Sequence[int],
        label_width: int = 1,
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
        label_name: str = "softmax_label",
        dtype: str = "float32",
        last_batch_handle: str = "pad",
        *,
        seed: int | None = None,
        preprocess_threads: int | None = None,
        on_bad: str = "raise",
        check: bool = True,
        layout: str = "NCHW",
        reuse_buffers: bool = False,
        **given: Any,
    ) -> None:
        super().__init__(batch_size)
        self._reuse_buffers = reuse_buffers
        self._whole = check
        self._arrays: tuple[NDArray[Any], ...] | None = None
        checks.check_choices(
            dtype=(dtype, LABEL_TYPES), last_batch_handle=(last_batch_handle, ENDS), on_bad=(on_bad, ON_BAD), layout=(layout, LAYOUTS)
        )
        checks.check_counts(1, batch_size=batch_size, label_width=label_width, num_parts=num_parts)
        checks.check_counts(0, preprocess_threads=0 if preprocess_threads is None else preprocess_threads, part_index=part_index)
        checks.check_flags(shuffle=shuffle, check=check, reuse_buffers=reuse_buffers)
        self.layout = layout
        self.check_data_shape(data_shape)
        self.data_shape = tuple(data_shape)
        self.label_width = label_width
        self.dtype = dtype
        self.shuffle = shuffle
        self.last_batch_handle = last_batch_handle
        self.on_bad = on_bad
        self._listed, self._is_in_python = bool(path_imglist) or imglist is not None, imglist is not None
        self._paths = path_imgrec or None, path_imgidx or None
        self.path_root = path_root
        self.auglist = self._make_augmenters(aug_list, given)
        self.source = open_images(path_imgrec, path_imgidx, path_imglist, path_root, imglist)
        self.seed = chance.current().getrandbits(63) if seed is None else seed
        self._sampler = sampler.Sampler(self._cut(part_index, num_parts), shuffle=shuffle, seed=self.seed)
        self.num_image = len(self._sampler)
        self.provide_data = [DataDesc(data_name, self._batch_shape(), np.float32, layout)]
        self.provide_label = [DataDesc(label_name, (batch_size, label_width) if label_width > 1 else (batch_size,), dtype, "N")]
        self._bad: dict[str, BadSample] = {}
        self._threads = preprocess_threads
        decoding.prepare()
        self._begin()
        if not len(self):
            _logger.warning(
                "%s: an epoch without batches: %d sample(s) in part %d of %d, with batch_size=%d and last_batch_handle=%r",
                path_imgrec or path_imglist or "imglist", self.num_image, part_index, num_parts, batch_size, last_batch_handle,
            )  # fmt: skip
        self.reset()  # as MXNet: a subclass may begin there

    def _cut(self, part_index: int, num_parts: int) -> sampler.Cut:
        if part_index >= num_parts:
            raise ValueError(f"part_index={part_index} with num_parts={num_parts}, expected one from 0 to {num_parts - 1}")
        count = len(self.source)
        parts = [sampler.split_evenly(count, num_parts, part, "drop") for part in range(num_parts)]
        return sampler.cut(parts, part_index, count, "drop")

    def _make_augmenters(self, aug_list: Sequence[Any] | None, given: dict[str, Any]) -> list[Any]:
        known, own = parameters.names(self._recipe, ImageIter)
        parameters.check_names(given, known, type(self).__name__, own)
        if aug_list is None:
            return list(self._recipe(self.data_shape, **given))
        if given:
            raise TypeError(f"{type(self).__name__}: {next(iter(given))!r} has no effect together with aug_list")
        return list(aug_list)

    def _batch_shape(self) -> tuple[int, ...]:
        channels, height, width = self.data_shape
        return (self.batch_size, *((channels, height, width) if self.layout == "NCHW" else (height, width, channels)))

    def _make_ahead(self) -> Ahead[Task, Row]:
        threads = self._threads
        if threads is None:
            threads = default_threads() if self._is_plain() else 0
        return Ahead(_weakly(self._take), _weakly(self._make_row), threads, 2 * self.batch_size)

    def _is_plain(self) -> bool:
        """Whether all that is done to an image is of this package, and so may be done in any order."""
        hooks = (getattr(type(self), name) for name in _HOOKS)
        return all(each.__module__.startswith(self._own) for each in hooks) and all(is_own(each, self._own) for each in self.auglist)

    def __len__(self) -> int:
        """Return how many batches the first epoch has."""
        return self.num_image // self.batch_size if self.last_batch_handle != "pad" else -(-self.num_image // self.batch_size)

    @as_image_errors()
    def _make(self, task: Task) -> Row:
        """Make a row of a sample, with its own random numbers."""
        pixels = self.imdecode(task.data)
        self._check_image(pixels)
        pixels = self.augmentation_transform(pixels)
        return Row(self._keep(pixels), self._checked(self.postprocess_data(pixels)), self._label(task.label), task)

    def _keep(self, pixels: Any) -> NDArray[Any]:
        """Return an augmented image for its row."""
        return pixels  # type: ignore[no-any-return]

    def _check_image(self, given: Any) -> None:
        try:
            self.check_valid_image(given)
        except RecordIOError:
            raise
        except RuntimeError as error:  # of a subclass, as MXNet's programs refuse an image
            raise Refused(str(error)) from error

    def _checked(self, data: Any) -> NDArray[Any]:
        if data.shape != self._batch_shape()[1:]:
            raise ImageFormatError(f"is {data.shape} after augmentation, expected {self._batch_shape()[1:]}")
        return np.ascontiguousarray(data, np.float32)

    def _label(self, label: Any) -> NDArray[Any]:
        values = np.atleast_1d(np.asarray(label, self.dtype))
        if values.size != self.label_width:
            raise ImageFormatError(f"has {values.size} label(s), expected label_width={self.label_width}")
        return values if self.label_width > 1 else values.reshape(())

    def _batch(self, rows: list[Row], pad: int) -> DataBatch:
        data, label, index = self._take_arrays()
        for number, row in enumerate(rows):
            data[number] = row.data
            self._put_label(label[number : number + 1], row.label)
            index[number] = row.task.id
        wrap: Any = self.wrap  # a plain function, whatever mypy takes it for
        return DataBatch([wrap(data)], [wrap(label)], pad, index, provide_data=self.provide_data, provide_label=self.provide_label)

    def _take_arrays(self) -> tuple[NDArray[Any], ...]:
        """Return data, labels and ids of a batch, not initialised."""
        shapes = self._batch_shape(), self.provide_label[0].shape, (self.batch_size,)
        if self._arrays is not None and tuple(each.shape for each in self._arrays) == shapes:
            return self._arrays
        arrays = tuple(aligned(shape, kind) for shape, kind in zip(shapes, (np.float32, self.dtype, np.uint64), strict=True))
        self._arrays = arrays if self._reuse_buffers else None
        return arrays

    @property
    def reuses_buffers(self) -> bool:
        """Whether a batch is valid only until the next one is asked for."""
        return self._reuse_buffers

    def __getstate__(self) -> dict[str, Any]:
        return {**super().__getstate__(), "_arrays": None}

    def _put_label(self, into: NDArray[Any], label: NDArray[Any]) -> None:
        into[0] = label

    def check_data_shape(self, data_shape: Sequence[int]) -> None:
        """Check a shape.

        Raises:
            ValueError: it is not (channels, height, width) with 1, 3 or 4 channels.
        """
        checks.check_shape(data_shape)
        if data_shape[0] not in _FLAGS:
            raise ValueError(f"data_shape={tuple(data_shape)}, expected (channels, height, width) with 1, 3 or 4 channels")

    def check_valid_image(self, data: Any) -> None:
        """Check a decoded image.

        Args:
            data: the image; or it alone in a list, as ImageDetIter gives it.

        Raises:
            ImageFormatError: it has not as many channels as are wanted.
        """
        shape = (data[0] if isinstance(data, list) else data).shape
        channels = self.data_shape[0]
        if len(shape) != 3 or (channels in _FLAGS and shape[2] != channels):
            raise ImageFormatError(f"has shape {shape}, expected data_shape[0]={channels} channel(s)")

    def imdecode(self, s: bytes) -> Any:
        """Decode an image to (height, width, channels), RGB."""
        if not s:
            raise ImageFormatError("has no image")
        return image.imdecode(s, _FLAGS.get(self.data_shape[0], _COLOR), whole=self._whole)

    def augmentation_transform(self, data: Any) -> Any:
        """Return what the augmenters make of an image."""
        for each in self.auglist:
            data = each(data)
        return data

    def postprocess_data(self, datum: Any) -> Any:
        """Return an image in the order of the batch."""
        return datum.transpose(2, 0, 1) if self.layout == "NCHW" else datum


def _weakly(method: Callable[..., Any]) -> Callable[..., Any]:
    """Return a call of a method that does not keep its object: an iterator that nobody holds goes at once, with files and threads."""
    held = weakref.WeakMethod(method)

    def call(*given: Any) -> Any:
        found = held()
        if found is None:
            raise ReferenceError("the iterator is gone")
        return found(*given)

    return call
