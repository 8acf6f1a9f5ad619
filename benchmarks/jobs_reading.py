"""Reading finished sets: records in order and by key, and images in batches. These programs time themselves."""

from __future__ import annotations

import functools
import shutil
from collections.abc import Callable
from pathlib import Path

from bench import HERE, MXNET, Bench, Job, call, program
from environments import PEERS, project
from measure import Command

_RECORDS = 300_000  # that each run reads at scale 1, about
_IMAGES = 8_000  # the same
_READERS = {"read-order": ("tfrecord", "array_record"), "read-key": ("array_record",)}  # tfrecord has no reading by key
_WAYS = {
    "read-order": (
        ("views", "recordio.Reader(REC).unpacked(copy=False)"),
        ("order", "recordio.Reader(REC).unpacked()"),
        ("payloads", "recordio.Reader(REC), payloads alone"),
        ("unchanged", "MXNet's program on recordio.as_mxnet"),
    ),
    "read-key": (
        ("unpacked", "recordio.IndexedReader(REC).unpacked(key)"),
        ("key", "recordio.IndexedReader(REC).read(key), unpack"),
        ("mapped", "recordio.IndexedReader(REC, mapped=True).unpacked(key)"),
        ("unchanged", "MXNet's program on recordio.as_mxnet"),
    ),
}


def read(bench: Bench, name: str) -> Job:
    """Read the faces, header and image of each: in order, or by key in random order."""
    what = name.partition("-")[2]
    work, count = bench.work / name, bench.count("faces")
    rec = _packed(bench, work / "input", "faces")
    passes = max(1, round(_RECORDS * bench.scale / count))
    items = passes * count
    commands, notes = [], [*bench.notes]
    if not bench.mxnet.missing:
        words = (bench.mxnet.python, str(HERE / "mxnet_read.py"), what, rec, str(passes))
        shown = "MXNet's MXRecordIO, unpack" if what == "order" else "MXNet's MXIndexedRecordIO.read_idx(key), unpack"
        commands.append(Command("MXNet", shown, words, work, group=MXNET, items=items))
    for key, shown in _WAYS[name]:
        script = ("-m", "recordio.as_mxnet", str(HERE / "mxnet_read.py"), what) if key == "unchanged" else (str(HERE / "read_ours.py"), key)
        words = (project().python, *script, rec, str(passes))
        commands.append(Command(key, shown, words, work, items=items))
    for package in _READERS[name]:
        environment = bench.peers[package]
        if environment.missing:
            notes.append(f"{PEERS[package]} is not available: {environment.missing}")
            continue
        script = [environment.python, str(HERE / "peers" / f"{package}.py")]
        out = str(work / f"{package}.out")
        call([*script, str(bench.list_of("faces")), str(bench.images("faces")), out])
        shown = f"{PEERS[package]} {dict(environment.versions)[package]}"
        commands.append(Command(package, shown, (*script, f"--{what}", out, str(passes)), work, items=items))
    title = "Read faces in order, headers unpacked" if what == "order" else "Read faces by key in random order, headers unpacked"
    return Job(name, title, tuple(commands), None, items, unit="records", notes=tuple(notes))


def iterate(bench: Bench, dtype: str) -> Job:
    """Batches of 64 images from a set packed with short side 256: random crops of 224, mirrored at random; after a first epoch."""
    name = f"iterate-{dtype}"
    work, items = bench.work / name, max(64, round(_IMAGES * bench.scale))
    rec = _packed(bench, work / "input", "imagenet", "--resize", "256")
    commands, notes = [], [*bench.notes]
    if bench.dali.missing:
        notes.append(f"DALI is not available: {bench.dali.missing}")
    for threads in (1, 2):
        shown = f"{threads} thread{'s' * (threads > 1)}"
        words = ("images", rec, str(threads), dtype, str(items))
        if not bench.mxnet.missing:
            tool = (bench.mxnet.python, str(HERE / "mxnet_read.py"), *words)
            commands.append(Command(f"MXNet {threads}", f"MXNet's ImageRecordIter, {shown}", tool, work, group=MXNET, items=items))
        ours = (project().python, str(HERE / "read_ours.py"), *words)
        floor = f"decode {threads}"
        commands.append(Command(f"ours {threads}", f"recordio.loaders.ImageRecordIter, {shown}", ours, work, items=items, floor=floor))
        if not bench.dali.missing:
            tool = (bench.dali.python, str(HERE / "dali_read.py"), *words)
            commands.append(Command(f"DALI {threads}", f"DALI on the CPU, {shown}", tool, work, items=items))
        alone = (project().python, str(HERE / "read_ours.py"), "decode", rec, str(threads), str(items))
        commands.append(Command(floor, f"decoding alone (simplejpeg), {shown}", alone, work, items=items))
    title = f"ImageRecordIter, imagenet at 256, crops of 224, mirrored, {dtype}"
    return Job(name, title, tuple(commands), None, items, unit="images", notes=tuple(notes))


def _packed(bench: Bench, folder: Path, corpus: str, *options: str) -> str:
    """Pack a corpus; return the .rec."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    lst, root = str(bench.list_of(corpus)), str(bench.images(corpus))
    call([*program("im2rec"), "pack", lst, root, "-o", str(folder / "data"), "-q", *options])
    return str(folder / "data.rec")


JOBS: dict[str, Callable[[Bench], Job]] = {
    **{name: functools.partial(read, name=name) for name in _WAYS},
    **{f"iterate-{dtype}": functools.partial(iterate, dtype=dtype) for dtype in ("float32", "uint8")},
}
