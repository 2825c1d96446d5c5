import copy

import pytest
from conftest import tiny_config

from ganad_tf.data.dataset import Split
from ganad_tf.data.listing import ImageFile
from ganad_tf.errors import UserError
from ganad_tf.evaluation import corrected_labels
from ganad_tf.evaluation import evaluate


def split_of(**roles):
    """A split of images "role/number.png"."""
    files = {
        role: tuple(
            ImageFile(f"d/{role}/{n}.png", f"{role}/{n}.png", *kind)
            for n in range(2)
        )
        for role, kind in {
            "train": (0, "good", "pool"),
            "test_qualified": (0, "good", "test"),
            "test_defective": (1, "scratch", "test"),
        }.items()
    }
    rest = dict.fromkeys(Split._fields, ())
    return Split(**{**rest, **files, **roles})


def corrected(tmp_path, *lines):
    path = tmp_path / "marks.csv"
    path.write_text("\n".join(["path,mark", *lines, ""]))
    return corrected_labels.correct_labels(split_of(), str(path))


def test_marked_test_images_change_their_label(tmp_path):
    split, facts = corrected(
        tmp_path, "test_defective/0.png,good", "test_qualified/1.png,missed"
    )
    assert [(f.name, f.label) for f in split.test] == [
        ("test_qualified/0.png", 0),
        ("test_defective/0.png", 0),
        ("test_defective/1.png", 1),
        ("test_qualified/1.png", 1),
    ]
    types = [file.defect_type for file in split.test]
    assert types == ["good", "good", "scratch", "missed"]
    assert facts == {
        "num_changed": 2,
        "good": ["test_defective/0.png"],
        "missed": ["test_qualified/1.png"],
        "not_tested": [],
    }


def test_a_mark_that_says_what_is_known_changes_nothing(tmp_path):
    split, facts = corrected(
        tmp_path, "test_defective/0.png,missed", "test_qualified/1.png,good"
    )
    assert split == split_of() and facts["num_changed"] == 0


def test_marks_of_other_roles_are_reported_and_change_nothing(tmp_path):
    split, facts = corrected(tmp_path, "train/1.png,missed")
    assert split == split_of()
    assert facts["not_tested"] == ["train/1.png"]


def test_a_mark_of_no_image_is_an_error(tmp_path):
    with pytest.raises(UserError, match="1 marked.*first is none.png"):
        corrected(tmp_path, "none.png,good")


def test_without_marks_nothing_is_said():
    split = split_of()
    assert corrected_labels.correct_labels(split, None) == (split, None)


def test_labels_are_corrected_before_the_figures(
    assessor, tmp_path, monkeypatch
):
    assessor = copy.copy(assessor)
    marks = tmp_path / "marks.csv"
    marks.write_text("path,mark\ntest/scratch/part000.png,good\n")
    tiny_config().save(str(tmp_path))
    monkeypatch.setattr(evaluate, "open_assessor", lambda *_, **__: assessor)
    seen = []

    def assess(**_):
        seen.extend(assessor.split.test)
        raise UserError("judged")

    assessor.assess = assess
    with pytest.raises(UserError, match="judged"):
        evaluate.evaluate_detector(
            "x", str(tmp_path), str(tmp_path / "report"), marks_path=str(marks)
        )
    assert [file.label for file in seen] == [0] * 9 + [1] * 7
