"""Commands on small sets, for whatever may go wrong while they run: the folder before, the folder after, what may stand between.

A scene is a command together with what stands in its folder before. Runs are repeatable to the byte, so that what is found after
a fault is the old content, the new, or wrong.
"""

from __future__ import annotations

import contextlib
import functools
import io
import json
import os
import re
import shutil
import signal
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np

from im2rec import chunks, journal, passthrough, pool
from im2rec.cli import main
from im2rec.operations import shuffle
from recordio import files
from recordio.verify import verify

Content = dict[str, bytes]
HANDLED = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP]
MEMORY = Path("/dev/shm")  # files of tests that run thousands of times: nothing is to survive
SHARDS = tuple(f"x-0000{number}-of-00003.rec" for number in range(3))
SIZED = tuple(f"x-0000{number}-of-00004.rec" for number in range(4))


class Ran(NamedTuple):
    """What a command left behind."""

    code: int
    out: str
    err: str


def picture(seed: int, size: int = 24) -> bytes:
    """Encode a small JPEG, another one for each seed."""
    slope = np.add.outer(np.arange(size) * 3, np.arange(size + seed % 5) * 2)[..., None] + [0, 40, 90]
    noise = np.random.default_rng(seed).integers(0, 60, (size, size + seed % 5, 3))
    return bytes(cv2.imencode(".jpg", ((slope + noise + 7 * seed) % 256).astype(np.uint8))[1].tobytes())


def make_images(root: Path, count: int, seed: int, classes: str = "ab", truncated: int = 0) -> Path:
    """Make a folder of images in two classes, and its list beside it, and one of pairs; the last images are truncated."""
    names = [f"{classes[number % 2]}/{number:03}.jpg" for number in range(count)]
    for number, name in enumerate(names):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        data = picture(seed + number)
        (root / name).write_bytes(data[:-20] if number >= count - truncated else data)
    lines = [f"{10 + 3 * number}\t{number % 2}\t{name}\n" for number, name in enumerate(names)]  # keys that are no ordinals
    root.with_name(f"{root.name}.lst").write_text("".join(lines))
    rows = [f"{one}\t{other}\t{number % 2}\n" for number, (one, other) in enumerate(pairwise(names))]
    root.with_name(f"{root.name}.tsv").write_text("".join(rows))
    return root


@contextlib.contextmanager
def workshop(count: int = 7) -> Iterator[Path]:
    """Make a folder in memory with the images of all scenes: new, old (the last one truncated), an empty folder out, and a link to it."""
    base = Path(tempfile.mkdtemp(prefix="im2rec-", dir=MEMORY if MEMORY.is_dir() else None))
    try:
        make_images(base / "new", count, 0)
        make_images(base / "old", count, 1000, "ca", truncated=1)
        (base / "out").mkdir()
        (base / "link").symlink_to("out")
        yield base
    finally:
        shutil.rmtree(base)


class Unsynced(files.Disk):
    """The disk, without waiting for it."""

    def fsync(self, fd: int) -> None:
        pass

    def sync_folder(self, folder: Path) -> None:
        pass

    def sync_tree(self, folder: Path) -> None:
        pass


def body_of(arguments: Sequence[str]) -> Callable[[list[str]], int]:
    """Return what runs a command: the tool, or the tool rec2idx."""
    if arguments[0] != "rec2idx":
        return main._body
    from im2rec import rec2idx

    return lambda words: rec2idx.main(words[1:])


@contextlib.contextmanager
def disk_of(disk: files.Disk) -> Iterator[None]:
    """Put another layer of calls in place."""
    before, files.disk = files.disk, disk
    try:
        yield
    finally:
        files.disk = before


def run(arguments: Sequence[str], disk: files.Disk | None = None) -> Ran:
    """Run a command in this process, on another layer of calls."""
    out, err = io.TextIOWrapper(io.BytesIO(), encoding="utf-8"), io.StringIO()
    before = {number: signal.getsignal(number) for number in HANDLED}
    try:
        with disk_of(disk or Unsynced()), contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code = main.guarded("im2rec", body_of(arguments), list(arguments))
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    out.flush()
    ran = Ran(code, out.buffer.getvalue().decode(errors="backslashreplace"), err.getvalue())  # type: ignore[attr-defined]
    check_counts(ran)
    return ran


