"""Checking the .idx and the .sum of a .rec against what it holds."""

from __future__ import annotations

import itertools
import operator
import os
from collections.abc import Callable, Iterator
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from recordio import checksum, files, index, pinpoint
from recordio.checksum import Sum
from recordio.errors import IndexFormatError, SumFormatError
from recordio.headercheck import HeaderCheck
from recordio.issues import Issue, VerifyReport

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_LINES: Final = 1 << 14  # lines that are formatted at once


class Sidecars:
    """The .idx and the .sum beside a .rec.

    Args:
        rec: the .rec file.
        idx: its .idx; by default the file beside it with that suffix, if there is one.
        sum: its .sum, likewise.

    Attributes:
        listed: what the .sum says; None where there is none, or a damaged one.
        indexed: whether there is an .idx.
        summed: whether there is a .sum.

    Raises:
        FileError: a file cannot be read.
    """

    def __init__(self, rec: Path, idx: str | os.PathLike[str] | None = None, sum: str | os.PathLike[str] | None = None) -> None:
        self._rec = str(rec)
        self._idx = str(idx if idx is not None else rec.with_suffix(".idx"))
        self._sum = str(sum if sum is not None else rec.with_suffix(".sum"))
        self.indexed = idx is not None or os.path.exists(self._idx)
        self.listed: Sum | None = None
        self._sum_fault: SumFormatError | None = None
        self.summed = sum is not None or os.path.exists(self._sum)
        if self.summed:
            try:
                self.listed = checksum.load(self._sum)
            except SumFormatError as error:
                self._sum_fault = error
        self._data = files.read_whole(self._idx) if self.indexed else b""
        self._index: index.Index | None = None
        self._idx_fault: IndexFormatError | None = None
        if self.indexed:
            try:
                self._index = index.parse(self._data, self._idx)
            except IndexFormatError as error:
                self._idx_fault = error

    @cached_property
    def _by_offset(self) -> tuple[NDArray[np.int64], NDArray[np.uint64]]:
        """Offsets of the .idx in ascending order, and their keys."""
        assert self._index is not None
        keys, offsets = self._index.keys, self._index.offsets
        if bool((offsets[1:] > offsets[:-1]).all()):
            return offsets, keys
        order = offsets.argsort(kind="stable")
        return offsets[order], keys[order]

    def key_at(self, offset: int) -> int | None:
        """Return the key that the .idx, or else the .sum, gives the record at an offset, if any."""
        if self._index is not None:
            offsets, keys = self._by_offset
        elif self.listed is not None:
            offsets, keys = self.listed.offsets, self.listed.keys
        else:
            return None
        at = int(offsets.searchsorted(offset))
        return int(keys[at]) if at < len(offsets) and offsets[at] == offset else None

    def check(self, report: VerifyReport, digest: str, headers: HeaderCheck | None) -> None:
        """Check the files against the records that were found.

        Args:
            report: what was found; issues go there.
            digest: XXH3-128 of the .rec, where a .sum vouches for one.
            headers: the ids that were found, if they are to be compared with the keys.
        """
        report.keys = self._keys(headers)
        if self.listed is None:
            self._check_index(report, headers)
        else:
            self._check_digests(report, digest, headers, self.listed)
        if self._sum_fault is not None:
            expected = itertools.chain([checksum.TITLE], self._records_as_found(report, headers), self._trailer_as_found(report))
            report.add(pinpoint.damage_of_sum(self._sum, expected, self._sum_fault))

    def _keys(self, headers: HeaderCheck | None) -> NDArray[np.uint64] | None:
        if self._index is not None:
            return self._index.keys
        if self.listed is not None:
            return self.listed.keys
        import numpy as np

        return np.frombuffer(headers.ids, np.uint64) if headers is not None else None

    # -- the .idx

    def _check_index(self, report: VerifyReport, headers: HeaderCheck | None) -> None:
        """Check the lines of the .idx, and them against the records that were found, each way."""
        import numpy as np

        if self._idx_fault is not None:
            self._add_line(report, _line_start(self._data, self._idx_fault.line), f"line {self._idx_fault.line}: {self._idx_fault.reason}")
        if self._data and not self._data.endswith(b"\n"):
            self._add_line(report, self._data.rfind(b"\n") + 1, "the last line is not ended, so the file may be truncated")
        if self._index is None:
            return
        keys, offsets = self._index.keys, self._index.offsets
        # Where a .sum lists the records, damage to one has been told of: its line is as it should be.
        records = self.listed.offsets if self.listed is not None else np.frombuffer(report.offsets, np.uint64).astype(np.int64)
        self._add_entries(report, ~_is_in(offsets, records), lambda n: f"no whole record starts at offset {offsets[n]} of the .rec")
        if self.listed is None:  # else it tells whether the .idx was made so
            left_out = (~_is_in(records, np.unique(offsets))).nonzero()[0].tolist()
            starts, ends, reason = report.offsets, report.ends, "the .idx leaves this record out"
            report.add_all(len(left_out), (Issue(self._rec, "index", reason, None, starts[n], ends[n] - starts[n]) for n in left_out))
        self._check_twins(report, keys, "key")
        self._check_twins(report, offsets, "offset")
        if headers is not None:
            self._check_ids(report, headers)

    def _check_twins(self, report: VerifyReport, values: NDArray[Any], name: str) -> None:
        import numpy as np

        first = _first_of_same(values)
        if first is not None:
            wrong = first != np.arange(len(first))
            self._add_entries(report, wrong, lambda n: f"the {name} {values[n]} stands on line {self._number(int(first[n]))} already")

    def _check_ids(self, report: VerifyReport, headers: HeaderCheck) -> None:
        """Check that keys are the ids of the headers, unless they are plain ordinals, as rec2idx makes them."""
        import numpy as np

        assert self._index is not None
        keys, offsets = self._index.keys, self._index.offsets
        if not len(headers.ids):
            return
        ids, places = np.frombuffer(headers.ids, np.uint64), np.frombuffer(headers.offsets, np.uint64).astype(np.int64)
        found = places.searchsorted(offsets).clip(max=len(places) - 1)
        wrong = (places[found] == offsets) & (ids[found] != keys)
        if bool((keys == np.arange(len(keys), dtype=np.uint64)).all()):
            report.ordinals = bool(wrong.any())
            return
        self._add_entries(report, wrong, lambda n: f"key {keys[n]}, the header of its record has the id {ids[found[n]]}")

    def _add_entries(self, report: VerifyReport, wrong: NDArray[np.bool_], reason: Callable[[int], str]) -> None:
        """Add an issue for each entry of the .idx that is wrong."""
        assert self._index is not None
        if not wrong.any():
            return
        keys, starts, numbers = self._index.keys, self._line_starts, wrong.nonzero()[0].tolist()
        issues = (
            Issue(self._idx, "index", f"line {self._number(n)}: {reason(n)}", int(keys[n]), int(starts[n]), self._length(int(starts[n])))
            for n in numbers
        )
        report.add_all(len(numbers), issues)

    def _add_line(self, report: VerifyReport, start: int, reason: str) -> None:
        length = self._length(start)
        report.add(Issue(self._idx, "index", reason, pinpoint.leading_key(self._data[start : start + length]), start, length))

    @cached_property
    def _line_starts(self) -> NDArray[np.int64]:
        """Where each entry of the .idx starts in it, in bytes; lines without one are passed over."""
        import numpy as np

        assert self._index is not None
        ends = (np.frombuffer(self._data, np.uint8) == 10).nonzero()[0]
        starts = np.concatenate([np.zeros(1, np.int64), ends + 1])
        if starts[-1] == len(self._data):
            starts = starts[:-1]
        if len(starts) > len(self._index):
            starts = starts[[bool(self._data[start : start + self._length(start)].strip()) for start in starts.tolist()]]
        return starts

    def _length(self, start: int) -> int:
        return (self._data.find(b"\n", start) + 1 or len(self._data)) - start

    def _number(self, entry: int) -> int:
        """Return the number of an entry's line."""
        return entry + 1 if self._is_without_gaps else self._data.count(b"\n", 0, int(self._line_starts[entry])) + 1

    @cached_property
    def _is_without_gaps(self) -> bool:
        assert self._index is not None
        return self._data.count(b"\n") <= len(self._index)

    # -- the digests of a .sum that is whole

    def _check_digests(self, report: VerifyReport, digest: str, headers: HeaderCheck | None, listed: Sum) -> None:
        if (report.size, digest) != listed.rec and not any(issue.kind in ("checksum", "frame") for issue in report.issues):
            reason = f"{report.size} bytes with the XXH3-128 {digest}, expected {listed.rec.size} with {listed.rec.digest}"
            report.add(Issue(self._rec, "checksum", reason, None, 0, report.size))
            report.differs = True
        if not self.indexed:
            report.add(Issue(self._idx, "index", f"is missing, the .sum lists it with {listed.idx.size} bytes"))
            return
        own = checksum.new_digest()
        own.update(self._data)
        if (len(self._data), own.hexdigest()) != listed.idx:
            for issue in pinpoint.damage_of_idx(self._idx, self._data, listed, own.hexdigest()):
                report.add(issue)
            return
        self._check_index(report, headers)
        if self._index is not None:
            self._check_keys(report, listed)

    def _check_keys(self, report: VerifyReport, listed: Sum) -> None:
        """Check that the .sum names the records as the .idx that it vouches for: only another tool's can fail to."""
        import numpy as np

        assert self._index is not None
        keys, offsets = self._index.keys, self._index.offsets
        if np.array_equal(keys, listed.keys) or not len(listed):
            return
        places = listed.offsets.searchsorted(offsets).clip(max=len(listed) - 1)
        wrong = (listed.offsets[places] == offsets) & (listed.keys[places] != keys)
        self._add_entries(report, wrong, lambda n: f"key {keys[n]}, the .sum has the key {listed.keys[places[n]]} at its offset")

    # -- a .sum that is damaged

    def _records_as_found(self, report: VerifyReport, headers: HeaderCheck | None) -> Iterator[bytes]:
        """Yield the lines that a .sum of the records as they are would have."""
        ids = dict(zip(headers.offsets, headers.ids, strict=True)) if headers is not None and self._index is None else {}
        for first in range(0, len(report.offsets), _LINES):
            offsets = report.offsets[first : first + _LINES]
            keys = [key if (key := self.key_at(offset)) is not None else ids.get(offset, 0) for offset in offsets]
            lengths = map(operator.sub, report.ends[first : first + _LINES], offsets)
            yield checksum.format_records(keys, offsets, lengths, report.crcs[first : first + _LINES]).encode()

    def _trailer_as_found(self, report: VerifyReport) -> Iterator[bytes]:
        rec, idx = checksum.digest_file(self._rec), checksum.new_digest()
        idx.update(self._data)
        yield f"records\t{len(report.offsets)}\nrec\t{rec.size}\t{rec.digest}\n".encode()
        if self.indexed:
            yield f"idx\t{len(self._data)}\t{idx.hexdigest()}\n".encode()


def _is_in(values: NDArray[np.int64], ascending: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Return which values stand in an ascending array."""
    import numpy as np

    if not len(ascending):
        return np.zeros(len(values), bool)
    found: NDArray[np.bool_] = ascending[ascending.searchsorted(values).clip(max=len(ascending) - 1)] == values
    return found


def _first_of_same(values: NDArray[Any]) -> NDArray[np.intp] | None:
    """Return for each value where it stands first; None where each stands once."""
    import numpy as np

    if bool((values[1:] > values[:-1]).all()):
        return None
    order = values.argsort(kind="stable")
    ascending = values[order]
    is_new = np.concatenate([np.ones(1, bool), ascending[1:] != ascending[:-1]])
    if is_new.all():
        return None
    first = np.empty(len(values), np.intp)
    first[order] = order[is_new][is_new.cumsum() - 1]
    return first


def _line_start(data: bytes, number: int) -> int:
    """Return where line *number*, counted from 1, starts."""
    start = 0
    for _ in range(number - 1):
        start = data.find(b"\n", start) + 1
    return start
