"""Sets of files that appear under their final names together, or not at all.

Everything is written to temporary files, which a commit moves to their final names in an order that leaves, after a
crash at any point, the old set, the new set, or a main file alone: never half a file, nor a new .rec beside an old .idx.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

from recordio import files, pending, shardnames, signals
from recordio.commit import Commit
from recordio.errors import REPLACING, FileError
from recordio.leftovers import remove, sweep
from recordio.lock import DESCRIBING, Lock, prefix_of, real
from recordio.outputfile import OutputFile

if TYPE_CHECKING:
    from typing_extensions import Self


class OutputSet:
    """Files that appear under their final names together, or not at all. Use it with ``with``.

    Leaving the block commits the set; an exception discards it. The commit first syncs every temporary file. It then
    removes old files that would not fit the new main file (an old .idx beside a new .rec), renames the main files,
    then the others, with the folders synced between the steps: a crash leaves the old set, the new set, or a main
    file alone, whole. A step that fails is undone, as far as the system lets it, by steps back.

    Attributes:
        finished: changes of an old set that an earlier run had begun, and that this one has finished.

    While it is open the set holds a lock on its name, and temporary files that an earlier run left there are removed.

    Args:
        prefix: path of the set without suffix. Files of other names, such as the lists of a split, are locked under their
            own as well.
        force: replace files that exist. Without it an existing file is an error.
        keep: files of earlier runs, by their temporary names, that are not to be removed; None for those that the journal
            of an interrupted run may speak of.
        inputs: files that the set is made from: no output may replace one of them, whatever *force* says.

    Raises:
        FileError: another run writes the set, or its folder cannot be written.
    """

    def __init__(
        self, prefix: Path | None = None, *, force: bool = False, keep: Iterable[Path] | None = None, inputs: Iterable[Path] = ()
    ) -> None:
        self.force = force
        self._inputs = tuple(inputs)
        self._prefix = prefix
        self._respects_journal = keep is None
        self._keep = set(keep or ())
        self._pid = os.getpid()
        self._locks: dict[Path, Lock] = {}
        self._swept: set[Path] = set()
        self._files: list[tuple[OutputFile, bool]] = []
        self._obsolete: list[Path] = []
        self._scratch: list[Path] = []
        self.finished: list[pending.Change] = []

    def create(self, path: str | os.PathLike[str], *, main: bool = False) -> OutputFile:
        """Start a file of the set.

        Args:
            path: its final name, in a folder that exists.
            main: this file is renamed before the others, which describe it; where no file is, the first one.

        Raises:
            FileError: the folder does not exist or cannot be written, the file exists and force is not given, or
                another run writes the set.
        """
        output = self._add(path, main=main)
        output.open()
        return output

    def take_over(self, path: str | os.PathLike[str], temporary: Path) -> OutputFile:
        """Start a main file of the set with what an earlier run wrote of it; see :meth:`OutputFile.take_over`."""
        output = self._add(path, main=True)
        output.take_over(temporary)
        return output

    def _add(self, path: str | os.PathLike[str], *, main: bool) -> OutputFile:
        path = Path(path)
        self.check_no_input(path)
        self.check_free(path)
        target = Path(os.path.realpath(path)) if path.is_symlink() else path
        for prefix in dict.fromkeys(map(real, (self._prefix or prefix_of(path), prefix_of(path), prefix_of(target)))):
            if prefix not in self._locks and not self._covers(prefix):
                self._take(prefix, path)
        self.sweep()
        path = target  # what a link leads to is replaced, not the link
        if path in self.paths():
            raise FileError(str(path), "write", None, "two outputs have this name")
        output = OutputFile(path)
        self._files.append((output, main))
        return output

    def _covers(self, prefix: Path) -> bool:
        """Tell whether a prefix is a shard's whose set is locked, or a set's whose shard is: that has a share of it."""

        def is_shard(one: Path, of: Path) -> bool:
            shard = shardnames.parse(one.name)
            return shard is not None and one.with_name(shard.prefix) == of

        return any(is_shard(prefix, held) or is_shard(held, prefix) for held in self._locks)

    def lock(self) -> None:
        """Lock the set before its first file is started, so that what an interrupted run has left stays as it is.

        Raises:
            FileError: another run writes the set, or its folder cannot be written.
        """
        assert self._prefix is not None
        self._take(real(self._prefix), self._prefix)

    def _take(self, prefix: Path, path: Path) -> None:
        with signals.held():  # or one might leave a lock that nobody knows of
            self._locks[prefix] = Lock(prefix, path)

    def sweep(self) -> None:
        """Clear up what earlier runs have left under the names that are locked; done by the first file, too.

        A change of a set that was interrupted is finished, temporary files are removed, but for what is kept.

        Raises:
            FileError: a change cannot be finished.
        """
        for prefix in self._locks.keys() - self._swept:
            self.finished += pending.finish(prefix)
            sweep(prefix, self._keep, respects_journal=self._respects_journal)
            self._swept.add(prefix)

    def remove(self, path: Path) -> None:
        """Let the commit remove a file of the old set that the new one has not, where it exists.

        Raises:
            FileError: it exists and force is not given, or the set is made from it.
        """
        if path.exists():
            self.check_no_input(path)
            self.check_free(path)
            self._obsolete.append(path)

    def add_scratch(self, path: Path) -> None:
        """Let a file go when the set is committed or discarded: one that is needed only until then."""
        self._scratch.append(path)

    def keep(self, paths: Iterable[Path]) -> None:
        """Let :meth:`discard` leave these temporary and scratch files where they are, and no others, for a later run."""
        self._keep = set(paths)

    def paths(self) -> list[Path]:
        """Return the final names of the set's files."""
        return [output.path for output, _ in self._files]

    def check_no_input(self, path: Path) -> None:
        """Check that a name is not that of a file which the set is made from.

        Raises:
            FileError: it is.
        """
        for source in self._inputs:
            files.check_other(source, path)

    def check_free(self, path: Path) -> None:
        """Check that a final name may be written.

        Raises:
            FileError: its folder does not exist, or it exists itself and force is not given.
        """
        with files.telling(path, "write"):  # a name that is too long is refused by the questions already
            if not path.parent.is_dir():
                raise FileError(str(path), "write", None, f"the folder {path.parent} does not exist")
            if path.is_dir():
                raise FileError(str(path), "write", None, "it is a folder")
            if path.exists():
                if not path.is_file():
                    raise FileError(str(path), "write", None, "it is no regular file")
                if not self.force:
                    raise FileError(str(path), "write", None, f"it exists already ({REPLACING})")

    def commit(self) -> None:
        """Move all files to their final names.

        Raises:
            FileError: a sync, a removal or a rename failed. What had been renamed has been put back, unless that failed, too.
        """
        for output, _ in self._files:
            self.check_free(output.path)
        self._find_obsolete()
        for output, _ in self._files:
            output.close()
        mains = [output for output, main in self._files if main] or [output for output, _ in self._files[:1]]
        with signals.held():
            Commit().run(mains, [output for output, _ in self._files if output not in mains], self._obsolete)
            self._files.clear()
            self._obsolete.clear()
            self._drop_scratch(set())
            self._unlock()

    def _find_obsolete(self) -> None:
        """Find what describes the old files of this set and has no successor: it would not fit the new ones."""
        new = set(self.paths())
        for output, main in self._files:
            if main and output.path.suffix == ".rec":
                prefix = prefix_of(output.path)
                for suffix in DESCRIBING:
                    path = prefix.with_name(f"{prefix.name}{suffix}")
                    if path not in new and path not in self._obsolete:
                        self.remove(path)

    def discard(self) -> None:
        """Remove all temporary files, but those that are kept for a later run; the final names stay as they were."""
        with signals.held():
            for output, _ in self._files:
                output.drop(keep=output.temporary in self._keep)
            self._files.clear()
            self._drop_scratch(self._keep)
            self._unlock()

    def _drop_scratch(self, keep: set[Path]) -> None:
        for path in self._scratch:
            if path not in keep:
                remove(path)
        self._scratch.clear()

    def _unlock(self) -> None:
        for lock in self._locks.values():
            lock.release()
        self._locks.clear()
        self._swept.clear()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        try:
            if kind is None:
                self.commit()
        finally:
            self.discard()

    def __del__(self) -> None:
        # A signal may come between the lines of a with statement, where nothing catches it.
        if getattr(self, "_locks", None) and self._pid == os.getpid():
            self.discard()


def write_whole(path: str | os.PathLike[str], data: bytes, *, force: bool = False) -> None:
    """Write one small file: whole under its name, or not at all.

    Raises:
        FileError: it cannot be written, or exists and *force* is not given.
    """
    with OutputSet(force=force) as outputs:
        outputs.create(path).write(data)
