"""One run of an operation: its sources, its outputs, what is counted, and the end at which all appears together."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Final

from im2rec.errors import InputError, PlanError
from im2rec.operations import companions
from im2rec.operations.blocks import Block, Records
from im2rec.operations.copying import STDIN, Source, open_set, total
from im2rec.operations.counts import NAMED, Report
from im2rec.operations.fields import refuse_identities
from im2rec.operations.ids import Ids
from im2rec.operations.target import STDOUT, Into, Stream, Target, bounds_of
from im2rec.progress import Advance
from im2rec.report import counted
from im2rec.sets import prefix_of
from recordio.outputs import OutputSet

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from typing_extensions import Self

_COPIED: Final = 1 << 16  # bytes that must stand together, on average, for the kernel's copy to be worth its calls
_BARE: Final = 64  # bytes of a record that may have labels but no image
_ROWS: Final = 1 << 16  # records whose runs are looked for at once
Route = Callable[[Block], "NDArray[np.intp]"]  # a target for each record of a block; -1 for none
RouteByKey = Callable[[Source, "NDArray[np.uint64]", int], "NDArray[np.intp]"]  # the same by keys, and the first one's ordinal
Rewrite = Callable[[Block, "NDArray[np.intp]"], Records]  # the chosen records of a block, changed


class Run:
    """One run of an operation. Use it with ``with``: leaving the block without :meth:`finish` throws all away.

    Args:
        verb: its name.
        given: the sets that are read: prefixes, files or ``-``.
        into: where the records go; the whole set of that name is locked.
        partial: take records that an .idx leaves out, too; see copying.Source.
        ordinals: number the records of each source 0, 1, 2, ...
        identities: whether the operation leaves a file of identities a file of identities.
        inputs: other files that are read, which no output may replace.

    Raises:
        InputError: there is no such set, or a shard of it is missing.
        FileError: a file cannot be read.
    """

    def __init__(
        self,
        verb: str,
        given: Sequence[Path],
        into: Into,
        *,
        partial: bool = False,
        ordinals: bool = False,
        identities: bool = False,
        inputs: Sequence[Path] = (),
    ) -> None:
        self.verb = verb
        self.given = list(given)
        self.report = Report(verb)
        self._identities = identities
        self._stack = ExitStack()
        self.into = into
        self.outputs = OutputSet(None if into.prefix == STDOUT else into.prefix, force=into.force, inputs=inputs)
        self.targets: list[Target | Stream] = []
        self.sets: list[list[Source]] = []
        self.has_list = into.prefix != STDOUT and any(path != STDIN and companions.has_list(prefix_of(path)) for path in self.given)
        self.counts: list[int] = []  # of the records of each source that were transferred
        try:
            if self.given.count(STDIN) > 1:
                raise PlanError("stdin can be read once")
            for path in self.given:
                self.sets.append(open_set(path, self._stack, partial=partial, ordinals=ordinals))
        except BaseException:
            self._stack.close()
            raise

    @property
    def sources(self) -> list[Source]:
        """All sources of all sets, in order."""
        return [source for sources in self.sets for source in sources]

    def count(self) -> int:
        """Return how many records the sources have; those without .idx and .sum are read for that.

        Raises:
            PlanError: one of them comes through a pipe.
            FormatError: a record cannot be read.
        """
        known = total(self.sources)
        if known is not None:
            return known
        return sum(source.count if source.count is not None else self._count(source) for source in self.sources)

    def _count(self, source: Source) -> int:
        if source.stream is not None:
            raise PlanError(f"{self.verb} has to know how many records there are before it starts, which a pipe cannot tell: give a file")
        return sum(len(block) for block in source.blocks())

    def target(self, prefix: Path | None = None, described: dict[str, str] | None = None) -> Target | Stream:
        """Start an output.

        Args:
            prefix: of the set, where the operation writes several.
            described: how the operation was asked for, for the .sum.
        """
        into = self.into
        if into.prefix == STDOUT:
            found: Target | Stream = Stream()
        else:
            found = Target(
                prefix or into.prefix,
                self.outputs,
                checksums=into.checksums,
                shard_size=into.shard_size,
                bounds=bounds_of(self.count(), into.shards) if into.shards else None,
                sources=self.sources,
                verb=self.verb,
                described=described,
                ids=Ids() if self.has_list else None,
            )
        self.targets.append(found)
        return found

    def blocks(self, advance: Advance) -> Iterator[Block]:
        """Yield the blocks of all sources, and count their records."""
        for source in self.sources:
            for block in source.blocks():
                self._check_identities(block)
                self.report.read += len(block)
                yield block
                advance(len(block))

    def _check_identities(self, block: Block) -> None:
        """Refuse a file of identities where its ranges of keys would not fit any more.

        Raises:
            InputError: the block holds the header of such a file.
        """
        if not self._identities:
            refuse_identities(block, self.verb)

    def transfer(self, route: Route, advance: Advance, *, by_key: RouteByKey | None = None, rewrite: Rewrite | None = None) -> None:
        """Copy the records of all sources to the targets that *route* names.

        Args:
            route: the target of each record of a block, as its place among the targets; -1 for none.
            advance: of the progress bar.
            by_key: the same where keys alone decide: then the kernel may copy what nothing has to vouch for.
            rewrite: makes the records that are written; by default their bytes are kept.

        Raises:
            FormatError, FileError, InputError: as copying.Source.blocks.
        """
        for source in self.sources:
            before = self.report.read
            if by_key is None or rewrite is not None or not self._copy(source, by_key, advance):
                self._transfer(source, route, advance, rewrite)
            self.counts.append(self.report.read - before)

    def _transfer(self, source: Source, route: Route, advance: Advance, rewrite: Rewrite | None) -> None:
        for block in source.blocks():
            self._check_identities(block)
            self.report.read += len(block)
            goes = route(block)
            for number, target in enumerate(self.targets):
                chosen = (goes == number).nonzero()[0]
                if len(chosen):
                    target.add(block.take(chosen) if rewrite is None else rewrite(block, chosen))
            advance(len(block))

    def _copy(self, source: Source, by_key: RouteByKey, advance: Advance) -> bool:
        """Let the kernel copy the records of a source; tell whether that is possible here, and worth it.

        Only where the .sum of the source says where its records are, and no .sum is written: nothing vouches for bytes that
        nobody has seen.
        """
        import numpy as np

        listed, indexed = source.listed, source.indexed
        if listed is None or source.file is None or any(isinstance(t, Stream) or t.checksums for t in self.targets):
            return False
        if indexed is not None and not np.array_equal(indexed.offsets, listed.offsets):
            return False
        keys = listed.keys if indexed is None else indexed.keys
        goes = by_key(source, keys, 0)
        breaks = np.concatenate([[0], (np.diff(goes) != 0).nonzero()[0] + 1, [len(goes)]])
        if not len(goes) or source.size < _COPIED * (len(breaks) - 1):
            return False
        if not self._identities and bool((listed.lengths[keys == 0] <= _BARE).any()):
            return False  # what may be the header of a file of identities has to be looked at
        for first, stop in zip(breaks[:-1].tolist(), breaks[1:].tolist(), strict=True):
            if goes[first] >= 0:
                for start in range(first, stop, _ROWS):
                    end = min(start + _ROWS, stop)
                    target = self.targets[goes[first]]
                    assert isinstance(target, Target)
                    target.copy(source, keys[start:end], listed.lengths[start:end], int(listed.offsets[start]))
            advance(stop - first)
        self.report.read += len(goes)
        return True

    def finish(self, beside: companions.Companions | None = None) -> Report:
        """Write what belongs to the outputs, give all files their final names, and count.

        Args:
            beside: the class map and the lists of the outputs; by default those of the one set that is read, if it has them.

        Raises:
            InputError: there are records, and none is to be written.
            FileError: a write, sync or rename failed; the final names are as they were.
        """
        report = self.report
        self._check_some()
        for target in self.targets:
            report.outputs += target.finish()
            report.written += target.records
            report.bytes_written += target.size
            if isinstance(target, Target):
                report.duplicates += target.duplicates()
                if len(self.targets) > 1:
                    report.parts[str(target.prefix)] = target.records
        if beside is None:
            is_one = len(self.given) == 1 and self.given[0] != STDIN
            beside = companions.of_set(prefix_of(self.given[0])) if is_one else companions.Companions()
        targets = [target for target in self.targets if isinstance(target, Target)]
        for target in targets:
            report.outputs += companions.write(target, self.outputs, beside, self.sources)
            report.remarks += companions.remove_old(target.prefix, self.outputs)
        self.outputs.commit()
        if report.duplicates:
            report.remarks.append(
                f"{counted(report.duplicates, 'record has', 'records have')} a key that an earlier one of the same set has"
            )
        return report

    def _check_some(self) -> None:
        """Refuse a result without records where there are some, and tell of parts that have none.

        Raises:
            InputError: nothing is to be written.
        """
        report = self.report
        if report.read and not any(target.records for target in self.targets):
            names = ", ".join("<stdin>" if given == STDIN else str(given) for given in self.given)
            missing = f"; {report.said_missing()}" if report.missing else ""
            raise InputError(names, f"none of {report.read} records is chosen, so nothing was written{missing}")
        empty = [str(target.prefix) for target in self.targets if isinstance(target, Target) and not target.records]
        if empty and report.read:
            report.remarks.append(f"no record is in {', '.join(empty[:NAMED])}{', ...' * (len(empty) > NAMED)}")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._stack.close()
        self.outputs.discard()
