from ganad_tf.serving.version_numbers import next_version


def test_versions_count_up(tmp_path):
    assert next_version(str(tmp_path / "nothing")) == 1
    for name in ("7", "11", "notes"):
        (tmp_path / name).mkdir()
    assert next_version(str(tmp_path)) == 12
