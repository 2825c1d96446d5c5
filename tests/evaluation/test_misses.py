import pytest

from ganad_tf.evaluation import misses

ORDINARY = {"frechet_score": 0.4, "reconstruction_error": 0.3}


def miss(shares=ORDINARY, *, p_value=0.5, num_regions=0):
    return misses.Miss("a.png", "dent", 0.5, p_value, shares, num_regions)


@pytest.mark.parametrize(
    ("missed", "expected"),
    [
        (miss(), "alike"),
        (miss(p_value=0.09), "close"),
        (miss({**ORDINARY, "frechet_score": 0.01}), "part"),
        (miss({"frechet_score": 0.01}, p_value=0.06), "close"),
        (miss({"frechet_score": 0.01}, p_value=0.3), "part"),
    ],
)
def test_each_miss_has_its_reason(missed, expected):
    assert misses.reason(missed, alpha=0.05) == expected


def test_the_reason_is_told_in_words_with_its_numbers():
    words = misses.why(miss(), alpha=0.05)
    assert "40 % have a larger Fréchet distance" in words
    assert "30 % have a larger residual" in words
    assert "below its threshold everywhere" in words
    assert "contour" in misses.why(miss(num_regions=2), alpha=0.05)


def test_misses_are_the_defective_below_the_threshold_lowest_first():
    labels, scores = [1, 0, 1, 1, 0], [0.9, 0.1, 0.2, 1.0, 3.0]
    assert misses.missed_rows(labels, scores, 1.0) == [2, 0]
    shares = misses.larger_shares(0, labels, {"frechet_score": scores})
    assert shares == {"frechet_score": 0.5}
