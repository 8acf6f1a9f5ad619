"""The names of shards, read and made."""

from __future__ import annotations

import re

import pytest

from recordio.shardnames import ShardName, parse, set_or_shard, shard_name, shards_of


@pytest.mark.parametrize("prefix", ["train", "a-00001-of-00002", "line\nbreak", "été+(x)"])
def test_a_name_is_read_as_it_was_made(prefix):
    name = shard_name(prefix, 3, 16)
    assert name == f"{prefix}-00003-of-00016"
    assert parse(name) == ShardName(prefix, 3, 16)
    assert shard_name(prefix, 0, 0) == prefix


@pytest.mark.parametrize("name", ["train", "-00003-of-00016", "train-0003-of-00016", "train-00003-of-00016x", "train-00003_of_00016"])
def test_other_names_are_those_of_sets(name):
    assert parse(name) is None


def test_shards_of_a_prefix_are_found_and_no_others(tmp_path):
    names = ["a+b-00001-of-00002.rec", "a+b-00000-of-00002.rec", "a+b.rec", "aab-00000-of-00002.rec", "a+b-00000-of-00002.idx"]
    for name in (*names, "a+b-x-00000-of-00002.rec", "xa+b-00000-of-00002.rec"):
        (tmp_path / name).touch()
    assert [path.name for path in shards_of(tmp_path / "a+b")] == sorted(names[:2])
    assert shards_of(str(tmp_path / "a+b")) == shards_of(tmp_path / "a+b")
    assert shards_of(tmp_path / "nowhere" / "a") == []


def test_a_set_and_its_shards_match_their_expression():
    pattern = re.compile(set_or_shard("a.b"))
    assert all(pattern.fullmatch(name) for name in ("a.b", "a.b-00000-of-00001"))
    assert not any(pattern.fullmatch(name) for name in ("aXb", "a.b-00000-of-1", "a.b-00000-of-00001-00000-of-00001"))
