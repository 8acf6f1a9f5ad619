"""The .sum file, which vouches for every byte of a .rec and its .idx (docs/format.md, section 7).

RecordIO has no checksum: four of five flipped bits pass every check of a reader. So a file beside the .rec keeps a
CRC-32 of each record, and a digest of each file.
"""

from __future__ import annotations

import os
import re
import sys
import zlib
from array import array
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from recordio import files, frame
from recordio.errors import SumFormatError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

TITLE: Final = b"recordio-sum 1\n"
CRC_TYPE: Final = "I" if array("I").itemsize == 4 else "L"  # of an array
_LINES: Final = 1 << 14  # formatted at once
_BLOCK: Final = 1 << 22  # bytes read at once
_LONGEST: Final = 1 << 16  # bytes of a line
_RECORD: Final = re.compile(rb"(\d{1,20})\t(\d{1,19})\t(\d{1,10})\t([0-9a-f]{8})")
_FILE: Final = re.compile(r"([0-9]{1,19})\t([0-9a-f]{32})")
_SEAL: Final = re.compile(rb"sum\t([0-9a-f]{32})\n")
_HEX: Final = b"0123456789abcdef"
_MAX: Final = (1 << 64) - 1


@cache
def crc_function() -> Callable[[Any], int]:
    """Return the quickest CRC-32 (that of zlib and gzip) there is: ISA-L's takes an eighth of zlib's time."""
    try:
        from isal import isal_zlib
    except ImportError:
        return zlib.crc32
    return isal_zlib.crc32  # type: ignore[no-any-return,unused-ignore]


def new_digest() -> Any:
    """Return a new XXH3-128, with the methods of hashlib's objects."""
    import xxhash

    return xxhash.xxh3_128()


class FileDigest(NamedTuple):
    """What vouches for a whole file.

    Attributes:
        size: bytes.
        digest: its XXH3-128, 32 hexadecimal digits.
    """

    size: int
    digest: str


@dataclass(frozen=True)
class Sum:
    """The content of a .sum file.

    Attributes:
        keys: (n,) uint64, in the order of the .rec.
        offsets: (n,) int64, bytes from the start of the .rec.
        lengths: (n,) int64, bytes of the record in the file, frame and padding included.
        crcs: (n,) uint32, CRC-32 of these bytes.
        rec: size and digest of the .rec.
        idx: size and digest of the .idx.
        tool: name and version of what wrote the set.
        options: how it was written, as text.
        source: name of the .sum file, for messages.
    """

    keys: NDArray[np.uint64]
    offsets: NDArray[np.int64]
    lengths: NDArray[np.int64]
    crcs: NDArray[np.uint32]
    rec: FileDigest
    idx: FileDigest
    tool: str = ""
    options: dict[str, str] = field(default_factory=dict)
    source: str = "<sum>"

    def __len__(self) -> int:
        return len(self.keys)


def digest_bytes(data: bytes) -> FileDigest:
    """Return size and digest of a file's content."""
    digest = new_digest()
    digest.update(data)
    return FileDigest(len(data), digest.hexdigest())


def digest_file(path: str | os.PathLike[str]) -> FileDigest:
    """Read a file and return its size and digest.

    Raises:
        FileError: it cannot be read.
    """
    file, digest = files.InputFile(path), new_digest()
    try:
        for at in range(0, file.size, _BLOCK):
            digest.update(file.read_at(at, min(_BLOCK, file.size - at)))
        return FileDigest(file.size, digest.hexdigest())
    finally:
        file.close()


def format_records(keys: Iterable[int], offsets: Iterable[int], lengths: Iterable[int], crcs: Iterable[int]) -> str:
    """Format lines of records, ``key TAB offset TAB length TAB crc LF`` each."""
    words = array(CRC_TYPE, crcs)
    if sys.byteorder == "little":
        words.byteswap()
    digits = words.tobytes().hex("\n", 4).split("\n") if words else []  # all at once, in half the time
    return "".join([f"{key}\t{offset}\t{length}\t{crc}\n" for key, offset, length, crc in zip(keys, offsets, lengths, digits, strict=True)])


