"""Which records of a .rec are images, which are identity records, which is the header; and what the labels say the ranges are."""

from __future__ import annotations

import math
import struct
from array import array
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from im2rec.errors import InputError
from im2rec.listfile import EXACT_INTEGERS
from im2rec.operations.blocks import Block
from im2rec.operations.copying import Source
from im2rec.sets import settled_files
from im2rec.together import one_set
from recordio import files, index, scan
from recordio.header import HEADER_SIZE

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_HEADER: Final = struct.Struct("<IfQQ")
_TWO: Final = struct.Struct("<ff")
_MOST: Final = HEADER_SIZE + 2 * 4 + 1  # bytes of a payload that tell what it is: two labels, and whether more comes behind them


def round_down(number: int) -> int:
    """Return the largest whole number that float32 holds and that is not above *number*."""
    bits = max(0, number.bit_length() - 24)
    return number >> bits << bits


def round_up(number: int) -> int:
    """Return the smallest whole number that float32 holds and that is not below *number*."""
    return -round_down(-number) if number < 0 else _up(number)


def _up(number: int) -> int:
    bits = max(0, number.bit_length() - 24)
    return -(-number >> bits) << bits


def is_about(stated: float, true: int) -> bool:
    """Tell whether a float32 is a whole number, or what rounding has made of it in one direction or the other."""
    return round_down(true) <= stated <= round_up(true)


@dataclass(frozen=True)
class Survey:
    """What the records of one .rec are, in the order of the file.

    Attributes:
        rec: the .rec file.
        keys: (n,) uint64, by the .idx, else the ids of the headers.
        flags: (n,) uint32, numbers of labels as the headers have them, 0 for one in the header itself.
        first: (n,) float32, first labels.
        second: (n,) float32, second labels; 0 where there is none.
        filled: (n,) bool, whether image bytes stand behind the header.
        listed: whether each key stands in an .idx.
    """

    rec: Path
    keys: NDArray[np.uint64]
    flags: NDArray[np.uint32]
    first: NDArray[np.float32]
    second: NDArray[np.float32]
    filled: NDArray[np.bool_]
    listed: bool

    @cached_property
    def is_metadata(self) -> NDArray[np.bool_]:
        """(n,) bool: records without an image that hold a range of keys, as identity records and the header do."""
        ranged: NDArray[np.bool_] = ~self.filled & (self.flags == 2) & (self.first <= self.second)
        return ranged

    @cached_property
    def images(self) -> NDArray[np.intp]:
        """Ordinals of the records with an image, by ascending key."""
        (found,) = self.filled.nonzero()
        return self._by_key(found)

    @cached_property
    def identities(self) -> NDArray[np.intp]:
        """Ordinals of the identity records, by ascending key."""
        (found,) = (self.is_metadata & (self.keys != 0)).nonzero()
        return self._by_key(found)

    @cached_property
    def header(self) -> int | None:
        """Ordinal of the header, the record under key 0; None where there is none."""
        (found,) = (self.is_metadata & (self.keys == 0)).nonzero()
        return int(found[0]) if len(found) else None

    def _by_key(self, ordinals: NDArray[np.intp]) -> NDArray[np.intp]:
        return ordinals[self.keys[ordinals].argsort(kind="stable")]

    @cached_property
    def others(self) -> NDArray[np.intp]:
        """Ordinals of the records that are none of these: without an image, and without a range."""
        found: NDArray[np.intp] = (~self.filled & ~self.is_metadata).nonzero()[0]
        return found

    @property
    def is_identity_file(self) -> bool:
        """Whether the file is in InsightFace's layout: its header counts the images, as far as float32 can."""
        return self.header is not None and is_about(float(self.first[self.header]), len(self.images) + 1)

    @cached_property
    def runs(self) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """Ranges [start, stop) in *images* that have one first label: the identities, as the records themselves say."""
        import numpy as np

        labels = self.first[self.images]
        starts = np.flatnonzero(np.append(True, labels[1:] != labels[:-1])) if len(labels) else np.empty(0, np.intp)
        return starts, np.append(starts[1:], len(labels)).astype(np.intp) if len(labels) else starts


