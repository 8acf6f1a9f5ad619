"""docs/loaders.md has every name and every parameter."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

import pytest

from recordio import loaders
from recordio.loaders.augmentoptions import AugmentOptions
from recordio.loaders.imagerecord import ReadOptions
from recordio.loaders.normalise import NormaliseOptions

DOCS = Path(__file__).resolve().parents[3] / "docs"
PAGE = (DOCS / "loaders.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("options", [ReadOptions, AugmentOptions, NormaliseOptions])
def test_every_parameter_of_imagerecorditer_is_documented(options: type) -> None:
    table = "\n".join(line for line in PAGE.splitlines() if line.startswith("| `"))
    for field in dataclasses.fields(options):
        assert f"`{field.name}`" in table, f"{field.name} is not in docs/loaders.md"


def test_every_iterator_is_documented_and_says_what_it_is() -> None:
    for module in ("batch", "imagerecord", "arrays", "csvrows", "resizing", "prefetching"):
        for name in loaders._HOMES[module]:
            assert re.search(rf"`{name}[`(]", PAGE), f"recordio.loaders.{name} is not in docs/loaders.md"
            assert getattr(loaders, name).__doc__
