"""Sets that are hurt at random, with the ground truth: of each byte of a hurt file, where it comes from."""

from __future__ import annotations

import random
import struct
import zlib
from dataclasses import dataclass

import recordio
from recordio import checksum, frame
from recordio.index import format_lines

M = frame.MAGIC_BYTES
INSERTED = -1  # where a byte comes from that was in no record, or has another value now


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(rng: random.Random) -> bytes:
    pixels = zlib.compress(bytes(rng.randrange(256) for _ in range(rng.randrange(8, 60))))
    start = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 4, 4, 8, 2, 0, 0, 0))
    return start + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


def digest(data: bytes) -> checksum.FileDigest:
    xxh3 = checksum.new_digest()
    xxh3.update(data)
    return checksum.FileDigest(len(data), xxh3.hexdigest())


def is_head(data: bytes, at: int) -> bool:
    """Whether a record could start there: a magic word, then cflag 0 or 1."""
    return data[at : at + 4] == M and len(data) >= at + 8 and data[at + 7] >> 5 <= 1


@dataclass
class Case:
    """An original set, and its .rec after some damage.

    Attributes:
        keys, payloads, records: of the original, records as bytes of the file.
        offsets: of the original records.
        data: the hurt file.
        origin: for each of its bytes, the offset in the original file, or INSERTED.
        sizes_kept: whether nothing was inserted or deleted.
        story: what was done, for messages.
    """

    keys: list[int]
    payloads: list[bytes]
    records: list[bytes]
    offsets: list[int]
    data: bytearray
    origin: list[int]
    sizes_kept: bool
    story: list[str]

    def idx(self) -> bytes:
        """The original .idx."""
        return format_lines(self.keys, self.offsets).encode()

    def sum(self) -> bytes:
        """The original .sum."""
        lines = checksum.format_records(self.keys, self.offsets, map(len, self.records), map(zlib.crc32, self.records))
        return b"".join(checksum.format_sum([lines], len(self.keys), digest(b"".join(self.records)), digest(self.idx())))

    def untouched(self) -> dict[int, int]:
        """The original records whose bytes still stand in one piece: ordinal -> offset in the hurt file."""
        where = {origin: at for at, origin in enumerate(self.origin) if origin != INSERTED}
        found = {}
        for ordinal, (offset, record) in enumerate(zip(self.offsets, self.records, strict=True)):
            at = where.get(offset, -1)
            if at >= 0 and self.origin[at : at + len(record)] == list(range(offset, offset + len(record))):
                found[ordinal] = at
        return found

    def is_hurt(self, start: int, end: int) -> bool:
        """Whether a range of the hurt file is none of the original one."""
        first = self.origin[start]
        return first == INSERTED or self.origin[start:end] != list(range(first, first + end - start))


def draw_payload(rng: random.Random, key: int) -> bytes:
    """Draw a payload: magic words on and off the grid, empty ones, images with their header."""
    kind = rng.randrange(8)
    if kind == 0:
        return b""
    if kind == 1:
        return recordio.pack(recordio.Header(0, 1.0, key), png(rng))
    if kind == 2:
        return recordio.pack(recordio.Header(0, [1.0, 2.0], key), rng.randbytes(rng.randrange(40)))
    if kind == 3:
        return rng.randbytes(rng.randrange(1, 1500))
    words = [M, M, b"\0\0\0\0", b"abcd", b"\4\0\0\0", struct.pack("<I", 1 << 29 | 4), struct.pack("<I", 3 << 29)]
    payload = b"".join(rng.choice(words) for _ in range(rng.randrange(12)))
    return payload + rng.randbytes(rng.randrange(4)) if kind < 7 else rng.randbytes(rng.randrange(1, 4)) + payload


def draw_set(rng: random.Random) -> Case:
    count = rng.randrange(0 if rng.randrange(20) == 0 else 1, 12)
    keys = rng.sample(range(40), count) if rng.randrange(2) else list(range(count))
    payloads = [draw_payload(rng, key) for key in keys]
    for at in range(count):
        if rng.randrange(8) == 0:  # equal records, of which each must keep a key of theirs
            payloads[at] = rng.choice(payloads)
    records = [frame.encode(payload) for payload in payloads]
    offsets = [sum(map(len, records[:at])) for at in range(count)]
    data = bytearray(b"".join(records))
    return Case(keys, payloads, records, offsets, data, list(range(len(data))), True, [])


