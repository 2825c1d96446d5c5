import numpy as np
import pytest
from conftest import make_parts
from conftest import tiny_config
from conftest import write_images
from scipy.spatial.distance import euclidean
from tensorboard.backend.event_processing import event_accumulator

from ganad_tf.recipes import METHODS
from ganad_tf.training import loop
from ganad_tf.training import monitoring
from ganad_tf.training.sample_images import SampleImages


def recorded(folder):
    events = event_accumulator.EventAccumulator(
        str(folder), size_guidance={"tensors": 0}
    )
    return events.Reload()


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


@pytest.mark.parametrize("method", METHODS)
def test_a_training_run_writes_numbers_pictures_histograms_and_text(
    paths, tmp_path, method
):
    loop.train(
        tiny_config(method=method),
        SampleImages(paths[:16]),
        str(tmp_path / "model"),
        held_out_images=SampleImages(paths[16:]),
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
    loop.train(
        tiny_config(),
        SampleImages(paths),
        str(tmp_path / "model"),
        held_out_images=SampleImages([]),
    )
    events = recorded(tmp_path / "model" / "logs" / "training")
    assert not any(name.startswith("held_out") for name in names_of(events))
