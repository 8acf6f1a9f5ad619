"""The journal: what it takes over of an earlier run, and of nobody else."""

from __future__ import annotations

import json
import zlib
from pathlib import Path

import pytest

from im2rec import journal

HEAD = {"asked": {"--resize": "256"}, "started": 17}
ENTRY = {
    "sizes": [100, 0],
    "reads": [90, 0],
    "rejects": {"1": "is truncated"},
    "remarks": {},
    "traits": {"0": 4},
    "written": [[0, 100, "ab"]],
    "temporaries": {"0": ".x.rec.0123abcd.tmp"},
}


def line(content: object) -> bytes:
    text = json.dumps(content).encode()
    return b"%s\t%08x\n" % (text, zlib.crc32(text))


@pytest.fixture
def load(tmp_path):
    """Load a journal of these lines."""

    def build(*lines: bytes, prefix: str = "x") -> journal.Past | None:
        path = journal.journal_path(tmp_path / prefix)
        path.write_bytes(b"".join(lines))
        return journal.load(path)

    return build


def test_what_was_done_is_taken_over(load, tmp_path):
    past = load(line(HEAD), line(ENTRY))
    assert (past.asked, past.started, past.temporaries) == ({"--resize": "256"}, 17, {0: tmp_path / ".x.rec.0123abcd.tmp"})
    (entry,) = past.entries
    assert (entry.outcomes.sizes, entry.outcomes.rejects, entry.outcomes.traits) == ([100, 0], {1: "is truncated"}, {0: 4})
    assert entry.written == [(0, 100, "ab")]
    assert past.ends == [len(line(HEAD)), len(line(HEAD) + line(ENTRY))]


def test_times_are_taken_over_where_they_were_noted(load):
    past = load(line(HEAD), line(ENTRY), line({**ENTRY, "times": [1_700_000_000_000_000_000, -5]}))
    assert [entry.times for entry in past.entries] == [[], [1_700_000_000_000_000_000, -5]]


@pytest.mark.parametrize("cut", range(1, len(line(ENTRY))))
def test_last_line_counts_only_when_it_is_whole(load, cut):
    past = load(line(HEAD), line(ENTRY)[:-cut])
    assert (past.entries, past.temporaries) == ([], {})


def test_nothing_behind_a_damaged_line_counts(load):
    assert len(load(line(HEAD), line(ENTRY), line(ENTRY)[:9] + b"x" + line(ENTRY)[10:], line(ENTRY)).entries) == 1


@pytest.mark.parametrize(
    "content", [[], 5, None, {}, {"asked": 1, "started": 1}, {"asked": {"a": 1}, "started": 1}, {"asked": {}, "started": 1.5}]
)
def test_head_that_is_none_makes_it_useless(load, content):
    assert load(line(content)) is None


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("sizes", value) for value in (None, 5, "55", [100], [100, -1], [100, 1.5], [100, "0"], [100, True], [1 << 63, 0], {"0": 1})),
        *(("reads", value) for value in (None, [], [90, 0, 0], [None, 0])),
        *(("times", value) for value in (None, 5, [1], [1, 2, 3], [1, 1.5], [1, "2"], [1, True], [1, 1 << 63], {"0": 1})),
        *(("rejects", value) for value in (None, [], {"2": "x"}, {"-1": "x"}, {"x": "x"}, {"1": 5}, {"1": None})),
        *(("traits", value) for value in ({"0": "4"}, {"7": 4})),
        *(("written", value) for value in (None, [[0, 100]], [[0, -100, "ab"]], [[0, 100, 5]], [["0", 100, "ab"]], [7], {"a": 1})),
    ],
)
def test_line_of_wrong_values_does_not_count(load, name, value):
    past = load(line(HEAD), line(ENTRY), line({**ENTRY, name: value}), line(ENTRY))
    assert (len(past.entries), len(past.ends)) == (1, 2)


@pytest.mark.parametrize(
    "name",
    [
        *("x.rec", "../x.rec", ".x.rec.0123abcd", ".x.rec.0123abcg.tmp", "..", "", ".x.idx.0123abcd.tmp", "/etc/passwd", 5, None),
        *(".y.rec.0123abcd.tmp", ".x-other.rec.0123abcd.tmp", "../.x.rec.0123abcd.tmp", ".x.rec/../.x.rec.0123abcd.tmp"),
    ],
)
def test_file_that_is_no_temporary_one_of_the_set_is_never_named(load, name):
    """It would be removed, or written into, by the next run."""
    past = load(line(HEAD), line({**ENTRY, "temporaries": {"0": name}}))
    assert (past.entries, past.temporaries) == ([], {})


@pytest.mark.parametrize("prefix", ["x", "a set.with [odd] (name)", "ü" * 60, "x-00000-of-00002", "x" * 200])
def test_temporary_files_of_the_set_are_named(load, tmp_path, prefix):
    from recordio.outputs import OutputSet

    with OutputSet(force=True) as outputs:
        for suffix in ("", "-00001-of-00003"):
            path = tmp_path / f"{prefix}{suffix}.rec"
            outputs.create(path, main=True)
        names = [output.temporary.name for output, _ in outputs._files]
    past = load(line(HEAD), line({**ENTRY, "temporaries": dict(enumerate(names))}), prefix=prefix)
    assert [path.name for path in past.temporaries.values()] == names


def test_nesting_beyond_all_measure_is_no_line(load):
    text = b"[" * 100_000
    assert load(b"%s\t%08x\n" % (text, zlib.crc32(text))) is None


@pytest.mark.parametrize("data", [b"", b"\n", b"\t\n", b"\0" * 100, b"\xff" * 40 + b"\n"])
def test_what_is_no_journal_is_of_no_use(load, data):
    assert load(data) is None


def test_no_journal_is_none(tmp_path):
    assert journal.load(Path(tmp_path / "x")) is None
