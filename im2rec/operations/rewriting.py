"""Records with another id or other labels in their headers, and the same image behind them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from im2rec.operations.blocks import Block, Records
from im2rec.operations.fields import Fields, fields_of
from recordio import checksum, frame
from recordio.header import HEADER_SIZE, pack_header, unpack

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_VECTOR: Final = 2 + HEADER_SIZE // 4  # place of the first label behind a header, in words of a record
Relabel = Callable[[tuple[float, ...]], tuple[float, ...]]


def rewrite(
    block: Block,
    chosen: NDArray[np.intp],
    keys: NDArray[np.uint64],
    ids: NDArray[np.uint64],
    firsts: NDArray[np.float64] | None = None,
    relabel: Relabel | None = None,
    *,
    leading: bool = False,
) -> Records:
    """Return records with other ids and labels in their headers; a payload without a header stays as it is.

    Args:
        block: where they stand.
        chosen: their places in it, ascending.
        keys: (len(chosen),) their new keys.
        ids: (len(chosen),) their new ids.
        firsts: (len(chosen),) the new label of those that have one alone; None to keep it.
        relabel: gives the new labels of those that have a vector; None to keep them.
        leading: let *firsts* be the first labels of vectors, too; then there is no *relabel*.

    Raises:
        BadHeader: a label is beyond float32.
    """
    import numpy as np

    fields, taken = fields_of(block), block.take(chosen)
    data = bytearray(taken.data)
    words = np.frombuffer(data, "<u4")
    starts = (taken.sizes.cumsum() - taken.sizes) // 4
    headed = fields.headed[chosen]
    plain = headed & (words[starts + 1] >> 29 == frame.WHOLE)
    vectors = headed & (fields.flags[chosen] > 0) if relabel is not None else np.zeros(len(chosen), bool)
    low, high = (ids & np.uint64(0xFFFFFFFF)).astype("<u4"), (ids >> np.uint64(32)).astype("<u4")
    labels = fields.first[chosen].astype("<f4") if firsts is None else firsts.astype("<f4")
    bits = labels.view("<u4")
    quick = plain & ~vectors & (low != frame.MAGIC) & (high != frame.MAGIC) & (bits != frame.MAGIC)
    at = starts[quick]
    words[at + 4], words[at + 5] = low[quick], high[quick]
    if firsts is not None:
        alone = quick & (fields.flags[chosen] == 0)
        words[starts[alone] + 3] = bits[alone]
        if leading:
            heading = quick & (fields.flags[chosen] > 0)
            words[starts[heading] + _VECTOR] = bits[heading]
    del words
    slow = (headed & ~quick).nonzero()[0].tolist()
    sizes = taken.sizes
    if slow:
        made = {}
        for n in slow:
            first = None if firsts is None else float(firsts[n])
            change = (lambda old, first=first: (first, *old[1:])) if leading else relabel
            made[n] = _made(fields, int(chosen[n]), int(ids[n]), first, change)
        data, sizes = _replaced(data, sizes, made)
    return Records(keys, sizes, _crcs(data, sizes), memoryview(data))


def _made(fields: Fields, number: int, id_: int, first: float | None, relabel: Relabel | None) -> bytes:
    header, image = unpack(fields.block.payload(number))
    labels = fields.labels(number)
    if header.flag:
        return frame.encode(pack_header(relabel(labels) if relabel is not None else labels, id_, header.id2) + image)
    return frame.encode(pack_header(labels[0] if first is None else first, id_, header.id2) + image)


def _replaced(data: bytearray, sizes: NDArray[np.int64], made: dict[int, bytes]) -> tuple[bytearray, Any]:
    sizes, view, pieces, start = sizes.copy(), memoryview(data), [], 0
    for number, size in enumerate(sizes.tolist()):
        pieces.append(made.get(number, view[start : start + size]))
        sizes[number] = len(pieces[-1])
        start += size
    return bytearray().join(pieces), sizes


def _crcs(data: bytearray, sizes: NDArray[np.int64]) -> NDArray[np.uint32]:
    import numpy as np

    crc, view, start, found = checksum.crc_function(), memoryview(data), 0, []
    for size in sizes.tolist():
        found.append(crc(view[start : start + size]))
        start += size
    return np.array(found, np.uint32)
