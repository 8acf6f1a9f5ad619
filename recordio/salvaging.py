"""Saving what is whole of a damaged .rec into a new set, with an account of every byte and every key.

The module is not named salvage because the function is: as `recordio.salvage` one would hide the other.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from recordio import checksum, files, index, naming, shardnames, tolerant
from recordio.errors import FileError, IndexFormatError
from recordio.files import InputFile
from recordio.naming import KeyConflict, Names
from recordio.outputfile import OutputFile
from recordio.outputs import OutputSet
from recordio.pending import unfinished
from recordio.resync import Damage, Intact, read_exactly
from recordio.writer import IndexedWriter

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

BLOCK: Final = 1 << 22  # bytes copied at once
_MOST: Final = 1 << 15  # records copied at once, so that small ones take no more memory
_KEPT: Final = 10_000  # damages that a report keeps; its file has all
_LINES: Final = 1000  # damages that are written to that file at once


@dataclass(slots=True)
class SalvageReport:
    """What was saved of a .rec file and what was not: bytes_kept + bytes_lost = size.

    Attributes:
        source: name of the file.
        size: its bytes.
        vouched: whether a .sum told which records are whole; without one none is verified.
        records: records of the new set.
        verified: those of them whose bytes the .sum vouches for.
        bytes_kept: bytes of these records in the file.
        bytes_lost: all others.
        damages: where these are, in the order of the file, the first ten thousand.
        damaged: number of all such places.
        lost_keys: keys of the .sum, or else of the .idx, that no record of the new set has, ascending.
        unverified_keys: keys of the new set's records that are not verified, where there is a .sum.
        conflicts: records that could not keep their key, or share it.
        numbered: records that have a new number as key because nothing names them.
        remarks: what is wrong with the .idx and the .sum, or with the set as a whole.
        outputs: names of the files that were written; none when no record was saved.
    """

    source: str
    size: int
    vouched: bool = False
    records: int = 0
    verified: int = 0
    bytes_kept: int = 0
    bytes_lost: int = 0
    damages: list[Damage] = field(default_factory=list)
    damaged: int = 0
    lost_keys: list[int] = field(default_factory=list)
    unverified_keys: list[int] = field(default_factory=list)
    conflicts: list[KeyConflict] = field(default_factory=list)
    numbered: int = 0
    remarks: list[str] = field(default_factory=list)
    outputs: list[str] = field(default_factory=list)

    @property
    def unverified(self) -> int:
        """Records of the new set that no .sum vouches for."""
        return self.records - self.verified

    @property
    def whole(self) -> bool:
        """Whether nothing is damaged, as far as that can be seen."""
        return not (self.damaged or self.lost_keys or self.remarks or (self.vouched and self.unverified))

    def as_json(self) -> dict[str, Any]:
        """Return the report as an object for JSON."""
        return {
            "source": self.source,
            "size": self.size,
            "sum": self.vouched,
            "records": self.records,
            "verified": self.verified,
            "unverified": self.unverified,
            "bytes_kept": self.bytes_kept,
            "bytes_lost": self.bytes_lost,
            "damages": self.damaged,
            "lost": [damage._asdict() for damage in self.damages],
            "lost_keys": self.lost_keys,
            "unverified_keys": self.unverified_keys,
            "conflicts": [conflict._asdict() for conflict in self.conflicts],
            "numbered": self.numbered,
            "remarks": self.remarks,
            "outputs": self.outputs,
        }


def salvage(
    rec: str | os.PathLike[str],
    prefix: str | os.PathLike[str],
    *,
    idx: str | os.PathLike[str] | None = None,
    sum: str | os.PathLike[str] | None = None,
    unverified: bool = False,
    force: bool = False,
    tool: str = "recordio",
) -> SalvageReport:
    """Write what is whole of a .rec file to a new set: PREFIX.rec, .idx, .sum and PREFIX.salvage.json, the report.

    With a .sum the new set has exactly the records whose bytes are untouched. Without one it has those whose frames are
    right, and damage to payloads goes unseen. The file itself is never changed. Nothing is written when nothing is saved.

    Args:
        rec: the .rec file, or its name without the suffix.
        prefix: path of the new set without suffix, in a folder that exists.
        idx: the old .idx; by default the name of *rec* with the suffix .idx, where that exists.
        sum: the old .sum; by default the name of *rec* with the suffix .sum, where that exists.
        unverified: save records that the .sum does not list, too, where their frame is right.
        force: replace existing files.
        tool: what writes the set, for the .sum.

    Raises:
        FileError: a file cannot be read or written, exists and *force* is not given, or is an input.
    """
    rec = _find(Path(rec))
    idx_path, sum_path = (rec.with_suffix(suffix) if path is None else Path(path) for path, suffix in ((idx, ".idx"), (sum, ".sum")))
    with contextlib.closing(InputFile(rec)) as file:
        report = SalvageReport(str(rec), file.size)
        change = unfinished(rec)
        if change is not None:  # what is saved may be of the old state and of the new one
            report.remarks.append(f"{rec}: {change[0]}")
        listed = _load_sum(sum_path, report) if sum is not None or sum_path.exists() else None
        old = _load_index(idx_path, listed, report) if idx is not None or idx_path.exists() else None
        if listed is not None:
            report.vouched = True
            old = index.Index(listed.keys, listed.offsets, str(sum_path))
        outputs = OutputSet(Path(prefix), force=force)
        try:
            # A new .sum would vouch for what nobody has vouched for so far.
            vouches = listed is not None and not unverified
            suffixes = (".rec", ".idx", *([".sum"] if vouches else []), ".salvage.json")
            names = [Path(f"{prefix}{suffix}") for suffix in suffixes]
            _check_others((rec, idx_path, sum_path), [*names, Path(f"{prefix}.sum")])
            writer = IndexedWriter(names[0], names[1], checksums=vouches, outputs=outputs, tool=tool, options={"salvaged from": rec.name})
            copy = _Copy(file, writer, Names(old), _Account(report, outputs.create(names[-1])))
            for piece in tolerant.scan(file, listed, old, unverified=unverified):
                copy.add(piece)
            copy.finish(old.keys if old is not None else None)
            if report.records or report.whole:
                report.outputs = [str(name) for name in names]
                copy.account.close()
                writer.finish()
                outputs.commit()
        finally:
            outputs.discard()
    return report


def _find(rec: Path) -> Path:
    """Return the file that is meant, which must have an end."""
    if not rec.name or rec.name == "..":
        raise FileError(str(rec), "read", None, "it is a folder")
    named = rec.with_name(f"{rec.name}.rec")
    if not rec.is_file() and named.is_file():
        return named
    if rec.exists() and not rec.is_file():
        raise FileError(str(rec), "read", None, "it is no regular file")
    if not rec.exists() and rec.parent.is_dir():
        shards = [path.name for path in shardnames.shards_of(rec)]
        if shards:
            first = ", ".join(shards[:3]) + (", ..." if len(shards) > 3 else "")
            raise FileError(str(rec), "read", None, f"it is a set of {len(shards)} files, salvage its files one by one: {first}")
    return rec


def _check_others(inputs: tuple[Path, ...], outputs: list[Path]) -> None:
    """Check that no output is an input, under whatever name."""
    for path in inputs:
        if path.exists():
            with contextlib.closing(InputFile(path)) as file:
                for output in outputs:
                    file.check_other(output)


def _load_sum(path: Path, report: SalvageReport) -> checksum.Sum | None:
    try:
        return checksum.load(path)
    except IndexFormatError as error:
        report.remarks.append(f"{error}; gone on without it")
        return None


def _load_index(path: Path, listed: checksum.Sum | None, report: SalvageReport) -> index.Index | None:
    """Load what can be read of the .idx; with a .sum it only says whether it is as it was."""
    data = files.read_whole(path)
    if listed is not None:
        digest = checksum.new_digest()
        digest.update(data)
        if (len(data), digest.hexdigest()) != listed.idx:
            report.remarks.append(f"{path}: is not the index that the .sum describes; gone on without it")
        return None
    try:
        return index.parse(data, str(path))
    except IndexFormatError as error:
        report.remarks.append(f"{error}; gone on with its other lines")
        return index.parse(naming.readable_lines(data), str(path))


class _Account:
    """Adds up what is kept and lost, and writes the report's file, whose list of damages may be longer than memory."""

    def __init__(self, report: SalvageReport, output: OutputFile) -> None:
        self.report = report
        self._output = output
        self._lines: list[str] = []
        output.write(b'{"lost": [')

    def keep(self, piece: Intact) -> None:
        self.report.records += 1
        self.report.verified += piece.verified
        self.report.bytes_kept += piece.length

    def lose(self, damage: Damage) -> None:
        if len(self.report.damages) < _KEPT:
            self.report.damages.append(damage)
        self._lines.append(("," if self.report.damaged else "") + "\n" + json.dumps(damage._asdict()))
        self.report.damaged += 1
        self.report.bytes_lost += damage.length
        if len(self._lines) >= _LINES:
            self._flush()

    def _flush(self) -> None:
        self._output.write("".join(self._lines).encode("ascii"))
        self._lines.clear()

    def close(self) -> None:
        """Write all the rest of the report."""
        self._flush()
        rest = self.report.as_json()
        del rest["lost"]
        self._output.write(("],\n" + json.dumps(rest, indent=1)[1:].lstrip() + "\n").encode("ascii"))


