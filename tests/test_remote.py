import os
import uuid

import pytest

from ganad_tf import remote
from ganad_tf.errors import UserError


@pytest.fixture
def folder():
    """A folder of TensorFlow's file system in memory, with two files."""
    address = f"ram://{uuid.uuid4().hex}/parts"
    remote.write_file(f"{address}/a.png", b"a")
    remote.write_file(f"{address}/sub/b.png", b"bb")
    return address


def test_a_path_with_a_scheme_is_remote():
    assert remote.is_remote("gs://bucket/x") and remote.is_remote("ram://x")
    for path in ("/a/b", "a", "elpv:mono", "a/http://x", "C:/x"):
        assert not remote.is_remote(path)


def test_what_was_written_is_read_and_nothing_else_is_left(folder):
    with remote.open_file(f"{folder}/a.png".encode()) as file:
        assert file.read() == b"a"
    assert sorted(remote.list_dir(folder)) == ["a.png", "sub"]
    assert remote.size_and_time(f"{folder}/sub/b.png")[0] == 2
    remote.write_file(f"{folder}/a.png", b"new")
    with remote.open_file(f"{folder}/a.png") as file:
        assert file.read() == b"new"
    assert remote.glob(f"{folder}/*.png") == [f"{folder}/a.png"]
    remote.remove(f"{folder}/a.png")
    remote.remove(f"{folder}/a.png")
    assert remote.list_dir(folder) == ["sub"]


def test_folders_and_files_are_told_apart(folder):
    assert remote.is_dir(folder) and not remote.is_file(folder)
    assert remote.is_file(f"{folder}/a.png")
    assert not remote.is_dir(f"{folder}/a.png")
    assert not remote.is_file(f"{folder}/none")
    assert remote.list_dir(f"{folder}/none") == []


def test_walking_prunes_as_that_of_the_system_does(tmp_path):
    for name in ("x/1", "x/.hidden/2", "y/z/3"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"")

    def walked(address):
        found = []
        for parent, folders, names in remote.walk(address):
            folders[:] = [f for f in sorted(folders) if not f.startswith(".")]
            found.append((parent.removeprefix(address), sorted(names)))
        return found

    assert walked(f"file://{tmp_path}") == walked(str(tmp_path))


class Storage:
    """An object storage as TensorFlow shows it, which counts requests."""

    def __init__(self, *objects, mark):
        self.objects, self.mark, self.asked = objects, mark, []

    def isdir(self, path):
        self.asked.append(path)
        return any(o.startswith(path.rstrip("/") + "/") for o in self.objects)

    def listdir(self, path):
        start = path.rstrip("/") + "/"
        inner = [o[len(start) :] for o in self.objects if o.startswith(start)]
        names = {"".join(n.partition("/")[:2]) for n in inner}
        return sorted(n if self.mark else n.rstrip("/") for n in names)


@pytest.mark.parametrize("scheme", ["gs", "s3"])
def test_walking_asks_for_no_name_that_the_listing_tells(scheme, monkeypatch):
    root = f"{scheme}://b/in"
    names = [f"{n}.png" for n in range(50)]
    odd = ["a.png/x.png", "\udcff.png", "né w.png", "-/#?.png"]
    storage = Storage(
        *(f"{root}/{name}" for name in names + odd), mark=scheme == "gs"
    )
    monkeypatch.setattr(remote, "_gfile", lambda: storage)
    found = [
        remote.join(parent, name).removeprefix(f"{root}/")
        for parent, _, files in remote.walk(root)
        for name in files
    ]
    assert sorted(found) == sorted(names + odd)
    folders = [root, f"{root}/a.png", f"{root}/-"]
    if scheme == "gs":
        assert sorted(storage.asked) == sorted(folders)
    else:
        assert len(storage.asked) > 50


def test_a_folder_without_a_name_is_not_entered(monkeypatch):
    storage = Storage("gs://b/in/a.png", "gs://b/in//b.png", mark=True)
    monkeypatch.setattr(remote, "_gfile", lambda: storage)
    assert list(remote.walk("gs://b/in")) == [("gs://b/in", [], ["a.png"])]
    assert remote.list_dir("gs://b/in") == ["a.png"]


def test_a_file_system_that_is_not_there_is_one_line(folder):
    with pytest.raises(UserError, match="Cannot read s3://b/x: .*one of.*ram"):
        remote.open_file("s3://b/x")
    with pytest.raises(UserError, match=f"Cannot read {folder}/none: "):
        remote.open_file(f"{folder}/none")


def test_local_files_are_those_of_the_system(tmp_path):
    path = str(tmp_path / "a")
    with pytest.raises(FileNotFoundError):
        remote.open_file(path)
    (tmp_path / "a").write_bytes(b"a")
    with remote.open_file(path) as file:
        assert file.read() == b"a"
    assert remote.join("a", "b") == os.path.join("a", "b")
    assert remote.join("ram://a/", "b", "c") == "ram://a/b/c"
