"""The jobs that are compared with MXNet's tools: start, list, pass-through, resize, index."""

from __future__ import annotations

import functools
import shutil
from collections.abc import Callable
from pathlib import Path

import checks
import jobs_beyond
import jobs_finished
import jobs_integrity
import jobs_operations
import jobs_reading
from bench import HERE, MXNET, Bench, Job, call, cat, mxnet_form, mxnet_pack, native_pack, program
from environments import project
from measure import Command

CODECS = ("cv2", "simplejpeg", "cv2-scaled", "simplejpeg-scaled")


def start(bench: Bench) -> Job:
    folder = bench.work / "start"
    commands = [
        Command("help", "im2rec --help", (*program("im2rec"), "--help"), folder),
        Command("form help", "im2rec PREFIX ROOT --help", (*program("im2rec"), "PREFIX", "ROOT", "--help"), folder),
        Command("rec2idx help", "rec2idx --help", (*program("rec2idx"), "--help"), folder),
    ]
    if bench.mxnet_tool:
        tool = (bench.mxnet.python, bench.mxnet_tool, "--help")
        commands.insert(0, Command("MXNet", "MXNet's im2rec.py --help", tool, folder, group=MXNET))
    return Job("start", "Start", tuple(commands), notes=bench.notes)


def list_faces(bench: Bench) -> Job:
    work, root = bench.work / "list-faces", str(bench.images("faces"))
    made = ("data.lst", "data.classes.txt")
    native = (*program("im2rec"), "list", root, "-o", "data.lst")
    form = (*program("im2rec"), "--list", "data", root, "--recursive")
    commands = [
        Command("list", "im2rec list ROOT -o LIST", native, work / "list", made),
        Command("form", "im2rec --list PREFIX ROOT --recursive", form, work / "form", made),
    ]
    if bench.mxnet_tool:
        tool = (bench.mxnet.python, bench.mxnet_tool, "--list", "data", root, "--recursive")
        commands.insert(0, Command("MXNet", "MXNet's im2rec.py --list PREFIX ROOT --recursive", tool, work / "mxnet", made, group=MXNET))

    def check() -> None:
        for command in commands:
            checks.count_lines(command.folder / "data.lst", bench.count("faces"))
            checks.same_bytes(command.folder / "data.lst", commands[0].folder / "data.lst")

    return Job("list-faces", "List of faces", tuple(commands), check, bench.count("faces"), notes=bench.notes)


def same_as_mxnet(ours: list[Command], mxnets: list[Command], count: int) -> None:
    """Check that MXNet's form wrote MXNet's bytes, for each command of it."""
    for command in ours:
        checks.count_packed(command.folder / "data", count)
        for mxnet in mxnets:
            for name in ("data.rec", "data.idx"):
                checks.same_bytes(command.folder / name, mxnet.folder / name)


def pass_through(bench: Bench, corpus: str) -> Job:
    work, count = bench.work / f"pass-{corpus}", bench.count(corpus)
    mxnets = [
        command
        for threads in (1, 2)
        for command in mxnet_pack(bench, work / f"mxnet-{threads}", corpus, f"MXNet {threads}", f"--pass-through --num-thread {threads}")
    ]
    form = mxnet_form(bench, work / "form", corpus, "form", "--pass-through", floor="cat")
    unchecked = native_pack(bench, work / "unchecked", corpus, "unchecked", "--pass-through --no-check --no-sum", floor="cat")
    default = native_pack(bench, work / "default", corpus, "default", floor="cat")
    floor = cat(bench, work / "cat", corpus)
    commands = [*mxnets, form, unchecked, default, floor]
    if shutil.which("sync"):  # what is complete under its name must be on the disk, which costs as much for any program
        synced = work / "sync"
        line = ("sh", "-c", 'xargs -0 cat && sync "$0"', str(synced / "data.cat"))
        shown = "xargs cat > file && sync file"
        commands.append(Command("cat and sync", shown, line, synced, floor.outputs, floor.cwd, floor.stdin, floor.stdout))

    def check() -> None:
        same_as_mxnet([form], mxnets, count)
        for command in (unchecked, default):
            checks.count_packed(command.folder / "data", count)
            checks.same_bytes(command.folder / "data.rec", form.folder / "data.rec")
        checks.same_size_as_images(floor.folder / "data.cat", bench.list_of(corpus), bench.images(corpus))

    return Job(f"pass-{corpus}", f"Pass-through of {corpus}", tuple(commands), check, count, notes=bench.notes)


