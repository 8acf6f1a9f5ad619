"""The .lst grammar, and lists whose every line is checked."""

from __future__ import annotations

import io
import math
import os
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from im2rec import itemlist, listfile
from im2rec.errors import InputError, ListError
from im2rec.itemlist import ItemList
from im2rec.listfile import Item, check_item, format_label, parse_line, path_fault
from recordio.outputs import OutputSet

PATHS = st.text(st.characters(blacklist_categories=["Cs", "Cc", "Z"]), min_size=1).filter(lambda text: text == text.strip())
ITEMS = st.builds(
    Item,
    st.integers(0, (1 << 64) - 1),
    st.lists(st.floats(allow_nan=False, allow_infinity=False, width=32), min_size=1, max_size=6).map(tuple),
    PATHS,
)


def format_item(item: Item) -> str:
    """A line as MXNet's tool writes it, with more decimals where a label needs them."""
    return "\t".join([str(item.id), *map(format_label, item.labels), item.path]) + "\n"


def stream(text: str | bytes) -> io.BytesIO:
    return io.BytesIO(text if isinstance(text, bytes) else text.encode())


@given(ITEMS)
def test_what_is_formatted_parses_to_itself(item):
    assert parse_line(format_item(item)) == item


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_formatted_label_reads_back_exactly(label):
    assert float(format_label(label)) == label


@given(st.integers(-(1 << 24), 1 << 24))
def test_whole_labels_have_six_decimals_as_printf_gives_them(label):
    assert format_label(float(label)) == f"{label}.000000" == "%f" % label  # noqa: UP031  (printf's own form)


def test_a_golden_list_is_formatted_as_mxnet_wrote_it(golden):
    for path in sorted((golden / "lists").glob("*.lst")):
        assert "".join(map(format_item, ItemList.open(path))).encode() == path.read_bytes()


@given(ITEMS)
def test_fields_are_stripped(item):
    padded = "\t".join(f" {field} " for field in format_item(item).rstrip("\n").split("\t"))
    assert parse_line(padded + "\r\n") == item


def test_a_tab_at_the_end_makes_no_field():
    assert parse_line("7\t1.5\ta.jpg\t\n") == Item(7, (1.5,), "a.jpg")


def test_a_path_keeps_its_inner_blanks():
    assert parse_line("7\t1\tmy cat/whole face.jpg\n").path == "my cat/whole face.jpg"


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("", "an empty line"),
        ("7", "1 field, expected at least 3"),
        ("7\ta.jpg", "2 fields, expected at least 3"),
        ("7 1 a.jpg", "1 field, "),
        ("x\t1\ta.jpg", "the id 'x' is no whole number"),
        ("1.0\t1\ta.jpg", "the id '1.0' is no whole number"),
        ("1\tcat\ta.jpg", "the label 'cat' is no number"),
        ("1\t2\tcat\ta.jpg", "the label 'cat' is no number"),
        ("1\t\ta.jpg", "the label '' is no number"),
        ("1_0\t1\ta.jpg", "the id '1_0' is no whole number"),
        ("\uff11\t1\ta.jpg", "the id '\uff11' is no whole number"),
        ("1\t1_0\ta.jpg", "the label '1_0' is no number"),
        ("1\t1\t\u0663\ta.jpg", "the label '\u0663' is no number"),
    ],
)
def test_a_bad_line_is_named_with_what_was_expected(line, said):
    with pytest.raises(ListError) as caught:
        parse_line(line, "x.lst", 12)
    assert str(caught.value).startswith(f"x.lst:12: {said}")


@pytest.mark.parametrize(
    ("item", "said"),
    [
        (Item(-1, (0.0,), "a"), "the id -1 is outside"),
        (Item(1 << 64, (0.0,), "a"), "the id 18446744073709551616 is outside"),
        (Item(0, (math.nan,), "a"), "the label nan is not a finite number"),
        (Item(0, (1.0, -math.inf), "a"), "the label -inf is not a finite number"),
        (Item(0, (1e39,), "a"), "beyond the range of float32"),
        (Item(0, (16777217.0,), "a"), "the label 16777217 would be stored as 16777216"),
        (Item(0, (-16777217.0,), "a"), "the label -16777217 would be stored as -16777216"),
        (Item(0, (16777217.5,), "a"), "the label 16777217.5 would be stored as 16777218"),
        (Item(0, (0.0, -33554433.25), "a"), "the label -33554433.25 would be stored as -33554432"),
        (Item(0, (1e-50,), "a"), "the label 1e-50 would be stored as 0"),
        (Item(0, (0.0,), ""), "the path is empty"),
        (Item(0, (0.0,), "a\0b"), "the path has a NUL"),
    ],
)
def test_what_the_format_cannot_carry_is_said(item, said):
    assert said in str(check_item(item))


