"""Positional reads, and sets of files that appear together or not at all, whatever the system does."""

from __future__ import annotations

import errno
import os
import pickle
import stat
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from recordio import files, outputs
from recordio.errors import FileError
from recordio.files import InputFile
from recordio.outputs import OutputSet

DATA = bytes(range(256)) * 40


@pytest.fixture
def source(tmp_path):
    path = tmp_path / "source"
    path.write_bytes(DATA)
    file = InputFile(path)
    yield file
    file.close()


@pytest.fixture
def old(tmp_path):
    """A folder that holds an older set of two files."""
    (tmp_path / "x.rec").write_bytes(b"old rec")
    (tmp_path / "x.idx").write_bytes(b"old idx")
    return tmp_path


def write_both(folder: Path, *, force: bool = True) -> None:
    with OutputSet(force=force) as outputs:
        outputs.create(folder / "x.idx").write(b"new idx")
        outputs.create(folder / "x.rec", main=True).write(b"new rec")


def content(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def role(path: str | os.PathLike[str]) -> str:
    """Name a file of the set without the random part of its temporary name."""
    name = Path(path).name
    if name.endswith(".tmp"):
        return "temporary " + name[1:].rsplit(".", 2)[0]
    return name if name.startswith("x.") else "folder"


@pytest.fixture
def calls(monkeypatch):
    """What a commit asks of the system, in order; a call named in *failing* fails with EIO, once."""
    made: list[str] = []
    failing: set[str] = set()
    opened: dict[int, str] = {}

    def watch(name, describe, after=lambda result, *arguments: None):
        original = getattr(os, name)

        def watched(*arguments, **options):
            line = describe(*arguments)
            if line:
                made.append(line)
            if line in failing:
                failing.discard(line)
                raise OSError(errno.EIO, "Input/output error")
            result = original(*arguments, **options)
            after(result, *arguments)
            return result

        monkeypatch.setattr(os, name, watched)

    watch("open", lambda path, *_: None, lambda fd, path, *_: opened.update({fd: role(path)}))
    watch("fsync", lambda fd: f"fsync {opened[fd]}")
    watch("replace", lambda start, end: f"rename {role(start)} to {role(end)}")
    watch("unlink", lambda path, *_: f"unlink {role(path)}")
    return made, failing


COMMIT = [
    "fsync temporary x.idx",
    "fsync temporary x.rec",
    "unlink x.idx",
    "fsync folder",
    "rename temporary x.rec to x.rec",
    "fsync folder",
    "rename temporary x.idx to x.idx",
    "fsync folder",
]

# Reading


@pytest.mark.parametrize(("offset", "length"), [(0, 0), (0, 1), (5, 300), (0, len(DATA)), (len(DATA) - 2, 2)])
def test_bytes_are_read_where_they_stand(source, with_and_without_pread, offset, length):
    assert source.read_at(offset, length) == DATA[offset : offset + length]


@pytest.mark.parametrize("offset", [len(DATA) - 7, len(DATA), len(DATA) + 99])
def test_read_over_the_end_returns_what_there_is(source, with_and_without_pread, offset):
    assert source.read_at(offset, 1000) == DATA[offset:]


def test_size_is_the_files_size(source):
    assert (source.size, source.name) == (len(DATA), str(source.path))


def test_positional_reads_that_return_less_are_completed(source, monkeypatch):
    original = os.pread
    monkeypatch.setattr(os, "pread", lambda fd, length, offset: original(fd, min(length, 7), offset))
    assert source.read_at(3, 1000) == DATA[3:1003]
    assert source.read_at(len(DATA) - 10, 1000) == DATA[-10:]


def test_plain_reads_that_return_less_are_completed(source, monkeypatch):
    original = os.read
    monkeypatch.delattr(os, "pread", raising=False)
    monkeypatch.setattr(os, "read", lambda fd, length: original(fd, min(length, 7)))
    assert source.read_at(3, 1000) == DATA[3:1003]


def test_threads_do_not_disturb_each_other(source, with_and_without_pread):
    barrier = threading.Barrier(4)

    def work(start):
        barrier.wait()
        return all(source.read_at(at, 50) == DATA[at : at + 50] for at in range(start, 4000, 7))

    with ThreadPoolExecutor(4) as pool:
        assert all(pool.map(work, range(4)))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_forked_child_reads_at_places_of_its_own(source, with_and_without_pread):
    child = os.fork()
    right = all(source.read_at(at, 50) == DATA[at : at + 50] for at in range(0, 9000, 3))
    if not child:
        os._exit(0 if right else 1)
    assert right
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_pickled_file_is_opened_again_by_its_name(source, with_and_without_pread):
    again = pickle.loads(pickle.dumps(source))
    assert (again.read_at(5, 5), again.size, again.name) == (DATA[5:10], len(DATA), source.name)
    again.close()


def test_file_that_is_closed_cannot_be_read_and_closing_twice_is_harmless(source, with_and_without_pread):
    source.close()
    source.close()
    with pytest.raises(FileError) as caught:
        source.read_at(0, 1)
    assert (caught.value.errno, caught.value.action) == (errno.EBADF, "read at offset 0")


def test_file_that_is_forgotten_is_closed(tmp_path):
    (tmp_path / "x").write_bytes(b"x")
    file = InputFile(tmp_path / "x")
    fd = file._fd
    del file
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(fd)


def test_failing_disk_is_told_with_file_and_offset(source, monkeypatch):
    def broken(fd, length, offset):
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(os, "pread", broken, raising=False)
    with pytest.raises(FileError) as caught:
        source.read_at(96, 1)
    assert str(caught.value) == f"{source.name}: cannot read at offset 96: Input/output error"


@pytest.mark.parametrize(("function", "action"), [(InputFile, "open"), (files.read_whole, "read"), (files.open_text_lines, "open")])
def test_missing_file_is_told(tmp_path, function, action):
    with pytest.raises(FileError) as caught:
        function(tmp_path / "no")
    assert str(caught.value) == f"{tmp_path / 'no'}: cannot {action}: No such file or directory"
    assert (caught.value.errno, caught.value.filename) == (errno.ENOENT, str(tmp_path / "no"))


def test_small_files_and_lines_are_read_as_bytes(tmp_path):
    (tmp_path / "x").write_bytes(b"one\r\ntwo\n\xff")
    assert files.read_whole(tmp_path / "x") == b"one\r\ntwo\n\xff"
    with files.open_text_lines(tmp_path / "x") as lines:
        assert list(lines) == [b"one\r\n", b"two\n", b"\xff"]


# Sets of files


def test_set_appears_together_at_the_end(tmp_path):
    with OutputSet() as outputs:
        for name in ("a", "b"):
            outputs.create(tmp_path / name).write(name.encode())
        assert sorted(path.suffix for path in tmp_path.iterdir()) == [".lock", ".lock", ".tmp", ".tmp"]
    assert content(tmp_path) == {"a": b"a", "b": b"b"}


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, SystemExit])
def test_exception_shows_nothing(tmp_path, error):
    with pytest.raises(error), OutputSet() as outputs:  # noqa: PT012
        outputs.create(tmp_path / "a").write(b"a")
        outputs.create(tmp_path / "b", main=True).write(b"b")
        raise error
    assert content(tmp_path) == {}


