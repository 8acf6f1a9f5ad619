"""Reading the records of sets as blocks, and writing them to others."""

from __future__ import annotations

import io
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import pytest
from datasets import RECORDS, read_set

from im2rec.errors import InputError
from im2rec.operations import copying
from im2rec.operations.copying import Source, open_set
from im2rec.operations.fields import fields_of
from im2rec.operations.target import Target, bounds_of
from recordio import frame
from recordio.errors import BadHeader, ChecksumMismatch, FormatError, Truncated
from recordio.header import pack_header, unpack
from recordio.outputs import OutputSet


def copy(source, prefix, take=None, **options):
    with OutputSet() as outputs:
        target = Target(prefix, outputs, sources=[source], **options)
        for block in source.blocks():
            target.add(block.take(np.arange(len(block)) if take is None else take(block)))
        target.finish()


@pytest.fixture(params=[1 << 22, 64])
def any_block_size(request, monkeypatch):
    monkeypatch.setattr(copying, "_BLOCK", request.param)


def test_a_copy_is_the_same_to_the_byte(make, records, work, any_block_size):
    source = Source(make(records))
    copy(source, work / "b")
    for suffix in (".rec", ".idx"):
        assert (work / f"b{suffix}").read_bytes() == (work / f"a{suffix}").read_bytes()
    assert read_set(work / "b.rec") == records


def test_a_copy_of_every_second_record(make, records, work, any_block_size):
    source = Source(make(records, checksums=False))
    copy(source, work / "b", lambda block: np.arange(block.first % 2, len(block), 2))
    assert read_set(work / "b.rec") == records[::2]


@pytest.mark.parametrize("shards", [1, 3, 50])
def test_shards_by_number_are_even(make, records, work, shards, any_block_size):
    copy(Source(make(records)), work / "b", bounds=bounds_of(len(records), shards))
    found = [read_set(work / f"b-{number:05d}-of-{shards:05d}.rec") for number in range(shards)]
    assert [record for shard in found for record in shard] == records
    assert max(map(len, found)) - min(map(len, found)) <= 1


def test_shards_by_size_are_full_but_not_over(make, work, any_block_size):
    records = RECORDS["plain"]
    copy(Source(make(records)), work / "b", shard_size=300)
    with ExitStack() as stack:
        sizes = [source.size for source in open_set(work / "b", stack)]
    assert max(sizes) <= 300
    assert all(first + len(frame.encode(records[0][1])) <= sum(sizes) for first in sizes)
    assert [record for rec in sorted(work.glob("b-*.rec")) for record in read_set(rec)] == records


def test_fields_are_those_of_the_headers(make, records, any_block_size):
    for block in Source(make(records)).blocks():
        fields = fields_of(block)
        for number in range(len(block)):
            payload = records[block.first + number][1]
            assert block.payload(number) == payload
            assert fields.lengths[number] == len(payload)
            try:
                header, image = unpack(payload)
            except BadHeader:
                assert (fields.headed[number], fields.widths[number], fields.images[number]) == (False, 0, 0)
                assert np.isnan(fields.first[number])
                continue
            labels = np.atleast_1d(header.label)
            assert (fields.ids[number], fields.flags[number], fields.images[number]) == (header.id, header.flag, len(image))
            assert fields.labels(number) == tuple(labels.tolist())
            for place, label in enumerate(labels):
                assert fields.label_at(place)[number] == label
            assert np.isnan(fields.label_at(len(labels))[number])


def test_a_header_whose_labels_do_not_fit_is_none(make):
    (block,) = Source(make([(0, pack_header([1.0, 2.0, 3.0], 0)[:-4])])).blocks()
    assert not fields_of(block).headed[0]


def test_without_an_index_keys_are_those_of_the_sum_and_then_the_ids(make, records, work):
    rec = make(records)
    rec.with_suffix(".idx").unlink()
    assert [key for block in Source(rec).blocks() for key in block.keys.tolist()] == [key for key, _ in records]
    rec.with_suffix(".sum").unlink()
    if all(payload for _, payload in records):
        assert [key for block in Source(rec).blocks() for key in block.keys.tolist()] == [key for key, _ in records]
    else:
        with pytest.raises(BadHeader, match="a payload of 0 bytes"):
            list(Source(rec).blocks())


