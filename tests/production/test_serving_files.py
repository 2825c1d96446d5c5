import re

import pytest

from ganad_tf.errors import UserError
from ganad_tf.production import serving_files


def test_all_models_with_a_version_are_served(tmp_path):
    for name in ("bottle/1", "cell.v2/12", "notes/old"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "readme.txt").write_text("")
    folder = str(tmp_path)
    assert serving_files.write_serving_files(folder) == ["bottle", "cell.v2"]
    config = (tmp_path / "models.config").read_text()
    assert re.findall(r'base_path: "(.*)"', config) == [
        *("/models/bottle", "/models/cell.v2"),
    ]
    assert config.count("{") == config.count("}") == 1 + 3 * 2
    compose = (tmp_path / "docker-compose.yml").read_text()
    for name in ("models.config", "monitoring.config"):
        assert f"/models/{name}" in compose and (tmp_path / name).exists()


@pytest.mark.parametrize("name", ["two words", "a/b", '"x"', "1st", "größe"])
def test_other_names_are_errors(name):
    with pytest.raises(UserError, match="cannot be a model's name"):
        serving_files.models_config([name])
