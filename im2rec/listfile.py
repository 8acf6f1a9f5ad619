"""The .lst grammar: ``id TAB label [TAB label ...] TAB path LF`` (docs/format.md, section 4)."""

from __future__ import annotations

import math
import struct
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, NamedTuple

from im2rec.errors import ListError
from recordio import checksum
from recordio.outputfile import OutputFile
from recordio.outputs import OutputSet

MAX_ID = (1 << 64) - 1
EXACT_INTEGERS = 1 << 24  # float32 holds every integer up to here
_SMALLEST = 2.0**-149  # what is less than half of it becomes 0 in float32


class Item(NamedTuple):
    """One line of a list.

    Attributes:
        id: 0 to 2**64 - 1; becomes the record's key and its header's id.
        labels: one or more.
        path: of the image, relative to the root, with forward slashes.
    """

    id: int
    labels: tuple[float, ...]
    path: str


def format_label(label: float) -> str:
    """Format a label as MXNet does, with six decimals; with more where six would change it."""
    text = f"{label:f}"
    return text if float(text) == label else repr(label)


def parse_label(text: str) -> float:
    """Parse a number as every reader takes it: Python alone reads ``1_0`` and digits of other scripts.

    Raises:
        ValueError: it is none.
    """
    if "_" in text or not text.isascii():
        raise ValueError
    return float(text)


def _parse_id(text: str) -> int:
    if "_" in text or not text.isascii():
        raise ValueError
    return int(text)


def parse_line(line: str, source: str = "<list>", number: int = 0, *, lax: bool = False) -> Item:
    """Parse one line, by the rules of MXNet 1.9.1's reader: fields are split at tabs and stripped.

    Args:
        line: with or without its line end.
        source: name of the list, for messages.
        number: of the line, for messages.
        lax: take all that Python takes for a number, as MXNet's own reader does.

    Raises:
        ListError: it has fewer than three fields, or one that is no number where a number must be.
    """
    to_id, to_label = (int, float) if lax else (_parse_id, parse_label)
    fields = line.split("\t")
    try:
        if len(fields) == 3:
            id_, label, path = fields
            return Item(to_id(id_), (to_label(label),), path.strip())
        fields = line.strip().split("\t")  # a tab at the line's end makes no field
        if len(fields) >= 3:
            return Item(to_id(fields[0]), tuple([to_label(field) for field in fields[1:-1]]), fields[-1].strip())
    except ValueError:
        raise ListError(source, number, _number_fault(fields, to_id, to_label)) from None
    if len(fields) == 2 or fields != [""]:
        fault = f"{len(fields)} field{'s' * (len(fields) > 1)}"
        raise ListError(source, number, f"{fault}, expected at least 3: id, label and path, separated by tabs")
    raise ListError(source, number, "an empty line, expected id, label and path, separated by tabs")


def _number_fault(fields: list[str], to_id: Callable[[str], int], to_label: Callable[[str], float]) -> str:
    try:
        to_id(fields[0])
    except ValueError:
        return f"the id {fields[0].strip()!r} is no whole number"
    for field in fields[1:-1]:
        try:
            to_label(field)
        except ValueError:
            return f"the label {field.strip()!r} is no number"
    return "a field cannot be read"


def check_item(item: Item, *, allow_rounding: bool = False) -> str | None:
    """Say why the format cannot carry an item, or None when it can.

    Args:
        item: the item.
        allow_rounding: let float32 change whole numbers beyond 2**24, and make 0 of what is next to it.
    """
    if not 0 <= item.id <= MAX_ID:
        return f"the id {item.id} is outside 0 to 2**64 - 1"
    for label in item.labels:
        if not _SMALLEST <= abs(label) <= EXACT_INTEGERS and label:  # true of NaN, too
            fault = _label_fault(label, allow_rounding=allow_rounding)
            if fault:
                return fault
    if "\0" in item.path:
        return "the path has a NUL, which no file's name has"
    return None if item.path else "the path is empty"


def _label_fault(label: float, *, allow_rounding: bool) -> str | None:
    if not math.isfinite(label):
        return f"the label {label} is not a finite number"
    try:
        (stored,) = struct.unpack("<f", struct.pack("<f", label))
    except OverflowError:
        return f"the label {label} is beyond the range of float32"
    if allow_rounding or (stored and (abs(label) < EXACT_INTEGERS or math.trunc(stored) == math.trunc(label))):
        return None
    said, kept = (f"{value:.0f}" if value.is_integer() else repr(value) for value in (label, stored))
    return f"the label {said} would be stored as {kept} in float32 (--allow-rounding accepts that)"


def path_fault(path: str) -> str | None:
    """Say why a list cannot carry *path*, or None when it can."""
    if "\t" in path or "\n" in path or "\r" in path:
        return "its name has a tab or line break, which a list cannot carry"
    if path != path.strip():
        return "its name starts or ends with white space, which readers of a list strip"
    try:
        path.encode("utf-8")
    except UnicodeEncodeError:
        return "its name is not UTF-8, which a list must be"
    return None


def write(path: Path, lines: Iterable[bytes], outputs: OutputSet) -> str:
    """Write formatted lines as a file of *outputs*, and return their XXH3-128.

    Raises:
        recordio.FileError: it cannot be written.
    """
    output = outputs.create(path)
    digest = checksum.new_digest()
    pending: list[bytes] = []
    size = 0
    for line in lines:
        pending.append(line)
        size += len(line)
        if size > 1 << 20:
            _put(pending, output, digest)
            size = 0
    _put(pending, output, digest)
    return str(digest.hexdigest())


def _put(pending: list[bytes], output: OutputFile, digest: Any) -> None:
    data = b"".join(pending)
    output.write(data)
    digest.update(data)
    pending.clear()
