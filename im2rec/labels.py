"""Labels from a CSV file: ``path,label[,label ...]`` a row."""

from __future__ import annotations

import csv
from dataclasses import dataclass, field
from pathlib import Path

from im2rec.errors import InputError, ListError
from im2rec.listfile import Item, check_item, parse_label


@dataclass(frozen=True, slots=True)
class CsvLabels:
    """Labels by path.

    Attributes:
        by_path: relative path, with forward slashes -> labels.
        classes: class name -> label, when the file names classes; else empty.
    """

    by_path: dict[str, tuple[float, ...]]
    classes: dict[str, int] = field(default_factory=dict)


def load(path: Path, *, allow_rounding: bool = False) -> CsvLabels:
    """Load a CSV file of labels. Labels are numbers, or one class name a row; names are numbered in sorted order.

    A first row whose labels are no numbers while those of all others are is a header, and left out.

    Raises:
        InputError: the file cannot be read.
        ListError: a row has no label or one that float32 cannot carry, or a path stands twice.
    """
    rows = _rows(path)
    if not rows:
        raise InputError(str(path), "is empty, expected rows of path,label")
    if len(rows) > 1 and _numbers(rows[0][1]) is None and all(_numbers(row) is not None for _, row in rows[1:]):
        del rows[0]
    numbers = [_numbers(row) for _, row in rows]
    classes: dict[str, int] = {}
    if None in numbers:
        number, row = rows[numbers.index(None)]
        if any(len(fields) != 2 for _, fields in rows):
            raise ListError(str(path), number, f"the label {row[1]!r} is no number, and only a single label may be a name")
        if len(rows) > 1 and rows[0][1][0].lower() in ("path", "file", "filename", "image"):
            del rows[0]
        classes = {name: label for label, name in enumerate(sorted({fields[1] for _, fields in rows}))}
    by_path: dict[str, tuple[float, ...]] = {}
    for number, fields in rows:
        name = fields[0].replace("\\", "/").removeprefix("./")
        if name in by_path:
            raise ListError(str(path), number, f"{name} stands in it twice")
        by_path[name] = (float(classes[fields[1]]),) if classes else tuple(map(float, fields[1:]))
        if fault := check_item(Item(0, by_path[name], name), allow_rounding=allow_rounding):
            raise ListError(str(path), number, fault)
    return CsvLabels(by_path, classes)


def _rows(path: Path) -> list[tuple[int, list[str]]]:
    """Read (line number, fields) of all rows that are not blank."""
    rows: list[tuple[int, list[str]]] = []
    try:
        with open(path, encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file)
            for fields in reader:
                if not any(field.strip() for field in fields):
                    continue
                if len(fields) < 2:
                    raise ListError(str(path), reader.line_num, f"{fields[0]!r} has no label, expected path,label")
                rows.append((reader.line_num, [field.strip() for field in fields]))
    except OSError as error:
        raise InputError(str(path), f"cannot be read: {error.strerror}") from None
    except (UnicodeDecodeError, csv.Error) as error:
        raise InputError(str(path), f"is no CSV file in UTF-8: {error}") from None
    return rows


def _numbers(fields: list[str]) -> list[float] | None:
    try:
        return [parse_label(field) for field in fields[1:]]
    except ValueError:
        return None
