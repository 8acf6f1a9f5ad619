"""What stands behind the images of an identity file: the identity records, the header under key 0, the ``property`` beside it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from im2rec.errors import PlanError
from im2rec.names import printable
from im2rec.operations.identities.survey import round_down, round_up
from im2rec.report import counted, format_bytes
from recordio.errors import ImageFormatError
from recordio.header import pack_header
from recordio.outputs import OutputSet
from recordio.probe import probe
from recordio.writer import IndexedWriter

PROPERTY: Final = "property"  # the file's name, whatever the set is called


@dataclass(frozen=True, slots=True)
class IdentityOptions:
    """How an identity file is written.

    Attributes:
        renumber: number the labels 0, 1, 2, ... in ascending order of the old ones; else they stay.
        image_size: (height, width) for ``property``; None for that of the images.
        property: write ``property`` beside the set.
        checksums: write a .sum.
    """

    renumber: bool = True
    image_size: tuple[int, int] | None = None
    property: bool = True
    checksums: bool = True


@dataclass(slots=True)
class IdentityReport:
    """What an identity file holds that was written.

    Attributes:
        images: records with an image.
        identities: identity records.
        left_out: images of the inputs that were not taken.
        dropped: records of the inputs that are neither an image nor metadata.
        renumbered: labels that are others than before.
        classes: what ``property`` says: the largest label and one.
        rounded: header or identity records whose range float32 could not hold.
        sizes: (height, width) -> images.
        unreadable: images of a format that is not known.
        size: bytes of the .rec.
        outputs: names of the files that were written.
        removed: what is to be said of files of an old set that were removed.
    """

    images: int = 0
    identities: int = 0
    left_out: int = 0
    dropped: int = 0
    renumbered: int = 0
    classes: int = 0
    rounded: int = 0
    sizes: Counter[tuple[int, int]] = field(default_factory=Counter)
    unreadable: int = 0
    size: int = 0
    outputs: list[str] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)

    def see(self, image: bytes) -> None:
        """Note the size of an image."""
        try:
            info = probe(image)
        except ImageFormatError:
            self.unreadable += 1
        else:
            self.sizes[info.height, info.width] += 1

    def as_json(self) -> dict[str, Any]:
        """Return the report as an object for JSON."""
        return {
            "images": self.images,
            "identities": self.identities,
            "left_out": self.left_out,
            "dropped": self.dropped,
            "renumbered": self.renumbered,
            "classes": self.classes,
            "rounded_ranges": self.rounded,
            "image_sizes": [{"height": h, "width": w, "images": count} for (h, w), count in self.sizes.most_common(20)],
            "unreadable": self.unreadable,
            "bytes_written": self.size,
            "outputs": self.outputs,
        }

    def as_text(self) -> str:
        """Return the summary as one line."""
        left = f", {counted(self.left_out, 'image')} left out" * bool(self.left_out)
        return (
            f"wrote {self.images} image{'s' * (self.images != 1)} of {self.identities} identit{'y' if self.identities == 1 else 'ies'}"
            f"{left}: {format_bytes(self.size)} in {printable(', '.join(self.outputs))}"
        )

    def remarks(self) -> list[str]:
        """Return what should be said although all went well."""
        said = list(self.removed)
        if self.renumbered:
            have = counted(self.renumbered, "identity has another label", "identities have other labels")
            said.append(f"{have} now: they are numbered from 0 (--keep-labels leaves them)")
        if len(self.sizes) > 1:
            (height, width), count = self.sizes.most_common(1)[0]
            rest = sum(self.sizes.values()) - count
            are = counted(rest, "image is", "images are")
            said.append(f"{are} not {width}x{height} (width x height) as the others; trainers expect one size")
        if self.unreadable:
            said.append(f"{counted(self.unreadable, 'image is', 'images are')} of no known format or not whole")
        if self.rounded:
            said.append(
                f"float32 cannot hold {self.rounded} of the ranges (beyond 16,777,216): the header's is rounded down, "
                "so that readers which trust it never take an identity record for an image"
            )
        if self.dropped:
            were = "was" if self.dropped == 1 else "were"
            said.append(f"{counted(self.dropped, 'record')} without an image and without a range {were} left out")
        return said


def write_metadata(writer: IndexedWriter, ranges: Iterable[tuple[int, int]], images: int, report: IdentityReport) -> None:
    """Write the identity records under the keys behind the images, and the header under key 0.

    Args:
        writer: holds the images under 1 to *images*.
        ranges: keys [start, stop) of each identity, in order. One that float32 cannot hold is stored as the range within it.
        images: their number.
        report: gets the counts.

    Raises:
        FileError: a write failed.
    """
    key = images
    for key, (start, stop) in enumerate(ranges, images + 1):
        stored = min(round_up(start), round_down(stop)), round_down(stop)
        report.rounded += stored != (start, stop)
        writer.write(key, pack_header([float(value) for value in stored], key))
    report.images, report.identities = images, key - images
    true = images + 1, key + 1
    stored = round_down(true[0]), round_down(true[1])
    report.rounded += stored != true
    writer.write(0, pack_header([float(value) for value in stored], 0))


def write_property(folder: Path, report: IdentityReport, options: IdentityOptions, outputs: OutputSet) -> None:
    """Write ``property``: one line of classes, height and width, as InsightFace's loaders read it.

    Raises:
        PlanError: no size is given, and no image has one.
        FileError: it cannot be written.
    """
    size = options.image_size or (report.sizes.most_common(1)[0][0] if report.sizes else None)
    if size is None:
        raise PlanError("no image tells its size for 'property': give --image-size HxW, or --no-property")
    path = folder / PROPERTY
    outputs.create(path).write(f"{report.classes},{size[0]},{size[1]}\n".encode("ascii"))
    report.outputs.append(str(path))


def read_property(path: Path) -> tuple[tuple[int, int, int] | None, str]:
    """Read a ``property``; return (classes, height, width) if its first line has them, and what is wrong with it or ""."""
    from recordio import files

    lines = files.read_whole(path).decode("utf-8", "replace").splitlines()
    words = lines[0].split(",") if lines else []
    if len(words) != 3 or not all(word.strip().isdecimal() for word in words):
        return None, f"{lines[0][:40]!r}, expected 'classes,height,width'" if lines else "is empty, expected 'classes,height,width'"
    classes, height, width = (int(word) for word in words)
    return (classes, height, width), "has more than one line, which old loaders fail on" if len(lines) > 1 else ""
