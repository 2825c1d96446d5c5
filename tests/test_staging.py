import os
import uuid

import pytest

from ganad_tf import artifacts
from ganad_tf import remote
from ganad_tf import staging
from ganad_tf.errors import UserError


@pytest.fixture
def address():
    return f"ram://{uuid.uuid4().hex}/model"


def content(address, name):
    with remote.open_file(remote.join(address, name)) as file:
        return file.read()


def write_model(address, text):
    """A folder that appears as a whole, of two files."""
    with (
        staging.local_folder(address) as folder,
        artifacts.new_directory(os.path.join(folder, "1")) as part,
    ):
        artifacts.write_text(os.path.join(part, "a.npz"), text)
        artifacts.write_text(os.path.join(part, "saved_model.pb"), text)


def test_a_local_folder_is_taken_as_it_is(tmp_path):
    with staging.local_folder(str(tmp_path)) as folder:
        assert folder == str(tmp_path)
    with staging.local_file(str(tmp_path / "a.csv")) as path:
        assert path == str(tmp_path / "a.csv")


def test_a_file_is_uploaded_when_it_is_complete_and_the_rest_at_the_end(
    address,
):
    remote.write_file(remote.join(address, "old.json"), b"1")
    remote.write_file(remote.join(address, "gone.json"), b"1")
    with staging.local_folder(address) as folder:
        assert sorted(os.listdir(folder)) == ["gone.json", "old.json"]
        artifacts.write_json(os.path.join(folder, "sub", "new.json"), 2)
        assert content(address, "sub/new.json") == b"2\n"
        with open(os.path.join(folder, "log"), "w") as file:
            file.write("line")
        os.remove(os.path.join(folder, "gone.json"))
        assert "log" not in remote.list_dir(address)
    assert content(address, "log") == b"line"
    assert sorted(remote.list_dir(address)) == ["log", "old.json", "sub"]
    assert not os.path.exists(folder)


def test_after_an_error_only_what_was_complete_is_there(address):
    with pytest.raises(UserError), staging.local_folder(address) as folder:
        artifacts.write_json(os.path.join(folder, "a.json"), 1)
        with open(os.path.join(folder, "log"), "w") as file:
            file.write("line")
        raise UserError("stopped")
    assert remote.list_dir(address) == ["a.json"]


def test_a_whole_folder_ends_with_its_marker(address, monkeypatch):
    written = []
    write_file = remote.write_file

    def record(path, data):
        written.append(os.path.basename(path))
        write_file(path, data)

    monkeypatch.setattr(remote, "write_file", record)
    write_model(address, "one")
    assert written == ["a.npz", "saved_model.pb", staging.MARKER]
    with staging.local_folder(address) as folder:
        names = os.listdir(os.path.join(folder, "1"))
        assert sorted(names) == ["a.npz", "saved_model.pb"]
    assert len(written) == 3  # nothing has changed


@pytest.mark.parametrize("num_files", [0, 1, 2])
def test_a_folder_replaced_in_part_is_not_read(address, monkeypatch, num_files):
    write_model(address, "one")
    write_file, done = remote.write_file, []

    def killed(path, data):
        if len(done) == num_files:
            raise KeyboardInterrupt
        done.append(path)
        write_file(path, data)

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(remote, "write_file", killed)
        write_model(address, "two")
    with staging.local_folder(address) as folder:
        assert os.listdir(folder) == ([] if num_files else ["1"])
    write_model(address, "three")
    with staging.local_folder(address) as folder:
        assert os.listdir(folder) == ["1"]
    assert content(address, "1/a.npz") == b"three"


def test_a_replaced_folder_has_no_file_of_the_old_one(address):
    write_model(address, "one")
    with staging.local_folder(address) as folder:
        path = os.path.join(folder, "1")
        with artifacts.new_directory(path) as part:
            artifacts.write_text(os.path.join(part, "b.npz"), "two")
    found = remote.list_dir(remote.join(address, "1"))
    assert sorted(found) == ["b.npz", staging.MARKER]


def test_names_are_enough_to_number_versions(address):
    write_model(address, "one")
    with staging.local_folder(address, names_only=True) as folder:
        assert os.listdir(folder) == ["1"]
        assert not os.listdir(os.path.join(folder, "1"))
    assert content(address, "1/a.npz") == b"one"


def test_another_host_uploads_nothing(address):
    with staging.local_folder(address) as folder:
        staging.keep_to_itself(folder)
        artifacts.write_json(os.path.join(folder, "a.json"), 1)
    assert not remote.list_dir(address)


def test_arguments_become_local_folders(address, tmp_path):
    @staging.staged("model_dir")
    def write(text, model_dir, *, name="a.txt"):
        artifacts.write_text(os.path.join(model_dir, name), text)
        return model_dir

    assert os.path.basename(write("one", address)) == "model"
    assert content(address, "a.txt") == b"one"
    assert write("one", model_dir=str(tmp_path), name="b") == str(tmp_path)
    assert (tmp_path / "b").read_text() == "one"


def test_a_file_is_uploaded_at_the_end_and_found_again_before(address):
    path = remote.join(address, "scores.csv")
    with pytest.raises(KeyboardInterrupt), staging.local_file(path) as file:
        artifacts.write_text(f"{file}.part", "half")
        raise KeyboardInterrupt
    assert not remote.is_file(path)
    with staging.local_file(path) as file:
        with open(f"{file}.part") as part:
            assert part.read() == "half"
        artifacts.write_text(file, "whole")
    assert content(address, "scores.csv") == b"whole"
    assert not os.path.exists(os.path.dirname(file))
