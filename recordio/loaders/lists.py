"""Lists of images as loaders read them: ids, labels and paths of a .lst file."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from recordio import files
from recordio.errors import KeyMissing, ListFormatError

if TYPE_CHECKING:
    from numpy.typing import NDArray


class Listed(NamedTuple):
    """What a list says.

    Attributes:
        ids: (n,) uint64.
        labels: n vectors, (k,) float32 each; k may differ.
        paths: n paths as they stand in the list.
        source: the list's name, for messages.
    """

    ids: NDArray[np.uint64]
    labels: list[NDArray[np.float32]]
    paths: list[str]
    source: str


def load(path: str | os.PathLike[str]) -> Listed:
    """Load a .lst file: ``id TAB label [TAB label ...] TAB path`` a line. Empty lines are left out.

    Raises:
        FileError: it cannot be read.
        ListFormatError: a line has too few fields, or one that is no number where a number must be.
    """
    ids: list[int] = []
    labels: list[NDArray[np.float32]] = []
    paths: list[str] = []
    with files.open_text_lines(path) as lines:
        for number, line in enumerate(lines, 1):
            fields = line.decode("utf-8", "surrogateescape").strip().split("\t")
            if fields == [""]:
                continue
            id_, label, name = _parse(fields, str(path), number)
            ids.append(id_)
            labels.append(label)
            paths.append(name)
    return Listed(np.array(ids, np.uint64), labels, paths, str(path))


def _parse(fields: list[str], source: str, number: int) -> tuple[int, NDArray[np.float32], str]:
    if len(fields) < 3:
        raise ListFormatError(source, number, f"{len(fields)} field(s), expected at least 3: id, label and path, separated by tabs")
    try:
        id_ = int(fields[0])
        label = np.array([float(field) for field in fields[1:-1]], np.float32)
    except ValueError as error:
        raise ListFormatError(source, number, f"{error}, expected a whole number and labels before the path") from None
    if not 0 <= id_ < 1 << 64:
        raise ListFormatError(source, number, f"the id {id_}, expected one from 0 to 2**64 - 1")
    return id_, label, fields[-1].strip()


class LabelMap:
    """The labels of a list by id.

    Args:
        path: a .lst file; of two lines with one id the last counts, as in MXNet.

    Raises:
        FileError, ListFormatError: as :func:`load`.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        listed = load(path)
        self.source = listed.source
        self._labels: dict[int, NDArray[np.float32]] = dict(zip(listed.ids.tolist(), listed.labels, strict=True))

    @property
    def widest(self) -> int:
        """Labels of the image that has most."""
        return max(map(len, self._labels.values()), default=0)

    def items(self) -> Iterable[tuple[int, NDArray[np.float32]]]:
        """Return ids with their labels."""
        return self._labels.items()

    def find(self, id: int) -> NDArray[np.float32]:
        """Return the labels of an image, (k,) float32.

        Raises:
            KeyMissing: the list has no such id.
        """
        try:
            return self._labels[id]
        except KeyError:
            raise KeyMissing(self.source, id, "line has the id") from None
