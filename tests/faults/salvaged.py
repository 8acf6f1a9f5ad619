"""What must hold of a salvaged set, checked against the ground truth of hurt.py."""

from __future__ import annotations

import random
import shutil
import tempfile
import traceback
from collections import Counter
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING
from unittest import mock

import tiers
from hurt import Case, draw_case, surely_found

import recordio
from recordio import checksum, exact, files, frame, resync, salvaging
from recordio.resync import Damage, Intact
from recordio.salvaging import SalvageReport

if TYPE_CHECKING:
    from typing_extensions import Self

BLOCKS = [16, 20, 64, 256, 4096, 1 << 20]


class Quick(files.Disk):
    """Thousands of sets in a minute: nothing is brought to the disk."""

    def fsync(self, fd: int) -> None:
        pass

    def sync_folder(self, folder: Path) -> None:
        pass


class Salvager(AbstractContextManager["Salvager"]):
    """Salvages cases in a folder of its own, with blocks of all sizes."""

    def __enter__(self) -> Self:
        self._folder = Path(tempfile.mkdtemp(prefix="salvage"))
        self._disk = mock.patch.object(files, "disk", Quick())
        self._disk.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._disk.stop()
        shutil.rmtree(self._folder)

    def __call__(
        self, case: Case, rng: random.Random, *, sidecar: bool, index: bool, unverified: bool = False
    ) -> tuple[Case, list[Intact | Damage], SalvageReport, list[tuple[int, bytes]]]:
        """Salvage a case: the pieces of the scan, the report, and the new set as (key, payload)."""
        rec, out = self._folder / "hurt.rec", self._folder / "out"
        rec.write_bytes(case.data)
        for suffix, data, wanted in ((".idx", case.idx(), index), (".sum", case.sum(), sidecar)):
            rec.with_suffix(suffix).unlink(missing_ok=True)
            if wanted:
                rec.with_suffix(suffix).write_bytes(data)
        pieces: list[Intact | Damage] = []
        add = salvaging._Copy.add

        def watch(copy: salvaging._Copy, piece: Intact | Damage) -> None:
            pieces.append(piece)
            add(copy, piece)

        sizes = [mock.patch.object(module, "BLOCK", rng.choice(BLOCKS)) for module in (resync, exact, salvaging)]
        with sizes[0], sizes[1], sizes[2], mock.patch.object(salvaging._Copy, "add", watch):
            report = recordio.salvage(rec, out, unverified=unverified, force=True)
        return case, pieces, report, self._read(out, vouched=report.vouched and not unverified) if report.outputs else []

    def _read(self, out: Path, *, vouched: bool) -> list[tuple[int, bytes]]:
        with recordio.IndexedReader(f"{out}.rec") as reader:
            written = list(zip(reader.keys.tolist(), reader, strict=True))
        # A .sum vouches for what an old one has vouched for, and for nothing else.
        assert Path(f"{out}.sum").exists() == vouched
        if vouched:
            assert checksum.load(f"{out}.sum").keys.tolist() == [key for key, _ in written]
        return written


def check_account(case: Case, pieces: list[Intact | Damage], report: SalvageReport, written: list[tuple[int, bytes]]) -> None:
    """Each byte belongs to one piece, the counts add up, the new set is what the scan believed in, lost keys are lost."""
    position = 0
    for piece in pieces:
        assert piece.offset == position
        assert piece.length > 0
        position += piece.length
    assert position == len(case.data) == report.size == report.bytes_kept + report.bytes_lost
    kept = [piece for piece in pieces if isinstance(piece, Intact)]
    assert report.records == len(kept) == report.verified + report.unverified
    assert report.bytes_lost == sum(piece.length for piece in pieces if isinstance(piece, Damage))
    assert report.damages == [piece for piece in pieces if isinstance(piece, Damage)]
    if report.outputs:
        payloads = [frame.decode_at(bytes(case.data), piece.offset)[0] for piece in kept]
        assert [payload for _, payload in written] == payloads
    else:
        assert not kept


