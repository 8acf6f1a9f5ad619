"""What an operation did, in counts that add up."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

from im2rec.names import printable
from im2rec.report import format_bytes

NAMED: Final = 10  # keys or sets that are named


@dataclass(slots=True)
class Report:
    """What an operation did: read = written + left out.

    Attributes:
        verb: its name.
        read: records of all sources.
        written: records of all outputs.
        left_out: why -> records.
        duplicates: written records whose key an earlier one of the same output has.
        bytes_written: of all .rec files.
        outputs: names of the files that were written.
        parts: name of an output set -> its records, where there are several.
        missing: keys, or ranges of them, that were asked for and are those of no record.
        remarks: what else is to be said.
    """

    verb: str
    read: int = 0
    written: int = 0
    left_out: dict[str, int] = field(default_factory=dict)
    duplicates: int = 0
    bytes_written: int = 0
    outputs: list[str] = field(default_factory=list)
    parts: dict[str, int] = field(default_factory=dict)
    missing: list[str] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)

    def leave_out(self, why: str, count: int) -> None:
        """Count records that are not written."""
        if count:
            self.left_out[why] = self.left_out.get(why, 0) + count

    def said_missing(self) -> str:
        """Return what should be said of keys that no record has; "" where there are none."""
        if not self.missing:
            return ""
        named = ", ".join(self.missing[:NAMED]) + ", ..." * (len(self.missing) > NAMED)
        return f"no record has {len(self.missing)} of the keys that were asked for: {named}"

    def as_json(self) -> dict[str, Any]:
        """Return the report as an object for JSON."""
        return {
            "command": self.verb,
            "read": self.read,
            "written": self.written,
            "left_out": self.left_out,
            "duplicates": self.duplicates,
            "bytes_written": self.bytes_written,
            "parts": self.parts,
            "outputs": self.outputs,
            "missing": self.missing,
            "remarks": self.remarks,
        }

    def as_text(self) -> str:
        """Return the summary as one line."""
        left = "".join(f", {count} left out ({why})" for why, count in self.left_out.items())
        names = self.outputs if len(self.outputs) <= 6 else [*self.outputs[:2], "...", *self.outputs[-2:]]
        into = printable(", ".join(names)) or "<stdout>"
        return (
            f"{self.verb}: {self.written} of {self.read} record{'s' * (self.read != 1)}{left}: {format_bytes(self.bytes_written)} in {into}"
        )
