"""Counts that add up."""

from __future__ import annotations

import json
import os

import pytest

from im2rec.errors import ImageError
from im2rec.names import printable
from im2rec.operations.extracted import ExtractReport
from im2rec.report import PackReport, Reject, Rejects, counted, format_bytes, rejects_of

ONE = PackReport(3, 2, Rejects([Reject(7, "a.jpg", "is empty")]), 100, 120, ["a.rec"], remarks=Rejects([Reject(8, "b.jpg", "odd")]))
TWO = PackReport(5, 5, Rejects(), 10, 20, ["b.rec"], encoded=True)


@pytest.mark.parametrize(("number", "said"), [(0, "0 images have"), (1, "1 image has"), (2, "2 images have")])
def test_one_is_singular(number, said):
    assert counted(number, "image has", "images have") == said
    assert counted(number, "image") == said.rpartition(" ")[0]
    remarks = list(ExtractReport(renamed=number, strangers=number).remarks())
    assert [remark.split(" could")[0].split(" no path")[0] for remark in remarks] == [said.rpartition(" ")[0], said] * bool(number)


def test_reports_add_up():
    both = ONE + TWO
    assert (both.listed, both.packed, both.rejected) == (8, 7, 1)
    assert (both.bytes_read, both.bytes_written, both.outputs, both.encoded) == (110, 140, ["a.rec", "b.rec"], True)


@pytest.mark.parametrize("report", [PackReport(), ONE, TWO, ONE + TWO])
def test_what_was_listed_was_packed_or_rejected(report):
    found = json.loads(json.dumps(report.as_json()))
    assert found["listed"] == found["packed"] + found["rejected"]
    assert found["rejected"] == len(found["rejects"]) + found["more_rejects"]


def test_the_summary_says_whether_bytes_were_kept():
    assert ONE.as_text() == "packed 2 of 3 images (bytes kept as they are), 1 rejected: 100 B read, 120 B in a.rec"
    assert "packed 5 of 5 images (encoded anew): " in TWO.as_text()


def test_a_reject_without_an_id_says_so():
    (reject,) = rejects_of([ImageError("a.jpg", "is empty")])
    assert reject.as_json() == {"id": None, "path": "a.jpg", "reason": "is empty"}
    assert str(reject) == "a.jpg: is empty"


@pytest.mark.parametrize(
    ("path", "shown"),
    [("my cat ü.jpg", "my cat ü.jpg"), ("a\nb\t\x1b[31m", "a\\nb\\t\\x1b[31m"), (os.fsdecode(b"caf\xe9\n"), "caf\\xe9\\n")],
)
def test_control_characters_and_foreign_bytes_become_escapes(path, shown):
    assert printable(path) == shown


@pytest.mark.parametrize(
    ("count", "text"), [(0, "0 B"), (999, "999 B"), (1000, "1.0 kB"), (1_234_567, "1.2 MB"), (5 * 10**12, "5.0 TB"), (10**16, "10000.0 TB")]
)
def test_bytes_are_said_in_units_of_a_thousand(count, text):
    assert format_bytes(count) == text
