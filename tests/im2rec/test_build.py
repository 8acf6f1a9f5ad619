"""The path from items to .rec and .idx: the same bytes whoever does the work and however the set is divided."""

from __future__ import annotations

import errno
import multiprocessing
import os
import struct

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from im2rec import build, passthrough, transform
from im2rec.errors import ListError, PlanError, TooManyRejects
from im2rec.listfile import Item
from im2rec.plan import ShardOptions
from im2rec.source import SourceOptions
from im2rec.transform import TransformOptions
from im2rec.work import PoolOptions
from recordio.errors import FileError
from recordio.jpeg import JpegHeaders
from recordio.outputs import OutputSet

pytestmark = pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")

SMALL = TransformOptions(pass_through=False, resize=16)


@pytest.fixture
def items(photos):
    paths = sorted(str(path.relative_to(photos)) for path in photos.rglob("*.jpg"))
    return [Item(10 + 3 * number, (number / 2,), path) for number, path in enumerate(paths)]


@pytest.fixture
def pack(photos, work):
    """Packs items of the photographs into the current folder; the files' bytes by name, and the report."""

    def run(items, name="x", root=photos, keep=False, **options):
        with OutputSet(force=True) as outputs:
            report = build.pack(items, work / name, build.PackOptions(SourceOptions(root), **options), outputs)
        assert report.listed == report.packed + report.rejected
        files = {path.name: path.read_bytes() for path in work.iterdir()}
        for path in work.iterdir():
            path.unlink() if not keep else None
        return files, report

    return run


@pytest.mark.parametrize("changes", [TransformOptions(), TransformOptions(check="off"), SMALL], ids=["kept", "unchecked", "resized"])
def test_any_number_of_workers_writes_the_same_bytes(pack, items, changes):
    (photos_gone,) = [Item(1, (0.0,), "gone.jpg")]
    listed = [*items[:5], photos_gone, *items[5:]]
    first, report = pack(listed, transform=changes)
    for workers in (1, 2, 4):
        again, other = pack(listed, transform=changes, pool=PoolOptions(workers))
        assert again == first
        assert other == report


@pytest.mark.parametrize("method", ["forkserver", "spawn"])
def test_processes_that_do_not_fork_write_the_same_bytes(pack, items, method):
    assert pack(items, transform=SMALL, pool=PoolOptions(2, start_method=method)) == pack(items, transform=SMALL)


def test_short_reads_of_the_quick_way_lose_nothing(pack, items, monkeypatch):
    whole, real = pack(items), os.readv
    monkeypatch.setattr(passthrough.os, "readv", lambda fd, views: real(fd, [views[0][:700]]))
    assert pack(items) == whole


@pytest.mark.parametrize("number", [errno.ESPIPE, errno.EINVAL])
def test_files_that_do_not_tell_their_size_are_read_to_their_end(pack, items, monkeypatch, number):
    def refuse(*_):
        raise OSError(number, os.strerror(number))

    whole = pack(items)
    monkeypatch.setattr(passthrough.os, "lseek", refuse)
    assert pack(items) == whole


def test_the_quick_way_and_the_ordinary_way_write_the_same(pack, items, monkeypatch):
    quick = pack(items)
    monkeypatch.setattr(passthrough, "AVAILABLE", False)
    assert pack(items) == quick


def test_kept_images_are_the_files_bytes_with_id_and_labels(pack, items, records, photos, work):
    pack(items, keep=True)
    assert records(work / "x.rec") == [(item.id, item.labels, (photos / item.path).read_bytes()) for item in items]


def test_the_index_names_each_records_offset(pack, items, work):
    files, _ = pack(items)
    lines = [tuple(map(int, line.split(b"\t"))) for line in files["x.idx"].splitlines()]
    assert [key for key, _ in lines] == [item.id for item in items]
    assert [struct.unpack_from("<Q", files["x.rec"], offset + 16)[0] for _, offset in lines] == [item.id for item in items]


@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.parametrize("width", [0, 1, 2])
def test_a_label_width_keeps_the_first_labels(pack, items, records, work, width, workers):
    items = [item._replace(labels=(float(item.id), 0.5, -1.0)) for item in items]
    pack(items, label_width=width, keep=True, pool=PoolOptions(workers))
    assert [labels for _, labels, _ in records(work / "x.rec")] == [item.labels[: width or 3] for item in items]