def survey(rec: Path, advance: Callable[[int], None] = lambda _: None) -> Survey:
    """Read a .rec from start to end and tell what its records are.

    Args:
        rec: the file; keys come from the .idx beside it, where it has them, else from the headers.
        advance: called with the number of records seen since its last call.

    Raises:
        FormatError: a record cannot be read.
        InputError: a record has no image header.
    """
    import numpy as np

    idx = rec.with_suffix(".idx")
    listed = index.load(idx) if idx.exists() else None
    by_offset = dict(zip(listed.offsets.tolist(), listed.keys.tolist(), strict=True)) if listed is not None else {}
    columns = _Columns()
    file = files.InputFile(rec)
    try:
        for run in scan.runs(file, most=_MOST):
            for offset, payload in run:
                columns.add(rec, offset, payload, by_offset.get(offset))
            advance(len(run))
    finally:
        file.close()
    return Survey(
        rec,
        np.frombuffer(columns.keys, np.uint64),
        np.frombuffer(columns.flags, np.uint32),
        np.frombuffer(columns.first, np.float32),
        np.frombuffer(columns.second, np.float32),
        np.frombuffer(columns.filled, np.bool_),
        listed is not None,
    )


class _Columns:
    """The arrays of a survey while they grow."""

    def __init__(self) -> None:
        self.keys = array("Q")
        self.flags = array("L" if array("I").itemsize != 4 else "I")
        self.first = array("f")
        self.second = array("f")
        self.filled = array("b")

    def add(self, rec: Path, offset: int, payload: bytes, key: int | None) -> None:
        """Note the next record by the first bytes of its payload."""
        if len(payload) < HEADER_SIZE:
            raise InputError(str(rec), f"the record at offset {offset} has {len(payload)} bytes, expected an image header of {HEADER_SIZE}")
        flag, label, id_, _ = _HEADER.unpack_from(payload)
        labels: Any = (label, 0.0)
        if flag and len(payload) >= HEADER_SIZE + 4:
            labels = _TWO.unpack_from(payload, HEADER_SIZE) if flag > 1 and len(payload) >= HEADER_SIZE + 8 else (_one(payload), 0.0)
        self.keys.append(id_ if key is None else key)
        self.flags.append(flag)
        self.first.append(labels[0])
        self.second.append(labels[1])
        self.filled.append(len(payload) > HEADER_SIZE + 4 * flag if flag <= 2 else True)


def _one(payload: bytes) -> float:
    return float(struct.unpack_from("<f", payload, HEADER_SIZE)[0])


def blocks_of(found: Survey) -> Iterator[Block]:
    """Yield the records of a file that was surveyed, in blocks.

    Raises:
        InputError: the file is another one now.
        FormatError: a record cannot be read, or is not as the .sum says.
    """
    source = Source(found.rec, partial=True)
    try:
        for block in source.blocks():
            if block.first + len(block) > len(found.keys):
                raise InputError(str(found.rec), "has grown while it was read")
            yield block
    finally:
        source.close()


def surveys(given: Path, advance: Callable[[int], None] = lambda _: None) -> list[Survey]:
    """Survey all files of a set.

    Raises:
        InputError: there is no such set, a shard of it is missing, a change of it was interrupted, or a record has no image header.
        FormatError: a record cannot be read.
    """
    recs = settled_files(given)
    one_set(given, recs)
    return [survey(rec, advance) for rec in recs]


def identity_file(given: Path, advance: Callable[[int], None] = lambda _: None) -> Survey:
    """Survey a file in InsightFace's layout.

    Raises:
        InputError: there is no such file, a change of it was interrupted, or it is laid out otherwise; the message says how.
        FormatError: a record cannot be read.
    """
    recs = settled_files(given)
    one_set(given, recs)
    if len(recs) > 1:
        raise InputError(
            str(given), f"is a set of {len(recs)} files, expected one in InsightFace's layout; 'im2rec identities from-plain' makes it"
        )
    found = survey(recs[0], advance)
    if found.header is None and not len(found.identities):
        hint = "'im2rec identities from-plain' makes one of a plain set"
        raise InputError(str(recs[0]), f"has no identity records, expected a file in InsightFace's layout; {hint}")
    return found


def check_labels(found: Survey) -> None:
    """Check that the images' labels can be those of identities.

    Raises:
        InputError: one is no whole number from 0, or a record has more than two labels.
    """
    many = found.images[found.flags[found.images] > 2]
    if len(many):
        at = int(many[0])
        raise InputError(str(found.rec), f"key {found.keys[at]} has {found.flags[at]} labels, expected one, or an identity and 'aligned'")
    labels = found.first[found.images]
    bad = ~((labels >= 0) & (labels <= EXACT_INTEGERS) & (labels == labels.round()))
    if bad.any():
        at = int(found.images[bad.argmax()])
        label = float(found.first[at])
        said = f"{label:g}" if math.isfinite(label) else str(label)
        raise InputError(str(found.rec), f"key {found.keys[at]} has the label {said}, expected a whole number from 0 to 2**24")
