"""What ImageIter reads and makes: samples, rows, and where they come from."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np

from recordio.loaders import lists
from recordio.loaders.source import ListSource, open_source
from recordio.processors import processors

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from recordio.loaders.source import RecordSource

_MOST_THREADS: Final = 4


class Task(NamedTuple):
    """A sample that was read.

    Attributes:
        label: as the record or the list has it.
        data: the encoded image.
        name: where it stands, for messages.
        id: of the sample.
        epoch: in which it was read, with *ordinal* what its random numbers follow from.
        ordinal: in the source.
        after: how many samples of the epoch had been read with it.
    """

    label: Any
    data: bytes
    name: str
    id: int
    epoch: int
    ordinal: int
    after: int


class Refused(Exception):
    """A program's own check does not want an image: it is left out, as in MXNet, and counts as no bad one."""


class Row(NamedTuple):
    """What a sample became.

    Attributes:
        pixels: (height, width, channels), augmented.
        data: the same in the order of the batch.
        label: of the row.
        task: what it was made of.
    """

    pixels: Any
    data: NDArray[Any]
    label: NDArray[Any]
    task: Task


def default_threads() -> int:
    """Return how many threads decode where nobody says: MXNET_CPU_WORKER_NTHREADS, or the processors, up to four."""
    given = os.environ.get("MXNET_CPU_WORKER_NTHREADS", "")
    return int(given) if given.isdigit() and int(given) else min(processors(), _MOST_THREADS)


def listed(imglist: Sequence[Sequence[Any]]) -> lists.Listed:
    """Make a list of a Python list of [label, ..., path] or [labels, path].

    Raises:
        ValueError: an entry is neither.
    """
    labels, paths = [], []
    for number, entry in enumerate(imglist, 1):
        try:
            *values, path = entry
            label = np.array(values[0] if len(values) == 1 else values, np.float32).reshape(-1)
        except (TypeError, ValueError, IndexError):
            raise ValueError(f"imglist: entry {number}: {entry!r}, expected [label, path]") from None
        labels.append(label)
        paths.append(os.fspath(path))
    return lists.Listed(np.arange(1, len(paths) + 1, dtype=np.uint64), labels, paths, "imglist")


def is_own(augmenter: Any, packages: tuple[str, ...]) -> bool:
    """Tell whether an augmenter, and all that it is made of, comes from some packages."""
    inner = [*getattr(augmenter, "ts", ()), *getattr(augmenter, "aug_list", ())]
    inner += [augmenter.augmenter] if hasattr(augmenter, "augmenter") else []
    return type(augmenter).__module__.startswith(packages) and all(is_own(each, packages) for each in inner)


def open_images(rec: Any, idx: Any, path_imglist: Any, root: Any, imglist: Sequence[Sequence[Any]] | None) -> RecordSource | ListSource:
    """Open what the arguments of ImageIter mean.

    Raises:
        ValueError: they contradict each other, or there are none.
        FileError, IndexFormatError, FormatError, ListFormatError: a file cannot be read.
    """
    if imglist is not None:
        if rec or path_imglist:
            raise ValueError("imglist together with path_imgrec or path_imglist, expected one of them")
        if idx:
            raise ValueError("path_imgidx has no effect without path_imgrec")
        return ListSource(listed(imglist), root or "")
    if not rec and not path_imglist:
        raise ValueError("expected path_imgrec, path_imglist or imglist")
    return open_source(rec or "", idx or "", path_imglist or "", root or "")
