import pytest

from ganad_tf.data import dataset
from ganad_tf.data import exclusion
from ganad_tf.data.listing import ImageFile
from ganad_tf.errors import UserError

FILES = [
    ImageFile(f"data/{name}.png", f"{name}.png", 0, "good", "pool")
    for name in "abc"
]


@pytest.fixture
def listed(tmp_path):
    path = tmp_path / "exclude.csv"
    path.write_text("path,mark\nb.png,missed\nc.png,good\n")
    return str(path)


def test_listed_images_get_no_role(listed):
    kept, excluded = exclusion.without_excluded(FILES, listed)
    assert kept == [FILES[0], FILES[2]]
    assert [file.name for file in excluded] == ["b.png"]
    assert excluded[0].status == "excluded by --exclude"
    assert exclusion.without_excluded(FILES, None) == (FILES, [])


def test_a_model_that_has_seen_one_is_an_error(listed):
    split = dataset.Split(tuple(FILES), *[()] * 5)
    with pytest.raises(UserError, match="seen 1 images.*such as b.png"):
        exclusion.check_excluded(split, listed, "model")
    _, excluded = exclusion.without_excluded(FILES, listed)
    clean = split._replace(train=(FILES[0], FILES[2]), unused=tuple(excluded))
    exclusion.check_excluded(clean, listed, "model")
    exclusion.check_excluded(split, None, "model")
