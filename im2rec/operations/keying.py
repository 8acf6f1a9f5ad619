"""Which keys the records of a .rec have: by its .idx, else by its .sum, else by their headers."""

from __future__ import annotations

import struct
from array import array
from typing import TYPE_CHECKING, Any, Final

from im2rec.errors import InputError
from im2rec.names import printable
from recordio import frame
from recordio.errors import FormatError
from recordio.header import HEADER_SIZE, ID_AT, unpack_id

if TYPE_CHECKING:
    from im2rec.operations.copying import Source

_HEAD: Final = struct.Struct("<II")  # magic, lrec
_ID: Final = struct.Struct("<Q")


class Keying:
    """Finds the keys of records.

    Args:
        source: the .rec, with what stands beside it.
        partial: take records, too, that the .idx leaves out, under the ids of their headers.
        ordinals: number the records 0, 1, 2, ... whatever the .idx says.
    """

    def __init__(self, source: Source, *, partial: bool, ordinals: bool) -> None:
        self._name, self._path = source.name, source.path
        self._indexed, self._listed = source.indexed, source.listed
        self._partial = partial
        self._ordinals = ordinals

    def of(self, base: int, done: int, data: bytes, starts: Any, end: int) -> tuple[Any, Any]:
        """Return the keys of a block's records, and which of them the .idx has."""
        import numpy as np

        if self._ordinals:
            return np.arange(done, done + len(starts), dtype=np.uint64), None
        if self._indexed is None:
            if self._listed is not None:
                return self._listed.keys[done : done + len(starts)], None
            return self._ids(base, data, starts), None
        offsets = starts + base
        first, stop = self._indexed.offsets.searchsorted([base, base + end]).tolist()
        named = self._indexed.offsets[first:stop]
        if len(named) == len(offsets) and bool((named == offsets).all()):
            return self._indexed.keys[first:stop], None
        places = offsets.searchsorted(named)
        wrong = places.clip(max=len(offsets) - 1)
        for at in (offsets[wrong] != named).nonzero()[0][:1].tolist():
            reason = f"{self._indexed.source} puts the record of key {self._indexed.keys[first + at]} here, where none starts"
            raise FormatError(self._name, int(named[at]), reason)
        listed = np.zeros(len(starts), bool)
        listed[places] = True
        keys = np.zeros(len(starts), np.uint64)
        keys[places] = self._indexed.keys[first:stop]
        if not self._partial:
            self._refuse_unlisted(int(offsets[(~listed).nonzero()[0][0]]))
        return keys, listed

    def _refuse_unlisted(self, offset: int) -> None:
        assert self._indexed is not None
        name = printable(str(self._path))
        raise InputError(
            self._indexed.source,
            f"leaves out the record at offset {offset} of {name}; 'im2rec compact' makes a set without such records, "
            f"'im2rec index {name} --force' an .idx with all of them",
        )

    def _ids(self, base: int, data: bytes, starts: Any) -> Any:
        """Return the ids of the image headers.

        Raises:
            BadHeader: a record has none.
        """
        import numpy as np

        ids = array("Q")
        for start in starts.tolist():
            _, lrec = _HEAD.unpack_from(data, start)
            if lrec >> 29 == frame.WHOLE and lrec >= HEADER_SIZE:
                ids.append(_ID.unpack_from(data, start + frame.HEAD_SIZE + ID_AT)[0])
            else:
                payload = frame.decode_at(data, start, source=self._name, base=base)[0]
                ids.append(unpack_id(payload, source=self._name, offset=base + start))
        return np.array(ids, np.uint64)
