"""Datasets for PyTorch's DataLoader. The only module that imports torch: ``pip install '.[torch]'`` from a checkout.

    RecordDataset            by ordinal, for a DataLoader with any sampler, DistributedSampler too
    RecordIterableDataset    in an order of its own, cut into equal shares for ranks and workers
    MXFaceDataset            identity files of face recognition, as InsightFace's class of this name

All can be pickled and forked: workers may be started either way, and may be persistent.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np

from recordio import images
from recordio.errors import BadSample
from recordio.indexed import IndexedReader
from recordio.loaders import sampler
from recordio.loaders.faces import face_keys
from recordio.loaders.samples import OnBad, SampleOptions, Samples, Selection
from recordio.loaders.source import RecordSource, rec_files

try:
    import torch
    import torch.distributed
    from torch.utils.data import Dataset, IterableDataset, get_worker_info
except ModuleNotFoundError as error:
    if error.name != "torch":  # something is wrong with the PyTorch that is there
        raise
    lacking = "recordio.loaders.torch needs PyTorch, which is not installed; run: pip install 'im2rec[torch]' ('.[torch]' in a checkout)"
    raise ModuleNotFoundError(lacking, name="torch") from None

Recs = str | os.PathLike[str] | Sequence[str | os.PathLike[str]]
Transform = Callable[[Any], Any]

_EPOCH: Final = 0  # of the two numbers that iterable datasets share with their workers
_START: Final = 1


class _Converting:
    """Turns what Samples gives into tensors, and hands it to the transforms."""

    def __init__(self, items: Samples, transform: Transform | None, target_transform: Transform | None) -> None:
        self._items = items
        self._transform = transform
        self._target_transform = target_transform

    def sample(self, ordinal: int) -> tuple[Any, Any]:
        if get_worker_info() is not None:
            images.use_one_thread()
        image, label = self._items.read(ordinal)
        if isinstance(image, np.ndarray) and self._items.options.image == "tensor":
            image = torch.from_numpy(image)
        label = torch.as_tensor(label)
        if self._transform is not None:
            image = self._transform(image)
        if self._target_transform is not None:
            label = self._target_transform(label)
        return image, label


def _open(rec: Recs, idx: Recs | None) -> RecordSource:
    """Open .rec files with the .idx that is named, or stands beside each; without one they are read once from start to end."""
    recs = _paths(rec, ".rec")
    if idx is not None:
        return RecordSource(recs, _paths(idx, ".idx"))
    beside = [path.with_suffix(".idx") for path in recs]
    return RecordSource(recs, beside if all(path.exists() for path in beside) else ())


def _paths(given: Recs, suffix: str) -> list[Path]:
    if isinstance(given, (str, os.PathLike)):
        return rec_files(given, suffix)
    return [Path(each) for each in given]


class RecordDataset(Dataset):  # type: ignore[misc]  # torch has types of its own, where it is installed
    """The samples of one or several .rec files by ordinal: (image, label).

    Args:
        rec: a .rec; several as a list, or with ";" between them; or a folder of them.
        idx: the .idx of each; by default those beside them. Where one is missing, the files are read once from start to end.
        image: "tensor": (channels, height, width) uint8; "array": (height, width, channels) uint8; "pil": of Pillow, for
            transforms that want it; "bytes": as encoded.
        color: "rgb", "gray" (1 channel), or "unchanged": as stored, with alpha where the file has it.
        label: "class": int64 of shape (), for a label that is one whole number; "scalar": float32 of shape (), the first
            label; "vector": float32 of shape (n,), all labels.
        label_width: with "vector": how many labels each record must have; None for any number.
        transform: is given the image.
        target_transform: is given the label, a tensor.
        on_bad: what becomes of a record that cannot be read or decoded. "raise": BadSample, with the file and the key.
            "skip": a warning with the same words, and the next good record in its place, so that lengths stay what they are.
            A function is called with the BadSample, then as "skip".
        check: whether a damaged image makes its record bad, such as a JPEG that is cut off, of which decoders make half a picture.

    Raises:
        FileError, IndexFormatError, FormatError: a file cannot be read.
    """

    def __init__(
        self,
        rec: Recs,
        idx: Recs | None = None,
        *,
        image: str = "tensor",
        color: str = "rgb",
        label: str = "class",
        label_width: int | None = None,
        transform: Transform | None = None,
        target_transform: Transform | None = None,
        on_bad: OnBad = "raise",
        check: bool = True,
    ) -> None:
        options = SampleOptions(image=image, color=color, label=label, label_width=label_width, on_bad=on_bad, check=check)
        self.source = _open(rec, idx)
        self._convert = _Converting(Samples(self.source, options), transform, target_transform)

    @property
    def keys(self) -> Any:
        """The keys, (n,) uint64, in the order of the .idx."""
        return self.source.keys

    def __len__(self) -> int:
        return len(self.source)

    def __getitem__(self, ordinal: int) -> tuple[Any, Any]:
        """Return the sample on line *ordinal* of the .idx, counted from 0; negative ones from the end.

        Raises:
            IndexError: there are fewer.
            BadSample: it cannot be read or decoded, or its label is not of the kind that was asked for.
        """
        at = int(ordinal) + len(self) * (ordinal < 0)
        if not 0 <= at < len(self):
            raise IndexError(f"sample {ordinal} of {len(self)}")
        return self._convert.sample(at)

    def close(self) -> None:
        """Close the files."""
        self.source.close()


class RecordIterableDataset(IterableDataset):  # type: ignore[misc]  # as above
    """The samples of one or several .rec files in an order of its own: each rank gets an equal share of each epoch.

    A share is dealt out to the workers in whole batches, so that the DataLoader gives the same batches in the same order for any
    number of workers, when *batch_size* is that of the DataLoader.

    Args:
        rec: as RecordDataset.
        idx: as RecordDataset.
        batch_size: of the DataLoader.
        shuffle: a new order each epoch, over all files and ranks, which follows from *seed* and the epoch alone.
        seed: of the order.
        rank: which share; by default that of torch.distributed where it is initialised, else 0.
        world_size: how many shares; by default that of torch.distributed where it is initialised, else 1.
        balance: "pad" fills the last shares up with samples from the front, "drop" leaves the rest of a division out.
        options: as RecordDataset: image, color, label, label_width, transform, target_transform, on_bad, check.

    Raises:
        FileError, IndexFormatError, FormatError: a file cannot be read.
        ValueError: an option has none of its values.
    """

    def __init__(
        self,
        rec: Recs,
        idx: Recs | None = None,
        *,
        batch_size: int = 1,
        shuffle: bool = False,
        seed: int = 0,
        rank: int | None = None,
        world_size: int | None = None,
        balance: str = "pad",
        **options: Any,
    ) -> None:
        if balance not in ("pad", "drop"):
            raise ValueError(f"balance {balance!r}, expected pad or drop")
        if batch_size < 1:
            raise ValueError(f"batch_size {batch_size}, expected 1 or more")
        self._dataset = RecordDataset(rec, idx, **options)
        rank, world_size = _place(rank, world_size)
        count = len(self._dataset)
        parts = [sampler.split_evenly(count, world_size, part, balance) for part in range(world_size)]
        self._sampler = sampler.Sampler(sampler.cut(parts, rank, count, balance), shuffle, seed, across=True)
        self._batch_size = batch_size
        # Shared memory: persistent workers have copies of this object that were made before the epoch was set.
        self._state = torch.zeros(2, dtype=torch.int64).share_memory_()

    def __len__(self) -> int:
        """Return the number of samples in this rank's share of an epoch, in all workers together."""
        return len(self._sampler)

    def set_epoch(self, epoch: int, start: int = 0) -> None:
        """Say which epoch comes next, before the DataLoader is iterated; workers that are alive learn of it.

        Args:
            epoch: counted from 0.
            start: samples of this rank to leave out at the front, to go on in the middle of an epoch; a multiple of the batch size.
        """
        if start % self._batch_size or not 0 <= start <= len(self):
            raise ValueError(f"start {start}, expected a multiple of the batch size {self._batch_size} from 0 to {len(self)}")
        self._state[_EPOCH], self._state[_START] = epoch, start

    def __iter__(self) -> Iterator[tuple[Any, Any]]:
        epoch, start = self._state.tolist()  # now: the generator starts later, when the next epoch may have been set
        worker = get_worker_info()
        number, workers = (worker.id, worker.num_workers) if worker is not None else (0, 1)
        return self._samples(self._sampler.epoch(epoch)[start:], number, workers)

    def _samples(self, order: Any, worker: int, workers: int) -> Iterator[tuple[Any, Any]]:
        size = self._batch_size
        for first in range(worker * size, len(order), workers * size):
            for ordinal in order[first : first + size].tolist():
                yield self._dataset[ordinal]

    def close(self) -> None:
        """Close the files."""
        self._dataset.close()


