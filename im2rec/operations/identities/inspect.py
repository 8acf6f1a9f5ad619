"""What is in an identity file, and where its metadata and its records say different things."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from im2rec.operations.identities.metadata import PROPERTY, read_property
from im2rec.operations.identities.survey import Survey, is_about
from im2rec.report import counted


class Identity(NamedTuple):
    """An identity as the records have it.

    Attributes:
        key: of its record; None where there are more identities than records.
        start: its images' keys are [start, stop).
        stop: the end of them.
        label: of its images.
        images: their number.
        stated: the range that its record states; None without one.
    """

    key: int | None
    start: int
    stop: int
    label: float
    images: int
    stated: tuple[float, float] | None

    def as_line(self) -> str:
        """Return it as a line: key, start, stop, label and images, separated by tabs."""
        return f"{'' if self.key is None else self.key}\t{self.start}\t{self.stop}\t{self.label:.9g}\t{self.images}"

    def as_json(self) -> dict[str, Any]:
        """Return it as an object for JSON."""
        return {**self._asdict(), "stated": list(self.stated) if self.stated else None}


@dataclass(slots=True)
class Inspection:
    """What is in an identity file.

    Attributes:
        rec: its .rec.
        images: records with an image.
        identities: identity records.
        labels: identities by the labels of the images, in order of their keys.
        stated: the range of identity records by the header; None without a header.
        range: the same by the records.
        per_identity: fewest, median and most images of an identity.
        aligned: images with two labels, of which the second says whether the face is aligned.
        rounded: ranges that float32 has rounded; the ones here are the records' own.
        property: (classes, height, width) of the file ``property`` beside it; None where there is none.
        issues: what does not fit.
    """

    rec: str
    images: int
    identities: int
    labels: int
    stated: tuple[float, float] | None
    range: tuple[int, int] | None
    per_identity: tuple[int, int, int] | None
    aligned: int
    rounded: int = 0
    property: tuple[int, int, int] | None = None
    issues: list[str] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        """Return it as an object for JSON."""
        names = ("least", "median", "most")
        return {
            "rec": self.rec,
            "images": self.images,
            "identities": self.identities,
            "identities_by_label": self.labels,
            "header": list(self.stated) if self.stated else None,
            "header_by_records": list(self.range) if self.range else None,
            "images_per_identity": dict(zip(names, self.per_identity, strict=True)) if self.per_identity else None,
            "aligned_labels": self.aligned,
            "rounded_ranges": self.rounded,
            "property": dict(zip(("classes", "height", "width"), self.property, strict=True)) if self.property else None,
            "issues": self.issues,
        }

    def as_lines(self) -> list[str]:
        """Return it as lines of text."""
        lines = [f"images      {self.images}{f', {self.aligned} with two labels' * bool(self.aligned)}"]
        lines.append(f"identities  {counted(self.identities, 'record')}, {self.labels} by the labels of the images")
        if self.per_identity:
            least, median, most = self.per_identity
            lines.append(f"each        {least} to {most} images, median {median}")
        header = f"identity records are {self.stated[0]:.0f} to {self.stated[1]:.0f}, the end not included" if self.stated else "none"
        lines.append(f"header      {header}")
        if self.rounded and self.range:
            ranges = counted(self.rounded, "range")
            lines.append(f"rounded     {ranges} by float32; by the records the header's is {self.range[0]} to {self.range[1]}")
        if self.property:
            classes = counted(self.property[0], "class", "classes")
            lines.append(f"property    {classes}, {self.property[2]}x{self.property[1]} (width x height)")
        return lines


def inspect(found: Survey) -> Inspection:
    """Compare the metadata of an identity file with its images."""
    import numpy as np

    images, identities, runs = found.images, found.identities, found.runs
    header = found.header
    stated = (float(found.first[header]), float(found.second[header])) if header is not None else None
    range_ = (int(found.keys[identities[0]]), int(found.keys[identities[-1]]) + 1) if len(identities) else None
    sizes = np.sort(runs[1] - runs[0])
    each = (int(sizes[0]), int(sizes[len(sizes) // 2]), int(sizes[-1])) if len(sizes) else None
    aligned = int(np.count_nonzero(found.flags[images] == 2))
    told = Inspection(str(found.rec), len(images), len(identities), len(runs[0]), stated, range_, each, aligned)
    told.issues += _key_issues(found)
    told.issues += _header_issues(told)
    told.issues += _range_issues(found, told)
    told.issues += _property_issues(found, told)
    return told


def _key_issues(found: Survey) -> Iterator[str]:
    keys = found.keys[found.images]
    if len(keys) and not (keys[0] == 1 and keys[-1] == len(keys) and bool((keys[1:] > keys[:-1]).all())):
        yield f"the keys of the {len(keys)} images are not 1 to {len(keys)}, they reach from {keys[0]} to {keys[-1]}"
    ends = found.keys[found.identities]
    if len(ends) and len(keys) and not (ends[0] == len(keys) + 1 and ends[-1] == len(keys) + len(ends)):
        yield f"the keys of the identity records are {ends[0]} to {ends[-1]}, expected {len(keys) + 1} to {len(keys) + len(ends)}"
    if not found.listed:
        yield "there is no .idx, without which InsightFace's loaders cannot read it; 'im2rec index' writes it"
    elif found.header is None:
        yield "no header stands under key 0"
    if len(found.others):
        have = counted(len(found.others), "record has", "records have")
        yield f"{have} neither an image nor a range, such as the one under key {found.keys[found.others[0]]}"


def _header_issues(told: Inspection) -> Iterator[str]:
    if told.stated is None or told.range is None:
        return
    if told.stated == tuple(map(float, told.range)):
        return
    if is_about(told.stated[0], told.range[0]) and is_about(told.stated[1], told.range[1]):
        told.rounded += 1
        if told.stated[0] > told.range[0]:
            start = f"starts at {told.stated[0]:.0f}, rounded up from {told.range[0]}"
            yield f"the header's range {start}: loaders take identity records for images"
        return
    stated = f"{told.stated[0]:.0f} to {told.stated[1]:.0f}"
    yield f"the header states the range {stated}, the identity records have {told.range[0]} to {told.range[1]}"


def _range_issues(found: Survey, told: Inspection) -> Iterator[str]:
    import numpy as np

    keys, labels = found.keys[found.images], found.first[found.images]
    starts, stops = found.runs
    if len(np.unique(labels[starts])) < len(starts):
        yield f"images of one label do not stand under consecutive keys: {len(starts)} runs of {len(np.unique(labels))} labels"
    if len(starts) != len(found.identities):
        yield f"{len(found.identities)} identity records, the labels of the images make {len(starts)}"
        return
    first, last = keys[starts].astype(np.float64), keys[stops - 1].astype(np.float64) + 1
    a, b = found.first[found.identities].astype(np.float64), found.second[found.identities].astype(np.float64)
    unlike = (a != first) | (b != last)
    rounded = np.array([_is_rounded(*pair) for pair in zip(a[unlike], first[unlike], b[unlike], last[unlike], strict=True)], bool)
    told.rounded += int(rounded.sum())
    wrong = np.flatnonzero(unlike)[~rounded] if len(rounded) else []
    if len(wrong):
        at = int(wrong[0])
        key = found.keys[found.identities[at]]
        many = f"{len(wrong)} identity records state" if len(wrong) > 1 else "an identity record states"
        stated = f"{a[at]:.0f} to {b[at]:.0f}"
        yield f"{many} other ranges than the images' labels: key {key} has {stated}, they have {first[at]:.0f} to {last[at]:.0f}"


def _is_rounded(a: float, first: float, b: float, last: float) -> bool:
    """Tell whether a stated range is the true one as rounding has left it; a range of one key may have become empty."""
    return is_about(a, int(first)) and (is_about(b, int(last)) or b == a)


def _property_issues(found: Survey, told: Inspection) -> Iterator[str]:
    path = found.rec.with_name(PROPERTY)
    if not path.is_file():
        yield f"there is no file {PROPERTY!r} beside it, which InsightFace's loaders read"
        return
    told.property, fault = read_property(path)
    if fault:
        yield f"{path}: {fault}"
    classes = int(found.first[found.images].max()) + 1 if len(found.images) else 0
    if told.property and told.property[0] < classes:
        yield f"{path}: {counted(told.property[0], 'class', 'classes')}, the labels need {classes}"


def identities(found: Survey) -> Iterator[Identity]:
    """Yield the identities by the labels of the images, in order of their keys."""
    keys, labels = found.keys[found.images], found.first[found.images]
    records = found.identities
    for number, (start, stop) in enumerate(zip(*found.runs, strict=True)):
        known = number < len(records)
        at = records[number] if known else 0
        yield Identity(
            int(found.keys[at]) if known else None,
            int(keys[start]),
            int(keys[stop - 1]) + 1,
            float(labels[start]),
            int(stop - start),
            (float(found.first[at]), float(found.second[at])) if known else None,
        )
