"""What a set is, as far as the programs that read it care."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from im2rec.operations.browse import NO_IMAGE, UNKNOWN, Entry, entries, is_detection, object_classes
from im2rec.sets import prefix_of, record_files
from im2rec.together import missing_shards
from recordio import index
from recordio.errors import IndexFormatError

_CLASSES: Final = 1 << 20  # labels that are kept apart


@dataclass(slots=True)
class Seen:
    """Records of one kind: how many, and which was the first."""

    count: int = 0
    first: Entry | None = None

    def add(self, entry: Entry) -> None:
        """Count the next one."""
        self.first = self.first or entry
        self.count += 1

    def __bool__(self) -> bool:
        return self.count > 0

    def __str__(self) -> str:
        assert self.first is not None
        key = f"key {self.first.key}" if self.first.key is not None else f"offset {self.first.offset}"
        return f"1 record ({key})" if self.count == 1 else f"{self.count} records (the first: {key})"


@dataclass(slots=True)
class Facts:
    """What a set is, as far as readers care.

    Attributes:
        prefix: of the set.
        recs: its .rec files.
        missing: names of shards that are not there.
        indexes: for each .rec its index, None where there is none, or what is wrong with it.
        combined: the index of all files beside the prefix, where there are several.
        records: their number.
        headless: records without an image header.
        empty: records without an image.
        ranged: those of them that are metadata of identities.
        indexed_empty: those of them that the index lists.
        unlisted: images that the index does not list.
        unknown: images that are not whole, or of no known format.
        formats: format -> images of it.
        size: width and height of the first image whose size is known; None where there is none.
        unlike: images of another size.
        widths: number of labels -> images with so many.
        plural: images with a vector of several labels that are no detection.
        odd: images whose first label, or the class of one of their objects, is no whole number from 0.
        labels: first labels of images, while there are few enough; None where there are more.
        classes: classes of the objects of detection, likewise.
        zero: the record under key 0.
        doubled: keys that stand twice in one index.
        listed: offsets that the index of the file lists whose records are seen now.
    """

    prefix: Path
    recs: list[Path]
    missing: list[str] = field(default_factory=list)
    indexes: dict[Path, index.Index | str | None] = field(default_factory=dict)
    combined: index.Index | None = None
    records: int = 0
    headless: Seen = field(default_factory=Seen)
    empty: Seen = field(default_factory=Seen)
    ranged: Seen = field(default_factory=Seen)
    indexed_empty: Seen = field(default_factory=Seen)
    unlisted: Seen = field(default_factory=Seen)
    unknown: Seen = field(default_factory=Seen)
    formats: dict[str, Seen] = field(default_factory=dict)
    size: tuple[int, int] | None = None
    unlike: Seen = field(default_factory=Seen)
    widths: Counter[int] = field(default_factory=Counter)
    plural: Seen = field(default_factory=Seen)
    odd: Seen = field(default_factory=Seen)
    labels: set[float] | None = field(default_factory=set)
    classes: set[float] | None = field(default_factory=set)
    zero: Entry | None = None
    doubled: int = 0
    listed: set[int] | None = None

    def start(self, rec: Path) -> None:
        """Go on with the records of a file."""
        found = self.indexes[rec] = _index(rec.with_suffix(".idx"))
        self.listed = set(found.offsets.tolist()) if isinstance(found, index.Index) else None
        if isinstance(found, index.Index):
            self.doubled += len(found) - len(set(found.keys.tolist()))

    def see(self, entry: Entry) -> None:
        """Note the next record of the file."""
        listed = self.listed
        self.records += 1
        if entry.key == 0:
            self.zero = entry
        if entry.id is None:
            self.headless.add(entry)
        elif entry.info.format == NO_IMAGE:
            self.empty.add(entry)
            if entry.flag == 2 and entry.labels[0] <= entry.labels[1]:
                self.ranged.add(entry)
            if listed is None or entry.offset in listed:
                self.indexed_empty.add(entry)
        else:
            self._see_image(entry)

    def _see_image(self, entry: Entry) -> None:
        listed = self.listed
        if listed is not None and entry.offset not in listed:
            self.unlisted.add(entry)
        if entry.info.format == UNKNOWN:
            self.unknown.add(entry)
        else:
            self.formats.setdefault(entry.info.format, Seen()).add(entry)
        if entry.info.width:
            size = (entry.info.width, entry.info.height)
            self.size = self.size or size
            if size != self.size:
                self.unlike.add(entry)
        self.widths[len(entry.labels)] += 1
        if len(entry.labels) > 1:
            if is_detection(entry.labels):
                self.classes = self._with(self.classes, object_classes(entry.labels), entry)
            else:
                self.plural.add(entry)
        else:
            self.labels = self._with(self.labels, entry.labels or (math.nan,), entry)

    def _with(self, known: set[float] | None, labels: tuple[float, ...], entry: Entry) -> set[float] | None:
        """Return the labels that are known with some more."""
        if not all(label >= 0 and label.is_integer() for label in labels):
            self.odd.add(entry)
        elif known is not None:
            known.update(labels)
        return None if known is None or len(known) > _CLASSES else known


def begin(given: Path, recs: list[Path]) -> Facts:
    """Return the facts of a set before any of its records was seen."""
    facts = Facts(prefix_of(given), recs, [issue.file for issue in missing_shards(given, recs)])
    if len(recs) > 1:
        beside = _index(facts.prefix.with_name(f"{facts.prefix.name}.idx"))
        facts.combined = beside if isinstance(beside, index.Index) else None
    return facts


def gather(given: Path, advance: Callable[[int], None] = lambda _: None) -> Facts:
    """Read a set from start to end.

    Raises:
        InputError: there is no such set.
        FormatError: a record cannot be read; 'im2rec verify' tells all that is wrong.
    """
    facts = begin(given, record_files(given))
    for rec in facts.recs:
        facts.start(rec)
        for entry in entries(rec, any_index=True):
            facts.see(entry)
            advance(1)
    return facts


def _index(path: Path) -> index.Index | str | None:
    if not path.exists():
        return None
    try:
        return index.load(path)
    except IndexFormatError as error:
        return str(error)
