"""New images at the end of a finished set: what is there stays where it is, and is not copied."""

from __future__ import annotations

import os
import struct
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import im2rec
from im2rec import build
from im2rec.errors import InputError
from im2rec.listfile import format_label
from im2rec.listing import format_classes
from im2rec.operations.copying import Source
from im2rec.operations.fields import of_identities
from im2rec.operations.renumbering import Renumbered, renumbered
from im2rec.packoptions import Items, PackOptions, describe
from im2rec.rejects import rejects_path
from im2rec.report import PackReport, format_rejects
from im2rec.sets import record_files
from im2rec.together import one_set
from recordio import checksum, files, frame, index, shardnames
from recordio.amend import Amendment
from recordio.header import HEADER_SIZE
from recordio.writer import IndexedWriter

_REJECTS_HEAD: Final = format_rejects([])
_START: Final = struct.Struct("<III")  # magic, lrec, flag
_PIECE: Final = 1 << 20  # bytes of a list copied at once


@dataclass(slots=True)
class AppendReport:
    """What an append did.

    Attributes:
        pack: the counts of the new images.
        before: records of the set before.
        first: id of the first new image.
        remarks: what should be said of the set.
    """

    pack: PackReport
    before: int = 0
    first: int = 0
    remarks: list[str] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        """Return the report as an object for JSON."""
        return {**self.pack.as_json(), "first_id": self.first, "records": self.before + self.pack.packed}


def record_file(given: Path) -> Path:
    """Return the .rec of a set of one file.

    Raises:
        InputError: there is none, or the set has shards.
    """
    recs = record_files(given)
    one_set(given, recs)
    shard = shardnames.parse(recs[0].stem)
    if len(recs) > 1 or shard:
        raise InputError(str(given), "is divided into shards, expected a set of one .rec; 'im2rec merge' makes one of them")
    return recs[0]


def append(
    rec: Path,
    items: Items,
    options: PackOptions,
    *,
    keep_ids: bool = False,
    before: PackReport | None = None,
    advance: Callable[[int], None] = lambda _: None,
    advance_check: Callable[[int], None] = lambda _: None,
) -> AppendReport:
    """Pack images behind the last record of a set, and bring its .idx, .sum, .lst and the rest to agreement.

    Images are packed into a temporary file first. The set changes when all of them are durable, in one step that a
    crash cannot leave half done: the next run that writes this set finishes it.

    The ids go on from the largest key of the set. A folder's classes are found in the class map of the set by name, new ones are
    numbered behind them.

    Args:
        rec: the .rec.
        items: what to append: a list, or the listing of a folder.
        options: how; shards, journal and checksums have no say.
        keep_ids: take the ids of the items as they are.
        before: counts of what was rejected before it could be listed.
        advance: called with the number of images done since its last call.
        advance_check: called with the number of old records that were compared with the .sum since its last call.

    Raises:
        InputError: the set has no .idx, or that does not fit it, or it is a file of identities; or an append that had been interrupted
            was finished instead.
        FormatError: a record of the set is damaged.
        ListError: an id is in the set already.
        NothingPacked, TooManyRejects: see :func:`im2rec.build.pack`; the set is as it was.
        FileError: a file cannot be read or written.
    """
    with Amendment(rec, "append") as change:
        # Whoever gives an interrupted command once more wants its images once: nobody but its caller knows whether these are others.
        for done in change.finished:
            if done.what == "append":
                reason = (
                    f"the append that was interrupted is finished now, {done.new_size - done.old_size} bytes were added; nothing else was"
                )
                raise InputError(str(rec), f"{reason}: give the command again if its images are others")
        return _Append(rec, change, options, keep_ids=keep_ids).run(items, before or PackReport(), advance, advance_check)


