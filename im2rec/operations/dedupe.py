"""A set without the images that it holds twice."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from im2rec.errors import PlanError
from im2rec.operations.blocks import Block
from im2rec.operations.counts import Report
from im2rec.operations.fields import fields_of
from im2rec.operations.running import Run
from im2rec.operations.target import Into
from im2rec.progress import Advance
from recordio.header import HEADER_SIZE

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

SAME: Final = ("image", "labels", "payload")


@dataclass(frozen=True, slots=True)
class DedupeOptions:
    """Which records count as the same.

    Attributes:
        same: "image": the bytes of their images; "labels": these and all labels; "payload": every byte, the id, too.
    """

    same: str = "image"

    def __post_init__(self) -> None:
        if self.same not in SAME:
            raise PlanError(f"{self.same!r}, expected one of {', '.join(SAME)}")


def dedupe(given: Path, into: Into, options: DedupeOptions, advance: Advance, *, ordinals: bool = False) -> Report:
    """Write the records of a set, of those that are the same only the first; those without an image are all kept.

    Two are the same when the XXH3-128 of their bytes is. Memory is about 100 bytes a record.

    Args:
        given: prefix of the set, a file of it, or ``-`` for a .rec on stdin.
        into: where they go.
        options: which records are the same.
        advance: of the progress bar.
        ordinals: number the records 0, 1, 2, ... instead of taking the keys of the .idx or the headers.

    Raises:
        InputError: there is no such set, or it is one of identities.
        FormatError: a record cannot be read.
        FileError: a file cannot be read or written.
    """
    with Run("dedupe", [given], into, ordinals=ordinals) as run:
        seen = _Seen(options.same)
        run.target(described={"same": options.same})
        run.transfer(seen.route, advance)
        run.report.leave_out(f"same {options.same}", seen.twins)
        if seen.conflicts:
            many = "s" * (seen.conflicts != 1)
            run.report.remarks.append(f"{seen.conflicts} of the record{many} left out had other labels than the one that was kept")
        return run.finish()


class _Seen:
    """What has been seen so far: digest -> digest of the labels."""

    def __init__(self, same: str) -> None:
        import xxhash

        self._digest = xxhash.xxh3_128_digest
        self._short = xxhash.xxh3_64_intdigest
        self._same = same
        self._known: dict[bytes, int] = {}
        self.twins = 0
        self.conflicts = 0

    def route(self, block: Block) -> NDArray[np.intp]:
        """Return 0 for each record of a block that is new, -1 for the others."""
        import numpy as np

        fields, goes = fields_of(block), np.zeros(len(block), np.intp)
        images, flags = fields.images.tolist(), fields.flags.tolist()
        for number in range(len(block)):
            payload = block.payload(number)
            if self._same != "payload" and not images[number]:
                continue
            start = HEADER_SIZE + 4 * flags[number]
            labels = payload[4:8] + payload[HEADER_SIZE:start]
            told = {"image": payload[start:], "labels": payload[start:] + labels + payload[:4], "payload": payload}[self._same]
            short = self._short(labels)
            digest = self._digest(told)
            if digest not in self._known:
                self._known[digest] = short
                continue
            goes[number] = -1
            self.twins += 1
            self.conflicts += self._same == "image" and self._known[digest] != short
        return goes
