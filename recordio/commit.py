"""The steps in which a set of files gets its final names."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

from recordio import files
from recordio.leftovers import remove, temporary_name


class Written(Protocol):
    """A file that is written and synced under a temporary name."""

    path: Path
    temporary: Path

    def publish(self) -> None:
        """Give the file its final name."""


class Commit:
    """The steps of a commit, each with the step that undoes it."""

    def __init__(self) -> None:
        self._undo: list[Callable[[], None]] = []
        self._kept: list[Path] = []  # second names of the old files, under which an undo finds them

    def run(self, mains: Sequence[Written], others: Sequence[Written], obsolete: list[Path]) -> None:
        """Carry out all steps.

        Args:
            mains: files that are renamed first.
            others: files that describe them.
            obsolete: old files that go.
        """
        try:
            if mains or obsolete:
                self._step([(self._remove, path) for path in (*[output.path for output in others], *obsolete)])
            self._step([(self._publish, output) for output in mains])
            self._step([(self._publish, output) for output in others])
        except BaseException:
            with contextlib.suppress(OSError):  # where a step cannot be undone, those before it would not fit what stands now
                for undo in reversed(self._undo):
                    undo()
            self._forget()
            raise
        self._forget()

    def _step(self, actions: Sequence[tuple[Callable[..., Path | None], Written | Path]]) -> None:
        """Do the same thing to several files, then make it durable."""
        changed = [path for action, subject in actions if (path := action(subject)) is not None]
        for folder in dict.fromkeys(path.parent for path in changed):
            with files.telling(folder, "sync"):
                files.disk.sync_folder(folder)

    def _remove(self, path: Path) -> Path | None:
        """Remove an old file; None where there is none."""
        if not path.exists():
            return None
        self._keep(path)
        with files.telling(path, "remove the old file"), contextlib.suppress(FileNotFoundError):
            files.disk.unlink(path)
        return path

    def _publish(self, output: Written) -> Path:
        existed = output.path.exists()
        is_kept = existed and self._keep(output.path)
        output.publish()
        # Its temporary name is given back, for the set to drop or to keep it. An old file is put back by what _keep has
        # noted, in one step: at no time there is none.
        if is_kept:
            self._undo.append(lambda: self._link_back(output))
        elif existed:
            self._undo.clear()  # what was done before this belongs to a file that is gone
        else:
            self._undo.append(lambda: files.disk.replace(output.path, output.temporary))
        return output.path

    def _link_back(self, output: Written) -> None:
        with contextlib.suppress(OSError):
            files.disk.link(output.path, output.temporary)

    def _keep(self, path: Path) -> bool:
        """Give an old file a second name, to be put back from there; tell whether that could be done."""
        second = temporary_name(path)
        try:
            files.disk.link(path, second)
        except OSError:
            return False
        self._kept.append(second)
        self._undo.append(lambda: files.disk.replace(second, path))
        return True

    def _forget(self) -> None:
        for path in self._kept:
            remove(path)
