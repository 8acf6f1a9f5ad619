"""Which items go into which shard."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from im2rec.errors import PlanError
from im2rec.plan import Shard, ShardOptions, parse_part, parse_size, plan
from recordio.shardnames import shard_name


def test_without_options_all_goes_into_one_plain_file():
    assert plan(7, ShardOptions()) == [Shard(0, 0, 0, 7)]


@given(st.integers(1, 300), st.integers(1, 30))
def test_shards_follow_each_other_without_a_gap(count, shards):
    if shards > count:
        with pytest.raises(PlanError, match=f"{count} images? cannot be divided into {shards}"):
            plan(count, ShardOptions(shards=shards))
        return
    found = plan(count, ShardOptions(shards=shards))
    assert [shard.start for shard in found[1:]] == [shard.stop for shard in found[:-1]]
    assert (found[0].start, found[-1].stop, {shard.of for shard in found}) == (0, count, {shards})


@given(st.integers(1, 300), st.integers(1, 30))
def test_a_part_is_the_shard_of_that_number(count, parts):
    whole = plan(max(count, parts), ShardOptions(shards=parts))
    assert [plan(max(count, parts), ShardOptions(part=(number, parts)))[0] for number in range(parts)] == whole


@pytest.mark.parametrize("options", [{"shards": 2, "shard_size": 9}, {"shards": 2, "part": (0, 2)}, {"shard_size": 9, "part": (0, 2)}])
def test_the_ways_to_divide_exclude_each_other(options):
    with pytest.raises(PlanError, match="exclude each other"):
        ShardOptions(**options)


def test_shards_are_named_by_number_and_count():
    assert shard_name("train", 3, 16) == "train-00003-of-00016"
    assert shard_name("train", 0, 0) == "train"


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("1", 1),
        ("500B", 500),
        ("1k", 1024),
        ("1kB", 1000),
        ("1KiB", 1024),
        ("1.5M", 1536 * 1024),
        ("500MB", 500_000_000),
        ("1 GB", 10**9),
        ("1GiB", 1 << 30),
        (" 3g ", 3 << 30),
        ("2TiB", 2 << 40),
    ],
)
def test_sizes_have_decimal_and_binary_units(text, size):
    assert parse_size(text) == size


@pytest.mark.parametrize("text", ["", "0", "-1", "GiB", "1X", "1e9", "0.5", "1 G i B"])
def test_a_size_that_is_none_is_refused(text):
    with pytest.raises(PlanError, match="size "):
        parse_size(text)


def test_a_part_is_counted_from_zero():
    assert parse_part("0/16") == (0, 16)
    assert parse_part(" 15/16 ") == (15, 16)


@pytest.mark.parametrize("text", ["", "1", "16/16", "0/0", "-1/4", "1/2/3", "a/b"])
def test_a_part_that_is_none_is_refused(text):
    with pytest.raises(PlanError, match="expected I/N"):
        parse_part(text)
