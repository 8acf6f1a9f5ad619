"""Where samples come from: .rec files, several as one, with or without .idx; or images with a list. Read by ordinal."""

from __future__ import annotations

import os
from bisect import bisect_right
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import numpy as np

from recordio import files, frame, header
from recordio.errors import CodecMissing, FileError, FormatError, RecordIOError
from recordio.index import Index
from recordio.loaders import lists, missing, readers

if TYPE_CHECKING:
    from numpy.typing import NDArray


_MOST_LABELS = frame.MAX_LENGTH // 4  # a payload holds no more


class Sample(NamedTuple):
    """One encoded image with what is known of it.

    Attributes:
        key: by which its source names it: of the .idx, or the id where there is none.
        id: of its header, or of its line in the list.
        label: (k,) float32.
        image: the encoded bytes; may be none.
    """

    key: int
    id: int
    label: NDArray[np.float32]
    image: bytes


class Source(Protocol):
    """Samples by ordinal. Threads and forked processes may share one; it can be pickled."""

    def __len__(self) -> int:
        """Return how many samples there are."""

    def read(self, ordinal: int) -> Sample:
        """Read one.

        Raises:
            RecordIOError: it cannot be read; the message names file and place.
        """

    def name(self, ordinal: int) -> str:
        """Say where a sample stands, for messages: "train.rec: key 17"."""

    def is_bad(self, error: RecordIOError) -> bool:
        """Tell whether an error that a sample gave is the sample's own, and not of the disk or of what is installed."""

    def close(self) -> None:
        """Close the files."""


class RecordSource:
    """The records of one or several .rec files, in the order of their .idx, or of the file where there is none.

    Args:
        recs: the .rec files.
        idxs: an .idx for each; or none: then each file is read once from start to end, and records are known by the ids in
            their headers.
        labels: take the labels from here, by id, and not from the records.

    Attributes:
        keys: (n,) uint64; of several files made at first use.
        size: bytes of all files.

    Raises:
        FileError: a file cannot be read.
        IndexFormatError: a line of an .idx is not ``key TAB offset``.
        FormatError: a file without .idx breaks a rule of the format.
    """

    def __init__(
        self, recs: Sequence[str | os.PathLike[str]], idxs: Sequence[str | os.PathLike[str]] = (), *, labels: lists.LabelMap | None = None
    ) -> None:
        if idxs and len(idxs) != len(recs):
            raise ValueError(f"{len(idxs)} .idx file(s) for {len(recs)} .rec file(s), expected one for each or none")
        found: list[Path | Index] = [Path(idx) for idx in idxs] if idxs else [readers.scanned(rec) for rec in recs]
        self._readers = readers.open_readers(recs, found)
        self._recs = [str(rec) for rec in recs]
        self._starts = np.cumsum([0, *(len(reader) for reader in self._readers)]).tolist()
        self._labels = labels
        self._bases = np.cumsum([0, *(reader.size for reader in self._readers)]).tolist()
        self.size = int(self._bases[-1])

    @cached_property
    def keys(self) -> NDArray[np.uint64]:  # noqa: D102  (the class says it)
        return _joined([reader.keys for reader in self._readers])

    def offsets(self) -> NDArray[np.int64]:
        """Return (n,) bytes from the start of the first file as if the files stood one after the other; made anew if several."""
        pairs = zip(self._readers, self._bases, strict=False)
        return _joined([reader.index.offsets + base if base else reader.index.offsets for reader, base in pairs])

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name != "keys"}  # the readers have them

    def __len__(self) -> int:
        return int(self._starts[-1])

    def _place(self, ordinal: int) -> tuple[int, int]:
        """Return in which file a record stands, and as which of its records."""
        if not 0 <= ordinal < len(self):
            raise IndexError(f"record {ordinal} of {len(self)}")
        file = bisect_right(self._starts, ordinal) - 1
        return file, ordinal - self._starts[file]

    def read(self, ordinal: int) -> Sample:
        """Read one record.

        Raises:
            FormatError: no whole record stands there, or it has no image header.
            KeyMissing: the list of labels has no line for its id.
            FileError: the read failed.
        """
        file, local = self._place(ordinal)
        reader = self._readers[file]
        offset = int(reader.index.offsets[local])
        try:
            payload = reader.read_ordinal(local)
        except FormatError as error:
            raise _doubted(error, reader.index, self._recs[file], offset) from None
        head, image = header.unpack(payload, source=self._recs[file], offset=offset)
        if self._labels is not None:
            label = self._labels.find(head.id)
        else:
            label = np.atleast_1d(np.asarray(head.label, np.float32))
        return Sample(int(reader.keys[local]), head.id, label, image)

    def name(self, ordinal: int) -> str:
        """Say where a record stands, for messages."""
        file, local = self._place(ordinal)
        return f"{self._recs[file]}: key {self._readers[file].keys[local]}"

    def is_bad(self, error: RecordIOError) -> bool:
        """Tell whether an error is a record's own: a file that cannot be read is none of its records' fault."""
        return not isinstance(error, (CodecMissing, FileError))

    def entries(self) -> dict[int, tuple[NDArray[np.float32], str]]:
        """Return the labels that take the place of the records', by id, each with an empty path."""
        return {} if self._labels is None else {id_: (label, "") for id_, label in self._labels.items()}

    def widest_label(self) -> tuple[int, str]:
        """Return how many labels the record with most has, and where it stands. Of each record the head alone is read.

        Raises:
            FileError: a read failed.
        """
        if self._labels is not None:
            return self._labels.widest, self._labels.source
        widest, at = 0, 0
        for rec, reader, start in zip(self._recs, self._readers, self._starts, strict=False):
            file = files.InputFile(rec)
            try:
                for number, offset in enumerate(reader.index.offsets.tolist()):
                    head = file.read_at(offset, header.SCALAR_RECORD.size)
                    if len(head) == header.SCALAR_RECORD.size:  # if not, it is told when the record is read
                        labels = max(1, header.SCALAR_RECORD.unpack(head)[2])
                        if widest < labels <= _MOST_LABELS:
                            widest, at = labels, start + number
            finally:
                file.close()
        return widest, self.name(at) if len(self) else "no record"

    def close(self) -> None:
        """Close the files."""
        for reader in self._readers if isinstance(self._readers, list) else [self._readers]:
            reader.close()


