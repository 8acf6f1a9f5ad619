"""Whether a list and the records made from it agree: each image of the list is packed or rejected, with its labels."""

from __future__ import annotations

import re
import struct
from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Final

from im2rec.itemlist import ItemList
from im2rec.names import printable
from im2rec.report import counted
from recordio import files
from recordio.issues import Issue

_NAMED: Final = 1000  # items without a record that are named; more are counted
_ID: Final = re.compile(rb"(\d{1,20})\t")
_IDS: Final = 1 << 16  # ids of rejects that are looked up at once


class Agreement:
    """Compares headers with the lines of a list; fed with the headers of all records, in any order.

    Memory is about 40 bytes an item and 4 a label.

    Args:
        path: the .lst file.
        add: called with each issue.

    Raises:
        ListError: a line of the list cannot be used.
        InputError: the list cannot be read.
    """

    def __init__(self, path: Path, add: Callable[[Issue], None]) -> None:
        import numpy as np

        self.path = path
        self._report = add
        ids, self._labels, self._starts = array("Q"), array("f"), array("Q", [0])
        with ItemList.open(path, allow_rounding=True) as items:
            for item in items:
                ids.append(item.id)
                self._labels.extend(item.labels)
                self._starts.append(len(self._labels))
        self._ids = np.frombuffer(ids, np.uint64)
        self._order = self._ids.argsort(kind="stable")
        self._sorted = self._ids[self._order]
        self._seen = np.zeros(len(ids), bool)

    def __len__(self) -> int:
        return len(self._ids)

    def watch(self, headers: list[tuple[int, int, bytes]]) -> None:
        """Compare the headers of some records: (offset, id, packed flag and labels)."""
        import numpy as np

        if not len(self._sorted) or not headers:
            for offset, id_, _ in headers:
                self._add_stranger(id_, offset)
            return
        wanted = np.array([id_ for _, id_, _ in headers], np.uint64)
        places = self._sorted.searchsorted(wanted).clip(max=len(self._sorted) - 1)
        ordinals = self._order[places]
        known = (self._sorted[places] == wanted).tolist()
        self._seen[ordinals[known]] = True
        for (offset, id_, packed), ordinal, is_known in zip(headers, ordinals.tolist(), known, strict=True):
            if not is_known:
                self._add_stranger(id_, offset)
                continue
            found = _labels_of(packed)
            listed = self._labels[self._starts[ordinal] : self._starts[ordinal + 1]]
            if found != listed[: len(found)]:  # fewer labels may have been packed than are listed
                reason = f"the labels {_said(listed)}, its record has {_said(found)}"
                self._add(id_, reason)

    def pass_over(self, ids: Iterable[int]) -> None:
        """Ask for no record of these ids: they were rejected, or are told of as damaged already."""
        import numpy as np

        if len(self._sorted):
            wanted = np.fromiter((id_ for id_ in ids if id_ < 1 << 64), np.uint64)
            places = self._sorted.searchsorted(wanted).clip(max=len(self._sorted) - 1)
            self._seen[self._order[places[self._sorted[places] == wanted]]] = True

    def _add_stranger(self, id_: int, offset: int) -> None:
        self._add(id_, f"no line has the id of the record at offset {offset}")

    def _add(self, id_: int, reason: str) -> None:
        self._report(Issue(str(self.path), "list", reason, id_))

    def finish(self, rejects: Sequence[Path]) -> None:
        """Add an issue for each item that has neither a record nor a line in one of the files *rejects*."""
        for path in rejects:
            ids = rejected_ids(path)
            while some := array("Q", islice(ids, _IDS)):
                self.pass_over(some)
        missing = self._ids[~self._seen]
        named = missing[:_NAMED].tolist()
        paths = self._paths(set(named))
        for id_ in named:
            self._add(id_, f"{printable(paths[id_])} has neither a record nor a line in {rejects[0].name}")
        if len(missing) > _NAMED:
            more = (
                f"{counted(len(missing) - _NAMED, 'more image has', 'more images have')} neither a record nor a line in {rejects[0].name}"
            )
            self._report(Issue(str(self.path), "list", more))

    def _paths(self, ids: set[int]) -> dict[int, str]:
        if not ids:
            return {}
        with ItemList.open(self.path, allow_rounding=True) as items:
            return {item.id: item.path for item in items if item.id in ids}


def _labels_of(packed: bytes) -> array[float]:
    (flag,) = struct.unpack_from("<I", packed)
    return array("f", struct.unpack_from(f"<{flag}f", packed, 8) if flag else struct.unpack_from("<f", packed, 4))


def _said(labels: Iterable[float]) -> str:
    return " ".join(f"{label:g}" for label in labels) or "none"


def rejected_ids(path: Path) -> Iterator[int]:
    """Yield the ids of a .rejects.tsv; none where there is no such file.

    Raises:
        FileError: it cannot be read.
    """
    if not path.is_file():
        return
    with files.open_text_lines(path) as lines:
        for line in lines:
            match = _ID.match(line)
            if match is not None and (id_ := int(match[1])) < 1 << 64:
                yield id_