def test_a_stream_gives_the_same_blocks_of_records(make, records, monkeypatch, any_block_size):
    rec = make(records)
    data = io.BytesIO(rec.read_bytes())

    class Pipe:
        name = "<stdin>"
        read = data.read

    monkeypatch.setattr(copying, "InputStream", lambda fd, name: Pipe)
    source = Source(Path("-"), ordinals=True)
    if not records:
        with pytest.raises(InputError, match=r"<stdin>: is empty, .*the command before it may have failed"):
            list(source.blocks())
        return
    found = [(block.payload(n), int(block.crcs[n])) for block in source.blocks() for n in range(len(block))]
    assert found == [(block.payload(n), int(block.crcs[n])) for block in Source(rec).blocks() for n in range(len(block))]


@pytest.mark.parametrize("cut", [1, 4, 9, 40])
def test_a_truncated_stream_is_told(make, monkeypatch, cut):
    data = io.BytesIO(make("plain").read_bytes()[:-cut])

    class Pipe:
        name = "<stdin>"
        read = data.read

    monkeypatch.setattr(copying, "InputStream", lambda fd, name: Pipe)
    with pytest.raises(Truncated, match=r"<stdin>: offset \d+"):
        list(Source(Path("-")).blocks())


def test_a_flipped_bit_is_not_vouched_for(make, work):
    rec = make("plain")
    data = bytearray(rec.read_bytes())
    data[600] ^= 4
    rec.write_bytes(data)
    with pytest.raises(ChecksumMismatch, match=r"a.rec: offset \d+ \(key \d+\)|CRC-32"):
        copy(Source(rec), work / "b")
    assert not list(work.glob("*b*"))


@pytest.mark.parametrize("cut", [1, 4, 9, 40])
def test_a_truncated_file_is_told(make, cut):
    rec = make("plain")
    rec.with_suffix(".sum").unlink()
    rec.write_bytes(rec.read_bytes()[:-cut])
    with pytest.raises(FormatError, match=r"a.rec: offset \d+"):
        list(Source(rec).blocks())


def test_a_sum_of_another_file_is_told(make, work):
    rec = make("plain")
    (work / "a.sum").write_bytes(make("escaped", "b").with_suffix(".sum").read_bytes())
    with pytest.raises(InputError, match=r"has .* bytes, .*a.sum lists it with .*; 'im2rec verify'"):
        Source(rec)


def test_a_record_that_the_index_leaves_out_is_told(make):
    rec = make("plain")
    idx = rec.with_suffix(".idx")
    lines = idx.read_text().splitlines(keepends=True)
    idx.write_text("".join(lines[:7] + lines[8:]))
    with pytest.raises(InputError, match=r"leaves out the record at offset \d+ of .*'im2rec compact'.*'im2rec index"):
        list(Source(rec).blocks())
    (block,) = Source(rec, partial=True).blocks()
    assert block.listed.tolist() == [number != 7 for number in range(40)]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("99\t20\n", "puts the record of key 99 here, where none starts"),
        ("99\t10000000\n", "behind the file's end"),
        ("99\t0\n", "two keys"),
    ],
)
def test_an_index_that_points_to_no_record_is_told(make, line, said):
    rec = make("plain")
    idx = rec.with_suffix(".idx")
    idx.write_text(idx.read_text() + line)
    with pytest.raises(FormatError, match=said):
        list(Source(rec).blocks())


def test_an_index_in_another_order_names_the_same_records(make, records):
    rec = make(records)
    idx = rec.with_suffix(".idx")
    idx.write_text("".join(reversed(idx.read_text().splitlines(keepends=True))))
    assert [key for block in Source(rec).blocks() for key in block.keys.tolist()] == [key for key, _ in records]


def test_a_missing_shard_is_told(make, work):
    make("plain", "a-00000-of-00002")
    with ExitStack() as stack, pytest.raises(InputError, match=r"a-00001-of-00002.rec: this shard of the set is missing"):
        open_set(work / "a", stack)
