"""File names as lists carry them, which is UTF-8, and as Python's functions take them, which depends on the locale.

The two differ only where the locale's encoding is not UTF-8. Bytes that are not UTF-8 are surrogates in both.
"""

from __future__ import annotations

import os
import sys

SAME = sys.getfilesystemencoding().lower() in ("utf-8", "utf8")


def to_local(path: str) -> str:
    """Return a list's path as functions of the system take it."""
    return path if SAME else os.fsdecode(path.encode("utf-8", "surrogateescape"))


def from_local(name: str) -> str:
    """Return a name that the system gave as a list has it."""
    return name if SAME else os.fsencode(name).decode("utf-8", "surrogateescape")


def is_inside(path: str, real_root: str) -> bool:
    """Tell whether a path, with all links followed, lies in a folder that is given without links, or is that folder."""
    real = os.path.realpath(path)
    return real == real_root or real.startswith(real_root.rstrip(os.sep) + os.sep)


def printable(path: str) -> str:
    """Return a path as a terminal can show it: control characters and bytes that are not UTF-8 become escapes."""
    if path.isprintable():
        return path
    escaped = (c if c.isprintable() or "\ud800" <= c <= "\udfff" else repr(c)[1:-1] for c in path)
    return "".join(escaped).encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
