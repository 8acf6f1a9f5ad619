"""The ids of the headers of records that are written: a list names images by these, whatever the keys of the .idx are."""

from __future__ import annotations

import struct
from array import array
from typing import TYPE_CHECKING, Final

from im2rec.operations.blocks import Records
from im2rec.operations.copying import Source
from recordio import frame
from recordio.errors import BadHeader
from recordio.header import HEADER_SIZE, ID_AT, unpack_id

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_START: Final = struct.Struct(f"<II{ID_AT}xQ")  # of a record in one part: magic, lrec, what stands before the id, the id


class Ids:
    """Collects the ids of records in the order in which they are written. It takes 9 bytes a record."""

    def __init__(self) -> None:
        self._ids = array("Q")
        self._headed = bytearray()

    def add(self, records: Records) -> None:
        """Take the ids of records whose bytes are there."""
        import numpy as np

        words = np.frombuffer(records.data, "<u4", len(records.data) // 4)
        ends = records.sizes.cumsum()
        at = (ends - records.sizes) // 4
        lrecs = words[at + 1]
        plain = lrecs >> 29 == frame.WHOLE
        headed = plain & (lrecs & frame.MAX_LENGTH >= HEADER_SIZE)
        ids, here = np.zeros(len(records), np.uint64), at[headed] + (frame.HEAD_SIZE + ID_AT) // 4
        ids[headed] = words[here].astype(np.uint64) | words[here + 1].astype(np.uint64) << np.uint64(32)
        for number in (~plain).nonzero()[0].tolist():
            found = _of(bytes(records.data[int(ends[number] - records.sizes[number]) : int(ends[number])]))
            headed[number], ids[number] = found is not None, found or 0
        self._ids.frombytes(ids.tobytes())
        self._headed += headed.tobytes()

    def read(self, source: Source, sizes: NDArray[np.int64], offset: int) -> None:
        """Read the ids of records that stand one after the other in a source, and nothing else of them.

        Raises:
            FileError: a read failed.
        """
        assert source.file is not None
        for size in sizes.tolist():
            found, start = None, source.file.read_at(offset, min(size, _START.size))
            if len(start) == _START.size:
                magic, lrec, id_ = _START.unpack(start)
                if magic == frame.MAGIC and lrec >> 29 == frame.WHOLE and lrec >= HEADER_SIZE:
                    found = id_
                elif magic == frame.MAGIC and lrec >> 29 != frame.WHOLE:
                    found = _of(source.file.read_at(offset, size))
            self._ids.append(found or 0)
            self._headed.append(found is not None)
            offset += size

    def known(self) -> tuple[NDArray[np.uint64], NDArray[np.bool_]]:
        """Return the ids of all records, (n,) uint64, and which of them have one, (n,) bool; the others have 0."""
        import numpy as np

        return np.frombuffer(self._ids, np.uint64), np.frombuffer(self._headed, np.bool_)


def _of(record: bytes) -> int | None:
    """Return the id of a record that may be cut into parts; None where it has no header."""
    try:
        return int(unpack_id(frame.decode_at(record, 0)[0]))
    except BadHeader:
        return None
