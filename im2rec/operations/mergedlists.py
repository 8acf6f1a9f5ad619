"""The lines of the lists of sets that are merged, with the ids and labels that their records have got."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from im2rec.errors import InputError
from im2rec.listfile import format_label
from im2rec.names import printable
from im2rec.operations import companions
from recordio import files

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Relabel = Callable[[tuple[float, ...]], tuple[float, ...]]


def renewed(path: Path, old: NDArray[np.uint64], new: NDArray[np.uint64], relabel: Relabel | None, remarks: list[str]) -> Iterator[bytes]:
    """Yield the lines of a list that belong to records, in the order of these, with their new ids and labels.

    Args:
        path: of the list.
        old: (n,) ids that the records had.
        new: (n,) ids that they have now.
        relabel: gives the new labels; None to keep them.
        remarks: gets one where labels of the list cannot be changed, as those of no record.

    Raises:
        FileError: the list cannot be read.
    """
    labels = _Labels(relabel)
    for found in companions.Lines(files.read_whole(path)).of(old):
        lines = []
        for at, line in found:
            _, _, rest = line.strip().partition(b"\t")
            listed, _, image = rest.rpartition(b"\t")
            lines.append(b"%d\t%b\t%b\n" % (new[at], labels.give(listed), image) if listed else b"%d\t%b\n" % (new[at], rest))
        yield b"".join(lines)
    if labels.kept:
        one = labels.kept == 1
        what = "1 line with labels that no class has: it keeps its labels" if one else f"{labels.kept} lines with labels that no class has"
        remarks.append(f"{printable(str(path))} has {what}" + ": they keep their labels" * (not one))


class _Labels:
    """The labels of lines as their text stands there, and their new text.

    Attributes:
        kept: lines whose labels could not be changed.
    """

    def __init__(self, relabel: Relabel | None) -> None:
        self._relabel = relabel
        self._known: dict[bytes, bytes | None] = {}
        self.kept = 0

    def give(self, listed: bytes) -> bytes:
        """Return the new labels of a line, separated by tabs as they are."""
        if self._relabel is None:
            return listed
        if listed not in self._known:
            self._known[listed] = self._renewed(listed)
        found = self._known[listed]
        self.kept += found is None
        return listed if found is None else found

    def _renewed(self, listed: bytes) -> bytes | None:
        import numpy as np

        assert self._relabel is not None
        texts = listed.split(b"\t")
        try:
            # A record has its labels as float32, and its new ones come from these.
            labels = tuple(np.array([float(text) for text in texts], np.float32).tolist())
            changed = self._relabel(labels)
        except (ValueError, InputError):
            return None
        pairs = zip(texts, labels, changed, strict=True)
        return b"\t".join([text if label == other else _text(other) for text, label, other in pairs])


def _text(label: float) -> bytes:
    """Return the shortest number that is the label in float32, as lists have it."""
    import numpy as np

    return format_label(float(str(np.float32(label)))).encode()
