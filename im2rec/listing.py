"""From a folder to lists: walk, label, order, divide. What `im2rec list` writes and `im2rec pack FOLDER` packs."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

from im2rec import split
from im2rec.errors import InputError
from im2rec.listfile import Item, format_label
from im2rec.rejects import Reject
from im2rec.report import counted
from im2rec.walk import WalkOptions, walk
from recordio import checksum

if TYPE_CHECKING:
    from im2rec.labels import CsvLabels

_KNOWN: Final = 1 << 12  # labels whose text is kept


@dataclass(frozen=True, slots=True)
class ListOptions:
    """How a folder becomes lists.

    Attributes:
        walk: which files, and labels from which folders.
        labels_csv: a file with the labels, instead of those from folders.
        allow_rounding: let that file have integers that float32 must round.
        shuffle: shuffle the entries; ids keep the order of the walk.
        seed: of the shuffle.
        splits: name -> ratio, empty for one list.
        stratified: divide each label by the ratios.
        chunks: lists of equal length.
    """

    walk: WalkOptions = WalkOptions()
    labels_csv: Path | None = None
    allow_rounding: bool = False
    shuffle: bool = True
    seed: int = split.MXNET_SEED
    splits: dict[str, float] = field(default_factory=dict)
    stratified: bool = False
    chunks: int = 1


class Listing:
    """The images of a folder, labelled and in order. Iterates as items, formats as lines.

    Attributes:
        classes: class name -> label.
        ignored: files of other suffixes.
        left_out: suffix -> number, of those of them that are suffixes of images.
        rejects: images that cannot be listed, with reasons.
        warnings: images that are listed, though readers of the list will not find them.
        unused: rows of the labels file that name no image.
        order: ordinals of the walk, in the order of the list.
    """

    def __init__(self, root: Path, options: ListOptions, advance: Callable[[int], None] | None = None) -> None:
        self._entries = walk(root, options.walk, advance)
        self.classes = self._entries.classes
        self.ignored = self._entries.ignored
        self.left_out = self._entries.left_out
        self.rejects = self._entries.rejects
        self.warnings = self._entries.warnings
        self._csv: CsvLabels | None = None
        self._rows = array("q")  # ordinal -> row of the labels file, or -1
        self.unused = 0
        self.order: Sequence[int] = split.order(len(self._entries), shuffle=options.shuffle, seed=options.seed)
        if options.labels_csv is not None:
            self._label_from(options.labels_csv, allow_rounding=options.allow_rounding)

    def _label_from(self, path: Path, *, allow_rounding: bool) -> None:
        from im2rec import labels  # csv is not needed otherwise

        self._csv = labels.load(path, allow_rounding=allow_rounding)
        self.classes = self._csv.classes
        self._rows = rows = self._csv.find(map(self._entries.raw_path, range(len(self._entries))))
        unlabelled = rows.count(-1)
        self.unused = len(self._csv) - (len(rows) - unlabelled)
        if unlabelled:
            reason = f"has no label in {path}"
            self.rejects += (Reject(None, self._entries.path(ordinal), reason) for ordinal, row in enumerate(rows) if row < 0)
            self.order = array("Q", (ordinal for ordinal in self.order if rows[ordinal] >= 0))

    def __len__(self) -> int:
        return len(self.order)

    def __iter__(self) -> Iterator[Item]:
        for ordinal in self.order:
            path = self._entries.path(ordinal)
            yield Item(ordinal, self._labels(ordinal), path)

    def _labels(self, ordinal: int) -> tuple[float, ...]:
        return self._csv.labels(self._rows[ordinal]) if self._csv is not None else (float(self._entries.label(ordinal)),)

    def lines(self, ordinals: Sequence[int] | None = None) -> Iterator[bytes]:
        """Yield the lines of some entries, by default of all in order, with their line feeds."""
        raw_path, label = self._entries.raw_path, self._entries.label
        texts: dict[tuple[float, ...], bytes] = {}
        for ordinal in self.order if ordinals is None else ordinals:
            labels = (label(ordinal),) if self._csv is None else self._labels(ordinal)
            text = texts.get(labels)
            if text is None:
                if len(texts) == _KNOWN:
                    texts.clear()
                text = texts[labels] = "\t".join(map(format_label, labels)).encode()
            yield b"%d\t%s\t%s\n" % (ordinal, text, raw_path(ordinal))

    def digest(self) -> str:
        """Return the XXH3-128 of all lines."""
        digest = checksum.new_digest()
        for line in self.lines():
            digest.update(line)
        return str(digest.hexdigest())

    def parts(self, options: ListOptions) -> Iterator[tuple[str, Sequence[int]]]:
        """Yield (suffix of the name, ordinals) of each list that the options ask for.

        Raises:
            PlanError: there are fewer images than chunks.
        """
        bounds = split.even_bounds(len(self.order), options.chunks)
        by_label: Sequence[Hashable] = self._entries.labels
        if options.stratified and self._csv is not None:
            known: dict[tuple[float, ...], tuple[float, ...]] = {}  # one tuple for equal labels
            by_label = [known.setdefault(labels, labels) for labels in map(self._labels, range(len(self._entries)))]
        for chunk in range(options.chunks):
            name = f"_{chunk}" if options.chunks > 1 else ""
            ordinals = self.order[bounds[chunk] : bounds[chunk + 1]]
            if not options.splits:
                yield name, ordinals
                continue
            divided = split.split(ordinals, options.splits, by_label if options.stratified else None)
            for part, members in divided.items():
                yield f"{name}_{part}", members


def collect(root: Path, options: ListOptions, advance: Callable[[int], None] | None = None) -> Listing:
    """Walk a folder and order its images.

    Args:
        root: the folder.
        options: how.
        advance: called with the number of images found since its last call.

    Raises:
        InputError: the folder does not exist, cannot be read, or holds no images.
        ListError: a row of the labels file cannot be used.
    """
    listing = Listing(root, options, advance)
    if not len(listing) and not listing.rejects:
        below = "" if options.walk.recursive else " itself (folders in it were not searched)"
        known = " ".join(options.walk.extensions)
        raise InputError(str(root), f"no images in it{below}: {counted(listing.ignored, 'file')}, none ends in {known}")
    return listing


def format_classes(classes: dict[str, int], path: Path) -> bytes:
    """Format a class map for a file: JSON for ``.json``, else lines of label, tab, name."""
    if path.suffix.lower() == ".json":
        import json

        return (json.dumps(classes, ensure_ascii=False, indent=1) + "\n").encode("utf-8", "surrogateescape")
    return "".join(f"{label}\t{name}\n" for name, label in classes.items()).encode("utf-8", "surrogateescape")
