"""The names of a set's shards: PREFIX-00003-of-00016."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Final, NamedTuple

_MARK: Final = r"-\d{5}-of-\d{5}"
_SHARD: Final = re.compile(r"(.+)-(\d{5})-of-(\d{5})", re.DOTALL)


class ShardName(NamedTuple):
    """What the name of a shard says.

    Attributes:
        prefix: name of the set that it is a shard of.
        number: which one it is, from 0.
        of: how many there are.
    """

    prefix: str
    number: int
    of: int


def shard_name(prefix: str, number: int, of: int) -> str:
    """Return the name of a shard without suffix; *prefix* itself where *of* is 0."""
    return f"{prefix}-{number:05d}-of-{of:05d}" if of else prefix


def parse(name: str) -> ShardName | None:
    """Read the name of a shard without suffix; None where it is the name of a whole set."""
    match = _SHARD.fullmatch(name)
    return ShardName(match[1], int(match[2]), int(match[3])) if match else None


def set_or_shard(prefix: str) -> str:
    """Return a regular expression without groups for the name of a set and those of its shards."""
    return rf"{re.escape(prefix)}(?:{_MARK})?"


def shards_of(prefix: str | os.PathLike[str]) -> list[Path]:
    """Return the .rec files of the shards of exactly this prefix, in order of their names."""
    prefix = Path(prefix)
    belongs = re.compile(rf"{re.escape(prefix.name)}{_MARK}\.rec")
    return sorted(path for path in (prefix.parent.iterdir() if prefix.parent.is_dir() else ()) if belongs.fullmatch(path.name))
