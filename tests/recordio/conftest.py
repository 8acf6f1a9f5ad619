"""Fixtures of the recordio tests: golden data, byte surgery, an independent framer, and pictures."""

from __future__ import annotations

import io
import json
import os
import struct
from pathlib import Path
from typing import NamedTuple

import pytest

from recordio import files
from recordio.errors import RecordIOError
from recordio.reader import Reader
from recordio.writer import Writer

MAGIC_BYTES = b"\x0a\x23\xd7\xce"


class Frames(NamedTuple):
    """What MXNet's MXIndexedRecordIO was given, and the files it wrote."""

    keys: list[int]
    payloads: list[bytes]
    offsets: list[int]
    rec: Path
    idx: Path


@pytest.fixture(scope="session")
def golden() -> Path:
    return Path(__file__).parents[1] / "golden"


@pytest.fixture(scope="session")
def frames(golden) -> Frames:
    content = json.loads((golden / "recordio" / "frames.json").read_text())
    payloads = [bytes.fromhex(payload) for payload in content["payloads_hex"]]
    lines = (golden / "recordio" / "frames.idx").read_text().splitlines()
    offsets = [int(line.split("\t")[1]) for line in lines]
    return Frames(content["keys"], payloads, offsets, golden / "recordio" / "frames.rec", golden / "recordio" / "frames.idx")


class Faces(NamedTuple):
    """What MXNet's MXIndexedRecordIO was given for a file laid out as face-recognition datasets are."""

    records: list[tuple[int, float | list[float], bytes]]  # key, label, image, in the order of writing
    rec: Path
    idx: Path


@pytest.fixture(scope="session")
def faces(golden) -> Faces:
    paths = [path for folder in ("cat", "coffee", "space") for path in (golden / "images" / folder).iterdir()]
    jpegs = [path.read_bytes() for path in sorted(paths, key=str) if path.suffix.lower() in (".jpg", ".jpeg")]
    labels = [0.0, 0.0, 0.0, 1.0, 1.0, 2.0, 2.0]
    records = [(key, label, image) for key, (label, image) in enumerate(zip(labels, jpegs, strict=True), 1)]
    records += [(8, [1.0, 4.0], b""), (9, [4.0, 6.0], b""), (10, [6.0, 8.0], b""), (0, [8.0, 11.0], b"")]
    return Faces(records, golden / "recordio" / "identities.rec", golden / "recordio" / "identities.idx")


@pytest.fixture(scope="session")
def part():
    """Frame one part by hand: magic, cflag << 29 | length, data, zeros up to a multiple of 4."""

    def build(cflag: int, data: bytes, length: int | None = None) -> bytes:
        lrec = cflag << 29 | (len(data) if length is None else length)
        return MAGIC_BYTES + struct.pack("<I", lrec) + data + b"\0" * (-len(data) % 4)

    return build


@pytest.fixture(scope="session")
def framed(part):
    """Frame a whole payload word by word: the definition of the format, without a thought for speed."""

    def build(payload: bytes) -> bytes:
        words = [payload[at : at + 4] for at in range(0, len(payload), 4)]
        pieces = [bytearray()]
        for word in words:
            if word == MAGIC_BYTES:
                pieces.append(bytearray())
            else:
                pieces[-1] += word
        if len(pieces) == 1:
            return part(0, payload)
        cflags = [1, *[2] * (len(pieces) - 2), 3]
        return b"".join(part(cflag, piece) for cflag, piece in zip(cflags, pieces, strict=True))

    return build


