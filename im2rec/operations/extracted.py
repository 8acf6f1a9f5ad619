"""What an extraction did, in counts that add up."""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from im2rec.names import printable
from im2rec.report import counted, format_bytes

_NAMED: Final = 10  # keys that are named of a kind of reject
NO_HEADER: Final = "no image header"
NO_IMAGE: Final = "no image bytes"
TWICE: Final = "an earlier record has this id, so no line of the list can name it"
NOT_FINITE: Final = "a label that is no finite number, which a list cannot carry"


@dataclass(slots=True)
class ExtractReport:
    """Counts of an extraction: records = extracted + rejected + passed over.

    Attributes:
        records: of the set.
        extracted: images that were written.
        passed_over: records without an image, where only images were asked for.
        rejects: reason -> ids of the records that were not extracted, or offsets of those that have none.
        unlisted: reason -> ids of the images that were written and are not in the list.
        renamed: images whose name could not be that of the list.
        unclear: ids for which the list of the set has several paths.
        strangers: images that the list of the set does not name.
        inexact: records that no list packs to the same bytes: with an id2, or labels in an unusual form.
        other_keys: whether the .idx has other keys than the ids of the headers.
        bytes_written: bytes of the images.
        outputs: the folder and the list in it.
    """

    records: int = 0
    extracted: int = 0
    passed_over: int = 0
    rejects: dict[str, array[int]] = field(default_factory=dict)
    unlisted: dict[str, array[int]] = field(default_factory=dict)
    renamed: int = 0
    unclear: int = 0
    strangers: int = 0
    inexact: int = 0
    other_keys: bool = False
    bytes_written: int = 0
    outputs: list[str] = field(default_factory=list)

    @property
    def rejected(self) -> int:
        """Number of records that were not extracted."""
        return sum(map(len, self.rejects.values()))

    @property
    def has_issues(self) -> bool:
        """Whether something is missing in the folder or the list."""
        return bool(self.rejects or self.unlisted)

    def as_json(self) -> dict[str, Any]:
        """Return the report as an object for JSON."""
        return {
            "records": self.records,
            "extracted": self.extracted,
            "rejected": self.rejected,
            "passed_over": self.passed_over,
            "rejects": {reason: list(ids) for reason, ids in self.rejects.items()},
            "unlisted": {reason: list(ids) for reason, ids in self.unlisted.items()},
            "renamed": self.renamed,
            "ids_twice_in_list": self.unclear,
            "not_in_list": self.strangers,
            "inexact": self.inexact,
            "other_keys": self.other_keys,
            "bytes_written": self.bytes_written,
            "outputs": self.outputs,
        }

    def as_text(self) -> str:
        """Return the summary as one line."""
        others = f", {self.rejected} rejected" if self.rejects else ""
        others += f", {self.passed_over} without an image passed over" if self.passed_over else ""
        of = f"{self.records} record{'s' * (self.records != 1)}"
        return f"extracted {self.extracted} of {of}{others}: {format_bytes(self.bytes_written)} in {printable(', '.join(self.outputs))}"

    def issues(self) -> Iterator[str]:
        """Yield a line for each kind of record that was not extracted, or not listed."""
        for word, found in (("rejected", self.rejects), ("not listed", self.unlisted)):
            for reason, ids in found.items():
                what = "offset" if reason == NO_HEADER else "id"
                named = ", ".join(map(str, ids[:_NAMED])) + ", ..." * (len(ids) > _NAMED)
                records = f"{len(ids)} record{'s' * (len(ids) != 1)}"
                yield f"{word}: {records}: {reason} ({what}{'s' * (len(ids) != 1)} {named})"

    def remarks(self) -> Iterator[str]:
        """Yield what should be said although nothing is missing."""
        if self.renamed:
            count = counted(self.renamed, "image")
            yield f"{count} could not keep the path of the list: not safe, taken already, or another format's suffix"
        if self.unclear:
            many = counted(self.unclear, "id has", "ids have")
            yield f"{many} several paths in the set's list, which does not tell whose they are"
        if self.strangers:
            yield f"{counted(self.strangers, 'image has', 'images have')} no path in the set's list, named by label and id"
        if self.inexact:
            have = counted(self.inexact, "record has", "records have")
            yield f"{have} an id2 or labels in an unusual form, so the list packs to other bytes there"
        if self.other_keys:
            yield "the keys of the .idx are not the ids of the records in their order, so the list packs to another .idx"
