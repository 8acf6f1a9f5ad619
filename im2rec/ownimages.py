"""No image of a list is replaced by what is made from the list, whatever --force says."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

from im2rec.names import is_inside, printable
from im2rec.source import ImageSource, SourceOptions
from recordio.errors import FileError
from recordio.shardnames import set_or_shard

OF_A_SET: Final = (".rec", ".idx", ".sum", ".rejects.tsv")


def files_of(prefix: Path, suffixes: Sequence[str] = OF_A_SET) -> list[Path]:
    """Return the files of a set and of its shards that stand there, by the suffixes that a run writes."""
    belongs = re.compile(rf"{set_or_shard(prefix.name)}({'|'.join(map(re.escape, suffixes))})")
    try:
        return sorted(prefix.with_name(name) for name in os.listdir(prefix.parent) if belongs.fullmatch(name))
    except OSError:  # said when the first output is started
        return []


def check_images(paths: Iterable[str], options: SourceOptions, outputs: Iterable[Path]) -> None:
    """Check that no image is a file that a run would replace.

    Images are looked at one by one only where an output can be one of them: where links that leave the root are not followed,
    it must lie in the root. (A second name, a hard link, is refused with the first.)

    Args:
        paths: of the images, as the list has them.
        options: what may be read.
        outputs: files that exist and are to be replaced.

    Raises:
        FileError: an image is one of them.
    """
    root = os.path.realpath(options.root)
    known = {}
    for output in outputs:
        if not options.confined or is_inside(str(output), root):
            status = output.stat()
            known[status.st_dev, status.st_ino] = output
    if not known:
        return
    source = ImageSource(options)
    for path in paths:
        found = source.status(path)
        if found is not None and (found.st_dev, found.st_ino) in known:
            output = known[found.st_dev, found.st_ino]
            raise FileError(str(output), "write", None, f"it is an image of the list, {printable(path)}")
