"""Headers and images in the order of the file, beside Reader and unpack, which do the same one after the other."""

from __future__ import annotations

import random
import struct

import pytest

import recordio
from recordio import unpacked
from recordio.errors import BadHeader, FormatError
from recordio.header import Header, pack
from recordio.reader import Reader
from recordio.writer import Writer

MAGIC = struct.pack("<I", 0xCED7230A)


def plainly(path):
    """(header with its label as a list, image) of each record, and the error at the end."""
    found = []
    try:
        with Reader(path) as reader:
            for offset, payload in reader.records():
                header, image = recordio.unpack(payload, source=str(path), offset=offset)
                found.append((as_tuple(header), image))
    except FormatError as error:
        return found, (type(error), str(error))
    return found, None


def as_tuple(header):
    assert type(header) is Header
    label = header.label if isinstance(header.label, float) else header.label.tolist()
    return (header.flag, label, header.id, header.id2)


def quickly(path, *, copy):
    found = []
    try:
        with Reader(path) as reader:
            for header, image in reader.unpacked(copy=copy):
                assert isinstance(image, bytes if copy else memoryview)
                found.append((as_tuple(header), bytes(image)))
    except FormatError as error:
        return found, (type(error), str(error))
    return found, None


@pytest.fixture
def mixed(tmp_path):
    """Records of all kinds: of all paddings, with vectors, magic words, no image, some longer than a block."""
    rng = random.Random(4)
    with Writer(tmp_path / "mixed.rec") as writer:
        for number in range(300):
            label = rng.choice([1.5, float(number), [1.0, 2.0], [], [3.0]])
            image = rng.choice([b"", rng.randbytes(number), MAGIC * 3, b"abcd" + MAGIC + b"x", rng.randbytes(5000)])
            writer.write(pack(Header(0, label, 2**64 - 1 - number, number), image))
    return tmp_path / "mixed.rec"


@pytest.mark.parametrize("copy", [True, False])
@pytest.mark.parametrize("block", [1, 40, 4096, 1 << 17, unpacked.LEAST])
def test_the_same_comes_as_one_after_the_other(mixed, monkeypatch, block, copy):
    monkeypatch.setattr(unpacked, "LEAST", block)
    expected = plainly(mixed)
    assert len(expected[0]) == 300
    assert quickly(mixed, copy=copy) == expected


@pytest.mark.parametrize("block", [40, unpacked.LEAST])
def test_each_fault_is_told_with_the_same_words_behind_the_same_records(tmp_path, monkeypatch, block):
    monkeypatch.setattr(unpacked, "LEAST", block)
    path = tmp_path / "hurt.rec"
    with Writer(path) as writer:
        for number in range(4):
            writer.write(pack(Header(0, 1.0, number), b"x" * (3 + number)))
        writer.write(pack(Header(0, [1.0], 9), b"y"))
    whole = path.read_bytes()
    for cut in range(len(whole)):
        path.write_bytes(whole[:cut])
        assert quickly(path, copy=True) == plainly(path)
    for position in range(len(whole)):
        for bit in (1, 0x80):
            path.write_bytes(whole[:position] + bytes([whole[position] ^ bit]) + whole[position + 1 :])
            assert repr(quickly(path, copy=True)) == repr(plainly(path))  # NaN equals only its own text


def test_a_payload_without_a_header_is_told_with_its_offset(tmp_path):
    with Writer(tmp_path / "short.rec") as writer:
        writer.write(pack(Header(0, 1.0, 1), b"image"))
        writer.write(b"short")
    with Reader(tmp_path / "short.rec") as reader, pytest.raises(BadHeader, match=r"offset 40: a payload of 5 bytes"):
        list(reader.unpacked())


def test_a_file_that_shrinks_while_it_is_read_is_reported(mixed, monkeypatch):
    monkeypatch.setattr(unpacked, "LEAST", 1 << 17)
    with Reader(mixed) as reader:
        found = reader.unpacked()
        next(found)
        mixed.write_bytes(mixed.read_bytes()[: unpacked.LEAST + 10])
        with pytest.raises(FormatError, match="the file ends here now"):
            list(found)


@pytest.mark.parametrize("copy", [True, False])
def test_verified_reading_notices_what_frames_do_not(tmp_path, copy):
    with recordio.IndexedWriter(tmp_path / "set.rec") as writer:
        for key in range(3):
            writer.write(key, pack(Header(0, 1.0, key), b"image"))
    rec = tmp_path / "set.rec"
    data = bytearray(rec.read_bytes())
    with Reader(rec, verify=True) as reader:
        assert len(list(reader.unpacked(copy=copy))) == 3
    data[40 + 34] ^= 1
    rec.write_bytes(data)
    with Reader(rec, verify=True) as reader, pytest.raises(recordio.ChecksumMismatch, match="CRC"):
        list(reader.unpacked(copy=copy))


def test_a_header_that_was_given_out_can_be_pickled_and_replaced(mixed):
    with Reader(mixed) as reader:
        header, _ = next(iter(reader.unpacked()))
    assert header._replace(id=5).id == 5
