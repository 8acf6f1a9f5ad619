"""The image header, against what MXNet packed and unpacked."""

from __future__ import annotations

import json
import math
import struct
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from recordio import header
from recordio.errors import BadHeader
from recordio.header import Header

CASES = json.loads((Path(__file__).parents[1] / "golden" / "recordio" / "headers.json").read_text())
names = [f"{at}-flag {case['flag']}" for at, case in enumerate(CASES)]
quick = settings(deadline=None, max_examples=200, suppress_health_check=[HealthCheck.too_slow])
ids = st.integers(0, (1 << 64) - 1)
floats = st.floats(width=32, allow_nan=False)


def label_of(case):
    values = [float(value) for value in case["label"]]
    return values[0] if case["scalar"] else values


@pytest.mark.parametrize("case", CASES, ids=names)
def test_packed_bytes_are_mxnets(case):
    packed = header.pack(Header(case["flag"], label_of(case), case["id"], case["id2"]), bytes.fromhex(case["data_hex"]))
    assert packed.hex() == case["packed_hex"]


@pytest.mark.parametrize("kind", [np.array, tuple, lambda values: np.array(values, np.float32)], ids=["float64", "tuple", "float32"])
@pytest.mark.parametrize("case", [case for case in CASES if not case["scalar"]], ids=lambda case: f"{len(case['label'])} labels")
def test_vector_of_any_kind_packs_to_mxnets_bytes(case, kind):
    packed = header.pack_header(kind(label_of(case)), case["id"], case["id2"])
    assert packed.hex() + case["data_hex"] == case["packed_hex"]


@pytest.mark.parametrize("case", CASES, ids=names)
def test_unpacked_values_are_mxnets(case):
    expected = case["unpacked"]
    (flag, label, id_, id2), image = header.unpack(bytes.fromhex(case["packed_hex"]))
    assert (flag, id_, id2, image.hex()) == (expected["flag"], expected["id"], expected["id2"], expected["data_hex"])
    assert [repr(float(value)) for value in np.atleast_1d(label)] == expected["label"]
    assert isinstance(label, np.ndarray) == (flag > 0)


@pytest.mark.parametrize("case", CASES, ids=names)
def test_id_alone_is_the_id(case):
    assert header.unpack_id(bytes.fromhex(case["packed_hex"])) == case["id"]


def test_golden_bytes_of_a_scalar_label():
    assert header.pack(Header(0, -1.5, 258, 3), b"img") == (
        b"\x00\x00\x00\x00"  # flag 0: the label is the next field
        b"\x00\x00\xc0\xbf"  # -1.5
        b"\x02\x01\x00\x00\x00\x00\x00\x00"  # id 258
        b"\x03\x00\x00\x00\x00\x00\x00\x00"  # id2 3
        b"img"
    )


def test_golden_bytes_of_two_labels():
    assert header.pack_header([11, 13], 0) == (
        b"\x02\x00\x00\x00"  # flag 2: two labels follow the header
        b"\x00\x00\x00\x00"  # 0 in the label's own field
        b"\x00\x00\x00\x00\x00\x00\x00\x00"  # id 0
        b"\x00\x00\x00\x00\x00\x00\x00\x00"  # id2 0
        b"\x00\x00\x30\x41\x00\x00\x50\x41"  # 11.0, 13.0
    )


@pytest.mark.parametrize("label", [True, np.float32(2.5), np.int64(7), np.array(4.0), 3])
def test_number_of_any_kind_is_a_scalar_label(label):
    assert header.pack_header(label, 1) == struct.pack("<IfQQ", 0, float(label), 1, 0)


def test_header_of_three_values_has_id2_zero():
    assert header.pack((0, 1.0, 5)) == struct.pack("<IfQQ", 0, 1.0, 5, 0)
    assert Header(0, 1.0, 5).id2 == 0


def test_flag_of_the_caller_is_replaced_by_the_labels_size():
    assert header.pack(Header(99, [1.0, 2.0], 1))[:4] == struct.pack("<I", 2)
    assert header.pack(Header(99, 1.0, 1))[:4] == bytes(4)


def test_not_a_number_and_infinity_survive():
    for value in (math.inf, -math.inf, math.nan):
        label = header.unpack(header.pack_header(value, 0))[0].label
        assert struct.pack("<f", label) == struct.pack("<f", value)


@pytest.mark.parametrize(
    ("label", "id_", "id2"),
    [(0.0, -1, 0), (0.0, 1 << 64, 0), (0.0, 0, -1), (0.0, 0, 1 << 64), (0.0, 1.5, 0), (0.0, "7", 0)],
)
def test_id_outside_of_64_bits_is_refused(label, id_, id2):
    with pytest.raises(BadHeader, match=r"ids from 0 to 2\*\*64 - 1") as caught:
        header.pack_header(label, id_, id2)
    assert caught.value.source == f"<id {id_}>"


def test_array_of_labels_is_flattened():
    assert header.pack_header(np.arange(4.0).reshape(2, 2), 1) == header.pack_header([0.0, 1.0, 2.0, 3.0], 1)


@pytest.mark.parametrize("label", [1e39, [0.0, -1e39], "cat", ["cat"], None, [[1.0]]])
def test_label_that_float32_cannot_hold_is_refused(label):
    with pytest.raises(BadHeader, match="expected labels within float32"):
        header.pack_header(label, 12)


@pytest.mark.parametrize("size", range(24))
def test_payload_shorter_than_a_header_is_refused(size, told):
    for unpack in (header.unpack, header.unpack_id):
        with pytest.raises(BadHeader) as caught:
            unpack(bytes(size), source="a.rec", offset=96)
        assert told(caught.value) == ("BadHeader", "a.rec", 96, f"a payload of {size} bytes, expected an image header of 24")


@pytest.mark.parametrize("cut", range(1, 13))
def test_payload_that_ends_inside_its_labels_is_refused(cut, told):
    payload = header.pack_header([1.0, 2.0, 3.0], 5)[:-cut]
    with pytest.raises(BadHeader) as caught:
        header.unpack(payload, source="a.rec", offset=8)
    assert told(caught.value) == ("BadHeader", "a.rec", 8, f"flag 3 announces 12 bytes of labels, {12 - cut} are left")


def test_flag_that_lies_is_refused_before_anything_is_allocated():
    payload = struct.pack("<IfQQ", 0xFFFFFFFF, 0.0, 1, 0) + bytes(100)
    with pytest.raises(BadHeader, match="flag 4294967295 announces 17179869180 bytes of labels, 100 are left"):
        header.unpack(payload)


def test_unpacked_labels_can_be_changed_without_touching_the_payload():
    payload = header.pack_header([1.0, 2.0], 5)
    labels = header.unpack(payload)[0].label
    labels[0] = 9.0
    assert (labels.dtype, payload) == (np.float32, header.pack_header([1.0, 2.0], 5))


@quick
@given(floats, ids, ids, st.binary(max_size=20))
def test_scalar_label_comes_back(label, id_, id2, image):
    back, data = header.unpack(header.pack(Header(0, label, id_, id2), image))
    assert (back, data) == (Header(0, label, id_, id2), image)


@quick
@given(st.lists(floats, min_size=1, max_size=9), ids, ids, st.binary(max_size=20))
def test_vector_of_labels_comes_back(labels, id_, id2, image):
    (flag, label, *rest), data = header.unpack(header.pack((0, labels, id_, id2), image))
    assert (flag, label.tolist(), rest, data) == (len(labels), labels, [id_, id2], image)
