"""Order and division of a list: shuffle, chunks, and splits into train, val and test. Pure."""

from __future__ import annotations

from array import array
from collections.abc import Hashable, Iterator, Sequence

from im2rec.errors import PlanError

MXNET_SEED = 100


def order(count: int, *, shuffle: bool, seed: int = MXNET_SEED) -> Sequence[int]:
    """Return the order in which *count* entries are listed.

    A shuffle with seed 100 gives the order of MXNet 1.9.1's im2rec.py: ``random.shuffle`` moves entries by their number
    alone, so an array of ordinals takes the same way as its list of tuples did.
    """
    if not shuffle:
        return range(count)
    import random

    ordinals = array("Q", range(count))
    random.Random(seed).shuffle(ordinals)  # noqa: S311  (no secret: the same order each time is the point)
    return ordinals


def parse_splits(text: str) -> dict[str, float]:
    """Parse ``train=0.8,val=0.1,test=0.1``.

    Raises:
        PlanError: a name is missing, stands twice or has a separator in it, a ratio is no positive number, or they do
            not add up to 1.
    """
    splits: dict[str, float] = {}
    for part in text.split(","):
        name, _, ratio = (word.strip() for word in part.partition("="))
        try:
            value = float(ratio)
        except ValueError:
            value = -1.0
        if not name or name in splits or not name.replace("-", "").replace(".", "").isalnum() or not 0 < value <= 1:
            raise PlanError(f"split {part.strip()!r}, expected NAME=RATIO with a new name and a ratio above 0, at most 1")
        splits[name] = value
    if abs(sum(splits.values()) - 1) > 1e-6:
        raise PlanError(f"the ratios of {text!r} add up to {sum(splits.values()):g}, expected 1")
    return splits


def even_bounds(count: int, parts: int) -> list[int]:
    """Return the bounds of *parts* runs of *count* entries whose lengths differ by one at the most.

    Raises:
        PlanError: there are fewer entries than parts.
    """
    if not 1 <= parts <= max(count, 1):
        raise PlanError(f"{count} image{'s' * (count != 1)} cannot be divided into {parts} parts that each hold one")
    return [count * part // parts for part in range(parts + 1)]


def split(entries: Sequence[int], splits: dict[str, float], labels: Sequence[Hashable] | None = None) -> dict[str, list[int]]:
    """Divide entries into named splits, keeping their order within each.

    Args:
        entries: ordinals, in the order in which they are listed.
        splits: name -> ratio.
        labels: label of every ordinal; when given, each label is divided by the ratios (stratified).

    Returns:
        name -> ordinals.
    """
    groups: dict[Hashable, list[int]] = {}
    for entry in entries:
        groups.setdefault(labels[entry] if labels is not None else None, []).append(entry)
    belongs: dict[int, str] = {}
    owed = dict.fromkeys(splits, 0.0)
    for group in groups.values():
        for name, members in zip(splits, _group_shares(group, list(splits.values()), owed), strict=True):
            belongs.update(dict.fromkeys(members, name))
    result: dict[str, list[int]] = {name: [] for name in splits}
    for entry in entries:
        result[belongs[entry]].append(entry)
    return result


def _group_shares(group: list[int], ratios: list[float], owed: dict[str, float]) -> Iterator[list[int]]:
    """Yield the members of one label for each split. What rounding takes from a split is *owed* to it by later labels."""
    exact = [len(group) * ratio + due for ratio, due in zip(ratios, owed.values(), strict=True)]
    counts = [max(0, int(share)) for share in exact]
    by_need = sorted(range(len(ratios)), key=lambda at: counts[at] - exact[at])
    for step in range(len(group) - sum(counts)):
        counts[by_need[step % len(by_need)]] += 1
    while sum(counts) > len(group):  # debts can ask for more than a small label has
        counts[max(range(len(counts)), key=lambda at: (counts[at] > 0, counts[at] - exact[at]))] -= 1
    start = 0
    for name, count, share in zip(list(owed), counts, exact, strict=True):
        owed[name] = share - count
        yield group[start : start + count]
        start += count


def mxnet_chunks(count: int, chunks: int, train_ratio: float, test_ratio: float) -> Iterator[tuple[str, int, int]]:
    """Yield (suffix of the list's name, start, stop) of each list that MXNet 1.9.1's im2rec.py writes for *count* entries."""
    size = (count + chunks - 1) // chunks
    for chunk in range(chunks):
        start, stop = min(chunk * size, count), min((chunk + 1) * size, count)
        name = f"_{chunk}" if chunks > 1 else ""
        if train_ratio == 1.0:
            yield name, start, stop
            continue
        train = int(size * train_ratio)
        test = int(size * test_ratio)
        # Its slices count from the chunk's start, and negative bounds count from its end, as Python's do.
        if test_ratio:
            yield f"{name}_test", *_slice(start, stop, 0, test)
        if train_ratio + test_ratio < 1.0:
            yield f"{name}_val", *_slice(start, stop, test + train, None)
        yield f"{name}_train", *_slice(start, stop, test, test + train)


def _slice(start: int, stop: int, low: int | None, high: int | None) -> tuple[int, int]:
    first, last, _ = slice(low, high).indices(stop - start)
    return start + first, start + max(first, last)
