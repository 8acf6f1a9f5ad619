"""Labels from a CSV file: ``path,label[,label ...]`` a row."""

from __future__ import annotations

import csv
import hashlib
import io
from array import array
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Final

from im2rec.errors import InputError, ListError
from im2rec.listfile import Item, check_item, parse_label

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_HEADS: Final = ("path", "file", "filename", "image")  # first words of a row of names above classes
_KEY: Final = 16  # bytes of a path's digest: two paths with the same one will not be found


class CsvLabels:
    """Labels by path, in about 40 bytes a row: paths are known by their digests.

    Attributes:
        classes: class name -> label, when the file names classes; else empty.
    """

    def __init__(self, classes: dict[str, int]) -> None:
        self.classes = classes
        self._keys = bytearray()
        self._values = array("d")
        self._ends = array("Q")

    def add(self, path: str, labels: tuple[float, ...]) -> None:
        """Append a row."""
        self._keys += _key(path.encode())
        self._values.extend(labels)
        self._ends.append(len(self._values))

    def __len__(self) -> int:
        return len(self._ends)

    def labels(self, row: int) -> tuple[float, ...]:
        """Return the labels of a row."""
        return tuple(self._values[self._ends[row - 1] if row else 0 : self._ends[row]])

    def twin(self) -> int | None:
        """Return the first row whose path stood before, or None."""
        keys, order = self._sorted()
        twins = (keys[1:] == keys[:-1]).nonzero()[0]
        return int(order[twins + 1].min()) if len(twins) else None

    def find(self, paths: Iterable[bytes]) -> array[int]:
        """Return the row of each path, with forward slashes; -1 where it has none."""
        import numpy as np  # only these need it

        wanted = np.frombuffer(b"".join(map(_key, paths)), f"S{_KEY}")
        keys, order = self._sorted()
        at = keys.searchsorted(wanted)
        at[at == len(keys)] = 0
        return array("q", np.where(keys[at] == wanted, order[at], -1).astype(np.int64).tobytes())

    def _sorted(self) -> tuple[NDArray[np.bytes_], NDArray[np.intp]]:
        """Return the keys in ascending order, and the row of each; of equal ones the first row comes first."""
        import numpy as np

        keys = np.frombuffer(bytes(self._keys), f"S{_KEY}")
        order = keys.argsort(kind="stable")
        return keys[order], order


def _key(path: bytes) -> bytes:
    return hashlib.blake2b(path, digest_size=_KEY).digest()


def load(
    path: Path,
    *,
    allow_rounding: bool = False,
    each: Callable[[int, str, tuple[float, ...]], None] = lambda _line, _path, _labels: None,
) -> CsvLabels:
    """Load a CSV file of labels. Labels are numbers, or one class name a row; names are numbered in sorted order.

    A first row whose labels are no numbers while those of all others are is a header, and left out.

    Args:
        path: the file.
        allow_rounding: let it have integers that float32 must round.
        each: called with the line, the path and the labels of each row.

    Raises:
        InputError: the file cannot be read.
        ListError: a row has no label or one that float32 cannot carry, or a path stands twice.
    """
    with _open(path) as file:
        rows = _Rows(path, file)
        skip, classes = _survey(rows)
        found = CsvLabels(classes)
        fault: ListError | None = None
        for number, fields in islice(rows, skip, None):
            name = _name(fields)
            labels = (float(classes[fields[1]]),) if classes else tuple(map(parse_label, fields[1:]))
            found.add(name, labels)
            if reason := check_item(Item(0, labels, name), allow_rounding=allow_rounding):
                fault = ListError(str(path), number, reason)
                break
            each(number, name, labels)
        twin = found.twin()
        if twin is not None:
            number, fields = next(islice(rows, skip + twin, None))
            raise ListError(str(path), number, f"{_name(fields)} stands in it twice")
        if fault:
            raise fault
    return found


class _Rows:
    """The rows of a CSV file that are not blank, with their line numbers, as often as they are needed."""

    def __init__(self, path: Path, file: io.BufferedIOBase) -> None:
        self.path = path
        self._file = file

    def __iter__(self) -> Iterator[tuple[int, list[str]]]:
        self._file.seek(0)
        text = io.TextIOWrapper(self._file, encoding="utf-8-sig", newline="")  # type: ignore[type-var]  # typeshed wants a name
        try:
            reader = csv.reader(text)
            for fields in reader:
                if not any(field.strip() for field in fields):
                    continue
                if len(fields) < 2:
                    raise ListError(str(self.path), reader.line_num, f"{fields[0]!r} has no label, expected path,label")
                yield reader.line_num, [field.strip() for field in fields]
        except OSError as error:
            raise InputError(str(self.path), f"cannot be read: {error.strerror}") from None
        except (UnicodeDecodeError, csv.Error) as error:
            raise InputError(str(self.path), f"is no CSV file in UTF-8: {error}") from None
        finally:
            text.detach()


def _open(path: Path) -> io.BufferedIOBase:
    try:
        file = open(path, "rb")  # noqa: SIM115  (the caller closes it)
        if file.seekable():
            return file
        with file:  # a pipe can be read once only
            return io.BytesIO(file.read())
    except OSError as error:
        raise InputError(str(path), f"cannot be read: {error.strerror}") from None


def _survey(rows: _Rows) -> tuple[int, dict[str, int]]:
    """Tell how many rows are headings, and the classes where labels are names."""
    count, uneven = 0, False
    first: tuple[int, list[str]] | None = None
    named: tuple[int, list[str]] | None = None  # the first row below the first whose label is no number
    for count, row in enumerate(rows, 1):
        first = first or row
        if count > 1 and not named and not _are_numbers(row[1]):
            named = row
        uneven |= len(row[1]) != 2
    if first is None:
        raise InputError(str(rows.path), "is empty, expected rows of path,label")
    if _are_numbers(first[1]) and not named:
        return 0, {}
    if not _are_numbers(first[1]):
        if count > 1 and not named:
            return 1, {}
        named = first
    assert named is not None
    if uneven:
        reason = f"the label {named[1][1]!r} is no number, and only a single label may be a name"
        raise ListError(str(rows.path), named[0], reason)
    skip = int(count > 1 and first[1][0].lower() in _HEADS)
    names = sorted({fields[1] for _, fields in islice(rows, skip, None)})
    return skip, {name: label for label, name in enumerate(names)}


def _name(fields: list[str]) -> str:
    return fields[0].replace("\\", "/").removeprefix("./")


def _are_numbers(fields: list[str]) -> bool:
    try:
        for field in fields[1:]:
            parse_label(field)
    except ValueError:
        return False
    return True
