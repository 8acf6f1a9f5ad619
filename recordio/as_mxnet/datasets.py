"""mxnet.gluon.data: samplers, and DataLoader, which makes batches of the items of a dataset."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import numpy as np

from recordio import loaders
from recordio.as_mxnet.ndarray import NDArray, plain


class ArrayDataset(loaders.Dataset):
    """Items of one or several arrays, lists or datasets of one length: one element, or a tuple with one of each."""

    def __init__(self, *args: Any) -> None:
        if not args:
            raise ValueError("ArrayDataset needs at least one array")
        lengths = [len(one) for one in args]
        if len(set(lengths)) > 1:
            raise ValueError(f"arrays of {', '.join(map(str, lengths))} items, expected one length")
        self._length = lengths[0]
        self._data = [one.asnumpy() if isinstance(one, NDArray) and one.ndim == 1 else one for one in args]

    def __getitem__(self, idx: int) -> Any:
        if len(self._data) == 1:
            return self._data[0][idx]
        return tuple(one[idx] for one in self._data)

    def __len__(self) -> int:
        return self._length


class Sampler:
    """Gives the numbers of the items, in the order in which they are to be read."""

    def __iter__(self) -> Iterator[Any]:
        raise NotImplementedError(f"{type(self).__name__} has no __iter__")

    def __len__(self) -> int:
        raise NotImplementedError(f"{type(self).__name__} has no __len__")


class SequentialSampler(Sampler):
    """Gives *start*, *start* + 1 and so on, *length* in all."""

    def __init__(self, length: int, start: int = 0) -> None:
        self._numbers = range(start, start + length)

    def __iter__(self) -> Iterator[int]:
        return iter(self._numbers)

    def __len__(self) -> int:
        return len(self._numbers)


class RandomSampler(Sampler):
    """Gives the numbers below *length* in a new order each time, which ``numpy.random.seed`` determines, as in MXNet."""

    def __init__(self, length: int) -> None:
        self._length = length

    def __iter__(self) -> Iterator[int]:
        return iter(np.random.permutation(self._length).tolist())

    def __len__(self) -> int:
        return self._length


class FilterSampler(Sampler):
    """Gives the numbers of the items of which *fn* says True."""

    def __init__(self, fn: Callable[[Any], bool], dataset: Any) -> None:
        self._numbers = [number for number in range(len(dataset)) if fn(dataset[number])]

    def __iter__(self) -> Iterator[int]:
        return iter(self._numbers)

    def __len__(self) -> int:
        return len(self._numbers)


class BatchSampler(Sampler):
    """Gives lists of *batch_size* numbers of another sampler.

    Args:
        sampler: the other one.
        batch_size: numbers of a list.
        last_batch: "keep" gives the rest as a shorter list, "discard" leaves it out, "rollover" starts the next epoch with it.
    """

    def __init__(self, sampler: Any, batch_size: int, last_batch: str = "keep") -> None:
        if last_batch not in ("keep", "discard", "rollover"):
            raise ValueError(f"last_batch={last_batch!r}, expected one of keep, discard, rollover")
        self._sampler, self._batch_size, self._last_batch = sampler, batch_size, last_batch
        self._rest: list[Any] = []

    def __iter__(self) -> Iterator[list[Any]]:
        batch, self._rest = self._rest, []
        for number in self._sampler:
            batch.append(number)
            if len(batch) == self._batch_size:
                yield batch
                batch = []
        if batch and self._last_batch == "keep":
            yield batch
        elif batch and self._last_batch == "rollover":
            self._rest = batch

    def __len__(self) -> int:
        count = len(self._sampler) + (len(self._rest) if self._last_batch == "rollover" else 0)
        return -(-count // self._batch_size) if self._last_batch == "keep" else count // self._batch_size


def default_batchify_fn(data: Sequence[Any]) -> Any:
    """Stack items to a batch: arrays along a new first axis, tuples element by element, numbers as an array."""
    if isinstance(data[0], NDArray):
        return NDArray(np.stack([plain(one) for one in data]), data[0].context)
    if isinstance(data[0], tuple):
        return [default_batchify_fn(one) for one in zip(*data, strict=True)]
    return NDArray(np.asarray([plain(one) for one in data]))


default_mp_batchify_fn = default_batchify_fn


class DataLoader:
    """Batches of the items of a dataset, as mxnet.gluon.data.DataLoader.

    Workers are threads, since decoding leaves Python to others; so a dataset needs no pickling, and what it holds is shared.

    Args:
        dataset: has ``__getitem__`` and ``__len__``.
        batch_size: items of a batch.
        shuffle: read in a random order.
        sampler: gives the numbers of the items, in the place of *shuffle*.
        last_batch: "keep", "discard" or "rollover"; see BatchSampler.
        batch_sampler: gives lists of numbers, in the place of all of these.
        batchify_fn: makes a batch of a list of items.
        num_workers: threads that read ahead, 0 for none.
        prefetch: batches that they read ahead, 2 for each worker by default.
        pin_memory, pin_device_id, thread_pool, timeout: have no effect: nothing is moved to a device or another process.

    Raises:
        ValueError: arguments that exclude each other, or too few.
    """

    def __init__(
        self,
        dataset: Any,
        batch_size: int | None = None,
        shuffle: bool = False,  # noqa: FBT001, FBT002  (MXNet's signature)
        sampler: Any = None,
        last_batch: str | None = None,
        batch_sampler: Any = None,
        batchify_fn: Callable[[list[Any]], Any] | None = None,
        num_workers: int = 0,
        pin_memory: bool = False,  # noqa: ARG002, FBT001, FBT002
        pin_device_id: int = 0,  # noqa: ARG002
        prefetch: int | None = None,
        thread_pool: bool = False,  # noqa: ARG002, FBT001, FBT002
        timeout: int = 120,  # noqa: ARG002
    ) -> None:
        if batch_sampler is None:
            if batch_size is None:
                raise ValueError("batch_size is needed unless batch_sampler is given")
            if sampler is not None and shuffle:
                raise ValueError("shuffle has no effect together with sampler")
            order = sampler if sampler is not None else (RandomSampler if shuffle else SequentialSampler)(len(dataset))
            batch_sampler = BatchSampler(order, batch_size, last_batch or "keep")
        elif batch_size is not None or shuffle or sampler is not None or last_batch is not None:
            raise ValueError("batch_size, shuffle, sampler and last_batch have no effect together with batch_sampler")
        self._dataset, self._batch_sampler = dataset, batch_sampler
        self._batchify = batchify_fn or default_batchify_fn
        self._workers = max(num_workers, 0)
        self._prefetch = max(0, int(prefetch) if prefetch is not None else 2 * self._workers)

    def _make(self, numbers: Iterable[int]) -> Any:
        return self._batchify([self._dataset[number] for number in numbers])

    def __iter__(self) -> Iterator[Any]:
        if not self._workers:
            yield from map(self._make, self._batch_sampler)
            return
        waiting: deque[Future[Any]] = deque()
        pool = ThreadPoolExecutor(self._workers, "DataLoader")
        try:
            for numbers in self._batch_sampler:
                waiting.append(pool.submit(self._make, numbers))
                if len(waiting) > self._prefetch:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            pool.shutdown(cancel_futures=True)

    def __len__(self) -> int:
        return len(self._batch_sampler)
