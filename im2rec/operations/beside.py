"""What stands beside the .rec files of a set, and whether it fits them, as far as that is seen without comparing contents."""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from im2rec.agreement import Agreement
from im2rec.errors import Im2recError
from im2rec.names import printable
from im2rec.operations.browse import Entry
from im2rec.report import counted
from recordio import checksum, index
from recordio.errors import FileError, IndexFormatError
from recordio.issues import Issue

_BATCH: Final = 1 << 12  # headers compared at once
_NAMED: Final = 3  # files beside shards that are named


class _Said(NamedTuple):
    """What is to be said of one file beside a .rec.

    Attributes:
        text: where it stands alone.
        fault: what keeps it from fitting, with its name; "" where it fits.
        keys: that it lists.
        tool: that wrote it, where it tells.
        is_missing: whether it is not there.
    """

    text: str
    fault: str = ""
    keys: int = 0
    tool: str = ""
    is_missing: bool = False


def describe(records: Mapping[Path, int]) -> dict[str, str]:
    """Say of the .idx and .sum beside .rec files whether they fit them, as far as sizes and counts tell.

    Args:
        records: .rec -> its records; of several files those that do not fit are named, the first few of many.
    """
    indexes = [_index(rec, count) for rec, count in records.items()]
    sums = [_sum(rec, count) for rec, count in records.items()]
    if len(records) == 1:
        return {".idx": indexes[0].text, ".sum": sums[0].text}
    return {
        ".idx": _faults(indexes, "'im2rec index' writes them") or f"{sum(said.keys for said in indexes)} keys in {len(indexes)} files",
        ".sum": _faults(sums, "'im2rec verify --write-sum' writes them")
        or f"all {len(sums)} fit by their sizes, contents not checked, written by {' and '.join(sorted({said.tool for said in sums}))}",
    }


def _faults(files: Sequence[_Said], remedy: str) -> str:
    """Name the files of several .rec files that do not fit; "" where all do."""
    if all(said.is_missing for said in files):
        return f"all {len(files)} are missing; {remedy}"
    faults = [said.fault for said in files if said.fault]
    if not faults:
        return ""
    more = f", and {len(faults) - _NAMED} more" if len(faults) > _NAMED else ""
    fit = "does not fit its .rec" if len(faults) == 1 else "do not fit their .rec"
    return f"{len(faults)} of {len(files)} {fit}: {', '.join(faults[:_NAMED])}{more}; 'im2rec verify' tells more"


def _index(rec: Path, records: int) -> _Said:
    idx = rec.with_suffix(".idx")
    name = printable(idx.name)
    try:
        count = len(index.load(idx))
    except IndexFormatError as error:
        return _Said(f"cannot be read: {error}; 'im2rec index --force' writes it anew", f"{error}")
    except FileError as error:
        if idx.exists():
            return _Said(f"cannot be read: {error}", f"{error}")
        return _Said(f"{name} is missing; 'im2rec index' writes it", f"{name} is missing", is_missing=True)
    keys = counted(count, "key")
    if count == records:
        return _Said(keys, keys=count)
    lacking = counted(records - count, "record is", "records are")
    text = f"{keys}, {lacking} not in it" if count < records else f"{keys}, the .rec has {counted(records, 'record')}"
    return _Said(text, f"{name} has {text}")


def _sum(rec: Path, records: int) -> _Said:
    path = rec.with_suffix(".sum")
    name = printable(path.name)
    try:
        listed = checksum.load(path)
    except IndexFormatError as error:
        return _Said(f"cannot be read: {error}", f"{error}")
    except FileError as error:
        if path.exists():
            return _Said(f"cannot be read: {error}", f"{error}")
        return _Said(f"{name} is missing; 'im2rec verify --write-sum' writes it", f"{name} is missing", is_missing=True)
    if listed.rec.size == rec.stat().st_size and len(listed) == records:
        return _Said(f"fits by its sizes, contents not checked, written by {listed.tool}", tool=listed.tool)
    return _Said("is that of another file; 'im2rec verify' tells more", f"{name} is that of another file")


class ListCheck:
    """Compares the records of a set with its list: ids and labels, each image packed or rejected.

    Args:
        path: the .lst; where there is none, nothing is compared.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._headers: list[tuple[int, int, bytes]] = []
        self._agreement: Agreement | None = None
        self._fault = ""
        self._issues = 0
        self._first: Issue | None = None
        if path.is_file():
            try:
                self._agreement = Agreement(path, self._note)
            except (Im2recError, FileError) as error:
                self._fault = f"cannot be read: {error}"

    def _note(self, issue: Issue) -> None:
        self._issues += 1
        self._first = self._first or issue

    def see(self, entry: Entry) -> None:
        """Look at the next record; those without an image are in no list."""
        if self._agreement is None or entry.id is None or not entry.image:
            return
        labels = (0.0, *entry.labels) if entry.flag else entry.labels
        packed = struct.pack(f"<I{len(labels)}f", entry.flag, *labels)
        self._headers.append((entry.offset, entry.id, packed))
        if len(self._headers) >= _BATCH:
            self._compare()

    def _compare(self) -> None:
        assert self._agreement is not None
        self._agreement.watch(self._headers)
        self._headers = []

    def said(self, rejects: list[Path]) -> str:
        """Return what is to be said of the list; "" where there is none.

        Args:
            rejects: the .rejects.tsv files of the set.
        """
        if self._agreement is None:
            return self._fault
        self._compare()
        self._agreement.finish(rejects)
        lines = f"{len(self._agreement)} line{'s' * (len(self._agreement) != 1)}"
        if self._first is None:
            return f"{lines}, agrees with the records in ids and labels"
        key = "" if self._first.key is None else f"id {self._first.key}: "
        count = f"in {self._issues} places" if self._issues > 1 else "in one place"
        return f"{lines}, differs from the records {count}: {key}{printable(self._first.reason)}; 'im2rec verify' tells more"
