import numpy as np
import pytest
from PIL import Image
from test_baselines import NAMES

from ganad_tf.data.listing import ImageFile
from ganad_tf.evaluation import baseline_scores
from ganad_tf.evaluation import baselines
from ganad_tf.evaluation.baseline_scores import BaselineScorer


@pytest.fixture(scope="module")
def scored(assessor):
    split = assessor.split
    scorer = BaselineScorer(split.train, channels=1, seed=0)
    return scorer.scores(split.calibration, split.test)


def test_every_baseline_scores_every_set(scored, assessor):
    split = assessor.split
    assert list(scored) == NAMES
    for calibration, test in scored.values():
        assert len(calibration) == len(split.calibration)
        assert len(test) == len(split.test)


def test_scores_are_those_of_a_baseline_in_memory(scored, assessor):
    split = assessor.split
    methods = baselines.make_baselines(num_images=len(split.train), seed=0)
    energy = methods["laplacian_energy"].fit(assessor.load(split.train))
    np.testing.assert_allclose(
        scored["laplacian_energy"][1],
        energy.anomaly_scores(assessor.load(split.test)),
        rtol=1e-4,
    )


def test_images_at_native_resolution_are_bounded(assessor, monkeypatch):
    monkeypatch.setattr(baseline_scores, "MAX_NATIVE_SIZE", 20)
    loaded = []
    load_images = baseline_scores.image_tensors.load_images

    def recording(paths, **arguments):
        loaded.append((len(paths), arguments["image_size"]))
        return load_images(paths, **arguments)

    monkeypatch.setattr(baseline_scores.image_tensors, "load_images", recording)
    monkeypatch.setattr(baseline_scores, "MAX_NATIVE_IMAGES", 9)
    train = assessor.split.train
    scorer = BaselineScorer(train, channels=1, seed=0)
    scorer.scores(assessor.split.test[:2])
    assert loaded == [(45, (32, 32)), (9, (20, 20))]
    assert baseline_scores.num_fitted(45)["laplacian_energy"] == 9


def test_a_sample_is_drawn_at_random_by_the_seed(assessor, monkeypatch):
    loaded = []

    def recording(paths, **_):
        loaded.append(paths)
        return np.zeros([len(paths), 4, 4, 1], np.float32)

    monkeypatch.setattr(baseline_scores.image_tensors, "load_images", recording)
    train = assessor.split.train
    for seed in (0, 0, 1):
        BaselineScorer(train, channels=1, seed=seed)._fit({}, 4, 9)
    first, again, other = loaded
    names = [file.path for file in train]
    assert first == again != other
    assert first != names[:9] and set(first) < set(names)
    BaselineScorer(train, channels=1, seed=0)._fit({}, 4, len(train))
    assert loaded[-1] == names


def test_native_images_keep_their_aspect(tmp_path):
    path = str(tmp_path / "image.png")
    Image.new("L", (2048, 512)).save(path)
    file = ImageFile(path, "image.png", 0, "good", "pool")
    scorer = BaselineScorer([file], channels=1, seed=0)
    assert scorer._native_size() == (256, 1024)


@pytest.mark.parametrize(
    ("size", "reduced"),
    [((32, 40), (32, 40)), ((64, 500), (64, 500)), ((300, 200), (96, 64))],
)
def test_images_are_reduced_at_their_own_aspect(tmp_path, size, reduced):
    path = str(tmp_path / "image.png")
    Image.new("L", size[::-1]).save(path)
    assert baseline_scores.reduced_size([path]) == reduced
