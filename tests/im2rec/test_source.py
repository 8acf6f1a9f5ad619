"""Images are read below one root, and nothing outside it. Every case with and without O_NOFOLLOW, and without dir_fd."""

from __future__ import annotations

import copy
import os
import pickle
import socket

import pytest

from im2rec import source
from im2rec.errors import ImageError
from im2rec.source import ImageSource, SourceOptions, leaves_root


@pytest.fixture(params=["all", "no O_NOFOLLOW", "no dir_fd"])
def opened(request, monkeypatch):
    """Makes an ImageSource, on a system that can refuse to follow links and open from a folder, and on some that cannot."""
    if request.param == "no O_NOFOLLOW":
        monkeypatch.setattr(source, "_NOFOLLOW", 0)
    if request.param == "no dir_fd":
        monkeypatch.setattr(os, "supports_dir_fd", frozenset())

    def make(root, **options) -> ImageSource:
        return ImageSource(SourceOptions(root, **options))

    return make


def reason(images: ImageSource, path: str) -> str:
    with pytest.raises(ImageError) as caught:
        images.read(path)
    assert caught.value.item == path
    return caught.value.reason


@pytest.mark.parametrize("size", [1, 1000, (1 << 17) - 1, 1 << 17, (1 << 17) + 1, 1_000_000])
def test_files_of_any_size_are_read_whole(tree, opened, size):
    data = os.urandom(size)
    assert opened(tree({"a/1.jpg": data})).read("a/1.jpg") == data


def test_an_empty_file_reads_as_nothing(tree, opened):
    assert opened(tree({"1.jpg": b""})).read("1.jpg") == b""


@pytest.mark.parametrize("path", ["../secret", "a/../../secret", "a/..", "..", "/etc/hostname", "/1.jpg"])
@pytest.mark.parametrize("before", [[], ["1.jpg", "a/2.jpg"]], ids=["at first", "after others"])
def test_paths_out_of_the_root_are_refused_whatever_was_read_before(tree, opened, path, before):
    images = opened(tree({"1.jpg": b"1", "a/2.jpg": b"2", "../secret": b"s"}))
    for good in before:
        images.read(good)
    assert "lies outside the root" in reason(images, path)


def test_paths_out_of_the_root_are_read_on_demand(tree, opened, tmp_path):
    images = opened(tree({"1.jpg": b"1", "../secret": b"s"}), outside_root=True)
    assert [images.read(path) for path in ("1.jpg", "../secret", str(tmp_path / "secret"))] == [b"1", b"s", b"s"]


def test_an_absolute_path_in_the_top_folder_is_not_looked_up_in_the_root(tree, opened):
    images = opened(tree({"no such file at the top.jpg": b"1"}), outside_root=True)
    images.read("no such file at the top.jpg")
    assert reason(images, "/no such file at the top.jpg") == "does not exist"


def test_a_file_a_folder_and_a_path_through_a_file_that_are_missing_are_told(tree, opened):
    images = opened(tree({"1.jpg": b"1"}))
    assert reason(images, "2.jpg") == "does not exist"
    assert reason(images, "a/2.jpg") == "does not exist"
    assert reason(images, "1.jpg/2.jpg") == "does not exist: a part of its path is no folder"


def test_a_folder_is_no_image(tree, opened):
    assert reason(opened(tree(["a.jpg/1.jpg"])), "a.jpg") == "cannot be read: Is a directory"


def test_a_fifo_is_refused_without_waiting_for_a_writer(tree, opened):
    root = tree([])
    os.mkfifo(root / "pipe.jpg")
    assert reason(opened(root), "pipe.jpg") == "is no regular file, expected an image"


def test_a_fifo_with_a_silent_writer_is_refused_too(tree, opened):
    root = tree([])
    os.mkfifo(root / "pipe.jpg")
    both = os.open(root / "pipe.jpg", os.O_RDWR)
    assert "Resource temporarily unavailable" in reason(opened(root), "pipe.jpg")
    os.close(both)


def test_a_device_and_a_socket_are_refused(tree, opened, monkeypatch):
    root = tree([])
    (root / "zero.jpg").symlink_to("/dev/zero")
    assert reason(opened(root, follow_symlinks=True), "zero.jpg") == "is no regular file, expected an image"
    monkeypatch.chdir(root)
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("s.jpg")
        assert reason(opened(root), "s.jpg").startswith("cannot be opened: ")


@pytest.mark.parametrize("path", ["a\0b.jpg", "a\0b/1.jpg", ""])
def test_a_name_that_no_file_has_is_refused(tree, opened, path):
    assert reason(opened(tree(["1.jpg"])), path)


