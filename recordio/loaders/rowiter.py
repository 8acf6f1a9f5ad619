"""An epoch of samples, row by row and batch by batch: order, threads, ends of epochs, bad samples, going on in the middle."""

from __future__ import annotations

from types import TracebackType
from typing import TYPE_CHECKING, Any, Final

from recordio.errors import BadSample
from recordio.loaders import sampler, state
from recordio.loaders.batch import DataBatch
from recordio.loaders.goodrows import GoodRows
from recordio.loaders.imagerows import Row, Task
from recordio.loaders.turns import Turns

if TYPE_CHECKING:
    from typing_extensions import Self

    from recordio.loaders.ahead import Ahead

ENDS: Final = ("pad", "discard", "roll_over")
ON_BAD: Final = ("raise", "skip")


class RowIter(GoodRows):
    """What ImageIter and ImageDetIter have in common. A subclass makes rows of samples and batches of rows.

    Attributes:
        source: of the samples.
        seed: of order and augmentation.
        num_image: samples of an epoch.
        cur: how many of them were read.
    """

    shuffle: bool
    last_batch_handle: str
    data_shape: tuple[int, ...]
    layout: str
    auglist: list[Any]
    _sampler: sampler.Sampler

    def _begin(self) -> None:
        """Set out at the start of the first epoch."""
        self._of: dict[str, Any] | None = None  # what a state is of, apart from what may change; the keys are read once for it
        self._epoch = 0
        self._order = self._sampler.epoch(0)
        self._seq: list[Any] | None = None
        self.cur = 0
        self._done = 0
        self._ended = False
        self._carried: list[Row] = []
        self._rows: list[Row] | None = None  # of the batch that is due, as far as they are made; the carried ones come first
        self._failed = None
        self._copies = []
        self._useless = set()
        self._turns = Turns()
        self._ahead = self._make_ahead()

    def _make_ahead(self) -> Ahead[Task, Row]:
        raise NotImplementedError

    def _batch(self, rows: list[Row], pad: int) -> DataBatch:
        """Make a batch of rows."""
        raise NotImplementedError

    @property
    def bad(self) -> list[BadSample]:
        """The samples that were left out so far."""
        return list(self._bad.values())

    @property
    def seq(self) -> list[Any]:
        """The keys of the present epoch's samples in their order."""
        if self._seq is None:
            self._seq = self._named(self.source.keys[self._order].tolist())
        return self._seq

    def _named(self, keys: list[Any]) -> list[Any]:
        """Return keys as ``seq`` has them."""
        return keys

    @property
    def epoch(self) -> int:
        """The number of the present epoch, from 0."""
        return self._epoch

    def reset(self) -> None:
        """Go to the start of the next epoch; at the start of one, stay there, unless its first batch could not be made."""
        with self._turns.lock:
            self._turns.check_open()
            if self._done or self._ended or self.cur or self._failed:
                self._go(self._epoch + 1, 0)

    def hard_reset(self) -> None:
        """Go to the start of the next epoch, and drop what was kept for it by roll_over."""
        with self._turns.lock:
            self._carried, self._rows = [], None
            self.reset()

    def _go(self, epoch: int, position: int) -> None:
        self._epoch, self._order, self._seq = epoch, self._sampler.epoch(epoch), None
        self._useless = set()
        self._done = position
        self._ended = False
        self._begin_again(position)

    def _begin_again(self, position: int) -> None:
        """Drop what was made ahead, and go on at a place in the epoch."""
        self._ahead.clear()
        self.cur = position
        self._rows, self._failed, self._copies = None, None, []

    def _fill(self, rows: list[Row]) -> bool:
        """Append rows up to a batch; return whether there were enough."""
        while len(rows) < self.batch_size:
            try:
                rows.append(self._next_row())
            except StopIteration:
                return False
        return True

    def next(self) -> DataBatch:
        """Return the next batch; ``pad`` of its rows, at the end, are samples that have come before.

        Raises:
            StopIteration: the epoch is over.
            BadSample: nothing can be made of a sample of this batch; it is named. So it is whenever the batch is asked for again.
            FileError: a .rec cannot be read; the same holds.
            ValueError: the iterator is closed.
        """
        with self._turns.lock:
            return self._next()

    def _next(self) -> DataBatch:
        self._turns.check_open()
        if self._ended:
            raise StopIteration
        if self._failed is not None:
            raise self._failed.with_traceback(None)
        if self._rows is None:
            self._rows = list(self._carried)
        whole, rows = self._fill(self._rows), self._rows
        if not whole and (not rows or self.last_batch_handle != "pad"):
            self._finish(rows if self.last_batch_handle == "roll_over" else [])
            raise StopIteration
        try:
            batch = self._batch(rows, 0) if whole else self._batch(*self._padded(rows))
        except Exception as error:
            self._failed = error
            raise
        if not whole:
            self._finish([])
            if batch.pad:
                self.cur = (batch.pad - 1) % self.num_image + 1  # as MXNet's, which has read the first samples again
        self._done, self._carried, self._rows = rows[-1].task.after, [] if whole else self._carried, None
        return batch

    def _finish(self, carried: list[Row]) -> None:
        """End the epoch."""
        self._begin_again(self.cur)
        self._done, self._ended, self._carried = self.num_image, True, carried

    def _padded(self, given: list[Row]) -> tuple[list[Row], int]:
        """Fill a batch up with the first rows of the epoch, more than once where a part is smaller; return how many these are, too."""
        rows = list(given)
        while len(rows) < self.batch_size:
            before = len(rows)
            self._begin_again(0)
            self._fill(rows)
            if len(rows) == before:  # of a program's own next_sample, which has no more
                rows += rows[: self.batch_size - before]
        return rows, self.batch_size - len(given)

    def state_dict(self) -> dict[str, Any]:
        """Return where the iterator stands, as plain values; what was decoded ahead does not count."""
        with self._turns.lock:
            carried = [[row.task.epoch, row.task.ordinal] for row in self._carried]
            return state.make(self._identity(), epoch=self._epoch, position=self._done, ended=self._ended, carried=carried)

    def _identity(self) -> dict[str, Any]:
        if self._of is None:
            self._of = state.identify(self._sampler, self.source.keys, seed=self.seed, last=self.last_batch_handle)
        shape, layout, augmenters = list(self.data_shape), self.layout, [_described(each) for each in self.auglist]
        return {**self._of, "batch_size": self.batch_size, "data_shape": shape, "layout": layout, "augmenters": augmenters}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go to where an iterator with the same arguments stood.

        Raises:
            ValueError: the state is of an iterator that differs in what batches follow from; the message says in what.
        """
        state.check(state_dict, self._identity())
        with self._turns.lock:
            self._turns.check_open()
            self._go(int(state_dict["epoch"]), int(state_dict["position"]))
            self._ended = bool(state_dict["ended"])
            self._carried = [self._again(epoch, ordinal) for epoch, ordinal in state_dict["carried"]]

    def close(self) -> None:
        """End the threads and close the files; no batch comes any more."""
        with self._turns.lock:
            self._turns.closed = True
            self._ahead.close()
            self.source.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def __getstate__(self) -> dict[str, Any]:
        with self._turns.lock:
            state = {**self.__dict__, "_ahead": None, "cur": self._done, "_rows": None, "_failed": None, "_copies": []}
        return {**state, "_turns": Turns(closed=self._turns.closed)}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._ahead = self._make_ahead()


def _described(augmenter: Any) -> str:
    """Return the class of an augmenter, with a digest of its parameters where it says them."""
    name = type(augmenter).__name__
    try:
        return f"{name} {state.digest(repr(augmenter.dumps()).encode())}"
    except (AttributeError, TypeError, ValueError):
        return name
