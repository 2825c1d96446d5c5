import pytest

from ganad_tf.data import marks
from ganad_tf.data.listing import ImageFile
from ganad_tf.errors import UserError

FILE = ImageFile("data/a/b, c.png", "a/b, c.png", 0, "good", "pool")


def read(tmp_path, text):
    path = tmp_path / "marks"
    path.write_text(text)
    return marks.read_marks(str(path))


def test_a_plain_list_says_what_is_not_good(tmp_path):
    text = "# looked at on Monday\na/b, c.png\n\nd.png\n"
    assert read(tmp_path, text) == {
        "a/b, c.png": marks.MISSED,
        "d.png": marks.MISSED,
    }


def test_a_table_says_both(tmp_path):
    found = read(tmp_path, 'path,mark\n"a/b, c.png",good\nd.png,missed\n')
    assert found == {"a/b, c.png": "good", "d.png": "missed"}


def test_another_mark_is_an_error(tmp_path):
    with pytest.raises(UserError, match="no mark.*d.png,perhaps"):
        read(tmp_path, "path,mark\nd.png,perhaps\n")
    with pytest.raises(UserError, match="Cannot read"):
        marks.read_marks(str(tmp_path / "none"))


@pytest.mark.parametrize("path", ["a/b, c.png", "data/a/b, c.png"])
def test_files_are_found_by_name_and_by_path(path):
    assert marks.marked_files([FILE], {path: "good"}) == {FILE: "good"}


def test_a_mark_of_no_file_is_an_error():
    with pytest.raises(UserError, match="1 marked.*first is x.png"):
        marks.marked_files([FILE], {"x.png": "good"})
