"""Verifying finished sets: what recordio.verify checks, and besides that the pixels and the list."""

from __future__ import annotations

import contextlib
import functools
import operator
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import im2rec
from im2rec import sets, together
from im2rec.agreement import Agreement
from im2rec.errors import ImageError, InputError, ListError, PlanError
from im2rec.rejects import rejects_path
from im2rec.report import counted
from im2rec.work import PoolOptions, Work
from recordio import checksum, files, frame, header, imagecheck, images, index
from recordio.errors import BadHeader, FileError, FormatError, ImageFormatError, RecordIOError
from recordio.issues import Issue, VerifyReport
from recordio.outputs import OutputSet
from recordio.verify import verify

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_CHUNK: Final = 64  # images that a worker is given at once
_LINES: Final = 1 << 14  # lines of a .sum that are formatted at once

Span = tuple[int, int]  # offset of a record, and its bytes on disk


@dataclass(frozen=True, slots=True)
class VerifyOptions:
    """What is verified.

    Attributes:
        decode: decode every image strictly; without *headers* those of payloads that have a header.
        headers: check the image headers; without that any payload is right.
        label_width: labels that each record must have; None for any number.
        lists: compare with the list beside the set, if there is one.
        pool: who decodes.
        max_pixels: decode no larger images; they are issues.

    Raises:
        PlanError: labels are demanded without headers.
    """

    decode: bool = False
    headers: bool = True
    label_width: int | None = None
    lists: bool = True
    pool: PoolOptions = PoolOptions()
    max_pixels: int = imagecheck.MAX_PIXELS

    def __post_init__(self) -> None:
        if self.label_width is not None and not self.headers:
            raise PlanError("--label-width looks into the headers, so it does not go with --no-headers")


def verify_set(given: Path, options: VerifyOptions, advance: Callable[[int], None] = lambda _: None) -> Iterator[VerifyReport]:
    """Verify the files of a set; yield a report of each .rec, and at last one of the list and the set as a whole.

    The last is named after the list, expects None and has no records.

    Args:
        given: prefix of the set, or one of its files.
        options: what is verified.
        advance: called with the number of bytes done since its last call.

    Raises:
        InputError: there is no such set.
        FileError: a file cannot be read.
    """
    recs = sets.record_files(given)
    prefix = sets.prefix_of(given)
    listed = prefix.with_name(f"{prefix.name}.lst")
    of_set = VerifyReport(str(listed))
    agreement = _agreement(listed, of_set) if options.lists and options.headers and listed.is_file() else None
    watch = agreement.watch if agreement is not None else None
    twins = together.Twins()
    for rec in recs:
        report = verify(rec, headers=options.headers, label_width=options.label_width, watch=watch, advance=advance)
        if options.decode:
            for issue in _decode(rec, report, options):
                report.add(issue)
        if agreement is not None:
            agreement.pass_over(issue.key for issue in report.issues if issue.key is not None and issue.file == report.rec)
        if len(recs) > 1:
            for issue in twins.add(rec, _seal(report), None if report.ordinals else report.keys):
                of_set.add(issue)
        yield report
    of_set.add_all(*twins.finish())
    for issue in together.missing_shards(given, recs):
        of_set.add(issue)
    if agreement is not None:
        agreement.finish([rejects_path(path) for path in dict.fromkeys([prefix, *(rec.with_suffix("") for rec in recs)])])
    yield of_set


def _seal(report: VerifyReport) -> tuple[int, str]:
    """Return what two files with the same records have in common."""
    digest = checksum.new_digest()
    for values in (report.offsets, report.ends, report.crcs):
        digest.update(values)
    return len(report.offsets), str(digest.hexdigest())


def _agreement(path: Path, report: VerifyReport) -> Agreement | None:
    try:
        return Agreement(path, report.add)
    except ListError as error:
        report.add(Issue(str(path), "list", f"line {error.line}: {error.reason}" if error.line else error.reason))
        return None


def _decode(rec: Path, report: VerifyReport, options: VerifyOptions) -> Iterator[Issue]:
    """Decode the images of all whole records, in the workers."""
    from im2rec import pool  # multiprocessing takes 20 ms to load

    spans = list(zip(report.offsets, report.ends, strict=True))
    chunks = (spans[at : at + _CHUNK] for at in range(0, len(spans), _CHUNK))
    key_at: Callable[[int, int], int | None] | None = None
    for block in pool.run(chunks, functools.partial(_make_work, rec, options.max_pixels), options.pool):
        for number, reason in block.outcomes.rejects.items():
            start, end = block.items[number]
            key_at = key_at or _keys_at(rec)
            yield Issue(str(rec), "image", reason, key_at(start, end), start, end - start)


