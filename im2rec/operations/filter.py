"""Some of the records of a set: by label, key, size, format or expression."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from im2rec.errors import InputError, PlanError
from im2rec.operations.blocks import Block
from im2rec.operations.browse import TIFF, info_of
from im2rec.operations.copying import Source
from im2rec.operations.counts import Report
from im2rec.operations.expression import PROBED, Expression
from im2rec.operations.fields import Fields, fields_of
from im2rec.operations.running import Run
from im2rec.operations.target import Into
from im2rec.progress import Advance
from recordio import files
from recordio.header import HEADER_SIZE

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

FORMATS: Final = ("jpg", "png", "webp", "gif", "bmp", TIFF)


@dataclass(frozen=True, slots=True)
class FilterOptions:
    """Which records are kept: those that fulfil all that is given.

    Attributes:
        labels: first labels that are kept, such as ``0,3,10-20``; of object detection the classes of objects, one of which is enough;
            "" for all.
        keys: keys that are kept, likewise.
        key_file: file of keys that are kept, one a line; a .lst or .idx will do, whose first column they are.
        formats: formats of images that are kept.
        least_side: pixels that the shorter side has at the least.
        most_side: pixels that the longer side has at the most; 0 for any.
        least_bytes: of the image.
        most_bytes: of the image; 0 for any.
        where: an expression; "" for none.
        invert: keep the others.
    """

    labels: str = ""
    keys: str = ""
    key_file: Path | None = None
    formats: tuple[str, ...] = ()
    least_side: int = 0
    most_side: int = 0
    least_bytes: int = 0
    most_bytes: int = 0
    where: str = ""
    invert: bool = False

    def __post_init__(self) -> None:
        if self.most_side and self.most_side < self.least_side:
            raise PlanError(f"--max-side {self.most_side} is below --min-side {self.least_side}")
        if self.most_bytes and self.most_bytes < self.least_bytes:
            raise PlanError(f"--max-bytes {self.most_bytes} is below --min-bytes {self.least_bytes}")
        for text in (self.labels, self.keys):
            parse_ranges(text)
        for format_ in self.formats:
            if format_ not in FORMATS:
                raise PlanError(f"no such format: {format_!r}, expected one of {', '.join(FORMATS)}")
        if self.where:
            Expression(self.where)
        if not (self.labels or self.keys or self.key_file is not None or self.looks_inside):
            raise PlanError("nothing says which records are kept: give --label, --keys, --where or another condition")

    @property
    def looks_inside(self) -> bool:
        """Whether anything but label and key decides."""
        limits = (self.least_side, self.most_side, self.least_bytes, self.most_bytes)
        return bool(self.formats or self.where or any(limits))

    def described(self) -> dict[str, str]:
        """Return it in words, for a .sum."""
        names = {name: getattr(self, name) for name in self.__slots__ if name != "key_file"}
        said = {name: ",".join(value) if isinstance(value, tuple) else str(value) for name, value in names.items() if value}
        return said | ({"key_file": self.key_file.name} if self.key_file else {})


def parse_ranges(text: str) -> list[tuple[int, int]]:
    """Parse ``0,3,10-20`` into ranges, both ends included.

    Raises:
        PlanError: a part is neither a number nor a range.
    """
    ranges = []
    for part in text.split(",") if text else ():
        low, dash, high = part.strip().partition("-")
        if not low.isdecimal() or (dash and not high.isdecimal()) or len(low) > 20 or len(high) > 20 or int(high or low) < int(low):
            raise PlanError(f"{part.strip()!r}, expected numbers and ranges of them, such as 0,3,10-20")
        if int(high or low) >= 1 << 64:
            raise PlanError(f"{part.strip()!r}, expected numbers below 2**64")
        ranges.append((int(low), int(high or low)))
    return ranges


def filter_set(given: Path, into: Into, options: FilterOptions, advance: Advance, *, ordinals: bool = False) -> Report:
    """Write the records of a set that fulfil some conditions, in their order.

    Args:
        given: prefix of the set, a file of it, or ``-`` for a .rec on stdin.
        into: where they go.
        options: the conditions.
        advance: of the progress bar.
        ordinals: number the records 0, 1, 2, ... instead of taking the keys of the .idx or the headers.

    Raises:
        InputError: there is no such set, or it is one of identities.
        FormatError: a record cannot be read.
        FileError: a file cannot be read or written.
    """
    inputs = [options.key_file] if options.key_file is not None else []
    with Run("filter", [given], into, ordinals=ordinals, inputs=inputs) as run:
        conditions = Conditions(options)
        run.target(described=options.described())
        run.transfer(conditions.route, advance, by_key=conditions.route_by_key if conditions.is_of_keys else None)
        run.report.leave_out("not chosen", run.report.read - sum(target.records for target in run.targets))
        run.report.missing = conditions.missing()
        return run.finish()


class Conditions:
    """Tells which records fulfil what is asked for, and which keys of those that were asked for have come."""

    def __init__(self, options: FilterOptions) -> None:
        import numpy as np

        self._options = options
        self._expression = Expression(options.where) if options.where else None
        self._labels, self._ranges = parse_ranges(options.labels), parse_ranges(options.keys)
        self._named = np.unique(read_keys(options.key_file)) if options.key_file is not None else None
        self._met: set[tuple[int, int]] = set()  # ranges that a key was in
        self._seen = np.zeros(0 if self._named is None else len(self._named), bool)

    @property
    def is_of_keys(self) -> bool:
        """Whether keys alone decide."""
        return not self._labels and not self._options.looks_inside

    def missing(self) -> list[str]:
        """Return the keys and ranges of keys that were asked for and are those of no record."""
        ranges = [f"{low}-{high}" if high > low else str(low) for low, high in self._ranges if (low, high) not in self._met]
        return ranges + ([] if self._named is None else list(map(str, self._named[~self._seen].tolist())))

    def route(self, block: Block) -> NDArray[np.intp]:
        """Return 0 for each record of a block that is kept, -1 for the others."""
        import numpy as np

        fields = fields_of(block)
        kept = self._by_keys(block.keys)
        if self._labels:
            kept &= self._by_labels(fields)
        if self._options.least_bytes or self._options.most_bytes:
            kept &= (fields.images >= self._options.least_bytes) & (fields.images <= (self._options.most_bytes or np.inf))
        if kept.any():  # the images are looked at last
            kept &= self._by_image(fields, kept)
        return np.where(kept ^ self._options.invert, 0, -1)

    def route_by_key(self, _: Source, keys: NDArray[np.uint64], __: int) -> NDArray[np.intp]:
        """Do the same where keys alone decide."""
        import numpy as np

        return np.where(self._by_keys(keys) ^ self._options.invert, 0, -1)

    def _by_keys(self, keys: NDArray[np.uint64]) -> NDArray[np.bool_]:
        import numpy as np

        kept = np.ones(len(keys), bool)
        if self._ranges:
            kept &= _in_ranges(keys, self._ranges)
            self._met |= {(low, high) for low, high in self._ranges if bool(((keys >= low) & (keys <= high)).any())}
        if self._named is not None:
            if not len(self._named):
                return np.zeros(len(keys), bool)
            places = self._named.searchsorted(keys).clip(max=len(self._named) - 1)
            found = self._named[places] == keys
            self._seen[places[found]] = True
            kept &= found
        return kept

    def _by_labels(self, fields: Fields) -> NDArray[np.bool_]:
        """Tell which records have one of the labels: as their first, or as the class of one of their objects."""
        kept = _in_ranges(fields.first, self._labels)
        for number, classes in fields.objects():
            kept[number] = any(low <= class_ <= high for class_ in classes for low, high in self._labels)
        return kept

    def _by_image(self, fields: Fields, wanted: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Tell which records fulfil the conditions on format and size, and the expression."""
        import numpy as np

        options, values = self._options, _Values(fields, wanted)
        kept = np.ones(len(wanted), bool)
        if options.formats:
            kept &= np.isin(values("format"), options.formats)
        if options.least_side:
            kept &= np.minimum(values("width"), values("height")) >= options.least_side
        if options.most_side:
            longest = np.maximum(values("width"), values("height"))
            kept &= (longest > 0) & (longest <= options.most_side)
        if self._expression is not None:
            kept &= self._expression.evaluate(values, len(wanted))
        return kept


