"""Temporary files: their names, and removing those that an earlier run has left."""

from __future__ import annotations

import contextlib
import os
import re
import zlib
from pathlib import Path
from typing import Final

from recordio import files, shardnames
from recordio.lock import SUFFIXES, real

TEMPORARY: Final = re.compile(r"\.(.+)\.[0-9a-f]{8}\.tmp")
_LONGEST: Final = 240  # bytes of a name that a temporary one can hold whole: the system allows 255


def temporary_stem(name: str) -> str:
    """Return what stands for a file's name in that of its temporary file: the name itself, unless it is too long."""
    if len(os.fsencode(name)) <= _LONGEST:
        return name
    return f"{name[:40]}~{zlib.crc32(os.fsencode(name)):08x}"  # a character takes up to 4 bytes


def temporary_name(path: Path) -> Path:
    """Return a new name for a temporary file beside *path*."""
    return path.with_name(f".{temporary_stem(path.name)}.{os.urandom(4).hex()}.tmp")


def remove(path: Path) -> None:
    """Remove a file without a word about what fails."""
    with contextlib.suppress(OSError):
        files.disk.unlink(path)


def sweep(prefix: Path, keep: set[Path], *, respects_journal: bool) -> None:
    """Remove the temporary files that an earlier run left of this set; the caller holds its lock.

    Not only where a lock file tells of a run that was killed: after a power failure a folder may have the one without the other.
    The prefix has no links in its folder; what is kept may be named through some, or from the current folder.
    """
    kept = {real(path) for path in keep}
    known = "|".join(map(re.escape, SUFFIXES))
    belongs = re.compile(rf"{shardnames.set_or_shard(prefix.name)}({known})?")
    cut = {temporary_stem(f"{prefix.name}{suffix}") for suffix in ("", *SUFFIXES)}
    with os.scandir(prefix.parent) as entries:
        left = [entry.name for entry in entries if entry.name[:1] == "." and entry.name[-4:] == ".tmp"]
    for name in left:
        match = TEMPORARY.fullmatch(name)
        path = prefix.with_name(name)
        if match and respects_journal and _has_journal(prefix.with_name(match[1])):
            continue  # whoever was interrupted there may go on
        if match and (match[1] in cut or belongs.fullmatch(match[1])) and path not in kept:
            remove(path)


def _has_journal(path: Path) -> bool:
    """Tell whether an interrupted run that wrote this .rec, or the set that it is a shard of, may be gone on with."""
    if path.suffix != ".rec":
        return False
    shard = shardnames.parse(path.stem)
    return any(path.with_name(f".{name}.journal").exists() for name in (path.stem, *((shard.prefix,) if shard else ())))
