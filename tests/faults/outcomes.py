"""What becomes of each image of the corpora, both ways; outcomes.tsv has what must.

    python tests/faults/outcomes.py FOLDER      writes outcomes.tsv anew from the corpora in FOLDER, to be read before it is kept

A line is: name, the first half of the file's SHA-256, what becomes of it when its bytes are kept, what when it is encoded anew.
Packed is told by format, size and traits, rejected by the kind of reason. "any" stands where the outcome is up to the release
of OpenCV or of Pillow: it is written by hand, and kept when the table is written anew.
"""

from __future__ import annotations

import hashlib
import re
import sys
import tempfile
from pathlib import Path

import corpora
from packing import ENCODED, KEPT, pack

from im2rec.work import PoolOptions
from recordio import imagecheck
from recordio.traits import Trait

TABLE = Path(__file__).with_name("outcomes.tsv")
ANY = "any"
POOL = PoolOptions(2, timeout=60.0)
_OWN = Path(__file__).resolve().parents[1] / "golden" / "images"

# Whatever is said beside these is no verdict on an image: a process that ended, a time limit, a fault of ours.
_REASONS = {
    r"is empty$": "empty",
    r"is not an image in a known format": "unknown format",
    r"is damaged or truncated, or \w+ of a kind": "unreadable",
    r"is damaged or truncated: a PNG": "no header",
    r"is damaged or truncated: ": "broken",
    r"is truncated: ": "truncated",
    r"is damaged: ": "damaged",
    r"has (\d+ x|more than) \d+ pixels, expected at most": "too large",
    r"is a JPEG of \d+ scans": "too many scans",
    r"cannot be decoded": "cannot be decoded",
    r"cannot be encoded": "cannot be encoded",
}


def files(folder: Path) -> list[tuple[str, Path]]:
    """Return (name, path) of what there is to judge: the corpora where they were fetched, and this project's own odd images."""
    fetched = corpora.images(folder) if folder.exists() else []
    own = ((f"golden/{path.relative_to(_OWN).as_posix()}", path) for path in _OWN.rglob("*") if path.is_file())
    return sorted([*fetched, *own])


def digest(path: Path) -> str:
    """Return the first half of a file's SHA-256."""
    return hashlib.sha256(path.read_bytes()).hexdigest()[:32]


def rejected(reason: str) -> str:
    """Return the outcome of an image that was rejected; what is no verdict on the image as it is."""
    return next((f"rejected: {kind}" for pattern, kind in _REASONS.items() if re.match(pattern, reason)), f"no verdict: {reason}")


def described(data: bytes) -> str:
    """Return the outcome of an image that was packed: its format, size and traits."""
    info = imagecheck.check(data)
    traits = "".join(f" {str(trait.name).lower()}" for trait in Trait if info.traits & trait)
    return f"{info.format} {info.width}x{info.height}{traits}{' without end' if info.missing_end else ''}"


def judge(found: list[tuple[str, Path]]) -> dict[str, tuple[str, str]]:
    """Pack files both ways; return the two outcomes of each, as the table has them."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "root"
        root.mkdir()
        for number, (_, path) in enumerate(found):  # without their names, which would have a say in the traits
            (root / str(number)).symlink_to(path.resolve())
        names = [str(number) for number in range(len(found))]
        outcomes = []
        for transform in (KEPT, ENCODED):
            packed = pack(root, names, transform, Path(folder) / "set", POOL, follow_symlinks=True)
            if transform is KEPT:
                said = {name: described(image) for name, image in packed.images.items()}
            else:
                said = dict.fromkeys(packed.images, "packed")
            said.update((name, rejected(reason)) for name, reason in packed.rejects.items())
            outcomes.append([said[name] for name in names])
    return {name: both for (name, _), both in zip(found, zip(*outcomes, strict=True), strict=True)}


def load() -> dict[str, tuple[str, str, str]]:
    """Load the table: name -> digest, and the two outcomes."""
    lines = TABLE.read_text(encoding="utf-8").splitlines()[1:] if TABLE.exists() else []
    return {name: (digest_, kept, encoded) for name, digest_, kept, encoded in (line.split("\t") for line in lines)}


def main(folder: Path) -> None:
    """Write the table anew; lines of files that are not there stay as they are."""
    table, found = load(), files(folder)
    paths = dict(found)
    for name, both in judge(found).items():
        before = table.get(name, ("", "", ""))[1:]
        new = [ANY if old == ANY else outcome for old, outcome in zip(before, both, strict=True)]
        table[name] = (digest(paths[name]), *new)
    lines = ["name\tsha256\tkept\tencoded", *("\t".join((name, *table[name])) for name in sorted(table))]
    TABLE.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8", newline="\n")
    print(f"{len(table)} lines in {TABLE}")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
