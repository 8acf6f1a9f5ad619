"""Checking a dataset: its frames, its index, its checksums, its headers. Faults are a list, never a crash."""

from __future__ import annotations

import math
import os
from array import array
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from recordio import checksum, files, frame, header, index
from recordio.errors import IndexFormatError, RecordIOError, SumFormatError, Truncated

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

BLOCK: Final = 1 << 22  # bytes read at once
_KEPT: Final = 10_000  # issues that are kept; more are only counted

# (offset, id, packed flag and labels) of the records of a block
Watch = Callable[[list[tuple[int, int, bytes]]], None]


@dataclass(frozen=True, slots=True)
class Issue:
    """One thing that is wrong.

    Attributes:
        file: name of the file.
        kind: "frame", "checksum", "index", "sum", "header", "label", "image" or "list".
        reason: what stands there and what was expected.
        key: of the record, where one is concerned and its key is known.
        offset: of the bytes concerned, from the start of the file; None for the file as a whole.
        length: number of these bytes.
    """

    file: str
    kind: str
    reason: str
    key: int | None = None
    offset: int | None = None
    length: int = 0

    def __str__(self) -> str:
        key = f" key {self.key}:" if self.key is not None else ""
        place = f" bytes {self.offset} to {self.offset + max(self.length, 1) - 1}:" if self.offset is not None else ""
        return f"{self.file}:{key}{place} {self.reason}"

    def as_json(self) -> dict[str, Any]:
        """Return the issue as an object for JSON."""
        return {
            "file": self.file,
            "kind": self.kind,
            "key": self.key,
            "offset": self.offset,
            "length": self.length,
            "reason": self.reason,
        }


@dataclass(slots=True)
class VerifyReport:
    """What was checked, and what is wrong.

    Attributes:
        rec: name of the .rec file.
        records: records that are whole.
        size: bytes of the .rec file.
        vouched: whether a .sum vouches for the payloads; without one flipped bits in them cannot be seen.
        indexed: whether there is an .idx.
        issues: what is wrong, the first ten thousand.
        count: number of all issues.
        offsets: of the records that are whole, bytes from the start of the file.
        ends: where each of them ends.
        crcs: CRC-32 of each.
    """

    rec: str
    records: int = 0
    size: int = 0
    vouched: bool = False
    indexed: bool = False
    issues: list[Issue] = field(default_factory=list)
    count: int = 0
    offsets: array[int] = field(default_factory=lambda: array("Q"))
    ends: array[int] = field(default_factory=lambda: array("Q"))
    crcs: array[int] = field(default_factory=lambda: array("I"))

    def add(self, issue: Issue) -> None:
        """Add an issue."""
        self.count += 1
        if len(self.issues) < _KEPT:
            self.issues.append(issue)

    def as_json(self) -> dict[str, Any]:
        """Return the report as an object for JSON, without the issues."""
        return {
            "rec": self.rec,
            "records": self.records,
            "bytes": self.size,
            "payload": "verified" if self.vouched else "unverified",
            "indexed": self.indexed,
            "issues": self.count,
        }


def verify(
    rec: str | os.PathLike[str],
    idx: str | os.PathLike[str] | None = None,
    sum: str | os.PathLike[str] | None = None,
    *,
    headers: bool = True,
    label_width: int | None = None,
    watch: Watch | None = None,
    advance: Callable[[int], None] = lambda _: None,
) -> VerifyReport:
    """Check a .rec file, its .idx and its .sum against each other.

    Args:
        rec: the .rec file.
        idx: its index; by default the file beside it with the suffix .idx, if there is one.
        sum: its checksums; by default the file beside it with the suffix .sum, if there is one.
        headers: check that each payload has an image header with finite labels.
        label_width: labels that each record must have; None for any number.
        watch: called with the headers of each block of records.
        advance: called with the number of bytes done since its last call.

    Raises:
        FileError: a file cannot be read.
    """
    checks = _HeaderChecks(label_width, watch) if headers or label_width is not None or watch is not None else None
    return _Verification(Path(rec), idx, sum, checks, advance).run()


