"""What a reader would stumble over in a set, and what mends it.

What is said of MXNet 1.9.1 and DALI 2.4 was found by letting them read such files; of SageMaker it is what its documentation asks for, and
what MXNet, which it runs on, does; of InsightFace what its loaders do with record 0, ``property`` and the keys.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple

from im2rec.names import printable
from im2rec.operations.facts import Facts

_ENCODE: Final = "'im2rec extract' and 'im2rec pack --encoding jpg' make JPEGs of them"


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


def _common(reader: str, facts: Facts) -> Iterator[Stumble]:
    """Yield what no reader takes."""
    name = str(facts.recs[0])
    for shard in facts.missing:
        yield Stumble(reader, shard, "this shard of the set is missing", "'im2rec pack --part' packs it again")
    if not facts.records:
        yield Stumble(reader, name, "it holds no record", "'im2rec pack' makes a set")
    if facts.headless:
        yield Stumble(reader, name, f"{facts.headless} without an image header", "'im2rec verify' names all of them")
    if facts.unknown:
        reason = f"{facts.unknown} with an image that is not whole, or of no known format"
        yield Stumble(reader, name, reason, "'im2rec verify --decode' names them, 'im2rec filter' leaves them out")


def _index_faults(reader: str, facts: Facts, needed: str) -> Iterator[Stumble]:
    """Yield what is wrong with the index of each file."""
    for rec, found in facts.indexes.items():
        idx = str(rec.with_suffix(".idx"))
        if found is None:
            yield Stumble(reader, idx, f"is missing, {needed}", f"'im2rec index {rec}' writes it")
        elif isinstance(found, str):
            yield Stumble(reader, idx, f"cannot be read ({found})", f"'im2rec index {rec} --force' writes it anew")
    if facts.unlisted:
        reason = f"{facts.unlisted} with an image are not in it, so they are never seen"
        yield Stumble(reader, str(facts.recs[0].with_suffix(".idx")), reason, f"'im2rec index {facts.recs[0]} --force' writes it anew")


def _formats(reader: str, facts: Facts, taken: set[str], does: str) -> Iterator[Stumble]:
    for format_, seen in sorted(facts.formats.items()):
        if format_ not in taken:
            yield Stumble(reader, str(facts.recs[0]), f"{seen} with {format_}, {does}", _ENCODE)


def _for_dali(facts: Facts) -> Iterator[Stumble]:
    name = str(facts.recs[0])
    if len(facts.recs) > 1:
        if facts.combined is None:
            index_ = str(facts.prefix.with_name(f"{facts.prefix.name}.idx"))
            mend = f"'im2rec index {facts.prefix} --combine -o {index_}' writes it"
            yield Stumble("dali", index_, f"is missing: DALI takes exactly one index for all {len(facts.recs)} files", mend)
    else:
        yield from _index_faults("dali", facts, "which DALI needs")
        if facts.indexed_empty:
            reason = f"{facts.indexed_empty} without an image are in its index: DALI takes them for images and dies"
            yield Stumble("dali", name, reason, f"'im2rec index {name} --images-only' writes an index without them")
    yield from _formats("dali", facts, {"jpg", "png", "webp", "bmp"}, "which DALI does not decode")


def _for_mxnet(facts: Facts) -> Iterator[Stumble]:
    name = str(facts.recs[0])
    if len(facts.recs) > 1:
        reason = f"{len(facts.recs)} files, ImageRecordIter takes one"
        yield Stumble("mxnet", str(facts.prefix), reason, f"'im2rec merge {facts.prefix} -o ...' makes one of them")
    yield from _index_faults("mxnet", facts, "without which nothing is read by key or shuffled")
    if facts.doubled:
        reason = f"{facts.doubled} keys stand in it more than once: all but the last record of each are never found"
        mend = f"'im2rec index {name} --keys ordinal --force' gives each its own"
        yield Stumble("mxnet", str(facts.recs[0].with_suffix(".idx")), reason, mend)
    yield from _empty("mxnet", facts, "ImageRecordIter takes them for images and stops there")
    yield from _uneven("mxnet", facts)
    yield from _formats("mxnet", facts, {"jpg", "png", "bmp"}, "which MXNet 1.9.1 does not decode")


def _uneven(reader: str, facts: Facts) -> Iterator[Stumble]:
    if facts.plural and len(facts.widths) > 1:
        widths = ", ".join(f"{count} with {width}" for width, count in sorted(facts.widths.items()))
        reason = f"images have different numbers of labels ({widths}): ImageRecordIter takes one label_width"
        yield Stumble(reader, str(facts.recs[0]), reason, "'im2rec relabel' gives all of them as many")


def _empty(reader: str, facts: Facts, does: str) -> Iterator[Stumble]:
    name = str(facts.recs[0])
    others = facts.empty.count - facts.ranged.count
    if facts.ranged:
        reason = f"{facts.ranged} of identities without an image: {does}"
        yield Stumble(reader, name, reason, f"'im2rec identities to-plain {name} -o ...' leaves them out")
    if others:
        reason = f"{others} record{'s' * (others != 1)} without an image: {does}"
        yield Stumble(reader, name, reason, f"'im2rec filter {name} --min-bytes 1 -o ...' leaves them out")


def _for_sagemaker(facts: Facts) -> Iterator[Stumble]:
    name = str(facts.recs[0])
    if len(facts.recs) > 1:
        reason = f"{len(facts.recs)} files, a channel takes one .rec"
        yield Stumble("sagemaker", str(facts.prefix), reason, f"'im2rec merge {facts.prefix} -o ...' makes one of them")
    yield from _empty("sagemaker", facts, "the training stops there")
    if facts.odd:
        yield Stumble("sagemaker", name, f"{facts.odd} with a label that is no whole number from 0", "'im2rec relabel' gives others")
    if facts.labels and max(facts.labels) != len(facts.labels) - 1:
        spread = f"{len(facts.labels)} different labels from {min(facts.labels):g} to {max(facts.labels):g}"
        yield Stumble("sagemaker", name, f"{spread}, expected 0 to {len(facts.labels) - 1}", "'im2rec relabel' gives others")
    if facts.plural:
        reason = f"{facts.plural} with several labels, which only image classification with multi_label=1 takes"
        yield Stumble("sagemaker", name, reason, "'im2rec pack --label-width 1' packs one")
    yield from _uneven("sagemaker", facts)
    yield from _formats("sagemaker", facts, {"jpg", "png"}, "expected JPEG or PNG")


def _for_insightface(facts: Facts) -> Iterator[Stumble]:
    name = str(facts.recs[0])
    if len(facts.recs) > 1:
        reason = f"{len(facts.recs)} files, a loader takes one"
        yield Stumble("insightface", str(facts.prefix), reason, f"'im2rec identities from-plain {facts.prefix} -o ...' makes one")
        return
    yield from _index_faults("insightface", facts, "without which no loader finds a record")
    mend = f"'im2rec identities from-plain {name} -o ...' makes an identity file"
    if facts.zero is None:
        yield Stumble("insightface", name, "no record has the key 0, which loaders read first", mend)
    elif facts.zero.image and facts.zero.flag > 0:
        yield Stumble("insightface", name, "the image under key 0 has several labels: loaders take it for the header", mend)
    elif facts.ranged:
        yield from _identity_faults(facts, mend)
    elif not facts.zero.image:
        yield Stumble("insightface", name, "the record under key 0 is no header, and no image", mend)
    if facts.odd:
        yield Stumble("insightface", name, f"{facts.odd} with a label that is no whole number from 0", "'im2rec relabel' gives others")
    if not facts.ranged:
        yield from _empty("insightface", facts, "loaders take them for images")
        if not facts.recs[0].with_name("property").is_file():
            yield Stumble("insightface", str(facts.recs[0].with_name("property")), "is missing, old loaders read it", mend)
    yield from _formats("insightface", facts, {"jpg", "png", "bmp"}, "which MXNet's decoder does not take")


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
