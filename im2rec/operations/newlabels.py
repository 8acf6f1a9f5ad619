"""A new set in which records have other labels: as many as are wanted."""

from __future__ import annotations

import contextlib
import struct
from array import array
from collections.abc import Callable
from pathlib import Path
from typing import Final

import im2rec
from im2rec.operations import companions
from im2rec.operations.blocks import Block
from im2rec.operations.copying import open_set
from im2rec.operations.fields import fields_of, refuse_identities
from im2rec.operations.labelled import write_list
from im2rec.operations.relabelled import HARM, Labels, RelabelReport, Seen
from im2rec.sets import list_of, prefix_of
from recordio import files, frame
from recordio.header import HEADER_SIZE, pack_header
from recordio.outputs import OutputSet
from recordio.writer import IndexedWriter

_HEADER: Final = struct.Struct("<IfQQ")


def relabel_to(
    given: Path,
    labels: Labels,
    output: Path,
    *,
    labels_file: Path | None = None,
    force: bool = False,
    advance: Callable[[int], None] = lambda _: None,
) -> RelabelReport:
    """Write a new set in which records have other labels; images are copied byte for byte.

    Args:
        given: prefix of the set, or one of its files; shards become one file.
        labels: id -> labels; records of other ids keep theirs.
        output: prefix of the new set. Its .lst is written where the old one is there, with the lines that have a record.
        labels_file: the list that the labels are from, which no output may replace.
        force: replace files that exist.
        advance: called with the number of records done since its last call.

    Raises:
        InputError: there is no such set, or it is a file of identities.
        FormatError: a record of the set is damaged.
        FileError: a file cannot be read or written.
    """
    import numpy as np

    report, seen, ids = RelabelReport(in_place=False), Seen(labels), array("Q")
    with (
        contextlib.ExitStack() as stack,
        OutputSet(output, force=force, inputs=[labels_file] if labels_file is not None else []) as outputs,
    ):
        sources = open_set(given, stack)
        paths = [output.with_name(f"{output.name}{suffix}") for suffix in (".rec", ".idx", ".sum")]
        companions.check_room(output, paths[:1], outputs)
        for source in sources:
            for path in paths if source.file is not None else ():
                source.file.check_other(path)  # type: ignore[union-attr]
        options = {"operation": "relabel"}
        writer = IndexedWriter(paths[0], outputs=outputs, tool=f"im2rec {im2rec.__version__}", options=options)
        for source in sources:
            for block in source.blocks():
                refuse_identities(block, "relabel", HARM)
                fields = fields_of(block)
                ids.frombytes(fields.ids[fields.headed].tobytes())
                pieces = [_relabelled(block, number, seen, report) for number in range(len(block))]
                writer.write_encoded(block.keys.tolist(), list(map(len, pieces)), b"".join(pieces))
                advance(len(block))
        own = list_of(sources[0].path, prefix_of(given))
        if own is not None:
            write_list(own, outputs.create(output.with_name(f"{output.name}.lst")), labels, np.sort(np.frombuffer(ids, np.uint64)))
        classes = prefix_of(given).with_name(f"{prefix_of(given).name}.classes.txt")
        if classes.is_file():
            outputs.create(output.with_name(f"{output.name}.classes.txt")).write(files.read_whole(classes))
        writer.finish()
        report.missing = seen.missing()
        report.outputs = [str(path) for path in outputs.paths()]
        report.remarks = companions.remove_old(output, outputs)
    return report


def _relabelled(block: Block, number: int, seen: Seen, report: RelabelReport) -> bytes:
    """Return a record with its new labels, encoded."""
    report.records += 1
    start = int(block.starts[number])
    old = block.data[start : start + int(block.sizes[number])]
    payload = block.payload(number)
    new = seen.labels(payload)
    if new is None:
        report.kept += 1
        return old
    flag, _, id_, id2 = _HEADER.unpack_from(payload)
    header = pack_header(new[0] if len(new) == 1 and flag != 1 else new, id_, id2)
    encoded = frame.encode(header + payload[HEADER_SIZE + 4 * flag :])
    report.changed += encoded != old
    report.same += encoded == old
    return encoded
