"""What a relabelling did, and which labels the records get."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from im2rec.names import printable
from recordio.header import HEADER_SIZE

_HEADER: Final = struct.Struct("<IfQQ")
_NAMED: Final = 10  # ids that are named
HARM: Final = "would put images of other labels into them"  # to the identities
Labels = Mapping[int, tuple[float, ...]]


@dataclass(slots=True)
class RelabelReport:
    """Counts of a relabelling: records = changed + same + kept.

    Attributes:
        records: of the set.
        changed: records that have other labels now.
        same: records that had the labels already.
        kept: records that were not named, or have no image.
        missing: ids that were named, and no image has.
        in_place: whether the set itself was changed.
        outputs: names of the files that were changed or written.
        remarks: what else is to be said.
    """

    records: int = 0
    changed: int = 0
    same: int = 0
    kept: int = 0
    missing: list[int] = field(default_factory=list)
    in_place: bool = True
    outputs: list[str] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        """Return the report as an object for JSON."""
        return {
            "records": self.records,
            "changed": self.changed,
            "same": self.same,
            "kept": self.kept,
            "missing": self.missing,
            "in_place": self.in_place,
            "outputs": self.outputs,
        }

    def as_text(self) -> str:
        """Return the summary as one line."""
        same = f", {self.same} had these labels already" if self.same else ""
        kept = f", {self.kept} not named" if self.kept else ""
        where = f": {printable(', '.join(self.outputs))}" if self.outputs else ", nothing was written"
        return f"relabelled {self.changed} of {self.records} record{'s' * (self.records != 1)}{same}{kept}{where}"

    def said_missing(self) -> str:
        """Return what should be said of ids that no record has; "" where there are none."""
        if not self.missing:
            return ""
        named = ", ".join(map(str, self.missing[:_NAMED])) + ", ..." * (len(self.missing) > _NAMED)
        return f"{len(self.missing)} id{'s' * (len(self.missing) != 1)} that no image of the set has: {named}"


class Seen:
    """Finds the new labels of records, and notes which ids have come."""

    def __init__(self, labels: Labels) -> None:
        self._labels = labels
        self._ids: set[int] = set()

    def labels(self, payload: bytes) -> tuple[float, ...] | None:
        """Return the new labels of a record with an image; None where it is not named."""
        if len(payload) < HEADER_SIZE:
            return None
        flag, _, id_, _ = _HEADER.unpack_from(payload)
        new = self._labels.get(id_)
        if new is None or len(payload) <= HEADER_SIZE + 4 * flag:
            return None
        self._ids.add(id_)
        return new

    def missing(self) -> list[int]:
        """Return the ids that have not come."""
        return [id_ for id_ in self._labels if id_ not in self._ids]