def test_items_of_different_label_counts_are_packed_side_by_side(pack, items, records, work):
    items = [item._replace(labels=(1.0, 2.0, 3.0)[: 1 + number % 3]) for number, item in enumerate(items)]
    pack(items, keep=True)
    assert [labels for _, labels, _ in records(work / "x.rec")] == [item.labels for item in items]


def test_items_with_too_few_labels_are_refused_before_the_work():
    with pytest.raises(ListError, match=r"x\.lst: item 2 \(id 9\) has 1 labels, expected 2"):
        build.check_label_width([Item(8, (1.0, 2.0), "a"), Item(9, (1.0,), "b")], 2, "x.lst")


SIZES = st.lists(st.one_of(st.integers(1, 300), st.sampled_from([(1 << 18) - 1, 1 << 18, (1 << 18) + 1, (1 << 20) + 5])), max_size=8)


@given(SIZES, st.sampled_from([b"\n#\xd7\xce", b"ab\n#\xd7\xce", b"x"]))
@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_files_of_any_size_and_full_of_magic_words_are_packed_alike(tmp_path_factory, sizes, word):
    root = tmp_path_factory.mktemp("sizes")
    for number, size in enumerate(sizes):
        (root / str(number)).write_bytes((word * 200).ljust(size, b"x")[:size])
    items = [Item(number, (0.0,), str(number)) for number in range(len(sizes))]
    options = {"source": SourceOptions(root), "transform": TransformOptions(check="off")}
    for name, workers in (("a", 0), ("b", 1)):
        with OutputSet() as outputs:
            report = build.pack(items, root / name, build.PackOptions(**options, pool=PoolOptions(workers)), outputs)
        assert (report.packed, report.bytes_read) == (len(sizes), sum(sizes))
    assert (root / "a.rec").read_bytes() == (root / "b.rec").read_bytes()
    assert (root / "a.idx").read_bytes() == (root / "b.idx").read_bytes()


@pytest.mark.parametrize("changes", [TransformOptions(), SMALL], ids=["kept", "resized"])
@pytest.mark.parametrize("workers", [0, 2])
def test_bad_images_are_left_out_with_their_reasons_and_the_rest_is_packed(pack, images, changes, workers):
    names = ["cat/eye.JPEG", "bad/empty.jpg", "bad/page.jpg", "coffee/cup.jpeg", "bad/truncated.jpg", "gone.jpg", "cat", "../x"]
    items = [Item(number, (0.0,), name) for number, name in enumerate(names)]
    _, report = pack(items, root=images, transform=changes, pool=PoolOptions(workers))
    assert (report.listed, report.packed) == (8, 2)
    assert [(reject.id, reject.path) for reject in report.rejects] == [(number, names[number]) for number in (1, 2, 4, 5, 6, 7)]
    said = ["is empty", "no", "truncated", "does not exist", "directory", "outside"]
    assert [part for part, reject in zip(said, report.rejects, strict=True) if part not in reject.reason] == []


@pytest.mark.parametrize("workers", [0, 1])
def test_a_fault_of_ours_on_one_image_costs_that_image(pack, items, monkeypatch, workers):
    check = transform.imagecheck.check

    def fail(data, **options):
        if len(data) % 2:
            raise IndexError("a fault of ours")
        return check(data, **options)

    monkeypatch.setattr(transform.imagecheck, "check", fail)
    monkeypatch.setattr(JpegHeaders, "match", lambda *_: None)  # each image is checked, whatever its siblings were
    _, report = pack(items, pool=PoolOptions(workers))
    assert 0 < report.rejected < len(items)
    assert {reject.reason for reject in report.rejects} == {"unexpected IndexError: a fault of ours"}


@pytest.mark.parametrize("workers", [0, 2])
def test_labels_and_ids_that_the_header_cannot_carry_are_rejects(pack, items, workers):
    odd = [items[0], Item(1 << 64, (0.0,), items[1].path), Item(3, (1e39,), items[2].path)]
    _, report = pack(odd, pool=PoolOptions(workers))
    assert [reject.id for reject in report.rejects] == [1 << 64, 3]


