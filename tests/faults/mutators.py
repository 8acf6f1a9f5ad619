"""Mutates .rec, .idx, .lst, .sum and .journal files where it hurts: in their lengths, flags, keys, offsets, lines and seals."""

from __future__ import annotations

import json
import random
import re
import struct
import zlib
from functools import cache
from itertools import accumulate

import sets

from recordio import checksum, frame, index
from recordio.frame import MAGIC_BYTES

KINDS = ("rec", "idx", "lst", "sum", "journal")
_INTEGERS = (
    0,
    1,
    2,
    3,
    4,
    7,
    8,
    23,
    24,
    255,
    1 << 16,
    (1 << 24) + 1,
    (1 << 29) - 1,
    1 << 29,
    (1 << 31) - 1,
    1 << 31,
    (1 << 32) - 1,
    1 << 32,
)
_LARGE = ((1 << 63) - 1, 1 << 63, (1 << 64) - 1, 1 << 64, 10**18, 10**19 - 1, 10**30, int("9" * 400))
_WORDS = [str(n).encode() for n in (*_INTEGERS, *_LARGE)] + [
    *(b"-1", b"-0", b"+5", b" 5", b"5 ", b"05", b"0x10", b"1e3", b"1_000", b"1.5", b"nan", b"-inf", b"1e400", b"", b" ", b"x", b"\0"),
    *(b"\xff", b"\xed\xb2\x80", "٣".encode(), "\u2028".encode(), "ü".encode(), b"../../etc/passwd", b"/", b"a" * 300, b"9" * 5000),
]
_NUMBER = re.compile(rb"[0-9a-f]{32}|[0-9]+")
_PIECES = (
    b"\n",
    b"\t",
    b"\r\n",
    b" ",
    b"\0",
    b"\n\n",
    b"\xef\xbb\xbf",
    MAGIC_BYTES,
    b"\0\0\0\0",
    b"\xff\xff\xff\xff",
    MAGIC_BYTES * 3,
    b"sum\t",
    b"option\t",
)
_VALUES = (
    None,
    True,
    -1,
    0,
    1.5,
    1e300,
    10**30,
    "",
    "x",
    "../../x",
    [],
    {},
    [[]],
    [[0, 1]],
    {"0": None},
    {"x": 1},
    float("nan"),
    "9" * 5000,
)


@cache
def seeds(kind: str) -> list[bytes]:
    """Return some valid files of a kind."""
    rng = random.Random(f"mutators {kind}")
    if kind == "lst":
        return [_lst(rng, count) for count in (1, 3, 12)]
    if kind == "journal":
        return [_journal(rng, count) for count in (0, 1, 5)]
    found = []
    for content in (0, 2, 4, 5, 7, 12, 13, 16):
        records = sets.contents(content, rng)[0][:9]
        found.append(_formatted(kind, records))
    return found


def _formatted(kind: str, records: list[sets.Record]) -> bytes:
    """Format one file of a set."""
    pieces = [frame.encode(payload[:400]) for _, payload in records]
    rec = b"".join(pieces)
    keys = [key for key, _ in records]
    offsets = list(accumulate(map(len, pieces), initial=0))[:-1]
    idx = index.format_lines(keys, offsets).encode()
    if kind == "rec":
        return rec
    if kind == "idx":
        return idx
    lines = checksum.format_records(keys, offsets, map(len, pieces), map(zlib.crc32, pieces))
    digests = checksum.digest_bytes(rec), checksum.digest_bytes(idx)
    return b"".join(checksum.format_sum([lines], len(keys), *digests, "a tool", {"--resize": "256"}))


def _lst(rng: random.Random, count: int) -> bytes:
    lines = []
    for number in range(count):
        labels = "\t".join(f"{rng.uniform(-5, 5):f}" for _ in range(rng.choice((1, 1, 3))))
        lines.append(f"{number * 7}\t{labels}\tfolder {number}/ü{number}.jpg\n")
    return "".join(lines).encode()


def _journal(rng: random.Random, count: int) -> bytes:
    lines = [_journal_line({"asked": {"--resize": "256", "list": "ab"}, "started": 1_700_000_000_000_000_000})]
    for number in range(count):
        entry = {
            "sizes": [100, 0, 64],
            "reads": [90, 0, 50],
            "rejects": {"1": "is truncated"},
            "remarks": {"0": "a remark"},
            "traits": {"2": 5},
        }
        written = [[number % 2, 164, f"{rng.getrandbits(128):032x}"]]
        lines.append(_journal_line({**entry, "written": written, "temporaries": {str(number % 2): f".x.rec.{number:08x}.tmp"}}))
    return b"".join(lines)


