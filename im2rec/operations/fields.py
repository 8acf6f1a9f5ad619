"""The image headers of a block's records as arrays: what filters and splits ask of 10**8 records."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from im2rec.errors import InputError
from im2rec.operations.blocks import Block
from im2rec.operations.browse import LEAST_DETECTION, is_detection, object_classes
from recordio import frame
from recordio.errors import BadHeader
from recordio.header import HEADER_SIZE, unpack

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_WORDS: Final = 2 + HEADER_SIZE // 4  # of a head and an image header


@dataclass(slots=True)
class Fields:
    """What the records of a block say about themselves.

    Attributes:
        block: the records.
        lengths: (n,) int64, bytes of each payload.
        headed: (n,) bool, which payloads have an image header; the others have zeros below.
        flags: (n,) int64, number of labels behind the header, 0 for one label in it.
        first: (n,) float64, the first label; NaN where there is none.
        ids: (n,) uint64.
        images: (n,) int64, bytes of each image.
    """

    block: Block
    lengths: NDArray[np.int64]
    headed: NDArray[np.bool_]
    flags: NDArray[np.int64]
    first: NDArray[np.float64]
    ids: NDArray[np.uint64]
    images: NDArray[np.int64]

    @property
    def widths(self) -> NDArray[np.int64]:
        """Number of labels of each record, (n,) int64."""
        import numpy as np

        return np.where(self.headed, np.maximum(self.flags, 1), 0)

    def labels(self, number: int) -> tuple[float, ...]:
        """Return all labels of one record, by its place in the block; none where it has no header."""
        if not self.headed[number]:
            return ()
        if not self.flags[number]:
            return (float(self.first[number]),)
        header, _ = unpack(self.block.payload(number))
        return tuple(header.label.tolist())  # type: ignore[union-attr]

    def label_at(self, place: int) -> NDArray[np.float64]:
        """Return label *place*, from 0, of each record, (n,) float64; NaN where it has fewer."""
        import numpy as np

        if place == 0:
            return self.first
        found = np.full(len(self.block), np.nan)
        for number in (self.widths > place).nonzero()[0].tolist():
            found[number] = self.labels(number)[place]
        return found

    def image_bytes(self, chosen: NDArray[np.intp]) -> Iterator[bytes]:
        """Yield the image of each of some records, given by their places in the block; those have image headers."""
        view = memoryview(self.block.data)
        starts = self.block.starts + frame.HEAD_SIZE + HEADER_SIZE + 4 * self.flags
        whole = self.block.sizes == (frame.HEAD_SIZE + self.lengths + 3) // 4 * 4  # of one part
        for number in chosen.tolist():
            size = int(self.images[number])
            if whole[number]:
                start = int(starts[number])
                yield bytes(view[start : start + size])
            else:
                payload = self.block.payload(number)
                yield payload[len(payload) - size :]

    def objects(self) -> Iterator[tuple[int, tuple[float, ...]]]:
        """Yield the place of each record of object detection, and the classes of its objects."""
        for number in ((self.widths >= LEAST_DETECTION) & (self.first >= 2)).nonzero()[0].tolist():
            labels = self.labels(number)
            if is_detection(labels):
                yield number, object_classes(labels)

    def is_identity_header(self) -> NDArray[np.bool_]:
        """Tell which records have two labels and no image, as those of identities and the header of such a file, (n,) bool."""
        found: NDArray[np.bool_] = self.headed & (self.flags == 2) & (self.images == 0)
        return found


def refuse_identities(block: Block, verb: str, harm: str = "would leave ranges that name other images") -> None:
    """Refuse a file of identities where an operation does not keep what its ranges of keys mean.

    Args:
        block: records of the file; its header is the one of key 0.
        verb: the operation.
        harm: what it would do.

    Raises:
        InputError: the block holds the header of such a file.
    """
    if (zero := block.keys == 0).any() and bool((fields_of(block).is_identity_header() & zero).any()):
        raise of_identities(block.source.name, verb, harm)


def of_identities(name: str, verb: str, harm: str) -> InputError:
    """Return the error that refuses a file of identities."""
    reason = (
        "is a file of identities, whose header and identity records name ranges of keys: "
        f"'{verb}' {harm}; 'im2rec identities' works on such files"
    )
    return InputError(name, reason)


def fields_of(block: Block) -> Fields:
    """Read the headers of a block."""
    import numpy as np

    count = len(block)
    words = np.frombuffer(block.data, "<u4", len(block.data) // 4)
    at = block.starts // 4
    heads = words[at + 1]
    lengths = (heads & frame.MAX_LENGTH).astype(np.int64)
    plain = heads >> 29 == frame.WHOLE
    headed = plain & (lengths >= HEADER_SIZE)
    flags, ids = np.zeros(count, np.int64), np.zeros(count, np.uint64)
    first = np.full(count, np.nan)
    here = headed.nonzero()[0]
    start = at[here]
    flags[here] = words[start + 2]
    first[here] = words[start + 3].view(np.float32)
    ids[here] = words[start + 4].astype(np.uint64) | words[start + 5].astype(np.uint64) << np.uint64(32)
    images = np.where(headed, lengths - HEADER_SIZE - 4 * flags, 0)
    headed &= images >= 0
    vectors = (headed & (flags > 0)).nonzero()[0]
    first[vectors] = words[at[vectors] + _WORDS].view(np.float32)
    fields = Fields(block, lengths, headed, flags, first, ids, images)
    for number in (~plain).nonzero()[0].tolist():
        _read_parts(fields, number)
    for array in (flags, ids, images):
        array[~headed] = 0
    first[~headed] = np.nan
    return fields


def _read_parts(fields: Fields, number: int) -> None:
    """Read the header of a record that magic words cut into parts: they may stand in the header itself."""
    payload = fields.block.payload(number)
    fields.lengths[number] = len(payload)
    try:
        header, image = unpack(payload)
    except BadHeader:
        return
    fields.headed[number] = True
    fields.flags[number], fields.ids[number], fields.images[number] = header.flag, header.id, len(image)
    fields.first[number] = header.label[0] if header.flag else header.label  # type: ignore[index]
