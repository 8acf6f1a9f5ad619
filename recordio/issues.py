"""What a check of a dataset finds wrong, one thing each, and the report that gathers them."""

from __future__ import annotations

from array import array
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, Final

_KEPT: Final = 10_000  # issues that are kept; more are only counted


@dataclass(frozen=True, slots=True)
class Issue:
    """One thing that is wrong.

    Attributes:
        file: name of the file.
        kind: "frame", "checksum", "index", "sum", "header", "label", "image", "list" or "set".
        reason: what stands there and what was expected.
        key: of the record, where one is concerned and its key is known.
        offset: of the bytes concerned, from the start of the file; None for the file as a whole.
        length: number of these bytes.
    """

    file: str
    kind: str
    reason: str
    key: int | None = None
    offset: int | None = None
    length: int = 0

    def __str__(self) -> str:
        key = f" key {self.key}:" if self.key is not None else ""
        place = f" bytes {self.offset} to {self.offset + max(self.length, 1) - 1}:" if self.offset is not None else ""
        return f"{self.file}:{key}{place} {self.reason}"

    def as_json(self) -> dict[str, Any]:
        """Return the issue as an object for JSON."""
        return {
            "file": self.file,
            "kind": self.kind,
            "key": self.key,
            "offset": self.offset,
            "length": self.length,
            "reason": self.reason,
        }


@dataclass(slots=True)
class VerifyReport:
    """What was checked, and what is wrong.

    Attributes:
        rec: name of the .rec file.
        records: records that are whole.
        size: bytes of the .rec file.
        vouched: whether a .sum vouches for the payloads; without one flipped bits in them cannot be seen.
        indexed: whether there is an .idx.
        issues: what is wrong, the first ten thousand.
        count: number of all issues.
        offsets: of the records that are whole, bytes from the start of the file.
        ends: where each of them ends.
        crcs: CRC-32 of each.
    """

    rec: str
    records: int = 0
    size: int = 0
    vouched: bool = False
    indexed: bool = False
    issues: list[Issue] = field(default_factory=list)
    count: int = 0
    offsets: array[int] = field(default_factory=lambda: array("Q"))
    ends: array[int] = field(default_factory=lambda: array("Q"))
    crcs: array[int] = field(default_factory=lambda: array("I"))

    def add(self, issue: Issue) -> None:
        """Add an issue."""
        self.count += 1
        if len(self.issues) < _KEPT:
            self.issues.append(issue)

    def add_all(self, count: int, issues: Iterable[Issue]) -> None:
        """Add *count* issues; those that are not kept are not made."""
        self.issues.extend(islice(issues, min(count, _KEPT - len(self.issues))))
        self.count += count

    def as_json(self) -> dict[str, Any]:
        """Return the report as an object for JSON, without the issues."""
        return {
            "rec": self.rec,
            "records": self.records,
            "bytes": self.size,
            "payload": "verified" if self.vouched else "unverified",
            "indexed": self.indexed,
            "issues": self.count,
        }
