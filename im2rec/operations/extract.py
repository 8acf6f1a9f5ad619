"""From a set back to a folder of images, with a list that packs to the same .rec."""

from __future__ import annotations

import functools
import math
import os
import struct
from array import array
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal, NamedTuple

from im2rec.errors import ImageError, InputError, ListError
from im2rec.itemlist import ItemList
from im2rec.listfile import format_label
from im2rec.operations.browse import is_detection
from im2rec.operations.extracted import NO_HEADER, NO_IMAGE, NOT_FINITE, TWICE, ExtractReport
from im2rec.operations.info import class_names
from im2rec.safenames import Names, fitted, format_of, suffix_of
from im2rec.sets import list_of, prefix_of, settled_files
from im2rec.work import PoolOptions, Work
from recordio import files, frame
from recordio.errors import FileError
from recordio.header import HEADER_SIZE
from recordio.index import format_lines
from recordio.outfolder import FolderFile, OutputFolder, write_all
from recordio.reader import Reader

NameMode = Literal["auto", "list", "label", "key"]

_HEADER: Final = struct.Struct("<IfQQ")
_START: Final = 16  # bytes of an image by which its format is known
_BATCH: Final = 1 << 20  # bytes of records that a worker is given at once


@dataclass(frozen=True, slots=True)
class ExtractOptions:
    """How a set is extracted.

    Attributes:
        names: "list": the paths of the set's list; "label": a folder for each label, named after its class where the
            class map is there, and the id; "key": the id alone; "auto": the list where there is one, else the label.
        images_only: pass over records without an image, as those of identities; they are rejects otherwise.
        verify: check all bytes against the .sum beside each .rec, where there is one.
        pool: who writes the files.
    """

    names: NameMode = "auto"
    images_only: bool = False
    verify: bool = True
    pool: PoolOptions = PoolOptions()


class Record(NamedTuple):
    """The header of a record, and where its image starts in its payload."""

    flag: int
    labels: tuple[float, ...]
    id: int
    exact: bool
    image: int


class Batch(NamedTuple):
    """Records that stand in one range of a .rec, and the files that they become: (offset, start in the payload, path)."""

    rec: Path
    start: int
    stop: int
    places: list[tuple[int, int, str]]


def extract(given: Path, folder: Path, options: ExtractOptions, advance: Callable[[int], None] = lambda _: None) -> ExtractReport:
    """Write the images of a set to a new folder, byte for byte, with a list of them.

    The folder appears when all of it is complete, and not at all otherwise.

    Args:
        given: prefix of the set, or one .rec file.
        folder: the folder; nothing may stand there but an empty one.
        options: how.
        advance: called with the number of records done since its last call.

    Returns:
        The counts.

    Raises:
        InputError: there is no such set, a change of it was interrupted, it has no list where one is asked for, or no image.
        ListError: a line of the list cannot be used.
        FormatError: a record cannot be read, or is not as its .sum says.
        FileError: a file cannot be read or written.
    """
    recs = settled_files(given)
    with OutputFolder(folder) as output:
        return _Extraction(given, recs, output, options, advance).run()


