"""Checking the image headers of records, block by block."""

from __future__ import annotations

import math
from array import array
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, cast

from recordio import frame, header
from recordio.errors import BadHeader
from recordio.issues import Issue

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

# (offset, id, packed flag and labels) of the records of a block, but for the metadata of identity files, which no list names
Watch = Callable[[list[tuple[int, int, bytes]]], None]


class HeaderCheck:
    """Checks image headers, and gathers the ids.

    Args:
        rec: name of the .rec file.
        label_width: labels that each record must have; None for any number.
        watch: called with the headers of each block of records.

    Attributes:
        offsets: of the records that have a header.
        ids: theirs.
    """

    def __init__(self, rec: str, label_width: int | None, watch: Watch | None) -> None:
        self._rec = rec
        self._label_width = label_width
        self._watch = watch
        self.offsets: array[int] = array("Q")
        self.ids: array[int] = array("Q")

    def run(self, block: bytes, base: int, rows: list[tuple[int, int, int]]) -> Iterator[Issue]:
        """Check the headers of a block's whole records, (start, end, CRC-32) each; issues know the key by the id, if at all."""
        unpack, least = header.SCALAR_RECORD.unpack_from, header.SCALAR_RECORD.size
        offsets, ids, seen = [], [], []
        any_width = self._label_width in (None, 1)
        for start, end, _ in rows:
            if end - start >= least:
                _, lrec, flag, label, id_, _ = unpack(block, start)
                # The usual case without a call: one part, one finite label.
                if header.HEADER_SIZE <= lrec <= frame.MAX_LENGTH and not flag and any_width and -math.inf < label < math.inf:
                    offsets.append(base + start)
                    ids.append(id_)
                    if self._watch is not None:
                        seen.append((base + start, id_, block[start + frame.HEAD_SIZE : start + frame.HEAD_SIZE + 8]))
                    continue
            payload, _ = frame.decode_at(block, start)
            try:
                found, image = header.unpack(payload)
            except BadHeader as error:
                yield Issue(self._rec, "header", error.reason, None, base + start, end - start)
                continue
            offsets.append(base + start)
            ids.append(found.id)
            if self._watch is not None and not _is_range(found, image):
                seen.append((base + start, found.id, payload[:8] + payload[header.HEADER_SIZE : header.HEADER_SIZE + 4 * found.flag]))
            fault = self._label_fault(found)
            if fault:
                yield Issue(self._rec, "label", fault, found.id, base + start, end - start)
        self.offsets.extend(offsets)
        self.ids.extend(ids)
        if self._watch is not None:
            self._watch(seen)

    def _label_fault(self, found: header.Header) -> str | None:
        count = found.flag or 1
        if self._label_width not in (None, count):
            return f"{count} label{'s' * (count > 1)}, expected {self._label_width}"
        if not found.flag:
            label = cast("float", found.label)
            return None if math.isfinite(label) else f"the label {label}, expected a finite number"
        import numpy as np

        labels = cast("NDArray[np.float32]", found.label)
        finite = np.isfinite(labels)
        return None if finite.all() else f"the label {labels[int(finite.argmin())]}, expected a finite number"


def _is_range(found: header.Header, image: bytes) -> bool:
    """Tell whether a record is the header or an identity record of a face-recognition file: a range of keys, and no image."""
    if found.flag != 2 or image:
        return False
    first, second = cast("NDArray[np.float32]", found.label).tolist()
    return bool(first <= second)
