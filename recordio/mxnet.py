"""A drop-in for ``mxnet.recordio``: the same names, signatures, attributes and bytes, without MXNet.

Beyond MXNet's: context managers, ``len``, iteration, indexing and slices by position, mode "a", readers that threads and
forked processes may share, pickling that leaves the original as it is. What is written appears under its final name when
the file is closed, or not at all (docs/mxnet.md).
"""

from __future__ import annotations

import numbers
import struct
from collections import namedtuple
from typing import TYPE_CHECKING, Any, Final

from recordio import codecs, images
from recordio.errors import ImageFormatError
from recordio.mxerrors import AccessError, MissingFile, MXNetError, RecordError, ShortPayload
from recordio.mxfiles import MXRecordIO
from recordio.mxindexed import MXIndexedRecordIO

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = [
    "AccessError",
    "IRHeader",
    "MXIndexedRecordIO",
    "MXNetError",
    "MXRecordIO",
    "MissingFile",
    "RecordError",
    "ShortPayload",
    "pack",
    "pack_img",
    "unpack",
    "unpack_img",
]

IRHeader = namedtuple("HEADER", ["flag", "label", "id", "id2"])  # type: ignore[name-match]  # noqa: PYI024  (MXNet's, of any types)
IRHeader.__doc__ = """The header of an image record, as MXNet's.

Attributes:
    flag: the number of labels behind the header, 0 for one label in it. ``pack`` sets it.
    label: a number, or a vector.
    id: usually the record's key.
    id2: usually 0.
"""
HEADER = IRHeader  # the name under which pickle looks for it
_IR_FORMAT: Final = "IfQQ"
_IR_SIZE: Final = struct.calcsize(_IR_FORMAT)
_pack: Final = struct.Struct(_IR_FORMAT).pack
_unpack: Final = struct.Struct(_IR_FORMAT).unpack_from
_PLAIN: Final = {1: "color", 0: "gray", -1: "unchanged"}  # what our own decoder reads as OpenCV does


def __getattr__(name: str) -> Any:
    """Give np and cv2, which programs reach through MXNet's module, when they are asked for: each takes time to load."""
    if name == "np":
        import numpy as np

        return np
    if name == "cv2":
        return codecs.load_cv2()
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def pack(header: Any, s: bytes) -> bytes:
    """Pack a header and an image's bytes into a payload, byte for byte as MXNet 1.9.1.

    Args:
        header: an IRHeader, or a sequence of its four values. A number as label gives flag 0; anything else becomes a vector
            of float32 behind the header, and flag its size. A label beyond float32 becomes infinite.
        s: the bytes.

    Raises:
        struct.error: the id does not fit into 64 bits, or is no integer.
        ValueError: a label is no number.
        TypeError: *s* is no bytes.
    """
    _, label, id_, id2 = header
    if type(label) is float or isinstance(label, numbers.Number):
        return _pack(0, label, id_, id2) + s
    import numpy as np

    with np.errstate(over="ignore"):
        labels = np.asarray(label, dtype=np.float32)
    return _pack(labels.size, 0, id_, id2) + labels.tobytes() + s


def unpack(s: bytes) -> tuple[Any, bytes]:
    """Unpack a payload.

    Args:
        s: a payload, as ``MXRecordIO.read`` returns it.

    Returns:
        The IRHeader, its label a float or a vector (flag,) float32, and the image's bytes.

    Raises:
        ShortPayload: there are too few bytes; a struct.error and a ValueError.
    """
    if len(s) < _IR_SIZE:
        raise ShortPayload("<bytes>", 0, f"a payload of {len(s)} bytes, expected an image header of {_IR_SIZE}")
    values = _unpack(s)
    flag = values[0]
    if not flag:
        return tuple.__new__(IRHeader, values), s[_IR_SIZE:]
    end = _IR_SIZE + 4 * flag
    if len(s) < end:
        raise ShortPayload("<bytes>", 0, f"flag {flag} announces {4 * flag} bytes of labels, {len(s) - _IR_SIZE} are left")
    import numpy as np

    return IRHeader(flag, np.frombuffer(s, np.float32, flag, _IR_SIZE), *values[2:]), s[end:]


def unpack_img(s: bytes, iscolor: int = -1) -> tuple[Any, NDArray[np.uint8] | None]:
    """Unpack a payload and decode its image.

    Args:
        s: a payload.
        iscolor: OpenCV's flag: 1 color, 0 gray, -1 as stored, and its others.

    Returns:
        The IRHeader, and the image, (height, width, 3) uint8 BGR or (height, width) gray; None where it cannot be decoded,
        as MXNet's, or where the record holds none, as the header record of a face-recognition file.

    Raises:
        ShortPayload: there are too few bytes for the header.
        CodecMissing: OpenCV cannot be loaded.
    """
    header, data = unpack(s)
    return header, decode(data, iscolor) if data else None


def decode(data: bytes, iscolor: int) -> NDArray[np.uint8] | None:
    """Decode with one of OpenCV's flags; None where it cannot be decoded."""
    if iscolor in _PLAIN:
        try:
            return images.decode(data, _PLAIN[iscolor])
        except ImageFormatError:
            return None
    cv2 = codecs.load_cv2()
    import numpy as np

    return cv2.imdecode(np.frombuffer(data, np.uint8), iscolor)  # type: ignore[no-any-return]


def pack_img(header: Any, img: NDArray[Any], quality: int = 95, img_fmt: str = ".jpg") -> bytes:
    """Encode an image and pack it with its header, byte for byte as MXNet 1.9.1 with the same OpenCV.

    Args:
        header: an IRHeader, or its four values.
        img: (height, width, 3) BGR, or (height, width) gray.
        quality: 0 to 100 for .jpg; compression 0 to 9 for .png, where 95 means 9.
        img_fmt: ".jpg", ".jpeg", ".png", or another suffix that OpenCV encodes, with its defaults.

    Raises:
        ImageFormatError: OpenCV cannot encode the image, or not as *img_fmt*.
        CodecMissing: OpenCV cannot be loaded.
    """
    kind = img_fmt.upper()
    if kind in (".JPG", ".JPEG"):
        return pack(header, images.encode(img, "jpg", quality))
    if kind == ".PNG":
        return pack(header, images.encode(img, "png", quality))
    cv2 = codecs.load_cv2()
    try:
        done, buffer = cv2.imencode(img_fmt, img)
    except cv2.error as error:
        raise ImageFormatError(f"cannot be encoded as {img_fmt!r}: {error.err or error}") from None
    if not done:
        raise ImageFormatError(f"cannot be encoded as {img_fmt!r}")
    return pack(header, buffer.tobytes())
