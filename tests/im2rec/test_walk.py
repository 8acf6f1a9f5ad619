"""Folder trees, kind and hostile, into entries."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from im2rec.errors import InputError
from im2rec.legacy import MXNET_EXTENSIONS
from im2rec.walk import Entries, WalkOptions, walk

NAMES = st.sampled_from(["a", "b", "B", "z.d", ".h", "ü", "a b", "1.jpg"])
FILES = st.sampled_from(["1.jpg", "2.JPG", "3.png", ".jpg", ".x.jpg", "..jpg", "note.txt", "x.jpg.bak", "jpg", "4.jpeg"])


def paths(entries: Entries) -> list[str]:
    return [entries.path(ordinal) for ordinal in range(len(entries))]


def reasons(entries: Entries) -> dict[str, str]:
    return {reject.path: reject.reason for reject in entries.rejects}


def mxnet_walk(root: Path) -> list[tuple[str, int]]:
    """As list_image of MXNet 1.9.1's im2rec.py, recursive."""
    found, classes = [], {}
    for path, dirs, names in os.walk(root, followlinks=True):
        dirs.sort()
        for name in sorted(names):
            whole = os.path.join(path, name)
            if os.path.isfile(whole) and os.path.splitext(name)[1].lower() in MXNET_EXTENSIONS:
                found.append((os.path.relpath(whole, root), classes.setdefault(path, len(classes))))
    return found


@given(st.lists(st.tuples(st.lists(NAMES, max_size=3), FILES), min_size=1, max_size=12))
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_tree_is_walked_in_the_order_and_with_the_labels_of_os_walk(tmp_path_factory, files):
    root = tmp_path_factory.mktemp("tree")
    for folders, name in files:
        place = root.joinpath(*folders)
        if not any(parent.is_file() for parent in [place, *place.parents]) and not (place / name).is_dir():
            place.mkdir(parents=True, exist_ok=True)
            (place / name).write_bytes(b"")
    found = walk(root, WalkOptions(MXNET_EXTENSIONS))
    assert list(zip(paths(found), found.labels, strict=True)) == mxnet_walk(root)


def test_upper_case_suffixes_are_images_and_other_files_are_counted(tree):
    found = walk(tree(["A.JPG", "b.Png", "c.webp", "d.bmp", "notes.txt", "e.gif", "README"]), WalkOptions())
    assert paths(found) == ["A.JPG", "b.Png", "c.webp", "d.bmp"]
    assert found.ignored == 3


def test_a_name_that_is_only_a_suffix_is_no_image(tree):
    found = walk(tree([".jpg", "..jpg", ".hidden.jpg"]), WalkOptions())
    assert paths(found) == [".hidden.jpg"]
    assert found.ignored == 2


def test_each_folder_that_holds_images_is_a_class_in_sorted_order(tree):
    found = walk(tree(["b/1.jpg", "a/deep/2.jpg", "a/3.jpg", "empty/x.txt", "4.jpg"]), WalkOptions())
    assert found.classes == {".": 0, "a": 1, "a/deep": 2, "b": 3}
    assert list(found.labels) == [0, 1, 2, 3]


def test_top_folders_label_all_that_is_below_them(tree):
    found = walk(tree(["b/1.jpg", "a/deep/2.jpg", "a/3.jpg"]), WalkOptions(labels="top"))
    assert found.classes == {"a": 0, "b": 1}
    assert list(found.labels) == [0, 0, 1]


def test_without_labels_all_are_zero_and_there_are_no_classes(tree):
    found = walk(tree(["b/1.jpg", "a/2.jpg"]), WalkOptions(labels="none"))
    assert (list(found.labels), found.classes) == ([0, 0], {})


def test_a_flat_walk_takes_the_roots_own_files(tree):
    assert paths(walk(tree(["1.jpg", "a/2.jpg"]), WalkOptions(recursive=False))) == ["1.jpg"]


def test_progress_adds_up_to_the_images(tree):
    counts = []
    walk(tree(["1.jpg", "a/2.jpg", "a/3.jpg", "a/b/4.jpg", "c/5.txt"]), WalkOptions(), counts.append)
    assert sum(counts) == 4


