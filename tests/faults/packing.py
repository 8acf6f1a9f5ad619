"""Packs a folder both ways, with its bytes kept and encoded anew, and asserts what every pack must keep: in = packed + rejected."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import recordio
from im2rec import build
from im2rec.errors import NothingPacked
from im2rec.listfile import Item
from im2rec.packoptions import PackOptions
from im2rec.source import SourceOptions
from im2rec.transform import TransformOptions
from im2rec.work import PoolOptions
from recordio.outputs import OutputSet

KEPT = TransformOptions()
SHORT_SIDE = 64
ENCODED = TransformOptions(pass_through=False, resize=SHORT_SIDE, scaled_decode=True)
HERE = PoolOptions()  # no worker processes
WAYS = {"kept": KEPT, "encoded": ENCODED}


class Packed(NamedTuple):
    """What became of the images of a list.

    Attributes:
        images: path -> image bytes of its record.
        rejects: path -> reason.
        remarks: path -> remark.
        traits: sum of traits -> number of packed images.
    """

    images: dict[str, bytes]
    rejects: dict[str, str]
    remarks: dict[str, str]
    traits: Counter[int]


def pack(
    root: Path,
    paths: Iterable[str],
    transform: TransformOptions,
    prefix: Path,
    pool: PoolOptions = HERE,
    *,
    follow_symlinks: bool = False,
) -> Packed:
    """Pack files below a folder, and read what was written; nothing at all may be packed."""
    items = [Item(number, (0.0,), path) for number, path in enumerate(paths)]
    options = PackOptions(SourceOptions(root, follow_symlinks), transform, pool=pool)
    try:
        with OutputSet(prefix, force=True) as outputs:
            report = build.pack(items, prefix, options, outputs)
    except NothingPacked as error:
        if not len(error.first) == error.listed == len(items):
            raise  # no more than ten are named when none can be packed
        return Packed({}, {each.item: each.reason for each in error.first}, {}, Counter())
    images = {}
    with recordio.IndexedReader(prefix.with_name(prefix.name + ".rec")) as reader:
        for key in reader.keys.tolist():
            header, image = recordio.unpack(reader.read(key))
            assert header.id == key
            images[items[key].path] = bytes(image)
    rejects = {reject.path: reject.reason for reject in report.rejects}
    # In = packed + rejected: as counts, as records, and by name.
    assert report.listed == len(items) == report.packed + report.rejected
    assert (report.packed, report.rejected) == (len(images), len(rejects))
    assert sorted([*images, *rejects]) == sorted(item.path for item in items)
    assert report.traits is not None
    return Packed(images, rejects, {remark.path: remark.reason for remark in report.remarks}, report.traits)
