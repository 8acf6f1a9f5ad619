"""What becomes of the labels of sets that are merged."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from im2rec.errors import InputError, PlanError
from im2rec.operations import companions
from im2rec.operations.blocks import Block
from im2rec.operations.browse import is_detection, object_classes
from im2rec.operations.copying import STDIN, Source
from im2rec.operations.fields import fields_of
from im2rec.operations.running import Run
from im2rec.sets import prefix_of

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_EXACT: Final = 1 << 24  # float32 holds every integer up to here


class Labels:
    """The new label of each class of each set.

    Args:
        run: the merge.
        how: "keep", "shift", "names" or "auto", as MergeOptions.labels.
        offsets: what is added to the labels of each set; none for nothing.

    Attributes:
        changes: whether any label changes.
        classes: content of the new class map; None for none.
        said: a remark; "" for none.
    """

    def __init__(self, run: Run, how: str, offsets: Sequence[int]) -> None:
        self._offsets = list(offsets) or [0] * len(run.sets)
        self._maps: list[dict[float, float]] | None = None
        self.classes: bytes | None = None
        self.said = ""
        found = [None if given == STDIN else companions.classes_of(prefix_of(given)) for given in run.given]
        if how == "shift":
            self._offsets = _labels_shifted(run)
        elif how in ("auto", "names") and not offsets:
            self._join(run.given, found, must=how == "names")
        self.changes = any(self._offsets) or self._moves()
        if self._maps is None:
            self._keep(found)

    def _moves(self) -> bool:
        """Tell whether a class gets another label by the class maps."""
        return self._maps is not None and any(old != new for each in self._maps for old, new in each.items())

    def _keep(self, found: list[bytes | None]) -> None:
        """Join the class maps by numbers, where no two disagree."""
        joined: dict[int, str] = {}
        for offset, content in zip(self._offsets, found, strict=True):
            for label, name in companions.parse_classes(content or b""):
                if joined.setdefault(label + offset, name) != name:
                    self.said = f"label {label + offset} is the class {joined[label + offset]!r} in one set and {name!r} in another"
                    return
        if joined and all(content is not None for content in found):
            self.classes = companions.format_classes(joined.items())

    def _join(self, given: Sequence[Path], found: list[bytes | None], *, must: bool) -> None:
        """Give classes of one name one label: those of the first set keep theirs, new ones come behind."""
        for path, content in zip(given, found, strict=True):
            if content is None:
                if must:
                    raise InputError(str(companions.beside(prefix_of(path), companions.CLASSES)), "no such file: --labels names needs it")
                return
        numbers: dict[str, int] = {}
        self._maps = []
        for content in found:
            each = companions.parse_classes(content or b"")
            is_first = not numbers
            behind = max(numbers.values(), default=-1) + 1
            for label, name in each:
                if name not in numbers:
                    numbers[name] = label if is_first else behind
                    behind += 1
            self._maps.append({float(label): float(numbers[name]) for label, name in each})
        self.classes = companions.format_classes((label, name) for name, label in numbers.items())

    def give(self, number: int, labels: NDArray[np.float64], source: Source) -> NDArray[np.float64]:
        """Return the new labels of records of set *number*.

        Raises:
            InputError: one has no class in the map, or float32 cannot hold a new one.
        """
        import numpy as np

        if self._maps is None:
            new = labels + self._offsets[number]
        else:
            each = self._maps[number]
            values, places = np.unique(labels, return_inverse=True)
            for value in values.tolist():
                if value == value and value not in each:
                    raise InputError(
                        source.name, f"label {value:g} is not in the class map of its set; --labels keep does without the maps"
                    )
            new = np.array([each.get(value, value) for value in values.tolist()], np.float64)[places]
        if len(new) and bool((np.abs(new) > _EXACT).any()) and self.changes:
            raise InputError(source.name, f"a label would become {np.nanmax(np.abs(new)):.0f}, float32 holds whole numbers up to {_EXACT}")
        return new

    def relabel(self, number: int, labels: tuple[float, ...], source: Source) -> tuple[float, ...]:
        """Return the new labels of a record that has several: those of objects are classes.

        Raises:
            InputError: they are not those of detection.
        """
        import numpy as np

        if not is_detection(labels):
            reason = f"has a record with {len(labels)} labels, none of which is known for a class; --labels keep leaves them as they are"
            raise InputError(source.name, reason)
        new = list(labels)
        start, width = int(labels[0]), int(labels[1])
        new[start::width] = self.give(number, np.array(new[start::width]), source).tolist()
        return tuple(new)


def _labels_shifted(run: Run) -> list[int]:
    import numpy as np

    if STDIN in run.given:
        raise PlanError("--labels shift reads the labels before the records, which a pipe cannot do: give files")
    offsets, behind = [], 0
    for sources in run.sets:
        offsets.append(behind)
        most = -1.0
        for source in sources:
            for block in source.blocks():
                most = max(most, _most_label(block))
        if not np.isfinite(most) or most != int(most):
            raise InputError(sources[0].name, f"its largest label is {most:g}, expected a whole number")
        behind += int(most) + 1
    return offsets


def _most_label(block: Block) -> float:
    import numpy as np

    fields = fields_of(block)
    most = float(np.nanmax(fields.first, initial=-1.0, where=(fields.flags == 0) & fields.headed))
    for number in (fields.flags > 0).nonzero()[0].tolist():
        labels = fields.labels(number)
        if is_detection(labels):
            most = max(most, *object_classes(labels))
    return most