_IN_WORDS = re.compile(r"^(?:im2rec: .*: )?packed (\d+) of (\d+) images\b.*", re.MULTILINE)


def check_counts(ran: Ran) -> None:
    """Check that what a run says of images adds up, in text and in JSON: in = packed + rejected, and each rejected one is named."""
    for said in _IN_WORDS.finditer(ran.err):
        rejected = re.search(r"(\d+) rejected", said[0])
        assert int(said[2]) == int(said[1]) + (int(rejected[1]) if rejected else 0), said[0]
    summary = json.loads(ran.out) if ran.out.startswith("{") and ran.code in (0, 1) else {}
    if "packed" in summary:
        assert summary["listed"] == summary["packed"] + summary["rejected"], summary
        assert len(summary["rejects"]) == summary["rejected"], summary


def content(folder: Path) -> Content:
    """Return all files of a folder."""
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def visible(found: Content) -> Content:
    """Leave hidden files out."""
    return {name: data for name, data in found.items() if not name.startswith(".")}


def hidden(found: Content) -> list[str]:
    """Return the names of hidden files."""
    return sorted(name for name in found if name.startswith("."))


def restore(folder: Path, wanted: Content) -> None:
    """Make a folder hold just these files."""
    for path in folder.iterdir():
        if wanted.get(path.name) is None:
            path.unlink()
    for name, data in wanted.items():
        path = folder / name
        if not path.exists() or path.read_bytes() != data:
            path.unlink(missing_ok=True)  # not written over: it may be the second name of another
            path.write_bytes(data)


@dataclass(frozen=True)
class Scene:
    """A command, and those that make what it finds.

    Attributes:
        name: of the scene.
        before: commands that run first.
        command: what is watched.
        main: files without which the others do not stand; their parts may be new one after the other.
        code: of the command when all goes well.
        steps: small blocks, a journal that is saved after each, shuffles that go through files.
        carried: files that the command makes anew from old ones only.
        scratch: it has temporary files that become no output, and that messages name.
        stopped: calls of write after which the commands before are interrupted; 0 lets them end.
    """

    name: str
    before: tuple[str, ...]
    command: str
    main: tuple[str, ...] = ("x.rec",)
    code: int = 0
    steps: bool = False
    stopped: int = 0
    carried: tuple[str, ...] = ()
    scratch: bool = False

    def arguments(self, base: Path, command: str | None = None) -> list[str]:
        """Return the words of a command; paths are absolute, but for those that are asked for from the current folder."""
        places = {"new": base / "new", "old": base / "old", "out": base / "out"}
        places |= {name: Path(os.path.relpath(base / folder)) for name, folder in (("near", "out"), ("link", "link"))}
        return [word.format(**places) for word in (command or self.command).split()]

    def again(self, base: Path) -> list[str]:
        """Return the words of the command for a second run, which may replace what the first has left."""
        words = self.arguments(base)
        can_force = words[0] in _FORCED and "--force" not in words and "--resume" not in words
        return [*words, "--force"] if can_force else words

    @contextlib.contextmanager
    def setting(self) -> Iterator[None]:
        """Set what the scene asks of the tool while it runs."""
        with contextlib.ExitStack() as stack:
            stack.enter_context(replaced(pool, "_start_method", lambda: "fork"))
            if self.steps:
                stack.enter_context(small_steps())
            yield

    def prepare(self, base: Path) -> Content:
        """Make what stands there before, and return it."""
        restore(base / "out", {})
        for command in self.before:
            if command.startswith("damage "):
                damage(base / "out" / command.split()[1])
                continue
            ran = run(self.arguments(base, command), Stopping(self.stopped) if self.stopped else None)
            assert ran.code in ((130,) if self.stopped else (0, 1)), (self.name, command, ran)
        return content(base / "out")

    def is_done(self, found: Content, before: Content, new: Content) -> bool:
        """Tell whether a run has left all that it can, and nothing else, where it found *before*."""
        return found == {name: data for name, data in new.items() if name in before or name not in self.carried}

    def verdict(self, found: Content, old: Content, new: Content) -> str | None:
        """Say what is wrong with the final names, None where they are what a crash or a failure may leave.

        They show the old files, the new ones, or main files alone, each wholly old or new; never a file of one beside one
        of the other.
        """
        return _verdict(self.main, visible(found), visible(old), visible(new))


