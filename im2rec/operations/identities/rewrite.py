"""New identity files from finished sets: keys and labels given anew, images kept as they are, in the order of the inputs' files."""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import im2rec
from im2rec.errors import InputError, PlanError
from im2rec.listfile import EXACT_INTEGERS
from im2rec.operations import companions
from im2rec.operations.fields import fields_of
from im2rec.operations.identities.metadata import IdentityOptions, IdentityReport, write_metadata, write_property
from im2rec.operations.identities.survey import Survey, blocks_of, check_labels
from im2rec.operations.rewriting import rewrite
from recordio.header import HEADER_SIZE
from recordio.outputs import OutputSet
from recordio.writer import IndexedWriter

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_HEADER: Final = struct.Struct("<IfQQ")
_LABEL: Final = struct.Struct("<f")


@dataclass(frozen=True)
class Plan:
    """Where each image goes.

    Attributes:
        keys: for each input a (n,) uint64 of new keys, in the order of its file; 0 for records that are left out.
        labels: for each input a (n,) float32 of new labels.
        starts: (k,) first key of each identity; its range ends where the next one starts.
        images: their number.
        renumbered: identities whose label is another one than before.
        classes: the largest new label and one.
    """

    keys: list[NDArray[np.uint64]]
    labels: list[NDArray[np.float32]]
    starts: NDArray[np.int64]
    images: int
    renumbered: int
    classes: int


def plan(
    inputs: Sequence[Survey],
    *,
    least: int = 1,
    most: int | None = None,
    apart: bool = True,
    renumber: bool = True,
) -> Plan:
    """Number the images of several files by identity, and within each by file and key.

    Args:
        inputs: the files.
        least: images that an identity must have to be taken.
        most: images that it may have.
        apart: the files hold different identities, whatever their labels; else equal labels are one identity.
        renumber: number the labels 0, 1, 2, ...; else they stay.

    Raises:
        InputError: a label cannot be that of an identity, or no image is left.
        PlanError: two files use the same labels and they are to stay, or there are more identities than float32 can number.
    """
    import numpy as np

    for found in inputs:
        check_labels(found)
    labels = [found.first[found.images].astype(np.int64) for found in inputs]
    group = np.concatenate([np.full(len(part), number if apart else 0) for number, part in enumerate(labels)] or [np.empty(0, np.int64)])
    joined = np.concatenate(labels) if labels else np.empty(0, np.int64)
    span = int(joined.max()) + 1 if len(joined) else 1
    identities, which, counts = np.unique(group * span + joined, return_inverse=True, return_counts=True)
    taken = (counts >= least) & (counts <= (most if most is not None else len(joined)))
    if not taken.any():
        asked = f"no identity has {least} images or more{f' and {most} at the most' if most is not None else ''}"
        said = "no record has an image" if not len(joined) else asked
        raise InputError(", ".join(str(found.rec) for found in inputs), f"{said}, so nothing was written")
    old = identities % span
    if not renumber and len(np.unique(old[taken])) < taken.sum():
        raise PlanError("two of the files use the same labels for different identities: they cannot be kept (--keep-labels)")
    new = np.where(taken, np.cumsum(taken) - 1 if renumber else old, -1)
    if int(new.max()) >= EXACT_INTEGERS:
        raise PlanError(f"the label {int(new.max())} cannot be stored: float32 holds whole numbers only up to {EXACT_INTEGERS}")
    chosen = new[which]
    order = np.argsort(chosen, kind="stable")[np.count_nonzero(chosen < 0) :]
    keys = np.zeros(len(joined), np.uint64)
    keys[order] = np.arange(1, len(order) + 1, dtype=np.uint64)
    starts = np.flatnonzero(np.append(True, chosen[order][1:] != chosen[order][:-1])) + 1
    ends = np.cumsum([0, *map(len, labels)])
    return Plan(
        [_spread(found, keys[a:b], np.uint64) for found, a, b in zip(inputs, ends, ends[1:], strict=False)],
        [_spread(found, chosen[a:b], np.float32) for found, a, b in zip(inputs, ends, ends[1:], strict=False)],
        starts.astype(np.int64),
        len(order),
        int(np.count_nonzero((new != old) & taken)),
        int(new.max()) + 1,
    )


def _spread(found: Survey, values: Any, kind: Any) -> Any:
    """Bring values of the images, by ascending key, into the order of the file."""
    import numpy as np

    spread = np.zeros(len(found.keys), kind)
    spread[found.images] = values
    return spread


def write(
    inputs: Sequence[Survey],
    chosen: Plan,
    prefix: Path,
    options: IdentityOptions,
    outputs: OutputSet,
    *,
    described: dict[str, str],
    advance: Callable[[int], None] = lambda _: None,
) -> IdentityReport:
    """Write ``PREFIX.rec``, ``PREFIX.idx``, ``PREFIX.sum`` and ``property`` as planned; the caller commits *outputs*.

    Images come in the order of the inputs, under keys that are sorted by identity: one sequential read and one sequential write.

    Raises:
        FormatError: a record cannot be read.
        FileError: a file cannot be read or written.
    """
    report = IdentityReport(renumbered=chosen.renumbered, classes=chosen.classes)
    tool = f"im2rec {im2rec.__version__}"
    rec = prefix.with_name(f"{prefix.name}.rec")
    companions.check_room(prefix, [rec], outputs)
    writer = IndexedWriter(rec, checksums=options.checksums, outputs=outputs, tool=tool, options=described)
    for found, keys, labels in zip(inputs, chosen.keys, chosen.labels, strict=True):
        _copy(found, keys, labels, writer, report, advance)
    stops = [*chosen.starts.tolist()[1:], chosen.images + 1]
    write_metadata(writer, zip(chosen.starts.tolist(), stops, strict=True), chosen.images, report)
    writer.finish()
    report.size = writer.size
    report.outputs += [str(file.path) for file in writer.files]
    if options.property:
        write_property(prefix.parent, report, options, outputs)
    report.removed = companions.remove_old(prefix, outputs)
    return report


def _copy(
    found: Survey,
    keys: NDArray[np.uint64],
    labels: NDArray[np.float32],
    writer: IndexedWriter,
    report: IdentityReport,
    advance: Callable[[int], None],
) -> None:
    """Copy the images of one file that have a new key."""
    for block in blocks_of(found):
        here = slice(block.first, block.first + len(block))
        chosen = keys[here].nonzero()[0]
        if len(chosen):
            new = keys[here][chosen]
            for image in fields_of(block).image_bytes(chosen):
                report.see(image)
            records = rewrite(block, chosen, new, new, labels[here][chosen].astype(float), leading=True)
            writer.write_encoded(new.tolist(), records.sizes.tolist(), records.data, records.crcs.tolist())
        report.left_out += int((found.filled[here] & (keys[here] == 0)).sum())
        advance(len(block))
    report.dropped += len(found.others)


def rename(payload: bytes, key: int, label: float) -> bytes:
    """Return a payload with another id and first label; its image and all else stay."""
    flag, old, _, id2 = _HEADER.unpack_from(payload)
    if not flag:
        return _HEADER.pack(flag, label, key, id2) + payload[HEADER_SIZE:]
    return _HEADER.pack(flag, old, key, id2) + _LABEL.pack(label) + payload[HEADER_SIZE + 4 :]
