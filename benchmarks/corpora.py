"""The images that are measured with: cut from photographs of Debian's packages, or from the bundled ones."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
PACKAGES = ("mate-backgrounds", "lomiri-wallpapers-16.04", "lomiri-wallpapers-20.04", "ukui-wallpapers")
FROM_DEBIAN = f"photographs of Debian's packages {', '.join(PACKAGES)}"
FOLDER_SIZE = 1000  # files in a folder of the scale corpus; file systems limit the links of one file, so each has its own


@dataclass(frozen=True, slots=True)
class Corpora:
    """The folders imagenet, camera and faces, and a sentence that says what they were cut from."""

    folder: Path
    source: str

    def describe(self) -> list[tuple[str, int, int]]:
        """Name, number of files and bytes of each corpus."""
        found = []
        for name in ("faces", "imagenet", "camera"):
            sizes = [path.stat().st_size for path in (self.folder / name).rglob("*.JPEG")]
            found.append((name, len(sizes), sum(sizes)))
        return found


def make(bench: Path, scale: float) -> Corpora:
    """Make the corpora of a scale below *bench*, or find those that an earlier run made."""
    folder = bench / f"corpora-{scale:g}"
    stamp = folder / "source.txt"
    if not stamp.is_file():
        shutil.rmtree(folder, ignore_errors=True)
        photos, source = _photographs(bench / "photographs")
        print(f"making the corpora of scale {scale:g} from {source}", flush=True)
        command = [sys.executable, str(HERE / "make_corpus.py"), str(folder), "--scale", str(scale)]
        subprocess.run([*command, *(["--photos", str(photos)] if photos else [])], check=True)
        stamp.write_text(f"{source}\n", encoding="utf-8")
    return Corpora(folder, stamp.read_text(encoding="utf-8").strip())


def _photographs(folder: Path) -> tuple[Path | None, str]:
    """Return a folder of photographs and what they are; without a folder they are the bundled ones."""
    stamp = folder / ".unpacked"
    if not stamp.is_file():
        try:
            _unpack_packages(folder)
        except (OSError, subprocess.SubprocessError) as error:
            reason = str(getattr(error, "stderr", "") or error).strip().splitlines()[-1]
            return None, f"the bundled photographs, enlarged (Debian's are not available: {reason})"
        stamp.touch()
    return folder, FROM_DEBIAN


def _unpack_packages(folder: Path) -> None:
    for tool in ("apt-get", "dpkg"):
        if not shutil.which(tool):
            raise FileNotFoundError(f"there is no {tool}")
    shutil.rmtree(folder, ignore_errors=True)
    downloads = folder / "packages"
    downloads.mkdir(parents=True)
    print("fetching photographs from Debian's packages", flush=True)
    try:
        _quietly(["apt-get", "download", *PACKAGES], downloads)
    except subprocess.CalledProcessError:
        if os.geteuid():
            raise
        _quietly(["apt-get", "update"], downloads)  # package lists that are old or missing
        _quietly(["apt-get", "download", *PACKAGES], downloads)
    for package in sorted(downloads.glob("*.deb")):
        _quietly(["dpkg", "-x", str(package), str(folder)], downloads)


def _quietly(command: list[str], folder: Path) -> None:
    subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True, timeout=600)


def make_links(folder: Path, count: int, image: Path) -> Path:
    """Make a tree of *count* files that are hard links to copies of one image, 1,000 in a folder."""
    root = folder / f"links-{count}"
    stamp = folder / f"links-{count}.made"
    if stamp.is_file():
        return root
    shutil.rmtree(root, ignore_errors=True)
    for start in range(0, count, FOLDER_SIZE):
        below = root / f"{start // FOLDER_SIZE:04d}"
        below.mkdir(parents=True)
        first = below / f"{start:07d}.jpg"
        shutil.copyfile(image, first)
        for number in range(start + 1, min(start + FOLDER_SIZE, count)):
            os.link(first, below / f"{number:07d}.jpg")
    stamp.touch()
    return root


def drop_from_cache(folder: Path) -> None:
    """Ask the kernel to forget the contents of all files below *folder*."""
    os.sync()  # only what is on disk can be forgotten
    for path in folder.rglob("*"):
        if path.is_file():
            fd = os.open(path, os.O_RDONLY)
            try:
                os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)
            finally:
                os.close(fd)


def cold_cache_fault(folder: Path) -> str:
    """Tell why reads from a cold cache cannot be measured here; an empty string when they can."""
    if not hasattr(os, "posix_fadvise"):
        return "this system has no posix_fadvise"
    fincore = shutil.which("fincore")
    drop_from_cache(folder)
    if not fincore:
        return ""
    paths = [str(path) for path in sorted(folder.rglob("*.JPEG"))[:200]]
    done = subprocess.run([fincore, "--bytes", "--noheadings", "--output", "RES", *paths], capture_output=True, text=True, check=False)
    left = sum(int(line) for line in done.stdout.split())
    total = sum(os.path.getsize(path) for path in paths)
    return f"the kernel kept {left / total:.0%} of what it was asked to forget" if left > total / 10 else ""
