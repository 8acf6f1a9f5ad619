"""MXNet 1.9.1 reads what every operation on finished sets writes: the records that it reads of the input, and no others."""

from __future__ import annotations

import json
import shutil
import struct
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

pytestmark = pytest.mark.interop

REPOSITORY = Path(__file__).resolve().parents[2]
IDENTITIES = REPOSITORY / "tests/golden/recordio/identities"
Records = dict[int, bytes]
MAGIC = struct.pack("<I", 0xCED7230A)


def im2rec(*arguments: object) -> None:
    done = subprocess.run([sys.executable, "-m", "im2rec", *map(str, arguments)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.fixture
def read(mxnet: Callable[..., str]) -> Callable[[Path], Records]:
    """Key -> payload, as MXNet reads them by key and in order."""

    def run(prefix: Path) -> Records:
        found = json.loads(mxnet("read", f"{prefix}.rec", f"{prefix}.idx"))
        keys = [int(key) for key in found["keys"]]
        assert len(set(keys)) == len(keys)
        return {key: bytes.fromhex(payload) for key, payload in zip(keys, found["payloads"], strict=True)}

    return run


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A set of the photographs, whose list and classes stand beside it."""
    prefix = tmp_path_factory.mktemp("operations") / "set"
    im2rec("pack", REPOSITORY / "examples/photos", "-o", prefix, "--resize", "40")
    return prefix


@pytest.fixture(scope="module")
def escaped(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A set whose payloads are full of magic words."""
    from recordio import IndexedWriter
    from recordio.header import pack_header

    prefix = tmp_path_factory.mktemp("escaped") / "set"
    with IndexedWriter(f"{prefix}.rec") as writer:
        for key in range(50):
            writer.write(key, pack_header(float(key % 5), key) + (b"ab" if key % 7 == 3 else b"") + MAGIC * (key % 4) + b"x" * (key + 1))
    return prefix


def label(payload: bytes) -> float:
    flag, scalar = struct.unpack_from("<If", payload)
    return float(struct.unpack_from("<f", payload, 24)[0] if flag else scalar)


def image(payload: bytes) -> bytes:
    return payload[24 + 4 * int(struct.unpack_from("<I", payload)[0]) :]


@pytest.mark.parametrize("kind", ["source", "escaped"])
def test_copies_of_some_or_all_records(read: Callable[[Path], Records], kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    prefix: Path = request.getfixturevalue(kind)
    before = read(prefix)
    im2rec("filter", prefix, "--label", "1,3", "-o", tmp_path / "filtered")
    assert read(tmp_path / "filtered") == {key: payload for key, payload in before.items() if label(payload) in (1, 3)}
    im2rec("shuffle", prefix, "--seed", "7", "-o", tmp_path / "shuffled")
    shuffled = read(tmp_path / "shuffled")
    assert shuffled == before
    assert list(shuffled) != list(before)
    im2rec("split", prefix, "--ratio", "a=0.5,b=0.5", "-o", tmp_path / "half")
    halves = read(tmp_path / "half_a"), read(tmp_path / "half_b")
    assert halves[0] | halves[1] == before
    assert not halves[0].keys() & halves[1].keys()
    im2rec("merge", tmp_path / "half_a", tmp_path / "half_b", "-o", tmp_path / "merged")
    assert read(tmp_path / "merged") == before
    im2rec("compact", tmp_path / "shuffled", "--order", "key", "-o", tmp_path / "compact")
    assert list(read(tmp_path / "compact").items()) == sorted(before.items())
    im2rec("dedupe", prefix, "-o", tmp_path / "single")
    first: dict[bytes, int] = {}
    for key, payload in before.items():
        first.setdefault(image(payload), key)
    assert read(tmp_path / "single") == {key: before[key] for key in first.values()}


def test_a_merge_that_shifts_keys_keeps_all_images(read: Callable[[Path], Records], source: Path, tmp_path: Path) -> None:
    before = read(source)
    im2rec("merge", source, source, "--keys", "number", "--labels", "keep", "-o", tmp_path / "twice")
    after = read(tmp_path / "twice")
    assert list(after) == list(range(2 * len(before)))
    assert [(label(payload), image(payload)) for payload in after.values()] == [(label(p), image(p)) for p in before.values()] * 2


def test_extract_and_pack_give_the_same_records(read: Callable[[Path], Records], source: Path, tmp_path: Path) -> None:
    im2rec("extract", source, "-o", tmp_path / "images")
    (lst,) = (tmp_path / "images").glob("*.lst")
    im2rec("pack", lst, tmp_path / "images", "-o", tmp_path / "again")
    assert read(tmp_path / "again") == read(source)


def test_relabel_and_append_in_place(read: Callable[[Path], Records], source: Path, tmp_path: Path) -> None:
    for suffix in (".rec", ".idx", ".sum"):
        shutil.copy(source.with_suffix(suffix), tmp_path / f"x{suffix}")
    before = read(source)
    (tmp_path / "labels.lst").write_text("".join(f"{key}\t{key * 2}\tx\n" for key in before))
    im2rec("relabel", tmp_path / "x", tmp_path / "labels.lst")
    relabelled = read(tmp_path / "x")
    assert {key: (label(payload), image(payload)) for key, payload in relabelled.items()} == {
        key: (2 * key, image(payload)) for key, payload in before.items()
    }
    photo = min((REPOSITORY / "examples/photos").glob("*/*.jpg"))
    (tmp_path / "more.lst").write_text(f"5000\t9\t{photo.name}\n")
    im2rec("append", tmp_path / "x", tmp_path / "more.lst", photo.parent)
    appended = read(tmp_path / "x")
    assert list(appended.items())[: len(before)] == list(relabelled.items())
    (added,) = list(appended.values())[len(before) :]
    assert (label(added), image(added)) == (9, photo.read_bytes())


def test_files_of_identities(read: Callable[[Path], Records], tmp_path: Path) -> None:
    whole = read(IDENTITIES)
    images = {key: whole[key] for key in range(1, 8)}
    im2rec("identities", "to-plain", IDENTITIES, "-o", tmp_path / "plain")
    assert read(tmp_path / "plain") == images
    im2rec("identities", "from-plain", tmp_path / "plain", "-o", tmp_path / "back", "--no-property")
    assert read(tmp_path / "back") == whole
    im2rec("identities", "filter", IDENTITIES, "--min-images", "3", "-o", tmp_path / "three", "--no-property")
    assert [image(payload) for payload in read(tmp_path / "three").values()] == [image(images[key]) for key in (1, 2, 3)] + [b"", b""]
    im2rec("identities", "merge", IDENTITIES, IDENTITIES, "-o", tmp_path / "both", "--no-property")
    both = read(tmp_path / "both")
    header = struct.unpack_from("<ff", both[0], 24)
    assert header == (15, 21)
    ranges = [struct.unpack_from("<ff", both[key], 24) for key in range(15, 21)]
    assert ranges == [(1, 4), (4, 6), (6, 8), (8, 11), (11, 13), (13, 15)]
    assert [image(both[key]) for key in range(1, 15)] == [image(images[key]) for key in range(1, 8)] * 2
    assert [label(both[key]) for key in range(1, 15)] == [0, 0, 0, 1, 1, 2, 2, 3, 3, 3, 4, 4, 5, 5]