def _verdict(mains: tuple[str, ...], found: Content, old: Content, new: Content) -> str | None:
    for name, data in found.items():
        if data not in (old.get(name), new.get(name)):
            return f"{name} is neither the old file nor the new one, it has {len(data)} bytes"
    for name in mains:
        if name in old and name not in found:
            return f"{name} is gone"
    others = [name for name in found if name not in mains]
    if others and not any(
        all(found[name] == whole.get(name) for name in found) and all(name in found for name in mains if name in whole)
        for whole in (old, new)
    ):
        ages = {
            name: "same" if old.get(name) == new.get(name) else "old" if old.get(name) == data else "new" for name, data in found.items()
        }
        return f"files of two sets, or without their main file: {ages}"
    return None


@functools.cache
def _issues_of(found: frozenset[tuple[str, bytes]]) -> tuple[str, ...]:
    with tempfile.TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None) as folder:
        restore(Path(folder), dict(found))
        issues = []
        for path in sorted(Path(folder).glob("*.rec")):
            issues += [f"{path.name}: {issue.reason}" for issue in verify(path).issues]
        return tuple(issue for issue in issues if ": is missing, the .sum lists it" not in issue)


def issues_of(found: Content) -> tuple[str, ...]:
    """Return what verify finds in the record files of a folder, but for an .idx that is not there (yet)."""
    return _issues_of(frozenset((name, data) for name, data in visible(found).items() if name.endswith((".rec", ".idx", ".sum"))))


def fault_of(scene: Scene, found: Content, old: Content, new: Content) -> str | None:
    """Say what is wrong with the final names after a crash or a failure, by their content and by what verify says of them."""
    text = scene.verdict(found, old, new)
    if text is None:
        issues = set(issues_of(found)) - set(issues_of(old)) - set(issues_of(new))
        text = f"verify finds {sorted(issues)}" if issues else None
    return text


class Stopping(Unsynced):
    """Interrupts at a call of write, as Ctrl-C does."""

    def __init__(self, writes: int) -> None:
        self.left = writes

    def write(self, fd: int, data: bytes | bytearray | memoryview) -> int:
        if not self.left:
            self.left = -1
            raise KeyboardInterrupt
        self.left -= 1
        return super().write(fd, data)


def damage(path: Path) -> None:
    """Flip a bit in the middle of a file."""
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 4
    path.write_bytes(data)


@contextlib.contextmanager
def replaced(owner: object, name: str, value: object) -> Iterator[None]:
    """Put something in place of an attribute."""
    before = getattr(owner, name)
    setattr(owner, name, value)
    try:
        yield
    finally:
        setattr(owner, name, before)


@contextlib.contextmanager
def small_steps() -> Iterator[None]:
    """Let packs go in blocks of few images, with the journal saved after each, and shuffles go through files."""
    with (
        replaced(journal, "_INTERVAL", -1.0),
        replaced(passthrough, "_ITEMS", 2),
        replaced(chunks, "MOST_ITEMS", 2),
        replaced(pool, "_SERIAL_BLOCK", 1),
        replaced(shuffle, "LEAST", 1),
    ):
        yield


