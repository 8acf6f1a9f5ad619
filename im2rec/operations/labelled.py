"""New labels by id, from a list or a CSV; and the list of a set with them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from im2rec import labels as csv_labels
from im2rec.errors import InputError, ListError
from im2rec.itemlist import ItemList
from im2rec.listfile import format_label
from im2rec.operations.info import class_names
from im2rec.sets import list_of, prefix_of, record_files
from recordio import checksum, files
from recordio.outputfile import OutputFile

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_GATHERED = 1 << 20  # bytes of lines before a write


def load(source: Path, given: Path, *, allow_rounding: bool = False) -> dict[int, tuple[float, ...]]:
    """Load new labels: id -> labels.

    Args:
        source: a .lst, or a file that ends in .csv with rows of path or id, then labels, or one class name.
        given: prefix of the set, by whose list paths are found, and by whose class map names are.
        allow_rounding: take whole numbers that float32 must round.

    Raises:
        InputError: a file cannot be read.
        ListError: a line cannot be used.
    """
    if source.suffix.lower() != ".csv":
        with ItemList.open(source, allow_rounding=allow_rounding) as items:
            return {item.id: item.labels for item in items}
    if not source.is_file():
        raise InputError(str(source), "no such file")
    rows: list[tuple[int, str, tuple[float, ...]]] = []
    loaded = csv_labels.load(source, allow_rounding=allow_rounding, each=lambda *row: rows.append(row))
    ids = _ids(given)
    classes = _Classes(loaded.classes, given, source)
    found: dict[int, tuple[float, ...]] = {}
    for line, name, values in rows:
        id_ = ids.get(name)
        if id_ is None and not (name.isdecimal() and int(name) < 1 << 64):
            where = f"no path of {list_of(record_files(given)[0])}" if ids else "the set has no list that would have paths"
            raise ListError(str(source), line, f"{name!r} is no id, and {where}")
        id_ = int(name) if id_ is None else id_
        if id_ in found:
            raise ListError(str(source), line, f"the id {id_} is named twice, the second time by {name!r}")
        found[id_] = classes.labels(line, values)
    return found


def _ids(given: Path) -> dict[str, int]:
    """Return path -> id by the list of the set; nothing where there is none."""
    path = list_of(record_files(given)[0], prefix_of(given))
    if path is None:
        return {}
    with ItemList.open(path, allow_rounding=True) as items:
        return {item.path: item.id for item in items}


class _Classes:
    """The labels that the classes of a CSV have in a set, by its class map; where the CSV has numbers these are the labels.

    Args:
        classes: of the CSV: name -> the number that its reader gave it.
        given: prefix of the set.
        source: the CSV.

    Raises:
        InputError: the CSV has classes, and the set no class map.
    """

    def __init__(self, classes: Mapping[str, int], given: Path, source: Path) -> None:
        prefix = prefix_of(given)
        self._source = source
        self._path = prefix.with_name(f"{prefix.name}.classes.txt")
        self._names = {float(number): name for name, number in classes.items()}
        if classes and not self._path.is_file():
            raise InputError(str(self._path), f"no such file, by which the classes of {source} would get their labels")
        self._known = {name: label for label, name in class_names(self._path).items()} if classes else {}

    def labels(self, line: int, values: tuple[float, ...]) -> tuple[float, ...]:
        """Return the labels of a row.

        Raises:
            ListError: its class is not that of any label.
        """
        if not self._names:
            return values
        name = self._names[values[0]]
        if name not in self._known:
            raise ListError(str(self._source), line, f"the class {name!r} is not in {self._path}")
        return (self._known[name],)


def write_list(
    path: Path, output: OutputFile, labels: Mapping[int, tuple[float, ...]], kept: NDArray[np.uint64] | None = None
) -> tuple[str, str]:
    """Write a list with other labels for some ids; its other lines stay as they are.

    Args:
        path: the list.
        output: where it goes.
        labels: id -> labels.
        kept: the ids whose lines are written, ascending; None for all lines.

    Returns:
        The XXH3-128 of the old list and of the new one.

    Raises:
        FileError: a file cannot be read or written.
    """
    before, after = checksum.new_digest(), checksum.new_digest()
    with files.open_text_lines(path) as lines:
        while some := lines.readlines(_GATHERED):
            before.update(b"".join(some))
            data = b"".join([_relabelled(line, labels) for line in (some if kept is None else _of_ids(some, kept))])
            after.update(data)
            output.write(data)
    return str(before.hexdigest()), str(after.hexdigest())


def _relabelled(line: bytes, labels: Mapping[int, tuple[float, ...]]) -> bytes:
    fields = line.strip().split(b"\t")
    id_ = _id(line)
    new = None if id_ is None or len(fields) < 3 else labels.get(id_)
    if new is None:
        return line
    return b"\t".join([fields[0], *(format_label(label).encode() for label in new), fields[-1].strip()]) + b"\n"


def _of_ids(lines: list[bytes], kept: NDArray[np.uint64]) -> list[bytes]:
    """Return the lines whose ids are among those that are kept."""
    import numpy as np

    named = [(id_, line) for line in lines if (id_ := _id(line)) is not None and 0 <= id_ < 1 << 64]
    ids = np.array([id_ for id_, _ in named], np.uint64)
    is_kept = kept.searchsorted(ids, side="right") > kept.searchsorted(ids)
    return [line for (_, line), found in zip(named, is_kept.tolist(), strict=True) if found]


def _id(line: bytes) -> int | None:
    try:
        return int(line.partition(b"\t")[0])
    except ValueError:
        return None
