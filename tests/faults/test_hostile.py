"""Lists, names, links and special files made to mislead: nothing outside the root is read unless that was asked for.

Every name that the format can carry comes through list, pack and record unchanged; all others are refused when the list is
made. Around the root of these tests lie secrets; whatever a run writes or says is searched for them, and every file that it
opened is compared with them.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import oddnames
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from pictures import KINDS
from tiers import TIER, cases, parts, row, spread

import recordio
from im2rec.cli import main
from im2rec.errors import ListError
from im2rec.listfile import format_label, parse_line, path_fault
from im2rec.report import parse_rejects

if os.name == "nt":
    pytest.skip("made of links, FIFOs and names that Windows does not have", allow_module_level=True)

NAMES = cases("names", 3_000, 20_000, 1_000_000)
SECRET = b"what nobody asked for"
MISLEADING = "\x1b\x07\x7f\x85\r\u2028\u202e"  # what a terminal must not be told by a name
TABLES: list[int] = []  # sizes of the tables below


def table(*rows: tuple[Any, ...]) -> Any:
    """Parametrize a test with cases whose first value is their situation."""
    TABLES.append(len(rows))
    assert len({case[0] for case in rows}) == len(rows)
    return [pytest.param(*case[1:], id=case[0]) for case in rows]


class Ran(NamedTuple):
    """What a run said, and which of the secret files it opened."""

    code: int
    out: str
    err: str
    opened: set[str]


class World:
    """A root with images, and secrets around it."""

    def __init__(self, folder: Path, run: Callable[[list[str]], Ran]) -> None:
        self.folder = folder
        self.root = folder / "root"
        self.run = run
        jpeg = KINDS["jpeg"].make
        self.images = {path: jpeg(20 + number, 16, number) for number, path in enumerate(("good.jpg", "a/1.jpg", "a/b/2.jpg"))}
        for path, data in self.images.items():
            (self.root / path).parent.mkdir(parents=True, exist_ok=True)
            (self.root / path).write_bytes(data)
        secret = self.images["good.jpg"] + SECRET  # a JPEG with something behind its end
        for path in ("secret.jpg", "outside/secret.jpg", "outside/folder/secret.jpg", "root-2/secret.jpg", "roots/secret.jpg"):
            (folder / path).parent.mkdir(exist_ok=True)
            (folder / path).write_bytes(secret)
        (folder / "outside" / "secret.txt").write_bytes(SECRET)
        (folder / "out").mkdir()

    @property
    def secrets(self) -> dict[tuple[int, int], str]:
        """The files outside the root: device and inode -> name."""
        folders = (self.folder, self.folder / "outside", self.folder / "outside" / "folder", self.folder / "root-2", self.folder / "roots")
        paths = [path for folder in folders for path in folder.glob("secret.*")]
        return {(path.stat().st_dev, path.stat().st_ino): str(path) for path in paths}

    def clear(self) -> None:
        """Remove what a run has written."""
        for path in (self.folder / "out").iterdir():
            path.unlink()

    def link(self, name: str, target: str) -> None:
        (self.root / name).parent.mkdir(parents=True, exist_ok=True)
        (self.root / name).symlink_to(target)

    def assert_kept(self, ran: Ran) -> None:
        """No secret was opened, written or said."""
        assert ran.opened == set()
        assert SECRET.decode() not in ran.out + ran.err
        for path in (self.folder / "out").iterdir():
            assert SECRET not in path.read_bytes(), path

    def pack(self, lines: bytes, *options: str) -> tuple[Ran, dict[int, bytes], dict[int | None, str]]:
        """Pack a list; return what was said, the records and the rejects, by id."""
        (self.folder / "x.lst").write_bytes(lines)
        prefix = self.folder / "out" / "x"
        self.clear()
        ran = self.run(["pack", str(self.folder / "x.lst"), str(self.root), "-o", str(prefix), "--json", "--workers", "0", *options])
        if ran.code not in (0, 1):
            return ran, {}, {}
        summary = json.loads(ran.out)
        assert summary["listed"] == summary["packed"] + summary["rejected"]
        with recordio.IndexedReader(prefix.with_name("x.rec")) as reader:
            records = {key: bytes(recordio.unpack(reader.read(key))[1]) for key in reader.keys.tolist()}
        rejects = {reject["id"]: reject["reason"] for reject in summary["rejects"]}
        assert (len(records), len(rejects)) == (summary["packed"], summary["rejected"])
        assert ran.code == (1 if rejects else 0)
        return ran, records, rejects


@pytest.fixture
def world(tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes], monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    opened: set[tuple[int, int]] = set()
    real = os.open

    def noting(path: Any, *arguments: Any, **options: Any) -> int:
        fd = real(path, *arguments, **options)
        status = os.fstat(fd)
        opened.add((status.st_dev, status.st_ino))
        return fd

    def run(arguments: list[str]) -> Ran:
        opened.clear()
        capfdbinary.readouterr()
        with monkeypatch.context() as patch:
            patch.setattr(os, "open", noting)
            code = main.guarded("im2rec", main._body, arguments)
        for number, handler in handlers.items():
            signal.signal(number, handler)
        out, err = (said.decode("utf-8", "backslashreplace") for said in capfdbinary.readouterr())
        return Ran(code, out, err, {name for key, name in made.secrets.items() if key in opened})

    with monkeypatch.context() as patch:
        patch.chdir(tmp_path)
        made = World(tmp_path, run)
        yield made


# Paths in a list

READ, REFUSED, ASKED = "read", "refused", "read when asked for"
OUTSIDE, LINK, FOLDER_LINK, MISSING = "lies outside the root", "is a link to a place outside", "its folder is a link", "does not exist"

PATHS = table(
    ("the folder above", "../secret.jpg", ASKED, OUTSIDE),
    ("a folder beside the root", "../outside/secret.jpg", ASKED, OUTSIDE),
    ("a folder whose name starts as the root's does", "../root-2/secret.jpg", ASKED, OUTSIDE),
    ("down, then up and out", "a/../../secret.jpg", ASKED, OUTSIDE),
    ("up and back into the root", "../root/good.jpg", ASKED, OUTSIDE),
    ("up and down within the root", "a/../good.jpg", ASKED, OUTSIDE),
    ("through a folder that is not there", "none/../../secret.jpg", REFUSED, OUTSIDE),
    ("through a file", "good.jpg/../../secret.jpg", REFUSED, OUTSIDE),
    ("dots as the last part", "a/..", REFUSED, OUTSIDE),
    ("dots alone", "..", REFUSED, OUTSIDE),
    ("dots with a slash", "../", REFUSED, OUTSIDE),
    ("an absolute path", "{folder}/outside/secret.jpg", ASKED, OUTSIDE),
    ("an absolute path of an image in the root", "{root}/good.jpg", ASKED, OUTSIDE),
    ("an absolute path with two slashes", "//{folder}/secret.jpg", ASKED, OUTSIDE),
    ("a file of the system", "/etc/passwd", REFUSED, OUTSIDE),
    ("the system's own folder", "/proc/self/environ", REFUSED, OUTSIDE),
    ("a device", "/dev/zero", REFUSED, OUTSIDE),
    ("another device", "/dev/urandom", REFUSED, OUTSIDE),
    ("the tool's own input", "/dev/stdin", REFUSED, OUTSIDE),
    ("an open file of the tool", "/dev/fd/0", REFUSED, OUTSIDE),
    ("the root of the system", "/", REFUSED, OUTSIDE),
    ("a dot before", "./good.jpg", READ, ""),
    ("dots and slashes that change nothing", "a/.//b///2.jpg", READ, ""),
    ("many slashes", "a" + "/" * 2000 + "1.jpg", READ, ""),
    ("the root itself", ".", REFUSED, "Is a directory"),
    ("a folder", "a", REFUSED, "Is a directory"),
    ("a folder with a slash", "a/", REFUSED, "Is a directory"),
    ("a file as a folder", "good.jpg/", REFUSED, MISSING),
    ("a file within a file", "good.jpg/1.jpg", REFUSED, MISSING),
    ("a file that is not there", "none.jpg", REFUSED, MISSING),
    ("a home", "~/secret.jpg", REFUSED, MISSING),
    ("a variable", "$PWD/secret.jpg", REFUSED, MISSING),
    ("dots in the way of URLs", "%2e%2e/secret.jpg", REFUSED, MISSING),
    ("dots in the way of Windows", "..\\secret.jpg", REFUSED, MISSING),
    ("a drive", "C:\\secret.jpg", REFUSED, MISSING),
    ("a URL", "file://{folder}/secret.jpg", REFUSED, MISSING),
    ("a pattern", "*.jpg", REFUSED, MISSING),
    ("a command", "$(cat {folder}/secret.jpg)", REFUSED, MISSING),
    ("another case", "GOOD.JPG", REFUSED, MISSING),
    ("dots that look like dots", "\u2024\u2024/secret.jpg", REFUSED, MISSING),
    ("a slash that looks like one", "..\u2215secret.jpg", REFUSED, MISSING),
    ("a name longer than names can be", "x" * 256 + ".jpg", REFUSED, "File name too long"),
    ("a path longer than paths can be", "a/../" * 1000 + "good.jpg", REFUSED, OUTSIDE),
    ("a path of many folders", "n/" * 3000 + "good.jpg", REFUSED, "File name too long"),
    ("the colors of a terminal", "\x1b[31m\x07none\u202e\x7f.jpg", REFUSED, MISSING),
    ("blanks around", "  a/1.jpg  ", READ, ""),
    ("a carriage return behind", "a/1.jpg\r", READ, ""),
    ("other white space behind", "a/1.jpg\u2003\x0b\x1f\x85", READ, ""),
    ("a carriage return within", "a/1.jpg\r../secret.jpg", REFUSED, MISSING),
)


@pytest.mark.parametrize(("path", "fate", "reason"), PATHS)
def test_a_path_in_a_list_leads_nowhere_else(world: World, path: str, fate: str, reason: str) -> None:
    path = path.replace("{folder}", str(world.folder)).replace("{root}", str(world.root))
    lines = f"7\t1\tgood.jpg\n8\t0\t{path}\n9\t1\ta/b/2.jpg\n".encode()
    ran, records, rejects = world.pack(lines)
    assert (records[7], records[9]) == (world.images["good.jpg"], world.images["a/b/2.jpg"])
    if fate == READ:
        assert rejects == {}
        assert records[8] in world.images.values()
    else:
        assert list(rejects) == [8]
        assert reason in rejects[8]
    assert not any(mark in ran.err for mark in MISLEADING)
    world.assert_kept(ran)
    ran, records, rejects = world.pack(lines, "--outside-root")
    assert (8 in records) == (fate in (READ, ASKED)), rejects


# Links


LOOP = "symbolic links|is a broken link"
LINKS = table(
    ("to a file outside", {"l.jpg": "../secret.jpg"}, "l.jpg", ASKED, LINK),
    ("to a file outside, absolute", {"l.jpg": "{folder}/outside/secret.jpg"}, "l.jpg", ASKED, LINK),
    ("to a folder outside", {"l": "../outside"}, "l/secret.jpg", ASKED, FOLDER_LINK),
    ("to a folder outside, in the middle", {"l": "../outside"}, "l/folder/secret.jpg", ASKED, FOLDER_LINK),
    ("to a folder outside, deeper", {"a/b/l": "../../../outside"}, "a/b/l/secret.jpg", ASKED, FOLDER_LINK),
    ("to the folder above", {"l": ".."}, "l/secret.jpg", ASKED, FOLDER_LINK),
    ("to the folder above and back", {"l": ".."}, "l/root/good.jpg", READ, ""),
    ("to the root of the system", {"l": "/"}, "l{folder}/secret.jpg", ASKED, FOLDER_LINK),
    ("to a folder that is named as the root and more", {"l": "../root-2"}, "l/secret.jpg", ASKED, FOLDER_LINK),
    ("a chain that ends outside", {"l": "m", "m": "n", "n": "../outside"}, "l/secret.jpg", ASKED, FOLDER_LINK),
    ("a chain of files that ends outside", {"l.jpg": "m.jpg", "m.jpg": "../secret.jpg"}, "l.jpg", ASKED, LINK),
    ("out, and from there back in", {"l": "../outside/back"}, "l/1.jpg", READ, ""),
    ("within the root", {"l.jpg": "a/1.jpg"}, "l.jpg", READ, ""),
    ("within the root, absolute", {"l": "{root}/a"}, "l/1.jpg", READ, ""),
    ("to the root itself", {"l": "."}, "l/l/l/good.jpg", READ, ""),
    ("a chain within the root", {"l": "m", "m": "a"}, "l/1.jpg", READ, ""),
    ("to itself", {"l.jpg": "l.jpg"}, "l.jpg", REFUSED, LOOP),
    ("to each other", {"l.jpg": "m.jpg", "m.jpg": "l.jpg"}, "l.jpg", REFUSED, LOOP),
    ("to itself, as a folder", {"l": "l"}, "l/1.jpg", REFUSED, LOOP),
    ("to nothing", {"l.jpg": "none"}, "l.jpg", REFUSED, f"{MISSING}|is a broken link"),
    ("to nothing outside", {"l.jpg": "../none"}, "l.jpg", REFUSED, f"{LINK}|is a broken link"),
    ("to a device", {"l.jpg": "/dev/zero"}, "l.jpg", REFUSED, LINK),
    ("to a text outside", {"l.jpg": "../outside/secret.txt"}, "l.jpg", REFUSED, LINK),
    ("to the tool's environment", {"l.jpg": "/proc/self/environ"}, "l.jpg", REFUSED, LINK),
    ("through a process to the folder above", {"l": "/proc/self/cwd"}, "l/secret.jpg", ASKED, FOLDER_LINK),
    ("to a folder as a file", {"l.jpg": "../outside"}, "l.jpg", REFUSED, LINK),
)


@pytest.mark.parametrize(("links", "path", "fate", "reason"), LINKS)
def test_links_lead_out_of_the_root_only_when_asked(world: World, links: dict[str, str], path: str, fate: str, reason: str) -> None:
    (world.folder / "outside" / "back").symlink_to(world.root / "a")
    for name, target in links.items():
        world.link(name, target.replace("{folder}", str(world.folder)).replace("{root}", str(world.root)))
    lines = f"7\t1\tgood.jpg\n8\t0\t{path.replace('{folder}', str(world.folder))}\n".encode()
    ran, records, rejects = world.pack(lines)
    assert records[7] == world.images["good.jpg"]
    assert (8 in records) == (fate == READ), rejects
    assert re.search(reason, rejects.get(8, ""))
    world.assert_kept(ran)
    _, records, rejects = world.pack(lines, "--follow-symlinks")
    assert (8 in records) == (fate != REFUSED), rejects

    world.clear()
    listed = world.run(["list", str(world.root), "-o", str(world.folder / "out" / "listed"), "--no-shuffle"])
    world.assert_kept(listed)
    paths = [line.split("\t")[2] for line in (world.folder / "out" / "listed.lst").read_text().splitlines()]
    assert all(os.path.realpath(world.root / found).startswith(f"{world.root}/") for found in paths)
    assert not any(found.startswith("l/l") for found in paths), "a loop was walked"


# Files that are none


@contextlib.contextmanager
def special(path: Path, kind: str) -> Iterator[None]:
    """Put something that is no regular file, or none that can be read, where an image is expected."""
    with contextlib.ExitStack() as stack:
        if kind.startswith("FIFO"):
            os.mkfifo(path)
            if "writer" in kind:
                stack.callback(os.close, os.open(path, os.O_RDWR))
        elif kind == "socket":
            server = stack.enter_context(socket.socket(socket.AF_UNIX))
            server.bind(os.path.relpath(path))  # the whole path may be longer than sockets take
        elif kind == "folder":
            path.mkdir()
        elif kind == "folder with an image":
            path.mkdir()
            (path / "1.jpg").write_bytes(KINDS["jpeg"].make(9, 9, 1))
        elif kind == "empty file":
            path.touch()
        elif kind == "sparse file":
            with open(path, "wb") as file:
                file.truncate(1 << 40)
        elif kind == "file without permission":
            path.write_bytes(KINDS["jpeg"].make(9, 9, 1))
            path.chmod(0)
        else:
            os.mknod(path, 0o600 | (0o020000 if kind == "character device" else 0o060000), os.makedev(1, 5))
        yield


SPECIAL = table(
    ("a FIFO", "FIFO", "no regular file", "is no regular file"),
    ("a FIFO that somebody writes to", "FIFO with a writer", "temporarily unavailable", "is no regular file"),
    ("a socket", "socket", "cannot be opened", "is no regular file"),
    ("a folder", "folder", "Is a directory", None),
    ("a folder with an image", "folder with an image", "Is a directory", None),
    ("an empty file", "empty file", "is empty", ""),
    ("a file of a TiB of nothing", "sparse file", "has 1099511627776 bytes, expected at most", ""),
    ("a file without permission", "file without permission", "Permission denied", ""),
    ("a character device", "character device", "no regular file", "is no regular file"),
    ("a block device", "block device", "cannot be opened", "is no regular file"),
)


@pytest.mark.parametrize(("kind", "packing", "listing"), SPECIAL)
def test_what_is_no_image_file_is_named_and_never_waited_for(world: World, kind: str, packing: str, listing: str | None) -> None:
    if kind == "file without permission" and os.geteuid() == 0:
        pytest.skip("root may read everything")
    try:
        thing = special(world.root / "thing.jpg", kind)
        thing.__enter__()
    except PermissionError:
        pytest.skip("only root makes devices")
    try:
        lines = b"7\t1\tgood.jpg\n8\t0\tthing.jpg\n9\t1\ta/1.jpg\n"
        for options in ([], ["--outside-root"], ["--resize", "8"]):
            ran, records, rejects = world.pack(lines, *options)
            assert (sorted(records), list(rejects)) == ([7, 9], [8])
            assert packing in rejects[8]
            world.assert_kept(ran)
        ran = world.run(["list", str(world.root), "-o", str(world.folder / "out" / "listed"), "--json"])
        rejected = {reject["path"]: reject["reason"] for reject in json.loads(ran.out)["rejects"]}
        assert rejected == ({"thing.jpg": listing} if listing else {})
    finally:
        thing.__exit__(None, None, None)


# Lines that are none

LINES = table(
    ("one column", b"8", "1 field, expected at least 3"),
    ("two columns", b"8\tgood.jpg", "2 fields, expected at least 3"),
    ("blanks for tabs", b"8 0 good.jpg", "1 field, expected"),
    ("commas for tabs", b"8,0,good.jpg", "1 field, expected"),
    ("no path", b"8\t0\t", "the path is empty"),
    ("a path of blanks", b"8\t0\t  ", "the path is empty"),
    ("no id", b"\t0\tgood.jpg", "the id '' is no whole number"),
    ("no label", b"8\t\tgood.jpg", "the label '' is no number"),
    ("a word as id", b"x\t0\tgood.jpg", "the id 'x' is no whole number"),
    ("a path as id", b"../secret.jpg\t0\tgood.jpg", "is no whole number"),
    ("a fraction as id", b"8.0\t0\tgood.jpg", "the id '8.0' is no whole number"),
    ("an exponent as id", b"8e0\t0\tgood.jpg", "is no whole number"),
    ("a hexadecimal id", b"0x8\t0\tgood.jpg", "is no whole number"),
    ("a negative id", b"-1\t0\tgood.jpg", "the id -1 is outside 0 to 2**64 - 1"),
    ("an id of 2**64", b"18446744073709551616\t0\tgood.jpg", "is outside 0 to 2**64 - 1"),
    ("an id of 5,000 digits", b"9" * 5000 + b"\t0\tgood.jpg", "is no whole number"),
    ("an id that stands twice", b"7\t0\tgood.jpg", "the id 7 stands on line 1 already"),
    ("an id that stands twice, in another way", b" +007 \t0\tgood.jpg", "the id 7 stands on line 1 already"),
    ("a word as label", b"8\tcat\tgood.jpg", "the label 'cat' is no number"),
    ("no number as label", b"8\tnan\tgood.jpg", "the label nan is not a finite number"),
    ("an infinite label", b"8\t-inf\tgood.jpg", "the label -inf is not a finite number"),
    ("a label beyond float32", b"8\t1e39\tgood.jpg", "is beyond the range of float32"),
    ("a label beyond float64", b"8\t1e999\tgood.jpg", "the label inf is not a finite number"),
    ("a label that float32 rounds", b"8\t16777217\tgood.jpg", "would be stored as 16777216 in float32"),
    ("a bad label among many", b"8\t1\t2\tx\tgood.jpg", "the label 'x' is no number"),
    ("bytes that are not UTF-8", b"8\t0\tgood\xff.jpg", "byte 8 of the line is not UTF-8"),
    ("a mark of byte order in the middle", b"\xef\xbb\xbf8\t0\tgood.jpg", "is no whole number"),
    ("a NUL in the id", b"8\0\t0\tgood.jpg", "is no whole number"),
    ("a NUL alone", b"\0", "1 field, expected"),
    ("a NUL in the path", b"8\t0\tgood.jpg\0.png", "NUL"),
    ("a NUL in the path, then the way out", b"8\t0\ta\0/../../secret.jpg", "NUL"),
    ("an id in digits of another script", "\u0668\t1\tgood.jpg".encode(), "is no whole number"),
    ("a label in digits of another script", "8\t\u0661\tgood.jpg".encode(), "is no number"),
    ("underscores in an id", b"1_0\t1\tgood.jpg", "is no whole number"),
    ("underscores in a label", b"8\t1_6\tgood.jpg", "is no number"),
    ("an image in its place", b"\x89PNG\x1a\n", "is not UTF-8"),
    ("UTF-16", "8\t0\tgood.jpg".encode("utf-16"), "is not UTF-8"),
    ("a line of 10 MB", b"8\t0" + b" " * 10_000_000, "2 fields, expected"),
)


@pytest.mark.parametrize(("line", "reason"), LINES)
def test_a_line_that_cannot_be_used_stops_the_pack_before_it_starts(world: World, line: bytes, reason: str) -> None:
    ran, _, _ = world.pack(b"7\t1\tgood.jpg\n" + line + b"\n9\t1\ta/1.jpg\n")
    assert (ran.code, ran.out) == (3, "")
    assert f"{world.folder / 'x.lst'}:2: " in ran.err
    assert reason in ran.err
    assert list((world.folder / "out").iterdir()) == []


ODD_LINES = table(
    ("a mark of byte order first", b"\xef\xbb\xbf8\t0\tgood.jpg\n", 8, (0.0,)),
    ("the largest id", b"18446744073709551615\t0\tgood.jpg\n", 2**64 - 1, (0.0,)),
    ("blanks around all fields", b"  8 \t 1.5 \t good.jpg \n", 8, (1.5,)),
    ("line ends of Windows", b"8\t1\tgood.jpg\r\n", 8, (1.0,)),
    ("no line end", b"8\t1\tgood.jpg", 8, (1.0,)),
    ("blank lines around", b"\n \n\r\n8\t1\tgood.jpg\n\t\n", 8, (1.0,)),
    ("a tab at the end", b"8\t1\tgood.jpg\t\n", 8, (1.0,)),
    ("a label with an exponent", b"8\t1e3\tgood.jpg\n", 8, (1000.0,)),
    ("the largest label", b"8\t340282346638528859811704183484516925440\tgood.jpg\n", 8, (3.4028234663852886e38,)),
    ("negative labels", b"8\t-1\t-0.5\tgood.jpg\n", 8, (-1.0, -0.5)),
    ("a thousand labels", b"8" + b"\t0.5" * 1000 + b"\tgood.jpg\n", 8, (0.5,) * 1000),
)


@pytest.mark.parametrize(("line", "id_", "labels"), ODD_LINES)
def test_an_odd_line_is_read_as_it_is_meant(world: World, line: bytes, id_: int, labels: tuple[float, ...]) -> None:
    ran, records, _ = world.pack(line)
    assert (ran.code, records) == (0, {id_: world.images["good.jpg"]})
    with recordio.IndexedReader(world.folder / "out" / "x.rec") as reader:
        header, _ = recordio.unpack(reader.read(id_))
    found = (header.label,) if isinstance(header.label, float) else tuple(header.label.tolist())
    assert found == labels


def put(folder: Path, kind: str) -> Path:
    """Put something that is no list where one is expected."""
    path = folder / "no.lst"
    if kind == "a folder":
        path.mkdir()
    elif kind == "a FIFO":
        os.mkfifo(path)
    elif kind == "a device":
        path.symlink_to("/dev/zero")
    elif kind == "a link to itself":
        path.symlink_to(path.name)
    elif kind == "only blank lines":
        path.write_bytes(b"\n\n \r\n")
    elif kind == "nothing":
        path.write_bytes(b"")
    return path


NO_LISTS = table(
    *[(kind, kind) for kind in ("a folder", "a FIFO", "a device", "a link to itself", "only blank lines", "nothing", "no file")]
)


@pytest.mark.parametrize("kind", NO_LISTS)
def test_what_is_no_list_is_refused_at_once(world: World, kind: str) -> None:
    path = put(world.folder, kind)
    ran = world.run(["pack", str(path), str(world.root), "-o", str(world.folder / "out" / "x")])
    # A folder in a list's place is a folder to be packed, which goes with no ROOT.
    assert ran.code == (2 if kind == "a folder" else 3)
    assert list((world.folder / "out").iterdir()) == []


# Names in a folder

LISTED, UNLISTED = True, False
FILES = table(
    ("a tab", b"a\tb.jpg", UNLISTED),
    ("a line feed", b"a\nb.jpg", UNLISTED),
    ("the colors of a terminal, and a tab", "\x1b[31m\x07\u202e\u2028\t.jpg".encode(), UNLISTED),
    ("a line of a list", b"x\n0\t0\t..\xe2\x88\x95secret.jpg", UNLISTED),
    ("a carriage return", b"a\rb.jpg", UNLISTED),
    ("a blank first", b" a.jpg", UNLISTED),
    ("a blank of another kind first", "\u3000a.jpg".encode(), UNLISTED),
    ("Latin-1", b"caf\xe9.jpg", UNLISTED),
    ("half a character", b"a\xe2\x82.jpg", UNLISTED),
    ("half a pair", b"a\xed\xa0\x80.jpg", UNLISTED),
    ("a slash in too many bytes", b"a\xc0\xaf.jpg", UNLISTED),
    ("a blank behind the suffix", b"a.jpg ", UNLISTED),
    ("a line feed behind the suffix", b"a.jpg\n", UNLISTED),
    ("nothing but a suffix", b".jpg", None),
    ("dots and a suffix", b"...jpg", None),
    ("a blank within", b"a b.jpg", LISTED),
    ("a dash first", b"-rf.jpg", LISTED),
    ("an option", b"--force.jpg", LISTED),
    ("an option with a value", b"--output=x.jpg", LISTED),
    ("a pattern", b"*.jpg", LISTED),
    ("a variable and a command", b"$HOME$(id)`id`;id|id&.jpg", LISTED),
    ("quotes", b"'\".jpg", LISTED),
    ("a backslash", b"a\\..\\b.jpg", LISTED),
    ("what looks like an escape", b"a\\tb\\n.jpg", LISTED),
    ("dots first", b"..a.jpg", LISTED),
    ("two suffixes", b"a.jpg.exe.jpg", LISTED),
    ("capitals", b"a.JpEg", LISTED),
    ("the colors of a terminal", b"\x1b[31m\x07red.jpg", LISTED),
    ("delete, and a vertical tab", b"a\x7f\x0bb.jpg", LISTED),
    ("a line end of Unicode", "a\u2028b\x85c.jpg".encode(), LISTED),
    ("from right to left", "gpj.\u202eexe.jpg".encode(), LISTED),
    ("a mark of byte order first", "\ufeffa.jpg".encode(), LISTED),
    ("an accent in two ways", "e\u0301é.jpg".encode(), LISTED),
    ("beyond the first 65,536 characters", "😀.jpg".encode(), LISTED),
    ("255 bytes", b"x" * 251 + b".jpg", LISTED),
    ("255 bytes of others", "日".encode() * 83 + b"ab.jpg", LISTED),
    ("the name of an output", b"x.rec.jpg", LISTED),
    ("a number", b"0.jpg", LISTED),
)


@pytest.mark.parametrize(("name", "fate"), FILES)
def test_a_name_comes_through_or_is_refused_when_the_list_is_made(world: World, name: bytes, fate: bool | None) -> None:
    """As a file, and as a folder: list, then pack; and packed as a folder in one go."""
    image = KINDS["jpeg"].make(30, 30, 99)
    root = os.fsencode(world.root)
    made = {name, b"d" + name[:-4] + b"/1.jpg"}
    for path in made:
        os.makedirs(os.path.dirname(os.path.join(root, path)), exist_ok=True)
        with open(os.path.join(root, path), "wb") as file:
            file.write(image)
    ran = world.run(["list", str(world.root), "-o", str(world.folder / "x.lst"), "--json"])
    summary = json.loads(ran.out)
    lines = [line.split(b"\t") for line in (world.folder / "x.lst").read_bytes().split(b"\n")[:-1]]
    listed = {path: int(id_) for id_, _, path in lines}
    expected = {path for path in made if oddnames.can_be_listed(path) and path.lower().endswith((b".jpg", b".jpeg")) and not _hidden(path)}
    if fate is not None:
        assert (name in expected) == fate
    assert set(listed) == expected | {path.encode() for path in world.images}
    rejected = {_as_bytes(reject["path"]) for reject in summary["rejects"]}
    assert rejected == {path for path in made - expected if path.lower().rstrip().endswith((b".jpg", b".jpeg")) and not _hidden(path)}
    assert summary["found"] == summary["listed"] + summary["rejected"] == len(listed) + len(rejected)
    assert ran.code == bool(rejected)
    assert not any(mark in ran.err for mark in MISLEADING)

    ran, records, rejects = world.pack((world.folder / "x.lst").read_bytes())
    assert rejects == {}
    assert all(records[id_] == (image if path in made else world.images[path.decode()]) for path, id_ in listed.items())
    ran = world.run(["pack", str(world.root), "-o", str(world.folder / "out" / "y")])
    assert ran.code == bool(rejected)
    assert f"packed {len(listed)} of {len(listed) + len(rejected)} images" in ran.err
    assert not any(mark in ran.err for mark in MISLEADING)
    if rejected:
        found = parse_rejects((world.folder / "out" / "y.rejects.tsv").read_bytes())
        assert {os.fsencode(reject.path) for reject in found} == rejected


def _hidden(path: bytes) -> bool:
    """Whether nothing stands before the suffix, so that it is none."""
    return not os.path.basename(path).rpartition(b".")[0].strip(b".")


def _as_bytes(path: str) -> bytes:
    """Undo what JSON makes of a name that is not UTF-8: its bytes are escapes there."""
    return path.encode("utf-8", "surrogateescape")


# Roots

ROOTS = table(
    ("a link to the root", "link", 0),
    ("a link to a link", "link-2", 0),
    ("a dot", "root/.", 0),
    ("up and down", "outside/../root", 0),
    ("with slashes", "root///", 0),
    ("a file", "secret.jpg", 3),
    ("nothing", "none", 3),
    ("a link to nothing", "broken", 3),
    ("a link to itself", "loop", 3),
    ("a device", "/dev/null", 3),
    ("a name with a NUL", "root\0", 3),
    ("an empty name, as of a variable that is not set", "", 2),
)


@pytest.mark.parametrize(("root", "code"), ROOTS)
def test_a_root_is_a_folder_however_it_is_called(world: World, root: str, code: int) -> None:
    for name, target in {"link": "root", "link-2": "link", "broken": "none", "loop": "loop"}.items():
        (world.folder / name).symlink_to(target)
    listed = world.run(["list", root, "-o", "out/l"])
    (world.folder / "x.lst").write_text("7\t1\tgood.jpg\n8\t1\t../outside/secret.jpg\n")
    packed = world.run(["pack", "x.lst", root, "-o", "out/x"])
    if code:
        assert (listed.code, packed.code) == (code, code)
        assert list((world.folder / "out").iterdir()) == []
    else:
        assert (listed.code, packed.code) == (0, 1)
        assert len((world.folder / "out" / "l.lst").read_text().splitlines()) == len(world.images)
        world.assert_kept(packed)


# Trees that lead nowhere


def test_links_in_circles_are_walked_once_and_named(world: World) -> None:
    world.link("a/up", "..")
    world.link("a/b/self", ".")
    world.link("one", "two")
    world.link("two", "one")
    world.link("twice", "a")  # no circle: its images stand there twice
    ran = world.run(["list", str(world.root), "-o", str(world.folder / "out" / "l"), "--json", "--no-shuffle"])
    paths = [line.split("\t")[2] for line in (world.folder / "out" / "l.lst").read_text().splitlines()]
    assert paths == ["good.jpg", "a/1.jpg", "a/b/2.jpg", "twice/1.jpg", "twice/b/2.jpg"]
    reasons = {reject["path"]: reject["reason"] for reject in json.loads(ran.out)["rejects"]}
    assert set(reasons) == {"a/up", "a/b/self", "twice/up", "twice/b/self"}
    assert set(reasons.values()) == {"is a link to a folder that it lies in, an endless loop"}


def test_folders_deeper_than_paths_can_be_are_named(world: World) -> None:
    here = os.getcwd()
    os.chdir(world.root)
    try:
        for _ in range(30):
            os.mkdir("d" * 200)
            os.chdir("d" * 200)
            Path("deep.jpg").write_bytes(world.images["good.jpg"])
    finally:
        os.chdir(here)
    ran = world.run(["list", str(world.root), "-o", str(world.folder / "out" / "l"), "--json"])
    summary = json.loads(ran.out)
    assert (ran.code, summary["rejected"]) == (1, 1)
    assert "File name too long" in summary["rejects"][0]["reason"]
    ran, records, rejects = world.pack((world.folder / "out" / "l.lst").read_bytes())
    assert len(records) + len(rejects) == summary["listed"]


def test_labels_in_a_file_reach_no_further_than_the_folder(world: World) -> None:
    rows = "path,label\ngood.jpg,1\n../secret.jpg,2\n/etc/passwd,3\na/../../secret.jpg,4\n"
    (world.folder / "labels.csv").write_text(rows)
    ran = world.run(["list", str(world.root), "-o", "out/l", "--labels", "labels.csv", "--json"])
    summary = json.loads(ran.out)
    assert (summary["listed"], summary["rejected"], summary["unused_labels"]) == (1, 2, 3)
    world.assert_kept(ran)


def test_mxnets_form_reads_nothing_outside_a_list_unless_asked(world: World) -> None:
    (world.folder / "out" / "m.lst").write_text("7\t1\tgood.jpg\n8\t1\t../outside/secret.jpg\n9\t1\t/etc/passwd\n")
    ran = world.run([str(world.folder / "out" / "m"), str(world.root), "--pass-through"])
    world.assert_kept(ran)
    assert ran.err.count("lies outside the root") == 2
    ran = world.run([str(world.folder / "out" / "m"), str(world.root), "--pass-through", "--outside-root"])
    assert ran.err.count("lies outside the root") == 0
    assert SECRET in (world.folder / "out" / "m.rec").read_bytes()


def test_a_secret_is_found_when_it_is_read(world: World) -> None:
    """The net that all of the above hangs in holds."""
    ran, records, _ = world.pack(b"8\t0\t../outside/secret.jpg\n", "--outside-root")
    assert ran.opened == {str(world.folder / "outside" / "secret.jpg")}
    assert records[8].endswith(SECRET)
    with pytest.raises(AssertionError):
        world.assert_kept(ran)


def test_workers_read_nothing_outside_either(world: World) -> None:
    world.link("l", "../outside")
    (world.folder / "w.lst").write_text("7\t1\tgood.jpg\n8\t1\t../secret.jpg\n9\t1\tl/secret.jpg\n")
    command = [sys.executable, "-m", "im2rec", "pack", "w.lst", "root", "-o", "out/w", "--workers", "2", "--pass-through", "--json"]
    done = subprocess.run(command, cwd=world.folder, capture_output=True, check=False, timeout=60)
    summary = json.loads(done.stdout)
    assert (done.returncode, summary["packed"], summary["rejected"]) == (1, 1, 2)
    world.assert_kept(Ran(done.returncode, done.stdout.decode(), done.stderr.decode(), set()))


def test_there_are_tables_enough() -> None:
    with row("hostile lists, names, links") as counted:
        counted.cases = sum(TABLES) + 7  # and the tests without a table
        assert counted.cases >= 120


# Names at random


def test_any_name_comes_through_or_is_refused_at_the_list() -> None:
    with row("hostile names") as counted:
        for done in spread(oddnames.check, parts(NAMES, 2_000 if TIER != "quick" else 1_000)):
            counted.add(done)


@settings(max_examples=cases("paths", 300, 5_000, 100_000), deadline=None)
@given(
    st.text(st.characters(exclude_characters="\0") | st.sampled_from("\t\n\r \x85\xa0\u2028\u3000\ufeff\\/."), min_size=1),
    st.integers(0, 2**64 - 1),
    st.floats(width=32, allow_nan=False, allow_infinity=False),
)
@example("\udcff", 0, 0.0)
@example("a\u2028", 0, 0.1)
def test_a_path_that_a_list_can_carry_is_read_back_from_its_line(path: str, id_: int, label: float) -> None:
    line = f"{id_}\t{format_label(label)}\t{path}\n"
    if path_fault(path) is None:
        item = parse_line(line.encode().decode("utf-8"))
        assert item == (id_, (label,), path)
        return
    try:  # refused are only those that would become others
        read = parse_line(line.partition("\n")[0].partition("\r")[0]).path.encode()
    except (ListError, UnicodeEncodeError):
        return
    assert read != path.encode("utf-8", "surrogatepass")
