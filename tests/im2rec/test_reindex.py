"""A rebuilt index and the .sum beside it."""

from __future__ import annotations

import pytest

from im2rec.errors import InputError
from im2rec.reindex import reindex
from recordio import checksum
from recordio.header import pack_header
from recordio.verify import verify
from recordio.writer import IndexedWriter


@pytest.fixture
def rec(tmp_path):
    with IndexedWriter(tmp_path / "x.rec", tool="t", options={"--resize": "9"}) as writer:
        for key in (5, 3, 8):
            writer.write(key, pack_header(1.0, key) + b"image")
    return tmp_path / "x.rec"


def test_the_same_index_leaves_the_sum_alone(rec):
    before = rec.with_suffix(".sum").read_bytes()
    assert reindex(rec, rec.with_suffix(".idx"), ids=True, force=True)[1] == [rec.with_suffix(".idx")]
    assert rec.with_suffix(".sum").read_bytes() == before


def test_another_index_gets_a_sum_that_fits(rec):
    old = checksum.load(rec.with_suffix(".sum"))
    reindex(rec, rec.with_suffix(".idx"), ids=False, force=True)
    new = checksum.load(rec.with_suffix(".sum"))
    assert (new.keys.tolist(), new.crcs.tolist(), new.rec) == ([0, 1, 2], old.crcs.tolist(), old.rec)
    assert (new.tool, new.options) == ("t", {"--resize": "9"})
    assert verify(rec).issues == []


def test_an_index_elsewhere_leaves_the_sum_alone(rec, tmp_path):
    before = rec.with_suffix(".sum").read_bytes()
    reindex(rec, tmp_path / "y.idx", ids=False, force=False)
    assert rec.with_suffix(".sum").read_bytes() == before


def test_a_record_file_that_its_sum_does_not_vouch_for_is_refused(rec):
    data = bytearray(rec.read_bytes())
    data[-9] ^= 1
    rec.write_bytes(data)
    before = rec.with_suffix(".idx").read_bytes()
    with pytest.raises(InputError, match=r"is not the file that .*x\.sum vouches for; 'im2rec verify' says where it differs"):
        reindex(rec, rec.with_suffix(".idx"), ids=False, force=True)
    assert rec.with_suffix(".idx").read_bytes() == before
