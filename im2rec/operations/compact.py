"""A set anew: only the records that its index names, one after the other, in the order that is wanted."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from im2rec.errors import InputError, PlanError
from im2rec.operations.blocks import Block, Records
from im2rec.operations.copying import STDIN
from im2rec.operations.counts import Report
from im2rec.operations.running import Run
from im2rec.operations.shuffle import LEAST, Passes, Ranked
from im2rec.operations.target import Into
from im2rec.progress import Advance

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

ORDERS: Final = ("file", "index", "key")


@dataclass(frozen=True, slots=True)
class CompactOptions:
    """How a set is written anew.

    Attributes:
        order: "file": as the records stand; "index": as the lines of the .idx; "key": by ascending keys.
        memory: bytes of records that are held at once, where the order changes.
    """

    order: str = "file"
    memory: int = 1 << 30

    def __post_init__(self) -> None:
        if self.order not in ORDERS:
            raise PlanError(f"order {self.order!r}, expected one of {', '.join(ORDERS)}")
        if self.memory < LEAST:
            raise PlanError(f"a memory of {self.memory} bytes, expected at least {LEAST >> 20} MiB")


def compact(given: Path, into: Into, options: CompactOptions, advance: Advance) -> Report:
    """Write a set anew with the records that its .idx names and no others.

    Args:
        given: prefix of the set, or a file of it.
        into: where they go.
        options: the order.
        advance: of the progress bar.

    Raises:
        InputError: there is no such set, or a .rec of it has no .idx.
        FormatError: a record cannot be read.
        FileError: a file cannot be read or written.
    """
    if given == STDIN:
        raise PlanError("compact keeps what an .idx names, and a pipe has none: give a file")
    with Run("compact", [given], into, partial=True, identities=True) as run:
        for source in run.sources:
            if source.indexed is None:
                raise InputError(str(source.path.with_suffix(".idx")), "no such file: compact keeps what it names")
        target = run.target(described={"order": options.order})
        if options.order == "file":
            run.transfer(_route, advance)
        else:
            Passes(run, target, Ranked(_order(run, options.order)), options.memory, advance).run(_listed(run, advance))
        run.report.leave_out("not in the .idx", run.report.read - target.records)
        return run.finish()


def _route(block: Block) -> NDArray[np.intp]:
    import numpy as np

    return np.zeros(len(block), np.intp) if block.listed is None else np.where(block.listed, 0, -1)


def _listed(run: Run, advance: Advance) -> Iterator[Records]:
    for block in run.blocks(advance):
        yield block.take((_route(block) == 0).nonzero()[0])


def _order(run: Run, order: str) -> Any:
    """Return for each record that an .idx names, in the order of the files, what is to ascend."""
    import numpy as np

    pieces, done = [np.empty(0, np.uint64)], 0
    for source in run.sources:
        assert source.indexed is not None
        count = len(source.indexed)
        places = np.arange(count) if source.places is None else source.places
        pieces.append(source.indexed.keys if order == "key" else (places + done).astype(np.uint64))
        done += count
    return np.concatenate(pieces)