class _Extraction:
    def __init__(
        self, given: Path, recs: list[Path], output: OutputFolder, options: ExtractOptions, advance: Callable[[int], None]
    ) -> None:
        self._given = given
        self._recs = recs
        self._output = output
        self._options = options
        self._advance = advance
        self._report = ExtractReport()
        self._ids: set[int] = set()
        self._labels: dict[tuple[float, ...], str] = {}
        self._names = Names()
        prefix = prefix_of(given)
        self._list_name = self._names.file("", f"{prefix.name}.lst")
        classes = prefix.with_name(f"{prefix.name}.classes.txt")
        self._classes = class_names(classes)
        self._class_map = files.read_whole(classes) if classes.is_file() else None
        self._classes_name = self._names.file("", f"{prefix.name}.classes.txt") if self._class_map is not None else ""
        self._paths = self._original_paths(list_of(recs[0], prefix))
        self._made = 0  # folders that are there

    def _original_paths(self, path: Path | None) -> dict[int, str] | None:
        """Return id -> path by the list of the set, of ids that have one path; None where names are not to come from there."""
        if self._options.names in ("label", "key") or (path is None and self._options.names == "auto"):
            return None
        if path is None:
            raise InputError(f"{prefix_of(self._recs[0])}.lst", "no such list, which --names list takes the names from")
        paths: dict[int, str] = {}
        unclear: set[int] = set()
        with ItemList.open(path, on_fault=_stop) as items:
            for item in items:
                if paths.setdefault(item.id, item.path) != item.path:
                    unclear.add(item.id)
        self._report.unclear = len(unclear)
        return {id_: name for id_, name in paths.items() if id_ not in unclear}

    def run(self) -> ExtractReport:
        report = self._report
        with self._output.create(self._list_name) as lst:
            if self._class_map is not None:
                with self._output.create(self._classes_name) as classes:
                    classes.write(self._class_map)
            for rec in self._recs:
                self._write(rec, lst)
        if report.records and not report.extracted:
            raise InputError(str(self._given), f"none of {report.records} records has an image, so nothing was written")
        for name in (".", self._list_name, *([self._classes_name] if self._classes_name else [])):
            report.outputs.append(str(self._output.path / name))
        return report

    def _write(self, rec: Path, lst: FolderFile) -> None:
        make = functools.partial(_make_work, self._output.temporary)
        batches = self._batches(rec, lst)
        if self._options.pool.workers:
            from im2rec import pool  # multiprocessing takes 20 ms to load

            for block in pool.run(([batch] for batch in batches), make, self._options.pool):
                for reason in block.outcomes.rejects.values():
                    raise FileError(str(self._output.path), "write", None, reason)
                self._advance(sum(len(batch.places) for batch in block.items))
        else:
            work = make()
            for batch in batches:
                try:
                    work(batch)
                except ImageError as error:
                    raise FileError(str(self._output.path), "write", None, error.reason) from None
                self._advance(len(batch.places))

    def _batches(self, rec: Path, lst: FolderFile) -> Iterator[Batch]:
        """Name the images of a .rec, make their folders and lines; yield what is to be written."""
        offsets, ids = array("Q"), array("Q")
        verify = self._options.verify and rec.with_suffix(".sum").is_file()
        with Reader(rec, verify=verify) as reader:
            for run in reader.runs():
                lines: list[str] = []
                places: list[tuple[int, int, str]] = []
                start = run[0][0]
                for offset, payload in run:
                    if offset - start >= _BATCH and places:
                        yield self._batch(rec, start, offset, places)
                        start, places = offset, []
                    record = self._record(payload, offset)
                    offsets.append(offset)
                    ids.append(record.id if record else 0)
                    if record is None:
                        continue
                    path = self._path(record, payload[record.image : record.image + _START])
                    places.append((offset, record.image, path))
                    self._report.bytes_written += len(payload) - record.image
                    self._note(record, path, lines)
                lst.write("".join(lines).encode("utf-8"))
                if places:
                    yield self._batch(rec, start, run[-1][0] + frame.span(run[-1][1]), places)
        idx = rec.with_suffix(".idx")
        if idx.is_file() and files.read_whole(idx) != format_lines(ids, offsets).encode("ascii"):
            self._report.other_keys = True

    def _batch(self, rec: Path, start: int, stop: int, places: list[tuple[int, int, str]]) -> Batch:
        folders = self._names.folders
        for name in folders[self._made :]:
            self._output.create_folder(name)
        self._made = len(folders)
        return Batch(rec, start, stop, places)

    def _record(self, payload: bytes, offset: int) -> Record | None:
        """Read a header; None where there is no image to be written."""
        self._report.records += 1
        flag = int.from_bytes(payload[:4], "little")
        image = HEADER_SIZE + 4 * flag
        if len(payload) < max(image, HEADER_SIZE):
            self._report.rejects.setdefault(NO_HEADER, array("Q")).append(offset)
            return None
        _, label, id_, id2 = _HEADER.unpack_from(payload)
        if len(payload) == image:
            if self._options.images_only:
                self._report.passed_over += 1
            else:
                self._report.rejects.setdefault(NO_IMAGE, array("Q")).append(id_)
            return None
        labels = struct.unpack_from(f"<{flag}f", payload, HEADER_SIZE) if flag else (label,)
        # What pack writes for a line of a list: one label in the header, or several behind a zero.
        exact = not id2 and (not flag or (flag > 1 and payload[4:8] == b"\0\0\0\0"))
        return Record(flag, labels, id_, exact, image)

    def _path(self, record: Record, start: bytes) -> str:
        format_ = format_of(start)
        original = self._paths.get(record.id) if self._paths is not None else None
        if original is not None:
            folder, _, name = original.rpartition("/")
            path = self._names.file(folder, fitted(name, format_))
            self._report.renamed += path != original
            return path
        self._report.strangers += self._paths is not None
        folder = "" if self._options.names == "key" else self._label_folder(record.labels)
        return self._names.file(folder, f"{record.id:08d}{suffix_of(format_)}")

    def _label_folder(self, labels: tuple[float, ...]) -> str:
        """Return the folder of a label; there is none for those of detection."""
        folder = self._labels.get(labels)
        if folder is None:
            label = labels[0]
            if is_detection(labels):
                folder = ""
            elif label in self._classes:
                folder = self._classes[label]
            else:  # of 8 digits, so that folders in the order of their names are in that of their labels
                folder = f"{int(label):08d}" if label.is_integer() and label >= 0 else f"{label:.9g}"
            if len(labels) == 1:
                self._labels[labels] = folder
        return folder

    def _note(self, record: Record, path: str, lines: list[str]) -> None:
        """Count an image, and make its line of the list."""
        report = self._report
        report.extracted += 1
        report.inexact += not record.exact
        if record.id in self._ids:
            report.unlisted.setdefault(TWICE, array("Q")).append(record.id)
        elif not all(map(math.isfinite, record.labels)):
            report.unlisted.setdefault(NOT_FINITE, array("Q")).append(record.id)
        else:
            self._ids.add(record.id)
            labels = "\t".join(map(format_label, record.labels))
            lines.append(f"{record.id}\t{labels}\t{path}\n")


def _stop(fault: ListError) -> None:
    """Let a line that cannot be read end the run; an id that stands twice does not."""
    raise fault


def _make_work(folder: Path) -> Work[Batch]:
    prefix = os.fspath(folder) + os.sep
    opened: dict[Path, files.InputFile] = {}

    def work(batch: Batch) -> tuple[bytes, int, str, int]:
        file = opened.get(batch.rec) or opened.setdefault(batch.rec, files.InputFile(batch.rec))
        data = file.read_at(batch.start, batch.stop - batch.start)
        for offset, image, path in batch.places:
            payload = frame.decode_at(data, offset - batch.start, source=file.name, base=batch.start)[0]
            try:
                fd = files.disk.open(Path(prefix + path), os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
                try:
                    write_all(fd, memoryview(payload)[image:])
                finally:
                    files.disk.close(fd)
            except OSError as error:
                raise ImageError(path, f"{path}: {error.strerror or error}") from None
        return b"", 0, "", 0

    return work
