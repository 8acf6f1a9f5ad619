"""The .lst grammar: ``id TAB label [TAB label ...] TAB path LF`` (docs/format.md, section 4)."""

from __future__ import annotations

import math
import struct
import tempfile
from array import array
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import BinaryIO, NamedTuple

from im2rec.errors import InputError, ListError
from recordio import files

MAX_ID = (1 << 64) - 1
EXACT_INTEGERS = 1 << 24  # float32 holds every integer up to here
_MEMORY = 1 << 26  # bytes of a list from a stream that are kept in memory before they go to a temporary file
_HASHED_IDS = 1 << 18  # ids that a set may hold; more are compared in arrays


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


def format_item(item: Item) -> str:
    """Format an item as a line, with its line feed."""
    labels = "\t".join([format_label(label) for label in item.labels])
    return f"{item.id}\t{labels}\t{item.path}\n"


def parse_line(line: str, source: str = "<list>", number: int = 0) -> Item:
    """Parse one line, by the rules of MXNet 1.9.1's reader: fields are split at tabs and stripped.

    Raises:
        ListError: it has fewer than three fields, or one that is no number where a number must be.
    """
    fields = line.split("\t")
    try:
        if len(fields) == 3:
            id_, label, path = fields
            return Item(int(id_), (float(label),), path.strip())
        fields = line.strip().split("\t")  # a tab at the line's end makes no field
        if len(fields) >= 3:
            return Item(int(fields[0]), tuple([float(field) for field in fields[1:-1]]), fields[-1].strip())
    except ValueError:
        raise ListError(source, number, _number_fault(fields)) from None
    if len(fields) == 2 or fields != [""]:
        fault = f"{len(fields)} field{'s' * (len(fields) > 1)}"
        raise ListError(source, number, f"{fault}, expected at least 3: id, label and path, separated by tabs")
    raise ListError(source, number, "an empty line, expected id, label and path, separated by tabs")


def _number_fault(fields: list[str]) -> str:
    try:
        int(fields[0])
    except ValueError:
        return f"the id {fields[0].strip()!r} is no whole number"
    for field in fields[1:-1]:
        try:
            float(field)
        except ValueError:
            return f"the label {field.strip()!r} is no number"
    return "a field cannot be read"


def check_item(item: Item, *, allow_rounding: bool = False) -> str | None:
    """Say why the format cannot carry an item, or None when it can.

    Args:
        item: the item.
        allow_rounding: let float32 change integers beyond 2**24.
    """
    if not 0 <= item.id <= MAX_ID:
        return f"the id {item.id} is outside 0 to 2**64 - 1"
    for label in item.labels:
        if not -EXACT_INTEGERS <= label <= EXACT_INTEGERS:  # true of NaN, too
            fault = _label_fault(label, allow_rounding=allow_rounding)
            if fault:
                return fault
    return None if item.path else "the path is empty"


def _label_fault(label: float, *, allow_rounding: bool) -> str | None:
    if not math.isfinite(label):
        return f"the label {label} is not a finite number"
    try:
        (stored,) = struct.unpack("<f", struct.pack("<f", label))
    except OverflowError:
        return f"the label {label} is beyond the range of float32"
    if stored != label and label.is_integer() and not allow_rounding:
        return f"the label {label:.0f} would be stored as {stored:.0f} in float32 (--allow-rounding accepts that)"
    return None


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


