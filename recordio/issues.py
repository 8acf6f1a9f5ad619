"""What a check of a dataset finds wrong, one thing each, and the report that gathers them."""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import chain, islice
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

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
        summed: whether there is a .sum; it vouches for nothing when it is damaged.
        expected: records that the .sum lists; None where none vouches.
        differs: whether the file as a whole is not that of the .sum, although each record is.
        ordinals: whether the keys of the .idx are 0, 1, 2, ... while the headers have other ids.
        version: of the .rec, as InputFile has it.
        keys: of the .idx, else of the .sum, else the ids of the headers: (n,) uint64; None where there are none.
        issues: what is wrong, the first ten thousand.
        count: number of all issues.
        counts: of all issues by (file, kind).
        offsets: of the records that are whole, bytes from the start of the file.
        ends: where each of them ends.
        crcs: CRC-32 of each.
    """

    rec: str
    records: int = 0
    size: int = 0
    vouched: bool = False
    indexed: bool = False
    summed: bool = False
    expected: int | None = None
    differs: bool = False
    ordinals: bool = False
    version: tuple[int, ...] = field(default=(), repr=False, compare=False)
    keys: NDArray[np.uint64] | None = field(default=None, repr=False, compare=False)
    issues: list[Issue] = field(default_factory=list)
    count: int = 0
    counts: Counter[tuple[str, str]] = field(default_factory=Counter)
    offsets: array[int] = field(default_factory=lambda: array("Q"))
    ends: array[int] = field(default_factory=lambda: array("Q"))
    crcs: array[int] = field(default_factory=lambda: array("I"))

    def add(self, issue: Issue) -> None:
        """Add an issue."""
        self.count += 1
        self.counts[issue.file, issue.kind] += 1
        if len(self.issues) < _KEPT:
            self.issues.append(issue)

    def add_all(self, count: int, issues: Iterator[Issue]) -> None:
        """Add *count* issues of one file and kind; those that are not kept are not made."""
        first = next(issues, None)
        if first is None:
            return
        self.issues.extend(islice(chain((first,), issues), min(count, _KEPT - len(self.issues))))
        self.count += count
        self.counts[first.file, first.kind] += count

    def count_of(self, *kinds: str) -> int:
        """Return the number of issues of some kinds."""
        return sum(count for (_, kind), count in self.counts.items() if kind in kinds)

    @property
    def hurt(self) -> bool:
        """Whether the .rec itself is damaged."""
        return any(file == self.rec and kind in ("frame", "checksum") for file, kind in self.counts)

    @property
    def payload(self) -> str:
        """What is known of the payloads: "verified", "damaged" (not all of them are), or "unverified" without a .sum."""
        if not self.vouched:
            return "unverified"
        return "verified" if self.records == self.expected and not self.differs else "damaged"

    def as_json(self) -> dict[str, Any]:
        """Return the report as an object for JSON, without the issues."""
        return {
            "rec": self.rec,
            "records": self.records,
            "expected": self.expected,
            "bytes": self.size,
            "payload": self.payload,
            "indexed": self.indexed,
            "keys": "ordinals" if self.ordinals else "ids",
            "issues": self.count,
        }
