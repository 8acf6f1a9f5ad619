"""The items of a list by identity, in compact arrays where they do not come so."""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from typing import Any

from im2rec.errors import ListError
from im2rec.listfile import EXACT_INTEGERS, Item
from im2rec.packoptions import Items


class GroupedItems:
    """Items in ascending order of their first label, those of one label in the order of the list.

    Items get ids 1, 2, 3, ... in this order. Where the list comes so already, it is read again instead of being kept;
    else memory is its paths and some 30 bytes an item.

    Args:
        items: the list.
        source: its name, for messages.
        width: labels that are taken of each item, 0 for all; two at the most.
        renumber: number the labels 0, 1, 2, ... in ascending order; else they stay.

    Attributes:
        renumbered: labels that are others than in the list.

    Raises:
        ListError: a label is no whole number from 0 to 2**24, or an item has more than two.
    """

    def __init__(self, items: Items, source: str, *, width: int = 0, renumber: bool = True) -> None:
        self._items = items
        self._width = width
        self._labels = array("d")
        for number, item in enumerate(items, 1):
            self._labels.append(self._checked(item, source, number))
        known = sorted(set(self._labels))
        self._new = {label: float(number) if renumber else label for number, label in enumerate(known)}
        self.renumbered = sum(old != new for old, new in self._new.items())
        self._kept = None if self._is_grouped() else _Kept(items)

    def _checked(self, item: Item, source: str, number: int) -> float:
        labels = item.labels[: self._width] if self._width else item.labels
        if len(labels) > 2:
            reason = f"item {number} (id {item.id}) has {len(labels)} labels, expected an identity, or an identity and 'aligned'"
            raise ListError(source, 0, f"{reason} (--label-width takes the first ones)")
        if not (0 <= labels[0] <= EXACT_INTEGERS and labels[0].is_integer()):
            raise ListError(source, 0, f"item {number} (id {item.id}) has the label {labels[0]:g}, expected a whole number from 0 to 2**24")
        return labels[0]

    def _is_grouped(self) -> bool:
        labels = self._labels
        return all(labels[at] <= labels[at + 1] for at in range(len(labels) - 1))

    def __len__(self) -> int:
        return len(self._labels)

    def __iter__(self) -> Iterator[Item]:
        """Yield the items with their new ids and first labels."""
        for number, item in enumerate(self._ordered(), 1):
            labels = item.labels[: self._width] if self._width else item.labels
            yield Item(number, (self._new[labels[0]], *labels[1:]), item.path)

    def _ordered(self) -> Iterator[Item]:
        if self._kept is None:
            yield from self._items
            return
        import numpy as np

        for at in np.frombuffer(self._labels, np.float64).argsort(kind="stable").tolist():
            yield self._kept[at]


class _Kept:
    """The items of a list for reading in any order."""

    def __init__(self, items: Items) -> None:
        self._paths = bytearray()
        self._ends = array("Q", [0])
        self._labels: list[tuple[float, ...]] = []
        known: dict[tuple[float, ...], tuple[float, ...]] = {}  # one tuple for all items of a label
        for item in items:
            self._paths += item.path.encode("utf-8", "surrogateescape")
            self._ends.append(len(self._paths))
            self._labels.append(known.setdefault(item.labels, item.labels))

    def __getitem__(self, at: int) -> Item:
        path: Any = self._paths[self._ends[at] : self._ends[at + 1]]
        return Item(0, self._labels[at], path.decode("utf-8", "surrogateescape"))
