"""Decoding for training: whole images alone; or, as MXNet does, whatever a decoder makes of damaged ones."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from recordio import images, probe
from recordio.jpeg import JpegHeaders

if TYPE_CHECKING:
    from numpy.typing import NDArray

_JPEG: Final = b"\xff\xd8"
_known: Final = JpegHeaders(upright=True)  # headers of whole JPEGs: one that has such a header needs to be walked by nobody


def prepare() -> None:
    """Load what threads will need to decode, as long as there is one thread.

    Raises:
        CodecMissing: OpenCV cannot be loaded.
    """
    images.use_one_thread()
    images.compare_decoders()


def decode(data: bytes, color: str, *, whole: bool, scale: int = 1, upright: bool = True) -> NDArray[Any]:
    """Decode an image as :func:`recordio.images.decode` does. Threads may do so at once.

    Args:
        data: a whole file's bytes.
        color: "color", "gray" or "unchanged".
        whole: refuse a JPEG that is cut off or damaged, of which decoders make a picture that is half gray. That costs nothing, but for
            JPEGs that OpenCV alone decodes (CMYK, for example), which are decoded twice, once at an eighth of their sides.
        scale: 2, 4 or 8 for a smaller picture.
        upright: apply EXIF rotation.

    Raises:
        ImageFormatError: it is damaged, or cannot be decoded.
        CodecMissing: OpenCV cannot be loaded.
    """
    if not whole:
        return images.decode(data, color, scale=scale, upright=upright)
    if data.startswith(_JPEG):
        if _known.match(data, 0, len(data)) is not None:
            upright = False  # there is no EXIF to look for
        else:
            # It tells of one that ends between two of its scans: to a decoder nothing is missing. And it comes first: of what it refuses
            # OpenCV's libjpeg would write lines without a name to standard error, which threads cannot keep from there.
            probe.probe(data, _known)
    return images.decode_whole(data, color, scale=scale, upright=upright, mute=False)[0]
