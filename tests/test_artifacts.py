import os

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
