"""Verification sets of face recognition (.bin): what is in one, into a folder, and from a list of pairs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from im2rec.errors import ImageError, InputError, ListError
from im2rec.report import Reject, format_bytes
from im2rec.source import ImageSource, SourceOptions
from im2rec.transform import TransformOptions, transformer
from recordio import files
from recordio.errors import ImageFormatError
from recordio.outfolder import OutputFolder
from recordio.pairs import Pairs
from recordio.probe import probe

PAIRS: Final = "pairs.tsv"  # in the folder of an extracted set: first path, second path, 1 or 0
_SUFFIXES: Final = {"jpg", "png", "webp", "gif", "bmp"}


@dataclass(slots=True)
class PairsInfo:
    """What is in a verification .bin.

    Attributes:
        path: the file.
        pairs: their number.
        same: pairs of one person.
        size: bytes of the images.
        formats: format -> images; "?" for what is no whole image of a format that is known.
        sizes: (height, width) -> images.
        protocol: of the pickle.
        is_old: whether Python 2 wrote it.
    """

    path: str
    pairs: int = 0
    same: int = 0
    size: int = 0
    formats: Counter[str] = field(default_factory=Counter)
    sizes: Counter[tuple[int, int]] = field(default_factory=Counter)
    protocol: int = 0
    is_old: bool = False

    def as_json(self) -> dict[str, Any]:
        """Return it as an object for JSON."""
        return {
            "file": self.path,
            "pairs": self.pairs,
            "same": self.same,
            "different": self.pairs - self.same,
            "images": 2 * self.pairs,
            "image_bytes": self.size,
            "formats": dict(sorted(self.formats.items())),
            "image_sizes": [{"height": h, "width": w, "images": count} for (h, w), count in self.sizes.most_common(20)],
            "protocol": self.protocol,
            "python2": self.is_old,
        }

    def as_lines(self) -> list[str]:
        """Return it as lines of text."""
        formats = ", ".join(f"{count} {name}" for name, count in self.formats.most_common())
        sizes = ", ".join(f"{count} of {w}x{h}" for (h, w), count in self.sizes.most_common(5))
        old = "; written by Python 2: Python 3 needs encoding='bytes', 'im2rec bin convert' mends that" if self.is_old else ""
        return [
            f"pairs    {self.pairs}, {self.same} of one person, {self.pairs - self.same} of two",
            f"images   {2 * self.pairs}, {format_bytes(self.size)}: {formats}",
            f"sizes    {sizes or 'none'} (width x height)",
            f"pickle   protocol {self.protocol}{old}",
        ]


def look(path: Path, advance: Callable[[int], None] = lambda _: None) -> PairsInfo:
    """Read a verification .bin and count what is in it.

    Raises:
        FileError: it cannot be read.
        FormatError: it holds something else.
    """
    with Pairs(path) as pairs:
        found = PairsInfo(str(path), len(pairs), sum(pairs.same), protocol=pairs.protocol, is_old=pairs.is_old)
        for number in range(2 * len(pairs)):
            image = pairs.image(number)
            found.size += len(image)
            try:
                info = probe(image)
            except ImageFormatError:
                found.formats["?"] += 1
            else:
                found.formats[info.format] += 1
                found.sizes[info.height, info.width] += 1
            advance(1)
    return found


def extract(path: Path, folder: Path, advance: Callable[[int], None] = lambda _: None) -> int:
    """Write the images of a verification .bin into a new folder, with ``pairs.tsv``, from which :func:`listed` makes it again.

    The folder appears whole or not at all.

    Returns:
        The number of pairs.

    Raises:
        FileError: a file cannot be read or written, or the folder exists and is not empty.
        FormatError: the .bin holds something else.
    """
    with Pairs(path) as pairs, OutputFolder(folder) as output:
        lines = []
        for number, (first, second, same) in enumerate(pairs):
            names = [_put(output, number, side, image) for side, image in enumerate((first, second))]
            lines.append(f"{names[0]}\t{names[1]}\t{int(same)}\n")
            advance(1)
        with output.create(PAIRS) as file:
            file.write("".join(lines).encode())
        return len(pairs)


def _put(folder: OutputFolder, number: int, side: int, image: bytes) -> str:
    try:
        format_ = probe(image).format
    except ImageFormatError:
        format_ = ""
    name = f"{number:06}_{side}.{format_ if format_ in _SUFFIXES else 'bin'}"
    with folder.create(name) as file:
        file.write(image)
    return name


def read_list(path: Path) -> list[tuple[str, str, bool]]:
    """Read a list of pairs: first path, second path, and 1 for one person or 0 for two, separated by tabs.

    Raises:
        InputError: there is no such file, or nothing is in it.
        ListError: a line is otherwise, with its number.
    """
    if not path.is_file():
        raise InputError(str(path), "no such file" if not path.exists() else "is no file, expected a list of pairs")
    rows = []
    for number, line in enumerate(files.read_whole(path).decode("utf-8-sig", "surrogateescape").split("\n"), 1):
        if not line.strip():
            continue
        fields = [part.strip() for part in line.split("\t")]
        if len(fields) != 3 or not (fields[0] and fields[1]) or fields[2] not in ("0", "1"):
            raise ListError(str(path), number, f"{line[:60]!r}, expected two paths and 1 or 0, separated by tabs")
        rows.append((fields[0], fields[1], fields[2] == "1"))
    if not rows:
        raise InputError(str(path), "an empty list, expected a line for each pair")
    return rows


@dataclass(slots=True)
class PairsReport:
    """What became of a list of pairs.

    Attributes:
        listed: pairs of the list.
        packed: pairs that were written.
        rejects: images that could not be packed; their pairs are left out.
        outputs: names of the files that were written.
    """

    listed: int = 0
    packed: int = 0
    rejects: list[Reject] = field(default_factory=list)
    outputs: list[str] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        """Return the report as an object for JSON."""
        return {
            "listed": self.listed,
            "packed": self.packed,
            "rejected": self.listed - self.packed,
            "rejects": [reject.as_json() for reject in self.rejects],
            "outputs": self.outputs,
        }


def listed(
    rows: list[tuple[str, str, bool]],
    source: SourceOptions,
    transform: TransformOptions,
    report: PairsReport,
    advance: Callable[[int], None] = lambda _: None,
) -> Iterator[tuple[bytes, bytes, bool]]:
    """Yield the images of a list of pairs; pairs with an image that cannot be used are rejected.

    Raises:
        CodecMissing: a codec is needed and cannot be loaded.
    """
    read, make = ImageSource(source).read, transformer(transform)
    for number, (first, second, same) in enumerate(rows, 1):
        report.listed += 1
        images = []
        for path in (first, second):
            try:
                images.append(make(read(path), path)[0])
            except (ImageError, ImageFormatError) as error:
                report.rejects.append(Reject(number, path, error.reason))
        if len(images) == 2:
            report.packed += 1
            yield images[0], images[1], same
        advance(1)
