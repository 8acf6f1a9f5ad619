"""A checked list: its items, in little memory, as often as they are needed."""

from __future__ import annotations

import contextlib
import operator
from array import array
from collections.abc import Callable, Iterator, Sequence
from itertools import islice, repeat
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, BinaryIO, NoReturn

from im2rec.errors import InputError, ListError
from im2rec.listfile import MAX_ID, Item, check_item, parse_label, parse_line
from recordio import checksum, files

if TYPE_CHECKING:
    from typing_extensions import Self

_MEMORY = 1 << 26  # bytes of a list from a stream that are kept in memory before they go to a temporary file
_KEPT = 1 << 25  # bytes of items, about, that are kept when a list has been checked; longer lists are read again
_ITEM_BYTES, _LABEL_BYTES = 160, 32  # what an item takes as Python's objects beside its line, and each of its labels
_FEW = 1 << 18  # ids that are looked through without NumPy
_BATCH = 1 << 18  # bytes of lines that are parsed at once
_BYTE_ORDER_MARK = "\ufeff".encode()  # some editors on Windows put it before the first line
_KNOWN_LABELS = 1 << 16
_id, _labels, _path = map(operator.itemgetter, range(3))
_new_item = tuple.__new__  # a NamedTuple's own constructor takes twice as long


