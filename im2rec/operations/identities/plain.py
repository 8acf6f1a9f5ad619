"""Identity files as plain sets: the images alone."""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import im2rec
from im2rec.errors import InputError
from im2rec.names import printable
from im2rec.operations import companions
from im2rec.operations.identities.survey import Survey, blocks_of
from im2rec.report import counted, format_bytes
from recordio.header import HEADER_SIZE
from recordio.outputs import OutputSet
from recordio.writer import IndexedWriter

_HEADER: Final = struct.Struct("<IfQQ")


@dataclass(slots=True)
class PlainReport:
    """What a plain set got of an identity file.

    Attributes:
        images: records that were written.
        metadata: identity records and headers that were left out.
        dropped: other records without an image that were left out.
        size: bytes of the .rec.
        outputs: names of the files that were written.
        remarks: what else is to be said.
    """

    images: int = 0
    metadata: int = 0
    dropped: int = 0
    size: int = 0
    outputs: list[str] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        """Return the report as an object for JSON."""
        return {
            "images": self.images,
            "metadata": self.metadata,
            "dropped": self.dropped,
            "bytes_written": self.size,
            "outputs": self.outputs,
        }

    def as_text(self) -> str:
        """Return the summary as one line."""
        return (
            f"wrote {self.images} image{'s' * (self.images != 1)}, left out {counted(self.metadata + self.dropped, 'record')} without one: "
            f"{format_bytes(self.size)} in {printable(', '.join(self.outputs))}"
        )


def to_plain(
    found: Survey,
    prefix: Path,
    outputs: OutputSet,
    *,
    scalar: bool = False,
    checksums: bool = True,
    advance: Callable[[int], None] = lambda _: None,
) -> PlainReport:
    """Write the images of an identity file as a plain set, under their keys; the caller commits *outputs*.

    Args:
        found: the file.
        prefix: of the set.
        outputs: the files to write into.
        scalar: store one label where there are two, the identity and 'aligned'; else payloads stay as they are.
        checksums: write a .sum.
        advance: called with the number of records done since its last call.

    Raises:
        InputError: no record has an image.
        FormatError: a record cannot be read.
        FileError: a file cannot be read or written.
    """
    if not len(found.images):
        raise InputError(str(found.rec), f"none of {len(found.keys)} records has an image, so nothing was written")
    described = {"command": "identities to-plain", **({"--scalar-labels": "True"} if scalar else {})}
    tool = f"im2rec {im2rec.__version__}"
    rec = prefix.with_name(f"{prefix.name}.rec")
    companions.check_room(prefix, [rec], outputs)
    writer = IndexedWriter(rec, checksums=checksums, outputs=outputs, tool=tool, options=described)
    done = 0
    for block in blocks_of(found):
        here = slice(done, done + len(block))
        chosen = found.filled[here].nonzero()[0]
        if scalar:
            for number in chosen.tolist():
                writer.write(int(found.keys[done + number]), one_label(block.payload(number)))
        else:
            records = block.take(chosen)
            writer.write_encoded(found.keys[here][chosen].tolist(), records.sizes.tolist(), records.data, records.crcs.tolist())
        done += len(block)
        advance(len(block))
    writer.finish()
    dropped, remarks = len(found.others), companions.remove_old(prefix, outputs)
    names = [str(file.path) for file in writer.files]
    return PlainReport(len(writer), done - len(writer) - dropped, dropped, writer.size, names, remarks)


def one_label(payload: bytes) -> bytes:
    """Return a payload with its first label alone, stored in the header; its image stays."""
    flag, _, id_, id2 = _HEADER.unpack_from(payload)
    if not flag:
        return payload
    (label,) = struct.unpack_from("<f", payload, HEADER_SIZE)
    return _HEADER.pack(0, label, id_, id2) + payload[HEADER_SIZE + 4 * flag :]
