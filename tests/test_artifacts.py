import errno
import os
import pathlib
import subprocess
import sys

import pytest

from ganad_tf import artifacts
from ganad_tf.errors import UserError


def test_json_comes_back(tmp_path):
    path = str(tmp_path / "deep" / "a.json")
    artifacts.write_json(path, {"b": [1, None]})
    assert artifacts.read_json(path, made_by="x") == {"b": [1, None]}
    assert os.listdir(tmp_path / "deep") == ["a.json"]


def test_bytes_of_names_that_are_no_text_are_written(tmp_path):
    artifacts.write_text(str(tmp_path / "a"), "e\udcff\u00e9")
    assert (tmp_path / "a").read_bytes() == b"e\xff\xc3\xa9"


def test_a_failed_write_leaves_the_old_file(tmp_path):
    path = str(tmp_path / "a.json")
    artifacts.write_json(path, 1)
    with pytest.raises(ValueError):
        artifacts.write_json(path, float("nan"))
    assert artifacts.read_json(path, made_by="x") == 1


def fail_with(code):
    def fail(*_):
        raise OSError(code, os.strerror(code))

    return fail


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EROFS, errno.EIO])
def test_a_full_disk_leaves_what_is_older(tmp_path, monkeypatch, code):
    """A disk may say only at the flush that it is full."""
    path, folder = str(tmp_path / "a.json"), str(tmp_path / "model")
    artifacts.write_json(path, 1)
    with artifacts.new_directory(folder) as part:
        artifacts.write_text(os.path.join(part, "old"), "")
    monkeypatch.setattr(artifacts.os, "fsync", fail_with(code))
    reason = f"Cannot write .*: {os.strerror(code)}"
    with pytest.raises(UserError, match=reason):
        artifacts.write_json(path, 2)
    with (
        pytest.raises(UserError, match=reason),
        artifacts.new_directory(folder) as part,
    ):
        (pathlib.Path(part) / "new").touch()
    monkeypatch.undo()
    assert artifacts.read_json(path, made_by="x") == 1
    assert os.listdir(folder) == ["old"]
    assert sorted(os.listdir(tmp_path)) == ["a.json", "model"]


def test_everything_is_on_the_disk_before_it_gets_its_name(
    tmp_path, monkeypatch
):
    calls = []

    def recorded(name):
        real = getattr(os, name)

        def call(*arguments):
            calls.append(name)
            return real(*arguments)

        monkeypatch.setattr(artifacts.os, name, call)

    for name in ("fsync", "replace", "rename"):
        recorded(name)
    artifacts.write_text(str(tmp_path / "a"), "")
    assert calls == ["fsync", "replace", "fsync"]
    calls.clear()
    with artifacts.new_directory(str(tmp_path / "m")) as part:
        for name in ("a", "b"):
            (pathlib.Path(part) / name).touch()
    assert calls == ["fsync", "fsync", "fsync", "rename", "fsync"]


def test_a_missing_file_names_the_tool_that_makes_it(tmp_path):
    with pytest.raises(UserError, match="Run fit_detector.py first"):
        artifacts.read_json(str(tmp_path / "a"), made_by="fit_detector.py")


def test_half_a_json_file_is_an_error(tmp_path):
    (tmp_path / "a").write_text('{"b": ')
    with pytest.raises(UserError, match="is not JSON"):
        artifacts.read_json(str(tmp_path / "a"), made_by="x")


def test_a_folder_that_fails_never_gets_its_name(tmp_path):
    path = str(tmp_path / "model")
    with pytest.raises(RuntimeError), artifacts.new_directory(path) as part:
        artifacts.write_text(os.path.join(part, "a"), "half")
        raise RuntimeError
    assert os.listdir(tmp_path) == []


def test_a_folder_is_replaced_as_a_whole(tmp_path):
    path = str(tmp_path / "model")
    for name in ("old", "new"):
        with artifacts.new_directory(path) as part:
            artifacts.write_text(os.path.join(part, name), "")
    assert os.listdir(path) == ["new"]
    assert os.listdir(tmp_path) == ["model"]


def test_a_folder_is_replaced_where_folders_cannot_be_exchanged(
    tmp_path, monkeypatch
):
    monkeypatch.setattr(artifacts.ctypes, "CDLL", lambda *_, **__: object())
    test_a_folder_is_replaced_as_a_whole(tmp_path)


def test_a_folder_that_appears_meanwhile_is_kept(tmp_path):
    path = str(tmp_path / "1")
    with (
        pytest.raises(artifacts.ExistsError, match="1 already exists"),
        artifacts.new_directory(path, replace=False) as part,
    ):
        (pathlib.Path(part) / "mine").touch()
        artifacts.write_text(os.path.join(path, "theirs"), "")
    assert os.listdir(path) == ["theirs"] and os.listdir(tmp_path) == ["1"]


def test_the_system_refuses_what_a_check_came_too_early_for(
    tmp_path, monkeypatch
):
    monkeypatch.setattr(artifacts, "_check_new", lambda _: None)
    test_a_folder_that_appears_meanwhile_is_kept(tmp_path)


TEMPORARY = """
import os, signal, sys
from ganad_tf import artifacts
with artifacts.temporary_directory() as folder:
    open(folder + "/a", "w").close()
    if sys.argv[1:]:
        os.kill(os.getpid(), signal.SIGKILL)
"""


def test_temporary_folders_are_removed_also_after_a_kill(tmp_path):
    for arguments, num_left in ((["kill"], 1), ([], 0)):
        subprocess.run(
            [sys.executable, "-c", TEMPORARY, *arguments],
            env={**os.environ, "TMPDIR": str(tmp_path)},
            check=False,
        )
        assert len(os.listdir(tmp_path)) == num_left


def test_a_folder_may_be_protected(tmp_path):
    with (
        pytest.raises(UserError, match="already exists"),
        artifacts.new_directory(str(tmp_path), replace=False),
    ):
        pass


def test_a_path_that_cannot_be_written_is_the_users_error(tmp_path):
    (tmp_path / "file").write_text("")
    path = str(tmp_path / "file" / "a.json")
    with pytest.raises(UserError, match="Cannot write .*a.json: "):
        artifacts.write_json(path, 1)
    with (
        pytest.raises(UserError, match="Cannot write"),
        artifacts.new_directory(path),
    ):
        pass


def test_an_error_of_the_block_stays_what_it_is(tmp_path):
    with (
        pytest.raises(FileNotFoundError),
        artifacts.new_directory(str(tmp_path / "model")),
    ):
        (tmp_path / "nowhere").read_text()


def test_a_file_of_something_else_is_the_users_error(tmp_path):
    path = str(tmp_path / "config.json")
    artifacts.write_json(path, {"method": "joint"})
    read = {"made_by": "train_gan.py", "keys": ["method", "width"]}
    with pytest.raises(UserError, match="has no entry width. Expected a file"):
        artifacts.read_json(path, **read)