def draw_place(rng: random.Random, case: Case) -> int:
    """Draw an offset, often in or beside a head."""
    if case.offsets and rng.randrange(2):
        return min(max(rng.choice(case.offsets) + rng.randrange(-4, 12), 0), len(case.data))
    return rng.randrange(len(case.data) + 1)


def overwrite(case: Case, at: int, new: bytes) -> None:
    for position, byte in enumerate(new, at):
        if case.data[position] != byte:
            case.data[position], case.origin[position] = byte, INSERTED


def splice(case: Case, start: int, end: int, new: bytes) -> None:
    case.data[start:end] = new
    case.origin[start:end] = [INSERTED] * len(new)
    case.sizes_kept = False


def hurt(rng: random.Random, case: Case) -> None:
    """Do one thing to the file."""
    at, size = draw_place(rng, case), len(case.data)
    kind = rng.randrange(10) if size else 6
    length = rng.choice([1, 2, 3, 4, 5, 8, rng.randrange(1, 100), 1000])
    if kind in (0, 1):
        at = min(at, size - 1)
        overwrite(case, at, bytes([case.data[at] ^ (1 << rng.randrange(8))]))
        case.story.append(f"flip a bit at {at}")
    elif kind == 2:
        at = min(at, size - 1)
        overwrite(case, at, rng.randbytes(min(length, size - at)))
        case.story.append(f"overwrite {length} at {at}")
    elif kind == 3:
        sector = rng.choice([16, 512])
        at -= at % sector
        overwrite(case, at, bytes(max(0, min(sector, size - at))))
        case.story.append(f"zero {sector} at {at}")
    elif kind in (4, 5):
        splice(case, at, min(at + length, size), b"")
        case.story.append(f"delete {length} at {at}")
    elif kind in (6, 7):
        new = rng.choice([rng.randbytes(length), bytes(length), bytes(case.data[at : at + length]), M * 3, draw_payload(rng, 99)])
        splice(case, at, at, new)
        case.story.append(f"insert {len(new)} at {at}")
    elif kind == 8 and (heads := [at for at in range(size) if is_head(case.data, at)]):
        at, end = rng.choice(heads), rng.choice([*heads, size])  # a length that leads to another record, or to the end
        overwrite(case, at + 4, struct.pack("<I", max(0, end - at - 8) & frame.MAX_LENGTH))
        case.story.append(f"set the length at {at} so that it leads to {end}")
    else:
        splice(case, at, size, b"")
        case.story.append(f"cut at {at}")


def draw_case(rng: random.Random) -> Case:
    case = draw_set(rng)
    for _ in range(rng.choice([0, 1, 1, 1, 2, 3, 4])):
        hurt(rng, case)
    return case


def surely_found(case: Case) -> set[int]:
    """Offsets of the untouched records that are to be found without a .sum, as docs/design.md promises."""
    data = bytes(case.data)
    untouched = case.untouched()
    ends = {at + len(case.records[ordinal]): ordinal for ordinal, at in untouched.items()}
    heads = [at for at in range(len(data)) if is_head(data, at)]
    original = {at for at in heads if case.origin[at] in case.offsets and not case.is_hurt(at, at + 8)}
    sure = set()
    for start in sorted(at for at in untouched.values() if at not in ends):
        run = [start]
        lengths = {at: len(case.records[ordinal]) for ordinal, at in untouched.items()}
        while (end := run[-1] + lengths[run[-1]]) in lengths:
            run.append(end)
        is_end = end == len(data)
        closed = run if is_end or is_head(data, end) else run[:-1]
        strange = [at for at in heads if (at - start) & 3 and at < end]
        if (not strange and start % 4 == 0) or (set(strange) <= original and (len(closed) >= 3 or (closed and is_end))):
            sure.update(closed)
    return sure
