"""Lines of shell in the documents that do more than call one command."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from datasets import IMAGE, read_set, write_set

from recordio import index
from recordio.header import pack_header

DOCS = Path(__file__).parents[3] / "docs" / "cli.md"


@pytest.mark.skipif(shutil.which("awk") is None, reason="there is no awk")
def test_keys_that_are_taken_out_of_an_index_are_those_and_no_offsets(im2rec, work):
    (line,) = [line.strip() for line in DOCS.read_text().splitlines() if "bad_keys.txt" in line]
    (work / "data").mkdir()
    records = [(key, pack_header(0.0, key) + IMAGE) for key in range(400)]
    rec = write_set(work / "data" / "photos.rec", records)
    offsets = set(index.load(rec.with_suffix(".idx")).offsets.tolist())
    bad = sorted(offsets & set(range(400)))[:5]  # each of them is a key, and where the record of another starts
    assert len(bad) == 5
    (work / "bad_keys.txt").write_text("".join(f"{key}\n" for key in bad))
    subprocess.run(["sh", "-c", line], check=True)
    assert im2rec("compact", "data/chosen", "-o", "data/compact").code == 0
    assert read_set(work / "data" / "compact.rec") == [record for record in records if record[0] not in bad]
