"""What is done with finished sets: their images back to a folder."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import checks
from bench import HERE, MXNET, Bench, Job, call, program
from measure import Command


def extract(bench: Bench) -> Job:
    """Write the faces of a set to folders by label."""
    work, count = bench.work / "extract", bench.count("faces")
    prefix = Path(bench.prefix(work / "input", "faces"))
    call([*program("im2rec"), "pack", f"{prefix}.lst", str(bench.images("faces")), "-o", str(prefix), "-q"])
    words = (*program("im2rec"), "extract", str(prefix), "-o", "images")
    commands = [
        Command("extract", "im2rec extract PREFIX -o FOLDER", words, work / "list", ("images",)),
        Command("labels", "im2rec extract PREFIX -o FOLDER --names label", (*words, "--names", "label"), work / "label", ("images",)),
        Command("alone", "im2rec extract PREFIX -o FOLDER --workers 0", (*words, "--workers", "0"), work / "alone", ("images",)),
    ]
    if not bench.mxnet.missing:
        tool = (bench.mxnet.python, str(HERE / "mxnet_extract.py"), str(prefix), "images")
        shown = "a Python loop over MXNet's reader"
        commands.insert(0, Command("loop", f"{shown}, as InsightFace's rec2image.py", tool, work / "mxnet", ("images",), group=MXNET))
        commands.insert(1, Command("bytes", f"{shown}, bytes kept", (*tool, "--bytes"), work / "bytes", ("images",)))

    def check() -> None:
        for command in commands:
            checks.count_files(command.folder / "images", (".jpg", ".jpeg"), count)
        checks.same_bytes(work / "list" / "images" / "data.lst", prefix.with_suffix(".lst"))

    return Job("extract", "Extract faces", tuple(commands), check, count, notes=bench.notes)


JOBS: dict[str, Callable[[Bench], Job]] = {"extract": extract}