class _Verification:
    def __init__(
        self,
        rec: Path,
        idx: str | os.PathLike[str] | None,
        sum_: str | os.PathLike[str] | None,
        checks: _HeaderChecks | None,
        advance: Callable[[int], None],
    ) -> None:
        self._rec = rec
        self._idx = Path(idx) if idx is not None else rec.with_suffix(".idx")
        self._sum = Path(sum_) if sum_ is not None else rec.with_suffix(".sum")
        self._has_idx = idx is not None or self._idx.exists()
        self._has_sum = sum_ is not None or self._sum.exists()
        self._checks = checks
        self._advance = advance
        self._crc = checksum.crc_function()

    def run(self) -> VerifyReport:
        self._file = files.InputFile(self._rec)
        try:
            self._report = VerifyReport(str(self._rec), size=self._file.size, indexed=self._has_idx)
            self._listed = listed = self._load_sum()
            idx_data = files.read_whole(self._idx) if self._has_idx else None
            self._index = self._parse_idx(idx_data) if idx_data is not None else None
            if listed is not None:
                self._report.vouched = True
                digest = self._run_by_list(listed)
            else:
                self._run_by_frames()
            self._report.records = len(self._report.offsets)
            self._check_index()
            if listed is not None:
                self._check_digests(listed, digest, idx_data)
            elif self._has_sum:
                self._find_damage_of_sum()
            return self._report
        finally:
            self._file.close()

    def _add(self, path: Path, kind: str, reason: str, key: int | None = None, offset: int | None = None, length: int = 0) -> None:
        self._report.add(Issue(str(path), kind, reason, key, offset, length))

    # -- the files beside the .rec

    def _load_sum(self) -> checksum.Sum | None:
        if not self._has_sum:
            return None
        try:
            return checksum.load(self._sum)
        except SumFormatError as error:
            self._sum_fault = error
            return None

    def _parse_idx(self, data: bytes) -> index.Index | None:
        try:
            found = index.parse(data, str(self._idx))
        except IndexFormatError as error:
            start, length = _line_range(data, error.line)
            self._add(self._idx, "index", f"line {error.line}: {error.reason}", None, start, length)
            return None
        if data and not data.endswith(b"\n"):
            start = data.rfind(b"\n") + 1
            self._add(self._idx, "index", "the last line is not ended, so the file may be truncated", None, start, len(data) - start)
        return found

    # -- the .rec, by its sidecar

    def _run_by_list(self, listed: checksum.Sum) -> str:
        """Check each record that the .sum lists at its place, then what stands behind the last; return the file's digest."""
        digest, size = checksum.new_digest(), self._file.size
        count = int(listed.offsets.searchsorted(size, side="left"))
        first = 0
        while first < count:
            start = int(listed.offsets[first])
            last = min(max(first + 1, int(listed.offsets.searchsorted(start + BLOCK, side="right")) - 1), count)
            block = self._read(start, min(int(listed.offsets[last - 1] + listed.lengths[last - 1]), size) - start, digest)
            self._check_listed(listed, first, last, start, block)
            first = last
        if count < len(listed):
            reason = f"the file ends, expected {len(listed) - count} more records from key {listed.keys[count]} on"
            self._add(self._rec, "frame", reason, int(listed.keys[count]), int(listed.offsets[count]))
        for at in range(listed.rec.size, size, BLOCK):
            self._read(at, min(BLOCK, size - at), digest)
        if size > listed.rec.size:
            extra = size - listed.rec.size
            reason = f"{extra} bytes stand behind the last record that the .sum lists"
            self._add(self._rec, "frame", reason, None, listed.rec.size, extra)
        return str(digest.hexdigest())

    def _read(self, offset: int, length: int, digest: Any) -> bytes:
        block = self._file.read_at(offset, length)
        digest.update(block)
        self._advance(len(block))
        return block

    def _check_listed(self, listed: checksum.Sum, first: int, last: int, base: int, block: bytes) -> None:
        starts = (listed.offsets[first:last] - base).tolist()
        ends = [start + length for start, length in zip(starts, listed.lengths[first:last].tolist(), strict=True)]
        crc, view = self._crc, memoryview(block)
        found = [crc(view[start:end]) for start, end in zip(starts, ends, strict=True)]
        wrong = (listed.crcs[first:last] != found).nonzero()[0].tolist()
        for number in wrong:
            self._add_mismatch(listed, first + number, found[number], block[starts[number] : ends[number]])
        rows = list(zip(starts, ends, found, strict=True))
        if wrong:
            rows = [row for number, row in enumerate(rows) if number not in set(wrong)]
        heads, end, _ = frame.spans(block, source=str(self._rec), base=base)
        if heads != starts or end != len(block):  # a .sum may have been made of a file that was wrong already
            rows = [row for row in rows if self._has_frame(block[row[0] : row[1]], base + row[0])]
        self._note(block, base, rows)

    def _add_mismatch(self, listed: checksum.Sum, ordinal: int, found: int, record: bytes) -> None:
        offset, length, key = int(listed.offsets[ordinal]), int(listed.lengths[ordinal]), int(listed.keys[ordinal])
        reason = f"CRC-32 {found:08x}, expected {int(listed.crcs[ordinal]):08x}"
        if len(record) < length:
            reason = f"the file ends after {len(record)} bytes of this record, expected {length}"
        else:
            _, _, fault = frame.spans(record, source=str(self._rec), base=offset)
            reason += f" ({fault.reason})" if fault is not None else ""
        self._add(self._rec, "checksum", reason, key, offset, length)

    def _has_frame(self, record: bytes, offset: int) -> bool:
        heads, end, fault = frame.spans(record, source=str(self._rec), base=offset)
        if fault is None and len(heads) == 1 and end == len(record):
            return True
        reason = fault.reason if fault is not None else f"{len(heads)} records, expected one"
        self._add(self._rec, "frame", reason, self._key_at(offset), offset, len(record))
        return False

    # -- the .rec, by its frames alone

    def _run_by_frames(self) -> None:
        """Walk from record to record, and behind a fault to the next place where one can start."""
        base, size, wanted = 0, self._file.size, BLOCK
        while base < size:
            block = self._file.read_at(base, min(wanted, size - base))
            position, fault = 0, None
            while position < len(block):
                position, fault = self._walk(block, position, base)
                if fault is not None:
                    break
            self._advance(position)
            is_first = not position
            base += position
            wanted = max(BLOCK, fault.needed, 2 * len(block) if is_first else 0) if isinstance(fault, Truncated) else BLOCK

    def _walk(self, block: bytes, position: int, base: int) -> tuple[int, Truncated | None]:
        """Note records up to a fault, and find the next place; a record that goes on behind the block is returned as such."""
        starts, used, fault = frame.spans(block, position, source=str(self._rec), base=base)
        view = memoryview(block)
        self._note(block, base, [(a, b, self._crc(view[a:b])) for a, b in zip(starts, [*starts[1:], used], strict=False)])
        if fault is None:
            return used, None
        if isinstance(fault, Truncated) and base + used + fault.needed <= self._file.size:
            return used, fault
        after = frame.find_head(block, used + 4)
        if after < 0:
            after = len(block) if base + len(block) == self._file.size else max(used + 4, len(block) - 4 & ~3)
        self._add(self._rec, "frame", fault.reason, self._key_at(base + used), base + used, after - used)
        return after, None

    # -- records

    def _note(self, block: bytes, base: int, rows: list[tuple[int, int, int]]) -> None:
        """Note records (start, end, CRC-32) of a block that are whole, and check their headers."""
        report = self._report
        report.offsets.extend([base + row[0] for row in rows])
        report.ends.extend([base + row[1] for row in rows])
        report.crcs.extend([row[2] for row in rows])
        if self._checks is not None:
            for issue in self._checks.run(block, base, rows, self._rec):
                self._report.add(issue if issue.key is not None or issue.offset is None else self._with_key(issue))

    def _with_key(self, issue: Issue) -> Issue:
        assert issue.offset is not None
        return Issue(issue.file, issue.kind, issue.reason, self._key_at(issue.offset), issue.offset, issue.length)

    def _key_at(self, offset: int) -> int | None:
        """Return the key that the index gives the record at an offset, if any."""
        if self._index is None:
            return None
        (found,) = (self._index.offsets == offset).nonzero()
        return int(self._index.keys[found[0]]) if len(found) else None

    # -- the index and the digests

    def _check_index(self) -> None:
        """Check the index against the records that were found, each way."""
        import numpy as np

        if self._index is None:
            return
        keys, offsets = self._index.keys, self._index.offsets
        records = np.frombuffer(self._report.offsets, np.uint64).astype(np.int64)
        if self._listed is not None:  # what is damaged has been told of
            records = self._listed.offsets
        for number in (~np.isin(offsets, records)).nonzero()[0].tolist():
            reason = f"line {number + 1}: no whole record starts at offset {offsets[number]} of the .rec"
            self._add_line(number, reason, int(keys[number]))
        if not self._report.vouched:  # else the .sum tells whether it was made so
            for number in (~np.isin(records, offsets)).nonzero()[0].tolist():
                length = self._report.ends[number] - self._report.offsets[number]
                self._add(self._rec, "index", "the .idx leaves this record out", None, int(records[number]), length)
        unique, counts = np.unique(keys, return_counts=True)
        for key in unique[counts > 1].tolist():
            number = int((keys == key).nonzero()[0][1])
            self._add_line(number, f"line {number + 1}: the key {key} stands on line {int((keys == key).argmax()) + 1} already", int(key))
        if self._checks is not None and self._checks.ids is not None:
            self._check_ids(keys, offsets, records)

    def _check_ids(self, keys: NDArray[np.uint64], offsets: NDArray[np.int64], records: NDArray[np.int64]) -> None:
        """Check that keys are the ids of the headers, unless they are plain ordinals."""
        import numpy as np

        assert self._checks is not None
        assert self._checks.ids is not None
        if np.array_equal(keys, np.arange(len(keys), dtype=np.uint64)) or not len(records):
            return
        ids = np.frombuffer(self._checks.ids, np.uint64)
        if len(ids) != len(records):  # some are damaged
            return
        places = np.searchsorted(records, offsets).clip(max=len(records) - 1)
        for number in ((records[places] == offsets) & (ids[places] != keys)).nonzero()[0].tolist():
            reason = f"line {number + 1}: key {keys[number]}, the header of its record has the id {ids[places[number]]}"
            self._add_line(number, reason, int(keys[number]))

    def _add_line(self, number: int, reason: str, key: int) -> None:
        start, length = _line_range(files.read_whole(self._idx), number + 1, skip_blank=True)
        self._add(self._idx, "index", reason, key, start, length)

    def _check_digests(self, listed: checksum.Sum, digest: str, idx_data: bytes | None) -> None:
        if (self._file.size, digest) != listed.rec and not any(issue.file == str(self._rec) for issue in self._report.issues):
            reason = f"{self._file.size} bytes with the XXH3-128 {digest}, expected {listed.rec.size} with {listed.rec.digest}"
            self._add(self._rec, "checksum", reason, None, 0, self._file.size)
        if idx_data is None:
            self._add(self._idx, "index", f"is missing, the .sum lists it with {listed.idx.size} bytes")
            return
        own = checksum.new_digest()
        own.update(idx_data)
        if (len(idx_data), own.hexdigest()) != listed.idx:
            expected = index.format_lines(listed.keys.tolist(), listed.offsets.tolist()).encode()
            number, start, length = _first_difference(idx_data, expected)
            line = idx_data[start : start + length]
            wanted = expected[start : expected.find(b"\n", start) + 1]
            self._add(self._idx, "checksum", f"line {number}: {line!r}, expected {wanted!r}", _leading_key(wanted or line), start, length)

    def _find_damage_of_sum(self) -> None:
        """Say where a .sum is damaged, by what it would say of the files as they are."""
        report = self._report
        data = files.read_whole(self._sum)
        lengths = [end - start for start, end in zip(report.offsets, report.ends, strict=True)]
        keys = self._index.keys.tolist() if self._index is not None and len(self._index) == len(lengths) else [0] * len(lengths)
        expected = checksum.TITLE + checksum.format_records(keys, report.offsets, lengths, report.crcs).encode()
        number, start, length = _first_difference(data, expected)
        line = data[start : start + length]
        if start < len(expected):
            wanted = expected[start : expected.find(b"\n", start) + 1]
            reason = f"line {number}: {line[:80]!r}, the files as they are ask for {wanted!r}"
            self._add(self._sum, "sum", f"{self._sum_fault.reason}; {reason}", _leading_key(wanted), start, length)
        else:
            reason = f"the damage is behind the lines of the records, from line {number} on"
            self._add(self._sum, "sum", f"{self._sum_fault.reason}; {reason}", None, start, len(data) - start)


