"""The files that go with a set: its class map, and the list that it was packed from."""

from __future__ import annotations

import re
from array import array
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from recordio import files
from recordio.outputs import OutputSet

if TYPE_CHECKING:
    from im2rec.operations.copying import Source
    from im2rec.operations.target import Target

CLASSES: Final = ".classes.txt"
LIST: Final = ".lst"
_ID: Final = re.compile(rb"[ ]*(\d{1,20})[ ]*\t")
_LINES: Final = 1 << 16  # written at once


def beside(prefix: Path, suffix: str) -> Path:
    """Return the name of a file that goes with a set."""
    return prefix.with_name(f"{prefix.name}{suffix}")


def classes_of(prefix: Path) -> bytes | None:
    """Return the class map beside a set, None where there is none."""
    path = beside(prefix, CLASSES)
    return files.read_whole(path) if path.is_file() else None


def list_of(prefix: Path) -> bytes | None:
    """Return the list beside a set, None where there is none."""
    path = beside(prefix, LIST)
    return files.read_whole(path) if path.is_file() else None


def choose(lines: bytes, keys: Any) -> Iterable[bytes]:
    """Yield the lines of a list whose ids are the keys of records, in the order of the records; a key without a line has none.

    Args:
        lines: content of the list.
        keys: (n,) uint64.
    """
    import numpy as np

    ids, starts, ends, at = array("Q"), array("Q"), array("Q"), 0
    while at < len(lines):
        end = lines.find(b"\n", at) + 1 or len(lines)
        match = _ID.match(lines, at, end)
        if match and int(match[1]) < 1 << 64:
            ids.append(int(match[1]))
            starts.append(at)
            ends.append(end)
        at = end
    known = np.frombuffer(ids, np.uint64)
    order = known.argsort(kind="stable")
    ascending = known[order]
    if not len(ascending):
        return
    for first in range(0, len(keys), _LINES):
        some = np.asarray(keys[first : first + _LINES], np.uint64)
        places = ascending.searchsorted(some).clip(max=len(ascending) - 1)
        found = order[places[ascending[places] == some]].tolist()
        if found:
            yield b"".join([lines[starts[n] : ends[n]].rstrip(b"\r\n") + b"\n" for n in found])


def write(target: Target, outputs: OutputSet, classes: bytes | None, lines: bytes | None, sources: Iterable[Source]) -> list[str]:
    """Write the class map and the list of an output; return their names.

    Raises:
        FileError: a file cannot be written.
    """
    names = []
    for suffix, content in ((CLASSES, classes), (LIST, lines)):
        if content is None:
            continue
        path = beside(target.prefix, suffix)
        for source in sources:
            if source.file is not None:
                source.file.check_other(path)
        output = outputs.create(path)
        for piece in [content] if suffix == CLASSES else choose(content, target.keys()):
            output.write(piece)
        names.append(str(path))
    return names


def parse_classes(content: bytes) -> list[tuple[int, str]]:
    """Parse a class map, a line of label, tab and name for each class; what is no such line names nothing."""
    found = []
    for line in content.decode("utf-8", "surrogateescape").split("\n"):
        label, tab, name = line.rstrip("\r").partition("\t")
        if tab and label.isdecimal() and len(label) < 20:
            found.append((int(label), name))
    return found


def format_classes(classes: Iterable[tuple[int, str]]) -> bytes:
    """Format a class map, in ascending order of labels."""
    return "".join(f"{label}\t{name}\n" for label, name in sorted(classes)).encode("utf-8", "surrogateescape")
