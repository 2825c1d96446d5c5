import numpy as np
import pytest
from conftest import TILED
from conftest import fitted_detector
from conftest import make_textures
from conftest import write_images

from ganad_tf.data.dataset import ImageFile
from ganad_tf.data.dataset import Split
from ganad_tf.evaluation.assessment import Assessor
from ganad_tf.paper.samples import Sampler

TEXTURES = make_textures(5, seed=3)
# Within the tile in the middle of the last row.
TEXTURES[:, 16:, 8:24] = np.clip(3.0 * TEXTURES[:, 16:, 8:24], -1.0, 1.0)


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("textures")
    write_images(folder, TEXTURES)
    return [
        ImageFile(str(path), path.name, 0, "good", "good")
        for path in sorted(folder.iterdir())
    ]


def sampler_of(detector):
    empty = {name: () for name in Split._fields}
    return Sampler(Assessor(detector, Split(**empty), seed=0))


@pytest.fixture(scope="module")
def tiled():
    return sampler_of(fitted_detector(make_textures, **TILED))


def test_the_most_unusual_tile_lies_farthest_from_the_reference(tiled, files):
    central, unusual = tiled.samples(files)
    assert central.corners.tolist() == [[8, 8]] * 5
    for image, corner in zip(
        tiled.assessor.load(files), unusual.corners, strict=True
    ):
        latents = tiled.detector.reference_latents(image[None]).numpy()
        scores = tiled.detector.latent_gaussian_.frechet_scores(latents)
        assert (8 * np.array(divmod(scores.argmax(), 3)) == corner).all()
    for samples in (central, unusual):
        assert samples.images.shape == (5, 16, 16, 1)
        assert len(samples.descriptors) == 5
        row, column = samples.corners[4]
        np.testing.assert_allclose(
            samples.images[4],
            TEXTURES[4, row : row + 16, column : column + 16],
            atol=0.005,
        )
    np.testing.assert_array_equal(tiled.central(files), central.images)


def test_whole_images_are_their_own_samples(parts_detector, files):
    central, unusual = sampler_of(parts_detector).samples(files)
    np.testing.assert_allclose(unusual.images, TEXTURES, atol=0.005)
    np.testing.assert_array_equal(central.descriptors, unusual.descriptors)
    assert not unusual.corners.any()


def test_more_steps_of_descent_reconstruct_better(tiled, files):
    images = tiled.central(files)
    losses = {
        by: tiled.invert(images, "the", by=by).losses.mean()
        for by in ("paper", "detector", "optimised")
    }
    assert losses["optimised"] < losses["detector"]