_FORCED = ("list", "pack", "index", "verify", "salvage", "filter", "split", "merge", "shuffle", "dedupe", "compact", "identities", "bin")
PACK_OLD = "pack {old}.lst {old} -o {out}/x"
PACK_NEW = "pack {new}.lst {new} -o {out}/x"
BUILD_NEW = "identities build {new}.lst {new} -o {out}/x --workers 0"
SCENES = [
    Scene("list", (), "list {new} -o {out}/x.lst", main=("x.lst",)),
    Scene("list over an old one", ("list {old} -o {out}/x.lst",), "list {new} -o {out}/x.lst --force", main=("x.lst",)),
    Scene(
        "splits over old ones",
        ("list {old} --split train=0.5,val=0.5 --seed 7 -o {out}/x",),
        "list {new} --split train=0.5,val=0.5 -o {out}/x --force",
        main=("x_train.lst",),
    ),
    Scene("pack", (), PACK_NEW),
    Scene("pack and reject", (), PACK_OLD, code=1),
    Scene("pack a folder", (), "pack {new} -o {out}/x"),
    Scene("encode", (), f"{PACK_NEW} --resize 16 --workers 0"),
    Scene("shards", (), f"{PACK_NEW} --shards 3", main=SHARDS),
    Scene("shards by size", (), f"{PACK_NEW} --shard-size 3000", main=SIZED),
    Scene("one part of three", (), f"{PACK_NEW} --part 1/3", main=(SHARDS[1],)),
    Scene("pack over an old set", (PACK_OLD,), f"{PACK_NEW} --force"),
    Scene("pack a folder over an old set", ("pack {old} -o {out}/x",), "pack {new} -o {out}/x --force"),
    Scene("pack without a sum over a set with one", (PACK_OLD,), f"{PACK_NEW} --force --no-sum"),
    Scene("pack rejects over an old set", (PACK_NEW,), f"{PACK_OLD} --force", code=1),
    Scene("shards over old shards", (f"{PACK_OLD} --shards 3",), f"{PACK_NEW} --shards 3 --force", main=SHARDS),
    Scene("index", (PACK_NEW,), "index {out}/x.rec -o {out}/y.idx"),
    Scene("index over an old one", (PACK_NEW,), "index {out}/x.rec --keys ordinal --force", carried=("x.sum",)),
    Scene("write a sum", (f"{PACK_NEW} --no-sum",), "verify {out}/x --write-sum --workers 0"),
    Scene("write a sum over an old one", (PACK_NEW,), "verify {out}/x --write-sum --force --workers 0"),
    Scene("rec2idx", (f"{PACK_NEW} --no-sum",), "rec2idx {out}/x.rec {out}/x.idx"),
    Scene("MXNet's list", ("list {old} -o {out}/x.lst --classes {out}/y.txt",), "--list {out}/x {new} --recursive", main=("x.lst",)),
    Scene("MXNet's pass-through", (PACK_OLD, "list {new} -o {out}/x.lst"), "{out}/x {new} --pass-through"),
    Scene("MXNet's encoding", (PACK_OLD, "list {new} -o {out}/x.lst"), "{out}/x {new} --resize 16"),
    Scene("salvage", (PACK_NEW, "damage x.rec"), "salvage {out}/x -o {out}/y", main=("x.rec", "y.rec"), code=1),
    Scene("filter", (PACK_NEW,), "filter {out}/x -o {out}/y --label 1", main=("x.rec", "y.rec")),
    Scene(
        "filter over an old set",
        (PACK_NEW, "pack {old}.lst {old} -o {out}/y"),
        "filter {out}/x -o {out}/y --label 1 --force",
        main=("x.rec", "y.rec"),
    ),
    Scene(
        "merge",
        (PACK_NEW, "pack {old}.lst {old} -o {out}/y"),
        "merge {out}/x {out}/y -o {out}/z --keys shift",
        main=("x.rec", "y.rec", "z.rec"),
    ),
    Scene("shuffle", (PACK_NEW,), "shuffle {out}/x -o {out}/y --memory 4kB", main=("x.rec", "y.rec"), steps=True, scratch=True),
    Scene("compact", (PACK_NEW,), "compact {out}/x -o {out}/y --order key", main=("x.rec", "y.rec")),
    Scene(
        "filter over an old set with a list",
        (PACK_NEW, "pack {old} -o {out}/y"),
        "filter {out}/x -o {out}/y --label 1 --force",
        main=("x.rec", "y.rec"),
    ),
    Scene("build identities", (), BUILD_NEW),
    Scene("build identities over a set", ("pack {old} -o {out}/x",), f"{BUILD_NEW} --force"),
    Scene(
        "filter identities over a set",
        (BUILD_NEW, "pack {old} -o {out}/y"),
        "identities filter {out}/x -o {out}/y --min-images 4 --force",
        main=("x.rec", "y.rec"),
    ),
    Scene(
        "merge identities",
        (f"{BUILD_NEW} --no-property",),
        "identities merge {out}/x {out}/x -o {out}/y",
        main=("x.rec", "y.rec"),
    ),
    Scene("pack pairs", (), "bin pack {new}.tsv {new} -o {out}/x.bin", main=("x.bin",)),
    Scene(
        "convert pairs over others",
        ("bin pack {new}.tsv {new} -o {out}/x.bin", "bin pack {old}.tsv {old} -o {out}/y.bin"),
        "bin convert {out}/x.bin -o {out}/y.bin --force",
        main=("x.bin", "y.bin"),
    ),
    Scene("resume", (f"{PACK_NEW} --resume",), f"{PACK_NEW} --resume", steps=True, stopped=5),
]
