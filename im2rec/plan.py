"""Which items go into which shard. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass

from im2rec.errors import PlanError
from im2rec.split import even_bounds

_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([kmgt]?)(i?)b?", re.IGNORECASE)
_POWERS = {"": 0, "k": 1, "m": 2, "g": 3, "t": 4}


@dataclass(frozen=True, slots=True)
class ShardOptions:
    """How a set is divided. At most one of *shards*, *shard_size* and *part* is given.

    Attributes:
        shards: number of shards of equal counts; 0 for one plain file.
        shard_size: bytes after which a shard is full; 0 for no limit.
        part: (i, n): pack only shard i, counted from 0, of n.
    """

    shards: int = 0
    shard_size: int = 0
    part: tuple[int, int] | None = None

    def __post_init__(self) -> None:
        if bool(self.shards) + bool(self.shard_size) + (self.part is not None) > 1:
            raise PlanError("--shards, --shard-size and --part exclude each other")


@dataclass(frozen=True, slots=True)
class Shard:
    """A run of items that goes into one .rec.

    Attributes:
        number: position in the set, from 0.
        of: shards in the set; 0 while that is open, because sizes decide.
        start: ordinal of its first item.
        stop: ordinal behind its last item; None while sizes decide.
    """

    number: int
    of: int
    start: int
    stop: int | None


def plan(count: int, options: ShardOptions) -> list[Shard]:
    """Plan the shards of *count* items.

    Raises:
        PlanError: there are fewer items than shards.
    """
    if options.shard_size:
        return [Shard(0, 0, 0, None)]
    if options.part:
        number, of = options.part
        bounds = even_bounds(count, of)
        return [Shard(number, of, bounds[number], bounds[number + 1])]
    of = options.shards or 1
    bounds = even_bounds(count, of)
    return [Shard(number, of if options.shards else 0, bounds[number], bounds[number + 1]) for number in range(of)]


def parse_size(text: str) -> int:
    """Parse a size such as ``500MB`` (powers of 1000), ``1GiB`` or ``1G`` (powers of 1024).

    Raises:
        PlanError: it is none, or not at least one byte.
    """
    match = _SIZE.fullmatch(text.strip())
    if match is None:
        raise PlanError(f"size {text!r}, expected a number and a unit, such as 500MB or 1GiB")
    number, unit, binary = match.groups()
    base = 1024 if binary or not text.lower().rstrip().endswith("b") else 1000
    size = int(float(number) * base ** _POWERS[unit.lower()])
    if size < 1:
        raise PlanError(f"size {text!r}, expected at least one byte")
    return size


def parse_part(text: str) -> tuple[int, int]:
    """Parse ``I/N``, part I of N, with I from 0 to N - 1.

    Raises:
        PlanError: it is not of that form.
    """
    match = re.fullmatch(r"(\d+)/(\d+)", text.strip())
    if match is None or int(match[1]) >= int(match[2]):
        raise PlanError(f"part {text!r}, expected I/N with I from 0 to N - 1, such as 0/16")
    return int(match[1]), int(match[2])