@pytest.mark.parametrize("label", [0.0, -0.0, -0.5, 0.1, 16777216.0, -16777216.0, 16777216.25, 16777218.0, 2.0**100, 1e-44, -(2.0**-149)])
def test_labels_that_float32_carries_or_rounds_as_fractions_are_accepted(label):
    assert check_item(Item(0, (label,), "a")) is None


def test_rounding_is_accepted_when_it_is_allowed_but_not_nan():
    for label in (16777217.0, 16777217.5, 1e-50):
        assert check_item(Item(0, (label,), "a"), allow_rounding=True) is None
    assert check_item(Item(0, (math.nan,), "a"), allow_rounding=True)


@pytest.mark.parametrize("path", ["a\tb", "a\nb", "a\rb", " a", "a ", "\u00a0a", os.fsdecode(b"caf\xe9.jpg")])
def test_paths_that_no_list_carries_are_told(path):
    assert path_fault(path)


@given(PATHS)
def test_paths_without_white_space_are_carried(path):
    assert path_fault(path) is None


def test_a_list_is_read_as_often_as_needed(tmp_path):
    (tmp_path / "x.lst").write_text("0\t1\ta\n1\t2\tb\n")
    items = ItemList.open(tmp_path / "x.lst")
    assert list(items) == list(items) == [Item(0, (1.0,), "a"), Item(1, (2.0,), "b")]
    assert len(items) == 2


def test_blank_lines_are_skipped_and_still_counted():
    with pytest.raises(ListError, match="<stdin>:4: "):
        ItemList.from_stream(stream("\n0\t1\ta\n  \n1\tb\n"))


@pytest.mark.parametrize("line", ["1_0\t1\ta", "\uff17\t1\ta", "3\t1_0\ta", "3\t1\ta\0b"])
@pytest.mark.parametrize("kept", [1, 1000])
def test_what_only_python_reads_is_told_wherever_it_stands(line, kept, monkeypatch):
    monkeypatch.setattr(itemlist, "_KEPT", kept)
    with pytest.raises(ListError, match=r"<stdin>:3: the (id|label|path) "):
        ItemList.from_stream(stream(f"0\t1\ta\n1\t1\ta_b\n{line}\n4\t1\t\uff11_\n"))


def test_mxnets_form_takes_the_numbers_that_python_takes(tmp_path):
    (tmp_path / "x.lst").write_text("1_0\t1_0\ta\n\uff17\t1\tb\n", encoding="utf-8")
    with ItemList.open(tmp_path / "x.lst", on_fault=lambda fault: pytest.fail(str(fault))) as items:
        assert list(items) == [Item(10, (10.0,), "a"), Item(7, (1.0,), "b")]


_FIELD = st.one_of(
    st.sampled_from(
        ["0", "7", "007", "18446744073709551615", "18446744073709551616", "-1", "+3", "1.5", "-0.0", "1e3", "nan", "inf", "1e39"]
    ),
    st.sampled_from(
        ["16777217", "1_0", " 4", "4 ", "", " ", "\uff17", "\u00b2", "a.jpg", " b c.jpg ", "\u2028x", "\x0bx", "\x85", "\ufeff5", "x\ry"]
    ),
)
_LINE = st.one_of(
    st.tuples(st.integers(0, 99).map(str), st.sampled_from(["0", "1.000000", "2"]), st.just("a.jpg")).map("\t".join),
    st.lists(_FIELD, min_size=1, max_size=5).map("\t".join),
)


@pytest.mark.parametrize("lax", [False, True])
@given(lines=st.lists(_LINE, max_size=6), end=st.sampled_from(["", "\n", "\r\n", "\n\n", "\t\n", "\0\n"]), rounding=st.booleans())
def test_lines_parsed_together_are_what_they_are_one_by_one(lax, lines, end, rounding):
    def outcome():
        faults = []
        try:
            found = ItemList(
                io.BytesIO(("\n".join(lines) + end).encode()), "x.lst", allow_rounding=rounding, on_fault=faults.append if lax else None
            )
            return repr(list(found)), [str(fault) for fault in faults]  # NaN equals only its own text
        except ListError as error:
            return str(error), []

    together = outcome()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(itemlist, "_parse_plain", lambda *_: None)
        assert outcome() == together