def test_progress_adds_up(items, photos, work):
    counts = []
    with OutputSet() as outputs:
        build.pack(items, work / "x", build.PackOptions(SourceOptions(photos)), outputs, advance=counts.append)
    assert sum(counts) == len(items)


@pytest.mark.parametrize("allowed", [0, 1, 2])
def test_more_rejects_than_allowed_leave_nothing(items, photos, work, allowed):
    listed = [Item(1, (0.0,), "a"), items[0], Item(2, (0.0,), "b"), items[1], Item(3, (0.0,), "c")]
    options = build.PackOptions(SourceOptions(photos), max_rejects=allowed)
    with pytest.raises(TooManyRejects) as caught, OutputSet() as outputs:
        build.pack(listed, work / "x", options, outputs)
    assert caught.value.last.item == "abc"[allowed]
    assert os.listdir(work) == []


def test_as_many_rejects_as_allowed_are_left_out(pack, items):
    _, report = pack([Item(1, (0.0,), "a"), *items], max_rejects=1)
    assert report.rejected == 1


@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.parametrize("shards", [1, 2, 5, 24])
def test_shards_of_equal_counts_hold_what_one_file_holds(pack, items, shards, workers):
    whole, _ = pack(items)
    files, report = pack(items, shards=ShardOptions(shards=shards), pool=PoolOptions(workers))
    names = [f"x-{number:05d}-of-{shards:05d}.rec" for number in range(shards)]
    assert sorted(files) == sorted([name.replace(".rec", suffix) for name in names for suffix in (".rec", ".idx", ".sum")])
    assert b"".join(files[name] for name in names) == whole["x.rec"]
    assert {len(files[name.replace(".rec", ".idx")].splitlines()) for name in names} <= {24 // shards, -(-24 // shards)}
    assert report.bytes_written == len(whole["x.rec"])


def test_parts_are_the_shards_of_the_set(pack, items):
    shards, _ = pack(items, shards=ShardOptions(shards=5))
    parts = {}
    for number in range(5):
        files, report = pack(items, shards=ShardOptions(part=(number, 5)))
        parts |= files
        assert report.listed == len(files[f"x-{number:05d}-of-00005.idx"].splitlines())
    assert parts == shards


@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.parametrize("size", [1, 3000, 10_000, 1 << 30])
def test_shards_of_a_size_hold_what_one_file_holds(pack, items, size, workers):
    whole, _ = pack(items)
    files, _ = pack(items, shards=ShardOptions(shard_size=size), pool=PoolOptions(workers))
    count = len(files) // 3
    recs = [files[f"x-{number:05d}-of-{count:05d}.rec"] for number in range(count)]
    assert b"".join(recs) == whole["x.rec"]
    for number, rec in enumerate(recs):  # only a record that is too large by itself passes the size
        assert len(rec) <= size or files[f"x-{number:05d}-of-{count:05d}.idx"].count(b"\n") == 1
    for number in range(count - 1):  # none is closed while the next record would fit
        first = struct.unpack_from("<I", recs[number + 1], 4)[0]
        assert len(recs[number]) + 8 + first + -first % 4 > size


def test_each_shards_index_starts_at_its_own_zero(pack, items):
    files, _ = pack(items, shards=ShardOptions(shard_size=5000))
    assert {data.split(b"\n")[0].split(b"\t")[1] for name, data in files.items() if name.endswith(".idx")} == {b"0"}


def test_rejects_keep_their_place_among_shards(pack, items):
    gone = [Item(item.id, item.labels, "gone") if number in (0, 7, 23) else item for number, item in enumerate(items)]
    files, report = pack(gone, shards=ShardOptions(shards=3))
    assert [len(files[f"x-0000{number}-of-00003.idx"].splitlines()) for number in range(3)] == [6, 8, 7]
    assert report.rejected == 3


def test_a_shard_of_rejects_alone_is_an_empty_file(pack, items):
    gone = [Item(item.id, item.labels, "gone") for item in items[:4]]
    files, _ = pack([*gone, *items[4:8]], shards=ShardOptions(shards=2))
    assert files["x-00000-of-00002.rec"] == files["x-00000-of-00002.idx"] == b""


def test_more_shards_than_items_are_refused(pack, items):
    with pytest.raises(PlanError, match="3 images cannot be divided into 4"):
        pack(items[:3], shards=ShardOptions(shards=4))


def test_a_plain_file_beside_shards_of_a_size_is_left_alone(items, photos, work):
    (work / "x.rec").write_bytes(b"another set")
    options = build.PackOptions(SourceOptions(photos), shards=ShardOptions(shard_size=1 << 30))
    with OutputSet() as outputs:
        build.pack(items, work / "x", options, outputs)
    assert (work / "x.rec").read_bytes() == b"another set"
    assert (work / "x-00000-of-00001.rec").exists()


def test_an_output_that_exists_is_refused_before_the_work(items, photos, work):
    (work / "x-00002-of-00003.idx").touch()
    options = build.PackOptions(SourceOptions(photos), shards=ShardOptions(shards=3))
    with pytest.raises(FileError, match=r"x-00002-of-00003\.idx: cannot write: it exists already"), OutputSet() as outputs:
        build.pack(iter_of_none(), work / "x", options, outputs)
    assert os.listdir(work) == ["x-00002-of-00003.idx"]


def iter_of_none():
    class Untouched(list):
        def __len__(self):
            return 24

        def __iter__(self):
            raise AssertionError("work was begun")
            yield

    return Untouched()


def test_a_write_that_fails_ends_the_workers_and_leaves_nothing(items, photos, work, monkeypatch):
    write = os.write

    def full(fd, data):
        if len(data) > 1000:
            raise OSError(28, "No space left on device")
        return write(fd, data)

    monkeypatch.setattr(os, "write", full)
    options = build.PackOptions(SourceOptions(photos), SMALL, pool=PoolOptions(2))
    with pytest.raises(FileError, match=r"x\.rec: cannot write: No space left on device"), OutputSet() as outputs:
        build.pack(items * 40, work / "x", options, outputs)
    assert os.listdir(work) == []
    assert multiprocessing.active_children() == []


def test_an_empty_list_makes_empty_files(pack):
    files, report = pack([])
    assert ((files["x.rec"], files["x.idx"]), report.listed) == ((b"", b""), 0)


@pytest.mark.skipif(not hasattr(os, "posix_fadvise"), reason="needs posix_fadvise")
def test_files_on_a_slow_disk_are_read_ahead_and_packed_the_same(pack, items, monkeypatch):
    whole, asked = pack(items), []
    monkeypatch.setattr(passthrough, "_ITEMS", 4)
    monkeypatch.setattr(passthrough, "_WARM_ITEM", 0.0)  # every disk is slower than that
    monkeypatch.setattr(passthrough, "_WARM_BYTE", 0.0)
    monkeypatch.setattr(passthrough.os, "posix_fadvise", lambda fd, start, size, advice: asked.append((start, size, advice)))
    assert pack(items) == whole
    assert 0 < len(asked) <= len(items) - 4  # the first batch tells that the disk is slow
    assert set(asked) == {(0, 0, os.POSIX_FADV_WILLNEED)}


@pytest.mark.skipif(not hasattr(os, "posix_fadvise"), reason="needs posix_fadvise")
def test_a_file_system_that_takes_no_advice_costs_nothing(pack, items, monkeypatch):
    def refuse(*arguments):
        raise OSError(29, "Illegal seek")

    whole = pack(items)
    monkeypatch.setattr(passthrough, "_ITEMS", 4)
    monkeypatch.setattr(passthrough, "_WARM_ITEM", 0.0)
    monkeypatch.setattr(passthrough, "_WARM_BYTE", 0.0)
    monkeypatch.setattr(passthrough.os, "posix_fadvise", refuse)
    assert pack(items) == whole


@pytest.mark.parametrize("run", [1, 2, 100])
def test_items_of_one_and_of_several_labels_keep_their_order(pack, items, monkeypatch, run):
    mixed = [item._replace(labels=(1.0, 2.0)[: 1 + (number // 3) % 2]) for number, item in enumerate(items)]
    monkeypatch.setattr(passthrough, "AVAILABLE", False)
    ordinary = pack(mixed)
    monkeypatch.setattr(passthrough, "AVAILABLE", True)
    monkeypatch.setattr(passthrough, "_RUN", run)
    assert pack(mixed) == ordinary