class ItemList:
    """A list whose every line has been checked, to be read as often as needed.

    Lines stay on disk (a stream's in memory, or in a temporary file when there are many); parsed items are kept only
    while they are few.

    Attributes:
        source: name of the list, for messages.
        count: number of items.
    """

    def __init__(
        self,
        stream: BinaryIO,
        source: str,
        *,
        allow_rounding: bool = False,
        on_fault: Callable[[ListError], None] | None = None,
    ) -> None:
        self.source = source
        self._stream = stream
        self._allow_rounding = allow_rounding
        self._on_fault = on_fault
        self._kept: list[Item] | None = []
        self.count = 0
        self._check()

    @classmethod
    def open(cls, path: Path, *, allow_rounding: bool = False, on_fault: Callable[[ListError], None] | None = None) -> ItemList:
        """Open and check a .lst file.

        Args:
            path: the file.
            allow_rounding: let float32 change integers beyond 2**24.
            on_fault: called with each bad line, which is then left out, as MXNet's tool does; by default it is an error.

        Raises:
            InputError: there is no such file.
            ListError: a line cannot be used, or two have one id.
        """
        if not path.is_file():
            raise InputError(str(path), "no such list" if not path.exists() else "is no file, expected a list")
        return cls(files.open_text_lines(path), str(path), allow_rounding=allow_rounding, on_fault=on_fault)

    @classmethod
    def from_stream(cls, stream: BinaryIO, source: str = "<stdin>", *, allow_rounding: bool = False) -> ItemList:
        """Read a stream to its end and check it.

        Raises:
            ListError: a line cannot be used, or two have one id.
        """
        spool = tempfile.SpooledTemporaryFile(max_size=_MEMORY)  # noqa: SIM115  (it lives as long as the list)
        while block := stream.read(1 << 20):
            spool.write(block)
        spool.seek(0)
        return cls(spool, source, allow_rounding=allow_rounding)  # type: ignore[arg-type]  # typeshed: not a BinaryIO

    def _check(self) -> None:
        ids = _Ids(self.source)
        for number, item in self._parse():
            if self._on_fault is None:
                ids.add(item.id, number)
            self.count += 1
            if self._kept is not None:
                self._kept.append(item)
                if self.count > _HASHED_IDS:
                    self._kept = None
        ids.finish()
        if self._kept is not None:
            self._stream.close()

    def _parse(self, *, quiet: bool = False) -> Iterator[tuple[int, Item]]:
        source, allow_rounding = self.source, self._allow_rounding
        for number, raw in enumerate(self._stream, 1):
            try:
                line = raw.decode("utf-8")
            except UnicodeDecodeError as error:
                fault: str | None = f"byte {error.start} of the line is not UTF-8"
            else:
                if line.isspace():
                    continue
                try:
                    item = parse_line(line, source, number)
                    fault = check_item(item, allow_rounding=allow_rounding) if self._on_fault is None else None
                except ListError as error:
                    fault = error.reason
            if fault is None:
                yield number, item
            elif self._on_fault is None:
                raise ListError(source, number, fault)
            elif not quiet:
                self._on_fault(ListError(source, number, fault))

    def __del__(self) -> None:
        self._stream.close()

    def __len__(self) -> int:
        return self.count

    def __iter__(self) -> Iterator[Item]:
        """Yield the items in the order of their lines."""
        if self._kept is not None:
            yield from self._kept
            return
        self._stream.seek(0)
        for _, item in self._parse(quiet=True):
            yield item


class _Ids:
    """Finds an id that stands twice, in little memory: ascending ids need none, few a set, many two arrays."""

    def __init__(self, source: str) -> None:
        self._source = source
        self._seen: set[int] | None = set()
        self._ids = array("Q")
        self._lines = array("Q")

    def add(self, id_: int, line: int) -> None:
        self._ids.append(id_)
        self._lines.append(line)
        if self._seen is not None:
            if id_ in self._seen:
                self._fail(id_, self._ids.index(id_), len(self._ids) - 1)
            self._seen.add(id_)
            if len(self._ids) > _HASHED_IDS:
                self._seen = None

    def _fail(self, id_: int, first: int, second: int) -> None:
        raise ListError(self._source, self._lines[second], f"the id {id_} stands on line {self._lines[first]} already")

    def finish(self) -> None:
        if self._seen is not None:
            return
        import numpy as np  # only long lists need it

        ids = np.frombuffer(self._ids, np.uint64)
        if bool((ids[1:] > ids[:-1]).all()):
            return
        order = ids.argsort(kind="stable")
        (twins,) = np.nonzero(ids[order[1:]] == ids[order[:-1]])
        if len(twins):
            first = twins[order[twins + 1].argmin()]
            self._fail(int(ids[order[first]]), int(order[first]), int(order[first + 1]))


def write(path: Path, lines: Iterable[bytes], outputs: files.OutputSet) -> None:
    """Write formatted lines as a file of *outputs*.

    Raises:
        recordio.FileError: it cannot be written.
    """
    output = outputs.create(path)
    pending: list[bytes] = []
    size = 0
    for line in lines:
        pending.append(line)
        size += len(line)
        if size > 1 << 20:
            output.write(b"".join(pending))
            pending.clear()
            size = 0
    output.write(b"".join(pending))