class _Values:
    """The values of an expression's names for the records of a block; images are probed when they are asked for."""

    def __init__(self, fields: Fields, wanted: NDArray[np.bool_]) -> None:
        self._fields = fields
        self._wanted = wanted
        self._probed: dict[str, Any] = {}

    def __call__(self, name: str) -> Any:
        fields = self._fields
        if name in PROBED:
            if not self._probed:
                self._probe()
            return self._probed[name]
        if name.startswith("label["):
            return fields.label_at(int(name[6:-1]))
        found = {
            "key": fields.block.keys,
            "id": fields.ids,
            "label": fields.first,
            "labels": fields.widths,
            "bytes": fields.images,
            "payload": fields.lengths,
        }
        return found[name]

    def _probe(self) -> None:
        import numpy as np

        count = len(self._wanted)
        formats = np.full(count, "", dtype="U8")
        sizes = np.zeros((2, count), np.int64)
        for number in self._wanted.nonzero()[0].tolist():
            if not self._fields.images[number]:
                continue
            start = HEADER_SIZE + 4 * int(self._fields.flags[number])
            found = info_of(self._fields.block.payload(number)[start:])
            formats[number], sizes[0, number], sizes[1, number] = found.format, found.width, found.height
        self._probed = {"format": formats, "width": sizes[0], "height": sizes[1]}


def _in_ranges(values: Any, ranges: list[tuple[int, int]]) -> NDArray[np.bool_]:
    import numpy as np

    found = np.zeros(len(values), bool)
    for low, high in ranges:
        found |= (values >= low) & (values <= high)
    return found


def read_keys(path: Path) -> NDArray[np.uint64]:
    """Read a file of keys, one a line: the first column, up to a tab, blank or comma.

    Raises:
        InputError: a line starts with no key.
        FileError: it cannot be read.
    """
    import numpy as np

    keys = []
    for number, line in enumerate(files.read_whole(path).split(b"\n"), 1):
        words = line.replace(b",", b" ").split(None, 1)
        if not words:
            continue
        if not words[0].isdigit() or len(words[0]) > 20 or int(words[0]) >= 1 << 64:
            raise InputError(str(path), f"line {number}: {words[0][:40]!r}, expected a key from 0 to 2**64 - 1")
        keys.append(int(words[0]))
    return np.array(keys, np.uint64)
