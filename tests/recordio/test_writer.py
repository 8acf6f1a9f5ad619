"""Writing: MXNet's bytes, all or nothing, and what is refused."""

from __future__ import annotations

import errno
import functools
import os
import struct

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from recordio import files, frame, header
from recordio.errors import BadHeader, FileError, PayloadTooLarge
from recordio.outputs import OutputSet
from recordio.writer import IndexedWriter, Writer

M = b"\x0a\x23\xd7\xce"


@pytest.fixture
def rec(tmp_path):
    return tmp_path / "x.rec"


def listing(folder) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_file_without_index_is_the_one_that_mxnet_wrote(frames, rec):
    with Writer(rec) as writer:
        offsets = [writer.write(payload) for payload in frames.payloads]
    assert (rec.read_bytes(), offsets) == (frames.rec.read_bytes(), frames.offsets)


def test_file_and_index_are_those_that_mxnet_wrote(frames, rec):
    with IndexedWriter(rec) as writer:
        offsets = [writer.write(key, payload) for key, payload in zip(frames.keys, frames.payloads, strict=True)]
    assert (rec.read_bytes(), offsets) == (frames.rec.read_bytes(), frames.offsets)
    assert rec.with_suffix(".idx").read_bytes() == frames.idx.read_bytes()


def test_images_and_identities_are_the_files_that_mxnet_wrote(faces, rec):
    with IndexedWriter(rec) as writer:
        for key, label, image in faces.records:
            writer.write(key, header.pack((0, label, key, 0), image))
    assert rec.read_bytes() == faces.rec.read_bytes()
    assert rec.with_suffix(".idx").read_bytes() == faces.idx.read_bytes()


def test_encoded_blocks_give_the_same_files(frames, rec):
    data = frames.rec.read_bytes()
    sizes = [end - start for start, end in zip(frames.offsets, [*frames.offsets[1:], len(data)], strict=True)]
    with IndexedWriter(rec) as writer:
        writer.write_encoded(frames.keys[:9], sizes[:9], memoryview(data)[: frames.offsets[9]])
        writer.write(frames.keys[9], frames.payloads[9])
        writer.write_encoded(frames.keys[10:], sizes[10:], bytearray(data[frames.offsets[10] :]))
    assert (rec.read_bytes(), rec.with_suffix(".idx").read_bytes()) == (data, frames.idx.read_bytes())


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
def test_payload_may_be_any_buffer(rec, kind, framed):
    with Writer(rec) as writer:
        writer.write(kind(b"abcd" + M))
    assert rec.read_bytes() == framed(b"abcd" + M)


def test_buffer_may_be_used_again_after_a_write(rec, framed):
    buffer = bytearray(b"one")
    with Writer(rec) as writer:
        writer.write(buffer)
        buffer[:] = b"two"
    assert rec.read_bytes() == framed(b"one")


def test_nothing_written_gives_empty_files(rec):
    with IndexedWriter(rec):
        pass
    assert (rec.read_bytes(), rec.with_suffix(".idx").read_bytes()) == (b"", b"")


def test_records_beyond_the_buffer_keep_their_order(rec, framed):
    payloads = [struct.pack("<I", at) * size for at, size in enumerate([1, 300_000, 2, 250_000, 0, 13, 600_000, 1])]
    with Writer(rec) as writer:
        offsets = [writer.write(payload) for payload in payloads]
    records = [framed(payload) for payload in payloads]
    assert offsets == [sum(map(len, records[:at])) for at in range(len(records))]
    assert rec.read_bytes() == b"".join(records)


def test_index_of_more_lines_than_are_formatted_at_once(rec):
    count = (1 << 16) + 3
    with IndexedWriter(rec) as writer:
        writer.write_encoded(range(count), [8] * count, frame.encode(b"") * count)
    assert rec.with_suffix(".idx").read_text() == "".join(f"{key}\t{8 * key}\n" for key in range(count))


def test_size_and_length_count_what_is_written_so_far(rec):
    with IndexedWriter(rec) as writer:
        writer.write(1, b"abc")
        writer.write(2, M)
        assert (writer.size, len(writer)) == (12 + 16, 2)
        assert (writer.keys.tolist(), writer.offsets.tolist()) == ([1, 2], [0, 12])