def test_an_empty_folder_has_no_entries(tree):
    assert len(walk(tree([]), WalkOptions())) == 0


def test_a_root_that_is_missing_or_a_file_is_told(tree):
    root = tree(["1.jpg"])
    with pytest.raises(InputError, match="no such folder"):
        walk(root / "x", WalkOptions())
    with pytest.raises(InputError, match="is no folder"):
        walk(root / "1.jpg", WalkOptions())


def test_a_link_to_a_file_outside_is_rejected_and_followed_on_demand(tree):
    root, outside = tree(["1.jpg"]), tree(["secret.jpg"], "outside")
    (root / "link.jpg").symlink_to(outside / "secret.jpg")
    assert "outside the root" in reasons(walk(root, WalkOptions()))["link.jpg"]
    assert paths(walk(root, WalkOptions(follow_symlinks=True))) == ["1.jpg", "link.jpg"]


def test_a_link_to_a_folder_outside_is_rejected_and_followed_on_demand(tree):
    root, outside = tree(["1.jpg"]), tree(["a/secret.jpg"], "outside")
    (root / "link").symlink_to(outside)
    assert "outside the root" in reasons(walk(root, WalkOptions()))["link"]
    assert paths(walk(root, WalkOptions(follow_symlinks=True))) == ["1.jpg", "link/a/secret.jpg"]


def test_a_folder_beside_the_root_that_shares_its_name_is_outside(tree):
    root, outside = tree(["1.jpg"]), tree(["2.jpg"], "root-2")
    (root / "link.jpg").symlink_to(outside / "2.jpg")
    assert paths(walk(root, WalkOptions())) == ["1.jpg"]


def test_links_that_stay_inside_are_followed(tree):
    root = tree(["a/1.jpg"])
    (root / "b").symlink_to("a")
    (root / "c.jpg").symlink_to("a/1.jpg")
    assert paths(walk(root, WalkOptions())) == ["c.jpg", "a/1.jpg", "b/1.jpg"]


def test_a_root_that_is_a_link_itself_is_walked(tree, tmp_path):
    (tmp_path / "link").symlink_to(tree(["a/1.jpg"]))
    assert paths(walk(tmp_path / "link", WalkOptions())) == ["a/1.jpg"]


@pytest.mark.parametrize("target", [".", "..", "../.."])
@pytest.mark.parametrize("follow", [False, True])
def test_a_link_to_a_folder_above_it_is_no_endless_loop(tree, target, follow):
    root = tree(["a/b/1.jpg"])
    (root / "a/b/up").symlink_to(target)
    found = walk(root, WalkOptions(follow_symlinks=follow))
    assert paths(found) == ["a/b/1.jpg"]
    assert "endless loop" in reasons(found)["a/b/up"]


def test_folders_that_link_to_each_other_end(tree):
    root = tree(["a/1.jpg", "b/2.jpg", "c/3.jpg"])
    for here in "abc":
        for there in set("abc") - {here}:
            (root / here / f"to_{there}").symlink_to(f"../{there}")
    found = walk(root, WalkOptions())
    assert {"a/1.jpg", "b/2.jpg", "c/3.jpg"} <= set(paths(found))


@pytest.mark.parametrize("target", ["missing.jpg", "x.jpg", "1.jpg/y.jpg", "n" * 300])
def test_a_link_that_leads_nowhere_is_rejected_and_the_rest_is_listed(tree, target):
    root = tree(["1.jpg", "a/2.jpg"])
    (root / "x.jpg").symlink_to(target)
    found = walk(root, WalkOptions())
    assert paths(found) == ["1.jpg", "a/2.jpg"]
    assert reasons(found) == {"x.jpg": "is a broken link"}


def test_a_link_to_itself_without_an_images_suffix_is_passed_over(tree):
    root = tree(["1.jpg"])
    (root / "loop").symlink_to("loop")
    assert paths(walk(root, WalkOptions())) == ["1.jpg"]


