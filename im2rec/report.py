"""What a run did, in counts that add up: listed = packed + rejected. Rendered as text and as JSON."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from im2rec.errors import ImageError
from im2rec.names import printable
from recordio.traits import Trait

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
    rejects: list[Reject] = field(default_factory=list)
    bytes_read: int = 0
    bytes_written: int = 0
    outputs: list[str] = field(default_factory=list)
    encoded: bool = False
    remarks: list[Reject] = field(default_factory=list)
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
            "rejects": [reject.as_json() for reject in self.rejects],
            "remarks": [remark.as_json() for remark in self.remarks],
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


@dataclass(frozen=True, slots=True)
class Reject:
    """An image that was not packed, or that something is to be said of.

    Attributes:
        id: its id in the list; None where it never got one.
        path: as the list or the folder has it.
        reason: why.
    """

    id: int | None
    path: str
    reason: str

    def __str__(self) -> str:
        return f"{printable(self.path)}: {self.reason}"

    def as_json(self) -> dict[str, Any]:
        """Return it as an object for JSON."""
        return {"id": self.id, "path": self.path, "reason": self.reason}


def format_rejects(rejects: list[Reject]) -> bytes:
    """Format the content of a .rejects.tsv: a line of names, then id, path and reason of each, with C's escapes for odd bytes.

    It is UTF-8 whatever the names are.
    """
    lines = ["id\tpath\treason"]
    lines += ["\t".join(map(_one_field, ("" if r.id is None else str(r.id), r.path, r.reason))) for r in rejects]
    return "".join(f"{line}\n" for line in lines).encode("utf-8", "backslashreplace")


def parse_rejects(data: bytes) -> list[Reject]:
    """Parse the content of a .rejects.tsv.

    Raises:
        ValueError: a line is not as format_rejects writes it.
    """
    rejects = []
    for line in data.decode("utf-8", "surrogateescape").split("\n")[1:-1]:
        id_, path, reason = line.split("\t")
        rejects.append(Reject(int(id_) if id_ else None, _unescaped(path), _unescaped(reason)))
    return rejects


_ESCAPES = {"\\": "\\\\", "\t": "\\t", "\r": "\\r", "\n": "\\n"}
_MEANINGS = {escape: meaning for meaning, escape in _ESCAPES.items()}


def _one_field(text: str) -> str:
    return re.sub(r"[\\\t\r\n\udc80-\udcff]", lambda match: _ESCAPES.get(match[0]) or f"\\x{ord(match[0]) & 0xFF:02x}", text)


def _unescaped(text: str) -> str:
    return re.sub(r"\\(?:x[89a-f][0-9a-f]|.)", _meaning, text)


def _meaning(match: re.Match[str]) -> str:
    return chr(0xDC00 | ord(bytes.fromhex(match[0][2:]))) if len(match[0]) == 4 else _MEANINGS.get(match[0], match[0])


def rejects_of(errors: list[ImageError]) -> list[Reject]:
    """Turn what a walk could not list into rejects."""
    return [Reject(None, error.item, error.reason) for error in errors]


def format_bytes(count: int) -> str:
    """Format a number of bytes for people."""
    size = float(count)
    for unit in ("B", "kB", "MB", "GB"):
        if size < 1000:
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} TB"
