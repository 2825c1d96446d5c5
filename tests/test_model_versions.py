import pytest

from ganad_tf.model_versions import is_version
from ganad_tf.model_versions import next_version
from ganad_tf.production import serving_files
from ganad_tf.serving import saved_model


@pytest.mark.parametrize("name", ["1", "007", "20260101"])
def test_integers_are_versions(name):
    assert is_version(name) and int(name) > 0


@pytest.mark.parametrize("name", ["", "²", "1²", "٣", "-1", "1.0", " 1", "v1"])
def test_other_names_are_none(name):
    assert not is_version(name)


def test_versions_count_up(tmp_path):
    assert next_version(str(tmp_path / "nothing")) == 1
    for name in ("7", "11", "notes"):
        (tmp_path / name).mkdir()
    assert next_version(str(tmp_path)) == 12


def test_folders_beside_the_versions_are_left_alone(tmp_path):
    for name in ("2", "²", "٣", "notes"):
        (tmp_path / "parts" / name).mkdir(parents=True)
        (tmp_path / "parts" / name / "saved_model.pb").touch()
    (tmp_path / "other" / "³").mkdir(parents=True)
    parts = str(tmp_path / "parts")
    assert next_version(parts) == 3
    assert saved_model.newest_version(parts) == f"{parts}/2"
    assert serving_files.served_models(str(tmp_path)) == ["parts"]
