"""All that the power may leave of a folder when it fails at any moment of a run.

What is known of a disk: a file holds what it held when it was last synced, or what was written since up to any byte (where it is
torn, with any block of that still zero). Names are those of the last sync of the folder, with any of the changes since: each of them
as a whole, and those of one name in their order, but those of different names in any.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from disks import Event, Recorder
from scenes import Content

_BLOCK = 512  # bytes that a disk writes whole, or not at all


class Moment(NamedTuple):
    """What is durable at one moment of a run, and what is not.

    Attributes:
        number: events before it.
        names: that are durable: name -> file.
        changes: of names, since.
        contents: file -> all that it may hold, the durable content first.
    """

    number: int
    names: dict[str, int]
    changes: list[tuple[tuple[str, int | None], ...]]
    contents: dict[int, list[bytes]]


def moments(recorder: Recorder, ignored: Iterable[str] = ()) -> Iterator[Moment]:
    """Yield the moments of a run: its start, and behind each event. Events of an ignored kind count as not done."""
    names, changes = dict(recorder.names), []
    contents = {file: [data] for file, data in recorder.contents.items()}
    yield Moment(0, dict(names), [], {file: list(found) for file, found in contents.items()})
    for number, event in enumerate(recorder.events, 1):
        if event.kind in ignored:
            continue
        _apply(event, names, changes, contents)
        yield Moment(number, dict(names), list(changes), {file: list(found) for file, found in contents.items()})


def _apply(
    event: Event, names: dict[str, int], changes: list[tuple[tuple[str, int | None], ...]], contents: dict[int, list[bytes]]
) -> None:
    if event.kind == "data":
        contents.setdefault(event.file, [b""]).append(event.data)
    elif event.kind == "fsync":
        contents[event.file] = contents.get(event.file, [b""])[-1:]
    elif event.kind == "names":
        changes.append(event.names)
    else:
        for change in changes:
            _change(names, change)
        changes.clear()


def _change(names: dict[str, int], change: tuple[tuple[str, int | None], ...]) -> None:
    for name, file in change:
        if file is None:
            names.pop(name, None)
        else:
            names[name] = file


def _cuts(contents: list[bytes]) -> list[bytes]:
    """Return what a file may hold: each content since its last sync as a whole, and the last one cut in the midst and at its end."""
    last = contents[-1]
    return list(dict.fromkeys([*contents, last[: len(last) // 2], last[:-1]])) if len(contents) > 1 else contents


def states(moment: Moment) -> Iterator[Content]:
    """Yield all that the final names may show after a crash at a moment; hidden files do not matter for that."""
    shown = [change for change in moment.changes if not all(name.startswith(".") for name, _ in change)]
    for chosen in itertools.product((False, True), repeat=len(shown)):
        names = {name: file for name, file in moment.names.items() if not name.startswith(".")}
        for change in itertools.compress(shown, chosen):
            _change(names, change)
        final = {name: file for name, file in names.items() if not name.startswith(".")}
        held = {file: _cuts(moment.contents.get(file, [b""])) for file in set(final.values())}
        for found in itertools.product(*held.values()):
            data = dict(zip(held, found, strict=True))
            yield {name: data[file] for name, file in final.items()}


def draw(moment: Moment, rng: random.Random, *, torn: bool = False, changed: str = "") -> Content:
    """Draw a state of the whole folder, hidden files and all.

    Args:
        moment: the moment.
        rng: draws.
        torn: let blocks be zero that were not there before.
        changed: name of a file that is written over and behind, not anew: what of that is not done leaves its old bytes.
    """
    names = dict(moment.names)
    share = rng.choice((0.0, 0.5, 0.9, 1.0))
    for change in moment.changes:
        if rng.random() < share:
            _change(names, change)
    kept = names.get(changed)
    data = {file: _draw_data(moment.contents.get(file, [b""]), rng, torn=torn, kept=file == kept) for file in sorted(set(names.values()))}
    return {name: data[file] for name, file in names.items()}


def _draw_data(contents: list[bytes], rng: random.Random, *, torn: bool, kept: bool) -> bytes:
    if len(contents) == 1:
        return contents[0]
    found = rng.choice((contents[0], contents[-1], rng.choice(contents)))
    durable = contents[0]
    if rng.random() < 0.5:
        cut = rng.randrange(len(found) + 1)
        found = found[:cut] + (durable[cut:] if kept else b"")
    if kept and torn:  # each block was written, or not yet
        size = max(len(found), len(durable))
        blocks = [(found if rng.random() < 0.7 else durable)[at : at + _BLOCK] for at in range(0, size, _BLOCK)]
        found = b"".join(block.ljust(_BLOCK, b"\0") for block in blocks[:-1]) + blocks[-1] if blocks else b""
    elif torn and found:
        blocks = bytearray(found)
        for start in range(0, len(found), _BLOCK):
            if rng.random() < 0.2 and found[start : start + _BLOCK] != durable[start : start + _BLOCK]:
                blocks[start : start + _BLOCK] = bytes(len(blocks[start : start + _BLOCK]))
        found = bytes(blocks)
    return found
