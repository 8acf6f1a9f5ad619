"""Going on with a pack that was interrupted: the same bytes, nothing done twice, and a refusal when something has changed."""

from __future__ import annotations

import contextlib
import os
import pickle
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from im2rec import build, journal, resume
from im2rec.completed import completed
from im2rec.errors import Im2recError, ResumeError, TooManyRejects
from im2rec.listfile import Item
from im2rec.packoptions import PackOptions, set_prefix
from im2rec.plan import ShardOptions
from im2rec.source import SourceOptions
from im2rec.transform import TransformOptions
from im2rec.work import PoolOptions
from recordio.errors import FileError
from recordio.outputs import OutputSet

SMALL = TransformOptions(pass_through=False, resize=16)
WAYS = [
    {},
    {"pool": PoolOptions(2)},
    {"transform": SMALL},
    {"shards": ShardOptions(shards=3)},
    {"shards": ShardOptions(shard_size=20_000)},
    {"checksums": False},
    {"shards": ShardOptions(part=(1, 2))},
]


@pytest.fixture
def root(photos, tmp_path):
    """Photographs that may be changed, one that is truncated among them."""
    root = shutil.copytree(photos, tmp_path / "root")
    first = min(root.rglob("*.jpg"))
    first.with_name("truncated.jpg").write_bytes(first.read_bytes()[:-9])
    return root


@pytest.fixture
def items(root):
    paths = sorted(str(path.relative_to(root)) for path in root.rglob("*.jpg"))
    return [Item(10 + 3 * number, (number / 2,), path) for number, path in enumerate(paths)] + [Item(1, (0.0,), "gone.jpg")]


@pytest.fixture
def run(root, items, work, monkeypatch):
    """Packs to work/x; a number of blocks interrupts after so many of them."""
    monkeypatch.setattr(journal, "_INTERVAL", -1.0)
    monkeypatch.setattr("im2rec.passthrough._ITEMS", 4)
    monkeypatch.setattr("im2rec.chunks.MOST_ITEMS", 4)
    monkeypatch.setattr("im2rec.pool._SERIAL_BLOCK", 1)
    time.sleep(0.02)  # the kernel's clock for files lags behind by a tick

    def pack(blocks=None, resume=True, digest="d", error=KeyboardInterrupt, name="x", **options):
        done = 0

        def advance(_):
            nonlocal done
            if blocks is not None and done >= blocks:
                raise error
            done += 1

        asked = PackOptions(SourceOptions(root), resume=resume, **options)
        own = set_prefix(work / name, asked.shards)
        past = journal.load(journal.journal_path(own))
        with OutputSet(own, force=True, keep=past.temporaries.values() if past else ()) as outputs:
            return build.pack(items, work / name, asked, outputs, advance=advance, digest=digest)

    return pack


