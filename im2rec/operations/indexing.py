"""Indexes that an .idx of one .rec with all its records is not: over several files, and of images only."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from im2rec.errors import InputError, PlanError
from im2rec.operations.blocks import Block
from im2rec.operations.copying import Source, open_set
from im2rec.operations.fields import fields_of
from im2rec.progress import Advance
from recordio import checksum
from recordio.errors import BadHeader
from recordio.index import format_lines
from recordio.outputs import OutputSet

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class IndexOptions:
    """What stands in an index.

    Attributes:
        ids: the keys are the ids of the image headers; else 0, 1, 2, ...
        images_only: only records with an image are named.
        combine: one index over several .rec files, whose offsets run on.
        force: replace an existing index.
    """

    ids: bool = True
    images_only: bool = False
    combine: bool = False
    force: bool = False


class Indexed(NamedTuple):
    """What was found.

    Attributes:
        records: of all files.
        size: bytes of the .rec files.
        duplicates: lines whose key an earlier one has.
        indexed: lines that were written.
    """

    records: int
    size: int
    duplicates: int
    indexed: int


def index_set(given: Sequence[Path], idx: Path, options: IndexOptions, advance: Advance) -> tuple[Indexed, list[Path]]:
    """Write one index of a .rec, or of several as if they stood one behind the other, as DALI takes them.

    A .sum beside the .rec whose index this is, is written anew for it.

    Args:
        given: sets or .rec files, in order.
        idx: the index to write.
        options: what stands in it.
        advance: of the progress bar.

    Returns:
        What was found, and the files that were written.

    Raises:
        FormatError: a .rec breaks a rule of the format, or a payload has no image header where ids are wanted.
        InputError: there is no such set, none of its records has an image, or the index is that of one of several files.
        FileError: a file cannot be read or written.
    """
    import numpy as np

    with ExitStack() as stack, OutputSet(force=options.force) as outputs:
        sources = [source for path in given for source in open_set(path, stack, ordinals=True)]
        _check(sources, idx, options)
        output, digest = outputs.create(idx), checksum.new_digest()
        found: list[NDArray[np.uint64]] = [np.empty(0, np.uint64)]
        all_keys: list[NDArray[np.uint64]] = [np.empty(0, np.uint64)]
        base = records = 0
        for source in sources:
            for block in source.blocks():
                keys, named = _keys(block, options, records)
                lines = format_lines(keys[named].tolist(), (block.starts[named] + block.base + base).tolist()).encode("ascii")
                output.write(lines)
                digest.update(lines)
                found.append(keys[named])
                all_keys.append(keys)
                records += len(block)
                advance(len(block))
            base += source.size
        names = np.concatenate(found)
        if records and not len(names):
            raise InputError(", ".join(map(str, given)), f"none of {records} records has an image, so nothing was written")
        written = [idx, *_write_sum(sources, idx, outputs, checksum.FileDigest(output.size, digest.hexdigest()), all_keys)]
    return Indexed(records, base, len(names) - len(np.unique(names)), len(names)), written


def _check(sources: list[Source], idx: Path, options: IndexOptions) -> None:
    if len(sources) > 1 and not options.combine:
        raise PlanError(f"{len(sources)} .rec files have as many indexes: index them one by one, or --combine them into one")
    for source in sources:
        assert source.file is not None
        source.file.check_other(idx)
        if len(sources) > 1 and idx.resolve() == source.path.with_suffix(".idx").resolve():
            raise InputError(str(idx), f"is the index of {source.name} alone, whose offsets start at 0: name another for the combined one")


def _keys(block: Block, options: IndexOptions, done: int) -> tuple[NDArray[np.uint64], NDArray[np.bool_]]:
    """Return the keys of a block's records, and which of them are named."""
    import numpy as np

    fields = fields_of(block)
    if options.ids and not fields.headed.all():
        at = int((~fields.headed).nonzero()[0][0])
        reason = f"a payload of {fields.lengths[at]} bytes without an image header; --keys ordinal does without ids"
        raise BadHeader(block.source.name, block.base + int(block.starts[at]), reason)
    keys = fields.ids if options.ids else np.arange(done, done + len(block), dtype=np.uint64)
    return keys, fields.images > 0 if options.images_only else np.ones(len(block), bool)


def _write_sum(sources: list[Source], idx: Path, outputs: OutputSet, digest: checksum.FileDigest, keys: list[Any]) -> list[Path]:
    """Write the .sum beside the .rec whose index this is anew; remove that of another set, whose index this replaces."""
    import numpy as np

    if idx.suffix != ".idx":
        return []
    path, listed = idx.with_suffix(".sum"), sources[0].listed
    if len(sources) > 1 or idx.resolve() != sources[0].path.with_suffix(".idx").resolve():
        outputs.remove(path)
        return []
    if listed is None or listed.idx == digest:
        return []
    if checksum.digest_file(sources[0].path) != listed.rec:
        raise InputError(sources[0].name, f"is not the file that {path} vouches for; 'im2rec verify' says where it differs")
    outputs.force = True  # the old .sum would not fit the new index
    columns = (np.concatenate(keys), listed.offsets, listed.lengths, listed.crcs)
    records = checksum.format_records(*(column.tolist() for column in columns))
    output = outputs.create(path)
    for piece in checksum.format_sum([records], len(listed), listed.rec, digest, listed.tool, listed.options):
        output.write(piece)
    return [path]
