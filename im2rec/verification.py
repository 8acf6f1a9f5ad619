"""Verifying finished sets: what recordio.verify checks, and besides that the pixels and the list."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import im2rec
from im2rec.agreement import Agreement
from im2rec.errors import ImageError, InputError, ListError
from im2rec.work import PoolOptions, Work
from recordio import checksum, files, frame, header, images, index
from recordio.errors import ImageFormatError, RecordIOError
from recordio.issues import Issue, VerifyReport
from recordio.outputs import OutputSet
from recordio.verify import verify

_CHUNK: Final = 64  # images that a worker is given at once
_SHARD: Final = re.compile(r"-(\d{5})-of-(\d{5})\.rec")

Span = tuple[int, int]  # offset of a record, and its bytes on disk


@dataclass(frozen=True, slots=True)
class VerifyOptions:
    """What is verified.

    Attributes:
        decode: decode every image strictly.
        headers: check the image headers; without that any payload is right.
        label_width: labels that each record must have; None for any number.
        lists: compare with the list beside the set, if there is one.
        pool: who decodes.
    """

    decode: bool = False
    headers: bool = True
    label_width: int | None = None
    lists: bool = True
    pool: PoolOptions = PoolOptions()


def record_files(given: Path) -> list[Path]:
    """Return the .rec files of a set that is named by its prefix or by a file, shards in order.

    Raises:
        InputError: there is none.
    """
    if given.suffix == ".rec":
        if given.is_file():
            return [given]
        raise InputError(str(given), "no such file" if not given.exists() else "is no file, expected a .rec")
    whole = given.with_name(f"{given.name}.rec")
    if whole.is_file():
        return [whole]
    shards = sorted(
        path
        for path in (given.parent.iterdir() if given.parent.is_dir() else ())
        if path.name.startswith(given.name) and _SHARD.fullmatch(path.name[len(given.name) :])
    )
    if not shards:
        raise InputError(str(whole), "no such file, nor shards of that prefix")
    return shards


def verify_set(given: Path, options: VerifyOptions, advance: Callable[[int], None] = lambda _: None) -> Iterator[VerifyReport]:
    """Verify the files of a set; yield a report of each .rec, and at last one of the list where there is one.

    Args:
        given: prefix of the set, or one .rec file.
        options: what is verified.
        advance: called with the number of bytes done since its last call.

    Raises:
        InputError: there is no such set.
        FileError: a file cannot be read.
    """
    recs = record_files(given)
    prefix = given.with_name(given.name.removesuffix(".rec"))
    listed = prefix.with_name(f"{prefix.name}.lst")
    agreement, fault = _agreement(listed) if options.lists and options.headers and listed.is_file() else (None, None)
    watch = agreement.watch if agreement is not None else None
    for rec in recs:
        report = verify(rec, headers=options.headers, label_width=options.label_width, watch=watch, advance=advance)
        if options.decode:
            for issue in _decode(rec, report, options.pool):
                report.add(issue)
        if agreement is not None:
            agreement.pass_over(issue.key for issue in report.issues if issue.key is not None and issue.file == report.rec)
        yield report
    of_set = VerifyReport(str(listed), vouched=True)
    for issue in [*([fault] if fault else []), *_missing_shards(recs)]:
        of_set.add(issue)
    if agreement is not None:
        for issue in agreement.finish(prefix.with_name(f"{prefix.name}.rejects.tsv")):
            of_set.add(issue)
    if of_set.count:
        yield of_set


def _agreement(path: Path) -> tuple[Agreement | None, Issue | None]:
    try:
        return Agreement(path), None
    except ListError as error:
        return None, Issue(str(path), "list", f"line {error.line}: {error.reason}")


def _missing_shards(recs: list[Path]) -> Iterator[Issue]:
    matches = [match for rec in recs if (match := _SHARD.search(rec.name)) is not None]
    if len(recs) < 2 or len(matches) < len(recs):
        return
    sets = {int(match[2]) for match in matches}
    if len(sets) > 1:
        yield Issue(str(recs[0]), "set", f"shards of sets of {' and '.join(map(str, sorted(sets)))} files stand side by side")
        return
    found = {int(match[1]) for match in matches}
    for number in range(min(sets)):
        if number not in found:
            name = _SHARD.sub(f"-{number:05d}-of-{min(sets):05d}.rec", recs[0].name)
            yield Issue(str(recs[0].with_name(name)), "set", "this shard of the set is missing")


def _decode(rec: Path, report: VerifyReport, options: PoolOptions) -> Iterator[Issue]:
    """Decode the images of all whole records, in the workers."""
    from im2rec import pool  # multiprocessing takes 20 ms to load

    spans = list(zip(report.offsets, report.ends, strict=True))
    chunks = (spans[at : at + _CHUNK] for at in range(0, len(spans), _CHUNK))
    for block in pool.run(chunks, functools.partial(_make_work, rec), options):
        for number, reason in block.outcomes.rejects.items():
            start, end = block.items[number]
            yield Issue(str(rec), "image", reason, _id_at(rec, start, end), start, end - start)


def _make_work(rec: Path) -> Work[Span]:
    images.use_one_thread()
    file = files.InputFile(rec)

    def work(span: Span) -> tuple[bytes, int, str, int]:
        start, end = span
        payload, _ = frame.decode_at(file.read_at(start, end - start), 0, source=file.name, base=start)
        try:
            found, image = header.unpack(payload)
            if not image and found.flag == 2:  # an identity of a face-recognition set, or the header of one
                return b"", 0, "", 0
            images.decode_strictly(image)
        except ImageFormatError as error:
            raise ImageError(str(rec), f"the image {error}") from None
        return b"", end - start, "", 0

    return work


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
        report: what verify said of it, without issues.
        force: replace an existing .sum.

    Raises:
        FileError: a file cannot be read or written.
        InputError: the set has issues, or no .idx.
    """
    rec = Path(report.rec)
    if report.count:
        raise InputError(report.rec, f"has {report.count} issues, a .sum would vouch for them")
    if not report.indexed:
        raise InputError(str(rec.with_suffix(".idx")), "no such file; 'im2rec index' writes it, a .sum vouches for both")
    found = index.load(rec.with_suffix(".idx"))
    key_at = dict(zip(found.offsets.tolist(), found.keys.tolist(), strict=True))
    path = rec.with_suffix(".sum")
    keys = [key_at.get(offset, 0) for offset in report.offsets]
    lengths = [end - start for start, end in zip(report.offsets, report.ends, strict=True)]
    records = checksum.format_records(keys, report.offsets, lengths, report.crcs)
    rec_digest, idx_digest = checksum.digest_file(rec), checksum.digest_file(rec.with_suffix(".idx"))
    tool = f"im2rec {im2rec.__version__} verify"
    with OutputSet(force=force) as outputs:
        output = outputs.create(path)
        for piece in checksum.format_sum([records], len(keys), rec_digest, idx_digest, tool):
            output.write(piece)
    return path
