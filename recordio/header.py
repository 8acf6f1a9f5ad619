"""The image header in front of every image of a record (docs/format.md, section 2). Pure."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from recordio.errors import BadHeader

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_HEADER: Final = struct.Struct("<IfQQ")
HEADER_SIZE: Final = _HEADER.size  # 24 bytes
SCALAR_RECORD: Final = struct.Struct("<IIIfQQ")  # magic, lrec, then the header: the start of a record with one label
ID_AT: Final = 8  # position of the id in the header, in bytes
MAX_ID: Final = (1 << 64) - 1


class Header(NamedTuple):
    """The values of an image header, in the order of MXNet's IRHeader.

    Attributes:
        flag: 0 for one label in the header, else the number of float32 labels behind it. Packing sets it.
        label: a number, or a vector (n,) float32.
        id: 0 to 2**64 - 1, usually the key of the record.
        id2: 0 to 2**64 - 1, usually 0.
    """

    flag: int
    label: float | Sequence[float] | NDArray[np.float32]
    id: int
    id2: int = 0


def pack_header(label: float | Sequence[float] | NDArray[Any], id: int, id2: int = 0) -> bytes:
    """Pack the bytes that stand before the image: 24, then 4 a label when *label* is a vector.

    A number gives flag 0, a vector gives flag = its size, as MXNet 1.9.1's ``recordio.pack``.

    Raises:
        BadHeader: a label beyond float32, or an id outside 0 to 2**64 - 1.
    """
    try:
        if isinstance(label, (int, float)):
            return _HEADER.pack(0, label, id, id2)
        values: Any = label
        if hasattr(values, "tolist"):  # NumPy's scalars, and its arrays, flattened as MXNet does
            values = values.ravel().tolist() if getattr(values, "ndim", 0) else values.tolist()
        if isinstance(values, (int, float)):
            return _HEADER.pack(0, values, id, id2)
        return _HEADER.pack(len(values), 0.0, id, id2) + struct.pack(f"<{len(values)}f", *values)
    except (struct.error, OverflowError, TypeError, ValueError) as error:
        raise BadHeader(f"<id {id}>", 0, f"{error}; expected labels within float32 and ids from 0 to 2**64 - 1") from None


def pack(header: Header | tuple[Any, ...], image: bytes = b"") -> bytes:
    """Pack a header and an image into a payload. The header's flag is set from its label.

    Raises:
        BadHeader: a label beyond float32, or an id outside 0 to 2**64 - 1.
    """
    _, label, id_, *rest = header
    return pack_header(label, id_, *rest) + bytes(image)


def unpack(payload: bytes, *, source: str = "<bytes>", offset: int = 0) -> tuple[Header, bytes]:
    """Unpack a payload into its header and its image.

    Args:
        payload: a record's bytes.
        source: the file's name, for messages.
        offset: the record's offset, for messages.

    Returns:
        The header, its label a float or a vector (flag,) float32; and the image's bytes, which may be none.

    Raises:
        BadHeader: the payload is too short.
    """
    if len(payload) < HEADER_SIZE:
        raise BadHeader(source, offset, f"a payload of {len(payload)} bytes, expected an image header of {HEADER_SIZE}")
    flag, label, id_, id2 = _HEADER.unpack_from(payload)
    if not flag:
        return Header(flag, label, id_, id2), payload[HEADER_SIZE:]
    end = HEADER_SIZE + 4 * flag
    if len(payload) < end:
        raise BadHeader(source, offset, f"flag {flag} announces {4 * flag} bytes of labels, {len(payload) - HEADER_SIZE} are left")
    import numpy as np  # numpy takes 80 ms to load, and most headers need none of it

    labels = np.frombuffer(payload, "<f4", flag, HEADER_SIZE).astype(np.float32)
    return Header(flag, labels, id_, id2), payload[end:]


def unpack_id(payload: bytes, *, source: str = "<bytes>", offset: int = 0) -> int:
    """Read only the id of a payload's header.

    Raises:
        BadHeader: the payload is too short.
    """
    if len(payload) < HEADER_SIZE:
        raise BadHeader(source, offset, f"a payload of {len(payload)} bytes, expected an image header of {HEADER_SIZE}")
    return int.from_bytes(payload[ID_AT : ID_AT + 8], "little")
