"""A set as several: by ratios, by label, or in shards."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from im2rec.errors import InputError, PlanError
from im2rec.operations import companions
from im2rec.operations.blocks import Block
from im2rec.operations.copying import Source
from im2rec.operations.counts import Report
from im2rec.operations.fields import fields_of
from im2rec.operations.running import Run
from im2rec.operations.target import STDOUT, Into
from im2rec.progress import Advance
from im2rec.sets import prefix_of

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_MOST: Final = 256  # sets that are written at once: each keeps three files open


@dataclass(frozen=True, slots=True)
class SplitOptions:
    """How a set is divided.

    Attributes:
        ratios: name -> share; they add up to 1. Empty where *by_label* is given, or shards.
        stratify: divide each label by the ratios.
        by_label: a set for each first label.
        seed: of the choice by ratios.
    """

    ratios: dict[str, float]
    stratify: bool = False
    by_label: bool = False
    seed: int = 100

    def __post_init__(self) -> None:
        if bool(self.ratios) and self.by_label:
            raise PlanError("--ratio and --by-label are two ways to divide: give one of them")
        if self.stratify and not self.ratios:
            raise PlanError("--stratify divides each label by ratios: give --ratio")
        if not 0 <= self.seed < 1 << 64:
            raise PlanError(f"seed {self.seed}, expected 0 to 2**64 - 1")


def split_set(given: Path, into: Into, options: SplitOptions, advance: Advance) -> Report:
    """Write each record of a set to one of several, in their order; the sets are named PREFIX_NAME, or PREFIX-0000I-of-0000N.

    Args:
        given: prefix of the set, or a file of it; for shards of a size also ``-``, a .rec on stdin.
        into: where they go.
        options: how the set is divided; with neither ratios nor labels it becomes one set of shards.
        advance: of the progress bar.

    Raises:
        InputError: there is no such set, it is one of identities, or it is to be divided by label and has objects instead.
        PlanError: it cannot be divided so.
        FormatError: a record cannot be read.
        FileError: a file cannot be read or written.
    """
    if into.prefix == STDOUT:
        raise PlanError("split writes several files, and stdout is one stream: give -o PREFIX")
    with Run("split", [given], into) as run:
        if options.ratios:
            _by_ratio(run, options, advance)
        elif options.by_label:
            _by_label(run, advance)
        else:
            run.target(described={"shards": str(into.shards)} if into.shards else {"shard-size": str(into.shard_size)})
            run.transfer(_all, advance, by_key=_all_by_key)
        return run.finish()


def _all(block: Block) -> NDArray[np.intp]:
    import numpy as np

    return np.zeros(len(block), np.intp)


def _all_by_key(_: Source, keys: NDArray[np.uint64], __: int) -> NDArray[np.intp]:
    import numpy as np

    return np.zeros(len(keys), np.intp)


def _by_ratio(run: Run, options: SplitOptions, advance: Advance) -> None:
    import numpy as np

    groups = _labels(run) if options.stratify else np.zeros(run.count(), np.int8)
    goes = assign(groups, list(options.ratios.values()), options.seed)
    said = {"ratio": ",".join(f"{name}={ratio:g}" for name, ratio in options.ratios.items()), "seed": str(options.seed)}
    for name in options.ratios:
        run.target(_named(run.into.prefix, name), {**said, "part": name, **({"stratify": "yes"} if options.stratify else {})})
    firsts, done = {}, 0
    for source in run.sources:
        firsts[id(source)] = done
        done += source.count if source.count is not None else sum(len(block) for block in source.blocks())

    def by_key(source: Source, keys: NDArray[np.uint64], first: int) -> NDArray[np.intp]:
        start = firsts[id(source)] + first
        return goes[start : start + len(keys)]

    run.transfer(lambda block: by_key(block.source, block.keys, block.first), advance, by_key=by_key)


def _named(prefix: Path, name: str) -> Path:
    return prefix.with_name(f"{prefix.name}_{name}")


def _labels(run: Run) -> NDArray[np.float64]:
    """Return the first label of every record, which takes a pass of reading.

    Raises:
        InputError: a record has objects, whose classes are no label of the record.
    """
    import numpy as np

    run.count()  # which a pipe cannot tell
    found = [np.empty(0)]
    for source in run.sources:
        for block in source.blocks():
            fields = fields_of(block)
            for number, _ in fields.objects():
                reason = (
                    f"the record of key {block.keys[number]} has objects, as object detection has them, and no label to divide by: "
                    "'im2rec filter --label' chooses records by the classes of their objects, --ratio without --stratify divides by chance"
                )
                raise InputError(source.name, reason)
            found.append(fields.first)
    return np.concatenate(found)


def assign(groups: NDArray[Any], ratios: list[float], seed: int) -> NDArray[np.intp]:
    """Choose a part for each record, by a seed.

    Args:
        groups: (n,) what each record belongs to; each group is divided by the ratios.
        ratios: shares of the parts; they add up to 1.
        seed: of the choice.

    Returns:
        (n,) places in *ratios*. Each part has its share of all records and, within one record for each, of each group.
    """
    import numpy as np

    random = np.random.Philox(key=seed).random_raw(len(groups))
    values, belongs = np.unique(groups, return_inverse=True)
    order = np.lexsort((random, belongs))
    counts = np.bincount(belongs, minlength=len(values))
    goes, start, owed = np.empty(len(groups), np.intp), 0, [0.0] * len(ratios)
    for count in counts.tolist():
        shares = _shares(count, ratios, owed)
        goes[order[start : start + count]] = np.repeat(np.arange(len(ratios)), shares)
        start += count
    return goes


def _shares(count: int, ratios: list[float], owed: list[float]) -> list[int]:
    """Divide a number by ratios; what rounding takes from a part is *owed* to it by later groups."""
    exact = [count * ratio + due for ratio, due in zip(ratios, owed, strict=True)]
    shares = [max(0, int(share)) for share in exact]
    while sum(shares) < count:
        shares[max(range(len(ratios)), key=lambda at: exact[at] - shares[at])] += 1
    while sum(shares) > count:  # debts can ask for more than a small group has
        shares[max(range(len(ratios)), key=lambda at: (shares[at] > 0, shares[at] - exact[at]))] -= 1
    owed[:] = [share - whole for share, whole in zip(exact, shares, strict=True)]
    return shares


def _by_label(run: Run, advance: Advance) -> None:
    import numpy as np

    labels = np.unique(_labels(run), equal_nan=True)
    if len(labels) > _MOST:
        raise PlanError(f"{len(labels)} labels would be as many sets, expected at most {_MOST}")
    names = _label_names(labels.tolist(), companions.classes_of(prefix_of(run.given[0])))
    for name in names:
        run.target(_named(run.into.prefix, name), {"label": name})
    where = len(labels) - 1 if len(labels) and bool(np.isnan(labels[-1])) else 0
    run.transfer(lambda block: _place(labels, fields_of(block).first, where), advance)


def _place(labels: NDArray[np.float64], values: NDArray[np.float64], without: int) -> NDArray[np.intp]:
    import numpy as np

    return np.where(np.isnan(values), without, labels.searchsorted(values))


def _label_names(labels: list[float], classes: bytes | None) -> list[str]:
    """Return a name for the set of each label: that of its class, where it is safe and belongs to no other; else the number."""
    named = dict(companions.parse_classes(classes)) if classes is not None else {}
    texts = [f"{label:.9g}" if label == label else "none" for label in labels]
    names = [re.sub(r"[^\w.-]", "_", named.get(int(label), "")) if label == label and label.is_integer() else "" for label in labels]
    folded = [name.casefold() for name in names]
    return [name if name and folded.count(name.casefold()) == 1 and name not in texts else text for name, text in _pairs(names, texts)]


def _pairs(names: list[str], texts: list[str]) -> Iterator[tuple[str, str]]:
    return zip(names, texts, strict=True)