def test_commit_keeps_its_order(old, calls):
    made, _ = calls
    write_both(old)
    assert made[:8] == COMMIT
    assert content(old) == {"x.rec": b"new rec", "x.idx": b"new idx"}


def test_file_without_a_main_one_replaces_the_old_one_in_one_step(old, calls):
    made, _ = calls
    outputs.write_whole(old / "x.idx", b"new idx", force=True)
    assert made[:3] == ["fsync temporary x.idx", "rename temporary x.idx to x.idx", "fsync folder"]
    assert content(old) == {"x.rec": b"old rec", "x.idx": b"new idx"}


OLD = {"x.rec": b"old rec", "x.idx": b"old idx"}


@pytest.mark.parametrize("step", sorted(set(COMMIT) - {"fsync folder"}))
def test_failed_step_of_a_commit_is_undone_and_leaves_no_temporary_file(old, calls, step):
    _, failing = calls
    failing.add(step)
    with pytest.raises(FileError, match="Input/output error"):
        write_both(old)
    assert content(old) == OLD


@pytest.mark.parametrize("count", [1, 2, 3])
def test_failed_sync_of_the_folder_is_reported_and_undone(old, monkeypatch, count):
    original, seen = files.disk.sync_folder, []

    def sync(folder):
        seen.append(folder)
        if len(seen) == count:
            raise OSError(errno.EIO, "Input/output error")
        original(folder)

    monkeypatch.setattr(files.disk, "sync_folder", sync)
    with pytest.raises(FileError, match="cannot sync: Input/output error"):
        write_both(old)
    assert content(old) == OLD