@pytest.mark.parametrize("key", [-1, 1 << 64])
def test_key_outside_of_64_bits_is_refused_and_nothing_written(rec, told, key):
    with IndexedWriter(rec) as writer:
        writer.write(2**64 - 1, b"abcd")
        with pytest.raises(BadHeader) as caught:
            writer.write(key, b"x")
    assert told(caught.value) == ("BadHeader", str(rec), 12, f"key {key}, expected 0 to 2**64 - 1")
    assert rec.with_suffix(".idx").read_text() == "18446744073709551615\t0\n"


def test_payload_that_is_too_large_is_refused_and_nothing_written(rec, framed):
    with IndexedWriter(rec) as writer:
        writer.write(1, b"a")
        with pytest.raises(PayloadTooLarge):
            writer.write(2, bytes(1 << 29))
        writer.write(3, b"b")
    assert rec.read_bytes() == framed(b"a") + framed(b"b")
    assert rec.with_suffix(".idx").read_text() == "1\t0\n3\t12\n"


def test_block_that_does_not_match_its_sizes_is_refused(rec):
    with IndexedWriter(rec) as writer:
        writer.write(1, b"a")
        with pytest.raises(ValueError, match="a block of 12 bytes, expected 20 by its sizes"):
            writer.write_encoded([2, 3], [8, 12], frame.encode(b"a"))
    assert rec.with_suffix(".idx").read_text() == "1\t0\n"


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
def test_exception_leaves_nothing_behind(rec, error):
    with pytest.raises(error), IndexedWriter(rec) as writer:  # noqa: PT012
        writer.write(1, b"x" * (2 << 20))
        raise error
    assert listing(rec.parent) == []


def test_exception_leaves_the_old_files_as_they_were(rec):
    with IndexedWriter(rec) as writer:
        writer.write(1, b"old")
    before = rec.read_bytes(), rec.with_suffix(".idx").read_bytes()
    with pytest.raises(RuntimeError), IndexedWriter(rec, force=True) as writer:  # noqa: PT012
        writer.write(2, b"new" * (1 << 20))
        raise RuntimeError
    assert (rec.read_bytes(), rec.with_suffix(".idx").read_bytes()) == before
    assert listing(rec.parent) == ["x.idx", "x.rec", "x.sum"]


def test_final_names_do_not_exist_before_the_end(rec):
    with IndexedWriter(rec) as writer:
        writer.write(1, b"x" * (2 << 20))
        assert not rec.exists()
        assert not rec.with_suffix(".idx").exists()
    assert listing(rec.parent) == ["x.idx", "x.rec", "x.sum"]


@pytest.mark.parametrize(("kind", "arguments"), [(Writer, (b"x",)), (IndexedWriter, (1, b"x"))])
def test_writer_that_is_discarded_leaves_nothing(rec, kind, arguments):
    writer = kind(rec)
    writer.write(*arguments)
    writer.discard()
    assert listing(rec.parent) == []


@pytest.mark.parametrize("name", ["x.rec", "x.idx"])
def test_existing_file_is_refused_without_force(rec, name):
    (rec.parent / name).write_bytes(b"precious")
    with pytest.raises(FileError, match="it exists already"):
        IndexedWriter(rec)
    assert listing(rec.parent) == [name]
    assert (rec.parent / name).read_bytes() == b"precious"


def test_force_replaces_both_files(rec, framed):
    for payload in (b"old", b"new!"):
        with IndexedWriter(rec, force=True) as writer:
            writer.write(len(payload), payload)
    assert (rec.read_bytes(), rec.with_suffix(".idx").read_text()) == (framed(b"new!"), "4\t0\n")


def test_index_may_have_a_name_of_its_own(rec, tmp_path):
    with IndexedWriter(rec, tmp_path / "other.idx") as writer:
        writer.write(1, b"a")
    assert listing(tmp_path) == ["other.idx", "x.rec", "x.sum"]


def test_two_writers_in_one_set_appear_together(tmp_path):
    with OutputSet() as outputs:
        for name in ("a", "b"):
            writer = IndexedWriter(tmp_path / f"{name}.rec", outputs=outputs)
            writer.write(1, name.encode())
            writer.finish()
        assert sorted(path.suffix for path in tmp_path.iterdir()) == [".lock"] * 2 + [".tmp"] * 6
    assert listing(tmp_path) == ["a.idx", "a.rec", "a.sum", "b.idx", "b.rec", "b.sum"]


def test_writer_in_a_set_of_its_callers_cannot_close_it(tmp_path):
    with OutputSet() as outputs:
        writer = IndexedWriter(tmp_path / "a.rec", outputs=outputs)
        with pytest.raises(ValueError, match="belongs to its caller: use finish"):
            writer.close()
        writer.discard()
        writer.finish()
    assert listing(tmp_path) == ["a.idx", "a.rec", "a.sum"]