def check_exact(case: Case, pieces: list[Intact | Damage], report: SalvageReport, written: list[tuple[int, bytes]]) -> int:
    """With a .sum: every untouched record is there, none that is no original; verified and with an original key."""
    check_account(case, pieces, report, written)
    originals = Counter(zip(case.keys, case.payloads, strict=True))
    found = Counter(written)
    assert not found - originals
    assert report.unverified == 0
    assert report.lost_keys == sorted((Counter(case.keys) - Counter(key for key, _ in written)).elements())
    untouched = case.untouched()
    if case.sizes_kept:
        assert not Counter((case.keys[at], case.payloads[at]) for at in untouched) - found
    contents = Counter(case.payloads[at] for at in untouched)
    assert not contents - Counter(payload for _, payload in written)  # which of two equal ones it is nobody can tell
    return len(untouched)


def check_frames(case: Case, pieces: list[Intact | Damage], report: SalvageReport, written: list[tuple[int, bytes]]) -> int:
    """Without a .sum: what must be found is found; what is no original has hurt bytes in it, and nothing is verified."""
    check_account(case, pieces, report, written)
    assert report.verified == 0
    kept = {piece.offset: piece for piece in pieces if isinstance(piece, Intact)}
    untouched = {at: len(case.records[ordinal]) for ordinal, at in case.untouched().items()}
    sure = surely_found(case)
    assert all(at in kept and kept[at].length == untouched[at] for at in sure)
    for piece in kept.values():
        is_original = untouched.get(piece.offset) == piece.length
        is_from_payload = case.origin[piece.offset] not in case.offsets
        assert is_original or is_from_payload or case.is_hurt(piece.offset, piece.offset + piece.length)
    keys = [key for key, _ in written]
    assert len(set(keys)) == len(keys)
    return len(sure)


def check_keys(case: Case, pieces: list[Intact | Damage], written: list[tuple[int, bytes]]) -> None:
    """As long as nothing is moved, the .idx names each record that is whole."""
    if not case.sizes_kept or not written:
        return
    kept = [piece.offset for piece in pieces if isinstance(piece, Intact)]
    names = dict(zip(kept, (key for key, _ in written), strict=True))
    for ordinal, at in case.untouched().items():
        if at in names:
            assert names[at] == case.keys[ordinal]


def check_unverified(case: Case, pieces: list[Intact | Damage], report: SalvageReport, written: list[tuple[int, bytes]]) -> None:
    """What is saved beside the verified records costs none of these."""
    check_account(case, pieces, report, written)
    kept = [piece for piece in pieces if isinstance(piece, Intact)]
    verified = Counter(payload for (_, payload), piece in zip(written, kept, strict=True) if piece.verified)
    assert not Counter(case.payloads[at] for at in case.untouched()) - verified
    assert len(report.unverified_keys) == report.unverified


def check(salvage: Salvager, rng: random.Random, case: Case) -> tuple[int, int]:
    """Salvage a case with its .sum and without; return how many records were to be found."""
    index = bool(rng.randrange(2))
    exactly = check_exact(*salvage(case, rng, sidecar=True, index=index))
    _, pieces, report, written = salvage(case, rng, sidecar=False, index=index)
    by_frames = check_frames(case, pieces, report, written)
    if index:
        check_keys(case, pieces, written)
    if rng.randrange(4) == 0:
        check_unverified(*salvage(case, rng, sidecar=True, index=index, unverified=True))
    return exactly, by_frames


def work(first: int, stop: int) -> tuple[tuple[int, list[tuple[int, str]]], int, int]:
    """Run some cases: how many, which failed and how, and how many records were to be found with a .sum and without."""
    failed, exactly, by_frames = [], 0, 0
    with Salvager() as salvage:
        for number in range(first, stop):
            rng = random.Random(f"{tiers.SEED} {number}")
            case = draw_case(rng)
            try:
                found = check(salvage, rng, case)
            except Exception as error:  # noqa: BLE001  (whatever it is, the case is named)
                where = traceback.extract_tb(error.__traceback__)[-1]
                failed.append((number, f"{'; '.join(case.story)}: {type(error).__name__}: {error} ({where.name}: {where.line})"))
            else:
                exactly += found[0]
                by_frames += found[1]
    return (stop - first, failed), exactly, by_frames
