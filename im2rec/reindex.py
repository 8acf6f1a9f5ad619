"""Rebuilding the index of a .rec, together with the .sum that vouches for both."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from im2rec.errors import InputError
from im2rec.sets import check_settled
from recordio.index import Rebuilt, rebuild
from recordio.outputs import OutputSet

if TYPE_CHECKING:
    from recordio.checksum import Sum


def reindex(rec: Path, idx: Path, *, ids: bool, force: bool) -> tuple[Rebuilt, list[Path]]:
    """Write the index of a .rec; where a .sum stands beside both, it is written anew for the new index.

    Args:
        rec: the .rec file.
        idx: the index to write.
        ids: take the keys from the image headers; else number the records 0, 1, 2, ...
        force: replace an existing index.

    Returns:
        What was found, and the files that were written.

    Raises:
        FormatError: the .rec breaks a rule of the format.
        FileError: a file cannot be read or written.
        InputError: the .rec is not the one that the .sum vouches for, or a change of it was interrupted.
    """
    path = rec.with_suffix(".sum")
    with OutputSet(force=force) as outputs:
        output = outputs.create(idx)  # from here on nobody else writes this set
        check_settled(rec)
        is_listed = path.exists() and os.path.realpath(idx) == os.path.realpath(rec.with_suffix(".idx"))
        listed = _load(rec, path) if is_listed else None
        lines: list[bytes] = []
        found = rebuild(rec, output, ids=ids, watch=lines.append if listed is not None else None)
        if listed is None and idx.suffix == ".idx" and not is_listed:
            outputs.remove(idx.with_suffix(".sum"))  # of another set, whose index this replaces
        if listed is None or not _is_other(listed, b"".join(lines)):
            return found, [idx]
        outputs.force = True  # the old .sum would not fit the new index
        _write_sum(listed, b"".join(lines), path, outputs)
    return found, [idx, path]


def _load(rec: Path, path: Path) -> Sum:
    from recordio import checksum

    listed = checksum.load(path)
    if checksum.digest_file(rec) != listed.rec:
        raise InputError(str(rec), f"is not the file that {path} vouches for; 'im2rec verify' says where it differs")
    return listed


def _is_other(listed: Sum, lines: bytes) -> bool:
    from recordio import checksum

    return checksum.digest_bytes(lines) != listed.idx


def _write_sum(listed: Sum, lines: bytes, path: Path, outputs: OutputSet) -> None:
    from recordio import checksum, index

    keys = index.parse(lines).keys
    records = checksum.format_records(keys.tolist(), listed.offsets.tolist(), listed.lengths.tolist(), listed.crcs.tolist())
    output = outputs.create(path)
    for piece in checksum.format_sum([records], len(keys), listed.rec, checksum.digest_bytes(lines), listed.tool, listed.options):
        output.write(piece)