class ListSource:
    """Images with a list.

    Args:
        listed: the list.
        root: the folder that its paths start from.
    """

    def __init__(self, listed: lists.Listed, root: str | os.PathLike[str] = "") -> None:
        self._listed = listed
        self._root = Path(root)
        self.keys = listed.ids

    def __len__(self) -> int:
        return len(self._listed.paths)

    def read(self, ordinal: int) -> Sample:
        """Read one image.

        Raises:
            FileError: it cannot be read.
        """
        id_ = int(self.keys[ordinal])
        label, path = self.entry(ordinal)
        return Sample(id_, id_, label, self.read_file(path))

    def entry(self, ordinal: int) -> tuple[NDArray[np.float32], str]:
        """Return labels and path of one image, as the list has them."""
        return self._listed.labels[ordinal], self._listed.paths[ordinal]

    def read_file(self, path: str) -> bytes:
        """Read the file of an image by its path in the list.

        Raises:
            FileError: it cannot be read.
        """
        try:
            return files.read_whole(self._root / path)
        except FileError as error:
            raise missing.of_list(error, self._root, self._listed.paths) from None

    def entries(self) -> dict[int, tuple[NDArray[np.float32], str]]:
        """Return labels and path of each image, by its key."""
        return {int(key): self.entry(ordinal) for ordinal, key in enumerate(self.keys)}

    def widest_label(self) -> tuple[int, str]:
        """Return how many labels the image with most has, and where it stands."""
        lengths = [len(label) for label in self._listed.labels]
        widest = max(lengths, default=0)
        return widest, self.name(lengths.index(widest)) if lengths else "no image"

    def name(self, ordinal: int) -> str:
        """Say where an image stands, for messages."""
        return f"{self._listed.source}: id {self.keys[ordinal]}: {self._root / self._listed.paths[ordinal]}"

    def is_bad(self, error: RecordIOError) -> bool:
        """Tell whether an error is an image's own, as that of a file that is missing."""
        return not isinstance(error, CodecMissing)

    def close(self) -> None:
        """Do nothing: files are closed as they are read."""


def _joined(arrays: list[NDArray[Any]]) -> NDArray[Any]:
    """Join arrays; one alone is given as it is, since of 100 million records a copy takes 0.8 GB."""
    return arrays[0] if len(arrays) == 1 else np.concatenate(arrays)


def _doubted(error: FormatError, index: Index, rec: str, offset: int) -> FormatError:
    """Return the error of a record that an .idx puts at an offset; where no record starts there, the .idx may be another file's."""
    if error.offset != offset or index.source == rec:
        return error
    return type(error)(error.source, offset, f"{error.reason}; does {index.source} belong to it?")


def rec_files(path: str | os.PathLike[str], suffix: str = ".rec") -> list[Path]:
    """Return the files that MXNet's path_imgrec or path_imgidx means: one, several with ";" between them, or those of a folder.

    Args:
        path: what was given.
        suffix: of the files of a folder that are meant; sorted by name.

    Raises:
        FileError: a folder has none, or there is no such file but some of a set with this prefix.
    """
    found: list[Path] = []
    for piece in str(path).split(";"):
        place = Path(piece)
        if not piece.strip():
            continue
        if place.is_dir():
            inside = sorted(each for each in place.iterdir() if each.suffix == suffix)
            if not inside:
                raise FileError(piece, "read", None, f"it is a folder without {suffix} files")
            found += inside
        else:
            missing.check_no_prefix(piece, suffix)
            found.append(place)
    return found


def open_source(
    path_imgrec: str | os.PathLike[str] = "",
    path_imgidx: str | os.PathLike[str] = "",
    path_imglist: str | os.PathLike[str] = "",
    path_root: str | os.PathLike[str] = "",
) -> RecordSource | ListSource:
    """Open what MXNet's parameters mean.

    Args:
        path_imgrec: a .rec, several with ";" between them, or a folder of them; empty for images with a list.
        path_imgidx: the same of their .idx files; empty: without.
        path_imglist: a .lst; its labels take the place of the records', or its images are read.
        path_root: where the paths of the list start when images are read.

    Raises:
        ValueError: neither .rec nor list is given, or a parameter that would have no effect.
        FileError, IndexFormatError, FormatError, ListFormatError: a file cannot be read.
    """
    if str(path_imgrec):
        if str(path_root):
            raise ValueError(f"path_root={str(path_root)!r} has no effect with path_imgrec: no image is read by its path")
        labels = lists.LabelMap(path_imglist) if str(path_imglist) else None
        recs = rec_files(path_imgrec)
        if not recs:
            raise ValueError(f"path_imgrec={str(path_imgrec)!r} names no file")
        idxs = rec_files(path_imgidx, ".idx") if str(path_imgidx) else []
        return RecordSource(recs, idxs, labels=labels)
    if not str(path_imglist):
        raise ValueError("path_imgrec is empty, expected a .rec, or a .lst as path_imglist")
    if str(path_imgidx):
        raise ValueError(f"path_imgidx={str(path_imgidx)!r} has no effect without path_imgrec")
    return ListSource(lists.load(path_imglist), path_root)