def _journal_line(content: object) -> bytes:
    text = json.dumps(content, separators=(",", ":")).encode()
    return b"%s\t%08x\n" % (text, zlib.crc32(text))


def mutate(kind: str, rng: random.Random) -> bytes:
    """Return a valid file after one to four mutations."""
    return mutate_data(kind, rng.choice(seeds(kind)), rng)


def mutate_data(kind: str, data: bytes, rng: random.Random) -> bytes:
    """Mutate a file once to four times; then mostly put seals and checksums right that would hide what was done."""
    special = _RECORDS if kind == "rec" else _JOURNAL if kind == "journal" else _TEXT
    for _ in range(rng.choice((1, 1, 1, 2, 3, 4))):
        data = rng.choice(special if rng.random() < 0.7 else _BYTES)(data, rng)
    if kind == "sum" and rng.random() < 0.8:
        data = resealed(data)
    if kind == "journal" and rng.random() < 0.8:
        data = b"".join(_resummed(line) for line in data.splitlines(keepends=True))
    return data


def resealed(data: bytes) -> bytes:
    """Give a .sum the last line that belongs to the others."""
    body = data[: data.rfind(b"\n", 0, len(data) - 1) + 1]
    return body + b"sum\t%s\n" % checksum.digest_bytes(body).digest.encode()


def _resummed(line: bytes) -> bytes:
    text = line.rpartition(b"\t")[0]
    return b"%s\t%08x\n" % (text, zlib.crc32(text))


# Any bytes


def _flip(data: bytes, rng: random.Random) -> bytes:
    if not data:
        return data
    hurt = bytearray(data)
    for _ in range(rng.choice((1, 1, 8))):
        hurt[rng.randrange(len(hurt))] ^= 1 << rng.randrange(8)
    return bytes(hurt)


def _span(data: bytes, rng: random.Random) -> tuple[int, int]:
    start = rng.randrange(len(data) + 1)
    return start, min(len(data), start + rng.choice((1, 2, 4, 8, rng.randrange(1, 200))))


def _cut(data: bytes, rng: random.Random) -> bytes:
    return data[: rng.randrange(len(data) + 1)]


def _remove(data: bytes, rng: random.Random) -> bytes:
    start, end = _span(data, rng)
    return data[:start] + data[end:]


def _copy(data: bytes, rng: random.Random) -> bytes:
    start, end = _span(data, rng)
    at = rng.randrange(len(data) + 1)
    return data[:at] + data[start:end] * rng.choice((1, 1, 1, 20)) + data[at:]


def _overwrite(data: bytes, rng: random.Random) -> bytes:
    start, end = _span(data, rng)
    at = rng.randrange(len(data) + 1)
    return data[:at] + data[start:end] + data[at + end - start :]


def _insert(data: bytes, rng: random.Random) -> bytes:
    at = rng.randrange(len(data) + 1)
    return data[:at] + rng.choice((*_PIECES, rng.randbytes(rng.randrange(1, 9)))) + data[at:]


def _zero(data: bytes, rng: random.Random) -> bytes:
    start, end = _span(data, rng)
    return data[:start] + bytes(end - start) + data[end:]


_BYTES = (_flip, _flip, _cut, _remove, _copy, _overwrite, _insert, _zero)


# Records


def _heads(data: bytes) -> list[int]:
    found, at = [], data.find(MAGIC_BYTES)
    while at >= 0:
        found.append(at)
        at = data.find(MAGIC_BYTES, at + 4)
    return found


def _put(data: bytes, at: int, word: bytes) -> bytes:
    return data[:at] + word + data[at + len(word) :]


def _lrec(data: bytes, rng: random.Random) -> bytes:
    heads = _heads(data)
    if not heads:
        return data
    at = rng.choice(heads)
    lrec = int.from_bytes(data[at + 4 : at + 8], "little")
    near = (lrec & frame.MAX_LENGTH) + rng.choice((-4, -1, 1, 3, 4, 8, len(data) - at - 8, len(data)))
    length = rng.choice((lrec, near, rng.choice(_INTEGERS))) & frame.MAX_LENGTH
    return _put(data, at + 4, struct.pack("<I", rng.choice((lrec >> 29, rng.randrange(8))) << 29 | length))


