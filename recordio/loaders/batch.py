"""What every iterator gives out and has in common: DataDesc, DataBatch, DataIter, as in mxnet.io."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import DTypeLike
    from typing_extensions import Self


class _Named(NamedTuple):
    name: str
    shape: tuple[int, ...]


class DataDesc(_Named):
    """Name, shape, type and layout of one array of a batch; a pair (name, shape) for code that unpacks it, as MXNet's.

    Attributes:
        name: of the input.
        shape: of a whole batch.
        dtype: a NumPy type.
        layout: a letter for each axis; N is the batch's.
    """

    dtype: Any
    layout: str | None

    def __new__(cls, name: str, shape: Sequence[int], dtype: DTypeLike = np.float32, layout: str | None = "NCHW") -> Self:  # noqa: D102  (the class says it)
        made = super().__new__(cls, name, tuple(shape))
        made.dtype = dtype
        made.layout = layout
        return made

    def __repr__(self) -> str:
        return f"DataDesc[{self.name},{self.shape},{self.dtype},{self.layout}]"

    def __getnewargs__(self) -> tuple[Any, ...]:
        return self.name, self.shape, self.dtype, self.layout

    @staticmethod
    def get_batch_axis(layout: str | None) -> int:
        """Return which axis of *layout* is the batch's: 0 when there is none, -1 when it has no N."""
        return 0 if layout is None else layout.find("N")

    @staticmethod
    def get_list(shapes: Sequence[tuple[str, tuple[int, ...]]], types: Sequence[tuple[str, Any]] | None) -> list[DataDesc]:
        """Make a list of pairs (name, shape), and pairs (name, type) where there are any, into a list of DataDesc."""
        if types is None:
            return [DataDesc(name, shape) for name, shape in shapes]
        known = dict(types)
        return [DataDesc(name, shape, known[name]) for name, shape in shapes]


class DataBatch:
    """A batch: lists of arrays, and which records they are.

    Attributes:
        data: a list of arrays, (batch_size, ...) each.
        label: a list of arrays, or None.
        pad: rows at the end that are there only to fill the batch.
        index: (batch_size,) the ids of the records, or None.
        bucket_key: for bucketing modules; None.
        provide_data: a list of DataDesc, or None where the iterator's holds.
        provide_label: the same of the labels.
    """

    def __init__(
        self,
        data: Sequence[Any],
        label: Sequence[Any] | None = None,
        pad: int | None = None,
        index: Any = None,
        bucket_key: Any = None,
        provide_data: list[DataDesc] | None = None,
        provide_label: list[DataDesc] | None = None,
    ) -> None:
        for name, arrays in (("data", data), ("label", label)):
            if arrays is not None and not isinstance(arrays, (list, tuple)):
                raise TypeError(f"{name} is a {type(arrays).__name__}, expected a list of arrays")
        self.data = data
        self.label = label
        self.pad = pad
        self.index = index
        self.bucket_key = bucket_key
        self.provide_data = provide_data
        self.provide_label = provide_label

    def __str__(self) -> str:
        label = [array.shape for array in self.label] if self.label else None
        return f"{type(self).__name__}: data shapes: {[array.shape for array in self.data]} label shapes: {label}"


class DataIter:
    """What all iterators are: batches until StopIteration, then ``reset()`` for the next epoch.

    A subclass has either ``next``, or ``iter_next`` with ``getdata``, ``getlabel``, ``getpad`` and ``getindex``.

    Args:
        batch_size: rows of a batch.
    """

    def __init__(self, batch_size: int = 0) -> None:
        self.batch_size = batch_size

    @property
    def reuses_buffers(self) -> bool:
        """Whether a batch is valid only until the next one is asked for."""
        return False

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> DataBatch:
        return self.next()

    @staticmethod
    def wrap(array: Any) -> Any:
        """Turn each array that the iterator makes into what its caller gets: NumPy's stay as they are; a subclass may do more."""
        return array

    def reset(self) -> None:
        """Go to the start of the next epoch."""

    def next(self) -> DataBatch:
        """Return the next batch.

        Raises:
            StopIteration: the epoch is over.
        """
        if not self.iter_next():
            raise StopIteration
        return DataBatch(data=self.getdata(), label=self.getlabel(), pad=self.getpad(), index=self.getindex())

    def iter_next(self) -> bool:
        """Go to the next batch, and tell whether there is one; the get functions then have its parts."""
        raise NotImplementedError(f"{type(self).__name__} has no iter_next")

    def state_dict(self) -> dict[str, Any]:
        """Return where the iterator stands, as plain values: what ``load_state_dict`` of one with the same arguments goes on from."""
        raise NotImplementedError(f"{type(self).__name__} has no state_dict")

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go to where an iterator with the same arguments stood.

        Raises:
            ValueError: the state is of another iterator; the message says in what it differs.
        """
        raise NotImplementedError(f"{type(self).__name__} has no load_state_dict")

    def getdata(self) -> list[Any]:
        """Return the data of the present batch."""
        raise NotImplementedError(f"{type(self).__name__} has no getdata")

    def getlabel(self) -> list[Any] | None:
        """Return the labels of the present batch."""
        raise NotImplementedError(f"{type(self).__name__} has no getlabel")

    def getindex(self) -> Any:
        """Return the ids of the records of the present batch, or None."""
        return None

    def getpad(self) -> int | None:
        """Return how many rows at the end of the present batch only fill it."""
        raise NotImplementedError(f"{type(self).__name__} has no getpad")


class StepIter(DataIter):
    """An iterator that keeps its present batch, whose parts the get functions have. A subclass has ``iter_next``.

    Attributes:
        current_batch: the present batch; None before the first, and behind the last.
    """

    current_batch: DataBatch | None = None

    def next(self) -> DataBatch:
        """Return the next batch.

        Raises:
            StopIteration: the epoch is over.
        """
        if not self.iter_next():
            raise StopIteration
        return self._present()

    def _present(self) -> DataBatch:
        if self.current_batch is None:
            raise RuntimeError("there is no present batch: iter_next() was not called, or returned False")
        return self.current_batch

    def getdata(self) -> Any:
        """Return the data of the present batch."""
        return self._present().data

    def getlabel(self) -> Any:
        """Return the labels of the present batch."""
        return self._present().label

    def getindex(self) -> Any:
        """Return the ids of the records of the present batch, (batch_size,) uint64, or None; 2**64 - 1 where there is no record."""
        return self._present().index

    def getpad(self) -> int | None:
        """Return how many rows at the end of the present batch only fill it."""
        return self._present().pad
