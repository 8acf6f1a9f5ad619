"""What the project set out to reach, as ratios within one run, and what a run gave."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from bench import MXNET
from measure import Series

Measured = Mapping[str, Mapping[str, Series]]  # job -> key -> runs


@dataclass(frozen=True, slots=True)
class Goal:
    """A bound for one figure, divided by another's when *against* is given.

    Attributes:
        text: what the table calls it.
        job: name of the job.
        ours: key of the command.
        against: key of another command, or "MXNet": the quickest of its.
        at_least: against / ours must reach this.
        at_most: ours / against must not pass this; without *against*, seconds.
        what: "wall" or "cpu".
    """

    text: str
    job: str
    ours: str
    against: str = ""
    at_least: float = 0
    at_most: float = 0
    what: str = "wall"

    def value(self, measured: Measured) -> float | None:
        """The figure, or None where one of the two was not measured."""
        runs = measured.get(self.job, {})
        ours, others = runs.get(self.ours), quickest(runs.values(), self.against) or runs.get(self.against)
        if not ours or (self.against and not others):
            return None
        if not others:
            return ours.median(self.what)
        above, below = (others, ours) if self.at_least else (ours, others)
        return above.median(self.what) / below.median(self.what)

    def row(self, measured: Measured) -> list[str]:
        """Text, figure, bound, whether it was reached."""
        unit = "x" if self.against else " s"
        bound = f"at least {self.at_least:g}{unit}" if self.at_least else f"at most {self.at_most:g}{unit}"
        value = self.value(measured)
        if value is None:
            return [self.text, "not measured", bound, ""]
        reached = value >= self.at_least if self.at_least else value <= self.at_most
        return [self.text, f"{value:.2f}{unit}", bound, "yes" if reached else "no"]


def quickest(runs: Iterable[Series], group: str) -> Series | None:
    """The command of a group with the smallest median time."""
    return min((series for series in runs if group and series.command.group == group), key=Series.median, default=None)


def goals(*, scaled: bool) -> list[Goal]:
    """All goals, in the order of the table; *scaled* tells whether `im2rec pack` decodes scaled by default."""
    codec = "codec simplejpeg-scaled" if scaled else "codec simplejpeg"
    found = [Goal("start, im2rec --help", "start", "help", at_most=0.1)]
    for key, text in (("list", "im2rec list"), ("form", "im2rec --list")):
        found.append(Goal(f"list faces, {text}", "list-faces", key, MXNET, at_least=8))
    for corpus in ("faces", "imagenet"):
        job = f"pass-{corpus}"
        for key, text in (("form", "MXNet's form"), ("unchecked", "no checks, no sidecar")):
            found.append(Goal(f"pass-through of {corpus}, {text}, against MXNet", job, key, MXNET, at_least=5))
            found.append(Goal(f"pass-through of {corpus}, {text}, against xargs cat", job, key, "cat", at_most=1.5))
        found.append(Goal(f"pass-through of {corpus}, defaults, against MXNet", job, "default", MXNET, at_least=4))
    resize, simple = "resize 256, imagenet", "codec simplejpeg"
    found += [
        Goal(f"{resize}, MXNet's form, 2 workers", "resize-imagenet", "form 2", MXNET, at_least=2),
        Goal(f"{resize}, im2rec pack, 2 workers", "resize-imagenet", "pack 2", MXNET, at_least=2),
        Goal(f"{resize}, CPU of MXNet's form against codec calls", "resize-imagenet", "form 2", simple, at_most=1.1, what="cpu"),
        Goal(f"{resize}, CPU of im2rec pack against codec calls", "resize-imagenet", "pack 2", codec, at_most=1.1, what="cpu"),
        Goal(f"{resize}, MXNet's form, 2 workers against 1", "resize-imagenet", "form 2", "form 1", at_least=1.8),
        Goal(f"{resize}, im2rec pack, 2 workers against 1", "resize-imagenet", "pack 2", "pack 1", at_least=1.8),
        Goal("resize 256, camera, im2rec pack, 2 workers", "resize-camera", "pack 2", MXNET, at_least=3.5),
        Goal("rec2idx", "index", "rec2idx", MXNET, at_least=20),
        Goal("im2rec index", "index", "index", MXNET, at_least=20),
    ]
    found += [
        Goal("read in order, with headers", "read-order", "views", MXNET, at_least=8),
        Goal("read by key, with headers", "read-key", "unpacked", MXNET, at_least=5),
        Goal("read by key, with headers, the file mapped", "read-key", "mapped", MXNET, at_least=5),
    ]
    for dtype in ("float32", "uint8"):
        job = f"iterate-{dtype}"
        for threads in (1, 2):
            text = f"ImageRecordIter, {dtype}, {threads} thread{'s' * (threads > 1)}"
            found.append(Goal(f"{text}, against MXNet", job, f"ours {threads}", f"MXNet {threads}", at_least=5))
            found.append(Goal(f"{text}, against DALI", job, f"ours {threads}", f"DALI {threads}", at_least=1.2))
    for corpus in ("faces", "imagenet"):
        job = f"costs-{corpus}"
        found.append(Goal(f"the .sum's share of packing {corpus}", job, "default", "check alone", at_most=1.1))
        found.append(Goal(f"the image checks' share of packing {corpus}", job, "default", "sum alone", at_most=1.15))
    found.append(Goal("verify a GB (at scale 1), CPU", "verify", "verify with", at_most=1.0, what="cpu"))
    found.append(Goal("extract faces", "extract", "extract", "loop", at_least=5))
    for verb in ("merge", "split", "filter"):
        found.append(Goal(f"{verb} of 4 GB (at scale 1), against cp", "copies", verb, "cp", at_most=1.5))
    found.append(Goal("shuffle of 4 GB (at scale 1), against cp twice", "copies", "shuffle", "twice", at_most=3))
    found.append(Goal("salvage a GB (at scale 1)", "verify", "salvage with", at_most=1.0))
    return found
