"""What operations promise together: records come back, none is lost, bytes are kept."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter

import pytest
from datasets import RECORDS, read_set, write_set
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from recordio import frame
from recordio.header import pack_header
from recordio.reader import Reader

MAGIC = frame.MAGIC_BYTES


def verified(im2rec, *names):
    assert im2rec("verify", *names, "-q").code == 0


def test_split_by_ratio_and_merged_again_nothing_is_lost(im2rec, make, records, work):
    make(records)
    assert im2rec("split", "a", "-o", "s", "--ratio", "train=0.7,val=0.3").code == 0
    train, val = read_set(work / "s_train.rec"), read_set(work / "s_val.rec")
    assert abs(len(train) - 0.7 * len(records)) <= 1
    assert im2rec("merge", "s_train", "s_val", "-o", "m", "--duplicates").code == 0
    assert read_set(work / "m.rec") == train + val
    assert Counter(train + val) == Counter(records)
    assert [record for record in records if record in train] == train or len(set(records)) < len(records)


@pytest.mark.parametrize("options", [["--shards", 4], ["--shard-size", "400B"], ["--shards", 1]])
def test_split_into_shards_and_merged_again_is_the_same_file(im2rec, make, records, work, options):
    rec = make(records)
    assert im2rec("split", "a", "-o", "s", *options).code == 0
    assert im2rec("merge", "s", "-o", "m", "--duplicates").code == 0
    assert (work / "m.rec").read_bytes() == rec.read_bytes()
    assert (work / "m.idx").read_bytes() == rec.with_suffix(".idx").read_bytes()


@pytest.mark.parametrize("memory", ["4MiB", "1GiB"])
def test_shuffled_and_sorted_again_is_the_same(im2rec, make, records, work, memory):
    rec = make(records)
    assert im2rec("shuffle", "a", "-o", "s", "--memory", memory).code == 0
    shuffled = read_set(work / "s.rec")
    assert Counter(shuffled) == Counter(records)
    assert len(records) < 10 or shuffled != records
    assert im2rec("shuffle", "s", "-o", "b", "--sort", "key").code == 0
    assert [key for key, _ in read_set(work / "b.rec")] == sorted(key for key, _ in records)
    if [key for key, _ in records] == sorted({key for key, _ in records}):
        assert (work / "b.rec").read_bytes() == rec.read_bytes()


@pytest.mark.parametrize("layout", ["plain", "multi-label", "detection", "escaped", "magic ids"])
def test_what_a_filter_keeps_and_what_its_inverse_keeps_are_all(im2rec, make, work, layout):
    make(layout)
    assert im2rec("filter", "a", "-o", "b", "--where", "key % 3 == 1").code == 0
    assert im2rec("filter", "a", "-o", "c", "--where", "key % 3 == 1", "--invert").code == 0
    kept, left = read_set(work / "b.rec"), read_set(work / "c.rec")
    assert kept == [record for record in RECORDS[layout] if record[0] % 3 == 1]
    assert sorted(kept + left) == sorted(RECORDS[layout])


def test_counts_add_up(im2rec, make, records):
    make(records)
    found = json.loads(im2rec("filter", "a", "-o", "b", "--where", "key % 2 == 0", "--json").out)
    assert found["read"] == len(records) == found["written"] + sum(found["left_out"].values())


payloads = st.lists(st.sampled_from([MAGIC, b"x", b"abcd", b"\0" * 5]), max_size=6).map(b"".join)
sets = st.lists(st.tuples(st.integers(0, 60), st.integers(0, 4), payloads), max_size=30)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(drawn=sets, data=st.data())
def test_any_chain_keeps_all_records(im2rec, tmp_path_factory, drawn, data):
    work = tmp_path_factory.mktemp("chain")
    records = [(key, pack_header(float(label), key) + payload) for key, label, payload in drawn]
    write_set(work / "x0.rec", records)
    names = data.draw(st.lists(st.sampled_from(["shuffle", "sort", "split", "compact", "labels"]), max_size=3))
    for number, name in enumerate(names):
        old, new = work / f"x{number}", work / f"x{number + 1}"
        if name == "shuffle":
            codes = [im2rec("shuffle", old, "-o", new, "--seed", number, "--memory", "4MiB").code]
        elif name == "sort":
            codes = [im2rec("shuffle", old, "-o", new, "--sort", "key").code]
        elif name == "compact":
            codes = [im2rec("compact", old, "-o", new, "--order", "key").code]
        elif name == "labels":
            codes = [im2rec("split", old, "-o", work / f"l{number}", "--by-label").code]
            parts = sorted(work.glob(f"l{number}_*.rec"))
            codes.append(im2rec("merge", *(parts or [old]), "-o", new, "--duplicates").code)
        else:
            codes = [im2rec("split", old, "-o", work / f"s{number}", "--ratio", "a=0.5,b=0.5", "--stratify").code]
            codes.append(im2rec("merge", work / f"s{number}_a", work / f"s{number}_b", "-o", new, "--duplicates").code)
        assert set(codes) == {0}
    assert Counter(read_set(work / f"x{len(names)}.rec")) == Counter(records)


def test_a_pipeline_of_streams_gives_what_files_give(im2rec, make, work):
    make("plain")
    assert im2rec("filter", "a", "-o", "f", "--label", "1-3").code == 0
    assert im2rec("shuffle", "f", "-o", "s", "--seed", 5).code == 0
    run = f"{sys.executable} -m im2rec"
    first = f"{run} filter a -o - --label 1-3 -q | {run} shuffle - --seed 5 -o p -q"
    line = f"{first} && cat a.rec | {run} dedupe - --same payload -o - -q | cmp - a.rec"
    assert subprocess.run(line, check=False, shell=True, cwd=work, capture_output=True).returncode == 0
    assert read_set(work / "p.rec") == read_set(work / "s.rec")


def test_a_hundred_thousand_records(im2rec, work):
    count = 100_000
    write_set(work / "a.rec", ((key, pack_header(float(key % 1000), key) + b"x" * (key % 50)) for key in range(count)))
    assert im2rec("shuffle", "a", "-o", "s", "--memory", "4MiB", "--shards", 3).code == 0
    assert im2rec("split", "s", "-o", "t", "--ratio", "train=0.9,val=0.1", "--stratify").code == 0
    labels = Counter(int(key) % 1000 for key, _ in read_set(work / "t_val.rec"))
    assert set(labels.values()) == {10}
    assert im2rec("merge", "t_train", "t_val", "-o", "m").code == 0
    assert im2rec("compact", "m", "-o", "b", "--order", "key", "--memory", "4MiB").code == 0
    assert (work / "b.rec").read_bytes() == (work / "a.rec").read_bytes()
    verified(im2rec, "s", "t_train", "t_val", "m", "b")


def test_a_hundred_thousand_records_out_and_back(im2rec, work):
    count = 100_000
    write_set(work / "a.rec", ((key, pack_header(float(key % 1000), key) + b"x" * (key % 50 + 1)) for key in range(count)))
    before = (work / "a.rec").read_bytes()
    assert im2rec("filter", "a", "-o", "f", "--label", "0-499").code == 0
    assert im2rec("filter", "a", "-o", "g", "--label", "0-499", "--invert").code == 0
    assert im2rec("merge", "f", "g", "-o", "m").code == 0
    assert im2rec("shuffle", "m", "-o", "b", "--sort", "key").code == 0
    assert (work / "b.rec").read_bytes() == before
    assert im2rec("extract", "a", "-o", "out", "-q").code == 0
    lines = (work / "out/a.lst").read_text().splitlines(keepends=True)
    (work / "first.lst").write_text("".join(lines[:1000]))
    (work / "rest.lst").write_text("".join(lines[1000:]))
    assert im2rec("pack", "first.lst", "out", "-o", "c", "--no-check").code == 0
    assert im2rec("append", "c", "rest.lst", "out", "--ids", "keep", "--no-check").code == 0
    assert (work / "c.rec").read_bytes() == before
    (work / "new.lst").write_text("".join(f"{key}\t{key % 7}\tx\n" for key in range(count)))
    changed = sum(key % 1000 != key % 7 for key in range(count))
    assert json.loads(im2rec("relabel", "c", "new.lst", "--json").out)["changed"] == changed
    assert Counter(payload[4:8] for _, payload in read_set(work / "c.rec")).most_common()[0][1] == 14286
    assert im2rec("relabel", "c", "out/a.lst").code == 0
    assert (work / "c.rec").read_bytes() == before
    verified(im2rec, "f", "g", "c")


def test_a_stream_that_is_closed_early_ends_the_command_quietly(make, work):
    write_set(work / "big.rec", ((key, b"y" * 100_000) for key in range(100)))
    line = f"set -o pipefail; {sys.executable} -m im2rec shuffle big -o - | head -c 1000 | wc -c"
    ran = subprocess.run(["bash", "-c", line], check=False, cwd=work, capture_output=True, text=True)
    assert (ran.returncode, ran.stdout.strip()) == (141, "1000")
    assert "Traceback" not in ran.stderr
    assert not list(work.glob(".big*"))
    with Reader(work / "big.rec") as reader:
        assert sum(1 for _ in reader) == 100
