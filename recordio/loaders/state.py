"""States of iterators: plain values that say where one stands, and of what it is. Pure."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from recordio.loaders.sampler import Sampler

_VERSION: Final = 2


def make(identity: Mapping[str, Any], **where: Any) -> dict[str, Any]:
    """Return the state of an iterator.

    Args:
        identity: what an iterator that goes on from there must have in common with it.
        **where: where it stands.
    """
    return {"version": _VERSION, **where, "of": dict(identity)}


def identify(sampler: Sampler, keys: NDArray[np.uint64], **more: Any) -> dict[str, Any]:
    """Return which records in which order an iterator reads, and what else the caller says of it.

    Args:
        sampler: of the order.
        keys: of all records.
        **more: what else; options that have their defaults may be left out of a dict of options.
    """
    cut = sampler.cut
    order = [np.array(sampler.chunks, np.int64)] + ([] if sampler.in_file is None else [sampler.in_file])
    return {
        "records": cut.records,
        "keys": digest(keys) if len(keys) == 0 else f"{keys[0]} to {keys[-1]}, {digest(keys)}",
        "num_parts": cut.parts,
        "part_index": cut.part,
        "first": cut.first,
        "own": cut.count,
        "rows": cut.length,
        "shuffle": sampler.shuffle,
        "shuffle_across_parts": sampler.across,
        "chunks": f"{len(sampler.chunks)}, {digest(*order)}" if sampler.chunks else 0,
        **more,
    }


def digest(*parts: NDArray[Any] | bytes) -> str:
    """Return a short text that differs where arrays or bytes differ."""
    found = 0
    for part in parts:
        found = zlib.crc32(np.ascontiguousarray(part).data if isinstance(part, np.ndarray) else part, found)
    return f"{found:08x}"


def check(state: Mapping[str, Any], identity: Mapping[str, Any]) -> None:
    """Check that a state is of an iterator with the same parameters.

    Raises:
        ValueError: it is not; the message says in what it differs.
    """
    if state.get("version") != _VERSION:
        raise ValueError(f"a state of version {state.get('version')!r}, expected {_VERSION}: this release cannot go on from it")
    differing = _differing(state["of"], identity)
    if differing:
        raise ValueError(f"the state is of another iterator: {'; '.join(differing)}")


def _differing(theirs: Mapping[str, Any], ours: Mapping[str, Any], absent: str = "nothing") -> list[str]:
    found = []
    for name in dict.fromkeys([*ours, *theirs]):
        one, other = theirs.get(name), ours.get(name)
        if isinstance(one, Mapping) and isinstance(other, Mapping):
            found += _differing(one, other, "its default")
        elif one != other:
            shown = [repr(each[name]) if name in each else absent for each in (theirs, ours)]
            found.append(f"{name} {shown[0]}, expected {shown[1]}")
    return found