@pytest.mark.parametrize(("kind", "arguments"), [(Writer, (b"a",)), (IndexedWriter, (1, b"a"))])
def test_closing_twice_does_nothing(rec, kind, arguments, framed):
    with kind(rec) as writer:
        writer.write(*arguments)
        writer.close()
        writer.close()
    assert rec.read_bytes() == framed(b"a")


@pytest.mark.parametrize(("kind", "arguments"), [(Writer, (b"a",)), (IndexedWriter, (1, b"a"))])
@pytest.mark.parametrize("end", ["close", "discard"])
def test_record_after_the_end_is_not_swallowed(rec, kind, arguments, end):
    writer = kind(rec)
    writer.write(*arguments)
    getattr(writer, end)()
    with pytest.raises(FileError, match="Bad file descriptor"):  # noqa: PT012
        writer.write(*arguments)
        writer.close()


def test_full_disk_is_reported_and_leaves_nothing(rec, monkeypatch):
    def full(fd, data):
        raise OSError(28, "No space left on device")

    with pytest.raises(FileError) as caught, IndexedWriter(rec) as writer:  # noqa: PT012
        writer.write(1, b"x")
        monkeypatch.setattr(os, "write", full)
        writer.write(2, b"x" * (2 << 20))
    assert str(caught.value) == f"{rec}: cannot write: No space left on device"
    assert listing(rec.parent) == []


def test_disk_that_is_full_at_the_end_is_reported_and_leaves_the_old_file(rec, monkeypatch):
    rec.write_bytes(b"old")

    def full(fd, data):
        raise OSError(28, "No space left on device")

    with pytest.raises(FileError, match="No space left"), Writer(rec, force=True) as writer:  # noqa: PT012
        writer.write(b"x")
        monkeypatch.setattr(os, "write", full)
    assert (listing(rec.parent), rec.read_bytes()) == (["x.rec"], b"old")


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.lists(
        st.tuples(st.integers(0, 2**64 - 1), st.lists(st.sampled_from([M, M[:3], b"ab", b"\0"]), max_size=5).map(b"".join)), max_size=8
    )
)
def test_what_is_written_is_the_definition_record_by_record(tmp_path_factory, framed, records):
    rec = tmp_path_factory.mktemp("writer") / "x.rec"
    with IndexedWriter(rec) as writer:
        offsets = [writer.write(key, payload) for key, payload in records]
    assert rec.read_bytes() == b"".join(framed(payload) for _, payload in records)
    assert rec.with_suffix(".idx").read_text() == "".join(f"{key}\t{at}\n" for (key, _), at in zip(records, offsets, strict=True))


def test_a_set_is_not_committed_after_a_write_that_failed_half_way(tmp_path, monkeypatch):
    real, calls = os.write, []

    def fails_second(fd, data):
        calls.append(len(data))
        if len(calls) == 2:
            raise OSError(errno.ENOSPC, "No space left on device")
        return real(fd, bytes(data)[: len(data) // 2] if len(calls) == 1 else data)

    writer = IndexedWriter(tmp_path / "x.rec")
    monkeypatch.setattr(files.os, "write", fails_second)
    with pytest.raises(FileError, match="No space left"):
        writer.write(1, b"x" * (2 << 20))
    for go_on in (functools.partial(writer.write, 2, b"y"), writer.close):
        with pytest.raises(FileError, match="an earlier write of it failed"):
            go_on()
    assert list(tmp_path.iterdir()) == []


def test_a_key_that_is_no_whole_number_writes_nothing(tmp_path):
    with IndexedWriter(tmp_path / "x.rec") as writer:
        with pytest.raises(TypeError):
            writer.write(1.5, b"x")
        assert (writer.size, len(writer)) == (0, 0)


def test_a_file_without_an_index_leaves_no_old_one_beside_it(rec):
    with IndexedWriter(rec) as writer:
        writer.write(1, b"old")
    with Writer(rec, force=True) as writer:
        writer.write(b"new")
    assert listing(rec.parent) == ["x.rec"]


def test_an_index_without_its_file_is_not_removed_without_being_asked_for(rec):
    rec.with_suffix(".idx").write_bytes(b"old")
    with pytest.raises(FileError, match=r"x\.idx: cannot write: it exists already"):
        Writer(rec)
    assert listing(rec.parent) == ["x.idx"]