class _Copy:
    """Copies intact records to the new set, as many at once as follow each other in the file."""

    def __init__(self, file: InputFile, writer: IndexedWriter, names: Names, account: _Account) -> None:
        self.account = account
        self._file, self._writer, self._names = file, writer, names
        self._crc: Callable[[Any], int] = checksum.crc_function()
        self._run: list[Intact] = []
        self._end = 0

    def add(self, piece: Intact | Damage) -> None:
        if isinstance(piece, Damage):
            self.account.lose(piece)
            return
        self.account.keep(piece)
        run = self._run
        if run and (piece.offset != self._end or self._end + piece.length - run[0].offset > BLOCK or len(run) >= _MOST):
            self._flush()
        self._run.append(piece)
        self._end = piece.offset + piece.length

    def _flush(self) -> None:
        start = self._run[0].offset
        block = read_exactly(self._file, start, self._end - start)
        view, keys = memoryview(block), []
        for piece in self._run:
            record = view[piece.offset - start : piece.offset - start + piece.length]
            if piece.crc is not None and self._crc(record) != piece.crc:  # a disk that fails may answer twice in two ways
                raise FileError(self._file.name, f"read at offset {piece.offset}", None, "it does not hold the bytes it held a moment ago")
            keys.append(self._names.key_of(piece, record))
        self._writer.write_encoded(keys, [piece.length for piece in self._run], block)
        self._run.clear()

    def finish(self, listed: NDArray[np.uint64] | None) -> None:
        """Copy the last records and settle all keys.

        Args:
            listed: the keys of the .sum, or of the .idx; None where there is neither.
        """
        if self._run:
            self._flush()
        report = self.account.report
        report.conflicts, report.numbered = self._names.settle(self._writer.keys, self._writer.offsets, listed)
        if listed is not None:
            report.lost_keys = naming.missing(listed, self._writer.keys)
        if report.vouched:
            report.unverified_keys = self._names.unverified(self._writer.keys)
