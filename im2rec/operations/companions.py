"""The files that go with a set: its class map, and the list that it was packed from."""

from __future__ import annotations

import os
import re
from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

from im2rec.sets import check_alone
from recordio import files
from recordio.outputs import OutputSet

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from im2rec.operations.copying import Source
    from im2rec.operations.target import Target

CLASSES: Final = ".classes.txt"
LIST: Final = ".lst"
REJECTS: Final = ".rejects.tsv"
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


def has_list(prefix: Path) -> bool:
    """Tell whether there is a list beside a set."""
    return beside(prefix, LIST).is_file()


class Lines:
    """The lines of a list, found by their ids.

    Args:
        content: of the list.
    """

    def __init__(self, content: bytes) -> None:
        import numpy as np

        self._content = content
        ids, self._starts, self._ends, at = array("Q"), array("Q"), array("Q"), 0
        while at < len(content):
            end = content.find(b"\n", at) + 1 or len(content)
            match = _ID.match(content, at, end)
            if match and int(match[1]) < 1 << 64:
                ids.append(int(match[1]))
                self._starts.append(at)
                self._ends.append(end)
            at = end
        known = np.frombuffer(ids, np.uint64)
        self._order = known.argsort(kind="stable")
        self._ascending = known[self._order]

    def of(self, ids: NDArray[np.uint64]) -> Iterator[list[tuple[int, bytes]]]:
        """Yield the lines of some ids, many at once: the place of each id, and its line without its end. Others have none."""
        for first in range(0, len(ids) if len(self._ascending) else 0, _LINES):
            some = ids[first : first + _LINES]
            places = self._ascending.searchsorted(some).clip(max=len(self._ascending) - 1)
            found = (self._ascending[places] == some).nonzero()[0]
            numbers = self._order[places[found]].tolist()
            yield [(first + at, self._line(number)) for at, number in zip(found.tolist(), numbers, strict=True)]

    def _line(self, number: int) -> bytes:
        return self._content[self._starts[number] : self._ends[number]].rstrip(b"\r\n")


@dataclass(frozen=True, slots=True)
class Companions:
    """What goes with the outputs of an operation.

    Attributes:
        classes: content of the class map; None for none.
        lines: gives the lines of the list of an output; None for no list.
    """

    classes: bytes | None = None
    lines: Callable[[Target], Iterable[bytes]] | None = None


def of_set(prefix: Path) -> Companions:
    """Return the class map and the list beside a set, whose lines go with the records that have their ids."""
    content = list_of(prefix)
    return Companions(classes_of(prefix), None if content is None else partial(_chosen, content))


def _chosen(content: bytes, target: Target) -> Iterator[bytes]:
    assert target.ids is not None
    ids, headed = target.ids.known()
    for found in Lines(content).of(ids[headed]):
        yield b"".join([line + b"\n" for _, line in found])


def check_room(prefix: Path, recs: Sequence[Path], outputs: OutputSet) -> None:
    """Check that nothing would stand beside a new set under its name that is not its own.

    Args:
        prefix: of the set.
        recs: its .rec files.
        outputs: the files to write into.

    Raises:
        InputError: other record files have this prefix.
        FileError: one of the files is there, and nothing may be replaced; or its list is a file that is read.
    """
    check_alone(prefix, recs)
    for rec in recs:
        outputs.check_free(rec)
    for suffix in (LIST, CLASSES):
        outputs.check_no_input(beside(prefix, suffix))
        outputs.check_free(beside(prefix, suffix))


def remove_old(prefix: Path, outputs: OutputSet) -> list[str]:
    """Let a commit remove the list and the class map of a set that is replaced, where the new one has none; return what is to be said.

    Raises:
        FileError: one of them is a file that is read.
    """
    new, removed = set(outputs.paths()), []
    for suffix in (LIST, CLASSES, REJECTS):
        path = beside(prefix, suffix)
        if path.is_file() and not new & {path, Path(os.path.realpath(path))}:
            outputs.remove(path)
            removed += [path.name] * (suffix != REJECTS)
    return [f"of the set that is replaced, {' and '.join(removed)} {'is' if len(removed) == 1 else 'are'} removed"] if removed else []


def write(target: Target, outputs: OutputSet, companions: Companions, sources: Iterable[Source]) -> list[str]:
    """Write the class map and the list of an output; return their names.

    Raises:
        FileError: a file cannot be written.
    """
    names = []
    classes = None if companions.classes is None else [companions.classes]
    lines = None if companions.lines is None else companions.lines(target)
    for suffix, pieces in ((CLASSES, classes), (LIST, lines)):
        if pieces is None:
            continue
        path = beside(target.prefix, suffix)
        for source in sources:
            if source.file is not None:
                source.file.check_other(path)
        output = outputs.create(path)
        for piece in pieces:
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
