"""The command line of MXNet 1.9.1's im2rec.py on this project's functions.

The same flags give the same files, byte for byte. Parsed with argparse as the original is, for it takes forms that click
does not: ``--exts .jpg .png``, abbreviated flags. What differs is said in docs/cli.md.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from im2rec.errors import InputError, ListError, NothingPacked, PlanError
from recordio.outputs import OutputSet

if TYPE_CHECKING:
    from im2rec.packoptions import PackOptions
    from im2rec.report import PackReport

MXNET_EXTENSIONS = (".jpeg", ".jpg", ".png")
_COLORS = {1: "color", 0: "gray", -1: "unchanged"}


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="im2rec",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
        description="The command line of MXNet's im2rec.py. With --list, write PREFIX.lst for the images in ROOT; without, pack "
        "PREFIX.lst into PREFIX.rec and PREFIX.idx. 'im2rec --help' shows the commands that can do more.",
    )
    parser.add_argument("prefix", help="path of the lists and record files, without suffix")
    parser.add_argument("root", help="folder of the images")
    lists = parser.add_argument_group("for lists")
    lists.add_argument("--list", action="store_true", help="write lists instead of packing them")
    lists.add_argument("--exts", nargs="+", default=list(MXNET_EXTENSIONS), help="suffixes of images, lower case")
    lists.add_argument("--chunks", type=int, default=1, help="number of lists, PREFIX_0.lst and so on")
    lists.add_argument("--train-ratio", type=float, default=1.0, help="share of PREFIX_train.lst")
    lists.add_argument("--test-ratio", type=float, default=0, help="share of PREFIX_test.lst; the rest is PREFIX_val.lst")
    lists.add_argument("--recursive", action="store_true", help="descend into folders, each with a label of its own")
    lists.add_argument("--no-shuffle", dest="shuffle", action="store_false", help="keep the sorted order")
    packs = parser.add_argument_group("for packing")
    packs.add_argument("--pass-through", action="store_true", help="keep the images' bytes")
    packs.add_argument("--resize", type=int, default=0, help="pixels of the short side; 0 keeps the size")
    packs.add_argument("--center-crop", action="store_true", help="cut the middle square out, before resizing")
    packs.add_argument("--quality", type=int, default=95, help="JPEG quality, 0 to 100; PNG compression, 0 to 9")
    packs.add_argument("--num-thread", type=int, default=1, help="worker processes; the order is that of the list")
    packs.add_argument("--color", type=int, default=1, choices=[-1, 0, 1], help="1 color, 0 gray, -1 as stored, with alpha")
    packs.add_argument("--encoding", default=".jpg", choices=[".jpg", ".png"], help="format of the packed images")
    packs.add_argument("--pack-label", action="store_true", help="pack all labels of a line, not only the first")
    packs.add_argument("--outside-root", action="store_true", help="not in MXNet's tool: read absolute paths and '..' in lists")
    return parser


def main(arguments: Sequence[str]) -> int:
    """Run MXNet's form and return the exit code: 0 also when images were left out, as before."""
    args = _parser().parse_args(arguments)
    # abspath, not Path: "data/" means the folder data, and MXNet's prefix is that, too.
    prefix, root = Path(os.path.abspath(args.prefix)), Path(os.path.abspath(args.root))
    if not root.is_dir():
        raise InputError(str(root), "is no folder, expected the root of the images" if root.exists() else "no such folder")
    if args.list:
        _list(prefix, root, args)
    else:
        _pack_all(prefix, root, args)
    return 0


def _say(text: str) -> None:
    print(f"im2rec: {text}", file=sys.stderr)


def _list(prefix: Path, root: Path, args: argparse.Namespace) -> None:
    # Each half of the tool loads only what it needs: the other half would double its start.
    from im2rec import listfile
    from im2rec.listing import ListOptions, collect
    from im2rec.split import mxnet_chunks
    from im2rec.walk import WalkOptions

    if args.chunks < 1:
        raise PlanError(f"--chunks {args.chunks}, expected 1 or more")
    labels = "folder" if args.recursive else "none"
    walk = WalkOptions(tuple(args.exts), args.recursive, labels, follow_symlinks=True, carry_all=True)  # type: ignore[arg-type]
    listing = collect(root, ListOptions(walk, shuffle=args.shuffle))
    with OutputSet(prefix, force=True) as outputs:
        for suffix, start, stop in mxnet_chunks(len(listing), args.chunks, args.train_ratio, args.test_ratio):
            path = prefix.with_name(f"{prefix.name}{suffix}.lst")
            listfile.write(path, listing.lines(listing.order[start:stop]), outputs)
    for name, label in listing.classes.items():
        sys.stdout.buffer.write(f"{name} {label}\n".encode("utf-8", "surrogateescape"))
    for warning in listing.warnings:
        _say(f"remark: {warning}")
    for reject in listing.rejects:
        _say(f"left out: {reject}")


