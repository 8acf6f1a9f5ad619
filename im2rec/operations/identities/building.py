"""An identity file from a list of images."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import im2rec
from im2rec import build, listfile
from im2rec.errors import ImageError, NothingPacked
from im2rec.listfile import Item
from im2rec.operations import companions
from im2rec.operations.identities.grouping import GroupedItems
from im2rec.operations.identities.metadata import IdentityOptions, IdentityReport, write_metadata, write_property
from im2rec.operations.identities.rewrite import rename
from im2rec.packoptions import PackOptions, describe
from im2rec.rejects import rejects_path
from im2rec.report import PackReport, format_rejects
from im2rec.work import Block
from recordio import frame
from recordio.header import HEADER_SIZE
from recordio.outputs import OutputSet
from recordio.writer import IndexedWriter

_NAMED = 10  # images that are named when none could be packed
_LINES = 1 << 20  # bytes of a list that are written at once


@dataclass(slots=True)
class BuildReport:
    """What became of a list: the counts of its images, and of the file that they make."""

    packed: PackReport = field(default_factory=PackReport)
    written: IdentityReport = field(default_factory=IdentityReport)

    def as_json(self) -> dict[str, Any]:
        """Return both as one object for JSON."""
        return {**self.packed.as_json(), **self.written.as_json()}


class _Numbering:
    """Gives packed images their keys 1, 2, 3, ..., and their identities labels without a gap where an identity lost all its images.

    Attributes:
        starts: first key of each identity that has images.
        images: those numbered so far.
        label: the largest label given.
    """

    def __init__(self, *, close_gaps: bool) -> None:
        self._close_gaps = close_gaps
        self._now: float | None = None
        self.starts = array("Q")
        self.images = 0
        self.label = -1.0

    def place(self, label: float) -> tuple[int, float]:
        """Return key and label of the next packed image, which had *label*."""
        self.images += 1
        if label != self._now:
            self._now = label
            self.starts.append(self.images)
            self.label = len(self.starts) - 1.0 if self._close_gaps else label
        return self.images, self.label


def build_identities(
    items: GroupedItems,
    prefix: Path,
    options: PackOptions,
    layout: IdentityOptions,
    outputs: OutputSet,
    *,
    advance: Callable[[int], None] = lambda _: None,
) -> BuildReport:
    """Pack a list as images under the keys 1 to N by identity, identity records behind them, and the header under key 0.

    ``PREFIX.lst`` names what was packed, by the new keys and labels. The caller commits *outputs*.

    Raises:
        NothingPacked: not one image could be packed.
        TooManyRejects: more images were rejected than allowed.
        FileError: an output cannot be written.
        CodecMissing: a codec is needed and cannot be loaded.
    """
    report = BuildReport()
    described = {"command": "identities build", **describe(options)}
    rec = prefix.with_name(f"{prefix.name}.rec")
    tool = f"im2rec {im2rec.__version__}"
    companions.check_room(prefix, [rec], outputs)
    writer = IndexedWriter(rec, checksums=layout.checksums, outputs=outputs, tool=tool, options=described)
    numbering = _Numbering(close_gaps=layout.renumber)
    listfile.write(prefix.with_name(f"{prefix.name}.lst"), _packed(items, options, numbering, writer, report, advance), outputs)
    packed, written = report.packed, report.written
    if packed.rejects and not packed.packed:
        raise NothingPacked(packed.listed, [ImageError(reject.path, reject.reason) for reject in packed.rejects[:_NAMED]])
    starts = numbering.starts.tolist()
    write_metadata(writer, zip(starts, [*starts[1:], numbering.images + 1], strict=True), numbering.images, written)
    writer.finish()
    written.renumbered, written.classes = items.renumbered, int(numbering.label) + 1
    written.size = packed.bytes_written = writer.size
    written.outputs += [str(file.path) for file in writer.files] + [f"{prefix}.lst"]
    if layout.property:
        write_property(prefix.parent, written, layout, outputs)
    _write_rejects(report, prefix, outputs)
    written.removed = companions.remove_old(prefix, outputs)
    return report


def _packed(
    items: GroupedItems,
    options: PackOptions,
    numbering: _Numbering,
    writer: IndexedWriter,
    report: BuildReport,
    advance: Callable[[int], None],
) -> Iterator[bytes]:
    """Write the images, and yield the lines of the new list."""
    for block in build.records(items, options, report.packed):
        for item, payload in _payloads(block):
            key, label = numbering.place(item.labels[0])
            if (key, label) != (item.id, item.labels[0]):
                payload = rename(payload, key, label)
            report.written.see(payload[HEADER_SIZE + 4 * int.from_bytes(payload[:4], "little") :])
            writer.write(key, payload)
            labels = "\t".join(map(listfile.format_label, (label, *item.labels[1:])))
            yield f"{key}\t{labels}\t{item.path}\n".encode("utf-8", "surrogateescape")
        advance(len(block.items))


def _payloads(block: Block[Item]) -> Iterator[tuple[Item, bytes]]:
    """Yield the items of a block that were packed, with their payloads."""
    at = 0
    for item, size in zip(block.items, block.outcomes.sizes, strict=True):
        if size:
            yield item, frame.decode_at(bytes(block.data[at : at + size]), 0)[0]
            at += size


def _write_rejects(report: BuildReport, prefix: Path, outputs: OutputSet) -> None:
    path = rejects_path(prefix)
    if report.packed.rejects:
        outputs.create(path).write(format_rejects(report.packed.rejects))
        report.written.outputs.append(str(path))
    else:
        outputs.remove(path)