class _HeaderChecks:
    """Checks image headers, block by block.

    Attributes:
        ids: of all records so far; None once a record had no header.
    """

    def __init__(self, label_width: int | None, watch: Watch | None) -> None:
        self._label_width = label_width
        self._watch = watch
        self.ids: array[int] | None = array("Q")

    def run(self, block: bytes, base: int, rows: list[tuple[int, int, int]], rec: Path) -> Iterator[Issue]:
        """Check the headers of a block's records."""
        unpack, least = header.SCALAR_RECORD.unpack_from, header.SCALAR_RECORD.size
        ids, seen = [], []
        any_width = self._label_width in (None, 1)
        for start, end, _ in rows:
            if end - start >= least:
                _, lrec, flag, label, id_, _ = unpack(block, start)
                # The usual case without a call: one part, one finite label.
                if header.HEADER_SIZE <= lrec <= frame.MAX_LENGTH and not flag and any_width and -math.inf < label < math.inf:
                    ids.append(id_)
                    if self._watch is not None:
                        seen.append((base + start, id_, block[start + frame.HEAD_SIZE : start + frame.HEAD_SIZE + 8]))
                    continue
            payload, _ = frame.decode_at(block, start)
            try:
                found, _ = header.unpack(payload)
            except RecordIOError as error:
                self.ids = None
                yield Issue(str(rec), "header", getattr(error, "reason", str(error)), None, base + start, end - start)
                continue
            ids.append(found.id)
            labels = [found.label] if isinstance(found.label, float) else found.label.tolist()  # type: ignore[union-attr]
            if self._watch is not None:
                seen.append((base + start, found.id, payload[:8] + payload[header.HEADER_SIZE : header.HEADER_SIZE + 4 * found.flag]))
            if self._label_width is not None and len(labels) != self._label_width:
                reason = f"{len(labels)} labels, expected {self._label_width}"
                yield Issue(str(rec), "label", reason, found.id, base + start, end - start)
            for label in labels:
                if not math.isfinite(label):
                    yield Issue(str(rec), "label", f"the label {label}, expected a finite number", found.id, base + start, end - start)
                    break
        if self.ids is not None:
            self.ids.extend(ids)
        if self._watch is not None:
            self._watch(seen)


def _line_range(data: bytes, number: int, *, skip_blank: bool = False) -> tuple[int, int]:
    """Return start and length in bytes of line *number*, counted from 1, with its line feed."""
    start = 0
    for line in data.splitlines(keepends=True) if skip_blank else data.split(b"\n"):
        length = len(line) + (0 if skip_blank else 1)
        if line.strip() or not skip_blank:
            number -= 1
        if not number:
            return start, min(length, len(data) - start)
        start += length
    return 0, len(data)


def _first_difference(data: bytes, expected: bytes) -> tuple[int, int, int]:
    """Return number, start and length of the first line of *data* that differs from *expected*."""
    import numpy as np

    size = min(len(data), len(expected))
    differs = np.frombuffer(data, np.uint8, size) != np.frombuffer(expected, np.uint8, size)
    at = int(differs.argmax()) if differs.any() else size
    start = data.rfind(b"\n", 0, at) + 1
    end = data.find(b"\n", at) + 1 or len(data)
    return data.count(b"\n", 0, start) + 1, start, end - start


def _leading_key(line: bytes) -> int | None:
    word = line.split(b"\t")[0]
    return int(word) if word.isdigit() else None
