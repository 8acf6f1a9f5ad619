"""Changing a finished set in place: the .rec and the files that describe it, all together or not at all."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import Final

from recordio import files, pending, signals
from recordio.errors import FileError
from recordio.outputfile import OutputFile
from recordio.outputs import OutputSet

_BESIDE: Final = (".rec", ".idx", ".sum", ".lst", ".classes.txt", ".rejects.tsv")


class Amendment(OutputSet):
    """New files that describe a .rec which is kept, and what changes in it.

    Until the commit the set is untouched. The commit makes all temporary files durable, then a note of what is to be done,
    and then does it: a failure in the .rec is undone; what a crash interrupts is finished from the note, by the next
    run that writes this set.

    Args:
        rec: the .rec; what an interrupted run has begun to change in it is finished first.
        what: the operation, for messages.

    Attributes:
        old_size: bytes of the .rec.

    Raises:
        FileError: another run writes the set, a file of it is a link, or the .rec has several names.
    """

    def __init__(self, rec: Path, what: str) -> None:
        self._rec = rec
        self._what = what
        self._tail: OutputFile | None = None
        self._words: OutputFile | None = None
        prefix = rec.with_suffix("")
        for suffix in _BESIDE:
            path = prefix.with_name(f"{prefix.name}{suffix}")
            if path.is_symlink():
                raise FileError(str(path), "change", None, f"it is a link, name what it leads to: {os.path.realpath(path)}")
        super().__init__(prefix, force=True)
        try:
            self.lock()
            self.sweep()
            with files.telling(rec, "change"):
                status = os.stat(rec)
        except BaseException:
            self.discard()
            raise
        if status.st_nlink > 1:  # the others would be changed with it, and what describes them would not
            self.discard()
            raise FileError(str(rec), "change", None, f"the file has {status.st_nlink} names (hard links); make a copy of it first")
        self.old_size = status.st_size
        self._version = _version(status)

    def create(self, path: str | os.PathLike[str], *, main: bool = False) -> OutputFile:
        """Start a file that describes the new state; under the name of the .rec, what comes behind its old end."""
        if Path(path) != self._rec:
            return super().create(path, main=main)
        assert self._tail is None
        self._tail = OutputFile(self._rec)
        self._tail.open()
        return self._tail

    def words(self) -> OutputFile:
        """Start the file of the words that change in the .rec, pending.WORD each.

        Raises:
            FileError: it cannot be written.
        """
        assert self._words is None
        self._words = OutputFile(self._rec)
        self._words.open()
        return self._words

    def commit(self) -> None:
        """Change the set.

        Raises:
            FileError: a file cannot be written. The set is as it was, or the message says what finishes the change.
        """
        changes = [output for output in (self._tail, self._words) if output is not None]
        for output in (*changes, *(output for output, _ in self._files)):
            output.close()
        folder = self._rec.parent
        with files.telling(folder, "sync"):
            files.disk.sync_folder(folder)
        with files.telling(self._rec, "change"):
            if _version(os.stat(self._rec)) != self._version:
                raise FileError(str(self._rec), "change", None, "it has changed meanwhile")
        prefix = self._rec.with_suffix("")
        change = self._described()
        carrying = pending.Carrying(prefix, change)
        with contextlib.ExitStack() as stack:
            try:
                pending.save(prefix, change)
                carrying.change_rec()
                stack.enter_context(signals.held())  # in here: behind it a signal would find a change that nobody undoes
            except BaseException as error:
                self._undo(carrying, error)
                raise
            self._keep_all()  # the note speaks of them
            carrying.finish()
            self._forget()

    def _described(self) -> pending.Change:
        tail, words = self._tail, self._words
        return pending.Change(
            self._what,
            self._rec.name,
            self.old_size,
            self.old_size + (tail.size if tail else 0),
            pending.known_crc(self._rec, self.old_size),
            tail.temporary.name if tail else "",
            words.temporary.name if words else "",
            (pending.crc_of(tail.temporary) if tail else 0, pending.crc_of(words.temporary) if words else 0),
            tuple((output.temporary.name, output.path.name) for output, _ in self._files),
        )

    def _undo(self, carrying: pending.Carrying, error: BaseException) -> None:
        with signals.held():
            if not os.path.lexists(pending.note_path(self._rec.with_suffix(""))):
                return
            try:
                carrying.undo()
            except OSError:
                self._keep_all()
                self._forget()
                if isinstance(error, FileError):
                    reason = f"{error.reason}; it could not be taken back either: 'im2rec recover' finishes it"
                    raise FileError(error.path, error.action, error.errno, reason) from error

    def _keep_all(self) -> None:
        outputs = [*(output for output, _ in self._files), *filter(None, (self._tail, self._words))]
        self.keep([output.temporary for output in outputs])

    def _forget(self) -> None:
        """Let go of files that are renamed, removed, or needed by the note."""
        for output in (*(output for output, _ in self._files), *filter(None, (self._tail, self._words))):
            output.drop(keep=True)
        self._files.clear()
        self._tail = self._words = None
        self._unlock()

    def discard(self) -> None:
        """Remove all temporary files; the set stays as it is. While there is a note, what it speaks of stays, too."""
        with signals.held():
            if os.path.lexists(pending.note_path(self._rec.with_suffix(""))):  # a signal came while the change was taken back
                self._keep_all()
            for output in filter(None, (self._tail, self._words)):
                if output.temporary not in self._keep:
                    output.drop()
            self._tail = self._words = None
            super().discard()


def _version(status: os.stat_result) -> tuple[int, ...]:
    return (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns)


def recover(rec: Path) -> list[pending.Change]:
    """Finish what an interrupted run has begun to change in a set; return what that was.

    Raises:
        FileError: another run writes the set, or a file cannot be read or written.
    """
    prefix = rec.with_suffix("")
    outputs = OutputSet(prefix)
    try:
        outputs.lock()
        outputs.sweep()
        return outputs.finished
    finally:
        outputs.discard()
