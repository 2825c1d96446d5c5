import pytest

from ganad_tf.paper import words as paper_words
from ganad_tf.paper.measures import SetDistance


def row(name, ratio, *, auroc=1.0, low=None):
    distance = (10.0 * ratio, 9.0, 11.0)
    ends = (ratio, ratio if low is None else low, ratio)
    return SetDistance(name, 60, distance, (10.0, 9.0, 11.0), ends, auroc)


def words(*types, by="detector"):
    measured = [row("generated", 2.0), *types]
    return paper_words.distances(measured, 5.0, by=by)


def test_far_types_agree_and_near_ones_get_their_reason():
    assert "Every defect type" in words(row("crack", 9.0))
    near = words(row("crack", 9.0), row("knot", 2.0, auroc=0.7))
    assert "Every" not in near
    assert "knot lies only 2.00 times as far: single images over" in near
    assert "each by little" in words(row("knot", 2.0))
    assert "smoother" in words(row("worn", 2.0, auroc=0.1))
    assert "For knot the interval" in words(row("knot", 9.0, low=3.0))


def test_the_papers_descent_has_its_own_reason():
    near = row("knot", 2.0)
    ours, paper = (words(near, by=by) for by in ("a", "paper"))
    assert paper.startswith(ours)
    assert "not whitened" in paper.removeprefix(ours)


@pytest.mark.parametrize(
    ("shares", "mixed", "expected"),
    [
        ((0.5, 0.5), (True, True), "pass for real"),
        ((0.0, 1.0), (True, False), "in the middle"),
        ((1.0, 1.0), (False, False), "can be told apart"),
    ],
)
def test_neighbours_are_read_by_kind(shares, mixed, expected):
    measured = paper_words.neighbours(shares, (0.5, 0.5), [0.4, 0.6], mixed)
    assert (
        expected in measured and f"{50 * sum(shares):.1f} % of all" in measured
    )


def test_a_smoother_defect_is_told_to_be_no_residual():
    losses = {"held-out": (0.2, 0.1), "worn": (0.3, 0.05), "dent": (0.4, 0.2)}
    measured = paper_words.reconstructions(losses, "held-out")
    assert "worn is reconstructed better" in measured
    assert "dent is" not in measured and "dent: 0.400 (2.00 times)" in measured
