"""What a run did, in counts that add up: listed = packed + rejected. Rendered as text and as JSON."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from im2rec.names import printable
from im2rec.rejects import Reject, Rejects, format_rejects, parse_rejects, rejects_of
from recordio.traits import Trait

__all__ = ["PackReport", "Reject", "Rejects", "format_bytes", "format_rejects", "parse_rejects", "rejects_of"]

_NAMES = 8  # names of files in one line
_SAID = {  # traits, as the summary says them
    Trait.ROTATED: "rotated by EXIF",
    Trait.ALPHA: "with alpha",
    Trait.PALETTE: "with a palette",
    Trait.CMYK: "CMYK",
    Trait.SIXTEEN_BIT: "of 16 bits",
    Trait.GRAY: "gray",
    Trait.ANIMATED: "animated",
    Trait.WRONG_SUFFIX: "with a wrong suffix",
}


@dataclass(slots=True)
class PackReport:
    """Counts of one pack; two of them can be added.

    Attributes:
        listed: images that were to be packed.
        packed: images that became records.
        rejects: the others, each with its reason.
        bytes_read: bytes of the packed images' files.
        bytes_written: bytes of the .rec files.
        outputs: names of the files that were written.
        encoded: whether the images were encoded anew; else their bytes were kept.
        remarks: images that were packed although something is odd about them.
        traits: sum of an image's traits -> number of packed images with just these; None when some were not looked at.
        ignored: files of the folder that were not taken for images, by their suffix.
        left_out: suffix -> number, of those of them that are suffixes of images.
    """

    listed: int = 0
    packed: int = 0
    rejects: Rejects = field(default_factory=Rejects)
    bytes_read: int = 0
    bytes_written: int = 0
    outputs: list[str] = field(default_factory=list)
    encoded: bool = False
    remarks: Rejects = field(default_factory=Rejects)
    traits: Counter[int] | None = field(default_factory=Counter)
    ignored: int = 0
    left_out: Counter[str] = field(default_factory=Counter)

    @property
    def rejected(self) -> int:
        """Number of images that were not packed."""
        return len(self.rejects)

    def __add__(self, other: PackReport) -> PackReport:
        return PackReport(
            self.listed + other.listed,
            self.packed + other.packed,
            self.rejects + other.rejects,
            self.bytes_read + other.bytes_read,
            self.bytes_written + other.bytes_written,
            self.outputs + other.outputs,
            self.encoded or other.encoded,
            self.remarks + other.remarks,
            None if self.traits is None or other.traits is None else self.traits + other.traits,
            self.ignored + other.ignored,
            self.left_out + other.left_out,
        )

    def count(self, trait: Trait) -> int:
        """Count the packed images that have a trait; 0 where none was looked at."""
        return sum(number for traits, number in (self.traits or {}).items() if traits & trait)

    def as_json(self) -> dict[str, Any]:
        """Return the report as an object for JSON."""
        return {
            "listed": self.listed,
            "packed": self.packed,
            "rejected": self.rejected,
            "ignored": self.ignored,
            "left_out": dict(sorted(self.left_out.items())),
            "rejects": [reject.as_json() for reject in self.rejects.first],
            "more_rejects": self.rejects.more,
            "remarks": [remark.as_json() for remark in self.remarks.first],
            "more_remarks": self.remarks.more,
            "traits": None if self.traits is None else {str(trait.name).lower(): self.count(trait) for trait in Trait},
            "bytes_read": self.bytes_read,
            "bytes_written": self.bytes_written,
            "images": "encoded" if self.encoded else "kept as they are",
            "outputs": self.outputs,
        }

    def as_text(self, verb: str = "packed") -> str:
        """Return the summary as one line."""
        kept = "encoded anew" if self.encoded else "bytes kept as they are"
        rejected = f", {self.rejected} rejected" if self.rejects else ""
        rejected += f", {self.ignored} other files ignored" if self.ignored > 1 else ", 1 other file ignored" * self.ignored
        special = ", ".join(f"{self.count(trait)} {said}" for trait, said in _SAID.items() if self.count(trait))
        names = self.outputs if len(self.outputs) <= _NAMES else [*self.outputs[:2], "...", *self.outputs[-2:]]
        return (
            f"{verb} {self.packed} of {self.listed} image{'s' * (self.listed != 1)} ({kept}){rejected}: "
            f"{format_bytes(self.bytes_read)} read, {format_bytes(self.bytes_written)} in {printable(', '.join(names))}"
            f"{f'; among them {special}' if special else ''}"
        )


def counted(number: int, one: str, many: str = "") -> str:
    """Return a number with its noun and what else depends on it: "1 image has", "2 images have". By default *many* is *one* with an s."""
    return f"{number} {one if number == 1 else many or f'{one}s'}"


def format_bytes(count: int) -> str:
    """Format a number of bytes for people."""
    size = float(count)
    for unit in ("B", "kB", "MB", "GB"):
        if size < 1000:
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} TB"