def test_a_fifo_is_no_image_and_a_folder_with_an_images_suffix_is_a_folder(tree):
    root = tree(["dir.jpg/1.jpg"])
    os.mkfifo(root / "pipe.jpg")
    found = walk(root, WalkOptions())
    assert paths(found) == ["dir.jpg/1.jpg"]
    assert reasons(found) == {"pipe.jpg": "is no regular file"}


@pytest.mark.parametrize("name", ["a\tb.jpg", "a\nb.jpg", " a.jpg", os.fsdecode(b"caf\xe9.jpg"), "d\t/a.jpg", os.fsdecode(b"\xff/a.jpg")])
def test_names_that_a_list_cannot_carry_are_rejected_with_the_reason(tree, name):
    found = walk(tree([name, "good.jpg"]), WalkOptions())
    assert paths(found) == ["good.jpg"]
    assert list(reasons(found)) == [name]


def test_a_suffix_with_blanks_behind_it_is_an_images(tree):
    root = tree(["a/end.jpg ", "a/END.JPG\u3000", "a/notes.txt ", "a/x.jpg /1.jpg", "a/ .jpg"])
    found = walk(root, WalkOptions())
    assert (paths(found), found.ignored) == (["a/ .jpg", "a/x.jpg /1.jpg"], 1)
    assert sorted(reasons(found)) == ["a/END.JPG\u3000", "a/end.jpg "]
    assert all("white space" in reason for reason in reasons(found).values())
    as_mxnet = walk(root, WalkOptions(carry_all=True))
    assert (paths(as_mxnet), as_mxnet.ignored, reasons(as_mxnet)) == (["a/ .jpg", "a/x.jpg /1.jpg"], 3, {})


def test_names_that_readers_strip_are_warned_of_where_all_are_carried(tree):
    found = walk(tree([" a.jpg", "a\tb.jpg", os.fsdecode(b"caf\xe9.jpg")]), WalkOptions(carry_all=True))
    assert paths(found) == [" a.jpg", "a\tb.jpg"]
    assert [warning.path for warning in found.warnings] == [" a.jpg", "a\tb.jpg"]
    assert "not UTF-8" in reasons(found)[os.fsdecode(b"caf\xe9.jpg")]


def test_a_folder_that_cannot_be_read_is_rejected_by_name(tree, monkeypatch):
    root, scandir = tree(["a/1.jpg", "b/2.jpg"]), os.scandir

    def refuse(path):
        if str(path).endswith("a"):
            raise PermissionError(13, "Permission denied")
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)
    found = walk(root, WalkOptions())
    assert paths(found) == ["b/2.jpg"]
    assert reasons(found) == {"a": "this folder cannot be read: Permission denied"}


def test_a_locked_folder_is_rejected_by_name(tree, as_user):
    root = tree(["a/1.jpg", "b/2.jpg"])
    (root / "a").chmod(0)
    found = walk(root, WalkOptions())
    (root / "a").chmod(0o700)
    assert (paths(found), list(reasons(found))) == (["b/2.jpg"], ["a"])


def test_a_root_that_cannot_be_read_is_an_error(tree, monkeypatch):
    def refuse(path):
        raise PermissionError(13, "Permission denied")

    root = tree(["1.jpg"])
    monkeypatch.setattr(os, "scandir", refuse)
    with pytest.raises(InputError, match="cannot be read: Permission denied"):
        walk(root, WalkOptions())


def test_raw_paths_are_the_file_systems_bytes(tree):
    found = walk(tree(["ü/é.jpg", "b.jpg"]), WalkOptions())
    assert [found.raw_path(ordinal) for ordinal in range(2)] == [b"b.jpg", "ü/é.jpg".encode()]


def test_a_tree_deeper_than_pythons_stack_is_walked(tree):
    root = tree([])
    deep = root.joinpath(*["d"] * 1500)
    subprocess.run(["mkdir", "-p", "/".join(["d"] * 1500)], cwd=root, check=True)
    (deep / "1.jpg").write_bytes(b"x")
    found = walk(root, WalkOptions())
    subprocess.run(["rm", "-r", root / "d"], check=True)  # shutil.rmtree would exceed the stack
    assert len(found) == 1
    assert sys.getrecursionlimit() < 1500
