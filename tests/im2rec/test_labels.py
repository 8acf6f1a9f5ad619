"""Labels from CSV files."""

from __future__ import annotations

import os
import threading
import tracemalloc
from types import SimpleNamespace

import pytest

from im2rec import labels
from im2rec.errors import InputError, ListError


@pytest.fixture
def load(tmp_path):
    def read(text, **options):
        path = tmp_path / "l.csv"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        by_path = {}
        found = labels.load(path, **options, each=lambda _line, name, values: by_path.__setitem__(name, values))
        rows = found.find(name.encode() for name in [*by_path, "none of them"])
        assert list(rows) == [*range(len(found)), -1]
        assert [found.labels(row) for row in rows[:-1]] == list(by_path.values())
        return SimpleNamespace(by_path=by_path, classes=found.classes)

    return read


def test_numbers_are_labels(load):
    assert load("a.jpg,1\nb.jpg,-0.5\n").by_path == {"a.jpg": (1.0,), "b.jpg": (-0.5,)}


def test_a_row_may_have_several_numbers(load):
    assert load("a.jpg,1,2,3\nb.jpg,4\n").by_path == {"a.jpg": (1.0, 2.0, 3.0), "b.jpg": (4.0,)}


def test_names_are_classes_in_sorted_order(load):
    found = load("x/1.jpg,dog\nx/2.jpg,cat\nx/3.jpg,dog\n")
    assert found.classes == {"cat": 0, "dog": 1}
    assert found.by_path["x/1.jpg"] == (1.0,)


@pytest.mark.parametrize("header", ["path,label", "image,score", "anything,x"])
def test_a_header_above_numbers_is_left_out(load, header):
    assert load(f"{header}\na.jpg,1\n").by_path == {"a.jpg": (1.0,)}


@pytest.mark.parametrize("header", ["path,label", "File,Class", "filename,x", "image,y"])
def test_a_header_above_names_is_left_out_where_its_first_word_tells_it(load, header):
    assert load(f"{header}\na.jpg,cat\n").by_path == {"a.jpg": (0.0,)}


def test_a_first_row_of_names_that_is_no_header_counts(load):
    assert set(load("a.jpg,cat\nb.jpg,dog\n").classes) == {"cat", "dog"}


def test_blank_rows_blanks_a_byte_order_mark_and_windows_lines_are_taken(load):
    found = load(b"\xef\xbb\xbf a.jpg , 1 \r\n\r\n , \r\nb.jpg,2\r\n")
    assert found.by_path == {"a.jpg": (1.0,), "b.jpg": (2.0,)}


def test_quoted_paths_may_have_commas(load):
    assert load('"a, b.jpg",1\n').by_path == {"a, b.jpg": (1.0,)}


def test_paths_are_written_as_lists_write_them(load):
    assert set(load("./a/1.jpg,1\nb\\2.jpg,2\n").by_path) == {"a/1.jpg", "b/2.jpg"}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a.jpg,1\nb.jpg\n", "l.csv:2: 'b.jpg' has no label"),
        ("a.jpg,1\n\na.jpg,2\n", "l.csv:3: a.jpg stands in it twice"),
        ("a.jpg,1\n./a.jpg,2\n", "l.csv:2: a.jpg stands in it twice"),
        ("a.jpg,1,2\nb.jpg,cat,3\n", "l.csv:2: the label 'cat' is no number"),
        ("a.jpg,1\nb.jpg,nan\n", "l.csv:2: the label nan is not a finite number"),
        ("a.jpg,inf\n", "l.csv:1: the label inf is not a finite number"),
        ("a.jpg,1e40\n", "l.csv:1: the label 1e+40 is beyond the range of float32"),
        ("a.jpg,16777217\n", "l.csv:1: the label 16777217 would be stored as 16777216"),
    ],
)
def test_a_bad_row_is_named_with_its_line(load, text, said):
    with pytest.raises(ListError) as caught:
        load(text)
    assert said in str(caught.value)


def test_rounding_is_accepted_when_it_is_allowed(load):
    assert load("a.jpg,16777217\n", allow_rounding=True).by_path == {"a.jpg": (16777217.0,)}


def test_a_file_that_is_missing_or_no_text_is_told(load, tmp_path):
    with pytest.raises(InputError, match="cannot be read: No such file"):
        labels.load(tmp_path / "x.csv")
    with pytest.raises(InputError, match="is no CSV file in UTF-8"):
        load(b"a.jpg,\xff\n")


def test_an_empty_file_is_refused(load):
    with pytest.raises(InputError, match="is empty, expected rows of path,label"):
        load("")


def test_of_two_faults_the_first_is_told(load):
    with pytest.raises(ListError, match=r"l\.csv:2: a\.jpg stands in it twice"):
        load("a.jpg,1\na.jpg,2\nb.jpg,nan\nb.jpg,1\n")
    with pytest.raises(ListError, match=r"l\.csv:2: the label nan"):
        load("a.jpg,1\nb.jpg,nan\na.jpg,2\n")


def test_names_and_numbers_as_labels_are_all_names(load):
    assert load("a.jpg,7\nb.jpg,cat\nc.jpg,7\n").classes == {"7": 0, "cat": 1}


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="the system has no named pipes")
def test_a_pipe_is_read_once(tmp_path):
    os.mkfifo(tmp_path / "l.csv")
    writer = threading.Thread(target=(tmp_path / "l.csv").write_text, args=("a.jpg,cat\nb.jpg,dog\n",))
    writer.start()
    found = labels.load(tmp_path / "l.csv")
    writer.join()
    assert (len(found), found.classes) == (2, {"cat": 0, "dog": 1})


def test_a_million_rows_would_take_little_memory(tmp_path):
    with (tmp_path / "l.csv").open("w") as rows:
        rows.writelines(f"some/folder/{number:06d}.jpg,{number % 1000}\n" for number in range(50_000))
    tracemalloc.start()
    try:
        found = labels.load(tmp_path / "l.csv")
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert len(found) == 50_000
    assert peak < 100 * 50_000  # bytes; a dict of paths takes three times that
