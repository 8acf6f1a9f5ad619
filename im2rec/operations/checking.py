"""What a reader would stumble over in a set, and what mends it.

What is said of MXNet 1.9.1 and DALI 2.4 was found by letting them read such files; of SageMaker it is what its documentation asks for, and
what MXNet, which it runs on, does; of InsightFace what its loaders do with record 0, ``property`` and the keys.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple

from im2rec.names import printable
from im2rec.operations.facts import Facts
from im2rec.report import counted
from recordio import shardnames

_DECODED: Final = {"jpg", "png", "bmp", "tiff"}  # by MXNet 1.9.1, which has OpenCV for it


class Stumble(NamedTuple):
    """Something that a reader would stumble over.

    Attributes:
        reader: its name.
        file: where it is.
        reason: what it is, and what the reader would do.
        remedy: the command that mends it.
    """

    reader: str
    file: str
    reason: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.reader}: {printable(self.file)}: {self.reason}; {self.remedy}"


def _word(path: Path | str) -> str:
    """Return a name as it is typed in a shell."""
    return shlex.quote(printable(str(path)))


def _common(reader: str, facts: Facts) -> Iterator[Stumble]:
    """Yield what no reader takes."""
    name = str(facts.recs[0])
    for shard in facts.missing:
        named = shardnames.parse(Path(shard).stem)
        part = f" --part {named.number}/{named.of}" if named else ""
        mend = f"'im2rec pack LIST ROOT -o {_word(facts.prefix)}{part}' packs it again, LIST and ROOT as at first"
        yield Stumble(reader, shard, "this shard of the set is missing", mend)
    if not facts.records:
        yield Stumble(reader, name, "it holds no record", f"'im2rec pack FOLDER -o {_word(facts.prefix)} --force' makes a set of images")
    if facts.headless:
        mend = f"'im2rec verify {_word(facts.prefix)}' names all of them"
        yield Stumble(reader, name, f"{facts.headless} without an image header", mend)
    if facts.unknown:
        reason = f"{facts.unknown} with an image that is not whole, or of no known format"
        mend = f"'im2rec verify {_word(facts.prefix)} --decode' names them"
        if facts.formats:
            known = "".join(f" --format {format_}" for format_ in sorted(facts.formats))
            mend += f", 'im2rec filter {_word(facts.prefix)}{known} -o ...' leaves them out"
        yield Stumble(reader, name, reason, mend)


def _index_faults(reader: str, facts: Facts, needed: str) -> Iterator[Stumble]:
    """Yield what is wrong with the index of each file."""
    for rec, found in facts.indexes.items():
        idx = str(rec.with_suffix(".idx"))
        if found is None:
            yield Stumble(reader, idx, f"is missing, {needed}", f"'im2rec index {_word(rec)}' writes it")
        elif isinstance(found, str):
            yield Stumble(reader, idx, f"cannot be read ({found})", f"'im2rec index {_word(rec)} --force' writes it anew")
    if facts.unlisted:
        reason = f"{facts.unlisted} with an image are not in it, so they are never seen"
        yield Stumble(
            reader, str(facts.recs[0].with_suffix(".idx")), reason, f"'im2rec index {_word(facts.recs[0])} --force' writes it anew"
        )


def _formats(reader: str, facts: Facts, taken: set[str], does: str) -> Iterator[Stumble]:
    for format_, seen in sorted(facts.formats.items()):
        if format_ not in taken:
            set_ = _word(facts.prefix)
            listed = _word(f"{facts.prefix.name}.lst")
            mend = f"'im2rec extract {set_} -o FOLDER' and 'im2rec pack FOLDER/{listed} --encoding jpg -o ...' make JPEGs of them"
            yield Stumble(reader, str(facts.recs[0]), f"{seen} with {format_}, {does}", mend)


def _for_dali(facts: Facts) -> Iterator[Stumble]:
    name = str(facts.recs[0])
    if len(facts.recs) > 1:
        if facts.combined is None:
            index_ = str(facts.prefix.with_name(f"{facts.prefix.name}.idx"))
            force = " --force" if Path(index_).exists() else ""
            mend = f"'im2rec index {_word(facts.prefix)} --combine -o {_word(index_)}{force}' writes it"
            yield Stumble("dali", index_, f"is missing: DALI takes exactly one index for all {len(facts.recs)} files", mend)
    else:
        yield from _index_faults("dali", facts, "which DALI needs")
        if facts.indexed_empty:
            reason = f"{facts.indexed_empty} without an image are in its index: DALI takes them for images and dies"
            force = "" if facts.indexes[facts.recs[0]] is None else " --force"
            yield Stumble("dali", name, reason, f"'im2rec index {_word(name)} --images-only{force}' writes an index without them")
    yield from _formats("dali", facts, {"jpg", "png", "webp", "bmp", "tiff"}, "which DALI does not decode")


def _for_mxnet(facts: Facts) -> Iterator[Stumble]:
    name = str(facts.recs[0])
    if len(facts.recs) > 1:
        reason = f"{len(facts.recs)} files, ImageRecordIter takes one"
        yield Stumble("mxnet", str(facts.prefix), reason, f"'im2rec merge {_word(facts.prefix)} -o ...' makes one of them")
    yield from _index_faults("mxnet", facts, "without which nothing is read by key or shuffled")
    if facts.doubled:
        reason = (
            f"{counted(facts.doubled, 'key stands', 'keys stand')} in it more than once: all but the last record of each are never found"
        )
        mend = f"'im2rec index {_word(name)} --keys ordinal --force' gives each its own"
        yield Stumble("mxnet", str(facts.recs[0].with_suffix(".idx")), reason, mend)
    yield from _empty("mxnet", facts, "ImageRecordIter takes them for images and stops there")
    yield from _uneven("mxnet", facts)
    yield from _formats("mxnet", facts, _DECODED, "which MXNet 1.9.1 does not decode")


def _uneven(reader: str, facts: Facts) -> Iterator[Stumble]:
    if facts.plural and len(facts.widths) > 1:
        widths = ", ".join(f"{count} with {width}" for width, count in sorted(facts.widths.items()))
        reason = f"images have different numbers of labels ({widths}): ImageRecordIter takes one label_width"
        mend = f"'im2rec relabel {_word(facts.prefix)} LIST -o ...' gives all of them as many, those of a list"
        yield Stumble(reader, str(facts.recs[0]), reason, mend)


def _empty(reader: str, facts: Facts, does: str) -> Iterator[Stumble]:
    name = str(facts.recs[0])
    others = facts.empty.count - facts.ranged.count
    if facts.ranged:
        reason = f"{facts.ranged} of identities without an image: {does}"
        yield Stumble(reader, name, reason, f"'im2rec identities to-plain {_word(name)} -o ...' leaves them out")
    if others:
        reason = f"{others} record{'s' * (others != 1)} without an image: {does}"
        yield Stumble(reader, name, reason, f"'im2rec filter {_word(name)} --min-bytes 1 -o ...' leaves them out")


def _for_sagemaker(facts: Facts) -> Iterator[Stumble]:
    name = str(facts.recs[0])
    if len(facts.recs) > 1:
        reason = f"{len(facts.recs)} files, a channel takes one .rec"
        yield Stumble("sagemaker", str(facts.prefix), reason, f"'im2rec merge {_word(facts.prefix)} -o ...' makes one of them")
    yield from _empty("sagemaker", facts, "the training stops there")
    yield from _odd("sagemaker", facts)
    yield from _spread(facts, facts.labels, "labels")
    yield from _spread(facts, facts.classes, "classes of objects")
    if facts.plural:
        reason = f"{facts.plural} with several labels, which only image classification with multi_label=1 takes"
        yield Stumble("sagemaker", name, reason, f"'im2rec relabel {_word(facts.prefix)} LIST -o ...' gives each one, that of a list")
    yield from _uneven("sagemaker", facts)
    yield from _formats("sagemaker", facts, {"jpg", "png"}, "expected JPEG or PNG")


def _odd(reader: str, facts: Facts) -> Iterator[Stumble]:
    if facts.odd:
        reason = f"{facts.odd} with a label that is no whole number from 0"
        yield Stumble(reader, str(facts.recs[0]), reason, f"'im2rec relabel {_word(facts.prefix)} LIST' gives others, those of a list")


def _spread(facts: Facts, labels: set[float] | None, what: str) -> Iterator[Stumble]:
    """Yield what is wrong with labels that are not 0 to their number - 1."""
    if not labels or max(labels) == len(labels) - 1:
        return
    low, high = int(min(labels)), int(max(labels))
    reason = f"{len(labels)} different {what} from {low} to {high}, expected 0 to {len(labels) - 1}"
    mend = f"'im2rec relabel {_word(facts.prefix)} LIST' gives others, those of a list"
    if high - low == len(labels) - 1:
        mend = f"'im2rec merge {_word(facts.prefix)} --label-offset=-{low} -o ...' makes them start at 0"
    yield Stumble("sagemaker", str(facts.recs[0]), reason, mend)


def _for_insightface(facts: Facts) -> Iterator[Stumble]:
    name = str(facts.recs[0])
    if len(facts.recs) > 1:
        reason = f"{len(facts.recs)} files, a loader takes one"
        yield Stumble("insightface", str(facts.prefix), reason, f"'im2rec identities from-plain {_word(facts.prefix)} -o ...' makes one")
        return
    yield from _index_faults("insightface", facts, "without which no loader finds a record")
    mend = f"'im2rec identities from-plain {_word(name)} -o ...' makes an identity file"
    if facts.zero is None:
        yield Stumble("insightface", name, "no record has the key 0, which loaders read first", mend)
    elif facts.zero.image and facts.zero.flag > 0:
        yield Stumble("insightface", name, "the image under key 0 has several labels: loaders take it for the header", mend)
    elif facts.ranged:
        yield from _identity_faults(facts, mend)
    elif not facts.zero.image:
        yield Stumble("insightface", name, "the record under key 0 is no header, and no image", mend)
    yield from _odd("insightface", facts)
    yield from _unlike("insightface", facts)
    if not facts.ranged:
        yield from _empty("insightface", facts, "loaders take them for images")
        if not facts.recs[0].with_name("property").is_file():
            yield Stumble("insightface", str(facts.recs[0].with_name("property")), "is missing, old loaders read it", mend)
    yield from _formats("insightface", facts, _DECODED, "which MXNet's decoder does not take")


def _unlike(reader: str, facts: Facts) -> Iterator[Stumble]:
    if facts.size is not None and facts.unlike:
        width, height = facts.size
        reason = (
            f"{facts.unlike} with an image that is not {width}x{height} (width x height) as the first: loaders batch images as they are"
        )
        set_, listed = _word(facts.prefix), _word(f"{facts.prefix.name}.lst")
        crop = f"'im2rec identities build FOLDER/{listed} --resize 112 --center-crop -o ...' make all of them 112x112"
        yield Stumble(reader, str(facts.recs[0]), reason, f"'im2rec extract {set_} -o FOLDER --images-only' and {crop}")


def _identity_faults(facts: Facts, mend: str) -> Iterator[Stumble]:
    from im2rec.operations.identities.inspect import inspect
    from im2rec.operations.identities.survey import survey

    for issue in inspect(survey(facts.recs[0])).issues:
        yield Stumble("insightface", str(facts.recs[0]), issue, mend)


READERS: Final[dict[str, Callable[[Facts], Iterator[Stumble]]]] = {
    "sagemaker": _for_sagemaker,
    "dali": _for_dali,
    "mxnet": _for_mxnet,
    "insightface": _for_insightface,
}


def check(facts: Facts, reader: str) -> list[Stumble]:
    """Return what a reader would stumble over.

    Args:
        facts: what the set is.
        reader: one of READERS.
    """
    return [*_common(reader, facts), *READERS[reader](facts)]


def as_json(given: Path, found: dict[str, list[Stumble]]) -> dict[str, Any]:
    """Return what was found for each reader as an object for JSON."""
    return {
        "set": str(given),
        "ok": not any(found.values()),
        "readers": {name: [{"file": s.file, "reason": s.reason, "remedy": s.remedy} for s in stumbles] for name, stumbles in found.items()},
    }
