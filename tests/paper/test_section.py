import pytest

from ganad_tf.paper.section import agreement


@pytest.mark.parametrize(
    ("agreeing", "total", "expected"),
    [
        (3, 3, "agrees"),
        (0, 0, "agrees"),  # nothing to disagree with
        (1, 3, "agrees in part"),
        (0, 3, "does not agree"),
    ],
)
def test_findings_are_counted(agreeing, total, expected):
    assert agreement(agreeing, total) == expected
