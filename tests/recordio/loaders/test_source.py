"""Samples by ordinal from .rec files, one or several, and from images with a list."""

from __future__ import annotations

import os
import pickle
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

import recordio
from recordio.loaders import lists, readers, source

GOLDEN = Path(__file__).resolve().parents[2] / "golden"
SMALL, MULTI = GOLDEN / "loaders" / "small.rec", GOLDEN / "loaders" / "multi.rec"


@pytest.mark.parametrize("idx", ["", SMALL.with_suffix(".idx")])
def test_a_record_file_gives_the_same_samples_with_and_without_its_index(idx: str | Path) -> None:
    opened = source.open_source(SMALL, idx)
    assert len(opened) == 23
    for ordinal, payload in enumerate(recordio.Reader(SMALL)):
        sample = opened.read(ordinal)
        header, image = recordio.unpack(payload)
        assert (sample.key, sample.id, sample.label.tolist(), sample.image) == (ordinal, header.id, [header.label], image)


def test_several_files_are_one(tmp_path: Path) -> None:
    both = source.open_source(f"{SMALL};{MULTI}", f"{SMALL.with_suffix('.idx')};{MULTI.with_suffix('.idx')}")
    folder = source.open_source(GOLDEN / "loaders")
    assert len(both) == len(folder) == 46
    assert [both.read(ordinal).key for ordinal in (0, 22, 23, 45)] == [0, 22, 100, 122]
    assert folder.keys.tolist() == [*range(100, 123), *range(23)]  # by name
    assert isinstance(both, source.RecordSource)
    assert both.offsets()[23] == SMALL.stat().st_size
    assert both.name(23) == f"{MULTI}: key 100"


def test_a_pickled_source_reads_on(tmp_path: Path) -> None:
    opened = source.open_source(SMALL, SMALL.with_suffix(".idx"))
    assert pickle.loads(pickle.dumps(opened)).read(7)[3] == opened.read(7).image


def test_the_arrays_of_an_index_are_held_and_pickled_once(tmp_path: Path) -> None:
    rec, idx = tmp_path / "a.rec", tmp_path / "a.idx"
    rec.write_bytes(SMALL.read_bytes())
    idx.write_text("".join(f"{key}\t0\n" for key in range(50_000)))
    opened = source.open_source(rec, idx)
    assert isinstance(opened, source.RecordSource)
    reader = opened._readers[0]
    assert opened.keys is reader.keys
    assert opened.offsets() is reader.index.offsets
    again = source.open_source(f"{rec};{rec}", f"{idx};{idx}")
    assert again.keys.tolist() == [*range(50_000)] * 2
    for each, count in ((opened, 50_000), (again, 100_000)):
        data = pickle.dumps(each)
        assert 16 * count <= len(data) < 16 * count + 5_000
        assert np.array_equal(pickle.loads(data).keys, each.keys)


def test_labels_of_a_list_take_the_place_of_the_records_by_id(tmp_path: Path) -> None:
    path = tmp_path / "labels.lst"
    path.write_text("".join(f"{100 + k}\t{k * 2}\t{k * 3}\tx.jpg\n" for k in reversed(range(23))))
    opened = source.open_source(MULTI, path_imglist=path)
    assert [opened.read(k).label.tolist() for k in (0, 5)] == [[0.0, 0.0], [10.0, 15.0]]
    other = source.open_source(SMALL, path_imglist=path)
    with pytest.raises(recordio.KeyMissing, match=r"labels\.lst: no line has the id 3"):
        other.read(3)


def test_images_with_a_list() -> None:
    listed = lists.load(GOLDEN / "lists" / "recursive.lst")
    opened = source.ListSource(listed, GOLDEN / "images")
    assert len(opened) == len(listed.paths) > 3
    for ordinal, path in enumerate(listed.paths):
        if (GOLDEN / "images" / path).exists():
            assert opened.read(ordinal).image == (GOLDEN / "images" / path).read_bytes()
            assert opened.read(ordinal).id == listed.ids[ordinal]


