"""Checking a dataset: its frames, its index, its checksums, its headers. Faults are a list, never a crash."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from recordio import checksum, frame
from recordio.checksum import Sum
from recordio.errors import Truncated
from recordio.files import InputFile
from recordio.headercheck import HeaderCheck, Watch
from recordio.issues import Issue, VerifyReport
from recordio.pending import unfinished
from recordio.resync import Heads, read_exactly
from recordio.sidecheck import Sidecars

BLOCK: Final = 1 << 20  # bytes read at once; of records without payload each costs 200 bytes of memory until its block is done


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

    Memory stays within 64 MiB, 48 bytes a record, three times the .idx and, beside that, the largest record.

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
    file = InputFile(rec)
    try:
        sidecars = Sidecars(Path(rec), idx, sum)
        change = unfinished(Path(rec))
        if change is not None and change[1] is not None and (sidecars.listed is None or sidecars.listed.rec.size == change[1]):
            file.size = min(file.size, change[1])  # what it has brought behind the old end so far is none of the set's records
        checks = HeaderCheck(file.name, label_width, watch) if headers or label_width is not None or watch is not None else None
        report = _Verification(file, sidecars, checks, advance).run()
        if change is not None:
            report.add(Issue(file.name, "set", change[0]))
        return report
    finally:
        file.close()


class _Verification:
    def __init__(self, file: InputFile, sidecars: Sidecars, headers: HeaderCheck | None, advance: Callable[[int], None]) -> None:
        self._file = file
        self._sidecars = sidecars
        self._headers = headers
        self._advance = advance
        self._crc = checksum.crc_function()
        listed = sidecars.listed
        self._report = VerifyReport(
            file.name,
            size=file.size,
            version=file.version,
            vouched=listed is not None,
            indexed=sidecars.indexed,
            summed=sidecars.summed,
            expected=len(listed) if listed is not None else None,
        )

    def run(self) -> VerifyReport:
        report, listed, digest = self._report, self._sidecars.listed, ""
        if listed is not None:
            digest = self._run_by_list(listed)
        else:
            self._run_by_frames()
        report.records = len(report.offsets)
        self._sidecars.check(report, digest, self._headers)
        return report

    def _add(self, kind: str, reason: str, key: int | None, offset: int, length: int) -> None:
        self._report.add(Issue(self._file.name, kind, reason, key, offset, length))

    # -- by the sidecar

    def _run_by_list(self, listed: Sum) -> str:
        """Check each record that the .sum lists at its place, then what stands behind the last; return the file's digest."""
        digest, size = checksum.new_digest(), self._file.size
        count = int(listed.offsets.searchsorted(size, side="left"))
        ends = listed.offsets + listed.lengths
        first = 0
        while first < count:
            start = int(listed.offsets[first])
            last = min(max(first + 1, int(ends.searchsorted(start + BLOCK, side="right"))), count)
            block = self._read(start, min(int(ends[last - 1]), size) - start, digest)
            self._check_listed(listed, first, last, start, block)
            first = last
        if count < len(listed):
            more = f"{len(listed) - count} more record{'s' * (len(listed) - count != 1)}"
            reason = f"the file ends, expected {more} from key {listed.keys[count]} on"
            self._add("frame", reason, int(listed.keys[count]), int(listed.offsets[count]), 0)
        for at in range(listed.rec.size, size, BLOCK):
            self._read(at, min(BLOCK, size - at), digest)
        if size > listed.rec.size:
            extra = size - listed.rec.size
            self._add("frame", f"{extra} bytes stand behind the last record that the .sum lists", None, listed.rec.size, extra)
        return str(digest.hexdigest())

    def _read(self, offset: int, length: int, digest: Any) -> bytes:
        block = read_exactly(self._file, offset, length)
        digest.update(block)
        self._advance(len(block))
        return block

    def _check_listed(self, listed: Sum, first: int, last: int, base: int, block: bytes) -> None:
        starts = (listed.offsets[first:last] - base).tolist()
        ends = [start + length for start, length in zip(starts, listed.lengths[first:last].tolist(), strict=True)]
        crc, view = self._crc, memoryview(block)
        found = [crc(view[start:end]) for start, end in zip(starts, ends, strict=True)]
        wrong = (listed.crcs[first:last] != found).nonzero()[0].tolist()
        if ends[-1] > len(block) and wrong[-1:] != [last - first - 1]:  # the file ends early, yet with the bytes that were summed
            wrong.append(last - first - 1)
        for number in wrong:
            self._add_mismatch(listed, first + number, found[number], block[starts[number] : ends[number]])
        rows = list(zip(starts, ends, found, strict=True))
        if wrong:
            hurt = set(wrong)
            rows = [row for number, row in enumerate(rows) if number not in hurt]
        heads, end, _ = frame.spans(block, source=self._file.name, base=base)
        if heads != starts or end != len(block):  # a .sum may have been made of a file that was wrong already
            rows = [row for row in rows if self._has_frame(block[row[0] : row[1]], base + row[0])]
        self._note(block, base, rows)

    def _add_mismatch(self, listed: Sum, ordinal: int, found: int, record: bytes) -> None:
        offset, length, key = int(listed.offsets[ordinal]), int(listed.lengths[ordinal]), int(listed.keys[ordinal])
        reason = f"CRC-32 {found:08x}, expected {int(listed.crcs[ordinal]):08x}"
        if len(record) < length:
            reason = f"the file ends after {len(record)} bytes of this record, expected {length}"
        else:
            _, _, fault = frame.spans(record, source=self._file.name, base=offset)
            reason += f" ({fault.reason})" if fault is not None else ""
        self._add("checksum", reason, key, offset, length)

    def _has_frame(self, record: bytes, offset: int) -> bool:
        heads, end, fault = frame.spans(record, source=self._file.name, base=offset)
        if fault is None and len(heads) == 1 and end == len(record):
            return True
        reason = fault.reason if fault is not None else f"{len(heads)} records, expected one"
        self._add("frame", reason, self._sidecars.key_at(offset), offset, len(record))
        return False

    # -- by the frames alone

    def _run_by_frames(self) -> None:
        """Walk from record to record, and behind a fault to the next place where a whole one stands."""
        base, size, wanted = 0, self._file.size, BLOCK
        heads = Heads(self._file)
        while base < size:
            block = read_exactly(self._file, base, min(wanted, size - base))
            position, wanted = 0, BLOCK
            while position < len(block):
                starts, used, fault = frame.spans(block, position, source=self._file.name, base=base)
                view = memoryview(block)
                self._note(block, base, [(a, b, self._crc(view[a:b])) for a, b in zip(starts, [*starts[1:], used], strict=False)])
                position = used
                if fault is None:
                    break
                start, reason = base + used, fault.reason
                if isinstance(fault, Truncated) and start + fault.needed <= size:
                    if used and fault.needed <= BLOCK:
                        break  # the next block starts here, and shows more
                    end, reason = heads.frame(start, size)
                    if end:  # a whole record, which goes on behind the block
                        wanted = max(BLOCK, end - start)
                        break
                following = self._next(heads, start)
                self._add("frame", reason, self._sidecars.key_at(start), start, following - start)
                position = following - base
            self._advance(position)
            base += position

    def _next(self, heads: Heads, start: int) -> int:
        """Return where the next whole record stands behind the faulty one at *start*; records stand at multiples of 4."""
        size = self._file.size
        for offset in heads.starts(start + 4, size):
            if not (offset - start) & 3 and heads.frame(offset, size)[0]:
                return offset
        return size

    # -- records

    def _note(self, block: bytes, base: int, rows: list[tuple[int, int, int]]) -> None:
        """Note records (start, end, CRC-32) of a block that are whole, and check their headers."""
        report = self._report
        report.offsets.extend([base + row[0] for row in rows])
        report.ends.extend([base + row[1] for row in rows])
        report.crcs.extend([row[2] for row in rows])
        if self._headers is not None:
            for issue in self._headers.run(block, base, rows):
                known = self._sidecars.key_at(issue.offset) if issue.offset is not None else None
                report.add(issue if known is None else dataclasses.replace(issue, key=known))
