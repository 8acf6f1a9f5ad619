"""A .rec file from start to end with the headers unpacked: the quickest way to all images of a file."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from recordio import frame, header, scan
from recordio.errors import Truncated
from recordio.files import InputFile
from recordio.header import HEADER_SIZE, Header

LEAST: Final = 1 << 19  # bytes read at once: what stays in the processor's cache until it is given out
MOST: Final = 1 << 22
_RECORDS: Final = 32  # in a block, where that is not too large for them: the last one is read again with the next block

_SCALAR: Final = header.SCALAR_RECORD
_HEAD_SIZE: Final = frame.HEAD_SIZE
_IMAGE_AT: Final = _SCALAR.size


def unpacked(file: InputFile, *, copy: bool = True) -> Iterator[tuple[Header, bytes | memoryview]]:
    """Yield header and image of all records of a file; see Reader.unpacked.

    Raises:
        FormatError: at the first fault, with the file and the offset; a BadHeader where a payload is too short for one.
        FileError: a read failed.
    """
    unpack, new, magic_word, padding, made = _SCALAR.unpack_from, tuple.__new__, frame.MAGIC, frame.PADDING, Header
    head_size, least, image_at = _HEAD_SIZE, HEADER_SIZE, _IMAGE_AT
    base, wanted = 0, LEAST
    while base < file.size:
        block = scan.read_block(file, base, wanted)
        source: bytes | memoryview = block if copy else memoryview(block)
        size, position, end, needed = len(block), 0, 0, 0
        # In a block that is longer than a part can be, a cflag could not be told from a length.
        last = size - image_at if size <= frame.MAX_LENGTH else -1
        while True:
            while position <= last:
                # The usual case without a call: a whole record of one part, with one label in its header.
                magic, lrec, flag, label, id_, id2 = unpack(block, position)
                data_end = position + head_size + lrec
                end = data_end + (-lrec & 3)
                if flag or magic != magic_word or lrec < least or end > size or block[data_end:end] != padding[lrec & 3]:
                    break
                yield new(made, (0, label, id_, id2)), source[position + image_at : data_end]
                position = end
            if position == size:
                break
            try:
                payload, end = frame.decode_at(block, position, source=file.name, base=base)
            except Truncated as error:
                needed = error.needed
                break
            head, image = header.unpack(payload, source=file.name, offset=base + position)
            yield head, image if copy else memoryview(image)
            position = end
        base += position
        if base + needed > file.size:
            raise scan.cut_off(file, base, needed)
        # The next record is about as long as the one that went on behind the block. Doubling keeps one of a million parts linear.
        wanted = max(needed, min(max(LEAST, _RECORDS * needed), MOST) if position else 2 * size)
