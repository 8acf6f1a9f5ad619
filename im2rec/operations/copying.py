"""The records of finished sets as blocks of encoded bytes: what every operation that keeps payloads as they are stands on.

Every byte that is read is checked: the frames always, each record against the .sum where one stands beside the .rec.
"""

from __future__ import annotations

import contextlib
from collections.abc import Generator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from im2rec.errors import InputError
from im2rec.operations.blocks import Block
from im2rec.operations.keying import Keying
from im2rec.sets import check_settled, record_files
from im2rec.together import one_set
from recordio import checksum, frame, index
from recordio.errors import ChecksumMismatch, FormatError, Truncated
from recordio.files import InputFile, InputStream

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_BLOCK: Final = 1 << 22  # bytes read at once
STDIN: Final = Path("-")


class Source:
    """A .rec that is copied from, read from start to end as often as wanted; from a pipe, once.

    The keys are those of its .idx; where there is none, those of its .sum, and else the ids of its image headers.

    Args:
        rec: the .rec file; ``-`` is stdin.
        partial: take records, too, that the .idx leaves out: under the ids of their headers, marked in their blocks.
            Without it they are an error, for nothing is left out in silence.
        ordinals: number the records 0, 1, 2, ... whatever the .idx says.

    Attributes:
        name: of the .rec, for messages.
        size: bytes of the .rec; 0 where it comes through a pipe.
        indexed: keys and offsets of the .idx in the order of the offsets; None where there is none.
        places: (n,) int, where each of these stands in the .idx; None where it is in the order of the offsets.
        listed: what the .sum beside it says; None where there is none.

    Raises:
        FileError: a file cannot be read.
        IndexFormatError, SumFormatError: the .idx or the .sum cannot be understood.
        InputError: the .sum is that of another file, or a change of the .rec was interrupted.
    """

    def __init__(self, rec: Path, *, partial: bool = False, ordinals: bool = False) -> None:
        self.path = rec
        self.stream = InputStream(0, "<stdin>") if rec == STDIN else None
        self.file = None if self.stream is not None else InputFile(rec)
        self.name = "<stdin>" if self.file is None else self.file.name
        self.size = 0 if self.file is None else self.file.size
        self._partial = partial
        self._ordinals = ordinals
        self.indexed: index.Index | None = None
        self.places: NDArray[np.intp] | None = None
        self.listed: checksum.Sum | None = None
        try:
            if self.file is not None:
                check_settled(rec)
                self._load_sidecars()
        except BaseException:
            self.close()
            raise

    def _load_sidecars(self) -> None:
        idx, sum_ = self.path.with_suffix(".idx"), self.path.with_suffix(".sum")
        if sum_.exists():
            self.listed = checksum.load(sum_)
            if self.listed.rec.size != self.size:
                reason = f"has {self.size} bytes, {sum_} lists it with {self.listed.rec.size}; 'im2rec verify' says where it differs"
                raise InputError(self.name, reason)
        if idx.exists() and not self._ordinals:
            self.indexed = self._in_order(index.load(idx))

    def _in_order(self, found: index.Index) -> index.Index:
        """Return an index in the order of its offsets."""
        if not bool((found.offsets[1:] > found.offsets[:-1]).all()):
            self.places = order = found.offsets.argsort(kind="stable")
            found = index.Index(found.keys[order], found.offsets[order], found.source)
            twice = (found.offsets[1:] == found.offsets[:-1]).nonzero()[0]
            if len(twice):
                at = int(twice[0])
                reason = f"{found.source} has two keys for the record here: {found.keys[at]} and {found.keys[at + 1]}"
                raise FormatError(self.name, int(found.offsets[at]), reason)
        return found

    @property
    def count(self) -> int | None:
        """Number of records as the .sum or the .idx has it; None where there is neither."""
        known = self.listed if self.listed is not None else self.indexed
        return None if known is None else len(known)

    def blocks(self) -> Iterator[Block]:
        """Yield all records in blocks of about 4 MiB; more where a record is larger. A thread reads the next of a file meanwhile.

        Raises:
            FormatError: at the first fault, with the file and the offset.
            ChecksumMismatch: a record is not what the .sum lists.
            InputError: the .idx leaves a record out, and that was not allowed.
            InputError: nothing comes through the pipe.
            FileError: a read failed.
        """
        if self.stream is not None:  # a thread that waits for a pipe could not be interrupted
            yield from self._blocks()
            return
        with contextlib.closing(self._blocks()) as blocks, ThreadPoolExecutor(1, "read") as thread:
            coming = thread.submit(next, blocks, None)
            while (block := coming.result()) is not None:
                coming = thread.submit(next, blocks, None)
                yield block

    def _blocks(self) -> Generator[Block, None, None]:
        import numpy as np

        crc, done = checksum.crc_function(), 0
        keying = Keying(self, partial=self._partial, ordinals=self._ordinals)
        for base, data, found, end in self._listed_runs(self.listed) if self.listed is not None else self.runs():
            starts = np.array(found, np.int64)
            sizes = np.diff(starts, append=end)
            view = memoryview(data)
            crcs = np.array([crc(view[start : start + size]) for start, size in zip(found, sizes.tolist(), strict=True)], np.uint32)
            if self.listed is not None:
                self._compare(base, done, data, starts, sizes, crcs)
            keys, listed = keying.of(base, done, data, starts, end)
            yield Block(self, data, base, done, starts, sizes, keys, crcs, listed)
            done += len(found)
        self._check_end(done)

    def _listed_runs(self, listed: checksum.Sum) -> Iterator[tuple[int, bytes, list[int], int]]:
        """Yield what :meth:`runs` does, by what the .sum lists: bytes whose CRC-32 is right need no search for their ends."""
        first = 0
        while first < len(listed):
            base = int(listed.offsets[first])
            stop = max(first + 1, int(listed.offsets.searchsorted(base + _BLOCK, side="right")) - 1)
            if stop == len(listed) - 1 and self.size - base <= _BLOCK:
                stop = len(listed)
            end = int(listed.offsets[stop]) if stop < len(listed) else self.size
            yield base, self._read(base, end - base), (listed.offsets[first:stop] - base).tolist(), end - base
            first = stop

    def runs(self, start: int = 0) -> Iterator[tuple[int, bytes, list[int], int]]:
        """Yield (offset, bytes, positions of the whole records in them, where the last of these ends), from a record's start on.

        Raises:
            FormatError: at the first fault.
            FileError: a read failed.
        """
        base, wanted, rest = start, _BLOCK, b""
        while self.file is None or base < self.size:
            data = rest + self._read(base + len(rest), wanted - len(rest))
            if not data:
                if not base:
                    raise InputError(self.name, "is empty, expected a .rec; the command before it may have failed")
                return
            starts, end, fault = frame.spans(data, source=self.name, base=base)
            if fault is not None:
                self._check_fault(fault, base + end, is_last=self.file is None and len(data) < wanted)
            needed = fault.needed if isinstance(fault, Truncated) else 0
            if starts:
                yield base, data, starts, end
                wanted = max(_BLOCK, needed)
            else:
                wanted = max(needed, 2 * len(data))  # doubling keeps a record of a million parts linear
            rest = data[end:] if self.file is None else b""
            base += end
            del data

    def _check_fault(self, fault: FormatError, offset: int, *, is_last: bool) -> None:
        """Raise what is wrong with the record at an offset, unless it only goes on behind what was read."""
        if not isinstance(fault, Truncated) or is_last:
            raise fault
        left = self.size - offset
        if self.file is not None and fault.needed > left:
            reason = f"a record needs {fault.needed} bytes or more, the file ends after {left}"
            raise Truncated(self.name, offset, reason, fault.needed)

    def _read(self, offset: int, length: int) -> bytes:
        if self.file is None:
            assert self.stream is not None
            return self.stream.read(length)
        length = min(length, self.size - offset)
        data = self.file.read_at(offset, length)
        if len(data) < length:
            reason = f"the file ends here now, it had {self.size} bytes when it was opened"
            raise Truncated(self.name, offset + len(data), reason)
        return data

    def _compare(self, base: int, done: int, data: bytes, starts: Any, sizes: Any, crcs: Any) -> None:
        """Compare records with what the .sum lists, and their frames with their lengths.

        Raises:
            ChecksumMismatch: one is not as it is listed.
            FormatError: the .sum vouches for bytes that are no record, as that of another tool may.
        """
        import numpy as np

        assert self.listed is not None
        stop = done + len(starts)
        for at in (self.listed.crcs[done:stop] != crcs).nonzero()[0][:1].tolist():
            differs = f"CRC-32 {crcs[at]:08x}, expected {int(self.listed.crcs[done + at]):08x}"
            raise ChecksumMismatch(self.name, base + int(starts[at]), differs, int(self.listed.keys[done + at]))
        words = np.frombuffer(data, "<u4", len(data) // 4)
        usual = (sizes >= frame.HEAD_SIZE) & (starts % 4 == 0)
        at = np.where(usual, starts // 4, 0)
        heads = words[at + 1] if len(words) > 1 else np.zeros(len(at), np.uint32)
        lengths = (heads & frame.MAX_LENGTH).astype(np.int64)
        usual &= (words[at] == frame.MAGIC) & (heads >> 29 == frame.WHOLE) & (frame.HEAD_SIZE + (lengths + 3) // 4 * 4 == sizes)
        for number in (~usual).nonzero()[0].tolist():
            self._check_frame(data[int(starts[number]) : int(starts[number] + sizes[number])], base + int(starts[number]))

    def _check_frame(self, record: bytes, offset: int) -> None:
        _, end = frame.decode_at(record, 0, source=self.name, base=offset)
        if end != len(record):
            raise FormatError(self.name, offset, f"a record of {end} bytes, the .sum lists it with {len(record)}")

    def _check_end(self, records: int) -> None:
        """Check that all records have come that the sidecars know of."""
        if self.listed is not None and records < len(self.listed):
            left = len(self.listed) - records
            reason = f"the file ends, {self.listed.source} lists {left} more record{'s' * (left > 1)}"
            raise ChecksumMismatch(self.name, self.size, reason, int(self.listed.keys[records]))
        if self.indexed is not None and len(self.indexed) and int(self.indexed.offsets[-1]) >= self.size:
            reason = f"{self.indexed.source} puts the record of key {self.indexed.keys[-1]} here, behind the file's end at {self.size}"
            raise FormatError(self.name, int(self.indexed.offsets[-1]), reason)

    def close(self) -> None:
        """Close the file."""
        if self.file is not None:
            self.file.close()


def open_set(given: Path, stack: ExitStack, *, partial: bool = False, ordinals: bool = False) -> list[Source]:
    """Open all .rec files of a set; *stack* closes them.

    Args:
        given: prefix of the set, one of its files, or ``-`` for stdin.
        stack: gets the files to close.
        partial: see :class:`Source`.
        ordinals: see :class:`Source`.

    Raises:
        InputError: there is no such set, or shards of it are missing: what is made of it would be less than it.
    """
    if given == STDIN:
        return [Source(given, ordinals=ordinals)]
    recs = record_files(given)
    one_set(given, recs)
    sources = []
    for rec in recs:
        sources.append(Source(rec, partial=partial, ordinals=ordinals))
        stack.callback(sources[-1].close)
    return sources


def total(sources: Sequence[Source]) -> int | None:
    """Return how many records sources have; None where one has neither .sum nor .idx."""
    counts = [source.count for source in sources]
    return None if None in counts else sum(count for count in counts if count is not None)
