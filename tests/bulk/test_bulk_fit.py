import os

import pytest
from equal_detectors import assert_equal_detectors
from equal_detectors import copied

pytest.importorskip("apache_beam")

from ganad_tf.bulk import bulk_fit
from ganad_tf.bulk import runners
from ganad_tf.detector import fitting
from ganad_tf.errors import UserError

HERE = ["--runner=BundleBasedDirectRunner"]


def test_shards_give_the_detector_of_the_whole_though_some_fail(
    chain, product, tmp_path, monkeypatch
):
    model, failed = copied(chain[0], tmp_path / "model"), []
    accumulate = fitting.accumulate

    def fail_thrice(*arguments, first_image):
        sums = accumulate(*arguments, first_image=first_image)
        if len(failed) < 3 and first_image not in failed:
            failed.append(first_image)
            raise OSError("the worker is lost")
        return sums

    monkeypatch.setattr(fitting, "accumulate", fail_thrice)
    bulk_fit.fit_in_bulk(
        product, model, runners.runner_options(HERE), alpha=0.1
    )
    assert len(failed) == 3
    assert not [n for n in os.listdir(model) if n.startswith("fitting")]
    assert_equal_detectors(chain[0], model)


def test_too_few_calibration_images_are_refused_before_the_work(
    chain, product, monkeypatch
):
    monkeypatch.setattr(runners, "run", None)  # is not called
    with pytest.raises(UserError, match="Too few calibration images"):
        bulk_fit.fit_in_bulk(
            product, chain[0], runners.runner_options(HERE), alpha=0.01
        )