@pytest.mark.parametrize(
    ("line", "reason"),
    [("1\tx.jpg", "2 field"), ("a\t1\tx.jpg", "'a'"), ("1\tb\tx.jpg", "'b'"), ("-1\t0\tx.jpg", "the id -1")],
)
def test_a_bad_line_of_a_list_is_named(tmp_path: Path, line: str, reason: str) -> None:
    (tmp_path / "bad.lst").write_text(f"0\t1\tx.jpg\n\n{line}\n")
    with pytest.raises(recordio.ListFormatError, match=rf"bad\.lst:3: .*{reason}"):
        lists.load(tmp_path / "bad.lst")


def test_what_cannot_be_opened_is_said(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="path_imgrec is empty"):
        source.open_source()
    with pytest.raises(recordio.FileError, match=r"nothing\.rec: cannot open"):
        source.open_source(tmp_path / "nothing.rec")
    with pytest.raises(recordio.FileError, match=r"a folder without \.rec files"):
        source.open_source(tmp_path)
    with pytest.raises(ValueError, match=r"2 \.idx file\(s\) for 1 \.rec file\(s\)"):
        source.open_source(SMALL, f"{SMALL.with_suffix('.idx')};{MULTI.with_suffix('.idx')}")


def test_a_prefix_and_a_pattern_are_told_what_there_is(tmp_path: Path) -> None:
    for name in ("s-00000-of-00002.rec", "s-00001-of-00002.rec", "one.rec", "s-00000-of-00002.idx"):
        (tmp_path / name).touch()
    first = f"No such file or directory, but there is {tmp_path / 's-00000-of-00002.rec'}"
    several = "several files are given with ';' between them, or as their folder"
    for given, said in (
        ("s", f"{first} and 1 more; {several}"),
        ("s.rec", f"{first} and 1 more; {several}"),
        ("s-*.rec", f"{first} and 1 more; {several}"),
        ("one", f"No such file or directory, but there is {tmp_path / 'one.rec'}"),
        ("t", "No such file or directory"),
        ("t*.rec", "No such file or directory"),
    ):
        with pytest.raises(recordio.FileError) as caught:
            source.open_source(tmp_path / given)
        assert str(caught.value) == f"{tmp_path / given}: cannot open: {said}"
    with pytest.raises(recordio.FileError, match=r"s: cannot open: .* but there is .*s-00000-of-00002\.idx$"):
        source.open_source(tmp_path / "one.rec", tmp_path / "s")


def test_a_record_without_header_is_named_when_it_is_read(tmp_path: Path) -> None:
    with recordio.Writer(tmp_path / "odd.rec") as writer:
        writer.write(recordio.pack(recordio.Header(0, 1.0, 5), b"image"))
        writer.write(b"short")
    opened = source.open_source(tmp_path / "odd.rec")
    assert opened.read(0).image == b"image"
    with pytest.raises(recordio.BadHeader, match=r"odd\.rec: offset 40: a payload of 5 bytes"):
        opened.read(1)


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="no /proc here")
@pytest.mark.parametrize("indexed", [True, False])
def test_a_set_in_more_files_than_may_be_open_is_read_by_threads(tmp_path: Path, indexed: bool) -> None:
    count = 400
    for number in range(count):
        with recordio.IndexedWriter(tmp_path / f"{number:03}.rec") as writer:
            writer.write(number, recordio.pack(recordio.Header(0, float(number), number), b"%d" % number))
    before = len(os.listdir("/proc/self/fd"))
    opened = source.open_source(tmp_path, tmp_path if indexed else "")
    order = np.random.default_rng(1).permutation(np.repeat(np.arange(count), 20)).tolist()
    with ThreadPoolExecutor(8) as pool:
        samples = list(pool.map(opened.read, order))
    assert [sample.id for sample in samples] == [int(sample.image) for sample in samples] == order
    assert len(os.listdir("/proc/self/fd")) - before <= readers.MOST_OPEN + 8
    copy = pickle.loads(pickle.dumps(opened))
    assert copy.read(17).id == 17
    opened.close()
    copy.close()
    assert len(os.listdir("/proc/self/fd")) <= before


def test_a_label_of_one_is_a_vector() -> None:
    assert source.open_source(SMALL).read(4).label.dtype == np.float32
