"""``im2rec pack`` and what is special about images."""

from __future__ import annotations

import json

import cv2
import numpy as np
import pytest
from PIL import Image

from im2rec.judge import CHOICES

CHANGING = [(name.replace("_", "-"), value) for name, choice in CHOICES.items() for value in choice.changing]
KEEPING = [(name.replace("_", "-"), value) for name, choice in CHOICES.items() for value in choice.values if value not in choice.changing]


@pytest.fixture
def two(tree, picture, work):
    """x.lst of a plain photograph and one with alpha; the folder they are in."""
    root = tree({"plain.jpg": picture()})
    rgba = np.random.default_rng(2).integers(0, 256, (16, 24, 4)).astype(np.uint8)
    Image.fromarray(rgba).save(root / "alpha.png")
    (work / "x.lst").write_text("0\t0\tplain.jpg\n1\t0\talpha.png\n")
    return root


@pytest.mark.parametrize(("option", "value"), CHANGING)
def test_a_value_that_asks_for_other_pixels_has_images_encoded(im2rec, two, option, value):
    ran = im2rec("pack", "x.lst", two, f"--{option}", value, "--json")
    assert (ran.code, json.loads(ran.out)["images"]) == (0, "encoded")
    ran = im2rec("pack", "x.lst", two, f"--{option}", value, "--pass-through", "--force")
    assert (ran.code, ran.out) == (2, "")
    assert f"--pass-through keeps the images as they are, it does not go with --{option} {value}" in ran.err


@pytest.mark.parametrize(("option", "value"), KEEPING)
@pytest.mark.parametrize("more", [(), ("--pass-through",)])
def test_other_values_keep_the_bytes(im2rec, two, work, records, option, value, more):
    ran = im2rec("pack", "x.lst", two, f"--{option}", value, "--json", *more)
    found = json.loads(ran.out)
    assert found["images"] == "kept as they are"
    rejected = [reject["path"] for reject in found["rejects"]]
    assert rejected == (["alpha.png"] if (option, value) == ("alpha", "error") else [])
    assert ran.code == len(rejected)
    assert records(work / "x.rec")[0][2] == (two / "plain.jpg").read_bytes()


@pytest.mark.parametrize("workers", [0, 2])
def test_alpha_over_white_stands_in_the_records(im2rec, two, work, records, workers):
    assert im2rec("pack", "x.lst", two, "--alpha", "white", "--encoding", "png", "--workers", workers).code == 0
    packed = cv2.imdecode(np.frombuffer(records(work / "x.rec")[1][2], np.uint8), cv2.IMREAD_UNCHANGED)
    with Image.open(two / "alpha.png") as image:
        white = Image.new("RGBA", image.size, "white")
        expected = np.asarray(Image.alpha_composite(white, image).convert("RGB"))[:, :, ::-1]
    assert np.abs(packed.astype(int) - expected).max() <= 1  # Pillow rounds twice


def test_special_images_are_counted_in_text_and_json(im2rec, two):
    ran = im2rec("pack", "x.lst", two)
    assert ran.err.endswith("; among them 1 with alpha\n")
    assert json.loads(im2rec("pack", "x.lst", two, "--json", "--force").out)["traits"]["alpha"] == 1
    assert json.loads(im2rec("pack", "x.lst", two, "--json", "--force", "--no-check").out)["traits"] is None


@pytest.mark.parametrize("options", [("--alpha", "error", "--no-check"), ("--alpha", "keep", "--encoding", "jpg")])
def test_choices_that_cannot_be_made_are_refused_with_one_line(im2rec, two, work, options):
    ran = im2rec("pack", "x.lst", two, *options)
    assert (ran.code, ran.out, ran.err.count("\n")) == (2, "", 1)
    assert "--alpha" in ran.err
    assert sorted(path.name for path in work.iterdir()) == ["x.lst"]


def test_mxnets_form_takes_no_choices(im2rec, two):
    ran = im2rec("x", two, "--alpha", "white")
    assert ran.code == 2
    assert "unrecognized arguments: --alpha" in ran.err
