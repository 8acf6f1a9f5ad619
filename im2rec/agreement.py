"""Whether a list and the records made from it agree: each image of the list is packed or rejected, with its labels."""

from __future__ import annotations

import struct
from array import array
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from im2rec.itemlist import ItemList
from im2rec.names import printable
from recordio import files
from recordio.issues import Issue

_NAMED: Final = 1000  # items without a record that are named; more are counted


class Agreement:
    """Compares headers with the lines of a list; fed with the headers of all records, in any order.

    Memory is 16 bytes an item and 4 a label.

    Args:
        path: the .lst file.

    Raises:
        ListError: a line of the list cannot be used.
        InputError: the list cannot be read.
    """

    def __init__(self, path: Path) -> None:
        import numpy as np

        self.path = path
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
        self._damaged: set[int] = set()
        self.issues: list[Issue] = []

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
        """Ask for no record of these ids: they are told of as damaged already."""
        self._damaged.update(ids)

    def _add_stranger(self, id_: int, offset: int) -> None:
        self._add(id_, f"no line has the id of the record at offset {offset}")

    def _add(self, id_: int, reason: str) -> None:
        self.issues.append(Issue(str(self.path), "list", reason, id_))

    def finish(self, rejects: Path) -> Iterator[Issue]:
        """Yield what disagrees, with the items that have neither a record nor a line in *rejects*."""
        yield from self.issues
        left_out = self._damaged.union(rejected_ids(rejects))
        missing = [int(self._ids[number]) for number in (~self._seen).nonzero()[0].tolist()]
        missing = [id_ for id_ in missing if id_ not in left_out]
        paths = self._paths(set(missing[:_NAMED]))
        for id_ in missing[:_NAMED]:
            yield Issue(str(self.path), "list", f"{printable(paths[id_])} has neither a record nor a line in {rejects.name}", id_)
        if len(missing) > _NAMED:
            yield Issue(str(self.path), "list", f"{len(missing) - _NAMED} more images have neither a record nor a line in {rejects.name}")

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
            word = line.split(b"\t")[0]
            if word.isdigit():
                yield int(word)
