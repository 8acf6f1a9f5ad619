"""The rows of an epoch in their order: samples are read and made, and the next good one takes the place of a bad one."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from recordio.errors import BadSample, RecordIOError
from recordio.loaders import chance, sampler, skipping
from recordio.loaders.batch import DataIter
from recordio.loaders.imagerows import Refused, Row, Task
from recordio.loaders.source import ListSource

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from recordio.loaders.ahead import Ahead
    from recordio.loaders.source import RecordSource

_logger = logging.getLogger("recordio.loaders")


class GoodRows(DataIter):
    """What RowIter makes batches of. A subclass sets the attributes, and makes rows of samples.

    Attributes:
        source: of the samples.
        seed: of augmentation.
        on_bad: "raise" or "skip".
        num_image: samples of an epoch.
        cur: how many of them were read.
    """

    source: RecordSource | ListSource
    seed: int
    on_bad: str
    num_image: int
    cur: int
    _epoch: int
    _order: NDArray[np.int64]
    _ahead: Ahead[Task, Row]
    _bad: dict[str, BadSample]  # by name, of all epochs
    _useless: set[str]  # names of those of this epoch
    _failed: Exception | None  # what stands in the way of the batch that is due
    _copies: list[Row]  # of a row that takes the places of bad samples, not yet given

    def _make(self, task: Task) -> Row:
        """Make a row of a sample, with its own random numbers."""
        raise NotImplementedError

    def next_sample(self) -> tuple[Any, bytes]:
        """Return label and encoded image of the next sample.

        Raises:
            StopIteration: the epoch is over.
            RecordIOError: it cannot be read.
        """
        if self.cur >= self.num_image:
            raise StopIteration
        ordinal = int(self._order[self.cur])
        self.cur += 1
        return self._read(ordinal)

    def _read(self, ordinal: int) -> tuple[Any, bytes]:
        if isinstance(self.source, ListSource):
            label, path = self.source.entry(ordinal)
            image = self.read_image(path)
        else:
            _, _, label, image = self.source.read(ordinal)
        return label if len(label) != 1 else float(label[0]), image

    def read_image(self, fname: str) -> bytes:
        """Read the file of an image below path_root.

        Raises:
            TypeError: the images stand in a .rec.
            FileError: it cannot be read.
        """
        if not isinstance(self.source, ListSource):
            raise TypeError("the images stand in a .rec, expected a list to read files of")
        return self.source.read_file(fname)

    def _take(self) -> Task:
        at = self.cur
        try:
            label, data = self.next_sample()
        except RecordIOError as error:
            if not self.source.is_bad(error):
                raise
            raise skipping.described(self._name(at), error) from error
        ordinal = int(self._order[at]) if at < self.num_image else at
        known = ordinal < len(self.source)
        return Task(label, data, self._name(at), int(self.source.keys[ordinal]) if known else at, self._epoch, ordinal, self.cur)

    def _name(self, at: int) -> str:
        return self.source.name(int(self._order[at])) if at < self.num_image else f"sample {at}"

    def _make_row(self, task: Task) -> Row:
        try:
            with chance.using(sampler.draw(self.seed, task.epoch, task.ordinal)):
                return self._make(task)
        except BadSample:
            raise
        except RecordIOError as error:
            if not self.source.is_bad(error):
                raise
            raise skipping.described(task.name, error) from error

    def _next_row(self) -> Row:
        """Return the row of the next place of the epoch: its sample's, or, where that is bad, that of the next good one.

        Raises:
            StopIteration: the epoch is over.
            Exception: a row cannot be made, and that is not to be skipped; the same again when it is asked for again.
        """
        if self._failed is not None:
            raise self._failed.with_traceback(None)
        try:
            if not self._copies:
                self._copies = self._next_good()
        except StopIteration:
            raise
        except Exception as error:
            self._failed = error
            raise
        return self._copies.pop(0)

    def _next_good(self) -> list[Row]:
        """Return the next row that can be made, once for each place that it takes: its own, and those of bad samples before it."""
        bad = 0
        while True:
            try:
                row = self._ahead.next()
            except Refused as refused:
                _logger.debug("invalid image, skipped: %s", refused)
            except BadSample as found:
                self._skip(found)
                bad += self._orders
            except StopIteration:
                if not bad:
                    raise
                return self._copied(self._first_good(), bad, self.num_image)
            else:
                return self._copied(row, bad + 1, row.task.after)

    def _skip(self, bad: BadSample) -> None:
        if self.on_bad == "raise":
            raise skipping.advised(bad) from bad
        if bad.where not in self._bad:
            self._bad[bad.where] = bad
            _logger.warning("%s; left out", bad)
        if self._orders:
            self._useless.add(bad.where)
            skipping.check_share(bad, len(self._useless), self.num_image)

    @property
    def _orders(self) -> bool:
        """Whether the samples are those of the order: a program's own next_sample may have others, and as many as it likes."""
        return type(self).next_sample is GoodRows.next_sample

    @staticmethod
    def _copied(row: Row, count: int, after: int) -> list[Row]:
        """Return a row for each of *count* places, the last of which ends at *after*."""
        return [row._replace(task=row.task._replace(after=each)) for each in range(after - count + 1, after + 1)]

    def _first_good(self) -> Row:
        for ordinal in self._order.tolist():
            try:
                return self._again(self._epoch, ordinal)
            except RecordIOError as error:
                if not self.source.is_bad(error):
                    raise
        raise BadSample(self._name(0), f"nor can any other of {self.num_image} records be used")

    def _again(self, epoch: int, ordinal: int) -> Row:
        """Make a row that was made before."""
        label, image = self._read(ordinal)
        return self._make_row(Task(label, image, self.source.name(ordinal), int(self.source.keys[ordinal]), epoch, ordinal, 0))
