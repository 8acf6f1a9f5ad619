"""What stands beside the .rec files of a set, and whether it fits them, as far as that is seen without comparing contents."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Final

from im2rec.agreement import Agreement
from im2rec.errors import Im2recError
from im2rec.names import printable
from im2rec.operations.browse import Entry
from recordio import checksum, index
from recordio.errors import FileError, IndexFormatError
from recordio.issues import Issue

_BATCH: Final = 1 << 12  # headers compared at once


def describe(rec: Path, records: int) -> dict[str, str]:
    """Say of the files beside a .rec whether they fit it, as far as sizes and counts tell."""
    said = {}
    idx, sum_ = rec.with_suffix(".idx"), rec.with_suffix(".sum")
    try:
        count = len(index.load(idx))
        said[".idx"] = f"{count} keys" if count == records else f"{count} keys, {records - count} records are not in it"
    except FileError:
        said[".idx"] = f"{idx.name} is missing; 'im2rec index' writes it"
    except IndexFormatError as error:
        said[".idx"] = f"cannot be read: {error}; 'im2rec index --force' writes it anew"
    try:
        listed = checksum.load(sum_)
        fits = listed.rec.size == rec.stat().st_size and len(listed) == records
        whole = f"fits by its sizes, contents not checked, written by {listed.tool}"
        said[".sum"] = whole if fits else "is that of another file; 'im2rec verify' tells more"
    except FileError:
        said[".sum"] = f"{sum_.name} is missing; 'im2rec verify --write-sum' writes it"
    except IndexFormatError as error:
        said[".sum"] = f"cannot be read: {error}"
    return said


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
