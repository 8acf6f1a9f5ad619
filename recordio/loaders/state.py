"""States of iterators: plain values that say where one stands, and of what it is. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from recordio.loaders.sampler import Sampler

_VERSION: Final = 1


def make(identity: Mapping[str, Any], **where: Any) -> dict[str, Any]:
    """Return the state of an iterator.

    Args:
        identity: what an iterator that goes on from there must have in common with it.
        **where: where it stands.
    """
    return {"version": _VERSION, **where, "of": dict(identity)}


def identify(sampler: Sampler, **more: Any) -> dict[str, Any]:
    """Return which records in which order an iterator reads, and what else the caller says of it."""
    return {"records": sampler.cut.records, "first": sampler.cut.first, "rows": sampler.cut.length, "shuffle": sampler.shuffle, **more}


def check(state: Mapping[str, Any], identity: Mapping[str, Any]) -> None:
    """Check that a state is of an iterator with the same parameters.

    Raises:
        ValueError: it is not; the message says in what it differs.
    """
    if state.get("version") != _VERSION:
        raise ValueError(f"a state of version {state.get('version')!r}, expected {_VERSION}")
    other = state["of"]
    differing = [f"{name} {other.get(name)!r}, expected {value!r}" for name, value in identity.items() if other.get(name) != value]
    if differing:
        raise ValueError(f"the state is of another iterator: {'; '.join(differing)}")