@pytest.mark.parametrize("count", [1, 2])
def test_old_files_stay_where_no_links_can_be_made_until_they_are_replaced(old, calls, monkeypatch, count):
    """Without links nothing can be put back: then a failed step leaves what a crash would, a main file alone."""
    monkeypatch.setattr(files.disk, "link", lambda path, other: (_ for _ in ()).throw(OSError(errno.EPERM, "no links")))
    calls[1].add(COMMIT[[4, 6][count - 1]])
    with pytest.raises(FileError, match="Input/output error"):
        write_both(old)
    assert content(old) in ({"x.rec": b"old rec"}, {"x.rec": b"new rec"})


@pytest.mark.parametrize(
    ("call", "text"),
    [
        ("fsync temporary x.rec", "x.rec: cannot sync: Input/output error"),
        ("rename temporary x.rec to x.rec", "x.rec: cannot rename its temporary file: Input/output error"),
    ],
)
def test_failed_output_is_named_by_its_final_name(old, calls, call, text):
    calls[1].add(call)
    with pytest.raises(FileError) as caught:
        write_both(old)
    assert str(caught.value) == f"{old}{os.sep}{text}"


def test_failed_commit_closes_its_files(old, calls, monkeypatch):
    closed, original = [], os.close
    monkeypatch.setattr(os, "close", lambda fd: (closed.append(fd), original(fd)))
    calls[1].add("fsync temporary x.idx")
    with pytest.raises(FileError), OutputSet(force=True) as outputs:
        opened = [outputs.create(old / name)._fd for name in ("x.idx", "x.rec")]
    assert set(closed) > set(opened)


def test_short_writes_are_completed(tmp_path, monkeypatch):
    original = os.write
    monkeypatch.setattr(os, "write", lambda fd, data: original(fd, bytes(data[:7])))
    with OutputSet() as outputs:
        output = outputs.create(tmp_path / "a")
        for data in (DATA, b"", bytearray(b"x" * 15), memoryview(b"y" * 14)):
            output.write(data)
        assert output.size == len(DATA) + 29
    assert content(tmp_path) == {"a": DATA + b"x" * 15 + b"y" * 14}


def test_disk_that_fills_up_in_the_middle_of_a_write_leaves_nothing(tmp_path, monkeypatch):
    original, left = os.write, [10]

    def write(fd, data):
        if not left[0]:
            raise OSError(errno.ENOSPC, "No space left on device")
        done = original(fd, bytes(data[: left[0]]))
        left[0] -= done
        return done

    monkeypatch.setattr(os, "write", write)
    with pytest.raises(FileError, match=r"a: cannot write: No space left on device"):
        outputs.write_whole(tmp_path / "a", DATA)
    assert content(tmp_path) == {}


def test_existing_file_is_refused_without_force(old):
    with pytest.raises(FileError) as caught:
        write_both(old, force=False)
    assert str(caught.value) == f"{old / 'x.idx'}: cannot write: it exists already (force=True replaces it)"
    assert content(old) == OLD


def test_file_that_appears_while_another_is_written_is_refused_without_force(tmp_path):
    with pytest.raises(FileError, match="it exists already"), OutputSet() as outputs:  # noqa: PT012
        outputs.create(tmp_path / "a").write(b"ours")
        (tmp_path / "a").write_bytes(b"theirs")
    assert content(tmp_path) == {"a": b"theirs"}


def test_missing_folder_is_told(tmp_path):
    with pytest.raises(FileError) as caught:
        outputs.write_whole(tmp_path / "no" / "a", b"a")
    assert str(caught.value) == f"{tmp_path / 'no' / 'a'}: cannot write: the folder {tmp_path / 'no'} does not exist"


