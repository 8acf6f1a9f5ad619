"""Datasets as those of mxnet.gluon.data: items by number, images as arrays. They can be pickled, and shared by forks."""

from __future__ import annotations

import operator
import os
import warnings
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from recordio import header
from recordio.errors import BadSample, FileError, ImageFormatError
from recordio.indexed import IndexedReader
from recordio.loaders import image, imagerows, lists

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_SUFFIXES = (".jpg", ".jpeg", ".png")  # of the files that ImageFolderDataset takes


class Dataset:
    """Items by number, from 0. A subclass has ``__getitem__`` and ``__len__``."""

    def __getitem__(self, idx: int) -> Any:
        raise NotImplementedError(f"{type(self).__name__} has no __getitem__")

    def __len__(self) -> int:
        raise NotImplementedError(f"{type(self).__name__} has no __len__")

    def filter(self, fn: Callable[[Any], bool]) -> Dataset:
        """Return the items of which *fn* says True; all are read for that."""
        return _Chosen(self, [number for number in range(len(self)) if fn(self[number])])

    def take(self, count: int | None) -> Dataset:
        """Return the first *count* items; all for None or where there are fewer.

        Raises:
            ValueError: *count* is below 0.
        """
        if count is not None and count < 0:
            raise ValueError(f"count {count}, expected at least 0")
        return _Chosen(self, range(len(self) if count is None else min(count, len(self))))

    def shard(self, num_shards: int, index: int) -> Dataset:
        """Return part *index* of *num_shards* consecutive ones; the first are longer by one where it does not come out even.

        Raises:
            ValueError: there is no such part.
        """
        if not 0 <= index < num_shards:
            raise ValueError(f"shard {index} of {num_shards}, expected one from 0 to {num_shards - 1}")
        length, longer = divmod(len(self), num_shards)
        start = length * index + min(index, longer)
        return _Chosen(self, range(start, start + length + (index < longer)))

    def sample(self, sampler: Iterable[int]) -> Dataset:
        """Return the items whose numbers a sampler gives, in its order; it is gone through once, now.

        Raises:
            TypeError: *sampler* gives no numbers.
        """
        try:
            return _Chosen(self, [operator.index(number) for number in sampler])
        except TypeError as error:
            raise TypeError(f"sampler={sampler!r}, expected a sampler: what gives the numbers of items") from error

    def transform(self, fn: Callable[..., Any], lazy: bool = True) -> Dataset:
        """Return what *fn* makes of the items, which it gets as its arguments; made when an item is read, or now."""
        made = _Transformed(self, fn)
        return made if lazy else SimpleDataset([made[number] for number in range(len(made))])

    def transform_first(self, fn: Callable[[Any], Any], lazy: bool = True) -> Dataset:
        """Return the items with what *fn* makes of their first element, the image."""
        return self.transform(_First(fn), lazy)


class SimpleDataset(Dataset):
    """The items of a sequence."""

    def __init__(self, data: Sequence[Any]) -> None:
        self._data = data

    def __len__(self) -> int:
        return len(self._data)

    def __getitem__(self, idx: int) -> Any:
        return self._data[idx]


class _Chosen(Dataset):
    """Some items of a dataset."""

    def __init__(self, base: Dataset, numbers: Sequence[int]) -> None:
        self._base = base
        self._numbers = numbers

    def __len__(self) -> int:
        return len(self._numbers)

    def __getitem__(self, idx: int) -> Any:
        return self._base[self._numbers[idx]]


class _Transformed(Dataset):
    """What a function makes of the items of a dataset."""

    def __init__(self, base: Dataset, function: Callable[..., Any]) -> None:
        self._base = base
        self._function = function

    def __len__(self) -> int:
        return len(self._base)

    def __getitem__(self, idx: int) -> Any:
        item = self._base[idx]
        return self._function(*item) if isinstance(item, tuple) else self._function(item)


class _First:
    """Applies a function to the first of its arguments."""

    def __init__(self, function: Callable[[Any], Any]) -> None:
        self._function = function

    def __call__(self, first: Any, *rest: Any) -> Any:
        return (self._function(first), *rest) if rest else self._function(first)


class RecordFileDataset(Dataset):
    """The payloads of a .rec, in the order of the .idx beside it.

    Args:
        filename: the .rec; its .idx has the same name with that suffix.

    Raises:
        FileError, IndexFormatError: a file cannot be read.
    """

    def __init__(self, filename: str | os.PathLike[str]) -> None:
        self.filename = os.fspath(filename)
        self.idx_file = os.path.splitext(self.filename)[0] + ".idx"
        self._reader = IndexedReader(self.filename, self.idx_file)

    def __len__(self) -> int:
        return len(self._reader)

    def __getitem__(self, idx: int) -> Any:
        """Return a payload.

        Raises:
            IndexError: there is no such item.
            FormatError: no whole record stands there.
        """
        return self._reader.read_ordinal(_counted(idx, len(self)))


def _counted(idx: int, length: int) -> int:
    """Return an item's number, of one counted from the end, too."""
    number = int(idx) + length if idx < 0 else int(idx)
    if not 0 <= number < length:
        raise IndexError(f"item {idx} of {length}")
    return number