class Patient:
    """A .rec file to hurt. Every operation changes the file on disk and returns the patient."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.offsets: list[int] = []

    @property
    def name(self) -> str:
        return str(self.path)

    @property
    def data(self) -> bytes:
        return self.path.read_bytes()

    def write(self, *payloads: bytes) -> Patient:
        with Writer(self.path, force=True) as writer:
            self.offsets = [writer.write(payload) for payload in payloads]
        return self

    def put(self, data: bytes) -> Patient:
        self.path.write_bytes(data)
        return self

    def flip(self, offset: int, mask: int = 0xFF) -> Patient:
        data = bytearray(self.data)
        data[offset] ^= mask
        return self.put(bytes(data))

    def cut(self, size: int) -> Patient:
        return self.put(self.data[:size])

    def insert(self, offset: int, data: bytes) -> Patient:
        return self.put(self.data[:offset] + data + self.data[offset:])

    def remove(self, start: int, end: int) -> Patient:
        return self.put(self.data[:start] + self.data[end:])

    def duplicate(self, start: int, end: int) -> Patient:
        return self.insert(end, self.data[start:end])

    def set_lrec(self, offset: int, cflag: int | None = None, length: int | None = None) -> Patient:
        (lrec,) = struct.unpack_from("<I", self.data, offset + 4)
        cflag = lrec >> 29 if cflag is None else cflag
        length = lrec & 0x1FFFFFFF if length is None else length
        data = bytearray(self.data)
        struct.pack_into("<I", data, offset + 4, cflag << 29 | length)
        return self.put(bytes(data))

    def set_cflag(self, offset: int, cflag: int) -> Patient:
        return self.set_lrec(offset, cflag=cflag)

    def set_length(self, offset: int, length: int) -> Patient:
        return self.set_lrec(offset, length=length)

    def read(self) -> tuple[list[bytes], RecordIOError | None]:
        """Read on until the end or the first fault: the payloads, and the fault."""
        payloads: list[bytes] = []
        with Reader(self.path) as reader:
            try:
                for payload in reader:
                    payloads.append(payload)  # noqa: PERF402  (those before a fault count)
            except RecordIOError as error:
                return payloads, error
        return payloads, None


@pytest.fixture
def patient(tmp_path) -> Patient:
    return Patient(tmp_path / "x.rec")


@pytest.fixture
def told():
    """All facts of a format error in one tuple, to be compared at once."""

    def facts(error: RecordIOError) -> tuple[str, str, int, str]:
        return type(error).__name__, error.source, error.offset, error.reason

    return facts


@pytest.fixture
def reads(monkeypatch) -> list[tuple[int, int]]:
    """(offset, length) of every InputFile.read_at, as they happen."""
    calls: list[tuple[int, int]] = []
    original = files.InputFile.read_at

    def read_at(self, offset, length):
        calls.append((offset, length))
        return original(self, offset, length)

    monkeypatch.setattr(files.InputFile, "read_at", read_at)
    return calls


@pytest.fixture(params=["pread", "lseek"])
def with_and_without_pread(request, monkeypatch) -> str:
    """Run a test twice: the second time as on Windows, where os.pread does not exist."""
    if request.param == "lseek":
        monkeypatch.delattr(os, "pread", raising=False)
    return request.param


@pytest.fixture(scope="session")
def photo(golden):
    """A real photograph at a size, in one of Pillow's modes."""
    from PIL import Image

    with Image.open(golden / "images" / "cat" / "whole face.jpg") as image:
        cat = image.convert("RGB")

    def build(mode: str = "RGB", size: tuple[int, int] = (40, 30)) -> Image.Image:
        scaled = cat.resize(size)
        if mode in ("RGBA", "LA"):
            scaled.putalpha(scaled.convert("L"))
        return scaled.convert("L").convert(mode) if mode == "I;16" else scaled.convert(mode)

    return build


@pytest.fixture(scope="session")
def saved(photo):
    """The bytes of that photograph as Pillow saves it."""

    def build(format: str, mode: str = "RGB", size: tuple[int, int] = (40, 30), **options) -> bytes:
        stream = io.BytesIO()
        photo(mode, size).save(stream, format, **options)
        return stream.getvalue()

    return build


@pytest.fixture(scope="session")
def noise():
    """A smooth random picture, (height, width, channels) uint8, the same for the same size."""
    import cv2
    import numpy as np

    def build(height: int = 30, width: int = 40, channels: int = 3):
        shape = (max(height // 4, 1), max(width // 4, 1), channels)
        coarse = np.random.default_rng(7).integers(0, 256, shape, dtype=np.uint8)
        return cv2.resize(coarse, (width, height), interpolation=cv2.INTER_LINEAR)

    return build


@pytest.fixture(scope="session")
def planes(photo) -> bytes:
    """A sequential JPEG whose three components have a scan each, put together of three gray ones."""
    import cv2  # not every test needs it
    import numpy as np

    data = [cv2.imencode(".jpg", np.asarray(photo("RGB", (24, 16)))[:, :, number].copy())[1].tobytes() for number in range(3)]
    frame = data[0].index(b"\xff\xc0")
    head, tables = data[0][:frame], data[0][frame + 13 : data[0].index(b"\xff\xda")]
    both = b"\xff\xc0\x00\x11\x08" + struct.pack(">HHB", 16, 24, 3) + b"\x01\x11\x00\x02\x11\x00\x03\x11\x00"
    scans = [
        b"\xff\xda\x00\x08\x01" + bytes([number + 1]) + b"\x00\x00\x3f\x00" + piece[piece.index(b"\xff\xda") + 10 : -2]
        for number, piece in enumerate(data)
    ]
    return head + both + tables + b"".join(scans) + b"\xff\xd9"
