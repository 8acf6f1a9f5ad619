"""What is said of files that are not there: which others are, that perhaps were meant."""

from __future__ import annotations

import errno
import fnmatch
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from recordio import shardnames
from recordio.errors import FileError

_FIRST: Final = 16  # images of a list that are looked for


def check_no_prefix(piece: str, suffix: str) -> None:
    """Check that a name is not one that the command line takes for several files, and loaders do not.

    Args:
        piece: what was given as one file, which need not be there.
        suffix: of the files that are meant.

    Raises:
        FileError: there is no such file, but there are some of a set with this prefix, or that the pattern fits.
    """
    place = Path(piece)
    if os.path.lexists(place) or not place.parent.is_dir():
        return
    if any(mark in place.name for mark in "*?["):
        names = fnmatch.filter((each.name for each in place.parent.iterdir() if each.suffix == suffix), place.name)
        found = sorted(place.with_name(name) for name in names)
    else:
        prefix = place.with_suffix("") if place.suffix == suffix else place
        whole = prefix.with_name(f"{prefix.name}{suffix}")
        shards = [shard.with_suffix(suffix) for shard in shardnames.shards_of(prefix)]
        found = [file for file in ([whole] if whole.exists() else shards) if file.exists()]
    if found:
        more = f" and {len(found) - 1} more" if len(found) > 1 else ""
        how = "; several files are given with ';' between them, or as their folder" if len(found) > 1 else ""
        raise FileError(piece, "open", errno.ENOENT, f"{os.strerror(errno.ENOENT)}, but there is {found[0]}{more}{how}")


def of_list(error: FileError, root: Path, paths: Sequence[str]) -> FileError:
    """Return the error of an image of a list that cannot be read; where others are not there either, the folder may be wrong.

    Args:
        error: what was raised.
        root: the folder that the paths of the list start from.
        paths: of the list.
    """
    if error.errno != errno.ENOENT or any((root / path).exists() for path in paths[:_FIRST]):
        return error
    reason = f"{error.reason}, nor the first others of the list: its paths start from path_root={str(root)!r}"
    return FileError(error.path, error.action, error.errno, reason)
