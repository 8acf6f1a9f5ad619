"""Names of files at random, as hostile as a file system lets them be, on their way from a folder through a list into records."""

from __future__ import annotations

import os
import random
import tempfile
from pathlib import Path

from tiers import SEED

import recordio
from im2rec import build
from im2rec.itemlist import ItemList
from im2rec.listing import ListOptions, collect
from im2rec.packoptions import PackOptions
from im2rec.report import format_rejects, parse_rejects
from im2rec.source import SourceOptions
from im2rec.transform import TransformOptions
from im2rec.walk import WalkOptions
from recordio.outputs import OutputSet

_LONGEST = 255  # bytes of a name
_PIECES = [
    *(bytes([value]) for value in b"abZ0.-=,;:'\"`$%*?[]{}()#&|<>!~^@\\\x01\x7f"),
    b"--", b"\\n", b"\\t", b"\\0", b"\x1b[31m",
    *(piece.encode() for piece in ("é", "e\u0301", "ё", "日", "😀", "\u202e", "\u200f", "\ufeff", "\u200b", "\ufffd", "İ", "ß", "\u0378")),
    *(piece.encode() for piece in (" ", " ", "\t", "\n", "\r", "\r\n", "\x0b", "\x0c", "\x1c", "\x1f", "\x85", "\xa0", "\u2028", "\u3000")),
    b"\xff", b"\xfe", b"\xc3", b"\xa9", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xc0\xaf", b"\xe2\x80", b"\xc2\x85",
]  # fmt: skip
_SUFFIXES = (b".jpg", b".JPG", b".Jpeg", b".png", b".webp", b".bmp")


def name(rng: random.Random) -> bytes:
    """Choose a name."""
    pieces = rng.choices(_PIECES, k=rng.choice((1, 1, 2, 3, 5, 9)))
    if rng.random() < 0.05:
        pieces *= 60
    found = b"".join(pieces).replace(b"/", b"").replace(b"\0", b"")[:_LONGEST]
    return found if found.strip(b".") else b"x" + found


def can_be_listed(path: bytes) -> bool:
    """Whether a list can carry a path: the rules of the format, told once more."""
    try:
        text = path.decode("utf-8", "strict")
    except UnicodeDecodeError:
        return False
    return not any(mark in path for mark in (b"\t", b"\n", b"\r")) and text == text.strip()


def check(first: int, stop: int) -> tuple[int, list[tuple[object, str]]]:
    """Make files of odd names, list them, pack the list, read the records; return the number of names, and what was wrong."""
    rng = random.Random(f"{SEED} names {first}")
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "root"
        made = _make(os.fsencode(root), rng, stop - first)
        return stop - first, [(f"{first} to {stop}", fault) for fault in _round_trip(Path(folder), root, made)]


def _make(root: bytes, rng: random.Random, count: int) -> dict[bytes, bytes]:
    """Make files; return path -> content."""
    os.mkdir(root)
    folders, made = [b""], {}
    while len(made) < count:
        if len(folders) < 1 + count // 20 and rng.random() < 0.1:
            folder = os.path.join(rng.choice(folders[-3:]), name(rng)[:80])
            if len(folder) < 900:  # far from the longest path that the system takes
                os.makedirs(os.path.join(root, folder), exist_ok=True)
                folders.append(folder)
        suffix = rng.choice(_SUFFIXES)
        path = os.path.join(rng.choice(folders), name(rng)[: _LONGEST - len(suffix)] + suffix)
        if path not in made and not os.path.isdir(os.path.join(root, path)):
            made[path] = b"the content of %d" % len(made)
            with open(os.path.join(root, path), "wb") as file:
                file.write(made[path])
    return made


def _round_trip(folder: Path, root: Path, made: dict[bytes, bytes]) -> list[str]:
    faults = []
    listing = collect(root, ListOptions(WalkOptions()))
    rejects = listing.rejects
    (folder / "x.lst").write_bytes(b"".join(listing.lines()))
    listed = {os.fsencode(item.path): item.id for item in listing}
    expected = {path for path in made if can_be_listed(path)}
    if set(listed) != expected:
        faults.append(f"listed {sorted(set(listed) - expected)[:3]}, not listed {sorted(expected - set(listed))[:3]}")
    if sorted(os.fsencode(reject.path) for reject in rejects) != sorted(set(made) - expected):
        faults.append("rejected others than those that a list cannot carry")
    if parse_rejects(format_rejects(rejects)) != rejects:
        faults.append("names of rejects are others when they are read again")
    lines = [line.split(b"\t") for line in (folder / "x.lst").read_bytes().split(b"\n")[:-1]]
    if {line[2]: int(line[0]) for line in lines if len(line) == 3} != listed or len(lines) != len(listed):
        faults.append("the list has other names than the folder")
    options = PackOptions(SourceOptions(root), TransformOptions(check="off"))
    with ItemList.open(folder / "x.lst") as items, OutputSet(folder / "x") as outputs:
        report = build.pack(items, folder / "x", options, outputs)
    if (report.listed, report.packed, report.rejected) != (len(listed), len(listed), 0):
        faults.append(f"packed {report.packed} of {len(listed)}: {report.rejects[:2]}")
    with recordio.IndexedReader(folder / "x.rec") as reader:
        records = {key: bytes(recordio.unpack(reader.read(key))[1]) for key in reader.keys.tolist()}
    if records != {id_: made[path] for path, id_ in listed.items()}:
        faults.append("records with the contents of other files")
    return faults