def _place(rank: int | None, world_size: int | None) -> tuple[int, int]:
    if (rank is None) != (world_size is None):
        raise ValueError(f"rank {rank}, world_size {world_size}, expected both or neither")
    if rank is not None and world_size is not None:
        return rank, world_size
    if torch.distributed.is_available() and torch.distributed.is_initialized():
        return torch.distributed.get_rank(), torch.distributed.get_world_size()
    return 0, 1


class MXFaceDataset(Dataset):  # type: ignore[misc]  # as above
    """Images of an identity file as InsightFace's MXFaceDataset gives them: (image, label).

    The header of the record with the key 0 says which records are images: those with keys from 1 to below its first label.
    Where there is none, or it has no label vector, all records are. Images are (3, height, width) float32 RGB from -1 to 1,
    flipped at random; labels int64 of shape (), the first one where a record has several.

    Args:
        root_dir: folder with train.rec and train.idx, or the .rec itself.
        local_rank: taken because InsightFace's programs give it; datasets of all ranks are equal.
        flip: probability of a horizontal flip, drawn from torch's own random numbers as torchvision does; 0.5 where it is not given.
        transform: is given the (3, height, width) uint8 RGB tensor, instead of flip and normalisation.
        on_bad: as RecordDataset.
        check: as RecordDataset.

    Attributes:
        imgidx: (n,) the keys of the images.
        header0: the two labels of the record with the key 0, as integers; None where it has no label vector.

    Raises:
        FileError, IndexFormatError, FormatError: a file cannot be read.
        ValueError: flip is given beside a transform.
    """

    def __init__(
        self,
        root_dir: str | os.PathLike[str],
        local_rank: int = 0,
        *,
        flip: float | None = None,
        transform: Transform | None = None,
        on_bad: OnBad = "raise",
        check: bool = True,
    ) -> None:
        self.root_dir = root_dir
        self.local_rank = local_rank
        self.transform = transform
        if transform is not None and flip is not None:
            raise ValueError(f"flip={flip} has no effect with a transform, which takes the place of flip and normalisation")
        self.flip = 0.5 if flip is None else flip
        rec = Path(root_dir)
        rec = rec / "train.rec" if rec.is_dir() else rec
        self.source = RecordSource([rec], [rec.with_suffix(".idx")])
        with IndexedReader(rec) as reader:
            self.imgidx, ordinals, self.header0 = face_keys(reader, str(rec))
        # A folder of images may have been packed with vectors for labels: InsightFace takes the first.
        options = SampleOptions(label="first", on_bad=on_bad, check=check)
        self._convert = _Converting(Samples(self.source, options, Selection(self.imgidx, ordinals, str(rec))), None, None)

    def __len__(self) -> int:
        return len(self.imgidx)

    def __getitem__(self, index: int) -> tuple[Any, Any]:
        """Return the sample with the key ``imgidx[index]``.

        Raises:
            IndexError: there are fewer.
            BadSample: it is missing, or cannot be read or decoded.
        """
        at = int(index) + len(self) * (index < 0)
        if not 0 <= at < len(self):
            raise IndexError(f"image {index} of {len(self)}")
        image, label = self._convert.sample(at)
        return (self._normalised(image) if self.transform is None else self.transform(image)), label

    def _normalised(self, image: Any) -> Any:
        if self.flip and torch.rand(1) < self.flip:
            image = image.flip(-1)
        return image.float().div_(255).sub_(0.5).div_(0.5)

    def close(self) -> None:
        """Close the files."""
        self.source.close()


__all__ = ["BadSample", "MXFaceDataset", "RecordDataset", "RecordIterableDataset"]
