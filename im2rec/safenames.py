"""Names for files that are written from what a data set says: safe on every system, each given once. Pure."""

from __future__ import annotations

import re
import unicodedata
import zlib
from typing import Final

from im2rec.judge import SUFFIXES

_LONGEST: Final = 200  # bytes of a part of a path; file systems take 255, and room for a number is kept
_UNSAFE: Final = re.compile('[\0-\x1f\x7f-\x9f<>:"|?*\\\\\ud800-\udfff]')
_PLAIN: Final = re.compile(r"[0-9A-Za-z_-][0-9A-Za-z_.-]{0,99}(?<!\.)")
_DEVICES: Final = frozenset(
    ["con", "prn", "aux", "nul", "conin$", "conout$", *(f"{name}{number}" for name in ("com", "lpt") for number in "0123456789¹²³")]
)
_KNOWN: Final = frozenset(suffix for suffixes in SUFFIXES.values() for suffix in suffixes)
_STARTS: Final = (
    (b"\xff\xd8\xff", "jpg"),
    (b"\x89PNG\r\n\x1a\n", "png"),
    (b"GIF87a", "gif"),
    (b"GIF89a", "gif"),
    (b"BM", "bmp"),
    (b"II*\0", "tiff"),
    (b"MM\0*", "tiff"),
    (b"\0\0\0\x0cjP  ", "jpeg2000"),
    (b"\xff\x4f\xff\x51", "jpeg2000"),
)


def format_of(start: bytes) -> str:
    """Return the format that the first 16 bytes of a file say; "" where they say none."""
    for begin, name in _STARTS:
        if start.startswith(begin):
            return name
    if start[:4] == b"RIFF" and start[8:12] == b"WEBP":
        return "webp"
    if start[4:12] in (b"ftypavif", b"ftypavis"):
        return "avif"
    return "ppm" if start[:1] == b"P" and start[1:2] in b"123456" and start[2:3].isspace() else ""


def suffix_of(format: str) -> str:
    """Return the usual suffix of a format's files; ".bin" where the format is not known."""
    return SUFFIXES[format][0] if format in SUFFIXES else ".bin"


def fitted(name: str, format: str) -> str:
    """Return a name with a suffix of the format: its own where that is one, else the usual one in its place.

    A suffix that is no image's is kept in front of it.
    """
    stem, dot, suffix = name.rpartition(".")
    suffix = f"{dot}{suffix}".lower()
    if format not in SUFFIXES or suffix in SUFFIXES[format]:
        return name
    return f"{stem if suffix in _KNOWN and stem else name}{SUFFIXES[format][0]}"


def safe_part(part: str) -> str:
    """Return a part of a path as it may stand on any system: no separator, control character, device or white space at an end."""
    if _PLAIN.fullmatch(part) and part.partition(".")[0].lower() not in _DEVICES:
        return part
    part = _UNSAFE.sub("_", part).replace("/", "_")
    left, right = len(part) - len(part.lstrip()), len(part.rstrip())
    part = "_" * left + part[left:right] + "_" * (len(part) - max(left, right))
    if part.endswith("."):  # Windows drops it, and ".." leads elsewhere
        part = f"{part[:-1]}_"
    if part.partition(".")[0].rstrip().lower() in _DEVICES:
        part = f"_{part}"
    return _shortened(part) or "_"


def _shortened(part: str) -> str:
    """Cut a part that is too long, and tell it from others by a CRC-32; its suffix stays."""
    data = part.encode("utf-8")
    if len(data) <= _LONGEST:
        return part
    stem, dot, suffix = part.rpartition(".")
    tail = f"~{zlib.crc32(data):08x}" + (f".{suffix}" if dot and len(suffix) <= 10 else "")
    kept = (stem if dot else part).encode("utf-8")[: _LONGEST - len(tail.encode("utf-8"))].decode("utf-8", "ignore")
    return kept.rstrip() + tail


def _folded(path: str) -> str:
    """Return what two paths have in common that a file system may take for one."""
    return path.lower() if path.isascii() else unicodedata.normalize("NFC", unicodedata.normalize("NFC", path).casefold())


class Names:
    """Gives out paths: each once, also where a file system tells no upper from lower case, and none that is a folder, too.

    Attributes:
        folders: that were given out, those above others first.
    """

    def __init__(self) -> None:
        self._taken: dict[str, int] = {}  # folded path -> the last number that was put behind it
        self.folders: list[str] = []
        self._folders: dict[str, str] = {"": ""}  # folder as it was asked for -> as it is

    def folder(self, wanted: str) -> str:
        """Return the folder for one of this name, with forward slashes; the same for the same name."""
        known = self._folders.get(wanted)
        if known is None:
            above, _, part = wanted.rpartition("/")
            known = self.folder(above)
            if part not in ("", "."):
                known = self._unique(known, safe_part(part))
                self.folders.append(known)
            self._folders[wanted] = known
        return known

    def file(self, folder: str, name: str) -> str:
        """Return the path for a file.

        Args:
            folder: the folder that is wanted.
            name: the name that is wanted in it.
        """
        return self._unique(self.folder(folder), safe_part(name))

    def _unique(self, folder: str, name: str) -> str:
        slash = f"{folder}/" if folder else ""
        path = slash + name
        folded = _folded(path)
        number = self._taken.get(folded)
        if number is None:
            self._taken[folded] = 1
            return path
        stem, dot, suffix = name.rpartition(".")
        stem, suffix = (stem, dot + suffix) if stem else (name, "")
        while True:
            number += 1
            path = f"{slash}{stem}-{number}{suffix}"
            if _folded(path) not in self._taken:
                self._taken[folded] = number
                self._taken[_folded(path)] = 1
                return path
