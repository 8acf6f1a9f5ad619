"""Several sets as one: their keys and labels side by side, their classes joined by name."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from im2rec.errors import InputError, PlanError
from im2rec.names import printable
from im2rec.operations import companions, mergedlists
from im2rec.operations.blocks import Block, Records
from im2rec.operations.browse import is_detection
from im2rec.operations.copying import STDIN, Source
from im2rec.operations.counts import Report
from im2rec.operations.fields import fields_of
from im2rec.operations.mergedlabels import Labels
from im2rec.operations.rewriting import rewrite
from im2rec.operations.running import Run
from im2rec.operations.shuffle import all_keys
from im2rec.operations.target import Into, Target
from im2rec.progress import Advance
from im2rec.report import counted
from im2rec.sets import prefix_of

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_SHOWN: Final = 5


@dataclass(frozen=True, slots=True)
class MergeOptions:
    """What becomes of keys and labels.

    Attributes:
        keys: "keep"; "shift": the keys of each set behind those of the one before; "number": 0, 1, 2, ...
        key_offsets: what is added to the keys of each set; with *keys* "keep" only.
        labels: "keep"; "shift": the labels of each set behind those of the one before; "names": those of classes of one name
            become one, by the class maps; "auto": "names" where each set has a class map, else "keep".
        label_offsets: what is added to the labels of each set; with *labels* "auto" or "keep" only.
        duplicates: let several records have one key.
    """

    keys: str = "keep"
    key_offsets: tuple[int, ...] = ()
    labels: str = "auto"
    label_offsets: tuple[int, ...] = ()
    duplicates: bool = False

    def __post_init__(self) -> None:
        if self.keys not in ("keep", "shift", "number") or self.labels not in ("auto", "keep", "shift", "names"):
            raise PlanError(f"keys {self.keys!r} and labels {self.labels!r}, expected keep, shift, number, and auto, keep, shift, names")
        if self.key_offsets and self.keys != "keep":
            raise PlanError(f"--keys {self.keys} gives all keys anew: --key-offset has no place there")
        if self.label_offsets and self.labels not in ("auto", "keep"):
            raise PlanError(f"--labels {self.labels} says what becomes of the labels: --label-offset has no place there")

    def described(self) -> dict[str, str]:
        """Return it in words, for a .sum."""
        said = {"keys": self.keys, "labels": self.labels}
        for name, offsets in (("key-offset", self.key_offsets), ("label-offset", self.label_offsets)):
            if offsets:
                said[name] = ",".join(map(str, offsets))
        return said


def merge(given: Sequence[Path], into: Into, options: MergeOptions, advance: Advance) -> Report:
    """Write the records of several sets, one set after the other, as one.

    Image bytes stay as they are; ids and labels change only where keys or labels do.

    Args:
        given: prefixes of the sets, or files of them; ``-`` once for a .rec on stdin.
        into: where they go.
        options: what becomes of keys and labels.
        advance: of the progress bar.

    Raises:
        InputError: there is no such set, it is one of identities, or a key stands in two of them.
        PlanError: the options do not fit the sets.
        FormatError: a record cannot be read.
        FileError: a file cannot be read or written.
    """
    for name, offsets in (("--key-offset", options.key_offsets), ("--label-offset", options.label_offsets)):
        if offsets and len(offsets) != len(given):
            raise PlanError(f"{name} has {len(offsets)} numbers for {len(given)} sets")
    with Run("merge", given, into) as run:
        numbering = _Keys(run, options)
        labelling = Labels(run, options.labels, options.label_offsets)
        run.target(described=options.described())
        changes = _Changes(run, numbering, labelling)
        run.transfer(_all, advance, by_key=_all_by_key, rewrite=changes.rewrite if numbering.changes or labelling.changes else None)
        report = run.report
        if labelling.said:
            report.remarks.append(labelling.said)
        _check_duplicates(run, options)
        return run.finish(companions.Companions(labelling.classes, changes.lines()))


def _all(block: Block) -> NDArray[np.intp]:
    import numpy as np

    return np.zeros(len(block), np.intp)


def _all_by_key(_: Source, keys: NDArray[np.uint64], __: int) -> NDArray[np.intp]:
    import numpy as np

    return np.zeros(len(keys), np.intp)


def _check_duplicates(run: Run, options: MergeOptions) -> None:
    target = run.targets[0]
    if options.duplicates or not isinstance(target, Target):
        return
    twice = target.duplicates()
    if twice:
        raise InputError(
            str(target.prefix),
            f"{counted(twice, 'record')} would have a key that another has: --keys shift or --keys number gives each its own, "
            "--duplicates lets it be; nothing was written",
        )


class _Keys:
    """The new key of each record, and the new id of its header."""

    def __init__(self, run: Run, options: MergeOptions) -> None:
        self._how = options.keys
        self._offsets = list(options.key_offsets) or [0] * len(run.sets)
        self._done = 0
        if options.keys == "keep" and not options.key_offsets and not options.duplicates:
            self._check(run)
        if options.keys == "shift":
            self._offsets = _shifted(run)
        self.changes = options.keys == "number" or any(self._offsets)

    def _check(self, run: Run) -> None:
        """Find keys that stand twice before anything is copied, where the keys are known without."""
        import numpy as np

        if any(source.count is None for source in run.sources):
            return
        keys = all_keys(run)
        keys.sort()
        twice = np.unique(keys[1:][keys[1:] == keys[:-1]])
        if len(twice):
            named = ", ".join(map(str, twice[:_SHOWN].tolist())) + ", ..." * (len(twice) > _SHOWN)
            places = ", ".join(str(given) for given in run.given[:3]) + ", ..." * (len(run.given) > 3)
            raise InputError(
                places,
                f"{len(twice)} key{'s' * (len(twice) > 1)} would stand twice: {named}; --keys shift or --keys number gives each its own, "
                "--duplicates lets it be",
            )

    def give(self, number: int, keys: NDArray[np.uint64], ids: NDArray[np.uint64]) -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
        """Return the new keys and ids of the next records, which are of set *number*."""
        import numpy as np

        if self._how == "number":
            new = np.arange(self._done, self._done + len(keys), dtype=np.uint64)
            self._done += len(keys)
            return new, new
        offset = self._offsets[number]
        if offset and len(keys) and (int(keys.min()) + offset < 0 or int(keys.max()) + offset >= 1 << 64):
            raise PlanError(f"with {offset} added, keys from {keys.min()} to {keys.max()} are outside 0 to 2**64 - 1")
        step = np.uint64(offset % (1 << 64))
        return keys + step, ids + step


def _shifted(run: Run) -> list[int]:
    import numpy as np

    if STDIN in run.given:
        raise PlanError("--keys shift reads the keys before the records, which a pipe cannot do: give files")
    offsets, behind = [], 0
    for sources in run.sets:
        offsets.append(behind)
        most = -1
        for source in sources:
            known = source.indexed.keys if source.indexed is not None else source.listed.keys if source.listed is not None else None
            keys = known if known is not None else np.concatenate([np.empty(0, np.uint64), *(block.keys for block in source.blocks())])
            most = max(most, int(keys.max()) if len(keys) else -1)
        behind += most + 1
    return offsets


class _Changes:
    """Writes new keys and labels into the headers of records."""

    def __init__(self, run: Run, keys: _Keys, labels: Labels) -> None:
        self._run = run
        self._keys = keys
        self._labels = labels
        self._set_of = {id(source): number for number, sources in enumerate(run.sets) for source in sources}
        self._ids: list[NDArray[np.uint64]] = []  # of the records that are changed, before that

    def rewrite(self, block: Block, chosen: NDArray[np.intp]) -> Records:
        """Return the chosen records of a block as they are written."""
        fields, number = fields_of(block), self._set_of[id(block.source)]
        keys, ids = self._keys.give(number, block.keys[chosen], fields.ids[chosen])
        if self._run.has_list:
            self._ids.append(fields.ids[chosen])
        if not self._labels.changes:
            return rewrite(block, chosen, keys, ids)
        first: Any = fields.first[chosen].copy()
        alone = fields.headed[chosen] & (fields.flags[chosen] == 0)
        first[alone] = self._labels.give(number, first[alone], block.source)
        return rewrite(block, chosen, keys, ids, first, lambda labels: self._labels.relabel(number, labels, block.source))

    def lines(self) -> Callable[[Target], Iterator[bytes]] | None:
        """Return what gives the lines of the new list; None where there is none, which is remarked where that is a loss."""
        if not self._run.has_list:
            return None
        without = [given for given in self._run.given if given == STDIN or not companions.has_list(prefix_of(given))]
        if without:
            names = ", ".join("<stdin>" if given == STDIN else printable(str(given)) for given in without[:_SHOWN])
            names += ", ..." * (len(without) > _SHOWN)
            self._run.report.remarks.append(f"no list is written, for {names} has none")
            return None
        return self._joined

    def _joined(self, target: Target) -> Iterator[bytes]:
        """Yield the lines of all lists with the new ids and labels, in the order of the records."""
        import numpy as np

        assert target.ids is not None
        new, headed = target.ids.known()
        old = np.concatenate(self._ids) if self._ids else new
        start = 0
        for number, sources in enumerate(self._run.sets):
            stop = start + sum(self._run.counts[self._run.sources.index(source)] for source in sources)
            here = headed[start:stop]
            labels = self._new_labels(number) if self._labels.changes else None
            path = companions.beside(prefix_of(self._run.given[number]), companions.LIST)
            yield from mergedlists.renewed(path, old[start:stop][here], new[start:stop][here], labels, self._run.report.remarks)
            start = stop

    def _new_labels(self, number: int) -> mergedlists.Relabel:
        import numpy as np

        source = self._run.sets[number][0]

        def relabelled(labels: tuple[float, ...]) -> tuple[float, ...]:
            if is_detection(labels):
                return self._labels.relabel(number, labels, source)
            return (float(self._labels.give(number, np.array(labels[:1]), source)[0]), *labels[1:])

        return relabelled
