"""Where an .idx or a .sum is damaged, found by what it should say."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from recordio import files, index
from recordio.checksum import Sum
from recordio.errors import SumFormatError
from recordio.issues import Issue

_SAID: Final = 80  # bytes of a line that a message quotes


def damage_of_idx(name: str, data: bytes, listed: Sum, digest: str) -> Iterator[Issue]:
    """Yield an issue for each line of an .idx that is not one of those that its .sum was made with.

    The lines may stand in another order than the records; then those that differ are found all the same.

    Args:
        name: of the .idx.
        data: its content.
        listed: the .sum.
        digest: XXH3-128 of the content, which is not the one that is listed.
    """
    expected = index.format_lines(listed.keys.tolist(), listed.offsets.tolist()).encode()
    start, end, expected_end = _differing(data, expected)
    lines, wanted = _lines(data[start:end]), _lines(expected[start:expected_end])
    known, held = set(wanted), set(lines)
    missing = [line for line in wanted if line not in held]
    wrong: list[tuple[int, int, bytes]] = []  # number of the line, where it starts, the line
    place = start
    for number, line in enumerate(lines, data.count(b"\n", 0, start) + 1):
        if line not in known:
            wrong.append((number, place, line))
        place += len(line)
    paired = len(wrong) == len(missing)
    for order, (number, place, line) in enumerate(wrong):
        said = f"expected {missing[order]!r}" if paired else "which the .sum does not list"
        key = leading_key(missing[order] if paired else line)
        yield Issue(name, "checksum", f"line {number}: {line[:_SAID]!r}, {said}", key, place, len(line))
    if not (paired and wrong):
        reason = f"{len(data)} bytes with the XXH3-128 {digest}, expected {listed.idx.size} with {listed.idx.digest}"
        if missing:
            reason += f"; {len(missing)} line{'s are' if len(missing) > 1 else ' is'} missing, the first is {missing[0]!r}"
        yield Issue(name, "checksum", reason, leading_key(missing[0]) if missing else None, start, end - start)


def damage_of_sum(path: str, expected: Iterable[bytes], fault: SumFormatError) -> Issue:
    """Return an issue with the place where a .sum first differs from what it should say.

    Args:
        path: the .sum.
        expected: the lines that it should start with, some at a time.
        fault: what is known to be wrong with it.

    Raises:
        FileError: it cannot be read.
    """
    data, start, number = files.read_whole(path), 0, 1
    for lines in expected:
        if data.startswith(lines, start):
            start += len(lines)
            number += lines.count(b"\n")
            continue
        for line in _lines(lines):
            if not data.startswith(line, start):
                end = data.find(b"\n", start) + 1 or len(data)
                found = data[start:end][:_SAID]
                reason = f"{fault.reason}; line {number}: {found!r}, the files as they are ask for {line!r}"
                return Issue(path, "sum", reason, leading_key(line), start, end - start)
            start += len(line)
            number += 1
    reason = f"{fault.reason}; the damage is behind the lines of the records and files, from line {number} on"
    return Issue(path, "sum", reason, None, start, len(data) - start)


def leading_key(line: bytes) -> int | None:
    """Return the number that a line starts with, if it is a key."""
    word = line.split(b"\t")[0]
    return int(word) if word.isdigit() and len(word) <= 20 else None


def _lines(data: bytes) -> list[bytes]:
    """Split at line feeds only, and keep them."""
    *whole, rest = data.split(b"\n")
    lines = [line + b"\n" for line in whole]
    return [*lines, rest] if rest else lines


def _differing(data: bytes, other: bytes) -> tuple[int, int, int]:
    """Return where the lines start in which two texts differ, and where they end in each."""
    import numpy as np

    ours, others = np.frombuffer(data, np.uint8), np.frombuffer(other, np.uint8)
    shared = min(len(data), len(other))
    differs = ours[:shared] != others[:shared]
    start = data.rfind(b"\n", 0, int(differs.argmax()) if differs.any() else shared) + 1
    rest = shared - start
    differs = ours[len(data) - rest :] != others[len(other) - rest :]
    back = int(differs[::-1].argmax()) if differs.any() else rest
    end, longer = len(data) - back, len(other) - len(data)
    if data[end - 1 : end] != b"\n" or other[end + longer - 1 : end + longer] != b"\n":  # the lines that end alike begin further on
        end = data.find(b"\n", end) + 1 or len(data)
    return start, end, end + longer
