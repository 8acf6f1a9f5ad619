"""A .rec file from start to end in bounded memory: what readers and the rebuilding of an index stand on."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator

from recordio import frame, header
from recordio.errors import FormatError, Truncated
from recordio.files import InputFile

BLOCK = 1 << 22  # bytes read at once; larger gains nothing
_PIECE = 1 << 19  # bytes read at once where no payload is kept: what stays in the processor's cache
_ID = struct.Struct("<II8xQ")  # magic, lrec, the id of the image header
_NO_ID = struct.Struct("<II0s")  # the same for records that need no header

# (bytes of the file, (offset, payload) of the records that they are) -> how many are right, and what is wrong with the next
Check = Callable[[memoryview, list[tuple[int, bytes]]], tuple[int, FormatError | None]]


def runs(
    file: InputFile, *, most: int = frame.MAX_LENGTH, check: Check | None = None, start: int = 0, first: int = 0
) -> Iterator[list[tuple[int, bytes]]]:
    """Yield (offset, payload) of all records of a file, in lists, one for each block that was read.

    Memory stays within two blocks, 100 bytes for each record of a block and, beside what the caller keeps, twice the
    largest record, or four times where magic words cut it into parts.

    Args:
        file: the .rec file.
        most: bytes of each payload that are wanted; the rest of it is checked but not kept.
        check: called with each block's records before they are given out.
        start: where the first record to be read starts.
        first: bytes of the first block, 0 for the usual size; the next ones grow up to that.

    Raises:
        FormatError: at the first fault, behind the last record before it, with the file and the offset.
        FileError: a read failed.
    """
    size = file.size
    block_size = first or BLOCK
    base, wanted = start, block_size
    while base < size:
        block = read_block(file, base, wanted)
        run, used, needed = frame.decode_run(block, source=file.name, base=base, most=most)
        base += used
        held = len(block)
        if check is not None:
            right, fault = check(memoryview(block)[:used], run)
            if fault is not None:
                if right:
                    yield run[:right]
                raise fault
        del block
        if run:
            yield run
            del run  # the caller may be done with it before the next block is read
            block_size = min(BLOCK, 8 * block_size)
            wanted = max(block_size, needed)
        else:
            wanted = max(needed, 2 * held)  # doubling keeps a record of a million parts linear
        if base + needed > size:
            raise cut_off(file, base, needed)


def read_block(file: InputFile, offset: int, wanted: int) -> bytes:
    """Read bytes of a file that does not shrink: as many as are wanted, or as it has.

    Raises:
        Truncated: it has shrunk since it was opened.
        FileError: the read failed.
    """
    length = min(wanted, file.size - offset)
    block = file.read_at(offset, length)
    if len(block) < length:
        raise Truncated(file.name, offset + len(block), f"the file ends here now, it had {file.size} bytes when it was opened")
    return block


def cut_off(file: InputFile, offset: int, needed: int) -> Truncated:
    """Return the error for a record that needs more bytes than the file has behind its start."""
    return Truncated(file.name, offset, f"a record needs {needed} bytes or more, the file ends after {file.size - offset}", needed)


def heads(file: InputFile, *, ids: bool) -> Iterator[tuple[list[int], list[int]]]:
    """Yield offsets and ids of all records of a file, in lists, one pair for each block that was read: all that an index needs.

    Every frame is checked, as runs() does.

    Args:
        file: the .rec file.
        ids: read the ids in the image headers; else their list is empty.

    Raises:
        FormatError: at the first fault, with the file and the offset; a BadHeader where a payload is too short for an id.
        FileError: a read failed.
    """
    least, unpack = (header.HEADER_SIZE, _ID.unpack_from) if ids else (0, _NO_ID.unpack_from)
    magic_word, padding, longest, head_size = frame.MAGIC, frame.PADDING, frame.MAX_LENGTH, frame.HEAD_SIZE
    base, wanted = 0, _PIECE
    while base < file.size:
        block = read_block(file, base, wanted)
        offsets: list[int] = []
        found: list[int] = []
        add_offset, add_id = offsets.append, found.append
        size, position, needed = len(block), 0, 0
        last = size - head_size - least
        while position < size:
            # The usual case without a call: a whole record of one part, as long as its header at the least.
            if position <= last:
                magic, lrec, id_ = unpack(block, position)
                data_end = position + head_size + lrec
                end = data_end + (-lrec & 3)
                if magic == magic_word and least <= lrec <= longest and end <= size and block[data_end:end] == padding[lrec & 3]:
                    add_offset(base + position)
                    add_id(id_)
                    position = end
                    continue
            try:
                payload, end = frame.decode_at(block, position, source=file.name, base=base)
                id_ = header.unpack_id(payload, source=file.name, offset=base + position) if ids else 0
            except Truncated as error:
                needed = error.needed
                break
            except FormatError:
                if not offsets:
                    raise
                break  # the records before it are given out first
            add_offset(base + position)
            add_id(id_)
            position = end
        del block
        if offsets:
            yield offsets, found if ids else []
        base += position
        if base + needed > file.size:
            raise cut_off(file, base, needed)
        wanted = max(needed, _PIECE) if position else max(needed, 2 * size)