def _aligned_word(data: bytes, rng: random.Random) -> bytes:
    word = rng.choice(
        (MAGIC_BYTES, MAGIC_BYTES + struct.pack("<I", rng.choice((0, 4, 1 << 29, 2 << 29, 3 << 29, (1 << 29) - 1))), bytes(4))
    )
    return _put(data, rng.randrange(len(data) // 4 + 1) * 4, word)


def _header(data: bytes, rng: random.Random) -> bytes:
    heads = _heads(data)
    if not heads:
        return data
    field = rng.choice(
        (struct.pack("<I", rng.choice(_INTEGERS) & 0xFFFFFFFF), struct.pack("<f", float("nan")), struct.pack("<Q", (1 << 64) - 1))
    )
    return _put(data, rng.choice(heads) + 8 + rng.choice((0, 4, 8, 16)), field)


def _whole_record(data: bytes, rng: random.Random) -> bytes:
    heads = [*_heads(data), len(data)]
    (a, b), at = sorted(rng.choices(heads, k=2)), rng.choice(heads)
    return rng.choice((data[:at] + data[a:b] + data[at:], data[:a] + data[b:]))


_RECORDS = (_lrec, _lrec, _lrec, _aligned_word, _header, _whole_record)


# Lines


def _number(data: bytes, rng: random.Random) -> bytes:
    found = list(_NUMBER.finditer(data))
    if not found:
        return data
    match = rng.choice(found)
    word = rng.choice(_WORDS)
    if rng.random() < 0.4 and len(match[0]) < 20:
        word = str(max(0, int(match[0], 16 if re.search(rb"[a-f]", match[0]) else 10) + rng.choice((-4, -1, 1, 4, 100)))).encode()
    elif rng.random() < 0.3:
        at = rng.randrange(len(match[0]))
        word = match[0][:at] + rng.choice((b"0", b"9", b"", b"00", b"a", b" ")) + match[0][at + 1 :]
    return data[: match.start()] + word + data[match.end() :]


def _line(data: bytes, rng: random.Random) -> bytes:
    lines = data.split(b"\n")
    a, b = rng.randrange(len(lines)), rng.randrange(len(lines))
    action = rng.randrange(5)
    if action == 0:
        lines.insert(b, lines[a])
    elif action == 1:
        lines[a], lines[b] = lines[b], lines[a]
    elif action == 2:
        del lines[a]
    elif action == 3:
        lines[a] += rng.choice((b"\r", b"\t", b" ", b"\t5", lines[b]))
    else:
        lines = lines[: a + 1] + lines[a : a + 1] * rng.choice((2, 50)) + lines[a + 1 :]
    return b"\n".join(lines)


def _fields(data: bytes, rng: random.Random) -> bytes:
    fields = data.split(b"\t")
    a, b = rng.randrange(len(fields)), rng.randrange(len(fields))
    if rng.random() < 0.5:
        fields[a], fields[b] = fields[b], fields[a]
        return b"\t".join(fields)
    return b"\t".join(fields[:a]) + rng.choice((b" ", b"", b"\t\t", b",")) + b"\t".join(fields[a:])


_TEXT = (_number, _number, _number, _line, _line, _fields)


# Journals


def _json(data: bytes, rng: random.Random) -> bytes:
    """Replace a value of one line's object by one of another type or size."""
    lines = data.splitlines(keepends=True)
    if not lines:
        return data
    at = rng.randrange(len(lines))
    try:
        content = json.loads(lines[at].rpartition(b"\t")[0])
        name = rng.choice(list(content))
        value = rng.choice(_VALUES)
        if rng.random() < 0.3:
            content[rng.choice(("x", "", "sizes", "asked", "written"))] = value
        elif rng.random() < 0.2:
            del content[name]
        elif rng.random() < 0.5 and isinstance(content[name], (list, dict)) and content[name]:
            inner = content[name]
            inner[rng.choice(list(inner)) if isinstance(inner, dict) else rng.randrange(len(inner))] = value
        else:
            content[name] = value
        lines[at] = _journal_line(content)
    except (ValueError, TypeError, IndexError, RecursionError):
        pass
    return b"".join(lines)


def _deep(data: bytes, rng: random.Random) -> bytes:
    if rng.random() < 0.9:
        return _json(data, rng)
    deep = rng.choice((b"[", b'{"a":')) * 5000
    at = data.find(b":", rng.randrange(len(data) + 1)) + 1
    return data[:at] + deep + data[at:]


_JOURNAL = (_json, _json, _json, _line, _number, _deep)