class _Append:
    def __init__(self, rec: Path, change: Amendment, options: PackOptions, *, keep_ids: bool) -> None:
        self._rec = rec
        self._prefix = rec.with_suffix("")
        self._change = change
        self._options = options
        self._keep_ids = keep_ids
        idx = rec.with_suffix(".idx")
        if not idx.is_file():
            raise InputError(str(idx), f"no such file; 'im2rec index {rec}' writes it")
        self._idx = files.read_whole(idx)
        self._index = index.parse(self._idx, str(idx))
        self._summed = rec.with_suffix(".sum").is_file()

    def run(self, items: Items, report: PackReport, advance: Callable[[int], None], advance_check: Callable[[int], None]) -> AppendReport:
        found = AppendReport(report, len(self._index))
        classes_file = self._prefix.with_name(f"{self._prefix.name}.classes.txt")
        new, found.first, classes, remark = renumbered(items, self._index, classes_file, self._options.source.root, keep_ids=self._keep_ids)
        found.remarks += [remark] if remark else []
        report.encoded = not self._options.transform.pass_through
        if self._options.transform.check == "off":
            report.traits = None
        source = Source(self._rec)
        try:
            old = source.listed
            writer = self._adopt(source, advance_check)
        finally:
            source.close()
        self._pack(new, writer, report, advance)
        lists = self._write_beside(new, classes, report)
        writer.describe(f"im2rec {im2rec.__version__}", self._described(old, lists, report, found))
        writer.finish()
        report.bytes_written = writer.size - self._change.old_size
        report.outputs += [str(self._rec), *map(str, self._change.paths())]
        return found

    # -- what is there

    def _adopt(self, source: Source, advance: Callable[[int], None]) -> IndexedWriter:
        """Start the new files with the records that are there; with a .sum, each is compared with it."""
        self._check_identities(source)
        writer = IndexedWriter(self._rec, checksums=self._summed, outputs=self._change)
        if self._summed:
            for block in source.blocks():
                writer.adopt(block.keys.tolist(), block.sizes.tolist(), block.data, block.crcs.tolist())
                advance(len(block))
        else:
            self._check_end(source)
        writer.adopt_index(self._idx, self._index, source.size)
        return writer

    def _check_identities(self, source: Source) -> None:
        """Refuse a file of identities, by the record of key 0: two labels and nothing else."""
        assert source.file is not None
        for offset in self._index.offsets[self._index.keys == 0].tolist():
            data = source.file.read_at(offset, frame.HEAD_SIZE + HEADER_SIZE)
            if len(data) == frame.HEAD_SIZE + HEADER_SIZE and _START.unpack_from(data) == (frame.MAGIC, HEADER_SIZE + 8, 2):
                raise of_identities(source.name, "append", "would add images that are in none of them")

    def _check_end(self, source: Source) -> None:
        """Check that the last record of the .idx is the last of the .rec."""
        last = int(self._index.offsets.max()) if len(self._index) else 0
        left = int(len(self._index) > 0)
        for _, _, starts, _ in source.runs(last):  # more than one, and the rest is not looked at: it may be most of the set
            left -= len(starts)
            if left < 0:
                break
        if left:
            reason = f"does not end with the last record of {self._rec.name}; 'im2rec verify' says how they differ"
            raise InputError(self._index.source, reason)

    def _pack(self, items: Renumbered, writer: IndexedWriter, report: PackReport, advance: Callable[[int], None]) -> None:
        for block in build.blocks(items, self._options):
            build.note(report, block, self._options)
            sizes = block.outcomes.sizes
            ids = [item.id for item, size in zip(block.items, sizes, strict=True) if size]
            writer.write_encoded(ids, [size for size in sizes if size], block.data)
            advance(len(block.items))
        if not report.packed:
            raise build.nothing_packed(report)

    # -- what describes both

    def _write_beside(self, items: Renumbered, classes: dict[str, int] | None, report: PackReport) -> tuple[str, str] | None:
        """Write the list, the class map and the rejects anew, where they are; return the digests of the old and the new list."""
        if classes is not None:
            path = self._prefix.with_name(f"{self._prefix.name}.classes.txt")
            self._change.create(path).write(format_classes(classes, path))
        path = rejects_path(self._prefix)
        if report.rejects:
            old = files.read_whole(path) if path.is_file() else _REJECTS_HEAD
            self._change.create(path).write(old + format_rejects(report.rejects)[len(_REJECTS_HEAD) :])
        path = self._prefix.with_name(f"{self._prefix.name}.lst")
        return self._write_list(path, items) if path.is_file() else None

    def _write_list(self, path: Path, items: Renumbered) -> tuple[str, str]:
        output, digest, last = self._change.create(path), checksum.new_digest(), b"\n"

        def put(data: bytes) -> None:
            output.write(data)
            digest.update(data)

        old = files.InputFile(path)
        try:
            for at in range(0, old.size, _PIECE):
                last = old.read_at(at, min(_PIECE, old.size - at))
                put(last)
        finally:
            old.close()
        before = digest.hexdigest()
        if not last.endswith(b"\n"):
            put(b"\n")
        lines: list[str] = []
        for item in items:
            labels = "\t".join(map(format_label, item.labels))
            lines.append(f"{item.id}\t{labels}\t{item.path}\n")
            if len(lines) >= 1 << 14:
                put("".join(lines).encode("utf-8"))
                lines.clear()
        put("".join(lines).encode("utf-8"))
        return str(before), str(digest.hexdigest())

    def _described(
        self, old: checksum.Sum | None, lists: tuple[str, str] | None, report: PackReport, found: AppendReport
    ) -> dict[str, str]:
        """Return the options for the new .sum: those of the old one, with what is different about the new images."""
        if old is None:
            return {}
        own = {name: value for name, value in old.options.items() if name.startswith("--")}
        others = {name: value for name, value in old.options.items() if name not in own}
        new = describe(self._options)
        if own != new:
            told = " ".join(f"{name} {value}" for name, value in new.items()) or "bytes kept as they are"
            many = f"{report.packed} record{'s' * (report.packed != 1)} from id {found.first} on"
            others["appended"] = "; ".join(filter(None, (others.get("appended"), f"{many} with {told}")))
            if "operation" not in others:
                was = " ".join(f"{name} {value}" for name, value in own.items()) or "bytes kept as they are"
                found.remarks.append(f"the set was packed with {was}, the new images with {told}")
        digest = others.pop("list", None)
        if digest is not None and lists is not None and digest == lists[0]:
            others["list"] = lists[1]
        return {**own, **others}


def is_own_list(source: Path, rec: Path) -> bool:
    """Tell whether a list is the set's own."""
    own = rec.with_suffix(".lst")
    return source.is_file() and own.is_file() and os.path.samefile(source, own)