def content(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.mark.parametrize("way", WAYS, ids=lambda way: "-".join(way) or "plain")
@pytest.mark.parametrize("blocks", [0, 1, 3])
def test_an_interrupted_run_ends_with_the_bytes_of_an_uninterrupted_one(run, work, way, blocks):
    whole = run(**way)
    expected = content(work)
    for path in work.iterdir():
        path.unlink()
    with pytest.raises(KeyboardInterrupt):
        run(blocks, **way)
    assert all(name.startswith(".") for name in os.listdir(work))
    with contextlib.suppress(KeyboardInterrupt):  # a part may have no more blocks
        run(blocks + 1, **way)
        for path in work.iterdir():
            path.unlink()
    report = run(**way)
    assert content(work) == expected
    assert (report.listed, report.packed, report.rejects) == (whole.listed, whole.packed, whole.rejects)
    assert report.bytes_read == whole.bytes_read


def test_what_was_done_is_not_done_again(run, work, items, monkeypatch):
    with pytest.raises(KeyboardInterrupt):
        run(3)
    read = []
    original = build.ImageSource.open
    monkeypatch.setattr(build.ImageSource, "open", lambda self, path: (read.append(path), original(self, path))[1])
    run()
    assert 0 < len(set(read)) <= len(items) - 12


def test_a_run_that_was_not_asked_to_resume_leaves_nothing_when_it_is_interrupted(run, work):
    with pytest.raises(KeyboardInterrupt):
        run(2, resume=False)
    assert os.listdir(work) == []


def test_a_run_that_is_not_asked_to_resume_starts_anew_and_clears_up(run, work):
    with pytest.raises(KeyboardInterrupt):
        run(2)
    run(resume=False)
    assert sorted(os.listdir(work)) == ["x.idx", "x.rec", "x.rejects.tsv", "x.sum"]


def test_too_many_rejects_end_a_run_for_good(run, work):
    with pytest.raises(TooManyRejects):
        run(max_rejects=1)
    assert os.listdir(work) == []


def test_a_full_disk_leaves_what_was_done(run, work, monkeypatch):
    with pytest.raises(FileError):
        run(2, error=FileError("x", "write", 28))
    report = run()
    assert report.listed == report.packed + report.rejected
    assert not any(name.startswith(".") for name in os.listdir(work))


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"digest": "other"}, "list was d and is other now"),
        ({"transform": SMALL}, "--resize was not given and is 16 now"),
        ({"label_width": 1}, "--label-width was not given and is 1 now"),
        ({"checksums": False}, "--sum was not given and is no now"),
        ({"shards": ShardOptions(shards=2)}, "--shards was not given and is 2 now"),
    ],
)
def test_other_options_are_refused_by_name_and_nothing_is_lost(run, work, changes, text):
    with pytest.raises(KeyboardInterrupt):
        run(2)
    before = content(work)
    with pytest.raises(ResumeError, match=text):
        run(**changes)
    assert content(work) == before
    run()
    assert (work / "x.rec").exists()


def test_a_changed_image_is_refused_by_name_and_nothing_is_lost(run, root, items, work):
    with pytest.raises(KeyboardInterrupt):
        run(2)
    path = root / items[1].path
    data = path.read_bytes()
    for change, text in [
        (lambda: path.write_bytes(data + b"\0"), f"has {len(data) + 1} bytes and had {len(data)}"),
        (lambda: path.write_bytes(data), "has changed since the run that was interrupted"),
        (lambda: os.utime(path, (0, 0)), "has changed since the run that was interrupted"),
        (path.unlink, "is no longer there"),
    ]:
        change()
        with pytest.raises(ResumeError) as caught:
            run()
        assert str(caught.value).startswith(f"{items[1].path}: {text}, so the interrupted run cannot be resumed")
    assert (work / ".x.journal").exists()


def clear(folder):
    for path in folder.iterdir():
        path.unlink()


@pytest.mark.skipif(os.name == "nt", reason="Windows has no change time")
def test_images_of_a_time_to_come_are_gone_on_with_unless_they_were_given_it_since(run, root, items, work):
    later = time.time() + 86400
    for path in filter(Path.is_file, root.rglob("*")):
        os.utime(path, (later, later))
    run()
    expected = content(work)
    clear(work)
    with pytest.raises(KeyboardInterrupt):
        run(2)
    run()
    assert content(work) == expected
    clear(work)
    with pytest.raises(KeyboardInterrupt):
        run(2)
    time.sleep(0.02)  # the clock for files lags behind by a tick
    os.utime(root / items[1].path, (later, later))
    with pytest.raises(ResumeError, match="has changed since the run that was interrupted"):
        run()


def touch_rights(path):
    path.chmod(0o600)


def give_second_name(path):
    os.link(path, path.with_name("second name"))


@pytest.mark.skipif(os.name == "nt", reason="Windows has no change time")
@pytest.mark.parametrize("change", [touch_rights, give_second_name])
@pytest.mark.parametrize("noted", [True, False], ids=["noted", "not noted"])
def test_what_changes_no_byte_of_an_image_is_no_change(run, root, items, work, monkeypatch, change, noted):
    whole = run()
    expected = content(work)
    clear(work)
    if not noted:
        monkeypatch.setattr(resume.Resumable, "note", unnoted)
    with pytest.raises(KeyboardInterrupt):
        run(4)
    time.sleep(0.02)  # the clock for files lags behind by a tick
    for item in items[:9]:
        before = (root / item.path).stat()
        change(root / item.path)
        (root / item.path).with_name("second name").unlink(missing_ok=True)
        after = (root / item.path).stat()
        assert (after.st_mtime_ns, after.st_ctime_ns > before.st_ctime_ns) == (before.st_mtime_ns, True)
    assert completed(items, work / "x", PackOptions(SourceOptions(root)), "d", []) is None
    report = run()
    assert (content(work), report.packed) == (expected, whole.packed)
    for item in items[:9]:
        change(root / item.path)
        (root / item.path).with_name("second name").unlink(missing_ok=True)
    assert completed(items, work / "x", PackOptions(SourceOptions(root)), "d", []).packed == whole.packed


