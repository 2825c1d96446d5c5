import pytest

from ganad_tf.benchmark import chain
from ganad_tf.benchmark import few_images
from ganad_tf.data.listing import list_images

RESULTS = {
    "num_train": 6,
    "num_calibration": 4,
    "auroc": {"anomaly_score": 0.9, "frechet_score": 0.8, "pca": 0.95},
    "alpha": 0.2,
    "overkill_rate": 0.25,
    "overkill_rate_ci95": [0.1, 0.5],
    "overkill_rate_expected95": [0.0, 0.6],
}


@pytest.fixture
def rows(mvtec_folder, tmp_path, monkeypatch):
    """Rows of 10 and 20 images; with 20, the chain ends with an error."""
    trained = {}

    def run_chain(data, folder, *, seed, settings):
        train = [f.name for f in list_images(data) if f.part == "train"]
        trained[folder] = set(train)
        if len(train) == 20:
            return chain.Outcome(None, "it failed", [])
        return chain.Outcome(RESULTS, None, ["Too few. Add some.", "Look."])

    monkeypatch.setattr(chain, "run_chain", run_chain)
    found = few_images.measure(
        [mvtec_folder], str(tmp_path / "runs"), numbers=(10, 20, 100), seed=0,
        settings={},
    )  # fmt: skip
    few, more = trained.values()
    assert few < more and (len(few), len(more)) == (10, 20)
    return found


def test_numbers_that_a_set_has_are_measured(rows):
    assert [row.num_images for row in rows] == [10, 20]


def test_the_table_says_what_is_promised_and_observed(rows):
    first, second = few_images.markdown(rows).splitlines()[2:]
    assert first.endswith(
        " | 10: 6, 4 | 0.900, 0.800 | 0.950 pca | 20.0 % | 25.0 % (10.0 to "
        "50.0) | 0.0 to 60.0 % | Too few; Look. |"
    )
    assert second.endswith(" | 20 | – | – | – | – | – | it failed |")