@pytest.mark.parametrize("force", [False, True])
def test_folder_in_the_place_of_a_file_is_refused(tmp_path, force):
    (tmp_path / "a").mkdir()
    with pytest.raises(FileError, match="a: cannot write: it is a folder"):
        outputs.write_whole(tmp_path / "a", b"a", force=force)


def test_name_that_is_too_long_is_told(tmp_path):
    with pytest.raises(FileError) as caught:
        outputs.write_whole(tmp_path / ("a" * 256), b"a")
    assert (caught.value.errno, content(tmp_path)) == (errno.ENAMETOOLONG, {})


@pytest.mark.parametrize("name", ["a" * 251 + ".rec", "日" * 83 + ".rec", "😀" * 62 + ".rec"])
def test_longest_name_that_a_folder_takes_can_be_written(tmp_path, name):
    assert 250 < len(os.fsencode(name)) <= 255
    outputs.write_whole(tmp_path / name, b"a")
    assert content(tmp_path) == {name: b"a"}


def test_name_may_change_until_the_commit(tmp_path):
    with OutputSet() as outputs:
        output = outputs.create(tmp_path / "a")
        output.write(b"a")
        output.path = tmp_path / "b"
    assert content(tmp_path) == {"b": b"a"}


def test_second_set_of_one_name_is_refused_until_the_first_is_done(tmp_path):
    first, second = OutputSet(force=True), OutputSet(force=True)
    first.create(tmp_path / "a.rec").write(b"first")
    with pytest.raises(FileError, match="a: cannot write: another run is writing this set"):
        second.create(tmp_path / "a.idx")
    first.commit()
    second.create(tmp_path / "a.rec").write(b"second")
    second.commit()
    assert content(tmp_path) == {"a.rec": b"second"}


def test_shards_are_written_side_by_side_but_not_beside_a_run_that_writes_them_all(tmp_path):
    shards = [OutputSet() for _ in range(2)]
    for number, shard in enumerate(shards):
        shard.create(tmp_path / f"a-0000{number}-of-00002.rec").write(b"shard")
    whole = OutputSet(tmp_path / "a")
    with pytest.raises(FileError, match="another run is writing this set"):
        whole.create(tmp_path / "a-00000-of-00003.rec")
    for shard in shards:
        shard.commit()
    whole.create(tmp_path / "a-00000-of-00003.rec")
    with pytest.raises(FileError, match="another run is writing this set"):
        OutputSet(force=True).create(tmp_path / "a-00001-of-00002.rec")
    whole.discard()
    assert sorted(content(tmp_path)) == ["a-00000-of-00002.rec", "a-00001-of-00002.rec"]


def test_temporary_files_of_a_killed_run_are_removed_by_the_next_and_no_others(tmp_path):
    mine = [".a.lock", ".a.rec.0123abcd.tmp", ".a.rejects.tsv.00000000.tmp", ".a-00001-of-00009.idx.0123abcd.tmp"]
    others = [".a.b.rec.0123abcd.tmp", ".ab.rec.0123abcd.tmp", ".a.rec.tmp", "a.rec.0123abcd.tmp", ".a.rec.0123ABCD.tmp"]
    for name in (*mine, *others):
        (tmp_path / name).touch()
    outputs.write_whole(tmp_path / "a.idx", b"idx")
    assert sorted(content(tmp_path)) == sorted([*others, "a.idx"])


def test_permissions_follow_the_umask(tmp_path):
    before = os.umask(0o027)
    try:
        outputs.write_whole(tmp_path / "a", b"a")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "a").stat().st_mode) == 0o640


def test_set_that_is_discarded_leaves_nothing_and_may_be_discarded_again(tmp_path):
    outputs = OutputSet()
    outputs.create(tmp_path / "a").write(b"a")
    outputs.discard()
    outputs.discard()
    assert content(tmp_path) == {}


def test_descriptors_are_not_inherited_by_programs_that_are_started(tmp_path, source):
    with OutputSet() as outputs:
        output = outputs.create(tmp_path / "a")
        assert not os.get_inheritable(output._fd)
        assert not os.get_inheritable(source._fd)


def test_a_set_that_nobody_closes_leaves_nothing(tmp_path):
    outputs = OutputSet()
    outputs.create(tmp_path / "x.rec").write(b"x")
    del outputs
    assert os.listdir(tmp_path) == []