def unnoted(self, block, written, writer):
    """As a run notes a block that was not given --resume."""
    self._journal.note(block, written, writer.recs, [])


def test_an_image_that_is_replaced_by_an_older_one_of_its_size_is_refused(run, root, items, work):
    with pytest.raises(KeyboardInterrupt):
        run(2)
    path = root / items[1].path
    other = path.with_name("other")
    data = bytearray(path.read_bytes())
    data[-9] ^= 1
    other.write_bytes(data)
    os.utime(other, (10**9, 10**9))
    other.replace(path)
    with pytest.raises(ResumeError, match=f"^{items[1].path}: has changed since the run that was interrupted, so the interrupted run"):
        run()


def test_an_image_that_was_not_done_may_change(run, root, items, work):
    with pytest.raises(KeyboardInterrupt):
        run(2)
    last = root / items[-2].path
    last.write_bytes((root / items[0].path).read_bytes())
    report = run()
    assert report.packed + report.rejected == len(items)


@pytest.mark.parametrize("hurt", ["journal cut", "journal flip", "rec cut", "rec flip", "rec gone", "journal gone"])
def test_damage_to_what_was_left_costs_work_and_no_byte_of_the_result(run, work, hurt):
    run()
    expected = content(work)
    for path in work.iterdir():
        path.unlink()
    with pytest.raises(KeyboardInterrupt):
        run(4)
    kind, how = hurt.split()
    (path,) = [path for path in work.iterdir() if kind in path.name]
    data = bytearray(path.read_bytes())
    if how == "gone":
        path.unlink()
    elif how == "cut":
        path.write_bytes(data[: len(data) // 2])
    else:
        data[len(data) // 2] ^= 1
        path.write_bytes(data)
    run()
    left = {name: data for name, data in content(work).items() if not name.startswith(".")}
    assert left == expected


def test_a_commit_that_was_interrupted_between_its_renames_is_gone_on_with(run, work):
    run()
    expected = content(work)
    for path in work.iterdir():
        path.unlink()
    with pytest.raises(KeyboardInterrupt):
        run(4)
    (temporary,) = work.glob(".x.rec.*.tmp")
    temporary.rename(work / "x.rec")
    run()
    assert content(work) == expected


def test_an_older_set_is_never_taken_for_what_an_interrupted_run_wrote(run, work):
    run()
    expected = content(work)
    (work / "x.rec").write_bytes(b"an older set")
    with pytest.raises(KeyboardInterrupt):
        run(2)
    (temporary,) = work.glob(".x.rec.*.tmp")
    temporary.unlink()
    with pytest.raises(KeyboardInterrupt):
        run(0)
    assert (work / "x.rec").read_bytes() == b"an older set"
    run()
    assert content(work) == expected


def test_a_finished_set_is_known_by_its_list_and_options(run, root, items, work):
    options = PackOptions(SourceOptions(root))
    assert completed(items, work / "x", options, "d", []) is None
    first = run()
    found = completed(items, work / "x", options, "d", [])
    assert (found.listed, found.packed, found.rejects) == (first.listed, first.packed, first.rejects)
    for other, digest, text in [
        (options, "other list", "x: its list was another one, so the finished set is not what this command packs now"),
        (PackOptions(SourceOptions(root), SMALL), "d", "--resize was not given and is"),
    ]:
        with pytest.raises(ResumeError, match=text):
            completed(items, work / "x", other, digest, [])
        assert completed(items, work / "x", other, digest, [], replace=True) is None
    same = (root / items[0].path).read_bytes()
    for change, text in [
        (same + b"\0" * 9, "another size than when it was packed"),
        (same[:-9], "another size"),
        (same, "has changed since it was packed"),
    ]:
        (root / items[0].path).write_bytes(change)
        with pytest.raises(ResumeError, match=f"{text}.*, so the finished set is not what this command packs now"):
            completed(items, work / "x", options, "d", [])
    (work / "x.idx").write_bytes(b"")
    assert completed(items, work / "x", options, "d", []) is None


def test_a_resumed_command_says_that_nothing_is_left_to_do(im2rec, photos, work):
    assert im2rec("pack", photos, "-o", "x", "--resume").code == 0
    before = content(work)
    ran = im2rec("pack", photos, "-o", "x", "--resume")
    assert (ran.code, ran.err.splitlines()[0]) == (0, "im2rec: x: is complete, nothing is left to do")
    assert content(work) == before
    (photos / "a" / "00.jpg").chmod(0o644)
    assert im2rec("pack", photos, "-o", "x", "--resume").code == 0
    assert im2rec("pack", photos, "-o", "x", "--resume", "--resize", "9").code == 3
    (photos / "a" / "00.jpg").touch()
    ran = im2rec("pack", photos, "-o", "x", "--resume")
    assert (ran.code, ran.err.count("\n")) == (3, 1)
    assert ran.err.startswith("im2rec: a/00.jpg: has changed since it was packed, so the finished set is not what this command packs now")
    assert im2rec("pack", photos, "-o", "x", "--force").code == 0


INTERRUPTED = """
import os, signal, sys
from im2rec import build, journal, passthrough, pool, resume
from im2rec.cli import main
journal._INTERVAL, passthrough._ITEMS, build._CHUNK_ITEMS, pool._SERIAL_BLOCK = -1.0, 4, 4, 1
note, seen = resume.Resumable.note, []
def counted(self, *arguments):
    note(self, *arguments)
    seen.append(1)
    if len(seen) == 3:
        os.kill(os.getpid(), getattr(signal, sys.argv[1]))
resume.Resumable.note = counted
sys.exit(main.guarded("im2rec", main._body, sys.argv[2:]))
"""


@pytest.mark.skipif(os.name == "nt", reason="Windows has neither these signals nor links for everybody")
@pytest.mark.parametrize("ended", ["SIGKILL", "SIGINT"])
@pytest.mark.parametrize("output", ["sub/x", "link/x", "sub/../link/x", "{work}/link/x", "{linked work}/sub/x"])
@pytest.mark.parametrize("options", [[], ["--resize", "16", "--workers", "0"], ["--shards", "3"]], ids=["kept", "encoded", "shards"])
def test_work_is_found_again_by_whatever_name_its_folder_has(im2rec, photos, work, tmp_path, monkeypatch, ended, output, options):
    (work / "sub").mkdir()
    (work / "far").mkdir()
    (work / "link").symlink_to("far")
    (tmp_path / "linked").symlink_to(work)
    output = output.replace("{work}", str(work)).replace("{linked work}", str(tmp_path / "linked"))
    assert im2rec("pack", photos, "-o", tmp_path / "x", *options).code == 0
    line = ["pack", str(photos), "-o", output, "--resume", *options]
    done = subprocess.run([sys.executable, "-c", INTERRUPTED, ended, *line], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == {"SIGKILL": -9, "SIGINT": 130}[ended], done
    taken, adopt = [], resume.adopt
    monkeypatch.setattr(resume, "adopt", lambda past, *arguments: (adopt(past, *arguments), taken.append(len(past.entries))))
    ran = im2rec(*line)
    assert (ran.code, taken) == (0, [3]), ran
    expected = {path.name: path.read_bytes() for path in tmp_path.glob("x*") if path.is_file()}
    assert content(Path(output).parent) == expected


def test_a_resume_error_is_one_of_ours():
    assert issubclass(ResumeError, Im2recError)
    error = ResumeError("x", "has changed", finished=True)
    assert str(pickle.loads(pickle.dumps(error))) == str(error)
