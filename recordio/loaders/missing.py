"""What is said of files that are not there: which others are, that perhaps were meant."""

from __future__ import annotations

import errno
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from recordio.errors import FileError

_FIRST: Final = 16  # images of a list that are looked for


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
