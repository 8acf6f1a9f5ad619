"""Identity files of face recognition: which of their records are images (as InsightFace's MXFaceDataset reads them)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from recordio import header
from recordio.errors import BadHeader
from recordio.indexed import IndexedReader

if TYPE_CHECKING:
    from numpy.typing import NDArray


def face_keys(reader: IndexedReader, name: str) -> tuple[NDArray[np.uint64], NDArray[np.int64], tuple[int, int] | None]:
    """Tell which records are images.

    Args:
        reader: the identity file.
        name: its name, for messages.

    Returns:
        (n,) the keys of the images; (n,) their ordinals, -1 where the .idx lacks a key; and the first two labels of the
        record with the key 0: images have keys from 1 to below the first, identities from the first to below the second.
        None where there is no such record, or it has no label vector: then every record is an image.

    Raises:
        BadHeader: the record with the key 0 has no two labels that can be such bounds.
        FormatError: it is not whole.
    """
    everything = reader.keys, np.arange(len(reader)), None
    if 0 not in reader:
        return everything
    ordinal = reader.index.find(0)
    offset = int(reader.index.offsets[ordinal])
    head, _ = header.unpack(reader.read_ordinal(ordinal), source=name, offset=offset)
    if not head.flag:
        return everything
    labels = np.asarray(head.label)
    # Each image has a record, so a larger bound is damage; it must not become a range of any size.
    if len(labels) < 2 or not 1 <= labels[0] <= labels[1] or not labels[0] - 1 <= len(reader):
        reason = f"the record with the key 0 has the labels {labels[:4].tolist()}, expected a bound of images and one of identities"
        raise BadHeader(name, offset, f"{reason}; the .idx has {len(reader)} keys")
    keys = np.arange(1, int(labels[0]), dtype=np.uint64)
    return keys, _ordinals(reader.keys, keys), (int(labels[0]), int(labels[1]))


def _ordinals(keys: NDArray[np.uint64], wanted: NDArray[np.uint64]) -> NDArray[np.int64]:
    """Return the ordinal of each wanted key, the first where it stands twice; -1 where it is missing."""
    order = keys.argsort(kind="stable")
    at = keys[order].searchsorted(wanted)
    at[at == len(keys)] = 0
    found = order[at]
    return np.where(keys[found] == wanted, found, -1).astype(np.int64)
