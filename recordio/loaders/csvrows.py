"""CSVIter: batches of the rows of CSV files, as in mxnet.io."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from recordio import files
from recordio.errors import FormatError
from recordio.loaders import memory, parameters, state
from recordio.loaders.batch import DataBatch, DataDesc, DataIter

if TYPE_CHECKING:
    from numpy.typing import NDArray

_CSV_TYPES: Final = ("float32", "int32", "int64")


class CSVIter(DataIter):
    """Batches of the rows of CSV files of numbers.

    Args:
        data_csv: the file of the data, one row a line.
        data_shape: what a row is reshaped to.
        batch_size: rows of a batch.
        label_csv: the file of the labels; "NULL" or "": all labels are 0.
        label_shape: what a row of labels is reshaped to.
        round_batch: fill the last batch with the first rows; else with zeros. Both are counted as pad.
        dtype: "float32", "int32" or "int64", of data and labels.
        data_name: of the data.
        label_name: of the labels.
        prefetch_buffer: taken for MXNet's sake, like *ctx*: all rows are in memory.
        ctx: see there.

    Raises:
        FileError: a file cannot be read.
        FormatError: a field is no number, or a line has more or fewer than others, or than its shape has.
    """

    def __init__(
        self,
        data_csv: str | os.PathLike[str],
        data_shape: Sequence[int],
        batch_size: int,
        label_csv: str | os.PathLike[str] = "NULL",
        label_shape: Sequence[int] = (1,),
        *,
        round_batch: bool = True,
        dtype: str | None = "float32",
        data_name: str = "data",
        label_name: str = "softmax_label",
        prefetch_buffer: int = 4,
        ctx: str = "gpu",
    ) -> None:
        super().__init__(parameters.convert("batch_size", "int", batch_size))
        prefetch_buffer = parameters.convert("prefetch_buffer", "int", prefetch_buffer)
        if self.batch_size < 1 or prefetch_buffer < 0 or ctx not in ("cpu", "gpu"):
            raise ValueError(f"batch_size={batch_size}, prefetch_buffer={prefetch_buffer}, ctx={ctx!r}, expected 1, 0 or more, cpu or gpu")
        dtype = dtype or "float32"
        if dtype not in _CSV_TYPES:
            raise ValueError(f"dtype={dtype!r}, expected one of {', '.join(_CSV_TYPES)}")
        shape: tuple[int, ...] = parameters.convert("data_shape", "tuple[int, ...]", data_shape)
        shape_of_label: tuple[int, ...] = parameters.convert("label_shape", "tuple[int, ...]", label_shape)
        self._data = _read_csv(data_csv, shape, dtype)
        rows = len(self._data)
        given = str(label_csv) not in ("NULL", "")
        self._label = _read_csv(label_csv, shape_of_label, dtype) if given else np.zeros((rows, *shape_of_label), dtype)
        if len(self._label) != rows:
            raise FormatError(str(label_csv), 0, f"{len(self._label)} rows, {data_csv} has {rows}")
        if shape_of_label == (1,):
            self._label = self._label[:, 0]
        self._round = parameters.convert("round_batch", "bool", round_batch)
        self.provide_data = [DataDesc(data_name, (self.batch_size, *self._data.shape[1:]), np.dtype(dtype))]
        self.provide_label = [DataDesc(label_name, (self.batch_size, *self._label.shape[1:]), np.dtype(dtype))]
        self._at = 0

    def reset(self) -> None:
        """Go to the first row."""
        self._at = 0

    def state_dict(self) -> dict[str, Any]:
        """Return which row comes next, as plain values."""
        return state.make(self._identity(), row=self._at)

    def _identity(self) -> dict[str, Any]:
        return {"rows": len(self._data), "batch_size": self.batch_size, "round_batch": self._round}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go to where an iterator with the same arguments stood.

        Raises:
            ValueError: the state is of another number of rows, or of other batches.
        """
        state.check(state_dict, self._identity())
        self._at = int(state_dict["row"])

    def __len__(self) -> int:
        """Return how many batches an epoch has."""
        return math.ceil(len(self._data) / self.batch_size)

    def next(self) -> DataBatch:
        """Return the next batch.

        Raises:
            StopIteration: there is none.
        """
        rows, first = len(self._data), self._at
        if first >= rows:
            raise StopIteration
        self._at = first + self.batch_size
        index = np.arange(first, self._at)
        pad = max(0, self._at - rows)
        data, label = memory.rows(self._data, index % rows), memory.rows(self._label, index % rows)
        if pad and not self._round:
            data[-pad:], label[-pad:] = 0, 0
        return DataBatch([self.wrap(data)], [self.wrap(label)], pad, (index % rows).astype(np.uint64))


def _read_csv(path: str | os.PathLike[str], shape: tuple[int, ...], dtype: str) -> NDArray[Any]:
    """Read a file of numbers, (rows, *shape)."""
    wanted, rows = int(np.prod(shape)), []
    kind = np.dtype(dtype).type
    with files.open_text_lines(path) as lines:
        offset = 0
        for line in lines:
            if line.strip():
                try:
                    row = np.array(line.decode("ascii", "replace").split(","), np.float64 if dtype == "float32" else kind)
                except (ValueError, OverflowError) as error:
                    raise FormatError(str(path), offset, f"{error}, expected numbers with commas between them") from None
                if len(row) != wanted:
                    raise FormatError(str(path), offset, f"a line of {len(row)} fields, expected {wanted} of shape {tuple(shape)}")
                rows.append(row.astype(kind))
            offset += len(line)
    return np.array(rows, dtype).reshape(-1, *shape)
