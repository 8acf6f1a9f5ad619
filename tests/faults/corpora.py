"""Fetches the images that other projects test themselves with: odd ones, broken ones, ones that once crashed a decoder.

    python tests/faults/corpora.py FOLDER [--soak]

Pillow's come from its source distribution by pip, the others from Debian's source packages by apt; each as pip and apt are
configured on this machine. What cannot be had is named and left out: a machine without apt has Pillow's only. Nothing is
built, nothing is installed, and nothing outside FOLDER is written.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path

PILLOW = "12.3.0"  # which one matters little, that it stays the same does: outcomes.tsv knows its files
SOURCES = ("golang-1.19", "libgd2", "libpng1.6", "gdk-pixbuf")
MORE_SOURCES = ("exiv2", "golang-golang-x-image", "graphicsmagick", "leptonlib", "tiff")  # for the soak tier
_IMAGES = re.compile(
    r"\.(jpe?g|jpe|jfif|a?png|webp|gif|bmp|dib|tiff?|p[bgpnf]m|jp2|j2[ck]|jpc|jpx|avif|heic|ico|cur|tga|xpm|gd2?|pcx|psd|svg)$",
    re.IGNORECASE,
)
_TIMEOUT = 600  # seconds, for each call of pip and of apt


def images(folder: Path) -> list[tuple[str, Path]]:
    """Return (name with forward slashes, path) of every file of the corpora, sorted; none where they were not fetched."""
    found = ((path.relative_to(folder).as_posix(), path) for path in folder.rglob("*") if path.is_file())
    return sorted((name, path) for name, path in found if "/" in name and not name.startswith("."))


def fetch(folder: Path, *, soak: bool) -> list[str]:
    """Fetch what is not there yet; return a sentence about each corpus that cannot be had."""
    folder.mkdir(exist_ok=True)
    missing = []
    with tempfile.TemporaryDirectory(dir=folder, prefix=".fetching-") as scratch:
        if not (folder / "pillow").exists():
            missing += _fetch_pillow(folder / "pillow", Path(scratch))
        wanted = [name for name in (*SOURCES, *(MORE_SOURCES if soak else ())) if not (folder / name).exists()]
        if wanted and shutil.which("apt-get"):
            apt = _Apt(Path(scratch))
            missing += [fault for name in wanted if (fault := apt.fetch(name, folder / name))]
        elif wanted:
            missing.append(f"there is no apt-get here, so the images of {', '.join(wanted)} are missing; Pillow's are used alone")
    return missing


def _fetch_pillow(folder: Path, scratch: Path) -> list[str]:
    """Have pip unpack Pillow's sources.

    Pip asks every source distribution for its metadata, which starts its build; there is no way to only download it. So it
    gets nothing to build with and is told to leave what it has unpacked: whether the metadata can be had does not matter.
    """
    (scratch / "pip").mkdir()
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-clean", "--no-deps", "--no-build-isolation"]
    command += ["--ignore-requires-python", "--no-binary", "pillow", "--dest", str(scratch / "pillow"), f"pillow=={PILLOW}"]
    places = dict.fromkeys(("TMPDIR", "TEMP", "TMP"), str(scratch / "pip"))
    said = _run(command, {**os.environ, **places})
    for archive in (scratch / "pillow").glob("*.tar.gz"):
        _unpack(archive, folder, scratch, "Tests/images/")
    for images in (scratch / "pip").rglob("Tests/images"):
        shutil.move(images, folder)
    return [] if folder.exists() else [f"pip cannot fetch Pillow {PILLOW}: {said}"]


class _Apt:
    """Debian's source packages from where this machine has its packages from, with lists of their own."""

    def __init__(self, scratch: Path) -> None:
        self._scratch = scratch
        parts = scratch / "parts"
        for place in (parts, scratch / "lists" / "partial", scratch / "cache" / "archives" / "partial"):
            place.mkdir(parents=True)
        for path in (Path("/etc/apt/sources.list"), *Path("/etc/apt/sources.list.d").glob("*")):
            if path.suffix in (".list", ".sources") and path.is_file():
                (parts / path.name).write_text(_as_sources(path.read_text(encoding="utf-8")), encoding="utf-8")
        settings = {
            "Dir::Etc::sourcelist": "/dev/null",
            "Dir::Etc::sourceparts": parts,
            "Dir::State::lists": scratch / "lists",
            "Dir::Cache": scratch / "cache",
            "APT::Sandbox::User": "root",  # the account that root's apt takes otherwise may not write here
        }
        self._command = ["apt-get", "-qq", *(f"-o{name}={value}" for name, value in settings.items())]
        self._said = self._run("update")

    def _run(self, *arguments: str) -> str:
        return _run([*self._command, *arguments], {**os.environ, "LC_ALL": "C"}, self._scratch)

    def fetch(self, name: str, folder: Path) -> str:
        """Fetch the images of a source package; return why that cannot be done, or nothing."""
        said = self._run("source", "--download-only", "--tar-only", name)
        archives = [path for path in self._scratch.glob(f"{name}_*.orig.tar.*") if path.suffix != ".asc"]
        if not archives:
            return f"apt cannot fetch the sources of {name}: {said or self._said}"
        _unpack(archives[0], folder, self._scratch)
        archives[0].unlink()
        return ""


def _as_sources(text: str) -> str:
    """Turn the lines that name packages, in either format of apt, into lines that name their sources."""
    return re.sub(r"(?m)^(Types:.*|deb)(?=\s)", lambda match: "Types: deb-src" if match[0].startswith("T") else "deb-src", text)


def _unpack(archive: Path, folder: Path, scratch: Path, below: str = "") -> None:
    """Unpack the images of an archive, without its first folder, which has the version in its name; all or none appear."""
    unpacked = scratch / f"{folder.name}.unpacked"
    with tarfile.open(archive) as tar:
        for member, name in _members(tar, below):
            path = unpacked / name
            path.parent.mkdir(parents=True, exist_ok=True)
            content = tar.extractfile(member)
            if content is not None:
                path.write_bytes(content.read())
    unpacked.rename(folder)


def _members(tar: tarfile.TarFile, below: str) -> Iterator[tuple[tarfile.TarInfo, str]]:
    for member in tar:
        name = member.name.removeprefix("./").partition("/")[2]
        if member.isfile() and name.startswith(below) and ".." not in name.split("/") and (below or _IMAGES.search(name)):
            yield member, name.removeprefix(below)


def _run(command: list[str], environment: dict[str, str], folder: Path | None = None) -> str:
    """Run a command; return the last line it said, or that it took too long."""
    try:
        done = subprocess.run(
            command, cwd=folder, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=_TIMEOUT, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return str(error)
    lines = (done.stderr or done.stdout).strip().splitlines()
    return lines[-1] if lines else ""


def main(arguments: list[str]) -> None:
    """Fetch into the folder that is named, and say what is there."""
    folder, soak = Path(arguments[0]).resolve(), "--soak" in arguments  # apt runs in another folder
    missing = fetch(folder, soak=soak)
    for sentence in missing:
        print(f"corpora: {sentence}", file=sys.stderr)
    if not missing:
        (folder / (".fetched-soak" if soak else ".fetched")).touch()
    found: dict[str, int] = {}
    for name, _ in images(folder):
        corpus = name.partition("/")[0]
        found[corpus] = found.get(corpus, 0) + 1
    print(f"corpora: {sum(found.values())} files in {folder}: {', '.join(f'{count} of {name}' for name, count in found.items())}")


if __name__ == "__main__":
    main(sys.argv[1:])