def _lists(prefix: Path) -> list[Path]:
    """Find the lists of a prefix: PREFIX.lst, PREFIX_train.lst, PREFIX_0.lst and their like; in PREFIX/ if that is a folder.

    MXNet's tool takes PREFIX2.lst for a list of PREFIX, too; here that is named and left alone.
    """
    folder = prefix if prefix.is_dir() else prefix.parent
    if not folder.is_dir():
        raise InputError(str(folder), "no such folder")
    found = []
    for path in sorted(folder.glob("*.lst")):
        rest = str(path)[len(str(prefix)) :]
        if not str(path).startswith(str(prefix)) or not path.is_file():
            continue
        if rest[:1].isalnum():
            _say(f"{path}: starts with the prefix too, but is a list of another; left alone")
        else:
            found.append(path)
    if not found:
        raise InputError(f"{prefix}.lst", "no such list (nor a command: see 'im2rec --help')")
    return found


def _pack_all(prefix: Path, root: Path, args: argparse.Namespace) -> None:
    from im2rec.packoptions import PackOptions
    from im2rec.processors import usual_helpers
    from im2rec.report import rejects_of
    from im2rec.source import SourceOptions
    from im2rec.transform import TransformOptions
    from im2rec.work import IMAGE_TIMEOUT, PoolOptions

    if args.resize < 0:
        raise PlanError(f"--resize {args.resize}, expected 0 or more")
    # Its pass-through keeps any bytes, so nothing is looked at. When it decodes, it packs what is truncated as well: so
    # does this, for the same bytes, but not without a word.
    transform = TransformOptions(
        pass_through=args.pass_through,
        resize=0 if args.pass_through else args.resize,
        center_crop=args.center_crop and not args.pass_through,
        encoding=args.encoding.removeprefix("."),
        quality=args.quality,
        color=_COLORS[args.color],
        check="off" if args.pass_through else "remark",
    )
    options = PackOptions(
        SourceOptions(root, follow_symlinks=True, outside_root=args.outside_root),
        transform,
        pool=PoolOptions(readers=usual_helpers()) if args.pass_through else PoolOptions(max(1, args.num_thread), IMAGE_TIMEOUT),
        label_width=0 if args.pack_label else 1,
        checksums=False,  # MXNet's tool writes a .rec and an .idx, and nothing else
        journal=False,
        rejects_file=False,
    )
    for path in _lists(prefix):
        try:
            _tell(path, _pack(path, options))
        except NothingPacked as error:
            for reject in rejects_of(error.first):
                _say(f"left out: {reject}")
            raise


def _pack(path: Path, options: PackOptions) -> PackReport:
    from im2rec import build, ownimages, progress
    from im2rec.itemlist import ItemList

    def leave_out(fault: ListError) -> None:
        _say(f"{fault}; the line is left out")

    with ItemList.open(path, on_fault=leave_out) as items, OutputSet(force=True) as outputs, progress.bar(path.name, len(items)) as advance:
        # MXNet's tool empties such an image first and then leaves it out. Links that leave the root are not followed for this.
        inside = replace(options.source, follow_symlinks=False, outside_root=False)
        ownimages.check_images((item.path for item in items), inside, ownimages.files_of(path.with_suffix(""), (".rec", ".idx")))
        return build.pack(items, path.with_suffix(""), options, outputs, advance=advance)


def _tell(path: Path, report: PackReport) -> None:
    from im2rec import judge
    from recordio import strict

    for remark in report.remarks:
        is_packed = remark.reason.startswith((judge.LACKS_END, strict.ODD))
        _say(f"remark: {remark}" + ("" if is_packed else "; packed as MXNet's tool does ('im2rec pack' would leave it out)"))
    for reject in report.rejects:
        _say(f"left out: {reject}")
    _say(f"{path}: {report.as_text()}")