def test_a_file_without_permission_is_refused(tree, opened, as_user):
    root = tree(["1.jpg"])
    (root / "1.jpg").chmod(0)
    assert reason(opened(root), "1.jpg") == "cannot be opened: Permission denied"


def test_a_link_to_a_file_outside_is_refused_unless_links_are_followed(tree, opened):
    root, outside = tree({"1.jpg": b"1"}), tree({"secret": b"s"}, "outside")
    (root / "link.jpg").symlink_to(outside / "secret")
    assert "link to a place outside the root" in reason(opened(root), "link.jpg")
    assert opened(root, follow_symlinks=True).read("link.jpg") == b"s"


def test_a_link_to_a_folder_outside_is_refused_unless_links_are_followed(tree, opened):
    root, outside = tree({"1.jpg": b"1"}), tree({"secret": b"s"}, "root-2")
    (root / "link").symlink_to(outside)
    assert "folder is a link to a place outside the root" in reason(opened(root), "link/secret")
    assert opened(root, follow_symlinks=True).read("link/secret") == b"s"


def test_links_that_stay_inside_are_read(tree, opened):
    root = tree({"a/1.jpg": b"1"})
    (root / "b").symlink_to("a")
    (root / "c.jpg").symlink_to("b/1.jpg")
    assert [opened(root).read(path) for path in ("b/1.jpg", "c.jpg")] == [b"1", b"1"]


def test_a_link_to_itself_is_refused(tree, opened):
    root = tree([])
    (root / "loop.jpg").symlink_to("loop.jpg")
    assert "is a broken link" in reason(opened(root), "loop.jpg")


def test_a_root_that_is_a_link_is_read(tree, opened, tmp_path):
    (tmp_path / "link").symlink_to(tree({"a/1.jpg": b"1"}))
    assert opened(tmp_path / "link").read("a/1.jpg") == b"1"


@pytest.mark.skipif(os.open not in os.supports_dir_fd, reason="needs paths relative to an open folder")
def test_a_root_that_is_replaced_meanwhile_is_not_mixed_with_the_new_one(tree, tmp_path):
    root = tree({"a/1.jpg": b"old", "a/2.jpg": b"old too"})
    images = ImageSource(SourceOptions(root))
    assert images.read("a/1.jpg") == b"old"
    root.rename(tmp_path / "away")
    (root / "a").mkdir(parents=True)
    (root / "a" / "1.jpg").write_bytes(b"of the new one")
    (root / "a" / "3.jpg").write_bytes(b"of the new one")
    assert [images.read(path) for path in ("a/1.jpg", "a/2.jpg")] == [b"old", b"old too"]
    assert [images.size(path) for path in ("a/1.jpg", "a/3.jpg")] == [3, 0]
    assert reason(images, "a/3.jpg") == "does not exist"


@pytest.mark.parametrize("again", [copy.copy, copy.deepcopy, lambda images: pickle.loads(pickle.dumps(images))])
def test_copies_of_a_source_have_a_root_of_their_own(tree, opened, again):
    images = opened(tree({"a/1.jpg": b"1"}))
    other = again(images)
    assert other.read("a/1.jpg") == b"1"
    del other
    assert images.read("a/1.jpg") == b"1"


def test_a_source_leaves_no_descriptor_open(tree, opened):
    root, before = tree({"a/1.jpg": b"1"}), len(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else 0
    for _ in range(5):
        opened(root).read("a/1.jpg")
    assert not before or len(os.listdir("/proc/self/fd")) == before


def test_names_that_are_not_utf8_are_read(tree, opened):
    name = os.fsdecode(b"caf\xe9/\xff.jpg")
    assert opened(tree({name: b"1"})).read(name) == b"1"


def test_sizes_for_planning_are_zero_where_they_cannot_be_known(tree, opened):
    images = opened(tree({"1.jpg": b"123"}))
    assert [images.size(path) for path in ("1.jpg", "2.jpg", "../root/1.jpg", "a\0b")] == [3, 0, 0, 0]


@pytest.mark.parametrize(
    ("path", "leaves"), [("a/b", False), ("a/..b/c..", False), ("", False), ("a/../b", True), ("..", True), ("/a", True)]
)
def test_whether_a_path_leaves_the_root_is_told_from_its_text(path, leaves):
    assert leaves_root(path) is leaves


def test_short_reads_are_not_taken_for_the_end(tree, opened, monkeypatch):
    data = os.urandom(300_000)
    images = opened(tree({"a.jpg": data}))
    real = os.read
    monkeypatch.setattr(source.os, "read", lambda fd, size: real(fd, min(size, 4096)))
    assert images.read("a.jpg") == data