class ImageRecordDataset(RecordFileDataset):
    """Images and labels of a .rec.

    Args:
        filename: the .rec, with its .idx beside it.
        flag: 1 for (height, width, 3) RGB, 0 for (height, width, 1) gray.
        transform: makes an item of image and label.
        check: refuse damaged images, such as a JPEG that is cut off; False decodes them as far as that goes, as MXNet does.
    """

    def __init__(
        self, filename: str | os.PathLike[str], flag: int = 1, transform: Callable[[Any, Any], Any] | None = None, *, check: bool = True
    ) -> None:
        super().__init__(filename)
        self._flag = flag
        self._transform = transform
        self._whole = check

    def __getitem__(self, idx: int) -> Any:
        """Return (image, label): uint8, and a number or (n,) float32; or what the transform makes of them.

        Raises:
            IndexError: there is no such item.
            BadSample: the image cannot be decoded; the record is named.
        """
        head, encoded = header.unpack(super().__getitem__(idx), source=self.filename)
        try:
            pixels = image.imdecode(encoded, self._flag, whole=self._whole)
        except ImageFormatError as error:
            key = self._reader.keys[_counted(idx, len(self))]
            raise BadSample(f"{self.filename}: key {key}", str(error)) from error
        return (pixels, head.label) if self._transform is None else self._transform(pixels, head.label)


class ImageFolderDataset(Dataset):
    """Images in folders, one folder a class.

    Args:
        root: the folder that holds the folders.
        flag: 1 for (height, width, 3) RGB, 0 for (height, width, 1) gray.
        transform: makes an item of image and label.
        check: as of ImageRecordDataset.

    Attributes:
        synsets: names of the folders, sorted; the label is the number in this list.
        items: (path, label) of each image, sorted.

    Raises:
        FileError: a folder cannot be read.
    """

    def __init__(
        self, root: str | os.PathLike[str], flag: int = 1, transform: Callable[[Any, Any], Any] | None = None, *, check: bool = True
    ) -> None:
        self._root = os.path.expanduser(os.fspath(root))
        self._flag = flag
        self._transform = transform
        self._whole = check
        self._exts = list(_SUFFIXES)
        self._list_images(self._root)

    def _list_images(self, root: str) -> None:
        """Find classes and images. A subclass may do it in another way, as in MXNet."""
        self.synsets: list[str] = []
        self.items: list[tuple[str, int]] = []
        ignored: list[str] = []
        for folder in _listed(root):
            if not folder.is_dir():
                ignored.append(str(folder))
                continue
            self.synsets.append(folder.name)
            for file in _listed(folder):
                if file.suffix.lower() in self._exts:
                    self.items.append((str(file), len(self.synsets) - 1))
                else:
                    ignored.append(str(file))
        if ignored:
            kinds = f"expected folders with {', '.join(self._exts)}"
            warnings.warn(f"{root}: {len(ignored)} entries ignored, {ignored[0]} first; {kinds}", stacklevel=3)

    def __len__(self) -> int:
        return len(self.items)

    def __getitem__(self, idx: int) -> Any:
        """Return (image, label), or what the transform makes of them.

        Raises:
            IndexError: there is no such item.
            FileError, BadSample: the file cannot be read, or decoded.
        """
        path, label = self.items[idx]
        pixels = image.imread(path, self._flag, whole=self._whole)
        return (pixels, label) if self._transform is None else self._transform(pixels, label)


def _listed(folder: str | Path) -> list[Path]:
    try:
        return sorted(Path(folder).iterdir(), key=lambda path: path.name)
    except OSError as error:
        raise FileError(str(folder), "read", error.errno) from error


class ImageListDataset(Dataset):
    """Images of a list.

    Args:
        root: the folder where its paths start.
        imglist: a .lst below *root*, or a Python list of [label, ..., path] or [labels, path].
        flag: 1 for (height, width, 3) RGB, 0 for (height, width, 1) gray.
        check: as of ImageRecordDataset.

    Raises:
        FileError, ListFormatError: the list cannot be read.
        ValueError: an entry of the Python list is not as it should be.
    """

    def __init__(self, root: str | os.PathLike[str] = ".", imglist: Any = None, flag: int = 1, *, check: bool = True) -> None:
        self._root = os.path.expanduser(os.fspath(root))
        self._flag = flag
        self._whole = check
        if isinstance(imglist, (str, os.PathLike)):
            self._listed = lists.load(Path(self._root, imglist))
        elif isinstance(imglist, (list, tuple)):
            self._listed = imagerows.listed(imglist)
        else:
            raise ValueError(f"imglist is a {type(imglist).__name__}, expected the name of a .lst or a list")

    def __len__(self) -> int:
        return len(self._listed.paths)

    def __getitem__(self, idx: int) -> tuple[Any, NDArray[np.float32]]:
        """Return image and labels, (n,) float32.

        Raises:
            IndexError: there is no such item.
            FileError, BadSample: the file cannot be read, or decoded.
        """
        number = _counted(idx, len(self))
        path = Path(self._root, self._listed.paths[number])
        return image.imread(path, self._flag, whole=self._whole), self._listed.labels[number]
