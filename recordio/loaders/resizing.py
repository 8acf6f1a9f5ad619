"""ResizeIter: epochs of another length, as in mxnet.io."""

from __future__ import annotations

from typing import Any

from recordio.loaders import checks, state
from recordio.loaders.batch import DataBatch, DataIter, StepIter
from recordio.loaders.turns import Turns


class ResizeIter(StepIter):
    """Epochs of a given number of batches: another iterator's, begun again where it ends.

    Several threads may take batches: each batch is given to one of them.

    Args:
        data_iter: the other iterator.
        size: batches of an epoch.
        reset_internal: whether ``reset`` resets the other one, too; else it goes on where it was.

    Raises:
        TypeError: *data_iter* is no iterator of batches.
        ValueError: *size* is no number of batches.
    """

    def __init__(self, data_iter: DataIter, size: int, reset_internal: bool = True) -> None:  # noqa: FBT001, FBT002  (MXNet's signature)
        checks.check_iterators("data_iter", [data_iter])
        checks.check_counts(0, size=size)
        super().__init__(data_iter.batch_size)
        self.data_iter = data_iter
        self.size = size
        self.reset_internal = reset_internal
        self.cur = 0
        self._turns = Turns()
        other: Any = data_iter
        self.provide_data = other.provide_data
        self.provide_label = other.provide_label
        if hasattr(other, "default_bucket_key"):
            self.default_bucket_key = other.default_bucket_key

    @property
    def reuses_buffers(self) -> bool:
        """Whether a batch is valid only until the next one is asked for, as of the other iterator."""
        return bool(getattr(self.data_iter, "reuses_buffers", False))

    def __len__(self) -> int:
        return self.size

    def reset(self) -> None:
        """Go to the start of the next epoch."""
        with self._turns.lock:
            self.cur = 0
            if self.reset_internal:
                self.data_iter.reset()

    def state_dict(self) -> dict[str, Any]:
        """Return where the iterator stands, with the state of the other one."""
        with self._turns.lock:
            return state.make(self._identity(), batch=self.cur, inner=self.data_iter.state_dict())

    def _identity(self) -> dict[str, Any]:
        return {"size": self.size, "reset_internal": self.reset_internal}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go to where an iterator around another with the same arguments stood.

        Raises:
            ValueError: the state is of another size, or of another iterator.
        """
        state.check(state_dict, self._identity())
        with self._turns.lock:
            self.data_iter.load_state_dict(state_dict["inner"])
            self.cur, self.current_batch = int(state_dict["batch"]), None

    def next(self) -> DataBatch:
        """Return the next batch.

        Raises:
            StopIteration: the epoch is over.
        """
        with self._turns.lock:
            return super().next()

    def iter_next(self) -> bool:
        """Go to the next batch, and tell whether there is one.

        Raises:
            ValueError: the other iterator has no batches at all.
        """
        if self.cur == self.size:
            return False
        try:
            self.current_batch = self.data_iter.next()
        except StopIteration:
            self.data_iter.reset()
            try:
                self.current_batch = self.data_iter.next()
            except StopIteration:
                raise ValueError("the iterator has no batches, so there is nothing to repeat") from None
        self.cur += 1
        return True
