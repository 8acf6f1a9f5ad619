"""Ids and labels of new images as a finished set takes them: ids behind its own, classes by its class map."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from im2rec.errors import InputError, ListError, PlanError
from im2rec.listfile import MAX_ID, Item
from im2rec.listing import Listing
from im2rec.operations.info import class_names
from im2rec.packoptions import Items
from im2rec.report import counted
from recordio.index import Index

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_NAMED: Final = 10  # classes that are named


class Renumbered:
    """Items with other ids and labels.

    Args:
        items: the items.
        first: id of the first; None keeps the ids.
        by_id: add *first* to each id instead of counting.
        labels: label -> its new number, for class maps that are joined.
    """

    def __init__(self, items: Items, first: int | None, *, by_id: bool = False, labels: Mapping[float, float] | None = None) -> None:
        self._items = items
        self._first = first
        self._by_id = by_id
        self._labels = labels

    def __len__(self) -> int:
        return len(self._items)

    def __iter__(self) -> Iterator[Item]:
        first, labels = self._first, self._labels
        for number, item in enumerate(self._items):
            id_ = item.id if first is None else first + (item.id if self._by_id else number)
            new = item.labels if labels is None else tuple([labels[label] for label in item.labels])
            yield Item(id_, new, item.path)


class Appended(NamedTuple):
    """What is appended.

    Attributes:
        items: with their new ids and labels.
        first: id of the first one.
        classes: the class map where it has grown, else None.
        remark: what is to be said of that; "" for nothing.
    """

    items: Renumbered
    first: int
    classes: dict[str, int] | None = None
    remark: str = ""


def renumbered(items: Items, found: Index, classes: Path, root: Path, *, keep_ids: bool) -> Appended:
    """Give new images the ids and labels that a set has for them.

    Args:
        items: a list, or the listing of a folder.
        found: the index of the set.
        classes: name of its class map, by which the classes of a folder get their labels.
        root: the folder, for messages.
        keep_ids: take the ids of the items as they are.

    Raises:
        InputError: there are classes and no class map, or images of a folder stand in no class.
        ListError: an id is in the set already.
        PlanError: there are no ids left.
    """
    first = None if keep_ids else _next_id(found, len(items))
    if keep_ids:
        _check_ids(items, found)
    if not isinstance(items, Listing):
        return Appended(Renumbered(items, first), next(iter(items)).id if first is None and len(items) else first or 0)
    if not items.classes:
        return Appended(Renumbered(items, first, by_id=True), first or 0)
    known = _known(classes)
    _check_flat(items, known, root)
    joined, labels = dict(known), {}
    for name, label in items.classes.items():
        labels[float(label)] = float(joined.setdefault(name, max(joined.values(), default=-1) + 1))
    new = Renumbered(items, first, by_id=True, labels=labels)
    fresh = [(name, label) for name, label in joined.items() if name not in known]
    return Appended(new, first or 0, joined, _said_classes(fresh, classes)) if fresh else Appended(new, first or 0)


def _next_id(found: Index, count: int) -> int:
    first = int(found.keys.max()) + 1 if len(found) else 0
    if first + max(count, 1) - 1 > MAX_ID:
        raise PlanError(f"{found.source}: its largest key is {first - 1}, so {counted(count, 'more id')} would pass 2**64 - 1")
    return first


def _known(classes: Path) -> dict[str, int]:
    """Return the classes of a set: name -> label."""
    if not classes.is_file():
        reason = "no such file, by which the classes of the folder would get their labels; append a list, or use --labels none"
        raise InputError(str(classes), reason)
    return {name: int(label) for label, name in class_names(classes).items()}


def _check_flat(items: Listing, known: Mapping[str, int], root: Path) -> None:
    """Refuse images that stand in the folder itself, unless the set has its like: '.' is no class that somebody means.

    Raises:
        InputError: there are such images.
    """
    if "." in items.classes and "." not in known:
        reason = "has images in no folder below it, which would be a new class of the name '.': put them into folders named after "
        raise InputError(str(root), f"{reason}their classes, give --labels none for label 0, or append a list")


def _check_ids(items: Items, found: Index) -> None:
    """Check that no id is in the set already.

    Raises:
        ListError: one is.
    """
    import numpy as np

    ids: NDArray[np.uint64] = np.fromiter((item.id for item in items), np.uint64, len(items))
    twice = np.isin(ids, found.keys).nonzero()[0]
    if len(twice):
        reason = f"the id {ids[twice[0]]} is in {found.source} already (--ids continue gives new ones)"
        raise ListError(getattr(items, "source", "<list>"), 0, f"item {int(twice[0]) + 1}: {reason}")


def _said_classes(new: list[tuple[str, int]], path: Path) -> str:
    named = ", ".join(f"{name} ({label})" for name, label in new[:_NAMED]) + ", ..." * (len(new) > _NAMED)
    return f"{len(new)} class{'es' * (len(new) != 1)} that {path} did not have: {named}"
