import io

import pytest

pytest.importorskip("apache_beam")

from apache_beam.io.filesystem import FileMetadata
from apache_beam.io.filesystem import FileSystem
from apache_beam.io.filesystem import MatchResult
from conftest import encoded
from conftest import make_parts
from conftest import write_images

from ganad_tf.bulk import file_systems
from ganad_tf.errors import UserError
from ganad_tf.serving import score_files

STORE = {}


class Written(io.BytesIO):
    def __init__(self, path):
        super().__init__()
        self.path = path

    def close(self):
        STORE[self.path] = self.getvalue()
        super().close()


class MemoryFileSystem(FileSystem):
    """An object store: flat names, objects that appear when complete."""

    @classmethod
    def scheme(cls):
        return "memory"

    def join(self, basepath, *paths):
        raise NotImplementedError

    split = mkdirs = copy = rename = last_updated = checksum = join
    metadata = delete = _path_open = _list = has_dirs = join

    def match(self, patterns, limits=None):
        prefix, mark, _ = patterns[0].partition("*")
        found = [
            FileMetadata(path, len(data))
            for path, data in sorted(STORE.items())
            if path == prefix or (mark and path.startswith(prefix))
        ]
        return [MatchResult(patterns[0], found)]

    def exists(self, path):
        return path in STORE

    def size(self, path):
        return len(STORE[path])

    def create(self, path, mime_type, compression_type):
        return Written(path)

    def open(self, path, mime_type, compression_type):
        if "locked" in path:
            raise PermissionError("403\nforbidden")
        return io.BytesIO(STORE[path])


@pytest.fixture(autouse=True)
def empty_store():
    STORE.clear()


def test_a_folder_here_is_listed_as_score_images_lists_it(tmp_path):
    write_images(tmp_path / "a" / "b", make_parts(3, seed=0))
    (tmp_path / ".hidden.png").write_bytes(b"x")
    (tmp_path / "notes.txt").write_bytes(b"x")
    found = list(file_systems.list_images(str(tmp_path)))
    expected = score_files.list_image_paths(str(tmp_path))
    assert sorted(file.path for file in found) == expected
    assert all(file.size > 50 for file in found)
    with pytest.raises(UserError, match="no image at .*nothing"):
        list(file_systems.list_images(str(tmp_path / "nothing")))


def test_a_folder_elsewhere_is_listed_by_the_same_rules():
    for name in ("a.png", "b/c.JPG", "b/.d.png", ".e/f.png", "g.txt"):
        STORE[f"memory://lot/{name}"] = b"xyz"
    found = list(file_systems.list_images("memory://lot/"))
    assert [file.path for file in found] == [
        "memory://lot/a.png",
        "memory://lot/b/c.JPG",
    ]
    assert found[0].size == 3
    (one,) = file_systems.list_images("memory://lot/g.txt")
    assert one.path == "memory://lot/g.txt"
    for nothing in ("memory://other", "memory://lot/x*"):
        with pytest.raises(UserError, match="no image at memory"):
            list(file_systems.list_images(nothing))


def test_images_are_read_or_have_the_reasons_of_score_images(tmp_path):
    (image,) = encoded(make_parts(1, seed=0))
    for place in (str(tmp_path), "memory://lot"):
        path = file_systems.join(place, "a.png")
        file_systems.write_bytes(path, image)
        assert file_systems.exists(path)
        assert file_systems.list_names(place) == {"a.png"}
        assert file_systems.read_bytes(path) == image
        assert file_systems.read_image_or_reason(path) == image
        file_systems.write_bytes(path, b"junk")
        reason = file_systems.read_image_or_reason(path)
        assert reason.startswith("not an image: expected")
    STORE["memory://locked/a.png"] = image
    reason = file_systems.read_image_or_reason("memory://locked/a.png")
    assert reason == "unreadable: 403 forbidden"
    missing = file_systems.read_image_or_reason(str(tmp_path / "x.png"))
    assert missing == "unreadable: No such file or directory"
    assert file_systems.list_names(str(tmp_path / "nowhere")) == set()