class ItemList:
    """A list whose every line has been checked, to be read as often as needed.

    Lines stay on disk (a stream's in memory, or in a temporary file when there are many); parsed items are kept only
    while they take little.

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
        self._digest = checksum.new_digest()
        try:
            self._check()
        except BaseException:
            self.close()
            raise

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
            lacking = "no such list" if path.suffix == ".lst" else "no such list or folder"
            raise InputError(str(path), lacking if not path.exists() else "is no file, expected a list")
        return cls(files.open_text_lines(path), str(path), allow_rounding=allow_rounding, on_fault=on_fault)

    @classmethod
    def from_stream(cls, stream: BinaryIO, source: str = "<stdin>", *, allow_rounding: bool = False) -> ItemList:
        """Read a stream to its end and check it.

        Raises:
            ListError: a line cannot be used, or two have one id.
        """
        import tempfile  # only streams need it

        spool = tempfile.SpooledTemporaryFile(max_size=_MEMORY)  # noqa: SIM115  (it lives as long as the list)
        try:
            while True:
                with files.telling(source, "read"):
                    block = stream.read(1 << 20)
                if not block:
                    break
                with files.telling(tempfile.gettempdir(), "write a temporary file"):
                    spool.write(block)
            with files.telling(tempfile.gettempdir(), "write a temporary file"):
                spool.seek(0)
        except BaseException:
            with contextlib.suppress(OSError):  # it tries again to write what it could not
                spool.close()
            raise
        return cls(spool, source, allow_rounding=allow_rounding)  # type: ignore[arg-type]  # typeshed: not a BinaryIO

    def _check(self) -> None:
        """Read the list once: count the items, keep them while they take little, find ids that stand twice."""
        ids = array("Q")
        labels = 0
        for _, items in self._batches(quiet=False):
            self.count += len(items)
            if self._on_fault is None:
                ids.extend(map(_id, items))
            if self._kept is not None:
                self._kept += items
                labels += sum(map(len, map(_labels, items)))
                if self._stream.tell() + _ITEM_BYTES * self.count + _LABEL_BYTES * labels > _KEPT:
                    self._kept = None
        twin = _twin(ids)
        if twin is not None:
            self._say_twin(ids[twin])
        if self._kept is not None:
            self.close()

    @property
    def digest(self) -> str:
        """XXH3-128 of the list."""
        return str(self._digest.hexdigest())

    def close(self) -> None:
        """Close the file of a long list; it cannot be read again then."""
        self._stream.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def _say_twin(self, id_: int) -> NoReturn:
        """Find the lines of an id that stands twice, and raise."""
        self._stream.seek(0)
        found = (
            number for numbers, items in self._batches(quiet=True) for number, item in zip(numbers, items, strict=True) if item.id == id_
        )
        first, second = next(found), next(found)
        raise ListError(self.source, second, f"the id {id_} stands on line {first} already")

    def _batches(self, *, quiet: bool) -> Iterator[tuple[Sequence[int], list[Item]]]:
        """Yield (line numbers, items) of some thousand lines at a time; bad lines raise, or go to on_fault unless *quiet*."""
        before = 0  # lines of earlier batches
        known = _Labels(self._parse_one_label)
        while lines := self._stream.readlines(_BATCH):
            has_nul = False
            if not quiet:
                block = b"".join(lines)
                self._digest.update(block)
                has_nul = b"\0" in block
            if not before and lines[0].startswith(_BYTE_ORDER_MARK):
                lines[0] = lines[0][len(_BYTE_ORDER_MARK) :]
            plain = None if has_nul else _parse_plain(lines, known)
            if plain is None:
                yield self._parse_each(lines, before, None if has_nul else known, quiet=quiet)
            else:
                yield range(before + 1, before + len(lines) + 1), plain
            before += len(lines)

    def _parse_one_label(self, text: str) -> tuple[float, ...]:
        """Parse the label of an item that has one.

        Raises:
            ValueError: the item cannot be used.
        """
        if self._on_fault is not None:
            return (float(text),)
        labels = (parse_label(text),)
        if check_item(Item(0, labels, text), allow_rounding=self._allow_rounding):
            raise ValueError
        return labels

    def _parse_each(self, lines: list[bytes], before: int, known: _Labels | None, *, quiet: bool) -> tuple[list[int], list[Item]]:
        """Parse lines that are not all of the plainest form; without *known* labels take none for that."""
        numbers: list[int] = []
        items: list[Item] = []
        for number, raw in enumerate(lines, before + 1):
            item: Item | None
            try:
                id_, label, path = raw.decode("utf-8").split("\t")
                if known is None or not (id_.isdigit() and id_.isascii()):
                    raise ValueError
                item = _new_item(Item, (int(id_), known[label], path.strip()))
                if item[0] > MAX_ID or not item[2]:
                    raise ValueError
            except ValueError:
                item = self._parse_carefully(raw, number, quiet=quiet)
            if item is not None:
                numbers.append(number)
                items.append(item)
        return numbers, items

    def _parse_carefully(self, raw: bytes, number: int, *, quiet: bool) -> Item | None:
        """Parse a line; None when it holds no item."""
        fault: str | None
        try:
            line = raw.decode("utf-8")
            if line.isspace():
                return None
            item = parse_line(line, self.source, number, lax=self._on_fault is not None)
        except UnicodeDecodeError as error:
            fault = f"byte {error.start} of the line is not UTF-8"
            if "\0" in raw.decode("latin-1"):  # no text at all: a .rec, or an image
                fault += ", nor is this text: expected a list, lines of id, label and path"
        except ListError as error:
            fault = error.reason
        else:
            fault = check_item(item, allow_rounding=self._allow_rounding) if self._on_fault is None else None
            if fault is None:
                return item
        if self._on_fault is None:
            raise ListError(self.source, number, fault)
        if not quiet:
            self._on_fault(ListError(self.source, number, fault))
        return None

    def __len__(self) -> int:
        return self.count

    def __iter__(self) -> Iterator[Item]:
        """Yield the items in the order of their lines."""
        if self._kept is not None:
            yield from self._kept
            return
        self._stream.seek(0)
        for _, items in self._batches(quiet=True):
            yield from items


class _Labels(dict[str, tuple[float, ...]]):
    """Labels that were parsed and checked before: most lists have few, and many of each."""

    def __init__(self, parse: Callable[[str], tuple[float, ...]]) -> None:
        self._parse = parse

    def __missing__(self, text: str) -> tuple[float, ...]:
        labels = self._parse(text)
        if len(self) < _KNOWN_LABELS:
            self[text] = labels
        return labels


def _parse_plain(lines: list[bytes], known: _Labels) -> list[Item] | None:
    """Parse lines that have an id of digits, one label, and a path; None where one is another, or cannot be used.

    Whole columns are parsed at once, in two thirds of the time. With a tab before each line's end, a field that starts with a line's
    end is a line's first: as many such fields among the ids as there are lines, so all of them have three.
    """
    try:
        text = b"".join(lines).decode("utf-8")
        if text.count("\t") != 2 * len(lines):
            return None
        fields = ("\n" + text.removesuffix("\n")).replace("\n", "\t\n").split("\t")
        first, labels, paths = fields[1::3], fields[2::3], fields[3::3]
        ids = "".join(first)
        digits = ids.replace("\n", "")
        if not (len(first) == len(paths) == ids.count("\n") == len(lines) and digits.isdigit() and digits.isascii()):
            return None
        items = list(map(_new_item, repeat(Item), zip(map(int, first), map(known.__getitem__, labels), map(str.strip, paths), strict=True)))
    except ValueError:
        return None
    return items if all(map(_path, items)) and max(map(_id, items)) <= MAX_ID else None


def _twin(ids: array[int]) -> int | None:
    """Return the ordinal of an id that stood before, or None."""
    if all(map(operator.lt, ids, islice(ids, 1, None))):
        return None
    if len(ids) <= _FEW:
        seen: set[int] = set()
        if len(set(ids)) == len(ids):
            return None
        return next(ordinal for ordinal, id_ in enumerate(ids) if id_ in seen or seen.add(id_))  # type: ignore[func-returns-value]
    import numpy as np  # only long lists need it

    values = np.frombuffer(ids, np.uint64)
    order = values.argsort(kind="stable")
    (twins,) = np.nonzero(values[order[1:]] == values[order[:-1]])
    return int(order[twins + 1].min()) if len(twins) else None