def _make_work(rec: Path, max_pixels: int) -> Work[Span]:
    images.use_one_thread()
    file = files.InputFile(rec)

    def work(span: Span) -> tuple[bytes, int, str, int]:
        start, end = span
        try:
            payload, _ = frame.decode_at(file.read_at(start, end - start), 0, source=file.name, base=start)
            found, image = header.unpack(payload)
            if not image and found.flag == 2:  # an identity of a face-recognition set, or the header of one
                return b"", 0, "", 0
            imagecheck.decode_strictly(image, max_pixels=max_pixels)
        except BadHeader:  # told of already, or not asked for
            return b"", 0, "", 0
        except imagecheck.TooManyPixels as error:
            raise ImageError(str(rec), f"has {error.width} x {error.height} pixels, not decoded: more than --max-pixels") from None
        except ImageFormatError as error:
            raise ImageError(str(rec), f"the image {error}") from None
        except FormatError as error:
            raise ImageError(str(rec), error.reason) from None
        except FileError as error:
            raise ImageError(str(rec), f"cannot {error.action}: {error.reason}") from None
        return b"", end - start, "", 0

    return work


def _keys_at(rec: Path) -> Callable[[int, int], int | None]:
    """Return what tells the key of a record by its start and end: by the .idx, else the id of its header."""
    try:
        found = index.load(rec.with_suffix(".idx"))
    except RecordIOError:
        return functools.partial(_id_at, rec)
    keys = dict(zip(found.offsets.tolist(), found.keys.tolist(), strict=True))
    return lambda start, _: keys.get(start)


def _id_at(rec: Path, start: int, end: int) -> int | None:
    file = files.InputFile(rec)
    try:
        payload, _ = frame.decode_at(file.read_at(start, end - start), 0)
        return header.unpack_id(payload)
    except RecordIOError:
        return None
    finally:
        file.close()


def write_sum(report: VerifyReport, *, force: bool = False) -> Path:
    """Write the .sum of a set that was found to be right.

    Args:
        report: what verify said of it, without issues; with *force* the .sum itself may have some.
        force: replace an existing .sum.

    Raises:
        FileError: a file cannot be read or written.
        InputError: the set has issues, or no .idx.
    """
    rec = Path(report.rec)
    if report.count > (report.count_of("sum") if force else 0):
        raise InputError(report.rec, f"has {counted(report.count, 'issue')}, a .sum would vouch for them")
    if not report.indexed:
        raise InputError(str(rec.with_suffix(".idx")), "no such file; 'im2rec index' writes it, a .sum vouches for both")
    path = rec.with_suffix(".sum")
    tool = f"im2rec {im2rec.__version__} verify"
    with OutputSet(force=force) as outputs:
        output = outputs.create(path)  # from here on nobody else writes this set
        keys = _keys(report, rec)
        rec_digest, idx_digest = checksum.digest_file(rec), checksum.digest_file(rec.with_suffix(".idx"))
        for piece in checksum.format_sum(_record_lines(report, keys), len(keys), rec_digest, idx_digest, tool):
            output.write(piece)
    return path


def _keys(report: VerifyReport, rec: Path) -> NDArray[np.uint64]:
    """Return the keys of a set's records in their order, unless the files are no longer those that were verified."""
    found = index.load(rec.with_suffix(".idx"))
    if len(found) != len(report.offsets):  # without issues it has no line twice
        left_out = len(report.offsets) - len(found)
        raise InputError(found.source, f"leaves out {left_out} of {len(report.offsets)} records, a .sum needs a key for each")
    order = found.offsets.argsort()
    with contextlib.closing(files.InputFile(rec)) as file:
        if file.version != report.version or found.offsets[order].tolist() != report.offsets.tolist():
            raise InputError(report.rec, "has changed since it was verified")
    return found.keys[order]


def _record_lines(report: VerifyReport, keys: NDArray[np.uint64]) -> Iterator[str]:
    for at in range(0, len(keys), _LINES):
        offsets, ends = report.offsets[at : at + _LINES], report.ends[at : at + _LINES]
        lengths = map(operator.sub, ends, offsets)
        yield checksum.format_records(keys[at : at + _LINES].tolist(), offsets, lengths, report.crcs[at : at + _LINES])
