"""What all jobs share: the corpora, the programs, the folders."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from corpora import Corpora
from environments import Environment
from measure import Command

HERE = Path(__file__).resolve().parent
OUTPUTS = ("data.rec", "data.idx", "data.sum")
MXNET = "MXNet"


@dataclass(frozen=True, slots=True)
class Job:
    """Commands that do the same work, to be run in turn.

    Attributes:
        name: for --only.
        title: heading of its table.
        commands: in the order of the table.
        check: raises WrongOutput.
        items: files or records that each run works on, for rates; 0 where a rate says nothing.
        unit: what they are.
        baseline: group of commands whose quickest is what the others are compared with.
        floor_of: what is compared with each command's floor, "wall" or "cpu".
        warm_up: whether each command runs once before it is timed.
        notes: what is missing, and why.
    """

    name: str
    title: str
    commands: tuple[Command, ...]
    check: Callable[[], None] | None = None
    items: int = 0
    unit: str = "files"
    baseline: str = MXNET
    floor_of: str = "wall"
    warm_up: bool = True
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Bench:
    """The corpora, the programs, the folders.

    Attributes:
        work: where outputs are written.
        mxnet: MXNet's environment.
        mxnet_tool: path of its im2rec.py; empty when MXNet is not available.
        peers: environments by package.
        dali: that of DALI.
        options: the options that `im2rec pack` has.
    """

    corpora: Corpora
    work: Path
    scale: float
    mxnet: Environment
    mxnet_tool: str
    peers: dict[str, Environment]
    dali: Environment
    options: frozenset[str]

    @property
    def notes(self) -> tuple[str, ...]:
        """What a table that should compare with MXNet must say."""
        reason = self.mxnet.missing
        return (f"MXNet's tools are not available, so no bytes were compared with theirs: {reason}",) if reason else ()

    def images(self, corpus: str) -> Path:
        """The folder of a corpus."""
        return self.corpora.folder / corpus

    def list_of(self, corpus: str, *, shuffled: bool = True) -> Path:
        """The list of a corpus, made when it is first asked for."""
        order = "shuffle" if shuffled else "no-shuffle"
        path = self.work / "lists" / f"{corpus}-{order}.lst"
        if not path.is_file():
            path.parent.mkdir(parents=True, exist_ok=True)
            call([*program("im2rec"), "list", str(self.images(corpus)), f"--{order}", "-o", str(path), "-q"])
        return path

    def count(self, corpus: str) -> int:
        """Number of images in a corpus."""
        with open(self.list_of(corpus), "rb") as file:
            return sum(1 for _ in file)

    def prefix(self, folder: Path, corpus: str) -> str:
        """Put the list of a corpus into a folder of its own, for a command that writes beside it; return the prefix."""
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        shutil.copyfile(self.list_of(corpus), folder / "data.lst")
        return str(folder / "data")


def program(name: str) -> list[str]:
    """The command of the environment that this runs in."""
    return [str(Path(sys.executable).parent / name)]


def call(command: list[str]) -> str:
    """Run a command that is not measured, and return its stdout."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{' '.join(command)}: exit code {done.returncode}\n{done.stderr}")
    return done.stdout


def pack_options() -> frozenset[str]:
    """Read the options of `im2rec pack` from its help."""
    words = call([*program("im2rec"), "pack", "--help"]).replace("/", " ").replace(",", " ").split()
    return frozenset(word for word in words if word.startswith("--"))


def nul_separated(paths_of: Path) -> Path:
    """Write the paths of a list as `xargs -0` reads them, in a file beside it."""
    path = paths_of.with_suffix(".paths")
    lines = paths_of.read_bytes().splitlines()
    path.write_bytes(b"".join(line.rsplit(b"\t", 1)[1] + b"\0" for line in lines))
    return path


def native_pack(bench: Bench, folder: Path, corpus: str, key: str, words: str = "", *, floor: str = "", shuffled: bool = True) -> Command:
    """`im2rec pack LIST ROOT` with more words."""
    lst = bench.list_of(corpus, shuffled=shuffled)
    command = [*program("im2rec"), "pack", str(lst), str(bench.images(corpus)), "-o", str(folder / "data"), *words.split()]
    name = "LIST" if shuffled else "SORTED_LIST"
    return Command(key, f"im2rec pack {name} ROOT {words}".strip(), tuple(command), folder, OUTPUTS, floor=floor)


def mxnet_form(bench: Bench, folder: Path, corpus: str, key: str, words: str, *, floor: str = "") -> Command:
    """Our `im2rec PREFIX ROOT` with more words."""
    command = [*program("im2rec"), bench.prefix(folder, corpus), str(bench.images(corpus)), *words.split()]
    return Command(key, f"im2rec PREFIX ROOT {words}", tuple(command), folder, OUTPUTS, floor=floor)


def mxnet_pack(bench: Bench, folder: Path, corpus: str, key: str, words: str) -> list[Command]:
    """MXNet's own, or nothing when it is not available."""
    if not bench.mxnet_tool:
        return []
    command = [bench.mxnet.python, bench.mxnet_tool, bench.prefix(folder, corpus), str(bench.images(corpus)), *words.split()]
    return [Command(key, f"MXNet's im2rec.py PREFIX ROOT {words}", tuple(command), folder, OUTPUTS, group=MXNET)]


def cat(bench: Bench, folder: Path, corpus: str) -> Command:
    """The floor of pass-through: the same files in the same order into one file."""
    paths = nul_separated(bench.list_of(corpus))
    return Command(
        "cat", "xargs cat > file", ("xargs", "-0", "cat"), folder, ("data.cat",), cwd=bench.images(corpus), stdin=paths, stdout="data.cat"
    )
