"""Other labels for the records of a finished set, in place: as many as they have."""

from __future__ import annotations

import os
import struct
from array import array
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final

from im2rec.errors import InputError
from im2rec.operations.blocks import Block
from im2rec.operations.copying import Source
from im2rec.operations.fields import refuse_identities
from im2rec.operations.labelled import write_list
from im2rec.operations.relabelled import HARM, Labels, RelabelReport, Seen
from im2rec.sets import list_of
from recordio import checksum, frame
from recordio.amend import Amendment
from recordio.header import HEADER_SIZE
from recordio.pending import WORD

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_HEADER: Final = struct.Struct("<IfQQ")
_LABEL_AT: Final = 4  # of a single label in the header, in bytes
_LINES: Final = 1 << 14  # lines formatted at once


class _NotInPlace(Exception):
    """The labels of a record cannot be written where the old ones stand."""


def relabel(rec: Path, labels: Labels, *, source: Path | None = None, advance: Callable[[int], None] = lambda _: None) -> RelabelReport:
    """Give records of a set other labels, in place: its .sum and .lst are brought to agreement.

    The set changes in one step that a crash cannot leave half done: the next run that writes this set finishes it.

    Args:
        rec: the .rec.
        labels: id -> labels; records of other ids keep theirs.
        source: the list that the labels are from; it is left alone when it is the set's own.
        advance: called with the number of records done since its last call.

    Raises:
        InputError: it is a file of identities; or a record has another number of labels, or its new ones cannot be written
            without moving other bytes. Nothing was changed then.
        FormatError: a record of the set is damaged.
        FileError: a file cannot be read or written.
    """
    change = Amendment(rec, "relabel")
    try:
        run = _InPlace(rec, labels, change)
        report = run.run(advance)
        if report.changed:
            run.write_beside(source)
            change.commit()
        return report
    finally:
        change.discard()


class _InPlace:
    def __init__(self, rec: Path, labels: Labels, change: Amendment) -> None:
        self._rec = rec
        self._labels = labels
        self._change = change
        self._report = RelabelReport()
        self._listed: checksum.Sum | None = None
        self._crcs: list[NDArray[np.uint32]] = []
        self._digest = checksum.new_digest()
        self._faults = 0
        self._first_fault = ""

    def run(self, advance: Callable[[int], None]) -> RelabelReport:
        """Find out what changes, and write it to a temporary file."""
        words, seen = self._change.words(), Seen(self._labels)
        source = Source(self._rec, partial=True)
        try:
            self._listed = source.listed
            for block in source.blocks():
                refuse_identities(block, "relabel", HARM)
                data, patches = bytearray(block.data), array("Q")
                crcs = block.crcs.copy()
                for number, (start, size) in enumerate(zip(block.starts.tolist(), block.sizes.tolist(), strict=True)):
                    if self._change_record(block, number, data, patches, seen):
                        crcs[number] = checksum.crc_function()(memoryview(data)[start : start + size])
                words.write(_words(patches))
                self._digest.update(data)
                self._crcs.append(crcs)
                advance(len(block))
        finally:
            source.close()
        if self._faults:
            more = f", and {self._faults - 1} more cannot" if self._faults > 1 else ""
            raise InputError(str(self._rec), f"{self._first_fault}{more}; -o writes a new set")
        self._report.missing = seen.missing()
        return self._report

    def _change_record(self, block: Block, number: int, data: bytearray, patches: array[int], seen: Seen) -> bool:
        """Change one record in *data*, and note its words; tell whether it has changed."""
        report = self._report
        report.records += 1
        payload = block.payload(number)
        new = seen.labels(payload)
        if new is None:
            report.kept += 1
            return False
        try:
            found = list(_changes(payload, new, block, number))
        except _NotInPlace as error:
            self._faults += 1
            self._first_fault = self._first_fault or str(error)
            return False
        report.changed += bool(found)
        report.same += not found
        for position, old, word in found:
            patches.extend((block.base + position, old, word))
            data[position : position + 4] = word.to_bytes(4, "little")
        return bool(found)

    def write_beside(self, source: Path | None) -> None:
        """Write the .sum and the .lst of the new state."""
        report = self._report
        own = list_of(self._rec)
        digests: tuple[str | None, str] | None = None
        if own is not None and source is not None and source.exists() and os.path.samefile(own, source):
            digests = (None, str(checksum.digest_file(own).digest))
        elif own is not None:
            digests = write_list(own, self._change.create(own), self._labels)
        if self._listed is not None:
            self._write_sum(self._listed, digests)
        report.outputs = [str(self._rec), *map(str, self._change.paths())]

    def _write_sum(self, listed: checksum.Sum, digests: tuple[str | None, str] | None) -> None:
        import numpy as np

        options = dict(listed.options)
        past = int(options.get("relabelled", "0").split()[0]) if options.get("relabelled", "0").split()[0].isdecimal() else 0
        options["relabelled"] = f"{past + self._report.changed} records"
        digest = options.pop("list", None)
        if digest is not None and digests is not None and digests[0] in (digest, None):
            options["list"] = digests[1]
        crcs = np.concatenate(self._crcs)

        def lines() -> Iterator[str]:
            for at in range(0, len(listed), _LINES):
                part = slice(at, at + _LINES)
                columns = (listed.keys, listed.offsets, listed.lengths, crcs)
                yield checksum.format_records(*(column[part].tolist() for column in columns))

        rec = checksum.FileDigest(listed.rec.size, self._digest.hexdigest())
        output = self._change.create(self._rec.with_suffix(".sum"))
        for piece in checksum.format_sum(lines(), len(listed), rec, listed.idx, listed.tool, options):
            output.write(piece)


def _words(patches: array[int]) -> bytes:
    return b"".join(WORD.pack(*patches[at : at + 3]) for at in range(0, len(patches), 3))


def _changes(payload: bytes, new: tuple[float, ...], block: Block, number: int) -> Iterator[tuple[int, int, int]]:
    """Yield position in the block, old and new value of each word of a record that other labels change.

    Raises:
        _NotInPlace: the record has another number of labels, or another frame with them.
    """
    flag, _, id_, _ = _HEADER.unpack_from(payload)
    width = flag or 1
    if len(new) != width:
        raise _NotInPlace(f"the record of id {id_} has room for {width} label{'s' * (width != 1)} and is to get {len(new)}")
    at = HEADER_SIZE if flag else _LABEL_AT
    packed = struct.pack(f"<{width}f", *new)
    if payload[at : at + len(packed)] == packed:
        return
    start = int(block.starts[number])
    stop = start + int(block.sizes[number])
    old = block.data[start:stop]
    encoded = frame.encode(payload[:at] + packed + payload[at + len(packed) :])
    # The magic word as a label cuts the payload there, so all that stands behind it would move.
    if len(encoded) != len(old):
        raise _NotInPlace(f"the labels of id {id_} hold the bytes of the format's magic word, before or after")
    last = at + len(packed) + 2 * len(old) if old[7] >> 5 else at + len(packed) + frame.HEAD_SIZE
    for position in range(0, min(len(old), last), 4):
        if old[position : position + 4] != encoded[position : position + 4]:
            before, after = (int.from_bytes(data[position : position + 4], "little") for data in (old, encoded))
            yield start + position, before, after
