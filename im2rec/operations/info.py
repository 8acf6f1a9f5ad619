"""What is in a set: counts, labels, formats, sizes, and what it is laid out as."""

from __future__ import annotations

from array import array
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from im2rec.names import printable
from im2rec.operations import beside, checking, facts
from im2rec.operations.browse import NO_IMAGE, UNKNOWN, Entry, entries, is_detection, object_classes
from im2rec.rejects import rejects_path
from im2rec.report import format_bytes
from im2rec.sets import prefix_of, record_files
from recordio import files

_CLASSES: Final = 1 << 20  # distinct labels that are counted one by one
_SHOWN: Final = 10  # of them in the text


@dataclass(slots=True)
class Numbers:
    """Numbers of which the smallest, the median and the largest are told."""

    values: array[int] = field(default_factory=lambda: array("L"))

    def as_json(self) -> dict[str, int] | None:
        """Return them as an object for JSON; None where there are none."""
        if not self.values:
            return None
        ascending = sorted(self.values)
        return {"least": ascending[0], "median": ascending[len(ascending) // 2], "most": ascending[-1]}


@dataclass(slots=True)
class Info:
    """What a set holds.

    Attributes:
        files: its .rec files.
        size: their bytes.
        records: of all of them.
        images: records with image bytes.
        image_bytes: of these.
        headless: records without an image header.
        formats: format -> images; "?" for bytes that are no whole image of a format that is known.
        widths: number of labels of a record -> records.
        objects: of images that are labelled for detection.
        labels: first label -> records, in images for detection class -> objects, while there are few enough of them.
        least: smallest of these labels.
        most: largest of these labels.
        whole: whether all of them are whole numbers.
        image_widths: pixels.
        image_heights: pixels.
        layout: "plain", "multi-label", "detection", "identities", "mixed", "raw" (no image headers) or "empty".
        beside: suffix -> what is to be said of the file beside the .rec files.
        names: label -> name of the class, by the .classes.txt beside the set.
        readers: name of a reader -> what it would stumble over.
    """

    files: list[str] = field(default_factory=list)
    size: int = 0
    records: int = 0
    images: int = 0
    image_bytes: int = 0
    headless: int = 0
    formats: Counter[str] = field(default_factory=Counter)
    widths: Counter[int] = field(default_factory=Counter)
    objects: int = 0
    labels: Counter[float] | None = field(default_factory=Counter)
    least: float | None = None
    most: float | None = None
    whole: bool = True
    image_widths: Numbers = field(default_factory=Numbers)
    image_heights: Numbers = field(default_factory=Numbers)
    layout: str = "empty"
    beside: dict[str, str] = field(default_factory=dict)
    names: dict[float, str] = field(default_factory=dict)
    readers: dict[str, list[checking.Stumble]] = field(default_factory=dict)

    @property
    def classes(self) -> int | None:
        """Number of distinct first labels of images, and classes of objects; None where there are too many to count."""
        return None if self.labels is None else len(self.labels)

    def as_json(self) -> dict[str, Any]:
        """Return it as an object for JSON."""
        return {
            "files": self.files,
            "bytes": self.size,
            "records": self.records,
            "images": self.images,
            "image_bytes": self.image_bytes,
            "without_header": self.headless,
            "layout": self.layout,
            "formats": dict(sorted(self.formats.items())),
            "label_widths": {str(width): count for width, count in sorted(self.widths.items())},
            "objects": self.objects,
            "classes": self.classes,
            "labels": None if self.labels is None else {f"{label:.9g}": count for label, count in sorted(self.labels.items())},
            "class_names": {f"{label:.9g}": name for label, name in sorted(self.names.items())},
            "label_range": None if self.least is None else [self.least, self.most],
            "whole_labels": self.whole,
            "width": self.image_widths.as_json(),
            "height": self.image_heights.as_json(),
            "beside": self.beside,
            "readers": {name: [f"{stumble.reason}; {stumble.remedy}" for stumble in found] for name, found in self.readers.items()},
        }

    def as_lines(self) -> list[str]:
        """Return it as lines of text."""
        lines = [
            f"files    {len(self.files)}, {format_bytes(self.size)}: {printable(self.files[0])}{' ...' if len(self.files) > 1 else ''}",
            f"records  {self.records}, {self.images} with an image, {format_bytes(self.image_bytes)} of images",
            f"layout   {self.layout}",
        ]
        if self.formats:
            formats = ", ".join(f"{count} {name}" for name, count in self.formats.most_common())
            lines.append(f"formats  {formats}")
        for name, numbers in (("width", self.image_widths), ("height", self.image_heights)):
            found = numbers.as_json()
            if found:
                lines.append(f"{name:8} {found['least']} to {found['most']} pixels, median {found['median']}")
        if self.widths:
            widths = ", ".join(f"{count} record{'s' * (count != 1)} with {width}" for width, count in sorted(self.widths.items()))
            objects = f"{self.objects} object{'s' * (self.objects != 1)} of " if self.objects else ""
            lines.append(f"labels   {widths}; {objects}{self._said_classes()}")
        lines += [f"{suffix:8} {said}" for suffix, said in self.beside.items()]
        lines.append(f"readers  {', '.join(self._said_reader(reader) for reader in self.readers)}")
        return lines

    def _said_reader(self, reader: str) -> str:
        found = len(self.readers[reader])
        return f"{reader} stumbles ('im2rec check --for {reader}' says where)" if found else f"{reader} reads it"

    def _said_label(self, label: float) -> str:
        return f"{label:g} {printable(self.names[label])}" if label in self.names else f"{label:g}"

    def _said_classes(self) -> str:
        kind = "whole numbers" if self.whole else "not all of them whole numbers"
        spread = f"from {self.least:g} to {self.most:g}, {kind}" if self.least is not None else "none"
        if self.labels is None:
            return f"over {_CLASSES} different, {spread}"
        common = ", ".join(f"{self._said_label(label)} ({count})" for label, count in sorted(self.labels.items())[:_SHOWN])
        more = ", ..." if len(self.labels) > _SHOWN else ""
        return f"{len(self.labels)} different, {spread}: {common}{more}"


def info(given: Path) -> Info:
    """Read a set and count what is in it.

    Args:
        given: prefix of the set, or one .rec file.

    Raises:
        InputError: there is no such set.
        FormatError: a record cannot be read; 'verify' tells all that is wrong.
    """
    recs = record_files(given)
    found = Info([str(rec) for rec in recs], sum(rec.stat().st_size for rec in recs))
    prefix = prefix_of(given)
    layout, of_list = _Layout(), beside.ListCheck(prefix.with_name(f"{prefix.name}.lst"))
    of_readers = facts.begin(given, recs)
    records: dict[Path, int] = {}
    for rec in recs:
        before = found.records
        of_readers.start(rec)
        for entry in entries(rec, any_index=True):
            _count(found, entry)
            layout.see(entry)
            of_list.see(entry)
            of_readers.see(entry)
        records[rec] = found.records - before
    found.layout = layout.name()
    found.readers = {reader: checking.check(of_readers, reader) for reader in checking.READERS}
    found.beside = beside.describe(records)
    said = of_list.said([rejects_path(path) for path in dict.fromkeys([prefix, *(rec.with_suffix("") for rec in recs)])])
    if said:
        found.beside[".lst"] = said
    found.names = class_names(prefix.with_name(f"{prefix.name}.classes.txt"))
    return found


def _count(found: Info, entry: Entry) -> None:
    found.records += 1
    if entry.id is None:
        found.headless += 1
        return
    if entry.info.format == NO_IMAGE:
        return
    found.images += 1
    found.image_bytes += entry.image
    found.formats[entry.info.format] += 1
    found.widths[len(entry.labels)] += 1
    if entry.info.format != UNKNOWN:
        found.image_widths.values.append(entry.info.width)
        found.image_heights.values.append(entry.info.height)
    classes = entry.labels[:1]
    if is_detection(entry.labels):
        classes = object_classes(entry.labels)
        found.objects += len(classes)
    for label in classes:
        found.least = label if found.least is None else min(found.least, label)
        found.most = label if found.most is None else max(found.most, label)
        found.whole = found.whole and label.is_integer()
        if found.labels is not None:
            found.labels[label] += 1
            if len(found.labels) > _CLASSES:
                found.labels = None


class _Layout:
    """Recognises what the records of a set are laid out as, one after the other (docs/format.md, section 2)."""

    def __init__(self) -> None:
        self._kinds: Counter[str] = Counter()
        self._header: Entry | None = None
        self._ranges = 0

    def see(self, entry: Entry) -> None:
        """Look at the next record."""
        if entry.id is None:
            self._kinds["raw"] += 1
        elif entry.flag == 2 and not entry.image and entry.labels[0] <= entry.labels[1]:
            if entry.key == 0:
                self._header = entry
            else:
                self._ranges += 1
        elif len(entry.labels) < 2:
            self._kinds["plain"] += 1
        else:
            self._kinds["detection" if is_detection(entry.labels) else "multi-label"] += 1

    def name(self) -> str:
        """Return the name of the layout."""
        if self._header is not None and self._kinds.keys() <= {"plain", "multi-label"}:
            return "identities"
        if not self._kinds and not self._ranges:
            return "empty"
        return next(iter(self._kinds)) if len(self._kinds) == 1 and not self._ranges else "mixed"


def class_names(path: Path) -> dict[float, str]:
    """Read a class map of lines of label, tab, name; what is no such line names nothing."""
    names = {}
    if path.is_file():
        for line in files.read_whole(str(path)).decode("utf-8", "surrogateescape").split("\n"):
            label, tab, name = line.partition("\t")
            if tab and label.isdecimal():
                names[float(label)] = name
    return names