def format_sum(
    records: Iterable[str], count: int, rec: FileDigest, idx: FileDigest, tool: str = "", options: Mapping[str, str] | None = None
) -> Iterator[bytes]:
    """Format a .sum file in pieces.

    Args:
        records: what format_records made.
        count: number of records.
        rec: the .rec.
        idx: the .idx.
        tool: name and version of the program.
        options: how the set was written; tabs and line breaks in names and values are replaced by blanks.
    """
    seal = new_digest()

    def piece(data: bytes) -> bytes:
        seal.update(data)
        return data

    yield piece(TITLE)
    for text in records:
        yield piece(text.encode("ascii"))
    lines = [f"records\t{count}", f"rec\t{rec.size}\t{rec.digest}", f"idx\t{idx.size}\t{idx.digest}", f"tool\t{_one_field(tool)}"]
    lines += [f"option\t{_one_field(name)}\t{_one_field(value)}" for name, value in (options or {}).items()]
    yield piece("".join(f"{line}\n" for line in lines).encode("utf-8", "backslashreplace"))
    yield f"sum\t{seal.hexdigest()}\n".encode("ascii")


def _one_field(text: str) -> str:
    return re.sub(r"[\t\r\n]", " ", text)


def load(path: str | os.PathLike[str]) -> Sum:
    """Load a .sum file.

    Raises:
        FileError: it cannot be read.
        SumFormatError: a line cannot be read, or the file is not as it was written.
    """
    file = files.InputFile(path)
    try:
        blocks = (file.read_at(at, min(_BLOCK, file.size - at)) for at in range(0, file.size, _BLOCK))
        return _parse(blocks, str(path))
    finally:
        file.close()


def parse(data: bytes, source: str = "<sum>") -> Sum:
    """Parse the content of a .sum file.

    Raises:
        SumFormatError: a line cannot be read, or the content is not as it was written.
    """
    return _parse(iter((data,)), source)


def _parse(blocks: Iterator[bytes], source: str) -> Sum:
    """Parse a .sum file from blocks of its bytes: memory stays within that of the arrays and a few blocks."""
    import numpy as np

    columns: tuple[list[Any], ...] = ([], [], [], [])
    number = 1
    trailer: dict[str, str] = {}
    options: dict[str, str] = {}
    for lines in _runs(blocks, source):
        at = 0
        if number == 1:
            if not lines.startswith(TITLE):
                raise SumFormatError(source, 1, f"{lines[:20]!r}, expected {TITLE!r}")
            at, number = len(TITLE), 2
        if not trailer:
            end = _end_of_records(lines, at)
            for column, values in zip(columns, _parse_records(lines[at:end], source, number), strict=True):
                column.append(values)
            number += lines.count(b"\n", at, end)
            at = end
        for line in lines[at:].split(b"\n")[:-1]:
            _parse_trailer(line, source, number, trailer, options)
            number += 1
    for name in ("records", "rec", "idx", "tool"):
        if name not in trailer:
            raise SumFormatError(source, number, f"the file ends, expected a line {name!r}")
    keys, offsets, lengths, crcs = (
        np.concatenate([np.empty(0, kind), *column]) for kind, column in zip(("u8", "i8", "i8", "u4"), columns, strict=True)
    )
    if trailer["records"] != str(len(keys)):
        raise SumFormatError(source, number, f"{len(keys)} records are listed, expected {trailer['records']}")
    rec, idx = (_parse_file(trailer[name], source, number) for name in ("rec", "idx"))
    if not np.array_equal(np.append(offsets, rec.size), np.cumsum(np.insert(lengths, 0, 0))):
        raise SumFormatError(source, number, f"the records do not follow each other from 0 to {rec.size}, the size of the .rec")
    return Sum(keys, offsets, lengths, crcs, rec, idx, trailer["tool"], options, source)


