"""RecordIO, the dataset format of MXNet, DALI, SageMaker and InsightFace: read it, write it, index it.

Low level, bytes only:
    frame     a payload <-> the parts on disk, with its escaped magic words
    header    label, id and image <-> a payload
    probe     format, size, traits and wholeness of an image, from its bytes

Files:
    files     the system calls on files; positional reads
    outputs   sets of files that appear together or not at all
    index     .idx files: key -> offset
    checksum  .sum files, which vouch for every byte
    reader    Reader: in order, bounded memory
    indexed   IndexedReader: by key
    writer    Writer, IndexedWriter

Damaged files:
    tolerant  every byte of a .rec, as a record that is intact or as damage
    salvaging what is whole of a .rec into a new set, with a report

Face recognition:
    pairs     verification sets (.bin), read without running anything of them

Pixels:
    images    decode, resize, encode, with OpenCV
    imagecheck  whether an image is whole

Training:
    loaders   iterators that decode, augment and batch, as mxnet.io and mxnet.image

The names below can be imported from here; modules load when a name is first used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from recordio.checksum import Sum
    from recordio.errors import (
        BadHeader,
        BadMagic,
        BadSample,
        BadSequence,
        ChecksumMismatch,
        CodecMissing,
        FileError,
        FormatError,
        ImageFormatError,
        IndexFormatError,
        KeyMissing,
        ListFormatError,
        PayloadTooLarge,
        RecordIOError,
        SumFormatError,
        Truncated,
    )
    from recordio.header import Header, pack, unpack
    from recordio.images import decode, encode, resize
    from recordio.index import Index
    from recordio.indexed import IndexedReader
    from recordio.naming import KeyConflict
    from recordio.pairs import Pairs, write_pairs
    from recordio.reader import Reader
    from recordio.resync import Damage
    from recordio.salvaging import SalvageReport, salvage
    from recordio.traits import ImageInfo, Trait
    from recordio.writer import IndexedWriter, Writer

_HOMES = {
    "errors": (
        "BadHeader",
        "BadMagic",
        "BadSample",
        "BadSequence",
        "ChecksumMismatch",
        "CodecMissing",
        "FileError",
        "FormatError",
        "ImageFormatError",
        "IndexFormatError",
        "KeyMissing",
        "ListFormatError",
        "PayloadTooLarge",
        "RecordIOError",
        "SumFormatError",
        "Truncated",
    ),
    "checksum": ("Sum",),
    "header": ("Header", "pack", "unpack"),
    "images": ("decode", "encode", "resize"),
    "index": ("Index",),
    "naming": ("KeyConflict",),
    "pairs": ("Pairs", "write_pairs"),
    "reader": ("Reader",),
    "indexed": ("IndexedReader",),
    "resync": ("Damage",),
    "salvaging": ("SalvageReport", "salvage"),
    "traits": ("ImageInfo", "Trait"),
    "writer": ("IndexedWriter", "Writer"),
}
_SUBMODULES = frozenset(  # reached as recordio.probe and the like without an import of their own; those above, too
    {*_HOMES, "alpha", "checksum", "files", "frame", "imagecheck", "issues", "loaders", "outputs", "probe"}
    | {"scan", "shardnames", "tolerant", "verify"}
)
_MODULES = {name: module for module, names in _HOMES.items() for name in names}

__all__ = [
    "BadHeader",
    "BadMagic",
    "BadSample",
    "BadSequence",
    "ChecksumMismatch",
    "CodecMissing",
    "Damage",
    "FileError",
    "FormatError",
    "Header",
    "ImageFormatError",
    "ImageInfo",
    "Index",
    "IndexFormatError",
    "IndexedReader",
    "IndexedWriter",
    "KeyConflict",
    "KeyMissing",
    "ListFormatError",
    "Pairs",
    "PayloadTooLarge",
    "Reader",
    "RecordIOError",
    "SalvageReport",
    "Sum",
    "SumFormatError",
    "Trait",
    "Truncated",
    "Writer",
    "decode",
    "encode",
    "pack",
    "resize",
    "salvage",
    "unpack",
    "write_pairs",
]


def __getattr__(name: str) -> Any:
    module = _MODULES.get(name)
    if name == "__version__":  # read when it is asked for: to load what reads it takes longer than all of this
        from importlib import metadata

        try:
            return metadata.version("im2rec")
        except metadata.PackageNotFoundError:  # a copy that nobody installed has none
            raise AttributeError(f"module {__name__!r} has no version: im2rec is not installed") from None
    if name in _SUBMODULES:
        return importlib.import_module(f"recordio.{name}")
    if module is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(f"recordio.{module}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
