"""Going on with an interrupted pack: what it has written is checked byte for byte, and then counts as done."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from pathlib import Path

from im2rec import journal
from im2rec.errors import Im2recError, ResumeError
from im2rec.journal import Entry, Past
from im2rec.listfile import Item
from im2rec.names import printable
from im2rec.packoptions import PackOptions, describe_run, difference
from im2rec.rejects import rejects_path
from im2rec.shards import ShardWriter, Written
from im2rec.source import ImageSource, has_changed
from im2rec.work import Block
from recordio import checksum, files
from recordio.errors import FileError
from recordio.outputs import OutputSet


class Resumable:
    """The journal of a run, from its start or from where an interrupted one stopped."""

    def __init__(self, prefix: Path, options: PackOptions, described: dict[str, str], outputs: OutputSet) -> None:
        self._options = options
        self._outputs = outputs
        self._source = ImageSource(options.source)
        self._path = journal.journal_path(prefix)
        self._prefix = prefix
        self._asked = describe_run(options, described)
        self._journal: journal.Journal | None = None
        self._taken: list[Path] = []  # temporary files of the interrupted run

    def start(self, draw: Callable[[], Iterator[Item]], writer: ShardWriter, note: Callable[[Block[Item]], None]) -> Iterator[Item]:
        """Take over what an interrupted run has done, or throw it away.

        Args:
            draw: gives the items from the first on, as often as it is called.
            writer: takes the records.
            note: called with each block that is done already.

        Returns:
            The items that are left to do.
        """
        items = draw()
        past = None
        with contextlib.nullcontext() if self._options.resume else contextlib.suppress(FileError):
            past = journal.load(self._path)
        if past is None or not self._options.resume:
            writer.check_free()
            for temporary in past.temporaries.values() if past else ():
                self._outputs.add_scratch(temporary)
            past = None
        else:
            self._taken = list(past.temporaries.values())
            check_same(past, self._asked, self._prefix)
            back = committed(past)
            if back:  # nothing may be moved before it is sure that the run can be resumed
                check_inputs(past, draw(), self._source)
                for path in (*self._outputs.paths(), rejects_path(self._prefix)):  # that the interrupted commit had named, too
                    _remove(path)
                for shard, final in back.items():
                    _hide(final, past.temporaries[shard])
            writer.check_free()
            adopt(past, items, writer, self._source, note)
            past.finals.clear()
        self._outputs.add_scratch(self._path)
        self._journal = journal.Journal(self._path, self._asked, past)
        if not writer.recs:
            writer.open()
        return items

    def note(self, block: Block[Item], written: list[Written], writer: ShardWriter) -> None:
        """Note a block that was written."""
        assert self._journal is not None
        times = list(map(self._time, block.items)) if self._options.resume else []
        self._journal.note(block, written, writer.recs, times)

    def _time(self, item: Item) -> int:
        """Return when an item's file was modified, in nanoseconds since 1970, 0 where there is none.

        This costs a call on each image, so it is asked only where somebody means to go on.
        """
        status = self._source.status(item.path)
        return status.st_mtime_ns if status else 0

    def stop(self, writer: ShardWriter, error: BaseException) -> None:
        """Leave the work of an interrupted run where a later one finds it, if that was asked for and makes sense."""
        keep = self._options.resume and (isinstance(error, ResumeError) or not isinstance(error, Im2recError))
        if self._journal is not None and keep:
            with contextlib.suppress(FileError):  # a full disk: then the journal ends where it was last saved
                self._journal.save([])
        self._close(writer, keep=keep)

    def finish(self, writer: ShardWriter) -> None:
        """Close the journal of a run that is done, but for the renames: when they fail, a later run goes on from here.

        Raises:
            FileError: the journal cannot be written.
        """
        if self._journal is not None and (self._options.resume or self._journal.is_begun):
            self._journal.end(writer.recs)
        self._close(writer, keep=self._options.resume)

    def _close(self, writer: ShardWriter, *, keep: bool) -> None:
        kept = list(self._taken)
        if self._journal is not None:
            self._journal.close()
            kept = [rec.temporary for number, rec in enumerate(writer.recs) if number in self._journal.shards]
        self._outputs.keep([self._path, *kept] if keep and kept and self._leads_on() else [])

    def _leads_on(self) -> bool:
        """Tell whether a later run could go on from the journal: on a full disk it may have got no whole line of what was done."""
        if self._journal is None or self._journal.is_saved:
            return self._path.exists()
        with contextlib.suppress(FileError):
            past = journal.load(self._path)
            return past is not None and bool(past.entries)
        return True  # it cannot be read now, but perhaps then


def check_same(past: Past, asked: dict[str, str], prefix: Path) -> None:
    """Check that a run is asked for what the interrupted one was.

    Raises:
        ResumeError: it is not; the message names what differs.
    """
    differs = difference(past.asked, asked)
    if differs is not None:
        raise ResumeError(str(prefix), differs[1])


def adopt(past: Past, items: Iterator[Item], writer: ShardWriter, source: ImageSource, note: Callable[[Block[Item]], None]) -> None:
    """Take over what stands in the temporary files as it was written; the rest of *past* is cut off.

    Args:
        past: what the journal tells; afterwards only what was taken over.
        items: the items in order; those that are done are drawn.
        writer: takes the records.
        source: of the images, which must not have changed.
        note: called with each block that is done, without its bytes.

    Raises:
        ResumeError: an image has changed.
        FileError: a temporary file cannot be read or cut.
    """
    pieces = _Pieces(past)
    kept = done = 0
    try:
        for entry in past.entries:
            data = pieces.read(entry)
            if data is None:
                break
            chosen = list(islice(items, len(entry.outcomes)))
            _check_inputs(chosen, entry, source, past.started)
            _hand_over(chosen, entry, data, writer, past.temporaries)
            note(Block(chosen, entry.outcomes, memoryview(b"")))
            done += len(chosen)
            kept += 1
    finally:
        pieces.close()
    writer.go_on(done)
    del past.entries[kept:]
    del past.ends[kept + 1 :]
    for shard in [shard for shard in past.temporaries if shard >= len(writer.recs)]:
        with contextlib.suppress(OSError):
            files.disk.unlink(past.temporaries.pop(shard))


def committed(past: Past) -> dict[int, Path]:
    """Return shard -> .rec of those that an interrupted commit had given their final names already.

    Only a file that is to the last byte what the journal says: another that stands there is an older set.
    """
    found = {}
    for shard, final in past.finals.items():
        if shard not in past.temporaries or past.temporaries[shard].exists() or not final.exists():
            continue
        pieces = _Pieces(past, {shard: final})
        try:
            own = [Entry(entry.outcomes, [piece for piece in entry.written if piece[0] == shard]) for entry in past.entries]
            size = sum(size for entry in own for _, size, _ in entry.written)
            if final.stat().st_size == size and all(pieces.read(entry) is not None for entry in own):
                found[shard] = final
        finally:
            pieces.close()
    return found


def _hide(final: Path, temporary: Path) -> None:
    """Give a .rec its temporary name again; what describes it goes first, so that it never stands there alone."""
    for path in (final.with_suffix(".idx"), final.with_suffix(".sum")):
        _remove(path)
    with files.telling(final, "rename"):
        files.disk.sync_folder(final.parent)
        files.disk.replace(final, temporary)


def _remove(path: Path) -> None:
    with files.telling(path, "remove"), contextlib.suppress(FileNotFoundError):
        files.disk.unlink(path)


class _Pieces:
    """Reads the temporary files from start to end, side by side with the journal."""

    def __init__(self, past: Past, paths: dict[int, Path] | None = None) -> None:
        self._paths = past.temporaries if paths is None else paths
        self._files: dict[int, files.InputFile] = {}
        self._at: dict[int, int] = {}

    def read(self, entry: Entry) -> list[bytes] | None:
        """Read the pieces of an entry; None when they are not as they were written."""
        found = []
        for shard, size, digest in entry.written:
            at = self._at.get(shard, 0)
            try:
                if shard not in self._files:
                    self._files[shard] = files.InputFile(self._paths[shard])
                if at + size > self._files[shard].size:
                    return None
                data = self._files[shard].read_at(at, size)
            except (KeyError, FileError):  # what a disk does not give back is done again
                return None
            seal = checksum.new_digest()
            seal.update(data)
            if seal.hexdigest() != digest:
                return None
            self._at[shard] = at + size
            found.append(data)
        return found

    def close(self) -> None:
        for file in self._files.values():
            file.close()


def check_inputs(past: Past, items: Iterator[Item], source: ImageSource) -> None:
    """Check that no image of the entries has changed.

    Raises:
        ResumeError: one has.
    """
    for entry in past.entries:
        _check_inputs(list(islice(items, len(entry.outcomes))), entry, source, past.started)


def _check_inputs(items: list[Item], entry: Entry, source: ImageSource, started: int) -> None:
    """Check that no image's file has changed its size or its time of modification since the interrupted run was started."""
    times: Sequence[int | None] = entry.times or [None] * len(items)
    for number, (item, size, time) in enumerate(zip(items, entry.outcomes.reads, times, strict=True)):
        status = source.status(item.path)
        rejected = number in entry.outcomes.rejects
        if status is None:
            if not rejected:
                raise ResumeError(printable(item.path), "is no longer there")
        elif not rejected and status.st_size != size:
            raise ResumeError(printable(item.path), f"has {status.st_size} bytes and had {size}")
        elif has_changed(status, started, time):
            raise ResumeError(printable(item.path), "has changed since the run that was interrupted")


def _hand_over(items: list[Item], entry: Entry, data: list[bytes], writer: ShardWriter, temporaries: dict[int, Path]) -> None:
    """Give a block's records to the shards that they stand in."""
    packed = [(item, size) for item, size in zip(items, entry.outcomes.sizes, strict=True) if size]
    first = 0
    for (shard, size, _), piece in zip(entry.written, data, strict=True):
        last, filled = first, 0
        while filled < size:
            filled += packed[last][1]
            last += 1
        run = packed[first:last]
        writer.adopt(shard, [item for item, _ in run], [size for _, size in run], piece, temporaries[shard])
        first = last