def resize(bench: Bench, corpus: str) -> Job:
    work, count = bench.work / f"resize-{corpus}", bench.count(corpus)
    full, scaled = "codec simplejpeg", "codec simplejpeg-scaled"
    default_floor = scaled if "--full-decode" in bench.options else full
    mxnets = mxnet_pack(bench, work / "mxnet-2", corpus, "MXNet 2", "--resize 256 --num-thread 2")
    forms = [mxnet_form(bench, work / f"form-{n}", corpus, f"form {n}", f"--resize 256 --num-thread {n}", floor=full) for n in (1, 2)]
    packs = [
        native_pack(bench, work / f"pack-{n}", corpus, f"pack {n}", f"--resize 256 --workers {n}", floor=default_floor) for n in (1, 2)
    ]
    others = [
        native_pack(bench, work / option[2:], corpus, f"pack {option[2:]} 2", f"--resize 256 {option} --workers 2", floor=floor)
        for option, floor in (("--full-decode", full), ("--scaled-decode", scaled))
        if option in bench.options
    ]
    lst, root = str(bench.list_of(corpus)), str(bench.images(corpus))
    script = (project().python, str(HERE / "codec_floor.py"), lst, root, "--resize", "256", "--decoder")
    floors = [
        Command(f"codec {name}", f"codec calls alone, one thread, decoding with {name}", (*script, name), work / "floor") for name in CODECS
    ]

    def check() -> None:
        same_as_mxnet(forms, mxnets, count)
        for command in (*packs, *others):
            checks.count_packed(command.folder / "data", count)
        for first, second in (forms, packs):
            checks.same_bytes(second.folder / "data.rec", first.folder / "data.rec")

    commands = (*mxnets, *forms, *packs, *others, *floors)
    return Job(f"resize-{corpus}", f"Resize {corpus} to 256", commands, check, count, floor_of="cpu", notes=bench.notes)


def index(bench: Bench) -> Job:
    work, count = bench.work / "index", bench.count("faces")
    prefix = Path(bench.prefix(work / "input", "faces"))
    call([*program("im2rec"), str(prefix), str(bench.images("faces")), "--pass-through"])
    rec, made = str(prefix.with_suffix(".rec")), ("data.idx",)
    commands = [
        Command("rec2idx", "rec2idx REC IDX", (*program("rec2idx"), rec, "data.idx"), work / "rec2idx", made),
        Command("index", "im2rec index REC -o IDX", (*program("im2rec"), "index", rec, "-o", "data.idx"), work / "index", made),
    ]
    if bench.mxnet_tool:
        tool = (bench.mxnet.python, str(HERE / "mxnet_rec2idx.py"), rec, "data.idx")
        commands.insert(0, Command("MXNet", "MXNet's reader, as its rec2idx.py", tool, work / "mxnet", made, group=MXNET))

    def check() -> None:
        checks.count_lines(work / "rec2idx" / "data.idx", count)
        checks.same_bytes(work / "index" / "data.idx", prefix.with_suffix(".idx"))
        if bench.mxnet_tool:
            checks.same_bytes(work / "rec2idx" / "data.idx", work / "mxnet" / "data.idx")

    return Job("index", "Index of faces", tuple(commands), check, count, notes=bench.notes)


JOBS: dict[str, Callable[[Bench], Job]] = {
    "start": start,
    "list-faces": list_faces,
    "pass-faces": functools.partial(pass_through, corpus="faces"),
    "pass-imagenet": functools.partial(pass_through, corpus="imagenet"),
    "resize-imagenet": functools.partial(resize, corpus="imagenet"),
    "resize-camera": functools.partial(resize, corpus="camera"),
    "index": index,
    **jobs_integrity.JOBS,
    **jobs_finished.JOBS,
    **jobs_reading.JOBS,
    **jobs_operations.JOBS,
    **jobs_beyond.JOBS,
}