def _runs(blocks: Iterator[bytes], source: str) -> Iterator[bytes]:
    """Yield the file in runs of whole lines, up to the last line, whose digest of all others is checked."""
    digest = new_digest()
    rest = b""
    for block in blocks:
        rest += block
        end = rest.rfind(b"\n", 0, max(0, len(rest) - _LONGEST)) + 1  # the last line stays in the rest
        if end:
            digest.update(rest[:end])
            yield rest[:end]
            rest = rest[end:]
        elif len(rest) > _BLOCK + 2 * _LONGEST:
            raise SumFormatError(source, 0, f"a line of over {_BLOCK} bytes, expected at most {_LONGEST}")
    start = rest.rfind(b"\n", 0, len(rest) - 1) + 1
    seal = _SEAL.fullmatch(rest, start)
    digest.update(rest[:start])
    if seal is None:
        raise SumFormatError(source, 0, "its last line is no 'sum', so it is truncated or damaged")
    if seal[1].decode() != digest.hexdigest():
        raise SumFormatError(source, 0, f"is damaged: its XXH3-128 is {digest.hexdigest()}, its last line says {seal[1].decode()}")
    if start:
        yield rest[:start]


def _end_of_records(lines: bytes, start: int) -> int:
    """Return where the first line from *start* on stands that is no record's."""
    if lines.startswith(b"records\t", start):
        return start
    found = lines.find(b"\nrecords\t", max(0, start - 1))
    return len(lines) if found < 0 else found + 1


def _parse_records(data: bytes, source: str, number: int) -> tuple[Any, ...]:
    """Parse lines of records at C speed, if they are as format_records writes them."""
    import numpy as np

    lines, words = data.count(b"\n"), data.split()
    if data.translate(None, _HEX) == b"\t\t\t\n" * lines and len(words) == 4 * lines:
        try:
            if not lines or set(map(len, words[3::4])) == {8}:
                crcs = np.frombuffer(bytes.fromhex(b"".join(words[3::4]).decode()), ">u4").astype(np.uint32)
                keys, offsets, lengths = (np.array(words[at::4], "S20").astype(np.uint64) for at in range(3))
                longest = max(map(len, words), default=0)
                if longest <= 19 and (not lines or (int(offsets.max()) <= _MAX >> 1 and int(lengths.max()) <= frame.MAX_SPAN)):
                    return keys, offsets.astype(np.int64), lengths.astype(np.int64), crcs
        except (ValueError, OverflowError):
            pass
    rows = [_parse_record(line, source, at) for at, line in enumerate(data.split(b"\n")[:-1], number)]
    columns = list(zip(*rows, strict=True)) or [(), (), (), ()]
    kinds = (np.uint64, np.int64, np.int64, np.uint32)
    return tuple(np.array(column, kind) for column, kind in zip(columns, kinds, strict=True))


def _parse_record(line: bytes, source: str, number: int) -> tuple[int, int, int, int]:
    match = _RECORD.fullmatch(line)
    if match is None or int(match[1]) > _MAX or int(match[2]) > _MAX >> 1:
        raise SumFormatError(source, number, f"{line[:60]!r}, expected key, offset, length and CRC-32, separated by tabs")
    if int(match[3]) > frame.MAX_SPAN:
        raise SumFormatError(source, number, f"a record of {int(match[3])} bytes, expected at most {frame.MAX_SPAN}")
    return int(match[1]), int(match[2]), int(match[3]), int(match[4], 16)


def _parse_trailer(line: bytes, source: str, number: int, trailer: dict[str, str], options: dict[str, str]) -> None:
    try:
        name, _, value = line.decode("utf-8").partition("\t")
    except UnicodeDecodeError:
        raise SumFormatError(source, number, f"{line[:60]!r} is not UTF-8") from None
    if name == "option" and "\t" in value:
        option, _, value = value.partition("\t")
        options[option] = value
    elif name in ("records", "rec", "idx", "tool") and name not in trailer:
        trailer[name] = value
    else:
        raise SumFormatError(source, number, f"{line[:60]!r}, expected one line each of records, rec, idx and tool, then options")


def _parse_file(value: str, source: str, number: int) -> FileDigest:
    match = _FILE.fullmatch(value)
    if match is None or int(match[1]) > _MAX >> 1:
        raise SumFormatError(source, number, f"{value[:60]!r}, expected a size below 2**63 and an XXH3-128 of 32 digits")
    return FileDigest(int(match[1]), match[2])
