"""The files of a finished set: which are meant by a name."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from im2rec.errors import InputError
from recordio.pending import unfinished
from recordio.shardnames import parse, shards_of

_BESIDE: Final = (".idx", ".sum", ".lst")  # suffixes of files that stand beside a .rec and may name its set


def prefix_of(given: Path) -> Path:
    """Return the prefix of a set that is named by it or by one of its files."""
    if given.suffix == ".rec" or (given.suffix in _BESIDE and not _named(given)):
        return given.with_suffix("")
    return given


def record_files(given: Path) -> list[Path]:
    """Return the .rec files of a set that is named by its prefix or by a file (.rec, .idx, .sum, .lst), shards in order.

    Raises:
        InputError: there is none.
    """
    if not given.name or given.name == "..":
        raise InputError(str(given), "is a folder, expected the prefix of a set or a .rec")
    if given.suffix == ".rec":
        if given.is_file():
            return [given]
        raise InputError(str(given), "no such file" if not given.exists() else "is no file, expected a .rec")
    found = _named(given) or (_named(given.with_suffix("")) if given.suffix in _BESIDE else [])
    if not found:
        raise _no_set(given)
    return found


def _no_set(given: Path) -> InputError:
    """Return the error for a name that no set has."""
    if given.is_dir():
        return InputError(str(given), "is a folder, expected the prefix of a set or a .rec")
    if given.exists() and given.suffix not in _BESIDE:
        return InputError(str(given), "is no file of a set, expected a prefix, or a .rec, .idx, .sum or .lst")
    rec = f"{given.with_suffix('') if given.suffix in _BESIDE else given}.rec"
    return InputError(rec, "is no file, expected a .rec" if os.path.exists(rec) else "no such file, nor shards of that prefix")


def interrupted(rec: Path) -> str | None:
    """Say that a change of a .rec has begun and is not finished, so that it may hold records of both states; None where none has."""
    for path in dict.fromkeys((rec, Path(os.path.realpath(rec)))):
        found = unfinished(path)
        if found is not None:
            return found[0]
    return None


def check_settled(rec: Path) -> None:
    """Refuse a .rec whose change was interrupted: what is made of it would mix the old state with the new one, and vouch for that.

    Raises:
        InputError: a change of it has begun and is not finished.
    """
    reason = interrupted(rec)
    if reason is not None:
        raise InputError(str(rec), reason)


def settled_files(given: Path) -> list[Path]:
    """Return what :func:`record_files` does, for whoever makes something of the records.

    Raises:
        InputError: there is none, or a change of one has begun and is not finished.
    """
    recs = record_files(given)
    for rec in recs:
        check_settled(rec)
    return recs


def check_alone(prefix: Path, recs: Iterable[Path]) -> None:
    """Check that no other record file of the same prefix would stand beside those of a new set: who reads by it would mix them.

    Raises:
        InputError: one is there.
    """
    new = set(recs)
    others = [path for path in (prefix.with_name(f"{prefix.name}.rec"), *shards_of(prefix)) if path not in new and path.exists()]
    if others:
        more = f" and {len(others) - 1} more stand" if len(others) > 1 else " stands"
        reason = f"{others[0].name}{more} there already, and would be read for this set or beside it: remove them, or give another prefix"
        raise InputError(str(prefix), reason if len(others) > 1 else reason.replace("them", "it"))


def _named(prefix: Path) -> list[Path]:
    """Return the .rec files of exactly this prefix."""
    whole = prefix.with_name(f"{prefix.name}.rec")
    return [whole] if whole.is_file() else shards_of(prefix)


def list_beside(rec: Path) -> bool:
    """Tell whether the list of a .rec, or of the set that it is a shard of, stands beside it."""
    return list_of(rec) is not None


def list_of(rec: Path, prefix: Path | None = None) -> Path | None:
    """Return the list of a .rec, or of the set that it is a shard of, or of that prefix; None where there is none beside it."""
    beside = [prefix.with_name(f"{prefix.name}.lst")] if prefix is not None else []
    shard = parse(rec.stem)
    beside += [rec.with_name(f"{name}.lst") for name in (rec.stem, shard.prefix if shard else "") if name]
    return next((path for path in beside if path.is_file()), None)