def test_a_last_line_without_a_line_feed_counts():
    assert len(ItemList.from_stream(stream("0\t1\ta\n1\t1\tb"))) == 2


def test_bytes_that_are_not_utf8_are_named_with_their_line():
    with pytest.raises(ListError, match="<stdin>:2: byte 4 of the line is not UTF-8"):
        ItemList.from_stream(stream(b"0\t1\ta\n1\t1\t\xff\n"))


def test_an_id_that_stands_twice_is_named_with_both_lines():
    with pytest.raises(ListError, match="<stdin>:4: the id 5 stands on line 1 already"):
        ItemList.from_stream(stream("5\t1\ta\n6\t1\tb\n\n5\t1\tc\n"))


@given(st.lists(st.integers(0, 40), min_size=12, max_size=40))
def test_a_list_too_long_for_a_set_finds_the_same_twin(ids):
    text = "".join(f"{id_}\t1\ta\n" for id_ in ids)
    first = next((number for number, id_ in enumerate(ids) if id_ in ids[:number]), None)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(itemlist, "_KEPT", 5)
        patch.setattr(itemlist, "_FEW", 5)
        if first is None:
            with ItemList.from_stream(stream(text)) as items:
                assert [item.id for item in items] == ids
            return
        with pytest.raises(ListError, match=f":{first + 1}: the id {ids[first]} stands on line {ids.index(ids[first]) + 1} "):
            ItemList.from_stream(stream(text))


def test_a_long_list_from_a_stream_goes_to_disk_and_reads_the_same(monkeypatch):
    monkeypatch.setattr(itemlist, "_MEMORY", 100)
    monkeypatch.setattr(itemlist, "_KEPT", 10)
    with ItemList.from_stream(stream("".join(f"{n}\t1\tp{n}\n" for n in range(50)))) as items:
        assert [item.path for item in items] == [item.path for item in items] == [f"p{n}" for n in range(50)]


def test_a_fault_handler_gets_each_bad_line_once_and_the_rest_is_kept(tmp_path, monkeypatch):
    monkeypatch.setattr(itemlist, "_KEPT", 1)  # so that the file is parsed again for the items
    (tmp_path / "x.lst").write_text("0\t1\ta\nbad\n1\t1\tb\nx\t1\tc\n2\t1\td\n")
    faults = []
    with ItemList.open(tmp_path / "x.lst", on_fault=faults.append) as items:
        assert [item.path for item in items] == ["a", "b", "d"]
    assert [fault.line for fault in faults] == [2, 4]


def test_a_list_of_many_labels_takes_little_memory(tmp_path):
    with (tmp_path / "x.lst").open("w") as lines:
        for number in range(30_000):
            lines.write(f"{number}\t" + "\t".join(f"{number}.{place}" for place in range(10, 70)) + f"\t{number}.jpg\n")
    tracemalloc.start()
    try:
        with ItemList.open(tmp_path / "x.lst") as items:
            assert len(items) == 30_000
            peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 48_000_000  # all of its labels as Python's numbers take 58 MB, and the rest more


def test_a_missing_list_and_a_folder_are_told_apart(tmp_path):
    with pytest.raises(InputError, match="no such list"):
        ItemList.open(tmp_path / "x.lst")
    with pytest.raises(InputError, match="is no file"):
        ItemList.open(tmp_path)


def test_lines_are_written_whole_however_many(tmp_path: Path):
    lines = [b"%07d\n" % number for number in range(200_000)]
    with OutputSet() as outputs:
        listfile.write(tmp_path / "x.lst", iter(lines), outputs)
    assert (tmp_path / "x.lst").read_bytes() == b"".join(lines)


def test_a_line_with_a_leading_tab_changes_no_later_label():
    items = ItemList.from_stream(stream("\t1\t2\ta\n5\t1\tb\n6\t1\tc\n"))
    assert list(items) == [Item(1, (2.0,), "a"), Item(5, (1.0,), "b"), Item(6, (1.0,), "c")]


@given(
    st.lists(
        st.tuples(st.sampled_from(["", "\t", " ", " \t"]), st.integers(0, 3), st.sampled_from("0123"), st.sampled_from(["", "\t", "\r"]))
    )
)
def test_lines_are_read_from_a_list_as_each_is_parsed_alone(lines):
    texts = [f"{before}{number}\t{label}\tp{id_}{after}\n" for number, (before, id_, label, after) in enumerate(lines)]
    items = ItemList.from_stream(stream("".join(texts)))
    assert list(items) == [parse_line(text) for text in texts]
