import numpy as np
import pytest
import tensorflow as tf
from conftest import make_parts
from conftest import tiny_config
from conftest import write_images
from scipy.spatial.distance import euclidean
from tensorboard.backend.event_processing import event_accumulator

from ganad_tf.training import monitoring
from ganad_tf.training import training


def recorded(folder):
    found = event_accumulator.EventAccumulator(
        str(folder), size_guidance={"tensors": 0}
    )
    return found.Reload()


def names_of(events):
    return set(events.Tags()["tensors"])


@pytest.fixture
def paths(tmp_path):
    write_images(tmp_path / "images", make_parts(24, seed=0))
    return sorted(str(path) for path in (tmp_path / "images").iterdir())


def test_mean_pairwise_distance_is_the_mean_over_pairs():
    images = make_parts(4, seed=0)
    pairs = [
        euclidean(images[i].ravel(), images[j].ravel()) / 32.0
        for i in range(4)
        for j in range(i)
    ]
    assert monitoring.mean_pairwise_distance(images) == pytest.approx(
        np.mean(pairs), rel=1e-6
    )


def test_a_grid_shows_every_image_in_reading_order():
    images = np.stack(
        [np.full([4, 6, 1], value) for value in np.linspace(-1, 1, 5)]
    )
    grid = monitoring.image_grid(images, 3)
    assert grid.shape == (12, 24, 1)
    shown = grid[3::6, 4::8, 0].ravel()
    np.testing.assert_allclose(shown, [0.0, 0.25, 0.5, 0.75, 1.0, 1.0])


@pytest.mark.parametrize("method", training.METHODS)
def test_a_training_writes_numbers_pictures_histograms_and_text(
    paths, tmp_path, method
):
    training.train(
        tiny_config(method=method),
        paths[:16],
        str(tmp_path / "model"),
        calibration_paths=paths[16:],
        text="# settings",
        steps_per_epoch=2,
    )
    events = recorded(tmp_path / "model" / "logs" / "training")
    names = names_of(events)
    optional = {"losses/reconstruction_of_corrupted", "losses/latent"}
    optional |= {"losses/prior", "losses/denoising"}
    expected = set(monitoring.TAGS.values()) | {
        monitoring.HELD_OUT_TAG,
        monitoring.DENOISING_TAG,
        monitoring.DIVERSITY_TAG,
        "learning_rates/generator",
        "learning_rates/discriminator",
        "samples/real_left_generated_right",
        "held_out/real_reconstruction_residual",
        "latents/sampled",
    }
    if method == "paper":
        assert not names & optional
        expected -= optional
    assert expected <= names
    assert any(name.startswith("weights_of_generator/") for name in names)
    assert not any(name.startswith("other/") for name in names)
    steps = [event.step for event in events.Tensors("losses/generator")]
    assert steps == [2, 4]


def test_without_held_out_images_there_is_no_held_out_page(paths, tmp_path):
    training.train(tiny_config(), paths, str(tmp_path / "model"))
    events = recorded(tmp_path / "model" / "logs" / "training")
    assert not any(name.startswith("held_out") for name in names_of(events))


def test_the_held_out_loss_is_small_for_what_the_gan_knows(parts_detector):
    reconstruct = monitoring.make_reconstruct(parts_detector.gan)
    known = make_parts(70, seed=5)
    loss = monitoring.reconstruction_loss(reconstruct, known)
    assert loss == pytest.approx(
        np.mean(
            [
                monitoring.reconstruction_loss(reconstruct, known[i : i + 1])
                for i in range(len(known))
            ]
        ),
        rel=1e-3,
    )
    assert monitoring.reconstruction_loss(reconstruct, -known) > 2 * loss


def test_the_denoising_loss_is_zero_for_whoever_gives_back_the_clean_images():
    clean = make_parts(20, seed=5)
    given = []

    def reconstruct(seen):
        given.append(seen.numpy())
        return tf.constant(clean)

    assert monitoring.denoising_loss(reconstruct, clean) == 0.0
    changed = np.abs(given[0] - clean).max(axis=(1, 2, 3))
    assert (changed > 0.02).mean() > 0.8
    assert monitoring.denoising_loss(lambda seen: seen, clean) > 0.01
