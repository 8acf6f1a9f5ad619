"""What is bad and what is not: damaged images, wrong indexes, failing disks, missing files; and what is said of them."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

import recordio
from recordio import BadSample, FileError, files, loaders, strict

SMALL = Path(__file__).resolve().parents[2] / "golden" / "loaders" / "small.rec"
OBJECT = [2.0, 5.0, 1.0, 0.1, 0.1, 0.9, 0.9]
Make = Callable[..., Any]


def write(path: Path, images: list[bytes], label: Any = 0.0) -> Path:
    with recordio.IndexedWriter(path, force=True) as writer:
        for key, image in enumerate(images):
            writer.write(key, recordio.pack(recordio.Header(0, label, key), image))
    return path


def given(rec: Path, idx: Path | None = None, **more: Any) -> dict[str, Any]:
    return {"path_imgrec": rec, "path_imgidx": idx or rec.with_suffix(".idx"), "data_shape": (3, 16, 16), "batch_size": 4, **more}


def records(rec: Path, idx: Path | None = None, **more: Any) -> Any:
    return loaders.ImageRecordIter(**given(rec, idx, verbose=False, **more))


def images(rec: Path, idx: Path | None = None, **more: Any) -> Any:
    return loaders.ImageIter(**given(rec, idx, **more))


BOTH = pytest.mark.parametrize("make", [records, images])


@pytest.fixture(scope="session")
def jpeg() -> Callable[..., bytes]:
    """The bytes of a picture as OpenCV encodes it."""

    def build(number: int = 0, *options: int, side: int = 40) -> bytes:
        coarse = np.random.default_rng(number).integers(0, 256, (side // 4, side // 4, 3), np.uint8)
        return cv2.imencode(".jpg", cv2.resize(coarse, (side, side)), options)[1].tobytes()

    return build


def first_pixels(iterator: Any) -> Any:
    return iterator.next().data[0][0]


@BOTH
def test_a_jpeg_that_is_cut_off_anywhere_is_bad_unless_it_is_not_checked(tmp_path: Path, jpeg: Callable[..., bytes], make: Make) -> None:
    whole = jpeg()
    start = whole.index(b"\xff\xda") + 40
    for size in range(start, len(whole) - 2, 37):
        rec = write(tmp_path / "cut.rec", [jpeg(1), whole[:size]])
        with pytest.raises(BadSample, match=r"cut\.rec: key 1: is (damaged|truncated): .*; on_bad='skip' leaves it out$"):
            make(rec).next()
        skipping = make(rec, on_bad="skip")
        assert skipping.next().index.tolist() == [0, 0, 0, 0]
        assert len(skipping.bad) == 1
        assert "on_bad" not in str(skipping.bad[0])
    half = write(tmp_path / "half.rec", [whole[:size]])
    found = first_pixels(make(half, check=False)).transpose(1, 2, 0)
    assert np.abs(found - recordio.decode(whole[:size])[12:28, 12:28, ::-1]).max() <= 1


@BOTH
def test_a_jpeg_that_lacks_its_end_mark_alone_is_whole(tmp_path: Path, jpeg: Callable[..., bytes], make: Make) -> None:
    pixels = [first_pixels(make(write(tmp_path / "x.rec", [data]))) for data in (jpeg(), jpeg()[:-2], jpeg() + bytes(9))]
    assert np.array_equal(pixels[0], pixels[1])
    assert np.array_equal(pixels[0], pixels[2])


@BOTH
@pytest.mark.parametrize("end", [b"", b"\xff\xd9"])
def test_a_progressive_jpeg_that_ends_between_two_scans_is_bad(tmp_path: Path, jpeg: Callable[..., bytes], make: Make, end: bytes) -> None:
    whole = jpeg(0, cv2.IMWRITE_JPEG_PROGRESSIVE, 1)
    assert whole.count(b"\xff\xda") > 3
    assert make(write(tmp_path / "whole.rec", [whole])).next()
    rec = write(tmp_path / "scans.rec", [whole[: whole.rindex(b"\xff\xda")] + end])
    with pytest.raises(BadSample, match=r"scans\.rec: key 0: is (truncated|damaged)"):
        make(rec).next()
    assert make(rec, check=False).next()


@BOTH
def test_a_sequential_jpeg_that_lacks_the_scan_of_a_component_is_bad(tmp_path: Path, planes: bytes, make: Make) -> None:
    assert make(write(tmp_path / "whole.rec", [planes])).next()
    rec = write(tmp_path / "planes.rec", [planes[: planes.rindex(b"\xff\xda")] + b"\xff\xd9"])
    with pytest.raises(BadSample, match=r"planes\.rec: key 0: is (truncated|damaged)"):
        make(rec).next()
    assert make(rec, check=False).next()


def test_plain_jpegs_are_decoded_once_although_they_are_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []
    decode = strict.decode

    def counted(*args: Any, **named: Any) -> Any:
        calls.append(args)
        return decode(*args, **named)

    iterator = records(SMALL, last_batch="short")
    monkeypatch.setattr(strict, "decode", counted)
    monkeypatch.setattr(strict, "check", None)
    assert sum(len(batch.index) for batch in iterator) == len(calls) == 23


def test_cut_off_jpegs_are_bad_for_detection_and_in_datasets(tmp_path: Path, jpeg: Callable[..., bytes]) -> None:
    half = jpeg()[: len(jpeg()) // 2]
    rec = write(tmp_path / "objects.rec", [half], OBJECT)
    for make in (loaders.ImageDetRecordIter, loaders.ImageDetIter):
        with pytest.raises(BadSample, match=r"objects\.rec: key 0: is damaged"):
            make(**given(rec)).next()
        assert make(**given(rec), check=False).next()
    root = tmp_path / "root"
    (root / "class").mkdir(parents=True)
    (root / "class" / "half.jpg").write_bytes(half)
    makers: list[Callable[..., Any]] = [
        lambda **more: loaders.ImageRecordDataset(rec, **more),
        lambda **more: loaders.ImageFolderDataset(root, **more),
        lambda **more: loaders.ImageListDataset(root, [[0, "class/half.jpg"]], **more),
    ]
    for build in makers:
        with pytest.raises(BadSample, match="is damaged"):
            build()[0]
        assert build(check=False)[0][0].shape == (40, 40, 3)


@pytest.fixture
def mixed(tmp_path: Path) -> tuple[Path, Path]:
    """A .rec of 40 records, and the .idx of another one."""
    rng = np.random.default_rng(3)

    def pictures() -> list[bytes]:
        return [recordio.encode(rng.integers(0, 256, (side, 20, 3), np.uint8), "png", 1) for side in rng.integers(16, 40, 40)]

    return write(tmp_path / "a.rec", pictures()), write(tmp_path / "b.rec", pictures()).with_suffix(".idx")


@BOTH
def test_the_index_of_another_file_is_asked_for_and_not_skipped_over(mixed: tuple[Path, Path], make: Make) -> None:
    with pytest.raises(BadSample, match=r"a\.rec: key 1: offset \d+: .*; does .*b\.idx belong to it\?; on_bad='skip' leaves it out$"):
        make(*mixed).next()
    iterator = make(*mixed, on_bad="skip")
    for _ in range(2):
        with pytest.raises(BadSample, match=r"does .*b\.idx belong to it\?; \d+ of 40 records are bad with this one, and on_bad='skip'"):
            list(iterator)
        with pytest.raises(BadSample, match="of 40 records are bad"):
            iterator.next()
        iterator.reset()


@BOTH
@pytest.mark.parametrize("shuffle", [False, True])
def test_half_of_the_records_may_be_left_out_and_no_more(tmp_path: Path, jpeg: Callable[..., bytes], make: Make, shuffle: bool) -> None:
    good = [jpeg(number) for number in range(16)]
    half = write(tmp_path / "half.rec", [b"" if number % 2 else image for number, image in enumerate(good)])
    iterator = make(half, on_bad="skip", shuffle=shuffle)
    for _ in range(2):
        assert {id_ for batch in iterator for id_ in batch.index.tolist()} == set(range(0, 16, 2))
        iterator.reset()
    more = write(tmp_path / "more.rec", [b"" if number % 2 or not number else image for number, image in enumerate(good)])
    with pytest.raises(BadSample, match=r"has no image; \d+ of 16 records are bad"):
        list(make(more, on_bad="skip", shuffle=shuffle))


def test_no_mean_image_is_made_of_the_lesser_half(mixed: tuple[Path, Path], tmp_path: Path) -> None:
    with pytest.raises(BadSample, match="21 of 40 records are bad"):
        records(*mixed, on_bad="skip", mean_img=tmp_path / "mean.nd")
    assert not (tmp_path / "mean.nd").exists()


class Failing(files.Disk):
    """Cannot read behind a place."""

    def __init__(self, place: int) -> None:
        self._place = place

    def pread(self, fd: int, length: int, offset: int) -> bytes:
        if offset >= self._place:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        return super().pread(fd, length, offset)


@BOTH
@pytest.mark.parametrize("on_bad", ["raise", "skip"])
@pytest.mark.skipif(not hasattr(os, "pread"), reason="no pread here")
def test_a_disk_that_fails_makes_no_record_bad(monkeypatch: pytest.MonkeyPatch, make: Make, on_bad: str) -> None:
    expected = [batch.index.tolist() for batch in make(SMALL)]
    iterator = make(SMALL, on_bad=on_bad)
    with monkeypatch.context() as patched:
        patched.setattr(files, "disk", Failing(recordio.IndexedReader(SMALL).index.offset(9)))
        found = [iterator.next().index.tolist() for _ in range(2)]
        for _ in range(2):
            with pytest.raises(FileError, match=r"small\.rec: cannot read at offset \d+: ") as caught:
                iterator.next()
            assert caught.value.errno == errno.EIO
    assert iterator.bad == []
    iterator.load_state_dict(iterator.state_dict())
    assert [*found, *(batch.index.tolist() for batch in iterator)] == expected


@pytest.mark.parametrize("kind", [loaders.ImageRecordIter, loaders.ImageIter])
def test_a_missing_image_of_a_list_is_bad_and_named_once(tmp_path: Path, jpeg: Callable[..., bytes], kind: Any) -> None:
    (tmp_path / "here.jpg").write_bytes(jpeg())
    (tmp_path / "some.lst").write_text("5\t1\there.jpg\n6\t0\tgone.jpg\n")
    sources = {"path_imglist": tmp_path / "some.lst", "path_root": tmp_path, "data_shape": (3, 16, 16), "batch_size": 2}
    with pytest.raises(BadSample, match=r"some\.lst: id 6: .*gone\.jpg: cannot (open|read)[^:]*: No such file") as caught:
        kind(**sources).next()
    assert str(caught.value).count("gone.jpg") == 1
    assert kind(**sources, on_bad="skip").next().index.tolist() == [5, 5]


@pytest.mark.parametrize("kind", [loaders.ImageRecordIter, loaders.ImageIter])
@pytest.mark.parametrize("root", ["elsewhere", "nowhere"])
def test_where_none_of_a_lists_images_is_there_the_parameter_is_named_and_not_what_leaves_out(
    tmp_path: Path, jpeg: Callable[..., bytes], kind: Any, root: str
) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "here.jpg").write_bytes(jpeg())
    (tmp_path / "some.lst").write_text("5\t1\there.jpg\n")
    with pytest.raises(BadSample, match=r"some\.lst: id 5: .*here\.jpg: .*its paths start from path_root='.*where'$"):
        kind(path_imglist=tmp_path / "some.lst", path_root=tmp_path / root, data_shape=(3, 16, 16), batch_size=1).next()


@BOTH
def test_labels_of_another_number_are_not_advised_to_be_left_out(make: Make) -> None:
    with pytest.raises(BadSample, match=r"small\.rec: key 0: has 1 label\(s\), expected label_width=2$"):
        make(SMALL, label_width=2).next()


@BOTH
def test_a_list_that_lacks_a_records_id_says_so(tmp_path: Path, make: Make) -> None:
    (tmp_path / "part.lst").write_text("0\t1\tx.jpg\n")
    with pytest.raises(BadSample, match=r"small\.rec: key 1: .*part\.lst: no line has the id 1; on_bad"):
        make(SMALL, path_imglist=tmp_path / "part.lst").next()


def test_damage_without_an_index_is_told_with_what_can_be_done(tmp_path: Path) -> None:
    rec = tmp_path / "torn.rec"
    data = bytearray(SMALL.read_bytes())
    data[recordio.IndexedReader(SMALL).index.offset(4)] ^= 0xFF
    rec.write_bytes(data)
    with pytest.raises(recordio.BadMagic, match=r"torn\.rec: offset \d+: .*'im2rec salvage' .* with the file's \.idx"):
        loaders.ImageRecordIter(**{**given(rec), "path_imgidx": ""}, on_bad="skip")
    iterator = records(rec, SMALL.with_suffix(".idx"), on_bad="skip")
    assert {id_ for batch in iterator for id_ in batch.index.tolist()} == set(range(23)) - {4}


@BOTH
def test_an_epoch_without_batches_is_told(tmp_path: Path, caplog: pytest.LogCaptureFixture, make: Make) -> None:
    empty = write(tmp_path / "empty.rec", [])
    assert list(make(empty)) == []
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert "empty.rec: " in caplog.text
    assert "without batches: 0 " in caplog.text
    caplog.clear()
    ends = {"last_batch": "discard"} if make is records else {"last_batch_handle": "discard"}
    assert list(make(SMALL, **{"num_parts": 8, "part_index": 7, **ends})) == []
    assert "small.rec: " in caplog.text
    assert "part 7 of 8" in caplog.text
    caplog.clear()
    assert list(make(SMALL))
    assert not caplog.records
