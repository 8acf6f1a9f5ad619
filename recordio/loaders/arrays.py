"""NDArrayIter: batches of arrays that are in memory, as in mxnet.io."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from recordio.loaders import memory, sampler, state
from recordio.loaders.batch import DataDesc, DataIter

if TYPE_CHECKING:
    from numpy.typing import NDArray

HANDLES: Final = ("pad", "discard", "roll_over")


def _named(given: Any, default: str, *, may_be_none: bool) -> list[tuple[str, NDArray[Any]]]:
    """Return arrays with their names: of one array, of a list, or of a mapping."""
    if given is None:
        if not may_be_none:
            raise ValueError(f"{default} is None, expected an array, a list of arrays or a dict of them")
        return []
    if isinstance(given, Mapping):
        named = list(given.items())
    elif isinstance(given, (list, tuple)):
        named = [(default, given[0])] if len(given) == 1 else [(f"_{number}_{default}", each) for number, each in enumerate(given)]
    else:
        named = [(default, given)]
    arrays = [(name, np.asarray(each.asnumpy() if hasattr(each, "asnumpy") else each)) for name, each in named]
    for name, array in arrays:
        if not array.ndim or array.dtype == object:
            raise ValueError(f"{name} is {array.dtype} of {array.ndim} axes, expected an array of numbers with rows")
    return arrays


class NDArrayIter(DataIter):
    """Batches of arrays that are in memory.

    Args:
        data: an array, a list of them, or a dict of names and arrays; anything that NumPy can make an array of.
        label: the same, or None.
        batch_size: rows of a batch.
        shuffle: a new order each epoch.
        last_batch_handle: "pad" fills the last batch with the first rows and counts them as pad; "discard" leaves it out;
            "roll_over" gives what is left in the first batch of the next epoch.
        data_name: of an array without a name.
        label_name: the same of labels.
        layout: a letter for each axis, of data and labels; N is that of the rows.
        seed: of the order; None: from NumPy's global generator, as in MXNet.

    Raises:
        ValueError: arrays of different lengths, fewer rows than a batch has, or an unknown last_batch_handle.
    """

    def __init__(
        self,
        data: Any,
        label: Any = None,
        batch_size: int = 1,
        shuffle: bool = False,  # noqa: FBT001, FBT002  (MXNet's signature)
        last_batch_handle: str = "pad",
        data_name: str = "data",
        label_name: str = "softmax_label",
        layout: str = "NCHW",
        *,
        seed: int | None = None,
    ) -> None:
        super().__init__(batch_size)
        self.layout = layout
        self._axis = layout.find("N")
        if self._axis < 0:
            raise ValueError(f"layout={layout!r}, expected one with N, the axis of the rows")
        if last_batch_handle not in HANDLES:
            raise ValueError(f"last_batch_handle={last_batch_handle!r}, expected one of {', '.join(HANDLES)}")
        self._data = _named(data, data_name, may_be_none=False)
        self._label = _named(label, label_name, may_be_none=True)
        self.num_source = len(self._data) + len(self._label)
        for name, array in (*self._data, *self._label):
            if array.ndim <= self._axis:
                raise ValueError(f"{name} has {array.ndim} axes, expected more than {self._axis}: N in layout={layout!r}")
        rows = {name: array.shape[self._axis] for name, array in (*self._data, *self._label)}
        if len(set(rows.values())) > 1:
            raise ValueError(f"arrays of different lengths: {', '.join(f'{name} {count}' for name, count in rows.items())}")
        self.num_data = next(iter(rows.values()))
        if not 1 <= batch_size <= self.num_data:
            raise ValueError(f"batch_size={batch_size} with {self.num_data} rows, expected 1 to as many as there are rows")
        self.shuffle = shuffle
        self.last_batch_handle = last_batch_handle
        self.idx = np.arange(self.num_data)
        self._seed = seed
        self._epoch = -1
        self._carried: NDArray[np.intp] = self.idx[:0]
        self.hard_reset()

    @property
    def data(self) -> list[tuple[str, Any]]:
        """Names and whole arrays."""
        return [(name, self.wrap(array)) for name, array in self._data]

    @property
    def label(self) -> list[tuple[str, Any]]:
        """The same of the labels."""
        return [(name, self.wrap(array)) for name, array in self._label]

    @property
    def data_list(self) -> list[Any]:
        """The whole arrays of data and labels, without names."""
        return [array for _, array in (*self.data, *self.label)]

    @property
    def provide_data(self) -> list[DataDesc]:
        """A DataDesc for each array."""
        return self._describe(self._data)

    @property
    def provide_label(self) -> list[DataDesc]:
        """A DataDesc for each array of labels."""
        return self._describe(self._label)

    def _describe(self, arrays: list[tuple[str, NDArray[Any]]]) -> list[DataDesc]:
        at = self._axis
        return [
            DataDesc(name, (*array.shape[:at], self.batch_size, *array.shape[at + 1 :]), array.dtype, self.layout) for name, array in arrays
        ]

    def hard_reset(self) -> None:
        """Start anew, without what was left for the next epoch."""
        self._carried = self.idx[:0]
        self._start()

    def reset(self) -> None:
        """Go to the start of the next epoch."""
        # What would have made the last batch is carried over only when the epoch was gone through to its end.
        left = len(self._order) % self.batch_size
        done = self.cursor + self.batch_size >= len(self._order) - left
        self._carried = self._order[len(self._order) - left :] if self.last_batch_handle == "roll_over" and left and done else self.idx[:0]
        self._start()

    def _start(self) -> None:
        self._epoch += 1
        if self.shuffle and self._seed is None:
            np.random.shuffle(self.idx)  # MXNet's source of order: np.random.seed governs it
        elif self.shuffle:
            self.idx = sampler.shuffled(self.num_data, self._seed or 0, self._epoch)
        self._order = np.concatenate([self._carried, self.idx])
        self.cursor = -self.batch_size

    def __len__(self) -> int:
        """Return how many batches this epoch has."""
        rows = len(self._order)
        return -(-rows // self.batch_size) if self.last_batch_handle == "pad" else rows // self.batch_size

    def iter_next(self) -> bool:
        """Go to the next batch, and tell whether there is one."""
        self.cursor += self.batch_size
        limit = len(self._order) if self.last_batch_handle == "pad" else len(self._order) - self.batch_size + 1
        return self.cursor < limit

    def _rows(self) -> NDArray[np.intp]:
        rows = self._order[self.cursor : self.cursor + self.batch_size]
        return np.concatenate([rows, self._order[: self.batch_size - len(rows)]])

    def state_dict(self) -> dict[str, Any]:
        """Return where the iterator stands, as plain values; of an order without a seed all row numbers are among them."""
        order = self.idx.tolist() if self.shuffle and self._seed is None else None
        return state.make(self._identity(), epoch=self._epoch, cursor=self.cursor, carried=self._carried.tolist(), order=order)

    def _identity(self) -> dict[str, Any]:
        return {
            "rows": self.num_data,
            "batch_size": self.batch_size,
            "shuffle": self.shuffle,
            "seed": self._seed,
            "last": self.last_batch_handle,
        }

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go to where an iterator with the same arguments stood.

        Raises:
            ValueError: the state is of another number of rows, batch size, order or seed; the message says which.
        """
        state.check(state_dict, self._identity())
        self._epoch = int(state_dict["epoch"])
        self._carried = np.array(state_dict["carried"], np.intp)
        if state_dict["order"] is not None:
            self.idx = np.array(state_dict["order"], np.intp)
        elif self.shuffle:
            self.idx = sampler.shuffled(self.num_data, self._seed or 0, self._epoch)
        self._order = np.concatenate([self._carried, self.idx])
        self.cursor = int(state_dict["cursor"])

    def getdata(self) -> list[Any]:
        """Return the data of the present batch: an array for each source."""
        rows = self._rows()
        return [self.wrap(memory.rows(array, rows, self._axis)) for _, array in self._data]

    def getlabel(self) -> list[Any]:
        """Return the labels of the present batch."""
        rows = self._rows()
        return [self.wrap(memory.rows(array, rows, self._axis)) for _, array in self._label]

    def getpad(self) -> int:
        """Return how many rows at the end of the present batch are first rows again.

        With "roll_over", in the first batch: how many rows at its start are left from the epoch before, as MXNet counts them.
        """
        if self.last_batch_handle == "roll_over":
            return len(self._carried) if self.cursor == 0 else 0
        return max(0, self.cursor + self.batch_size - len(self._order))
