"""A .rec file from start to end in bounded memory: what readers and the rebuilding of an index stand on."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from recordio import frame
from recordio.errors import FormatError, Truncated
from recordio.files import InputFile

BLOCK = 1 << 22  # bytes read at once; larger gains nothing

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
        asked = min(wanted, size - base)
        block = file.read_at(base, asked)
        if len(block) < asked:
            end = base + len(block)
            raise Truncated(file.name, end, f"the file ends here now, it had {size} bytes when it was opened")
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
            left = size - base
            raise Truncated(file.name, base, f"a record needs {needed} bytes or more, the file ends after {left}", needed)
